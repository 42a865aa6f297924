"""What a server says in its own words: the error in any shape that servers use, cleaned so that it can be shown."""

import json
import re
from dataclasses import dataclass
from typing import Any

#: No more of a server's own words is shown than this.
LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no (whole) answer.

    `kind` is the server's own word for it ("BadRequestError", "Bad Request"), or one of ours: "refused", "timeout",
    "silent" (it went on without content), "broken" (ended in the middle), "not-json", "too-large", "http" (an error
    status without a readable body).
    """

    kind: str
    message: str


def problem_in(data: Any) -> Problem | None:
    """The error in an answer's body, in any of the shapes servers use; None if there is none.

    vLLM 0.32.0 was observed to send `{"type":"error","error":{...}}`, for invalid fields `{"error":{...}}` without the
    outer type, and for a missing key `{"error":"Unauthorized"}`; FastAPI itself says `{"detail":...}`, Fastify (under
    claude-code-router) `{"message":..., "error":"Not Found"}` and Portkey `{"status":"failure","message":...}`.
    """
    if not isinstance(data, dict):
        return None
    message = _text(data.get("message"))
    error = data.get("error", data.get("detail"))
    if isinstance(error, dict):
        inner = _text(error.get("message")) or _text(error.get("error")) or json.dumps(error)[:500]
        return Problem(_text(error.get("type")) or "error", inner)
    if isinstance(error, str):
        return Problem(error if len(error) < 40 else "error", message or error)
    if error is not None:
        return Problem("error", json.dumps(error)[:500])
    return Problem("error", message) if message and data.get("status") in ("failure", "error") else None


def problem_of_event(data: Any) -> Problem:
    """The error in the data of an event that is named so, flat ones included.

    llama.cpp was observed to end a stream with `event: error` and `{"code":500,"message":...,"type":"server_error"}`.
    """
    if isinstance(data, dict):
        found = problem_in({name: value for name, value in data.items() if name != "status"})
        message = _text(data.get("message"))
        if found is None and message:
            return Problem(_text(data.get("type")) or "error", message)
        if found is not None:
            return found
        return Problem("error", json.dumps(data)[:500])
    return Problem("error", _text(data) or "an error event without a message")


def own_words(body: bytes, longest: int = LONGEST_WORDS) -> str | None:
    """What an error's body says, on one line and short, with nothing that drives a terminal; None if it says nothing.

    A web page says nothing that helps.
    """
    text = body.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):  # plain words, or a page
        said = "" if re.match(r"\s*<", text) else text
    else:
        problem = problem_in(data)
        said = problem.message if problem else data if isinstance(data, str) else ""
    clean = cleaned(said)
    return (clean if len(clean) <= longest else f"{clean[: longest - 1].rstrip()}…") or None


def cleaned(text: str) -> str:
    """On one line, and only what can be shown."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
