"""`claude-local recipe prometheus` and `recipe grafana`: which servers are read, their keys, the files."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.yaml_document import parse
from tests.commands.place import Place
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
