"""Questions to a server and its answers, and what reads them: a value, or nothing, whatever was answered."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from claude_local_plugin.servers.server import State


@dataclass(frozen=True, slots=True)
class Question:
    """One request to ask; with `token`, our token goes along if there is one."""

    name: str
    path: str
    token: bool = False
    method: str = "GET"
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: header names in lower case, at most the first mebibyte of the body, the seconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    @property
    def data(self) -> Any:
        """The body as JSON data; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # a web page, or made to annoy
            return None


@dataclass(frozen=True, slots=True)
class Failure:
    """No HTTP answer, and why."""

    state: State
    problem: str


#: Longer names, versions and paths are not taken for such.
LONGEST_LABEL = 300

Heard = Answer | Failure
Answers = Mapping[str, Heard]


def heard(answers: Answers) -> list[Answer]:
    """The HTTP answers among them."""
    return [answer for answer in answers.values() if isinstance(answer, Answer)]


def status_of(answers: Answers, name: str) -> int | None:
    """The status of the answer to this question; None where there is none."""
    answer = answers.get(name)
    return answer.status if isinstance(answer, Answer) else None


def objects_at(answer: Heard | None, key: str) -> list[dict[str, Any]] | None:
    """The objects in the list at `key` of a good answer; None if there is no such list."""
    if not isinstance(answer, Answer) or answer.status != 200:
        return None
    found = answer.data.get(key) if isinstance(answer.data, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else None


def rows_of(answer: Heard | None) -> list[dict[str, Any]] | None:
    """The rows of a list of OpenAI's kind."""
    return objects_at(answer, "data")


def owned_by(answers: Answers, owner: str) -> bool:
    """Whether a model's owner is of this name, with or without an addition such as in `vllm-frontend-rs`."""
    owners = (str(row.get("owned_by")).lower() for row in rows_of(answers.get("models")) or ())
    return any(re.match(rf"{re.escape(owner)}(?![a-z0-9])", each) for each in owners)


def text_at(answer: Heard | None, key: str) -> str | None:
    """The text at `key` of a good answer that can be shown."""
    data = answer.data if isinstance(answer, Answer) and answer.status == 200 else None
    value = data.get(key) if isinstance(data, dict) else None
    return value if is_label(value) else None


def is_label(value: object) -> TypeGuard[str]:
    """Whether a text from a server may be shown and written: not empty, not long, nothing that drives a terminal."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_LABEL and value.isprintable()


def dead_end_in(answer: Answer, words: re.Pattern[str]) -> re.Match[str] | None:
    """The address in a router's complaint that it cannot reach a worker."""
    return words.search(answer.text.strip()) if answer.status >= 500 and len(answer.body) < 4096 else None


#: The largest number that is believed of a window or a count: more is none, and nothing that can be reckoned with.
MOST = 10**9


def positive(value: object) -> int | None:
    """A whole number above zero that can be the size of something, and nothing else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST else None
