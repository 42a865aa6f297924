"""Sessions of the real Claude Code that die in each known way, and go on in the copy that `rescue` makes."""

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import Person
from tests.client.scripted import Answer, Say, ScriptedServer, call, failure, say

pytestmark = pytest.mark.client

Body = Mapping[str, Any]
Server = Callable[[Path], Callable[[Body], Say | Answer]]


def picture() -> bytes:
    """A red pixel, as a PNG."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def blocks(body: Body) -> Iterator[dict[str, Any]]:
    """Every content block of a request, those in tools' results too."""
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            yield block
            inner = block.get("content")
            yield from inner if isinstance(inner, list) else ()


def last_prompt(body: Body) -> str:
    texts = [str(block.get("text", "")) for block in blocks(body) if block["type"] == "text"]
    return "\n".join(texts[-6:])


def characters(body: Body) -> int:
    return len(json.dumps(body["messages"]))


@dataclass(frozen=True)
class Death:
    """A way in which a session dies: on the server that it began on, or on the one that has taken its place.

    Both are made from the project's folder; `kind` is what `rescue` finds to be the cause.
    """

    name: str
    kind: str | None
    first: Server
    later: Server | None = None


def reads_a(name: str, refused: Callable[[Body], Answer | None]) -> Server:
    """A server that has the file read at the first prompt, and refuses what `refused` says."""

    def script(project: Path) -> Callable[[Body], Say | Answer]:
        def answer(body: Body) -> Say | Answer:
            if no := refused(body):
                return no
            if "begin" in last_prompt(body) and not any(b["type"] == "tool_result" for b in blocks(body)):
                return say(call("Read", file_path=str(project / name)))
            return say("I go on")

        return answer

    return script


def says(*said: str | dict[str, Any], first: Callable[[Body], Answer | None] = lambda _: None) -> Any:
    def script(project: Path) -> Callable[[Body], Say | Answer]:
        return lambda body: first(body) or say(*said)

    return script


def no_pictures(body: Body) -> Answer | None:
    if any(block["type"] == "image" for block in blocks(body)):
        return failure(400, "At most 0 image(s) may be provided in one prompt.")
    return None


def no_thoughts(body: Body) -> Answer | None:
    if any(block["type"] == "thinking" for block in blocks(body)):
        return failure(400, "messages.1.content.0: thinking blocks are not accepted by this template")
    return None


def no_strangers(body: Body) -> Answer | None:
    known = ("text", "image", "thinking", "tool_use", "tool_result")
    if strange := next((block["type"] for block in blocks(body) if block["type"] not in known), None):
        return failure(400, f"Input tag '{strange}' found using 'type' does not match any of the expected tags")
    return None


def small_window(body: Body) -> Answer | None:
    if characters(body) > 60_000:
        return failure(400, "This model's maximum context length is 32768 tokens. However, you requested 51234 tokens.")
    return None


def empties(body: Body) -> Answer | Say | None:
    """A model that says nothing at first, and ever after once it has been told that it said nothing."""
    said = json.dumps(body["messages"])
    return say("") if "no visible output" in said or "go on" not in said else None


def new_model_only(body: Body) -> Answer | None:
    if body["model"] != "m-new":
        return failure(404, f"The model `{body['model']}` does not exist.")
    return None


THOUGHT = {"type": "thinking", "thinking": "let me see"}
STRANGE = {"type": "mystery_block", "note": "x"}

DEATHS = (
    Death("a picture", "images", reads_a("a.png", no_pictures)),
    Death("thinking", "thinking", says(THOUGHT, "pong"), later=says("I go on", first=no_thoughts)),
    Death("an unknown block", "unknown", says(STRANGE, "pong"), later=says("I go on", first=no_strangers)),
    Death("a prompt that is too long", "length", reads_a("long.txt", small_window)),
    Death("nothing but empty answers", None, lambda _: lambda body: empties(body) or say("I go on")),
    Death("a model that is gone", None, says("pong"), later=says("I go on", first=new_model_only)),
    Death(
        "another server whose model cannot see",
        "images",
        reads_a("a.png", lambda _: None),
        later=says("I go on", first=no_pictures),
    ),
)


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.name)
def test_a_session_that_died_goes_on_in_the_copy(death: Death, person: Person) -> None:
    (person.project / "a.png").write_bytes(picture())
    (person.project / "long.txt").write_text("\n".join(f"line {n}: {'x' * 60}" for n in range(1_000)))
    allow = ("--allowedTools", "Read", "--output-format", "json")
    with ScriptedServer(death.first(person.project), models=("m-main",)) as server:
        person.ours("enable", "--url", server.url, "--model", "m-main", "--max-model-len", "65536", "--yes", "--force")
        begun = json.loads(person.session("begin", *allow).stdout)
        session = begun["session_id"]
        (transcript,) = (person.home / ".claude" / "projects").rglob(f"{session}.jsonl")
        if death.later is None:
            _dies_and_goes_on(person, death, session, transcript, allow)
            return
    with ScriptedServer(death.later(person.project), models=("m-main", "m-new")) as other:
        person.ours("enable", "--url", other.url, "--model", "m-main", "--max-model-len", "65536", "--yes", "--force")
        _dies_and_goes_on(person, death, session, transcript, allow)


def sent(person: Person, *arguments: str) -> Any:
    """The prompt, sent again where it was held once, since the conversation has been on another server."""
    ended = person.session("go on", *arguments)
    return person.session("go on", *arguments) if "held once" in ended.stdout else ended


def _dies_and_goes_on(person: Person, death: Death, session: str, transcript: Path, allow: tuple[str, ...]) -> None:
    dead = sent(person, "--resume", session, *allow)
    assert "I go on" not in str(json.loads(dead.stdout).get("result"))
    before = transcript.read_bytes()

    found = (
        person.json("rescue", session[:13], "--window", "32768")
        if death.kind == "length"
        else person.json("rescue", session)
    )
    assert transcript.read_bytes() == before
    assert found["cause"]["kind"] == death.kind
    copy = Path(found["copy"]["transcript"])
    assert copy.stat().st_mode & 0o777 == 0o600
    assert found["copy"]["resume"].endswith(f"claude --resume {found['copy']['session_id']}")

    model = ("--model", "m-new") if found["cause"]["model_gone"] else ()
    again = sent(person, "--resume", found["copy"]["session_id"], *model, *allow)
    assert json.loads(again.stdout)["result"] == "I go on", again.stdout
    assert transcript.read_bytes() == before


def test_a_call_that_was_killed_before_its_result_has_one_in_the_copy(person: Person) -> None:
    """The client itself leaves such a call out when it resumes; the copy says what became of it."""
    (person.project / "a.txt").write_text("alpha")
    bodies: list[Body] = []

    def script(body: Body) -> Say | Answer:
        bodies.append(body)
        if "begin" in last_prompt(body) and not any(block["type"] == "tool_result" for block in blocks(body)):
            return say(call("Read", file_path=str(person.project / "a.txt")))
        return say("I go on")

    with ScriptedServer(script) as server:
        person.ours("enable", "--url", server.url, "--model", "m-main", "--yes")
        session = json.loads(person.session("begin", "--output-format", "json").stdout)["session_id"]
        (transcript,) = (person.home / ".claude" / "projects").rglob(f"{session}.jsonl")
        lines = transcript.read_text().splitlines(keepends=True)
        result = next(
            n for n, line in enumerate(lines) if '"tool_result"' in line and json.loads(line)["type"] == "user"
        )
        transcript.write_text("".join(lines[:result]))
        found = person.json("rescue", session)
        assert found["removed"] == {"tools": 1}
        bodies.clear()
        again = person.session("go on", "--resume", found["copy"]["session_id"], "--output-format", "json")
        assert json.loads(again.stdout)["result"] == "I go on"
    (answered,) = [block for block in blocks(bodies[0]) if block["type"] == "tool_result"]
    assert answered["content"] == "The session ended before this tool had a result."
