"""What a recipe makes besides servers: files with their names, what to type with them, and what to know of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """One file: its name below the folder that it is written to, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Made:
    """Files, the commands to type with them (what for, the command), and remarks; `about` says it in a line."""

    about: str
    files: tuple[File, ...]
    steps: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
