"""`claude-local recipe render`: files that start a server, for a machine on which it fits."""

import stat
from pathlib import Path

import pytest
import yaml

from claude_local_plugin.recipes.catalogue import catalogue
from claude_local_plugin.recipes.fit import Ask, fit
from claude_local_plugin.recipes.formats import FORMATS
from claude_local_plugin.recipes.service import Asked, service
from tests.commands.place import Place

KNOWN = catalogue()


def test_the_file_is_printed_and_what_to_type_is_said_beside(place: Place) -> None:
    said = place.ok("recipe", "render", "qwen3-coder-next:fp8", "--hardware", "dgx-spark", "--sessions", "2")
    body = yaml.safe_load(said.out)["services"]["qwen3-coder-next-fp8"]
    assert "--max-model-len=131072" in body["command"]
    assert "--max-num-seqs=6" in body["command"]
    assert "Qwen3-Coder-Next FP8 on GB10" in said.err
    assert "start    docker compose up -d" in said.err
    assert said.err.splitlines()[5].split(maxsplit=1) == ["then", "claude-local enable"]


def test_files_are_written_and_a_key_that_is_there_stays(place: Place) -> None:
    folder = place.project / "spark"
    words = (
        "recipe",
        "render",
        "qwen3-coder-next",
        "--hardware",
        "gb10",
        "--listen",
        "0.0.0.0",
        "--output",
        str(folder),
    )
    said = place.ok(*words)
    assert said.out == ""
    key = folder / "api-key.env"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = key.read_text()
    assert first.startswith("VLLM_API_KEY=")
    assert len(first.strip()) > 40
    assert first.strip().partition("=")[2] not in said.err + (folder / "compose.yml").read_text()
    assert "claude-local enable --url http://127.0.0.1:8000 --token-env VLLM_API_KEY" in said.err
    place.ok(*words)
    assert key.read_text() == first


def test_what_does_not_fit_is_refused_with_its_numbers(place: Place) -> None:
    err = place.refused("recipe", "render", "minimax-m2.7", "--hardware", "gb10")
    assert "does not fit on GB10" in err
    assert "GiB" in err
    assert "hint: claude-local recipe fit" in err
    # a window that is too long for the memory, and one that the model has not got
    assert "GiB" in place.refused(
        "recipe", "render", "qwen3-coder-30b-a3b:bf16", "--hardware", "gb10", "--window", "262144", "--sessions", "9"
    )
    assert "is more than its 262,144" in place.refused(
        "recipe", "render", "qwen3-coder-next", "--hardware", "gb10", "--window", "300000"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), "no model 'nobody' is in the catalogue"),
        (("qwen3-coder-next", "--hardware", "toaster"), "no hardware 'toaster'"),
        (("qwen3-coder-next", "--hardware", "gb10", "--listen", "box"), "--listen box is no IP address"),
        (("qwen3-coder-next", "--hardware", "gb10", "--with", "vision"), "has no feature 'vision'"),
        (("qwen3-coder-next", "--hardware", "gb10", "--host", "box"), "both say which machine is meant"),
    ],
)
def test_what_cannot_be_asked_for_is_a_usage_error(place: Place, words: tuple[str, ...], said: str) -> None:
    assert said in place.refused("recipe", "render", *words, code=2)


def test_whatever_fits_somewhere_can_be_written_down_for_there() -> None:
    written = 0
    for hardware in KNOWN.hardware.values():
        for model in KNOWN.models.values():
            for variant in model.variants:
                found = fit(model, variant, hardware, Ask(sessions=1))
                if not found.fits:
                    continue
                made = service(KNOWN, found, Asked())
                assert [each.name for each in made.arguments if not each.why] == [], made.title
                containers = {"compose", "docker-run", "podman-quadlet"} if made.image is None else set()
                for name in FORMATS.keys() - containers:
                    write = FORMATS[name]
                    files = write(made).files
                    assert all(text.endswith("\n") for text in files.values()), (made.title, name)
                written += 1
                if made.image is None:
                    continue
                document = yaml.safe_load(FORMATS["compose"](made).files["compose.yml"])
                assert document["services"][made.name]["image"] == made.image.reference
    assert written > 50


def test_a_folder_that_cannot_be_made_is_said(place: Place) -> None:
    (place.project / "taken").write_text("")
    words = (
        "recipe",
        "render",
        "qwen3-coder-next",
        "--hardware",
        "gb10",
        "--output",
        str(place.project / "taken" / "x"),
    )
    assert "cannot be made" in place.ends(1, *words).err
    assert Path(place.project / "taken").read_text() == ""
