"""The workflows are what GitHub can read, run scripts that exist, and may do no more than they need."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml

from tests.looped import looped

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = sorted(path for path in (ROOT / ".ci").iterdir() if path.is_file() and path.suffix == "")

#: What a job may do besides reading the repository, and why.
WRITES = {
    ("newest-client", "ask"): {"issues"},  # it opens one
    ("release", "publish"): {"id-token"},  # PyPI knows it by this
}


def read(file: Path) -> dict[Any, Any]:
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(found, dict), file
    return found


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(file.stem, name, job) for file in FILES for name, job in read(file)["jobs"].items()]


def steps() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{file}: {name}", step) for file, name, job in jobs() for step in job["steps"]]


def test_every_workflow_has_what_github_asks_for() -> None:
    assert {file.stem for file in FILES} >= {"ci", "newest-client", "real-servers", "release"}
    for file in FILES:
        workflow = read(file)
        # YAML takes a bare `on` for true
        assert workflow[True], file.name
        assert workflow["jobs"], file.name
    for file, name, job in jobs():
        assert job["runs-on"], f"{file}: {name}"
        assert job["timeout-minutes"] <= 120, f"{file}: {name}"
        assert all(("uses" in step) != ("run" in step) for step in job["steps"]), f"{file}: {name}"
        assert set([job["needs"]] if "needs" in job else []) <= set(
            read(ROOT / f".github/workflows/{file}.yml")["jobs"]
        )


def test_every_script_that_is_run_exists() -> None:
    named = [
        (where, path)
        for where, step in steps()
        for path in re.findall(r"(?:^|\s)(\.?[\w-]+/[\w./-]+)", step.get("run", ""))
        if path.startswith((".ci/", "tests/", "docs/"))
    ]
    assert {path for _, path in named} >= {".ci/run", ".ci/bounds", ".ci/package", ".ci/hook-on-oldest"}
    assert [f"{where}: {path}" for where, path in named if not (ROOT / path).exists()] == []


def test_every_script_is_run_by_a_workflow() -> None:
    """So that none is kept that nobody would notice to be broken; by itself, or by another script."""
    run = "\n".join([*(step.get("run", "") for _, step in steps()), *(path.read_text() for path in SCRIPTS)])
    assert [path.name for path in SCRIPTS if f"bash .ci/{path.name}" not in re.sub(r"^#.*$", "", run, flags=re.M)] == []


@looped("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_one_that_bash_can_read(script: Path) -> None:
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_actions_are_pinned_to_a_major_version() -> None:
    used = {step["uses"] for _, step in steps() if "uses" in step}
    assert len(used) >= 5
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", each)] == []


def test_a_workflow_may_read_and_a_job_may_no_more_than_it_has_to() -> None:
    for file in FILES:
        assert read(file)["permissions"] == {"contents": "read"}, file.name
    found = {
        (file, name): {what for what, level in job["permissions"].items() if level != "read"}
        for file, name, job in jobs()
        if "permissions" in job
    }
    assert found == WRITES


def test_the_pythons_that_are_promised_are_tried() -> None:
    ci = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert ci["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert ci["bounds"]["strategy"]["matrix"]["resolution"] == ["lowest-direct", "highest"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    promised = re.findall(r'Python :: (3\.\d+)"', project)
    assert promised
    assert set(promised) <= set(ci["test"]["strategy"]["matrix"]["python"])
    assert f'requires-python = ">={ci["test"]["strategy"]["matrix"]["python"][0]}"' in project


def test_a_source_distribution_names_what_goes_into_it() -> None:
    """A folder somebody works in holds environments, and settings with keys in them."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/claude_local_plugin", "/hooks", "/schemas", "/tests"} <= set(named)
    assert [each for each in named if each.startswith(("/.claude/", "/.git/"))] == []
    assert [each for each in named if "*" not in each and not (ROOT / each[1:]).exists()] == []


def test_tests_are_chosen_by_marks_that_there_are() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        marks = {each.partition(":")[0] for each in tomllib.load(file)["tool"]["pytest"]["ini_options"]["markers"]}
    for path in (*SCRIPTS, *FILES, ROOT / "noxfile.py", ROOT / "CONTRIBUTING.md"):
        for chosen in re.findall(
            r'(?:-m",? "|-m )((?:not )?[a-z_]+(?: and (?:not )?[a-z_]+)*)"', path.read_text("utf-8")
        ):
            assert set(chosen.split()) - {"not", "and"} <= marks, f"{path}: {chosen}"


def test_the_words_of_every_day_name_what_exists() -> None:
    """Read, not imported: nox is not among what the tests need."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    assert {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} == {
        *("lint", "quick", "full", "docs", "lowest", "newest")
    }
    named: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id] = [each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)]
    # the last one is what mkdocs calls, and writes no page
    assert named["PAGES"] == sorted({file.stem for file in (ROOT / "docs").glob("*.py")} - {"site_hooks"})
    paths = [*named["ABOUT_PAGES"], ".ci/bounds"]
    assert [path for path in paths if not (ROOT / path).exists()] == []
