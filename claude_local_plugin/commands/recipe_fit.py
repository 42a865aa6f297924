"""`claude-local recipe fit`: which models fit on this machine, on another one, or on one that is described."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.recipes import fit as fitting
from claude_local_plugin.recipes import machine
from claude_local_plugin.recipes.catalogue import Catalogue, Hardware, catalogue
from claude_local_plugin.recipes.fit import PLAIN_BATCHED, Ask, Fit


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: a model (of one precision), a machine in one of four ways, and the rest."""

    model: str | None = None
    hardware: str | None = None
    host: str | None = None
    memory: float | None = None
    gpus: int | None = None
    cuda: str | None = None
    architecture: str | None = None
    ask: Ask = field(default_factory=Ask)


@dataclass(frozen=True, slots=True)
class Report:
    """What fits, the best first, and what does not; `hardware` is None where the cache alone was asked for."""

    hardware: Hardware | None
    said: tuple[str, ...]
    fits: tuple[Fit, ...]
    one_model: bool

    @property
    def fitting(self) -> tuple[Fit, ...]:
        return tuple(each for each in self.fits if each.fits)

    @property
    def refused(self) -> tuple[Fit, ...]:
        return tuple(each for each in self.fits if not each.fits)


def fit(environ: Mapping[str, str], query: Query) -> Report:
    """Look at the machine that is meant, and rank what fits there."""
    known = known_to(environ)
    models, precision = list(known.models.values()), None
    if query.model is not None:
        model, variant = known.recipe(query.model)
        models, precision = [model], variant.precision if variant else None
    found = _machine(known, environ, query)
    # the cache alone needs no machine: one that refuses nothing stands for it
    hardware = found.hardware if found else machine.described(1e6, 1)
    ask = replace(query.ask, images=tuple(known.images.values()))
    if found is None:
        ask = replace(ask, batched=ask.batched or PLAIN_BATCHED)
    fits = fitting.ranked(models, hardware, ask)
    if precision is not None:
        fits = [each for each in fits if each.variant.precision == precision]
    return Report(found.hardware if found else None, found.said if found else (), tuple(fits), query.model is not None)


def best(environ: Mapping[str, str], query: Query, engine: str | None = None) -> Fit:
    """The best that fits of the recipe that was named, on one engine if that is said.

    Raises ClaudeLocalError with the numbers where none does.
    """
    report = fit(environ, query)
    meant = [each for each in report.fits if engine in (None, each.variant.engine)]
    found = next((each for each in meant if each.fits), None)
    if found is None:
        if not meant:
            raise UsageError(f"{query.model} is not for {engine}", command("claude-local", "recipe", "list"))
        nearest = meant[0]
        raise ClaudeLocalError(
            f"{nearest.recipe} does not fit on {nearest.hardware.label}: {nearest.reason}",
            f"{command('claude-local', 'recipe', 'fit')}   says what does",
        )
    return found


def known_to(environ: Mapping[str, str]) -> Catalogue:
    """The catalogue with the entries of this user."""
    return catalogue(paths.config_dir(environ) / "recipes")


def _machine(known: Catalogue, environ: Mapping[str, str], query: Query) -> machine.Found | None:
    described = {"--memory": query.memory, "--gpus": query.gpus, "--cuda": query.cuda, "--arch": query.architecture}
    given = [name for name, value in described.items() if value is not None]
    ways = [*(["--hardware"] if query.hardware else []), *(["--host"] if query.host else []), *given[:1]]
    if len(ways) > 1:
        raise UsageError(f"{ways[0]} and {ways[1]} both say which machine is meant", "give one of them")
    if query.hardware:
        return machine.Found(known.machine(query.hardware))
    if given:
        if query.memory is None:
            raise UsageError(f"{given[0]} describes a machine without its memory", "add --memory GIB, of one GPU")
        gpus = 1 if query.gpus is None else query.gpus
        return machine.Found(machine.described(query.memory, gpus, query.cuda, query.architecture))
    if query.ask.kv_gib is not None and query.host is None:
        return None
    return machine.look(known, environ, query.host, datetime.now(UTC).date().isoformat())


def as_json(report: Report) -> dict[str, Any]:
    """The report as programs read it."""
    return {"models": [_model(each) for each in report.fits]}


def _model(each: Fit) -> dict[str, Any]:
    return {
        "model": each.model.name,
        "precision": each.variant.precision,
        "weights_gib": round(each.variant.weights.value, 2),
        "kv_bytes_per_token": each.cache.token_bytes if each.cache else None,
        "block_tokens": each.cache.block_tokens if each.cache else None,
        "window": each.window,
        "concurrency": None if each.concurrency is None else round(each.concurrency, 3),
        "fits": each.fits,
        "reason": each.reason,
    }
