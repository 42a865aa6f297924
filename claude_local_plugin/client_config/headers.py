"""The headers that belong to a server: `--header NAME=VALUE`, `--header-env NAME=VAR`, and those it gets already."""

import re
from collections.abc import Iterator, Mapping, Sequence

from claude_local_plugin.client_config.model import Header
from claude_local_plugin.core.claude import is_anthropics, is_secret_header
from claude_local_plugin.core.shell import Words, export
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import mask_secret, printable

#: What shells take as the name of a variable.
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
#: What a header's name may be made of (RFC 9110).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

#: Headers that carry the message itself: a second opinion on them breaks every request.
_OF_THE_REQUEST = ("connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade")

_EXAMPLE = "a header is given as --header X-Gateway-Pass=VALUE, or --header-env X-Gateway-Pass=VARIABLE"


def asked(plain: Sequence[str], from_environment: Sequence[str], environ: Mapping[str, str]) -> tuple[Header, ...]:
    """The headers named on the command line; raises UsageError for one that no request can carry."""
    return (*_plain(plain), *_from_environment(from_environment, environ))


def _plain(given: Sequence[str]) -> Iterator[Header]:
    for text in given:
        name, value = _taken_apart("--header", text)
        _check_value(f"--header {name}", value)
        yield Header(name, value, is_secret_header(name))


def _from_environment(given: Sequence[str], environ: Mapping[str, str]) -> Iterator[Header]:
    for text in given:
        name, variable = _taken_apart("--header-env", text)
        value = from_variable("--header-env", variable, environ, f"the value of the header {printable(name)}")
        _check_value(f"the value of {printable(variable)}", value)
        yield Header(name, value, secret=True)


def from_variable(option: str, name: str, environ: Mapping[str, str], what: str) -> str:
    """The value of the environment variable that an option names; raises UsageError where there is none."""
    if not _VARIABLE.fullmatch(name):
        raise UsageError(
            f"{option} takes the name of an environment variable, and {printable(mask_secret(name))} cannot be one",
            f"set a variable to it ({what}), and give the variable's name: {option} NAME",
        )
    if value := environ.get(name, ""):
        return value
    raise UsageError(
        f"the environment variable {name} named by {option} is not set", f"{export(name, Words('…'))}  ({what})"
    )


def _taken_apart(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or ":" in name:
        raise UsageError(f"{option}: there is no NAME=… in it", _EXAMPLE)
    if not _NAME.fullmatch(name):
        raise UsageError(f"{option} {printable(name)!r}: that cannot be the name of a header", _EXAMPLE)
    if name.lower() in _OF_THE_REQUEST:
        raise UsageError(f"{option} {name}: this header is the client's own, and changing it breaks requests", _EXAMPLE)
    if name.lower() in ("authorization", "proxy-authorization"):
        raise UsageError(
            f"{option} {name}: Claude Code sends the server's key there and takes no other value",
            "name the variable that holds the key with --token-env VARIABLE",
        )
    return name, value


def _check_value(what: str, value: str) -> None:
    if not (value.isascii() and value.isprintable()) or value.strip() != value or not value:
        raise UsageError(f"{what}: a header's value is visible ASCII text without blanks at its ends", _EXAMPLE)
    if is_anthropics(value):
        raise UsageError(
            f"{what} is a key of Anthropic's own: it may not be sent to another server", "use the server's own key"
        )


def kept(text: str, ours: Sequence[str]) -> tuple[Header, ...]:
    """The headers in a value of ANTHROPIC_CUSTOM_HEADERS that stands beside the server's address.

    Without our own stand-in for a Console key (an `x-api-key` that is one of `ours`), without Anthropic's keys, and
    without lines that Claude Code can make nothing of.
    """
    found: dict[str, Header] = {}
    for line in text.split("\n"):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _NAME.fullmatch(name) or is_anthropics(value):
            continue
        if name.lower() == "x-api-key" and value in ours:
            continue
        found[name.lower()] = Header(name, value, is_secret_header(name))
    return tuple(found.values())


def joined(old: Sequence[Header], new: Sequence[Header]) -> tuple[Header, ...]:
    """Both, a new header in the place of an old one of its name."""
    return tuple({header.name.lower(): header for header in (*old, *new)}.values())
