"""Commands as people type them: the only place that makes one, from its words.

What is printed to be pasted may hold a URL out of a cloned repository, a model name out of a server, or the name of a
folder. Each word is quoted so that bash, zsh and fish (3.4 or newer) read back exactly that word and run nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: What every shell takes for itself, wherever it stands in a word.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@,+-=%")
#: Harmless inside a word, and something else at its beginning: zsh's `=program`, a job, an option of the shell.
_NOT_FIRST = frozenset("=%")


class Words(str):
    """Words of a command that are written as they stand: a placeholder such as `NAME`, or a command made here.

    Only for text of our own: nothing that came from a file, a server or the environment.
    """

    __slots__ = ()


def command(*words: str) -> str:
    """The command whose words these are, each quoted where a shell would read it as anything but itself.

    `command("claude-local", "enable", "--url", url)`; a placeholder that the reader replaces is `Words("NAME")`.
    """
    return " ".join(quoted(word) for word in words)


def then(*commands: str) -> str:
    """Several commands of ours, each run where the one before it succeeded."""
    return " && ".join(commands)


def piped(*commands: str) -> str:
    """Several commands of ours, each reading what the one before it prints."""
    return " | ".join(commands)


def into(file: str, printing: str) -> str:
    """A command of ours whose standard output goes into a file."""
    return f"{printing} > {quoted(file)}"


def with_variable(name: str, value: str, *words: str) -> str:
    """A command that runs with this variable set for it alone, in bash, zsh and fish (3.1 or newer) alike."""
    return f"{quoted(name)}={quoted(value)} {command(*words)}"


def edit(path: str, line: "int | None", environ: "Mapping[str, str]") -> str:
    """The command that opens a file in the editor of this environment, at the line where that editor takes one."""
    words = _editor(environ)
    program = words[0].rpartition("/")[2]
    if line is None:
        return command(*words, path)
    if program in _GO_TO:
        return command(*words, *_GO_TO[program], f"{path}:{line}")
    return command(*words, f"+{line}", path) if program in _PLUS_LINE else command(*words, path)


#: Editors that take the line as `+7`, and those that take it behind the file's name, with the option they want for it.
_PLUS_LINE = frozenset(("vi", "vim", "nvim", "nano", "pico", "emacs", "emacsclient", "micro", "kak", "joe"))
_GO_TO = {"code": ("--goto",), "codium": ("--goto",), "cursor": ("--goto",), "hx": (), "subl": (), "zed": ()}


def _editor(environ: "Mapping[str, str]") -> "list[str]":
    """The words of VISUAL or EDITOR; vi where neither can be used."""
    from shlex import split

    for name in ("VISUAL", "EDITOR"):
        try:
            words = split(environ.get(name, ""))
        except ValueError:  # an open quote
            continue
        if words:
            return words
    return ["vi"]


def export(name: str, value: str) -> str:
    """`export NAME=value`, which sets a variable in bash, zsh and fish alike."""
    return f"export {quoted(name)}={_quoted(value) if not isinstance(value, Words) else value}"


def home_path(path: str, home: str) -> str:
    """The path as a word of a command, with `~/` for the home folder: the shell puts the folder back."""
    inside = path[len(home) :] if home and path.startswith(home) else ""
    if inside.startswith("/") and len(inside) > 1:
        return Words(f"~/{_quoted(inside[1:], first=False)}")
    return path


def quoted(word: str) -> str:
    """One word, quoted where it has to be."""
    return word if isinstance(word, Words) else _quoted(word)


def _quoted(word: str, *, first: bool = True) -> str:
    if not word:
        return "''"
    if _PLAIN.issuperset(word) and not (first and word[0] in _NOT_FIRST):
        return word
    if not word.isprintable():
        return _spelt(word)
    # inside single quotes fish reads a backslash and a quote in its own way, so both stand outside of them
    return "".join(_runs(word))


def _runs(word: str) -> "Iterable[str]":
    run = ""
    for letter in word:
        if letter in "'\\":
            if run:
                yield f"'{run}'"
            yield "\\" + letter
            run = ""
        else:
            run += letter
    if run:
        yield f"'{run}'"


def _spelt(word: str) -> str:
    """A word with characters that no terminal shows, written with printf's octal escapes."""
    raw = word.encode("utf-8", "surrogateescape")
    letters = "".join(chr(byte) if chr(byte) in _PLAIN and byte < 128 else f"\\0{byte:03o}" for byte in raw)
    return f"\"$(printf '%b' '{letters}')\""
