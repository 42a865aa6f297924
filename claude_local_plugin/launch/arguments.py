"""The arguments of `claude` as far as a run has to know them: its own `--settings`, and what it would not survive.

Observed on Claude Code 2.1.332: of two `--settings` the last counts alone, and the option must stand before a
subcommand; a path is relative to the current folder, and text that begins with a brace is the settings themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_SETTINGS = "--settings"
#: Options of one value that a run has to step over or to know.
_MODEL, _SOURCES = "--model", "--setting-sources"
#: What leaves the process that a run starts: options, and what becomes of the session.
LEAVING = {
    "--bg": "it goes on in a daemon, which does not inherit this run's environment",
    "--background": "it goes on in a daemon, which does not inherit this run's environment",
    "--cloud": "it runs on Anthropic's machines",
    "--environment": "it runs on Anthropic's machines",
    "--teleport": "it continues a session of Anthropic's machines",
    "--desktop": "it goes on in another program",
    # seen on 2.1.332: the pane gets the settings file and none of the variables, and stays when the file is gone
    "--tmux": "it goes on in a tmux server, which does not inherit this run's environment and outlives it",
}

#: Those of them whose session goes on on this machine: without what the process was given.
DETACHING = ("--bg", "--background", "--desktop", "--tmux")
#: Options of one letter that take no value, and may be written together: `-cp`.
_LETTERS = frozenset("pcv")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What `claude` is called with: `rest` is everything but its own `--settings`, whose value is `settings`.

    `sources` is what `--setting-sources` names, None without the option. `leaving` is the first option that takes the
    session out of the process.
    """

    rest: tuple[str, ...]
    settings: str | None = None
    model: str | None = None
    sources: tuple[str, ...] | None = None
    interactive: bool = True
    leaving: str | None = None


def read(words: Sequence[str]) -> Arguments:
    """The arguments taken apart; words behind `--` are the prompt's."""
    rest: list[str] = []
    valued: dict[str, str] = {}
    seen: set[str] = set()
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
            break
        option, equals, value = word.partition("=")
        if option in (_SETTINGS, _MODEL, _SOURCES):
            given = value if equals else next(waiting, None)
            if given is None:  # the client itself complains
                rest.append(word)
                break
            valued[option] = given
            if option != _SETTINGS:
                rest += [word] if equals else [word, given]
            continue
        seen |= _options(option)
        rest.append(word)
    sources = valued.get(_SOURCES)
    return Arguments(
        tuple(rest),
        valued.get(_SETTINGS),
        valued.get(_MODEL),
        None if sources is None else tuple(name.strip() for name in sources.split(",")) if sources else (),
        not seen & {"-p", "--print"},
        next((option for option in LEAVING if option in seen), None),
    )


def _options(word: str) -> set[str]:
    """The options in a word: itself, and the letters of several written together."""
    letters = word[1:] if word.startswith("-") and not word.startswith("--") else ""
    return {word, *(f"-{letter}" for letter in letters if set(letters) <= _LETTERS)}
