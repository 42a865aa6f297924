"""What GuardKit is told, held against what its own code was recorded to make of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.launch import guardkit

RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("guardkit.json").read_text())["answers"]
URLS = sorted({row["environ"]["ANTHROPIC_BASE_URL"] for row in RECORDED})
#: All but what anybody on the internet could have.
OWN = [url for url in URLS if url != "https://llm.example.com"]
MODEL = "qwen3-coder-next"
TASK = ("guardkit", "autobuild", "task", "TASK-1")
#: What the recorded answers look at.
ASKED = ("ANTHROPIC_BASE_URL", guardkit.MULTIPLIER, guardkit.ROUTE, guardkit.SEATS)


def backend(url: str, **more: Any) -> Backend:
    return Backend(url, "vllm", more.pop("model", MODEL), 131_072, "0.33.0", **more)


def recorded(environ: dict[str, str], model: str | None) -> dict[str, Any]:
    """GuardKit's answer for what is set of these; there is one."""
    asked = {name: value for name, value in environ.items() if name in ASKED}
    (found,) = [row for row in RECORDED if row["environ"] == asked and row["model"] == model]
    return found


def prepared(
    url: str, tmp_path: Path, command: tuple[str, ...] = TASK, model: str = MODEL, **environ: str
) -> tuple[tuple[str, ...], dict[str, str], str]:
    argv, added, said = guardkit.prepared(command, backend(url, model=model), environ, tmp_path, harness=False)
    return argv, added, "\n".join(said)


@pytest.mark.parametrize("url", URLS)
def test_guardkit_takes_every_server_for_local(url: str, tmp_path: Path) -> None:
    argv, added, said = prepared(url, tmp_path)
    answer = recorded({"ANTHROPIC_BASE_URL": url, **added}, argv[-1])
    assert (answer["multiplier"], answer["backend"]) == (4.0, "LOCAL_VLLM")
    assert (answer["fence"] == "PASS") == (url in OWN)
    assert ("refuses the run" in said) == (url not in OWN)


def test_without_us_it_takes_hardly_any_for_local_and_refuses_the_run() -> None:
    """So that what it is told is needed: the table has both answers."""
    alone = {url: recorded({"ANTHROPIC_BASE_URL": url}, MODEL) for url in URLS}
    assert {url for url, answer in alone.items() if answer["backend"] == "LOCAL_VLLM"} == {
        "http://localhost:8000",
        "http://127.0.0.1:8000",
    }
    assert {answer["fence"] for answer in alone.values()} == {"REFUSED"}


@pytest.mark.parametrize("url", URLS)
def test_its_fence_takes_for_local_by_itself_what_is_said_here(url: str) -> None:
    target = parse_url(url)
    assert target is not None
    full = {"ANTHROPIC_BASE_URL": url, guardkit.MULTIPLIER: "4.0", guardkit.ROUTE: f"{url}/v1"}
    assert guardkit.fence_takes_for_local(target.host) == (recorded(full, MODEL)["fence"] == "PASS")


@pytest.mark.parametrize(
    "model", [row["model"] for row in RECORDED if row["model"] and len(row["environ"]) == 3 and "/" in row["model"]]
)
def test_a_name_that_it_takes_for_a_vendors_is_said(model: str, tmp_path: Path) -> None:
    argv, added, said = prepared("http://localhost:8000", tmp_path, model=model)
    answer = recorded({"ANTHROPIC_BASE_URL": "http://localhost:8000", **added}, argv[-1])
    assert ("by its name" in said) == (answer["fence"] == "REFUSED"), said


@pytest.mark.parametrize(
    "name", [guardkit.MULTIPLIER, guardkit.PARALLEL, guardkit.HARNESS, guardkit.SEATS, guardkit.ROUTE]
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_value_of_the_users_own_stays(name: str, place: str, tmp_path: Path) -> None:
    environ = {name: "mine"} if place == "environment" else {}
    if place == ".env":
        (tmp_path / ".env").write_text(f"# mine\nexport {name}=mine\n")
    box = backend("http://gb10.lan:8000", at_once=2)
    _, added, _ = guardkit.prepared(TASK, box, environ, tmp_path / "below", harness=True)
    assert name not in added
    _, everything, _ = guardkit.prepared(TASK, box, {}, Path("/"), harness=True)
    assert everything == {
        guardkit.MULTIPLIER: "4.0",
        guardkit.PARALLEL: "2",
        guardkit.HARNESS: "sdk",
        guardkit.SEATS: "gb10.lan",
        guardkit.ROUTE: "http://gb10.lan:8000/v1",
        guardkit.ROUTE_KEY: "claude-local",
    }


@pytest.mark.parametrize("url", URLS)
def test_the_way_around_its_fence_is_never_taken(url: str, tmp_path: Path) -> None:
    for harness in (True, False):
        _, added, said = guardkit.prepared(TASK, backend(url), {}, tmp_path, harness=harness)
        assert "GUARDKIT_ALLOW_FRONTIER" not in str((added, said))


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_key_of_openais_never_goes_to_the_server(place: str, tmp_path: Path) -> None:
    """OPENAI_BASE_URL alone would send it there, in whatever GuardKit uses OpenAI's client for."""
    environ = {guardkit.ROUTE_KEY: "sk-mine"} if place == "environment" else {}
    if place == ".env":
        (tmp_path / ".env").write_text(f"{guardkit.ROUTE_KEY}='sk-mine'\n")
    _, added, said = guardkit.prepared(TASK, backend("http://dell-pro-max:8000"), environ, tmp_path, harness=True)
    assert guardkit.ROUTE not in added
    assert guardkit.ROUTE_KEY not in added
    assert f"GuardKit refuses {MODEL} unless {guardkit.ROUTE} names a local host" in "\n".join(said)
    assert "sk-mine" not in "\n".join(said)


def test_where_the_default_harness_goes_is_said(tmp_path: Path) -> None:
    url = "http://dell-pro-max:8000"
    assert "default harness asks the server's OpenAI API" in prepared(url, tmp_path)[2]
    assert "default harness" in prepared(url, tmp_path, OPENAI_BASE_URL=f"{url}/v1")[2]
    assert "not to dell-pro-max:8000" in prepared(url, tmp_path, OPENAI_BASE_URL="http://other:9000/v1")[2]
    assert "harness" not in prepared(url, tmp_path, GUARDKIT_HARNESS="sdk")[2]


@pytest.mark.parametrize(
    ("command", "adds"),
    [
        (TASK, True),
        (("guardkit", "--verbose", "autobuild", "feature", "FEAT-1"), True),
        (("guardkit", "task-work", "TASK-1"), True),
        (("uv", "run", "guardkit-py", "task-review", "TASK-1"), True),
        ((*TASK, "--model", "other"), False),
        ((*TASK, "--model=other"), False),
        (("guardkit", "autobuild", "status", "TASK-1"), False),
        (("guardkit", "doctor"), False),
    ],
)
def test_a_model_is_named_where_one_is_asked_and_none_is(command: tuple[str, ...], adds: bool, tmp_path: Path) -> None:
    argv, _, said = prepared("http://dell-pro-max:8000", tmp_path, command)
    assert argv == ((*command, "--model", MODEL) if adds else command)
    assert ("is added" in said) == adds


def test_as_many_tasks_at_once_as_the_server_holds(tmp_path: Path) -> None:
    box = backend("http://dell-pro-max:8000", at_once=3)
    assert guardkit.prepared(TASK, box, {}, tmp_path, harness=False)[1][guardkit.PARALLEL] == "3"
    own = (*TASK, "--max-parallel", "1")
    assert guardkit.PARALLEL not in guardkit.prepared(own, box, {}, tmp_path, harness=False)[1]


@pytest.mark.parametrize(
    ("seconds", "wanted"), [(None, "4.0"), (0.5, "2.0"), (8.0, "2.0"), (9.0, "2.5"), (16.0, "4.0"), (30.0, "7.5")]
)
def test_time_outs_are_multiplied_by_what_turns_were_measured_to_take(
    seconds: float | None, wanted: str, tmp_path: Path
) -> None:
    own = {"GUARDKIT_TIMEOUT_MULTIPLIER": "9"}
    for environ, expected in (({}, wanted), (own, None)):
        found = guardkit.prepared(
            TASK, backend("http://box:8000"), environ, tmp_path, harness=False, seconds_a_turn=seconds
        )
        assert found[1].get(guardkit.MULTIPLIER) == expected
        told = [each for each in found[2] if each.startswith(guardkit.MULTIPLIER)]
        assert bool(told) == (seconds is not None and expected is not None)
