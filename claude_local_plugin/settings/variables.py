"""The environment variables we know of: what each does, whether it is a secret, and which files may not set it.

The catalogue is `schemas/env.schema.json`, read when first asked for; importing this module costs next to nothing.
"""

import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from claude_local_plugin import paths
from claude_local_plugin.core.claude import FALSY, TRUTHY
from claude_local_plugin.core.frozen import frozen

#: Endings and parts of names that mean a secret, for variables that the catalogue does not list, and settings keys.
SECRET_ENDINGS = ("TOKEN", "_KEY", "APIKEY", "_HEADERS")
SECRET_PARTS = ("SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "API_KEY_")

#: What switches a variable on, and off, as Claude Code reads it.
ON, OFF = TRUTHY, FALSY

#: How alike an unknown name must be to a known one to be taken for a misspelling of it: one or two letters of a long
#: name. Real variables of Claude Code that we do not list differ from those we do by a whole word.
ALIKE = 0.92


@frozen
class Variable:
    """One environment variable that Claude Code reads or sets.

    `refused_in` are the settings scopes ("project", "local", "user", "flag", "managed") whose value Claude Code
    ignores, `refused_unless` ("on", "off" or None) the one kind of value it takes from them; `before_trust` says that
    a project's value counts before its folder is trusted; `since` is the earliest client version known to have it
    (it may be older), None if unknown; `role` groups variables ("endpoint", "credential", "model", …); `written` says
    that `enable` may write it; `mistaken` are names that people write in its place and that mean nothing.
    """

    name: str
    description: str
    secret: bool
    refused_in: tuple[str, ...]
    refused_unless: str | None
    before_trust: bool
    since: str | None
    role: str
    written: bool
    mistaken: tuple[str, ...] = ()


@cache
def catalogue() -> Mapping[str, Variable]:
    """Every variable we know of by its name, in the order of the schema (grouped by role)."""
    schema = json.loads((paths.shipped("schemas") / "env.schema.json").read_text(encoding="utf-8"))
    return MappingProxyType({name: _variable(name, entry) for name, entry in schema["properties"].items()})


def _variable(name: str, entry: Mapping[str, object]) -> Variable:
    refused_in, unless, since = entry["x-refused-in"], entry.get("x-refused-unless"), entry["x-since"]
    mistaken = entry.get("x-mistaken", [])
    assert isinstance(refused_in, list)
    assert isinstance(mistaken, list)
    return Variable(
        name=name,
        description=str(entry["description"]),
        secret=entry["x-secret"] is True,
        refused_in=tuple(refused_in),
        refused_unless=None if unless is None else str(unless),
        before_trust=entry["x-before-trust"] is True,
        since=None if since is None else str(since),
        role=str(entry["x-role"]),
        written=entry["x-written"] is True,
        mistaken=tuple(mistaken),
    )


def is_secret(name: str, value: str = "") -> bool:
    """Whether the variable's value may not be shown.

    For a variable we do not know, its name decides (`MY_SERVER_KEY`); a URL with a password or a query in it is a
    secret whatever the variable is called.
    """
    if _has_password(value):
        return True
    known = catalogue().get(name)
    if known is not None:
        return known.secret
    upper = name.upper()
    plural = catalogue().get(f"{upper}S")
    if plural is not None or ("MAX_" in upper and value.isdecimal()):
        return plural is not None and plural.secret  # numbers of tokens (CLAUDE_CODE_MAX_CONTEXT_TOKEN), not a token
    return upper.endswith(SECRET_ENDINGS) or any(part in upper for part in SECRET_PARTS)


def _has_password(value: str) -> bool:
    """Whether the value is a URL with `user:password@` (or a lone token before the @), or with a query (`?key=…`)."""
    _, separator, rest = value.partition("://")
    place, query, _ = rest.partition("?")
    return bool(separator) and ("@" in place.partition("/")[0] or bool(query))


def refused_in(name: str, scope: str, value: str | None = None) -> bool:
    """Whether Claude Code ignores this variable in settings files of the scope; no value: any but the exception.

    Observed on Claude Code 2.1.329. False for a variable that we do not know.
    """
    known = catalogue().get(name)
    if known is None or scope not in known.refused_in:
        return False
    allowed = {"on": ON, "off": OFF}.get(known.refused_unless or "", ())
    return value is None or value.strip().lower() not in allowed


def nearest(name: str) -> str | None:
    """The known variable that an unknown name is probably meant to be; None for a known name and for a strange one."""
    known = catalogue()
    if name in known:
        return None
    upper = name.upper()
    if upper in known and upper.startswith(("ANTHROPIC_", "CLAUDE_", "API_", "DISABLE_", "ENABLE_", "MAX_", "OTEL_")):
        return upper
    for each in known.values():
        if upper in each.mistaken:
            return each.name
    from difflib import get_close_matches

    from claude_local_plugin.core.env_rules import APPLIED_BEFORE_TRUST, REFUSED_IN_PROJECT_AND_LOCAL

    if upper in APPLIED_BEFORE_TRUST or upper in REFUSED_IN_PROJECT_AND_LOCAL:
        return None
    # short names (HOME, NO_PROXY) are alike by chance, and nobody writes those that Claude Code sets itself
    likely = [each.name for each in known.values() if len(each.name) > 8 and each.role != "identity"]
    match = next(iter(get_close_matches(upper, likely, n=1, cutoff=ALIKE)), None)
    # ANT_OTEL_… is another variable, not a misspelt OTEL_…
    return None if match is None or upper.endswith(f"_{match}") else match
