"""Every variable in Claude Code's program that may name an endpoint, a credential or a model is known or was asked.

`python tests/conformance/record_names.py CLAUDE` asks a client about all that we do not know, and writes the record.
"""

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.conformance import BoxError, Boxes, Observed, Scenario
from claude_local_plugin.conformance.names import ELSEWHERE, WORLDS, Change, names_in, survey
from claude_local_plugin.settings.variables import catalogue
from tests.looped import looped

RECORDS = sorted((Path(__file__).parent / "golden").glob("names-*.json"))
RECORD: dict[str, Any] = json.loads(RECORDS[-1].read_text(encoding="utf-8"))

#: Variables that change something and are still none of ours, each with the reason.
ELSEWISE = {
    "AWS_ACCESS_KEY_ID": "AWS's own: the credentials of sessions at Bedrock, which are nobody else's",
    "AWS_PROFILE": "AWS's own: the credentials of sessions at Bedrock, which are nobody else's",
    "AWS_ENDPOINT_URL": "AWS's own: where Bedrock's list of models is asked for; prompts go where they went",
    "AWS_ENDPOINT_URL_BEDROCK": "AWS's own: where Bedrock's list of models is asked for; prompts go where they went",
    "CLAUDE_CODE_CLIENT_DATA_URL": "an address that Anthropic gave somebody; with any other no session starts",
    "CLAUDE_CODE_WEBSOCKET_AUTH_FILE_DESCRIPTOR": "a token for another connection; at a wrong number it waits for ever",
}


@pytest.mark.client
def test_every_name_in_the_program_is_known_or_was_asked(claude_binary: Path) -> None:
    found = names_in(claude_binary)
    assert len(found) > 300
    assert found >= {"ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_UNIX_SOCKET"}
    unknown = sorted(found - catalogue().keys() - set(RECORD["asked"]))
    assert unknown == [], "ask the client: python tests/conformance/record_names.py CLAUDE"


@looped("name", sorted(RECORD["changes"]))
def test_what_changes_something_is_in_the_catalogue_or_has_a_reason(name: str) -> None:
    assert name in catalogue() or name in ELSEWISE, RECORD["changes"][name]


def test_reasons_are_given_only_for_what_was_seen() -> None:
    assert set(ELSEWISE) <= set(RECORD["changes"])


@pytest.mark.client
def test_names_that_change_nothing_still_do_not(claude_binary: Path) -> None:
    """A batch of each kind of question; another one each week."""
    seed = int(os.environ.get("CLAUDE_LOCAL_TEST_SEED", "0"))
    harmless = sorted(set(RECORD["asked"]) - RECORD["changes"].keys())
    batch = random.Random(seed).sample(harmless, 48)
    try:
        boxes = Boxes(claude_binary, workers=1, alone=True, patience=60.0)
    except BoxError as error:
        pytest.skip(f"no namespaces here: {error}")
    with boxes:
        assert list(survey(boxes, batch, ("cloud", "enabled"))) == []


# --- how a survey finds what it looks for


class Pretends:
    """A client in which two variables do something."""

    def __init__(self) -> None:
        self.asked = 0

    def observe(self, scenario: Scenario) -> Observed:
        self.asked += 1
        shell = scenario.shell
        base = shell.get("CLAUDE_CODE_OTHER_URL", "https://api.anthropic.com")
        hosts = (ELSEWHERE,) if "CLAUDE_CODE_TELLS_HOST" in shell else ()
        return Observed("ok", base_url=base, x_api_key=shell.get("ANTHROPIC_API_KEY"), hosts=hosts)


def test_a_survey_finds_each_variable_that_does_something_among_many() -> None:
    client = Pretends()
    names = [f"CLAUDE_CODE_{number}_KEY" for number in range(200)] + ["CLAUDE_CODE_OTHER_URL", "CLAUDE_CODE_TELLS_HOST"]
    found = list(survey(client, names, ("cloud",), ("marked",)))
    assert sorted(found, key=lambda change: change.name) == [
        Change("CLAUDE_CODE_OTHER_URL", "cloud", "marked", {"base_url": f"https://{ELSEWHERE}"}),
        Change("CLAUDE_CODE_TELLS_HOST", "cloud", "marked", {"elsewhere": True}),
    ]
    assert client.asked < 40


def test_names_are_found_whole_in_a_program(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_bytes(
        b'\0process.env.ANTHROPIC_BASE_URL;e.CLAUDE_CODE_NEW_TOKEN,"XCLAUDE_CODE_OLD_KEY"\0CLAUDE_CODE_COLOUR '
        b"CLAUDE_CODE_HOST_thing AWS_PROFILE"
    )
    assert names_in(program) == {"ANTHROPIC_BASE_URL", "CLAUDE_CODE_NEW_TOKEN", "AWS_PROFILE"}


def test_the_worlds_of_the_survey_differ() -> None:
    shown = {re.sub(r"\s", "", json.dumps(scenario.to_json())) for scenario in WORLDS.values()}
    assert len(shown) == len(WORLDS)
