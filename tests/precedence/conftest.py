"""Builds small worlds on disk and reads them as a session would: one fixture, `world`."""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.precedence import Snapshot, gather
from claude_local_plugin.precedence.gather import listed

World = Callable[..., Snapshot]


def write(path: Path, content: object) -> None:
    """Write a file: text as it stands, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A function from what is set where to the snapshot of a session in `proj`.

    `managed`, `user`, `project`, `local` and `flag` are settings (objects, or raw text); `managed_d` and `files` map
    names to contents; `credentials` and `home_json` are Claude Code's own files; `args` are the client's arguments.
    """

    def build(
        *,
        shell: Mapping[str, str] | None = None,
        managed_d: Mapping[str, object] | None = None,
        files: Mapping[str, object] | None = None,
        flag_inline: str | None = None,
        args: list[str] | None = None,
        cwd: str = "proj",
        version: str = "2.1.329",
        interactive: bool = False,
        **settings: object,
    ) -> Snapshot:
        places = {
            "managed": "managed/managed-settings.json",
            "user": "home/.claude/settings.json",
            "project": "proj/.claude/settings.json",
            "local": "proj/.claude/settings.local.json",
            "flag": "flag.json",
            "credentials": "home/.claude/.credentials.json",
            "home_json": "home/.claude.json",
        }
        for folder in ("home/.claude", "proj/.claude", "managed", cwd):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name, content in settings.items():
            write(tmp_path / places[name], content)
        for name, content in (managed_d or {}).items():
            write(tmp_path / "managed/managed-settings.d" / name, content)
        for name, content in (files or {}).items():
            if content is not None:
                write(tmp_path / name, content)
        chosen = _options([argument.replace("$L", str(tmp_path)) for argument in args or []])
        if "flag" in settings:
            chosen["flag_settings"] = str(tmp_path / "flag.json")
        if flag_inline is not None:
            chosen["flag_settings"] = flag_inline
        environ = {name: value.replace("$L", str(tmp_path)) for name, value in (shell or {}).items()}
        return gather(
            cwd=tmp_path / cwd,
            home=tmp_path / "home",
            environ={"HOME": str(tmp_path / "home"), **environ},
            client_version=version,
            managed_dir=tmp_path / "managed",
            interactive=interactive,
            **chosen,
        )

    return build


def _options(arguments: list[str]) -> dict[str, Any]:
    """The arguments of the client that `gather` knows."""
    names = {"--model": "cli_model", "--settings": "flag_settings", "--setting-sources": "setting_sources"}
    found: dict[str, Any] = {}
    for option, value in pairwise(arguments):
        if option in names:
            found[names[option]] = listed(value) if option == "--setting-sources" else value
    return found
