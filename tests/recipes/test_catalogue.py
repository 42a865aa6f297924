"""The catalogue: every entry fits its schema, every figure says where it is from, and names are found."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.recipes import catalogue as reading
from claude_local_plugin.recipes.catalogue import Catalogue, catalogue, entry_problems, version_parts
from claude_local_plugin.servers.tool_parsers import family_of
from tests.looped import looped

FILES = sorted(reading.DATA.glob("*/*.toml"))


@pytest.fixture(name="known", scope="module")
def _known() -> Catalogue:
    return catalogue()


def entry_of(name: str = "models/qwen3-coder-next.toml") -> dict[str, object]:
    return tomllib.loads((reading.DATA / name).read_text(encoding="utf-8"))


@looped("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_entry_fits_its_schema_and_is_called_what_its_file_is_called(path: Path) -> None:
    entry = reading.read_entry(path)
    assert entry_problems(path.parent.name, entry) == ()
    name = f"{entry['name']}-{entry['version']}" if path.parent.name == "engines" else entry["name"]
    assert name == path.stem


@looped("missing", ["basis", "source", "date"])
@looped("where", ["parameters", "window", "agent", "variants", "layers", "needs"])
def test_a_figure_without_basis_source_or_date_is_refused(missing: str, where: str) -> None:
    entry = entry_of()
    at = entry[where]
    figure = at[0].get("weights", at[0]) if isinstance(at, list) else at.get("vllm", at)  # type: ignore[attr-defined]
    del figure[missing]
    (problem,) = entry_problems("models", entry)
    assert problem.endswith(f"{missing} is missing")


def test_a_folder_that_is_no_kind_of_entry_is_not_overlooked() -> None:
    assert {path.parent.name for path in FILES} == set(reading.SCHEMAS)


def test_names_are_unique_whoever_bears_them(known: Catalogue) -> None:
    for entries in (
        [(each.name, each.label, *each.aliases) for each in known.models.values()],
        [(each.name, each.label, *each.aliases) for each in known.hardware.values()],
        [(each.reference,) for each in known.images.values()],
        [tuple({variant.repository for variant in each.variants}) for each in known.models.values()],
    ):
        names = [reading._spelt(name) for entry in entries for name in set(map(reading._spelt, entry))]
        assert len(set(names)) == len(names)


def test_a_variant_is_one_precision_of_one_engine(known: Catalogue) -> None:
    for model in known.models.values():
        precisions = [each.precision for each in model.variants]
        assert len(set(precisions)) == len(precisions), model.name


def test_what_is_said_of_hardware_is_said_of_hardware_that_is_known(known: Catalogue) -> None:
    for model in known.models.values():
        named = {each.hardware for each in model.verified}
        for variant in model.variants:
            named |= set(variant.on) | {each.hardware for each in variant.speeds}
        assert named <= set(known.hardware), model.name
        assert {each.precision for each in model.verified} <= {each.precision for each in model.variants}


def test_parsers_are_those_that_the_doctor_names_for_the_model_and_that_vllm_knows(known: Catalogue) -> None:
    engine = known.engine("vllm")
    assert engine is not None
    for model in known.models.values():
        wanted = {argument.name: argument.value for each in model.features.values() for argument in each.arguments}
        tool, reasoning = wanted.get("--tool-call-parser"), wanted.get("--reasoning-parser")
        for name in (model.name, *(each.repository for each in model.variants)):
            family = family_of(name)
            assert family is not None, name
            assert (family.tool, family.reasoning) == (tool, reasoning), name
        assert tool in engine.tool_parsers
        assert reasoning is None or reasoning in engine.reasoning_parsers


def test_no_model_is_said_to_run_where_its_parsers_are_unknown(known: Catalogue) -> None:
    engine = known.engine("vllm")
    assert engine is not None
    for model in known.models.values():
        family, oldest = family_of(model.name), model.needs["vllm"].parts
        assert family is not None
        parsers = [engine.tool_parsers[family.tool]]
        parsers += [engine.reasoning_parsers[family.reasoning]] if family.reasoning else []
        for variant in model.variants:
            needs = model.needs_of(variant)
            if variant.engine == "vllm":
                assert needs is not None
                assert needs.parts >= oldest
        # of the releases between two of those looked at, the later one is taken to be the first that has a name
        assert all(oldest[:2] >= version_parts(each)[:2] for each in parsers), (model.name, oldest, parsers)


def test_every_model_says_how_its_tools_are_called(known: Catalogue) -> None:
    for model in known.models.values():
        assert [each.name for each in model.features["tools"].arguments] == [
            "--enable-auto-tool-choice",
            "--tool-call-parser",
        ], model.name
        assert model.thinks == ("reasoning" in model.features), model.name


def test_vllm_032_has_54_tool_parsers_and_38_reasoning_parsers(known: Catalogue) -> None:
    engine = known.engine("vllm", "0.32.0")
    assert engine is not None
    assert (len(engine.tool_parsers), len(engine.reasoning_parsers)) == (54, 38)
    assert engine.tool_parsers["glm47"] == "0.14.1"
    newer = known.engine("vllm", "0.33.1")
    assert newer is not None
    assert (len(newer.tool_parsers), len(newer.reasoning_parsers)) == (58, 42)
    assert set(newer.tool_parsers) - set(engine.tool_parsers) == {"beam", "muse", "musespark1x", "step5"}
    assert known.engine("vllm", "0.11.0") is None
    assert known.engine("vllm", "v0.99.1") == known.engine("vllm")


@looped(
    ("name", "model", "precision"),
    [
        ("qwen3-coder-next", "qwen3-coder-next", None),
        ("Qwen3 Coder Next", "qwen3-coder-next", None),
        ("qwen3_coder_next:FP8", "qwen3-coder-next", "fp8"),
        ("Qwen/Qwen3-Coder-Next-FP8", "qwen3-coder-next", "fp8"),
        ("/models/Qwen3-Coder-Next-FP8/", "qwen3-coder-next", "fp8"),
        ("somebody/Qwen3-Coder-Next-FP8", "qwen3-coder-next", "fp8"),
    ],
)
def test_a_model_is_found_by_name_alias_repository_and_path(name: str, model: str, precision: str | None) -> None:
    found, variant = catalogue().recipe(name)
    assert (found.name, variant and variant.precision) == (model, precision)


def test_hardware_is_found_by_what_people_call_it(known: Catalogue) -> None:
    assert {known.machine(name).name for name in ("gb10", "DGX Spark", "dell-pro-max", "spark")} == {"gb10"}


def test_an_unknown_name_is_a_usage_error_that_names_the_nearest(known: Catalogue) -> None:
    with pytest.raises(UsageError, match="no model 'qwen3-codr-next' is in the catalogue") as model:
        known.model("qwen3-codr-next")
    assert model.value.hint == "did you mean qwen3-coder-next? All of them: claude-local recipe list"
    with pytest.raises(UsageError, match="no hardware 'gb11'") as hardware:
        known.machine("gb11")
    assert hardware.value.hint == "did you mean gb10? All of them: claude-local recipe list"
    with pytest.raises(UsageError, match="no int3 of Qwen3-Coder-Next") as precision:
        known.recipe("qwen3-coder-next:int3")
    assert precision.value.hint == "there is: fp8, nvfp4, bf16, iq4_nl"


def test_an_entry_for_one_hardware_takes_the_place_of_the_general_one(known: Catalogue) -> None:
    nvfp4 = known.model("qwen3-coder-next").variant("nvfp4")
    assert [each.name for each in nvfp4.arguments_on(None)] == ["--kv-cache-dtype"]
    assert [(each.name, each.value) for each in nvfp4.arguments_on("gb10")] == [
        ("--kv-cache-dtype", "fp8"),
        ("--moe-backend", "marlin"),
    ]
    assert all(each.why for each in nvfp4.arguments_on("gb10"))


def test_an_entry_of_the_users_stands_for_ours(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    text = (reading.DATA / "models/qwen3-coder-next.toml").read_text(encoding="utf-8")
    (tmp_path / "models/mine.toml").write_text(text.replace('label = "Qwen3-Coder-Next"', 'label = "Mine"'))
    found = catalogue(tmp_path)
    assert found.model("qwen3-coder-next").label == "Mine"
    assert found.own["models"] == {"qwen3-coder-next"}
    assert set(found.hardware) == set(catalogue().hardware)
    assert catalogue(tmp_path / "not-there") == catalogue()


def test_a_broken_entry_of_the_users_is_named_with_its_fault(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    path = tmp_path / "models/mine.toml"
    text = (reading.DATA / "models/qwen3-coder-next.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("pictures = false", 'pictures = "no"'))
    with pytest.raises(ClaudeLocalError) as error:
        catalogue(tmp_path)
    assert error.value.message == f"{path}: $.pictures: must be true or false"
    path.write_text("name = ")
    with pytest.raises(ClaudeLocalError, match="is not TOML: invalid value"):
        catalogue(tmp_path)


@looped(
    ("older", "newer"), [("0.9.2", "0.10.0"), ("v0.24.0", "0.24.1"), ("0.17.1rc2", "0.18.0"), ("0.24", "0.24.0.dev3")]
)
def test_versions_are_compared_as_numbers(older: str, newer: str) -> None:
    assert version_parts(older) < version_parts(newer)


def test_the_page_shows_the_catalogue_as_it_is() -> None:
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "recipes.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(docs / "recipes_tables.py"))["rewritten"](page), "python docs/recipes_tables.py"


def test_the_pages_entry_of_ones_own_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
    (entry,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert entry_problems("models", tomllib.loads(entry)) == ()
