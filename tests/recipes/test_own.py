"""Entries of the user's own: our TOML, and what is taken of a recipe of the vLLM project."""

import tomllib
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.recipes import catalogue as reading
from claude_local_plugin.recipes.own import as_toml, own_entry
from tests.looped import looped

#: With the members of one of theirs: variants, features in modes, overrides by hardware, and what we pass over.
RECIPE = """\
meta:
  title: "Some-Coder-30B"
  slug: "Some-Coder-30b"
  provider: "Somebody"
  date_added: 2026-04-16
  date_updated: 2026-06-03
  tasks: [multimodal, text]
  hardware: {dgx_spark_gb10: verified, h200: verified, rtx_5090: supported}
model:
  model_id: "some/coder-30b"
  min_vllm_version: "0.17.0"
  parameter_count: "30.5B"
  active_parameters: "3B"
  context_length: 262144
  base_args: ["--trust-remote-code"]
features:
  tool_calling:
    description: "Enable automatic tool choice"
    args: ["--enable-auto-tool-choice", "--tool-call-parser", "qwen3_coder"]
  reasoning:
    description: "Enable the reasoning parser"
    args: ["--reasoning-parser=qwen3"]
  spec_decoding:
    description: "Drafts"
    default_mode: mtp
    modes:
      eagle: {args: ["--speculative-config", '{"method":"eagle"}']}
      mtp: {args: ["--speculative-config", '{"method":"mtp"}']}
  nothing: {description: "No arguments"}
opt_in_features: [spec_decoding]
variants:
  default: {precision: bf16, vram_minimum_gb: 72, description: "Full precision"}
  fp8:
    model_id: "some/coder-30b-FP8"
    precision: fp8
    vram_minimum_gb: 36
    extra_args: ["--kv-cache-dtype", "fp8"]
    hardware_overrides:
      dgx_spark_gb10: {extra_env: {VLLM_USE_DEEP_GEMM: "0"}}
      mi300x: {extra_args: ["--never"]}
  fp8_other: {precision: fp8, vram_minimum_gb: 40}
guide: |
  Text that is not ours.
"""


def recipe(folder: Path, text: str = RECIPE) -> Path:
    path = folder / "models" / "Some" / "coder.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_figures_of_a_vllm_recipe_are_taken(tmp_path: Path) -> None:
    own = own_entry(recipe(tmp_path), "2026-11-28")
    assert (own.kind, own.name) == ("models", "some-coder-30b")
    assert tomllib.loads(own.text) == own.entry
    made = reading._model(own.entry)
    assert (made.parameters.value, made.pictures, made.thinks, made.window.value) == (30.5, True, True, 262_144)
    assert made.parameters.origin == reading.Origin(
        "published", "vllm-project/recipes, models/Some/coder.yaml", "2026-06-03"
    )
    assert {
        name: [(each.name, each.value) for each in feature.arguments] for name, feature in made.features.items()
    } == {
        "tools": [("--enable-auto-tool-choice", None), ("--tool-call-parser", "qwen3_coder")],
        "reasoning": [("--reasoning-parser", "qwen3")],
        "mtp": [("--speculative-config", '{"method":"mtp"}')],
        "base": [("--trust-remote-code", None)],
    }
    assert made.features["mtp"].chosen
    assert [(each.precision, each.repository, each.weights.value) for each in made.variants] == [
        ("bf16", "some/coder-30b", 55.9),
        ("fp8", "some/coder-30b-FP8", 27.9),
        ("fp8-fp8_other", "some/coder-30b", 31.0),
    ]
    assert {each.weights.origin.basis for each in made.variants} == {"estimated"}
    assert [(each.name, each.value) for each in made.variants[1].environment_on("gb10")] == [
        ("VLLM_USE_DEEP_GEMM", "0")
    ]
    assert set(made.variants[1].on) == {"gb10"}
    assert [(each.precision, each.hardware) for each in made.verified] == [("bf16", "gb10")]
    assert made.needs["vllm"].value == "0.17.0"
    assert own.said == ("its cache is not known from there: `recipe fit` can say what its weights take, and no more",)


@looped(
    ("old", "new", "message"),
    [
        ("meta:", "metta:", "is no recipe of the vLLM project"),
        ('parameter_count: "30.5B"', 'parameter_count: "many"', "does not say how large the model"),
        ("context_length: 262144", "context_length:", "does not say how large the model"),
        ("variants:\n", "variants: [\n", "coder.yaml:"),
        ('"qwen3_coder"]', '"qwen3_coder", "--x", {}]', ""),
    ],
)
def test_what_is_no_recipe_is_told_with_the_file(
    tmp_path_factory: pytest.TempPathFactory, old: str, new: str, message: str
) -> None:
    path = recipe(tmp_path_factory.mktemp("clone"), RECIPE.replace(old, new))
    if not message:
        assert own_entry(path, "2026-11-28")
        return
    with pytest.raises(ClaudeLocalError, match=message) as error:
        own_entry(path, "2026-11-28")
    assert str(path) in error.value.message


def test_an_entry_of_ours_is_taken_as_it_stands(tmp_path: Path) -> None:
    for kind, name in (("models", "qwen3-coder-next"), ("hardware", "gb10"), ("images", "vllm-openai-0.30.0")):
        text = (reading.DATA / kind / f"{name}.toml").read_text(encoding="utf-8")
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        own = own_entry(tmp_path / "mine.toml", "2026-11-28")
        assert (own.kind, own.name, own.text) == (kind, name, text)


def test_a_figure_without_its_source_is_refused(tmp_path: Path) -> None:
    text = (reading.DATA / "models" / "qwen3-coder-next.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('source = "huggingface.co/Qwen/Qwen3-Coder-Next", ', "", 1))
    with pytest.raises(ClaudeLocalError) as error:
        own_entry(path, "2026-11-28")
    assert error.value.message == f"{path}: $.active_parameters: source is missing"


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UsageError, match="neither TOML nor YAML"):
        own_entry(tmp_path / "a.json", "2026-11-28")
    (tmp_path / "a.toml").write_text('name = "x"\n')
    with pytest.raises(ClaudeLocalError, match="says neither of models"):
        own_entry(tmp_path / "a.toml", "2026-11-28")
    (tmp_path / "b.toml").write_bytes(b"name = \xff\n")
    with pytest.raises(ClaudeLocalError, match="is not UTF-8 text"):
        own_entry(tmp_path / "b.toml", "2026-11-28")


def test_every_entry_of_ours_can_be_written_and_read_back() -> None:
    for path in sorted(reading.DATA.glob("*/*.toml")):
        entry = reading.read_entry(path)
        assert tomllib.loads(as_toml(entry)) == entry, path.name


@looped("text", ['a "quoted" word', "back\\slash", "new\nline", "tab\t", "umlaut ü", "\x00", "#", "= ["])
def test_any_text_comes_back(text: str) -> None:
    entry = {"name": text, text or "x": {"inner": {"why": text, "list": [1, True, text]}}, "rows": [{"a": text}]}
    assert tomllib.loads(as_toml(entry)) == entry
