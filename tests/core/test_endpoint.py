"""Which backend an environment points at, and what may be shown about it."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.endpoint import ANTHROPIC_URL, backend_of, is_anthropics_api, is_proxied
from claude_local_plugin.core.text import clean
from claude_local_plugin.core.urls import parse_url
from tests.looped import looped


def test_without_a_base_url_the_session_is_on_anthropics_api() -> None:
    for environ in ({}, {"ANTHROPIC_BASE_URL": ""}):
        backend = backend_of(environ)
        assert (backend.kind, backend.url, backend.cloud, backend.target) == ("anthropic", ANTHROPIC_URL, True, None)


@pytest.mark.parametrize("url", ["https://api.anthropic.com", "https://staging.anthropic.com/x", "https://claude.ai"])
def test_anthropics_own_hosts_are_cloud_also_by_base_url(url: str) -> None:
    assert backend_of({"ANTHROPIC_BASE_URL": url}).cloud


@pytest.mark.parametrize("url", ["https://anthropic.com.example.org", "https://notanthropic.com", "http://box:8000"])
def test_any_other_host_is_an_own_server(url: str) -> None:
    backend = backend_of({"ANTHROPIC_BASE_URL": url})
    assert not backend.cloud
    assert backend.kind == "unknown"
    assert backend.url == url


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_a_provider_switch_that_is_on_beats_the_base_url(value: str) -> None:
    backend = backend_of({"CLAUDE_CODE_USE_BEDROCK": value, "ANTHROPIC_BASE_URL": "http://box:8000"})
    assert (backend.kind, backend.cloud, backend.url, backend.target) == ("bedrock", True, None, None)


@pytest.mark.parametrize("value", ["", "0", "false", "2"])
def test_a_provider_switch_that_is_off_changes_nothing(value: str) -> None:
    backend = backend_of({"CLAUDE_CODE_USE_VERTEX": value, "ANTHROPIC_BASE_URL": "http://box:8000"})
    assert backend.url == "http://box:8000"


def test_a_providers_endpoint_is_its_url() -> None:
    backend = backend_of({"CLAUDE_CODE_USE_VERTEX": "1", "ANTHROPIC_VERTEX_BASE_URL": "https://u:p@gw.example.com/v"})
    assert (backend.kind, backend.url, backend.cloud) == ("vertex", "https://gw.example.com/v", True)


GATEWAY = {"CLAUDE_CODE_USE_GATEWAY": "1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:8011", "ANTHROPIC_AUTH_TOKEN": "t"}


def test_the_gateway_is_asked_before_the_other_providers(tmp_path: Path) -> None:
    backend = backend_of({**GATEWAY, "CLAUDE_CODE_USE_BEDROCK": "1"}, str(tmp_path), str(tmp_path))
    assert (backend.kind, backend.url, backend.cloud) == ("unknown", "http://127.0.0.1:8011", False)


@pytest.mark.parametrize("missing", ["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"])
def test_a_gateway_without_address_or_token_from_outside_of_a_project_does_not_count(
    tmp_path: Path, missing: str
) -> None:
    environ = {**GATEWAY, "CLAUDE_CODE_USE_BEDROCK": "1"}
    assert backend_of({**environ, missing: ""}, str(tmp_path), str(tmp_path)).kind == "bedrock"
    settings = tmp_path / ".claude" / "settings.local.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"env": {missing: environ[missing]}}))
    assert backend_of(environ, str(tmp_path), str(tmp_path)).kind == "bedrock"


@looped(
    ("text", "url", "label"),
    [
        ("http://dell-pro-max:8000", "http://dell-pro-max:8000", "dell-pro-max:8000"),
        ("HTTP://Dell:8000/", "http://dell:8000", "dell:8000"),
        (
            "https://u:secret@gw.example.com/a/?key=secret#x",
            "https://gw.example.com/a",
            "gw.example.com:443",
        ),
        ("http://a@b@host:1", "http://host:1", "host:1"),
        ("http://[::1]:8000/", "http://[::1]:8000", "[::1]:8000"),
        ("http://[::1]", "http://[::1]", "[::1]:80"),
        ("http://box:80", "http://box", "box:80"),
        (" http://box\\path ", "http://box/path", "box:80"),
        ("http://box:", "http://box", "box:80"),
    ],
)
def test_a_url_is_kept_in_one_spelling_and_without_credentials(text: str, url: str, label: str) -> None:
    target = parse_url(text)
    assert target is not None
    assert (target.url, target.label) == (url, label)


@looped(
    "text",
    ["", "127.0.0.1:8000", "my_box:8000", "box", "box:x", "ftp://box", "http://", "http://box:80a", "http://box:99999",
     "http://box:٣", "http://[::1", "http://[::1]x", "http://a b", "http://box\x1b[2J:80"],
)  # fmt: skip
def test_what_is_no_http_url_is_no_target(text: str) -> None:
    assert parse_url(text) is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("gb10:8000", "http://gb10:8000"),
        ("LOCALHOST:8000/v1", "http://localhost:8000/v1"),
        ("http:127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http:///box", "http://box"),
    ],
)
def test_what_the_client_sends_requests_to_without_being_a_whole_url_is_a_target(text: str, url: str) -> None:
    target = parse_url(text)
    assert target is not None
    assert target.url == url


NEARBY = ["localhost", "dell-pro-max", "box.local", "box.tail1234.ts.net", "127.0.0.1", "10.1.2.3", "172.20.0.1",
          "192.168.1.9", "100.100.1.1", "[::1]", "[fd00::1]"]  # fmt: skip


@looped("host", NEARBY)
def test_a_private_name_or_number_is_nearby(host: str) -> None:
    target = parse_url(f"http://{host}:8000")
    assert target is not None
    assert target.nearby


@pytest.mark.parametrize("host", ["api.example.com", "8.8.8.8", "172.32.0.1", "100.1.1.1", "[2001:db8::1]"])
def test_a_public_name_or_number_is_not_called_local(host: str) -> None:
    target = parse_url(f"http://{host}:8000")
    assert target is not None
    assert not target.nearby


@looped(
    ("environ", "proxied"),
    [
        ({}, False),
        ({"HTTP_PROXY": ""}, False),
        ({"HTTP_PROXY": "http://p:1"}, True),
        ({"https_proxy": "http://p:1"}, True),
        ({"ALL_PROXY": "http://p:1"}, True),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "localhost, box.lan"}, False),
        ({"HTTP_PROXY": "http://p:1", "no_proxy": "a b box.lan:8000"}, False),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "box.lan:9000"}, True),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": ".lan"}, False),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": ".box.lan"}, False),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "lan"}, False),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, False),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a", "no_proxy": "BOX.lan"}, False),
    ],
)
def test_a_proxy_counts_unless_no_proxy_names_the_server(environ: dict[str, str], proxied: bool) -> None:
    target = parse_url("http://box.lan:8000")
    assert target is not None
    assert is_proxied(environ, target) is proxied


def test_shown_text_has_no_control_or_direction_characters() -> None:
    assert clean("qwen\x1b]0;x\x07\u202e3\ud800\n") == "qwen\ufffd]0;x\ufffd\ufffd3\ufffd\ufffd"
    assert clean("é—😀 ok") == "é—😀 ok"
    assert len(clean("x" * 9999)) == 500


@looped("case", json.loads((Path(__file__).parent / "proxy_cases.json").read_text()), ids=str)
def test_a_proxy_is_used_exactly_where_claude_code_was_seen_to_use_it(case: dict[str, Any]) -> None:
    """Recorded on Claude Code 2.1.329: the variables set, and whether its request went through the proxy."""
    target = parse_url(case["env"]["ANTHROPIC_BASE_URL"])
    assert target is not None
    assert is_proxied(case["env"], target) is case["proxied"]


@looped(
    ("url", "theirs"),
    [
        ("https://api.anthropic.com", True),
        (" https://API.Anthropic.com/x ", True),
        ("http://api.anthropic.com", False),
        ("https://anthropic.com.evil.example", False),
        ("https://notanthropic.com", False),
        ("http://127.0.0.1:8000", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_a_login_of_anthropics_belongs_to_its_api_alone(url: str, theirs: bool) -> None:
    assert is_anthropics_api(url) is theirs
