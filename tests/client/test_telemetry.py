"""What `recipe otel` writes, put where it says: the real Claude Code exports, with the backend as a label."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.client.conftest import Person
from tests.listening import listening

pytestmark = pytest.mark.client


class Collector:
    """What came to a collector, by its path."""

    def __init__(self) -> None:
        self.url = ""
        self.came: dict[str, list[Any]] = {}

    def points(self) -> list[dict[str, Any]]:
        """Every figure's attributes, with its name and how it counts."""
        return [
            {"metric": metric["name"], "temporality": metric["sum"]["aggregationTemporality"], **_flat(point)}
            for body in self.came.get("/v1/metrics", ())
            for resource in body["resourceMetrics"]
            for scope in resource["scopeMetrics"]
            for metric in scope["metrics"]
            for point in metric["sum"]["dataPoints"]
        ]


def _flat(point: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in point["attributes"]}


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.came.setdefault(self.path, []).append(json.loads(body))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with listening(Handler) as url:
        found.url = url
        yield found


def written(person: Person, collector: Collector, folder: Path) -> dict[str, dict[str, str]]:
    """The variables of both settings files, as they are written, but in JSON, which can be read here."""
    person.ours("recipe", "otel", "--collector", collector.url, "--label", "gb10", "--output", str(folder))
    env = {
        name: json.loads((folder / f"{name}-settings.json").read_text(encoding="utf-8"))["env"]
        for name in ("user", "local")
    }
    assert env["user"]["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
    env["user"]["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/json"
    return env


def merged(path: Path, env: dict[str, str]) -> None:
    """Put variables into a settings file, as a person does."""
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    document.setdefault("env", {}).update(env)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_every_figure_says_which_backend_it_is_of_and_no_prompt_is_in_there(
    person: Person, server: EmbeddedBackend, collector: Collector, tmp_path: Path
) -> None:
    person.ours("enable", "--url", server.url, "--yes", "--no-hooks")
    env = written(person, collector, tmp_path / "o")
    merged(person.home / ".claude" / "settings.json", env["user"])
    merged(person.local_settings, env["local"])
    assert person.session("a secret prompt").stdout.strip() == "pong"
    points = collector.points()
    assert {point["metric"] for point in points} >= {"claude_code.session.count", "claude_code.token.usage"}
    assert {point["claude_local.backend"] for point in points} == {"gb10"}
    assert {point["anthropic.custom_base_url"] for point in points} == {True}
    assert {point["temporality"] for point in points} == {2}  # cumulative
    events = json.dumps(collector.came["/v1/logs"])
    assert "gb10" in events
    assert "a secret prompt" not in events + json.dumps(points)


def test_exporters_in_a_projects_file_are_not_heard(
    person: Person, server: EmbeddedBackend, collector: Collector, tmp_path: Path
) -> None:
    person.ours("enable", "--url", server.url, "--yes", "--no-hooks")
    env = written(person, collector, tmp_path / "o")
    merged(person.local_settings, {**env["user"], **env["local"]})
    assert person.session().stdout.strip() == "pong"
    assert collector.came == {}
