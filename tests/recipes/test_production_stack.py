"""Helm values: each recipe of the catalogue becomes a file whose keys the chart knows, with a router that pins."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.recipes import service as services
from claude_local_plugin.recipes.catalogue import catalogue
from claude_local_plugin.recipes.fit import Ask, fit
from claude_local_plugin.recipes.gateways import production_stack
from claude_local_plugin.yaml_document import parse
from tests.looped import looped

HERE = Path(__file__).parent
KNOWN = catalogue()
#: Every model in each precision that an image runs on this hardware.
PLACES = ("gb10", "h100-80gb", "rtx-pro-6000-2x")


def started(model: str, precision: str, hardware: str, asked: services.Asked) -> services.Service:
    found = KNOWN.model(model)
    ask = Ask(sessions=asked.sessions, window=65_536)
    return services.service(KNOWN, fit(found, found.variant(precision), KNOWN.machine(hardware), ask), asked)


def made(model: str, precision: str, hardware: str, replicas: int = 2) -> str:
    return production_stack.values(started(model, precision, hardware, services.Asked(sessions=4)), replicas)


def read(text: str) -> Any:
    """The file, read back; it has no key that the chart does not know."""
    node = parse(text, "production-stack.yaml")
    assert node is not None
    schema = json.loads((HERE / "production-stack-values.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(node.plain())] == []
    return node.plain()


@looped("model", KNOWN.models)
def test_every_recipe_that_has_an_image_is_written(model: str) -> None:
    for variant in KNOWN.models[model].variants:
        if variant.engine != "vllm":
            continue
        for hardware in PLACES:
            try:
                text = made(model, variant.precision, hardware)
            except ClaudeLocalError:
                continue
            (engine,) = read(text)["servingEngineSpec"]["modelSpec"]
            assert engine["requestGPU"] == KNOWN.machine(hardware).gpus == engine["vllmConfig"]["tensorParallelSize"]


def test_the_file_is_this_one() -> None:
    text = made("qwen3-coder-next", "fp8", "gb10")
    assert text == (HERE / "golden" / "production-stack.yaml").read_text(encoding="utf-8")


def test_every_argument_of_the_recipe_is_given_once() -> None:
    service = started("qwen3-coder-next", "fp8", "gb10", services.Asked(sessions=4, alias="local-coder"))
    (engine,) = read(production_stack.values(service, 3))["servingEngineSpec"]["modelSpec"]
    extra = engine["vllmConfig"]["extraArgs"]
    assert extra[:3] == ["--served-model-name", "qwen3-coder-next", "local-coder"]
    named = {each.partition("=")[0] for each in extra if each.startswith("--")} | set(production_stack._VALUES)
    assert {each.name for each in service.arguments} <= named
    assert engine["replicaCount"] == 3
    assert {each["name"] for each in engine["env"]} == {each.name for each in service.environment}


def test_a_start_is_given_the_time_that_fetching_and_loading_take() -> None:
    small = read(made("qwen3-coder-30b-a3b", "fp8", "h100-80gb"))["servingEngineSpec"]["startupProbe"]
    large = read(made("qwen3-coder-next", "fp8", "h100-80gb"))["servingEngineSpec"]["startupProbe"]
    assert small["failureThreshold"] < large["failureThreshold"]


def test_a_router_alone_starts_no_server() -> None:
    found = read(production_stack.values_for_running((("http://a:8000", "m"), ("http://b:8000", "m"))))
    assert found["servingEngineSpec"] == {"enableEngine": False}
    assert found["routerSpec"]["staticBackends"] == "http://a:8000,http://b:8000"
    assert found["routerSpec"]["staticModels"] == "m,m"


@pytest.mark.parametrize(("precision", "hardware"), [("fp8", "cpu"), ("iq4_nl", "h100-80gb")])
def test_what_is_no_vllm_on_gpus_is_refused(precision: str, hardware: str) -> None:
    with pytest.raises(ClaudeLocalError, match="runs vLLM on GPUs"):
        made("qwen3-coder-next", precision, hardware)
