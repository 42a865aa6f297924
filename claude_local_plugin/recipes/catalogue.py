"""Models, hardware, images and engines as records: read from the data files beside this module and the user's own.

Every figure says where it is from, when that was, and whether it is measured, published or estimated. An entry of the
user's stands for ours of the same name. Ours are checked against their schemas by the tests, the user's when read.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, UsageError

DATA = Path(__file__).with_name("data")

#: Folder of each kind of entry, in the shipped data as in the user's -> the schema of one entry.
SCHEMAS = {
    "models": "recipe-model",
    "hardware": "recipe-hardware",
    "images": "recipe-image",
    "engines": "recipe-engine",
}

GIB = 2**30

#: The command that lists what is known.
LIST = command("claude-local", "recipe", "list")

#: The engine of a variant that names none.
ENGINE = "vllm"

Basis = Literal["measured", "published", "estimated"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a figure is from: seen by running, said by somebody else, or worked out by us; and when."""

    basis: Basis
    source: str
    date: str

    @property
    def words(self) -> str:
        """`published, 2026-08-21: vllm-project/recipes 8959cf64`."""
        return f"{self.basis}, {self.date}: {self.source}"


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    origin: Origin
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version from which on something holds: `0.24.0`."""

    value: str
    origin: Origin

    @property
    def parts(self) -> tuple[int, ...]:
        return version_parts(self.value)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a server (or one variable of its environment), and why; `value` None is a mere switch."""

    name: str
    value: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Layers:
    """So many layers of one kind, with the sizes that their share of the cache follows from."""

    kind: Literal["full", "sliding", "mla", "gdn", "mamba"]
    count: int
    sizes: Mapping[str, int]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a model can do, with the arguments that turn it on; `chosen` only where somebody asks for it."""

    name: str
    why: str
    arguments: tuple[Argument, ...]
    environment: tuple[Argument, ...] = ()
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """What a variant needs on one kind of hardware."""

    why: str
    arguments: tuple[Argument, ...] = ()
    environment: tuple[Argument, ...] = ()
    needs: Version | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second of one conversation, as somebody saw it."""

    hardware: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Variant:
    """A model in one precision: where its weights are, how large they are, and what they need."""

    precision: str
    repository: str
    weights: Figure
    engine: str = ENGINE
    why: str = ""
    arguments: tuple[Argument, ...] = ()
    environment: tuple[Argument, ...] = ()
    needs: Version | None = None
    architectures: tuple[str, ...] = ()
    on: Mapping[str, Override] = field(default_factory=dict)
    speeds: tuple[Speed, ...] = ()

    def arguments_on(self, hardware: str | None) -> tuple[Argument, ...]:
        """Its arguments, those for this hardware last and instead of its own of the same name."""
        return merged(self.arguments, self._over(hardware).arguments)

    def environment_on(self, hardware: str | None) -> tuple[Argument, ...]:
        return merged(self.environment, self._over(hardware).environment)

    def speed_on(self, hardware: str | None) -> Figure | None:
        return next((each.figure for each in self.speeds if each.hardware == hardware), None)

    def _over(self, hardware: str | None) -> Override:
        return self.on.get(hardware or "", Override(""))


@dataclass(frozen=True, slots=True)
class Verified:
    """A precision that somebody has run on this hardware."""

    precision: str
    hardware: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model and all that is known of running it.

    `repeats_system` says whether its chat template takes system messages inside a conversation, None where nobody has
    looked; `agent` is our estimate, 1 to 10, of how well it does Claude Code's work.
    """

    name: str
    label: str
    maker: str
    parameters: Figure
    window: Figure
    agent: Figure
    pictures: bool
    thinks: bool
    active_parameters: Figure | None = None
    repeats_system: bool | None = None
    aliases: tuple[str, ...] = ()
    layers: tuple[Layers, ...] = ()
    needs: Mapping[str, Version] = field(default_factory=dict)
    features: Mapping[str, Feature] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    verified: tuple[Verified, ...] = ()
    notes: tuple[str, ...] = ()

    def variant(self, precision: str) -> Variant:
        for each in self.variants:
            if each.precision == precision:
                return each
        known = ", ".join(each.precision for each in self.variants)
        raise UsageError(f"no {precision} of {self.label} is in the catalogue", f"there is: {known}")

    def needs_of(self, variant: Variant, hardware: str | None = None) -> Version | None:
        """The oldest release of the variant's engine that runs it on this hardware."""
        over = variant.on.get(hardware or "")
        asked = [self.needs.get(variant.engine), variant.needs, over.needs if over else None]
        return max((each for each in asked if each), key=lambda each: each.parts, default=None)

    def is_verified(self, variant: Variant, hardware: str | None) -> bool:
        return any((each.precision, each.hardware) == (variant.precision, hardware) for each in self.verified)


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine: `memory` is what one GPU of it can use, `utilisation` the share of it that is sensibly given to a
    server, `overhead` what that server needs beside weights and cache; `bandwidth` is that of one GPU's memory, which
    bounds how fast one conversation is answered; `cuda` the oldest CUDA that knows its GPUs.
    """

    name: str
    label: str
    gpus: int
    memory: Figure
    utilisation: Figure
    overhead: Figure
    unified: bool
    machine: str
    bandwidth: Figure | None = None
    architecture: str | None = None
    cuda: str | None = None
    #: The newest CUDA that its driver runs, where a machine was asked or somebody has said so.
    driver_cuda: str | None = None
    aliases: tuple[str, ...] = ()
    reported_as: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    environment: tuple[Argument, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A container image by its pinned tag: what is in it and what it runs on.

    `health` names the programs in it that a health check can use, `entrypoint` what its command is given to.
    """

    name: str
    reference: str
    engine: str
    version: str | None
    machines: tuple[str, ...]
    cuda: str | None
    architectures: tuple[str, ...]
    health: tuple[str, ...]
    entrypoint: tuple[str, ...]
    origin: Origin
    notes: tuple[str, ...] = ()

    @property
    def repository(self) -> str:
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        return self.reference.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Engine:
    """A release of a server, with the parsers it knows: name -> the oldest release that was seen to have it."""

    name: str
    version: str
    tool_parsers: Mapping[str, str]
    reasoning_parsers: Mapping[str, str]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Catalogue:
    models: Mapping[str, Model]
    hardware: Mapping[str, Hardware]
    images: Mapping[str, Image]
    engines: tuple[Engine, ...]
    #: The names of entries that are the user's own, by folder.
    own: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def model(self, name: str) -> Model:
        """The model of this name, alias, repository or path."""
        return self.recipe(name)[0]

    def recipe(self, name: str) -> tuple[Model, Variant | None]:
        """The model, and the precision if the name says which: `qwen3-coder-next:fp8`, `Qwen/Qwen3-Coder-Next-FP8`."""
        if found := self.recognise(name):
            return found
        stem, _, precision = name.rpartition(":")
        if stem and (found := self.recognise(stem)):
            return found[0], found[0].variant(precision)
        raise UsageError(f"no model {name!r} is in the catalogue", _nearest(name, self._model_names(), LIST))

    def recognise(self, name: str) -> tuple[Model, Variant | None] | None:
        """The same of a name that may be anybody's: None where it is not in the catalogue."""
        wanted = _spelt(name)
        last = wanted.rstrip("/").rpartition("/")[2]
        for model in self.models.values():
            for each in model.variants:
                if wanted in (_spelt(each.repository), f"{model.name}:{each.precision}"):
                    return model, each
        for model in self.models.values():
            if wanted in map(_spelt, (model.name, model.label, *model.aliases)):
                return model, None
        # a folder or another's copy: what the weights are called there is all there is to go by
        for model in self.models.values():
            for each in model.variants:
                if last == _spelt(each.repository).rpartition("/")[2]:
                    return model, each
            if last in map(_spelt, (model.name, model.label, *model.aliases)):
                return model, None
        return None

    def machine(self, name: str) -> Hardware:
        """The hardware of this name or alias."""
        wanted = _spelt(name)
        for each in self.hardware.values():
            if wanted in map(_spelt, (each.name, each.label, *each.aliases)):
                return each
        names = [each for entry in self.hardware.values() for each in (entry.name, *entry.aliases)]
        raise UsageError(f"no hardware {name!r} is in the catalogue", _nearest(name, names, LIST))

    def engine(self, name: str, version: str | None = None) -> Engine | None:
        """The newest release of an engine that is known, or the newest that is not newer than `version`."""
        known = sorted(
            (each for each in self.engines if each.name == name), key=lambda each: version_parts(each.version)
        )
        if version is None:
            return known[-1] if known else None
        older = [each for each in known if version_parts(each.version) <= version_parts(version)]
        return older[-1] if older else None

    def _model_names(self) -> list[str]:
        return [
            name
            for model in self.models.values()
            for name in (model.name, *model.aliases, *(each.repository for each in model.variants))
        ]


def merged(*layers: Iterable[Argument]) -> tuple[Argument, ...]:
    """Arguments of several owners: a later one takes the place of an earlier one of the same name."""
    kept: dict[str, Argument] = {}
    for layer in layers:
        for each in layer:
            kept[each.name] = each
    return tuple(kept.values())


def version_parts(version: str) -> tuple[int, ...]:
    """`0.24.0` as numbers, for comparing; what is behind the digits of a part does not count."""
    parts = []
    for part in version.removeprefix("v").split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        parts.append(int(digits))
    return tuple(parts)


def catalogue(user_folder: Path | None = None) -> Catalogue:
    """All that is known: ours, and the entries in `user_folder` (a folder `recipes/` beside the user's config.toml)."""
    ours = _shipped()
    if user_folder is None or not user_folder.is_dir():
        return ours
    theirs = _read(_user_entries(user_folder))
    return Catalogue(
        {**ours.models, **theirs.models},
        {**ours.hardware, **theirs.hardware},
        {**ours.images, **theirs.images},
        (*ours.engines, *theirs.engines),
        {
            "models": frozenset(theirs.models),
            "hardware": frozenset(theirs.hardware),
            "images": frozenset(theirs.images),
        },
    )


def entry_problems(kind: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with an entry by the schema of its kind, one sentence each."""
    from claude_local_plugin.settings.schema import problems

    return tuple(f"{each.path}: {each.message}" for each in problems(entry, SCHEMAS[kind]))


def read_entry(path: Path) -> dict[str, Any]:
    """One TOML file, or an error that says what is wrong with it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClaudeLocalError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ClaudeLocalError(f"{path} is not UTF-8 text", "write it again as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ClaudeLocalError(f"{path} is not TOML: {str(error)[:1].lower()}{str(error)[1:]}") from error


# --- reading


_Entries = Iterable[tuple[str, Mapping[str, Any]]]


@cache
def _shipped() -> Catalogue:
    return _read((kind, read_entry(path)) for kind, path in _files(DATA))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for kind in SCHEMAS:
        for path in sorted((folder / kind).glob("*.toml")):
            yield kind, path


def _user_entries(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind, path in _files(folder):
        entry = read_entry(path)
        if found := entry_problems(kind, entry):
            raise ClaudeLocalError(f"{path}: {found[0]}", f"correct or remove {path}")
        yield kind, entry


def _read(entries: _Entries) -> Catalogue:
    found: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in SCHEMAS}
    for kind, entry in entries:
        found[kind].append(entry)
    return Catalogue(
        _named(map(_model, found["models"])),
        _named(map(_hardware, found["hardware"])),
        _named(map(_image, found["images"])),
        tuple(map(_engine, found["engines"])),
    )


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Entry = TypeVar("_Entry", bound=_Named)


def _named(entries: Iterable[_Entry]) -> dict[str, _Entry]:
    return {each.name: each for each in entries}


def _origin(table: Mapping[str, Any]) -> Origin:
    return Origin(table["basis"], table["source"], table["date"])


def _figure(table: Mapping[str, Any]) -> Figure:
    return Figure(table["value"], _origin(table), table.get("unit", ""))


def _version(table: Mapping[str, Any]) -> Version:
    return Version(table["value"], _origin(table))


def _arguments(owner: Mapping[str, Any], member: str) -> tuple[Argument, ...]:
    """The table of arguments: `flag = value`, or `flag = { value, why }` where it has a reason of its own."""
    found = []
    for name, given in owner.get(member, {}).items():
        value, why = (given["value"], given["why"]) if isinstance(given, dict) else (given, owner.get("why", ""))
        found.append(Argument(name, None if value is True else str(value), why))
    return tuple(found)


def _model(entry: Mapping[str, Any]) -> Model:
    active = entry.get("active_parameters")
    return Model(
        name=entry["name"],
        label=entry["label"],
        maker=entry["maker"],
        parameters=_figure(entry["parameters"]),
        active_parameters=_figure(active) if active else None,
        window=_figure(entry["window"]),
        agent=_figure(entry["agent"]),
        pictures=entry["pictures"],
        thinks=entry["thinks"],
        repeats_system=entry.get("repeats_system"),
        aliases=tuple(entry.get("aliases", ())),
        layers=tuple(map(_layers, entry.get("layers", ()))),
        needs={engine: _version(each) for engine, each in entry.get("needs", {}).items()},
        features={name: _feature(name, each) for name, each in entry.get("features", {}).items()},
        variants=tuple(map(_variant, entry["variants"])),
        verified=tuple(Verified(**each) for each in entry.get("verified", ())),
        notes=tuple(entry.get("notes", ())),
    )


def _layers(table: Mapping[str, Any]) -> Layers:
    other = {"kind", "count", "basis", "source", "date"}
    return Layers(
        table["kind"],
        table["count"],
        {name: size for name, size in table.items() if name not in other},
        _origin(table),
    )


def _feature(name: str, table: Mapping[str, Any]) -> Feature:
    return Feature(
        name, table["why"], _arguments(table, "arguments"), _arguments(table, "environment"), table.get("chosen", False)
    )


def _variant(table: Mapping[str, Any]) -> Variant:
    needs = table.get("needs")
    return Variant(
        precision=table["precision"],
        repository=table["repository"],
        weights=_figure(table["weights"]),
        engine=table.get("engine", ENGINE),
        why=table.get("why", ""),
        arguments=_arguments(table, "arguments"),
        environment=_arguments(table, "environment"),
        needs=_version(needs) if needs else None,
        architectures=tuple(table.get("architectures", ())),
        on={name: _override(each) for name, each in table.get("on", {}).items()},
        speeds=tuple(Speed(each["hardware"], _figure(each)) for each in table.get("speeds", ())),
    )


def _override(table: Mapping[str, Any]) -> Override:
    needs = table.get("needs")
    return Override(
        table.get("why", ""),
        _arguments(table, "arguments"),
        _arguments(table, "environment"),
        _version(needs) if needs else None,
    )


def _hardware(entry: Mapping[str, Any]) -> Hardware:
    return Hardware(
        name=entry["name"],
        label=entry["label"],
        gpus=entry["gpus"],
        memory=_figure(entry["memory"]),
        utilisation=_figure(entry["utilisation"]),
        overhead=_figure(entry["overhead"]),
        bandwidth=_figure(entry["bandwidth"]),
        unified=entry["unified"],
        machine=entry["machine"],
        architecture=entry.get("architecture"),
        cuda=entry.get("cuda"),
        aliases=tuple(entry.get("aliases", ())),
        reported_as=tuple(entry.get("reported_as", ())),
        arguments=_arguments(entry, "arguments"),
        environment=_arguments(entry, "environment"),
        notes=tuple(entry.get("notes", ())),
    )


def _image(entry: Mapping[str, Any]) -> Image:
    return Image(
        name=entry["name"],
        reference=entry["reference"],
        engine=entry["engine"],
        version=entry.get("version"),
        machines=tuple(entry["machines"]),
        cuda=entry.get("cuda"),
        architectures=tuple(entry["architectures"]),
        health=tuple(entry["health"]),
        entrypoint=tuple(entry["entrypoint"]),
        origin=_origin(entry),
        notes=tuple(entry.get("notes", ())),
    )


def _engine(entry: Mapping[str, Any]) -> Engine:
    return Engine(entry["name"], entry["version"], entry["tool_parsers"], entry["reasoning_parsers"], _origin(entry))


# --- names


def _spelt(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _nearest(name: str, known: Iterable[str], where: str) -> str:
    by_spelling = {_spelt(each): each for each in known}
    near = get_close_matches(_spelt(name), by_spelling, n=1, cutoff=0.5)
    return f"did you mean {by_spelling[near[0]]}? All of them: {where}" if near else f"all of them: {where}"
