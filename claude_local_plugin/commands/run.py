"""Start one program on one backend, and leave everything else as it is."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from claude_local_plugin import paths
from claude_local_plugin.client_config.choose_server import Choice, Choose, choose_server
from claude_local_plugin.commands import measured_here
from claude_local_plugin.core import config as protection
from claude_local_plugin.core import run_files
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.core.protection import off_list
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import BackendError, ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.launch import asked as launch_asked
from claude_local_plugin.launch import process, runtime, settings_text, targets
from claude_local_plugin.launch.cloud import cloud
from claude_local_plugin.launch.plan import Plan, Wish, local
from claude_local_plugin.profiles import CLOUD, Profile, every, find
from claude_local_plugin.servers import identify
from claude_local_plugin.servers.server import State
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: How long between two looks at a server that is loading, in seconds.
PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What `run` was asked for: a profile's name, a URL, the cloud, or the backend in effect here; and the command."""

    command: tuple[str, ...]
    profile: str | None = None
    url: str | None = None
    to_cloud: bool = False
    target: str | None = None
    model: str | None = None
    token_env: str | None = None
    check: bool = True
    wait_s: float = 0.0
    set_aside: bool = False
    harness: bool = False

    def again(self, *more: str) -> str:
        """The command for the same again, with these options, too."""
        options: list[str] = []
        for name, value in (
            ("--url", self.url),
            ("--for", self.target if more[:1] != ("--for",) else None),
            ("--model", self.model),
            ("--token-env", self.token_env),
        ):
            options += [name, value] if value else []
        options += ["--cloud"] if self.to_cloud else []
        options += [] if self.check else ["--no-check"]
        options += ["--set-aside-sign-in"] if self.set_aside else []
        where = (self.profile,) if self.profile else ()
        return command("claude-local", "run", *where, *options, *more, "--", *self.command)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A program with all that it needs, and what has to be said before it starts."""

    asked: Asked
    plan: Plan
    path: str
    wish: Wish
    headline: str
    said: tuple[str, ...]


def prepare(
    asked: Asked, world: World, choose: Choose | None = None, said: Callable[[str], None] = lambda _: None
) -> Prepared:
    """What is to be started, and with what. Writes nothing and starts nothing.

    `said` is told of a server that is waited for. Raises UsageError for what was asked wrongly, BackendError where no
    backend is ready, and ClaudeLocalError where the program may not, or would not, go where it should.
    """
    _check(asked)
    path = process.found(asked.command[0], world.environ, world.cwd)
    target = targets.named(asked.target) if asked.target else targets.recognised(asked.command)
    wish = Wish(asked.command, target, asked.set_aside, asked.harness)
    profile = find(asked.profile, world) if asked.profile else None
    if profile is None or not profile.fallback:
        prepared = _on(CLOUD if asked.to_cloud else profile, asked, world, wish, path, choose, said)
        refuse_forbidden(prepared.plan, world)
        return prepared
    return _first_that_is_ready(profile, asked, world, wish, path, choose, said)


def _first_that_is_ready(
    profile: Profile,
    asked: Asked,
    world: World,
    wish: Wish,
    path: str,
    choose: Choose | None,
    said: Callable[[str], None],
) -> Prepared:
    """What is to be started on the profile or, while its server is down, on the first of its fallback that will do.

    One of the fallback that this folder may not use, or whose key is not to be had, is passed over; what holds for the
    profile itself is said. Raises BackendError where none is left, with all of the reasons.
    """
    told: list[str] = []
    fix = None
    for each in _in_turn(profile, world):
        name = each if isinstance(each, str) else each.name
        is_first = each is profile
        # a key that was named for one server is not for another
        request = asked if is_first else replace(asked, token_env=None)
        try:
            prepared = _on(each, request, world, wish, path, choose, said)
            refuse_forbidden(prepared.plan, world)
        except ClaudeLocalError as error:
            if is_first and not isinstance(error, BackendError):
                raise
            told.append(f"{name}: {error.message}")
            fix = error.hint
            continue
        if not told:
            return prepared
        where = "the cloud" if each == CLOUD else name
        told.append(f"so this run takes {where}, the next of {profile.name}'s fallback")
        return replace(prepared, said=(*told, *prepared.said))
    raise BackendError(f"neither {profile.name} nor its fallback is ready: {'; '.join(told)}", fix)


def _on(
    where: Profile | str | None,
    asked: Asked,
    world: World,
    wish: Wish,
    path: str,
    choose: Choose | None,
    said: Callable[[str], None],
) -> Prepared:
    """The program on a profile, on the backend in effect here (None), or in the cloud."""
    if isinstance(where, str):
        return _to_the_cloud(asked, world, wish, path)
    choice = _ready(asked, where, world, choose, said)
    if wish.target.name == "guardkit":
        found = measured_here.best(measured_here.of_server(world.state_dir, choice.backend.url, choice.backend.model))
        wish = replace(wish, seconds_a_turn=found.seconds_a_turn if found else None)
    plan = local(world, wish, choice, where.name if where else None)
    return Prepared(asked, plan, path, wish, _headline(plan, choice), plan.said)


def _check(asked: Asked) -> None:
    if not asked.command:
        raise UsageError("no command to run", command("claude-local", "run", Words("[PROFILE]"), "--", "claude"))
    ways = [each for each in (asked.profile, asked.url, asked.to_cloud) if each]
    if len(ways) > 1:
        raise UsageError("a profile, --url and --cloud say three different things", "name one of them")
    if asked.harness and asked.target not in (None, "guardkit"):
        raise UsageError("--harness is GuardKit's", asked.again("--for", "guardkit", "--harness"))


def _config_file(world: World) -> Path:
    return paths.config_dir(world.environ) / CONFIG_FILE


def _in_turn(profile: Profile, world: World) -> list[Profile | str]:
    """Who is asked, one after another: the profile and those it falls back to."""
    return [profile, *(CLOUD if name == CLOUD else find(name, world) for name in profile.fallback)]


def _ready(
    asked: Asked, profile: Profile | None, world: World, choose: Choose | None, said: Callable[[str], None]
) -> Choice:
    """The server, ready, with the model; waits for one that is loading as long as was asked."""
    request = launch_asked.request(
        world, profile, url=asked.url, model=asked.model, token_env=asked.token_env, check=asked.check
    )
    aside = ("--set-aside-sign-in",) if asked.set_aside else ()
    behind = (*(("--for", asked.target) if asked.target else ()), *aside, "--", *asked.command)
    request = replace(request, port_scan=False, words=("run",), behind=behind)
    until = time.monotonic() + asked.wait_s
    while True:
        try:
            return launch_asked.completed(choose_server(request, world, choose), request)
        except BackendError as error:
            left = until - time.monotonic()
            if left <= 0 or request.url is None or not _is_coming(request.url):
                raise _with_its_start(error, profile) from error
            said(f"{request.url} is not ready yet: waiting, {left:.0f} s at most")
            time.sleep(min(PAUSE_S, left))


def _with_its_start(error: BackendError, profile: Profile | None) -> BackendError:
    """The error with the command that starts the server, where its profile has one: it is never run unasked."""
    if profile is None or not profile.start_command:
        return error
    start = command(*profile.start_command)
    return BackendError(error.message, f"{start}   starts it, says the profile {profile.name}; {error.hint or ''}")


def _is_coming(url: str) -> bool:
    """Whether a server may be ready in a while: it loads, or is being started."""
    return identify(url).state in (State.LOADING, State.REFUSED, State.TIMEOUT, State.OVERLOADED)


def _to_the_cloud(asked: Asked, world: World, wish: Wish, path: str) -> Prepared:
    plan = cloud(world, wish)
    return Prepared(asked, plan, path, wish, plan.headline, plan.said)


def _headline(plan: Plan, choice: Choice) -> str:
    """Where it goes, in a line."""
    backend = choice.backend
    name = f"{plan.profile}, " if plan.profile else ""
    window = f" · window {backend.max_model_len:,}" if backend.max_model_len else ""
    return f"local, once: {name}{backend.host} as {printable(backend.model)}{window} · nothing else changes"


def refuse_forbidden(plan: Plan, world: World) -> None:
    """Raise ClaudeLocalError where this folder is kept to other backends."""
    held = protection.look(str(world.state_dir), world.environ).for_project(str(world.cwd))
    kind, url = plan.cloud or ("unknown", plan.backend.url if plan.backend else None)
    if held.forbids(kind, url):
        what, fix = off_list(held.allowed_backends, kind, url, str(world.cwd))
        raise ClaudeLocalError(what, f"{fix}; nothing was started")


def start(prepared: Prepared, world: World, *, stay: bool) -> int:
    """Start it: in our place, or with `stay` as a child, whose exit code is returned."""
    place = Path(run_files.folder(world.environ, str(world.state_dir)))
    run_files.sweep(str(place))
    plan, environ = prepared.plan, dict(prepared.plan.environ)
    argv, made = list(plan.command), None
    if plan.settings is not None:
        made = runtime.written(place, settings_text.text_of(plan.settings), os.getpid())
        environ[run_files.SETTINGS] = str(made)
        argv = [argv[0], "--settings", str(made), *argv[1:]]
    try:
        if not stay and os.name != "nt":
            process.become(prepared.path, argv, environ)
        code = process.wait_for(prepared.path, argv, environ)
    finally:
        if made is not None:  # also where it could not be started
            made.unlink(missing_ok=True)
    return process.ended_like(code)


def goes_on(prepared: Prepared) -> str:
    """The command that goes on with the session on the same backend, which may be one that was fallen back to."""
    asked, plan = prepared.asked, prepared.plan
    where = {"profile": plan.profile} if plan.profile else {"profile": None, "to_cloud": True} if plan.cloud else {}
    return replace(asked, command=(asked.command[0], "--continue"), **where).again()


def is_session(prepared: Prepared) -> bool:
    """Whether the command is a session of Claude Code's, not one of its other jobs."""
    return prepared.wish.target.is_client and prepared.asked.command[1:2] not in [(job,) for job in _JOBS]


def known(world: World) -> frozenset[str]:
    """The names of the profiles that there are: one's own, and the repository's."""
    from claude_local_plugin.profiles import repository

    own = every(_config_file(world), world.environ)
    try:
        theirs = repository.read(world)
    except SettingsError:  # whoever names one of its profiles is told what is wrong
        return frozenset(own)
    return frozenset({*own, *(theirs.profiles if theirs else ())})


#: Claude Code's subcommands (of 2.1.332), none of which is a session.
_JOBS = (
    "agents",
    "attach",
    "auth",
    "auto-mode",
    "config",
    "doctor",
    "gateway",
    "import",
    "install",
    "kill",
    "logs",
    "mcp",
    "plugin",
    "plugins",
    "purge",
    "respawn",
    "rm",
    "setup-token",
    "stop",
    "ultrareview",
    "update",
    "upgrade",
    # which only print
    "--help",
    "-h",
    "--version",
    "-v",
)
