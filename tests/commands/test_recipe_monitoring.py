"""`claude-local recipe prometheus` and `recipe grafana`: which servers are read, their keys, the files."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.yaml_document import parse
from tests.commands.place import Place
from tests.listening import listening
from tests.real_servers.light import NEEDED, llama, require
from tests.real_servers.start_vllm import free_port

KEY = "sk-of-the-server-0123456789"


def config(folder: Path) -> Any:
    node = parse((folder / "prometheus.yml").read_text(encoding="utf-8"), "prometheus.yml")
    assert node is not None
    return node.plain()


def test_each_server_is_read_as_what_it_was_seen_to_be(place: Place, server: EmbeddedBackend, tmp_path: Path) -> None:
    dead = f"127.0.0.1:{free_port()}"
    before = place.elsewhere()
    ended = place.ok(
        "recipe", "prometheus", "--backend", f"{server.url},http://{dead}", "--output", str(tmp_path / "m")
    )
    assert place.elsewhere() == before
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["claude-local.rules.yml", "prometheus.yml"]
    (job,) = config(tmp_path / "m")["scrape_configs"]
    assert job["static_configs"] == [
        {"targets": [server.url.removeprefix("http://")], "labels": {"kind": "vllm"}},
        {"targets": [dead], "labels": {"kind": "unknown"}},
    ]
    assert f"! {dead} refuses connections: nothing listens there: not looked at" in ended.err
    assert f"check  promtool check config {tmp_path}/m/prometheus.yml" in ended.err


def test_without_a_folder_both_files_are_shown(place: Place, server: EmbeddedBackend) -> None:
    out = place.ok("recipe", "prometheus", "--backend", server.url).out
    assert out.startswith("# ---- prometheus.yml\n")
    assert "\n# ---- claude-local.rules.yml\n" in out


def test_a_server_without_metrics_is_left_out(place: Place, server: EmbeddedBackend) -> None:
    with EmbeddedBackend(kind="ollama") as other:
        ended = place.ok("recipe", "prometheus", "--backend", server.url, "--backend", other.url)
        assert (
            f"{other.url.removeprefix('http://')} is left out: no metrics are known of an Anthropic-compatible server"
            in ended.err
        )
        assert other.url.removeprefix("http://") not in ended.out
        assert "none of these servers has metrics" in place.refused(
            "recipe", "prometheus", "--backend", other.url, code=2
        )


class Gateway(BaseHTTPRequestHandler):
    """LiteLLM as far as it is asked here: its metrics are one slash further on (seen on 1.110.2)."""

    def do_GET(self) -> None:
        said = {"/health/liveliness": '"I\'m alive!"', "/metrics/": "litellm_in_flight_requests 1.0\n"}
        said["/v1/models"] = json.dumps({"data": [{"id": "m", "object": "model"}]})
        body = said.get(self.path, "").encode()
        self.send_response(307 if self.path == "/metrics" else 200 if body else 404)
        self.send_header("location", f"http://{self.headers['host']}/metrics/")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_metrics_that_are_one_slash_further_on_are_found(place: Place, tmp_path: Path) -> None:
    with listening(Gateway) as url:
        ended = place.ok("recipe", "prometheus", "--backend", url, "--output", str(tmp_path))
        assert "running      1  requests" in place.ok("watch", "--url", url, "--once").out
    assert "!" not in ended.err
    assert config(tmp_path)["scrape_configs"][0]["static_configs"][0]["labels"] == {"kind": "litellm"}


class Router(Gateway):
    """vllm-router as far as it is asked here."""

    def do_GET(self) -> None:
        said = {"/health": "All servers healthy", "/workers": json.dumps({"workers": [{"url": "http://127.0.0.1:9"}]})}
        said["/v1/models"] = json.dumps({"data": [{"id": "m", "object": "model"}]})
        body = said.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("x-request-id", "req-0123456789abcdefghij")
        self.send_header("vary", "origin, access-control-request-method")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_behind_a_router_the_servers_are_to_be_named(place: Place, server: EmbeddedBackend) -> None:
    with listening(Router) as url:
        ended = place.ok("recipe", "prometheus", "--backend", f"{server.url},{url}")
    assert f"{url.removeprefix('http://')} is left out: vllm-router shows one replica or another" in ended.err
    assert "name the servers behind it: http://127.0.0.1:9" in ended.err
    assert url.removeprefix("http://") not in ended.out


@pytest.mark.light_server
def test_a_key_is_read_from_a_file_by_prometheus_and_written_nowhere(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    monkeypatch.setenv("BOX_KEY", KEY)
    with llama(make(tmp_path / "tiny.gguf"), key=KEY) as guarded:
        asked = ("recipe", "prometheus", "--backend", guarded.url, "--token-env", "BOX_KEY")
        ended = place.ok(*asked)
        assert "asks Prometheus for a key: name the file that holds it with --key-file" in ended.err
        ended = place.ok(*asked, "--key-file", "/etc/prometheus/box.key", "--output", str(tmp_path / "m"))
    assert config(tmp_path / "m")["scrape_configs"][0]["authorization"] == {
        "credentials_file": "/etc/prometheus/box.key"
    }
    assert "!" not in ended.err
    assert KEY not in ended.all + (tmp_path / "m" / "prometheus.yml").read_text(encoding="utf-8")


def test_a_key_that_metrics_do_not_need_is_not_sent_to_them(
    place: Place, server: EmbeddedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api_key = KEY
    monkeypatch.setenv("BOX_KEY", KEY)
    asked = ("--backend", server.url, "--token-env", "BOX_KEY", "--key-file", "/k", "--output", str(tmp_path))
    place.ok("recipe", "prometheus", *asked)
    assert "authorization" not in config(tmp_path)["scrape_configs"][0]


def test_the_dashboard_is_for_the_kinds_that_were_named(place: Place, tmp_path: Path) -> None:
    made = json.loads(place.ok("recipe", "grafana", "--kind", "llama.cpp").out)
    assert "vllm:" not in json.dumps(made)
    assert "one of vllm, litellm, llama.cpp, sglang" in place.refused("recipe", "grafana", "--kind", "ollama", code=2)
    ended = place.ok("recipe", "grafana", "--output", str(tmp_path))
    assert "13 panels for vLLM, LiteLLM, llama.cpp, SGLang" in ended.err
    assert [path.name for path in tmp_path.glob("*.json")] == ["claude-local.dashboard.json"]
