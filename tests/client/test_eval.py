"""`claude-local eval` as people type it: two agents of known skill, through the real client, over the suite `smoke`."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.evaluation import trial
from claude_local_plugin.evaluation.scripted import WAYS, ScriptedServer, Skill, outcomes
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.evaluation.task import Task
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.settings import schema
from tests.client.conftest import Person
from tests.evaluation.test_trial import left_behind

pytestmark = pytest.mark.client

SMOKE = suite("smoke").tasks
KEY = "box-key-with-some-length-0123456789"


@pytest.fixture(autouse=True)
def isolation() -> None:
    try:
        trial.possible()
    except ClaudeLocalError as none:
        if os.environ.get("CI"):
            raise
        pytest.skip(none.message)


def profile(person: Person, server: EmbeddedBackend, name: str) -> None:
    config = person.home / ".config" / "claude-local" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    with config.open("a") as file:
        file.write(f'[profiles.{name}]\nurl = "{server.url}"\nmodel = "{name}"\ntoken = "env:BOX_KEY"\n')
    person.shell |= {"BOX_KEY": KEY, "ANTHROPIC_API_KEY": "sk-ant-api03-of-the-shell"}


def evaluate(person: Person, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "claude_local_plugin", "eval", *words],
        cwd=person.project,
        env=person.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert ended.returncode == code, f"{ended.stdout}\n{ended.stderr}"
    return ended


def test_two_agents_of_known_skill_are_told_as_what_they_are(person: Person, tmp_path: Path) -> None:
    good = Skill("good", 0.9, malformed=0.2)
    poor = Skill("poor", 0.3, fails={"malformed": 2.0, "not-parsed": 1.0, "empty-answer": 1.0, "wrong-result": 1.0})
    user = person.home / ".claude" / "settings.json"
    user.parent.mkdir()
    marker = tmp_path / "the-users-hook-ran"
    hook = {"hooks": [{"type": "command", "command": f"touch {marker}"}]}
    user.write_text(
        json.dumps({"hooks": {"SessionStart": [hook]}, "env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}})
    )
    before = sorted(path.relative_to(person.home) for path in person.home.rglob("*"))
    for skill in (good, poor):
        with ScriptedServer(skill, SMOKE) as server:
            server.api_key = KEY
            profile(person, server, skill.name)
            found = evaluate(
                person, "--profile", skill.name, "--parallel", "2", "--json", "--output", f"{skill.name}.jsonl"
            )
            document = json.loads(found.stdout)
        assert [each for each in schema.problems(document, "eval") if each.severity == "error"] == []
        wanted = {task.id: skill.way(task, 0, 0) for task in SMOKE}
        assert {each["task"]: each["failure"] for each in document["trials"]} == wanted
        assert document["pass_at_1"]["value"] == pytest.approx(
            sum(row[0] for row in outcomes(skill, SMOKE, 1, 0).values()) / len(SMOKE)
        )
        conditions = document["conditions"]
        assert (conditions["model"], conditions["url"], conditions["isolated"]) == (skill.name, server.url, True)
        assert {each["model"] for each in document["trials"]} == {skill.name}
        assert KEY not in found.stdout + (person.project / f"{skill.name}.jsonl").read_text()
        assert {request.headers.get("authorization") for request in server.messages} == {f"Bearer {KEY}"}
    said = evaluate(person, "--profile", "good", "--output", "good.jsonl", "--compare", "poor.jsonl", code=1)
    assert "not" in said.stderr  # its server has ended
    assert not marker.exists()
    after = sorted(path.relative_to(person.home) for path in person.home.rglob("*"))
    assert [path for path in after if path not in before and ".config" not in path.parts] == []


#: A way to fail for each trial; None is none. Limits of time and tokens are in tests/evaluation/test_trial.py.
WAYS_OF = {
    "nothing-to-mend": (None, "turns"),
    "one-value-in-json": ("no-change", None),
    "price-with-discount": ("not-parsed", "malformed"),
    "red-test": ("server-error", "wrong-result"),
    "report-that-stops": ("refused-edit", "loop"),
    "which-port": ("window", "empty-answer"),
}


class EachWay(Skill):
    """Fails in each trial as it is told."""

    def way(self, task: Task, repeat: int, seed: int) -> str | None:
        return WAYS_OF[task.id][repeat]


def test_four_side_by_side_fail_in_every_way_and_each_is_named_as_what_it_is(person: Person) -> None:
    with ScriptedServer(EachWay("each", 0.0), SMOKE) as server:
        words = ("--url", server.url, "--model", "each", "--repeat", "2", "--parallel", "4", "--json")
        document = json.loads(evaluate(person, *words).stdout)
        assert left_behind(server.url) == []
    found: dict[str, list[str | None]] = {}
    for each in document["trials"]:
        # which of two that begin at once the server hears first is left to chance
        found.setdefault(each["task"], []).append(each["failure"])
    assert {task: sorted(ways, key=str) for task, ways in found.items()} == {
        task: sorted(ways, key=str) for task, ways in WAYS_OF.items()
    }
    assert {each["kind"]: each["count"] for each in document["failures"]} == dict.fromkeys(
        {*WAYS} - {"time", "tokens"}, 1
    )
    assert document["pass_at_1"]["value"] == pytest.approx(2 / 12)


@pytest.fixture
def places(person: Person, tmp_path: Path) -> Path:
    """Where this evaluation has its folders; its boxes are begun by a name of their own."""
    for name in ("places", "programs"):
        (tmp_path / name).mkdir()
    unshare = shutil.which("unshare")
    assert unshare is not None
    (tmp_path / "programs" / "unshare").symlink_to(unshare)
    path = os.pathsep.join((str(tmp_path / "programs"), person.environ["PATH"]))
    person.shell |= {"TMPDIR": str(tmp_path / "places"), "PATH": path}
    return tmp_path / "places"


def boxes(places: Path) -> list[str]:
    """The boxes that there are, whether anything runs in them or not."""
    mark, found = str(places.parent / "programs" / "unshare").encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            words = (process / "cmdline").read_bytes().split(b"\0")
            found += [process.name] if words[0] == mark else []
    return found


def begun(person: Person, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "claude_local_plugin", "eval", *words],
        cwd=person.project,
        env=person.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_ends_what_runs_and_leaves_nothing_behind(person: Person, places: Path) -> None:
    with ScriptedServer(Skill("box", 0.0, fails={"time": 1.0}), SMOKE) as server:
        words = ("--url", server.url, "--model", "box", "--parallel", "2", "--output", "results.jsonl")
        with begun(person, *words) as process:
            while len(server.messages) < 2:
                assert process.poll() is None
                time.sleep(0.05)
            assert len(boxes(places)) >= 2
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=300)
        assert process.returncode == 130
        assert "Broken off; what has ended is in results.jsonl. To go on: claude-local eval --url" in said
        assert (left_behind(server.url), boxes(places), [*places.iterdir()]) == ([], [], [])
    assert (person.project / "results.jsonl").read_bytes().count(b"\n") == 1


def test_killed_in_the_middle_it_goes_on_and_leaves_nothing_behind(person: Person, places: Path) -> None:
    with ScriptedServer(Skill("box", 1.0), SMOKE) as server:
        words = ("--url", server.url, "--model", "box", "--output", "results.jsonl")
        results = person.project / "results.jsonl"
        process = begun(person, *words)
        while not results.exists() or results.read_bytes().count(b"\n") < 3:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        had = results.read_bytes().count(b"\n") - 1
        while left_behind(server.url) or boxes(places):  # for ever, if it were
            time.sleep(0.1)
        for place in places.iterdir():  # of a minute ago, which the next evaluation knows by that
            os.utime(place, (time.time() - 90, time.time() - 90))
        said = evaluate(person, *words)
        assert f"{had + 1}/6" in said.stderr
        assert f"{had}/6" not in said.stderr
        assert "pass@1   100 % (" in said.stdout
        assert results.read_bytes().count(b"\n") == 7
        assert max(map(len, said.stdout.splitlines())) <= 80
        again = evaluate(person, *words, "--compare", "results.jsonl", "--markdown")
        assert "| pass@1 | 100 %" in again.stdout
        assert "cannot be told apart" in again.stdout
        assert [*places.iterdir()] == []


def test_what_is_asked_wrongly_is_said_before_anything_is_run(person: Person, server: EmbeddedBackend) -> None:
    for words, said in (
        (("--profile", "cloud"), "paid for by the token"),
        (("--profile", "a", "--url", server.url), "say different things"),
        (("--url", server.url, "--suite", "nothing"), "neither a suite nor a folder"),
        (("--url", server.url, "--compare", "nothing"), "is no results file"),
    ):
        assert said in evaluate(person, *words, code=2).stderr
    assert not server.messages
    assert list(person.project.iterdir()) == []
