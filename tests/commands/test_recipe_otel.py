"""`claude-local recipe otel`: exporters where Claude Code reads them, the label of the backend, a collector."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.settings import schema
from claude_local_plugin.yaml_document import parse
from tests.commands.place import Place


def made(place: Place, folder: Path, *arguments: str) -> dict[str, str]:
    """The files that are written, by their names; nothing else is."""
    before = place.elsewhere()
    place.ok("recipe", "otel", *arguments, "--output", str(folder))
    assert place.elsewhere() == before
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def label(files: dict[str, str]) -> str:
    document = json.loads(files["local-settings.json"])
    assert schema.problems(document, "settings") == ()
    return str(document["env"]["OTEL_RESOURCE_ATTRIBUTES"])


def collector(files: dict[str, str]) -> Any:
    node = parse(files["collector.yaml"], "collector.yaml")
    assert node is not None
    return node.plain()


def test_every_part_of_the_collector_is_used_and_every_one_that_is_used_is_there(place: Place, tmp_path: Path) -> None:
    found = collector(made(place, tmp_path / "o"))
    assert list(found) == ["receivers", "processors", "exporters", "service"]
    pipelines = found["service"]["pipelines"]
    assert list(pipelines) == ["metrics", "logs"]
    for part in ("receivers", "processors", "exporters"):
        used = {name for pipeline in pipelines.values() for name in pipeline[part]}
        assert used == set(found[part])
        assert {name.partition("/")[0] for name in used} <= {
            *("otlp", "memory_limiter", "filter", "batch", "prometheus", "file")
        }
    assert all(pipeline["processors"][0] == "memory_limiter" for pipeline in pipelines.values())
    assert found["receivers"]["otlp"]["protocols"] == {"http": {"endpoint": "127.0.0.1:4318"}}


def test_the_exporters_say_what_a_fleet_is_told_and_that_figures_count_from_the_beginning(
    place: Place, server: EmbeddedBackend, tmp_path: Path
) -> None:
    files = made(place, tmp_path / "o", "--collector", "http://collector:4317", "--scope", "managed")
    env = json.loads(files["50-claude-local-otel.json"])["env"]
    fleet = place.ok("managed", "render", "--url", server.url, "--otel", "http://collector:4317").json["env"]
    temporality = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    assert env.pop(temporality) == "cumulative"
    assert env.items() <= fleet.items()
    assert env["OTEL_LOG_USER_PROMPTS"] == "0"
    assert collector(files)["receivers"]["otlp"]["protocols"] == {"grpc": {"endpoint": "0.0.0.0:4317"}}


@pytest.mark.parametrize("scope", ["project", "local"])
def test_a_place_where_exporters_are_not_heard_is_refused(place: Place, scope: str) -> None:
    said = place.refused("recipe", "otel", "--scope", scope, code=2)
    assert f"Claude Code does not take from {scope} settings: CLAUDE_CODE_ENABLE_TELEMETRY" in said
    assert "--scope user, managed or shell" in said


def test_a_shell_is_told_in_its_own_words(place: Place, tmp_path: Path) -> None:
    lines = made(place, tmp_path / "o", "--scope", "shell")["telemetry.sh"].splitlines()
    assert "export OTEL_METRICS_EXPORTER=otlp" in lines
    assert all(line.startswith("export ") for line in lines)


def test_the_label_is_the_backend_of_this_folder(place: Place, server: EmbeddedBackend, tmp_path: Path) -> None:
    assert label(made(place, tmp_path / "cloud")) == "claude_local.backend=cloud"
    place.ok("enable", "--url", server.url, "--yes")
    there = server.url.removeprefix("http://").replace(":", "%3A")
    assert label(made(place, tmp_path / "own")) == f"claude_local.backend={there}"
    named = made(place, tmp_path / "named", "--label", "gb10, the left one")
    assert label(named) == "claude_local.backend=gb10%2C%20the%20left%20one"


def test_attributes_that_the_label_would_hide_are_taken_along(place: Place, tmp_path: Path) -> None:
    place.write(place.user, {"env": {"OTEL_RESOURCE_ATTRIBUTES": "team=core,claude_local.backend=old"}})
    assert label(made(place, tmp_path / "o", "--label", "gb10")) == "team=core,claude_local.backend=gb10"
    assert "which the project's would hide: it is taken along" in place.ok("recipe", "otel").err


def test_what_is_no_url_is_told(place: Place) -> None:
    assert "--collector nowhere is no URL" in place.refused("recipe", "otel", "--collector", "nowhere", code=2)
