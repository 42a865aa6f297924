"""Which model name goes on the wire, and how large a context window Claude Code assumes for it.

Established on Claude Code 2.1.329 by asking for each name and reading the request and the reported window.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from claude_local_plugin.precedence.table import TRUTHY

#: What an alias stands for, and the variable that says otherwise.
ALIASES: Mapping[str, tuple[str, str]] = {
    "opus": ("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-5-5"),
    "sonnet": ("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-5-5"),
    "haiku": ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "claude-haiku-5-5"),
    "fable": ("ANTHROPIC_DEFAULT_FABLE_MODEL", "claude-fable-5-2"),
    "best": ("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-5-5"),
    "opusplan": ("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-5-5"),
}

#: Retired names that are quietly replaced by whatever `opus` stands for.
RETIRED_OPUS = ("claude-opus-4-20250514", "claude-opus-4-1-20250805", "claude-opus-4-0", "claude-opus-4-1")

WINDOW_VARIABLE = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"

#: What a session starts with when nobody names a model: Opus, asking for its long window.
DEFAULT_SETTING = "opus[1m]"

#: The same for a claude.ai login of no known or no paid subscription.
DEFAULT_SETTING_SMALL_LOGIN = "sonnet"
PAID_SUBSCRIPTIONS = ("max", "pro", "team", "enterprise")

ASSUMED_WINDOW = 1_000_000
SMALL_WINDOW = 200_000

#: Claude's own models by family and version, with the window each is known to have.
CATALOGUE: Mapping[tuple[str, int, int], int] = {
    ("opus", 4, 0): SMALL_WINDOW,
    ("opus", 4, 1): SMALL_WINDOW,
    ("opus", 4, 5): SMALL_WINDOW,
    ("opus", 4, 6): SMALL_WINDOW,
    ("opus", 4, 7): ASSUMED_WINDOW,
    ("opus", 4, 8): ASSUMED_WINDOW,
    ("opus", 5, 0): ASSUMED_WINDOW,
    ("opus", 5, 5): ASSUMED_WINDOW,
    ("sonnet", 4, 0): SMALL_WINDOW,
    ("sonnet", 4, 5): SMALL_WINDOW,
    ("sonnet", 4, 6): SMALL_WINDOW,
    ("sonnet", 5, 0): ASSUMED_WINDOW,
    ("sonnet", 5, 5): ASSUMED_WINDOW,
    ("haiku", 4, 5): SMALL_WINDOW,
    ("haiku", 5, 5): ASSUMED_WINDOW,
    ("fable", 5, 0): ASSUMED_WINDOW,
    ("fable", 5, 1): ASSUMED_WINDOW,
    ("fable", 5, 2): ASSUMED_WINDOW,
    ("mythos", 5, 0): ASSUMED_WINDOW,
    ("mythos", 5, 1): ASSUMED_WINDOW,
    ("mythos", 5, 2): ASSUMED_WINDOW,
}

#: The names under which the Anthropic API serves them, where the name is more than family and version.
_DATED = {
    ("opus", 4, 0): "claude-opus-4-20250514",
    ("opus", 4, 1): "claude-opus-4-1-20250805",
    ("opus", 4, 5): "claude-opus-4-5-20251101",
    ("sonnet", 4, 0): "claude-sonnet-4-20250514",
    ("sonnet", 4, 5): "claude-sonnet-4-5-20250929",
    ("haiku", 4, 5): "claude-haiku-4-5-20251001",
}

_OLD = re.compile(r"claude-3-(?:7-sonnet|5-sonnet|5-haiku|opus|sonnet|haiku)")
_VERSIONED = re.compile(r"claude-(opus|sonnet|haiku|fable|mythos)-(\d+)(?:-(\d{1,2})(?!\d))?")
_SUFFIX = re.compile(r"\[[12]m\]", re.IGNORECASE)
_LONG = re.compile(r"\[1m\]", re.IGNORECASE)


def api_name(version: tuple[str, int, int]) -> str:
    """The name under which the Anthropic API serves a model of the catalogue."""
    family, major, minor = version
    return _DATED.get(version) or f"claude-{family}-{major}" + (f"-{minor}" if minor else "")


def version_of(name: str) -> tuple[str, int, int] | None:
    """The family and version Claude Code recognises anywhere in a name, None if it is not of the catalogue.

    `my-claude-sonnet-4-5-model` is Sonnet 4.5; `claude-opus-4-20260101` is Opus 4; `claude-opus-45` is nobody.
    """
    found = _VERSIONED.search(name.lower())
    if found is None:
        return None
    version = (found[1], int(found[2]), int(found[3] or 0))
    return version if version in CATALOGUE else None


_API_NAMES = frozenset(map(api_name, CATALOGUE))


@dataclass(frozen=True, slots=True)
class ModelName:
    """What a model setting comes to: `wire` is sent, `long` asks for the long window, `alias` is the variable used."""

    wire: str
    long: bool = False
    alias: str | None = None


def named(setting: str, env: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> ModelName:
    """The model that a setting stands for.

    Aliases are replaced (any case), retired Opus names too; the `[1m]` suffix is never sent. `overrides` is the
    settings key `modelOverrides`, which renames Claude's own models at the very end.
    """
    asked = setting.strip()
    bare, long = _without_suffix(asked)
    alias = bare.lower()
    if alias in RETIRED_OPUS and not is_truthy(env.get("CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP")):
        alias = "opus"
    if alias not in ALIASES:
        return ModelName(_overridden(alias if alias in _API_NAMES else bare, overrides), long)
    variable, default = ALIASES[alias]
    target = env.get(variable, "").strip()
    bare, long_target = _without_suffix(target or default)
    return ModelName(_overridden(bare, overrides), long or long_target, variable if target else None)


def _without_suffix(name: str) -> tuple[str, bool]:
    return _SUFFIX.sub("", name).strip(), _LONG.search(name) is not None


def without_suffix(name: str) -> str:
    """The name without `[1m]` and blanks around it."""
    return _without_suffix(name.strip())[0]


def _overridden(name: str, overrides: Mapping[str, object] | None) -> str:
    target = (overrides or {}).get(name)
    return target if isinstance(target, str) and target else name


def known_window(name: str) -> int | None:
    """The window Claude Code knows for this name, None for a name it does not recognise."""
    lowered = name.lower()
    if lowered in ALIASES:  # an alias variable that names another alias: recognised, but sent as it stands
        return SMALL_WINDOW
    if (version := version_of(lowered)) is not None:
        return CATALOGUE[version]
    return SMALL_WINDOW if _OLD.search(lowered) else None


def window_of(model: ModelName, env: Mapping[str, str], unknown: int = ASSUMED_WINDOW) -> tuple[int, str]:
    """The window assumed for a model, in tokens, and what decided it: `variable`, `suffix`, `known` or `assumed`."""
    limit = parse_tokens(env.get(WINDOW_VARIABLE))
    if limit is not None and is_truthy(env.get("DISABLE_COMPACT")):
        return limit, "variable"
    capped = is_truthy(env.get("CLAUDE_CODE_DISABLE_1M_CONTEXT"))
    if model.long and not capped:
        return ASSUMED_WINDOW, "suffix"
    if (known := known_window(model.wire)) is not None:
        return (min(known, SMALL_WINDOW) if capped else known), "known"
    if limit is not None:
        return limit, "variable"
    return (min(unknown, SMALL_WINDOW) if capped else unknown), "assumed"


_SEPARATOR = re.compile(r"(?<=\d)[,_ ](?=\d)")
_LEADING_NUMBER = re.compile(r"\s*\+?(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d+))?", re.IGNORECASE)


def parse_tokens(text: str | None) -> int | None:
    """A number of tokens as Claude Code reads it from a variable; None if it comes to nothing.

    The leading number counts and the rest is ignored: "64k" is 64, "6.5e4" is 65000, "65,536" is 65536.
    """
    found = _LEADING_NUMBER.match(_SEPARATOR.sub("", text or ""))
    if found is None or (number := float(found[0])) < 1 or number == inf:
        return None
    return int(number)


def is_truthy(value: str | None) -> bool:
    """Whether a switch with this value is on."""
    return value is not None and value.strip().lower() in TRUTHY
