"""Everything that explain-precedence and doctor print in many states of a folder is typed, and fixes what it is for.

`test_printed_commands` has a case for each place in the source; here the places meet states that they were not written
for. And no `enable` without an address leaves the server of the folder.

A sample of the states, and all of them with CLAUDE_LOCAL_TEST_ALL=1: ten minutes.
"""

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.house import House, enabled, enabled_with, guarded, handmade
from tests.commands.lan import ALIASED, OPEN, SEVERAL, Called, Lan, can_be_had
from tests.commands.printed_cases import (
    NOT_RUN,
    Build,
    broken_hooks,
    exported,
    login,
    readable,
    seen_by_git,
    steps,
    tracked_by_git,
    trailing_comma,
    users_login,
    wiped,
)

pytestmark = pytest.mark.process

#: Results of a check that somebody has to do something about.
BAD = ("warning", "error", "failed")
#: Checks whose command tells more, and leaves what is found: it is not this folder's to fix.
TELLS_MORE = ("precedence.beaten", "client.installed", "client.version", "client.verified")


def in_the_users(**env: str) -> Build:
    """A hand-made block, and these in the user's settings."""
    return steps(handmade, lambda house: house.write(house.user, {"env": env}))


#: States that the others begin with.
PLAIN: dict[str, Build] = {"hand-made": handmade, "enabled": enabled}
STATES: dict[str, Build] = {
    "a key in the shell": exported(ANTHROPIC_API_KEY="sk-ant-api03-shell"),
    "a provider switch in the shell": exported(CLAUDE_CODE_USE_BEDROCK="1"),
    "a proxy in the shell": exported(HTTP_PROXY="http://127.0.0.1:9"),
    "headers in the shell": exported(ANTHROPIC_CUSTOM_HEADERS="x-api-key: sk-ant-api03-shell"),
    "a login": login,
    "a login beside the user's settings": users_login,
    "a console key": steps(
        handmade,
        lambda house: house.write(
            house.home / ".claude.json", {"hasCompletedOnboarding": True, "primaryApiKey": "sk-ant-api03-x"}
        ),
    ),
    "a helper": steps(handmade, lambda house: house.write(house.user, {"apiKeyHelper": "echo sk-ant-x"})),
    "a key in the user's settings": in_the_users(ANTHROPIC_API_KEY="sk-ant-api03-user"),
    "a model in the user's settings": in_the_users(ANTHROPIC_MODEL="other"),
    "a first start": steps(enabled, lambda house: (house.home / ".claude.json").unlink()),
    "a path too far": enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}/v1"),
    "a query": enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}?a=b"),
    "a window in words": enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS="64k"),
    "no window": enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS=None),
    "a model that is not served": enabled_with(ANTHROPIC_MODEL="gone"),
    "a tier that is not served": enabled_with(ANTHROPIC_DEFAULT_OPUS_MODEL="claude-opus-5-5"),
    "an endless answer": enabled_with(CLAUDE_CODE_MAX_OUTPUT_TOKENS="200000"),
    "many retries": enabled_with(CLAUDE_CODE_MAX_RETRIES="15"),
    "short time-outs": enabled_with(API_TIMEOUT_MS="1000"),
    "traffic": enabled_with(CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=""),
    "attribution": enabled_with(CLAUDE_CODE_ATTRIBUTION_HEADER="1"),
    "a trailing comma": trailing_comma,
    "not ignored by git": seen_by_git,
    "tracked by git": tracked_by_git,
    "a key of the server": guarded,
    "readable by others": readable,
    "hooks that cannot run": broken_hooks,
    "the user's settings alone": lambda house: house.enable("--scope", "user"),
    "one of two models": steps(
        lambda house: house.enable("--url", SEVERAL, "--model", "one"),
        lambda house: house.change(
            house.local, ANTHROPIC_DEFAULT_HAIKU_MODEL="claude-haiku-4-5", CLAUDE_CODE_MAX_CONTEXT_TOKENS=None
        ),
    ),
    "two names for one model": steps(
        lambda house: house.enable("--url", ALIASED),
        lambda house: house.change(house.local, CLAUDE_CODE_MAX_OUTPUT_TOKENS="100000"),
    ),
    "wiped by another tool": wiped,
}
#: Each sixth is asked every time.
ASKED_OF = [*PLAIN, *list(STATES)[:: 1 if os.environ.get("CLAUDE_LOCAL_TEST_ALL") else 6]]
ASKED = {"explain": ("explain-precedence", "--json"), "doctor": ("doctor", "--json")}


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    if not can_be_had():
        pytest.skip("namespaces of one's own cannot be had here")  # the other file fails in CI
    lan = Lan(tmp_path_factory.mktemp("lan"))
    yield lan
    lan.close()


@pytest.fixture
def house(lan: Lan) -> Iterator[House]:
    yield House.new(lan)
    lan.stop()


def _told(ended: Called) -> dict[tuple[str, str], None]:
    """Each check or warning that finds something, with the command printed for it."""
    answer: Any = ended.json
    listed = answer["findings"] if "findings" in answer else answer["warnings"]
    return {(each["id"], line): None for each in listed if (line := _to_be_run(each["fix"] or "", ended))}


def _to_be_run(fix: str, ended: Called) -> str | None:
    """The command that a fix begins with; None where it is none, is not to be run here, or leaves a word open."""
    made = max(
        (each for each in ended.made if fix.startswith(each.text)), key=lambda each: len(each.text), default=None
    )
    if made is None or set(made.keys) & set(NOT_RUN) or made.text.startswith("vi "):  # an editor waits for somebody
        return None
    texts = [each for each in ended.made if each.text in (made.text, *made.parts)]
    open_words = any(place and not word.startswith("~") for each in texts for word, place in each.words)
    return None if open_words else made.text


@pytest.fixture(scope="module")
def plainly_told(lan: Lan) -> set[tuple[str, str]]:
    """What is printed in the plain states, and typed there."""
    found: set[tuple[str, str]] = set()
    for build in PLAIN.values():
        house = House.new(lan)
        build(house)
        for ask in ASKED.values():
            found |= set(_told(house.call(*ask)))
    return found


@pytest.mark.parametrize("state", ASKED_OF)
def test_whatever_is_printed_in_this_state_fixes_what_it_is_printed_for(
    house: House, plainly_told: set[tuple[str, str]], state: str
) -> None:
    {**PLAIN, **STATES}[state](house)
    pristine, shell = house.home.with_name("pristine"), dict(house.shell)
    shutil.copytree(house.home, pristine, symlinks=True)
    faults = []
    for number, (line, checks) in enumerate(_to_be_typed(house, state, plainly_told).items()):
        if number:
            shutil.rmtree(house.home)
            shutil.copytree(pristine, house.home, symlinks=True)
            house.shell = dict(shell)
        typed = house.type(line)
        if typed.code != 0 and " doctor " not in line:
            faults.append(f"{line}: exit {typed.code}\n{typed.all}")
        gone = [name for name in house.shell if name not in typed.environ]
        house.shell = {name: value for name, value in house.shell.items() if name not in gone}
        for ask, ids in checks.items():
            again = house.call(*ASKED[ask]).json
            left = [
                f"{each['id']}: {each.get('what', each.get('message'))}"
                for each in again.get("findings", again.get("warnings", ()))
                if each["id"] in ids and each.get("result", "error") in BAD
            ]
            if left:
                faults.append(f"{ask} still finds after: {line}\n{left}\n{typed.all}")
    assert not faults, "\n\n".join(faults)


def _to_be_typed(house: House, state: str, plainly_told: set[tuple[str, str]]) -> dict[str, dict[str, list[str]]]:
    """Each line that is printed in this state, with who prints it and what for."""
    found: dict[str, dict[str, list[str]]] = {}
    for ask, arguments in ASKED.items():
        for check, line in _told(house.call(*arguments)):
            if check not in TELLS_MORE and (state in PLAIN or (check, line) not in plainly_told):
                found.setdefault(line, {}).setdefault(ask, []).append(check)
    return found


@pytest.mark.parametrize("more", ["--statusline", "--scope user", "--model two", "", "--no-hooks"])
@pytest.mark.parametrize("others", [False, True])
def test_no_later_enable_leaves_the_server(house: House, more: str, others: bool) -> None:
    house.enable("--url", SEVERAL, "--model", "one")
    if others:
        house.serve("plain", 11434, address="127.0.0.1")
    house.ok("enable", "--yes", *more.split())
    path = house.user if "user" in more else house.local
    assert json.loads(path.read_text())["env"]["ANTHROPIC_BASE_URL"] == SEVERAL


@pytest.mark.parametrize("others", [False, True])
def test_an_enable_after_the_settings_were_taken_away_goes_by_what_is_on_record(house: House, others: bool) -> None:
    house.enable("--url", SEVERAL, "--model", "one")
    if others:
        house.serve("plain", 11434, address="127.0.0.1")
    house.write(house.local, {})
    house.ok("enable", "--yes")
    assert house.env()["ANTHROPIC_BASE_URL"] == SEVERAL
    assert house.env()["ANTHROPIC_MODEL"] == "one"
