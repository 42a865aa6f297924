"""Which model a session under a cloud provider asks for first.

Compared with the requests of Claude Code 2.1.329, 2.1.331 and 2.1.332 that arrived at a stand-in for each provider;
where nothing was compared there is no answer.
"""

from collections.abc import Mapping

from claude_local_plugin.core.claude import version_key
from claude_local_plugin.precedence.models import RETIRED_OPUS, without_suffix
from claude_local_plugin.precedence.table import VERIFIED_AGAINST

#: The first version that was compared, and the first with the newer names.
COMPARED_SINCE = "2.1.329"
NEWER_SINCE = "2.1.332"

#: Provider -> what the three aliases stand for, in the provider's own names.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "bedrock": {
        "opus": "us.anthropic.claude-opus-5-5",
        "sonnet": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "haiku": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    },
    "foundry": {"opus": "claude-opus-5-5", "sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-4-5"},
    "anthropicAws": {
        "opus": "claude-opus-5-5",
        "sonnet": "claude-sonnet-4-6",
        "haiku": "claude-haiku-4-5-20251001",
    },
    "anthropicGoogleCloud": {
        "opus": "claude-opus-5-5",
        "sonnet": "claude-sonnet-5-5",
        "haiku": "claude-haiku-4-5-20251001",
    },
    "mantle": {
        "opus": "anthropic.claude-opus-5-5",
        "sonnet": "anthropic.claude-sonnet-5",
        "haiku": "anthropic.claude-haiku-4-5",
    },
    "vertex": {"opus": "claude-opus-5-5", "sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-4-5@20251001"},
}
#: What was different before `NEWER_SINCE`.
_OLDER: Mapping[str, Mapping[str, str]] = {
    "foundry": {"opus": "claude-opus-4-6", "sonnet": "claude-sonnet-4-5"},
    "mantle": {"sonnet": "anthropic.claude-haiku-4-5"},
    "vertex": {"sonnet": "claude-sonnet-4-5@20250929"},
}
#: Aliases that say which of the three they stand for, and those that were not asked for.
_SAME_AS = {"best": "opus", "opusplan": "sonnet"}
_NOT_COMPARED = ("fable", "default", "inherit")

#: The variables that say what a session starts with when nobody names a model, first to last, and the alias else.
_DEFAULTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "bedrock": (("opus", "sonnet"), "opus"),
    "foundry": (("sonnet",), "sonnet"),
    "anthropicAws": (("opus",), "opus"),
    "anthropicGoogleCloud": (("opus",), "opus"),
    "mantle": ((), "opus"),
    "vertex": (("opus", "sonnet"), "opus"),
}
#: Providers whose sessions start with what the login starts with, where one serves through a Unix socket (2.1.332).
BY_LOGIN = ("anthropicAws", "anthropicGoogleCloud", "foundry")
#: Providers that serve retired Opus names no longer, and are asked for today's Opus instead.
_REMAPS_RETIRED = ("anthropicAws", "anthropicGoogleCloud")


def provider_model(
    provider: str, setting: str | None, env: Mapping[str, str], client_version: str | None
) -> str | None:
    """The model a session asks `provider` for first, given what is set (None: nothing is); None: not compared."""
    version = version_key(client_version or VERIFIED_AGAINST)
    if version < version_key(COMPARED_SINCE) or provider not in _NAMES:
        return None
    older = _OLDER.get(provider, {}) if version < version_key(NEWER_SINCE) else {}
    names = {**_NAMES[provider], **older}
    if setting is None:
        asked, alias = _DEFAULTS[provider]
        named = (env.get(f"ANTHROPIC_DEFAULT_{each.upper()}_MODEL", "").strip() for each in asked)
        return next((without_suffix(name) for name in named if name), names[alias])
    plain = without_suffix(setting)
    word = plain.lower()
    if word in RETIRED_OPUS and provider in _REMAPS_RETIRED:
        word = "opus"
    word = _SAME_AS.get(word, word)
    if word in _NOT_COMPARED:
        return None
    if word not in names:
        return plain
    return without_suffix(env.get(f"ANTHROPIC_DEFAULT_{word.upper()}_MODEL", "").strip()) or names[word]
