"""Checks of our session hooks: installed, able to run, allowed to, and with a log to write to."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from claude_local_plugin.core.installed import newer
from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.core.shell import command
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import Hooks, Step, Tools
from claude_local_plugin.doctor.model import Check, Finding, Found, OwnFix, Place, Result, place_of
from claude_local_plugin.precedence import FileState, Scope, hooks_off
from claude_local_plugin.settings.hooks import Installed

#: What reads the log, and says what is the matter with it.
LOG = command("claude-local", "sessions", "list")


def _installed(facts: Facts) -> Iterator[Found]:
    missing = [event for event in EVENTS if event not in {hook.event for hook in facts.hooks}]
    if not missing:
        return
    which = (
        "no session hook of claude-local is"
        if len(missing) == len(EVENTS)
        else f"the hook for {', '.join(missing)} is not"
    )
    fix = command("claude-local", "hooks", "install", "--scope", "user")
    said = f"{which} installed for sessions here"
    yield Found(Result.WARNING, f"{said}; one that is started with claude --plugin-dir brings its own", None, fix)


def _broken(facts: Facts) -> Iterator[Found]:
    # what took away their interpreter took it from all of a file at once: said once, not ten times
    for scope, path, problem in dict.fromkeys((each.scope, each.path, each.problem) for each in facts.hooks):
        if problem:
            alike = [each for each in facts.hooks if (each.scope, each.path, each.problem) == (scope, path, problem)]
            fix = OwnFix() if scope not in (Scope.MANAGED, Scope.FLAG) else "ask whoever manages this machine"
            yield Found(Result.ERROR, _trouble(alike), _line(facts, path, alike[0].event), fix)


def _trouble(alike: Sequence[Installed]) -> str:
    """What is said of hooks of one file that cannot run for one reason."""
    if len(alike) == 1:
        return alike[0].trouble
    if len(alike) == len(EVENTS):
        return f"no hook can run: {alike[0].problem}"
    return f"the hooks for {', '.join(each.event for each in alike)} cannot run: {alike[0].problem}"


def _made_anew(facts: Facts, _: Sequence[Finding], __: Tools) -> Iterator[Step]:
    for scope, path in dict.fromkeys((hook.scope, Path(hook.path)) for hook in facts.hooks if hook.problem):
        if scope not in (Scope.MANAGED, Scope.FLAG):
            yield Hooks(path, with_entries=scope != Scope.PROJECT)


def _line(facts: Facts, path: str, event: str) -> Place:
    settings = next((each for each in facts.settings if str(each.path) == path), None)
    return Place(Path(path), settings.line_of(("hooks", event)) if settings else None)


def _allowed(facts: Facts) -> Iterator[Found]:
    for each in hooks_off(facts.snapshot):
        administrators = each.scope in (Scope.SERVED, Scope.MANAGED)
        fix = "ask whoever manages this machine" if administrators else f"take {each.key} out of that file"
        said, result = f"{each.key} switches our hooks off", Result.WARNING
        if each.scope in (Scope.PROJECT, Scope.LOCAL):
            # somebody who writes into this folder did it, who need not be the one who runs sessions here
            said = f"{each.key} in this project's own settings switches our hooks off: no session here is on record"
            result = Result.ERROR
        if facts.own.for_project(str(facts.snapshot.cwd)).protect:
            said, result = f"{said}, and the protection of this folder is not enforced", Result.ERROR
        yield Found(result, said, place_of(each), fix)


def _guarded(facts: Facts) -> Iterator[Found]:
    dropped = [each for each in facts.settings if each.state is FileState.DROPPED and "claude_local_hook" in each.text]
    for each in dropped:
        if each.path is not None and not facts.hooks:
            what = "our hooks stand in a file that Claude Code drops, so nothing warns a session"
            yield Found(
                Result.ERROR, what, Place(each.path), command("claude-local", "hooks", "install", "--scope", "user")
            )


def _log(facts: Facts) -> Iterator[Found]:
    if facts.log_problem:
        yield Found(Result.ERROR, facts.log_problem, None, f"{LOG}   (says what to do with it)")
    if facts.log.unwritable:
        path, problem = facts.log.unwritable
        look = ("df", "-h") if "disk" in problem else ("ls", "-ld")
        what = f"what the log is kept in {problem}, so no session is put on record"
        yield Found(Result.ERROR, what, Place(path), command(*look, str(path)))
    if facts.log.waiting:
        what = f"{facts.log.waiting:,} records of hooks are not in the log yet"
        why = command("claude-local", "doctor", "hooks.faults")
        yield Found(Result.WARNING, what, None, f"{why}   (says why)")
    for path in facts.log.newer:
        what = "a newer claude-local has written into this journal what this one cannot read: it waits for that one"
        yield Found(Result.WARNING, what, Place(path), newer())
    for path in facts.log.refused:
        yield Found(
            Result.WARNING, "a file in the spool is no record of a hook", Place(path), command("less", str(path))
        )


def _kept(facts: Facts) -> Iterator[Found]:
    for path in facts.log.damaged:
        what = "the session log was damaged, and a new one was made of the journals: what is older is in this file only"
        fix = f"{command('sqlite3', str(path), '.dump')}   (prints what can be read; then remove the file)"
        yield Found(Result.WARNING, what, Place(path), fix)


def _sent(facts: Facts) -> Iterator[Found]:
    for each in facts.log.failing:
        if each.destination == facts.own.log_push:
            what = f"{each.said} (tried {each.times:,} time{'' if each.times == 1 else 's'})"
            yield Found(Result.WARNING, what, None, command("claude-local", "sessions", "push"))


def _faults(facts: Facts) -> Iterator[Found]:
    for fault in facts.log.faults:
        often = f"{fault.times} times, last on" if fault.times > 1 else "on"
        waited = "busy for too long" in fault.said and not facts.log.waiting
        yield Found(
            Result.INFO if waited else Result.WARNING,
            f"a hook could not do all its work ({often} {fault.at[:10]}): {fault.said}",
            Place(fault.path, fault.line),
            f"{command('rm', str(fault.path))}   (once it is fixed: a week later it counts no more)",
            why="what was to be recorded then was kept and taken in later: nothing is missing" if waited else None,
        )


CHECKS = (
    Check(
        id="hooks.installed",
        group="hooks",
        said=("log",),
        asks="are our session hooks installed?",
        fine="our session hooks are installed",
        why="without them no session is on record, and a dead server is silent for minutes",
        finds="A session event (start, prompt, end) for which no file that is read here has our hook.",
        remedy="`claude-local hooks install --scope user` installs them for every session of this machine.",
        find=_installed,
        preconditions=(preconditions.own_server,),
    ),
    Check(
        id="hooks.broken",
        group="hooks",
        asks="can the installed hooks run?",
        fine="the installed hooks can run",
        why="Claude Code goes on without a hook that fails: no record, no warning",
        finds="An interpreter or a script that is gone, as after an upgrade or a moved environment.",
        remedy="`--fix` installs them anew in the same file.",
        find=_broken,
        fix=_made_anew,
    ),
    Check(
        id="hooks.allowed",
        group="hooks",
        asks="are hooks allowed here?",
        fine="hooks are allowed here",
        why="no record, no warning, whatever is installed",
        finds=(
            "`disableAllHooks`, and an administrator's `allowManagedHooksOnly`. An error where the project's own"
            " settings say it, as a repository can, or where the folder is protected: nothing enforces that then."
        ),
        remedy="Take the key out, or ask whoever manages the machine.",
        find=_allowed,
        covers=("hooks.disabled",),
    ),
    Check(
        id="hooks.guard",
        group="hooks",
        said=("protect",),
        asks="do the hooks outlive the file they watch over?",
        fine="the hooks outlive the file they watch over",
        why="a dropped file takes its hooks with it, and the session may go to the cloud unnoticed",
        finds="Our hooks in a settings file that Claude Code drops, and nowhere else.",
        remedy="`claude-local hooks install --scope user` puts them into a file of their own.",
        find=_guarded,
    ),
    Check(
        id="hooks.log",
        group="hooks",
        said=("log",),
        asks="can the session log be read and written?",
        fine="the session log can be read and written",
        why="which backend a session used is on record there",
        finds=(
            "A damaged log, one of a newer claude-local, or one that is not ours to read; a folder that is read-only"
            " or on a full disk; lines of hooks that could not be put into it, or that only a newer version can read."
        ),
        remedy="`claude-local sessions list` says what is the matter and what to do; make room, or make it writable.",
        find=_log,
    ),
    Check(
        id="hooks.kept",
        group="hooks",
        said=("log",),
        asks="is every session still in the log?",
        fine="no log had to be set aside",
        why="reports and statistics know nothing of the sessions before",
        finds=(
            "Logs that were damaged. One that is found so is set aside, never deleted, and a new one is made of what"
            " hooks wrote in the last days (`log.journal_days`)."
        ),
        remedy="Copy what you need out of it with `sqlite3 FILE .dump`, then remove it.",
        find=_kept,
    ),
    Check(
        id="hooks.sent",
        group="hooks",
        said=("log",),
        asks="is the log sent where it is to go?",
        fine="the log is sent where it is to go, or is to go nowhere",
        why="a team knows nothing of the sessions since; they are kept here until they are sent",
        finds="A destination in `log.push` that took nothing the last time: not reachable, not allowed, not installed.",
        remedy="`claude-local sessions push` tries again and says what is wrong; nothing is lost meanwhile.",
        find=_sent,
    ),
    Check(
        id="hooks.faults",
        group="hooks",
        said=("log",),
        asks="could every hook do its work lately?",
        fine="every hook could do its work lately",
        why="a session goes on whatever happens to a hook, but its record may have a gap",
        finds="What hooks noted in `faults.log` in the last seven days, the same complaints together.",
        remedy="Fix what is named; then remove `faults.log`, or wait a week.",
        find=_faults,
    ),
)
