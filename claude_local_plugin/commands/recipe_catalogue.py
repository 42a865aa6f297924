"""`claude-local recipe list` and `recipe show`: what the catalogue knows, and where each figure is from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from claude_local_plugin.commands.measured_here import of_model
from claude_local_plugin.commands.recipe_fit import known_to
from claude_local_plugin.recipes.catalogue import Argument, Catalogue, Figure, Layers, Model, Origin, Variant
from claude_local_plugin.recipes.kv_cache import cache_of
from claude_local_plugin.recipes.needs import needs


def list_recipes(environ: Mapping[str, str]) -> dict[str, Any]:
    """The models and machines that are known, each in a line."""
    known = known_to(environ)
    return {
        "models": [
            {
                "name": model.name,
                "label": model.label,
                "maker": model.maker,
                "precisions": [each.precision for each in model.variants],
                "parameters_billion": model.parameters.value,
                "window": int(model.window.value),
                "kv_bytes_per_token": cache_of(model.layers).token_bytes if model.layers else None,
                "pictures": model.pictures,
                "thinks": model.thinks,
                "agent": model.agent.value,
                "own": model.name in known.own.get("models", ()),
            }
            for model in sorted(known.models.values(), key=lambda each: (-each.agent.value, each.name))
        ],
        "hardware": [
            {
                "name": each.name,
                "label": each.label,
                "aliases": list(each.aliases),
                "gpus": each.gpus,
                "memory_gib": each.memory.value,
                "architecture": each.architecture,
                "own": each.name in known.own.get("hardware", ()),
            }
            for each in known.hardware.values()
        ],
    }


def show(environ: Mapping[str, str], name: str, state_dir: Path) -> dict[str, Any]:
    """All that is known of one model, every figure with its origin; of a precision alone where the name says one.

    What `eval` has measured here is of the servers that serve it under a name by which it is known.
    """
    known = known_to(environ)
    model, only = known.recipe(name)
    variants = [only] if only else model.variants
    return {
        "name": model.name,
        "label": model.label,
        "maker": model.maker,
        "own": model.name in known.own.get("models", ()),
        "aliases": list(model.aliases),
        "parameters": _figure(model.parameters),
        "active_parameters": _figure(model.active_parameters) if model.active_parameters else None,
        "window": _figure(model.window),
        "agent": _figure(model.agent),
        "pictures": model.pictures,
        "thinks": model.thinks,
        "layers": [_layers(each) for each in model.layers],
        "kv_bytes_per_token": cache_of(model.layers).token_bytes if model.layers else None,
        "needs_of_the_engine": {
            engine: {"value": each.value, **_origin(each.origin)} for engine, each in model.needs.items()
        },
        "features": [
            {
                "name": each.name,
                "chosen": each.chosen,
                "why": each.why,
                "arguments": _arguments(each.arguments),
                "environment": _arguments(each.environment),
            }
            for each in model.features.values()
        ],
        "variants": [_variant(model, each) for each in variants],
        "claude_code": [
            {"name": each.name, "said": each.said, "why": each.why, "met": each.met} for each in needs(model)
        ],
        "notes": list(model.notes),
        "measured": [each.to_json() for each in of_model(state_dir, _is(known, model, only))],
    }


def _is(known: Catalogue, model: Model, only: Variant | None) -> Callable[[str], bool]:
    """Whether a server's name for a model is one of this model's; of another precision it is not, where that shows."""

    def said(name: str) -> bool:
        found = known.recognise(name)
        return found is not None and found[0] is model and (only is None or found[1] in (None, only))

    return said


def _variant(model: Model, variant: Variant) -> dict[str, Any]:
    oldest = model.needs_of(variant)
    return {
        "precision": variant.precision,
        "repository": variant.repository,
        "engine": variant.engine,
        "why": variant.why,
        "weights": _figure(variant.weights),
        "needs": oldest.value if oldest else None,
        "architectures": list(variant.architectures),
        "arguments": _arguments(variant.arguments),
        "environment": _arguments(variant.environment),
        "on": {
            name: {
                "why": each.why,
                "arguments": _arguments(each.arguments),
                "environment": _arguments(each.environment),
            }
            for name, each in variant.on.items()
        },
        "speeds": [{"hardware": each.hardware, **_figure(each.figure)} for each in variant.speeds],
        "verified": [
            {"hardware": each.hardware, "source": each.source, "date": each.date}
            for each in model.verified
            if each.precision == variant.precision
        ],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "unit": figure.unit, **_origin(figure.origin)}


def _origin(origin: Origin) -> dict[str, str]:
    return {"basis": origin.basis, "source": origin.source, "date": origin.date}


def _layers(layers: Layers) -> dict[str, Any]:
    return {"kind": layers.kind, "count": layers.count, **layers.sizes, **_origin(layers.origin)}


def _arguments(arguments: tuple[Argument, ...]) -> list[dict[str, str | None]]:
    return [{"name": each.name, "value": each.value, "why": each.why} for each in arguments]
