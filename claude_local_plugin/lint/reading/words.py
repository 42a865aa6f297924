"""Words of a command with their places, as a shell, systemd or compose would split them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::?([-=?+])([^{}]*))?\}")
#: What ends a command of a shell, the longer ones first.
_OPERATORS: Final = ("&&", "||", ";;", "|&", ";", "|", "&", "(", ")")
_REDIRECTION: Final = re.compile(r"\d*(?:&>>|&>|>>|>&|>\||<<<|<<|<&|<>|>|<)")


class UnclosedError(Exception):
    """A quote that is opened at this offset and never closed."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"a quote is opened at {offset} and not closed")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Word:
    """One word as a program gets it, with its offsets in the text that was read.

    `known` is False where a variable stands in it whose value cannot be seen here; its reference is left in `text`.
    """

    text: str
    start: int
    end: int
    known: bool = True

    def part(self, start: int, text: str | None = None) -> "Word":
        """The word behind `start` letters of it: the value in `--name=value`."""
        return Word(self.text[start:] if text is None else text, self.start, self.end, self.known)


@dataclass(frozen=True, slots=True)
class Variables:
    """What references to variables stand for.

    `doubled`: `$$` is a dollar sign, as in a compose file; `percent`: `%%` a percent sign, as in a unit.
    """

    values: Mapping[str, str]
    doubled: bool = False
    percent: bool = False


NOTHING: Final = Variables({})


def expanded(text: str, variables: Variables = NOTHING) -> tuple[str, bool]:
    """The text with its references replaced by values and defaults, and whether all of them could be."""
    made, at, known = [], 0, True
    while at < len(text):
        if text[at] == "$":
            value, at, told = _reference(text, at, len(text), variables)
            made.append(value)
            known &= told
        else:
            made.append(text[at])
            at += 1
    return "".join(made), known


def _reference(text: str, at: int, end: int, variables: Variables) -> tuple[str, int, bool]:
    """What the dollar sign at `at` stands for, where it ends, and whether its value is known."""
    if text.startswith("$$", at) and variables.doubled:
        return "$", at + 2, True
    if text.startswith("$(", at):
        depth, to = 0, at + 1
        while to < end:
            depth += (text[to] == "(") - (text[to] == ")")
            to += 1
            if depth == 0:
                break
        return text[at:to], to, False
    if text[at + 1 : at + 2] in tuple("@*#?!0123456789"):
        return text[at : at + 2], at + 2, False
    if found := _BRACED.match(text, at + 1, end):
        name, operator, default = found[1], found[2], found[3]
        if name in variables.values:
            return variables.values[name], found.end(), True
        if operator in ("-", "="):
            value, known = expanded(default, variables)
            return value, found.end(), known
        return found.group().join(("$", "")), found.end(), False
    if text.startswith("{", at + 1) and 0 <= (close := text.find("}", at)) < end:  # a list, or a part of a value
        return text[at : close + 1], close + 1, False
    if found := _NAME.match(text, at + 1, end):
        if found[0] in variables.values:
            return variables.values[found[0]], found.end(), True
        return "$" + found[0], found.end(), False
    return "$", at + 1, True


def split(text: str, start: int, end: int, variables: Variables = NOTHING) -> tuple[Word, ...]:
    """The words of one command: blanks and line ends part them alike."""
    return tuple(each for each in _lexed(text, start, end, variables, script=False) if isinstance(each, Word))


def commands(text: str, start: int, end: int, variables: Variables = NOTHING) -> Iterator[tuple[Word, ...]]:
    """The commands of a shell script, each as its words; an assignment before them holds for those that follow."""
    values = dict(variables.values)
    here: list[Word] = []
    for each in _lexed(text, start, end, Variables(values), script=True):
        if isinstance(each, Word):
            here.append(each)
            continue
        if here:
            yield _assigned(here, values)
        here = []
    if here:
        yield _assigned(here, values)


def _assigned(words: list[Word], values: dict[str, str]) -> tuple[Word, ...]:
    """The command; where it only assigns, its variables are known from here on."""
    named = words[1:] if words[0].text in ("export", "readonly", "local", "declare") else words
    pairs = [assignment(each) for each in named]
    if all(pairs):
        for pair, word in zip(pairs, named, strict=True):
            if pair and word.known:
                values[pair[0]] = pair[1].text
    return tuple(words)


def assignment(word: Word) -> tuple[str, Word] | None:
    """Name and value of `NAME=value`; None for any other word."""
    name, sign, _ = word.text.partition("=")
    return (name, word.part(len(name) + 1)) if sign and _NAME.fullmatch(name) else None


def _lexed(text: str, start: int, end: int, variables: Variables, *, script: bool) -> Iterator[Word | str]:
    """Words, and the operators between the commands of a script."""
    at = start
    here: list[str] = []  # the marks that end the documents which begin in the next line
    while at < end:
        letter = text[at]
        if text.startswith(("\\\n", "\\\r\n"), at):
            at = text.index("\n", at) + 1
        elif letter == "\n" and script:
            yield "\n"
            at = _behind(text, at + 1, end, here)
            here = []
        elif letter.isspace():
            at += 1
        elif letter == "#" and script:
            at = _line_end(text, at, end)
        elif script and (found := _REDIRECTION.match(text, at, end)):
            at = found.end() + (found[0] == "<<" and text.startswith("-", found.end()))
            while at < end and text[at] in " \t":
                at += 1
            if at < end and text[at] not in "\n;|&":  # the file, which is no word of the command
                word = _word(text, at, end, variables, script=script)
                at = word.end
                here += [word.text] if found[0] == "<<" else []
        elif script and (operator := next((each for each in _OPERATORS if text.startswith(each, at)), None)):
            yield operator
            at += len(operator)
        else:
            word = _word(text, at, end, variables, script=script)
            yield word
            at = word.end


def _behind(text: str, at: int, end: int, marks: list[str]) -> int:
    """Where the script goes on behind the documents that begin here."""
    for mark in marks:
        while at < end:
            stop = _line_end(text, at, end)
            line, at = text[at:stop].strip("\t\r"), min(stop + 1, end)
            if line == mark:
                break
    return at


def _line_end(text: str, at: int, end: int) -> int:
    found = text.find("\n", at, end)
    return end if found < 0 else found


def _word(text: str, start: int, end: int, variables: Variables, *, script: bool) -> Word:
    made, at, known, quote, opened = [], start, True, "", start
    while at < end:
        letter = text[at]
        if quote == "'":
            if letter == "'":
                quote = ""
            else:
                made.append(letter)
            at += 1
        elif letter == "\\" and at + 1 < end:
            following = text[at + 1]
            if following == "\n" or text.startswith("\\\r\n", at):
                if not quote:
                    break
                at = text.index("\n", at) + 1
                continue
            made.append(letter + following if quote and following not in '"\\$`' else following)
            at += 2
        elif letter == "$" and at + 1 < end:
            value, at, told = _reference(text, at, end, variables)
            made.append(value)
            known &= told
        elif letter == "%" and variables.percent and text.startswith("%%", at):
            made.append("%")
            at += 2
        elif quote:
            if letter == '"':
                quote = ""
            else:
                made.append(letter)
            at += 1
        elif letter in "'\"":
            quote, opened = letter, at
            at += 1
        elif letter.isspace() or (script and letter in ";|&()<>"):
            break
        else:
            known &= letter != "`"
            made.append(letter)
            at += 1
    if quote:
        raise UnclosedError(opened)
    return Word("".join(made), start, at, known)
