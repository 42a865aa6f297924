"""Text for people: what may be shown of a secret, of foreign text and of a path."""

import codecs
import os
import re
from pathlib import Path

from claude_local_plugin.core.endpoint import PLACEHOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def mask_secret(value: str) -> str:
    """`sk-a…9f3c (41 chars)`: enough to recognise a secret by, too little to use it.

    Short values show less, so that never more than a third of a secret is visible.
    """
    if value in ("", PLACEHOLDER):
        return value
    shown = min(4, len(value) // 6)
    visible = f"{value[:shown]}…{value[-shown:]}" if shown else "…"
    return f"{visible} ({len(value)} chars)"


#: What a secret looks like wherever it stands, the group `secret` being the part to hide.
_SECRETS = re.compile(
    r"""
      \b(?P<known>sk-[\w-]{8,}|gh[opsur]_\w{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|AKIA[0-9A-Z]{12,}|xox[abprs]-[\w-]{10,}
          |hf_\w{16,}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)
    | \b(?:Bearer|Basic)[ ]+(?P<scheme>[^\s"'\\,;$][^\s"'\\,;]*)
    | ://[^\s/:@"']*:(?P<login>[^\s/@"']+)@
    | (?:x-api-key|api-key|authorization)["']?[ ]*:[ ]*(?!Bearer|Basic)(?P<header>[^\s"'\\,;$][^\s"'\\,;]*)
    | -(?:token|api-?key|access-?key|secret|password|passwd)(?:=|[ ]+)(?:\\?["'])?(?P<option>[^\s"'\\$-][^\s"'\\]*)
    | (?:TOKEN|API_?KEY|ACCESS_KEY|SECRET(?:_KEY)?|PASSWORD|PASSWD)\\?"[ ]*:[ ]*\\?"(?P<member>[^"\\]+)
    | (?:TOKEN|API_?KEY|ACCESS_KEY|SECRET(?:_KEY)?|PASSWORD|PASSWD)=
      (?:\\?["'])?(?P<variable>[^\s"'\\$;&|][^\s"'\\;&|]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def without_secrets(text: str, *, prose: bool = False, members: bool = True) -> str:
    """The text with what looks like a secret masked, wherever it stands in it: a key in a command, a URL's password.

    In `prose`, where "Basic" and "authorization:" are words like others, only what looks like a secret by itself is.
    Without `members` the names in JSON say nothing.
    """
    hide = _hidden_in_prose if prose else _hidden
    return _SECRETS.sub(lambda found: found[0] if found.lastgroup == "member" and not members else hide(found), text)


def _hidden_in_prose(found: "re.Match[str]") -> str:
    secret = found[found.lastgroup or 0]
    before = found.string[: found.start()].rpartition(" ")[2].lstrip("\"'`(")
    if found.lastgroup == "option" and before and not before.startswith("-"):
        return found[0]  # a word that ends so, such as the name of a check
    told = found.lastgroup in ("known", "login") or len(secret) >= 20
    return _hidden(found) if told or (len(secret) >= 8 and not secret.isalpha()) else found[0]


def _hidden(found: "re.Match[str]") -> str:
    secret = found[found.lastgroup or 0]
    if "…" in secret:  # masked already
        return found[0]
    start = found.start(found.lastgroup or 0) - found.start()
    return found[0][:start] + mask_secret(secret) + found[0][start + len(secret) :]


#: How a path is spelled that is another one to pathlib: empty, or with parts that say nothing.
_ODD = re.compile(r"^$|//|(?:^|/)\.(?:/|$)|./$" if os.sep == "/" else "")


def short_path(path: str | Path, *, cwd: Path, home: Path) -> str:
    """The path as people say it: relative inside the current folder, `~` for the home folder.

    Compared as texts, not by pathlib: of a team's log there are thousands.
    """
    said = str(Path(path)) if isinstance(path, str) and _ODD.search(path) else str(path)
    here, own = str(cwd), str(home)
    # in the home folder itself `~` says which folder is meant, where a relative path would look like a project's
    for base, prefix in ((own, "~/"),) if here == own else ((here, ""), (own, "~/")):
        if said == base:
            return prefix.rstrip("/") or "."
        inside = base if base.endswith(os.sep) else base + os.sep
        if said.startswith(inside):
            return prefix + said[len(inside) :]
    return said


#: A command within a sentence, up to what ends it there.
_COMMAND = re.compile(r"\b(?:claude-local|ssh|sudo|git (?:-C|add|rm)) (?:(?![,;)]|: | \().)+")


#: How a line begins that is a command and nothing else, of the programs that we tell people to use.
_TYPED = re.compile(
    r"(?:claude|claude-local|cluse|ssh|sudo|git|curl|docker|podman|unset|export|vllm|ollama|litellm|llama-server|systemctl"
    r"|journalctl|chmod|chown|rm|mv|pip|uv|pipx|npm|getent|python3?|sqlite3|\S+ \+\d+) \S"
)


def is_typed(text: str) -> bool:
    """Whether the text is a command as a whole."""
    return _TYPED.match(text) is not None and not re.search(r"[,;] |: ", text)


def wrapped(text: str, width: int, *, indent: str = "  ", whole: bool = False) -> list[str]:
    """The text as lines of at most so many letters, broken at blanks, those after the first one indented.

    A word that is longer stays whole, and so does a command that fits on a line, or with `whole` any: it is there to
    be copied.
    """
    import textwrap  # most of what is said fits on a line

    fits = width - len(indent)
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", "\0") if whole or len(found[0]) <= fits else found[0], text)
    lines = textwrap.wrap(kept, max(width, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ").rstrip() for line in lines] or [""]


def with_tilde(text: str, home: str) -> str:
    """The text with `~` for the home folder where a path in it begins; not inside quotes, where no shell expands it."""
    if len(home) < 2 or f"{home}/" not in text:
        return text
    return re.sub(rf"(?:^|(?<=[\s(])){re.escape(home)}(?=/)", "~", text)


def carries_all(stream: "TextIO") -> bool:
    """Whether every letter can be written to the stream: unless it says that its encoding is another than UTF-8."""
    return codecs.lookup(stream.encoding or "utf-8").name == "utf-8"


def printable(text: str) -> str:
    """One line of text in which all can be seen: what drives a terminal, turns the direction or is invisible is spelt.

    A line's end becomes `\\n`, an escape `\\x1b`, so that no value can pass for a line of its own or hide a part of it.
    """
    return "".join(map(_spelt, text)) if hides(text) else text


#: Letters and marks that count as printable and show nothing: fillers, joiners, variation selectors.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x180F), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)


def hides(text: str) -> bool:
    """Whether anything in the text does not show as what it is."""
    return not (text.isprintable() and UNSEEN.isdisjoint(text))


def _spelt(letter: str) -> str:
    if letter.isprintable() and letter not in UNSEEN:
        return letter
    number = ord(letter)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter)
    return named or (
        f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
    )


def counted(count: int) -> str:
    """`1 session`, `1,000 sessions`."""
    return f"{count:,} session{'' if count == 1 else 's'}"


def moment(at: str, *, utc: bool = False) -> str:
    """A moment of the log, which has UTC, for people: `2026-11-21 11:03:13` here, `2026-11-21 10:03:13Z` in UTC."""
    if utc:
        return at[:19].replace("T", " ") + "Z"
    from datetime import datetime  # hooks and a quick look do without

    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def short_moment(at: str, now: str, *, utc: bool = False) -> str:
    """The same in little room: `11:03` on the day of `now`, `Fri 11:03` in the week before, else the day."""
    from datetime import UTC, datetime

    zone = UTC if utc else None
    then, today = (datetime.fromisoformat(each).astimezone(zone) for each in (at, now))
    days, mark = (today.date() - then.date()).days, "Z" if utc else ""
    if days == 0:
        return f"{then:%H:%M}{mark}"
    return f"{_DAYS[then.weekday()]} {then:%H:%M}{mark}" if 0 < days < 7 else f"{then:%Y-%m-%d}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
