"""A case for each place in the source that makes a command to type: where it is printed, and what it is to fix."""

import json
import re
import shlex
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin.core import installed
from tests.commands.house import SESSION, House, enabled, enabled_with, guarded, handmade, trusting
from tests.commands.lan import FAR, GUARDED, HOST, KEY, MODEL, OPEN, SEVERAL, Called, Typed

#: Beside those that always stand there, a server of a case listens here.
PORT = 8010
THERE = f"http://{FAR}:{PORT}"

Build = Callable[[House], None]
After = Callable[[House, "Case", Typed], None]


@dataclass(frozen=True)
class Case:
    """What is printed where, and what it is to do.

    `keys` are the places in the source whose commands are printed once `build` has been, by `ask`; `fill` puts in what
    stands for something, `after` says what is to be so once the line was typed, with `answers` at its questions and
    `code` as its end. With `runs` False it is not run here: `NOT_RUN` says why. `again`: a second time changes nothing.
    """

    keys: tuple[str, ...]
    build: Build
    ask: tuple[str, ...] | Callable[[House], Called]
    after: After
    fill: Mapping[str, str] | Callable[[House], Mapping[str, str]] = field(default_factory=dict)
    answers: str = "y\n"
    code: int = 0
    runs: bool = True
    again: bool = True

    def printed(self, house: House) -> Called:
        """What is printed there."""
        return self.ask(house) if callable(self.ask) else house.call(*self.ask)

    def carried_out(self, house: House, line: str) -> None:
        """Type it, look whether it has done what it says, and type it once more."""
        typed = house.type(line, self.answers)
        assert typed.code == self.code, f"{line}: exit {typed.code}\n{typed.out}\n{typed.err}"
        plain = {**house.environ, **dict.fromkeys(house.shell, "")}
        house.shell = {
            name: value for name, value in typed.environ.items() if name in house.shell or plain.get(name) != value
        }
        try:
            self.after(house, self, typed)
        except AssertionError as fault:
            raise AssertionError(f"{line}: {fault}\n{typed.out}\n{typed.err}") from fault
        if self.again and line.startswith("claude-local ") and not set("&|;>") & set(line):
            before = house.contents()
            words = shlex.split(line)[1:]
            unasked = words[0] in ("enable", "disable") or "--fix" in words
            second = house.call(*words, *(("--yes",) if unasked else ()))
            assert second.code == self.code, f"a second time {line}: exit {second.code}\n{second.all}"
            assert house.contents() == before, f"a second time {line} changes something else"


# --- what is to be so afterwards


#: What is left of a finding that does no harm to sessions here any more.
WELL = ("ok", "skipped", "info")


def gone(check: str, results: tuple[str, ...] = ("ok", "skipped")) -> After:
    """The question is asked again, and nothing is found by this check (or warning of explain's) any more."""

    def after(house: House, case: Case, _: Typed) -> None:
        assert isinstance(case.ask, tuple)
        answer = case.printed(house).json
        if "findings" in answer:
            left = [each for each in answer["findings"] if each["id"] == check and each["result"] not in results]
        else:
            left = [each for each in answer["warnings"] if each["id"] == check]
        assert not left, f"still there: {left}"

    return after


def points_at(url: str, *, model: str | None = None, scope: str = "local", **env: str) -> After:
    """The settings of this scope, and of no other, name the server, with this model and these variables."""

    def after(house: House, _: Case, __: Typed) -> None:
        paths = {"local": house.local, "project": house.shared, "user": house.user}
        found = house.env(paths[scope])
        assert found.get("ANTHROPIC_BASE_URL") == url
        assert model is None or found["ANTHROPIC_MODEL"] == model
        assert env.items() <= found.items()

    return after


def says(*texts: str) -> After:
    """It shows what it is to be looked at for."""

    def after(_: House, __: Case, typed: Typed) -> None:
        for text in texts:
            assert text in typed.all, f"{text!r} is not shown"

    return after


def asked_again(code: int = 0) -> After:
    """The very command that was refused goes through now."""

    def after(house: House, case: Case, _: Typed) -> None:
        ended = case.printed(house)
        assert ended.code == code, ended.all

    return after


def _nothing(*_: object) -> None:
    pass


def both(*afters: After) -> After:
    """All of these."""

    def after(house: House, case: Case, typed: Typed) -> None:
        for each in afters:
            each(house, case, typed)

    return after


CASES: dict[str, Case] = {}
#: What cannot be run here, with the reason: every shell reads it as the words that were meant.
NOT_RUN: dict[str, str] = {}


def case(
    name: str,
    keys: str | tuple[str, ...],
    build: Build,
    ask: tuple[str, ...] | Callable[[House], Called],
    after: After,
    **more: Any,
) -> None:
    """Add a case."""
    assert name not in CASES
    CASES[name] = Case((keys,) if isinstance(keys, str) else keys, build, ask, after, **more)


def not_run(
    name: str,
    why: str,
    keys: str | tuple[str, ...],
    build: Build,
    ask: tuple[str, ...] | Callable[[House], Called],
    **more: Any,
) -> None:
    """Add a case of something that is printed and cannot be run here."""
    case(name, keys, build, ask, _nothing, runs=False, **more)
    NOT_RUN.update(dict.fromkeys(CASES[name].keys, why))


def look(*names: str) -> tuple[str, ...]:
    """How doctor is asked for these checks."""
    return ("doctor", *names, "--json")


def steps(*each: Callable[[House], Any]) -> Build:
    """All of these, one after the other."""

    def build(house: House) -> None:
        for step in each:
            step(house)

    return build


EXPLAIN = ("explain-precedence", "--json")
SMALL = ("--prompt-tokens", "400", "--turns", "1", "--answer-tokens", "4", "--concurrency", "1")


# --- doctor: settings that `--fix` fixes


#: Every check's own fix is printed by one place.
OWN_FIX = "checks.run:_findings own_fix … …"


def fixes(check: str, build: Build, *, deep: bool = False, well: tuple[str, ...] = ("ok", "skipped")) -> None:
    """A case of `doctor --fix CHECK`."""
    ask = ("doctor", *(("--deep",) if deep else ()), check, "--json")
    case(f"doctor {check}", OWN_FIX, build, ask, gone(check, well))


def exported(**shell: str) -> Build:
    """A hand-made block, and a shell that exports this."""

    def build(house: House) -> None:
        handmade(house)
        house.shell.update(shell)

    return build


def login(house: House) -> None:
    handmade(house)
    house.change(house.local, ANTHROPIC_AUTH_TOKEN=None)
    token = {"accessToken": "sk-ant-oat01-x", "scopes": ["user:inference"]}
    house.write(house.home / ".claude" / ".credentials.json", {"claudeAiOauth": token})


def trailing_comma(house: House) -> None:
    enabled(house)
    house.local.write_text(house.local.read_text().rstrip()[:-1].rstrip() + ",\n}\n")


def seen_by_git(house: House) -> None:
    handmade(house)
    house.git("init", "--quiet", "--initial-branch", "main")


def tracked_by_git(house: House) -> None:
    seen_by_git(house)
    house.git("add", "--force", ".claude/settings.local.json")


def readable(house: House) -> None:
    guarded(house)
    house.local.chmod(0o644)


def broken_hooks(house: House) -> None:
    enabled(house)
    house.local.write_text(house.local.read_text().replace("claude_local_hook.py", "gone/claude_local_hook.py"))


def served(name: str, **options: Any) -> Build:
    """Enabled for a server of this kind."""

    def build(house: House) -> None:
        url = house.serve(name, PORT, **options)
        house.enable("--url", url)
        house.write(house.home / ".claude.json", trusting(house))

    return build


fixes("files.json", trailing_comma)
fixes("files.git", seen_by_git)
fixes("files.mode", readable)
fixes("hooks.broken", broken_hooks)
fixes("leak.login", login)
fixes(
    "precedence.provider",
    exported(CLAUDE_CODE_USE_BEDROCK="1"),
)
fixes(
    "precedence.proxy",
    exported(HTTP_PROXY="http://127.0.0.1:9"),
)
fixes("client.auto-mode", handmade)
fixes("client.retries", handmade)
fixes(
    "client.timeouts",
    enabled_with(API_TIMEOUT_MS="1000"),
)
fixes(
    "client.known-bad",
    steps(
        lambda house: house.serve("plain", PORT, version="0.22.0"),
        lambda house: handmade(house, ANTHROPIC_BASE_URL=THERE),
        lambda house: house.shell.update(CLAUDE_CODE_MODEL_CAPABILITIES="-mid_conv_system,-mid_conv_tool_change"),
    ),
    well=WELL,
)
fixes(
    "model.served",
    enabled_with(ANTHROPIC_MODEL="gone", ANTHROPIC_DEFAULT_OPUS_MODEL="claude-opus-5-5"),
)
fixes(
    "model.window",
    enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS="64k"),
)
fixes(
    "model.output",
    enabled_with(CLAUDE_CODE_MAX_OUTPUT_TOKENS="200000"),
)
fixes(
    "model.compaction",
    enabled_with(DISABLE_AUTO_COMPACT="1"),
)
fixes(
    "model.concurrency",
    steps(
        lambda house: house.serve("recorded", PORT, folder="llama.cpp-4-slots"),
        lambda house: house.enable("--url", THERE, "--subagents", "--force"),
    ),
    well=WELL,
)
fixes(
    "cache.attribution",
    steps(
        lambda house: house.serve("plain", PORT, version="0.17.2"),
        lambda house: handmade(house, ANTHROPIC_BASE_URL=THERE),
    ),
)
fixes("privacy.traffic", handmade)
fixes("privacy.plugins", handmade)
fixes("privacy.web-fetch", handmade)
fixes("cache.folders", served("able"), deep=True)
fixes("model.images", served("able", sees=False), deep=True)
fixes(
    "model.web-search",
    steps(lambda house: house.serve("able", PORT), lambda house: house.enable("--url", THERE, "--web-search")),
    deep=True,
)
fixes(
    "model.fields",
    served("refusing", what="fields"),
    deep=True,
    well=WELL,
)

for check, options in (
    ("cache.folders", {"name": "able"}),
    ("model.images", {"name": "able", "sees": False}),
    ("model.fields", {"name": "refusing", "what": "fields"}),
):

    def _elsewhere(house: House, options: Mapping[str, Any] = options) -> None:
        enabled(house)
        house.serve(port=PORT, **options)

    case(
        f"doctor --url of another server: {check}",
        (OWN_FIX, "checks.run:_findings then … …", "doctor.model:fix_here enable"),
        _elsewhere,
        ("doctor", "--deep", check, "--url", THERE, "--json"),
        both(points_at(THERE), gone(check, WELL if check == "model.fields" else ("ok", "skipped"))),
        answers="y\n\ny\n",  # written, not remembered, mended
    )


def comma_and_more(house: House) -> None:
    """A file that is dropped, and has more to fix once it counts."""
    handmade(house)
    house.local.write_text(house.local.read_text().rstrip()[:-1].rstrip() + ",\n}\n")


def nothing_left(house: House, case: Case, _: Typed) -> None:
    """Nothing is left that `--fix` could fix, but what has a price."""
    left = [each["id"] for each in house.call("doctor", "--json").json["findings"] if each["fixable"]]
    assert not left


case(
    "doctor --fix needs one round",
    "cli.doctor:doctor claude-local doctor --fix … …",
    comma_and_more,
    ("doctor", "--yes"),
    nothing_left,
    code=1,  # of what it cannot fix
)


def mended(house: House, case: Case, typed: Typed) -> None:
    """What was said to be mended first is: nothing comes first any more."""
    assert house.call("doctor", "--json").json["first"] is None


case(
    "what is to be done first: --fix",
    "commands.doctor:_by_fixing claude-local doctor … --fix …",
    enabled_with(CLAUDE_CODE_MAX_RETRIES="15", API_TIMEOUT_MS="1000", CLAUDE_CODE_MAX_OUTPUT_TOKENS="100"),
    ("doctor",),
    both(nothing_left, mended),
    code=1,  # what else there is has other fixes
)
case(
    "what is to be done first: enable",
    "commands.doctor:_by_enabling again",
    steps(
        handmade,
        lambda house: house.change(house.local, ANTHROPIC_BASE_URL=THERE.replace(FAR, HOST), API_TIMEOUT_MS="1000"),
    ),
    ("doctor",),
    both(mended, points_at(OPEN)),
)


# --- doctor: what is wrong in files


def broken(house: House) -> None:
    """A file with a fault that nobody can fix but its owner."""
    house.write(house.local, '{"env": {"ANTHROPIC_BASE_URL": "x"}\n "model": 3}\n')
    house.editor("text = path.read_text().splitlines()\nassert line == '+1'\npath.write_text(text[0] + '}')")


def misspelt(house: House) -> None:
    enabled(house)
    house.change(house.local, CLAUDE_CODE_MAX_RETRYS="2")
    house.editor(
        "rows = path.read_text().splitlines(True)\nassert 'RETRYS' in rows[int(line[1:]) - 1]\n"
        "found = json.loads(path.read_text())\ndel found['env']['CLAUDE_CODE_MAX_RETRYS']\n"
        "path.write_text(json.dumps(found))"
    )


def unheard(house: House) -> None:
    handmade(house)
    house.write(house.shared, {"env": {"CLAUDE_CODE_MODEL_CAPABILITIES": "-mid_conv_system"}})


def invented(house: House) -> None:
    house.write(house.local, {"apiBaseUrl": f"{OPEN}/v1"})
    house.editor(
        "found = json.loads(path.read_text())\ndel found['apiBaseUrl']\npath.write_text(json.dumps(found, indent=2))"
    )


def stray(house: House) -> None:
    house.write(house.project / ".env", "ANTHROPIC_BASE_URL=http://x\n")


def two_roots(house: House) -> None:
    """A folder whose own local settings the repository root's beat."""
    house.git("init", "--quiet", "--initial-branch", "main")
    house.write(house.local, {"env": {"ANTHROPIC_MODEL": "root's"}})
    house.folder = house.project / "sub"
    house.write(house.folder / ".claude" / "settings.local.json", {"env": {"ANTHROPIC_MODEL": "sub's"}})
    house.editor(
        "assert 'ANTHROPIC_MODEL' in path.read_text().splitlines()[int(line[1:]) - 1]\n"
        'path.write_text(path.read_text().replace("root\'s", "sub\'s"))'
    )


def redirected(house: House) -> None:
    """A repository whose committed settings send everyone's sessions somewhere."""
    house.write(house.shared, {"env": {"ANTHROPIC_BASE_URL": OPEN}, "apiKeyHelper": "echo x"})
    house.git("init", "--quiet", "--initial-branch", "main")
    house.git("add", ".")
    house.git("commit", "--quiet", "-m", "everyone goes there")


def untracked(house: House, _: Case, __: Typed) -> None:
    """Git tracks the local settings no more, and they are where they were."""
    assert house.git("ls-files") == ""
    assert house.local.exists()


case(
    "a dropped file is opened where the fault is",
    "doctor.checks.files:_dropped _edit … … …",
    broken,
    look("files.json"),
    gone("files.json"),
)
case(
    "a misspelt variable is shown in the editor",
    "doctor.checks.files:_values _edit … … …",
    misspelt,
    look("files.values"),
    gone("files.values"),
)
case(
    "a variable that is not heard is exported",
    "doctor.checks.files:_unheard export … …",
    unheard,
    look("files.unheard"),
    gone("files.unheard"),
    fill={"…": "-mid_conv_system"},
)
case(
    "explain: a variable that is not heard is exported",
    "precedence.warnings:_credentials export … …",
    unheard,
    EXPLAIN,
    gone("env.refused"),
    fill={"…": "-mid_conv_system"},
)


def told(house: House) -> None:
    """Enabled, in a shell that has the environment decide and names another server."""
    enabled(house)
    house.shell |= {
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
        "ANTHROPIC_BASE_URL": SEVERAL,
        "ANTHROPIC_AUTH_TOKEN": "claude-local",
    }


case(
    "explain: the environment decides",
    "precedence.warnings:_credentials unset …",
    told,
    EXPLAIN,
    gone("env.refused"),
)
case(
    "doctor: the environment decides about a file",
    "doctor.checks.files:_unheard unset …",
    told,
    look("files.unheard"),
    gone("files.unheard"),
)
case(
    "doctor: the environment decides about what enable wrote",
    "doctor.checks.precedence:_beaten unset …",
    told,
    look("precedence.beaten"),
    gone("precedence.beaten"),
)
case(
    "a key that Claude Code never had is enabled for",
    "doctor.checks.files:_instead claude-local enable --url …",
    invented,
    look("files.unheard"),
    points_at(OPEN),
)
case(
    "a key that Claude Code never had is taken out",
    "doctor.checks.files:_instead _edit … … …",
    invented,
    look("files.unheard"),
    gone("files.unheard"),
)
case(
    "a stray file is looked at",
    "doctor.checks.files:_stray less …",
    stray,
    look("files.stray"),
    says("ANTHROPIC_BASE_URL=http://x"),
)
case(
    "two local settings are made one",
    "doctor.checks.files:_worktree _edit … … …",
    two_roots,
    look("files.worktree"),
    gone("files.worktree"),
)
case(
    "local settings leave git",
    (
        "doctor.checks.files:_git git … rm --cached ./…",
        "doctor.checks.files:_git then … …",
        "doctor.checks.files:_git fix_command files.git",
    ),
    tracked_by_git,
    look("files.git"),
    both(untracked, gone("files.git")),
    again=False,
)
case(
    "who redirected everybody is shown",
    "doctor.checks.files:_history git … log -p -- …",
    redirected,
    look("files.shared"),
    says("everyone goes there", '+  "apiKeyHelper": "echo x"'),
)


# --- doctor: what claude-local itself keeps


def unwritable(house: House) -> None:
    enabled(house)
    house.local.chmod(0o400)
    house.local.parent.chmod(0o500)


def copied(house: House) -> None:
    """Settings of ours in a folder of which nothing is on record."""
    enabled(house)
    for record in (house.state / "ownership").glob("*.json"):
        record.unlink()


def wiped(house: House) -> None:
    """What another tool took out, while the user's settings name another server."""
    house.enable("--url", SEVERAL, "--model", "one", "--scope", "user", "--no-hooks")
    enabled(house)
    house.write(house.local, {"permissions": {"allow": ["Bash(ls)"]}})


def wiped_for_the_user(house: House) -> None:
    house.enable("--scope", "user")
    house.write(house.user, {"permissions": {"allow": ["Bash(ls)"]}})


def record_damaged(house: House) -> None:
    enabled(house)
    (record,) = (house.state / "ownership").glob("*.json")
    record.write_text("{")


def no_toml(house: House) -> None:
    house.write(house.config, 'warm_up = true\non_dead_backend = "warn\n')
    house.editor(
        "rows = path.read_text().splitlines(True)\nassert line == '+2'\n"
        "path.write_text(rows[0] + rows[1].rstrip() + '\"\\n')"
    )


def missing_program(house: House) -> None:
    house.write(house.config, 'down_command = "no-such-program now"\n')


case(
    "a file that disable needs is made writable",
    "doctor.checks.files:_record chmod u+w … …",
    unwritable,
    look("files.record"),
    gone("files.record"),
)
case(
    "what is ours and on no record is taken out",
    "doctor.checks.files:_record _disable … … --yes",
    copied,
    look("files.record"),
    gone("files.record"),
)
case(
    "what was wiped is written again, or forgotten",
    ("doctor.checks.files:_record enabling … …", "doctor.checks.files:_record _disable … …"),
    wiped,
    look("files.record"),
    gone("files.record"),
)
case(
    "what was wiped in the user's settings is written again, or forgotten",
    ("doctor.checks.files:_record enabling … …", "doctor.checks.files:_record _disable … …"),
    wiped_for_the_user,
    look("files.record"),
    gone("files.record"),
)
case(
    "what was edited is written again",
    "doctor.checks.files:_record enabling … … --reset all",
    enabled_with(CLAUDE_CODE_MAX_OUTPUT_TOKENS="8000", API_TIMEOUT_MS="700000"),
    look("files.record"),
    gone("files.record"),
)
case(
    "disable says what to do with a damaged record",
    "doctor.checks.files:_record claude-local disable",
    record_damaged,
    look("files.record"),
    says("move the record away"),
    code=1,
)
case(
    "a config.toml that is none is opened where the fault is",
    "doctor.checks.files:_config _edit … … …",
    no_toml,
    look("files.config"),
    gone("files.config"),
)
case(
    "a program for a dead server is named anew",
    "doctor.checks.files:_config claude-local config set down_command …",
    missing_program,
    look("files.config"),
    gone("files.config"),
    fill={"…": "true"},
)
case(
    "config says which line to fix",
    "config.reading:_no_toml edit … … …",
    no_toml,
    ("config", "list"),
    asked_again(),
)


# --- doctor: hooks and the log


def without_hooks(house: House) -> None:
    house.enable("--no-hooks")


def dropped_with_hooks(house: House) -> None:
    trailing_comma(house)


def no_record(house: House) -> None:
    """A file in the spool that is none of a hook's records."""
    enabled(house)
    house.write(house.state / "spool" / "x.bad", "this is no record\n")


def log_unreadable(house: House) -> None:
    enabled(house)
    house.write(house.state / "sessions.db", "this is no database, and long enough to be read as one" * 40)


def set_aside(house: House) -> None:
    """A log that was damaged: the next hook sets it aside."""
    enabled(house)
    house.hook("SessionStart", source="startup")
    log = house.state / "sessions.db"
    sqlite3.connect(log).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    content = log.read_bytes()
    log.write_bytes(content[:8192] + b"\xff" * 4096 + content[12288:])
    house.hook("SessionEnd", reason="other")


def faults(house: House) -> None:
    from claude_local_plugin.core import faults

    enabled(house)
    house.hook("SessionStart", source="startup")
    faults.note_fault(str(house.state), "SessionStart: something")


def read_only_log(house: House) -> None:
    """A log that cannot be written, and a record of a hook that waits beside it."""
    enabled(house)
    house.hook("SessionStart", source="startup")
    house.ok("sessions", "list")
    (house.state / "sessions.db").chmod(0o400)
    house.hook("SessionEnd", reason="other")


INSTALL = "claude-local hooks install --scope user"
case(
    "hooks are installed for the user",
    f"doctor.checks.hooks:_installed {INSTALL}",
    without_hooks,
    look("hooks.installed"),
    gone("hooks.installed"),
)
case(
    "hooks outlive a dropped file",
    f"doctor.checks.hooks:_guarded {INSTALL}",
    dropped_with_hooks,
    look("hooks.guard"),
    gone("hooks.guard"),
)
case(
    "what mends a file that is no JSON is said",
    "commands.enable:_ignored claude-local doctor files.json",
    trailing_comma,
    ("enable", "--url", OPEN),
    says("claude-local doctor --fix files.json"),
    code=1,
)
case(
    "what mends a file that Claude Code ignores is said",
    "commands.enable:_ignored claude-local doctor files.json",
    lambda house: house.write(house.local, {"hooks": {"PreToolUse": [{"matcher": "Bash", "command": "./guard.sh"}]}}),
    ("enable", "--url", OPEN),
    says("Claude Code ignores the whole"),
    code=1,
)
case(
    "why records are not in the log is said",
    "doctor.checks.hooks:_log claude-local doctor hooks.faults",
    read_only_log,
    look("hooks.log"),
    says("the log stays as it is"),
    code=1,
)
case(
    "the log's trouble is said",
    "doctor.checks.hooks:(module) claude-local sessions list",
    log_unreadable,
    look("hooks.log"),
    says("sets it aside"),
    code=1,
)
case(
    "what is no record is looked at",
    "doctor.checks.hooks:_log less …",
    no_record,
    look("hooks.log"),
    says("this is no record"),
)
case(
    "a log that cannot be written is looked at",
    "doctor.checks.hooks:_log … …",
    read_only_log,
    look("hooks.log"),
    says("r-"),
)
case(
    "a damaged log is read as far as it goes",
    "doctor.checks.hooks:_kept sqlite3 … .dump",
    set_aside,
    look("hooks.kept"),
    says("CREATE TABLE"),
)
case(
    "noted faults are removed",
    "doctor.checks.hooks:_faults rm …",
    faults,
    look("hooks.faults"),
    gone("hooks.faults"),
)


def statusline_gone(house: House) -> None:
    """Two servers, each with a status line of ours: the user's cannot run."""
    house.enable("--url", SEVERAL, "--model", "one", "--scope", "user", "--statusline")
    house.user.write_text(house.user.read_text().replace("claude_local_statusline", "gone/claude_local_statusline"))
    house.enable("--url", OPEN)


case(
    "a status line that cannot run is written again where it is",
    OWN_FIX,
    statusline_gone,
    look("hooks.statusline"),
    both(points_at(SEVERAL, model="one", scope="user"), points_at(OPEN), gone("hooks.statusline")),
)


# --- doctor: where sessions go


def beaten(house: House) -> None:
    """A folder whose own settings beat what enable wrote for the user."""
    house.enable("--scope", "user")
    house.write(house.local, {"env": {"ANTHROPIC_MODEL": "other"}})


def in_shell_and_file(house: House) -> None:
    handmade(house)
    house.shell["ANTHROPIC_BASE_URL"] = "http://elsewhere:9"


def never_enabled(house: House) -> None:
    token = {"accessToken": "sk-ant-oat01-x", "scopes": ["user:inference"]}
    house.write(house.home / ".claude" / ".credentials.json", {"claudeAiOauth": token})


def enabled_and_lost(house: House) -> None:
    """Enabled in the user's settings, and the address taken out by hand."""
    house.enable("--scope", "user")
    house.change(house.user, ANTHROPIC_BASE_URL=None)
    never_enabled(house)


def proxy_without_scheme(house: House) -> None:
    handmade(house)
    house.shell["HTTP_PROXY"] = "proxy:8080"


case(
    "sessions go where enable pointed them",
    "doctor.checks.precedence:_endpoint enabling … …",
    enabled_and_lost,
    look("precedence.endpoint"),
    both(gone("precedence.endpoint"), points_at(OPEN, scope="user")),
)
case(
    "a file that names the server is fixed",
    "doctor.checks.precedence:_counting_again fix_command files.json",
    steps(
        lambda house: never_enabled(house),
        lambda house: house.write(house.local, f'{{"env": {{"ANTHROPIC_BASE_URL": "{OPEN}"}},}}\n'),
    ),
    look("precedence.endpoint"),
    gone("precedence.endpoint"),
)
case(
    "a file that names the server is opened",
    "doctor.checks.precedence:_counting_again edit … None …",
    steps(never_enabled, broken, lambda house: house.editor("path.write_text(path.read_text().splitlines()[0] + '}')")),
    look("precedence.endpoint"),
    gone("precedence.endpoint"),
)
case(
    "what enable wrote into a file that is dropped counts again",
    "doctor.checks.precedence:_counting_again fix_command files.json",
    steps(never_enabled, trailing_comma),
    look("precedence.endpoint"),
    both(gone("precedence.endpoint"), points_at(OPEN)),
)
case(
    "a folder of the cloud's gets a server",
    "doctor.checks.precedence:(module) claude-local enable --url URL",
    never_enabled,
    look("precedence.endpoint"),
    gone("precedence.endpoint"),
    fill={"URL": OPEN},
)
case(
    "nobody is logged in",
    "doctor.checks.precedence:(module) claude-local enable --url URL",
    _nothing,
    look("precedence.starts"),
    gone("precedence.starts"),
    fill={"URL": OPEN},
)
not_run(
    "nobody is logged in, and is to be",
    "starts the real client, whose sign-in needs the network",
    "doctor.checks.precedence:_starts claude /login",
    _nothing,
    look("precedence.starts"),
)
case(
    "no server to look at",
    "doctor.preconditions:looked_at claude-local enable --url URL",
    never_enabled,
    look("server.ready"),
    lambda house, case, _: _must(case.printed(house).json["findings"][0]["result"] == "ok"),
    fill={"URL": OPEN},
)
case(
    "an export that a file beats is taken back",
    "doctor.checks.precedence:_shell unset …",
    in_shell_and_file,
    look("precedence.shell"),
    gone("precedence.shell"),
)
case(
    "a proxy without a scheme keeps sessions from starting",
    "doctor.checks.precedence:_way_to_start unset …",
    proxy_without_scheme,
    look("precedence.starts"),
    gone("precedence.starts"),
)
case(
    "an address that goes too far is written shorter",
    "doctor.checks.precedence:_url enable … …",
    enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}/v1"),
    look("precedence.url"),
    gone("precedence.url"),
)
case(
    "an address in the user's settings that goes too far is written shorter there",
    "doctor.checks.precedence:_url enable … …",
    lambda house: house.write(house.user, {"env": {"ANTHROPIC_BASE_URL": f"{OPEN}/v1"}}),
    look("precedence.url"),
    both(gone("precedence.url"), points_at(OPEN, scope="user")),
)
case(
    "a key in the shell makes each start late",
    ("precedence.warnings:_late unset …", "precedence.warnings:_late claude-local enable --url … --scope user"),
    exported(ANTHROPIC_API_KEY="sk-ant-api03-shell"),
    look("precedence.late"),
    gone("precedence.late"),
)
case(
    "the first start is not finished",
    "doctor.checks.client:_onboarding for_the_user …",
    steps(lambda house: house.enable(), lambda house: (house.home / ".claude.json").unlink()),
    look("client.onboarding"),
    gone("client.onboarding"),
)
not_run(
    "the first start is made",
    "starts the real client, whose first start needs the network",
    "doctor.checks.client:_onboarding claude",
    steps(lambda house: house.enable(), lambda house: (house.home / ".claude.json").unlink()),
    look("client.onboarding"),
)
not_run(
    "the folder is trusted",
    "starts the real client, which asks its user",
    "doctor.checks.client:_trust claude",
    lambda house: house.enable(),
    look("client.trust"),
)


def _must(true: bool) -> None:
    assert true


# --- doctor: keys


def key_wanted(house: House) -> None:
    house.write(house.local, {"env": {"ANTHROPIC_BASE_URL": GUARDED, "ANTHROPIC_AUTH_TOKEN": "claude-local"}})


def key_wanted_by_all(house: House) -> None:
    house.write(house.user, {"env": {"ANTHROPIC_BASE_URL": GUARDED, "ANTHROPIC_AUTH_TOKEN": "claude-local"}})


KEY_CHECK = "doctor.checks.credentials:_key "
case(
    "a server that asks for a key gets it",
    (KEY_CHECK + "export SERVER_KEY …", KEY_CHECK + "then … …", KEY_CHECK + "enable None --token-env SERVER_KEY"),
    key_wanted,
    look("credentials.key"),
    both(gone("credentials.key"), points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY)),
    fill={"…": KEY},
)
case(
    "a server of the user's settings gets its key there",
    KEY_CHECK + "then … …",
    key_wanted_by_all,
    look("credentials.key"),
    both(gone("credentials.key"), points_at(GUARDED, scope="user", ANTHROPIC_AUTH_TOKEN=KEY)),
    fill={"…": KEY},
)
case(
    "another server that asks for a key is asked with it",
    KEY_CHECK + "claude-local doctor --url … --token-env SERVER_KEY",
    enabled,
    look("credentials.key", "--url", GUARDED),
    says("server       ✓ vLLM"),
    fill={"…": KEY},
    code=1,  # the folder's own findings are there, too
)
case(
    "no question is asked about a key",
    "doctor.checks.credentials:_question enable",
    lambda house: handmade(house, ANTHROPIC_API_KEY="dummy"),
    look("credentials.question"),
    gone("credentials.question"),
)


# --- doctor: the client


def old_vllm(house: House) -> None:
    """A server that refuses system messages in a conversation, which a shell variable prevents."""
    house.serve("plain", PORT, version="0.22.1")
    house.enable("--url", THERE)


def capabilities_in_a_file(house: House) -> None:
    old_vllm(house)
    house.write(house.user, {"env": {"CLAUDE_CODE_MODEL_CAPABILITIES": "-thinking"}})
    house.editor(
        "rows = path.read_text().splitlines(True)\nassert 'CAPABILITIES' in rows[int(line[1:]) - 1]\n"
        "path.write_text(path.read_text().replace('-thinking', '-mid_conv_system,-mid_conv_tool_change'))"
    )


def a_real_client(house: House, version: str = "2.1.400") -> None:
    """A Claude Code of some version, as npm would have installed it."""
    package = house.home / "npm" / "lib" / "node_modules" / "@anthropic-ai" / "claude-code"
    house.write(package / "package.json", {"name": "@anthropic-ai/claude-code", "version": version})
    house.write(package / "cli.js", "#!/bin/sh\necho 'the client'\n")
    (package / "cli.js").chmod(0o755)
    house.programs.mkdir(exist_ok=True)
    (house.programs / "claude").symlink_to(package / "cli.js")


def vscode_spoilt(house: House) -> None:
    enabled(house)
    house.write(house.project / ".vscode" / "settings.json", '{"a": }\n')
    house.editor("path.write_text('{}')")


case(
    "a system message is not sent to a server that refuses it",
    "doctor.checks.client:_known_bad exported … CLAUDE_CODE_MODEL_CAPABILITIES …",
    old_vllm,
    look("client.known-bad"),
    gone("client.known-bad", WELL),
)
case(
    "a system message is not sent, where a file says which are",
    "doctor.checks.client:_known_bad exported … CLAUDE_CODE_MODEL_CAPABILITIES …",
    capabilities_in_a_file,
    look("client.known-bad"),
    gone("client.known-bad", WELL),
)
case(
    "another server that refuses tools that are sent later",
    "doctor.checks.client:_known_bad enable",
    steps(enabled, lambda house: house.serve("plain", PORT, version="0.22.0")),
    look("client.known-bad", "--url", THERE),
    points_at(THERE, ENABLE_TOOL_SEARCH="false"),
)
not_run(
    "Claude Code is installed",
    "fetches a program from the network and runs it",
    (
        "doctor.checks.client:_installed piped … …",
        "doctor.checks.client:_installed curl -fsSL https://claude.ai/install.sh",
        "doctor.checks.client:_installed bash",
    ),
    enabled,
    look("client.installed"),
)
case(
    "the client tells its version",
    "doctor.checks.client:_installed claude --version",
    steps(enabled, lambda house: house.program("claude", "#!/bin/sh\necho 'the client'\n")),
    look("client.installed"),
    says("the client"),
)
VERIFIES = "starts the real client some thousand times"
not_run(
    "the rules are compared with the client's",
    VERIFIES,
    "doctor.checks.client:_version claude-local verify",
    steps(enabled, a_real_client),
    look("client.version"),
)
not_run(
    "explain's rules are compared with the client's",
    VERIFIES,
    "precedence.warnings:_version claude-local verify",
    steps(enabled, a_real_client),
    EXPLAIN,
)
not_run(
    "explain says how to compare its rules",
    VERIFIES,
    "cli.show_explanation:_versions claude-local verify",
    enabled,
    ("explain-precedence",),
)
case(
    "VS Code's settings are opened",
    "doctor.checks.client:_vscode edit … None …",
    vscode_spoilt,
    look("client.vscode"),
    gone("client.vscode", WELL),
)


# --- doctor: the server


def elsewhere_of(name: str, **options: Any) -> Build:
    """A healthy folder, and another server to look at."""

    def build(house: House) -> None:
        enabled(house)
        house.serve(name, PORT, **options)

    return build


def enabled_for(url: str, *more: str) -> Build:
    """Enabled without asking the server."""

    def build(house: House) -> None:
        house.enable("--url", url, "--no-check", "--model", MODEL, "--max-model-len", "65536", *more)

    return build


READY = look("server.ready", "--url", THERE)
FIX = "doctor.checks.server:_fix "
OTHER = "doctor.checks.server:_other "
case(
    "a server at another port of the host is taken",
    OTHER + "enable … …",
    enabled_for(f"http://{HOST}:8090"),
    look("server.ready"),
    both(points_at(OPEN), gone("server.ready")),
)
case(
    "a server on record is taken again, with its key",
    OTHER + "enable … …",
    steps(guarded, lambda house: house.change(house.local, ANTHROPIC_BASE_URL="http://no-such-host:8000")),
    look("server.ready"),
    both(points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY), gone("server.ready")),
)
case(
    "another server answers at another port",
    OTHER + "claude-local doctor --url …",
    enabled,
    look("server.ready", "--url", f"http://{HOST}:8090"),
    says("server       ✓ vLLM"),
    code=1,  # the folder's own findings are there, too
)
not_run(
    "a server that is off is started over there",
    "leads to another machine",
    "doctor.checks.server:_start ssh -- …",
    enabled_for(f"http://{FAR}:8000"),
    look("server.ready"),
)
case(
    "a name that nobody knows is looked up",
    FIX + "getent hosts -- …",
    enabled_for("http://no-such-host:8000"),
    look("server.ready"),
    _nothing,
    code=2,  # getent's word for a name that is not there
)
not_run(
    "a machine that does not answer is pinged",
    "ping goes on until it is stopped",
    FIX + "ping -- …",
    elsewhere_of("silent"),
    READY,
)
case(
    "a certificate is looked at",
    FIX + "curl -v …",
    elsewhere_of("strange_certificate"),
    look("server.ready", "--url", THERE.replace("http:", "https:")),
    says("certificate"),
    code=60,  # curl's word for a certificate that it does not trust
)
case(
    "what a server answers is looked at",
    FIX + "curl -i …",
    elsewhere_of("scripted", answers={}, otherwise=500),
    READY,
    says("HTTP/1.1 500"),
)
case(
    "another port is tried where no HTTP is spoken",
    "doctor.checks.server:(module) claude-local enable --url http://HOST:PORT",
    elsewhere_of("not_http"),
    READY,
    points_at(OPEN),
    fill={"http://HOST:PORT": OPEN},
)
not_run(
    "a server that loads is waited for",
    "watches until it is stopped",
    "doctor.checks.server:(module) watch -n 5 claude-local status",
    elsewhere_of("plain", loading=True),
    READY,
)
case(
    "a slow list of models is timed",
    "doctor.checks.server:_busy curl -w %{time_total} -o /dev/null -s …/v1/models",
    elsewhere_of("slow", route="/"),
    look("server.busy", "--url", THERE),
    says("1."),
)
DEAD_ENGINE = {
    "GET /v1/model/info": (
        200,
        {"data": [{"model_name": "tiny-qwen3", "litellm_params": {"api_base": f"http://{FAR}:8099"}}]},
    )
}
case(
    "a router's dead engine is looked at",
    "doctor.checks.server:_degraded curl -i …/v1/models",
    elsewhere_of("recorded", folder="litellm-1.110", more=DEAD_ENGINE),
    READY,
    says("Failed to connect"),
    code=7,  # curl's word for a connection that is refused
)
case(
    "a router with a dead engine is asked itself",
    "doctor.checks.server:_degraded ask_deep",
    elsewhere_of("recorded", folder="litellm-1.110", more=DEAD_ENGINE),
    READY,
    says("sending up to"),
    code=1,  # what was recorded answers none of these
)


# --- doctor: models, and what real requests show


def hidden_window(house: House) -> None:
    """A server that tells no window."""
    answers = {
        "GET /v1/models": (200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]}),
        "POST /v1/messages": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}),
        "POST /v1/messages/count_tokens": (200, {"input_tokens": 3}),
    }
    house.serve("scripted", PORT, answers=answers)
    house.write(
        house.local,
        {"env": {"ANTHROPIC_BASE_URL": THERE, "ANTHROPIC_AUTH_TOKEN": "claude-local", "ANTHROPIC_MODEL": MODEL}},
    )


def an_ollama(house: House) -> None:
    """An Ollama, which says how large a model's window is once it is loaded."""
    answers = {
        "GET /": (200, "Ollama is running"),
        "GET /api/version": (200, {"version": "0.14.0"}),
        "GET /v1/models": (200, {"object": "list", "data": [{"id": "qwen3-coder:latest", "owned_by": "library"}]}),
        "GET /api/tags": (200, {"models": [{"name": "qwen3-coder:latest"}]}),
        "GET /api/ps": (200, {"models": []}),
    }
    house.serve("scripted", PORT, answers=answers)
    house.write(
        house.local,
        {"env": {"ANTHROPIC_BASE_URL": THERE, "ANTHROPIC_AUTH_TOKEN": "x", "ANTHROPIC_MODEL": "qwen3-coder:latest"}},
    )


def named_like_anthropics(house: House) -> None:
    house.serve("plain", PORT, models=(("claude-sonnet-4-5", 65_536),))
    house.enable("--url", THERE)


def routes_by_wildcard(house: House) -> None:
    house.serve("recorded", PORT, folder="litellm-1.110")
    house.enable("--url", THERE, "--model", "claude-anything", "--no-check", "--max-model-len", "65536")


def model_gone(house: House) -> None:
    """A server that takes no message for what it lists."""
    house.serve("saying", PORT, status=404, body=None, path="/v1/messages")
    house.enable("--url", THERE, "--no-check", "--model", MODEL, "--max-model-len", "65536")


def key_for_messages(house: House) -> None:
    """A server that lets everybody look, and nobody ask."""
    house.serve("mute", PORT, status=403)
    house.enable("--url", THERE)
    house.shell["MY_KEY"] = KEY


def refused_by_router(house: House) -> None:
    """A router whose health is bad and whose engines cannot be seen."""
    house.serve(
        "recorded",
        PORT,
        folder="vllm-router-vllm",
        more={"GET /version": (500, f"Request failed: error sending request for url ({OPEN}/version)")},
    )
    enabled(house)


not_run(
    "a window that only a loaded model tells",
    "loads a model of the server's",
    "servers.kinds.ollama:_load ollama run …",
    an_ollama,
    look("model.window"),
)
case(
    "a window that no server tells is named",
    "doctor.checks.model:_hidden_window enable None --model … --max-model-len N",
    hidden_window,
    look("model.window"),
    both(gone("model.window"), points_at(THERE, CLAUDE_CODE_MAX_CONTEXT_TOKENS="65536")),
    fill={"N": "65536"},
)
case(
    "a model under a name of its own is enabled",
    "doctor.checks.model:_name enable None --model my-model",
    steps(
        named_like_anthropics,
        lambda house: house.lan.stop(),
        lambda house: house.serve("plain", PORT, models=(("claude-sonnet-4-5", 65_536), ("my-model", 65_536))),
    ),
    look("model.name"),
    both(gone("model.name"), points_at(THERE, model="my-model")),
    fill={"my-model": "my-model"},
)
case(
    "a name that may be routed is asked for",
    "doctor.checks.model:_unserved ask_deep",
    routes_by_wildcard,
    look("model.served"),
    says("as claude-anything"),
    code=1,  # what was recorded answers nothing
)
case(
    "the names that are served are looked at",
    "doctor.checks.model:_fix_of curl -s …/v1/models",
    model_gone,
    ("doctor", "--deep", "model.answers", "--json"),
    says(MODEL),
)
case(
    "a key for messages is named",
    "doctor.checks.model:_fix_of enable None --token-env VARIABLE",
    key_for_messages,
    ("doctor", "--deep", "model.answers", "--json"),
    points_at(THERE, ANTHROPIC_AUTH_TOKEN=KEY),
    fill={"VARIABLE": "MY_KEY"},
)
case(
    "system messages in a conversation are kept away",
    "doctor.checks.model:_system_role exported … …",
    served("refusing", what="system"),
    ("doctor", "--deep", "model.system-role", "--json"),
    gone("model.system-role", WELL),
)
case(
    "thinking that is refused is not asked for",
    "doctor.checks.model:_thinking exported … …",
    served("refusing", what="thinking"),
    ("doctor", "--deep", "model.thinking", "--json"),
    gone("model.thinking", WELL),
)
case(
    "thinking with a budget that is refused is not asked for",
    "doctor.checks.model:_thinking exported … MAX_THINKING_TOKENS 0",
    lambda house: (
        house.serve("refusing", PORT, what="budget", models=(("claude-sonnet-4-5", 200_000),)),
        house.enable("--url", THERE),
    )[0],
    ("doctor", "--deep", "model.thinking", "--json"),
    gone("model.thinking", WELL),
)
not_run(
    "the parsers of vLLM are listed",
    "there is no vLLM here",
    "servers.kinds.vllm:(module) vllm serve --help=tool-call-parser",
    served("swallowing"),
    ("doctor", "--deep", "model.tool-calls", "--json"),
)
case(
    "DISABLE_COMPACT goes from the shell",
    "doctor.checks.limits:_take_out unset …",
    steps(enabled, lambda house: house.shell.update(DISABLE_COMPACT="1")),
    look("model.compaction"),
    gone("model.compaction"),
)
case(
    "only real requests can tell",
    "doctor.preconditions:_only_real_requests ask_deep",
    served("able"),
    look("model.answers"),
    says("sending up to"),
    code=1,  # the folder's other findings are there, too
)
case(
    "only real requests can tell of another server, with its key",
    "doctor.preconditions:_only_real_requests ask_deep",
    steps(enabled, lambda house: house.shell.update(MY_KEY=KEY)),
    look("model.answers", "--url", GUARDED, "--token-env", "MY_KEY"),
    says("sending up to", GUARDED),
    code=1,
)
case(
    "whether a server has messages is asked",
    "doctor.checks.server:_speaks ask_deep",
    elsewhere_of(
        "scripted",
        answers={
            "GET /v1/models": (200, {"object": "list", "data": [{"id": "m", "object": "model"}]}),
            "GET /v1/messages": (200, "what?"),
            "POST /v1/messages": (418, ""),
        },
    ),
    look("server.messages", "--url", THERE),
    says("sending up to"),
    code=1,
)
case(
    "a router's health is looked at",
    "doctor.checks.server:_degraded curl -i …/health",
    refused_by_router,
    READY,
    says("HTTP/1.1 200"),
)
case(
    "a server is warmed up",
    "doctor.checks.server:warmup claude-local warmup … …",
    elsewhere_of("able"),
    lambda house: house.advised("cold"),
    says("is warm"),
)
case(
    "a server's empty list is looked at",
    "servers.advice:load_a_model curl -s …/v1/models",
    elsewhere_of("saying", status=200, body={"object": "list", "data": []}, path="/v1/models"),
    look("server.models", "--url", THERE),
    says('"data"'),
)
not_run(
    "servers are started, upgraded and configured",
    "changes a server, or the machine it is on",
    (
        *tuple(
            f"servers.kinds.{each}"
            for each in (
                "ollama:(module) curl -fsSL https://ollama.com/install.sh",
                "lm_studio:(module) lms load",
                "claude_code_router:(module) npm install -g @musistudio/claude-code-router@latest",
                "ollama:(module) ollama pull qwen3-coder",
                "sglang:(module) pip install --upgrade sglang",
                "transformers:(module) pip install --upgrade transformers",
                "vllm:(module) pip install --upgrade vllm",
                "vllm_router:(module) pip install --upgrade vllm-router",
                "litellm:(module) pip install --upgrade …",
                "ollama:(module) piped … …",
                "ollama:(module) sh",
                "llama_cpp:_larger_window llama-server -m … -c … …",
                "lm_studio:_larger_window lms load … --context-length …",
                "vllm:larger_window vllm serve … --max-model-len …",
                "ollama:_larger_window with_variable OLLAMA_CONTEXT_LENGTH … ollama serve",
                "llama_cpp:_own_name llama-server -m … --alias …",
                "lm_studio:_own_name lms load … --identifier …",
                "ollama:_own_name ollama cp … …",
                "vllm:own_name vllm serve … --served-model-name …",
                "claude_code_router:(module) ccr start",
                "litellm:(module) litellm --config config.yaml --port 4000",
                (
                    "llama_cpp:(module) llama-server -hf unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF --jinja -c 65536"
                    " --port 8080"
                ),
                "lm_studio:(module) lms server start",
                (
                    "sglang:(module) python -m sglang.launch_server --model-path Qwen/Qwen3-Coder-30B-A3B-Instruct"
                    " --context-length 65536 --tool-call-parser qwen3_coder"
                ),
                (
                    "vllm:(module) vllm serve Qwen/Qwen3-Coder-30B-A3B-Instruct --served-model-name qwen3-coder"
                    " --max-model-len 65536 --enable-auto-tool-choice --tool-call-parser qwen3_coder"
                ),
                "ollama:(module) with_variable OLLAMA_CONTEXT_LENGTH 65536 ollama serve",
            )
        ),
        "servers.advisories:(module) claude update",
        "servers.kinds.litellm:(module) pip install litellm[proxy]==1.106.2",
    ),
    _nothing,
    lambda house: house.advised("servers"),
)
case(
    "capabilities are exported",
    "servers.kinds.vllm:(module) export …",
    _nothing,
    lambda house: house.advised("capabilities"),
    lambda house, _, __: _must(house.shell["CLAUDE_CODE_MODEL_CAPABILITIES"].startswith("-mid_conv_system")),
)


# --- doctor: what leaves the machine


def telemetry(house: House) -> None:
    enabled(house)
    house.shell["CLAUDE_CODE_ENABLE_TELEMETRY"] = "1"


def telemetry_in_a_file(house: House) -> None:
    enabled(house)
    house.write(house.user, {"env": {"CLAUDE_CODE_ENABLE_TELEMETRY": "1"}})
    house.editor("path.write_text('{}')")


def tunnelled(house: House, *more: str) -> None:
    """A server with a key and a header, and the end of a tunnel to it on this machine."""
    house.shell["MY_KEY"] = KEY
    house.serve("plain", PORT, api_key=KEY)
    house.serve("plain", PORT, api_key=KEY, address="127.0.0.1")
    house.enable("--url", THERE, "--token-env", "MY_KEY", "--header-env", "X-Gate=MY_KEY", *more)


case(
    "telemetry is switched off",
    "doctor.checks.privacy:_telemetry exported … CLAUDE_CODE_ENABLE_TELEMETRY 0",
    telemetry,
    look("privacy.telemetry"),
    gone("privacy.telemetry"),
)
case(
    "telemetry is switched off where a file switches it on",
    "doctor.checks.privacy:_telemetry exported … CLAUDE_CODE_ENABLE_TELEMETRY 0",
    telemetry_in_a_file,
    look("privacy.telemetry"),
    gone("privacy.telemetry"),
)
case(
    "the end of a tunnel is enabled, with key and headers",
    "doctor.checks.privacy:_transport enable … …",
    tunnelled,
    look("privacy.transport"),
    both(
        points_at(
            f"http://localhost:{PORT}",
            ANTHROPIC_AUTH_TOKEN=KEY,
            ANTHROPIC_CUSTOM_HEADERS=f"X-Gate: {KEY}",
        ),
        gone("privacy.transport"),
    ),
    fill={"VARIABLE": "MY_KEY"},
)
TUNNEL = "leads to another machine, and goes on until it is stopped"
not_run(
    "a tunnel is dug",
    TUNNEL,
    "doctor.checks.privacy:_transport ssh -N -L …:localhost:… -- …",
    enabled,
    look("privacy.transport"),
)
not_run(
    "a session without the login",
    "starts the real client, whose first start needs the network",
    "doctor.checks.privacy:_without_login with_variable CLAUDE_CONFIG_DIR … claude",
    steps(enabled, login),
    look("privacy.login"),
)
case(
    "what beats enable is explained",
    "doctor.checks.precedence:_beaten claude-local explain-precedence …",
    beaten,
    look("precedence.beaten"),
    says("* local  other"),
)


# --- explain-precedence


def explained(name: str, key: str | tuple[str, ...], build: Build, warning: str, **more: Any) -> None:
    """A case of a warning's fix."""
    case(f"explain: {name}", key, build, EXPLAIN, more.pop("after", gone(warning)), **more)


def users_login(house: House) -> None:
    """The user's settings name the server, and a login would be sent there."""
    token = {"accessToken": "sk-ant-oat01-x", "scopes": ["user:inference"]}
    house.write(house.home / ".claude" / ".credentials.json", {"claudeAiOauth": token})
    house.write(house.user, {"env": {"ANTHROPIC_BASE_URL": OPEN, "ANTHROPIC_MODEL": MODEL}})


def all_in_the_shell(house: House) -> None:
    house.shell |= {"ANTHROPIC_BASE_URL": OPEN, "ANTHROPIC_API_KEY": "sk-ant-api03-shell", "ANTHROPIC_MODEL": MODEL}


def mcp_elsewhere(house: House) -> None:
    enabled(house)
    never_enabled(house)


def signed_in(house: House, **changes: Any) -> None:
    """A sign-in at a gateway, which comes before every address."""
    sign_in = {"url": "https://gateway.example.com", "jwt": "secret-jwt", "expiresAt": 4_000_000_000_000, **changes}
    kept = {"enterpriseGateway": sign_in, "gatewayTrust": {"gateway.example.com": "00ff"}}
    house.write(house.home / ".claude" / ".credentials.json", kept)


WARN = "precedence.warnings:"
explained("a leaked login", WARN + "_leaking claude-local enable --url … …", login, "leak.login")
explained(
    "a leak of the user's settings is fixed there",
    WARN + "_leaking claude-local enable --url … …",
    users_login,
    "leak.login",
    after=both(gone("leak.login"), points_at(OPEN, scope="user")),
)
explained(
    "a leak of the shell's own",
    WARN + "_not_by_enable unset …",
    all_in_the_shell,
    "leak.shell-api-key",
)


def at_a_provider(house: House, **shell: str) -> None:
    """A provider's switch, and this project's address for it."""
    house.write(house.local, {"env": {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": OPEN}})
    house.shell.update(shell)


def users_file_without(house: House, *keys: str, **settings: Any) -> None:
    """The user's settings, and an editor that takes the last of these keys out, on the line it is told."""
    house.write(house.user, settings)
    *above, last = keys
    house.editor(
        f"assert {last!r} in path.read_text().splitlines()[int(line[1:]) - 1]\n"
        f"found = inside = json.loads(path.read_text())\nfor key in {above!r}:\n    inside = inside[key]\n"
        f"del inside[{last!r}]\npath.write_text(json.dumps(found))"
    )


explained(
    "a provider's credential of the shell's at another address",
    WARN + "_provider_leaks _where_it_is_set … …",
    lambda house: at_a_provider(house, AWS_BEARER_TOKEN_BEDROCK="bedrock-key-0123456789"),
    "leak.provider-token",
)
explained(
    "a provider's credential of a file's at another address",
    WARN + "_provider_leaks _where_it_is_set … …",
    steps(
        at_a_provider,
        lambda house: users_file_without(
            house, "env", "AWS_BEARER_TOKEN_BEDROCK", env={"AWS_BEARER_TOKEN_BEDROCK": "bedrock-key-0123456789"}
        ),
    ),
    "leak.provider-token",
)
explained(
    "headers of the shell's go to a provider's other address",
    WARN + "_provider_leaks _where_it_is_set … …",
    lambda house: at_a_provider(house, ANTHROPIC_CUSTOM_HEADERS="X-Auth-Token: secret-of-mine-0123"),
    "leak.headers",
)
explained(
    "a proxy's helper that is not run",
    WARN + "_proxy_helper _where_it_is_set … …",
    steps(handmade, lambda house: users_file_without(house, "proxyAuthHelper", proxyAuthHelper="echo x")),
    "proxy.helper",
)
explained(
    "hooks that are switched off",
    WARN + "_hooks _in_the_file … … … …",
    steps(handmade, lambda house: users_file_without(house, "disableAllHooks", disableAllHooks=True)),
    "hooks.disabled",
)
explained(
    "a list of models without the server's",
    WARN + "_window _in_the_file … … … …",
    steps(enabled, lambda house: users_file_without(house, "availableModels", availableModels=["opus", "sonnet"])),
    "window.ignored",
)
explained(
    "a socket that takes every request",
    WARN + "_socket unset …",
    steps(enabled, lambda house: house.shell.update(ANTHROPIC_UNIX_SOCKET="/run/x.sock")),
    "socket.in-use",
)
explained(
    "claude mcp serve goes elsewhere",
    WARN + "(module) claude-local enable --scope user",
    mcp_elsewhere,
    "mcp-serve.elsewhere",
)
explained(
    "a key in the shell makes each start late",
    (WARN + "_late unset …", WARN + "_late claude-local enable --url … --scope user"),
    exported(ANTHROPIC_API_KEY="sk-ant-api03-shell"),
    "start.late-url",
)
explained(
    "an address that is none",
    WARN + "_endpoint claude-local enable --url http://HOST:PORT",
    lambda house: handmade(house, ANTHROPIC_BASE_URL="${HOST}"),
    "url.invalid",
    fill={"http://HOST:PORT": OPEN},
)
explained(
    "a provider beats the address",
    WARN + "_endpoint claude-local enable --url …",
    exported(CLAUDE_CODE_USE_BEDROCK="1"),
    "provider.beats-url",
)
explained(
    "an address with a query",
    WARN + "_endpoint claude-local enable --url …",
    enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}?a=b"),
    "url.query",
)
explained(
    "an address that goes too far",
    WARN + "_endpoint claude-local enable --url …",
    enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}/v1"),
    "url.v1",
)
explained(
    "a proxy in the way",
    WARN + "_endpoint claude-local enable --url …",
    exported(HTTP_PROXY="http://127.0.0.1:9"),
    "proxy.in-the-way",
)
explained(
    "a model that nobody names",
    WARN + "_endpoint claude-local enable --url …",
    lambda house: house.write(house.local, {"env": {"ANTHROPIC_BASE_URL": OPEN, "ANTHROPIC_AUTH_TOKEN": "x"}}),
    "model.unset",
)
explained(
    "a key that is asked about",
    WARN + "_credentials claude-local enable --token-env VAR",
    steps(
        lambda house: handmade(house, ANTHROPIC_BASE_URL=GUARDED, ANTHROPIC_API_KEY="dummy"),
        lambda house: house.shell.update(MY_KEY=KEY),
    ),
    "key.approval",
    fill={"VAR": "MY_KEY"},
)
explained(
    "a key by reference",
    WARN + "_as_written claude-local enable …",
    steps(
        lambda house: handmade(house, ANTHROPIC_BASE_URL=GUARDED, ANTHROPIC_AUTH_TOKEN="${MY_KEY}"),
        lambda house: house.shell.update(MY_KEY=KEY),
    ),
    "credentials.reference",
    after=both(gone("credentials.reference"), points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY)),
)
explained(
    "a header by reference",
    WARN + "_as_written claude-local enable …",
    steps(
        lambda house: handmade(house, ANTHROPIC_CUSTOM_HEADERS="X-Gate: ${MY_KEY}"),
        lambda house: house.shell.update(MY_KEY=KEY),
    ),
    "credentials.reference",
    fill={"NAME=VAR": "X-Gate=MY_KEY"},
    after=both(gone("credentials.reference"), points_at(OPEN, ANTHROPIC_CUSTOM_HEADERS=f"X-Gate: {KEY}")),
)
explained(
    "a key with its scheme",
    WARN + "_as_written claude-local enable --token-env VAR",
    steps(
        lambda house: handmade(house, ANTHROPIC_BASE_URL=GUARDED, ANTHROPIC_AUTH_TOKEN=f"Bearer {KEY}"),
        lambda house: house.shell.update(MY_KEY=KEY),
    ),
    "credentials.scheme",
    fill={"VAR": "MY_KEY"},
)
explained(
    "a window in words",
    WARN + "_window claude-local enable --reset …",
    enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS="64k"),
    "window.unreadable",
)
explained(
    "a window that is assumed",
    WARN + "_window claude-local enable --url …",
    enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS=None),
    "window.assumed",
)
SIGN_IN = "ends a sign-in, or begins one, with the real client and over the network"
not_run(
    "explain: a sign-in",
    SIGN_IN,
    (WARN + "(module) claude auth logout", WARN + "_gateway claude /login"),
    steps(handmade, signed_in),
    EXPLAIN,
)


# --- enable


def refused(name: str, key: str | tuple[str, ...], build: Build, arguments: str, after: After, **more: Any) -> None:
    """A case of the hint of a call of `enable` that is refused."""
    case(f"enable: {name}", key, build, ("enable", "--yes", *shlex.split(arguments)), after, **more)


CHOOSE = "client_config.choose_server:"
refused(
    "an address that goes too far",
    CHOOSE + "_own_url again … …",
    _nothing,
    f"--url {OPEN}/v1 --scope user",
    points_at(OPEN, scope="user"),
)
refused(
    "an address with a password in it",
    CHOOSE + "_own_url again … …",
    lambda house: house.shell.update(MY_KEY=KEY),
    f"--url {GUARDED.replace('://', '://me:word@')}",
    points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY),
    fill={"VARIABLE": "MY_KEY"},
)
refused(
    "a key with its scheme in the variable",
    CHOOSE + "_token export … …",
    lambda house: house.shell.update(MY_KEY=f"Bearer {KEY}"),
    f"--url {GUARDED} --token-env MY_KEY",
    asked_again(),
    fill={"…": KEY},
)
case(
    "enable: somebody has changed the file meanwhile",
    "commands.enable:_refuse_what_was_not_shown again",
    _nothing,
    lambda house: house.advised("changed_meanwhile"),
    points_at("http://127.0.0.1:8000", model="m"),
)
refused(
    "Anthropic's own address",
    CHOOSE + "_own_url claude-local disable",
    enabled,
    "--url https://api.anthropic.com",
    lambda house, _, __: _must(house.env() == {}),
)
refused(
    "nobody was asked, and no address is named",
    CHOOSE + "_server again URL …",
    never_enabled,
    "--no-check --scope user",
    points_at(OPEN, model="m", scope="user"),
    fill={"URL": OPEN, "NAME": "m"},
)
refused(
    "looking around is forbidden",
    CHOOSE + "_found again URL True",
    never_enabled,
    "--no-port-scan --scope user",
    points_at(OPEN, scope="user"),
    fill={"URL": OPEN},
)
refused(
    "nothing listens here",
    CHOOSE + "_found again http://HOST:PORT",
    never_enabled,
    "--scope user",
    points_at(OPEN, scope="user"),
    fill={"http://HOST:PORT": OPEN},
)


def two_here(house: House) -> None:
    never_enabled(house)
    house.serve("plain", 8000, address="127.0.0.1")
    house.serve("plain", 8888, address="127.0.0.1")


refused(
    "two servers are here",
    CHOOSE + "_found again …",
    two_here,
    "--scope user",
    points_at("http://127.0.0.1:8000", scope="user"),
)
refused(
    "several models, a key and a scope",
    CHOOSE + "_model again … …",
    steps(
        lambda house: house.shell.update(MY_KEY=KEY),
        lambda house: house.serve("plain", PORT, api_key=KEY, models=(("one", 65_536, "a"), ("two", 65_536, "b"))),
    ),
    f"--url {THERE} --token-env MY_KEY --header X-Team=shop --scope user --no-hooks",
    points_at(THERE, model="one", scope="user", ANTHROPIC_AUTH_TOKEN=KEY, ANTHROPIC_CUSTOM_HEADERS="X-Team: shop"),
)
refused(
    "no model of that name",
    CHOOSE + "_asked_model again … …",
    _nothing,
    f"--url {SEVERAL} --model tow --scope user",
    points_at(SEVERAL, model="two", scope="user"),
)
refused(
    "no model is listed",
    CHOOSE + "_model again … NAME",
    lambda house: house.serve("saying", PORT, status=200, body={"object": "list", "data": []}, path="/v1/models"),
    f"--url {THERE} --scope user --max-model-len 65536",
    points_at(THERE, model="m", scope="user"),
    fill={"NAME": "m"},
)
refused(
    "a key is asked for",
    (CHOOSE + "_usable export … …", CHOOSE + "_usable again … …", CHOOSE + "_usable then … …"),
    _nothing,
    f"--url {GUARDED} --scope user --model {MODEL}",
    points_at(GUARDED, scope="user", ANTHROPIC_AUTH_TOKEN=KEY),
    fill={"…": KEY},
)
refused(
    "a key is not accepted",
    CHOOSE + "_usable then … …",
    lambda house: house.shell.update(WRONG="not-the-servers-key"),
    f"--url {GUARDED} --token-env WRONG",
    points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY),
    fill={"…": KEY},
)
refused(
    "a variable is not set",
    "client_config.headers:from_variable export … …",
    _nothing,
    f"--url {GUARDED} --token-env MY_KEY",
    asked_again(),
    fill={"…": KEY},
)
refused(
    "a server answers at another port",
    CHOOSE + "_other_port again …",
    _nothing,
    f"--url http://{HOST}:8090 --scope user",
    points_at(OPEN, scope="user"),
)
refused(
    "a server is off",
    CHOOSE + "_usable again … False …",
    _nothing,
    f"--url {THERE} --scope user --max-model-len 65536",
    points_at(THERE, model="m", scope="user"),
    fill={"NAME": "m"},
)


def on_again(house: House) -> Mapping[str, str]:
    """The server that was off is on, when its user comes back to the line."""
    house.serve("plain", PORT, api_key=KEY)
    return {}


refused(
    "a server is on again",
    CHOOSE + "_usable again …",
    lambda house: house.shell.update(MY_KEY=KEY),
    f"--url {THERE} --scope user --token-env MY_KEY",
    points_at(THERE, scope="user", ANTHROPIC_AUTH_TOKEN=KEY),
    fill=on_again,
)


# --- enable: what would have no effect, and the file


def stronger(house: House) -> None:
    """A project's local settings that beat the user's."""
    handmade(house, ANTHROPIC_BASE_URL="http://elsewhere:9")
    house.shell["MY_KEY"] = KEY


def linked_to_the_users(house: House) -> None:
    house.write(house.user, {})
    house.local.parent.mkdir(parents=True)
    house.local.symlink_to(house.user)
    house.shell["MY_KEY"] = KEY


def linked_out(house: House) -> None:
    house.write(house.home / "dotfiles" / "local.json", {})
    house.local.parent.mkdir(parents=True)
    house.local.symlink_to(house.home / "dotfiles" / "local.json")
    house.shell["MY_KEY"] = KEY


def tracked(house: House) -> None:
    house.write(house.local, {})
    house.git("init", "--quiet", "--initial-branch", "main")
    house.git("add", "--force", ".")
    house.shell["MY_KEY"] = KEY


def no_git_to_ask(house: House) -> None:
    """A repository that git itself cannot say anything about."""
    house.git("init", "--quiet", "--initial-branch", "main")
    house.write(house.local, {})
    house.write(house.project / ".git" / "config", "[core\n")
    house.shell["MY_KEY"] = KEY


WITH_KEY = f"--url {GUARDED} --token-env MY_KEY --header X-Team=shop"
refused(
    "something stronger sends sessions elsewhere",
    "commands.effect:_way_out again … … …",
    stronger,
    f"{WITH_KEY} --scope user",
    points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY, ANTHROPIC_CUSTOM_HEADERS="X-Team: shop"),
)
refused(
    "the shell sends sessions to a provider's cloud",
    "commands.effect:_way_out unset …",
    lambda house: house.shell.update(CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST="1", CLAUDE_CODE_USE_BEDROCK="1"),
    f"--url {OPEN}",
    asked_again(),
)
refused(
    "a link to the user's settings",
    "commands.enable:_check_reach again …",
    linked_to_the_users,
    WITH_KEY,
    points_at(GUARDED, scope="user", ANTHROPIC_AUTH_TOKEN=KEY, ANTHROPIC_CUSTOM_HEADERS="X-Team: shop"),
)
refused(
    "a link out of the project",
    "commands.enable:_check_reach again True",
    linked_out,
    WITH_KEY,
    points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY, ANTHROPIC_CUSTOM_HEADERS="X-Team: shop"),
)
refused(
    "a key would be committed",
    "commands.enable:_untracking git -C … rm --cached -- …",
    tracked,
    WITH_KEY,
    both(untracked, asked_again()),
    again=False,
)
refused(
    "git cannot say whether a key would be committed",
    "commands.enable:_refuse_a_secret_that_git_may_take again …",
    no_git_to_ask,
    WITH_KEY,
    points_at(GUARDED, scope="user", ANTHROPIC_AUTH_TOKEN=KEY),
)
refused(
    "a key that would not be written",
    "commands.enable:_check_reset again …",
    lambda house: house.enable("--scope", "user"),
    "--scope user --reset API_TIMEOUT",
    _nothing,
)
not_run(
    "enable: a sign-in comes first",
    SIGN_IN,
    "commands.effect:_way_out claude auth logout",
    signed_in,
    ("enable", "--yes", "--url", OPEN),
)
case(
    "who decides is explained",
    "commands.effect:(module) claude-local explain-precedence",
    enabled,
    lambda house: house.advised("who_decides"),
    says(f"now talks to {OPEN}"),
)


def noted(name: str, key: str | tuple[str, ...], build: Build, arguments: str, after: After, **more: Any) -> None:
    """A case of what `enable` says besides."""
    case(f"enable says: {name}", key, build, ("enable", "--yes", *shlex.split(arguments)), after, **more)


noted(
    "what was edited stays",
    "commands.enable:_said_of_edits _later … --reset …",
    steps(
        lambda house: house.enable("--scope", "user"),
        lambda house: house.change(house.user, CLAUDE_CODE_MAX_OUTPUT_TOKENS="8000"),
    ),
    "--scope user",
    points_at(OPEN, scope="user", CLAUDE_CODE_MAX_OUTPUT_TOKENS="16384"),
)
noted(
    "hooks that were taken out stay out",
    "commands.enable:prepare _later … --hooks",
    lambda house: house.enable("--scope", "user", "--no-hooks"),
    "--scope user",
    both(
        points_at(OPEN, scope="user"),
        lambda house, _, __: _must("hooks" in json.loads(house.user.read_text()) and not house.local.exists()),
    ),
)
noted(
    "hooks for a shared file",
    "commands.enable:prepare claude-local hooks install --scope user",
    _nothing,
    f"--url {OPEN} --scope project",
    lambda house, _, __: _must("SessionStart" in json.loads(house.user.read_text())["hooks"]),
)
noted(
    "a model that is not listed",
    "commands.enable:prepare again … NAME",
    lambda house: house.serve("recorded", PORT, folder="litellm-1.110-window", otherwise=None),
    f"--url {THERE} --model gone --scope user --max-model-len 65536",
    points_at(THERE, model="tiny-qwen3", scope="user"),
    fill={"NAME": "tiny-qwen3"},
)
noted(
    "time-outs of another server go",
    "commands.enable:prepare claude-local bench --apply",
    steps(
        lambda house: house.serve("plain", PORT),
        lambda house: house.enable("--url", THERE),
        lambda house: house.ok("bench", *SMALL, "--apply", "--yes"),
    ),
    f"--url {OPEN}",
    says("Written to"),
    again=False,
)
noted(
    "a tunnel's end, with all that the server gets",
    "client_config.warnings:warnings again http://localhost:……",
    lambda house: tunnelled(house, "--scope", "user"),
    "--scope user",
    points_at(
        f"http://localhost:{PORT}",
        scope="user",
        ANTHROPIC_AUTH_TOKEN=KEY,
        ANTHROPIC_CUSTOM_HEADERS=f"X-Gate: {KEY}",
    ),
    fill={"VARIABLE": "MY_KEY"},
)
not_run(
    "enable says: a tunnel",
    TUNNEL,
    "client_config.warnings:warnings ssh -N -L …:localhost:… …",
    _nothing,
    ("enable", "--url", OPEN, "--yes"),
)
noted(
    "a name like Anthropic's",
    "client_config.warnings:warnings again … NAME",
    lambda house: house.serve("plain", PORT, models=(("claude-sonnet-4-5", 65_536), ("my-model", 65_536))),
    f"--url {THERE} --model claude-sonnet-4-5 --scope user",
    points_at(THERE, model="my-model", scope="user"),
    fill={"NAME": "my-model"},
)
noted(
    "system messages in a conversation",
    (
        "client_config.warnings:warnings export CLAUDE_CODE_MODEL_CAPABILITIES …",
        "client_config.warnings:warnings again … … …",
    ),
    steps(
        lambda house: house.serve("plain", PORT, version="0.22.1", api_key=KEY),
        lambda house: house.shell.update(MY_KEY=KEY),
    ),
    f"--url {THERE} --token-env MY_KEY",
    lambda house, case, _: _must("mid_conv_system" in json.dumps([house.shell, house.env(house.user)])),
)
for scope in ("local", "project", "user"):

    def _undone(house: House, _: Case, __: Typed) -> None:
        assert not any(path.exists() for path in (house.local, house.shared, house.user))

    case(
        f"the undo of enable, {scope}",
        "commands.enable_shown:undo claude-local disable --scope …",
        _nothing,
        ("enable", "--yes", "--url", OPEN, "--scope", scope),
        _undone,
    )


def twice_enabled(house: House) -> None:
    house.enable("--scope", "user")
    house.enable()


def enabled_with_own_hooks(house: House) -> None:
    house.ok("hooks", "install", "--yes")
    house.enable()


case(
    "what disable leaves enabled",
    "cli.disable:disabled_lines claude-local disable --scope …",
    twice_enabled,
    ("disable", "--yes"),
    lambda house, _, __: _must(house.env(house.user) == {}),
)
case(
    "what disable leaves of hooks",
    "cli.disable:disabled_lines claude-local hooks uninstall --scope …",
    enabled_with_own_hooks,
    ("disable", "--yes"),
    lambda house, _, __: _must(not house.local.exists() or "hooks" not in house.local.read_text()),
)


def left_for_another(house: House) -> None:
    """Enabled in one folder, and gone on to another one."""
    house.enable()
    house.folder = house.home / "elsewhere"
    house.folder.mkdir()


case(
    "disable where nothing is enabled leads to status",
    "commands.disable:(module) claude-local status",
    never_enabled,
    ("disable",),
    says("https://api.anthropic.com", "hooks"),
)
case(
    "disable where another folder is enabled leads there",
    "commands.disable:_elsewhere claude-local status --all",
    left_for_another,
    ("disable",),
    says("settings.local.json", OPEN),
)
case(
    "disable where an editor's own settings are enabled leads to them",
    "commands.disable:_elsewhere claude-local disable --vscode",
    lambda house: house.ok("enable", "--yes", "--url", OPEN, "--vscode", "cursor"),
    ("disable",),
    lambda house, _, __: _must(not (house.home / ".config/Cursor/User/settings.json").exists()),
)
case(
    "disable --vscode where settings files are enabled leads to them",
    "commands.disable:prepare_editors claude-local disable",
    lambda house: house.enable(),
    ("disable", "--vscode"),
    lambda house, _, __: _must(not house.local.exists()),
)
case(
    "an option without its value leads to what it is for",
    "cli.group:_without_its_words … --help",
    _nothing,
    ("explain-precedence", "--what-if", "user"),
    says("--what-if SCOPE KEY=VALUE", "--what-if user model=opus"),
    code=0,
)


# --- other commands

not_run(
    "the program is removed",
    "removes the program that is tested",
    (
        "core.installed:removing uv tool uninstall …",
        "core.installed:removing pipx uninstall …",
        "core.installed:removing … …",
    ),
    _nothing,
    lambda house: house.advised("removed_by"),
)


def transcript(house: House, session: str = SESSION) -> None:
    """A session of the project that died of a picture."""
    folder = house.home / ".claude" / "projects" / "".join(c if c.isalnum() else "-" for c in str(house.project))
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
    user = {"type": "user", "uuid": "a", "parentUuid": None, "sessionId": session, "cwd": str(house.project)}
    user["message"] = {"role": "user", "content": [{"type": "text", "text": "look"}, picture]}
    house.write(folder / f"{session}.jsonl", json.dumps(user) + "\n")


def recorded_session(house: House) -> None:
    """A session here is on record that was on the own server, and can be resumed."""
    enabled(house)
    house.hook("SessionStart", source="startup")
    house.hook("UserPromptSubmit", prompt="x")
    house.hook("SessionEnd", reason="other")
    transcript(house)


def dead_record(house: House) -> None:
    """A folder that was enabled and is gone, as is seen from another one."""
    enabled(house)
    shutil.rmtree(house.project)
    house.folder = house.home / "elsewhere"
    house.folder.mkdir()


case(
    "a conversation of an own server is copied for the cloud",
    "commands.disable:(module) claude-local rescue SESSION",
    steps(recorded_session, never_enabled),
    ("disable", "--yes"),
    says("claude --resume"),
    fill={"SESSION": SESSION},
    again=False,
)
case(
    "the last session is copied",
    "doctor.checks.limits:(module) claude-local rescue last",
    recorded_session,
    ("doctor", "--explain", "model.images"),
    says("claude --resume"),
    again=False,
)
not_run(
    "a copy is resumed",
    "starts the real client (tests/client/test_rescue.py resumes copies with it)",
    ("commands.rescue:Rescue.resume then … …", "commands.rescue:Rescue.resume cd …", "commands.rescue:Rescue.resume …"),
    recorded_session,
    ("rescue", "last"),
)
case(
    "rescue: which sessions there are",
    "commands.rescue:(module) claude-local sessions list",
    recorded_session,
    ("rescue", "ffff"),
    says(SESSION[:8]),
)
case(
    "sessions show: which sessions there are",
    "commands.sessions:show_session claude-local sessions list",
    recorded_session,
    ("sessions", "show", "ffff"),
    says(SESSION[:8]),
)
case(
    "sessions list: nothing yet",
    "cli.sessions:_none_found claude-local hooks install --scope user",
    _nothing,
    ("sessions", "list"),
    lambda house, _, __: _must("SessionStart" in json.loads(house.user.read_text())["hooks"]),
)
PUSHED = "http://127.0.0.1:9"
case(
    "sessions push: nowhere",
    "team.destination:nowhere claude-local config set log.push URL",
    recorded_session,
    ("sessions", "push"),
    lambda house, _, __: _must(PUSHED in house.config.read_text()),
    fill={"URL": PUSHED},
)
case(
    "sessions push: what is set is refused",
    "commands.push:_say_what_is_wrong_with_it claude-local config set log.push URL",
    steps(recorded_session, lambda house: house.write(house.config, '[log]\npush = "ftp://nowhere"\n')),
    ("sessions", "push"),
    lambda house, _, __: _must(PUSHED in house.config.read_text()),
    fill={"URL": PUSHED},
)
case(
    "sessions push: no salt",
    "commands.push:rules_of claude-local config set log.push_salt SALT",
    steps(recorded_session, lambda house: house.write(house.config, '[log]\npush_cwd = "hash"\n')),
    ("sessions", "push", "--to", PUSHED, "--dry-run"),
    asked_again(),
    fill={"SALT": "the-salt-of-the-whole-team"},
)


def not_sent(house: House) -> None:
    """A log that is to go where nobody listens."""
    recorded_session(house)
    house.write(house.config, f'[log]\npush = "{PUSHED}"\n')
    assert house.call("sessions", "push").code == 1


case(
    "a log that could not be sent is sent",
    "doctor.checks.hooks:_sent claude-local sessions push",
    not_sent,
    look("hooks.sent"),
    says("cannot be reached"),
    code=1,
)
case(
    "status: a log that could not be sent",
    "commands.status:status claude-local sessions push",
    not_sent,
    ("status",),
    says("cannot be reached"),
    code=1,
)
case(
    "report: nothing yet",
    "report.page:_summary claude-local hooks install --scope user",
    _nothing,
    ("report", "--output", "-"),
    lambda house, _, __: _must("SessionStart" in json.loads(house.user.read_text())["hooks"]),
)
case(
    "report: all backends",
    "report.page:_backends claude-local report --json",
    _nothing,
    lambda house: house.advised("many_backends"),
    says('"periods"'),
)
case(
    "report: data into a file",
    ("cli.report:report into FILE …", "cli.report:report claude-local report --json"),
    _nothing,
    ("report", "--json", "--open"),
    lambda house, _, __: _must("periods" in json.loads((house.project / "data.json").read_text())),
    fill={"FILE": "data.json"},
)
case(
    "sessions stats: prices",
    "cli.sessions:_print_cost claude-local config set prices.input …",
    recorded_session,
    ("sessions", "stats", "--cost"),
    lambda house, _, __: _must("input = 3" in house.config.read_text()),
    fill={"…": "3"},
)
case(
    "status: hooks",
    "cli.show_status:show_status claude-local hooks install --scope user",
    without_hooks,
    ("status",),
    lambda house, _, __: _must("hooks" in json.loads(house.user.read_text())),
)
case(
    "status: a hook that cannot run",
    "commands.status:_warnings claude-local doctor --fix hooks.broken",
    broken_hooks,
    ("status", "--json"),
    gone("hooks.broken"),
)
case(
    "status: --sweep alone",
    "cli.show_status:show_status claude-local status --all --sweep",
    dead_record,
    ("status", "--sweep"),
    says("gone, forgotten"),
)
case(
    "status: a folder that is gone is forgotten",
    "cli.show_status:_everywhere claude-local status --all --sweep",
    dead_record,
    ("status", "--all"),
    says("gone, forgotten"),
    again=False,
)
case(
    "status: a folder that was moved finds its record",
    "cli.show_status:_everywhere claude-local disable",
    steps(
        enabled,
        lambda house: house.project.rename(house.home / "moved"),
        lambda house: setattr(house, "folder", house.home / "moved"),
    ),
    ("status", "--all"),
    lambda house, _, __: _must(not (house.home / "moved" / ".claude").exists()),
)
case(
    "status: an address that is none",
    "commands.status:(module) claude-local enable --url URL",
    lambda house: handmade(house, ANTHROPIC_BASE_URL="ftp://x"),
    ("status",),
    points_at(OPEN),
    fill={"URL": OPEN},
)
case(
    "hooks: none yet",
    "cli.hooks:status claude-local hooks install --scope user",
    _nothing,
    ("hooks", "status"),
    lambda house, _, __: _must("hooks" in json.loads(house.user.read_text())),
)
case(
    "hooks: the undo",
    "cli.hooks:install claude-local hooks uninstall --scope …",
    _nothing,
    ("hooks", "install", "--scope", "user", "--yes"),
    lambda house, _, __: _must(not house.user.exists()),
)
case(
    "an editor's settings: the undo",
    "cli.vscode:_enable claude-local disable --vscode",
    _nothing,
    ("enable", "--yes", "--url", OPEN, "--vscode", "--vscode", "cursor"),
    lambda house, _, __: _must(not any((house.home / each).exists() for each in ("shop/.vscode", ".config/Cursor"))),
)
case(
    "launcher: the undo",
    "cli.launcher:install claude-local launcher remove … …",
    _nothing,
    ("launcher", "install", "autobuild-vllm", "cloud", "--dir", "my bin", "--", "claude", "-p"),
    lambda house, _, __: _must(not (house.project / "my bin" / "autobuild-vllm").exists()),
    again=False,  # a second time there is nothing to remove, which is an error
)
case(
    "config: which settings there are",
    "commands.config:(module) claude-local config list",
    _nothing,
    ("config", "set", "on_dead_bakend", "warn"),
    says("on_dead_backend"),
)
case(
    "config: an example of a value",
    "commands.config:_example claude-local config set … … …",
    _nothing,
    ("config", "set", "--project", ".", "protect", "perhaps"),
    lambda house, _, __: _must("protect = true" in house.config.read_text()),
)
case(
    "config: where the file is",
    "config.document:edited claude-local config path",
    _nothing,
    lambda house: house.advised("config_by_hand"),
    says("config.toml"),
)
case(
    "audit: those on record",
    "commands.audit:(module) claude-local sessions stats --by project",
    recorded_session,
    ("audit", "--project", "/no/such/folder", "--allow", "cloud"),
    says("shop"),
)
case(
    "audit: where the list goes",
    "commands.audit:(module) claude-local config path",
    recorded_session,
    ("audit",),
    says("config.toml"),
)
case(
    "bench: the undo",
    "cli.bench:_apply claude-local bench --revert",
    enabled,
    ("bench", *SMALL, "--apply", "--yes"),
    lambda house, _, __: _must("CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS" not in house.env()),
)
case(
    "bench: what follows is written",
    "cli.bench:_conclusions claude-local bench --apply",
    enabled,
    ("bench", *SMALL),
    lambda house, _, __: _must("CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS" in house.env()),
    again=False,
)
case(
    "bench: the folder is to use that server",
    "commands.bench:prepare claude-local enable --url … …",
    steps(enabled, lambda house: house.shell.update(MY_KEY=KEY)),
    ("bench", *SMALL, "--apply", "--yes", "--url", GUARDED, "--token-env", "MY_KEY"),
    points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY),
)
case(
    "bench: the file is to be fixed",
    "commands.bench:(module) claude-local doctor files",
    steps(lambda house: house.enable("--scope", "user"), lambda house: house.write(house.local, "{")),
    ("bench", *SMALL, "--apply", "--yes"),
    says("files.json"),
    code=1,
)
case(
    "bench: a report is made",
    ("commands.bench:_makes_one into FILE …", "commands.bench:_makes_one claude-local bench --json …"),
    steps(lambda house: house.shell.update(MY_KEY=KEY), lambda house: house.write(house.project / "no.json", "[]")),
    ("bench", *SMALL, "--url", GUARDED, "--token-env", "MY_KEY", "--compare", "no.json"),
    lambda house, _, __: _must(json.loads((house.project / "yes.json").read_text())["format"] == 1),
    fill={"FILE": "yes.json"},
)
case(
    "bench: the same is measured",
    "commands.bench:compared claude-local bench … …",
    steps(
        lambda house: house.shell.update(MY_KEY=KEY),
        lambda house: house.write(
            house.project / "old.json",
            house.ok("bench", *SMALL, "--url", GUARDED, "--token-env", "MY_KEY", "--json").out,
        ),
    ),
    ("bench", "--prompt-tokens", "500", *SMALL[2:], "--url", GUARDED, "--token-env", "MY_KEY", "--compare", "old.json"),
    says("recommended"),
)
case(
    "bench: a server that does not answer",
    "commands.bench:run doctor",
    steps(
        lambda house: house.shell.update(MY_KEY=KEY),
        lambda house: house.serve("mute", PORT, api_key=KEY),
    ),
    ("bench", *SMALL, "--url", THERE, "--token-env", "MY_KEY"),
    says("server       ✓ vLLM"),
    code=1,  # the folder's own findings are there, too
)
case(
    "warmup: a server that cannot be used",
    "commands.server_in_use:in_use _doctor_on … … …",
    enabled,
    ("warmup", "--url", GUARDED),
    says("asks for a key"),
    code=1,
)
case(
    "warmup: a variable that is not set",
    "client_config.headers:from_variable export … …",
    _nothing,
    ("warmup", "--url", GUARDED, "--token-env", "MY_KEY"),
    asked_again(),
    fill={"…": KEY},
)
case(
    "enable: a header's variable is not set",
    "client_config.headers:from_variable export … …",
    _nothing,
    ("enable", "--url", OPEN, "--header-env", "X-Gate=PASS", "--yes"),
    asked_again(),
    fill={"…": "open-sesame-0123456789"},
)
case(
    "doctor: a variable is not set",
    "client_config.headers:from_variable export … …",
    _nothing,
    ("doctor", "credentials.key", "--url", GUARDED, "--token-env", "MY_KEY"),
    asked_again(),
    fill={"…": KEY},
)
case(
    "doctor: a key without a server",
    "commands.doctor:_token claude-local doctor --url URL --token-env …",
    lambda house: house.shell.update(MY_KEY=KEY),
    ("doctor", "--token-env", "MY_KEY"),
    says("server       ✓ vLLM"),
    fill={"URL": GUARDED},
    code=1,
)
case(
    "doctor: --dry-run alone",
    "cli.doctor:doctor claude-local doctor --fix … …",
    handmade,
    ("doctor", "privacy.traffic", "--dry-run"),
    says('+    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"', "Nothing was written"),
    again=False,
)
case(
    "doctor: --fix for another server",
    "cli.doctor:doctor enable",
    steps(enabled, lambda house: house.shell.update(MY_KEY=KEY)),
    ("doctor", "--fix", "--yes", "--url", GUARDED, "--token-env", "MY_KEY"),
    points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY),
)
case(
    "doctor: what --fix would do to a mode",
    "commands.doctor:diff chmod … …",
    readable,
    ("doctor", "files.mode", "--fix", "--dry-run"),
    lambda house, _, __: _must(house.local.stat().st_mode & 0o777 == 0o600),
)
case(
    "doctor: how a check is fixed",
    "commands.doctor:explained own_fix …",
    readable,
    ("doctor", "--explain", "files.mode"),
    lambda house, _, __: _must(house.local.stat().st_mode & 0o777 == 0o600),
)
case(
    "doctor: which checks there are",
    "doctor.checks.__init__:chosen claude-local doctor --list",
    _nothing,
    ("doctor", "files.jsn"),
    says("files.json"),
)
case(
    "doctor: a check that could not be completed",
    "doctor.checks.__init__:run claude-local doctor --json",
    _nothing,
    lambda house: house.advised("failed_check"),
    says('"findings"'),
    code=1,
)
case(
    "doctor: a model is to be chosen",
    "doctor.checks.model:_pinned claude-local enable --url … --model NAME",
    lambda house: handmade(house, ANTHROPIC_BASE_URL=SEVERAL, ANTHROPIC_MODEL="gone"),
    ("doctor", "--fix", "--dry-run", "--json"),
    points_at(SEVERAL, model="two"),
    fill={"NAME": "two"},
)
case(
    "doctor: a file is to be fixed first",
    "doctor.fixes:_lines fix_command files.json",
    steps(
        lambda house: house.shell.update(ANTHROPIC_BASE_URL=OPEN),
        lambda house: house.write(house.local, '{"model": "x",}'),
    ),
    ("doctor", "privacy.traffic", "--fix", "--dry-run", "--json"),
    lambda house, _, __: _must(json.loads(house.local.read_text()) == {"model": "x"}),
)
not_run(
    "verify: where the client is",
    VERIFIES,
    "cli.verify:verify claude-local verify --claude PATH",
    _nothing,
    ("verify",),
)
not_run(
    "verify: which file to ask",
    VERIFIES,
    "commands.verify:read_cases claude-local verify --case FILE",
    _nothing,
    ("verify", "--case", "no-such-file"),
)
not_run(
    "verify: the rest, and one again",
    VERIFIES,
    ("cli.verify:_show claude-local verify", "cli.verify:_show claude-local verify --case …"),
    _nothing,
    lambda house: house.advised("verified"),
)
not_run(
    "managed render: how the file is installed",
    "writes an administrator's folder",
    "commands.managed:installing sudo install -D -m 0644 … …",
    _nothing,
    ("managed", "render", "--url", OPEN),
)


def _lists_the_new_task(_: House, __: Case, typed: Typed) -> None:
    assert re.search(r"^  my-task +1 ", typed.out, re.MULTILINE)


case(
    "eval new: the new task is looked at",
    "commands.evaluation:steps claude-local eval --list --suite …",
    _nothing,
    ("eval", "new", "its tasks/my-task"),
    _lists_the_new_task,
)


def _is_sound(_: House, __: Case, typed: Typed) -> None:
    assert "1 task, all sound" in typed.out


case(
    "eval new: the new task is checked",
    "commands.evaluation:steps claude-local eval check … …",
    _nothing,
    ("eval", "new", "its tasks/my-task"),
    _is_sound,
)
not_run(
    "eval: the rest of the trials",
    "runs Claude Code for minutes; tests/client/test_eval.py goes on with one",
    ("commands.eval_run:Asked.again claude-local eval … …", "cli.eval.running:run again …"),
    lambda house: house.program("claude", "#!/bin/sh\nexit 1\n"),
    ("eval", "--url", OPEN, "--budget", "0", "--no-isolation", "--repeat", "2"),
)
not_run(
    "eval: what was typed, for who wants the same again",
    "runs Claude Code for minutes",
    ("commands.eval_run:_conditions again",),
    lambda house: house.program("claude", "#!/bin/sh\nexit 1\n"),
    ("eval", "--url", OPEN, "--budget", "0", "--no-isolation", "--repeat", "2", "--json"),
)
not_run(
    "eval: a cloud, in so many words",
    "is paid for; tests/commands/test_eval_cloud.py looks at what it would start",
    ("commands.eval_run:_refuse_unasked again …",),
    lambda house: house.program("claude", "#!/bin/sh\nexit 1\n"),
    ("eval", "--profile", "cloud"),
)
not_run(
    "eval: the key for a cloud",
    "is the user's own; tests/commands/test_eval_cloud.py looks at where it goes",
    ("commands.eval_cloud:credential export … …",),
    lambda house: house.program("claude", "#!/bin/sh\nexit 1\n"),
    ("eval", "--cloud", "--model", "m", "--cost-limit", "1", "--no-isolation"),
)
not_run(
    "recipe litellm: how it is installed and started",
    "installs and starts a program of others",
    (
        "commands.recipe_litellm:_steps pip install … …",
        "commands.recipe_litellm:_steps export … …",
        "commands.recipe_litellm:_steps with_variable … …",
    ),
    _nothing,
    ("recipe", "litellm", "--backend", OPEN),
    fill={"…": "a-long-secret"},
)
#: A server that asks for a key stands where LiteLLM will.
_GATEWAY = ("--url", GUARDED)
case(
    "recipe litellm: sessions are pointed at it",
    "commands.recipe_litellm:_pointing claude-local enable …",
    lambda house: house.shell.update(LITELLM_MASTER_KEY=KEY),
    ("recipe", "litellm", "--backend", OPEN, *_GATEWAY),
    points_at(GUARDED, model=MODEL, ANTHROPIC_AUTH_TOKEN=KEY),
)
case(
    "recipe litellm: tiers have servers of their own",
    (
        "commands.recipe_litellm:_pointing then … …",
        "commands.recipe_litellm:_pointing claude-local profile add … … …",
        "commands.recipe_litellm:_pointing claude-local enable …",
    ),
    lambda house: house.shell.update(LITELLM_MASTER_KEY=KEY),
    ("recipe", "litellm", "--backend", OPEN, "--backend", f"haiku={OPEN}", *_GATEWAY),
    points_at(GUARDED, model=MODEL, ANTHROPIC_DEFAULT_HAIKU_MODEL=f"{MODEL}-haiku"),
)
not_run(
    "recipe production-stack: a cluster gets it",
    "installs into a cluster",
    (
        "commands.recipe_production_stack:_of_recipe kubectl create secret generic … --from-file=…=…",
        "commands.recipe_production_stack:_steps helm upgrade --install … …/vllm-stack --version … -f …",
        "commands.recipe_production_stack:_steps then … …",
        "commands.recipe_production_stack:_steps helm repo add … …",
        "commands.recipe_production_stack:_steps kubectl port-forward service/…-router-service 8000:80",
        "commands.recipe_production_stack:_steps claude-local enable --url … … --model …",
    ),
    _nothing,
    ("recipe", "production-stack", "qwen3-coder-next", "--hardware", "gb10"),
)
#: A file with a fault that can be corrected by rule.
_FAULTY = 'version: "3"\nservices:\n  a:\n    image: vllm/vllm-openai:v0.30.0\n    command: a/b --max-model-len 64k\n'
case(
    "recipe lint: how a file is corrected",
    "lint.checks.__init__:run.own_fix … --fix",
    lambda house: house.write(house.project / "it's mine.yml", _FAULTY),
    ("recipe", "lint", "it's mine.yml", "--hardware", "gb10", "--sessions", "2"),
    says("-    command: a/b --max-model-len 64k"),
    code=1,
    again=False,  # it writes nothing, and nobody is asked
)
case(
    "recipe lint: nothing was named",
    "cli.recipe.lint:lint_command claude-local recipe lint FILE",
    lambda house: house.write(house.project / "compose.yml", _FAULTY),
    ("recipe", "lint"),
    says("compose file · vllm"),
    fill={"FILE": "compose.yml"},
    code=1,
)
case(
    "recipe lint: which checks there are",
    "lint.checks.__init__:chosen claude-local recipe lint --list",
    _nothing,
    ("recipe", "lint", "compose.yml", "--check", "recipe.parsr"),
    says("recipe.parser"),
)
case(
    "recipe lint: a check that could not be completed",
    "lint.checks.__init__:run … --json",
    lambda house: house.write(house.project / "compose.yml", _FAULTY),
    lambda house: house.advised("failed_check_of_a_file"),
    says('"findings"'),
    code=1,
)
case(
    "recipe lint: a server that is not there",
    "commands.recipe_lint:_server claude-local doctor server --url …",
    _nothing,
    ("recipe", "lint", "--url", THERE),
    says("refuse"),
    code=1,
)
not_run(
    "recipe otel: the collector is started",
    "starts a program of others",
    "commands.recipe_otel:_steps otelcol-contrib --config=…",
    _nothing,
    ("recipe", "otel"),
)
not_run(
    "recipe otel: an administrator's file",
    "writes an administrator's folder",
    "commands.recipe_otel:_steps sudo install -D -m 0644 … …",
    _nothing,
    ("recipe", "otel", "--scope", "managed"),
)
not_run(
    "recipe otel: a shell is told",
    "sets variables for a program that is not started here",
    "commands.recipe_otel:_exporters exports …",
    _nothing,
    ("recipe", "otel", "--scope", "shell"),
)
case(
    "recipe production-stack: what is to be started has to be named",
    "commands.recipe_production_stack:recipe_production_stack …",
    _nothing,
    ("recipe", "production-stack"),
    says("routingLogic: session"),
)
not_run(
    "recipe prometheus: what alerts say to do",
    "for whoever an alert calls, at a server in trouble",
    (
        "recipes.monitoring.prometheus:_alerts claude-local doctor --server-log FILE",
        "recipes.monitoring.prometheus:_alerts claude-local doctor --deep cache",
        "recipes.monitoring.prometheus:_alerts claude-local bench",
    ),
    _nothing,
    ("recipe", "prometheus", "--backend", OPEN),
)
not_run(
    "recipe prometheus: how it is checked and started",
    "starts a program of others",
    (
        "commands.recipe_prometheus:recipe_prometheus promtool check config …",
        "commands.recipe_prometheus:recipe_prometheus prometheus --config.file=… --web.listen-address=…",
    ),
    _nothing,
    ("recipe", "prometheus", "--backend", OPEN),
)
not_run(
    "privacy: where the client is",
    "starts the real client",
    "cli.privacy:privacy claude-local privacy --prove --claude PATH",
    _nothing,
    ("privacy", "--prove"),
)
case(
    "privacy: more is kept back",
    "cli.privacy:_show claude-local enable --privacy airgap",
    enabled,
    ("privacy",),
    points_at(OPEN, ENABLE_CLAUDEAI_MCP_SERVERS="false"),
)
case(
    "privacy: a file that cannot be edited",
    "commands.privacy:planned claude-local doctor --fix files.json",
    lambda house: house.write(house.local, '{"model": "x",}'),
    ("privacy", "--level", "airgap"),
    asked_again(),
)
not_run(
    "verify: the client by hand",
    "starts the real client",
    "commands.verify:_must_be_sane … -p hello",
    _nothing,
    lambda house: house.advised("insane_client"),
)
case(
    "where nobody knows the home folder",
    "cli.place:here export HOME …",
    _nothing,
    lambda house: house.advised("no_home"),
    lambda house, _, typed: _must(typed.environ["HOME"] == "/somewhere"),
    fill={"…": "/somewhere"},
)
not_run(
    "an extra, or a newer version, is to be had",
    "installs a package",
    (
        "core.installed:with_extra uv tool install …",
        "core.installed:with_extra pipx inject … …",
        "core.installed:with_extra … …",
        "core.installed:newer uv tool upgrade …",
        "core.installed:newer pipx upgrade …",
        "core.installed:newer … --upgrade …",
        "core.installed:newer uv tool install --reinstall …",
        "core.installed:newer pipx install --force …",
        "core.installed:newer … … …",
        "core.installed:newer then … …",
        "core.installed:newer git -C … pull",
    ),
    _nothing,
    lambda house: house.advised("other_versions"),
)
#: What brings a newer version here, in parts.
NEWER = (
    ("core.installed:newer then … …", "core.installed:newer git -C … pull", "core.installed:newer … … …")
    if installed.source() and Path(installed.source() or "", ".git").exists()
    else ("core.installed:newer … … …" if installed.source() else "core.installed:newer … --upgrade …",)
)


def newer_log(house: House) -> None:
    recorded_session(house)
    with closing(sqlite3.connect(house.state / "sessions.db")) as log:
        log.execute("PRAGMA user_version = 99")


def newer_journal(house: House) -> None:
    """A session that goes on, of which a newer version's hook has told, too."""
    enabled(house)
    house.hook("SessionStart", source="startup")
    (journal,) = (house.state / "journal").glob("*.jsonl")
    with journal.open("a") as lines:
        lines.write('{"format": 99}\n')


def newer_record(house: House) -> None:
    enabled(house)
    (record,) = (house.state / "ownership").glob("*.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "schema_version": 99}))


for what, build, ask in (
    ("the log", newer_log, ("sessions", "list")),
    ("a journal", newer_journal, look("hooks.log")),
    ("what enable wrote", newer_record, ("disable",)),
):
    not_run(f"a newer claude-local wrote {what}", "installs a package", NEWER, build, ask)
case(
    "a log that cannot be read",
    "sessionlog.queries.reading:hint claude-local doctor hooks",
    recorded_session,
    lambda house: house.advised("log_hint"),
    says("the session log can be read and written"),
    code=0,
)


# --- demo: the one round


case(
    "demo: --port alone",
    "cli.demo:demo claude-local demo --serve --port …",
    _nothing,
    ("demo", "--port", "0"),
    _nothing,
    runs=False,
)
NOT_RUN["cli.demo:demo claude-local demo --serve --port …"] = "serves until it is stopped"


def serve_a_moment(house: House) -> Called:
    """What `demo --serve` says before it is stopped; afterwards a server of a test's own stands there."""
    ended = house.lan.call(
        ("demo", "--serve", "--port", str(PORT)), cwd=house.cwd, environ=house.environ, interrupted_after=1.0
    )
    house.serve("plain", PORT, address="127.0.0.1")
    return ended


case(
    "demo: the stand-in is enabled",
    "cli.demo:demo.ready claude-local enable --url …",
    _nothing,
    serve_a_moment,
    points_at(f"http://127.0.0.1:{PORT}"),
)
case(
    "demo: now with your own server",
    "cli.demo:demo claude-local enable --url http://HOST:PORT",
    _nothing,
    ("demo", "--hooks-only"),
    points_at(OPEN),
    fill={"http://HOST:PORT": OPEN},
)
not_run(
    "demo: what was run",
    "tells what was run in a home that is gone again",
    (
        "commands.demo:_enabled claude-local …",
        "commands.demo:_ours claude-local …",
        "commands.demo:_recorded claude-local sessions list",
    ),
    _nothing,
    ("demo", "--hooks-only"),
)
not_run(
    "demo: the session that was run",
    "tells what was run in a home that is gone again",
    "commands.demo:_Stage.session claude -p say hello",
    _nothing,
    lambda house: house.advised("demo_session"),
)


# --- what hooks say


def down(house: House) -> Called:
    """A prompt to a server that is not there."""
    return house.hook("UserPromptSubmit", prompt="x")


def protected(house: House) -> None:
    """A folder that may use another server than the one in effect."""
    enabled(house)
    house.ok("config", "set", "--project", str(house.project), "protect", "true")
    house.ok("config", "set", "--project", str(house.project), "allowed_backends", SEVERAL)


def moved(house: House) -> None:
    """A session of the guarded server, whose settings somebody changed meanwhile."""
    guarded(house)
    house.hook("SessionStart", source="startup")
    house.hook("UserPromptSubmit", prompt="x")
    house.change(house.local, ANTHROPIC_BASE_URL=OPEN, ANTHROPIC_AUTH_TOKEN="claude-local")


def leaking(house: House) -> None:
    house.write(house.home / ".claude.json", {"hasCompletedOnboarding": True, "primaryApiKey": "sk-ant-api03-x"})
    house.write(
        house.local, {"env": {"ANTHROPIC_BASE_URL": OPEN, "ANTHROPIC_AUTH_TOKEN": "own", "ANTHROPIC_MODEL": MODEL}}
    )


HOOK = "hook_runtime.events:"
case(
    "hook: a dead server is looked at",
    HOOK + "_what_to_do claude-local status",
    enabled_for(THERE),
    down,
    says("connection refused"),
    code=1,
)
case(
    "hook: back to the former backend",
    HOOK + "_what_to_do claude-local disable",
    enabled_for(THERE),
    down,
    lambda house, _, __: _must(not house.local.exists()),
)


def a_client_that_tells(house: House) -> None:
    """Somebody with a key of Anthropic's, and in the place of the client a program that says where it would go."""
    house.shell["ANTHROPIC_API_KEY"] = "sk-ant-api03-own"
    told = house.programs / "claude"
    told.parent.mkdir(exist_ok=True)
    told.write_text(
        '#!/bin/sh\n[ "$1" = --settings ] && grep -q \'"ANTHROPIC_BASE_URL": ""\' "$2" && echo to the cloud\n'
    )
    told.chmod(0o755)


case(
    "hook: the cloud once",
    HOOK + "_what_to_do claude-local run --cloud -- claude",
    steps(enabled_for(THERE), a_client_that_tells),
    down,
    says("to the cloud"),
    again=False,
)
case(
    "hook: what a protected folder may use",
    HOOK + "_allowed claude-local config list --project …",
    protected,
    down,
    says(SEVERAL),
)
case(
    "hook: what another protected folder may use",
    HOOK + "_allowed claude-local config list --project …",
    steps(
        enabled,
        lambda house: (house.home / "secret").mkdir(),
        lambda house: house.ok("config", "set", "--project", str(house.home / "secret"), "protect", "true"),
        lambda house: house.ok("config", "set", "--project", str(house.home / "secret"), "allowed_backends", SEVERAL),
    ),
    lambda house: house.hook("CwdChanged", cwd=str(house.home / "secret"), new_cwd=str(house.home / "secret")),
    says(SEVERAL),
)
case(
    "a protected folder is allowed its backend",
    "core.protection:off_list claude-local config set --project … allowed_backends …",
    protected,
    look("hooks.protection"),
    gone("hooks.protection"),
)
case(
    "hook: a session that was moved goes back, with its key",
    "hook_runtime.guard:held claude-local enable --url …",
    moved,
    down,
    both(
        points_at(GUARDED, ANTHROPIC_AUTH_TOKEN=KEY),
        lambda house, _, __: _must("held once" not in down(house).out),
    ),
)


def falling_back(house: House) -> None:
    """A person's session in a folder whose profile has a fallback, and whose server is down."""
    house.shell["CLAUDE_CODE_ENTRYPOINT"] = "cli"
    house.ok("profile", "add", "spare", "--url", OPEN, "--model", MODEL)
    house.ok("profile", "add", "box", "--url", THERE, "--model", MODEL, "--max-model-len", "40000")
    house.ok("profile", "edit", "box", "fallback=spare")
    house.ok("enable", "box", "--no-check", "--yes")


def fell_back_and_is_well_again(house: House) -> Called:
    said = down(house)
    assert house.env()["ANTHROPIC_BASE_URL"] == OPEN, said.out
    house.serve("plain", PORT)
    return said


case(
    "hook: a session that fell back goes back by hand",
    HOOK + "_goes_on claude-local enable …",
    falling_back,
    fell_back_and_is_well_again,
    points_at(THERE),
    answers="n\ny\n",
)
case(
    "hook: a leak is stopped",
    "core.leaks:_fix claude-local enable --url …",
    leaking,
    lambda house: house.hook("SessionStart", source="startup"),
    lambda house, _, __: _must("is sent" not in house.hook("SessionStart", source="startup").out),
)
not_run(
    "hook: a repository's settings are left out",
    "starts the real client",
    "core.leaks:(module) claude --setting-sources user,local",
    redirected,
    lambda house: house.hook("SessionStart", source="startup"),
)
not_run(
    "hook: a sign-in comes first",
    SIGN_IN,
    HOOK + "_at_a_gateway claude auth logout",
    steps(handmade, signed_in),
    lambda house: house.hook("SessionStart", source="startup"),
)
QUESTION = "hook_runtime.questions:"
REMEDY = "hook_runtime.remedies:"


def asked(question: str, *, installed: bool = True) -> Callable[[House], Called]:
    """A question to the plugin, in a session that finds the command line on its PATH, or that does not."""

    def ask(house: House) -> Called:
        before = dict(house.shell)
        if not installed:
            house.shell["PATH"] = f"{house.programs}:/usr/bin:/bin"
        try:
            return house.hook("UserPromptSubmit", prompt=f"/local-backend:{question}")
        finally:
            house.shell = before

    return ask


case(
    "a question on a dead server: back to the former backend",
    REMEDY + "ways claude-local disable",
    enabled_for(THERE),
    asked("status"),
    lambda house, _, __: _must(not house.local.exists()),
)
case(
    "a question on a dead server: the cloud once",
    REMEDY + "ways claude-local run --cloud -- claude",
    steps(enabled_for(THERE), a_client_that_tells),
    asked("why"),
    says("to the cloud"),
    again=False,
)
case(
    "a question on a dead server: it is asked again",
    REMEDY + "ways curl -i …/v1/models",
    enabled_for(THERE),
    asked("doctor"),
    says(f"Failed to connect to {FAR} port {PORT}"),
    code=7,  # curl's word for it
)
not_run(
    "a question on a dead server: it is started there",
    "leads to another machine",
    REMEDY + "ways ssh -- …",
    enabled_for(THERE),
    asked("status"),
)
case(
    "a question on a dead server: the shell's address goes",
    REMEDY + "ways unset ANTHROPIC_BASE_URL",
    lambda house: house.shell.update(ANTHROPIC_BASE_URL=THERE, ANTHROPIC_AUTH_TOKEN="claude-local"),
    asked("status", installed=False),
    lambda _, __, typed: _must("ANTHROPIC_BASE_URL" not in typed.environ),
)
case(
    "a question to the plugin alone: what says more",
    QUESTION + "_for_more claude-local …",
    enabled,
    asked("why", installed=False),
    says("endpoint", OPEN),
)
not_run(
    "a question to the plugin alone: the command line is installed",
    "installs the plugin's own folder, with packages out of an index",
    (
        QUESTION + "_install then … …",
        QUESTION + "_install … -m venv …",
        QUESTION + "_install … install …",
    ),
    enabled,
    asked("status", installed=False),
)
not_run(
    "a question to the plugin alone: the command line is installed with uv",
    "installs the plugin's own folder, with packages out of an index",
    QUESTION + "_install … …",
    steps(enabled, lambda house: house.program("uv", "#!/bin/sh\n")),
    asked("status", installed=False),
)
case(
    "hook: a Python without a reader of TOML",
    "core.config_file:compiled claude-local config list",
    lambda house: house.write(house.config, 'on_dead_backend = "warn"\n'),
    lambda house: house.advised("old_python"),
    says("on_dead_backend", "warn"),
)


# --- run: one program on one backend


RUN = "commands.run:"
#: What stands for the client: it shows what it was started with.
SHOWS = '#!/bin/sh\necho "ran $*"\necho "at $ANTHROPIC_BASE_URL"\n'


def profiles(*more: str, url: str = OPEN) -> Build:
    """A server under the name of spark, of which more may be said, and programs to run."""

    def build(house: House) -> None:
        house.write(house.config, "\n".join(("[profiles.spark]", f'url = "{url}"', *more)) + "\n")
        for name in ("claude", "guardkit", "script"):
            house.program(name, SHOWS)

    return build


def in_the_cloud(house: House) -> None:
    """A key of Anthropic's in the shell, and programs to run."""
    profiles()(house)
    house.shell["ANTHROPIC_API_KEY"] = "sk-ant-api03-x"


def cloud_login_in_an_enabled_folder(house: House) -> None:
    profiles()(house)
    enabled(house)
    kept = {"accessToken": "sk-ant-oat01-x", "expiresAt": 4_000_000_000_000, "scopes": ["user:inference"]}
    house.write(house.home / ".claude" / ".credentials.json", {"claudeAiOauth": kept})


def run_again(house: House, case: Case, _: Typed) -> None:
    """The very run that was refused goes through, in the same shell."""
    assert isinstance(case.ask, tuple)
    typed = house.type(shlex.join(("claude-local", *case.ask)))
    assert typed.code == 0, typed.all
    assert "ran" in typed.all


SCRIPT_TO_THE_CLOUD = ("run", "--cloud", "--", "script")
case(
    "run: without a command",
    RUN + "_check claude-local run [PROFILE] -- claude",
    profiles(),
    ("run",),
    says("ran --settings", f"at {OPEN}"),
    fill={"[PROFILE]": "spark"},
    again=False,
)
case(
    "run: a harness is GuardKit's",
    RUN + "_check again --for guardkit --harness",
    profiles(),
    ("run", "--harness", "--for", "any", "spark", "--", "script", "autobuild"),
    says("ran autobuild", f"at {OPEN}"),
    again=False,
)
case(
    "run: a profile says how its server is started",
    RUN + "_with_its_start …",
    profiles('start_command = ["touch", "started here"]', url=THERE),
    ("run", "spark", "--", "claude"),
    lambda house, _, __: _must((house.project / "started here").exists()),
)
case(
    "run: a session goes on",
    RUN + "goes_on again",
    profiles(),
    lambda house: house.advised("run_goes_on"),
    says("--continue", f"at {OPEN}"),
    again=False,
)
case(
    "run: a session that would leave it",
    "launch.plan:local claude-local enable --url …",
    profiles(),
    ("run", "spark", "--", "claude", "--bg", "x"),
    points_at(OPEN),
)
case(
    "run: a session that would leave a run in the cloud",
    "launch.cloud:cloud claude-local disable",
    steps(in_the_cloud, enabled),
    ("run", "--cloud", "--", "claude", "--bg", "x"),
    run_again,
)
case(
    "run: a login does not serve in an enabled folder",
    "launch.cloud:cloud claude-local disable",
    cloud_login_in_an_enabled_folder,
    SCRIPT_TO_THE_CLOUD,
    run_again,
)
case(
    "run: a token serves in an enabled folder",
    "launch.cloud:cloud export CLAUDE_CODE_OAUTH_TOKEN …",
    cloud_login_in_an_enabled_folder,
    SCRIPT_TO_THE_CLOUD,
    run_again,
    fill={"…": "sk-ant-oat01-x"},
)
not_run(
    "run: a token is made",
    "asks Anthropic in a browser",
    "launch.cloud:cloud claude setup-token",
    cloud_login_in_an_enabled_folder,
    SCRIPT_TO_THE_CLOUD,
)
case(
    "run: a key of Anthropic's is exported",
    "launch.cloud:_refuse_elsewhere export ANTHROPIC_API_KEY …",
    profiles(),
    SCRIPT_TO_THE_CLOUD,
    run_again,
    fill={"…": "sk-ant-api03-x"},
)
not_run(
    "run: somebody logs in",
    "logs in at Anthropic in a browser",
    "launch.cloud:_refuse_elsewhere claude",
    profiles(),
    SCRIPT_TO_THE_CLOUD,
)


def a_key_of_a_server_in_the_shell(house: House) -> None:
    """Without the address that it is for: nothing here tells that it is no key of Anthropic's but the files."""
    profiles()(house)
    house.write(house.user, {"env": {"ANTHROPIC_BASE_URL": OPEN, "ANTHROPIC_AUTH_TOKEN": "box-key"}})
    house.shell["ANTHROPIC_AUTH_TOKEN"] = "box-key"


case(
    "run: something beats it all the same",
    "launch.plan:_refuse_without_effect claude-local explain-precedence",
    enabled,
    lambda house: house.advised("run_without_effect"),
    says(OPEN),
)
case(
    "run: the key of a server would go to the cloud",
    "launch.cloud:_refuse_elsewhere claude-local explain-precedence",
    a_key_of_a_server_in_the_shell,
    SCRIPT_TO_THE_CLOUD,
    says(OPEN),
)

from tests.commands import printed_profiles as printed_profiles  # noqa: E402  (which takes the tools from here)
from tests.commands import printed_recipes as printed_recipes  # noqa: E402
from tests.commands import printed_team as printed_team  # noqa: E402
from tests.commands import printed_up as printed_up  # noqa: E402
