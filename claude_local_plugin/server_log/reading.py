"""Reading a log line by line: which failures it speaks of, how far the start came, and what its last error was."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

from claude_local_plugin.checks import Finding, Place, Result
from claude_local_plugin.server_log.known import failures_in
from claude_local_plugin.server_log.lines import Line, lines_of
from claude_local_plugin.server_log.progress import Stage, Step, told_by
from claude_local_plugin.servers.well_known import label

#: The group of what is found in a log.
GROUP = "log"
#: The ids of what is said where no known failure is found.
UNKNOWN, QUIET, READY = "log.unknown", "log.quiet", "log.ready"


@dataclass(frozen=True, slots=True)
class Hit:
    """A known failure in a log: in which line first, how often, and what was said of it, in general or of the case."""

    id: str
    what: str
    fix: str
    why: str
    result: Result
    but_for: tuple[str, ...]
    line: int
    of_the_case: bool
    times: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What has been read so far; `fed` says what it is after one more line.

    `hits` are those of the attempt that the log is in, `before` those of the attempt before it: a container that is
    restarted again and again writes them all into one log. Once a server is ready, what went wrong before is over.
    `error` is the last line that looks like one, with its number.
    """

    lines: int = 0
    kind: str | None = None
    version: str | None = None
    step: Step | None = None
    stages: tuple[Stage, ...] = ()
    hits: tuple[Hit, ...] = ()
    before: tuple[Hit, ...] = ()
    error: tuple[int, str] | None = None

    @property
    def stage(self) -> Stage | None:
        """The stage that the start is in."""
        return self.step.stage if self.step else None

    @property
    def found(self) -> tuple[Hit, ...]:
        """The failures of the last attempt that had some, without those that are consequences of others."""
        hits = self.hits if any(each.result is Result.ERROR for each in self.hits) else (*self.hits, *self.before)
        there = {each.id for each in hits}
        errors = {each.id for each in hits if each.result is Result.ERROR}
        return tuple(
            each for each in hits if not there & set(each.but_for) and not ("*" in each.but_for and errors - {each.id})
        )


def read(lines: Iterable[str]) -> Reading:
    """The whole of a log."""
    return reduce(fed, lines, Reading())


def fed(reading: Reading, raw: str) -> Reading:
    """The reading after one more line."""
    reading = replace(reading, lines=reading.lines + 1)
    for line in lines_of(raw):
        reading = _with(reading, line)
    return reading


#: Lines that repeat what others have written: requests with their prompts, and access logs' lines of what went well.
_OTHERS_WORDS = re.compile(
    r"^(?:Received request|Generated response)\b|\"(?:GET|POST|HEAD|OPTIONS) \S+ HTTP/[\d.]+\" [23]\d\d"
)


#: What a line that calls itself information has in it where it tells of a failure all the same.
_TROUBLE = ("rror", "xception", "ailed", "shared memory broadcast")


def _may_tell(line: Line) -> bool:
    """Whether a failure may stand in the line: a server that is well writes information all day."""
    return line.level not in ("info", "debug") or any(word in line.text for word in _TROUBLE)


def _with(reading: Reading, line: Line) -> Reading:
    if _OTHERS_WORDS.search(line.text):
        return reading
    told = told_by(line.text)
    if told is not None:
        if told.step.stage is Stage.STARTING and _begun(reading):
            reading = replace(reading, before=reading.found, hits=(), error=None, stages=())
        elif told.step.stage is Stage.READY:
            warnings = tuple(each for each in reading.hits if each.result is Result.WARNING)
            reading = replace(reading, hits=warnings, before=(), error=None)
        stages = reading.stages if told.step.stage in reading.stages else (*reading.stages, told.step.stage)
        reading = replace(
            reading,
            step=told.step,
            stages=stages,
            kind=told.kind or reading.kind,
            version=told.version or reading.version,
        )
    for failure, match in failures_in(line.text) if _may_tell(line) else ():
        what, fix = failure.told(match)
        hit = Hit(
            *(failure.id, what, fix, failure.why, failure.result, failure.but_for, reading.lines),
            of_the_case=what != failure.what,
        )
        reading = replace(reading, hits=_added(reading.hits, hit))
    if _is_error(line):
        reading = replace(reading, error=(reading.lines, line.text))
    return reading


def _begun(reading: Reading) -> bool:
    """Whether a banner now is that of another attempt, and not one more line of this one's beginning."""
    return any(stage not in (Stage.PULLING, Stage.STARTING) for stage in reading.stages) or bool(
        reading.hits and reading.stages
    )


def _added(hits: tuple[Hit, ...], hit: Hit) -> tuple[Hit, ...]:
    for number, known in enumerate(hits):
        if known.id == hit.id:
            fuller = known if known.of_the_case or not hit.of_the_case else hit
            again = replace(fuller, line=known.line, times=known.times + 1)
            return (*hits[:number], again, *hits[number + 1 :])
    return (*hits, hit)


#: The last line of a traceback, and how programs that are no Python begin such a line.
_ERROR = re.compile(
    r"^(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Refusal)\b(?::|$)"
    r"|^(?:\S+: )?(?:fatal|error|panic)\b[: ]|^Error[: ]"
)
#: What only says that something went wrong further up.
_ONLY_AFTER = re.compile(
    r"Engine core initialization failed|See root cause above|WorkerProc failed to start|EngineCore failed to start"
    r"|exiting due to|Failed to init server|Application startup failed|cleaning up before exit"
    r"|failed to load model|encountered an error while trying to fit params|Traceback \(most recent call last\)"
    r"|destroy_process_group"
)
#: A line inside of a traceback.
_INSIDE = re.compile(r"^(?:File \"|Traceback|\^+$|raise |return |await |self\.|During handling|The above exception)")


def _is_error(line: Line) -> bool:
    if _ONLY_AFTER.search(line.text):
        return False
    if _ERROR.search(line.text):
        return True
    return line.level == "error" and not _INSIDE.match(line.text) and len(line.text) > 3


# --- as findings


def findings(reading: Reading, file: Path | None, *, report: str) -> tuple[Finding, ...]:
    """What doctor says of this log, at least one finding; `report` is what to do about an unknown failure.

    `file` is where the log stands; None where it came from standard input.
    """
    found = tuple(
        Finding(
            hit.id,
            hit.result,
            hit.what + (f" ({hit.times} lines say so)" if hit.times > 1 else ""),
            hit.fix,
            _where(hit.line, file),
            hit.why,
            GROUP,
        )
        for hit in reading.found
    )
    if any(each.result is Result.ERROR for each in found):
        return found
    if reading.error is not None and not _well(reading):
        line, text = reading.error
        what = f"it did not become ready, for a reason that is not known here; its last error: {text[:300]}"
        why = "no known failure looks like this"
        return (*found, Finding(UNKNOWN, Result.ERROR, what, report, _where(line, file), why, GROUP))
    if found:
        return found
    if _well(reading):
        ended = ", and was stopped later" if reading.stage is Stage.STOPPED else ""
        return (Finding(READY, Result.OK, f"{_name(reading)} became ready{ended}", None, None, "", GROUP),)
    return (Finding(QUIET, Result.INFO, _quiet(reading), None, None, "", GROUP),)


def _well(reading: Reading) -> bool:
    return Stage.READY in reading.stages and reading.error is None


def _quiet(reading: Reading) -> str:
    if reading.lines == 0:
        return "the log is empty"
    if reading.stage is None:
        return "no failure that is known, and no line that a start of a known server writes"
    return f"no failure that is known; the last that was seen: {reading.stage}"


def _name(reading: Reading) -> str:
    name = label(reading.kind) if reading.kind else "the server"
    return f"{name} {reading.version}" if reading.version else name


def _where(line: int, file: Path | None) -> Place | str:
    return Place(file, line) if file is not None else f"line {line}"
