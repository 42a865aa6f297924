"""A line of a log without what others put in front of it: containers, journals, clocks, processes, levels."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: What is read of one line: a request's whole prompt may stand in it.
LONGEST = 20_000

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

#: What may stand before the text, in any order and number.
_BEFORE = re.compile(
    r"""^(?:
        [\w.-]+[ ]+\|[ ]?                                                # a service of docker compose
      | \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?[ ]+    # docker logs -t, kubectl, journald
      | [A-Z][a-z]{2}[ ]+\d{1,2}[ ]\d\d:\d\d:\d\d[ ]\S+[ ][\w.@-]+(?:\[\d+\])?:[ ]  # syslog, journalctl
      | \((?:A[Pp][Ii]Server|EngineCore|Worker|VllmWorker|RayWorkerWrapper)\w*(?:[ ]\w+=\S+)*[ ]pid=\d+\)[ ]*  # vLLM
      | \[rank\d+\]:[ ]*                                                 # torch
    )""",
    re.VERBOSE,
)
#: How a line says how bad it is, before its text.
_LEVEL = re.compile(
    r"""^(?:
        (?P<vllm>DEBUG|INFO|WARNING|ERROR|CRITICAL)[ ]\d\d-\d\d[ ]\d\d:\d\d:\d\d[ ](?:\[[^\]]*:\d+\]|\S+:\d+\])[ ]?
      | (?P<uvicorn>DEBUG|INFO|WARNING|ERROR|CRITICAL):[ ]+
      | \d+\.\d\d\.\d\d\d\.\d\d\d[ ](?P<llama>[DIWE])[ ]
      | \d\d:\d\d:\d\d[ ]-[ ]LiteLLM[\w ]*:(?P<litellm>DEBUG|INFO|WARNING|ERROR|CRITICAL):[ ](?:\S+:\d+[ ]-[ ])?
    )""",
    re.VERBOSE,
)
_LETTERS = {"D": "debug", "I": "info", "W": "warning", "E": "error"}


@dataclass(frozen=True, slots=True)
class Line:
    """The text of a line, and how bad it says it is: `debug`, `info`, `warning`, `error`, or nothing."""

    text: str
    level: str = ""


def lines_of(raw: str) -> Iterator[Line]:
    """What one line of a log says: mostly one thing, and of a progress bar that was drawn again, each of its states."""
    for piece in _unwrapped(raw[:LONGEST].rstrip("\r\n")).split("\r"):
        if piece.strip():
            yield _line(_COLOURS.sub("", piece))


def _unwrapped(raw: str) -> str:
    """The text inside the object that docker's files, podman and JSON loggers write a line as."""
    if not raw.startswith("{"):
        return raw
    try:
        said = json.loads(raw)
    except ValueError:
        return raw
    for name in ("log", "msg", "message"):
        if isinstance(said, dict) and isinstance(said.get(name), str):
            level = said.get("level")
            text = said[name].rstrip("\r\n")
            return f"{level.upper()}: {text}" if isinstance(level, str) and name != "log" else text
    return raw


def _line(text: str) -> Line:
    level = ""
    while True:
        if found := _BEFORE.match(text):
            text = text[found.end() :]
        elif not level and (found := _LEVEL.match(text)):
            said = found[found.lastgroup or 0]
            level = _LETTERS.get(said, said.lower().replace("critical", "error"))
            text = text[found.end() :]
        else:
            return Line(text.strip(), level)
