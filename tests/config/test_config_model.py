"""The model of config.toml: it agrees with what hooks read, with the JSON Schema, and with the documentation."""

import json
import math
import runpy
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import assume, given
from hypothesis import settings as run
from hypothesis import strategies as st

from claude_local_plugin import paths
from claude_local_plugin.config import KEYS, PROJECT_KEYS, Settings, load, validated
from claude_local_plugin.core import config as guest
from claude_local_plugin.core import config_schema as rules
from claude_local_plugin.hook_runtime.main import LONGEST_S
from claude_local_plugin.settings import schema

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((paths.shipped("schemas") / "config.schema.json").read_text(encoding="utf-8"))

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
HOW = st.sampled_from(rules.LOGGED)
PRICE = st.one_of(st.integers(0, 99), st.floats(0, 1_000_000))
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "on_dead_backend": st.sampled_from(rules.ON_DEAD_BACKEND),
    "probe_deadline_s": st.one_of(st.floats(*rules.PROBE_DEADLINE_S), st.sampled_from([1, 2])),
    "recheck_after_s": st.one_of(st.floats(*rules.RECHECK_AFTER_S), st.integers(0, 86_400)),
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
    "retention_days": st.integers(*rules.RETENTION_DAYS),
    "journal_days": st.integers(*rules.JOURNAL_DAYS),
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


def both(folder: Path, data: dict[str, Any]) -> tuple[Settings, guest.Config, dict[str, Any]]:
    """The file with this in it, as the command line and as hooks read it; and the hooks' settings."""
    path = folder / "config" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(tomlkit.dumps(data), encoding="utf-8")
    environ = {"CLAUDE_LOCAL_CONFIG_DIR": str(path.parent)}
    found = load(path)
    return found.settings, guest.refresh(str(folder / "state"), environ), rules.understood(dict(found.data))[0]


def assert_equal(settings: Settings, config: guest.Config) -> None:
    log = settings.log
    assert (settings.on_dead_backend, settings.warm_up) == (config.on_dead_backend, config.warm_up)
    assert (settings.probe_deadline_s, settings.recheck_after_s) == (config.probe_deadline_s, config.recheck_after_s)
    assert settings.down_command == config.down_command
    assert (log.cwd, log.project, log.retention_days, log.journal_days) == (
        config.log_cwd,
        config.log_project,
        config.retention_days,
        config.journal_days,
    )


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
    _, complaints = rules.understood(data)
    ours = [path for path, _ in validated(data)[1] if path[0] != "prices"]
    assert len(complaints) == len(ours)
    assert rules.understood(heard)[0] == heard


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


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_schema_describes_every_key_as_the_model_does(key: Any) -> None:
    entry = SCHEMA
    for step in key.path:
        entry = entry["properties"][step]
    assert entry["default"] == (list(key.default) if isinstance(key.default, tuple) else key.default)
    assert entry["description"] == key.description
    if "enum" in entry:
        assert key.values == " or ".join(f'"{word}"' for word in entry["enum"])
    if "minimum" in entry:
        kind = "whole number" if entry["type"] == "integer" else "number"
        assert key.values == f"a {kind} from {entry['minimum']:,} to {entry['maximum']:,}"


def test_the_schema_has_no_key_that_the_model_has_not() -> None:
    top = {path[0] for path in (key.path for key in KEYS)} | {"projects"}
    assert SCHEMA["properties"].keys() == top
    for name in ("log", "prices"):
        inner = {key.path[1] for key in KEYS if key.path[0] == name}
        assert SCHEMA["properties"][name]["properties"].keys() == inner
    projects = SCHEMA["properties"]["projects"]["additionalProperties"]["properties"]
    assert {name: entry["description"] for name, entry in projects.items()} == {
        key.name: key.description for key in PROJECT_KEYS
    }
    assert SCHEMA["$defs"]["backends"]["items"]["anyOf"][0]["enum"] == list(rules.CLOUDS)


def test_no_probe_may_outlive_its_hook() -> None:
    assert rules.PROBE_DEADLINE_S[1] < LONGEST_S


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, True, "1", 10**400], ids=str)
def test_no_limit_is_passed_by_a_number_that_is_none(wrong: object) -> None:
    settings, problems = validated({"probe_deadline_s": wrong, "prices": {"input": wrong}})
    assert (settings.probe_deadline_s, settings.prices.input) == (1.0, 2.0)
    assert [path for path, _ in problems] == [("probe_deadline_s",), ("prices", "input")]
    assert rules.understood({"probe_deadline_s": wrong})[0] == {}


def test_no_complaint_repeats_a_value() -> None:
    data = {key.path[0]: "s3cr3t" for key in KEYS} | {"projects": {"/a": {"protect": "s3cr3t"}, "/b": "s3cr3t"}}
    more = {"allowed_backends": ["s3cr3t"], "down_command": "s3cr3t '", "log": {"cwd": "s3cr3t"}}
    for each in (data, more):
        _, problems = validated(each)
        assert problems
        assert "s3cr3t" not in str(problems)
        assert "s3cr3t" not in str(rules.understood(each)[1])


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
