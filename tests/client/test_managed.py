"""The rendered fragment as the real Claude Code reads it: the session goes to the server, whatever users have set."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.conformance import Box, BoxError, Observed, Scenario, url
from claude_local_plugin.fleet import Wishes, fragment
from claude_local_plugin.servers.compatibility import needs

pytestmark = pytest.mark.client

PLACE = "managed.d/20"
SERVER = url(PLACE)
BACKEND = Backend(SERVER, "vllm", "qwen3-coder", 65_536)


@pytest.fixture(scope="module")
def box(claude_binary: Path) -> Iterator[Box]:
    try:
        box = Box(claude_binary, alone=True)
    except BoxError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no namespaces here: {error}")
    yield box
    box.close()


def seen(box: Box, wishes: Wishes, **more: Any) -> Observed:
    document = fragment(BACKEND, needs("vllm", "0.33.0"), wishes)
    settings = {PLACE: document, **more.pop("settings", {})}
    return box.observe(replace(Scenario(settings=settings), **more))


USERS = {
    "user": {
        "env": {"ANTHROPIC_BASE_URL": url("user"), "ANTHROPIC_AUTH_TOKEN": "tok-user", "ANTHROPIC_MODEL": "theirs"},
        "apiKeyHelper": "echo helper-user",
    },
    "local": {
        "env": {
            "ANTHROPIC_BASE_URL": url("local"),
            "ANTHROPIC_CUSTOM_HEADERS": "X-Mine: 1",
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "1000",
        }
    },
    "project": {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
}


@pytest.mark.parametrize("lock", [False, True])
def test_a_session_goes_to_the_server_and_users_cannot_beat_it(box: Box, lock: bool) -> None:
    shell = {"ANTHROPIC_API_KEY": "sk-ant-api03-dummy", "ANTHROPIC_BASE_URL": url("shell")}
    found = seen(box, Wishes(lock=lock), settings=USERS, shell=shell)
    assert (found.outcome, found.base_url, found.model) == ("ok", SERVER, "qwen3-coder")
    assert (found.authorization, found.x_api_key) == ("Bearer claude-local", None)
    assert found.context_window == 65_536
    assert not found.extra_headers


def test_a_helper_gives_the_key_as_vllm_wants_it(box: Box) -> None:
    found = seen(box, Wishes(helper='printf %s "$TEAM_KEY"'), settings=USERS, shell={"TEAM_KEY": "tok-team"})
    assert (found.outcome, found.base_url, found.authorization) == ("ok", SERVER, "Bearer tok-team")


HOST = {
    "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
    "ANTHROPIC_BASE_URL": url("shell"),
    "ANTHROPIC_AUTH_TOKEN": "tok-shell",
    "ANTHROPIC_MODEL": "theirs",
}


def test_the_hosts_variable_leads_past_it_and_the_lock_refuses_that(box: Box) -> None:
    assert seen(box, Wishes(), shell=HOST).base_url == url("shell")
    assert seen(box, Wishes(lock=True), shell=HOST).outcome == "refused"
