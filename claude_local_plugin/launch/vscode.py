"""Visual Studio Code and its kin: which settings files they read, and what is put there for the Claude Code extension.

By the extension's documentation alone; none was run. `claudeCode.environmentVariables` are variables of the process
that it starts, so they lose to every settings file unless `CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST` is among them.
`claudeCode.claudeProcessWrapper` is a program that is given the extension's own Claude Code and its arguments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.client_config.destination import VSCodeSettings
from claude_local_plugin.client_config.model import Line
from claude_local_plugin.errors import UsageError
from claude_local_plugin.launch.variables import Variables
from claude_local_plugin.settings.document import Append, Change, RemoveItem, Set, same
from claude_local_plugin.settings.syntax import parse
from claude_local_plugin.settings.variables import is_secret
from claude_local_plugin.text import printable

VARIABLES = "claudeCode.environmentVariables"
WRAPPER = "claudeCode.claudeProcessWrapper"
NO_LOGIN = "claudeCode.disableLoginPrompt"

#: Editors with settings of the user's own: what each is called here, and the folder that it keeps them in.
EDITORS = {"user": "Code", "insiders": "Code - Insiders", "vscodium": "VSCodium", "cursor": "Cursor"}
#: Files of the project, by what they are called here.
PROJECT = ("folder", "workspace", "devcontainer")
PLACES = (*PROJECT, *EDITORS)

#: The endings of files that are named by their path, and where the settings stand in each.
_INSIDE = {".code-workspace": ("settings",), "devcontainer.json": ("customizations", "vscode", "settings")}


@dataclass(frozen=True, slots=True)
class Place:
    """A file with editor settings, where in it they stand, and whether it is the user's own or a project's."""

    name: str
    path: Path
    inside: tuple[str, ...] = ()
    own: bool = False

    @property
    def label(self) -> str:
        """The place in a sentence."""
        return f"the user settings of {EDITORS[self.name]}" if self.own else f"the {self.name} settings"


def place_of(said: str, *, cwd: Path, root: Path, home: Path, environ: Mapping[str, str], platform: str) -> Place:
    """The file that a place's name or a path means; raises UsageError for another, and where there is no such file.

    `root` is the project's folder.
    """
    if said in EDITORS:
        folder = _config_home(home, environ, platform) / EDITORS[said] / "User"
        return Place(said, folder / "settings.json", own=True)
    if said == "folder":
        return Place(said, root / ".vscode" / "settings.json")
    if said == "workspace":
        return Place(said, _only(sorted(root.glob("*.code-workspace")), root), _INSIDE[".code-workspace"])
    if said == "devcontainer":
        found = (root / ".devcontainer" / "devcontainer.json", root / ".devcontainer.json")
        path = next((path for path in found if path.exists()), found[0])
        return Place(said, path, _INSIDE["devcontainer.json"])
    for ending, inside in _INSIDE.items():
        if said.endswith(ending):
            return Place("workspace" if inside == ("settings",) else "devcontainer", cwd / said, inside)
    raise UsageError(
        f"--vscode {printable(said)} is no place for an editor's settings",
        f"one of {', '.join(PLACES)}, or the path of a .code-workspace or devcontainer.json",
    )


def _only(found: Sequence[Path], root: Path) -> Path:
    if len(found) == 1:
        return found[0]
    what = "there is none" if not found else f"there are {len(found)}"
    raise UsageError(f"--vscode workspace: {what} in {root}", "give the path of the .code-workspace")


def _config_home(home: Path, environ: Mapping[str, str], platform: str) -> Path:
    """Where editors keep their settings, by their documentation."""
    if platform == "win32":
        return Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    chosen = Path(environ.get("XDG_CONFIG_HOME", ""))
    return chosen if chosen.is_absolute() else home / ".config"


def with_variables(place: Place, text: str | None, found: Variables, environ: Mapping[str, str]) -> tuple[Change, ...]:
    """The edits that have the extension start Claude Code with these variables; `text` is the file without us.

    A variable of ours that is there already with another value goes, and comes back with the undo.
    """
    path = (*place.inside, VARIABLES)
    entries = VSCodeSettings().entries((*found.lines, *_blanks(found, environ)))
    return (*_instead(text, path, entries), *(Append(path, entry) for entry in entries), *_without_login(place))


def with_wrapper(place: Place, wrapper: str) -> tuple[Change, ...]:
    """The edits that have the extension start Claude Code by this program."""
    return (Set((*place.inside, WRAPPER), wrapper), *_without_login(place))


def _without_login(place: Place) -> Iterator[Change]:
    yield Set((*place.inside, NO_LOGIN), True)


#: What an editor may have inherited, and a setting can only empty.
BLANKED = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS")


def _blanks(found: Variables, environ: Mapping[str, str]) -> Iterator[Line]:
    """The keys that would be sent along, and whatever else of the kind is set where we are asked."""
    for name in (*found.blank, *found.unset):
        if name in BLANKED or name in environ:
            yield Line(("env", name), "", "not to be handed on")


def _instead(text: str | None, path: tuple[str, ...], entries: Sequence[Mapping[str, str]]) -> Iterator[Change]:
    """Takes out what names a variable of ours and says something else."""
    names = {entry["name"] for entry in entries}
    for item in _items(text, path):
        if item.get("name") in names and not any(same(item, entry) for entry in entries):
            yield RemoveItem(path, item)


def secrets_in(text: str | None, place: Place) -> tuple[str, ...]:
    """The values that stand there and may not be shown."""
    items = _items(text, (*place.inside, VARIABLES))
    return tuple(
        str(item["value"])
        for item in items
        if item.get("value") and is_secret(str(item.get("name")), str(item.get("value")))
    )


def _items(text: str | None, path: Sequence[str]) -> Iterator[dict[str, object]]:
    node = parse(text or "", comments=True).find(path)
    there = node.value() if node else None
    yield from (item for item in (there if isinstance(there, list) else ()) if isinstance(item, dict))
