"""What doctor says to do first fixes as much as it says, and `--fix` leaves nothing that it could have done."""

import json
import os
import random
import shlex
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.servers import probe
from tests.commands.place import Place
from tests.doctor.test_doctor_command import LOGIN, enabled
from tests.servers.conftest import Said

Fault = Callable[[Place, pytest.MonkeyPatch], None]


def env(**changes: str | None) -> Fault:
    """These variables of the local settings, edited by hand; None takes one out."""

    def spoil(place: Place, _: pytest.MonkeyPatch) -> None:
        settings = json.loads(place.local.read_text())
        settings["env"] = {name: value for name, value in {**settings["env"], **changes}.items() if value is not None}
        place.write(place.local, settings)

    return spoil


def exported(name: str, value: str) -> Fault:
    return lambda _, patch: patch.setenv(name, value)


def broken_hooks(place: Place, _: pytest.MonkeyPatch) -> None:
    settings = json.loads(place.local.read_text())
    for groups in settings["hooks"].values():
        groups[0]["hooks"][0]["args"][2] = "/gone/python"
    place.write(place.local, settings)


def auto_mode(place: Place, _: pytest.MonkeyPatch) -> None:
    place.write(place.user, {"permissions": {"defaultMode": "auto"}})


def comma(place: Place, _: pytest.MonkeyPatch) -> None:
    """Comes last: nothing can edit the file any more."""
    text = place.local.read_text().rstrip()
    place.write(place.local, text[:-1].rstrip() + ",\n}\n")


FAULTS: dict[str, Fault] = {
    "a key in the shell": exported("ANTHROPIC_API_KEY", "sk-ant-api03-0123456789abcdefghij"),
    "a token in the shell": exported("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-0123456789"),
    "a proxy": exported("HTTPS_PROXY", "http://127.0.0.1:9"),
    "a provider": exported("CLAUDE_CODE_USE_BEDROCK", "1"),
    "no token": env(ANTHROPIC_AUTH_TOKEN=None),
    "no empty key": env(ANTHROPIC_API_KEY=None),
    "a window in words": env(CLAUDE_CODE_MAX_CONTEXT_TOKENS="64k"),
    "no window": env(CLAUDE_CODE_MAX_CONTEXT_TOKENS=None),
    "an endless answer": env(CLAUDE_CODE_MAX_OUTPUT_TOKENS="200000"),
    "a short answer": env(CLAUDE_CODE_MAX_OUTPUT_TOKENS="100"),
    "a model that is not served": env(ANTHROPIC_MODEL="gone"),
    "a tier that is not served": env(ANTHROPIC_DEFAULT_HAIKU_MODEL="claude-haiku-4-5"),
    "many retries": env(CLAUDE_CODE_MAX_RETRIES="15"),
    "short time-outs": env(API_TIMEOUT_MS="1000", CLAUDE_STREAM_IDLE_TIMEOUT_MS="1000"),
    "traffic": env(CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=None),
    "no compaction": env(DISABLE_AUTO_COMPACT="1"),
    "hooks that cannot run": broken_hooks,
    "auto mode": auto_mode,
    "a login": lambda place, _: place.write(place.home / ".claude" / ".credentials.json", LOGIN) and None,
    "a comma too many": comma,
}


@pytest.fixture(autouse=True)
def client(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{place.client('2.1.329', tmp_path / 'npm')}:/usr/local/bin:/usr/bin:/bin")


def spoilt(place: Place, server: EmbeddedBackend, patch: pytest.MonkeyPatch, faults: tuple[str, ...]) -> None:
    """An enabled folder in which these things have gone wrong since, in the order of the table."""
    enabled(place, server)
    for name in FAULTS:
        if name in faults:
            FAULTS[name](place, patch)


def bad(answer: Any) -> Counter[str]:
    """How often each check finds something wrong."""
    return Counter(f["id"] for f in answer["findings"] if f["result"] in ("warning", "error", "failed"))


def typed(place: Place, command: str) -> None:
    """The command, run literally; where it would ask, the answer is yes."""
    program, *words = shlex.split(command)
    assert program == "claude-local"
    place.run(*words, "--yes")


#: All alone, some pairs and some heaps; every pair with CLAUDE_LOCAL_TEST_ALL.
PICK = random.Random(13)
ALONE = [(name,) for name in FAULTS]
PAIRS = list(combinations(FAULTS, 2))
HEAPS = [tuple(PICK.sample(list(FAULTS), size)) for size in (4, 6, 8, 10) for _ in range(2)]
WORLDS = [*(PAIRS if os.environ.get("CLAUDE_LOCAL_TEST_ALL") else PICK.sample(PAIRS, 8)), *HEAPS]


@pytest.mark.parametrize("faults", WORLDS, ids="+".join)
def test_what_is_to_be_done_first_leaves_exactly_the_rest(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch, faults: tuple[str, ...]
) -> None:
    spoilt(repository, server, monkeypatch, faults)
    before = repository.run("doctor", "--json").json
    first, found = before["first"], bad(before)
    if first is None:
        return
    assert first["of"] == found.total()
    assert first["fixes"] >= 2
    typed(repository, first["command"])
    after = repository.run("doctor", "--json").json
    assert 2 * first["fixes"] > first["of"] or not errors(after)
    left = bad(after)
    assert (found - left).total() == first["fixes"], (first, found, left)


@pytest.mark.parametrize("faults", [*ALONE, *WORLDS], ids="+".join)
def test_after_fix_a_second_fix_finds_nothing_to_do(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch, faults: tuple[str, ...]
) -> None:
    spoilt(repository, server, monkeypatch, faults)
    repository.run("doctor", "--fix", "--yes")
    again = repository.run("doctor", "--fix", "--yes", "--json").json
    assert again["fixes"] == [], faults


def errors(answer: dict[str, Any]) -> list[str]:
    """The checks that found an error."""
    return [finding["id"] for finding in answer["findings"] if finding["result"] == "error"]


def test_it_is_said_below_the_findings_and_as_data(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(repository, server, monkeypatch, ("many retries", "short time-outs", "no window", "a short answer"))
    shown = repository.ends(1, "doctor").out
    assert shown.splitlines()[-1] == "Do this first: claude-local doctor --fix   fixes 4 of 4"
    assert repository.json("doctor", code=1)["first"] == {"command": "claude-local doctor --fix", "fixes": 4, "of": 4}
    # of what was asked for, and no more
    some = ("client", "model.output")
    command = "claude-local doctor --fix client model.output"
    assert repository.json("doctor", *some, code=1)["first"] == {"command": command, "fixes": 3, "of": 3}
    typed(repository, command)
    assert bad(repository.json("doctor", *some)) == Counter()


def test_a_file_that_is_dropped_is_repaired_first_and_the_rest_is_counted_as_it_is_then(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(repository, server, monkeypatch, ("many retries", "no window", "a comma too many"))
    before = repository.json("doctor", code=1)
    assert "client.retries" not in bad(before)  # nobody can see it yet
    assert before["first"]["command"] == "claude-local doctor --fix"
    assert before["first"]["fixes"] == before["first"]["of"] == bad(before).total()
    typed(repository, before["first"]["command"])
    assert bad(repository.json("doctor")) == Counter()


def test_an_address_that_nobody_answers_at_is_led_back_to_the_server_on_record(
    repository: Place, server: EmbeddedBackend, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = f"http://127.0.0.1:{closed_port}"
    spoilt(repository, server, monkeypatch, ("many retries", "short time-outs"))
    env(ANTHROPIC_BASE_URL=wrong)(repository, monkeypatch)
    answer = repository.json("doctor", code=1)
    (ready,) = [each for each in answer["findings"] if each["id"] == "server.ready"]
    assert ready["fix"] == f"claude-local enable --url {server.url}"
    assert "vllm serve" not in json.dumps(answer)
    typed(repository, ready["fix"])
    assert repository.env()["ANTHROPIC_BASE_URL"] == server.url


def test_an_address_written_by_hand_with_a_wrong_port_is_led_to_the_server_of_that_host(
    repository: Place, server: EmbeddedBackend, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "WELL_KNOWN_PORTS", (closed_port, server.port))
    wrong = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}", "ANTHROPIC_AUTH_TOKEN": "x"}
    repository.write(repository.local, {"env": {**wrong, "CLAUDE_CODE_MAX_RETRIES": "15"}})
    answer = repository.json("doctor", code=1)
    (ready,) = [each for each in answer["findings"] if each["id"] == "server.ready"]
    assert ready["what"].endswith(f" at 127.0.0.1:{server.port} answers there")
    assert ready["fix"] == answer["first"]["command"] == f"claude-local enable --url {server.url}"
    typed(repository, ready["fix"])
    left = bad(repository.run("doctor", "--json").json)
    assert (bad(answer) - left).total() == answer["first"]["fixes"] > 2
    assert answer["first"]["of"] == bad(answer).total()


@pytest.mark.usefixtures("client")
def test_an_address_of_a_server_that_claude_code_cannot_use_is_led_to_the_one_beside_it(
    repository: Place, server: EmbeddedBackend, replay: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Said(200, '{"object": "list", "data": [{"id": "text-embedder", "object": "model"}]}')
    other = replay(table={("GET", "/v1/models"): listed}, otherwise=Said(404, "{}"))
    monkeypatch.setattr(probe, "WELL_KNOWN_PORTS", (server.port,))
    repository.write(repository.local, {"env": {"ANTHROPIC_BASE_URL": other.url, "ANTHROPIC_AUTH_TOKEN": "x"}})
    answer = repository.json("doctor", code=1)
    (said,) = [each for each in answer["findings"] if each["id"] == "server.messages"]
    assert said["what"].endswith(f" at 127.0.0.1:{server.port} answers there")
    assert said["fix"] == f"claude-local enable --url {server.url}"


def test_nothing_comes_first_where_no_command_fixes_most(
    repository: Place, server: EmbeddedBackend, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert repository.run("doctor", "--json").json["first"] is None
    spoilt(repository, server, monkeypatch, ("many retries",))
    assert repository.json("doctor", code=1)["first"] is None  # one finding has its own fix
    repository.ok("doctor", "--fix", "--yes")
    repository.write(repository.home / ".claude" / "settings.local.json", {"env": {}})
    repository.write(repository.project / ".env", "ANTHROPIC_API_KEY=x\n")
    env(CLAUDE_CODE_MAX_RETRIES="15")(repository, monkeypatch)
    answer = repository.json("doctor", code=1)
    assert bad(answer) == Counter({"files.stray": 2, "client.retries": 1})
    assert answer["first"] is None
    assert "Do this first" not in repository.ends(1, "doctor").all
    assert repository.json("doctor", "--url", f"http://127.0.0.1:{closed_port}", code=1)["first"] is None


def test_what_somebody_edited_since_is_left_alone_where_something_else_is_fixed(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(repository, server, monkeypatch, ("many retries",))
    document = json.loads(repository.local.read_text())
    document["env"]["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = "8000"
    del document["env"]["DISABLE_AUTOUPDATER"]
    repository.write(repository.local, document)
    repository.ok("doctor", "--fix", "--yes", "client.retries")
    fixed = repository.env()
    assert (fixed["CLAUDE_CODE_MAX_RETRIES"], fixed["CLAUDE_CODE_MAX_OUTPUT_TOKENS"]) == ("2", "8000")
    assert "DISABLE_AUTOUPDATER" not in fixed
    # enable knows of the edit still, and disable leaves it
    said = repository.ok("enable", "--yes").err
    assert "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS stays as you changed it since" in said
    repository.ok("disable", "--yes")
    assert repository.env()["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "8000"
    assert "DISABLE_AUTOUPDATER" not in repository.env()


def test_after_fixing_it_is_said_what_is_next(
    repository: Place, server: EmbeddedBackend, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "WELL_KNOWN_PORTS", (closed_port, server.port))
    wrong = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}", "ANTHROPIC_AUTH_TOKEN": "x"}
    repository.write(repository.local, {"env": {**wrong, "CLAUDE_CODE_MAX_RETRIES": "15"}})
    ended = repository.ends(1, "doctor", "--fix", "--yes")
    assert f"Do this first: claude-local enable --url {server.url}   fixes " in ended.out.splitlines()[-1]
    answer = repository.json("doctor", code=1)
    assert "server.ready" in errors(answer)
    typed(repository, answer["first"]["command"])
    assert errors(repository.run("doctor", "--json").json) == []
