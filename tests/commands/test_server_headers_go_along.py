"""A server that wants a header of its own gets it from every command that asks it, and from no session elsewhere."""

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.commands.place import Place

PASS = "let-me-in-1234567890"


def carried(server: EmbeddedBackend) -> set[str | None]:
    return {request.headers.get("x-gateway-pass") for request in server.requests}


@pytest.mark.parametrize(
    "words",
    [
        ("doctor",),
        ("doctor", "--deep"),
        ("warmup",),
        ("bench", "--concurrency", "1", "--turns", "1", "--prompt-tokens", "500"),
        ("enable", "--yes"),
    ],
    ids=" ".join,
)
def test_the_header_goes_along_with_every_request(
    place: Place, server: EmbeddedBackend, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_PASS", PASS)
    place.ok("enable", "--url", server.url, "--header-env", "X-Gateway-Pass=GATEWAY_PASS", "--yes")
    assert carried(server) == {PASS}
    server.clear()
    ended = place.run(*words)
    assert server.requests, ended.all
    assert carried(server) == {PASS}
    assert PASS not in ended.all


def test_the_header_goes_to_no_other_server(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_PASS", PASS)
    place.ok("enable", "--url", server.url, "--header-env", "X-Gateway-Pass=GATEWAY_PASS", "--yes")
    with EmbeddedBackend() as other:
        place.run("doctor", "--url", other.url)
        place.run("warmup", "--url", other.url)
        assert other.requests
        assert carried(other) == {None}
