"""A trial in the cloud, through the real client in its box: by TLS to Anthropic's name, with the environment's key."""

import contextlib
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands import eval_run
from claude_local_plugin.commands.eval_run import Asked
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.evaluation import trial
from claude_local_plugin.evaluation.relay import Relay
from claude_local_plugin.evaluation.scripted import ScriptedServer, Skill
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.world import World
from tests.client.conftest import Person
from tests.servers.conftest import TLS

pytestmark = pytest.mark.client

SMOKE = suite("smoke").tasks
KEY = "sk-ant-api03-of-somebody-0123456789"


@contextlib.contextmanager
def with_tls(port: int) -> Iterator[int]:
    """A port that takes TLS off and goes on to another one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    near = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def carry(raw: socket.socket) -> None:
        with (
            raw,
            contextlib.suppress(OSError),  # either side hangs up whenever it has heard enough
            context.wrap_socket(raw, server_side=True) as outer,
            socket.create_connection(("127.0.0.1", port)) as inner,
        ):
            back = threading.Thread(target=pump, args=(inner, outer), daemon=True)
            back.start()
            pump(outer, inner)
            back.join()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            raw, _ = near.accept()
            if over.is_set():
                raw.close()
                return
            threading.Thread(target=carry, args=(raw,), daemon=True).start()

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    there = near.getsockname()
    try:
        yield there[1]
    finally:
        over.set()
        socket.create_connection(there).close()  # which wakes it up
        serving.join()
        near.close()


def test_a_trial_reaches_anthropics_name_through_the_only_way_out(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    try:
        trial.possible()
    except ClaudeLocalError as none:
        if os.environ.get("CI"):
            raise
        pytest.skip(none.message)
    environ = {**person.environ, "ANTHROPIC_API_KEY": KEY}
    world = World(
        cwd=person.project,
        home=person.home,
        environ=environ,
        state_dir=tmp_path / "state",
        python=sys.executable,
    )
    asked = Asked(cloud=True, model="claude-sonnet-5-5", cost_limit=0.01, pattern="price-with-discount")
    prepared = eval_run.prepare(asked, world)
    start = replace(prepared.start, environ={**prepared.start.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0"})
    with ScriptedServer(Skill("claude-sonnet-5-5", 1.0), SMOKE) as server, with_tls(server.port) as port:
        wanted: list[tuple[str, int]] = []

        class Elsewhere(Relay):
            """Goes to our server in the place of the cloud, and says where it was to go."""

            def __init__(self, listener: socket.socket, host: str, there: int) -> None:
                wanted.append((host, there))
                super().__init__(listener, "127.0.0.1", port)

        monkeypatch.setattr(trial, "Relay", Elsewhere)
        report = eval_run.execute(replace(prepared, start=start))
    (only,) = report.result.trials
    assert (only.passed, only.reason) == (True, "")
    assert wanted == [("api.anthropic.com", 443)]
    asked_there: list[Any] = server.messages
    assert {request.headers.get("x-api-key") for request in asked_there} == {KEY}
    assert only.cost is not None
    assert only.cost > 0
