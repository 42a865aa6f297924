"""Files that people have published: everything that is known to be wrong in each is found, and nothing else.

They stand in `files/` as they were published in spring 2026: a review of a Dell Pro Max with GB10, an article on
LiteLLM before a DGX Spark, and one on two RTX Pro 6000.
"""

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.lint import corrected, read
from tests.lint.looking import FILES, Said, facts, said
from tests.looped import looped

#: File -> the machine that is named to lint, and what is found: id, result, line and column.
FOUND: dict[tuple[str, str | None], list[Said]] = {
    ("gb10-coder-next.compose.yml", None): [
        ("recipe.open", "warning", "10:9"),
        ("recipe.claude-name", "warning", "31:27"),
        ("recipe.compose-version", "info", "2:1"),
    ],
    ("gb10-coder-next.run.sh", None): [
        ("recipe.open", "warning", "1:30"),
        ("recipe.claude-name", "warning", "10:25"),
    ],
    ("gb10-coder-30b.run.sh", "gb10"): [
        ("recipe.small-window", "error", "12:21"),
        ("recipe.weights", "error", "11:30"),
        ("recipe.open", "warning", "1:30"),
        ("recipe.claude-name", "warning", "8:25"),
    ],
    ("gb10-quick-start.sh", None): [
        ("recipe.health", "info", "7:3"),
        ("recipe.open", "warning", "5:29"),
        ("recipe.claude-name", "warning", "10:25"),
    ],
    ("spark-qwen3.6-nvfp4.sh", None): [
        ("recipe.tag", "warning", "4:1"),
        ("recipe.health", "info", "4:1"),
        ("recipe.open", "warning", "2:4"),
        ("recipe.other-name", "warning", "6:21"),
    ],
    ("spark-qwen3.6-nvfp4.sh", "gb10"): [
        ("recipe.utilisation", "warning", "8:43"),
        ("recipe.tag", "warning", "4:1"),
        ("recipe.health", "info", "4:1"),
        ("recipe.open", "warning", "2:4"),
        ("recipe.other-name", "warning", "6:21"),
    ],
    ("spark-litellm.yml", None): [
        ("litellm.key", "error", "2:1"),
        ("litellm.route", "warning", "5:14"),
        ("litellm.route", "warning", "11:14"),
        ("litellm.route", "warning", "17:14"),
        ("litellm.aliases", "warning", "3:17"),
    ],
    ("spark-litellm.sh", None): [("litellm.prices", "info", "1:1")],
    ("minimax-two-cards.compose.yml", None): [
        ("recipe.tag", "warning", "3:12"),
        ("recipe.open", "warning", "22:9"),
    ],
    ("minimax-two-cards.compose.yml", "rtx-pro-6000-2x"): [
        ("recipe.tag", "warning", "3:12"),
        ("recipe.open", "warning", "22:9"),
    ],
}

#: What stood beside them and starts no server.
NOTHING = ("autobuild-wrapper-1.sh", "autobuild-wrapper-2.sh", "prometheus.yml")

GOOD = sorted((FILES / "good").iterdir())


def text_of(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


@looped(("name", "hardware"), list(FOUND))
def test_what_is_wrong_in_a_published_file_is_found_and_nothing_else(name: str, hardware: str | None) -> None:
    assert said(facts(text_of(name), hardware=hardware)) == FOUND[(name, hardware)]


@looped(("name", "hardware"), list(FOUND))
def test_nothing_that_was_corrected_is_found_again(name: str, hardware: str | None) -> None:
    given = facts(text_of(name), hardware=hardware)
    mends = {each for each, _, _ in said(given)} & MENDED
    left = {each for each, _, _ in said(facts(corrected(given), hardware=hardware))}
    assert left == {each for each, _, _ in said(given)} - mends - AFTERWARDS.get(name, set())


#: What `--fix` mends in these files, and what is gone with it.
MENDED = {
    "recipe.weights",
    *("recipe.claude-name", "recipe.compose-version", "recipe.utilisation", "recipe.tag", "recipe.other-name"),
    *("litellm.key", "litellm.route"),
}
AFTERWARDS = {"gb10-coder-30b.run.sh": {"recipe.small-window"}}  # it was too small for the long prompt of that name


def test_every_published_file_is_looked_at() -> None:
    names = {path.name for path in FILES.iterdir() if path.is_file()}
    assert names == {name for name, _ in FOUND} | set(NOTHING)


@looped("name", NOTHING)
def test_what_starts_no_server_is_said_to_be_none(name: str) -> None:
    with pytest.raises(UsageError, match="is nothing that is read here"):
        read(text_of(name), name)


@looped("path", GOOD)
def test_nothing_is_found_in_a_good_file(path: "object") -> None:
    name = f"good/{getattr(path, 'name')}"  # noqa: B009
    assert said(facts(text_of(name), hardware=None)) == []
    assert corrected(facts(text_of(name))) == text_of(name)


def test_there_are_good_files_of_every_format() -> None:
    formats = {read(path.read_text(encoding="utf-8"), path.name).format for path in GOOD}
    assert formats == {"compose", "shell", "systemd", "quadlet", "litellm"}
