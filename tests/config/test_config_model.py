"""The model of config.toml: it agrees with what hooks read, with the JSON Schema, and with the documentation."""

import math
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import assume, given
from hypothesis import settings as run
from hypothesis import strategies as st

from claude_local_plugin import paths
from claude_local_plugin.config import KEYS, PROJECT_KEYS, Settings, load, validated
from claude_local_plugin.core import config as for_hooks
from claude_local_plugin.core import config_rules as rules
from claude_local_plugin.hook_runtime.visit import LIMIT
from claude_local_plugin.settings import schema
from tests.looped import looped

DOCS = Path(__file__).parents[2] / "docs"
PACKAGE = Path(paths.__file__).parent

WRONG = st.one_of(
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=2),
    st.dictionaries(st.text("ab", max_size=2), st.integers(), max_size=2),
)
URLS = st.sampled_from(
    ["http://box", "HTTP://Box:80/", "https://u:p@box:8443/v1//", "http://[::1]:8000", "cloud", "bedrock", "anthropic"]
)
BACKENDS = st.lists(URLS, max_size=3)
LIMITS = {f"{row[0]}.{row[1]}".lstrip("."): row[3] for row in for_hooks.KEYS}
HOW = st.sampled_from(LIMITS["log.cwd"])
PRICE = st.one_of(st.integers(0, 99), st.floats(0, 1_000_000))
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "on_dead_backend": st.sampled_from(LIMITS["on_dead_backend"]),
    "probe_deadline_s": st.one_of(st.floats(*LIMITS["probe_deadline_s"]), st.sampled_from([1, 2])),
    "recheck_after_s": st.one_of(st.floats(*LIMITS["recheck_after_s"]), st.integers(0, 86_400)),
    "warm_up": st.booleans(),
    "down_command": st.one_of(
        st.sampled_from(["", "ssh box", "sh -c 'a b'", 'say "é"', "a\\ b c"]),
        st.lists(st.text("ab -\"'", min_size=1, max_size=3), max_size=3),
    ),
    "protect": st.booleans(),
    "allowed_backends": BACKENDS,
}
LOG = {
    "cwd": HOW,
    "project": HOW,
    "retention_days": st.integers(*LIMITS["log.retention_days"]),
    "journal_days": st.integers(*LIMITS["log.journal_days"]),
    "push": st.sampled_from(["", "postgresql://ann@db/team?sslmode=verify-full", "https://otel:4318/base"]),
    "push_project": HOW,
    "push_salt": st.sampled_from(["", "a salt of the whole team"]),
    "push_since": st.sampled_from(["", "2026-11-01"]),
}
PRICES = {
    **dict.fromkeys(("input", "output", "cache_read", "cache_write"), PRICE),
    "currency": st.sampled_from(["USD", "€", "EUR"]),
}
PROTECTION = {"protect": st.booleans(), "allowed_backends": BACKENDS}
FOLDERS = st.sampled_from(["~", "~/src", "/srv/é ü", "C:\\src", "/"])


def table(keys: dict[str, st.SearchStrategy[Any]], wrong: st.SearchStrategy[Any] | None) -> st.SearchStrategy[Any]:
    """A table with some of these keys, and with values that may be wrong where `wrong` gives some."""
    optional = {name: value if wrong is None else st.one_of(value, wrong) for name, value in keys.items()}
    return st.fixed_dictionaries({}, optional=optional)


def documents(wrong: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """What a file may say; with values that may be wrong where `wrong` gives some."""
    tables = {
        "log": table(LOG, wrong),
        "prices": table(PRICES, wrong),
        "projects": st.dictionaries(FOLDERS, table(PROTECTION, wrong), max_size=3),
    }
    return table({**GOOD, **tables, "later": st.integers()}, wrong)


def both(folder: Path, data: dict[str, Any]) -> tuple[Settings, for_hooks.Config, dict[str, Any]]:
    """The file with this in it, as the command line and as hooks read it; and the hooks' settings."""
    path = folder / "config" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(tomlkit.dumps(data), encoding="utf-8")
    environ = {"CLAUDE_LOCAL_CONFIG_DIR": str(path.parent)}
    found = load(path)
    return found.settings, for_hooks.refresh(str(folder / "state"), environ), for_hooks.understood(dict(found.data))[0]


def assert_equal(settings: Settings, config: for_hooks.Config) -> None:
    for row in for_hooks.KEYS:
        if row[0] in ("", "log"):
            table = settings if not row[0] else settings.log
            assert getattr(table, row[1]) == getattr(config, f"{row[0]}_{row[1]}".lstrip("_")), row


@run(deadline=None)
@given(data=documents())
def test_what_is_right_means_the_same_to_hooks_and_to_the_command_line(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    settings, config, heard = both(tmp_path_factory.mktemp("right"), data)
    assert_equal(settings, config)
    everywhere = config.for_project(None)
    assert (settings.protect, settings.allowed_backends) == (everywhere.protect, everywhere.allowed_backends)
    assert settings.projects.keys() == heard.get("projects", {}).keys()
    for name, project in settings.projects.items():
        own = heard["projects"][name]
        assert project.protect == own.get("protect")
        assert project.allowed_backends == (tuple(own["allowed_backends"]) if "allowed_backends" in own else None)


@run(deadline=None)
@given(data=documents(WRONG))
def test_what_is_wrong_comes_to_the_same_for_both(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    settings, config, heard = both(tmp_path_factory.mktemp("wrong"), data)
    assert_equal(settings, config)
    everywhere = config.for_project(None)
    assert (settings.protect, settings.allowed_backends) == (everywhere.protect, everywhere.allowed_backends)
    assert isinstance(data.get("protect", False), bool) or settings.protect
    for name, project in settings.projects.items():
        own = heard["projects"][name]
        assert project.protect == own.get("protect")
        assert (project.allowed_backends is None) == ("allowed_backends" not in own)
        assert list(project.allowed_backends or ()) == own.get("allowed_backends", [])
    _, complaints = for_hooks.understood(data)
    ours = [path for path, _ in validated(data)[1] if path[0] != "prices"]
    assert len(complaints) == len(ours)
    assert for_hooks.understood(heard)[0] == heard


@run(deadline=None)
@given(data=documents(WRONG))
def test_the_schema_takes_what_the_model_takes(data: dict[str, Any]) -> None:
    # to JSON Schema 1.0 is a whole number, and it does not look inside a command
    log, command = data.get("log"), data.get("down_command")
    assume(not isinstance(log, dict) or not isinstance(log.get("retention_days"), float))
    assume(not isinstance(command, str) or not set(command) & set("'\"\\\0"))
    assume(not isinstance(command, list) or "" not in command)
    _, problems = validated(data)
    wrong = {path[:-1] if path[:-1] == ("projects",) else path for path, _ in problems}
    said = {problem.path for problem in schema.problems(data, "config")}
    assert bool(wrong) == bool(said), (wrong, said)


def test_the_schema_is_made_of_the_table() -> None:
    made = runpy.run_path(str(DOCS / "config_tables.py"))["schema"]()
    assert (paths.shipped("schemas") / "config.schema.json").read_text(encoding="utf-8") == made, (
        "python docs/config_tables.py"
    )


def test_a_new_key_is_a_row_of_the_table_and_nothing_else(tmp_path: Path) -> None:
    """In a copy of the package a row is added; hooks, commands, schema and documentation then know the key."""
    package = tmp_path / "claude_local_plugin"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("hooks", "schemas", "docs"):
        (tmp_path / folder).symlink_to(PACKAGE.parent / folder)
    table = package / "core" / "config.py"
    row = '    ("log", "tune", "word", ("low", "high"), "low", "", "How it sounds."),\n'
    table.write_text(table.read_text(encoding="utf-8").replace("KEYS = (\n", f"KEYS = (\n{row}"), encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    environ |= {"CLAUDE_LOCAL_CONFIG_DIR": str(tmp_path / "c"), "CLAUDE_LOCAL_STATE_DIR": str(tmp_path / "s")}

    def ran(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=environ, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    command = ("-m", "claude_local_plugin", "config")
    assert 'log.tune must be "low" or "high"' in ran(*command, "set", "log.tune", "loud", code=2)
    ran(*command, "set", "log.tune", "high")
    assert "tune = " in (tmp_path / "c" / "config.toml").read_text(encoding="utf-8")
    assert re.search(r"log\.tune +\"?high", ran(*command, "list"))
    asked = (
        "import os; from claude_local_plugin.core import config; print(config.load(os.getcwd(), os.environ).log_tune)"
    )
    assert ran("-c", asked).strip() == "high"
    made = (
        "import runpy; from pathlib import Path; tables = runpy.run_path('docs/config_tables.py')\n"
        "print(tables['schema'](), tables['rewritten'](Path('docs/config.md').read_text(encoding='utf-8')))"
    )
    said = ran("-c", made)
    assert '| `log.tune` | "low" or "high" | `"low"` | How it sounds. |' in said
    assert '"tune": {' in said


def test_no_probe_may_outlive_its_hook() -> None:
    assert LIMITS["probe_deadline_s"][1] < LIMIT.seconds


@looped("wrong", [math.nan, math.inf, -math.inf, True, "1", 10**400], ids=str)
def test_no_limit_is_passed_by_a_number_that_is_none(wrong: object) -> None:
    settings, problems = validated({"probe_deadline_s": wrong, "prices": {"input": wrong}})
    assert (settings.probe_deadline_s, settings.prices.input) == (1.0, 2.0)
    assert [path for path, _ in problems] == [("probe_deadline_s",), ("prices", "input")]
    assert for_hooks.understood({"probe_deadline_s": wrong})[0] == {}


def test_no_complaint_repeats_a_value() -> None:
    data = {key.path[0]: "s3cr3t" for key in KEYS} | {"projects": {"/a": {"protect": "s3cr3t"}, "/b": "s3cr3t"}}
    more = {"allowed_backends": ["s3cr3t"], "down_command": "s3cr3t '", "log": {"cwd": "s3cr3t"}}
    for each in (data, more):
        _, problems = validated(each)
        assert problems
        assert "s3cr3t" not in str(problems)
        assert "s3cr3t" not in str(for_hooks.understood(each)[1])


def test_the_page_has_the_table_of_the_model_and_its_example_is_right() -> None:
    page = (DOCS / "config.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(DOCS / "config_tables.py"))["rewritten"](page), "python docs/config_tables.py"
    for key in (*KEYS, *PROJECT_KEYS):
        assert f"`{key.name}`" in page
    example = tomlkit.parse(page.partition("```toml\n")[2].partition("```")[0]).unwrap()
    assert len(example) == 4
    assert validated(example)[1] == ()
    for word in rules.CLOUDS:
        assert f"`{word}`" in page
