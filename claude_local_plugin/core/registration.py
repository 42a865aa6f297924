"""What is written into Claude Code's settings to have the hook run: the one table for install, status and removal."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The events the hook understands, in the order of a session's life.
EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "ConfigChange",
    "PostModelSwitch",
    "CwdChanged",
    "DirectoryAdded",
    "SubagentStop",
    "Stop",
    "StopFailure",
    "SessionEnd",
)

#: Those of them that an older Claude Code does not know: the plugin has them in a table of their own, for of a table
#: with an event that it does not know it takes nothing, and says nothing (seen on 2.1.200; 2.1.266 knows them).
NEWER_EVENTS = ("PostModelSwitch", "DirectoryAdded")

#: The script's file name inside the shipped `hooks` folder; a settings entry that names it is ours.
SCRIPT = "claude_local_hook.py"

#: Isolated and without site-packages: half the start-up time, and nothing of the project can be imported.
INTERPRETER_FLAGS = ("-I", "-S")

#: The shell that starts it, where there is one: a program that is gone is an error at every event of every session, for
#: ever (observed on Claude Code 2.1.332), and a virtual environment is soon deleted.
SHELL = "/bin/sh"
#: What the shell is told: interpreter, flags, script and options follow as its arguments, so nothing of them is code.
LAUNCH = '[ -x "$0" ] && [ -f "$3" ] && exec "$0" "$@"; exit 0'
#: The same for a session's start, where one line says so.
LAUNCH_AND_SAY = LAUNCH.replace(
    "exit 0",
    'echo \'{"systemMessage":"the hooks of claude-local do nothing: what they ran with was deleted.'
    " Install claude-local again, then claude-local hooks install, or claude-local uninstall\"}'",
)
#: Tells a registration of this form from an older one that starts the same interpreter itself: see `claim`.
LAUNCHED = "--launched"

#: What Claude Code allows before it kills the hook, in seconds. The hook's own watchdog ends it well before.
#: In a settings file it also raises the 1.5 s that all SessionEnd hooks share (observed on Claude Code 2.1.329).
TIMEOUT_S = 5
#: And at the events at which a session may be moved to another server first: see `hook_runtime.fall_back`. The watchdog
#: gives it no longer than at the others, where nothing is moved.
PATIENT_EVENTS, PATIENT_TIMEOUT_S = ("SessionStart", "UserPromptSubmit"), 30
#: Tells the hook so: an older registration, and the plugin's, allow it no more than the others.
PATIENT = "--patient"

#: The option that tells the hook where the session log is.
STATE_OPTION = "--state"

#: The option that tells it in which folder config.toml is, where that is not the platform's own.
CONFIG_OPTION = "--config"

#: What moves these folders for the command line. Hooks do not listen to them: a repository's own settings can set
#: them for every hook (observed on Claude Code 2.1.332, which refuses HOME, XDG_*, LOCALAPPDATA and USERPROFILE there).
MOVED_BY = (("CLAUDE_LOCAL_STATE_DIR", STATE_OPTION), ("CLAUDE_LOCAL_CONFIG_DIR", CONFIG_OPTION))

#: What `claude-local run` tells a session of the profile that it was started with.
RUN_PROFILE = "CLAUDE_LOCAL_PROFILE"

#: The argument with which the hook sends a server a warm-up request instead of handling an event.
WARM_UP = "--warm-up"

#: The argument with which it puts what hooks have written into the log.
IMPORT = "--import"

#: What begins the argument with which it answers a question instead of handling an event: `--ask=why`.
ASK = "--ask="

#: This file in the state folder says that `disable` has left hooks for open sessions, to be taken out as they end.
RELEASE = "hooks-left"

#: This file in the state folder says for which folder, and why, a marked key was given in the place of a server's own.
NO_KEY_NOTE = "no-key.json"

#: This file in the state folder says that a fallback has led some folder away from its profile.
FALLEN_NOTE = "fallen-back"

#: The plugin's name before the `@`, as Claude Code notes it in `enabledPlugins`.
PLUGIN = "local-backend"
#: Where Claude Code says to a plugin's hook which folder the plugin is in.
PLUGIN_ROOT = "CLAUDE_PLUGIN_ROOT"

#: How a prompt begins that may be a question to it.
QUESTION = f"/{PLUGIN}:"


def as_registered(arguments: "Sequence[str]", environ: "Mapping[str, str]") -> "dict[str, str]":
    """The environment with our folders where the registration says, else where the platform has them.

    What the environment itself says of them may come from the settings of a repository.
    """
    told = dict(environ)
    for name, option in MOVED_BY:
        told.pop(name, None)
        if option in arguments[:-1]:
            told[name] = arguments[arguments.index(option) + 1]
    return told


#: The script's file name inside the shipped `hooks` folder; a settings entry that names it is ours.
STATUSLINE_SCRIPT = "claude_local_statusline.py"


#: The option whose value is the shell command of a status line that was there before ours.
WRAP_OPTION = "--wrap"


def are_options(arguments: "Sequence[str]") -> bool:
    """Whether these are options of ours, each with its value."""
    return len(arguments) % 2 == 0 and set(arguments[::2]) <= {STATE_OPTION, CONFIG_OPTION, WRAP_OPTION}
