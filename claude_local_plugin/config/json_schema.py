"""The JSON schema of config.toml, made of the table of its keys: `python docs/config_tables.py` writes it anew."""

from typing import TYPE_CHECKING, Any

from claude_local_plugin.core.config import KEYS
from claude_local_plugin.core.config_rules import CLOUDS, RULES, words

if TYPE_CHECKING:
    from claude_local_plugin.core.config_rules import Row

#: What is common to the rules by which several texts are judged.
_BACKENDS = {
    "type": "array",
    "items": {
        "anyOf": [
            {"enum": list(CLOUDS)},
            {"type": "string", "pattern": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s/]"},
            {"type": "string", "pattern": "^unix:/"},
        ],
        "x-message": f"must be an http(s) URL, unix:/… or one of {', '.join(CLOUDS)}",
    },
}

#: Tables of a kind: by what each is called, and what for.
_NAMED: dict[str, dict[str, Any]] = {
    "projects": {
        "type": "object",
        "propertyNames": {
            "pattern": r"^([/~]|\\\\|[A-Za-z]:[\\/])",
            "x-message": "a folder's name must be an absolute path or begin with ~",
        },
        "description": "What holds in single folders and below them; the nearest folder that sets a key decides.",
    },
    "profiles": {
        "type": "object",
        "propertyNames": {
            "pattern": r"^(?!cloud$)[A-Za-z0-9][A-Za-z0-9._-]{0,39}$",
            "x-message": "a profile's name is made of up to 40 letters, digits, dots, - and _, and is not “cloud”",
        },
        "description": "Servers under names: `claude-local enable NAME`, `claude-local run NAME -- COMMAND`.",
    },
}


def document() -> dict[str, Any]:
    """The whole schema."""
    tables = dict.fromkeys(row[0] for row in KEYS if row[0])
    properties: dict[str, Any] = _properties("")
    for table in tables:
        inner = {"type": "object", "additionalProperties": True, "properties": _properties(table)}
        name = table.rstrip(".*")
        properties[name] = {**_NAMED[name], "additionalProperties": inner} if table.endswith("*") else inner
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://claude-local.invalid/schemas/config.schema.json",
        "title": "claude-local's own config.toml",
        "type": "object",
        "additionalProperties": True,
        "properties": properties,
        "$defs": {"backends": _BACKENDS},
    }


def _properties(table: str) -> dict[str, Any]:
    return {row[1]: _property(row) for row in KEYS if row[0] == table}


def _property(row: "Row") -> dict[str, Any]:
    _, _, rule, limits, default, _, description = row
    said = {"description": description}
    if default is not None:
        said = {"default": list(default) if isinstance(default, tuple) else _plain(default), **said}
    return {**_values(rule, limits), **said}


def _values(rule: str, limits: tuple[Any, ...]) -> dict[str, Any]:
    """What JSON Schema can say of a rule: it does not look inside a command."""
    shapes: dict[str, dict[str, Any]] = {
        "word": {"enum": list(limits)},
        "number": {"type": "number", **dict(zip(("minimum", "maximum"), map(_plain, limits), strict=False))},
        "whole": {"type": "integer", **dict(zip(("minimum", "maximum"), limits, strict=False))},
        "switch": {"type": "boolean"},
        "argv": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            "x-message": f"must be {words('argv', ())}",
        },
        "backends": {"$ref": "#/$defs/backends"},
        "name": {
            "type": "string",
            **dict(zip(("minLength", "maxLength"), limits, strict=False)),
            "pattern": r"^[^\s\u0000-\u001f\u007f-\u009f]*$",
        },
    }
    shapes |= {
        "text": {
            "type": "string",
            **dict(zip(("minLength", "maxLength"), limits, strict=False)),
            "pattern": r"^\S(.*\S)?$" if limits and limits[0] else r"^(\S(.*\S)?)?$",
        },
        "texts": {"type": "array", "items": {"type": "string"}},
        "url": {"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^\\s/@]"},
        "destination": {
            "type": "string",
            "pattern": r"^(|postgres(ql)?://([^\s/@:]*@)?[^\s@]*|[Hh][Tt][Tt][Pp][Ss]?://[^\s@?]+)$",
            "x-message": f"must be {words('destination', ())}",
        },
        "day": {
            "type": "string",
            "pattern": r"^(|\d{4}-\d{2}-\d{2})$",
            "x-message": f"must be {words('day', ())}",
        },
        "token": {"type": "string", "pattern": r"^(none|keyring|file|env:[A-Za-z_][A-Za-z0-9_]*)$"},
        "variables": {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": {"type": "string"},
        },
    }
    assert shapes.keys() == RULES.keys()
    return shapes[rule]


def _plain(value: Any) -> Any:
    """A number as people write it: 30, not 30.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
