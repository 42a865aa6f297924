"""Which server, model and key a command that talks to a server is to use: the options', else this folder's."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from claude_local_plugin.client_config.headers import from_variable
from claude_local_plugin.core.claude import ANTHROPIC_PREFIX
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.shell import command
from claude_local_plugin.doctor.facts import helped_key, own_headers
from claude_local_plugin.errors import BackendError, UsageError
from claude_local_plugin.precedence import Snapshot, backend_in_use, effective_env, resolve
from claude_local_plugin.servers import Server, identify
from claude_local_plugin.servers.urls import is_anthropic, normalise
from claude_local_plugin.text import printable


@dataclass(frozen=True, slots=True)
class InUse:
    """A recognised server, the model to ask it for, and the key it gets; `of_folder` if sessions here use it."""

    server: Server
    model: str
    token: str | None = field(repr=False)
    of_folder: bool
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_env: str | None = None

    def doctor(self) -> str:
        """The command that says more about it."""
        return _doctor_on(self.url, of_folder=self.of_folder, token_env=self.token_env)

    @property
    def url(self) -> str:
        """The base URL."""
        return self.server.url

    @property
    def window(self) -> int | None:
        """The model's window in tokens, where the server tells it."""
        return next((m.max_model_len for m in self.server.models if m.name == self.model), None)

    @property
    def root(self) -> str | None:
        """What the model's name stands for, where the server tells it."""
        return next((m.root for m in self.server.models if m.name == self.model), None)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and what key it gets, before it was asked anything."""

    url: str
    token: str | None = field(repr=False)
    of_folder: bool
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def address(snapshot: Snapshot, *, url: str | None, token_env: str | None) -> Address:
    """The address meant by the options, else this folder's. The folder's key goes to the folder's server only.

    Raises UsageError where there is none, and for Anthropic's own API.
    """
    env = effective_env(snapshot)
    backend = backend_in_use(snapshot)
    own = None if backend.cloud or backend.target is None else normalise(backend.target.url)
    wanted = own if url is None else normalise(url)
    if wanted is None:
        raise UsageError("sessions in this folder do not go to a server of yours", "name one with --url URL")
    if is_anthropic(wanted.host):
        raise UsageError(f"{wanted} is Anthropic's own API, not a server of yours", "name one with --url URL")
    of_folder = own is not None and wanted.url == own.url
    token = (
        from_variable("--token-env", token_env, snapshot.shell, "the key that server was started with")
        if token_env
        else env.get("ANTHROPIC_AUTH_TOKEN") or helped_key(snapshot, resolve(snapshot))[0]
        if of_folder
        else None
    )
    usable = None if token in (None, "", PLACEHOLDER) or _is_cloud(token) else token
    return Address(wanted.url, usable, of_folder, own_headers(snapshot, resolve(snapshot), wanted.url))


def in_use(
    snapshot: Snapshot, *, url: str | None = None, model: str | None = None, token_env: str | None = None
) -> InUse:
    """The server meant by the options, else this folder's, asked who it is.

    Raises UsageError for what was asked wrongly, BackendError where the server cannot be used now.
    """
    where = address(snapshot, url=url, token_env=token_env)
    server = identify(where.url, token=where.token, headers=where.headers)
    if not server.usable and server.state != "overloaded":
        what = server.problem or str(server.state)
        more = _doctor_on(server.url, of_folder=where.of_folder, token_env=token_env)
        raise BackendError(f"{server.url} {what}", f"{more} says more")
    chosen = model or (resolve(snapshot).value("model") if where.of_folder else None) or _only_model(server)
    return InUse(server, chosen, where.token, where.of_folder, where.headers, token_env)


def _doctor_on(url: str, *, of_folder: bool, token_env: str | None) -> str:
    named = () if of_folder else ("--url", url, *(("--token-env", token_env) if token_env else ()))
    return command("claude-local", "doctor", *named)


def _is_cloud(token: str | None) -> bool:
    return token is not None and token.startswith(ANTHROPIC_PREFIX)


def _only_model(server: Server) -> str:
    """The model to take where nobody named one: the first of names that all stand for the same."""
    roots = {model.root for model in server.models}
    if not server.models:
        raise BackendError(f"{server.url} lists no model", "name one with --model NAME")
    if len(server.models) > 1 and (len(roots) > 1 or None in roots):
        names = printable(", ".join(model.name for model in server.models))
        raise UsageError(f"{server.url} serves several models: {names}", "name one with --model NAME")
    return server.models[0].name
