"""The schemas themselves, and the documents in valid/ and invalid/: one fact a file, and its name says it.

An invalid document fails at the path before the `--` (`root` for the document itself), with a warning where the
name ends in `.warning`, else with an error, and nowhere else.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from claude_local_plugin import paths
from claude_local_plugin.settings import schema
from tests.looped import looped

HERE = Path(__file__).parent
SCHEMAS = {name: json.loads((paths.shipped("schemas") / f"{name}.schema.json").read_text()) for name in schema.names()}
VALID = sorted((HERE / "valid").glob("*/*.json"))
INVALID = sorted((HERE / "invalid").glob("*/*.json"))
OUR_KEYWORDS = {
    *("x-message", "x-severity", "x-minimum", "x-maximum"),
    *("x-role", "x-secret", "x-refused-in", "x-refused-unless", "x-before-trust", "x-since", "x-written", "x-mistaken"),
}


def case_name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def subschemas(node: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        for child in node.values():
            yield from subschemas(child)
    elif isinstance(node, list):
        for child in node:
            yield from subschemas(child)


@looped("name", SCHEMAS)
def test_every_schema_is_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@looped("name", SCHEMAS)
def test_every_schema_says_what_it_is_and_is_called_what_its_file_is_called(name: str) -> None:
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMAS[name]["$id"].endswith(f"/{name}.schema.json")
    assert SCHEMAS[name]["title"]


@looped("name", SCHEMAS)
def test_every_reference_leads_somewhere_without_a_network(name: str) -> None:
    resolver = schema.registry().resolver(SCHEMAS[name]["$id"])
    references = {node["$ref"] for node in subschemas(SCHEMAS[name]) if isinstance(node.get("$ref"), str)}
    for reference in references:
        assert resolver.lookup(reference).contents is not None


@looped("name", SCHEMAS)
def test_no_keyword_is_misspelt(name: str) -> None:
    ours = {key for node in subschemas(SCHEMAS[name]) for key in node if key.startswith("x-")}
    assert ours <= OUR_KEYWORDS


@looped("name", SCHEMAS)
def test_every_pattern_is_a_regular_expression(name: str) -> None:
    for node in subschemas(SCHEMAS[name]):
        if isinstance(pattern := node.get("pattern"), str):
            re.compile(pattern)


@looped("path", VALID, ids=case_name)
def test_a_valid_document_has_no_problem(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert schema.problems(json.loads(text), path.parent.name, text=text) == ()


@looped("path", INVALID, ids=case_name)
def test_an_invalid_document_fails_at_the_path_its_name_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    name, warning = path.stem.removesuffix(".warning"), path.stem.endswith(".warning")
    place = name.partition("--")[0]
    problems = schema.problems(json.loads(text), path.parent.name, text=text, file=path.name)
    assert {problem.path for problem in problems} == {"$" if place == "root" else f"$.{place}"}
    assert {problem.severity for problem in problems} == {"warning" if warning else "error"}
    assert all(problem.file == path.name for problem in problems)
    assert all(problem.line for problem in problems) or place == "root"


def test_every_schema_has_valid_and_invalid_documents() -> None:
    # those of explain-precedence and verify are judged by those commands' own outputs
    ours = {path.parent.name for path in VALID} & {path.parent.name for path in INVALID}
    assert ours == set(SCHEMAS) - {"explain-precedence", "verify"}
