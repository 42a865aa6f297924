"""Checks of the settings files themselves: readable, well-formed, heard, out of git, and private where they must be."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from claude_local_plugin import git
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.env_rules import routed_by_host
from claude_local_plugin.core.settings_files import routed_by
from claude_local_plugin.core.shell import Words, command, edit, export, then
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.doctor.checks.precedence import enabling
from claude_local_plugin.doctor.facts import Facts, Owned
from claude_local_plugin.doctor.fixers import Mode, Rewrite, Step, Tools
from claude_local_plugin.doctor.model import Check, Finding, Found, OwnFix, Place, Result, Where, fix_command
from claude_local_plugin.doctor.repair import repairable, strict
from claude_local_plugin.precedence import FileState, Scope, SettingsFile, candidates, effective
from claude_local_plugin.servers.urls import is_anthropic
from claude_local_plugin.settings import schema
from claude_local_plugin.settings.syntax import DocumentError, parse
from claude_local_plugin.settings.variables import is_secret

#: Keys that people write into settings files on the advice of others, and what Claude Code would have heard.
INVENTED = {
    "apiBaseUrl": "env.ANTHROPIC_BASE_URL",
    "baseUrl": "env.ANTHROPIC_BASE_URL",
    "apiKey": "env.ANTHROPIC_AUTH_TOKEN",
    "authToken": "env.ANTHROPIC_AUTH_TOKEN",
}

#: So many settings that were changed by hand are named; the diff of the command beside them has them all.
MOST_NAMED = 4


# --- files.json


def _json(facts: Facts) -> Iterator[Found]:
    for each in facts.settings:
        if each.state is FileState.DROPPED:
            yield _dropped(facts, each)
        elif each.state is FileState.UNKNOWN:
            yield Found(
                Result.WARNING,
                f"cannot be checked here: {each.problem}",
                _place(each),
                why="what it sets may decide where your sessions go",
            )
        for skipped in each.skipped:
            yield Found(
                Result.WARNING,
                f"{skipped}; Claude Code leaves that key out of the managed settings",
                _place(each),
                "tell whoever manages this machine",
            )


def _dropped(facts: Facts, each: SettingsFile) -> Found:
    place = _fault_place(each)
    lost = "; it names a server, so sessions go elsewhere than it says" if "ANTHROPIC_BASE_URL" in each.text else ""
    what = f"{_fault(each)}; Claude Code ignores the whole file{lost}"
    if repairable(each):
        return Found(Result.ERROR, what, place, OwnFix(note="shows the change first"))
    line = place.line if isinstance(place, Place) else None
    return Found(Result.ERROR, what, place, _edit(facts, each.path, line) if each.path else None)


def _repaired(facts: Facts, _: Sequence[Finding], __: Tools) -> Iterator[Step]:
    for each in facts.settings:
        if each.path is not None and repairable(each):
            yield Rewrite(each.path, strict, first=True)


def _edit(facts: Facts, path: Path, line: int | None = None) -> str:
    """The command that opens this file in the user's editor."""
    return edit(str(path), line, facts.snapshot.shell)


def _fault(each: SettingsFile) -> str:
    error = _syntax_error(each)
    return error.fault if error else (each.problem or "cannot be used")


def _fault_place(each: SettingsFile) -> Where:
    if each.path is None:
        return "--settings"
    if error := _syntax_error(each):
        return Place(each.path, error.line, error.column)
    return Place(each.path, each.line_of(each.problem_at) if each.problem_at else None)


def _syntax_error(each: SettingsFile) -> DocumentError | None:
    if not each.text or each.data:
        return None
    try:
        parse(each.text)
    except DocumentError as error:
        return error
    return None


def _place(each: SettingsFile, *path: str) -> Where:
    if each.path is None:
        return "--settings"
    return Place(each.path, each.line_of(path) if path else None)


# --- files.values


def _values(facts: Facts) -> Iterator[Found]:
    endpoint = facts.resolution.decisions["base_url"].winner
    for each in facts.read:
        for problem in schema.problems(dict(each.data), "settings", text=each.text):
            if problem.path == "$.env.ANTHROPIC_BASE_URL" and endpoint and endpoint.path == each.path:
                continue  # precedence.url says it, with the right URL
            meant = f" (did you mean {problem.suggestion}?)" if problem.suggestion else ""
            yield Found(
                Result.ERROR if problem.severity == "error" else Result.WARNING,
                f"{problem.path.removeprefix('$.')} {problem.message}{meant}",
                Place(each.path, problem.line) if each.path else "--settings",
                _edit(facts, each.path, problem.line) if each.path else None,
            )


# --- files.unheard


def _unheard(facts: Facts) -> Iterator[Found]:
    host = routed_by(facts.snapshot.shell, facts.snapshot.client_version)
    for each in facts.read:
        decided = []
        for name in each.env:
            heard = candidates(facts.snapshot, f"env.{name}")
            refused = next(
                (c for c in heard if c.state == "refused" and (c.scope, c.path) == (each.scope, each.path)), None
            )
            if refused is not None and effective(facts.snapshot, f"env.{name}") != refused.value:
                if host and routed_by_host(name):
                    decided.append(name)
                    continue
                yield Found(
                    Result.WARNING,
                    f"{name} is set here and never read: {refused.reason}",
                    _place(each, "env", str(name)),
                    f"{export(str(name), Words('…'))}   (in the shell that starts claude)",
                )
        if decided:
            yield Found(
                Result.WARNING,
                f"{host} is set in the environment, which decides about {', '.join(decided)} then",
                _place(each, "env", decided[0]),
                f"{command('unset', host)}   (where the file is to decide)",
            )
        for key, meant in INVENTED.items():
            if key in each.data:
                yield Found(
                    Result.WARNING,
                    f"Claude Code has no setting {key}; what is meant is {meant}",
                    _place(each, key),
                    _instead(facts, each, key),
                )


def _instead(facts: Facts, each: SettingsFile, key: str) -> str:
    """What to do about a key that Claude Code never had: have the value written where it is heard, take the key out."""
    away = _edit(facts, each.path, each.line_of((key,))) if each.path else "leave it out"
    target = parse_url(str(each.data[key])) if INVENTED[key] == "env.ANTHROPIC_BASE_URL" else None
    if target is None:
        return away
    url = command("claude-local", "enable", "--url", target.url.removesuffix("/v1"))
    return f"{url}   then take the key out: {away}"


# --- files.stray


def _stray(facts: Facts) -> Iterator[Found]:
    for stray in facts.strays:
        yield Found(
            Result.WARNING, f"not read here: {stray.reason}", Place(stray.path), command("less", str(stray.path))
        )


# --- files.worktree


def _worktree(facts: Facts) -> Iterator[Found]:
    local = [each for each in facts.read if each.scope is Scope.LOCAL]
    for stronger, weaker in pairwise(local):
        beaten = [name for name in weaker.env if name in stronger.env and weaker.env[name] != stronger.env[name]]
        if beaten:
            yield Found(
                Result.WARNING,
                f"{', '.join(map(str, beaten))}: the repository root's settings.local.json says otherwise and wins",
                _place(weaker, "env", str(beaten[0])),
                _edit(facts, stronger.path, stronger.line_of(("env", str(beaten[0])))) if stronger.path else None,
            )
    first = local[0].path if local else None
    linked = (
        facts.layout is not None
        and facts.layout.linked
        and not (first or facts.layout.root).is_relative_to(facts.layout.root)
    )
    if linked and first is not None:
        what = "this worktree shares its settings.local.json with the main checkout and every other worktree"
        yield Found(Result.INFO, what, Place(first))


# --- files.git


def _git(facts: Facts) -> Iterator[Found]:
    for each in facts.settings:
        standing = facts.standings.get(each.path) if each.path else None
        if standing is None or each.path is None or not standing.in_repository:
            continue
        secrets = secrets_in(each)
        untrack = command("git", *_inside(each.path), "rm", "--cached", f"./{each.path.name}")
        out = then(untrack, fix_command("files.git"))  # else the next `git add .` takes it in again
        if standing.problem:
            yield Found(Result.WARNING, f"whether it is tracked cannot be said: {standing.problem}", Place(each.path))
        elif standing.tracked and secrets:
            what = f"{', '.join(secrets)} is in a file that git tracks"
            away = f"{out if each.scope is Scope.LOCAL else untrack}, and change that key: it is in the history"
            yield Found(Result.ERROR, what, _place(each, "env", secrets[0]), away)
        elif standing.tracked and each.scope is Scope.LOCAL:
            what = "git tracks your local settings: everyone who pulls them gets your server's address"
            yield Found(Result.WARNING, what, Place(each.path), out)
        elif each.scope is Scope.LOCAL and not standing.ignored:
            what = "git does not ignore your local settings: the next “git add .” commits them"
            fixable = standing.exclude_file is not None
            fix = OwnFix() if fixable else f"put {standing.exclude_line} into .gitignore"
            yield Found(Result.WARNING, what, Place(each.path), fix)


def _excluded(facts: Facts, _: Sequence[Finding], __: Tools) -> Iterator[Step]:
    for each in facts.settings:
        standing = facts.standings.get(each.path) if each.path else None
        if each.scope is not Scope.LOCAL or standing is None or standing.exclude_file is None:
            continue
        if standing.in_repository and not standing.tracked and not standing.ignored and not standing.problem:
            yield Rewrite(standing.exclude_file, partial(git.with_line, line=standing.exclude_line))


def _inside(path: Path) -> tuple[str, str]:
    """How git is told in which folder a file is: the printed command works from anywhere."""
    return "-C", str(path.parent)


def _history(path: Path) -> str:
    """How to see who wrote that into the file, and when."""
    return command("git", *_inside(path), "log", "-p", "--", path.name)


def secrets_in(each: SettingsFile) -> list[str]:
    """The names of the variables in this file that hold a secret."""
    return [
        str(name)
        for name, value in each.env.items()
        if isinstance(value, str) and value not in ("", PLACEHOLDER, f"x-api-key: {PLACEHOLDER}")
        if is_secret(str(name), value)
    ]


# --- files.shared


def _shared(facts: Facts) -> Iterator[Found]:
    ours = {owned.path for owned in facts.owned}
    for each in facts.read:
        standing = facts.standings.get(each.path) if each.path else None
        if each.path is None or each.scope is not Scope.PROJECT or standing is None or not standing.in_repository:
            continue
        result = Result.INFO if each.path in ours else Result.WARNING
        target = parse_url(str(each.env.get("ANTHROPIC_BASE_URL") or ""))
        if target is not None and not is_anthropic(target.host):
            what = f"the project's shared settings send everyone's sessions to {target.label}"
            yield Found(
                result,
                what,
                _place(each, "env", "ANTHROPIC_BASE_URL"),
                _history(each.path),
            )
        if each.data.get("apiKeyHelper"):
            what = "the project's shared settings name a program that hands out a key: Claude Code runs it"
            yield Found(
                result,
                what,
                _place(each, "apiKeyHelper"),
                _history(each.path),
            )


# --- files.mode


def _mode(facts: Facts) -> Iterator[Found]:
    for each in facts.settings:
        mode = facts.modes.get(each.path) if each.path else None
        if mode is None or not mode & 0o077 or not (secrets := secrets_in(each)):
            continue
        mine = each.scope not in (Scope.MANAGED, Scope.FLAG)
        yield Found(
            Result.WARNING,
            f"others on this machine may read it (mode {mode:03o}), and it holds {', '.join(secrets)}",
            _place(each),
            OwnFix() if mine else "ask whoever manages this machine",
        )


def _private(_: Facts, findings: Sequence[Finding], __: Tools) -> Iterator[Step]:
    for finding in findings:
        if isinstance(finding.where, Place):
            yield Mode(finding.where.path, 0o600)


# --- files.record


def _record(facts: Facts) -> Iterator[Found]:
    if facts.record_problem:
        what = f"claude-local's own record cannot be used: {facts.record_problem}"
        yield Found(Result.ERROR, what, None, f"{command('claude-local', 'disable')}   (says what to do with it)")
    if not facts.owned and not facts.record_problem:
        yield Found(Result.SKIPPED, "nothing that claude-local wrote is on record for this folder's files")
    for owned in facts.owned:
        if not owned.writable:
            what = "claude-local wrote into it, and it cannot be written any more: disable would fail"
            fix = command("chmod", "u+w", str(owned.path.parent), str(owned.path))
            yield Found(Result.WARNING, what, Place(owned.path), fix)
        if owned.unrecorded:
            names = ", ".join(dict.fromkeys(".".join(path) for path in owned.unrecorded))
            yield Found(
                Result.WARNING,
                f"ours, and on no record (copied, or put back by another tool): {names}",
                Place(owned.path),
                f"{_disable(facts, owned, '--yes')}   (takes it out)",
            )
        if owned.wiped:
            yield Found(
                Result.WARNING,
                "enabled on record, and nothing of it stands in the file any more: another tool took it out",
                Place(owned.path),
                f"{enabling(facts, owned)}   (writes it again; {_disable(facts, owned)} forgets it)",
            )
        if owned.edited:
            first, more = owned.edited[:MOST_NAMED], len(owned.edited) - MOST_NAMED
            names = ", ".join(".".join(path) for path in first) + (f" and {more} more" if more > 0 else "")
            what = f"changed since enable wrote it, so disable will leave it alone: {names}"
            again = enabling(facts, owned, "--reset", "all")
            yield Found(Result.INFO, what, Place(owned.path), f"{again}   (writes its own values again)")


def _disable(facts: Facts, owned: Owned, *options: str) -> str:
    """The command that takes what is ours out of this file, and out of no other."""
    scope = next((each.scope for each in facts.settings if each.path == owned.path), Scope.LOCAL)
    return command("claude-local", "disable", "--scope", scope, *options)


# --- files.config


def _config(facts: Facts) -> Iterator[Found]:
    for each in facts.config_problems:
        held = "" if each.path else "; hooks go by what it said before"
        fix = _edit(facts, each.file, each.line)
        result = Result.WARNING if each.unknown else Result.ERROR
        yield Found(result, f"{each.said}{held}", Place(each.file, each.line, each.column), fix)
    if facts.down_program:
        yield Found(
            Result.WARNING,
            f"down_command's program {facts.down_program} is not there",
            None,
            command("claude-local", "config", "set", "down_command", Words("…")),
            why="nobody starts the server when it is down",
        )


CHECKS = (
    Check(
        id="files.json",
        group="files",
        said=("broken", "comma"),
        asks="is every settings file one that Claude Code takes?",
        fine="every settings file is one that Claude Code takes",
        why="Claude Code drops the whole file, mostly without a word, and the session goes wherever the next one says",
        finds=(
            "Comments, trailing commas and other things that are not JSON, a top-level key of the wrong type, a file"
            " that cannot be read or is larger than 2 MiB; with line and column. Hooks in such a file are gone, too."
        ),
        remedy="`--fix` takes out comments, trailing and doubled commas, and nothing else. The rest needs an editor.",
        find=_json,
        covers=(
            "files.dropped",
            "files.skipped",
        ),
        fix=_repaired,
    ),
    Check(
        id="files.values",
        group="files",
        said=("typo",),
        asks="is every value one that Claude Code understands as it is meant?",
        fine="every value is one that Claude Code understands",
        why="Claude Code reads a value it does not understand as something else, or not at all: “64k” is 64",
        finds="Misspelt variables, numbers with units, values out of range, and whatever else `schemas/` knows.",
        remedy="Correct the value at the line that is named.",
        find=_values,
    ),
    Check(
        id="files.unheard",
        group="files",
        said=("ignored", "typo"),
        asks="is every key read in the file it stands in?",
        fine="every key is read where it stands",
        why="it looks configured and has no effect; only a debug log says so",
        finds=(
            "Variables that Claude Code takes from no file of this scope (some 200 names are refused in a project's),"
            " and keys that Claude Code never had, such as `apiBaseUrl`."
        ),
        remedy="Export such a variable in the shell, or set it in the user's settings where those are read.",
        find=_unheard,
        covers=("env.refused",),
    ),
    Check(
        id="files.stray",
        group="files",
        said=("ignored", "dotenv"),
        asks="is there a file that looks as if it configured Claude Code here, and does not?",
        fine="no file pretends to configure Claude Code here",
        why="what you change there changes nothing",
        finds=(
            "`~/.claude/settings.local.json`, `~/.claude/auth.json`, a repository root's `.claude/settings.json` when"
            " you are in a subfolder, and a `.env` with `ANTHROPIC_` variables in it."
        ),
        remedy="Move what you need into `.claude/settings.local.json`: `claude-local enable` writes it.",
        find=_stray,
    ),
    Check(
        id="files.worktree",
        group="files",
        said=("worktree",),
        asks="do the repository root, this folder and its worktrees agree?",
        fine="root, folder and worktrees agree",
        why="since 2.1.211 Claude Code reads local settings from the main checkout's root first",
        finds="A folder's own settings.local.json that the root's beats, and a worktree that shares its settings.",
        remedy="Keep the local settings in one place, the main checkout's root.",
        find=_worktree,
    ),
    Check(
        id="files.git",
        group="files",
        said=("git", "commit"),
        asks="does git leave your local settings and keys alone?",
        fine="git leaves your local settings alone",
        why="what git commits, everyone who pulls gets, and a key in it stays in the history",
        finds="Keys in tracked files, tracked local settings, and local settings that git does not ignore.",
        remedy="`--fix` adds the file to this clone's `.git/info/exclude`. A committed key has to be changed.",
        find=_git,
        fix=_excluded,
    ),
    Check(
        id="files.shared",
        group="files",
        said=("git", "team"),
        asks="does a file of the repository redirect your sessions?",
        fine="no file of the repository redirects your sessions",
        why="whoever can commit to it decides where your prompts, your code and your key go",
        finds="A server's address or a key helper in the project's `.claude/settings.json`.",
        remedy="Look who put it there. Your own `.claude/settings.local.json` beats it.",
        find=_shared,
        covers=(
            "project.helper",
            "project.redirects",
        ),
    ),
    Check(
        id="files.mode",
        group="files",
        said=("permissions",),
        asks="are files with keys in them yours alone?",
        fine="files with keys in them are yours alone",
        why="every account on this machine can read the key",
        finds="Permission bits for group or others on a settings file that holds a key or token.",
        remedy="`--fix` makes it mode 600.",
        find=_mode,
        fix=_private,
    ),
    Check(
        id="files.record",
        group="files",
        said=("undo", "disable"),
        asks="can what claude-local wrote be taken back?",
        fine="what claude-local wrote can be taken back",
        why="`claude-local disable` gives a file back by this record",
        finds=(
            "A damaged record, a file that cannot be written, keys that were edited since enable wrote them, settings"
            " that another tool took out, and settings that claude-local wrote and has no record of."
        ),
        remedy="Run `claude-local enable` again to have its values back; nothing else needs to be done.",
        find=_record,
    ),
    Check(
        id="files.config",
        group="files",
        said=("config",),
        asks="is claude-local's own config.toml understood?",
        fine="claude-local's own configuration is understood",
        why="what you set there does not hold; only what protects or keeps a path private errs on the strict side",
        finds=(
            "A config.toml that is no TOML, values that a key cannot have, keys that claude-local does not know, and a"
            " `down_command` whose program is not there."
        ),
        remedy="Correct the line, or `claude-local config set KEY VALUE`; `claude-local config list` shows what holds.",
        find=_config,
    ),
)
