"""What no single key of a profile shows: variables that are not its own to set, secrets, and names of other profiles.

Wherever profiles are written: in config.toml and in the file that a repository carries.
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from claude_local_plugin.core.claude import is_secret_header
from claude_local_plugin.core.protection import CLOUD
from claude_local_plugin.settings.variables import catalogue, is_secret
from claude_local_plugin.text import printable, without_secrets

Path = tuple[str, ...]

#: The key of a profile that says what a variable would.
KEY_OF_VARIABLE = {
    "ANTHROPIC_BASE_URL": "url",
    "ANTHROPIC_AUTH_TOKEN": "token",
    "ANTHROPIC_API_KEY": "token",
    "ANTHROPIC_CUSTOM_HEADERS": "headers",
    "ANTHROPIC_MODEL": "model",
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "opus",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "sonnet",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "haiku",
    "ANTHROPIC_SMALL_FAST_MODEL": "haiku",
    "ANTHROPIC_DEFAULT_FABLE_MODEL": "fable",
    "CLAUDE_CODE_SUBAGENT_MODEL": "subagent",
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "window",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "max_output",
    "CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT": "system_prompt",
    "API_TIMEOUT_MS": "api_timeout_ms",
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS": "stream_idle_timeout_ms",
    "CLAUDE_CODE_MAX_RETRIES": "max_retries",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "privacy",
    "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "privacy",
    "DISABLE_AUTOUPDATER": "privacy",
}
#: What variables are about that decide where sessions go, and with which credential.
_DECIDING = ("endpoint", "provider", "credential")
#: How often Claude Code asks a helper, which is a number of milliseconds.
_NO_CREDENTIAL = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS"


def problems(profiles: Mapping[str, Any], others: Collection[str] = ()) -> Iterator[tuple[Path, str]]:
    """Below each profile's name the key and what is wrong with it; `others` are profiles that are known elsewhere.

    No complaint repeats a value. What is wrong by itself is not judged again.
    """
    names = {*profiles, *others}
    for name, said in profiles.items():
        if not isinstance(said, Mapping):
            continue
        for key, value in said.items():
            yield from (((name, *path), what) for path, what in _of_key(name, str(key), value, names))


def _of_key(name: str, key: str, value: object, names: Collection[str]) -> Iterator[tuple[Path, str]]:
    if key == "env" and isinstance(value, Mapping):
        yield from (((key, str(each)), wrong) for each, held in value.items() if (wrong := variable(str(each), held)))
    elif key == "headers" and isinstance(value, list):
        if wrong := next(filter(None, map(header, value)), None):
            yield (key,), wrong
    elif key == "fallback" and isinstance(value, list):
        if wrong := next(filter(None, (fallback(name, each, names) for each in value)), None):
            yield (key,), wrong
        elif len(set(map(str, value))) < len(value):
            yield (key,), "names one twice"
    elif any(isinstance(each, str) and holds_secret(each) for each in (value if isinstance(value, list) else [value])):
        yield (key,), "holds what looks like a secret, which does not belong there: `token` says where the key is"


def variable(name: str, value: object) -> str | None:
    """What is wrong with a profile's variable of this name and value."""
    if key := KEY_OF_VARIABLE.get(name):
        return f"is for `enable` to write: the profile's `{key}` says it"
    known = catalogue().get(name)
    if known is not None and known.written:
        return "is for `enable` to write, where the server needs it"
    if known is not None and known.role in _DECIDING and name != _NO_CREDENTIAL:
        return "decides where sessions go, or with which credential, which the profile's `url` and `token` say"
    if isinstance(value, str) and value and (holds_secret(value) or _is_secret(name, value)):
        return "looks like a secret, which does not belong there: `token` and `headers_env` name where secrets are"
    return None


def _is_secret(name: str, value: str) -> bool:
    return is_secret(name, value) and not value.isdecimal() and value.lower() not in ("true", "false", "on", "off")


def header(text: object) -> str | None:
    """What is wrong with a profile's header."""
    name, equals, value = str(text).partition("=")
    if not (name.strip() and equals):
        return "must hold headers as `NAME=VALUE`"
    if holds_secret(value) or is_secret_header(name):
        return (
            "holds what looks like a secret, which does not belong there: `headers_env` with `NAME=VARIABLE` names"
            " the variable that has it"
        )
    return None


def fallback(profile: str, name: object, names: Collection[str]) -> str | None:
    """What is wrong with the name of a profile that another falls back on."""
    if name == profile:
        return "names the profile itself"
    if name == CLOUD or name in names:
        return None
    near = difflib.get_close_matches(str(name), [*sorted(names), CLOUD], n=1)
    return f"names {printable(str(name))}, and there is no such profile" + (
        f" (did you mean {near[0]}?)" if near else ""
    )


def holds_secret(text: str) -> bool:
    """Whether the text holds what looks like a secret, wherever it stands in it."""
    return without_secrets(text) != text
