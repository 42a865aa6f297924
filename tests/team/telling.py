"""Machines of a team's, each of which tells the team's database what its log has."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from claude_local_plugin.sessionlog import store
from claude_local_plugin.team import postgres, push
from claude_local_plugin.team.outgoing import Rules, batches
from tests.team.conftest import Team

#: Everything leaves as it is.
PLAIN = Rules(cwd="full")


def tell(team: Team, state: Path, machines: Mapping[str | None, str], rules: Rules = PLAIN) -> None:
    """What the log in that folder has is told, each session by the machine that its host is here; those are writers."""
    with closing(store.connect(str(state))) as log:
        told = list(batches(log, 0, rules))
    for host, machine in machines.items():
        with postgres.opened(team.cluster.url(team.name, machine), {}) as connection:
            for batch in told:
                theirs = tuple(row for row in batch.sessions if row.session["host"] == host)
                taken = push.push(connection, replace(batch, sessions=theirs).as_json())
                assert (taken.sessions, taken.refused) == (len(theirs), 0), taken


def forget(team: Team) -> None:
    """Takes out all that was told, and leaves the machines and people."""
    tables = "sessions, spans, events, sums, sums_by_hour, looks_by_hour, logs, endpoints, models, projects, telemetry"
    team.ask(f"TRUNCATE {tables}")
