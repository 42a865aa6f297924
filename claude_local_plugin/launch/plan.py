"""What one program is to be started with so that its requests go to one backend, and nobody else's do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from claude_local_plugin.checks import Result
from claude_local_plugin.client_config import build
from claude_local_plugin.client_config.choose_server import Choice
from claude_local_plugin.client_config.destination import ProcessEnvironment, SettingsDocument
from claude_local_plugin.client_config.effect import Beaten, beaten
from claude_local_plugin.client_config.model import Backend, Line
from claude_local_plugin.core.claude import HOSTED
from claude_local_plugin.core.endpoint import PROXY_VARIABLES
from claude_local_plugin.core.env_rules import routed_by_host
from claude_local_plugin.core.registration import RUN_PROFILE
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.launch import arguments, dotenv_names, guardkit, inherited, pins, settings_text, without_us
from claude_local_plugin.launch.arguments import Arguments
from claude_local_plugin.launch.targets import Target
from claude_local_plugin.precedence import Resolution, Scope, Snapshot, effective, gather, resolve, winning
from claude_local_plugin.precedence.credentials import name_of
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import Set
from claude_local_plugin.settings.orphans import on_record
from claude_local_plugin.settings.ownership import BACKEND, BENCH
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: Sources that no run may go around, as people call them.
PINNING = (Scope.MANAGED, Scope.SERVED)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be started: the command, what it is, and whether a sign-in at a gateway is set aside for it."""

    command: tuple[str, ...]
    target: Target
    set_aside: bool = False
    #: Whether GuardKit is told to use the Agent SDK.
    harness: bool = False
    #: How long a turn takes on the server, where that was measured.
    seconds_a_turn: float | None = None

    @property
    def arguments(self) -> Arguments:
        """The command's own, where it is Claude Code."""
        return arguments.read(self.command[1:]) if self.target.is_client else Arguments(self.command[1:])


@dataclass(frozen=True, slots=True)
class Plan:
    """A command with its environment, and the settings that are put before its arguments, None for none.

    `said` is what has to be known of it before it starts. `backend` is None for the cloud.
    """

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any] | None = field(default=None, repr=False)
    said: tuple[str, ...] = ()
    backend: Backend | None = None
    profile: str | None = None
    #: What goes to the cloud, and with what: "" for a server of one's own.
    headline: str = ""
    #: The kind and URL of that cloud.
    cloud: tuple[str, str | None] | None = None


def lines_for(world: World, choice: Choice) -> tuple[Line, ...]:
    """What a program is to be told of this server, whatever the settings here say of another.

    Beside what is needed in a folder without us, what is needed to beat our own lines for another server.
    """
    destination = SettingsDocument(Scope.FLAG)
    bare = world.snapshot(without_us.texts(world))
    found = {
        (*line.path, line.value if line.item else None): line
        for snapshot in (bare, world.snapshot())
        for line in build.lines(snapshot, choice.backend, choice.needs, destination)
    }
    for name, value in (*_of_another_server(world, bare), *_extra_body(world, choice)):
        found.setdefault(("env", name, None), Line(("env", name), value, "what is set here is another server's"))
    return tuple(found.values())


def _extra_body(world: World, choice: Choice) -> Iterator[tuple[str, str]]:
    """What settings put into the body of each request, of which nobody knows what this server makes of it."""
    name = "CLAUDE_CODE_EXTRA_BODY"
    if effective(world.snapshot(), f"env.{name}") and name not in choice.backend.preferences.env:
        yield name, ""


def _of_another_server(world: World, bare: Snapshot) -> Iterator[tuple[str, str]]:
    """The variables that our own lines here set for another server, as they would be without us."""
    for path in our_keys(world):
        if path[0] == "env":
            yield path[1], effective(bare, ".".join(path)) or ""


def our_keys(world: World) -> tuple[tuple[str, ...], ...]:
    """The settings that `enable` and `bench --apply` wrote into the files that a session here reads."""
    found: dict[tuple[str, ...], None] = {}
    for each in world.snapshot().of(Scope.LOCAL, Scope.PROJECT, Scope.USER):
        record = on_record(each.path, world.state_dir)[0] if each.path is not None else None
        for path in _written(record):
            found.setdefault(path)
    return tuple(found)


def _written(record: ownership.Record | None) -> Iterator[tuple[str, ...]]:
    for purpose in (BACKEND, BENCH):
        layer = record.layer(purpose) if record else None
        for change in layer.changes if layer else ():
            if isinstance(change, Set):
                yield change.path


def local(world: World, wish: Wish, choice: Choice, profile: str | None = None) -> Plan:
    """The plan for a server of one's own; raises ClaudeLocalError where it may not, or would not, go there."""
    own, backend = wish.arguments, choice.backend
    if own.leaving is not None:
        refuse_leaving(own, command("claude-local", "enable", "--url", backend.url))
    around = replace(world, environ=inherited.without_routing(world.environ))
    lines = lines_for(around, choice)
    theirs = settings_text.given(own.settings, world.cwd)
    settings = settings_text.merged(theirs, SettingsDocument(Scope.FLAG).document(lines))
    environ = ProcessEnvironment().environment(lines, around.environ)
    _refuse_where_pinned(around, wish, environ, settings, backend)
    environ |= _of_the_administrator(around, backend)
    environ |= {HOSTED: "1", **({RUN_PROFILE: profile} if profile else {})}
    planned = seen(world, wish, environ, settings if wish.target.is_client else None)
    _refuse_without_effect(planned, resolve(planned), backend, own)
    said = [*_still_set(around, lines)] if not wish.target.is_client else []
    said += _not_served(choice, own)
    argv, more, told = wish.command, dict[str, str](), tuple[str, ...]()
    if wish.target.name == "guardkit":
        argv, more, told = guardkit.prepared(
            wish.command,
            backend,
            world.environ,
            world.cwd,
            harness=wish.harness,
            seconds_a_turn=wish.seconds_a_turn,
        )
    if not wish.target.is_client:
        environ = inherited.sealed({**environ, **more})
        dotenv = dotenv_names.nearest(world.cwd)
        said += inherited.overriding(dotenv, dotenv_names.names(dotenv))
    return Plan(
        _with_rest(argv, own) if wish.target.is_client else tuple(argv),
        environ,
        settings if wish.target.is_client else None,
        (*said, *told, *wish.target.notes),
        backend,
        profile,
    )


def _of_the_administrator(world: World, backend: Backend) -> dict[str, str]:
    """The administrator's proxies, which count from the environment alone once that decides about routing.

    Raises ClaudeLocalError for models and headers that the administrator has set and that would be gone around.
    """
    proxies = {}
    for pin in pins.pins(world.snapshot()):
        name = pin.key.removeprefix("env.")
        if name in PROXY_VARIABLES:
            proxies[name] = pin.value or ""
        elif name in _PINNED and not pins.says_the_same(pin, backend):
            raise ClaudeLocalError(
                f"{pin.place} sets {name}: an administrator decides about it, and this run would go around that",
                "ask whoever manages this machine's settings; nothing was started",
            )
    return proxies


#: What an administrator may set that no decision shows: what aliases stand for, and headers.
_PINNED = (
    *build.ALIAS_VARIABLES,
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
)


def refuse_leaving(own: Arguments, instead: str) -> NoReturn:
    """Raise ClaudeLocalError for a session that would not stay in the process which is started."""
    assert own.leaving is not None
    raise ClaudeLocalError(
        f"{own.leaving} takes the session out of this run: {arguments.LEAVING[own.leaving]}",
        f"leave {own.leaving} out, or change the folder: {instead}",
    )


def _with_rest(argv: Sequence[str], own: Arguments) -> tuple[str, ...]:
    """The command without its own `--settings`, which are part of ours."""
    return (argv[0], *own.rest)


def seen(world: World, wish: Wish, environ: Mapping[str, str], settings: Mapping[str, Any] | None) -> Snapshot:
    """What the program would see."""
    own = wish.arguments
    return gather(
        cwd=world.cwd,
        home=world.home,
        environ=environ,
        client_version=world.client_version,
        managed_dir=world.managed_dir,
        flag_settings=None if settings is None else settings_text.text_of(settings),
        setting_sources=own.sources,
        cli_model=own.model,
        interactive=own.interactive and wish.target.is_client,
    )


def _refuse_where_pinned(
    world: World, wish: Wish, environ: Mapping[str, str], settings: Mapping[str, Any], backend: Backend
) -> None:
    """Raise ClaudeLocalError where an administrator, or a sign-in at a gateway, decides about the backend.

    That is whoever beats `--settings`, which the variable of a host would go around.
    """
    planned = seen(world, wish, environ, settings)
    resolution = resolve(planned)
    wrong = next(_wrong(resolution, backend, wish.arguments), None)
    winner = wrong.decision.winner if wrong else None
    if winner is not None and winner.scope in PINNING:
        raise ClaudeLocalError(
            f"{winner.place} sets {name_of(winner)}: an administrator decides where sessions go, and a session would"
            f" {wrong.instead if wrong else ''}",
            "ask whoever manages this machine's settings; nothing was started",
        )
    if winner is not None and winner.scope is Scope.GATEWAY:
        if not wish.set_aside:
            raise ClaudeLocalError(
                f"{winner.place}: you are signed in at a gateway, which decides where sessions go",
                "--set-aside-sign-in leaves the sign-in aside for this run alone; nothing was started",
            )
        return
    if resolution.outcome == "refused" or (resolution.outcome == "not_logged_in" and not wish.set_aside):
        raise ClaudeLocalError(
            f"Claude Code would not start: {resolution.outcome_reason}", "fix that first; nothing was started"
        )


def _wrong(resolution: Resolution, backend: Backend, own: Arguments) -> Iterator[Beaten]:
    """What goes another way; a model that the command itself names is its own business."""
    return (each for each in beaten(resolution, backend) if own.model is None or each.decision.name != "model")


def _refuse_without_effect(planned: Snapshot, resolution: Resolution, backend: Backend, own: Arguments) -> None:
    """Raise ClaudeLocalError where the program would go elsewhere all the same, or send a credential of somebody's."""
    # what we put beside the address is its own, which the resolver can but suppose
    leaks = (each for each in resolution.warnings if each.id.startswith("leak.") and each.result is Result.ERROR)
    if (leak := next(leaks, None)) is not None:
        raise ClaudeLocalError(
            f"a credential would be sent to {backend.host}: {leak.what}", f"{leak.fix}; nothing was started"
        )
    wrong = next(_wrong(resolution, backend, own), None)
    if wrong is not None:
        winner = wrong.decision.winner
        who = f"{winner.place} sets {name_of(winner)}" if winner is not None else wrong.decision.sentence
        raise ClaudeLocalError(
            f"{who}, and a session would {wrong.instead}",
            f"{command('claude-local', 'explain-precedence')} says who decides what; nothing was started",
        )
    if resolution.outcome != "ok":
        raise ClaudeLocalError(
            f"Claude Code would not start: {resolution.outcome_reason}", "fix that first; nothing was started"
        )


def _still_set(world: World, lines: Iterable[Line]) -> Iterator[str]:
    """What settings files say of window, output and time-outs, which no environment beats."""
    snapshot = world.snapshot()
    for line in lines:
        if line.path[0] != "env" or routed_by_host(line.path[1]):
            continue
        row = winning(snapshot, line.key)
        if row is None or row.scope in (Scope.SHELL, Scope.DEFAULT) or (row.value or "") == str(line.value):
            continue
        value = f"is {row.value}" if row.value else "is unset"
        wanted = f"{line.value} was wanted" if line.value else "none was wanted"
        yield f"{line.path[1]} {value} ({row.place}; {wanted}): in this a settings file beats the environment"


def _not_served(choice: Choice, own: Arguments) -> Iterator[str]:
    """What is to be said of a model that the command names itself."""
    server = choice.server
    if own.model is None or server is None or own.model in ("opus", "sonnet", "haiku", "fable", "default"):
        return
    if own.model not in {model.name for model in server.models}:
        yield f"{server.url} does not list {printable(own.model)}, which the command asks for"
