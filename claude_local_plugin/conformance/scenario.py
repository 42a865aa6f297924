"""One question to Claude Code: what is set where, and how the client is started."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from claude_local_plugin.precedence.gather import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: Where a settings file can lie, strongest first. `main.*` is the repository's root seen from a subfolder, or
#: the main checkout seen from a linked worktree; `home` is `~/.claude` once CLAUDE_CONFIG_DIR points elsewhere.
PLACES = (
    "managed.d/20",
    "managed.d/10",
    "managed",
    "flag",
    "main.local",
    "local",
    "main.project",
    "project",
    "user",
    "home",
)

#: The loopback port that stands for each place, for the shell, a proxy, what a test itself writes ("ours"), a Unix
#: socket, a gateway somebody is signed in to, and the address in a login profile: the port a request arrives at says
#: who won. A box without a network of its own translates them (see `materialise`).
PORTS: dict[str, int] = {
    name: 8001 + index for index, name in enumerate((*PLACES, "shell", "proxy", "ours", "socket", "gateway", "profile"))
}

#: Stands for the scenario's own folder, in variables and in the extra files.
BOX = "{box}"
#: The Unix socket a scenario may send requests to; it is there when the scenario names it.
SOCKET = f"{BOX}/socket"

#: The client's path, in a program's words and in the commands of `setup`.
CLIENT = "{claude}"

#: How the client is started: `claude -p`, or a call of the Agent tool to `claude mcp serve`.
ENTRIES = ("print", "mcp-serve")

#: The PATH of every run: git and a shell for helpers, and nothing of the user's.
SYSTEM_PATH = "/usr/bin:/bin"

LAYOUTS = ("plain", "git-root", "git-subfolder", "worktree", "home")

#: A settings file: the object to write as JSON, or the text itself (which may be malformed).
Settings = dict[str, Any] | str


def url(place: str) -> str:
    """The endpoint that stands for a place."""
    return f"http://127.0.0.1:{PORTS[place]}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is set where. Plain data: equal scenarios give equal answers, and `to_json` is a reproducible case."""

    settings: dict[str, Settings] = field(default_factory=dict)
    shell: dict[str, str] = field(default_factory=dict)
    credentials: Any = None
    """Content of `.credentials.json`, the login file (None: no such file)."""
    home_json: Any = None
    """Content of `.claude.json`, which holds the console key (None: no such file)."""
    layout: str = "plain"
    setting_sources: str | None = None
    model: str | None = None
    flag_inline: bool = False
    """Give `--settings` the JSON itself instead of a file's name."""
    config_dir: bool = False
    """Move the user's folder away with CLAUDE_CONFIG_DIR."""
    args: tuple[str, ...] = ()
    files: dict[str, Any] = field(default_factory=dict)
    """Further files, readable by their owner alone: `home/...`, or `config/...` for Claude Code's own folder."""
    descriptors: dict[str, str] = field(default_factory=dict)
    """Variables that name an open file descriptor, each with the text that is read there."""
    entry: str = "print"
    """One of ENTRIES."""
    setup: tuple[tuple[str, ...], ...] = ()
    """Commands of claude-local, without its name, that are run before."""
    through: tuple[str, ...] = ()
    """The command of claude-local that starts the client: `run`, a profile, `--`."""
    program: tuple[str, ...] = ()
    """What is started in place of the client, which it finds as `CLIENT`."""

    def to_json(self) -> dict[str, Any]:
        """Only what differs from an empty scenario, so that a shrunk case is a short one."""
        empty = Scenario()
        return {
            item.name: value if not isinstance(value, tuple) else list(value)
            for item, value in ((item, getattr(self, item.name)) for item in fields(self))
            if value != getattr(empty, item.name)
        }

    @classmethod
    def from_json(cls, case: Mapping[str, Any]) -> Scenario:
        """The scenario that `to_json` described; an unknown key is a TypeError."""
        listed = {name: tuple(case.get(name, ())) for name in ("args", "through", "program")}
        return cls(**{**case, **listed, "setup": tuple(map(tuple, case.get("setup", ())))})

    def key(self) -> str:
        """A text that is equal for equal scenarios."""
        return json.dumps(asdict(self), sort_keys=True)


def needs_namespace(scenario: Scenario) -> bool:
    """Whether it can be asked only in a box with mounts and a network of its own."""
    texts = (_text(settings) for settings in scenario.settings.values())
    proxies = any("_PROXY" in text.upper() for text in (*scenario.shell, *texts))
    return proxies or any(place.startswith("managed") for place in scenario.settings)


@dataclass(frozen=True, slots=True)
class Materialised:
    """A scenario as files: what the client is started with, and what the resolver is asked with."""

    home: Path
    cwd: Path
    environ: dict[str, str]
    managed_dir: Path
    flag_settings: str | None
    """What follows `--settings`: a path or JSON."""
    setting_sources: tuple[str, ...] | None
    arguments: tuple[str, ...]
    """The client's arguments after the prompt."""
    socket: Path | None
    """The Unix socket that is to listen, if one is."""
    paths: dict[str, Path]
    """Where the settings file of each place lies, or would lie."""


def materialise(
    scenario: Scenario,
    folder: Path,
    *,
    managed_dir: Path | None = None,
    ports: Mapping[int, int] | None = None,
) -> Materialised:
    """Write the scenario below `folder` (which must be empty).

    `managed_dir` is where the client looks for managed settings (default: a folder of its own, for the resolver
    alone). `ports` maps the ports named in the scenario to those really listened on.
    """
    ports = ports or {}
    home = folder / "home"
    managed = managed_dir or folder / "managed"
    user = folder / "config" if scenario.config_dir else home / ".claude"
    main, cwd = _lay_out(scenario.layout, home)
    paths = {
        "managed": managed / "managed-settings.json",
        "managed.d/10": managed / "managed-settings.d" / "10-first.json",
        "managed.d/20": managed / "managed-settings.d" / "20-second.json",
        "flag": folder / "flag.json",
        "main.local": main / ".claude" / "settings.local.json",
        "local": cwd / ".claude" / "settings.local.json",
        "main.project": main / ".claude" / "settings.json",
        "project": cwd / ".claude" / "settings.json",
        "user": user / "settings.json",
        "home": home / ".claude" / "settings.json",
    }
    for place, settings in scenario.settings.items():
        if place == "flag" and scenario.flag_inline:
            continue
        _write(paths[place], _translate(_text(settings), ports, folder))
    if scenario.credentials is not None:
        _write(user / ".credentials.json", _translate(_text(scenario.credentials), ports, folder))
    if scenario.home_json is not None:
        _write((user if scenario.config_dir else home) / ".claude.json", _text(scenario.home_json))

    environ = {"PATH": SYSTEM_PATH, "HOME": str(home)}
    if scenario.config_dir:
        environ["CLAUDE_CONFIG_DIR"] = str(user)
    environ |= {name: _translate(value, ports, folder) for name, value in scenario.shell.items()}
    for name, content in scenario.files.items():
        place, _, rest = name.partition("/")
        file = {"home": home, "config": user}[place] / rest
        _write(file, _translate(_text(content), ports, folder))
        file.chmod(0o600)
    # the number is that of no open file: nobody but the client in a box is given one
    environ |= dict.fromkeys(scenario.descriptors, "9")
    flag: str | None = None
    if "flag" in scenario.settings:
        text = _translate(_text(scenario.settings["flag"]), ports, folder)
        flag = text if scenario.flag_inline else str(paths["flag"])
    arguments: list[str] = []
    if flag is not None:
        arguments += ["--settings", flag]
    if scenario.setting_sources is not None:
        arguments += ["--setting-sources", scenario.setting_sources]
    if scenario.model is not None:
        arguments += ["--model", scenario.model]
    sources = None if scenario.setting_sources is None else listed(scenario.setting_sources)
    socket = folder / "socket" if any(SOCKET in value for value in scenario.shell.values()) else None
    return Materialised(home, cwd, environ, managed, flag, sources, (*arguments, *scenario.args), socket, paths)


#: Options of the client that take whatever follows for theirs, up to the next option: a command's name, too.
_GREEDY = ("--add-dir", "--allowedTools", "--disallowedTools", "--tools", "--betas", "--file", "--mcp-config")


def before_a_command(arguments: Iterable[str]) -> list[str]:
    """The arguments as they may stand before the name of a command: `--add-dir=X`, not `--add-dir X`."""
    written: list[str] = []
    option: str | None = None
    for argument in arguments:
        if argument in _GREEDY:
            option = argument
        elif option is None or argument.startswith("-"):
            option = None
            written.append(argument)
        else:
            written.append(f"{option}={argument}")
    return written


def as_it_stands(scenario: Scenario, made: Materialised) -> Scenario:
    """The scenario with its settings files as they are now: what somebody made of it since it was materialised."""
    texts = {place: path.read_text(encoding="utf-8") for place, path in made.paths.items() if path.is_file()}
    return replace(scenario, settings=dict(texts))


def _lay_out(layout: str, home: Path) -> tuple[Path, Path]:
    """Make the project's folders; returns the repository's main checkout (or the project) and the current folder."""
    main = home / "shop"
    (home / ".claude").mkdir(parents=True)
    if layout == "home":
        return home, home
    main.mkdir()
    if layout == "plain":
        return main, main
    _repository(main / ".git")
    if layout == "git-root":
        return main, main
    if layout == "git-subfolder":
        cwd = main / "web" / "api"
    elif layout == "worktree":
        cwd = home / "shop-fix"
        link = main / ".git" / "worktrees" / "shop-fix"
        _write(link / "HEAD", "ref: refs/heads/fix\n")
        _write(link / "commondir", "../..\n")
        _write(link / "gitdir", f"{cwd / '.git'}\n")
        _write(cwd / ".git", f"gitdir: {link}\n")
    else:
        raise ValueError(f"no such layout: {layout}")
    cwd.mkdir(parents=True, exist_ok=True)
    return main, cwd


def _repository(git: Path) -> None:
    """What git itself asks of a repository, written by hand: half a millisecond, and git need not be installed."""
    for name in ("objects", "refs/heads"):
        (git / name).mkdir(parents=True)
    _write(git / "HEAD", "ref: refs/heads/main\n")
    _write(git / "config", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n")


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"


def _translate(text: str, ports: Mapping[int, int], box: Path) -> str:
    for named, real in ports.items():
        for host in ("127.0.0.1", "localhost"):
            text = text.replace(f"{host}:{named}", f"{host}:{real}")
    return text.replace(BOX, str(box))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
