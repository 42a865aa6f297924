"""The cases of what is printed about a team's database: see `printed_cases`, which takes them in."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

from tests.commands.house import House
from tests.commands.lan import Typed
from tests.commands.printed_cases import NEWER, Case, case, not_run, recorded_session, steps
from tests.postgres import new_database, shared

#: By its socket: there is no other network in a house.
FIRST: dict[int, str] = {}


def empty(house: House) -> None:
    """A database with nothing in it, for this house."""
    FIRST[id(house)] = new_database(shared())


def database(house: House, role: str = "postgres") -> str:
    return shared().socket_url(FIRST[id(house)], role)


def made(*options: str) -> Callable[[House], None]:
    """The same with a team's log in it."""

    def build(house: House) -> None:
        empty(house)
        house.ok("sessions", "team", "init", database(house), "--no-passwords", *options)

    return build


def init(house: House, *options: str) -> Typed:
    return house.call("sessions", "team", "init", database(house), "--no-passwords", *options)


def asked(question: str, expected: Sequence[tuple[object, ...]]) -> Callable[[House, Case, Typed], None]:
    """That this is then so in the database."""

    def after(house: House, _: Case, __: Typed) -> None:
        assert shared().ask(question, FIRST[id(house)]) == list(expected)

    return after


MACHINES = "SELECT name FROM claude_local.machines"

case(
    "team: no log there",
    "team.postgres:check claude-local sessions team init …",
    empty,
    lambda house: house.call("sessions", "team", "status", "--from", database(house)),
    asked("SELECT version FROM claude_local.versions", [(1,)]),
)


def stranger(house: House) -> None:
    """A database with nothing in it, and a role that may do nothing there."""
    empty(house)
    shared().ask("DROP ROLE IF EXISTS stranger")
    shared().ask("CREATE ROLE stranger LOGIN")


case(
    "team: no log there, says a machine whose role may not make one",
    "team.postgres:check claude-local sessions team init …",
    steps(stranger, recorded_session),
    lambda house: house.call("sessions", "push", "--to", database(house, "stranger")),
    asked("SELECT version FROM claude_local.versions", [(1,)]),
)
case(
    "team: what to do after init",
    "cli.sessions_team:_show_made claude-local sessions team init … --writer MACHINE",
    empty,
    init,
    asked(MACHINES, [("box1",)]),
    fill={"MACHINE": "box1", "NAME": "lead"},
)


def keeps(house: House, _: Case, __: Typed) -> None:
    assert house.call("config", "get", "log.push").out.strip() == database(house, "box1")


case(
    "team: where a machine pushes to",
    "cli.sessions_team:_show_made claude-local config set log.push …",
    empty,
    lambda house: init(house, "--writer", "box1"),
    keeps,
)
case(
    "team: a machine's first push",
    "cli.sessions_team:_show_made claude-local sessions push --to …",
    steps(empty, recorded_session),
    lambda house: init(house, "--writer", "box1"),
    asked("SELECT name, heard_at IS NOT NULL FROM claude_local.machines", [("box1", True)]),
)
case(
    "team: no machine yet",
    "cli.sessions_team:status claude-local sessions team init … --writer MACHINE",
    made("--reader", "lead"),
    lambda house: house.call("sessions", "team", "status", "--from", database(house, "lead")),
    asked(MACHINES, [("box1",)]),
    fill={"MACHINE": "box1"},
)


def without_marks(house: House) -> str:
    """The database in the place of a placeholder, where nothing is quoted."""
    return f"postgresql://postgres@{quote(str(shared().folder), safe='')}:{shared().port}/{FIRST[id(house)]}"


case(
    "team: a role that may not write",
    "team.complaints:_roles claude-local sessions team init URL --writer NAME",
    steps(made("--reader", "lead"), recorded_session),
    lambda house: house.call("sessions", "push", "--to", database(house, "lead")),
    asked(MACHINES, [("box1",)]),
    fill=lambda house: {"URL": without_marks(house), "NAME": "box1"},
)


def unsent(house: House) -> None:
    """A session is on record that could not be sent: the team's log was made since, and nobody tries again at once."""
    empty(house)
    recorded_session(house)
    house.ok("config", "set", "log.push", database(house, "box1"))
    assert house.call("sessions", "push").code == 1
    house.ok("sessions", "team", "init", database(house), "--no-passwords", "--writer", "box1")


case(
    "team: what was not sent yet stays",
    "cli.sessions:prune claude-local sessions push",
    unsent,
    lambda house: house.call("sessions", "prune", "--older-than", "0s", "--yes"),
    asked("SELECT count(*) FROM claude_local.sessions", [(1,)]),
)


def newer_schema(house: House) -> None:
    made("--writer", "box1")(house)
    recorded_session(house)
    shared().ask("INSERT INTO claude_local.versions (version, oldest, program) VALUES (99, 99, '9')", FIRST[id(house)])


not_run(
    "team: a newer claude-local made the schema",
    "installs a package",
    NEWER,
    newer_schema,
    lambda house: house.call("sessions", "push", "--to", database(house, "box1")),
)
