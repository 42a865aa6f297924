"""Whatever is pasted: no check breaks, places are in the text, and nothing that was corrected is found again."""

import random

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.lint import corrected, run
from tests.lint.looking import FILES, facts
from tests.lint.test_checks import CASES

#: What breaks quoting, indents, variables, lists and comments.
BITS = (
    *("'", '"', "\\", "$", "${", "}", "\n", "  ", "#", "[", "]", "{", ":", "-", "--", "=", "&a ", "*a", "|", "%", "\t"),
    *("<<: ", "é", "\r\n", "\x00", "(", ")", "`", ">", "<<EOF\n", "\\\n"),
)
TEXTS = [*(path.read_text() for path in sorted(FILES.rglob("*")) if path.is_file()), *(each[0] for each in CASES)]


def damaged(dice: random.Random) -> str:
    """A file with pieces put in, taken out, or taken from another."""
    text = dice.choice(TEXTS)
    for _ in range(dice.randint(1, 5)):
        at = dice.randrange(len(text) + 1)
        way = dice.random()
        if way < 0.4:
            text = text[:at] + dice.choice(BITS) + text[at:]
        elif way < 0.7:
            text = text[:at] + text[at + dice.randint(1, 30) :]
        else:
            other = dice.choice(TEXTS)
            begin = dice.randrange(len(other))
            text = text[:at] + other[begin : begin + dice.randint(1, 60)] + text[at:]
    return text


def test_a_damaged_file_is_refused_or_looked_at() -> None:
    dice, looked = random.Random(12), 0
    for _ in range(400):
        text = damaged(dice)
        machine, sessions = dice.choice([None, "gb10", "rtx-pro-6000-2x"]), dice.choice([None, 2])
        try:
            given = facts(text, hardware=machine, sessions=sessions)
        except ClaudeLocalError as error:
            assert error.hint  # noqa: PT017
            continue
        looked += 1
        lines = text.split("\n")
        for each in run(given):
            assert each.result != "failed", (each, text)
            if each.where is not None:
                line, column = (int(part) for part in str(each.where).removeprefix("pasted:").split(":"))
                assert 1 <= line <= len(lines), (each, text)
                assert 1 <= column <= len(lines[line - 1]) + 1, (each, text)
        again = facts(corrected(given), hardware=machine or (given.hardware and given.hardware.name), sessions=sessions)
        assert [each for each in run(again) if each.fixable] == [], text
    assert looked > 100
