"""What an environment is to hold for one backend, so that it decides alone where what is started in it goes.

Claude Code lets every settings file win over the environment. With `CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST` in it the
environment's endpoint, credential and model win over all of them (seen on 2.1.332); what else a file says still does:
the window, the longest answer, time-outs, retries.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from claude_local_plugin.client_config import budget, build
from claude_local_plugin.client_config.choose_server import Choice, Request
from claude_local_plugin.client_config.destination import ProcessEnvironment
from claude_local_plugin.client_config.model import Backend, Line
from claude_local_plugin.core.claude import (
    HOST_AUTH,
    HOSTED,
    KEY_DESCRIPTOR,
    OAUTH_DESCRIPTOR,
    PINNED,
    UNIX_SOCKET,
)
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.env_rules import routed_by_host
from claude_local_plugin.core.registration import RUN_PROFILE
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.launch import inherited
from claude_local_plugin.launch.asked import completed
from claude_local_plugin.launch.plan import our_keys
from claude_local_plugin.launch.shells import Part, Value, Variable
from claude_local_plugin.precedence import Candidate, Scope, winning
from claude_local_plugin.precedence.locate import settings_paths
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: The line that has the environment decide.
HOST = Line(("env", HOSTED), "1", "where requests go is decided here, whatever settings files say")

#: What would be sent along, or send requests elsewhere: never inherited.
FOREIGN = (KEY_DESCRIPTOR, OAUTH_DESCRIPTOR, UNIX_SOCKET, HOST_AUTH, PINNED)

#: What settings files still decide, beside whatever else of ours they set.
STILL_FILES = ("CLAUDE_CODE_MAX_CONTEXT_TOKENS", "CLAUDE_CODE_MAX_OUTPUT_TOKENS")


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables for one backend: those that are set, in order, and the names of those that may say nothing.

    `blank` are set to nothing, so that no program fills the gap from a `.env` file; `unset` are not there at all.
    """

    backend: Backend
    lines: tuple[Line, ...]
    blank: tuple[str, ...]
    unset: tuple[str, ...]
    #: Where the secrets among the values can be had.
    sources: Mapping[str, Part] = field(repr=False)
    #: What is to be known of the server itself.
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """Name and value of each that is set."""
        return {line.path[1]: str(line.value) for line in self.lines}

    def environ(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What is inherited, with all of this."""
        kept = {name: value for name, value in inherited.items() if name not in self.unset}
        return {**kept, **dict.fromkeys(self.blank, ""), **self.values}

    def spelt(self, line: Line) -> Value:
        """The value with a reference in the place of each secret that can be had elsewhere."""
        return _referring(str(line.value), self.sources)

    def is_secret(self, value: Value, line: Line) -> bool:
        """Whether this spelling of the line's value still shows a secret."""
        if not line.secret:
            return False
        text = "".join(part for part in value if isinstance(part, str))
        secrets = [each.value for each in self.backend.headers if each.secret]
        secrets += [self.backend.token] if self.backend.token != PLACEHOLDER else []
        return any(secret in text for secret in secrets)


def variables(world: World, request: Request, choice: Choice, key: Part | None = None) -> Variables:
    """The variables for the server that was chosen, whatever settings files there are; `key`: where its key can be had.

    A file that says something is no reason to leave it out: what is exported goes along into other folders.
    """
    backend = completed(choice, request).backend
    paths = settings_paths(world.cwd, world.home, world.environ, world.client_version, world.managed_dir)
    alone = world.snapshot({each.path: None for each in paths if each.scope is not Scope.MANAGED})
    wanted = build.lines(alone, backend, choice.needs, ProcessEnvironment())
    named = (Line(("env", RUN_PROFILE), request.profile, "the session log names it"),) if request.profile else ()
    lines = (HOST, *named, *(line for line in wanted if line.value != ""))
    names = {line.path[1] for line in lines}
    blank = (line.path[1] for line in wanted if line.value == "")
    deciding = sorted(filter(inherited.is_deciding, world.environ))
    sealed = tuple(name for name in inherited.SEALED if name not in names)
    unset = tuple(name for name in dict.fromkeys((*FOREIGN, *blank, *deciding)) if name not in {*names, *sealed})
    sources = dict(_sources(request, world, backend, key))
    return Variables(backend, lines, sealed, unset, sources, tuple(_too_small(backend, choice.needs)))


def _too_small(backend: Backend, needs: Needs) -> Iterator[str]:
    """That Claude Code does not fit into the model's window, where it does not."""
    window, least = backend.max_model_len, budget.smallest_window(backend, needs)
    if window is not None and window < least:
        yield (
            f"{printable(backend.model)} has a window of {window:,} tokens, and Claude Code needs {least:,}: a session"
            " fails at its first prompt, or soon after"
        )


def _sources(request: Request, world: World, backend: Backend, key: Part | None) -> Iterator[tuple[str, Part]]:
    for given in request.headers_env:
        _, _, name = given.partition("=")
        if value := world.environ.get(name):
            yield value, Variable(name)
    if backend.token != PLACEHOLDER:
        if request.token_env is not None:
            yield backend.token, Variable(request.token_env)
        elif key is not None:
            yield backend.token, key


def _referring(text: str, sources: Mapping[str, Part]) -> Value:
    """The text with each of these secrets, the longest first, as its reference."""
    for secret in sorted(sources, key=len, reverse=True):
        before, found, after = text.partition(secret)
        if found:
            return (*_referring(before, sources), sources[secret], *_referring(after, sources))
    return (text,) if text else ()


#: The variable with the names of those that we have set, so that they and no others can be taken back.
NAMES = "CLAUDE_LOCAL_ENV"


def taken_back(environ: Mapping[str, str]) -> dict[str, str]:
    """What the variables that we have set in this environment are to be without us, by name; "" for not there.

    Of a list of hosts that go without a proxy only our own entry goes.
    """
    named = environ.get(NAMES, "").split()
    found = {name: "" for name in named if name.isascii() and name.isidentifier() and name in environ}
    target = parse_url(environ.get("ANTHROPIC_BASE_URL", ""))
    for name in found.keys() & {"NO_PROXY", "no_proxy"}:
        hosts = [host for host in environ[name].split(",") if host]
        if target is not None and hosts[-1:] == [target.host]:
            found[name] = ",".join(hosts[:-1])
    return {**found, NAMES: ""} if NAMES in environ else {}


def beaten(world: World, found: Variables) -> Iterator[tuple[str, Candidate]]:
    """The variables that a settings file sets to something else and wins with: name, and what wins."""
    values = found.values
    snapshot = world.with_environ(found.environ(world.environ)).snapshot()
    ours = (path[1] for path in our_keys(world) if path[0] == "env" and not routed_by_host(path[1]))
    for name in dict.fromkeys((*values, *STILL_FILES, *ours)):
        winner = winning(snapshot, f"env.{name}")
        if winner is not None and winner.scope is not Scope.SHELL and (winner.value or "") != values.get(name, ""):
            yield name, winner
