"""`enable --privacy` writes a level and keeps it; `claude-local privacy` says what leaves, as it is and as it would."""

import json

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.commands.place import Place
from tests.looped import looped

LEVELS = ("default", "quiet", "airgap")
LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-dummy", "scopes": ["user:inference"]}}


def level(place: Place) -> str:
    found: str = place.json("privacy")["level"]
    return found


@looped("chosen", LEVELS)
def test_a_level_is_written_kept_by_later_calls_and_given_back(
    place: Place, server: EmbeddedBackend, chosen: str
) -> None:
    before = place.write(place.local, {"permissions": {"deny": ["Bash(rm *)"]}, "model": "theirs"})
    place.ok("enable", "--url", server.url, "--yes", "--privacy", chosen)
    assert level(place) == chosen
    place.ok("enable", "--yes", "--statusline")
    assert level(place) == chosen
    place.ok("disable")
    assert place.local.read_bytes() == before


def test_without_a_word_it_is_quiet_and_one_level_follows_the_other(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url, "--yes")
    assert level(place) == "quiet"
    for chosen in ("airgap", "default", "airgap", "quiet"):
        place.ok("enable", "--yes", "--privacy", chosen)
        assert level(place) == chosen
    assert '"WebFetch"' not in place.local.read_text()


def test_a_profile_names_its_level(place: Place, server: EmbeddedBackend) -> None:
    config = place.home / ".config" / "claude-local" / "config.toml"
    place.write(config, f'[profiles.still]\nurl = "{server.url}"\nprivacy = "airgap"\n')
    place.ok("enable", "still", "--yes")
    assert level(place) == "airgap"
    place.ok("enable", "still", "--yes", "--privacy", "quiet")
    assert level(place) == "quiet"


@looped("asked", LEVELS)
def test_how_it_would_be_is_how_it_is_once_it_is_written(place: Place, server: EmbeddedBackend, asked: str) -> None:
    place.ok("enable", "--url", server.url, "--yes")
    before = place.files()
    planned = place.json("privacy", "--level", asked)
    assert place.files() == before
    place.ok("enable", "--yes", "--privacy", asked)
    real = place.json("privacy")
    assert {**planned, "asked_level": None} == real


def test_what_airgap_cannot_keep_back_is_said_when_it_is_written(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.home / ".claude" / ".credentials.json", LOGIN)
    said = place.ok("enable", "--url", server.url, "--yes", "--privacy", "airgap").err
    assert "airgap is not kept: api.anthropic.com gets your claude.ai login" in said
    assert "--scope user" in said
    assert [each["id"] for each in place.json("privacy")["leaves"]] == ["login"]
    place.ok("disable")
    said = place.ok("enable", "--url", server.url, "--yes", "--privacy", "airgap", "--scope", "user").err
    assert "airgap is not kept" not in said


def test_it_is_said_in_words(place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CODE_ENABLE_TELEMETRY", "1")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example:4318")
    place.ok("enable", "--url", server.url, "--yes")
    said = place.ok("privacy").out
    assert f"Prompts and code go to 127.0.0.1:{server.port}. Level: quiet." in said
    assert "otel.example" in said
    assert "Not counted: programs of your own" in said


def test_a_proof_without_a_client_says_what_is_missing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "there is no claude on PATH" in place.refused("privacy", "--prove", code=2)


def test_a_proof_without_namespaces_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    program = place.home / "claude"
    program.write_text("#!/bin/sh\necho 2.1.332\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    said = place.refused("privacy", "--prove", "--claude", str(program))
    assert "nothing can be proved here" in said
    assert "namespaces" in said


def test_the_report_is_json(place: Place) -> None:
    assert json.loads(place.ok("privacy", "--json").out)["level"] == "default"


def test_our_own_log_is_named_where_it_is_sent(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url, "--yes", "--privacy", "airgap")
    place.ok("config", "set", "log.push", "postgresql://box1@db.example/team")
    (own,) = [each for each in place.json("privacy")["leaves"] if each["id"] == "log-push"]
    assert own["hosts"] == ["db.example"]
    assert "db.example" in place.ok("privacy").out
    place.ok("config", "unset", "log.push")
    assert "db.example" not in place.ok("privacy").out
