"""A case for each place in the source that makes a command to type: where it is printed, and what it is to mend."""

import shlex
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.commands.house import (
    House,
    enabled,
    enabled_with,
    guarded,
    handmade,
    trusting,
)
from tests.commands.lan import GUARDED, HOST, KEY, OPEN, SEVERAL, Called, Typed

#: Beside those that always stand there, a server of a case listens here.
PORT = 8010
THERE = f"http://{HOST}:{PORT}"

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
        house.shell = {name: value for name, value in typed.environ.items() if house.environ.get(name) != value} | {
            name: value for name, value in house.shell.items() if name in typed.environ
        }
        try:
            self.after(house, self, typed)
        except AssertionError as fault:
            raise AssertionError(f"{line}: {fault}\n{typed.out}\n{typed.err}") from fault
        if self.again and line.startswith("claude-local ") and not set("&|;>") & set(line):
            before = house.contents()
            words = shlex.split(line)[1:]
            second = house.call(*words, *(["--yes"] if words[0] in ("doctor", "enable", "disable") else ()))
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


# --- doctor: settings that `--fix` mends


def mends(check: str, key: str, build: Build, *, deep: bool = False, well: tuple[str, ...] = ("ok", "skipped")) -> None:
    """A case of `doctor --fix CHECK`."""
    ask = ("doctor", *(("--deep",) if deep else ()), check, "--json")
    case(f"doctor {check}", key, build, ask, gone(check, well))


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


mends("files.json", "doctor.checks.files:_dropped fix_command files.json", trailing_comma)
mends("files.git", "doctor.checks.files:_git fix_command files.git", seen_by_git)
mends("files.mode", "doctor.checks.files:_mode fix_command files.mode", readable)
mends("hooks.broken", "doctor.checks.hooks:_broken fix_command hooks.broken", broken_hooks)
mends("leak.login", "doctor.checks.credentials:_leak.judge fix_command …", login)
mends(
    "precedence.provider",
    "doctor.checks.precedence:_provider fix_command precedence.provider",
    exported(CLAUDE_CODE_USE_BEDROCK="1"),
)
mends(
    "precedence.proxy",
    "doctor.checks.precedence:_proxy fix_command precedence.proxy",
    exported(HTTP_PROXY="http://127.0.0.1:9"),
)
mends("client.auto-mode", "doctor.checks.client:_auto_mode fix_command client.auto-mode", handmade)
mends("client.retries", "doctor.checks.client:_retries fix_command client.retries", handmade)
mends(
    "client.timeouts",
    "doctor.checks.client:_impatient fix_command client.timeouts …",
    enabled_with(API_TIMEOUT_MS="1000"),
)
mends(
    "client.known-bad",
    "doctor.checks.client:_known_bad fix_command client.known-bad",
    steps(
        lambda house: house.serve("plain", PORT, version="0.22.0"),
        lambda house: handmade(house, ANTHROPIC_BASE_URL=THERE),
        lambda house: house.shell.update(CLAUDE_CODE_MODEL_CAPABILITIES="-mid_conv_system,-mid_conv_tool_change"),
    ),
)
mends(
    "model.served",
    "doctor.checks.model:_unserved fix_command model.served",
    enabled_with(ANTHROPIC_MODEL="gone", ANTHROPIC_DEFAULT_OPUS_MODEL="claude-opus-5-5"),
)
mends(
    "model.window",
    "doctor.checks.model:_window fix_command model.window",
    enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS="64k"),
)
mends(
    "model.output",
    "doctor.checks.model:_output fix_command model.output",
    enabled_with(CLAUDE_CODE_MAX_OUTPUT_TOKENS="200000"),
)
mends(
    "model.compaction",
    "doctor.checks.limits:_compaction fix_command model.compaction",
    enabled_with(DISABLE_AUTO_COMPACT="1"),
)
mends(
    "model.concurrency",
    "doctor.checks.limits:_concurrency fix_command model.concurrency",
    steps(
        lambda house: house.serve("recorded", PORT, folder="llama.cpp-4-slots"),
        lambda house: house.enable("--url", THERE, "--subagents", "--force"),
    ),
)
mends(
    "cache.attribution",
    "doctor.checks.cache:_attribution fix_command cache.attribution",
    steps(
        lambda house: house.serve("plain", PORT, version="0.17.2"),
        lambda house: handmade(house, ANTHROPIC_BASE_URL=THERE),
    ),
)
mends("privacy.traffic", "doctor.checks.privacy:_traffic fix_command privacy.traffic", handmade)
mends("privacy.plugins", "doctor.checks.privacy:_marketplace fix_command privacy.plugins", handmade)
mends("privacy.web-fetch", "doctor.checks.privacy:_web_fetch fix_command privacy.web-fetch", handmade)
mends("cache.folders", "doctor.checks.cache:_folders mend … cache.folders True", served("able"), deep=True)
mends("model.images", "doctor.checks.limits:_images mend … model.images True", served("able", sees=False), deep=True)
mends(
    "model.web-search",
    "doctor.checks.limits:_web_search mend … model.web-search True",
    steps(lambda house: house.serve("able", PORT), lambda house: house.enable("--url", THERE, "--web-search")),
    deep=True,
)
mends(
    "model.fields",
    "doctor.checks.model:_fields mend … model.fields True",
    served("refusing", what="fields"),
    deep=True,
    well=WELL,
)

for check, key, options in (
    ("cache.folders", "doctor.checks.cache:_folders mend … cache.folders True", {"name": "able"}),
    (
        "model.images",
        "doctor.checks.limits:_images mend … model.images True",
        {"name": "able", "sees": False},
    ),
    (
        "model.fields",
        "doctor.checks.model:_fields mend … model.fields True",
        {"name": "refusing", "what": "fields"},
    ),
):

    def _elsewhere(house: House, options: Mapping[str, Any] = options) -> None:
        enabled(house)
        house.serve(port=PORT, **options)

    case(
        f"doctor --url of another server: {check}",
        key,
        _elsewhere,
        ("doctor", "--deep", check, "--url", THERE, "--json"),
        both(points_at(THERE), gone(check, WELL if check == "model.fields" else ("ok", "skipped"))),
        answers="y\ny\ny\n",
    )


# --- doctor: what is wrong in files


def broken(house: House) -> None:
    """A file with a fault that nobody can mend but its owner."""
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
    "precedence.warn:_credentials export … …",
    unheard,
    EXPLAIN,
    gone("env.refused"),
    fill={"…": "-mid_conv_system"},
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
    "doctor.checks.files:_git git … rm --cached ./…",
    tracked_by_git,
    look("files.git"),
    untracked,
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
    "config says which line to mend",
    "config.__init__:_no_toml edit … … …",
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
    from claude_local_plugin.guest import sessionlog

    enabled(house)
    house.hook("SessionStart", source="startup")
    sessionlog.note_fault(str(house.state), "SessionStart: something")


def read_only_log(house: House) -> None:
    """A log that cannot be written, and a record of a hook that waits beside it."""
    enabled(house)
    house.hook("SessionStart", source="startup")
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
    "records beside the log are taken in",
    "doctor.checks.hooks:(module) claude-local sessions list",
    read_only_log,
    look("hooks.log"),
    says("5e551011"),
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
    "doctor.checks.statusline:_broken fix_command hooks.statusline",
    statusline_gone,
    look("hooks.statusline"),
    both(points_at(SEVERAL, model="one", scope="user"), points_at(OPEN), gone("hooks.statusline")),
)


# --- doctor: where sessions go


def beaten(house: House) -> None:
    """A folder in which the repository root's settings beat what enable wrote."""
    enabled(house)
    managed = house.local.read_text().replace('"ANTHROPIC_MODEL": "qwen3-coder-next"', '"ANTHROPIC_MODEL": "other"')
    house.git("init", "--quiet", "--initial-branch", "main")
    house.folder = house.project / "sub"
    house.folder.mkdir()
    house.write(house.local, managed)


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
    "a file that names the server is mended",
    "doctor.checks.precedence:_endpoint fix_command files.json",
    steps(
        lambda house: never_enabled(house),
        lambda house: house.write(house.local, f'{{"env": {{"ANTHROPIC_BASE_URL": "{OPEN}"}},}}\n'),
    ),
    look("precedence.endpoint"),
    gone("precedence.endpoint"),
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
    "doctor.conditions:looked_at claude-local enable --url URL",
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
    "doctor.checks.precedence:_url enable …",
    enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}/v1"),
    look("precedence.url"),
    gone("precedence.url"),
)
case(
    "an address in the user's settings that goes too far is written shorter there",
    "doctor.checks.precedence:_url enable …",
    lambda house: house.write(house.user, {"env": {"ANTHROPIC_BASE_URL": f"{OPEN}/v1"}}),
    look("precedence.url"),
    both(gone("precedence.url"), points_at(OPEN, scope="user")),
)
case(
    "a key in the shell makes each start late",
    ("doctor.checks.precedence:_late unset …", "doctor.checks.precedence:_late for_the_user …"),
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
