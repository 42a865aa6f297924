"""URLs of model servers: taken apart as Claude Code does, and one spelling for each."""

from claude_local_plugin.core.text import clean

#: Endings of names that only a network of one's own resolves.
PRIVATE_ENDINGS = (".localhost", ".local", ".lan", ".home", ".home.arpa", ".internal", ".ts.net")


class Target:
    """An http(s) URL taken apart: `scheme`, `host` (no brackets), `port`, `path` (no trailing slash)."""

    __slots__ = ("host", "path", "port", "scheme")

    def __init__(self, scheme: str, host: str, port: int, path: str) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path

    @property
    def bracketed(self) -> str:
        """The host as it stands in a URL and in a Host header."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def label(self) -> str:
        """`host:port`, as people call a server."""
        return clean(f"{self.bracketed}:{self.port}")

    @property
    def url(self) -> str:
        """The URL without credentials, query, default port and trailing slash: one server, one spelling."""
        port = "" if self.port == _default_port(self.scheme) else f":{self.port}"
        return clean(f"{self.scheme}://{self.bracketed}{port}{self.path}")

    @property
    def nearby(self) -> bool:
        """Whether the host is this machine or, by its name or number, one on a network of the user's own."""
        host = self.host
        if ":" in host:
            return host == "::1" or host.startswith(("fc", "fd", "fe80:"))
        numbers = host.split(".")
        if len(numbers) == 4 and all(number.isdigit() for number in numbers):
            first, second = int(numbers[0]), int(numbers[1])
            return (
                first in (10, 127)
                or (first, second) == (192, 168)
                or (first == 172 and 16 <= second < 32)
                or (first == 100 and 64 <= second < 128)
            )
        return "." not in host or host.endswith(PRIVATE_ENDINGS)


def parse_url(text: str) -> "Target | None":
    """The URL taken apart, its credentials, query and fragment dropped; None when requests cannot be sent to it.

    Besides http(s) URLs that is `gb10:8000`: the client takes the name for a scheme, and the request goes there by HTTP
    (seen on 2.1.329 and 2.1.332; not for `127.0.0.1:8000`, `my_box:8000` or `localhost`). Slashes after `http:` may be
    left out.
    """
    scheme, _, rest = text.strip().replace("\\", "/").partition(":")
    scheme = scheme.lower()
    if scheme in ("http", "https"):
        rest = rest.lstrip("/")
    elif _is_scheme(scheme) and rest[:1].isdigit():
        scheme, rest = "http", f"{scheme}:{rest}"
    else:
        return None
    rest = rest.partition("#")[0].partition("?")[0]
    authority, slash, path = rest.partition("/")
    host, port = _host_and_port(authority.rpartition("@")[2], _default_port(scheme))
    if not host or port is None or " " in host or not host.isprintable() or not can_be_asked(text):
        return None
    return Target(scheme, host.lower(), port, (slash + path).rstrip("/"))


def authority_of(rest: str) -> str:
    """Of what follows a URL's `//` the part that names user and host; the client takes a backslash for a slash."""
    return _authority(rest.replace("\\", "/"))


def is_url(text: str) -> bool:
    """Whether the client makes a URL of this text at all, as its `new URL(text)` would."""
    scheme, colon, rest = text.strip("".join(map(chr, range(33)))).replace("\t", "").replace("\n", "").partition(":")
    if not colon or not _is_scheme(scheme):
        return False
    if scheme.lower() not in ("http", "https", "ftp", "ws", "wss"):
        return scheme.lower() == "file" or not rest.startswith("//") or _is_host_and_port(_host(rest[2:]))
    return _is_host_and_port(_host(rest.replace("\\", "/").lstrip("/")))


def can_be_asked(address: str) -> bool:
    """Whether the client makes a URL of what it asks at this address; else it says so before it looks for a login."""
    return is_url(f"{address.strip().rstrip('/')}/v1/messages")


def _is_scheme(word: str) -> bool:
    return word.isascii() and word[:1].isalpha() and word.translate(_SCHEME_MARKS).isalnum()


#: What a scheme may have in it besides letters and digits.
_SCHEME_MARKS = {ord(mark): None for mark in "+-."}


#: What no host may have in it.
_NOT_IN_HOSTS = frozenset("\0 #%/:<>?@[\\]^|\x7f\t\n\r")


def _authority(rest: str) -> str:
    for end in "/?#":
        rest = rest.partition(end)[0]
    return rest


def _host(rest: str) -> str:
    return _authority(rest).rpartition("@")[2]


def _is_host_and_port(authority: str) -> bool:
    host, port = _host_and_port(authority, 0)
    if port is None or not host:
        return False
    if authority.startswith("["):
        return ":" in host and not host.strip("0123456789abcdefABCDEF:.")
    if _NOT_IN_HOSTS.intersection(host) or any(letter < " " for letter in host):
        return False
    last = host.rstrip(".").rpartition(".")[2]
    return not last.isdigit() or ipv4(host.rstrip(".")) is not None


def ipv4(text: str) -> "int | None":
    """An IPv4 address as a number; None for what is none."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        return None
    return sum(int(part) << 8 * (3 - place) for place, part in enumerate(parts))


def is_number(name: str) -> bool:
    return name.replace(".", "").isdigit()


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _host_and_port(authority: str, default: int) -> "tuple[str, int | None]":
    """Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`; the port is None when it is no port number."""
    if authority.startswith("["):
        host, bracket, tail = authority[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            return host, None
        port = tail[1:]
    else:
        host, _, port = authority.partition(":")
    if not port:
        return host, default
    if not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65535:
        return host, None
    return host, int(port)
