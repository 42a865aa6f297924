"""Which server, model, key and headers `enable` is to write: asked for, else those in effect here, else looked for."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from claude_local_plugin import git
from claude_local_plugin.client_config import headers as server_headers
from claude_local_plugin.client_config.keys import scheme_of, unfit
from claude_local_plugin.client_config.model import Backend, Header, Preferences
from claude_local_plugin.core.claude import ANTHROPIC_PREFIX, is_anthropics, is_secret_header
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.shell import Words, command, export, then
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import BackendError, ClaudeLocalError, UsageError
from claude_local_plugin.precedence import (
    Candidate,
    Scope,
    Snapshot,
    resolve,
    settings_file_to_write,
    told_window,
    winning,
)
from claude_local_plugin.precedence.table import CUSTOM_HEADERS, FIRST_PARTY
from claude_local_plugin.servers import ServedModel, Server, advice, identify, kinds, neighbours, sweep, well_known
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.servers.compatibility import needs as needs_of
from claude_local_plugin.servers.urls import UrlError, is_anthropic, normalise
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import Set
from claude_local_plugin.settings.ownership import BACKEND
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: Asks the user to choose one of several; None where nobody can be asked.
Choose = Callable[[str, Sequence[str]], str]

#: No model has a window larger than this (tokens); more is a slip of the keyboard.
LARGEST_WINDOW = 20_000_000


ENABLE = ("enable",)
#: The options about a server that every command has which asks for one.
OF_EVERY_COMMAND = ("--url", "--model", "--token-env", "--no-check")


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for on the command line."""

    url: str | None = None
    model: str | None = None
    token_env: str | None = None
    scope: Scope = Scope.LOCAL
    check: bool = True
    #: None leaves hooks and status line as an earlier call left them; hooks come with the first one.
    with_hooks: bool | None = None
    with_statusline: bool | None = None
    port_scan: bool = True
    max_model_len: int | None = None
    force: bool = False
    #: `NAME=VALUE` and `NAME=VARIABLE` of headers that the server wants.
    headers: tuple[str, ...] = field(default=(), repr=False)
    headers_env: tuple[str, ...] = ()
    #: Whether the headers that the server gets already stay.
    keep_headers: bool = True
    #: "full" or "lean": which of Claude Code's system prompts; None leaves it as it is.
    system_prompt: str | None = None
    #: Whether reading pictures stays allowed though the model takes none, and WebSearch though none is made.
    images: bool = False
    web_search: bool = False
    #: Whether subagents stay unlimited though the server has no room for many conversations.
    subagents: bool = False
    #: Keys that are written although somebody edited them since (all of them: "all").
    reset: tuple[str, ...] = ()
    #: Whether Claude Code's questions at a first start are answered beforehand.
    first_run: bool = False
    #: Whether a settings file may be written that a link leads to, outside of the project.
    follow_link: bool = False
    #: The profile that this was taken from and the request that it is by itself, what else it wants, and its key.
    profile: str | None = None
    #: What the server is, where it is not asked.
    kind: str | None = None
    of_profile: "Request | None" = field(default=None, repr=False)
    preferences: Preferences = field(default_factory=Preferences)
    token: str | None = field(default=None, repr=False)
    #: The command that asks, and what stands behind its options there.
    words: tuple[str, ...] = ENABLE
    behind: tuple[str, ...] = ()
    #: The options about a server that it has, and whether a profile is one of them and no word by itself.
    taken: tuple[str, ...] = OF_EVERY_COMMAND
    profile_by_option: bool = False

    def again(self, *more: str, **changes: Any) -> str:
        """The command for the same again, with these changes and options: whatever else was asked for stays."""
        asked = replace(self, **changes)
        return command("claude-local", *asked.words, *asked.options(), *more, *asked.behind)

    def options(self) -> Iterator[str]:
        """What was asked for, as words of a command; the value of a header that is a secret is left to the reader.

        Of a profile its name, and what was asked for besides.
        """
        said = self.of_profile or Request()
        if self.profile is not None:
            yield from ("--profile", self.profile) if self.profile_by_option else (self.profile,)
        valued = (
            ("--url", self.url, said.url),
            ("--model", self.model, said.model),
            ("--token-env", self.token_env, said.token_env),
            *(("--header", _spoken(header), None) for header in self.headers if header not in said.headers),
            *(("--header-env", header, None) for header in self.headers_env if header not in said.headers_env),
            ("--scope", self.scope, Scope.LOCAL),
            ("--system-prompt", self.system_prompt, said.system_prompt),
            ("--privacy", self.preferences.privacy, said.preferences.privacy),
            ("--max-model-len", _number(self.max_model_len), _number(said.max_model_len)),
            *(("--reset", key, None) for key in self.reset),
        )
        for option, value, already in valued:
            if value is not None and value != already and self.takes(option):
                yield from (option, value)
        switches = {
            "--no-headers": not self.keep_headers and self.profile is None,
            "--no-check": not self.check,
            "--hooks": self.with_hooks is True,
            "--no-hooks": self.with_hooks is False,
            "--statusline": self.with_statusline is True,
            "--no-statusline": self.with_statusline is False,
            "--no-port-scan": not self.port_scan,
            "--first-run": self.first_run,
            "--follow-link": self.follow_link,
            "--images": self.images,
            "--subagents": self.subagents,
            "--web-search": self.web_search,
            "--force": self.force,
        }
        yield from (option for option, on in switches.items() if on and self.takes(option))

    def takes(self, option: str) -> bool:
        """Whether the command that asks has this option."""
        return self.words == ENABLE or option in self.taken


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _spoken(header: str) -> str:
    name, _, _ = header.partition("=")
    return f"{name}=VALUE" if is_secret_header(name) else header


@dataclass(frozen=True, slots=True)
class Known:
    """What is in effect here, or was when `enable` wrote it: the server, and what belongs to it.

    `of_session`: sessions here use it now. `token` is the key that may be sent to it, the placeholder where there is
    none.
    """

    url: str
    model: str | None = None
    window: int | None = None
    token: str = field(default=PLACEHOLDER, repr=False)
    headers: tuple[Header, ...] = ()
    of_session: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The server (None: not asked), what to write for it, what it needs, and what is known of an earlier one."""

    server: Server | None
    backend: Backend
    needs: Needs
    known: Known | None


def choose_server(request: Request, world: World, choose: Choose | None) -> Choice:
    """The server and the model: those asked for, else those in effect here, on record, or found on this machine.

    Raises UsageError for what was asked wrongly and BackendError where no server or model can be had.
    """
    asked = None if request.url is None else _own_url(request)
    own_token = request.token or _token(request, world.environ)
    own_headers = server_headers.asked(request.headers, request.headers_env, world.environ)
    known = _known(request, world, asked)
    carried = Carried(
        own_token or (known.token if known and request.profile is None else PLACEHOLDER),
        server_headers.joined(known.headers if known and request.keep_headers else (), own_headers),
    )
    if carried.secret and request.scope is Scope.PROJECT:
        raise UsageError(
            "--scope project writes a file that is committed: no secret may go there",
            "leave out --scope project: the key and the headers of your server are this machine's",
        )
    server = _server(request, asked or (known.url if known else None), carried, choose)
    backend, needs = _backend(request, server, known, asked, choose)
    backend = replace(backend, token=carried.token, headers=carried.headers, preferences=request.preferences)
    return Choice(server, backend, needs, known)


def away(backend: Backend) -> str | None:
    """Why no session could go there now; None where one could."""
    return _trouble(Carried(backend.token, backend.headers).asked(backend.url))


def _trouble(server: Server) -> str | None:
    """Why a server cannot be used now; None where it can."""
    if server.state in ("ready", "overloaded"):
        return None
    return f"{server.url} {server.problem or f'is {server.state}'}"


@dataclass(frozen=True, slots=True)
class Carried:
    """What the server gets with each request: its key (or the placeholder) and its headers."""

    token: str = field(repr=False)
    headers: tuple[Header, ...]

    @property
    def secret(self) -> bool:
        """Whether any of it may not be shown."""
        return self.token != PLACEHOLDER or any(header.secret for header in self.headers)

    def asked(self, url: str) -> Server:
        """Who answers there, asked with all of it."""
        headers = {header.name: header.value for header in self.headers}
        return identify(url, token=None if self.token == PLACEHOLDER else self.token, headers=headers)


# --- what is known already


def _known(request: Request, world: World, asked: str | None) -> Known | None:
    """The server in effect here, else the one on record; of another server than the one asked for nothing is kept."""
    found = _remembered(request, world, logged=asked is None)
    return next((each for each in found if asked is None or same_server(each.url, asked)), None)


def _remembered(request: Request, world: World, *, logged: bool) -> Iterator[Known]:
    """The servers that this folder has, or had, the one to keep first."""
    if here := _in_effect(world):
        yield here
    yield from _recorded(request, world)
    if logged and (last := _logged(world)):
        yield last


def _in_effect(world: World) -> Known | None:
    """The own server that sessions here use, with what belongs to it; None for the cloud.

    None, too, for an address that came with the repository: nobody on this machine has chosen it.
    """
    snapshot = world.snapshot()
    resolution = resolve(snapshot)
    url, base = _usable_url(resolution.value("base_url")), resolution.decisions["base_url"].winner
    if resolution.value("provider") not in (FIRST_PARTY, "gateway") or url is None or base is None:
        return None
    if _came_along(base, world):
        return None
    model = resolution.decisions["model"]
    named = model.winner is not None and model.winner.scope is not Scope.DEFAULT
    return Known(
        url,
        model.value if named else None,
        told_window(resolution),
        _as_key(_beside(snapshot, base, "ANTHROPIC_AUTH_TOKEN")),
        server_headers.kept(
            _beside(snapshot, base, CUSTOM_HEADERS),
            (PLACEHOLDER, _beside(snapshot, base, "ANTHROPIC_AUTH_TOKEN")),
        ),
        of_session=True,
    )


def _came_along(base: Candidate, world: World) -> bool:
    """Whether a repository set the address: it stands in a file that is committed, and not by our doing."""
    if base.path is None or base.scope not in (Scope.LOCAL, Scope.PROJECT):
        return False
    record = ownership.load(base.path, world.state_dir)
    if record is not None and record.layer(BACKEND):
        return False
    return base.scope is Scope.PROJECT or git.standing(base.path).tracked


def _beside(snapshot: Snapshot, base: Candidate, name: str) -> str:
    """The value in effect of a variable that is set in the same place as the address; else the empty string."""
    row = winning(snapshot, f"env.{name}")
    return (row.value or "").strip() if row and (row.scope, row.path) == (base.scope, base.path) else ""


def _as_key(value: object) -> str:
    """The value if it can be a server's own key, else the placeholder."""
    text = value.strip() if isinstance(value, str) else ""
    usable = text.isascii() and text.isprintable() and not text.startswith((ANTHROPIC_PREFIX, "$", "{env:"))
    return text if text and usable and " " not in text else PLACEHOLDER


def _usable_url(url: object) -> str | None:
    """The address as we write it, if it is one of a server that is not Anthropic's."""
    try:
        found = normalise(str(url or ""))
    except UsageError:
        return None
    return None if is_anthropic(found.host) else found.url


def _recorded(request: Request, world: World) -> Iterator[Known]:
    """What `enable` wrote for this folder, whatever stands in the files by now, the scope asked for first."""
    for scope in dict.fromkeys((request.scope, Scope.LOCAL, Scope.PROJECT, Scope.USER)):
        path = settings_file_to_write(
            scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
        )
        record = ownership.load(path, world.state_dir)
        layer = record.layer(BACKEND) if record else None
        changes = [change for change in layer.changes if isinstance(change, Set)] if layer else []
        wrote = {change.path[1]: change.value for change in changes if change.path[0] == "env"}
        if url := _usable_url(wrote.get("ANTHROPIC_BASE_URL")):
            model, window = wrote.get("ANTHROPIC_MODEL"), str(wrote.get("CLAUDE_CODE_MAX_CONTEXT_TOKENS", ""))
            yield Known(
                url,
                model if isinstance(model, str) else None,
                int(window) if window.isdecimal() else None,
                _as_key(wrote.get("ANTHROPIC_AUTH_TOKEN")),
                server_headers.kept(
                    str(wrote.get(CUSTOM_HEADERS, "")), (PLACEHOLDER, str(wrote.get("ANTHROPIC_AUTH_TOKEN", "")))
                ),
            )


def _logged(world: World) -> Known | None:
    """The own server of this folder's last session; a log that cannot be read says nothing, and others will tell."""
    try:
        session = queries.last_session(world.state_dir, str(world.cwd))
    except ClaudeLocalError:
        return None
    backend = session.get("backend") if session else None
    url = _usable_url(backend.get("url")) if isinstance(backend, dict) else None
    return Known(url) if url else None


def same_server(one: str, other: str) -> bool:
    """Whether two addresses are spellings of one."""
    first, second = parse_url(one), parse_url(other)
    return first is not None and second is not None and first.url == second.url


# --- the key


def _token(request: Request, environ: Mapping[str, str]) -> str | None:
    """The key in the variable of --token-env; None where none is named."""
    if request.token_env is None:
        return None
    name = request.token_env
    if request.scope is Scope.PROJECT:
        raise UsageError(
            "--scope project writes a file that is committed: no secret may go there",
            f"leave out --scope project, or let everyone set {printable(name)} in a shell of their own",
        )
    token = server_headers.from_variable("--token-env", name, environ, "the key your server was started with")
    if wrong := unfit(token):
        plain = "with the key alone" if scheme_of(token) else "without quotes and line breaks in the value"
        raise UsageError(
            f"the value of {printable(name)} {wrong}",
            "--token-env names the key that your server was started with"
            if is_anthropics(token)
            else f"{export(name, Words('…'))}  {plain}",
        )
    return token


# --- the server


def _own_url(request: Request) -> str:
    try:
        wanted = normalise(request.url or "")
    except UrlError as error:
        if error.offer is None:
            raise
        key = request.token_env or (Words("VARIABLE") if error.wants_key else None)
        raise UsageError(error.message, request.again(url=error.offer, token_env=key)) from error
    if is_anthropic(wanted.host):
        raise UsageError(f"{wanted} is Anthropic's own API, not a server of yours", command("claude-local", "disable"))
    return wanted.url


def _server(request: Request, url: str | None, carried: Carried, choose: Choose | None) -> Server | None:
    """The server to use, asked who it is; None with --no-check."""
    if url is None:
        if not request.check:
            raise UsageError(
                "--no-check asks no server, so it needs --url",
                request.again(url=Words("URL"), model=request.model or Words("NAME")),
            )
        return _found(request, carried, choose)
    return _usable(carried.asked(url), request) if request.check else None


def _found(request: Request, carried: Carried, choose: Choose | None) -> Server:
    if not request.port_scan:
        forbids = request.takes("--no-port-scan")
        raise UsageError(
            "no --url, and --no-port-scan forbids looking for a server"
            if forbids
            else "no server is named, and none is set for this folder",
            request.again(url=Words("URL"), port_scan=True),
        )
    servers = sweep()
    if not servers:
        elsewhere = request.again(url=Words("http://HOST:PORT"))
        raise BackendError(
            f"no model server answers on this machine's well-known ports ({well_known.ports_text()})",
            f"start one, for example: {well_known.START_HINT}   or name one elsewhere: {elsewhere}",
        )
    chosen = servers[0]
    if len(servers) > 1:
        listed = [f"{server.url}  {describe(server)}" for server in servers]
        if choose is None:
            raise UsageError(
                "several model servers answer here: " + "; ".join(listed),
                request.again(url=chosen.url),
            )
        chosen = servers[listed.index(choose("which server?", listed))]
    if carried.secret or carried.headers:
        chosen = carried.asked(chosen.url)  # while looking around, nobody was shown the key
    return _usable(chosen, request)


def describe(server: Server) -> str:
    """A server in a few words: `vLLM 0.32.0, 2 models`."""
    label = well_known.label(server.kind)
    name = f"{label} {printable(server.version)}" if server.version else label
    count = len(server.models)
    return f"{name}, {count} model{'' if count == 1 else 's'}" if server.models else name


def _usable(server: Server, request: Request) -> Server:
    """The server, if sessions can use it; else the error that says what is the matter with it."""
    if server.state in ("needs-key", "wrong-key"):
        given = f"the key in {printable(request.token_env)}" if request.token_env else "the key it has got so far"
        if request.profile is not None and request.token_env is None:
            given = f"the key of the profile {request.profile}"
        what = "asks for a key" if server.state == "needs-key" else f"does not accept {given}"
        if request.profile is not None and request.token_env is None:
            keep = command("claude-local", "profile", "edit", request.profile, "--token-stdin")
            raise BackendError(f"{server.url} {what}", f"{keep}   (asks for the key, which no command line shows)")
        variable = request.token_env or "MY_KEY"
        again = then(export(variable, Words("…")), request.again(url=server.url, token_env=variable))
        raise BackendError(f"{server.url} {what}", f"{again}   (the key never goes on the command line)")
    if server.kind == kinds.OPENAI_ONLY or (server.is_model_server and server.speaks_messages is False):
        raise BackendError(
            f"{server.url} ({describe(server)}) {_missing(server)}, which Claude Code needs",
            advice.messages_api(server),
        )
    if (trouble := _trouble(server)) is not None:
        later = f"once it answers: {request.again(url=server.url)}"
        if request.takes("--no-check"):
            unasked = request.again(url=server.url, check=False, model=request.model or Words("NAME"))
            later += f"; without asking it: {unasked}"
        raise BackendError(trouble, _other_port(request, server) or later)
    return server


def _missing(server: Server) -> str:
    """What a server lacks without the Messages API, in its own words where it has some."""
    words = (server.problem or "").partition(": “")[2]
    return "has no Messages API (/v1/messages)" + (f" (it says “{words})" if words else "")


def _other_port(request: Request, server: Server) -> str | None:
    """The command for a server that answers on the same host at another well-known port; None where none does."""
    others = neighbours(server.url) if server.state in ("refused", "not-http", "error") else []
    if not others:
        return None
    found = request.again(url=others[0].url)
    return f"{describe(others[0])} answers at another port of that host: {found}"


# --- the model and its window


def _backend(
    request: Request,
    server: Server | None,
    known: Known | None,
    asked: str | None,
    choose: Choose | None,
) -> tuple[Backend, Needs]:
    if request.max_model_len is not None and request.max_model_len > LARGEST_WINDOW and not request.force:
        raise UsageError(
            f"--max-model-len {request.max_model_len}: no model has a window of more than {LARGEST_WINDOW:,} tokens",
            "name the window that the server was started with, for example --max-model-len 65536",
        )
    if server is None:
        url = asked or (known.url if known else "")
        model = request.model or (known.model if known else None)
        if model is None:
            raise UsageError("--no-check cannot ask the server for its models", "name one with --model NAME")
        window = request.max_model_len or _known_window(known, model)
        kind = request.kind or "unknown"
        return Backend(url, kind, model, window), needs_of(kind, None)
    served = _model(request, server, known, choose)
    _check_said_window(request, server, served)
    window = request.max_model_len or served.max_model_len or _known_window(known, served.name)
    backend = Backend(server.url, server.kind, served.name, window, server.version)
    return backend, needs_of(server.behaves_as, server.version)


def _known_window(known: Known | None, model: str) -> int | None:
    """The window that was named for this model before, where nobody else says one."""
    return known.window if known is not None and known.model == model else None


def _check_said_window(request: Request, server: Server, model: ServedModel) -> None:
    """Raise UsageError where a larger window is named than the server itself says it has."""
    said, asked = model.max_model_len, request.max_model_len
    if said is None or asked is None or asked <= said or request.force:
        return
    if request.of_profile is not None and request.of_profile.max_model_len == asked:
        raise UsageError(
            f"the profile {request.profile} says a window of {asked:,} tokens, but {server.url} itself says that"
            f" {printable(model.name)} has one of {said:,}, and refuses what is longer",
            command("claude-local", "profile", "edit", str(request.profile), "--unset", "window"),
        )
    raise UsageError(
        f"--max-model-len {asked}: {server.url} itself says that {printable(model.name)} has a window of {said:,}"
        " tokens, and refuses what is longer",
        f"leave --max-model-len out, or: {advice.larger_window(server, model, asked)}   (--force insists on it)",
    )


def _model(request: Request, server: Server, known: Known | None, choose: Choose | None) -> ServedModel:
    by_name = {model.name: model for model in server.models}
    if request.model is not None:
        return _asked_model(request, request.model, server, by_name)
    if known is not None and known.model in by_name:
        return by_name[known.model]
    if known is not None and known.model is not None and known.of_session and _routes(server):
        return ServedModel(known.model, None, None)  # routed, perhaps by a wildcard, and not listed
    if not by_name:
        again = request.again(url=server.url, model=Words("NAME"))
        raise BackendError(
            f"{server.url} lists no model",
            f"name one: {again}" if _routes(server) else f"load one, or name it: {again}",
        )
    if len(by_name) == 1:
        return server.models[0]
    if own := without_aliases(server):
        return own
    if choose is None:
        raise UsageError(
            f"{server.url} serves several models: {printable(', '.join(by_name))}",
            request.again(url=server.url, model=server.models[0].name),
        )
    return by_name[choose("which model?", list(by_name))]


def _routes(server: Server) -> bool:
    """Whether the server may answer to names that it does not list."""
    return server.kind in well_known.ROUTES_UNLISTED


def _asked_model(request: Request, name: str, server: Server, by_name: Mapping[str, ServedModel]) -> ServedModel:
    if name in by_name:
        return by_name[name]
    if _routes(server) or not by_name:
        # a wildcard such as `claude-*` is routed but not listed, so an unlisted name may well be served
        return ServedModel(name, None, None)
    near = _nearest(name, list(by_name))
    again = request.again(url=server.url, model=near[0]) if near else "load a model first"
    raise UsageError(f"{server.url} does not serve {name!r}; {_said_to_serve(near, len(by_name))}", again)


def without_aliases(server: Server) -> ServedModel | None:
    """The one model behind all of a server's names, under the only one that is not an alias of Anthropic's kind.

    Under a `claude-…` name the window could not be set, so such names are the aliases. None where there are several.
    """
    own = [model for model in server.models if not model.name.lower().startswith("claude-")]
    if len(own) == 1 and own[0].root and all(model.root == own[0].root for model in server.models):
        return own[0]
    return None


def _nearest(name: str, served: Sequence[str]) -> list[str]:
    """The served names most like this one, at most three; the first ones where none is alike."""
    by_lower = {each.lower(): each for each in served}
    near = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.3)
    return [by_lower[each] for each in near] or list(served[:3])


def _said_to_serve(near: Sequence[str], count: int) -> str:
    names = printable(", ".join(near))
    if not near:
        return "it serves no model at all"
    return f"it serves {names}" if len(near) == count else f"the nearest of its {count} names: {names}"
