"""What `eval` has measured here is said wherever that server or model is spoken of, and counts where time is given."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from claude_local_plugin.evaluation.scripted import Skill
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.settings.schema import problems
from tests.commands.place import MODEL, Place
from tests.commands.test_eval_show import written
from tests.commands.test_run import typed
from tests.evaluation.test_report import evaluated

TODAY = datetime.now(UTC).strftime("%Y-%m-%d")
BENCH = ("--prompt-tokens", "400", "--turns", "2", "--answer-tokens", "4", "--concurrency", "1")


def measured(place: Place, url: str, model: str = MODEL) -> str:
    """An evaluation of this server on record; returns how it is said."""
    one = evaluated(Skill("x", 0.7), repeat=1, seconds=80.0)
    conditions = replace(
        one.conditions, url=url, model=model, server="vLLM 0.32.0", began=f"{TODAY}T00:00:00Z", suite="mine"
    )
    (place.state / "evaluations").mkdir(parents=True, exist_ok=True)
    name = "".join(each for each in f"{model}{url}" if each.isalnum())
    written(place.state / "evaluations" / f"{name}.jsonl", replace(one, conditions=conditions))
    passed = sum(bool(trial.passed) for trial in one.trials)
    return f"measured here: {passed} of 30 ("


def test_a_profile_and_a_recipe_say_what_was_measured(place: Place) -> None:
    url = "http://dell-pro-max:8000"
    place.ok("profile", "add", "spark", "--url", url, "--model", MODEL)
    place.ok("profile", "add", "other", "--url", "http://nas:8000", "--model", MODEL)
    assert "measured" not in place.ok("profile", "show", "spark").err
    said = measured(place, f"{url}/")
    assert said in place.ok("profile", "show", "spark").err
    assert "measured" not in place.ok("profile", "show", "other").err
    report = place.ok("profile", "show", "spark", "--json").json
    assert [each for each in problems(report, "profile-show") if each.severity == "error"] == []
    assert report["measured"][0]["trials"] == 30
    shown = place.ok("recipe", "show", "qwen3-coder-next").out
    assert said.removeprefix("measured here: ") in shown
    assert "  measured here    " in shown
    assert "measured here" not in place.ok("recipe", "show", "qwen3.6-35b-a3b").out
    measured(place, url, "Qwen/Qwen3-Coder-Next-FP8")
    whole = place.ok("recipe", "show", "qwen3-coder-next:fp8", "--json").json
    assert [each for each in problems(whole, "recipe-show") if each.severity == "error"] == []
    assert {each["model"] for each in whole["measured"]} == {MODEL, "Qwen/Qwen3-Coder-Next-FP8"}
    (only,) = place.ok("recipe", "show", "qwen3-coder-next:nvfp4", "--json").json["measured"]
    assert only["model"] == MODEL


def test_enable_says_in_a_line_what_was_measured_of_this_server_and_model(
    repository: Place, server: EmbeddedBackend
) -> None:
    assert "measured" not in repository.ok("enable", "--url", server.url, "--dry-run").all
    assert repository.ok("enable", "--url", server.url, "--dry-run", "--json").json["measured"] is None
    said = measured(repository, server.url)
    measured(repository, server.url, "another-model")
    ended = repository.ok("enable", "--url", server.url, "--dry-run")
    lines = [line for line in ended.err.splitlines() if "measured here" in line]
    assert [line[: len(said)] for line in lines] == [said]
    report = repository.ok("enable", "--url", server.url, "--dry-run", "--json").json
    assert [each for each in problems(report, "enable") if each.severity == "error"] == []
    assert report["measured"]["model"] == MODEL


@pytest.mark.process
def test_bench_and_a_run_of_guardkit_take_the_time_of_a_turn_from_it(place: Place, server: EmbeddedBackend) -> None:
    bench = ("bench", "--url", server.url, *BENCH)
    guardkit = place.home / "guardkit"
    guardkit.write_text('#!/bin/sh\nprintf "%s\\n" "$GUARDKIT_TIMEOUT_MULTIPLIER"\n')
    guardkit.chmod(0o755)
    run = ("--url", server.url, "--", str(guardkit), "autobuild", "task", "TASK-1")
    assert typed(place, *run).out == "4.0\n"
    said = measured(place, server.url)
    report = place.ok(*bench, "--json").json
    assert [each for each in problems(report, "bench") if each.severity == "error"] == []
    task = report["advice"]["task"]
    # five turns in 80 seconds: 16 s a turn, 100 turns, three times that over GuardKit's 1,200 s
    assert (task["turns"], task["seconds"], task["seconds_a_turn"], task["guardkit_multiplier"]) == (5, 80, 16, 4.0)
    for path in (place.state / "evaluations").iterdir():
        path.write_text(path.read_text().replace('"seconds": 80.0', '"seconds": 30.0'))
    people = place.ok(*bench).out
    assert said in people
    assert (
        "GUARDKIT_TIMEOUT_MULTIPLIER=2.0   for a run of GuardKit on this server:\n  a turn takes 6.0 s here" in people
    )
    ended = typed(place, *run)
    assert ended.out == "2.0\n"
    assert "GUARDKIT_TIMEOUT_MULTIPLIER=2.0: a turn takes 6.0 s here" in ended.err
