"""PowerShell, by its documentation (about_Quoting_Rules, about_Environment_Variables): it runs in no test of ours.

A string in single quotes is taken as it stands, but for single quotes, which are doubled; PowerShell takes the
typographic ones for such, too. All else that is not ASCII is spelt, since what a program prints is read there in
whatever encoding the console has.
"""

from collections.abc import Sequence

from claude_local_plugin.launch.shells.shell import Output, Part, Shell, Value, Variable, joined, runs


def assign(name: str, value: Value) -> str:
    """`$env:NAME = …`; set to nothing it is not there (before PowerShell 7.5)."""
    return f"$env:{name} = {' + '.join(map(_spelt, joined(value))) or _word('')}"


def unset(names: Sequence[str]) -> str:
    """`Remove-Item Env:NAME, Env:NAME`, with nothing said of those that are not set."""
    return f"Remove-Item -ErrorAction Ignore {', '.join(f'Env:{name}' for name in names)}"


def _spelt(part: Part) -> str:
    if isinstance(part, Variable):
        return f"$env:{part.name}"
    if isinstance(part, str):
        return " + ".join(map(_text, _runs(part)))
    return f"({' '.join(map(_word, part.words))})"


def _runs(text: str) -> list[str]:
    """The text cut into runs of plain ASCII and single other characters."""
    found = runs(text, _is_plain)
    # the first must be a string, or what follows would be added to a number
    return found if _is_plain(found[0]) else ["", *found]


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _text(run: str) -> str:
    if _is_plain(run):
        return _word(run)
    units = run.encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
    return " + ".join(f"[char]0x{pair}" for pair in pairs)


def _word(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


SHELL = Shell("powershell", assign, unset, (Variable, Output))
