"""What a problem says: place, complaint, suggestion; and what it never says: the value."""

import json
from pathlib import Path

import pytest

from claude_local_plugin.core import document_rules
from claude_local_plugin.settings import ownership, schema
from claude_local_plugin.settings.document import Append, Change, Set
from tests.looped import looped

TEXT = """{
  "model": "opus",
  "env": {
    "ANTHROPIC_BASE_URL": "localhost:8000",

    "CLAUDE_CODE_MAX_RETRIES": "ten",
    "ANTHROPIC_AUTH_TOKN": "x"
  }
}
"""


def problems_of(text: str, name: str = "settings") -> tuple[schema.Problem, ...]:
    return schema.problems(json.loads(text), name, text=text, file="settings.local.json")


def test_a_problem_names_file_line_path_complaint_and_the_nearest_name() -> None:
    assert "\n".join(map(str, problems_of(TEXT))) == (
        "settings.local.json:4: $.env.ANTHROPIC_BASE_URL: not an http or https URL\n"
        "settings.local.json:6: $.env.CLAUDE_CODE_MAX_RETRIES: a whole number in digits\n"
        "settings.local.json:7: $.env.ANTHROPIC_AUTH_TOKN: is not a variable that claude-local knows (did you mean"
        " ANTHROPIC_AUTH_TOKEN?)"
    )


def test_without_the_text_there_is_no_line() -> None:
    (problem,) = schema.problems({"model": 5}, "settings")
    assert problem.line is None
    assert str(problem) == "$.model: must be a string; Claude Code ignores the whole file otherwise"


def test_a_missing_key_is_reported_where_it_is_missing() -> None:
    text = '{\n "sessions": [\n  {}\n ]\n}'
    (problem,) = problems_of(text, "sessions-list")
    assert (problem.path, problem.line) == ("$.sessions[0]", 3)
    assert problem.message.startswith("session_id, started_at, ")
    assert problem.message.endswith(" are missing")


@pytest.mark.parametrize("value", ["s3cr3t", 31337, ["s3cr3t"], {"s3cr3t": 31337}, None])
def test_no_message_repeats_a_value(value: object) -> None:
    names = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_EXTRA_BODY", "HTTPS_PROXY", "MY_TOKEN")
    document = {"env": dict.fromkeys(names, value), "apiKeyHelper": {"s3cr3t": value}, "availableModels": value}
    found = schema.problems(document, "settings")
    assert found
    assert not [problem for problem in found if "s3cr3t" in str(problem) or "31337" in str(problem)]


def test_one_fault_is_one_problem() -> None:
    assert len(problems_of('{"env": {"ANTHROPIC_BASE_URL": null}}')) == 1


def test_of_duplicate_keys_the_line_of_the_one_that_counts() -> None:
    (problem,) = problems_of('{\n"model": "opus",\n"model": 5\n}')
    assert problem.line == 3


@looped(
    ("steps", "path"),
    [
        ((), "$"),
        (("env", "API_TIMEOUT_MS"), "$.env.API_TIMEOUT_MS"),
        (("hooks", "Stop", 0, "hooks", 12), "$.hooks.Stop[0].hooks[12]"),
        (("odd name",), "$['odd name']"),
        (("it's", "a\\b"), "$['it\\'s']['a\\\\b']"),
        (("",), "$['']"),
    ],
)
def test_a_path_is_written_as_jsonpath_writes_it(steps: tuple[str | int, ...], path: str) -> None:
    assert schema.json_path(steps) == path


def test_unknown_names_and_keys_are_never_errors() -> None:
    document = {"brandNew": 1, "env": {"BRAND_NEW": "x", "ANTHROPIC_BASEURL": "x", "CLAUDE_CODE_NEW_THING": "1"}}
    assert [problem.severity for problem in schema.problems(document, "settings")] == ["warning"]


VALUES: tuple[object, ...] = (5, -1, "x", True, None, [], {}, [5], ["x"], {"x": 5})


@looped("value", VALUES, ids=json.dumps)
def test_an_error_at_the_top_is_what_makes_claude_code_drop_the_file(value: object) -> None:
    """The same facts stand in two places: in the schema for people, in the resolver's rules for the truth."""
    for key in schema.validator("settings").schema["properties"]:
        errors = [problem for problem in schema.problems({key: value}, "settings") if problem.severity == "error"]
        assert bool(errors) == bool(document_rules.faults({key: value})), key


def test_the_ownership_record_on_disk_fits_its_schema(tmp_path: Path) -> None:
    state, settings_file = tmp_path / "state", tmp_path / "project" / ".claude" / "settings.local.json"
    changes: list[Change] = [
        Set(("env", "ANTHROPIC_BASE_URL"), "http://localhost:8000"),
        Set(("skipWebFetchPreflight",), True),
        Append(("hooks", "Stop"), {"hooks": [{"type": "command", "command": "true"}]}),
    ]
    ownership.apply(settings_file, {"backend": changes}, state_dir=state, extras={"exclude_line": "/x"})
    (record,) = (state / "ownership").glob("*.json")
    assert schema.problems(json.loads(record.read_text()), "ownership") == ()
    settings_file.write_text('{"env": {"MINE": "1"}}')
    ownership.apply(settings_file, {"backend": changes}, state_dir=state)
    assert schema.problems(json.loads(record.read_text()), "ownership") == ()
    written = settings_file.read_text()
    assert schema.problems(json.loads(written), "settings", text=written) == ()
