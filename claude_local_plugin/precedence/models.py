"""Which model name goes on the wire, and how large a context window Claude Code assumes for it.

Established on Claude Code 2.1.329 by asking for each name and reading the request and the reported window.
"""

import re
from collections.abc import Mapping
from math import inf

from claude_local_plugin.core.claude import is_on, version_key
from claude_local_plugin.core.endpoint import is_anthropics_api
from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.precedence.table import VERIFIED_AGAINST, holds

#: What an alias stands for, and the variable that says otherwise.
ALIASES: Mapping[str, tuple[str, str]] = {
    "opus": ("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-5-5"),
    "sonnet": ("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-5-5"),
    "haiku": ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "claude-haiku-5-5"),
    "fable": ("ANTHROPIC_DEFAULT_FABLE_MODEL", "claude-fable-5-2"),
    "best": ("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-5-5"),
    "opusplan": ("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-5-5"),
}

#: What an alias stood for from which version on, newest first.
_HISTORY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "opus": (("2.1.280", "claude-opus-5-5"), ("2.1.233", "claude-opus-5"), ("0", "claude-opus-4-8")),
    "sonnet": (("2.1.299", "claude-sonnet-5-5"), ("0", "claude-sonnet-5")),
    "haiku": (("2.1.299", "claude-haiku-5-5"), ("0", "claude-haiku-4-5-20251001")),
    "fable": (("2.1.329", "claude-fable-5-2"), ("2.1.266", "claude-fable-5-1"), ("0", "claude-fable-5")),
}


def aliases_for(client_version: str | None) -> Mapping[str, tuple[str, str]]:
    """What the aliases stand for in this version; an unknown version is taken for the one verified against."""
    version = version_key(client_version or VERIFIED_AGAINST)
    found = dict(ALIASES)
    for alias, history in _HISTORY.items():
        then = next(target for since, target in history if version >= version_key(since))
        found[alias] = (ALIASES[alias][0], then)
    variable = ALIASES["best" if holds("best-is-opus", client_version) else "fable"][0]
    return {**found, "best": (variable, found["opus"][1]), "opusplan": found["sonnet"]}


def names_of(alias: str) -> tuple[str, ...]:
    """Every name that an alias has stood for on the wire, the newest first."""
    return tuple(name for _, name in _HISTORY[alias])


#: Retired names that are quietly replaced by whatever `opus` stands for.
RETIRED_OPUS = ("claude-opus-4-20250514", "claude-opus-4-1-20250805", "claude-opus-4-0", "claude-opus-4-1")

WINDOW_VARIABLE = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"

#: What a session starts with when nobody names a model: Opus, asking for its long window.
DEFAULT_SETTING = "opus[1m]"

#: The same for a claude.ai login, by subscription; `SMALL_LOGIN_DEFAULT` for any other and an unknown one.
LOGIN_DEFAULTS: Mapping[str, str] = {
    "max": DEFAULT_SETTING,
    "team": DEFAULT_SETTING,
    "enterprise": DEFAULT_SETTING,
    "pro": "opus",
}
SMALL_LOGIN_DEFAULT = "sonnet"

#: What the aliases stand for behind the Claude gateway.
GATEWAY_ALIASES: Mapping[str, tuple[str, str]] = {
    **ALIASES,
    "opus": ("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-4-7"),
    "best": ("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-4-7"),
    "sonnet": ("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-4-6"),
    "opusplan": ("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-4-6"),
    "haiku": ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "claude-haiku-4-5-20251001"),
}

#: What a session behind it starts with when nobody names a model.
GATEWAY_DEFAULT = "opus"

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

#: Those that have no long window at all, and nor have older ones.
NEVER_LONG = frozenset((("opus", 4, 0), ("opus", 4, 1), ("opus", 4, 5), ("haiku", 4, 5)))

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


#: Every name the Anthropic API serves, old ones included: these are sent in lower case however they are written.
API_NAMES = frozenset(map(api_name, CATALOGUE)) | {
    "claude-3-5-sonnet-20241022",
    "claude-3-5-haiku-20241022",
    "claude-3-7-sonnet-20250219",
}


@frozen
class ModelName:
    """What a model setting comes to.

    `wire` is sent; `known_as` is the name Claude Code looks up in its catalogue; `long` asks for the long window;
    `alias` is the variable that said what an alias stands for, if one did.
    """

    wire: str
    known_as: str
    long: bool = False
    alias: str | None = None


def named(
    setting: str,
    env: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
    aliases: Mapping[str, tuple[str, str]] = ALIASES,
) -> ModelName:
    """The model that a setting stands for.

    Aliases are replaced (any case), retired Opus names too; `[1m]` and `[2m]` are never sent. `overrides` is the
    settings key `modelOverrides`, which renames models of the Anthropic API at the very end.
    """
    asked = setting.strip()
    alias = _LONG.sub("", asked).strip().lower()
    long = _LONG.search(asked) is not None
    if alias in RETIRED_OPUS and not is_on(env.get("CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP")):
        alias = "opus"
    if alias not in aliases:
        return _sent(asked, long, None, overrides)
    variable, default = aliases[alias]
    target = env.get(variable, "").strip()
    return _sent(target or default, long and alias != "best", variable if target else None, overrides)


def _sent(name: str, long: bool, alias: str | None, overrides: Mapping[str, object] | None) -> ModelName:
    """The name on the wire for a name that is no alias any more."""
    bare = without_suffix(name)
    wire = bare.lower() if bare.lower() in API_NAMES else bare
    long = long or _LONG.search(name) is not None
    replaced = (overrides or {}).get(wire) if wire in API_NAMES else None
    if isinstance(replaced, str) and replaced:
        known = replaced if known_window(replaced) is not None else wire
        return ModelName(replaced, known, long and known == wire, alias)
    original = next((key for key, value in (overrides or {}).items() if value == bare and key in API_NAMES), None)
    known = _LONG.sub("", name) if bare.lower() in ALIASES else bare  # an alias variable may name another alias
    return ModelName(wire, original or known, long, alias)


def has_no_long_window(name: str) -> bool:
    """Whether this is a Claude's name, of one that has no long window."""
    version = version_of(name)
    return version in NEVER_LONG if version is not None else _OLD.search(name.lower()) is not None


def without_suffix(name: str) -> str:
    """The name without `[1m]` and blanks around it."""
    return _SUFFIX.sub("", name).strip()


def known_window(name: str) -> int | None:
    """The window Claude Code knows for this name, None for a name it does not recognise."""
    return _claude_window(name)


def _through_alias(name: str, env: Mapping[str, str]) -> int | None:
    """The window of a name that is an alias again: small if that stands for a Claude, else unknown.

    An alias variable may name another alias; it is then sent as it stands.
    """
    variable, default = ALIASES[name.lower()]
    return SMALL_WINDOW if _claude_window(env.get(variable, "").strip() or default) is not None else None


def _claude_window(name: str) -> int | None:
    """The window of a name with a Claude's in it."""
    if (version := version_of(name)) is not None:
        return CATALOGUE[version]
    return SMALL_WINDOW if _OLD.search(name.lower()) else None


def window_of(
    model: ModelName,
    env: Mapping[str, str],
    behaves_as: str | None = None,
    client_version: str | None = None,
    *,
    signed_in: bool = False,
) -> tuple[int, str]:
    """The window assumed for a model, in tokens, and what decided it.

    That is `variable`, `suffix`, `known`, `picker` (`behaves_as`) or `assumed`. `signed_in` is for a session that a
    gateway sign-in takes there.
    """
    unknown = ASSUMED_WINDOW if holds("unknown-window-1m", client_version) else SMALL_WINDOW
    limit = parse_tokens(env.get(WINDOW_VARIABLE), spelled=holds("spelled-numbers", client_version))
    if limit is not None and is_on(env.get("DISABLE_COMPACT")):
        return limit, "variable"
    capped = is_on(env.get("CLAUDE_CODE_DISABLE_1M_CONTEXT"))
    if model.long and not capped:
        return ASSUMED_WINDOW, "suffix"
    again = model.known_as.lower() in ALIASES
    if (known := _through_alias(model.known_as, env) if again else known_window(model.known_as)) is not None:
        rule = "gateway-knows-1m" if signed_in else None if _at_home(env) else _long_window_rule(model.known_as)
        capped = capped or not (rule is None or holds(rule, client_version))
        return (min(known, SMALL_WINDOW) if capped else known), "known"
    if behaves_as is not None and (known := _claude_window(behaves_as)) is not None:
        return (min(known, SMALL_WINDOW) if capped else known), "picker"
    if limit is not None and ("claude" not in model.wire.lower() or holds("limit-for-claude-names", client_version)):
        return limit, "variable"
    return (min(unknown, SMALL_WINDOW) if capped else unknown), "assumed"


def _at_home(env: Mapping[str, str]) -> bool:
    """Whether requests go to Anthropic, where every version gives its models their full window."""
    url = env.get("ANTHROPIC_BASE_URL", "").strip()
    return not url or is_anthropics_api(url)


def _long_window_rule(name: str) -> str:
    """The rule by which a Claude has its long window without being asked for it."""
    version = version_of(name)
    return "opus-knows-1m" if version is not None and version[0] == "opus" else "all-know-1m"


_SEPARATOR = re.compile(r"(?<=\d)[,_ ](?=\d)")
_LEADING_NUMBER = re.compile(r"\s*\+?(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d+))?", re.IGNORECASE)


def parse_tokens(text: str | None, *, spelled: bool = True) -> int | None:
    """A number of tokens as Claude Code reads it from a variable; None if it comes to nothing.

    The leading number counts and the rest is ignored: "64k" is 64, "6.5e4" is 65000, "65,536" is 65536
    (only digits count where `spelled` is false, in versions before 2.1.211).
    """
    if not spelled:
        digits = re.match(r"\s*\+?(\d+)", text or "")
        return (int(digits[1]) or None) if digits else None
    found = _LEADING_NUMBER.match(_SEPARATOR.sub("", text or ""))
    if found is None or (number := float(found[0])) < 1 or number == inf:
        return None
    return int(number)
