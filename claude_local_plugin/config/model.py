"""The keys of config.toml: what each may hold, its default, and what it does. The only module that knows pydantic.

The documentation's table and the checks of `claude-local config` come from here; hooks, which cannot afford pydantic,
read the file with `core.config`; limits and normalised spellings are those of `core.config_schema` here too.
"""

import types
import typing
import unicodedata
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from claude_local_plugin.core import config_schema as rules

Path = tuple[str, ...]


def _name(text: str) -> str:
    """A currency as people write it: USD, EUR, €."""
    if not 1 <= len(text) <= 8 or any(letter.isspace() or unicodedata.category(letter) == "Cc" for letter in text):
        raise ValueError("must be one to eight characters without blanks")
    return text


Logged = Literal["full", "hash", "off"]
Price = Annotated[float, Field(ge=0, le=1_000_000)]
Backends = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(rules.backends(value)))]
Command = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(rules.argv(value)))]
Folder = Annotated[str, AfterValidator(rules.folder)]
#: What the two kinds of values that are checked by functions look like.
WORDS = {"down_command": "a text or a list of texts", "allowed_backends": "a list of texts"}


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class Log(_Table):
    """What of a session is kept, and for how long."""

    cwd: Logged = Field(
        default="full", description="How a session's folder is logged: as it is, as a hash, or not at all."
    )
    project: Logged = Field(default="full", description="The same for the project's folder.")
    retention_days: int = Field(
        default=0,
        ge=rules.RETENTION_DAYS[0],
        le=rules.RETENTION_DAYS[1],
        description="After how many days sessions are taken out of the log; 0 keeps them for ever.",
    )
    journal_days: int = Field(
        default=30,
        ge=rules.JOURNAL_DAYS[0],
        le=rules.JOURNAL_DAYS[1],
        description=(
            "After how many days the journals of ended sessions are removed, of which a damaged log is made anew; 0"
            " keeps them for ever."
        ),
    )


class Prices(_Table):
    """What a million tokens would have cost elsewhere: for the estimate of the cost avoided, and for nothing else.

    The defaults are Anthropic's list prices for Claude Sonnet 5.5 without batch or priority discounts, a cache write
    being one for five minutes and a cache read at the price since 2026-10-07
    (https://platform.claude.com/docs/en/about-claude/pricing).
    """

    input: Price = Field(default=2.0, description="A million input tokens that are not cached.")
    output: Price = Field(default=10.0, description="A million output tokens.")
    cache_read: Price = Field(default=0.1, description="A million input tokens read from the cache.")
    cache_write: Price = Field(default=2.5, description="A million input tokens written to the cache.")
    currency: Annotated[str, AfterValidator(_name)] = Field(default="USD", description="The currency of these prices.")


class Project(_Table):
    """What holds in one folder and those below it; what is not set comes from the folder around it."""

    protect: bool | None = Field(default=None, description="`protect` in this folder.")
    allowed_backends: Backends | None = Field(default=None, description="`allowed_backends` in this folder.")


class Settings(_Table):
    """The whole file."""

    on_dead_backend: Literal["auto", "block", "warn"] = Field(
        default="auto",
        description=(
            "What happens to a prompt while the server refuses connections: “block” stops it at once, “warn” lets"
            " Claude Code try for itself, “auto” blocks where a person sees it and warns in `claude -p` and SDKs, which"
            " would take a blocked prompt for an answer."
        ),
    )
    probe_deadline_s: float = Field(
        default=1.0,
        ge=rules.PROBE_DEADLINE_S[0],
        le=rules.PROBE_DEADLINE_S[1],
        description=(
            "How many seconds a session hook may take to ask the server, in all. A hook lives 2.8 seconds at most,"
            " hence the limit."
        ),
    )
    recheck_after_s: float = Field(
        default=30.0,
        ge=rules.RECHECK_AFTER_S[0],
        le=rules.RECHECK_AFTER_S[1],
        description="For how many seconds a good answer of the server holds before a prompt asks it again.",
    )
    warm_up: bool = Field(
        default=False,
        description="Whether the start of a session sends the server one tiny request, without waiting for it.",
    )
    down_command: Command = Field(
        default=(),
        description=(
            "A command that is run, without waiting for it, when the server is down, at most once a minute; a text is"
            " taken apart as a shell would, but no shell runs it."
        ),
    )
    protect: bool = Field(
        default=False,
        description=(
            "Whether a change of Claude Code's settings that leads a session away from its backend, or from those"
            " allowed, is refused."
        ),
    )
    allowed_backends: Backends = Field(
        default=(),
        description=(
            "The backends that sessions may use: URLs, and “cloud” for all of the cloud or a kind of it"
            " (“anthropic”, “bedrock”, …); a proxy's URL or `unix:/path` of a socket that requests may go through."
            " Empty: nothing is said about that."
        ),
    )
    log: Log = Log()
    prices: Prices = Prices()
    projects: dict[Folder, Project] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its path in the file, its default, its type, what it may hold in words, and what it does.

    The type is bool, int, float, str, or tuple for several texts.
    """

    path: Path
    default: Any
    type: Any
    values: str
    description: str

    @property
    def name(self) -> str:
        """`log.cwd`, as the command line calls it."""
        return ".".join(self.path)


def _keys(model: type[BaseModel], path: Path = ()) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        kind = _kind(field)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _keys(kind, (*path, name))
        elif name != "projects":
            simple = tuple if name in WORDS else str if typing.get_origin(kind) is Literal else kind
            yield Key((*path, name), field.default, simple, _values(name, field), field.description or "")


def _values(name: str, field: FieldInfo) -> str:
    """What a field may hold, in words."""
    kind = _kind(field)
    if name in WORDS:
        return WORDS[name]
    if typing.get_origin(kind) is Literal:
        return " or ".join(f'"{word}"' for word in typing.get_args(kind))
    if kind in (int, float):
        least, most = (_limit(field, name) for name in ("ge", "le"))
        return f"a {'whole ' if kind is int else ''}number from {least} to {most}"
    return {bool: "true or false", str: "a text"}[kind]


def _limit(field: FieldInfo, name: str) -> str:
    limit = next(getattr(each, name) for each in field.metadata if hasattr(each, name))
    return f"{int(limit) if limit == int(limit) else limit:,}"


def _kind(field: FieldInfo) -> Any:
    """The type of a field's values, None aside."""
    if typing.get_origin(field.annotation) in (types.UnionType, typing.Union):
        return next(each for each in typing.get_args(field.annotation) if each is not types.NoneType)
    return field.annotation


#: Every setting but those of single folders, in the order of the documentation; and those of a folder.
KEYS: tuple[Key, ...] = tuple(_keys(Settings))
PROJECT_KEYS: tuple[Key, ...] = tuple(_keys(Project))


def validated(data: Mapping[str, Any]) -> tuple[Settings, tuple[tuple[Path, str], ...]]:
    """The settings as hooks take them too, and what is wrong: the key's path and what it must be.

    A default stands in for what is wrong, or what `config_rules.strictest` says. No complaint repeats a value.
    """
    kept, problems = deepcopy(dict(data)), dict[Path, str]()
    while True:
        try:
            settings = Settings.model_validate(kept)
            for path in problems:
                for key, value in strictest(path, data):
                    settings = _with(settings, key, value)
            return settings, tuple(problems.items())
        except ValidationError as error:
            for fault in error.errors(include_input=False, include_url=False):
                path = _path(fault["loc"], kept)
                problems.setdefault(path, _said(path, fault["type"], fault.get("ctx", {})))
            for path in problems:
                _take_out(kept, path)


def strictest(path: Path, data: Mapping[str, Any]) -> tuple[tuple[Path, Any], ...]:
    """What holds instead of a wrong value of a key that guards something: keys and values; none for any other key."""
    if path == ("log",):
        return tuple((("log", name), rules.strictest(name, None)) for name in rules.PRIVACY)
    guards = rules.PRIVACY if path[0] == "log" else rules.PROTECTION
    if path[-1] not in guards or (path[0] == "projects" and len(path) < 3):
        return ()
    value: Any = data
    for step in path:
        value = value[step]
    held = rules.strictest(path[-1], value)
    return ((path, tuple(held) if isinstance(held, list) else held),)


def _with(node: Any, path: Path, value: object) -> Any:
    """The settings with one key set, unchecked; a folder that has been taken out stays out."""
    if not path:
        return value
    if isinstance(node, dict):
        return {**node, path[0]: _with(node[path[0]], path[1:], value)} if path[0] in node else node
    return node.model_copy(update={path[0]: _with(getattr(node, path[0]), path[1:], value)})


def _path(location: tuple[int | str, ...], data: Mapping[str, Any]) -> Path:
    """The path in the file of pydantic's location, as far as there is one: places in a list are the list's."""
    path: list[str] = []
    node: Any = data
    for step in location:
        if not isinstance(node, Mapping) or step not in node:
            break
        path.append(str(step))
        node = node[step]
    return tuple(path)


def _said(path: Path, fault: str, context: Mapping[str, Any]) -> str:
    """What a value must be, in words of ours: pydantic's own would repeat it."""
    if fault == "value_error":
        return f"a folder's name {context['error']}" if path[:-1] == ("projects",) else str(context["error"])
    known = {key.path: key for key in KEYS}
    if len(path) == 3:
        known = {(*path[:2], *key.path): key for key in PROJECT_KEYS}
    key = known.get(path)
    return f"must be {key.values}" if key else "must be a table"


def _take_out(data: dict[str, Any], path: Path) -> None:
    """Takes a key out, if it is still there."""
    node: Any = data
    for step in path[:-1]:
        node = node.get(step, {})
    node.pop(path[-1], None)
