"""Writes docs/config.md's table and the JSON schema anew from the table of keys: `python docs/config_tables.py`."""

import json
import runpy
from pathlib import Path
from typing import Any

from claude_local_plugin.config import KEYS, PROFILE_KEYS, PROJECT_KEYS, Key
from claude_local_plugin.config.json_schema import document

PAGE = Path(__file__).with_name("config.md")
SCHEMA = PAGE.parents[1] / "schemas" / "config.schema.json"
SHARED: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("settings_tables.py")))


def rewritten(page: str) -> str:
    """The page with its table as it should be."""
    rows = [(f"`{key.name}`", key.values, default(key), key.description) for key in KEYS]
    rows += [(f'`[projects."FOLDER"]` `{key.name}`', key.values, "", key.description) for key in PROJECT_KEYS]
    rows += [(f"`[profiles.NAME]` `{key.name}`", key.values, "", key.description) for key in PROFILE_KEYS]
    text: str = SHARED["filled"](page, {"keys": SHARED["table"]("key|values|default|what it does", rows)})
    return text


def default(key: Key) -> str:
    """The default as it would stand in the file."""
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    if isinstance(key.default, str):
        return f'`"{key.default}"`'
    return "`[]`" if isinstance(key.default, tuple) else f"`{key.default:g}`"


def schema() -> str:
    """The text of the schema's file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
