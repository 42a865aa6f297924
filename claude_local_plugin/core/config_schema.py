"""What may stand in config.toml: for each key the check that gives its value as it is used.

Loaded only where there is a file. `config` is what hooks read it with, the commands' model takes its limits from here.
"""

from claude_local_plugin.core.claude import SOCKET_SCHEME
from claude_local_plugin.core.protection import CLOUD, CLOUD_KINDS
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

#: What becomes of a prompt for a dead server; "auto" blocks where a person sees it and warns a program, see `warns`.
ON_DEAD_BACKEND = ("auto", "block", "warn")
#: How a path is logged: as it is, as a hash, not at all.
LOGGED = ("full", "hash", "off")
#: Smallest and largest values. A hook lives 2.8 s at most, so no probe may take longer than 2.5.
PROBE_DEADLINE_S = (0.1, 2.5)
RECHECK_AFTER_S = (0.0, 86400.0)
RETENTION_DAYS = (0, 36500)
JOURNAL_DAYS = (0, 36500)
#: What an allowed backend may be called besides its URL: everything in the cloud, or one kind of it.
CLOUDS = (CLOUD, *CLOUD_KINDS)
#: Stands in for a list of allowed backends of which nothing can be understood: no backend is called that.
NO_BACKEND = "(cannot be read)"


def understood(data: "Mapping[str, Any]") -> "tuple[dict[str, Any], list[str]]":
    """Of what a file says that which can be used, in the shape of the file, and what is wrong with the rest.

    Values are normalised, so that what was understood once is understood again as it is. Unknown keys and those that
    hooks have no use for are left out in silence; no complaint repeats a value, which may be a secret.
    """
    problems: list[str] = []
    settings = _checked(data, TOP, "", problems)
    log = _checked(_table(data, "log", "", problems), LOG, "log.", problems)
    if not isinstance(data.get("log", {}), dict):  # `log = "hash"`: we are not told what of, so both
        log = {name: strictest(name, None) for name in PRIVACY}
    if log:
        settings["log"] = log
    projects = {}
    folders = _table(data, "projects", "", problems)
    for name in folders:
        try:
            folder(name)
        except ValueError as fault:
            problems.append(f"projects: a folder's name {fault}")
            continue
        own = _table(folders, name, "projects.", problems)
        projects[name] = _checked(own, PROTECTION, f"projects.{clean(name, 200)}.", problems)
    if projects:
        settings["projects"] = projects
    return settings, problems


# --- what a value may be: each gives the value as it is used, or raises ValueError saying what it must be


def folder(value: str) -> str:
    """A folder's name as a key of `projects`."""
    absolute = value.startswith(("/", "~", "\\\\")) or (value[:1].isalpha() and value[1:3] in (":\\", ":/"))
    if not absolute or "\0" in value:
        raise ValueError("must be an absolute path or begin with ~")
    return value


def argv(value: object) -> "list[str]":
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
        raise ValueError("must be a text or a list of texts")
    if any("\0" in word for word in words) or (words and not words[0]):
        raise ValueError("must begin with the name of a program")
    return words


def backends(value: object) -> "list[str]":
    """Allowed backends, each in one spelling, without credentials."""
    if not isinstance(value, (list, tuple)):
        raise ValueError("must be a list of texts")
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


def _word(*words: str) -> "Callable[[object], str]":
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError("must be " + " or ".join(f'"{word}"' for word in words))
        return value

    return check


def _number(limits: "Sequence[float]") -> "Callable[[object], float]":
    def check(value: object) -> float:
        # written so that nan, which is neither smaller nor larger than anything, does not pass
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not limits[0] <= value <= limits[1]:
            raise ValueError(f"must be a number from {limits[0]:g} to {limits[1]:g}")
        return float(value)

    return check


def _whole(limits: "Sequence[int]") -> "Callable[[object], int]":
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not limits[0] <= value <= limits[1]:
            raise ValueError(f"must be a whole number from {limits[0]} to {limits[1]}")
        return value

    return check


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


PROTECTION: "dict[str, Callable[[Any], Any]]" = {"protect": _switch, "allowed_backends": backends}
TOP: "dict[str, Callable[[Any], Any]]" = {
    "on_dead_backend": _word(*ON_DEAD_BACKEND),
    "probe_deadline_s": _number(PROBE_DEADLINE_S),
    "recheck_after_s": _number(RECHECK_AFTER_S),
    "warm_up": _switch,
    "down_command": argv,
    **PROTECTION,
}
PRIVACY: "dict[str, Callable[[Any], Any]]" = {"cwd": _word(*LOGGED), "project": _word(*LOGGED)}
LOG: "dict[str, Callable[[Any], Any]]" = {
    **PRIVACY,
    "retention_days": _whole(RETENTION_DAYS),
    "journal_days": _whole(JOURNAL_DAYS),
}


def _checked(
    table: "Mapping[str, Any]", checks: "Mapping[str, Callable[[Any], Any]]", where: str, problems: "list[str]"
) -> "dict[str, Any]":
    settings: dict[str, Any] = {}
    for name, check in checks.items():
        if name not in table:
            continue
        try:
            settings[name] = check(table[name])
        except ValueError as fault:
            problems.append(f"{where}{name} {fault}")
            if name in PROTECTION or name in PRIVACY:
                settings[name] = strictest(name, table[name])
    return settings


def strictest(name: str, value: object) -> "Any":
    """What a wrong value of a key that guards something counts as: a slip must not open what was to be closed.

    `protect` counts as true, a list of allowed backends as those entries of it that can be understood (NO_BACKEND
    where none can), and what is logged of a path as its hash. `name` is of PROTECTION or PRIVACY.
    """
    if name == "protect":
        return True
    if name in PRIVACY:
        return "hash"
    known = [_backend(each) for each in value] if isinstance(value, list) else []
    return [each for each in known if each is not None] or [NO_BACKEND]


def _table(data: "Mapping[str, Any]", name: str, where: str, problems: "list[str]") -> "Mapping[str, Any]":
    table = data.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"{where}{clean(name, 200)} must be a table")
    return {}
