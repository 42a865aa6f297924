"""What a base URL must look like for Claude Code to reach a server with it, and what its host says about it."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from claude_local_plugin.core.endpoint import is_anthropics_host
from claude_local_plugin.errors import UsageError

#: Ends of a path that Claude Code adds by itself: it asks for `<base URL>/v1/messages` (observed on 2.1.329).
_API_PATH = re.compile(r"/v1(/(messages(/count_tokens)?|models|chat/completions|completions|responses))?/*$")
_HOST_NAME = re.compile(r"[\w~-]+(\.[\w~-]+)*\.?")


@dataclass(frozen=True, slots=True)
class BackendUrl:
    """A base URL in the form we write it: lower-case scheme and host, no trailing slash."""

    url: str
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return self.url

    @property
    def netloc(self) -> str:
        """Host and port as people say them (the port as far as the URL names it)."""
        return urlsplit(self.url).netloc


class UrlError(UsageError):
    """A base URL that cannot be used; `offer` is the one that was probably meant, never with a credential in it."""

    def __init__(self, message: str, offer: str | None = None, *, wants_key: bool = False) -> None:
        key = " and --token-env VARIABLE" if wants_key else ""
        super().__init__(message, f"use {offer}{key}" if offer else _EXAMPLE)
        self.offer = offer
        #: Whether the key that stood in the URL is to be named in another way.
        self.wants_key = wants_key


def normalise(url: str) -> BackendUrl:
    """The base URL as it belongs into ANTHROPIC_BASE_URL.

    Raises UrlError, with the right URL where there is one; a credential in `url` is never repeated.
    """
    if not url or any(character.isspace() or not character.isprintable() for character in url):
        raise UrlError("the URL has blanks in it or is empty", _without_blanks(url))
    if "\\" in url:  # a slash to the client: what looks like user and host may be a path
        raise UrlError("the URL has a backslash in it, which Claude Code takes for a slash")
    if "://" not in url:
        raise UrlError("the URL does not begin with http:// or https://", _with_scheme(url))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlError("the URL cannot be read: its host or port is malformed") from error
    if parts.scheme not in ("http", "https"):
        raise UrlError(f"Claude Code cannot use a {parts.scheme}:// address, only http:// and https://")
    problem = _problem(parts, port)
    if problem is not None:
        raise UrlError(f"the URL {problem[0]}", problem[1], wants_key="@" in parts.netloc)
    host = (parts.hostname or "").lower()
    clean = urlunsplit((parts.scheme, _netloc(parts), parts.path.rstrip("/"), "", ""))
    return BackendUrl(clean, parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


def address(word: str) -> str | None:
    """The base URL that a word means which names a server rather than a profile: `dell-pro-max:8000`, `10.0.0.5`.

    None for a word that may be a profile's name; UrlError for a URL that cannot be used.
    """
    if "://" in word:
        return normalise(word).url
    host, _, port = word.rpartition(":")
    if (host and port.isdecimal()) or _is_numeric(word):
        return normalise(f"http://{word}").url
    return None


def _is_numeric(word: str) -> bool:
    try:
        return ipaddress.ip_address(word).version == 4
    except ValueError:
        return False


_EXAMPLE = "a base URL looks like http://localhost:8000"


def _problem(parts: SplitResult, port: int | None) -> tuple[str, str | None] | None:
    """What is wrong with a URL that could be taken apart, and the URL to use instead, if one can be offered."""
    if not parts.hostname:
        return "names no host", None
    if not _is_host(parts.hostname):
        return "has a host that is neither a name nor an address", None
    if port == 0 or parts.netloc.endswith(":"):
        return "has no usable port number after the colon", None
    if "@" in parts.path:
        # most likely a password with a slash in it: offer nothing, so that nothing of it is shown
        return "has an @ after its host", None
    right = urlunsplit((parts.scheme, _netloc(parts), _API_PATH.sub("", parts.path).rstrip("/"), "", ""))
    if "@" in parts.netloc:
        return "has credentials in it, which would end up in a settings file and in logs", right
    if _API_PATH.search(parts.path):
        return "goes too far: Claude Code adds /v1/messages by itself", right
    if parts.query or parts.fragment:
        return "has a query or a fragment, which Claude Code's requests cannot keep", right
    return None


def _without_blanks(url: str) -> str | None:
    """The URL that was probably meant by one with blanks or control characters; never with credentials."""
    guess = "".join(character for character in url if character.isprintable() and not character.isspace())
    try:
        return normalise(guess).url if guess else None
    except UsageError:  # nothing sensible to offer
        return None


def _with_scheme(url: str) -> str | None:
    """The URL that was probably meant by one without `http://`; never with credentials."""
    rest = re.sub(r"^https?:/*", "", url, flags=re.IGNORECASE).rpartition("@")[2]
    guess = f"http://{_API_PATH.sub('', rest)}"
    try:
        return normalise(guess).url
    except UsageError:  # nothing sensible to offer
        return None


def _netloc(parts: SplitResult) -> str:
    """Host and port without credentials, the host in lower case."""
    return parts.netloc.rpartition("@")[2].lower()


def _is_host(host: str) -> bool:
    if _HOST_NAME.fullmatch(host):
        return True
    try:
        # a zone (fe80::1%eth0) is valid for sockets, but the URL parser of the client refuses it
        return "%" not in host and ipaddress.ip_address(host) is not None
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether the host is this very machine, by its name or address alone (nothing is looked up)."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    # 0.0.0.0 and :: are addresses to listen on; a connection to them stays on the machine
    return address.is_loopback or address.is_unspecified or (mapped is not None and mapped.is_loopback)


def is_plain_http_remote(url: str) -> bool:
    """Whether requests to this URL cross a network unencrypted."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_anthropic(host: str) -> bool:
    """Whether the host is one of Anthropic's own."""
    return is_anthropics_host(host.rstrip(".").lower())
