"""Folders that a person adds to a running session, at a terminal: what a protected one means for its next prompt."""

import json

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.client.conftest import Person
from tests.client.terminal import DOWN, ENTER, Terminal

pytestmark = pytest.mark.client


def test_a_protected_folder_added_while_a_session_runs_stops_its_next_prompt(
    person: Person, server: EmbeddedBackend
) -> None:
    client = person.home / "client-a"
    client.mkdir()
    person.ours("enable", "--url", server.url, "--yes")
    person.ours("config", "set", "--project", str(client), "protect", "true")
    person.ours("config", "set", "--project", str(client), "allowed_backends", "http://box:8000")
    trusted = {"hasCompletedOnboarding": True, "projects": {str(person.project): {"hasTrustDialogAccepted": True}}}
    (person.home / ".claude.json").write_text(json.dumps(trusted))
    with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:
        terminal.wait_for("forshortcuts|forautomode|automodeon")
        terminal.settle()
        terminal.type(f"/add-dir {client}")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("Yes,additEnter")  # 2.1.332 has "No" as its default
        terminal.settle()
        terminal.type(DOWN)
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("1.Yes,forthissession")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("wasaddedtothissessionandisprotected")
        terminal.settle()
        server.clear()
        terminal.forget()
        terminal.type("ping")
        terminal.settle()
        terminal.type(ENTER)
        terminal.wait_for("wasaddedtothissessionandisprotected")
    assert server.messages == []
    (session,) = person.json("sessions", "list")["sessions"]
    shown = person.json("sessions", "show", session["session_id"])
    assert [each["detail"] for each in shown["events"] if each["event"] == "DirectoryAdded"] == [str(client)]
