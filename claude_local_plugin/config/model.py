"""The model of config.toml for people, made of the table of its keys. The only module that knows pydantic.

Hooks, which cannot afford pydantic, read the file with `core.config`: by the same table and the same rules.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from claude_local_plugin.core import config as table
from claude_local_plugin.core import config_rules as rules

Path = tuple[str, ...]

#: What a value is once it is taken, by the rule that judges it: bool, int, float, str, or tuple for several texts.
TYPES = {
    "switch": bool,
    "whole": int,
    "number": float,
    **dict.fromkeys(("word", "name", "text", "url", "token", "destination", "day"), str),
    **dict.fromkeys(("argv", "backends", "texts"), tuple),
    "variables": dict,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its path in the file, its default, its type, what it may hold in words, and what it does."""

    path: Path
    default: Any
    type: Any
    values: str
    description: str

    @property
    def name(self) -> str:
        """`log.cwd`, as the command line calls it."""
        return ".".join(self.path)


def _key(row: "rules.Row") -> Key:
    place, name, rule, limits, default, _, description = row
    path = () if place == "" or place.endswith(".*") else (place,)
    return Key((*path, name), default, TYPES[rule], rules.words(rule, limits), description)


#: Every setting there is one of, in the order of the documentation; those of a folder; and those of a profile.
KEYS: tuple[Key, ...] = tuple(_key(row) for row in table.KEYS if not row[0].endswith(".*"))
PROJECT_KEYS: tuple[Key, ...] = tuple(_key(row) for row in table.KEYS if row[0] == "projects.*")
PROFILE_KEYS: tuple[Key, ...] = tuple(_key(row) for row in table.KEYS if row[0] == "profiles.*")
#: The tables that hold many of a kind.
MANY: dict[str, tuple[Key, ...]] = {"projects": PROJECT_KEYS, "profiles": PROFILE_KEYS}


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def _model(place: str, **tables: Any) -> type[_Table]:
    """The model of one table, with a field for each of its rows, and for the tables in it."""
    fields: dict[str, Any] = {row[1]: _field(row) for row in table.KEYS if row[0] == place}
    return create_model(place or "Settings", __base__=_Table, **fields, **tables)


def _field(row: "rules.Row") -> tuple[Any, Any]:
    def taken(value: object) -> Any:
        found = rules.judged(row, value)
        return tuple(found) if isinstance(found, list) else found

    return Annotated[Any, BeforeValidator(taken)], Field(default=row[4], description=row[6])


if TYPE_CHECKING:

    class Settings(_Table):
        """The whole file: an attribute for each key of the top, and for each table."""

    class Prices(_Table):
        """What a million tokens would have cost elsewhere: for the estimate of the cost avoided, and nothing else."""

    class Project(_Table):
        """What holds in one folder and those below it; what is not set comes from the folder around it."""

    class ProfileTable(_Table):
        """What is said of a server under a name."""

else:
    Log, Prices, Project, ProfileTable = map(_model, ("log", "prices", "projects.*", "profiles.*"))
    Settings = _model(
        "",
        log=(Log, Log()),
        prices=(Prices, Prices()),
        projects=(dict[Annotated[str, AfterValidator(rules.folder)], Project], Field(default_factory=dict)),
        profiles=(dict[Annotated[str, AfterValidator(rules.profile)], ProfileTable], Field(default_factory=dict)),
    )


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
                # our own words: pydantic's would repeat the value
                said = fault.get("ctx", {}).get("error", "must be a table")
                problems.setdefault(_path(fault["loc"], kept), str(said))
            for path in problems:
                _take_out(kept, path)


def strictest(path: Path, data: Mapping[str, Any]) -> tuple[tuple[Path, Any], ...]:
    """What holds instead of a wrong value of a key that guards something: keys and values; none for any other key."""
    if path[0] in MANY and len(path) < 3:
        return ()
    place = f"{path[0]}.*" if path[0] in MANY else ".".join(path[:-1])
    rows = [row for row in table.KEYS if row[5] and ((row[0] == place and row[1] == path[-1]) or (row[0],) == path)]
    held = []
    for row in rows:
        whole = (row[0],) == path
        value: Any = None if whole else data
        for step in () if whole else path:
            value = value[step]
        instead = rules.strictest(row, value)
        held.append(((row[0], row[1]) if whole else path, tuple(instead) if isinstance(instead, list) else instead))
    return tuple(held)


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


def _take_out(data: dict[str, Any], path: Path) -> None:
    """Takes a key out, if it is still there."""
    node: Any = data
    for step in path[:-1]:
        node = node.get(step, {})
    node.pop(path[-1], None)
