"""YAML of other programs: read with the place of every value, and written with comments that say why."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import yaml

from claude_local_plugin.errors import ClaudeLocalError

#: Aliases make small files large: more values than any configuration has are refused.
MOST_VALUES: Final = 100_000
_CORRECT: Final = "correct the YAML there"
#: How wide a line may be with its comment beside it; a longer one has it above.
WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class Node:
    """One value and where it stands. `line` and `column` count from 1, `start` and `end` are offsets into the text.

    `value` is a scalar (str, int, float, bool, None), the nodes of a list, or the pairs of a mapping in their order.
    """

    kind: Literal["scalar", "list", "mapping"]
    value: Any
    line: int
    column: int
    start: int
    end: int

    def pairs(self) -> tuple[tuple["Node", "Node"], ...]:
        """Key and value of each line of a mapping; nothing for anything else."""
        return self.value if self.kind == "mapping" else ()

    def items(self) -> tuple["Node", ...]:
        """The entries of a list; nothing for anything else."""
        return self.value if self.kind == "list" else ()

    def get(self, *path: str) -> "Node | None":
        """The value at a path of keys; None where it is not there. Of a key that stands twice the last one counts."""
        found = self
        for name in path:
            here = [value for key, value in found.pairs() if key.kind == "scalar" and str(key.value) == name]
            if not here:
                return None
            found = here[-1]
        return found

    def plain(self) -> Any:
        """The value as Python has it: dict, list or scalar."""
        if self.kind == "mapping":
            return {
                key.plain() if key.kind == "scalar" else str(key.plain()): value.plain() for key, value in self.value
            }
        return [each.plain() for each in self.value] if self.kind == "list" else self.value


def parse(text: str, name: str) -> Node | None:
    """The first document of a YAML text; None where there is nothing in it.

    Anchors and merges (`<<`) are followed. `name` is what errors call the text. Raises ClaudeLocalError with the place
    for what is no YAML.
    """
    try:
        loader = yaml.SafeLoader(text)
        made = loader.get_node() if loader.check_node() else None
        # what follows has to be YAML, too: a line that is indented wrongly ends the document where it stands
        while loader.check_node():
            loader.get_node()
        return None if made is None else _Reader(loader, name).node(made)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = fault.problem or str(fault.context)
        if problem.startswith("expected '<document start>'"):
            problem = "this line belongs to nothing above it"
        raise ClaudeLocalError(f"{name}{place}: {problem}", _CORRECT) from fault
    except yaml.reader.ReaderError as fault:
        line = text.count("\n", 0, fault.position) + 1
        raise ClaudeLocalError(f"{name}:{line}: a character that YAML does not allow", _CORRECT) from fault
    except (ValueError, RecursionError) as fault:  # a number that is none; brackets without end
        raise ClaudeLocalError(f"{name}: {fault}", _CORRECT) from fault


class _Reader:
    """Makes our nodes of PyYAML's, and gives up on a text whose aliases repeat without end."""

    def __init__(self, loader: yaml.SafeLoader, name: str) -> None:
        self.loader, self.name = loader, name
        self.made = 0
        self.above: set[int] = set()

    def node(self, given: yaml.Node) -> Node:
        self.made += 1
        if self.made > MOST_VALUES or id(given) in self.above:
            raise ClaudeLocalError(
                f"{self.name}:{given.start_mark.line + 1}: aliases repeat themselves", "write out what they stand for"
            )
        self.above.add(id(given))
        start, end = given.start_mark, given.end_mark
        where = (start.line + 1, start.column + 1, start.index, end.index)
        try:
            if isinstance(given, yaml.MappingNode):
                if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in given.value):
                    self.loader.flatten_mapping(given)
                pairs = tuple((self.node(key), self.node(value)) for key, value in given.value)
                return Node("mapping", pairs, *where)
            if isinstance(given, yaml.SequenceNode):
                return Node("list", tuple(map(self.node, given.value)), *where)
            return Node("scalar", self._scalar(given), *where)
        finally:
            self.above.discard(id(given))

    def _scalar(self, given: yaml.Node) -> Any:
        """A tag of the program's own (`!reset`) leaves the text; dates stay the text that they are written as."""
        known = given.tag in ("tag:yaml.org,2002:" + each for each in ("str", "int", "float", "bool", "null"))
        return self.loader.construct_object(given) if known else given.value


@dataclass(frozen=True, slots=True)
class Commented:
    """A value to be written with half a sentence of why."""

    value: Any
    why: str


def write(document: Mapping[str, Any], head: str = "") -> str:
    """A document as YAML text, with `Commented` values explained and `head` as comment lines before it.

    A comment stands beside its line where both fit, above it else. Reading the text gives the document back.
    """
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    lines += _mapping(document, "")
    return "\n".join(lines) + "\n"


def scalar(value: Any) -> str:
    """One scalar on one line, quoted where any reader of YAML 1.1 or 1.2 would take a text for something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if not _looks_otherwise(text):
        made: str = yaml.safe_dump(text, allow_unicode=True, width=math.inf).removesuffix("\n").removesuffix("\n...")
        if made == text:
            return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter.isprintable():
        return letter
    number = ord(letter)
    return "\\n" if letter == "\n" else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _looks_otherwise(text: str) -> bool:
    if text.lower() in ("y", "n", "yes", "no", "on", "off", ""):
        return True
    if "\n" in text:
        return True
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True


def _mapping(given: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in given.items():
        yield from _entry(f"{indent}{scalar(key)}:", value, indent)


def _sequence(given: Sequence[Any], indent: str) -> Iterator[str]:
    for value in given:
        yield from _entry(f"{indent}-", value, indent)


def _entry(start: str, given: Any, indent: str) -> Iterator[str]:
    value, why = (given.value, given.why) if isinstance(given, Commented) else (given, "")
    if isinstance(value, Mapping | list | tuple) and value:
        if why:
            yield f"{indent}# {why}"
        deeper = indent + "  "
        inner = list(_mapping(value, deeper) if isinstance(value, Mapping) else _sequence(value, deeper))
        if start.endswith("-") and isinstance(value, Mapping) and not inner[0].lstrip().startswith("#"):
            yield start + " " + inner[0][len(deeper) :]  # the first key stands behind the dash
            yield from inner[1:]
        else:
            yield start
            yield from inner
        return
    if isinstance(value, str) and "\n" in value.rstrip("\n") and _plain_block(value):
        if why:
            yield f"{indent}# {why}"
        yield f"{start} |" + ("" if value.endswith("\n") else "-")
        yield from (f"{indent}  {line}".rstrip() for line in value.removesuffix("\n").split("\n"))
        return
    text = "{}" if isinstance(value, Mapping) else "[]" if isinstance(value, list | tuple) else scalar(value)
    line = f"{start} {text}"
    if why and len(line) + len(why) + 4 <= WIDTH:
        yield f"{line}  # {why}"
    else:
        if why:
            yield f"{indent}# {why}"
        yield line


def _plain_block(text: str) -> bool:
    """Whether a block as it stands gives the text back: no blanks where it would lose or need them."""
    lines = text.removesuffix("\n").split("\n")
    return (
        not text.endswith("\n\n")
        and not lines[0].startswith((" ", "\t", "\n"))
        and lines[0] != ""
        and all(line == line.rstrip() and line.isprintable() for line in lines)
    )
