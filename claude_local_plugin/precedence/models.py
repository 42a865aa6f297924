"""Which model name goes on the wire, and how large a context window Claude Code assumes for it.

Established on Claude Code 2.1.329 by asking for each name and reading the request and the reported window.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

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

ASSUMED_WINDOW = 1_000_000
SMALL_WINDOW = 200_000

#: Known names, most specific first; they are looked for anywhere in the name, in lower case.
_KNOWN: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(pattern), window)
    for pattern, window in (
        (r"claude-(?:fable|mythos)-5-2(?!\d)", ASSUMED_WINDOW),
        (r"claude-(?:fable|mythos)-5-1", ASSUMED_WINDOW),
        (r"claude-fable-5(?!-\d)", ASSUMED_WINDOW),
        (r"claude-opus-5-5", ASSUMED_WINDOW),
        (r"claude-opus-5", ASSUMED_WINDOW),
        (r"claude-opus-4-[78]", ASSUMED_WINDOW),
        (r"claude-opus-4-[1456]", SMALL_WINDOW),
        (r"claude-opus-4(?!-\d(?!\d))(?!\d)", SMALL_WINDOW),
        (r"claude-sonnet-5-5", ASSUMED_WINDOW),
        (r"claude-sonnet-5", ASSUMED_WINDOW),
        (r"claude-sonnet-4-[56]", SMALL_WINDOW),
        (r"claude-sonnet-4(?!-\d(?!\d))(?!\d)", SMALL_WINDOW),
        (r"claude-haiku-5-5", ASSUMED_WINDOW),
        (r"claude-haiku-4-5", SMALL_WINDOW),
        (r"claude-3-(?:7-sonnet|5-sonnet|5-haiku|opus|sonnet|haiku)", SMALL_WINDOW),
    )
)
_SUFFIX = re.compile(r"\[(1|2)m\]$", re.IGNORECASE)


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
    if alias in RETIRED_OPUS and not env.get("CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP"):
        alias = "opus"
    if alias not in ALIASES:
        return ModelName(_overridden(bare, overrides), long)
    variable, default = ALIASES[alias]
    target = env.get(variable, "").strip()
    bare, long_target = _without_suffix(target or default)
    return ModelName(_overridden(bare, overrides), long or long_target, variable if target else None)


def _without_suffix(name: str) -> tuple[str, bool]:
    bare = _SUFFIX.sub("", name).strip()
    return bare, bare != name


def _overridden(name: str, overrides: Mapping[str, object] | None) -> str:
    target = (overrides or {}).get(name)
    return target if isinstance(target, str) and target else name


def known_window(name: str) -> int | None:
    """The window Claude Code knows for this name, None for a name it does not recognise."""
    lowered = name.lower()
    if lowered in ALIASES:  # an alias variable that names another alias: recognised, but sent as it stands
        return SMALL_WINDOW
    return next((window for pattern, window in _KNOWN if pattern.search(lowered)), None)


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
    if found is None or len(found[0]) > 400:
        return None
    number = int(Decimal(found[0].strip()).to_integral_value(ROUND_FLOOR))
    return number if number > 0 else None


def is_truthy(value: str | None) -> bool:
    """Whether a switch with this value is on."""
    return value is not None and value.strip().lower() in TRUTHY
