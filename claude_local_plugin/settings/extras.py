"""What a record remembers beside the edits, read quickly: for a command that only looks."""

import hashlib
import json
import os
from pathlib import Path

from claude_local_plugin.core.files import content

#: What a record remembers the profile under that a file is enabled with; empty where the server has no name.
PROFILE = "profile"


def extras_of(settings_file: Path, state_dir: Path) -> dict[str, str]:
    """The extras of a settings file's record; empty where there is none that can be understood."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(settings_file))).hexdigest()
    try:
        record = json.loads(content(state_dir / "ownership" / f"{name}.json"))["record"]
        return {str(key): str(value) for key, value in record["extras"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # whoever changes something says what is wrong with it
