"""Takes out of a JSON text what Claude Code does not take: comments and commas too many; every other byte stays.

It reads what is no JSON, so that `settings/syntax.py`, which is as strict as Claude Code, is of no use here.
"""

import re

from claude_local_plugin.core.document_rules import faults
from claude_local_plugin.core.settings_files import strict_json
from claude_local_plugin.precedence import FileState, Scope, SettingsFile

#: The pieces of a JSON text that matter here; whatever fits none of them is passed over letter by letter.
_PIECE = re.compile(
    r"""
    (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<line>//[^\r\n]*|\#[^\r\n]*)
    | (?P<block>/\*.*?\*/)
    | (?P<blank>[ \t\r\n]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = ("}", "]")
_LINE_END = re.compile(r"^[ \t]*(?:\r\n|\r|\n)")


def strict(text: str) -> str:
    """The text without its comments and commas too many; a line that held nothing else goes with its comment.

    The result is JSON if that was all that was wrong with it.
    """
    kept: list[str] = []
    closes = False  # the next piece that is not blank, from the end on, takes no comma before it
    for piece in reversed(list(_PIECE.finditer(_without_comments(text)))):
        word = piece.group()
        if not (word == "," and closes):
            kept.append(word)
        if piece.lastgroup != "blank":
            closes = word in _CLOSING or word == ","
    return "".join(reversed(kept))


def _without_comments(text: str) -> str:
    kept: list[str] = []
    line_is_gone = False
    for piece in _PIECE.finditer(text):
        kind, word = piece.lastgroup, piece.group()
        if kind not in ("line", "block"):
            if line_is_gone:
                word = _LINE_END.sub("", word, count=1)
            line_is_gone = False
            kept += [word] if word else []
            continue
        end = len(kept)
        while end and not kept[end - 1].strip(" \t"):
            end -= 1
        before = kept[end - 1].rstrip(" \t") if end else ""
        line_is_gone = not end or before.endswith(("\n", "\r")) or (end == 1 and before == "\ufeff")
        if line_is_gone or kind == "line":
            kept[max(end - 1, 0) :] = [before] if end else []
    return "".join(kept)


def repairable(each: SettingsFile) -> bool:
    """Whether comments and commas too many are all that makes Claude Code drop this file, and it is ours to write."""
    if each.state is not FileState.DROPPED or each.path is None or each.scope in (Scope.MANAGED, Scope.FLAG):
        return False
    fixed = strict(each.text)
    if fixed == each.text:
        return False
    try:
        data = strict_json(fixed)
    except (ValueError, RecursionError):  # something else is wrong with it, too
        return False
    return isinstance(data, dict) and not faults(data)
