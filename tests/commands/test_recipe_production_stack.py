"""`claude-local recipe production-stack`: a recipe or servers that run, and the lines to type."""

from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.yaml_document import parse
from tests.commands.place import MODEL, Place

ASKED = ("recipe", "production-stack")


def read(text: str) -> Any:
    node = parse(text, "values")
    assert node is not None
    return node.plain()


def test_a_recipe_becomes_replicas_and_a_router_with_the_lines_to_type(place: Place, tmp_path: Path) -> None:
    before = place.elsewhere()
    more = ("--replicas", "3", "--window", "65536", "--sessions", "2", "--output", str(tmp_path))
    ended = place.ok(*ASKED, "qwen3-coder-next:fp8", "--hardware", "gb10", *more)
    assert place.elsewhere() == before
    (engine,) = read((tmp_path / "production-stack.yaml").read_text(encoding="utf-8"))["servingEngineSpec"]["modelSpec"]
    assert (engine["replicaCount"], engine["vllmConfig"]["maxModelLen"]) == (3, 65_536)
    assert f"-f {tmp_path}/production-stack.yaml" in ended.err
    assert (
        "claude-local enable --url http://localhost:8000 --token-env SERVER_KEY --model qwen3-coder-next" in ended.err
    )


def test_a_router_stands_before_servers_that_run(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(place.ok(*ASKED, "--backend", f"{server.url},{server.url}/").out)
    assert found["routerSpec"]["staticBackends"] == server.url
    server.api_key = "sk-of-the-server-0123456789"
    assert "--no-check --model NAME" in place.refused(*ASKED, "--backend", server.url, code=2)
    monkeypatch.setenv("BOX_KEY", server.api_key)
    ended = place.ok(*ASKED, "--backend", server.url, "--token-env", "BOX_KEY")
    assert read(ended.out)["routerSpec"]["staticModels"] == MODEL
    assert "--token-env BOX_KEY" in ended.err
    assert server.api_key not in ended.all


def test_unasked_servers_need_a_model(place: Place) -> None:
    assert "--model NAME" in place.refused(*ASKED, "--backend", "http://a:8000", "--no-check", code=2)
    found = read(place.ok(*ASKED, "--backend", "http://a:8000,http://b:8000", "--no-check", "--model", "m").out)
    assert found["routerSpec"]["staticModels"] == "m,m"


def test_what_is_to_run_has_to_be_said(place: Place) -> None:
    assert "--hardware" in place.refused(*ASKED, code=2)
    assert "--hardware NAME" in place.refused(*ASKED, "qwen3-coder-next", code=2)
    assert "name a recipe" in place.refused(*ASKED, "qwen3-coder-next", "--backend", "http://a:8000", code=2)
