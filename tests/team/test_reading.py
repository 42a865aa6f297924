"""A team's log is read: by machine and by person, in every command that reads a log, and by those who may."""

import csv
import io
import re
from pathlib import Path

import pytest

from claude_local_plugin.team import postgres, setup
from claude_local_plugin.team.reading import spelled
from tests.commands.place import Place, flat
from tests.sessionlog.recording import ANTHROPIC, BOX, NAS, recording
from tests.team import telling
from tests.team.conftest import Team

pytestmark = pytest.mark.programs

DOCS = Path(__file__).parents[2] / "docs" / "team.md"


@pytest.fixture
def three(team: Team, tmp_path: Path) -> Team:
    """Ann's machine, Bob's, and one of nobody knows whom; Bob went to the cloud once."""
    with recording(tmp_path / "told") as log:
        log.session("aaaaaaaa", 0, host="box-1", project="/home/ann/shop")
        log.session("aaaabbbb", 60, host="box-1", project="/home/ann/shop/api", backend=NAS)
        log.session("bbbbaaaa", 120, host="box-2", project="/home/bob/work/shop", backend=ANTHROPIC, model="opus")
        log.session("bbbbbbbb", 180, host="box-2", project="/home/bob/work/shop")
        log.session("cccccccc", 240, host="box-3", project="/srv/other")
        log.event("dddddddd", 300, host="box-3", project="/srv/other")
        log.event("dddddddd", 301, "SessionEnd", host="box-3", project="/srv/other")
    people = {"box-1": "ann", "box-2": "bob", "box-3": None}
    for machine, person in people.items():
        team.writer(machine, person)
    telling.tell(team, tmp_path / "told", {machine: machine for machine in people})
    return team


def keys(place: Place, *options: str) -> dict[str, int]:
    return {group["key"]: group["sessions"] for group in place.json("sessions", "stats", *options)["groups"]}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("at >= :since AND at < :until", "at >= %(since)s AND at < %(until)s"),
        ("substr(at, 12, 5) >= '05:30'", "substr(at, 12, 5) >= '05:30'"),
        ("url IS endpoints.url", "url IS NOT DISTINCT FROM endpoints.url"),
        ("end_reason IS NOT 'killed'", "end_reason IS DISTINCT FROM 'killed'"),
        ("ended_at IS NULL OR project IS NOT NULL", "ended_at IS NULL OR project IS NOT NULL"),
        ("(+s.started_at < :until) AND a + s.b > 0", "(s.started_at < %(until)s) AND a + s.b > 0"),
        ("days CROSS JOIN hours ON hour >= start", "days JOIN hours ON hour >= start"),
        ("name LIKE '%x'", "name LIKE '%%x'"),
    ],
)
def test_what_postgresql_says_otherwise_is_said_so(ours: str, theirs: str) -> None:
    assert spelled(ours) == theirs


def test_sums_are_by_machine_and_by_person(place: Place, three: Team) -> None:
    url = three.reader()
    assert keys(place, "--by", "machine", "--from", url) == {"box-1": 2, "box-2": 2, "box-3": 1}
    assert keys(place, "--by", "person", "--from", url) == {"ann": 2, "bob": 2, "(unknown)": 1}
    # of some: not what was added up
    assert keys(place, "--by", "machine", "--backend", "cloud", "--from", url) == {"box-2": 1}
    assert keys(place, "--by", "person", "--project", "*/shop", "--from", url) == {"ann": 2, "bob": 2}
    assert keys(place, "--by", "project", "--person", "b*", "--from", url) == {"/home/bob/work/shop": 2}
    assert keys(place, "--machine", "box-3", "--from", url) == {BOX[1]: 1}
    assert keys(place, "--by", "person", "--person", "nobody", "--from", url) == {}
    shown = place.ok("sessions", "stats", "--by", "person", "--from", url).out.splitlines()
    assert [line.split()[:2] for line in shown[:2]] == [["person", "sessions"], ["ann", "2"]]


def test_this_machines_log_knows_its_machine_and_no_person(place: Place) -> None:
    with recording(place.state) as log:
        log.session("aaaaaaaa", 0, host="box-1")
        log.session("bbbbbbbb", 60, host="box-2")
    assert keys(place, "--by", "machine") == {"box-1": 1, "box-2": 1}
    assert keys(place, "--by", "day", "--machine", "box-[12]") == {}
    assert list(keys(place, "--by", "project", "--machine", "box*").values()) == [2]
    for options in (("--by", "person"), ("--person", "ann")):
        said = place.ends(2, "sessions", "stats", *options).err
        assert "does not tell people apart" in said
        assert "--from URL" in said


def test_a_list_and_a_session_say_whose_they_are(place: Place, three: Team) -> None:
    url = three.reader()
    sessions = place.json("sessions", "list", "--from", url)["sessions"]
    assert [(each["session_id"], each["person"], each["machine"]) for each in sessions] == [
        ("cccccccc", None, "box-3"),
        ("bbbbbbbb", "bob", "box-2"),
        ("bbbbaaaa", "bob", "box-2"),
        ("aaaabbbb", "ann", "box-1"),
        ("aaaaaaaa", "ann", "box-1"),
    ]
    assert len(place.json("sessions", "list", "--all", "--from", url)["sessions"]) == 6
    shown = place.ok("sessions", "list", "--from", url, "--utc").out.splitlines()
    assert shown[0].split()[-2:] == ["person", "machine"]
    assert [line.split()[-2:] for line in shown[1:3]] == [["-", "box-3"], ["bob", "box-2"]]
    shown = place.ok("sessions", "show", "bbbba", "--from", url).out
    assert re.search(r"^machine +box-2$", shown, re.M)
    assert re.search(r"^person +bob$", shown, re.M)
    assert place.json("sessions", "show", "last", "--from", url)["session_id"] == "cccccccc"
    assert len(place.json("sessions", "show", "bbbba", "--from", url)["events"]) == 3


def test_a_session_that_two_machines_tell_of_is_shown_by_neither(
    place: Place,
    team: Team,
    tmp_path: Path,
) -> None:
    with recording(tmp_path / "told") as log:
        log.session("aaaaaaaa", 0, host="box-1")
    for machine in ("box-1", "box-2"):
        team.writer(machine)
        telling.tell(team, tmp_path / "told", {"box-1": machine})
    said = place.ends(2, "sessions", "show", "aaaaaaaa", "--from", team.reader()).err
    assert "aaaaaaaa of box-1" in said
    assert "aaaaaaaa of box-2" in said


def test_an_export_has_machine_and_person_behind_the_columns_of_one_machine(
    place: Place,
    three: Team,
) -> None:
    def rows(*options: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(place.ok("sessions", "export", "--format", "csv", *options).out)))

    for options in ((), ("--spans",)):
        found = rows(*options, "--from", three.reader())
        assert [(row["session_id"], row["machine"], row["person"]) for row in found] == [
            ("aaaaaaaa", "box-1", "ann"),
            ("aaaabbbb", "box-1", "ann"),
            ("bbbbaaaa", "box-2", "bob"),
            ("bbbbbbbb", "box-2", "bob"),
            ("cccccccc", "box-3", ""),
        ]
    with recording(place.state) as log:
        log.session("aaaaaaaa")
    assert not {"machine", "person"} & set(rows()[0])


def test_the_report_has_sections_for_machines_and_people(
    place: Place,
    three: Team,
    tmp_path: Path,
) -> None:
    url = three.reader()
    data = place.json("report", "--since", "all", "--from", url)
    assert [(part["name"], part["sessions"], part["cloud"]["sessions"]) for part in data["machines"]] == [
        ("box-1", 2, 0),
        ("box-2", 2, 1),
        ("box-3", 1, 0),
    ]
    assert [part["name"] for part in data["people"]] == ["ann", "bob", "(unknown)"]
    page = place.ok("report", "--since", "all", "--output", "-", "--from", url).out
    for said in ('id="machines"', 'id="people"', "a team's session log", ">box-2<", ">bob<"):
        assert said in page.replace("&#x27;", "'")
    page = place.ok("report", "--since", "all", "--output", "-", "--machine", "box-3", "--from", url).out
    assert "Machine: box-3" in page
    assert 'id="machines"' not in page
    assert "box-2" not in page


def test_the_audit_finds_the_one_session_of_forty_machines_that_went_to_the_cloud(
    place: Place,
    team: Team,
    tmp_path: Path,
) -> None:
    machines = [f"box-{number:02}" for number in range(1, 41)]
    with recording(tmp_path / "told") as log:
        for number, machine in enumerate(machines):
            more = {"backend": ANTHROPIC, "model": "opus"} if machine == "box-17" else {}
            log.session(f"session-{machine}", number, host=machine, project=f"/p/client-{machine[-2:]}", **more)
        log.event("nothing-sent", 50, backend=ANTHROPIC, host="box-03", project="/p/client-03")
        log.event("nothing-sent", 51, "SessionEnd", backend=ANTHROPIC, host="box-03", project="/p/client-03")
    with postgres.opened(team.admin, {}) as connection:
        writers = [setup.Writer(machine, "ann" if machine == "box-17" else None) for machine in machines]
        setup.init(connection, team.admin, program="0", writers=writers, passwords=False)
    telling.tell(team, tmp_path / "told", {machine: machine for machine in machines})
    report = place.json("audit", "--from", team.reader(), "--allow", "local", code=1)
    assert (report["project"], report["sessions"], report["machines"]) == (None, 40, 40)
    (outside,) = report["outside"]
    assert (outside["session_id"], outside["machine"], outside["person"]) == ("session-box-17", "box-17", "ann")
    shown = place.ends(1, "audit", "--from", team.reader(), "--allow", "local")
    lines = shown.out.splitlines()
    assert lines[0] == "1 outside the list: 40 sessions of 40 machines checked; allowed: local"
    assert flat(lines[2]).endswith("session- cloud api.anthropic.com opus 1 /p/client-17 ann box-17")
    assert "their machine has not pushed" in flat(shown.err)
    asked = ("audit", "--from", team.reader(), "--allow", "local")
    assert place.json(*asked, "--machine", "box-0*")["sessions"] == 9
    assert place.json(*asked, "--project", "*/client-03")["sessions"] == 1
    assert not place.json(*asked, "--person", "ann", code=1)["passed"]


# --- people from the client's own telemetry

#: As the exporter makes it, with the columns that are asked for.
OTELLOGS = """
CREATE SCHEMA otel;
CREATE TABLE otel.otellogs ("Timestamp" timestamp NOT NULL, "ServiceName" text, "Body" text, "LogAttributes" jsonb);
GRANT USAGE ON SCHEMA otel TO claude_local_owner;
GRANT SELECT ON otel.otellogs TO claude_local_owner;
"""
RECORDS = """
INSERT INTO otel.otellogs VALUES
('2026-11-21 14:01', 'claude-code', 'claude_code.api_request',
    '{"event.name": "api_request", "session.id": "cccccccc", "user.email": "eve@example", "input_tokens": "60"}'),
('2026-11-21 14:02', 'claude-code', 'claude_code.api_request',
    '{"event.name": "api_request", "session.id": "cccccccc", "user.email": "eve@example", "input_tokens": "40"}'),
('2026-11-21 10:01', 'claude-code', 'claude_code.user_prompt',
    '{"event.name": "user_prompt", "session.id": "aaaaaaaa", "user.email": "mallory@example"}'),
('2026-11-21 10:01', 'claude-code', 'claude_code.user_prompt',
    '{"event.name": "user_prompt", "session.id": "bbbbbbbb"}')
"""


def documented(beginning: str) -> str:
    """The statements of docs/team.md that begin so."""
    blocks = re.findall(r"```sql\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    (found,) = [block for block in blocks if block.startswith(beginning)]
    return str(found)


@pytest.mark.parametrize("way", ["INSERT INTO claude_local.telemetry", "ALTER TABLE claude_local.telemetry"])
def test_a_person_is_taken_from_the_clients_telemetry_where_the_log_has_none(
    place: Place,
    three: Team,
    way: str,
) -> None:
    three.ask(OTELLOGS)
    three.ask(RECORDS)
    three.ask(documented(way))
    url = three.reader()
    before = place.json("sessions", "stats", "--by", "machine", "--from", url)["total"]
    # box-1's sessions are ann's, whatever a record says
    assert keys(place, "--by", "person", "--from", url) == {"ann": 2, "bob": 2, "eve@example": 1}
    assert place.json("sessions", "stats", "--by", "person", "--from", url)["total"] == before
    assert keys(place, "--by", "person", "--since", "2026-11-21", "--from", url) == {
        "ann": 2,
        "bob": 2,
        "eve@example": 1,
    }
    for wanted in ("eve@example", "eve@*"):
        listed = place.json("sessions", "list", "--person", wanted, "--from", url)["sessions"]
        assert [(each["session_id"], each["person"]) for each in listed] == [("cccccccc", "eve@example")]
        assert keys(place, "--by", "machine", "--person", wanted, "--from", url) == {"box-3": 1}
    assert keys(place, "--by", "machine", "--person", "eve_example", "--from", url) == {}
    assert [part["name"] for part in place.json("report", "--since", "all", "--from", url)["people"]][
        -1
    ] == "eve@example"
    # doing it again counts nobody twice
    if way.startswith("INSERT"):
        three.ask(documented(way))
        assert place.json("sessions", "stats", "--by", "person", "--from", url)["total"] == before


def test_what_both_know_of_a_session_stands_side_by_side(three: Team) -> None:
    three.ask(OTELLOGS)
    three.ask(RECORDS)
    assert three.ask(documented("SELECT s.session_id")) == [
        ("cccccccc", "box-3", BOX[1], "eve@example", 2, 100, 100),
    ]


# --- what does not go


def test_a_machine_can_write_and_reads_nothing(place: Place, three: Team) -> None:
    said = place.ends(1, "sessions", "stats", "--from", three.cluster.url(three.name, "box-1")).err
    assert "this role may not do that" in said


def test_what_is_no_teams_log_is_said_so(place: Place, empty_database: str) -> None:
    said = place.ends(1, "sessions", "list", "--from", empty_database).err
    assert "no team's log is there" in said
    assert "sessions team init" in said
    said = place.ends(2, "sessions", "list", "--from", "team.db").err
    assert "is no address of a team's database" in said


def test_a_team_that_nobody_has_told_anything_has_no_sessions(place: Place, team: Team) -> None:
    url = team.reader()
    assert "no machine of the team has pushed one" in place.ok("sessions", "stats", "--from", url).out
    assert place.json("sessions", "list", "--from", url) == {"sessions": []}
    assert place.json("report", "--from", url)["sessions"] == 0
    assert place.json("audit", "--from", url, "--allow", "local")["machines"] == 0
