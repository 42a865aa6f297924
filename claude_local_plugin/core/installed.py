"""How this program came here, of uv, of pipx or of an environment's own pip: what brings more of it, and removes it.

It is installed from a checkout, so a plain `pip install claude-local[…]` finds nothing; nor does the pip of a system
whose Python is managed by its distribution.
"""

import re
import sys

from claude_local_plugin.core import system as os
from claude_local_plugin.core.shell import command, home_path, then

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

NAME = "claude-local"
#: What uv and pipx leave in an environment that they have made.
OF_UV, OF_PIPX = "uv-receipt.toml", "pipx_metadata.json"


def by_uv(prefix: str) -> bool:
    """Whether uv made this environment, and so knows the program as a tool."""
    return os.path.isfile(os.path.join(prefix, OF_UV))


def by_pipx(prefix: str) -> bool:
    """Whether pipx made it."""
    return os.path.isfile(os.path.join(prefix, OF_PIPX))


def with_extra(extra: str, prefix: str = sys.prefix, environ: "Mapping[str, str]" = os.environ) -> str:
    """The command that adds what an extra brings to this installation."""
    home = environ.get("HOME", "")
    if by_uv(prefix):
        wanted = ",".join(dict.fromkeys((*_extras_of(prefix), extra)))
        return command("uv", "tool", "install", home_path(f"{source() or NAME}[{wanted}]", home))
    if by_pipx(prefix):
        return command("pipx", "inject", NAME, *brought_by(extra))
    return command(*_pip("install", home), *brought_by(extra))


def newer(prefix: str = sys.prefix, environ: "Mapping[str, str]" = os.environ) -> str:
    """The command that brings the newest version."""
    home, here = environ.get("HOME", ""), source()
    if here is None:
        if by_uv(prefix):
            return command("uv", "tool", "upgrade", NAME)
        if by_pipx(prefix):
            return command("pipx", "upgrade", NAME)
        return command(*_pip("install", home), "--upgrade", NAME)
    place = home_path(here, home)
    extras = ",".join(_extras_of(prefix))
    if by_uv(prefix):
        again = command(
            "uv", "tool", "install", "--reinstall", home_path(f"{here}[{extras}]", home) if extras else place
        )
    elif by_pipx(prefix):
        again = command("pipx", "install", "--force", place)
    else:
        again = command(*_pip("install", home), *(("-e",) if _is_editable() else ()), place)
    return then(command("git", "-C", place, "pull"), again) if os.path.exists(os.path.join(here, ".git")) else again


def removing(prefix: str = sys.prefix, environ: "Mapping[str, str]" = os.environ) -> str:
    """The command that removes the program."""
    if by_uv(prefix):
        return command("uv", "tool", "uninstall", NAME)
    if by_pipx(prefix):
        return command("pipx", "uninstall", NAME)
    return command(*_pip("uninstall", environ.get("HOME", "")), NAME)


def source() -> "str | None":
    """The checkout that this program was installed from; None where it came from an index, or is not there any more."""
    from urllib.parse import unquote, urlsplit

    url = _origin().get("url")
    if not isinstance(url, str) or not url.startswith("file://"):
        return None
    folder = unquote(urlsplit(url).path)
    return folder if os.path.isdir(folder) else None


def _is_editable() -> bool:
    folder = _origin().get("dir_info")
    return isinstance(folder, dict) and folder.get("editable") is True


def _origin() -> "Mapping[str, Any]":
    """What the installer noted about where it had the program from (PEP 610)."""
    import json
    from importlib import metadata

    try:
        said = json.loads(metadata.distribution(NAME).read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def brought_by(extra: str) -> "Sequence[str]":
    """The requirements of an extra, as the installed program has them; its own name with it where that is not known."""
    from importlib import metadata

    try:
        said = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        said = []
    asked = re.compile(rf"extra\s*==\s*[\"']{re.escape(extra)}[\"']")
    return [each.partition(";")[0].strip() for each in said if asked.search(each)] or [f"{NAME}[{extra}]"]


def _extras_of(prefix: str) -> "Sequence[str]":
    """The extras that uv has installed it with, which it forgets with the next installation unless they are named."""
    try:
        with open(os.path.join(prefix, OF_UV), encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError):
        return []
    entry = re.search(rf"\{{[^{{}}]*name\s*=\s*\"{NAME}\"[^{{}}]*\}}", text)
    listed = re.search(r"extras\s*=\s*\[([^\]]*)\]", entry[0]) if entry else None
    return re.findall(r"\"([\w.-]+)\"", listed[1]) if listed else []


def _pip(what: str, home: str) -> "Sequence[str]":
    """What does this in the environment of this very Python; one that uv has made has no pip.

    Isolated, since the folder in which it is typed may have a `pip.py` of its own.
    """
    from importlib import util

    running = sys.executable
    python = home_path(running, home)
    if util.find_spec("pip") is None:
        return ("uv", "pip", what, "--python", python)
    return (python, "-I", "-m", "pip", what)
