"""The command of ours that Claude Code asks for a server's key, as `apiKeyHelper` holds it: made and recognised."""

from collections import namedtuple

from claude_local_plugin.core import system as os
from claude_local_plugin.core.files import content
from claude_local_plugin.core.registration import CONFIG_OPTION, NO_KEY_NOTE, STATE_OPTION
from claude_local_plugin.core.shell import Words, command

#: What follows the interpreter in that command; the profile's name follows.
TOKEN_COMMAND = ("-I", "-m", "claude_local_plugin", "token")

#: What is given in the place of a key that is not to be had: no secret, and a server's 401 to it can be explained.
NO_KEY = "claude-local-no-key"

#: A helper of ours: the profile whose key it gives, and our folders as they are named in it.
Helper = namedtuple("Helper", ("profile", "state_dir", "config_dir"))


def command_for(profile: str, python: str, state_dir: str, config_dir: str) -> str:
    """A line of shell: the absolute command for the profile's key, and the marked key where that command is gone.

    A helper that fails does not keep the request back: it is sent with an empty key (observed on Claude Code 2.1.332).
    The profile and our folders are named, since the environment may hold what a repository put there.
    """
    words = (python, *TOKEN_COMMAND, profile, STATE_OPTION, state_dir, CONFIG_OPTION, config_dir)
    return command(*words, Words("||"), "echo", NO_KEY)


def taken_apart(helper: object) -> "Helper | None":
    """What this `apiKeyHelper` names; None for one that is not ours."""
    if not isinstance(helper, str) or not helper.endswith(f"|| echo {NO_KEY}"):
        return None
    import shlex

    try:
        words = shlex.split(helper)
    except ValueError:
        return None
    named = [STATE_OPTION, CONFIG_OPTION, "||", NO_KEY]
    ours = len(words) == 13 and tuple(words[1:5]) == TOKEN_COMMAND and words[6::2] == named
    return Helper(words[5], words[7], words[9]) if ours else None


def note_no_key(state_dir: str, profile: str, folder: str, said: str) -> None:
    """Leave a word for the hook of the session in this folder; OSError where that cannot be written."""
    import json

    os.makedirs(state_dir, 0o700, exist_ok=True)
    path = os.path.join(state_dir, NO_KEY_NOTE)
    file = os.open(f"{path}.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, json.dumps({"profile": profile, "folder": folder, "said": said}).encode())
    finally:
        os.close(file)
    os.replace(f"{path}.{os.getpid()}", path)


def no_key_in(state_dir: str, folder: "str | None") -> str:
    """Why the session in this folder sends the marked key; "" where there is no word of that."""
    path = os.path.join(state_dir, NO_KEY_NOTE)
    if folder is None or not os.path.exists(path):
        return ""
    import json

    try:
        note = json.loads(content(path, 65_536))
    except (OSError, ValueError):
        return ""
    told = isinstance(note, dict) and isinstance(note.get("said"), str)
    here = os.path.realpath(folder)  # the helper is told its folder by the system, without links
    return note["said"] if told and note.get("folder") in (folder, here) else ""


def forget_no_key(state_dir: str, folder: str) -> None:
    """Take that word away, once the folder's session has its key."""
    if no_key_in(state_dir, folder):
        os.unlink(os.path.join(state_dir, NO_KEY_NOTE))
