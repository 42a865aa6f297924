"""Does a document fit one of our JSON Schemas? Every problem with its file, line, JSON path and complaint.

The only module that knows jsonschema. Importing it costs some 70 ms, so callers import it when they need it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Literal

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
from jsonschema.protocols import Validator  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]
from referencing import Registry, Resource

from claude_local_plugin import paths
from claude_local_plugin.settings.syntax import DocumentError, parse
from claude_local_plugin.settings.variables import nearest

Severity = Literal["error", "warning"]
Step = str | int

SUFFIX = ".schema.json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a document.

    `path` is the JSON path ("$.env.API_TIMEOUT_MS"), `line` counts from 1 and is None where no text was given,
    `message` is lower case and without a full stop, `suggestion` is the name that was probably meant.
    The value itself is never in the message: it may be a secret.
    """

    path: str
    line: int | None
    message: str
    severity: Severity = "error"
    suggestion: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        meant = f" (did you mean {self.suggestion}?)" if self.suggestion else ""
        return f"{place}: {self.path}: {self.message}{meant}" if place else f"{self.path}: {self.message}{meant}"


def names() -> tuple[str, ...]:
    """The schemas there are: "config", "env", "settings", …"""
    return tuple(sorted(path.name.removesuffix(SUFFIX) for path in paths.shipped("schemas").glob(f"*{SUFFIX}")))


@cache
def validator(name: str) -> Validator:
    """The validator for one of our schemas; references between them are resolved from the shipped files alone."""
    return _Validator(_schema(name), registry=registry())


def problems(
    instance: object, schema_name: str, *, text: str | None = None, file: object = None
) -> tuple[Problem, ...]:
    """What is wrong with `instance` by the schema `schema_name`, in document order, errors and warnings.

    `text` is the JSON text that `instance` was read from, for line numbers; `file` its name, for the messages.
    A name that the schema does not know is never an error: at most a warning, when it is very near to a known one.
    """
    line_of = _line_finder(text)
    found: dict[tuple[str, str], Problem] = {}

    def add(steps: Sequence[Step], message: str, severity: Severity, suggestion: str | None = None) -> None:
        path = json_path(steps)
        problem = Problem(path, line_of(steps), message, severity, suggestion, None if file is None else str(file))
        found.setdefault((path, message), problem)

    for error in _leaves(validator(schema_name).iter_errors(instance)):
        add(tuple(error.absolute_path), _message(error), _severity(error))
    for steps, meant in _misspelt(instance, schema_name):
        add(steps, "is not a variable that claude-local knows", "warning", meant)
    return tuple(sorted(found.values(), key=lambda problem: (problem.line or 0, problem.path)))


def json_path(steps: Sequence[Step]) -> str:
    """The path as JSONPath writes it: `$.env.NAME`, `$.hooks.Stop[0]`, `$['odd name']`."""
    written = "$"
    for step in steps:
        if isinstance(step, int):
            written += f"[{step}]"
        elif step.isidentifier():
            written += f".{step}"
        else:
            quoted = step.replace("\\", "\\\\").replace("'", "\\'")
            written += f"['{quoted}']"
    return written


# --- our schemas and their keywords


@cache
def _schema(name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((paths.shipped("schemas") / f"{name}{SUFFIX}").read_text(encoding="utf-8"))
    return content


@cache
def registry() -> Registry[Any]:
    """Every schema of ours by its address, so that references need no network."""
    resources = [Resource.from_contents(_schema(name)) for name in names()]
    registry: Registry[Any] = Registry()
    return registry.with_resources((resource.id() or "", resource) for resource in resources).crawl()


def _as_number(instance: object) -> float | None:
    """The number a value stands for, text of digits and underscores included; None where it is none."""
    if isinstance(instance, bool):
        return None
    if isinstance(instance, int | float):
        return float(instance)
    try:
        return float(instance) if isinstance(instance, str) else None
    except ValueError:
        return None  # not a number: that is another check's to say


def _least(_: object, bound: float, instance: object, __: object) -> Iterator[ValidationError]:
    number = _as_number(instance)
    if number is not None and number < bound:
        yield ValidationError(f"should be at least {bound:,}")


def _most(_: object, bound: float, instance: object, __: object) -> Iterator[ValidationError]:
    number = _as_number(instance)
    if number is not None and number > bound:
        yield ValidationError(f"should be at most {bound:,}")


#: Numbers in an env block are written as text, which `minimum` and `maximum` pass over.
_Validator = extend(Draft202012Validator, {"x-minimum": _least, "x-maximum": _most})


# --- from jsonschema's errors to ours


def _leaves(errors: Iterator[ValidationError]) -> Iterator[ValidationError]:
    """The errors that say most: of an `anyOf` without a message of its own, those of the branch that fits best."""
    for error in errors:
        if error.context and "x-message" not in _place(error):
            depth = max(len(inner.absolute_path) for inner in error.context)
            yield from _leaves(inner for inner in error.context if len(inner.absolute_path) == depth)
        else:
            yield error


def _place(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _severity(error: ValidationError) -> Severity:
    return "warning" if _place(error).get("x-severity") == "warning" else "error"


def _message(error: ValidationError) -> str:
    """The complaint in words of ours; jsonschema's own would repeat the value."""
    if message := _place(error).get("x-message"):
        return str(message)
    expected = error.validator_value
    match error.validator:
        case "type":
            kinds = [expected] if isinstance(expected, str) else list(expected)
            return f"must be {' or '.join(_KINDS[kind] for kind in kinds)}"
        case "required":
            missing = [name for name in expected if name not in error.instance]
            return f"{', '.join(missing)} is missing" if len(missing) == 1 else f"{', '.join(missing)} are missing"
        case "enum":
            return f"must be one of {', '.join(json.dumps(value) for value in expected)}"
        case "const":
            return f"must be {json.dumps(expected)}"
        case "minimum" | "exclusiveMinimum" | "x-minimum":
            return f"must be {'more than' if error.validator == 'exclusiveMinimum' else 'at least'} {expected:,}"
        case "maximum" | "x-maximum":
            return f"must be at most {expected:,}"
        case "additionalProperties" | "unevaluatedProperties":
            return "has a key that does not belong here"
        case _:
            return f"does not fit the schema ({error.validator})"


_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


#: No hand has written more variables than that, and to compare a name with all that we know takes its time.
_MOST_NAMES = 1000


def _misspelt(instance: object, schema_name: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Variables very near to a known one: the path to each, and what was probably meant."""
    prefix: tuple[str, ...] = ("env",) if schema_name == "settings" else ()
    if schema_name not in ("env", "settings"):
        return
    block = instance.get("env") if prefix and isinstance(instance, Mapping) else instance
    for name in islice(block if isinstance(block, Mapping) else (), _MOST_NAMES):
        if meant := nearest(str(name)):
            yield (*prefix, str(name)), meant


def _line_finder(text: str | None) -> Callable[[Sequence[Step]], int | None]:
    """Says on which line of the JSON text a path stands, or the nearest thing around it; None without a text."""
    if text is None:
        return lambda _: None
    try:
        root = parse(text)
    except DocumentError:
        return lambda _: None  # not JSON: whoever read the instance from it has said so already

    def line_of(steps: Sequence[Step]) -> int | None:
        around = (root.line_of(steps[:length]) for length in range(len(steps), -1, -1))
        return next((line for line in around if line is not None), None)

    return line_of
