"""A fresh machine without a network: what the real Claude Code asks on a terminal, and that it asks nothing."""

import os
from pathlib import Path

import pytest

from claude_local_plugin.conformance import BoxError
from claude_local_plugin.conformance.proof import PROJECT, SERVER_URL, Asked, Setting, prove
from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.client.conftest import Person

pytestmark = pytest.mark.client


def started(person: Person, server: EmbeddedBackend, patience: float = 40.0) -> Asked:
    """An interactive session with the files that were written here, where there is no network."""

    def texts(folder: Path, *names: str) -> dict[str, str]:
        found = {name: (folder / name).read_text() for name in names if (folder / name).exists()}
        return {
            name: text.replace(str(person.project), PROJECT).replace(server.url, SERVER_URL)
            for name, text in found.items()
        }

    setting = Setting(
        home=texts(person.home, ".claude.json", ".claude/settings.json"),
        project=texts(person.project, ".claude/settings.local.json"),
    )
    try:
        found = prove(person.claude, setting, watched=5.0, patience=patience)
    except BoxError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces here: {error}")
    return found.sessions[1]


@pytest.mark.parametrize("scope", ["local", "user"])
def test_a_first_start_asks_nothing_and_needs_no_network(person: Person, server: EmbeddedBackend, scope: str) -> None:
    person.ours("enable", "--url", server.url, "--yes", "--first-run", "--scope", scope, "--privacy", "airgap")
    found = started(person, server)
    assert (found.answered, found.names, found.said) == (True, (), "")
    person.ours("disable", "--yes")
    assert not (person.home / ".claude.json").exists()


def test_without_it_a_first_start_waits_for_answers(person: Person, server: EmbeddedBackend) -> None:
    person.ours("enable", "--url", server.url, "--yes")
    assert not started(person, server, patience=16.0).answered
