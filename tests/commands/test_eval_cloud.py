"""A cloud is evaluated where it is named in so many words alone, with its cost said first, and no further than that."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from claude_local_plugin.commands import eval_run
from claude_local_plugin.commands.eval_run import Asked
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation import run as runs
from claude_local_plugin.evaluation.cost import estimate
from claude_local_plugin.evaluation.outcome import Prices, Trial
from claude_local_plugin.evaluation.run import Conditions, Log, evaluate
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.commands.place import Place

SMOKE = suite("smoke").tasks
KEY = "sk-ant-api03-of-somebody"
MODEL = "claude-sonnet-5-5"


@pytest.fixture
def client(with_client: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A Claude Code on PATH, and nobody is logged in."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("CLAUDE_CODE_OAUTH_TOKEN", raising=False)
    return with_client


@pytest.mark.parametrize(
    "words",
    [
        ("--profile", "cloud"),
        ("--cloud",),
        ("--cloud", "--model", MODEL),
        ("--cloud", "--cost-limit", "3"),
        ("--profile", "cloud", "--model", MODEL, "--cost-limit", "3"),
        ("--url", "https://llm.example.com", "--model", "x"),
        ("--url", "https://api.anthropic.com", "--model", "x", "--suite", "core"),
    ],
)
def test_nobody_is_asked_anything_before_the_cost_was_said_and_a_limit_was_named(
    client: Place, words: tuple[str, ...]
) -> None:
    error = client.refused("eval", *words, "--yes", code=2)
    assert "paid for by the token: " in error
    assert "USD if each trial went to its limit of tokens" in error
    hint = error.partition("hint: ")[2].splitlines()[0]
    named = shlex.split(hint)
    assert named[:2] == ["claude-local", "eval"]
    assert float(named[named.index("--cost-limit") + 1]) > 0
    assert ("--cloud" in named) == ("--url" not in words)
    assert "--profile" not in named
    assert "--model" in named


def test_the_profile_of_an_address_in_the_internet_is_no_way_around_it(client: Place) -> None:
    client.ok("profile", "add", "far", "--url", "https://llm.example.com", "--model", "x")
    assert "and may be paid for by the token" in client.refused("eval", "--profile", "far", code=2)


def test_a_trial_gets_the_key_of_the_environment_and_goes_to_anthropics_api_alone(
    client: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(cloud=True, model=MODEL, cost_limit=3.0, isolated=False)
    with pytest.raises(UsageError, match="a trial has not your login") as none:
        eval_run.prepare(asked, client.world())
    assert none.value.hint == "export ANTHROPIC_API_KEY=…"
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    prepared = eval_run.prepare(asked, client.world())
    start, of = prepared.start, prepared.conditions
    assert (start.host, start.port, start.settings) == ("api.anthropic.com", 443, None)
    assert start.environ["ANTHROPIC_API_KEY"] == KEY
    assert start.environ["ANTHROPIC_MODEL"] == MODEL
    assert "ANTHROPIC_BASE_URL" not in start.environ
    assert KEY not in str(of)
    assert (of.url, of.model, of.profile) == ("https://api.anthropic.com", MODEL, "cloud")
    assert {"--cloud", "--cost-limit", "3", "--no-isolation", "--model", MODEL} <= set(shlex.split(of.command))
    assert prepared.cost is not None
    assert prepared.cost.trials == 6
    assert not prepared.output.exists()
    monkeypatch.setenv("WORK_KEY", "sk-ant-api03-of-work")
    other = eval_run.prepare(replace(asked, token_env="WORK_KEY"), client.world())
    assert other.start.environ["ANTHROPIC_API_KEY"] == "sk-ant-api03-of-work"


def test_a_folder_that_is_kept_to_its_servers_stays_with_them(client: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    folder = ("config", "set", "--project", str(client.project))
    client.ok(*folder, "protect", "true")
    client.ok(*folder, "allowed_backends", "http://box:8000")
    with pytest.raises(ClaudeLocalError, match="may use http://box:8000"):
        eval_run.prepare(Asked(cloud=True, model=MODEL, cost_limit=3.0, isolated=False), client.world())


def test_a_server_on_the_own_network_costs_nothing_unless_a_limit_is_named(
    client: Place, server: EmbeddedBackend
) -> None:
    asked = Asked(url=server.url, isolated=False)
    assert eval_run.prepare(asked, client.world()).cost is None
    assert eval_run.prepare(replace(asked, cost_limit=1.0), client.world()).cost is not None


def test_the_cost_is_that_of_what_the_tasks_took_here_or_of_their_limits() -> None:
    prices = Prices(input=2.0, output=10.0, cached=0.1)
    none = estimate(SMOKE, prices, "EUR")
    tokens = sum(task.limits.tokens for task in SMOKE)
    assert none.at_limits == pytest.approx(tokens * (0.95 * 2 + 0.05 * 10) / 1e6)
    assert (none.measured, none.suggested, none.trials) == (None, none.at_limits, 6)
    assert str(none) == f"about {none.at_limits:.2f} EUR if each trial went to its limit of tokens"
    before = [
        Trial(task.id, task.kind, 0, True, tokens_in=n * 1000, tokens_cached=50_000, tokens_out=1000)
        for task in SMOKE
        for n in (5, 10, 90)
    ]
    known = estimate(SMOKE, prices, "EUR", before)
    assert known.measured == pytest.approx(6 * (10_000 * 2 + 50_000 * 0.1 + 1000 * 10) / 1e6)
    assert known.suggested == pytest.approx(3 * known.measured)
    assert "by what these tasks took here before" in str(known)
    assert estimate(SMOKE, prices, "EUR", before[:-3]).measured is None  # one of them was never tried


def test_none_begins_once_the_limit_is_spent_and_the_rest_is_left(tmp_path: Path) -> None:
    conditions = Conditions("smoke", "0" * 64, {task.id: task.digest for task in SMOKE}, 1, 0, "https://x", "m")
    path = tmp_path / "results.jsonl"

    def one(cost: float) -> Callable[..., Trial]:
        return lambda task, repeat, _stop: Trial(task.id, task.kind, repeat, True, cost=cost)

    first = evaluate(SMOKE, conditions, Log(path, conditions), one(0.4), cost_limit=1.0)
    assert (len(first.trials), first.wanted) == (3, 6)
    again = evaluate(SMOKE, conditions, Log(path, conditions), one(0.4), cost_limit=1.0)
    assert len(again.trials) == 3
    assert len(evaluate(SMOKE, conditions, Log(path, conditions), one(0.4), cost_limit=2.0).trials) == 5
    assert len(runs.read(path).trials) == 5


def test_the_cost_is_said_before_anything_is_run_for_programs_too(client: Place, server: EmbeddedBackend) -> None:
    paid = (
        "eval",
        "--url",
        server.url,
        "--no-isolation",
        "--cost-limit",
        "1.5",
        "--budget",
        "0",
        "--output",
        "x.jsonl",
    )
    for more in ((), ("--json",)):
        said = client.ends(1, *paid, *more).err
        assert "cost: about 6.90 USD if each trial went to its limit of tokens" in " ".join(said.split())
        assert "none begins once 1.50 are spent" in " ".join(said.split())


def test_whoever_goes_on_once_all_is_spent_may_spend_as_much_again(client: Place, server: EmbeddedBackend) -> None:
    paid = ("eval", "--url", server.url, "--no-isolation", "--cost-limit", "1.5", "--output", "x.jsonl")
    client.ends(1, *paid, "--budget", "0")
    of = runs.read(client.project / "x.jsonl").conditions
    Log(client.project / "x.jsonl", of).add(Trial(SMOKE[0].id, SMOKE[0].kind, 0, True, cost=1.6))
    said = client.ends(1, *paid).err
    assert "5 of 6 trials are left: 1.60 are spent, of 1.50. To go on: " in said
    assert "--cost-limit 3" in said.rpartition("To go on: ")[2]
