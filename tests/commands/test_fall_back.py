"""A person's session whose server is down goes on at its profile's fallback, and the next one goes back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands.fall_back import Asked, Moved, fall_back
from claude_local_plugin.core.registration import FALLEN_NOTE
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.sessionlog import queries
from tests.commands.place import MODEL, Place

pytestmark = pytest.mark.process

SESSION = "0650edc7-ba14-4866-99b7-d2e2c033382f"
FAR = 1e12


@pytest.fixture
def spare() -> Iterator[EmbeddedBackend]:
    """A second server of the same model, which wants a key."""
    with EmbeddedBackend(models=(Model(MODEL, 65_536), Model("another", 65_536)), api_key="key-of-spare") as backend:
        yield backend


@pytest.fixture
def both(place: Place, server: EmbeddedBackend, spare: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder enabled with the profile box, whose fallback is spare; the key of spare is in a variable."""
    monkeypatch.setenv("SPARE_KEY", "key-of-spare")
    place.ok("profile", "add", "spare", "--url", spare.url, "--model", MODEL, "--token-env", "SPARE_KEY")
    place.ok("profile", "add", "box", "--url", server.url)
    place.ok("profile", "edit", "box", "fallback=spare")
    place.ok("enable", "box", "--yes")
    return place


def hook(place: Place, name: str, *, entrypoint: str = "cli", pid: int | None = None, **event: Any) -> dict[str, str]:
    """What our hook says to an event, started as the settings say, its environment being a session's."""
    settings = json.loads(place.local.read_text())
    (group,) = settings["hooks"][name]
    (handler,) = group["hooks"]
    environ = {
        **os.environ,
        **settings["env"],
        "CLAUDE_PROJECT_DIR": str(place.project),
        "CLAUDE_CODE_ENTRYPOINT": entrypoint,
        "CLAUDE_PID": str(pid or os.getpid()),
    }
    said = {"session_id": SESSION, "cwd": str(place.project), "hook_event_name": name, **event}
    ended = subprocess.run(
        [handler["command"], *handler["args"]],
        cwd=place.project,
        env=environ,
        input=json.dumps(said).encode(),
        capture_output=True,
        check=True,
    )
    return json.loads(ended.stdout) if ended.stdout else {}


def start(place: Place, **more: Any) -> str:
    return hook(place, "SessionStart", source="startup", **more).get("systemMessage", "")


def prompt(place: Place, number: int, **more: Any) -> dict[str, str]:
    return hook(place, "UserPromptSubmit", prompt="x", prompt_id=f"p{number}", **more)


def test_a_prompt_goes_on_at_the_fallback_and_the_next_session_goes_back(
    both: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    before = both.local.read_text()
    assert MODEL in start(both)
    assert prompt(both, 1) == {}
    server.stop()
    (both.state / "looks").rename(both.home / "looks")  # else the good look of a moment ago counts
    said = prompt(both, 2)
    assert set(said) == {"systemMessage"}, said
    assert (
        f"refuses connections: this prompt, with the conversation, goes to its fallback spare ({MODEL} on"
        in said["systemMessage"]
    )
    assert said["systemMessage"].endswith("by hand: claude-local enable box")
    env = both.env()
    assert (env["ANTHROPIC_BASE_URL"], env["ANTHROPIC_AUTH_TOKEN"]) == (spare.url, "key-of-spare")
    assert prompt(both, 3) == {}
    (session,) = queries.sessions(both.state)
    assert [(span.cause, span.backend_url) for span in session.spans] == [
        ("start", server.url),
        ("fallback", spare.url),
    ]
    assert session.blocked == 0
    assert both.json("status")["profile"] == "spare"
    hook(both, "SessionEnd", reason="other")

    assert start(both, session_id="next").startswith("! on the fallback spare: box does not answer yet.   local")
    hook(both, "SessionEnd", reason="other", session_id="next")
    server.start()
    (both.state / "looks").rename(both.home / "looks2")
    assert start(both, session_id="third").startswith("box answers again: back from the fallback spare.   local")
    assert both.local.read_text() == before
    assert not (both.state / FALLEN_NOTE).exists()
    assert queries.sessions(both.state)[0].backend_url == server.url
    both.ok("disable", "--yes")
    assert not both.local.exists()


# --- what speaks against it


def asked(place: Place, url: str, **changes: Any) -> Moved:
    values: dict[str, Any] = {"session_id": SESSION, "url": url, "models": (MODEL,), "folders": (), "until": FAR}
    return fall_back(Asked(**{**values, **changes}), place.world())


def refused(place: Place, url: str, **changes: Any) -> str:
    """Why it is not moved; nothing is written then."""
    before = place.local.read_text()
    moved = asked(place, url, **changes)
    assert (moved.url, moved.profile) == (None, None)
    assert place.local.read_text() == before
    assert not (place.state / FALLEN_NOTE).exists()
    return "; ".join(moved.why)


def test_all_is_well_for_a_move(both: Place, server: EmbeddedBackend, spare: EmbeddedBackend) -> None:
    moved = asked(both, server.url)
    assert (moved.profile, moved.url, moved.before, moved.origin) == ("spare", spare.url, "box", "box")
    assert asked(both, spare.url, back=True).profile == "box"


def test_a_protected_project_is_not_moved_off_its_list(
    both: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    config = ("config", "set", "--project", str(both.project))
    both.ok(*config, "protect", "true")
    assert f"{spare.url} is not on its list" in refused(both, server.url)
    both.ok(*config, "allowed_backends", server.url)
    assert f"spare: {both.project} is protected, and {spare.url} is not on its list" in refused(both, server.url)
    both.ok(*config, "allowed_backends", server.url, spare.url)
    assert asked(both, server.url).profile == "spare"


def test_another_protected_folder_that_the_session_reaches_counts(
    both: Place, server: EmbeddedBackend, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    both.ok("config", "set", "--project", str(other), "protect", "true")
    assert f"{other} is protected" in refused(both, server.url, folders=(str(other),))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("model=another",), "is used with another model, another"),
        (("window=32768",), "its window is smaller (32768 instead of 65536 tokens)"),
        (("token=env:NO_SUCH_KEY",), "the environment variable NO_SUCH_KEY is not set"),
        (("env.HTTPS_PROXY=http://127.0.0.1:9",), "a proxy is set"),
        (("helper=true",), "the key that a helper gave it"),
    ],
)
def test_a_fallback_that_a_running_session_cannot_go_on_with_is_not_taken(
    both: Place, server: EmbeddedBackend, words: tuple[str, ...], why: str
) -> None:
    both.ok("profile", "edit", "spare", *words)
    assert refused(both, server.url).startswith("spare: ")
    assert why in refused(both, server.url)


def test_a_new_session_goes_back_to_a_smaller_window(
    both: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    both.ok("profile", "edit", "box", "window=40000")
    both.ok("enable", "--yes")
    assert asked(both, server.url).profile == "spare"
    assert asked(both, spare.url, back=True).profile == "box"
    assert both.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "40000"


def test_every_model_that_the_session_may_ask_for_has_to_be_served(both: Place, server: EmbeddedBackend) -> None:
    assert refused(both, server.url, models=(MODEL, "tiny")) == "spare: does not serve tiny"


def test_what_the_running_session_would_take_along_keeps_it_where_it_is(both: Place, server: EmbeddedBackend) -> None:
    both.ok("profile", "edit", "box", "headers=x-team=of-box")
    both.ok("enable", "--yes")
    assert "would keep ANTHROPIC_CUSTOM_HEADERS of the profile before" in refused(both, server.url)
    both.ok("profile", "edit", "spare", "headers=x-team=of-spare")
    assert asked(both, server.url).profile == "spare"
    assert "of-box" not in both.env()["ANTHROPIC_CUSTOM_HEADERS"]


def test_the_cloud_is_never_taken_for_a_running_session(both: Place, server: EmbeddedBackend) -> None:
    both.ok("profile", "edit", "box", "fallback=cloud")
    both.ok("enable", "--yes")
    assert refused(both, server.url) == "cloud: a session that runs is never taken there"


def test_after_its_time_nothing_is_written(both: Place, server: EmbeddedBackend) -> None:
    assert "too busy" in refused(both, server.url, until=1.0)


def test_a_program_that_is_open_here_is_not_moved_along(both: Place, server: EmbeddedBackend) -> None:
    listed = both.home / ".claude" / "sessions" / "1.json"
    entry = {"sessionId": "another1-session", "pid": os.getpid(), "cwd": str(both.project)}
    both.write(listed, entry)
    assert refused(both, server.url) == "spare: another session is open here (another1) and would be moved along"
    both.write(listed, {**entry, "sessionId": SESSION})  # the one that asks
    assert asked(both, server.url).profile == "spare"


def test_a_person_who_is_open_here_too_has_the_next_prompt_held(
    both: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    start(both, session_id="another1-session")
    assert prompt(both, 1, session_id="another1-session") == {}
    assert asked(both, server.url).profile == "spare"
    assert "held once" in prompt(both, 2, session_id="another1-session")["reason"]
    assert prompt(both, 3, session_id="another1-session") == {}
    assert "another session is open here" in asked(both, spare.url, back=True).why[0]


def test_a_server_that_nobody_has_named_is_left_alone(both: Place, server: EmbeddedBackend) -> None:
    assert refused(both, "http://127.0.0.1:9") == ""
    both.ok("enable", "--url", server.url, "--model", MODEL, "--yes")
    assert refused(both, server.url) == ""


def test_whoever_chooses_the_fallback_stays_there(both: Place, server: EmbeddedBackend, spare: EmbeddedBackend) -> None:
    assert asked(both, server.url).profile == "spare"
    both.ok("enable", "spare", "--yes")
    assert asked(both, spare.url, back=True) == Moved()


# --- what the hook does with that


def blocked(place: Place, **more: Any) -> str:
    before = place.local.read_text()
    said = prompt(place, 1, **more)
    assert said["decision"] == "block", said
    assert "refuses connections; Claude Code itself would go on trying" in said["reason"]
    assert place.local.read_text() == before
    return said["reason"]


def test_where_no_fallback_will_do_the_prompt_is_blocked_with_the_reason(
    both: Place, server: EmbeddedBackend, spare: EmbeddedBackend
) -> None:
    server.stop()
    spare.stop()
    assert f"   No fallback is taken: spare: {spare.url} " in blocked(both)
    assert (both.state / "faults.log").exists() is False


def test_a_hook_that_cannot_ask_blocks_as_ever(both: Place, server: EmbeddedBackend) -> None:
    """As the plugin's, whose Python need not have our packages."""
    server.stop()
    settings = json.loads(both.local.read_text())
    (group,) = settings["hooks"]["UserPromptSubmit"]
    (handler,) = group["hooks"]
    bare = both.home / "bare" / "bin" / "python3"  # not this one's own base, which may have them
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare.parent.parent)], check=True)
    handler["args"] = [str(bare) if each == sys.executable else each for each in handler["args"]]
    both.local.write_text(json.dumps(settings))
    assert "No fallback" not in blocked(both)
    assert "the fallback cannot be asked" in (both.state / "faults.log").read_text()


def test_a_program_is_never_moved(both: Place, server: EmbeddedBackend) -> None:
    before = both.local.read_text()
    server.stop()
    assert "refuses connections" in prompt(both, 1, entrypoint="sdk-cli")["systemMessage"]
    assert both.local.read_text() == before


def test_a_session_with_settings_of_its_own_is_not_moved(both: Place, server: EmbeddedBackend) -> None:
    server.stop()
    with subprocess.Popen(["/bin/sh", "-c", "read x", "claude", "--settings", "{}"], stdin=subprocess.PIPE) as client:
        assert "No fallback" not in blocked(both, pid=client.pid)
        assert client.stdin is not None
        client.stdin.close()


def test_the_fallback_falls_back_to_the_first(both: Place, server: EmbeddedBackend, spare: EmbeddedBackend) -> None:
    server.stop()
    assert "its fallback spare" in prompt(both, 1)["systemMessage"]
    spare.stop()
    server.start()
    said = prompt(both, 2)["systemMessage"]
    assert "goes to box, whose fallback that was," in said
    assert both.json("status")["profile"] == "box"
    assert not (both.state / FALLEN_NOTE).exists()
