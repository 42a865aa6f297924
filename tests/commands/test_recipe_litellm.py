"""`claude-local recipe litellm`: servers are asked, and what is written and printed follows from their answers."""

from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.yaml_document import parse
from tests.commands.place import MODEL, Ended, Place
from tests.real_servers.start_vllm import free_port

KEY = "sk-of-the-server-0123456789"


def config(ended: Ended) -> Any:
    node = parse(ended.out, "stdout")
    assert node is not None
    return node.plain()


def made(place: Place, *arguments: str) -> Any:
    """What is printed; nothing is written anywhere."""
    before = place.elsewhere()
    ended = place.ok("recipe", "litellm", *arguments)
    assert place.elsewhere() == before
    return config(ended)


def test_two_servers_of_one_model_are_one_name_and_the_lines_to_type_follow(place: Place) -> None:
    with EmbeddedBackend(models=(Model(MODEL, 65_536),)) as one, EmbeddedBackend(models=(Model(MODEL, 32_768),)) as two:
        ended = place.ok("recipe", "litellm", "--backend", f"{one.url},{two.url}")
    found = config(ended)["model_list"]
    assert [each["litellm_params"]["api_base"] for each in found] == [f"{one.url}/v1", f"{two.url}/v1"]
    assert {each["model_name"] for each in found} == {MODEL}
    assert {each["model_info"]["max_input_tokens"] for each in found} == {32_768}
    assert ended.err.splitlines() == [
        f"litellm.yaml: {MODEL} on 2 servers",
        "install  pip install 'litellm[proxy]==1.106.2'",
        "its key  export LITELLM_MASTER_KEY=…   (a long secret of your own, as `openssl rand -hex 24` prints)",
        "start    LITELLM_LOCAL_MODEL_COST_MAP=True litellm --config litellm.yaml --host 127.0.0.1 --port 4000",
        f"then     claude-local enable --url http://localhost:4000 --token-env LITELLM_MASTER_KEY --model {MODEL}",
    ]


def test_a_tier_goes_to_a_server_of_its_own_by_way_of_a_profile(place: Place, server: EmbeddedBackend) -> None:
    with EmbeddedBackend(models=(Model("small"),)) as small:
        ended = place.ok("recipe", "litellm", "--backend", server.url, "--backend", f"haiku={small.url}")
    aliases = config(ended)["router_settings"]["model_group_alias"]
    assert (aliases["claude-opus-5-5"], aliases["claude-haiku-5-5"]) == (MODEL, "small")
    assert f"--model {MODEL} --haiku small && claude-local enable team" in ended.err


def test_two_groups_with_one_models_name_are_told_apart(place: Place, server: EmbeddedBackend) -> None:
    with EmbeddedBackend(models=(Model(MODEL),)) as other:
        found = made(place, "--backend", server.url, "--backend", f"haiku={other.url}")
    assert [each["model_name"] for each in found["model_list"]] == [MODEL, f"{MODEL}-haiku"]
    assert {each["litellm_params"]["model"] for each in found["model_list"]} == {f"hosted_vllm/{MODEL}"}


def test_a_replica_that_is_down_is_taken_to_be_as_the_others_and_a_group_that_is_down_is_an_error(
    place: Place, server: EmbeddedBackend
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    ended = place.ok("recipe", "litellm", "--backend", f"{dead},{server.url}")
    assert len(config(ended)["model_list"]) == 2
    assert f"! {dead} refuses connections: nothing listens there: taken to be as the others" in ended.err
    said = place.refused("recipe", "litellm", "--backend", server.url, "--backend", f"haiku={dead}")
    assert f"{dead} refuses connections" in said
    assert "--no-check --model NAME" in said


def test_which_of_several_models_has_to_be_said(place: Place) -> None:
    with EmbeddedBackend(models=(Model("one", root="a/one"), Model("two", root="a/two"))) as several:
        said = place.refused("recipe", "litellm", "--backend", several.url, code=2)
        assert "one, two" in said
        assert "--model NAME" in said
        assert "it serves one, two" in place.refused(
            "recipe", "litellm", "--backend", several.url, "--model", "three", code=2
        )
        assert made(place, "--backend", several.url, "--model", "two")["model_list"][0]["model_name"] == "two"


def test_names_of_the_same_weights_are_one_model(place: Place) -> None:
    with EmbeddedBackend(models=(Model("one", root="a/b"), Model("claude-alias", root="a/b"))) as aliased:
        assert made(place, "--backend", aliased.url)["model_list"][0]["model_name"] == "one"


def test_servers_without_a_name_in_common_are_no_group(place: Place) -> None:
    with EmbeddedBackend(models=(Model("one"),)) as one, EmbeddedBackend(models=(Model("two"),)) as two:
        said = place.refused("recipe", "litellm", "--backend", f"{one.url},{two.url}", code=2)
    assert "no model of the same name" in said


def test_a_key_is_named_and_never_written(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api_key = KEY
    assert "--token-env" in place.refused("recipe", "litellm", "--backend", server.url)
    monkeypatch.setenv("BOX_KEY", KEY)
    ended = place.ok("recipe", "litellm", "--backend", server.url, "--token-env", "BOX_KEY")
    assert config(ended)["model_list"][0]["litellm_params"]["api_key"] == "os.environ/BOX_KEY"
    assert KEY not in ended.all


def test_unasked_servers_get_what_every_kind_understands(place: Place) -> None:
    assert "--model NAME" in place.refused("recipe", "litellm", "--backend", "http://far:8000", "--no-check", code=2)
    found = made(place, "--backend", "http://far:8000,http://off:8000", "--no-check", "--model", "m")
    assert [each["litellm_params"]["api_base"] for each in found["model_list"]] == [
        "http://far:8000/v1",
        "http://off:8000/v1",
    ]
    assert all("model_info" not in each for each in found["model_list"])


def test_others_reach_it_only_where_that_is_asked_for(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok("recipe", "litellm", "--backend", server.url, "--url", "http://gw.lan:4001", "--metrics")
    assert "--host 0.0.0.0 --port 4001" in ended.err
    assert "anyone on the path to gw.lan can read" in ended.err
    assert "prometheus_client" in ended.err
    assert config(ended)["litellm_settings"]["callbacks"] == ["prometheus"]


def test_output_is_the_one_file_that_is_written(place: Place, server: EmbeddedBackend, tmp_path: Path) -> None:
    before = place.elsewhere()
    ended = place.ok("recipe", "litellm", "--backend", server.url, "--output", str(tmp_path / "gw"))
    assert ended.out == ""
    assert [path.name for path in (tmp_path / "gw").iterdir()] == ["litellm.yaml"]
    assert "model_list" in (tmp_path / "gw" / "litellm.yaml").read_text(encoding="utf-8")
    assert place.elsewhere() == before


@pytest.mark.parametrize("recipe", ["litellm", "production-stack", "prometheus"])
def test_the_cloud_is_no_server_of_ones_own(place: Place, recipe: str) -> None:
    more = () if recipe == "prometheus" else ("--model", "m")
    said = place.refused(
        "recipe", recipe, "--backend", "http://a:8000,https://api.anthropic.com", "--no-check", *more, code=2
    )
    assert "https://api.anthropic.com is Anthropic's own API, not a server of yours" in said


def test_a_misspelt_tier_is_told(place: Place) -> None:
    assert "one of opus, sonnet, haiku, fable" in place.refused(
        "recipe", "litellm", "--backend", "opsu=http://a:8000", code=2
    )
    said = place.refused(
        "recipe", "litellm", "--backend", "http://a:8000", "--model", "haiku=small", "--no-check", code=2
    )
    assert "--backend haiku=URL" in said
