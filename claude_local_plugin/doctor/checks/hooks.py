"""Checks of our session hooks: installed, able to run, allowed to, and with a log to write to."""

from collections.abc import Iterator
from pathlib import Path

from claude_local_plugin.doctor import conditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check, Found, Place, Result, fix_command, place_of
from claude_local_plugin.guest.registration import EVENTS
from claude_local_plugin.precedence import FileState, Scope, candidates


def _installed(facts: Facts) -> Iterator[Found]:
    missing = [event for event in EVENTS if event not in {hook.event for hook in facts.hooks}]
    if not missing:
        return
    which = "no session hook of ours is" if len(missing) == len(EVENTS) else f"our hook for {', '.join(missing)} is not"
    fix = "claude-local hooks install --scope user"
    yield Found(Result.WARNING, f"{which} installed for sessions here", None, fix)


def _broken(facts: Facts) -> Iterator[Found]:
    for hook in facts.hooks:
        if hook.problem:
            fixable = hook.scope not in (Scope.MANAGED, Scope.FLAG)
            fix = fix_command("hooks.broken") if fixable else "ask whoever manages this machine"
            what = f"the {hook.event} hook cannot run: {hook.problem}"
            yield Found(Result.ERROR, what, _line(facts, hook.path, hook.event), fix, fixable=fixable)


def _line(facts: Facts, path: str, event: str) -> Place:
    settings = next((each for each in facts.settings if str(each.path) == path), None)
    return Place(Path(path), settings.line_of(("hooks", event)) if settings else None)


def _allowed(facts: Facts) -> Iterator[Found]:
    for key in ("disableAllHooks", "allowManagedHooksOnly"):
        # the second one is an administrator's to say
        scopes = (Scope.MANAGED,) if key == "allowManagedHooksOnly" else tuple(Scope)
        for each in candidates(facts.snapshot, key):
            if each.state == "wins" and each.value == "true" and each.scope in scopes:
                fix = (
                    "ask whoever manages this machine"
                    if each.scope is Scope.MANAGED
                    else f"take {key} out of that file"
                )
                yield Found(Result.WARNING, f"{key} switches our hooks off", place_of(each), fix)


def _guarded(facts: Facts) -> Iterator[Found]:
    dropped = [each for each in facts.settings if each.state is FileState.DROPPED and "claude_local_hook" in each.text]
    for each in dropped:
        if each.path is not None and not facts.hooks:
            what = "our hooks stand in a file that Claude Code drops, so nothing warns a session"
            yield Found(Result.ERROR, what, Place(each.path), "claude-local hooks install --scope user")


def _log(facts: Facts) -> Iterator[Found]:
    if facts.log_problem:
        yield Found(Result.ERROR, facts.log_problem, None, "claude-local sessions list   (says what to do with it)")


CHECKS = (
    Check(
        id="hooks.installed",
        group="hooks",
        asks="are our session hooks installed?",
        fine="our session hooks are installed",
        why="without them no session is on record, and a dead server is silent for minutes",
        finds="A session event (start, prompt, end) for which no file that is read here has our hook.",
        mend="`claude-local hooks install --scope user` installs them for every session of this machine.",
        judge=_installed,
        applies=conditions.own_server,
    ),
    Check(
        id="hooks.broken",
        group="hooks",
        asks="can the installed hooks run?",
        fine="the installed hooks can run",
        why="Claude Code goes on without a hook that fails: no record, no warning",
        finds="An interpreter or a script that is gone, as after an upgrade or a moved environment.",
        mend="`--fix` installs them anew in the same file.",
        judge=_broken,
        fixable=True,
    ),
    Check(
        id="hooks.allowed",
        group="hooks",
        asks="are hooks allowed here?",
        fine="hooks are allowed here",
        why="no record, no warning, whatever is installed",
        finds="`disableAllHooks`, and an administrator's `allowManagedHooksOnly`.",
        mend="Take the key out, or ask whoever manages the machine.",
        judge=_allowed,
    ),
    Check(
        id="hooks.guard",
        group="hooks",
        asks="do the hooks outlive the file they watch over?",
        fine="the hooks outlive the file they watch over",
        why="a dropped file takes its hooks with it, and the session may go to the cloud unnoticed",
        finds="Our hooks in a settings file that Claude Code drops, and nowhere else.",
        mend="`claude-local hooks install --scope user` puts them into a file of their own.",
        judge=_guarded,
    ),
    Check(
        id="hooks.log",
        group="hooks",
        asks="can the session log be read?",
        fine="the session log can be read",
        why="which backend a session used is on record there",
        finds="A damaged log, one of a newer claude-local, or one that is not ours to read.",
        mend="`claude-local sessions list` says what is the matter and what to do.",
        judge=_log,
    ),
)
