"""What is said to a shell: values made of text and of references to where a secret is, and what each shell can say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """The value of another variable, looked up when the assignment is read."""

    name: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a command of ours prints, asked when the assignment is read."""

    words: tuple[str, ...]


#: A piece of a value: text as it is, or where it is to be had.
Part = str | Variable | Output
#: A value, its pieces one after the other.
Value = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Shell:
    """How one shell is told to set and to forget variables, each a command on a line of its own.

    `refers_to` are the kinds of reference that it understands, `file` the name of the file that is its own in a
    project, where it has one.
    """

    name: str
    assign: Callable[[str, Value], str]
    unset: Callable[[Sequence[str]], str]
    refers_to: tuple[type, ...]
    file: str | None = None

    def can_say(self, value: Value) -> bool:
        """Whether every piece of the value can be said there."""
        return all(isinstance(part, (str, *self.refers_to)) for part in value)


def joined(value: Value) -> Value:
    """The value with neighbouring pieces of text as one, and no empty ones."""
    found: list[Part] = []
    for part in value:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


def runs(text: str, plain: Callable[[str], bool]) -> list[str]:
    """The text cut into runs of what is plain and single characters of what is not."""
    found: list[str] = []
    for letter in text:
        if found and plain(letter) and plain(found[-1]):
            found[-1] += letter
        else:
            found.append(letter)
    return found
