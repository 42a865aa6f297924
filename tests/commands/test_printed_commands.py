"""Every command that is printed to be typed, typed as it stands: into bash, from where it was printed, with the server
known only under the name it has in the network, and then looked at again.

`printed_cases` has a case for each place in the source that makes such a command: a state of a folder and its servers
in which it is printed. The command is taken at its word: it runs, ends well, and what it was printed for is fixed;
every shell reads it as the words that were meant. A place without a case fails here.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.doctor import CHECKS
from tests.commands import printed
from tests.commands.house import House, assert_read_alike, filled, handmade, meant, shown
from tests.commands.lan import HOST, OPEN, Called, Lan, can_be_had
from tests.commands.printed_cases import CASES, NOT_RUN, OWN_FIX, Case
from tests.programs import program

pytestmark = pytest.mark.process

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    if not can_be_had():
        reason = "namespaces of one's own cannot be had here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    lan = Lan(tmp_path_factory.mktemp("lan"))
    assert lan.works
    yield lan
    lan.close()


@pytest.fixture
def house(lan: Lan) -> Iterator[House]:
    yield House.new(lan)
    lan.stop()


def test_every_place_that_prints_a_command_has_a_case() -> None:
    places = {site.key for site in printed.sites()}
    covered = {key for case in CASES.values() for key in case.keys}
    new, gone = "\n".join(sorted(places - covered)), "\n".join(sorted(covered - places))
    assert not new, f"a command is made here, and no case shows that it does what it says:\n{new}"
    assert not gone, f"there is no such place any more:\n{gone}"
    assert {key for case in CASES.values() if not case.runs for key in case.keys} == set(NOT_RUN)


def test_every_check_that_has_a_fix_has_a_case() -> None:
    asked = {word for case in CASES.values() if OWN_FIX in case.keys and not callable(case.ask) for word in case.ask}
    leaks = {check.id for check in CHECKS if check.group == "credentials"}  # one fix for all of them
    assert {check.id for check in CHECKS if check.fixable} - leaks <= asked
    assert leaks & asked


def _lines(case: Case, ended: Called, home: Path) -> list[str]:
    """What was printed to be typed, of the places of this case; each is there, with `~` for the home or without."""
    said = re.sub(r"(?<=\s)~(?=/)", str(home), shown(ended)) + shown(ended)
    joined = {part: made.text for made in ended.made if made.text in said for part in made.parts}
    found: dict[str, None] = {}
    for key in case.keys:
        texts = {made.text for made in ended.made if key in made.keys and made.text in said}
        assert texts, f"{key} has printed nothing:\n{said}"
        for text in sorted(texts):
            while text in joined:
                text = joined[text]
            found[text] = None
    return list(found)


@pytest.mark.parametrize("name", CASES)
def test_a_printed_command_does_what_it_says(house: House, name: str) -> None:
    case = CASES[name]
    case.build(house)
    ended = case.printed(house)
    lines = _lines(case, ended, house.home)
    shells = [shell for shell in SHELLS if shutil.which(shell)]
    pristine, shell = house.home.with_name("pristine"), dict(house.shell)
    shutil.copytree(house.home, pristine, symlinks=True)
    fill = case.fill(house) if callable(case.fill) else case.fill
    for number, line in enumerate(lines):
        typed = filled(line, fill)
        assert_read_alike(shells, typed, meant(typed, ended.made, fill, house.home), house.home)
        if not case.runs:
            continue
        if number:
            shutil.rmtree(house.home)
            shutil.copytree(pristine, house.home, symlinks=True)
            house.shell = dict(shell)
        case.carried_out(house, typed)


@pytest.mark.parametrize("command", ["explain-precedence", "doctor"])
def test_what_people_are_shown_can_be_typed_in_a_home_that_has_to_be_quoted(
    lan: Lan, tmp_path: Path, command: str
) -> None:
    house = House(lan, tmp_path / "my home")
    house.project.mkdir(parents=True)
    CASES[
        {
            "explain-precedence": "explain: hooks that are switched off",
            "doctor": "a misspelt variable is shown in the editor",
        }[command]
    ].build(house)
    fixes = re.findall(r"fix: (nano .*)", house.call(command).all)
    assert fixes
    for fix in fixes:
        before = house.contents()
        assert house.type(fix).code == 0, fix
        assert house.contents() != before, fix
    lan.stop()


def test_what_the_status_line_says_of_itself_can_be_typed(house: House) -> None:
    """It loads as little as it can, so its text is written out."""
    handmade(house)
    said = house.type("claude-local statusline").all
    enable, try_it = (re.search(rf"^{label} +(.*?)(?: {{3}}.*)?\r?$", said, re.M) for label in ("install it", "try it"))
    assert enable, said
    assert try_it, said
    assert house.type(enable[1]).code == 0
    assert house.env()["ANTHROPIC_BASE_URL"] == OPEN
    assert "statusLine" in json.loads(house.local.read_text())
    house.shell["ANTHROPIC_BASE_URL"] = OPEN  # a session's settings are in its environment
    assert HOST in house.type(try_it[1]).out


@pytest.mark.programs
@pytest.mark.parametrize("shell", SHELLS)
def test_there_is_every_shell(shell: str) -> None:
    """Without one of them it is not seen what it makes of the printed commands."""
    assert program(shell, shell)
