"""All that the checks look at, gathered once: settings and what they decide, the server, hooks, git, files, editor."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_local_plugin import git, paths
from claude_local_plugin.client_config import headers as server_headers
from claude_local_plugin.core import config as own_config
from claude_local_plugin.core.claude import ANTHROPIC_PREFIX, is_on
from claude_local_plugin.core.endpoint import PLACEHOLDER, Backend
from claude_local_plugin.core.files import content
from claude_local_plugin.core.helper import taken_apart
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.core.urls import Target, parse_url
from claude_local_plugin.doctor.repair import strict
from claude_local_plugin.errors import ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.precedence import (
    FileState,
    Resolution,
    Scope,
    SettingsFile,
    Snapshot,
    backend_in_use,
    effective_env,
    git_layout,
    installed_answers,
    resolve,
    winning,
)
from claude_local_plugin.precedence.candidates import effective_object
from claude_local_plugin.precedence.locate import GitLayout
from claude_local_plugin.precedence.models import named
from claude_local_plugin.precedence.table import CUSTOM_HEADERS
from claude_local_plugin.profiles.token import of_helper
from claude_local_plugin.servers import ServedModel, Server, State, identify, kinds, messages, neighbours
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.servers.compatibility import needs as needs_of
from claude_local_plugin.servers.examination import DeepFacts
from claude_local_plugin.servers.metrics import Metrics
from claude_local_plugin.servers.urls import normalise
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.settings import file, ownership, statusline
from claude_local_plugin.settings.document import Set, same, value_at
from claude_local_plugin.settings.hooks import Installed, found_in
from claude_local_plugin.settings.orphans import on_record

if TYPE_CHECKING:
    from claude_local_plugin.config import Problem

#: The scopes of settings files, `--settings` included.
FILE_SCOPES = (Scope.MANAGED, Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER)
#: How long to wait for the metrics of a server that has some, in seconds.
METRICS_S = 2.0
#: How long the server on record may take to answer, in seconds.
RECORDED_S = 1.5
#: Ends of a path that belong to the API and not to a base URL, longest first.
API_PATHS = ("/v1/messages/count_tokens", "/v1/chat/completions", "/v1/messages", "/v1/models", "/v1")


@dataclass(frozen=True, slots=True)
class Name:
    """A model name that the client may send: for what (`main`, `opus`, `subagent`, …), and the variable for it."""

    role: str
    name: str
    variable: str


@dataclass(frozen=True, slots=True)
class Stray:
    """A file that looks as if it configured Claude Code and is not read here, and why not."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Owned:
    """What `enable` or `hooks install` has on record for one settings file.

    `lines` are the keys that `enable` set, with their values; `edited` those that hold something else by now.
    `writable`: the file can be replaced, so that what was written can be taken out of it. `wiped`: nothing of it stands
    any more. `unrecorded` are keys that are ours by the file alone, where nothing is on record.
    """

    path: Path
    lines: tuple[tuple[tuple[str, ...], object], ...] = field(default=(), repr=False)
    edited: tuple[tuple[str, ...], ...] = ()
    writable: bool = True
    wiped: bool = False
    unrecorded: tuple[tuple[str, ...], ...] = ()

    @property
    def url(self) -> str | None:
        """The address that `enable` wrote."""
        return next((str(value) for path, value in self.lines if path == ("env", "ANTHROPIC_BASE_URL")), None)


@dataclass(frozen=True, slots=True)
class Editor:
    """VS Code's settings of one kind, as far as they concern Claude Code's extension.

    `path` is where its settings are or would be; `environment` is `claudeCode.environmentVariables` by name (None: not
    set), `login_prompt_off` whether `claudeCode.disableLoginPrompt` is true; `problem` says why they cannot be read.
    """

    path: Path
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    login_prompt_off: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The world as doctor sees it.

    `backend` is where a session here goes; `url` the server that was looked at (None: there is none of your own), and
    `elsewhere` says that `--url` named another one than the folder's, with its key in `token_env`. `server` is what
    answered, `others` the servers that answer in its stead where it does not (at the address on record, at other
    ports of its host), `metrics` how busy it is, `needs` what it needs of Claude Code. `modes` are permission bits by
    file, `standings` git's view by file; both hold settings files that exist. `own` is what config.toml says, for
    hooks, and `down_program` the program of its `down_command` if that is not there. `deep` is what real requests
    showed, `deep_problem` why there is nothing.
    """

    snapshot: Snapshot
    resolution: Resolution
    env: Mapping[str, str] = field(repr=False)
    backend: Backend
    url: str | None = None
    elsewhere: bool = False
    token_env: str | None = None
    #: What the server at this address was when it last answered here; None where that is not known.
    kind_before: str | None = None
    #: Why the helper of ours that sessions here ask for the key has none.
    no_key: ClaudeLocalError | None = None
    server: Server | None = None
    others: tuple[Server, ...] = ()
    metrics: Metrics | None = None
    needs: Needs = field(default_factory=Needs)
    hooks: tuple[Installed, ...] = ()
    status_line: Installed | None = None
    layout: GitLayout | None = None
    standings: Mapping[Path, git.Standing] = field(default_factory=dict)
    modes: Mapping[Path, int] = field(default_factory=dict)
    owned: tuple[Owned, ...] = ()
    record_problem: str | None = None
    log_problem: str | None = None
    log: queries.Condition = field(default_factory=queries.Condition)
    config_problems: tuple["Problem", ...] = ()
    down_program: str | None = None
    own: own_config.Config = field(default_factory=lambda: own_config.Config("", {}))
    strays: tuple[Stray, ...] = ()
    editors: tuple[Editor, ...] = ()
    client_path: str | None = None
    deep: DeepFacts | None = field(default=None, repr=False)
    deep_problem: str | None = None

    # --- derived, in the checks' words

    @property
    def own_server(self) -> bool:
        """Whether a session here goes to a server of the user's own."""
        return not self.backend.cloud and self.backend.target is not None

    @property
    def target(self) -> Target | None:
        """The server that was looked at, taken apart."""
        return parse_url(self.url) if self.url else None

    @property
    def host(self) -> str:
        """The server as people call it."""
        return self.target.label if self.target else "the server"

    @property
    def look(self) -> tuple[str, ...]:
        """The options of a command that is to look at this server again."""
        if not self.elsewhere or self.url is None:
            return ()
        return ("--url", self.url, *(("--token-env", self.token_env) if self.token_env else ()))

    def ask_deep(self) -> str:
        """The command that sends this server real requests."""
        return command("claude-local", "doctor", "--deep", *self.look)

    def enable(self, url: str | None = None, *options: str) -> str:
        """The command that points this folder at a server, by default the one that was looked at, with its key.

        For another address of the folder's own server, options as in `for_another_address` belong to it. It writes the
        user's settings where the folder's address stands there.
        """
        if self.url is None and url is None:
            return command("claude-local", "enable", "--url", Words("URL"), *options)
        more: tuple[str, ...] = ()
        if url is None and self.elsewhere:
            if "--token-env" not in options and self.token_env:
                more = ("--token-env", self.token_env)
            elif "--token-env" not in options and self.server is not None and self.server.needs_key:
                more = ("--token-env", Words("VARIABLE"))
        elif (base := self.resolution.decisions["base_url"].winner) is not None and base.scope is Scope.USER:
            more = ("--scope", "user")
        return command("claude-local", "enable", "--url", url or self.url or "", *more, *options)

    def for_another_address(self) -> tuple[str, ...]:
        """The options that take the folder's key and headers along to another address of its server."""
        there = self.backend.target.url if self.backend.target else ""
        key = ("--token-env", Words("VARIABLE")) if own_token(self.snapshot, self.resolution, there) else ()
        names = own_headers(self.snapshot, self.resolution, there)
        return (*key, *(word for name in names for word in ("--header-env", f"{name}=VARIABLE")))

    @property
    def settings(self) -> tuple[SettingsFile, ...]:
        """The settings files, highest precedence first."""
        return tuple(self.snapshot.of(*FILE_SCOPES))

    @property
    def read(self) -> tuple[SettingsFile, ...]:
        """The settings files that count."""
        return tuple(each for each in self.settings if each.state is FileState.READ)

    @property
    def names(self) -> tuple[Name, ...]:
        """Every model name that the client may send, the session's own first."""
        overrides = effective_object(self.snapshot, "modelOverrides")
        found = [Name("main", self.resolution.value("model") or "", "ANTHROPIC_MODEL")]
        for alias in ("opus", "sonnet", "haiku", "fable"):
            wire = named(alias, self.env, overrides).wire
            found.append(Name(alias, wire, f"ANTHROPIC_DEFAULT_{alias.upper()}_MODEL"))
        for role, variable in (
            ("subagent", "CLAUDE_CODE_SUBAGENT_MODEL"),
            ("background", "ANTHROPIC_SMALL_FAST_MODEL"),
        ):
            setting = self.env.get(variable, "").strip()
            if setting and setting.lower() != "inherit":
                found.append(Name(role, named(setting, self.env, overrides).wire, variable))
        return tuple(found)

    @property
    def main_model(self) -> ServedModel | None:
        """The served model that a session here uses; None where the server does not list it."""
        return self.served(self.names[0].name)

    def served(self, name: str) -> ServedModel | None:
        """The served model of this name; some kinds also take a name without its tag."""
        if self.server is None:
            return None
        names = (name, name + kinds.of(self.server.kind).quirks.implied_tag)
        return next((model for model in self.server.models if model.name in names), None)

    def is_on(self, name: str) -> bool:
        """Whether the variable switches something on."""
        return is_on(self.env.get(name))

    def is_ours_to_change(self, key: str) -> bool:
        """Whether a settings file that we may write can say otherwise: not over an administrator, nor `--settings`."""
        found = winning(self.snapshot, key)
        return found is None or found.scope not in (Scope.MANAGED, Scope.FLAG)

    def number(self, name: str) -> int | None:
        """The variable as a whole number; None where it is not set or none."""
        text = self.env.get(name, "").strip().replace("_", "")
        return int(text) if text.isascii() and text.isdigit() else None


def gather(
    snapshot: Snapshot,
    *,
    state_dir: Path,
    url: str | None = None,
    token: str | None = None,
    token_env: str | None = None,
    ask_server: bool = True,
) -> Facts:
    """Look at everything once; asks the server a few questions that make no model run, and writes nothing.

    `url` is looked at instead of the folder's server. A key goes along only where it is that server's own: `token`,
    or the one that the folder's settings send there. `ask_server` False leaves the server alone.
    """
    snapshot = replace(snapshot, answers=installed_answers(snapshot.shell, state_dir))
    resolution, env = resolve(snapshot), effective_env(snapshot)
    backend = backend_in_use(snapshot)
    folders = None if backend.target is None else _askable(backend.target)
    looked_at = normalise(url).url if url else folders
    server = None
    if looked_at and ask_server:
        server = asked(snapshot, resolution, looked_at, token)
    elsewhere = url is not None and not same_address(looked_at, folders)
    owned, record_problem = _owned(snapshot, state_dir)
    own = own_config.look(str(state_dir), snapshot.shell)
    existing = tuple(each.path for each in snapshot.of(*FILE_SCOPES) if each.path and each.path.is_file())
    return Facts(
        snapshot=snapshot,
        resolution=resolution,
        env=env,
        backend=backend,
        url=looked_at,
        elsewhere=elsewhere,
        token_env=token_env,
        kind_before=_kind_before(state_dir, looked_at),
        no_key=helped_key(snapshot, resolution)[1],
        server=server,
        others=others_than(server, () if elsewhere else owned) if server else (),
        metrics=metrics_of(server, own_headers(snapshot, resolution, server.url)) if server else None,
        needs=needs_of(server.behaves_as, server.version) if server else Needs(),
        hooks=found_in(snapshot),
        status_line=statusline.found_in(snapshot),
        layout=git_layout(snapshot.cwd),
        standings={path: git.standing(path) for path in existing},
        modes=_modes(existing),
        owned=owned,
        record_problem=record_problem,
        log_problem=_log_problem(state_dir),
        log=queries.condition(state_dir),
        config_problems=_config_problems(paths.config_dir(snapshot.shell) / "config.toml"),
        own=own,
        down_program=_down_program(own, snapshot),
        strays=tuple(_strays(snapshot)),
        editors=_editors(snapshot),
        client_path=shutil.which("claude", path=snapshot.shell.get("PATH", "")),
    )


def asked(snapshot: Snapshot, resolution: Resolution, url: str, token: str | None = None) -> Server:
    """The server at this address, asked with this key or what sessions here send there of its own."""
    return identify(
        url,
        token=token or own_token(snapshot, resolution, url),
        headers=own_headers(snapshot, resolution, url),
        ca_file=_ca_file(effective_env(snapshot)),
    )


def metrics_of(server: Server, headers: Mapping[str, str]) -> Metrics | None:
    """What the server's /metrics says, which costs it nothing; None where it has none."""
    if not kinds.of(server.kind).quirks.metrics or server.state not in (State.READY, State.OVERLOADED):
        return None
    return messages.run(lambda client: client.metrics(timeout=METRICS_S), server.url, headers=headers)


def others_than(server: Server, owned: tuple[Owned, ...]) -> tuple[Server, ...]:
    """The usable servers to go back to where this one does not answer: the one on record first, then its host's.

    No key goes to any of them.
    """
    silent = server.state in (State.REFUSED, State.UNRESOLVED, State.TIMEOUT, State.NOT_HTTP)
    stranger = server.state is State.ERROR and server.kind == "unknown"
    if not (silent or stranger or server.speaks_messages is False):
        return ()
    recorded = (value for each in owned for path, value in each.lines if path == ("env", "ANTHROPIC_BASE_URL"))
    found: dict[str, Server] = {}
    for url in dict.fromkeys(str(value) for value in recorded if not same_address(str(value), server.url)):
        with contextlib.suppress(UsageError):  # nobody can ask at an address that is none
            found[url] = identify(url, timeout=RECORDED_S)
    if server.state not in (State.UNRESOLVED, State.TIMEOUT):
        found |= {each.url: each for each in neighbours(server.url)}
    answering = (State.READY, State.OVERLOADED, State.NEEDS_KEY, State.WRONG_KEY)
    usable = (each for each in found.values() if each.is_model_server and each.speaks_messages is not False)
    return tuple(each for each in usable if each.state in answering)


def _askable(target: Target) -> str | None:
    """The folder's server as it can be asked; None for an address that nobody can use (precedence.url says why)."""
    try:
        return normalise(_base(target)).url
    except UsageError:
        return None


def _base(target: Target) -> str:
    """The base URL that was meant by one that goes too far."""
    url = target.url
    for path in API_PATHS:
        if url.endswith(path):
            return url.removesuffix(path)
    return url


def same_address(one: str | None, other: str | None) -> bool:
    """Whether two base URLs are one server, however they are spelt."""
    first, second = parse_url(one or ""), parse_url(other or "")
    return first is not None and second is not None and first.url == second.url


def own_token(snapshot: Snapshot, resolution: Resolution, url: str) -> str | None:
    """The key that sessions here send to this server, if it may be taken for the server's own; else None.

    Not the placeholder; not a key of Anthropic's kind; none that comes from the shell while the address does not; and
    none for another server than the folder's.
    """
    token, base = resolution.decisions["authorization"].winner, resolution.decisions["base_url"]
    target = parse_url(base.value or "")
    if token is None or target is None or not same_address(_base(target), url):
        return None
    if token.key == "apiKeyHelper":
        return helped_key(snapshot, resolution)[0]
    if token.key != "env.ANTHROPIC_AUTH_TOKEN":
        return None
    if token.scope is Scope.SHELL and (base.winner is None or base.winner.scope is not Scope.SHELL):
        return None
    value = (token.value or "").strip()
    usable = value.isascii() and value.isprintable() and value not in ("", PLACEHOLDER)
    return value if usable and not value.startswith(ANTHROPIC_PREFIX) else None


def helped_key(snapshot: Snapshot, resolution: Resolution) -> tuple[str | None, ClaudeLocalError | None]:
    """The key that a helper of ours gives to sessions here, or why it has none; neither where no such helper serves."""
    winner = resolution.decisions["authorization"].winner
    ours = taken_apart(winner.value) if winner is not None and winner.key == "apiKeyHelper" else None
    if ours is None:
        return None, None
    try:
        return of_helper(ours, snapshot.shell), None
    except ClaudeLocalError as error:
        return None, error


def own_headers(snapshot: Snapshot, resolution: Resolution, url: str) -> dict[str, str]:
    """The headers that were set beside this server's address and go to it with every request of sessions here.

    None for another server than the folder's, no credential of Anthropic's kind, and not the stand-in that keeps a
    saved Console key away.
    """
    base = resolution.decisions["base_url"]
    target = parse_url(base.value or "")
    row = winning(snapshot, f"env.{CUSTOM_HEADERS}")
    if target is None or base.winner is None or row is None or not same_address(_base(target), url):
        return {}
    if (row.scope, row.path) != (base.winner.scope, base.winner.path):
        return {}
    ours = (PLACEHOLDER, effective_env(snapshot).get("ANTHROPIC_AUTH_TOKEN", "").strip())
    found = server_headers.kept(row.value or "", ours)
    return {each.name: each.value for each in found if each.value.isascii() and each.value.isprintable()}


def _ca_file(env: Mapping[str, str]) -> Path | None:
    """The certificates that the client would trust besides its own, if they can be read."""
    named_file = env.get("NODE_EXTRA_CA_CERTS")
    return Path(named_file) if named_file and Path(named_file).is_file() else None


def _modes(paths: tuple[Path, ...]) -> dict[Path, int]:
    return {} if sys.platform == "win32" else {path: path.stat().st_mode & 0o777 for path in paths}


def _owned(snapshot: Snapshot, state_dir: Path) -> tuple[tuple[Owned, ...], str | None]:
    """What we have on record for the files read here; and why a record cannot be used."""
    found, problem = [], None
    for each in snapshot.of(*FILE_SCOPES):
        if each.path is None:
            continue
        try:
            record, is_orphan = on_record(each.path, state_dir)
            text = file.read(each.path)
        except SettingsError as error:
            problem = error.message
            continue
        layer = record.layer(ownership.BACKEND) if record else None
        if record is None or layer is None:
            continue
        if is_orphan:
            found.append(Owned(each.path, unrecorded=record.owned))
            continue
        lines = tuple((change.path, change.value) for change in layer.changes if isinstance(change, Set))
        wiped = ownership.stands(record) == "none"
        edited = () if wiped else _edited(text or "", lines)
        found.append(Owned(each.path, lines, edited, wiped or _writable(each.path), wiped))
    return tuple(found), problem


def _writable(path: Path) -> bool:
    """Whether the file that is reached by this path can be replaced: its folder takes a new file in its place."""
    there = path.resolve()
    return os.access(there, os.W_OK) and os.access(there.parent, os.W_OK)


def _edited(text: str, lines: tuple[tuple[tuple[str, ...], object], ...]) -> tuple[tuple[str, ...], ...]:
    try:
        return tuple(path for path, value in lines if not same(value_at(text, path), value))
    except SettingsError:  # no JSON any more: that is the whole file's trouble, and files.json says so
        return ()


def _kind_before(state_dir: Path, url: str | None) -> str | None:
    try:
        return queries.backend_kind(state_dir, url) if url else None
    except ClaudeLocalError:  # a log that cannot be read is a finding of its own
        return None


def _log_problem(state_dir: Path) -> str | None:
    try:
        queries.sessions(state_dir, limit=1)
    except ClaudeLocalError as error:
        return error.message
    return None


def _config_problems(path: Path) -> tuple["Problem", ...]:
    """What is wrong with claude-local's own configuration; most people have none, who need not wait for pydantic."""
    if not os.path.lexists(path):
        return ()
    from claude_local_plugin.config import problems_in

    return problems_in(path)


def _down_program(own: own_config.Config, snapshot: Snapshot) -> str | None:
    """The program of `down_command` if it is not there; None where it is, or where there is no such command."""
    program = own.down_command[0] if own.down_command else None
    return None if program is None or shutil.which(program, path=snapshot.shell.get("PATH")) else program


def _strays(snapshot: Snapshot) -> list[Stray]:
    """Files in familiar places that Claude Code does not read for this folder."""
    read = {each.path for each in snapshot.files}
    candidates = [
        (
            snapshot.home / ".claude" / "settings.local.json",
            "Claude Code reads a settings.local.json in projects only; for yourself it is ~/.claude/settings.json",
        ),
        (snapshot.home / ".claude" / "auth.json", "Claude Code reads no auth.json"),
    ]
    layout = git_layout(snapshot.cwd)
    if layout is not None and layout.root != snapshot.cwd:
        candidates.append(
            (
                layout.root / ".claude" / "settings.json",
                "Claude Code reads the current folder's .claude/settings.json only, not the repository root's",
            )
        )
    found = [Stray(path, reason) for path, reason in candidates if path not in read and path.is_file()]
    dotenv = snapshot.cwd / ".env"
    if _mentions(dotenv, "ANTHROPIC_"):
        found.append(Stray(dotenv, "Claude Code does not read .env files"))
    return found


def _mentions(path: Path, word: str) -> bool:
    try:
        return any(
            line.removeprefix("export ").lstrip().startswith(word)
            for line in content(path).decode("utf-8", "replace").splitlines()
        )
    except OSError:  # not there, or not for us to read: then nothing is claimed about it
        return False


# --- VS Code


def _editors(snapshot: Snapshot) -> tuple[Editor, ...]:
    """VS Code's settings of this folder and of the user, where it is in use."""
    folder = snapshot.cwd / ".vscode"
    places = [folder / "settings.json"] if folder.is_dir() else []
    places += [path for path in _user_places(snapshot) if path.is_file()]
    return tuple(_editor(path) for path in places)


def _user_places(snapshot: Snapshot) -> tuple[Path, ...]:
    if sys.platform == "darwin":
        base = snapshot.home / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(snapshot.shell.get("APPDATA") or snapshot.home / "AppData" / "Roaming")
    else:
        base = Path(snapshot.shell.get("XDG_CONFIG_HOME") or snapshot.home / ".config")
    return tuple(base / name / "User" / "settings.json" for name in ("Code", "Cursor"))


def _editor(path: Path) -> Editor:
    try:
        text = content(path).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return Editor(path)
    except OSError as error:
        return Editor(path, problem=f"cannot be read: {error.strerror or error}")
    try:
        data = json.loads(strict(text) or "{}")
    except RecursionError:
        return Editor(path, problem="nested too deeply to be read here")
    except ValueError as error:
        return Editor(path, problem=f"not JSON, comments and trailing commas aside: {error}")
    return Editor(path, _variables(data), isinstance(data, dict) and data.get("claudeCode.disableLoginPrompt") is True)


def _variables(data: Any) -> dict[str, str] | None:
    """`[{"name": …, "value": …}]` as a mapping; None where it is not set."""
    listed = data.get("claudeCode.environmentVariables") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return None
    entries = [entry for entry in listed if isinstance(entry, dict)]
    return {str(entry.get("name")): str(entry.get("value")) for entry in entries}
