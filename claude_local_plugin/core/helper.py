"""The command of ours that Claude Code asks for a server's key, as `apiKeyHelper` holds it: made and recognised."""

from claude_local_plugin.core.registration import CONFIG_OPTION
from claude_local_plugin.core.shell import Words, command

#: What follows the interpreter in that command; the profile's name follows.
TOKEN_COMMAND = ("-I", "-m", "claude_local_plugin", "token")

#: What is given in the place of a key that is not to be had: no secret, and a server's 401 to it can be explained.
NO_KEY = "claude-local-no-key"


def command_for(profile: str, python: str, config_dir: str) -> str:
    """A line of shell: the absolute command for the profile's key, and the marked key where that command is gone.

    A helper that fails does not keep the request back: it is sent with an empty key (observed on Claude Code 2.1.332).
    The profile and the folder of config.toml are named, since the environment may hold what a repository put there.
    """
    words = (python, *TOKEN_COMMAND, profile, CONFIG_OPTION, config_dir)
    return command(*words, Words("||"), "echo", NO_KEY)


def profile_of(helper: object) -> "str | None":
    """The profile whose key this `apiKeyHelper` gives; None for one that is not ours."""
    if not isinstance(helper, str) or not helper.endswith(f"|| echo {NO_KEY}"):
        return None
    import shlex

    try:
        words = shlex.split(helper)
    except ValueError:
        return None
    ours = len(words) == 11 and tuple(words[1:5]) == TOKEN_COMMAND and words[6] == CONFIG_OPTION
    return words[5] if ours else None
