"""`claude-local warmup`."""

from claude_local_plugin.commands.server_in_use import InUse
from claude_local_plugin.commands.warmup import keep_warm, warm
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.servers import identify
from tests.commands.place import MODEL, Place


def used(server: EmbeddedBackend) -> InUse:
    return InUse(identify(server.url), MODEL, None, of_folder=False)


def test_one_small_streamed_message_is_sent(enabled: Place, server: EmbeddedBackend) -> None:
    assert "is warm" in enabled.ok("warmup").out
    (request,) = server.messages
    assert (request.body["stream"], request.body["max_tokens"], request.body["model"]) == (True, 8, MODEL)


def test_a_program_gets_the_times(enabled: Place) -> None:
    report = enabled.json("warmup")
    assert report["ok"] is True
    assert report["ttft"] <= report["seconds"]


def test_a_server_that_fails_is_said_and_ends_with_one(enabled: Place, server: EmbeddedBackend) -> None:
    server.answer(500, path="/v1/messages")
    assert "did not answer: Internal Server Error" in enabled.ends(1, "warmup").err


def test_keep_alive_pings_until_the_time_is_over(server: EmbeddedBackend) -> None:
    slept: list[float] = []
    told: list[bool] = []
    count = keep_warm(used(server), 10, timeout=20, told=lambda r: told.append(r["ok"]), sleep=slept.append)
    assert count == len(told) == len(slept) == len(server.messages) == 3
    assert slept[:2] == [240.0, 240.0]
    assert sum(slept) <= 600


def test_keep_alive_gives_up_on_a_server_that_is_gone(server: EmbeddedBackend) -> None:
    target = used(server)
    server.stop()
    slept: list[float] = []
    assert keep_warm(target, 1440, timeout=5, told=lambda _: None, sleep=slept.append) == 0
    assert len(slept) == 3


def test_a_short_keep_alive_is_kept_on_the_command_line(enabled: Place, server: EmbeddedBackend) -> None:
    enabled.ok("warmup", "--keep-alive", "0.001")
    assert len(server.messages) == 2


def test_a_ping_is_bounded_in_time(server: EmbeddedBackend) -> None:
    server.delay = 30
    assert warm(used(server), timeout=0.3)["ok"] is False
