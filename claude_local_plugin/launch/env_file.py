"""Lines of ours in a project's `.envrc` or `.env`, between two marks: put in, replaced, and taken out to the byte."""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin import git
from claude_local_plugin.errors import ClaudeLocalError, SettingsError
from claude_local_plugin.launch import excluding
from claude_local_plugin.settings import file

BEGIN = "# >>> lines of claude-local's: what stands up to the other mark is replaced as a whole >>>"
#: The same where the file's last line had no end, which it gets back.
BEGIN_JOINED = "# >>> lines of claude-local's (the line above had no end): all up to the other mark is replaced >>>"
END = "# <<< lines of claude-local's <<<"

#: Below the state folder: what we remember of such files, a file each.
FOLDER = "env-files"

MODE = "mode_before"
CREATED = "created"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to become of a file; `remembered` is what goes on record, None where nothing is ours any more."""

    path: Path
    before: str | None
    after: str | None
    remembered: Mapping[str, str] | None
    tracked: bool = False
    problem: str | None = None

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after


def plan_writing(folder: Path, name: str, lines: str, state_dir: Path, *, secret: bool) -> Planned:
    """What putting these lines into the file of this name in the project would do; writes nothing.

    Raises SettingsError where git would get to see a secret, and for a file that lies elsewhere.
    """
    path = _file(folder, name)
    standing = git.standing(path)
    if secret and standing.tracked:
        raise SettingsError(
            f"{path} is tracked by git: a secret written there would be committed",
            "--shell direnv writes where the key is to be had, and not the key, for a profile whose key is kept",
        )
    if secret and standing.problem:
        raise SettingsError(f"{standing.problem}; a secret may not be written where git might take it")
    if secret and standing.unlisted and not standing.ignored:
        raise SettingsError(f"{standing.unlisted}, so {path} is not kept out of it: a secret may not be written there")
    before = file.read(path)
    known = _remembered(path, state_dir)
    remembered = known if known is not None else {} if before is not None else {CREATED: "1"}
    if "exclude_file" not in remembered:
        remembered = {**remembered, **excluding.needed(standing)}
    if secret and before is not None and MODE not in remembered and (mode := _mode(path)) & 0o077:
        remembered = {**remembered, MODE: f"{mode:o}"}
    return Planned(path, before, with_block(before, lines, path), remembered, standing.tracked, standing.problem)


def plan_removing(folder: Path, name: str, state_dir: Path) -> Planned:
    """What taking our lines out of it would do; writes nothing."""
    path = _file(folder, name)
    before, remembered = file.read(path), _remembered(path, state_dir) or {}
    after = None if before is None else without_block(before, path)
    if not after and CREATED in remembered:
        after = None
    return Planned(path, before, after, None)


def carry_out(planned: Planned, state_dir: Path) -> None:
    """Write it. What keeps a file out of git and out of others' hands comes before what must not be seen."""
    locks, path = state_dir / "locks", planned.path
    known = _remembered(path, state_dir)
    if planned.remembered is not None:
        _remember(path, planned.remembered, state_dir)
        excluding.exclude(planned.remembered, locks)
        if MODE in planned.remembered:
            path.chmod(_mode(path) & 0o700)

    def transform(text: str | None) -> str | None:
        if text != planned.before:
            raise SettingsError(f"{path} was changed meanwhile by somebody else", "run the same again")
        return planned.after

    file.rewrite(path, transform, lock_dir=locks)
    if planned.remembered is None and known is not None:
        if MODE in known and path.exists():
            path.chmod(int(known[MODE], 8))
        excluding.include(known, locks)
        _remember(path, None, state_dir)


def on_record(state_dir: Path) -> Iterator[Path]:
    """Every file that we have written lines into."""
    for record in sorted((state_dir / FOLDER).glob("*.json")):
        yield Path(_read(record)["path"])


# --- text


def with_block(text: str | None, lines: str, path: Path) -> str:
    """The text with our lines in place of those of before, else at its end."""
    newline = "\r\n" if text and "\r\n" in text else "\n"
    body = "".join(f"{line}{newline}" for line in (*lines.removesuffix("\n").split("\n"), END))
    if text and (place := _block(text, path)):
        start, end = place
        mark = text[start:].partition("\n")[0].rstrip("\r")
        return f"{text[:start]}{mark}{newline}{body}{text[end:]}"
    if not text or text.endswith("\n"):
        return f"{text or ''}{BEGIN}{newline}{body}"
    return f"{text}{newline}{BEGIN_JOINED}{newline}{body}"


def without_block(text: str, path: Path) -> str:
    """The text without our lines, to the byte as if they had never been there."""
    place = _block(text, path)
    if place is None:
        return text
    start, end = place
    before = text[:start]
    if text.startswith(BEGIN_JOINED, start):
        before = before.removesuffix("\n").removesuffix("\r")
    return before + text[end:]


def _block(text: str, path: Path) -> tuple[int, int] | None:
    """Where our lines stand, marks included; None where they do not. Raises SettingsError where one mark is missing."""
    start, at = None, 0
    for line in re.split(r"(?<=\n)", text):
        plain = line.rstrip("\r\n")
        if plain in (BEGIN, BEGIN_JOINED):
            start = at
        elif plain == END and start is not None:
            return start, at + len(line)
        at += len(line)
    if start is not None:
        line_number = text.count("\n", 0, start) + 1
        raise SettingsError(
            f"{path}:{line_number}: our lines begin here, and the mark at their end ({END}) is gone",
            "put it back, or take these lines out by hand",
        )
    return None


# --- files


def _file(folder: Path, name: str) -> Path:
    path = file.resolve(folder / name)
    if not path.is_relative_to(file.resolve(folder)):
        raise SettingsError(f"{folder / name} is a link to {path}, outside of this project", "take the link away")
    return path


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if os.name != "nt" else 0o600


def _record(path: Path, state_dir: Path) -> Path:
    return state_dir / FOLDER / f"{file.identity(path)}.json"


def _remembered(path: Path, state_dir: Path) -> dict[str, str] | None:
    record = _record(path, state_dir)
    if not record.exists():
        return None
    remembered: dict[str, str] = _read(record)["remembered"]
    return remembered


def _read(record: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read(record) or "")
        if isinstance(found["path"], str) and isinstance(found["remembered"], dict):
            return dict(found)
    except (ValueError, KeyError, TypeError):
        pass
    raise ClaudeLocalError(f"{record}: claude-local's record of a file is damaged", "move it away to go on without it")


def _remember(path: Path, remembered: Mapping[str, str] | None, state_dir: Path) -> None:
    record = _record(path, state_dir)
    text = None if remembered is None else json.dumps({"path": str(path), "remembered": dict(remembered)}) + "\n"
    file.private_folder(record.parent)
    file.rewrite(record, lambda _: text, lock_dir=state_dir / "locks")
    if text is None:
        file.remove_empty((record.parent,))
