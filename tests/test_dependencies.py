"""What an installation brings: the declared dependencies and theirs, without extras."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import claude_local_plugin

ROOT = Path(__file__).parent.parent


def brought() -> set[str]:
    """The names of all distributions that a plain installation brings, by what each says of itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    left = [Requirement(line) for line in project["dependencies"]]
    known: set[str] = set()
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if name not in known:
            known.add(name)
            theirs = map(Requirement, distribution(name).requires or ())
            left += [one for one in theirs if _wanted(one, requirement.extras)]
    return known


def _wanted(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def test_nothing_brings_a_library_for_drawing_or_numbers() -> None:
    names = brought()
    assert {"click", "httpx", "pydantic-core"} <= names
    assert names & {"matplotlib", "numpy", "pillow", "fonttools", "pyarrow", "pandas"} == set()


def test_an_installation_stays_small() -> None:
    """What pip puts on the disk for us: at most 45 MB, pip itself not counted."""
    sizes = {"claude-local": weight(Path(claude_local_plugin.__file__).parent.rglob("*"))}
    for name in brought():
        files = distribution(name).files
        assert files, name
        sizes[name] = weight(Path(str(file.locate())) for file in files)
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    assert sum(sizes.values()) < 45_000_000, heaviest


def weight(paths: Iterable[Path]) -> int:
    """The bytes of the files; a Python file counts twice, since it is compiled when it is installed."""
    files = [path for path in paths if path.is_file() and path.suffix != ".pyc"]
    return sum((2 if path.suffix == ".py" else 1) * path.stat().st_size for path in files)


#: Runs with every module blocked that comes with matplotlib; fails if one is asked for.
BLOCKED = """
import json, sys
sys.modules.update(dict.fromkeys(("matplotlib", "numpy", "PIL", "fontTools", "pyarrow")))
from pathlib import Path
from claude_local_plugin.__main__ import main
from claude_local_plugin.bench import plot
plot.plot(json.loads(Path(sys.argv.pop(1)).read_text("utf-8")), Path("bench.svg"))
raise SystemExit(main())
"""


def test_a_report_and_a_plot_are_drawn_with_nothing_else_installed(
    project: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.report.building import usual

    monkeypatch.setenv("CLAUDE_LOCAL_STATE_DIR", str(tmp_path / "state"))
    usual(tmp_path / "state")
    measured = ROOT / "tests" / "schema" / "valid" / "bench" / "a-whole-run.json"
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(measured), "report", "--since", "all"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (home / "claude-local-report.html").read_text("utf-8").count("<svg") == 12
    assert json.loads(measured.read_text("utf-8"))["server"]["model"] in (project / "bench.svg").read_text("utf-8")
