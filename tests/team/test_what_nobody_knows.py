"""What a machine's program says in words that this one does not know, newer or hostile: its rows are kept as they came,
and every command that reads them keeps to its schema and to one line for each.
"""

import csv
import io
import json
from pathlib import Path

import pytest

from claude_local_plugin.sessionlog.spans import CAUSES, UNKNOWN_CAUSE
from claude_local_plugin.settings import schema
from claude_local_plugin.team.push import push
from tests.commands.place import Place
from tests.team.batches import AT, LATER, OWN, assert_sums_are_right, batch, event, session, span
from tests.team.conftest import Team
from tests.team.test_who_may_what import opened

pytestmark = pytest.mark.programs

#: What a program of next year could say, nothing at all, what moves a terminal's cursor, and what is no word.
STRANGE = {
    "newer": "teleported",
    "nothing": "",
    "terminal": "\x1b[2J\rgone\u202e",
    "lines": "two\nlines",
    "long": "x" * 5000,
    "formula": "=1+1",
}


def told(name: str, word: str) -> tuple[dict[str, object], ...]:
    """Sessions in which each text that comes from a list is this one: of the session, of its spans, of its events."""
    of_session = dict.fromkeys(
        ("source", "backend_kind", "via", "model", "project", "cwd", "profile", "entrypoint", "client_version"), word
    )
    of_span = dict.fromkeys(("cause", "backend_kind", "via", "model", "project"), word)
    of_event = dict.fromkeys(("event", "cause", "backend_kind", "outcome", "detail", "via"), word)
    failed = event(event="UserPromptSubmit", outcome=word, blocked=1, detail=word)
    urls = {"backend_url": word}
    ended = {"ended_at": LATER, "end_reason": word}
    return (
        session(f"{name}-1", spans=(span(**of_span),), events=(event(**of_event), failed), **of_session, **ended),
        session(
            f"{name}-2",
            spans=(span(), span(**of_span, **urls, first=0, new_endpoint=0, new_model=0, main=0)),
            events=(event(**of_event, **urls), failed),
            **of_session,
            **urls,
        ),
    )


@pytest.fixture
def strange(team: Team) -> Team:
    """Each word comes from a machine of its own."""
    for name, word in STRANGE.items():
        server = {"url": OWN, "kind": word, "version": word, "seen_at": AT}
        with opened(team.writer(name)) as box:
            pushed = batch(*told(name, word), person=word, program=word, machine=word, backends=[server])
            taken = push(box, pushed)
        assert (taken.sessions, taken.refused) == (2, 0)
    return team


def test_every_answer_keeps_to_its_schema(place: Place, strange: Team) -> None:
    """`place.json` asks the schema of each command."""
    url, count = strange.reader(), 2 * len(STRANGE)
    listed = place.json("sessions", "list", "--all", "--from", url)["sessions"]
    assert len(listed) == count
    for each in listed:
        shown = place.json("sessions", "show", each["session_id"], "--from", url)
        assert schema.problems(shown, "session") == ()
        causes = ["start", UNKNOWN_CAUSE] if each["session_id"].endswith("2") else [UNKNOWN_CAUSE]
        assert [one["cause"] for one in shown["spans"]] == causes
    for by in ("backend", "model", "project", "day", "machine", "person"):
        for options in ((), ("--since", "2026-01-01")):
            total = place.json("sessions", "stats", "--by", by, *options, "--from", url)["total"]
            assert (total["sessions"], total["messages"]) == (count, 9 * len(STRANGE))
    assert place.json("report", "--since", "all", "--from", url)["sessions"] == count
    place.json("audit", "--allow", "http://elsewhere:1", "--from", url, code=1)
    machines = place.json("sessions", "team", "status", "--from", url)["machines"]
    assert [machine["sessions"] for machine in machines] == [2] * len(STRANGE)
    # and the database has what was said, for a program that knows the word
    kept = {str(cause)[:40] for (cause,) in strange.ask("SELECT DISTINCT cause FROM spans")}
    assert kept == {"start", *(word[:40] for word in STRANGE.values())}
    assert_sums_are_right(strange)


def test_no_screen_and_no_file_is_broken_by_it(
    place: Place, strange: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, count = strange.reader(), 2 * len(STRANGE)
    monkeypatch.setenv("COLUMNS", "80")
    screens = [
        place.ok("sessions", "list", "--all", "--from", url).out,
        *(place.ok("sessions", "show", f"{name}-2", "--from", url).out for name in STRANGE),
        *(place.ok("sessions", "stats", "--by", by, "--from", url).out for by in ("backend", "model", "person")),
        place.ends(1, "audit", "--allow", "http://elsewhere:1", "--from", url).out,
        place.ok("sessions", "team", "status", "--from", url).out,
    ]
    for screen in screens:
        assert not {"\x1b", "\r", "\u202e"} & set(screen)
    place.ok("report", "--since", "all", "--from", url, "--output", str(tmp_path / "page.html"))
    for options, rows in (((), count), (("--spans",), 3 * len(STRANGE))):
        lines = place.ok("sessions", "export", *options, "--from", url).out.splitlines()
        records = [json.loads(line) for line in lines]
        assert len(records) == rows
        assert {each["cause"] for each in records if "cause" in each} <= {"start", UNKNOWN_CAUSE}
        table = place.ok("sessions", "export", "--format", "csv", *options, "--from", url).out
        assert len([*csv.DictReader(io.StringIO(table))]) == rows


def test_the_schema_names_the_causes_that_there_are() -> None:
    spans = schema.validator("session").schema["properties"]["spans"]["items"]["properties"]
    assert tuple(spans["cause"]["enum"]) == (*CAUSES, UNKNOWN_CAUSE)
