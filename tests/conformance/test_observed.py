"""Reading a run: from requests and words to one record."""

import json
from typing import Any

import pytest

from claude_local_plugin.conformance import Observed
from claude_local_plugin.conformance.network import Traffic
from claude_local_plugin.conformance.observed import Run, read
from claude_local_plugin.fake_server.server import Request

CLOUD = 40000
NAMED = {50006: 8006}


def request(
    path: str = "/v1/messages?beta=true", port: int = 50006, body: Any = None, method: str = "POST", **headers: str
) -> Request:
    content = {"model": "m", "tools": [{}]} if body is None else body
    return Request(method, path, {name.replace("_", "-"): value for name, value in headers.items()}, content, 0.0, port)


def seen(*requests: Request, answer: dict[str, Any] | None = None, **given: Any) -> Observed:
    traffic = Traffic(requests, given.pop("hosts", ()), given.pop("proxied", ()))
    stdout = given.pop("stdout", json.dumps(answer or {"result": "pong"}))
    return read(Run(given.pop("exit_code", 0), stdout, given.pop("stderr", ""), 0.5), traffic, NAMED, CLOUD)


def test_the_prompt_s_request_tells_endpoint_credentials_and_model() -> None:
    observed = seen(request(authorization="Bearer t", x_api_key="k", host="127.0.0.1:50006"))
    assert (observed.outcome, observed.base_url) == ("ok", "http://127.0.0.1:8006")
    assert (observed.authorization, observed.x_api_key, observed.model) == ("Bearer t", "k", "m")


def test_requests_beside_the_prompt_do_not_count() -> None:
    observed = seen(
        request(body={"model": "title"}),
        request(),
        request("/v1/messages/count_tokens", body={"model": "count", "tools": [{}]}),
        request("/v1/models", method="GET", body={}),
    )
    assert observed.model == "m"


def test_the_first_attempt_counts_and_not_the_models_a_client_falls_back_to() -> None:
    again = {"model": "fallback", "tools": [{}]}
    assert seen(request(), request(body=again)).model == "m"


def test_a_base_url_with_a_path_is_seen_with_it() -> None:
    assert seen(request("/gateway/v1/messages?beta=true")).base_url == "http://127.0.0.1:8006/gateway"


@pytest.mark.parametrize(
    ("host", "path", "provider", "model"),
    [
        ("api.anthropic.com", "/v1/messages?beta=true", "anthropic", "m"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "/model/us.x/invoke-with-response-stream", "bedrock", "us.x"),
        (
            "us-east5-aiplatform.googleapis.com",
            "/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict",
            "vertex",
            "c",
        ),
        ("box.services.ai.azure.com", "/anthropic/v1/messages", "foundry", "m"),
        ("claude.googleapis.com", "/v1/messages", "anthropicGoogleCloud", "m"),
    ],
)
def test_the_cloud_s_hosts_tell_the_provider(host: str, path: str, provider: str, model: str) -> None:
    body = {"tools": [{}]} if model != "m" else {"model": "m", "tools": [{}]}
    observed = seen(request(path, port=CLOUD, host=host, body=body))
    assert (observed.provider, observed.base_url, observed.model) == (provider, f"https://{host}", model)


def test_a_gateway_is_asked_as_anthropic_is() -> None:
    assert seen(request()).provider is None


def test_a_provider_at_an_endpoint_of_one_s_own_is_told_by_its_routes() -> None:
    assert seen(request("/model/us.x/invoke", body={"tools": [{}]})).provider == "bedrock"


def test_what_the_client_calls_its_provider_counts_more() -> None:
    usage = {"m": {"outputTokens": 1, "contextWindow": 7, "provider": "gateway"}}
    observed = seen(request(), answer={"result": "pong", "modelUsage": usage})
    assert (observed.provider, observed.context_window) == ("gateway", 7)


def test_the_window_is_that_of_the_model_which_answered() -> None:
    usage = {"small": {"outputTokens": 1, "contextWindow": 1}, "m": {"outputTokens": 9, "contextWindow": 2}}
    assert seen(request(), answer={"modelUsage": usage}).context_window == 2


def test_only_foreign_headers_are_extra() -> None:
    observed = seen(request(x_team="blue", x_stainless_os="Linux", anthropic_beta="b", user_agent="claude-cli"))
    assert observed.extra_headers == {"x-team": "blue"}


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"answer": {"result": "Not logged in · Please run /login"}, "exit_code": 1}, "not_logged_in"),
        ({"answer": {"result": "API Error: Invalid URL"}, "exit_code": 1}, "invalid_url"),
        ({"answer": {"result": "API Error: anything"}, "exit_code": 1}, "error"),
        ({"stdout": "", "stderr": "your organization says no", "exit_code": 1}, "refused"),
        ({"stdout": "", "exit_code": None}, "timeout"),
    ],
)
def test_a_run_without_a_prompt_has_a_reason(given: dict[str, Any], outcome: str) -> None:
    assert seen(**given).outcome == outcome


def test_a_prompt_that_was_sent_too_late_is_a_time_out() -> None:
    assert seen(request(), exit_code=None, stdout="").outcome == "timeout"


def test_a_provider_that_was_only_asked_for_by_name_is_seen() -> None:
    hosts = ("bedrock-runtime.us-east-1.amazonaws.com",)
    assert seen(answer={"result": "API Error: no credentials"}, hosts=hosts).provider == "bedrock"


def test_a_warning_before_the_answer_does_no_harm() -> None:
    observed = seen(request(), stdout='{ not JSON\nwarning\n{"result": "pong"}\n', stderr="one\n\ntwo\n")
    assert (observed.said, observed.warnings) == ("pong", ("one", "two"))


def test_a_record_survives_being_written_as_json() -> None:
    observed = seen(request(authorization="Bearer t"), hosts=("a",), proxied=("b",), stderr="w")
    assert Observed.from_json(json.loads(json.dumps(observed.to_json()))) == observed
