"""The log of a machine and that of a team answer the same questions alike, where they have the same data."""

from collections.abc import Iterator
from dataclasses import replace as changed
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from claude_local_plugin.core.frozen import replace
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.sessionlog.export import table
from claude_local_plugin.sessionlog.queries.audit import outside, without_way
from claude_local_plugin.sessionlog.queries.filters import PATTERN, State, Where, spelled
from claude_local_plugin.sessionlog.queries.report_data import ReportData, collect
from claude_local_plugin.sessionlog.queries.usage import By, Summary, usage
from claude_local_plugin.team.reading import Team as Shared
from tests.postgres import Cluster, new_database
from tests.sessionlog.recording import ANTHROPIC, BEDROCK, BOX, NAS, at, recording
from tests.team import telling
from tests.team.conftest import Team

if TYPE_CHECKING:
    from claude_local_plugin.sessionlog.queries.log import Source

pytestmark = pytest.mark.programs

MACHINES = ("box-a", "box-b", "box-c")
#: Nobody is known to be at the third.
PEOPLE = {"box-a": "ann", "box-b": "bob"}
BACKENDS = (BOX, NAS, ANTHROPIC, BEDROCK, ("unknown", BOX[1]), ("unknown", None))
MODELS = (None, "qwen3", "gpt-oss", "opus")
PROJECTS = (None, "/home/dev/shop", "/home/dev/shop/api", "/home/eve/shopping")
VIAS = (None, None, "http://proxy:3128", "")
NOW = datetime(2026, 12, 20, tzinfo=UTC)

moves = st.tuples(
    st.sampled_from(["s1", "s2", "s3", "s4", "s5"]),
    st.sampled_from(
        ["start", "prompt", "blocked", "moved", "switch", "answer", "side", "error", "turn", "end", "gone", "resumed"]
    ),
    st.sampled_from(BACKENDS),
    st.sampled_from(MODELS),
    st.sampled_from(VIAS),
    st.integers(1, 700),
)
wheres = st.builds(
    Where,
    since=st.none() | st.integers(0, 9000).map(at),
    until=st.none() | st.integers(0, 9000).map(at),
    projects=st.sampled_from([(), (), ("/home/dev/shop",), ("/home/dev",), (f"{PATTERN}*/shop*",), ("/nowhere",)]),
    backend=st.sampled_from([None, None, "cloud", "local", "box:8000", "vllm", "http://box:8000/", "nowhere"]),
    model=st.sampled_from([None, None, "qwen", "*oss", "opus"]),
    state=st.sampled_from([None, None, *State]),
    sent=st.booleans(),
    machine=st.sampled_from([None, None, "box-a", "box-*", "nowhere"]),
)
#: What is asked with each: dimensions, and the zone whose days count.
groupings = st.lists(st.sampled_from([by for by in By if by is not By.PERSON]), unique=True, max_size=3).map(tuple)
zones = st.sampled_from([UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns"), ZoneInfo("Europe/Berlin")])


@pytest.fixture(scope="module")
def machines(postgres: Cluster, template: str) -> Iterator[Team]:
    """A team's database with these machines, for all that is tried here one after the other."""
    team = Team(postgres, new_database(postgres, template))
    for machine in MACHINES:
        team.writer(machine, PEOPLE.get(machine))
    team.reader()
    yield team
    postgres.ask(f"DROP DATABASE {team.name} WITH (FORCE)")


def record(state: Path, script: list[Any]) -> None:
    """A log of these moves, one after the other."""
    names = {"prompt": "UserPromptSubmit", "blocked": "UserPromptSubmit", "moved": "ConfigChange", "turn": "Stop",
             "switch": "PostModelSwitch", "end": "SessionEnd", "gone": "SessionEnd"}  # fmt: skip
    causes = {"gone": "killed", "resumed": "resume"}
    with recording(state) as log:
        minutes, begun = 0, set[str]()
        for session, move, backend, model, via, later in script:
            minutes += later
            number = int(session[1]) - 1
            if move in ("answer", "side", "error") and session in begun:
                error = "server_error" if move == "error" else None
                tokens = (later, later * 2, later * 3, 1)
                log.answers(session, minutes - 2 * later, model, tokens, side=move == "side", error=error)
                continue
            looked = {} if via else {"outcome": "ok" if later % 3 else "refused", "latency_ms": later / 7}
            log.event(
                session, minutes, names.get(move, "SessionStart"), backend, model=model, via=via,
                project=PROJECTS[number % len(PROJECTS)], cwd=PROJECTS[number % len(PROJECTS)],
                host=MACHINES[number % len(MACHINES)], cause=causes.get(move, "other"),
                model_is_certain=move == "switch" and model is not None, blocked=move in ("blocked", "moved"), **looked,
            )  # fmt: skip
            begun.add(session)


def answers(source: "Source", where: Where, by: tuple[By, ...], zone: Any) -> dict[str, Any]:
    """What is known to the questions, by its name. What a team's log alone knows is left out."""
    sessions = queries.sessions(source, where=where)
    allows = partial(_allows, ("box", "bedrock"))
    return {
        "stats": _numbers(usage(source, by, where, zone=zone)),
        "all of it": _numbers(usage(source, by, zone=zone)),
        "list": [_of_one(session) for session in sessions],
        "three": [_of_one(session) for session in queries.sessions(source, 3, where)],
        "show": [queries.events(source, session) for session in sessions],
        "begins with s": [session.session_id for session in queries.matching(source, "s")],
        "is on record": queries.is_on_record(source, where.projects),
        "report": _of_report(collect(source, where, now=NOW, zone=zone)),
        "everything": _of_report(collect(source, Where(), now=NOW, zone=zone)),
        "audit": sorted(map(repr, (_stretch(each) for each in outside(source, allows, where)))),
        "without way": without_way(source, where),
        "export": _rows(source, where, spans=False),
        "spans": _rows(source, where, spans=True),
    }


def _allows(names: tuple[str, ...], project: str | None, kind: str, url: str | None, via: str | None) -> bool:
    return (not via and (project or "").endswith("api")) or any(name in (url or kind) for name in names)


def _numbers(found: Summary) -> tuple[Any, ...]:
    """Days in order, other groups as a set: what is as busy has no order."""
    return sorted(found.groups, key=lambda group: group.key), found.total


def _of_one(session: queries.Session) -> queries.Session:
    return replace(session, machine=None, person=None)


def _stretch(stretch: Any) -> Any:
    return changed(stretch, machine=None, person=None)


def _of_report(data: ReportData) -> ReportData:
    return changed(data, last=tuple(map(_of_one, data.last)), machines=(), people=())


def _rows(source: "Source", where: Where, *, spans: bool) -> list[str]:
    """Whatever order the sessions came in, with the columns that both have."""
    count = len(table.SPANS if spans else table.SESSIONS)
    return sorted(repr(row[:count]) for row in table.rows(source, where, spans=spans))


# what fails is shown as it came: to make it smaller would take minutes
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    script=st.lists(moves, min_size=1, max_size=40),
    asked=st.lists(st.tuples(wheres, groupings, zones), min_size=3, max_size=3),
)
def test_both_answer_alike(machines: Team, script: list[Any], asked: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        state = Path(folder)
        record(state, script)
        telling.forget(machines)
        telling.tell(machines, state, {machine: machine for machine in MACHINES})
        shared = Shared(machines.cluster.url(machines.name, "lead"), {})
        for where, by, zone in asked:
            ours, theirs = answers(state, where, by, zone), answers(shared, where, by, zone)
            for question, answer in ours.items():
                assert theirs[question] == answer, question
            assert_parts_agree(shared, where, zone)


def assert_parts_agree(shared: Shared, asked: Where, zone: Any) -> None:
    """Machines and people of the report are those of stats over the same time."""
    data = collect(shared, asked, now=NOW, zone=zone)
    where = Where(spelled(data.since), spelled(data.until), asked.projects, machine=asked.machine, person=asked.person)
    for parts, by in ((data.machines, By.MACHINE), (data.people, By.PERSON)):
        groups = usage(shared, (by,), where, zone=zone).groups
        assert sorted((part.name, part.sessions, part.own, part.cloud) for part in parts) == sorted(
            (*group.key, group.sessions, group.own, group.cloud) for group in groups
        )


def test_reports_of_a_time_agree_where_the_team_adds_up_whole_hours(machines: Team, tmp_path: Path) -> None:
    """Sessions that rest for hours, come back to a server and change it: in each window another span is their first."""
    moves, backends = ("resumed", "prompt", "end"), BACKENDS[:4]
    script = [
        (f"s{1 + number * 3 % 5}", moves[number % 3], backends[number // 7 % 4], None, None, 20) for number in range(90)
    ]
    record(tmp_path, script)
    telling.forget(machines)
    telling.tell(machines, tmp_path, {machine: machine for machine in MACHINES})
    shared = Shared(machines.cluster.url(machines.name, "lead"), {})
    last = sum(minutes for *_, minutes in script)
    moved = 0
    for since in range(0, last, 110):
        for where in (Where(at(since)), Where(at(since), at(since + 45)), Where(at(since), at(since + 400))):
            ours, theirs = (_of_report(collect(log, where, now=NOW, zone=UTC)) for log in (tmp_path, shared))
            assert theirs == ours, where
            moved += ours.sessions
    assert moved > 100, "there is next to nothing in these windows"
