"""What a settings file's record remembers beside the edits, read quickly: for hooks, and commands that only look."""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.digest import hexadecimal
from claude_local_plugin.core.files import content
from claude_local_plugin.core.text import json_object

#: What a record remembers the profile under that a file is enabled with; empty where the server has no name.
PROFILE = "profile"
#: The profiles that this one falls back to, with commas between them.
FALLBACK = "fallback"
#: The profile that a fallback has led away from, and its address: empty where somebody has chosen the present one.
FALLEN_FROM, FALLEN_URL = "fallen_from", "fallen_from_url"


def extras_of(settings_file: "str | os.PathLike[str]", state_dir: "str | os.PathLike[str]") -> "dict[str, str]":
    """The extras of a settings file's record; empty where there is none that can be understood."""
    name = hexadecimal(os.fsencode(os.path.realpath(settings_file)))
    try:
        record = json_object(content(os.path.join(state_dir, "ownership", f"{name}.json")))["record"]
        return {str(key): str(value) for key, value in record["extras"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # whoever changes something says what is wrong with it
