"""By what the values of config.toml are judged: for each rule of the table of keys the value as it is used.

Loaded only where there is a file; the commands' model and the JSON schema go by the same rules.
"""

from claude_local_plugin.core.claude import SOCKET_SCHEME
from claude_local_plugin.core.protection import CLOUD, CLOUD_KINDS, NO_BACKEND
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    #: A row of `config.KEYS`.
    Row = tuple[Any, ...]

#: What an allowed backend may be called besides its URL: everything in the cloud, or one kind of it.
CLOUDS = (CLOUD, *CLOUD_KINDS)


def understood(keys: "Sequence[Row]", data: "Mapping[str, Any]") -> "tuple[dict[str, Any], list[str]]":
    """Of what a file says that which can be used, in the shape of the file, and what is wrong with the rest.

    Values are normalised, so that what was understood once is understood again as it is. Unknown keys are left out in
    silence; no complaint repeats a value, which may be a secret.
    """
    problems: list[str] = []
    rows: dict[str, list[Row]] = {}
    for row in keys:
        rows.setdefault(row[0], []).append(row)
    settings = _checked(rows.pop("", []), data, "", problems)
    for table, own in rows.items():
        name = table.rstrip(".*")
        found = _many(own, data, name, problems) if table.endswith("*") else _one(own, data, name, problems)
        if found:
            settings[name] = found
    return settings, problems


def _one(rows: "list[Row]", data: "Mapping[str, Any]", name: str, problems: "list[str]") -> "dict[str, Any]":
    """What a table says; where it is none (`log = "hash"`) we are not told what of, so of all that it guards."""
    given = _table(data, name, "", problems)
    if given is not data.get(name, given):
        return {row[1]: strictest(row, None) for row in rows if row[5]}
    return _checked(rows, given, f"{name}.", problems)


def _many(rows: "list[Row]", data: "Mapping[str, Any]", above: str, problems: "list[str]") -> "dict[str, Any]":
    """What each of the tables below one says, by its name."""
    tables = _table(data, above, "", problems)
    found = {}
    for name in tables:
        try:
            NAMES[above](name)
        except ValueError as fault:
            problems.append(f"{above}: {fault}")
            continue
        own = _table(tables, name, f"{above}.", problems)
        found[name] = _checked(rows, own, f"{above}.{clean(name, 200)}.", problems)
    return found


def _checked(rows: "list[Row]", given: "Mapping[str, Any]", where: str, problems: "list[str]") -> "dict[str, Any]":
    settings: dict[str, Any] = {}
    for row in rows:
        name = row[1]
        if name not in given:
            continue
        try:
            settings[name] = judged(row, given[name])
        except ValueError as fault:
            problems.append(f"{where}{name} {fault}")
            if row[5]:
                settings[name] = strictest(row, given[name])
    return settings


def judged(row: "Row", value: object) -> "Any":
    """A key's value as it is used; raises ValueError saying what it must be."""
    return RULES[row[2]](value, row[3])


def strictest(row: "Row", value: object) -> "Any":
    """What a wrong value of a key that guards something counts as: a slip must not open what was to be closed.

    `protect` counts as true, a list of allowed backends as those entries of it that can be understood (NO_BACKEND
    where none can), and what is logged of a path as its hash.
    """
    if row[5] == "privacy":
        return "hash"
    if row[2] == "switch":
        return True
    known = [_backend(each) for each in value] if isinstance(value, list) else []
    return [each for each in known if each is not None] or [NO_BACKEND]


def _table(data: "Mapping[str, Any]", name: str, where: str, problems: "list[str]") -> "Mapping[str, Any]":
    table = data.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"{where}{clean(name, 200)} must be a table")
    return {}


# --- the rules: each gives the value as it is used, or raises ValueError saying what it must be


def folder(value: str) -> str:
    """A folder's name as a key of `projects`."""
    absolute = value.startswith(("/", "~", "\\\\")) or (value[:1].isalpha() and value[1:3] in (":\\", ":/"))
    if not absolute or "\0" in value:
        raise ValueError("a folder's name must be an absolute path or begin with ~")
    return value


#: What no profile may be called: the first means Anthropic's API, the second the profile before this one.
RESERVED = ("cloud", "-")
_PROFILE_MARKS = str.maketrans("", "", "._-")


def profile(value: str) -> str:
    """A profile's name as a key of `profiles`."""
    plain = value.translate(_PROFILE_MARKS)
    if not (plain.isascii() and plain.isalnum() and value[0].isalnum() and len(value) <= 40) or value in RESERVED:
        raise ValueError("a profile's name is made of up to 40 letters, digits, dots, - and _, and is not “cloud”")
    return value


#: Keys of a profile whose option has another name: the one that `enable` has for it.
PROFILE_OPTIONS = {"headers": "--header", "headers_env": "--header-env", "window": "--max-model-len"}

#: By what the names of tables are judged of which there are many.
NAMES: "dict[str, Callable[[str], str]]" = {"projects": folder, "profiles": profile}


def argv(value: object, _: object = ()) -> "list[str]":
    """A command: words, or one text that is taken apart as a POSIX shell would, without running one."""
    if isinstance(value, str):
        import shlex

        try:
            words = shlex.split(value)
        except ValueError:
            raise ValueError("has a quotation mark that is never closed") from None
    elif isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        words = list(value)
    else:
        raise _must("argv")
    if any("\0" in word for word in words) or (words and not words[0]):
        raise ValueError("must begin with the name of a program")
    return words


def backends(value: object, _: object = ()) -> "list[str]":
    """Allowed backends, each in one spelling, without credentials."""
    if not isinstance(value, (list, tuple)):
        raise _must("backends")
    known = [_backend(each) for each in value]
    names = [each for each in known if each is not None]
    if len(names) < len(known):
        raise ValueError(f"must hold http(s) URLs, unix:/… or words of these: {', '.join(CLOUDS)}")
    return list(dict.fromkeys(names))


def _backend(value: object) -> "str | None":
    if not isinstance(value, str):
        return None
    if value.startswith(f"{SOCKET_SCHEME}/"):
        return clean(value)
    target = parse_url(value)
    return target.url if target else value if value in CLOUDS else None


def _word(value: object, words: "tuple[str, ...]") -> str:
    if not isinstance(value, str) or value not in words:
        raise _must("word", words)
    return value


def _number(value: object, limits: "tuple[float, float]") -> float:
    # written so that nan, which is neither smaller nor larger than anything, does not pass
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not limits[0] <= value <= limits[1]:
        raise _must("number", limits)
    return float(value)


def _whole(value: object, limits: "tuple[int, int]") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not limits[0] <= value <= limits[1]:
        raise _must("whole", limits)
    return value


def _switch(value: object, _: object) -> bool:
    if not isinstance(value, bool):
        raise _must("switch")
    return value


def _name(value: object, lengths: "tuple[int, int]") -> str:
    """A short word as people write it, such as a currency: USD, EUR, €."""
    unfit = not isinstance(value, str) or any(
        each.isspace() or each < " " or "\x7f" <= each <= "\x9f" for each in value
    )
    if unfit or not lengths[0] <= len(str(value)) <= lengths[1]:
        raise _must("name", lengths)
    return str(value)


def _url(value: object, _: object) -> str:
    """A server's address in one spelling."""
    target = parse_url(value) if isinstance(value, str) else None
    if target is None or "@" in str(value).partition("//")[2].partition("/")[0]:
        raise _must("url")
    return target.url


#: What the log can be sent to: PostgreSQL as libpq spells it, and OTLP over HTTP.
DESTINATIONS = ("postgresql", "postgres", "http", "https")
#: Parameters of a libpq URL that hold a secret.
_SECRET_PARAMETERS = ("password", "sslpassword", "oauth_client_secret")


def destination(value: object, _: object = ()) -> str:
    """Where the log is sent, which is a URL without any secret; or nothing."""
    from urllib.parse import parse_qsl, urlsplit

    if value == "":
        return ""
    try:
        parts = urlsplit(value.strip()) if isinstance(value, str) and value.isprintable() else None
        named = parts is not None and parts.scheme in DESTINATIONS and " " not in parts.geturl()
        there = named and parts is not None and (parts.hostname or parts.scheme.startswith("postgres"))
        parameters = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)] if parts else []
    except ValueError:  # an address in brackets that is none
        there = False
    if not there or parts is None:
        raise _must("destination")
    if parts.scheme.startswith("postgres"):
        if ":" in parts.netloc.rpartition("@")[0] or any(name in _SECRET_PARAMETERS for name in parameters):
            raise ValueError(
                "has a password in it: leave it out, and give it by PGPASSWORD, ~/.pgpass, a service file"
                " (postgresql://?service=NAME) or the system's keyring"
            )
    elif "@" in parts.netloc or parts.query:
        raise ValueError(
            "has a user, a password or a query in it: leave it out, and give it by OTEL_EXPORTER_OTLP_HEADERS"
        )
    return parts.geturl()


def _day(value: object, _: object = ()) -> str:
    """A day in the calendar, or nothing."""
    from datetime import date

    if value == "":
        return ""
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        raise _must("day") from None
    raise _must("day")


def _text(value: object, lengths: "tuple[int, int]") -> str:
    """One line of text."""
    if not isinstance(value, str) or not value.isprintable() or value.strip() != value:
        raise _must("text", lengths)
    if not lengths[0] <= len(value) <= lengths[1]:
        raise _must("text", lengths)
    return value


def _texts(value: object, _: object) -> "list[str]":
    """Several lines of text."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) and each.isprintable() for each in value):
        raise _must("texts")
    return list(value)


#: Where a key may be kept; `env:` is followed by the name of a variable.
TOKEN_SOURCES = ("none", "keyring", "file", "env:")


def is_variable(name: str) -> bool:
    """Whether a shell takes this as the name of a variable."""
    return name.isascii() and name.isidentifier()


def _token(value: object, _: object) -> str:
    """Where a key is, and never a key."""
    if isinstance(value, str):
        source, colon, name = value.partition(":")
        if (f"{source}{colon}" in TOKEN_SOURCES) and (is_variable(name) if colon else True):
            return value
    raise _must("token")


def _variables(value: object, _: object) -> "dict[str, str]":
    """Variables by their names; what a number or a switch is meant to be, is text there."""
    if not isinstance(value, dict):
        raise _must("variables")
    for name, each in value.items():
        if not is_variable(str(name)) or not isinstance(each, str) or "\0" in each:
            raise _must("variables")
    return dict(value)


def _must(rule: str, limits: "tuple[Any, ...]" = ()) -> ValueError:
    return ValueError(f"must be {words(rule, limits)}")


def words(rule: str, limits: "tuple[Any, ...]") -> str:
    """What a value may be, in words."""
    if rule == "word":
        return " or ".join(f'"{word}"' for word in limits)
    if rule in ("number", "whole"):
        least, most = (f"{int(limit) if limit == int(limit) else limit:,}" for limit in limits)
        return f"a {'whole ' if rule == 'whole' else ''}number from {least} to {most}"
    if rule == "name":
        return f"a text of {limits[0]} to {limits[1]} characters without blanks"
    if rule == "text":
        return f"a line of {limits[0]} to {limits[1]} characters"
    return _WORDS[rule]


_WORDS = {
    "switch": "true or false",
    "argv": "a text or a list of texts",
    "backends": "a list of texts",
    "texts": "a list of texts",
    "url": "an http(s) URL without user and password",
    "token": '"none", "env:NAME", "keyring" or "file"',
    "destination": "a postgresql:// or http(s) URL without a password",
    "day": "a day such as 2026-11-01",
    "variables": "a table of variables, each a text",
}


#: By its name in the table of keys: takes a value and what the table says the rule needs.
RULES: "dict[str, Callable[[Any, Any], Any]]" = {
    "word": _word,
    "number": _number,
    "whole": _whole,
    "switch": _switch,
    "argv": argv,
    "backends": backends,
    "name": _name,
    "text": _text,
    "texts": _texts,
    "url": _url,
    "token": _token,
    "destination": destination,
    "day": _day,
    "variables": _variables,
}
