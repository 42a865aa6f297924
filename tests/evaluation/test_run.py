"""An evaluation goes through its trials in a known order, and killed anywhere it goes on where it was."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from claude_local_plugin.core import installed
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation import run as runs
from claude_local_plugin.evaluation.outcome import Trial
from claude_local_plugin.evaluation.run import Conditions, Log, Told, evaluate, plan, read
from claude_local_plugin.evaluation.scripted import drawn
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.evaluation.task import Task
from claude_local_plugin.evaluation.trial import Stop

TASKS = suite("smoke").tasks
CONDITIONS = Conditions(
    "smoke", "0" * 64, {task.id: task.digest for task in TASKS}, 3, 7, "http://box:8000", "m", options=("--x",)
)


def one(task: Task, repeat: int, _stop: Stop) -> Trial:
    passed = drawn("test", task.id, repeat) < 0.5
    return Trial(task.id, task.kind, repeat, passed, None if passed else "loop", "" if passed else "ü\n")


def found(trials: tuple[Trial, ...]) -> list[Trial]:
    return sorted(trials, key=lambda trial: (trial.task, trial.repeat))


def whole(path: Path) -> list[Trial]:
    return found(evaluate(TASKS, CONDITIONS, Log(path, CONDITIONS), one).trials)


def test_every_task_is_tried_once_before_any_is_tried_again() -> None:
    planned = plan(TASKS, 3, 7)
    assert [number for _, number in planned] == [0] * 6 + [1] * 6 + [2] * 6
    assert {(task.id, number) for task, number in planned} == {(task.id, n) for task in TASKS for n in range(3)}
    orders = {tuple(task.id for task, _ in planned[at : at + 6]) for at in (0, 6, 12)}
    assert len(orders) > 1
    assert planned == plan(TASKS, 3, 7) != plan(TASKS, 3, 8)


def test_cut_off_at_any_byte_it_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    wanted = whole(path)
    content = path.read_bytes()
    assert len(wanted) == 18
    for end in range(0, len(content), 41):
        path.write_bytes(content[:end])
        ran: list[Trial] = []
        log = Log(path, CONDITIONS)
        result = evaluate(TASKS, CONDITIONS, log, one, told=Told(lambda trial, *_, ran=ran: ran.append(trial)))
        assert found(result.trials) == wanted, end
        assert len(ran) == 18 - max(0, content[:end].count(b"\n") - 1), end
        assert found(read(path).trials) == wanted, end
        assert read(path).conditions == CONDITIONS


def test_trials_side_by_side_come_to_the_same(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=60)

    def meets(task: Task, repeat: int, stop: Stop) -> Trial:
        if repeat == 0 and task.id in [each.id for each, _ in plan(TASKS, 3, 7)[:4]]:
            together.wait()  # fails where they are not run at the same time
        return one(task, repeat, stop)

    four = replace(CONDITIONS, parallel=4)
    result = evaluate(TASKS, four, Log(tmp_path / "four", four), meets)
    assert found(result.trials) == whole(tmp_path / "one")
    assert result.outcomes() == read(tmp_path / "one").outcomes()


def test_when_the_minutes_are_over_none_begins_and_the_rest_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    early = evaluate(TASKS, CONDITIONS, Log(path, CONDITIONS), one, minutes=0)
    assert (early.trials, early.wanted) == ((), 18)
    assert len(whole(path)) == 18


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ClaudeLocalError])
def test_interrupted_it_keeps_what_has_ended_and_ends_what_runs(
    tmp_path: Path, fault: Callable[[str], BaseException]
) -> None:
    path, running = tmp_path / "results.jsonl", threading.Event()
    stops: list[Stop] = []

    def waits(task: Task, repeat: int, stop: Stop) -> Trial:
        stops.append(stop)
        if len(stops) == 5:
            running.set()
            while not stop.asked:
                threading.Event().wait(0.01)
            return replace(one(task, repeat, stop), passed=None)
        if len(stops) > 5:
            raise AssertionError("one more was begun")
        return one(task, repeat, stop)

    def told(_: Trial, ended: int, _wanted: int) -> None:
        if ended == 4:
            running.wait(60)
            raise fault("enough")

    two = replace(CONDITIONS, parallel=2)
    with pytest.raises((KeyboardInterrupt, ClaudeLocalError)):
        evaluate(TASKS, two, Log(path, two), waits, told=Told(told))
    assert len(read(path).trials) == 4
    assert len(whole(path)) == 18


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"digest": "1" * 64}, "digest"),
        ({"seed": 8}, "seed"),
        ({"model": "other"}, "model"),
        ({"url": "http://other:8000"}, "url"),
        ({"client": "2.1.333"}, "client"),
        ({"options": ()}, "options"),
        ({"settings": {"env": {"A": "1"}}}, "settings"),
    ],
)
def test_a_file_takes_no_trials_of_another_evaluation(tmp_path: Path, change: dict[str, object], name: str) -> None:
    path = tmp_path / "results.jsonl"
    Log(path, CONDITIONS)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"its {name} is another"):
        Log(path, replace(CONDITIONS, **change))  # type: ignore[arg-type]
    assert path.read_bytes() == before


def test_more_repeats_and_more_side_by_side_go_on_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    whole(path)
    more = replace(CONDITIONS, repeat=4, parallel=2)
    assert len(evaluate(TASKS, more, Log(path, more), one).trials) == 24


def test_a_file_of_somebody_elses_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    for content in (b"dear diary", b"{}\n", b'{"kind": "claude-local-eval", "format": 99}\n', b"\xff\n", b"[1]\n"):
        path.write_bytes(content)
        with pytest.raises(UsageError):
            Log(path, CONDITIONS)
        assert path.read_bytes() == content
    with pytest.raises(UsageError, match="there is no"):
        read(tmp_path / "nothing")
    path.write_bytes(b'{"kind": "claude-local-eval", "format": 99}\n')
    with pytest.raises(UsageError, match="has format 99, of a newer claude-local") as caught:
        read(path)
    assert caught.value.hint == installed.newer()


def test_what_a_later_version_writes_beside_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    wanted = whole(path)
    lines = [json.loads(line) | {"later": 1} for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert found(read(path).trials) == wanted
    assert runs.FORMAT == 1


class Server:
    """A server that goes away at the third trial, and answers again once it was asked so often whether it does."""

    def __init__(self, comes_back_after: int) -> None:
        self.trials, self.asked, self.comes_back_after = list[tuple[str, int]](), 0, comes_back_after

    @property
    def is_there(self) -> bool:
        return len(self.trials) < 3 or self.asked > self.comes_back_after

    def away(self) -> str | None:
        self.asked += 1
        return None if self.is_there else "http://box:8000 refuses connections"

    def one(self, task: Task, repeat: int, stop: Stop) -> Trial:
        self.trials.append((task.id, repeat))
        if self.is_there:
            return one(task, repeat, stop)
        return Trial(task.id, task.kind, repeat, False, "server-error", "Connection refused")


def test_a_server_that_went_away_is_waited_for_and_no_trial_counts_that_got_no_word_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_PAUSE", 0.001)
    server, said = Server(4), list[str]()
    told = Told(away=said.append, back=lambda: said.append("back"))
    log = Log(tmp_path / "results.jsonl", CONDITIONS)
    result = evaluate(TASKS, CONDITIONS, log, server.one, told=told, away=server.away)
    assert found(result.trials) == whole(tmp_path / "one")
    assert said == ["http://box:8000 refuses connections", "back"]
    assert (result.away, len(server.trials)) == ("", 19)


def test_a_server_that_stays_away_leaves_the_rest_for_later(tmp_path: Path) -> None:
    path, server = tmp_path / "results.jsonl", Server(10**9)
    log = Log(path, CONDITIONS)
    result = evaluate(TASKS, CONDITIONS, log, server.one, away=server.away, patience=0)
    assert (len(result.trials), result.away) == (2, "http://box:8000 refuses connections")
    assert len(read(path).trials) == 2
    assert whole(path) == whole(tmp_path / "one")


def test_a_server_that_a_trial_ends_each_time_has_failed_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that runs out of memory at a prompt, and is started again by whatever looks after it."""
    monkeypatch.setattr(runs, "_PAUSE", 0.001)
    deadly, down = plan(TASKS, 3, 7)[1], threading.Event()

    def dies(task: Task, repeat: int, stop: Stop) -> Trial:
        if (task, repeat) == deadly:
            down.set()
            return Trial(task.id, task.kind, repeat, False, "server-error", "Connection dropped")
        return one(task, repeat, stop)

    def away() -> str | None:
        why = "http://box:8000 refuses connections" if down.is_set() else None
        down.clear()
        return why

    result = evaluate(TASKS, CONDITIONS, Log(tmp_path / "results.jsonl", CONDITIONS), dies, away=away)
    assert [(each.task, each.repeat) for each in result.trials if each.failure == "server-error"] == [
        (deadly[0].id, deadly[1])
    ]
    assert (len(result.trials), result.away) == (18, "")


def test_what_nothing_follows_from_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"

    def broken(task: Task, repeat: int, stop: Stop) -> Trial:
        return replace(one(task, repeat, stop), passed=None, failure=None, reason="Claude Code ended before it began")

    assert {each.passed for each in evaluate(TASKS, CONDITIONS, Log(path, CONDITIONS), broken).trials} == {None}
    assert whole(path) == whole(tmp_path / "one") == found(read(path).trials)


def test_two_evaluations_do_not_write_into_one_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.jsonl"
    with runs.held(path):
        whole(path)
        with pytest.raises(UsageError, match="another evaluation, which has not ended"), runs.held(path):
            pass
    with runs.held(path):
        assert len(read(path).trials) == 18


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "results.jsonl", tmp_path):
        with pytest.raises(ClaudeLocalError, match="cannot be written") as refused, runs.held(path):
            pass
        assert refused.value.hint == "name another file with --output"
