"""Checks are generic: here they look at a made-up recipe, and say everything that doctor's checks can say."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from claude_local_plugin.checks import Finding, Place, Result, worst
from claude_local_plugin.checks.check import Check, Found, OwnFix
from claude_local_plugin.checks.run import chosen, registered, run, words
from claude_local_plugin.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    """Made-up facts."""

    flags: tuple[str, ...] = ()
    image: str | None = "vllm:0.33"


def _latest(recipe: Recipe) -> Iterator[Found]:
    if recipe.image and recipe.image.endswith(":latest"):
        yield Found(Result.WARNING, f"{recipe.image} is another one tomorrow", "line 3", OwnFix())


def _has_image(recipe: Recipe) -> str | None:
    return None if recipe.image else "it names no image"


def _is_asked(recipe: Recipe) -> str | None:
    return None if "--silent" not in recipe.flags else "it is not asked"


IMAGE = Check[Recipe, str](
    id="recipe.image",
    group="recipe",
    asks="is the image pinned?",
    fine="the image is pinned",
    why="a start must be the same twice",
    finds="Tags that move.",
    remedy="Name a version.",
    find=_latest,
    preconditions=(_is_asked, _has_image),
    fix="pins it",
    covers=("image.latest",),
)


def findings(recipe: Recipe, *checks: Check[Recipe, str]) -> tuple[Finding, ...]:
    def own_fix(check: Check[Recipe, str], options: tuple[str, ...]) -> str:
        return " ".join(("lint", "--fix", check.id, *options))

    return run(recipe, checks or (IMAGE,), own_fix=own_fix, report="report it")


def test_all_is_well_in_the_words_of_the_check() -> None:
    (found,) = findings(Recipe())
    assert found == Finding("recipe.image", Result.OK, "the image is pinned", None, None, IMAGE.why, "recipe")


def test_what_is_found_has_its_place_the_reason_and_the_fix_of_the_check_itself() -> None:
    (found,) = findings(Recipe(image="vllm:latest"))
    assert found == Finding(
        "recipe.image",
        Result.WARNING,
        "vllm:latest is another one tomorrow",
        "lint --fix recipe.image",
        "line 3",
        "a start must be the same twice",
        "recipe",
        fixable=True,
    )


def test_a_fix_that_something_must_come_before_is_named_and_not_done_now() -> None:
    def find(_: Recipe) -> Iterator[Found]:
        yield Found(Result.ERROR, "old", fix=OwnFix("pull", ("--all",), "takes a while"), why="it is said so")

    (found,) = findings(Recipe(), replace(IMAGE, find=find))
    assert (found.fix, found.fixable, found.why) == (
        "pull && lint --fix recipe.image --all   (takes a while)",
        False,
        "it is said so",
    )


def test_the_first_precondition_that_is_not_met_says_why_nothing_is_looked_at() -> None:
    (found,) = findings(Recipe(("--silent",), image=None))
    assert (found.result, found.what) == (Result.SKIPPED, "it is not asked")
    (found,) = findings(Recipe(image=None))
    assert (found.result, found.what) == (Result.SKIPPED, "it names no image")


def test_a_check_that_raises_is_a_finding_of_its_own_and_the_others_are_heard() -> None:
    def raises(_: Recipe) -> Iterator[Found]:
        raise ZeroDivisionError("of all things")

    broken, fine = findings(Recipe(), replace(IMAGE, find=raises), IMAGE)
    assert (broken.result, broken.fix, fine.result) == (Result.FAILED, "report it", Result.OK)
    assert "ZeroDivisionError: of all things" in broken.what
    assert broken.result.bad


def test_a_check_that_has_no_fix_cannot_name_it() -> None:
    (found,) = findings(Recipe(image="vllm:latest"), replace(IMAGE, fix=None))
    assert (found.result, found.fixable) == (Result.FAILED, False)
    assert "recipe.image has no fix of its own" in found.what


@pytest.mark.parametrize("again", ["recipe.image", "image.latest"])
def test_no_two_checks_have_one_id_or_stand_for_the_same(again: str) -> None:
    with pytest.raises(ValueError, match=again):
        registered(IMAGE, replace(IMAGE, id=again, covers=()))


def test_checks_are_chosen_by_id_and_by_group_and_a_near_name_is_offered() -> None:
    other = replace(IMAGE, id="hardware.memory", group="hardware", covers=())
    checks = registered(IMAGE, other)
    assert chosen(checks, (), "lint --list") == checks
    assert chosen(checks, ("hardware",), "lint --list") == (other,)
    with pytest.raises(UsageError) as raised:
        chosen(checks, ("recipe.imge",), "lint --list")
    assert raised.value.hint == "did you mean recipe.image?   lint --list"


def test_checks_are_chosen_by_what_people_call_the_trouble_too() -> None:
    image = replace(IMAGE, said=("latest", "tags"))
    other = replace(IMAGE, id="hardware.memory", group="hardware", covers=(), said=("latest",))
    checks = registered(image, other)
    assert words(checks) == {"latest": checks, "tags": (image,)}
    assert chosen(checks, ("latest",), "lint --list") == checks
    for spelt in ("tags", "Tag", "TAGS", "t-ags"):
        assert chosen(checks, (spelt,), "lint --list") == (image,)
    assert chosen(checks, ("tags", "hardware"), "lint --list") == checks
    with pytest.raises(UsageError) as raised:
        chosen(checks, ("lattest",), "lint --list")
    assert raised.value.hint == "did you mean latest?   lint --list"


@pytest.mark.parametrize("word", ["recipe", "recipe.image", "image.latest", "hardware"])
def test_a_word_for_a_trouble_is_the_name_of_nothing_else(word: str) -> None:
    other = replace(IMAGE, id="hardware.memory", group="hardware", covers=(), said=(word,))
    with pytest.raises(ValueError, match=f"{word} is what people say of hardware.memory"):
        registered(IMAGE, other)


def test_the_results_are_ordered_from_best_to_worst() -> None:
    assert worst([]) is Result.OK
    assert worst([Result.INFO, Result.SKIPPED, Result.OK]) is Result.INFO
    assert worst([Result.ERROR, Result.WARNING]) is Result.ERROR
    assert [result.bad for result in Result] == [False, False, False, True, True, True]


def test_a_place_is_named_with_line_and_column() -> None:
    assert str(Place(Path("a.json"), 2, 12)) == "a.json:2:12"
    assert str(Place(Path("a.json"))) == "a.json"
