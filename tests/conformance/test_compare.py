"""Comparing what was observed with what was expected."""

from dataclasses import replace

import pytest

from claude_local_plugin.conformance import Expected, Observed, Scenario, compare, expected, url
from claude_local_plugin.conformance.expected import helper_output, plain_url
from tests.looped import looped

WANTED = Expected("ok", "anthropic", "http://127.0.0.1:8006", None, "token", "m", 65536)
SEEN = Observed(
    "ok",
    provider="anthropic",
    base_url="http://127.0.0.1:8006",
    authorization="Bearer token",
    model="m",
    context_window=65536,
)


def test_what_is_the_same_makes_no_difference() -> None:
    assert compare(SEEN, WANTED) == []


@looped(
    ("seen", "what"),
    [
        (replace(SEEN, base_url="http://127.0.0.1:8009"), ["base_url"]),
        (replace(SEEN, x_api_key="key"), ["x_api_key"]),
        (replace(SEEN, authorization=None), ["authorization"]),
        (replace(SEEN, authorization="Bearer"), ["authorization"]),
        (replace(SEEN, model="other", context_window=200_000), ["model", "context_window"]),
        (replace(SEEN, provider="bedrock"), ["provider"]),
        (replace(SEEN, outcome="timeout"), ["outcome"]),
        (Observed("not_logged_in", said="Not logged in"), ["outcome"]),
    ],
)
def test_each_difference_is_named(seen: Observed, what: list[str]) -> None:
    assert [difference.what for difference in compare(seen, WANTED)] == what


def test_a_window_that_was_not_seen_is_not_compared() -> None:
    assert compare(replace(SEEN, context_window=None), WANTED) == []


def test_a_provider_that_was_not_seen_may_be_any_that_uses_the_base_url() -> None:
    seen = replace(SEEN, provider=None)
    assert compare(seen, WANTED) == compare(seen, replace(WANTED, provider="gateway")) == []
    assert [difference.what for difference in compare(seen, Expected("ok", "bedrock"))] == ["provider"]


def test_a_provider_s_own_endpoint_and_names_are_not_compared() -> None:
    seen = replace(SEEN, provider="bedrock", base_url="https://bedrock-runtime.us-east-1.amazonaws.com", model="x")
    assert compare(seen, Expected("ok", "bedrock")) == []


def test_two_sessions_that_do_not_start_are_the_same() -> None:
    assert compare(Observed("not_logged_in"), Expected("not_logged_in")) == []
    assert compare(Observed("refused"), Expected("refused")) == []


def test_a_difference_says_what_was_said() -> None:
    (difference,) = compare(Observed("error", said="API Error"), WANTED)
    assert str(difference) == "outcome: expected 'ok', observed 'error: API Error'"


@looped(
    ("given", "plain"),
    [
        (None, None),
        ("", None),
        ("nonsense", None),
        ("ftp://host", None),
        ("http://127.0.0.1:8006/", "http://127.0.0.1:8006"),
        (" HTTP://LocalHost:8006/a/ ", "http://127.0.0.1:8006/a"),
        ("http://me:secret@127.0.0.1:1", "http://127.0.0.1:1"),
        ("https://API.anthropic.com", "https://api.anthropic.com"),
    ],
)
def test_urls_are_compared_in_one_form(given: str | None, plain: str | None) -> None:
    assert plain_url(given) == plain


@pytest.mark.parametrize(("command", "output"), [("echo a-b", "a-b"), (" echo  x ", "x"), ("true", ""), ("false", "")])
def test_a_helper_s_output_is_known_without_running_it(command: str, output: str) -> None:
    assert helper_output(command) == output


def test_a_scenario_leads_to_an_expectation() -> None:
    scenario = Scenario(
        settings={
            "local": {"env": {"ANTHROPIC_BASE_URL": url("local"), "ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_MODEL": "m"}},
            "user": {"env": {"ANTHROPIC_BASE_URL": url("user")}, "apiKeyHelper": "echo helped"},
        },
        shell={"ANTHROPIC_BASE_URL": url("shell")},
    )
    late = (("x_api_key", None),)  # what a helper prints is not waited for beside a token
    assert expected(scenario, "2.1.329") == Expected(
        "ok", "anthropic", url("local"), "helped", "t", "m", 1_000_000, otherwise=late
    )


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [
        (Scenario(), "not_logged_in"),
        (Scenario(shell={"ANTHROPIC_AUTH_TOKEN": "t", "ANTHROPIC_BASE_URL": "nonsense"}), "invalid_url"),
    ],
)
def test_sessions_that_send_nothing_are_expected_as_such(scenario: Scenario, outcome: str) -> None:
    assert expected(scenario, "2.1.329") == Expected(outcome)


def test_where_it_depends_on_timing_either_is_right_and_nothing_else() -> None:
    wanted = Expected("ok", "anthropic", url("local"), "key", otherwise=(("x_api_key", None),))
    for key, found in (("key", []), (None, []), ("other", ["x_api_key"])):
        seen = Observed("ok", "anthropic", url("local"), key)
        assert [each.what for each in compare(seen, wanted)] == found


def test_a_login_of_no_use_is_tried_for_minutes_or_said_at_once_and_never_sent() -> None:
    wanted = Expected("login_unusable")
    assert [compare(Observed(outcome), wanted) for outcome in ("login_unusable", "timeout")] == [[], []]
    for outcome in ("ok", "not_logged_in", "error"):
        assert [each.what for each in compare(Observed(outcome), wanted)] == ["outcome"]
