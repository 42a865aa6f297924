"""The server goes down in the middle of a session of the real client: its very prompt goes on at the fallback."""

import json
from collections.abc import Iterator

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.client.conftest import Person
from tests.client.terminal import Terminal
from tests.client.test_live_sessions import recorded, urls
from tests.client.test_session_log import leave, say, trust

pytestmark = pytest.mark.client

READY = "forshortcuts|forautomode|automodeon"
MODEL = "qwen3-coder-next"


@pytest.fixture
def spare() -> Iterator[EmbeddedBackend]:
    with EmbeddedBackend(
        models=(Model(MODEL, 65_536), Model("other-model", 65_536)), api_key="key-of-spare"
    ) as backend:
        backend.reply = "elsewhere"
        yield backend


@pytest.fixture
def box() -> Iterator[EmbeddedBackend]:
    with EmbeddedBackend(models=(Model(MODEL, 65_536),), api_key="key-of-box") as backend:
        yield backend


@pytest.fixture
def enabled(person: Person, box: EmbeddedBackend, spare: EmbeddedBackend) -> Person:
    """A trusted folder, enabled with the profile box, whose fallback is spare; each has a key of its own."""
    trust(person)
    login = {"accessToken": "sk-ant-oat01-dummy", "refreshToken": "sk-ant-ort01-dummy", "expiresAt": 4_000_000_000_000}
    (person.home / ".claude").mkdir(exist_ok=True)
    saved = {"claudeAiOauth": {**login, "scopes": ["user:inference"], "subscriptionType": "max"}}
    (person.home / ".claude" / ".credentials.json").write_text(json.dumps(saved))
    person.shell |= {"BOX_KEY": "key-of-box", "SPARE_KEY": "key-of-spare"}
    person.ours("profile", "add", "spare", "--url", spare.url, "--model", MODEL, "--token-env", "SPARE_KEY")
    person.ours("profile", "add", "box", "--url", box.url, "--token-env", "BOX_KEY")
    person.ours("profile", "edit", "box", "fallback=spare")
    person.ours("config", "set", "recheck_after_s", "0")
    person.ours("enable", "box", "--yes")
    return person


def session(person: Person) -> Terminal:
    return Terminal([str(person.claude)], cwd=person.project, environ=person.environ)


def keys(backend: EmbeddedBackend) -> set[str | None]:
    """With which credentials its model was asked."""
    return {
        value
        for request in backend.messages
        for name, value in request.headers.items()
        if name.lower() in ("authorization", "x-api-key")
    }


def test_the_very_prompt_goes_on_at_the_fallback_and_the_next_session_goes_back(
    enabled: Person, box: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    with session(enabled) as terminal:
        terminal.wait_for(READY)
        terminal.settle()
        say(terminal, "ping", "pong")
        box.stop()
        say(terminal, "and now?", "elsewhere")
        assert "boxrefusesconnections" in terminal.text.replace(f"({box.url.partition('//')[2]})", "")
        assert "goestoitsfallbackspare" in terminal.text
        say(terminal, "once more", "elsewhere")
        leave(terminal)
    assert keys(box) == {"Bearer key-of-box"}
    assert keys(spare) == {"Bearer key-of-spare"}
    first = str(spare.messages[0].body)
    assert "ping" in first
    assert "pong" in first
    assert "and now?" in first
    found = recorded(enabled)
    assert urls(found) == [(box.url, 1), (spare.url, 2)]
    assert [span["cause"] for span in found["spans"]] == ["start", "fallback"]
    assert found["blocked"] == 0

    box.start()
    asked = len(spare.messages)
    with session(enabled) as terminal:
        terminal.wait_for("boxanswersagain:backfromthefallbackspare")
        terminal.wait_for(READY)
        terminal.settle()
        say(terminal, "ping", "pong")
        leave(terminal)
    assert len(spare.messages) == asked
    assert keys(box) == {"Bearer key-of-box"}


def test_neither_a_protected_project_nor_another_model_is_moved(
    enabled: Person, box: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    before = enabled.local_settings.read_text()
    enabled.ours("profile", "edit", "spare", "model=other-model")
    with session(enabled) as terminal:
        terminal.wait_for(READY)
        terminal.settle()
        say(terminal, "ping", "pong")
        box.stop()
        say(terminal, "and now?", "Nofallbackistaken:spare:isusedwithanothermodel,other-model")
        enabled.ours("profile", "edit", "spare", f"model={MODEL}")
        enabled.ours("config", "set", "--project", str(enabled.project), "protect", "true")
        enabled.ours("config", "set", "--project", str(enabled.project), "allowed_backends", box.url)
        say(terminal, "", "isprotected,and.*isnotonitslist")  # a blocked prompt stands in the line again
    assert enabled.local_settings.read_text() == before
    assert not spare.messages
