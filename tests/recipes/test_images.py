"""Which image runs where, and why another does not."""

from dataclasses import replace

import pytest

from claude_local_plugin.recipes.catalogue import Catalogue, Hardware, Origin, Version, catalogue
from claude_local_plugin.recipes.fit import Ask, fit, ranked
from claude_local_plugin.recipes.images import fitting, why_not
from tests.looped import looped


@pytest.fixture(name="known", scope="module")
def _known() -> Catalogue:
    return catalogue()


def there(name: str, driver: str | None = None) -> Hardware:
    return replace(catalogue().machine(name), driver_cuda=driver)


@looped(
    ("hardware", "driver", "engine", "first"),
    [
        ("gb10", "13.0", "vllm", "vllm/vllm-openai:v0.30.0"),
        ("gb10", None, "vllm", "vllm/vllm-openai:v0.30.0"),
        ("rtx-pro-6000", "12.9", "vllm", "vllm/vllm-openai:v0.30.0-cu129"),
        ("rtx-pro-6000", "12.8", "vllm", "vllm/vllm-openai:v0.30.0-cu129"),
        ("rtx-4090", "13.0", "llama.cpp", "ghcr.io/ggml-org/llama.cpp:server-cuda-b11206"),
        ("cpu", None, "llama.cpp", "ghcr.io/ggml-org/llama.cpp:server-b10775"),
    ],
)
def test_the_newest_that_runs_there_comes_first(hardware: str, driver: str | None, engine: str, first: str) -> None:
    assert fitting(catalogue().images.values(), engine, there(hardware, driver))[0].reference == first


@looped(
    ("image", "hardware", "driver", "why"),
    [
        (
            "vllm-openai-0.30.0-cu129",
            "gb10",
            None,
            "is made for x86_64, and this is aarch64",
        ),
        ("vllm-openai-0.30.0", "cpu", None, "wants a GPU with CUDA 13.0"),
        ("llama.cpp-server-b10775", "rtx-4090", None, "is made for a CPU"),
        (
            "vllm-openai-0.30.0",
            "rtx-pro-6000",
            "12.8",
            "wants a driver of CUDA 13.0, and this one has 12.8",
        ),
        ("vllm-openai-0.30.0", "rtx-pro-6000", "13.0", None),
    ],
)
def test_why_an_image_does_not_run(image: str, hardware: str, driver: str | None, why: str | None) -> None:
    assert why_not(catalogue().images[image], there(hardware, driver)) == why


def test_an_image_without_kernels_or_too_old_is_told(known: Catalogue) -> None:
    old = replace(there("rtx-4090"), architecture="7.5")
    assert why_not(known.images["vllm-openai-0.30.0"], old) == "has no kernels for SM 7.5"
    needs = Version("0.27.1", Origin("published", "a recipe", "2026-08-10"))
    image = known.images["vllm-openai-0.24.0-ubuntu2404"]
    assert why_not(image, there("gb10"), needs) == "has vllm 0.24.0, and 0.27.1 is needed"


def test_every_recipe_that_fits_a_machine_has_an_image_there(known: Catalogue) -> None:
    for hardware in known.hardware.values():
        for each in ranked(known.models.values(), hardware, Ask()):
            if each.fits and (each.variant.engine, hardware.machine) != ("llama.cpp", "aarch64"):
                needs = each.model.needs_of(each.variant, hardware.name)
                assert fitting(known.images.values(), each.variant.engine, hardware, needs), (
                    each.recipe,
                    hardware.name,
                )


def test_a_driver_that_is_too_old_for_every_image_is_a_refusal(known: Catalogue) -> None:
    model, variant = known.recipe("qwen3.6-35b-a3b:int4")
    assert variant is not None
    asked = Ask(images=tuple(known.images.values()))
    found = fit(model, variant, there("rtx-4090", "11.8"), asked)
    assert (found.fits, found.reason) == (False, "no image that is known runs it with a driver of CUDA 11.8")
    assert fit(model, variant, there("rtx-4090", "12.4"), asked).fits
