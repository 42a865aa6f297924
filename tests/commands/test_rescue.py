"""`claude-local rescue`: which session is meant, what is written, and what is said."""

import json
from pathlib import Path

import pytest

from tests.commands.place import Place

ID = "ab1693b6-8ced-4cce-8cfc-706fc442284c"


@pytest.fixture
def transcript(place: Place) -> Path:
    """A session of the project that died of a picture."""
    folder = place.home / ".claude" / "projects" / "".join(c if c.isalnum() else "-" for c in str(place.project))
    folder.mkdir(parents=True)
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
    error = [{"type": "text", "text": "API Error: 400 At most 0 image(s) may be provided in one prompt."}]
    lines = [
        {"type": "queue-operation", "sessionId": ID},
        {"type": "user", "uuid": "a", "parentUuid": None, "sessionId": ID, "cwd": str(place.project)}
        | {"message": {"role": "user", "content": [{"type": "text", "text": "look"}, picture]}},
        {"type": "assistant", "uuid": "b", "parentUuid": "a", "sessionId": ID, "isApiErrorMessage": True}
        | {"apiErrorStatus": 400, "message": {"role": "assistant", "content": error}},
    ]
    path = folder / f"{ID}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"type": "user", "uuid": "half')
    return path


@pytest.mark.parametrize("named", [ID, "ab1693", "AB1693B6", "last"])
def test_a_session_is_named_by_its_id_its_beginning_or_as_the_last(place: Place, transcript: Path, named: str) -> None:
    before = transcript.read_bytes()
    said = place.ok("rescue", named)
    (copy,) = [path for path in transcript.parent.glob("*.jsonl") if path != transcript]
    assert said.out.strip() == f"cd {place.project} && claude --resume {copy.stem}"
    assert "its last request failed: API Error: 400 At most 0 image(s)" in said.err
    assert "left out: 1 note of a failed request; 1 picture or document" in said.err
    assert "1 lines of the transcript are no JSON" in said.err
    (line,) = map(json.loads, copy.read_text().splitlines())
    assert line["sessionId"] == copy.stem
    assert "QUJD" not in copy.read_text()
    assert transcript.read_bytes() == before


def test_a_path_does_as_well_and_a_dry_run_writes_nothing(place: Place, transcript: Path) -> None:
    said = place.ok("rescue", str(transcript), "--dry-run")
    assert said.out == ""
    assert "Nothing was written (--dry-run)." in said.err
    assert list(transcript.parent.iterdir()) == [transcript]


def test_what_is_to_be_kept_is_kept(place: Place, transcript: Path) -> None:
    report = json.loads(place.ok("rescue", ID, "--keep", "images", "--json").out)
    assert report["removed"] == {"errors": 1}
    assert "QUJD" in Path(report["copy"]["transcript"]).read_text()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("ffff0000", "belongs to a session ffff0000"),
        ("no such thing", "'no such thing' is no session id"),
        ("../../etc/passwd", "is no session id"),
        ("missing.jsonl", "there is no file"),
    ],
)
def test_a_session_that_is_not_there_is_an_error_of_the_call(
    place: Place, transcript: Path, named: str, said: str
) -> None:
    ended = place.run("rescue", named)
    assert ended.code == 2
    assert said in ended.err
    assert "hint: " in ended.err


def test_two_of_one_beginning_are_told_apart(place: Place, transcript: Path) -> None:
    transcript.with_name(f"ab1{ID[3:-1]}0.jsonl").write_bytes(transcript.read_bytes())
    ended = place.run("rescue", "ab1")
    assert ended.code == 2
    assert "2 sessions begin with ab1" in ended.err


def test_a_file_without_a_conversation_is_said_to_be_one(place: Place, transcript: Path) -> None:
    transcript.write_text("{}\n")
    ended = place.run("rescue", ID)
    assert ended.code == 1
    assert "holds no conversation" in ended.err
