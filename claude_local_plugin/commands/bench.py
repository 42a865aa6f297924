"""Measure a server under an agent's load, compare with an earlier run, and write what follows into the settings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claude_local_plugin import bench, paths
from claude_local_plugin.bench import report as reports
from claude_local_plugin.bench.compare import OtherWorkloadError
from claude_local_plugin.bench.measure import Progress, Target
from claude_local_plugin.client_config.choose_server import same_server
from claude_local_plugin.client_config.destination import SettingsFile
from claude_local_plugin.client_config.model import Line
from claude_local_plugin.commands import measured_here
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.commands.server_in_use import InUse
from claude_local_plugin.config import ABSENT
from claude_local_plugin.config.profile_rules import KEY_OF_VARIABLE
from claude_local_plugin.core.files import content
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.core.shell import Words, command, into
from claude_local_plugin.errors import BackendError, SettingsError, UsageError
from claude_local_plugin.launch import guardkit
from claude_local_plugin.precedence import Scope, settings_file_to_write
from claude_local_plugin.profiles import all_of, remembered
from claude_local_plugin.profiles.store import Store
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.document import Append, DocumentError, Set
from claude_local_plugin.settings.ownership import BENCH
from claude_local_plugin.world import World

#: The prompt's length in tokens where nobody asked for another: about Claude Code's own first prompt (11,607 to
#: 12,883 tokens under a name of your own, observed on 2.1.329).
PROMPT_TOKENS = 12_000
#: What a record remembers under which `--apply` wrote into the profile, and what stood there before.
IN_PROFILE = "bench_profile"
#: What to do where the settings file is none.
FIX_FIRST = f"fix the file first: {command('claude-local', 'doctor', 'files')}"
#: No more than this share of the window is used by that prompt.
SHARE_OF_WINDOW = 1 / 3


def workload(
    used: InUse, *, concurrency: Sequence[int], prompt_tokens: int | None, turns: int, answer_tokens: int
) -> bench.Workload:
    """The work to send: as asked, the prompt by default no longer than a third of the window."""
    most = int(used.window * SHARE_OF_WINDOW) if used.window else PROMPT_TOKENS
    tokens = min(PROMPT_TOKENS, most) if prompt_tokens is None else prompt_tokens
    return bench.Workload(tokens, turns, answer_tokens, tuple(dict.fromkeys(concurrency)))


def run(
    used: InUse, work: bench.Workload, state_dir: Path, *, progress: Progress | None, time_limit: float
) -> dict[str, Any]:
    """Measure, and measure ourselves; the report of `claude-local bench --json` (schemas/bench.schema.json).

    What `eval` has measured of whole tasks on this server goes into its advice.

    Raises BackendError when the server does not answer at all.
    """
    target = Target(used.url, used.model, used.token, used.server.kind, used.server.version, used.window, used.headers)
    overhead = bench.own_overhead(work)
    try:
        measured = bench.measure(target, work, progress=progress, time_limit=time_limit)
    except BackendError as error:
        raise BackendError(error.message, error.hint or f"{used.doctor()} says what is the matter") from error
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    report = reports.report(measured, bench.advise(measured), overhead, at=at)
    report["advice"]["task"] = _task(used, state_dir)
    return report


def _task(used: InUse, state_dir: Path) -> dict[str, Any] | None:
    """How long a task takes, and what its time-outs are to be multiplied by; None where `eval` has measured nothing."""
    label = measured_here.server_label(used.server.kind, used.server.version)
    found = measured_here.best(measured_here.of_server(state_dir, used.url, used.model, server=label))
    if found is None or (seconds := found.seconds_a_turn) is None:
        return None
    return {
        "turns": found.turns,
        "seconds": found.seconds,
        "seconds_a_turn": round(seconds, 3),
        "guardkit_multiplier": float(guardkit.multiplier(seconds)),
        "because": guardkit.because(seconds),
        "measured": found.to_json(),
    }


def earlier(path: Path, asked: Sequence[str] = ()) -> dict[str, Any]:
    """A report that `bench --json` printed before. Raises UsageError if the file is none.

    `asked` are the options that say which server is measured.
    """
    try:
        found = json.loads(content(path).decode("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no report of claude-local bench", _makes_one(asked)) from error
    if not isinstance(found, dict):
        raise UsageError(f"{path} is no report of claude-local bench", _makes_one(asked))
    return found


def _makes_one(asked: Sequence[str]) -> str:
    return f"{into(Words('FILE'), command('claude-local', 'bench', '--json', *asked))} makes one"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The edit that writes the advice into this folder's local settings."""

    settings_file: Path
    #: The profile that this folder is enabled with, and what goes there: its keys with the values they get.
    profile: str | None
    measured: Mapping[str, int]
    changes: tuple[Set | Append, ...] = field(repr=False)
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after or bool(self.measured)

    def diff(self) -> str:
        """The unified diff of what would be written, with secrets masked."""
        return masked_diff(self.before, self.after, self.settings_file)


def prepare(report: dict[str, Any], used: InUse, world: World) -> Prepared:
    """Plan writing the report's advice; writes nothing.

    Raises UsageError where this folder's sessions do not go to the measured server or nothing follows from the report,
    SettingsError where the settings file cannot be edited.
    """
    if not used.of_folder:
        key = ("--token-env", used.token_env) if used.token_env else ()
        raise UsageError(
            f"sessions in this folder do not go to {used.url}, so its figures do not belong into their settings",
            f"{command('claude-local', 'enable', '--url', used.url, *key)} first",
        )
    settings = report["advice"]["settings"]
    if not settings:
        raise UsageError("nothing to write follows from this run", "see what it says was spoiled")
    path = _local_settings(world)
    measured = [Line(("env", setting["name"]), setting["value"], setting["reason"]) for setting in settings]
    changes = SettingsFile(Scope.LOCAL).changes(measured)
    before = file.read(path)
    record = ownership.load(path, world.state_dir)
    try:
        after = ownership.preview(before, {BENCH: changes}, record).after
    except DocumentError as error:
        raise SettingsError(f"{path}: {error}", FIX_FIRST) from error
    profile, keys = _for_profile(remembered.in_record(record), used.url, settings, world)
    return Prepared(path, profile, keys, changes, before, after)


def _store(world: World) -> Store:
    return Store(paths.config_dir(world.environ) / CONFIG_FILE, world.state_dir / "locks", world.environ)


def _for_profile(
    name: str | None, url: str, settings: Sequence[Mapping[str, Any]], world: World
) -> tuple[str | None, dict[str, int]]:
    """The profile of one's own that the measured server is enabled with, and which of its keys get another value."""
    profile = all_of(_store(world).load()).get(name or "")
    if profile is None or not same_server(profile.url, url):
        return None, {}
    found = {KEY_OF_VARIABLE.get(each["name"]): int(each["value"]) for each in settings}
    measured = {key: value for key, value in found.items() if key is not None and profile.said.get(key) != value}
    return profile.name, measured


def write(prepared: Prepared, world: World) -> bool:
    """Carry the plan out; whether the file was changed. Raises SettingsError; then it is as it was."""
    extras = {}
    store = _store(world)
    if prepared.profile is not None and prepared.measured:
        held = all_of(store.load())[prepared.profile].said
        note = {"profile": prepared.profile, "wrote": dict(prepared.measured)}
        extras[IN_PROFILE] = json.dumps({**note, "before": {key: held.get(key) for key in prepared.measured}})
        store.change({(prepared.profile, key): value for key, value in prepared.measured.items()})
    wanted = {BENCH: prepared.changes}
    done = ownership.apply(prepared.settings_file, wanted, state_dir=world.state_dir, extras=extras)
    return done.changed or bool(extras)


def reverted(world: World) -> dict[Path, str | None]:
    """The settings file with the text that `revert` would leave; empty where nothing is on record. Writes nothing."""
    path = _local_settings(world)
    record = ownership.load(path, world.state_dir)
    if record is None or not record.layer(BENCH):
        return {}
    try:
        return {path: ownership.preview(file.read(path), {BENCH: ()}, record).after}
    except DocumentError as error:
        raise SettingsError(f"{path}: {error}", FIX_FIRST) from error


def revert(world: World) -> ownership.Reverted:
    """Take back what `--apply` wrote into this folder's local settings, and nothing else. Raises SettingsError."""
    path = _local_settings(world)
    record = ownership.load(path, world.state_dir)
    if record is not None and record.layer(BENCH) and (note := record.extras.get(IN_PROFILE)):
        _taken_out_of_profile(json.loads(note), _store(world))
    return ownership.revert(path, state_dir=world.state_dir, purposes=(BENCH,))


def _taken_out_of_profile(note: Mapping[str, Any], store: Store) -> None:
    """Give the profile back what it said before; what was changed since stays."""
    name = str(note["profile"])
    profile = all_of(store.load()).get(name)
    said = profile.said if profile else {}
    ours = [key for key, value in note["wrote"].items() if said.get(key) == value]
    before = note["before"]
    store.change({(name, key): ABSENT if before[key] is None else before[key] for key in ours})


def _local_settings(world: World) -> Path:
    return settings_file_to_write(
        Scope.LOCAL, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
    )


def compared(old: dict[str, Any], new: dict[str, Any], asked: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What has changed since an earlier report, as it goes into the new one's `compared`.

    Raises UsageError where the two cannot be compared; `asked` are the options that say which server was measured.
    """
    try:
        changes = bench.compare(old, new)
    except OtherWorkloadError as error:
        same = command("claude-local", "bench", *asked, *error.options)
        raise UsageError(error.message, f"{same} measures the same") from error
    return [
        {
            "label": change.label,
            "unit": change.unit,
            "old": change.old,
            "new": change.new,
            "ratio": None if change.ratio is None else round(change.ratio, 6),
            "better": change.better,
        }
        for change in changes
    ]
