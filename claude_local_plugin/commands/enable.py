"""Point a folder's Claude Code at a model server: choose it, plan the edits, write them, read them back."""

import difflib
import json
import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_local_plugin import git, paths
from claude_local_plugin.checks import Finding
from claude_local_plugin.client_config import budget, build, hand_edits
from claude_local_plugin.client_config import warnings as config_warnings
from claude_local_plugin.client_config.choose_server import Choice, Choose, Known, Request, choose_server, same_server
from claude_local_plugin.client_config.destination import SettingsFile
from claude_local_plugin.client_config.effect import has_effect
from claude_local_plugin.client_config.model import Backend, Line, Preferences
from claude_local_plugin.commands import first_run
from claude_local_plugin.commands.effect import explained, refuse_without_effect, unheard
from claude_local_plugin.commands.explain_precedence import sentence
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.commands.measured_here import best, of_server, server_label
from claude_local_plugin.core import config
from claude_local_plugin.core.claude import is_secret_header
from claude_local_plugin.core.config_rules import PROFILE_OPTIONS
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.profile_names import REPOSITORY_FILE, profile_urls
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import BackendError, ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.launch import excluding
from claude_local_plugin.precedence import FileState, Scope, Snapshot, backend_in_use, effective, git_layout, resolve
from claude_local_plugin.precedence.locate import settings_file_to_write
from claude_local_plugin.privacy.leaving import Leaving, leaving
from claude_local_plugin.privacy.levels import RECORDED as LEVEL
from claude_local_plugin.profiles import remembered
from claude_local_plugin.servers import ServedModel, Server, advice
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.settings import file, hooks, ownership, statusline
from claude_local_plugin.settings.document import (
    MISSING,
    Append,
    Change,
    DocumentError,
    Node,
    Set,
    line_of,
    parse,
    same,
    value_at,
)
from claude_local_plugin.settings.orphans import on_record, orphaned
from claude_local_plugin.settings.ownership import BACKEND, BENCH, STATUSLINE
from claude_local_plugin.text import mask_secret, printable
from claude_local_plugin.world import World

if TYPE_CHECKING:
    from claude_local_plugin.evaluation.measured import Measured
    from claude_local_plugin.profiles import Profile
    from claude_local_plugin.profiles.repository import RepositoryFile

__all__ = ["Choose", "Prepared", "Request", "Written", "prepare", "report", "requested", "write"]

#: What a record remembers a file's mode under that others were allowed to read before it held a key.
MODE = "mode_before"

#: What a record remembers the server under that `bench --apply` measured.
BENCH_URL = "bench_url"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything `enable` knows before it writes anything."""

    world: World
    request: Request
    server: Server | None
    backend: Backend
    settings_file: Path
    #: The file that is written: the settings file, or where its links lead.
    target: Path
    #: Whether others on this machine may read the file so far, which is to hold a secret.
    private: bool
    lines: tuple[Line, ...]
    wanted: ownership.Wanted = field(repr=False)
    status_line: statusline.Plan | None = field(repr=False)
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    warnings: tuple[str, ...]
    #: What to remember of lines that were left as somebody edited them.
    extras: Mapping[str, str]
    #: What to remember about the line that keeps the file out of git; empty where none is to be added.
    exclude: Mapping[str, str]
    #: The repository's list of what git is not to see, where the settings file is to be on it.
    exclude_file: Path | None
    unheard: tuple[str, ...]
    sentence: str
    #: What is written into Claude Code's state file, where that was asked for.
    state_file: first_run.Plan | None = field(default=None, repr=False)

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        first = self.state_file is not None and self.state_file.changed
        return first or self.before != self.after or bool(self.exclude)

    @property
    def first_lines(self) -> tuple[Line, ...]:
        """The lines that go into Claude Code's state file."""
        return self.state_file.lines if self.state_file else ()

    @property
    def is_linked(self) -> bool:
        """Whether the settings file is a link, or lies behind one of the project's own."""
        return self.settings_file.is_symlink() or self.settings_file.parent.is_symlink()

    @property
    def written(self) -> tuple[Line, ...]:
        """The lines that are not in the file yet."""
        text = self.before or ""
        return tuple(line for line in self.lines if not line.stands_in(text))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that may not be shown."""
        return tuple(str(line.value) for line in self.lines if line.secret)

    def diff(self) -> str:
        """The unified diff of what would be written, with secrets masked."""
        harmless = {str(line.value) for line in self.lines if not line.secret}
        shown = self.target if self.is_linked else self.settings_file
        settings = masked_diff(self.before, self.after, shown, secrets=self.secrets, harmless=harmless)
        return settings + (self.state_file.diff() if self.state_file else "")


@dataclass(frozen=True, slots=True)
class Written:
    """What the settings say once they are written: what a session here uses, and which of our lines are not heard."""

    sentence: str
    unheard: tuple[str, ...]
    notes: tuple[str, ...] = ()
    has_effect: bool = True


#: In the place of a profile's name: the one before.
BEFORE = "-"


def requested(name: str | None, world: World, **asked: Any) -> Request:
    """What is asked for: the profile of this name (`-`: the one before), or where none is named, the one on record.

    Without that the one that the repository's file says to use; where an address was given, none. `asked` are the
    options, which win. Raises ClaudeLocalError where there is no such profile, or where it cannot be used.
    """
    record, _ = on_record(_settings_file(Scope(asked.get("scope", Scope.LOCAL)), world), world.state_dir)
    if name == BEFORE:
        name = remembered.before(record)
        if name is None:
            raise UsageError(
                "this folder was enabled with no profile before", command("claude-local", "profile", "list")
            )
    if name is None and asked.get("url") is None:
        name = remembered.in_record(record)
        if name is not None:
            return _recorded_profile(name, record, world, **asked)
        if record is None or not record.layer(BACKEND):
            name = _of_repository(world)
    if name is None:
        wanted = Preferences(privacy=asked.pop("privacy", None))
        return Request(**asked, preferences=wanted)
    from claude_local_plugin.profiles import chosen

    return chosen(name, world, **asked).request


def _of_repository(world: World) -> str | None:
    """The profile that the repository's file says to use; None where it has no such file."""
    layout = git_layout(world.cwd)
    if not ((layout.root if layout else world.cwd) / REPOSITORY_FILE).exists():
        return None
    from claude_local_plugin.profiles import repository

    found = repository.trusted(world)
    return _to_use(found).name if found is not None else None


def _recorded_profile(name: str, record: ownership.Record | None, world: World, **asked: Any) -> Request:
    """The request of the profile that this folder is enabled with; without it, what to do about that."""
    from claude_local_plugin.profiles import chosen, find

    try:
        find(name, world)
    except UsageError as error:
        url = _recorded_value(record, ("env", "ANTHROPIC_BASE_URL"))
        again = command("claude-local", "enable", "--url", url if isinstance(url, str) else Words("URL"))
        what = f"this folder is enabled with the profile {name}, and {error.message} any more"
        raise UsageError(what, again) from error
    return chosen(name, world, **asked).request


def _to_use(found: "RepositoryFile") -> "Profile":
    if found.used is not None:
        return found.used
    names = list(found.profiles)
    raise UsageError(
        f"{found.path} holds several profiles and does not say which one to use: {', '.join(names)}",
        command("claude-local", "enable", names[0]),
    )


def _settings_file(scope: Scope, world: World) -> Path:
    return settings_file_to_write(
        scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
    )


def prepare(request: Request, world: World, choose: Choose | None = None) -> Prepared:
    """Find the server, choose the model and plan the edits; reads much, writes nothing.

    Raises UsageError for what was asked wrongly, BackendError where no server or model can be had, SettingsError
    where the settings file cannot be edited, and ClaudeLocalError where sessions would not do what was asked: go to
    this server with its key and model, and with no other credential.
    """
    _check_statusline(request)
    choice = choose_server(request, world, choose)
    settings_file = _settings_file(request.scope, world)
    target = file.resolve(settings_file)
    _check_reach(request, settings_file, target, world, choose)
    # what git thinks is asked of the file that is written, wherever links lead; what it ignores is the link's own name
    standing = git.standing(target)
    before = file.read(settings_file)
    record, _ = on_record(settings_file, world.state_dir)
    # what is needed is planned for the file as it would be had `enable` and `bench --apply` never been
    without_us = previewed(before, {BACKEND: (), BENCH: ()}, record, settings_file)
    edits, reset = hand_edits.edits(before, record), hand_edits.were_reset(record)
    reset |= {key for key in edits if _reset(request) & {key, "all"}}
    without_us = hand_edits.without(without_us, {*edits, *reset})
    snapshot = world.snapshot({settings_file: without_us})
    backend = _with_prompt(request, choice, snapshot, record)
    _check_window(backend, choice.needs, request, choice.server)
    backend = replace(
        backend,
        at_once=_at_once(request, choice, backend),
        text_only=_takes_no_pictures(request, choice, record),
        web_search=request.web_search,
        preferences=_with_level(request, record),
    )
    destination = SettingsFile(request.scope)
    lines = build.lines(snapshot, backend, choice.needs, destination)
    _check_reset(request, lines)
    if any(line.secret for line in lines):
        _refuse_a_secret_that_git_may_take(request, target, standing)
    former = _former_server(record, choice.known)
    sorted_out = hand_edits.sorted_out(
        lines,
        before,
        record,
        explicit=_explicit(request),
        same_server=former is None or same_server(former, backend.url),
    )
    with_hooks = _with_hooks(request, record)
    hook_changes, without_room = _hook_changes(world, settings_file, without_us) if with_hooks else ((), ())
    wanted: dict[str, Sequence[Change]] = {BACKEND: (*destination.changes(sorted_out.lines), *hook_changes)}
    notes = [*_said_of_edits(sorted_out, request)]
    if _belongs_to_another_profile(record, request):
        wanted[BENCH] = ()
    elif measured := _measured_elsewhere(record, former, backend):
        wanted[BENCH] = ()
        again = command("claude-local", "bench", "--apply")
        notes.append(f"the time-outs that bench measured on {measured} are taken out: {again} measures {backend.host}")
    status_line = _statusline(request, world, before, record, settings_file)
    if request.with_statusline is not None:
        wanted[STATUSLINE] = status_line.changes if status_line else ()
    after = previewed(before, wanted, record, settings_file)

    planned = world.snapshot({settings_file: after})
    for text in (before, after):  # as it stands, for the line is that of today; and as it would be
        _refuse_dropped(world.snapshot({settings_file: text}), settings_file)
    resolution = resolve(planned)
    refuse_without_effect(planned, resolution, backend, request, world.place)
    told = tuple(config_warnings.warnings(backend, choice.needs, destination, partial(_again, request, backend)))
    warnings = [
        *(finding.what for finding in told),
        *without_room,
        *explained(resolution, _ours(planned, settings_file, world), without=_told_already(told, backend)),
    ]
    if request.scope is Scope.PROJECT and request.with_hooks is not False:
        warnings.append(
            "no hooks in a file your team shares (they name this machine's interpreter):"
            f" {command('claude-local', 'hooks', 'install', '--scope', 'user')}"
        )
    if (
        request.scope is not Scope.PROJECT
        and request.with_hooks is None
        and not with_hooks
        and not hooks.found_in(planned)
    ):
        warnings.append(
            "no hooks are put in, as they were taken out of this file: no session is on record;"
            f" {_later(request, '--hooks')} puts them in again"
        )
    if status_line is not None and status_line.hidden_by is not None:
        warnings.append(f"statusLine has no effect: {status_line.hidden_by} sets it and is stronger")
    if status_line is not None and (off := next((w for w in resolution.warnings if w.id == "hooks.disabled"), None)):
        warnings.append(f"the status line is switched off, too: {off.what}")
    if blocked := _blocked(planned, world):
        warnings.append(blocked)
    warnings += _about_the_file(request, target, standing, secret=any(line.secret for line in sorted_out.lines))
    if build.level_of(backend) == build.AIRGAP:
        warnings += [_still_leaves(each) for each in leaving(planned)]
    inside = _is_inside(settings_file, target, world)
    server = choice.server
    if server is not None and server.problem and server.problem != "serves no model":
        warnings.append(f"{server.url} {server.problem}")
    if server is not None and backend.model not in {model.name for model in server.models}:
        again = request.again(url=server.url, model=Words("NAME"))
        warnings.append(
            f"{server.url} does not list {printable(backend.model)}; unless one of its wildcards routes that name,"
            f" sessions will fail: {again} names another"
        )
    return Prepared(
        world=world,
        request=request,
        server=server,
        backend=backend,
        settings_file=settings_file,
        lines=sorted_out.lines,
        wanted=wanted,
        status_line=status_line,
        before=before,
        after=after,
        warnings=(*warnings, *notes),
        extras={
            **(sorted_out.extras if sorted_out.respected or (record and hand_edits.RESPECTED in record.extras) else {}),
            **({hand_edits.RESET: json.dumps(sorted(reset))} if reset else {}),
            **_remembered_level(backend, record),
            **remembered.extras(record, request.profile),
            **remembered.fallback(record, _fallback(request, world)),
        },
        target=target,
        private=any(line.secret for line in sorted_out.lines) and _is_open_to_others(target),
        exclude=excluding.needed(standing) if request.scope is Scope.LOCAL and inside else {},
        exclude_file=standing.exclude_file if request.scope is Scope.LOCAL and inside else None,
        unheard=unheard(planned, sorted_out.lines, settings_file),
        sentence=sentence(resolution, world.place),
        state_file=first_run.plan(world, request.scope, settings_file) if request.first_run else None,
    )


def _fallback(request: Request, world: World) -> Sequence[str]:
    """The names that the profile which is asked for falls back to."""
    if request.profile is None:
        return ()
    from claude_local_plugin.profiles import find

    return find(request.profile, world).fallback


def _with_prompt(request: Request, choice: Choice, snapshot: Snapshot, record: ownership.Record | None) -> Backend:
    """The backend with the system prompt that sessions will get: asked for, written by us before, or set elsewhere."""
    written = _recorded_value(record, ("env", budget.SYSTEM_PROMPT))
    value = written if isinstance(written, str) else effective(snapshot, f"env.{budget.SYSTEM_PROMPT}")
    return replace(choice.backend, prompt=request.system_prompt or budget.prompt_chosen(value))


def _with_level(request: Request, record: ownership.Record | None) -> Preferences:
    """What is wanted of sessions, with the level of privacy that an earlier call named where nobody names one now."""
    wanted = request.preferences
    if wanted.privacy is None and request.profile is None and record is not None:
        return replace(wanted, privacy=record.extras.get(LEVEL))
    return wanted


def _remembered_level(backend: Backend, record: ownership.Record | None) -> dict[str, str]:
    level = build.level_of(backend)
    named = level != build.QUIET or (record is not None and LEVEL in record.extras)
    return {LEVEL: level} if named else {}


def _still_leaves(found: Leaving) -> str:
    """What no line in this file keeps back."""
    return f"airgap is not kept: {', '.join(found.hosts)} gets {found.what}, {found.when}; kept back by {found.remedy}"


def _at_once(request: Request, choice: Choice, backend: Backend) -> int | None:
    """How many conversations the server says that it holds at once; None where subagents are not to be limited."""
    if request.subagents or choice.server is None:
        return None
    return budget.room_for(choice.server, backend, choice.needs)


def _takes_no_pictures(request: Request, choice: Choice, record: ownership.Record | None) -> bool:
    """Whether the model is known to take no pictures: its server says so, or `doctor --deep --fix` found it here.

    Nothing is sent to find it out: `enable` never asks the model for an answer.
    """
    if request.images:
        return False
    models = choice.server.models if choice.server else ()
    said = next((model.vision for model in models if model.name == choice.backend.model), None)
    recorded = (_recorded_value(record, ("env", name)) for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL"))
    if said is None and tuple(recorded) == (choice.backend.url, choice.backend.model):
        layer = record.layer(BACKEND) if record else None
        return any(
            change == build.denied(build.NO_PICTURES[0], "").change() for change in (layer.changes if layer else ())
        )
    return said is False


def _recorded_value(record: ownership.Record | None, path: tuple[str, ...]) -> object:
    """What `enable` last wrote at this path; None where it wrote nothing there."""
    layer = record.layer(BACKEND) if record else None
    found = (change for change in (layer.changes if layer else ()) if isinstance(change, Set) and change.path == path)
    return next((change.value for change in found), None)


def _reset(request: Request) -> set[str]:
    """The keys of --reset, a variable with or without `env.` before it."""
    return {key if "." in key or not key.isupper() else f"env.{key}" for key in request.reset}


def _check_reset(request: Request, lines: Sequence[Line]) -> None:
    """Raise UsageError for a key that would not be written anyway."""
    known = {line.key for line in lines}
    if unknown := sorted(_reset(request) - known - {"all"}):
        near = difflib.get_close_matches(unknown[0], known, n=1)
        raise UsageError(
            f"--reset {printable(unknown[0])}: that is no key that would be written here",
            request.again(reset=(near[0] if near else "all",)),
        )


def _explicit(request: Request) -> Collection[str]:
    """The keys that an option speaks of: they are written whatever was made of them since."""
    named = _reset(request)
    if request.max_model_len is not None:
        named.add("env.CLAUDE_CODE_MAX_CONTEXT_TOKENS")
    if request.system_prompt is not None:
        named.add(f"env.{budget.SYSTEM_PROMPT}")
    if request.model is not None:
        named |= {f"env.{name}" for name in ("ANTHROPIC_MODEL", *build.ALIAS_VARIABLES)}
    return named


def _former_server(record: ownership.Record | None, known: Known | None) -> str | None:
    """The server that the file was last enabled for."""
    written = _recorded_value(record, ("env", "ANTHROPIC_BASE_URL"))
    return written if isinstance(written, str) else known.url if known else None


def _measured_elsewhere(record: ownership.Record | None, former: str | None, backend: Backend) -> str | None:
    """The server whose measured time-outs stand in the file, where it is another than the one enabled now."""
    if record is None or not record.layer(BENCH):
        return None
    measured = record.extras.get(BENCH_URL) or former
    return measured if measured and not same_server(measured, backend.url) else None


def _belongs_to_another_profile(record: ownership.Record | None, request: Request) -> bool:
    """Whether the time-outs that bench measured here are in another profile, or in this one, which says them itself."""
    if record is None or not record.layer(BENCH):
        return False
    before, wanted = remembered.in_record(record), request.preferences
    said = wanted.api_timeout_ms is not None or wanted.stream_idle_timeout_ms is not None
    return before is not None if before != request.profile else said


def _again(request: Request, backend: Backend, **changes: Any) -> str:
    """The command for the same with these changes; what the server gets by now has to be named for another address."""
    if not same_server(str(changes.get("url", backend.url)), backend.url):
        if request.token_env is None and backend.token != PLACEHOLDER:
            changes["token_env"] = Words("VARIABLE")
        named = {header.partition("=")[0].lower() for header in (*request.headers, *request.headers_env)}
        more = (f"{each.name}=VARIABLE" for each in backend.headers if each.name.lower() not in named)
        changes["headers_env"] = (*request.headers_env, *more)
    return request.again(**changes)


def _later(request: Request, *options: str) -> str:
    """A later call for the same file, which then knows the server and what belongs to it."""
    scope = () if request.scope is Scope.LOCAL else ("--scope", request.scope)
    link = ("--follow-link",) if request.follow_link else ()
    return command("claude-local", "enable", *scope, *link, *options)


def _said_of_edits(found: hand_edits.Sorted, request: Request) -> list[str]:
    """What becomes of the lines that somebody edited since, in words."""
    said = [
        f"{line.key} stays as you changed it since (enable would write {_shown(line)}):"
        f" {_later(request, '--reset', line.key)}"
        for line in found.respected
    ]
    said += [
        f"{line.key} was changed since, and is written again: where sessions go rests on it"
        for line in found.overwritten
        if line.key != "env.ANTHROPIC_CUSTOM_HEADERS"
    ]
    return said


def _shown(line: Line) -> str:
    return mask_secret(str(line.value)) if line.secret else str(line.value)


def _ours(planned: Snapshot, settings_file: Path, world: World) -> list[Path]:
    """The settings files of this project that hold what `enable` wrote, this one among them."""
    paths = [found.path for found in planned.of(Scope.PROJECT) if found.path is not None]
    recorded = [path for path in paths if (record := ownership.load(path, world.state_dir)) and record.layer(BACKEND)]
    return [settings_file, *recorded]


def _told_already(told: Iterable[Finding], backend: Backend) -> tuple[str, ...]:
    """The ids of explain's warnings that need not be said again, or at all: the window is as large as it is assumed."""
    large = backend.max_model_len is not None and config_warnings.is_claude(backend)
    return (*(finding.id for finding in told), *(("window.ignored",) if large else ()))


def write(prepared: Prepared, *, approved: bool = True) -> Written:
    """Carry the plan out, read everything back as Claude Code would, and say what a session here will now use.

    `approved`: somebody has seen the plan; nothing else than that is written then. Where everything stands already
    nothing is written, unless an interrupted run has left something to clear away.
    """
    world = prepared.world
    _refuse_what_was_not_shown(prepared, approved=approved)
    extras = {**prepared.exclude, **prepared.extras}
    if prepared.private:
        mode = stat.S_IMODE(prepared.target.stat().st_mode)
        extras[MODE] = f"{mode:o}"
        prepared.target.chmod(mode & 0o700)  # first: the key must not be there for others to read, not for a moment
    notes = _remembered(prepared) if prepared.changed else ()
    # what is ours in a file without a record is no original to be given back one day
    orphan = partial(orphaned, file.resolve(prepared.settings_file))
    ownership.apply(prepared.settings_file, prepared.wanted, state_dir=world.state_dir, extras=extras, orphan=orphan)
    if prepared.state_file is not None:
        first_run.write(prepared.state_file, world)
    if prepared.exclude_file is not None:
        line = extras.get("exclude_line")
        file.rewrite(
            prepared.exclude_file,
            lambda text: git.with_line(text, line) if line else text,
            lock_dir=world.state_dir / "locks",
        )
    snapshot = world.snapshot()
    resolution = resolve(snapshot)
    return Written(
        sentence(resolution, world.place),
        unheard(snapshot, prepared.lines, prepared.settings_file),
        notes,
        has_effect(resolution, prepared.backend),
    )


def _refuse_what_was_not_shown(prepared: Prepared, *, approved: bool) -> None:
    """Raise SettingsError where another file would be written than the one planned, or over what nobody has seen.

    What others change meanwhile beside our lines stays as they leave it. Of several calls that ask nobody the last one
    has its way, as if it had come later.
    """
    target = file.resolve(prepared.settings_file)
    again = f"nothing was written; to see it as it is now: {prepared.request.again()}"
    if target != prepared.target:
        raise SettingsError(f"{prepared.settings_file} leads to {target} by now, not to {prepared.target}", again)
    now = file.read(target)
    if not approved or now == prepared.before:
        return
    try:
        root, shown = parse(now or ""), parse(prepared.before or "")
    except DocumentError:  # said where it is edited, with the file's name
        return
    moved = [
        line.key
        for line in prepared.lines
        if not line.item and not line.stands_in(now) and not same(_value(root, line.path), _value(shown, line.path))
    ]
    if moved:
        raise SettingsError(f"{target} was changed meanwhile by somebody else: {', '.join(moved)}", again)


def _value(root: Node, path: Sequence[str]) -> object:
    node = root.find(path)
    return MISSING if node is None else node.value()


def keys_of(prepared: Prepared) -> dict[str, list[str]]:
    """The server as the keys of a profile, without where its key is; empty where it cannot be one.

    A header that is a secret would have to stand in a variable, and nobody says in which.
    """
    request, backend = prepared.request, prepared.backend
    named = {each.partition("=")[0].lower() for each in (*request.headers, *request.headers_env)}
    secret = any(is_secret_header(each.partition("=")[0]) for each in request.headers)
    if secret or any(each.name.lower() not in named for each in backend.headers):
        return {}
    served = prepared.server.models if prepared.server else ()
    keys = {
        "url": [backend.url],
        "model": [backend.model] if len(served) != 1 else [],
        "headers": list(request.headers),
        "headers_env": list(request.headers_env),
        "window": [] if request.max_model_len is None else [str(request.max_model_len)],
        "system_prompt": [] if request.system_prompt is None else [request.system_prompt],
    }
    return {key: words for key, words in keys.items() if words}


def to_name(prepared: Prepared) -> str | None:
    """The command that gives a name to a server that was named by its address; None where it has one, or cannot."""
    request = prepared.request
    keys = keys_of(prepared)
    if request.profile is not None or request.url is None or not keys:
        return None
    known = profile_urls(paths.config_dir(prepared.world.environ))
    if any(same_server(each, prepared.backend.url) for each in known):
        return None
    options = [
        word
        for key, words in keys.items()
        for each in words
        for word in (PROFILE_OPTIONS.get(key, f"--{key.replace('_', '-')}"), each)
    ]
    if request.token_env is not None:
        options += ["--token-env", request.token_env]
    elif prepared.backend.token != PLACEHOLDER:
        options.append("--token-stdin")
    return command("claude-local", "profile", "add", Words("NAME"), *options)


def _blocked(planned: Snapshot, world: World) -> str | None:
    """The warning that our own protection of this folder does not let sessions use what they would use."""
    there = backend_in_use(planned)
    settings = config.look(str(world.state_dir), world.environ)
    found = settings.for_project(str(world.cwd)).blocked(there.kind, there.url, str(world.cwd))
    return f"{found[0]}: {found[1]}" if found else None


def _remembered(prepared: Prepared) -> tuple[str, ...]:
    """Tells the log what the server is; a log that cannot be written is worth a warning, not the whole command."""
    backend = prepared.backend
    try:
        queries.remember_backend(prepared.world.state_dir, backend.url, backend.kind, backend.version)
    except ClaudeLocalError as error:
        return (f"{error.message}: {error.hint}",)
    return ()


def measured(prepared: Prepared) -> "Measured | None":
    """What `eval` has said here of this server and model, and what was otherwise then than it would be now."""
    backend, server, world = prepared.backend, prepared.server, prepared.world
    env = {line.path[1]: str(line.value) for line in prepared.lines if line.path[0] == "env" and not line.secret}
    label = server_label(server.kind, server.version) if server else ""
    return best(
        of_server(
            world.state_dir,
            backend.url,
            backend.model,
            server=label,
            client=world.client_version,
            env={budget.SYSTEM_PROMPT: "", **env},
        )
    )


def report(prepared: Prepared, *, dry_run: bool, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The object that `enable --json` prints (schemas/enable.schema.json), secrets masked."""
    found = measured(prepared)
    return {
        "changed": prepared.changed and not dry_run,
        "dry_run": dry_run,
        "scope": prepared.request.scope.value,
        "settings_file": str(prepared.settings_file),
        "target": str(prepared.target),
        "state_file": str(prepared.state_file.path) if prepared.state_file else None,
        "profile": prepared.request.profile,
        "backend": {
            "url": prepared.backend.url,
            "kind": prepared.backend.kind,
            "version": prepared.backend.version,
            "model": prepared.backend.model,
            "max_model_len": prepared.backend.max_model_len,
        },
        "wrote": [
            {
                "key": line.key,
                "value": mask_secret(str(line.value)) if line.secret else line.value,
                "reason": line.reason,
            }
            for line in (*prepared.lines, *prepared.first_lines)
        ]
        + _statusline_entry(prepared.status_line),
        "warnings": [*prepared.warnings, *prepared.unheard, *notes],
        "measured": found.to_json() if found else None,
    }


# --- the window


def _larger(backend: Backend, server: Server | None) -> str:
    """How to serve the model with a larger window, in the server's own terms."""
    if server is None:
        return "serve it with a larger window"
    served = next((model for model in server.models if model.name == backend.model), ServedModel(backend.model))
    return advice.larger_window(server, served)


def _check_window(backend: Backend, needs: Needs, request: Request, server: Server | None) -> None:
    if backend.max_model_len is None or request.force:
        return
    smallest = budget.smallest_window(backend, needs)
    if backend.max_model_len >= smallest:
        return
    prompt = budget.first_prompt_tokens(backend, needs)
    raise BackendError(
        f"{backend.model} has a window of {backend.max_model_len:,} tokens, and Claude Code needs {smallest:,}:"
        f" {prompt:,} for its own first prompt, {budget.OUTPUT_LIMITS[-1]:,} for an answer,"
        f" {budget.COMPACTION_RESERVE:,} in reserve for compaction",
        f"{_larger(backend, server)}; --force writes all the same",
    )


# --- the file


def previewed(
    text: str | None, wanted: ownership.Wanted, record: ownership.Record | None, settings_file: Path
) -> str | None:
    try:
        return ownership.preview(text, wanted, record).after
    except DocumentError as error:
        raise _ignored(f"{settings_file}:{error.line}:{error.column}", error.fault) from error


def _ignored(place: str, problem: str | None) -> SettingsError:
    return SettingsError(
        f"{place}: {problem}; Claude Code ignores the whole file as long as it is like this",
        f"{command('claude-local', 'doctor', 'files.json')}   (names what mends it; nothing was written)",
    )


def _with_hooks(request: Request, record: ownership.Record | None) -> bool:
    """Whether the hooks go in: as asked, else as an earlier call left it."""
    if request.scope is Scope.PROJECT:
        return False
    layer = record.layer(BACKEND) if record else None
    if request.with_hooks is not None or layer is None:
        return request.with_hooks is not False
    return any(isinstance(change, Append) and change.path[0] == "hooks" for change in layer.changes)


def _hook_changes(world: World, settings_file: Path, text: str | None) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Our hooks for the events that have room for one in the file, and a warning for each thing that is in the way."""
    try:
        settings = value_at(text or "", ())
    except DocumentError as error:
        raise _ignored(f"{settings_file}:{error.line}:{error.column}", error.fault) from error
    wanted, blocked = [], dict[tuple[str, ...], list[str]]()
    for change in hooks.entries(world.python, paths.shipped("hooks"), world.state_dir, world.config_dir):
        event = change.path[-1]
        at = hooks.without_room(settings, event) if isinstance(settings, Mapping) else None
        if at is None:
            wanted.append(change)
        else:
            blocked.setdefault(at, []).append(event)
    return tuple(wanted), tuple(
        f"{settings_file}:{line_of(text or '', at)}: {'.'.join(at)} must be"
        f" {'an object' if len(at) == 1 else 'a list'}: Claude Code leaves it out, and there"
        f" is no room for claude-local's hook{'s' if len(events) > 1 else ''}"
        f" ({', '.join(events)}); fix that place, then run this again"
        for at, events in blocked.items()
    )


def _check_statusline(request: Request) -> None:
    if request.with_statusline and request.scope is Scope.PROJECT:
        raise UsageError(
            "--statusline names this machine's interpreter: it may not go into a file your team shares",
            "leave out --scope project, or leave out --statusline",
        )


def _statusline(
    request: Request, world: World, before: str | None, record: ownership.Record | None, settings_file: Path
) -> statusline.Plan | None:
    """How to install the status line, seen from a world in which ours is not in this file; None where nobody asked."""
    if not request.with_statusline:
        return None
    without_ours = world.snapshot({settings_file: previewed(before, {STATUSLINE: ()}, record, settings_file)})
    return statusline.plan(
        without_ours, settings_file, world.python, paths.shipped("hooks"), world.state_dir, world.config_dir
    )


def _statusline_entry(plan: statusline.Plan | None) -> list[dict[str, str]]:
    """What `report` says of it, as of every line that was written."""
    if plan is None:
        return []
    return [{"key": "statusLine.command", "value": plan.command, "reason": statusline_reason(plan)}]


def statusline_reason(plan: statusline.Plan) -> str:
    """Why `statusLine` is written, and what becomes of one that was there."""
    reason = "shows each session's backend, whether it is up, and how full the window is"
    return f"{reason}; the status line that is there stays, above ours" if plan.wraps else reason


def _is_inside(settings_file: Path, target: Path, world: World) -> bool:
    """Whether the file that is written lies in the project that it is to speak for, and is not the user's own."""
    project = file.resolve(settings_file.parent.parent)
    own = settings_file_to_write(Scope.USER, world.cwd, world.home, world.environ, world.client_version)
    return target.is_relative_to(project) and (target != file.resolve(own) or settings_file == own)


def _check_reach(request: Request, settings_file: Path, target: Path, world: World, choose: Choose | None) -> None:
    """Raise SettingsError where a project's file is a link out of it: others read what it leads to."""
    if request.scope is Scope.USER or request.follow_link or _is_inside(settings_file, target, world):
        return
    own = settings_file_to_write(Scope.USER, world.cwd, world.home, world.environ, world.client_version)
    every = target == file.resolve(own)
    what = "your user settings, which every project of yours reads" if every else "a file outside of this project"
    if choose is not None and not choose(
        f"{settings_file} leads to {target}: {what}. Write there?", ("no", "yes")
    ).startswith("no"):
        return
    instead = request.again(scope=Scope.USER) if every else request.again(follow_link=True)
    raise SettingsError(
        f"{settings_file} is a link to {target}: {what}",
        f"if that is meant: {instead}; nothing was written",
    )


def _is_open_to_others(target: Path) -> bool:
    try:
        return bool(stat.S_IMODE(target.stat().st_mode) & 0o077) and os.name != "nt"
    except FileNotFoundError:  # a new file is for its owner alone
        return False


def _about_the_file(request: Request, target: Path, standing: git.Standing, *, secret: bool) -> list[str]:
    """What is to be known of the file that is written."""
    said = []
    if standing.problem:
        said.append(standing.problem)
    if standing.unlisted and request.scope is Scope.LOCAL and not (standing.tracked or standing.ignored):
        said.append(f"{target} is seen by git: {standing.unlisted}, so nothing is written there")
    if standing.tracked and request.scope is Scope.LOCAL:
        said.append(
            f"{target} is tracked by git: everyone who pulls it gets your server's address:"
            f" {_untracking(target)} keeps it yours"
        )
    if secret and request.scope is Scope.USER and standing.in_repository and not standing.ignored:
        said.append(
            f"{target} lies in a git repository that does not ignore it, and now holds a key:"
            f" `git add` would take it along"
        )
    if secret and _is_open_to_others(target):
        said.append(
            f"{target} could be read by others on this machine; now that it holds a key, only by you (mode 600)"
        )
    if names := file.other_names(target):
        said.append(
            f"{target} has {names} other name{'' if names == 1 else 's'} (hard links), under which the old content"
            " stays: a settings file is replaced as a whole, so that no reader ever sees half of it"
        )
    return said


def _untracking(path: Path) -> str:
    """The command, to be typed from anywhere, after which git no longer tracks the file, which stays where it is."""
    return command("git", "-C", str(path.parent), "rm", "--cached", "--", path.name)


def _refuse_a_secret_that_git_may_take(request: Request, settings_file: Path, standing: git.Standing) -> None:
    if standing.tracked:
        raise SettingsError(
            f"{settings_file} is tracked by git: a secret written there would be committed",
            f"{_untracking(settings_file)}, or keep the key out of it (no --token-env)",
        )
    if standing.problem:
        raise SettingsError(
            f"{standing.problem}; a secret may not be written where git might take it",
            f"fix that, or {request.again(scope=Scope.USER)}",
        )


def _refuse_dropped(planned: Snapshot, settings_file: Path) -> None:
    """Raise SettingsError where Claude Code would ignore the whole file, whatever we write into it."""
    found = next((each for each in planned.files if each.path == settings_file), None)
    if found is not None and found.state is FileState.DROPPED:
        raise _ignored(found.problem_place, found.problem)
