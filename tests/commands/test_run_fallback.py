"""`claude-local run PROFILE` where its server is down: the first of its fallback that is ready, said aloud."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from tests.commands.place import MODEL, Ended, Place

pytestmark = pytest.mark.process

#: Prints where it is sent and with what.
SHOW = "import json, os; print(json.dumps([os.environ.get('ANTHROPIC_' + n) for n in ('BASE_URL', 'AUTH_TOKEN')]))"
COMMAND = ("--", sys.executable, "-c", SHOW)


@pytest.fixture
def spare() -> Iterator[EmbeddedBackend]:
    with EmbeddedBackend(models=(Model(MODEL, 65_536),), api_key="key-of-spare") as backend:
        yield backend


@pytest.fixture
def box(place: Place, server: EmbeddedBackend, spare: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The profiles box, whose fallback is spare, and spare with its key."""
    monkeypatch.setenv("SPARE_KEY", "key-of-spare")
    place.ok("profile", "add", "spare", "--url", spare.url, "--token-env", "SPARE_KEY")
    place.ok("profile", "add", "box", "--url", server.url)
    place.ok("profile", "edit", "box", "fallback=spare")
    return place


def run(place: Place, *arguments: str, code: int = 0) -> Ended:
    """`claude-local run`, whose program writes to the same standard output as a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "claude_local_plugin", "run", *arguments],
        cwd=place.project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_the_first_is_taken_while_it_answers(box: Place, server: EmbeddedBackend, spare: EmbeddedBackend) -> None:
    ended = run(box, "box", *COMMAND)
    assert json.loads(ended.out) == [server.url, "claude-local"]
    assert "fallback" not in ended.err
    assert not spare.requests


def test_the_second_is_taken_with_its_own_key_and_that_is_said(
    box: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    server.stop()
    ended = run(box, "box", *COMMAND)
    assert json.loads(ended.out) == [spare.url, "key-of-spare"]
    assert f"local, once: spare, {spare.url.partition('//')[2]} as {MODEL}" in ended.err
    assert f"! box: {server.url} refuses connections" in ended.err.replace("connection refused", "refuses connections")
    assert "! so this run takes spare, the next of box's fallback" in ended.err


def test_a_key_named_for_the_first_does_not_go_to_the_second(
    box: Place, server: EmbeddedBackend, spare: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", "key-of-box")
    server.stop()
    assert json.loads(run(box, "box", "--token-env", "BOX_KEY", *COMMAND).out) == [spare.url, "key-of-spare"]
    assert not any("key-of-box" in str(request.headers) for request in spare.requests)


def test_without_one_that_is_ready_it_says_of_each_why(
    box: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    server.stop()
    spare.stop()
    ended = run(box, "box", *COMMAND, code=1)
    assert ended.err.startswith("error: neither box nor its fallback is ready: box: ")
    assert f"; spare: {spare.url} " in ended.err
    assert not ended.out


def test_the_cloud_is_taken_only_where_it_is_named(
    box: Place, server: EmbeddedBackend, spare: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-of-mine")
    server.stop()
    spare.stop()
    run(box, "box", *COMMAND, code=1)
    box.ok("profile", "edit", "box", "fallback=spare,cloud")
    ended = run(box, "box", *COMMAND)
    assert json.loads(ended.out)[0] in (None, "", "https://api.anthropic.com")
    assert "! so this run takes the cloud, the next of box's fallback" in ended.err


def test_a_name_that_is_none_is_an_error_though_the_first_answers(box: Place) -> None:
    config = box.home / ".config" / "claude-local" / "config.toml"
    config.write_text(config.read_text().replace('fallback = ["spare"]', 'fallback = ["gone"]'))
    assert '"gone"' in config.read_text()
    ended = run(box, "box", *COMMAND, code=1)
    assert "gone" in ended.err
    assert "names gone" in ended.err
    assert "no such profile" in ended.err


def test_a_protected_project_passes_over_what_is_not_on_its_list(
    box: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    box.ok("config", "set", "--project", str(box.project), "protect", "true")
    box.ok("config", "set", "--project", str(box.project), "allowed_backends", server.url)
    server.stop()
    ended = run(box, "box", *COMMAND, code=1)
    assert f"is protected and may use {server.url}, but sessions there are on {spare.url}" in ended.err
    with EmbeddedBackend(models=(Model(MODEL, 65_536),)) as third:
        box.ok("profile", "add", "third", "--url", third.url)
        box.ok("profile", "edit", "box", "fallback=spare,third")
        box.ok("config", "set", "--project", str(box.project), "allowed_backends", server.url, third.url)
        assert json.loads(run(box, "box", *COMMAND).out)[0] == third.url
        assert not spare.messages


def test_a_protected_project_refuses_the_cloud_for_once_as_it_does_a_profile(
    box: Place, server: EmbeddedBackend, spare: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-of-mine")
    box.ok("config", "set", "--project", str(box.project), "protect", "true")
    box.ok("config", "set", "--project", str(box.project), "allowed_backends", server.url)
    for words in (("--cloud",), ("spare",)):
        ended = run(box, *words, *COMMAND, code=1)
        assert f"is protected and may use {server.url}" in ended.err
        assert "nothing was started" in ended.err
    box.ok("config", "set", "--project", str(box.project), "allowed_backends", server.url, "cloud")
    run(box, "--cloud", *COMMAND)
