"""An entry of the user's own: our TOML, or one of the vLLM project's recipes (a YAML file of a clone of theirs).

Of a vLLM recipe the figures are taken: what a model needs, which arguments turn on what, which precisions there are and
where somebody ran them. How large its cache is does not stand there, so `fit` will say that it does not know.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.recipes.catalogue import GIB, entry_problems, read_entry
from claude_local_plugin.yaml_document import parse

#: Hardware by the names of vLLM's recipes -> by ours.
HARDWARE = {
    "dgx_spark_gb10": "gb10",
    "rtx_pro_6000": "rtx-pro-6000",
    "rtx_pro_6000_2x": "rtx-pro-6000-2x",
    "rtx_5090": "rtx-5090",
    "h100": "h100-80gb",
}

#: What a feature is called there -> here; the others keep their name.
FEATURES = {"tool_calling": "tools", "spec_decoding": "mtp"}

#: `vram_minimum_gb` of those recipes is weights with a fifth of headroom.
HEADROOM = 1.2

#: Of a model that nobody has judged.
UNJUDGED = 5


@dataclass(frozen=True, slots=True)
class Own:
    """An entry to be written: its kind (a folder of the catalogue), name and text, and what is to be said of it."""

    kind: str
    name: str
    entry: Mapping[str, Any]
    text: str
    said: tuple[str, ...] = ()


def own_entry(path: Path, today: str) -> Own:
    """The entry in a file. Raises ClaudeLocalError where it is none, with everything that is wrong with it."""
    if path.suffix.lower() in (".yaml", ".yml"):
        entry = from_vllm_recipe(_document(path), path, today)
        said = ("its cache is not known from there: `recipe fit` can say what its weights take, and no more",)
        return _checked("models", entry, as_toml(entry), path, said)
    if path.suffix.lower() != ".toml":
        raise UsageError(
            f"{path} is neither TOML nor YAML", "an entry of your own ends in .toml, a vLLM recipe in .yaml"
        )
    entry = read_entry(path)
    return _checked(_kind(entry, path), entry, path.read_text(encoding="utf-8"), path)


def _checked(kind: str, entry: Mapping[str, Any], text: str, path: Path, said: tuple[str, ...] = ()) -> Own:
    if found := entry_problems(kind, entry):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise ClaudeLocalError(f"{path}: {found[0]}{more}", "docs/recipes.md has an entry with all its members")
    name = str(entry["name"])
    return Own(kind, f"{name}-{entry['version']}" if kind == "engines" else name, entry, text, said)


def _kind(entry: Mapping[str, Any], path: Path) -> str:
    signs = {"variants": "models", "gpus": "hardware", "reference": "images", "tool_parsers": "engines"}
    for sign, kind in signs.items():
        if sign in entry:
            return kind
    kinds = ", ".join(f"{kind} ({sign})" for sign, kind in signs.items())
    raise ClaudeLocalError(f"{path} says neither of {kinds}", "docs/recipes.md has an entry with all its members")


def _document(path: Path) -> Mapping[str, Any]:
    try:
        node = parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ClaudeLocalError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ClaudeLocalError(f"{path} is not UTF-8 text", "write it again as UTF-8") from error
    document = node.plain() if node else None
    wanted = ("meta", "model", "variants")
    if not isinstance(document, dict) or not all(isinstance(document.get(name), dict) for name in wanted):
        raise ClaudeLocalError(
            f"{path} is no recipe of the vLLM project", "one is models/ORG/NAME.yaml in a clone of vllm-project/recipes"
        )
    return document


def from_vllm_recipe(document: Mapping[str, Any], path: Path, today: str) -> dict[str, Any]:
    """The entry for our catalogue of one of the vLLM project's recipes."""
    meta, model = document["meta"], document["model"]
    date = str(meta.get("date_updated") or meta.get("date_added") or today)[:10]
    published = {
        "basis": "published",
        "source": f"vllm-project/recipes, models/{'/'.join(path.parts[-2:])}",
        "date": date,
    }
    total, active = _billions(model.get("parameter_count")), _billions(model.get("active_parameters"))
    if total is None or not model.get("context_length") or not model.get("model_id"):
        raise ClaudeLocalError(
            f"{path} does not say how large the model and its window are", "take another, or write an entry of your own"
        )
    opt_in = document.get("opt_in_features") or []
    features = {
        FEATURES.get(name, name): {
            "why": str(each.get("description") or name),
            **({"chosen": True} if name in opt_in else {}),
            "arguments": arguments,
        }
        for name, each in (document.get("features") or {}).items()
        if isinstance(each, dict) and (arguments := _arguments(_feature_arguments(each)))
    }
    if base := _arguments(model.get("base_args") or []):
        features["base"] = {"why": "what vLLM's recipe gives it always", "arguments": base}
    entry: dict[str, Any] = {
        "name": re.sub(r"[^a-z0-9.-]+", "-", str(meta.get("slug") or meta["title"]).lower()).strip("-."),
        "label": str(meta["title"]),
        "maker": str(meta.get("provider") or "unknown"),
        "pictures": "multimodal" in (meta.get("tasks") or []),
        "thinks": "reasoning" in features,
        "parameters": {"value": total, "unit": "billion", **published},
        **({"active_parameters": {"value": active, "unit": "billion", **published}} if active else {}),
        "window": {"value": int(model["context_length"]), "unit": "tokens", **published},
        "agent": {
            "value": UNJUDGED,
            "unit": "of 10",
            "basis": "estimated",
            "source": "nobody has judged it here yet: say what you saw",
            "date": today,
        },
        **({"features": features} if features else {}),
        "variants": list(_variants(document, published, today)),
    }
    if str(model.get("min_vllm_version") or "")[:1].isdecimal():
        entry["needs"] = {"vllm": {"value": str(model["min_vllm_version"]), **published}}
    names = [each["precision"] for each in entry["variants"]]
    ran = [
        HARDWARE[name] for name, said in (meta.get("hardware") or {}).items() if said == "verified" and name in HARDWARE
    ]
    # which precision was run where does not stand there: the first is the one that the recipe is about
    if ran and names:
        entry["verified"] = [
            {"precision": names[0], "hardware": name, "source": published["source"], "date": date} for name in ran
        ]
    return entry


def _variants(document: Mapping[str, Any], published: Mapping[str, str], today: str) -> Iterator[dict[str, Any]]:
    taken: set[str] = set()
    for name, each in document["variants"].items():
        if not isinstance(each, dict) or not each.get("vram_minimum_gb"):
            continue
        precision = re.sub(r"[^a-z0-9._-]+", "-", str(each.get("precision") or name).lower())
        precision = (
            precision if precision not in taken else f"{precision}-{re.sub(r'[^a-z0-9._-]+', '-', name.lower())}"
        )
        taken.add(precision)
        gigabytes = float(each["vram_minimum_gb"])
        weights = {
            "value": round(gigabytes / HEADROOM * 1e9 / GIB, 1),
            "unit": "GiB",
            "basis": "estimated",
            "source": f"{gigabytes:g} GB, a fifth of it headroom, in {published['source']}",
            "date": published["date"],
        }
        why = str(each.get("description") or "")
        made: dict[str, Any] = {
            "precision": precision,
            "repository": str(each.get("model_id") or document["model"]["model_id"]),
            "weights": weights,
            **({"why": why} if why else {}),
        }
        made |= _changes(each)
        overrides = {
            HARDWARE[where]: {"why": "as vLLM's recipe has it there", **changes}
            for where, change in (each.get("hardware_overrides") or {}).items()
            if where in HARDWARE and isinstance(change, dict) and (changes := _changes(change))
        }
        if overrides:
            made["on"] = overrides
        yield made


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    arguments = _arguments(given.get("extra_args") or [])
    environment = {str(name): str(value) for name, value in (given.get("extra_env") or {}).items()}
    return {
        **({"arguments": arguments} if arguments else {}),
        **({"environment": environment} if environment else {}),
    }


def _feature_arguments(feature: Mapping[str, Any]) -> list[Any]:
    """Its arguments; of several ways the one that is taken by itself."""
    if feature.get("args"):
        return list(feature["args"])
    modes: Mapping[str, Any] = feature.get("modes") or {}
    mode: Any = modes.get(str(feature.get("default_mode"))) or next(iter(modes.values()), {})
    return list(mode.get("args") or []) if isinstance(mode, dict) else []


def _arguments(words: list[Any]) -> dict[str, Any]:
    """`["--flag", "value", "--switch", "--name=value"]` as a table."""
    found: dict[str, Any] = {}
    name = None
    for word in map(str, words):
        if re.match(r"--?[A-Za-z]", word):
            name, equals, value = word.partition("=")
            found[name] = value if equals else True
            name = None if equals else name
        elif name is not None:
            found[name] = word if found[name] is True else f"{found[name]} {word}"
    return found


def _billions(said: object) -> float | None:
    found = re.fullmatch(r"\s*([\d.]+)\s*([BMT])\s*", str(said or ""), re.IGNORECASE)
    if found is None:
        return None
    return float(found[1]) * {"M": 1e-3, "B": 1.0, "T": 1e3}[found[2].upper()]


def as_toml(entry: Mapping[str, Any]) -> str:
    """An entry as TOML, figures and small tables in a line each."""
    return "\n".join(_table(entry, ())).strip() + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    later = {name: value for name, value in table.items() if _has_a_head(value)}
    for name, value in table.items():
        if name not in later:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in later.items():
        inner = (*path, name)
        head = ".".join(map(_key, inner))
        for each in value if isinstance(value, list) else [value]:
            if isinstance(value, list) or not each or not all(_has_a_head(part) for part in each.values()):
                yield ""
                yield f"[[{head}]]" if isinstance(value, list) else f"[{head}]"
            yield from _table(each, inner)


def _has_a_head(value: object) -> bool:
    """Whether it is a table that stands under a line of its own, not within one."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(each, dict) for each in value)
    return isinstance(value, dict) and "basis" not in value


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) and not name.startswith("-") else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    escaped = "".join(
        f"\\{letter}" if letter in '"\\' else letter if letter.isprintable() else f"\\u{ord(letter):04x}"
        for letter in str(value)
    )
    return f'"{escaped}"'
