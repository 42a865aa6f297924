"""From a box to a proven session: start a model server, follow its start, prove it, give it a name and enable it."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from claude_local_plugin.checks import Finding, Result
from claude_local_plugin.client_config import budget
from claude_local_plugin.commands import doctor, warmup
from claude_local_plugin.commands import enable as enabling
from claude_local_plugin.commands import profile as profiles
from claude_local_plugin.commands.server_in_use import InUse
from claude_local_plugin.core.shell import Words, command, piped, quoted
from claude_local_plugin.deploy import engines, record, running
from claude_local_plugin.deploy.following import Ended, follow, ready
from claude_local_plugin.deploy.host import Host, folder_word, words
from claude_local_plugin.deploy.machine import Machine, look_at
from claude_local_plugin.deploy.record import Deployment
from claude_local_plugin.deploy.start import ENGINES, LOG, STUCK, Start
from claude_local_plugin.errors import BackendError, ClaudeLocalError, UsageError
from claude_local_plugin.precedence import Scope
from claude_local_plugin.server_log import Reading, findings, read
from claude_local_plugin.servers import Server, identify
from claude_local_plugin.servers.well_known import label
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: Where a server of each engine listens where nobody says.
PORTS = {engines.LLAMA: 8080, "docker": 8000, "podman": 8000, engines.COMMAND: 8000}

#: Tokens that Claude Code's first prompt, a short answer and its compaction take together, under a name of one's own.
SMALLEST_WINDOW = budget.FIRST_PROMPT["lean"] + budget.OUTPUT_LIMITS[-1] + budget.COMPACTION_RESERVE

#: Seconds that the first request may take: it compiles what the start has not.
WARM_UP_S = 600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    recipe: str | None = None
    host: str | None = None
    engine: str | None = None
    model: str | None = None
    argv: tuple[str, ...] = ()
    name: str | None = None
    port: int | None = None
    window: int | None = None
    sessions: int = 1
    program: str | None = None
    hardware: str | None = None
    scope: Scope = Scope.LOCAL
    enable: bool = True
    stuck_after: float = STUCK


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that `up` is about to do, before it does any of it; `there` is what runs already."""

    request: Request
    host: Host
    machine: Machine
    start: Start
    there: Deployment | None
    settings_file: Path | None

    @property
    def url(self) -> str:
        """Where the server is reached from here."""
        return self.there.url if self.there else self.start.url


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    deployment: Deployment
    server: Server
    model: str
    started: bool
    findings: tuple[Finding, ...]
    enabled: enabling.Written | None
    prepared: enabling.Prepared | None = field(repr=False)
    stages: tuple[tuple[str, float], ...] = ()

    @property
    def proven(self) -> bool:
        """Whether no check found an error."""
        return not any(each.result in (Result.ERROR, Result.FAILED) for each in self.findings)


class Told(Protocol):
    """Whoever is told how far it is."""

    def reading(self, reading: Reading, line: str) -> None:
        """Something new stands in the server's log."""

    def step(self, text: str) -> None:
        """A step begins."""

    def done(self, text: str) -> None:
        """Something is done."""


class NotReadyError(BackendError):
    """The server did not become ready; `found` is what its log says of that, `tail` its last lines."""

    def __init__(self, message: str, hint: str, found: Sequence[Finding], tail: Sequence[str]) -> None:
        super().__init__(message, hint)
        self.found, self.tail = tuple(found), tuple(tail)


class NotProvenError(BackendError):
    """The server runs, but a session on it would not work; `found` says why."""

    def __init__(self, message: str, hint: str, found: Sequence[Finding]) -> None:
        super().__init__(message, hint)
        self.found = tuple(found)


class StoppedError(ClaudeLocalError):
    """Somebody stopped it in the middle: what was started is stopped again."""

    exit_code = 130


# --- planning


def plan(request: Request, world: World) -> Plan:
    """What would be done; looks at the host, starts and writes nothing.

    Raises UsageError for what was asked wrongly, ClaudeLocalError where it cannot be done: the model does not fit, the
    port is taken, a program is missing, the host cannot be reached.
    """
    engine = _engine(request)
    host = Host(request.host, world.environ, world.home)
    machine = look_at(host)
    start = _start(replace(request, engine=engine), machine, host, world)
    engine = start.engine
    known = record.find(start.name, world.state_dir)
    there = known if known and known.host == request.host and running.is_running(known, host) else None
    if there is None:
        _check_engine(engine, machine, host)
        start = _with_free_port(start, host, request)
    settings_file = enabling._settings_file(request.scope, world) if request.enable else None
    return Plan(request, host, machine, start, there, settings_file)


def _engine(request: Request) -> str | None:
    """The engine that was asked for, or that the rest asks for; None where what fits decides."""
    if request.engine is not None and request.engine not in ENGINES:
        raise UsageError(f"there is no engine {request.engine}", f"the engines: {', '.join(ENGINES)}")
    if request.argv and request.engine not in (None, engines.COMMAND):
        raise UsageError(f"a command of your own is no {request.engine}", "leave --engine out, or the command")
    if request.argv:
        return engines.COMMAND
    if request.model is not None:
        return request.engine or engines.LLAMA
    return request.engine


def _start(request: Request, machine: Machine, host: Host, world: World) -> Start:
    engine = request.engine
    if request.argv:
        cwd = str(world.cwd) if request.host is None else None
        return engines.own_command(request.argv, name=request.name, port=request.port, cwd=cwd)
    if engine == engines.LLAMA and request.model is not None:
        path = request.model
        if request.host is None and not path.startswith("~/"):
            # a link keeps its name, which tells more than that of a cache's file
            path = str((world.cwd / path).parent.resolve() / Path(path).name)
        model = engines.model_file(path, host)
        window = engines.window_for(model, machine.room, request.window, SMALLEST_WINDOW, request.sessions)
        return engines.llama(
            model,
            machine,
            host,
            name=request.name or engines.name_of(path),
            port=request.port or PORTS[engines.LLAMA],
            window=window,
            slots=request.sessions,
            program=request.program or engines.LLAMA_PROGRAM,
        )
    if request.model is not None:
        raise UsageError("--model is a file for llama.cpp", f"--engine {engines.LLAMA}, or name a recipe")
    from claude_local_plugin.commands.up_recipe import recipe_start
    from claude_local_plugin.recipes.fit import Ask

    return recipe_start(
        request.recipe,
        request.engine,
        machine,
        host,
        host.environ,
        ask=Ask(sessions=request.sessions, window=request.window),
        hardware=request.hardware,
        called=request.name,
        port=request.port,
    )


def _check_engine(engine: str, machine: Machine, host: Host) -> None:
    """Raise ClaudeLocalError where the engine is not there, with what its own log reader says to do."""
    wanted = {"docker": ("docker",), "podman": ("podman",)}.get(engine, ())
    for each in wanted:
        if each not in machine.programs:
            raise ClaudeLocalError(
                f"there is no {each} on PATH{host.on}", "install it, or start the server another way: --engine"
            )
    if engine == "docker":
        done = host.run(running.ASK_DOCKER)
        if done.code:
            raise _engine_error(running.ASK_DOCKER, done.said, host)


def _engine_error(line: str, said: str, host: Host) -> ClaudeLocalError:
    found = findings(read(said.splitlines()), None, report="")
    known = next((each for each in found if each.result is Result.ERROR and each.fix), None)
    last = said.splitlines()[-1] if said else "it said nothing"
    if known is None:
        return ClaudeLocalError(f"{line} fails{host.on}: {last}", f"does it work by hand: {host.shown(line)}")
    return ClaudeLocalError(f"{known.what}{host.on}: {line} says: {last}", known.fix)


def _with_free_port(start: Start, host: Host, request: Request) -> Start:
    """The start with the address that it is reached at from here; raises ClaudeLocalError where its port is taken."""
    if host.ssh is None:
        if not _taken(start.port):
            return start
        raise _port_taken(start, request)
    # its port there comes to one here, the same where that is free
    here = start.port if not _taken(start.port) else _free_port()
    return replace(start, url=f"http://127.0.0.1:{here}")


def _taken(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _port_taken(start: Start, request: Request) -> ClaudeLocalError:
    server = identify(start.url, timeout=3.0)
    other = f"--port {_free_port()}"
    if server.models:
        names = ", ".join(printable(each.name) for each in server.models[:3])
        use = command("claude-local", "enable", "--url", start.url)
        return ClaudeLocalError(
            f"port {start.port} is taken: {label(server.kind)} answers there, with {names}",
            f"use it: {use}; or {other}",
        )
    listed = command("ss", "-ltnp", f"sport = :{start.port}")
    return ClaudeLocalError(f"port {start.port} is taken by another program", f"{listed} names it; or {other}")


def lines(plan: Plan) -> Iterator[str]:
    """Everything it will do, a line each."""
    start = plan.start
    if plan.there is not None:
        since = plan.there.started_at.replace("T", " ")[:16]
        yield f"{plan.there.name} runs already{plan.host.on}, at {plan.there.url}, since {since}"
    else:
        yield from start.about
        yield f"start       {start.title}{plan.host.on}"
        if start.window:
            needs = f", about {start.needs:.1f} GiB of memory" if start.needs else ""
            yield f"            window {start.window:,}{needs}"
        for each in start.files:
            yield f"write       {start.folder}/{each}{plan.host.on}"
        if start.in_background:
            yield f"run         {words(*start.argv)}"
            yield f"log         {start.log}{plan.host.on}"
        for each in start.commands:
            yield f"run         {each}{plan.host.on}"
        if plan.host.ssh is not None:
            argv = running.tunnel_argv(plan.host.ssh, _port_of(start.url), start.port)
            yield f"tunnel      {words(*argv)}"
    yield f"then        warm up, and send real requests to {plan.url} (doctor --deep)"
    yield f"profile     {start.name}, in config.toml"
    if plan.settings_file is not None:
        yield f"enable      {plan.settings_file}"


def _port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


# --- doing it


def carry_out(plan: Plan, world: World, told: Told, settled: Callable[[enabling.Prepared], None]) -> Report:
    """Do all of it. What was started is stopped again where it does not become ready, and where somebody interrupts.

    `settled` is called with what `enable` is about to write: it may raise. Raises NotReadyError, NotProvenError, and
    whatever enable refuses.
    """
    with _interruptible():
        deployment = plan.there
        try:
            if deployment is None:
                deployment = _launched(plan, world, told)
            elif plan.host.ssh is not None and not _tunnelled(deployment, world):
                deployment = _with_tunnel(_with_address(deployment), plan.host, world)
            ended = _until_ready(plan, deployment, world, told)
            assert ended.server is not None
            return _proven(plan, deployment, ended.server, world, told, settled)
        except (KeyboardInterrupt, NotReadyError, running.StartFailedError) as fault:
            latest = record.find(plan.start.name, world.state_dir)
            if plan.there is None and latest is not None:
                _taken_back(latest, plan.host, world)
            if isinstance(fault, KeyboardInterrupt):
                raise _interrupted(plan, latest) from None
            raise


@contextmanager
def _interruptible() -> Iterator[None]:
    """An end that somebody asks for by a signal is one like Ctrl-C."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = [(number, signal.signal(number, stop)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in former:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _interrupted(plan: Plan, latest: Deployment | None) -> ClaudeLocalError:
    if plan.there is not None:
        return StoppedError(f"interrupted; {plan.start.name} runs on, as it did before", None)
    left = f"{plan.start.folder}{plan.host.on}" if latest is not None else None
    return StoppedError(
        "interrupted: nothing that was started is left running", f"its files stay: {left}" if left else None
    )


def _launched(plan: Plan, world: World, told: Told) -> Deployment:
    """Start it, and put it on record before anything can go wrong."""
    start, host = plan.start, plan.host
    told.step("starting")
    deployment = Deployment(
        name=start.name,
        engine=start.engine,
        host=host.ssh,
        url=start.url,
        port=start.port,
        model=start.model,
        folder=start.folder,
        files=tuple(f"{start.folder}/{each}" for each in start.files),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        log=start.log if start.in_background else None,
        stop=start.stop,
        follow=start.follow,
        alive=start.alive,
        profile=start.name,
    )
    record.keep(deployment, world.state_dir)
    running.write_files(start, host)
    if start.in_background:
        pid, began = running.start_process(start, host)
        deployment = deployment.with_(pid=pid, began=began)
        record.keep(deployment, world.state_dir)
    else:
        running.start_kept(start, host)
    if host.ssh is not None:
        deployment = _with_tunnel(deployment, host, world)
    return deployment


def _with_tunnel(deployment: Deployment, host: Host, world: World) -> Deployment:
    """The port of the host here, by an ssh of its own."""
    assert host.ssh is not None
    argv = running.tunnel_argv(host.ssh, _port_of(deployment.url), deployment.port)
    pid, began = running.in_background("true", "", argv, "/dev/null", Host(None, world.environ, world.home))
    deployment = deployment.with_(tunnel=pid, tunnel_began=began)
    record.keep(deployment, world.state_dir)
    return deployment


def _with_address(deployment: Deployment) -> Deployment:
    """The same with another port here, where its own is taken by now."""
    if not _taken(_port_of(deployment.url)):
        return deployment
    return deployment.with_(url=f"http://127.0.0.1:{_free_port()}")


def _tunnelled(deployment: Deployment, world: World) -> bool:
    """Whether the ssh that brings its port here runs."""
    here = Host(None, world.environ, world.home)
    return deployment.tunnel is not None and running.began(deployment.tunnel, here) == deployment.tunnel_began


def _until_ready(plan: Plan, deployment: Deployment, world: World, told: Told) -> Ended:
    if plan.there is not None:
        if (server := ready(deployment.url)) is not None:
            return Ended(Reading(), server)
        told.step("it is not ready yet")

    def broken() -> str | None:
        if plan.host.ssh is None or _tunnelled(deployment, world):
            return None
        return f"the tunnel from port {deployment.port} of {plan.host.ssh} has ended"

    ended = follow(deployment, plan.host, told.reading, stuck_after=plan.request.stuck_after, broken=broken)
    if ended.server is not None:
        return ended
    raise _not_ready(plan, deployment, ended)


def _not_ready(plan: Plan, deployment: Deployment, ended: Ended) -> NotReadyError:
    if ended.problem is not None:
        assert plan.host.ssh is not None
        by_hand = command(*running.tunnel_argv(plan.host.ssh, _port_of(deployment.url), deployment.port))
        return NotReadyError(ended.problem, f"what it says: {by_hand}", (), ())
    again = _log_reader(deployment)
    report = f"{again} --json   (and report what it prints)"
    running.keep_log(deployment, plan.host)
    where = None if plan.host.ssh else _here(f"{deployment.folder}/{LOG}", plan.host)
    found = tuple(each for each in findings(ended.reading, where, report=report) if each.result.bad)
    stage = f", {ended.reading.stage}" if ended.stuck and ended.reading.stage else ""
    message = (
        f"{deployment.name} has said nothing for {plan.request.stuck_after / 60:.0f} minutes{stage}, and was stopped"
        if ended.stuck
        else f"{deployment.name} ended before it was ready"
    )
    hint = next((each.fix for each in found if each.fix), None) or f"its whole log: {again}"
    return NotReadyError(message, hint, found, ended.tail)


def _here(folder: str, host: Host) -> Path:
    return host.home / folder[2:] if folder.startswith("~/") else Path(folder)


def _log_reader(deployment: Deployment) -> str:
    """The command that reads the log of a server once more."""
    log = f"{deployment.folder}/{LOG}"
    if deployment.host is not None:
        return piped(command("ssh", deployment.host, f"cat {folder_word(log)}"), READER)
    return command("claude-local", "doctor", "--server-log", home_word(log))


READER = command("claude-local", "doctor", "--server-log", "-")


def home_word(path: str) -> str:
    """A path with `~/` that the shell still expands."""
    return Words(f"~/{quoted(path[2:])}") if path.startswith("~/") else path


def _taken_back(deployment: Deployment, host: Host, world: World) -> None:
    """Stop what was started; a second interruption does not keep it running."""
    with suppress(ClaudeLocalError):
        running.stop(deployment, host)
    _end_tunnel(deployment, world)
    record.forget(deployment, world.state_dir)


def _end_tunnel(deployment: Deployment, world: World) -> bool:
    if deployment.tunnel is None:
        return False
    if not _tunnelled(deployment, world):
        return False
    with suppress(ProcessLookupError):
        os.kill(deployment.tunnel, signal.SIGTERM)
    return True


def _proven(
    plan: Plan,
    deployment: Deployment,
    server: Server,
    world: World,
    told: Told,
    settled: Callable[[enabling.Prepared], None],
) -> Report:
    model = deployment.model or server.models[0].name
    told.done(
        f"{label(server.kind)} {server.version or ''}".strip() + f" is ready at {server.url}, with {printable(model)}"
    )
    told.step("the first request")
    warmed = warmup.warm(InUse(server, model, None, of_folder=False), timeout=WARM_UP_S)
    if not warmed["ok"]:
        raise NotProvenError(f"{server.url} does not answer: {warmed['problem']}", _anyway(deployment), ())
    told.done(f"warm: the first request took {warmed['seconds']:.1f} s")
    checks = _checked(server.url, world, told)
    bad = [each for each in checks if each.result in (Result.ERROR, Result.FAILED)]
    if bad:
        raise NotProvenError(
            f"{deployment.name} runs, but a session on it would not work: {len(bad)} of its checks found an error",
            _anyway(deployment),
            bad,
        )
    _named(deployment, server, model, world)
    told.done(f"profile {deployment.name}")
    if not plan.request.enable:
        return Report(deployment, server, model, plan.there is None, checks, None, None)
    request = enabling.requested(deployment.name, world, scope=plan.request.scope)
    prepared = enabling.prepare(request, world)
    settled(prepared)
    written = enabling.write(prepared, approved=False)
    return Report(deployment, server, model, plan.there is None, checks, written, prepared)


def _anyway(deployment: Deployment) -> str:
    return (
        f"it runs on; {command('claude-local', 'enable', '--url', deployment.url)} uses it all the same,"
        f" {command('claude-local', 'down', deployment.name)} stops it"
    )


def _checked(url: str, world: World, told: Told) -> tuple[Finding, ...]:
    """What the deep checks of server and model find."""
    request = doctor.Request(("server", "model"), url=url, acts=True)
    began = time.monotonic()
    checks, facts = doctor.look(request, world)
    deep = doctor.deep_plan(facts, request, world)

    def progress(number: int, total: int, purpose: str) -> None:
        told.step(f"real requests {number}/{total}: {purpose}")

    facts = doctor.deepen(facts, deep, progress)
    report = doctor.checked(facts, checks, began)
    ran = [each for each in report.findings if each.result is not Result.SKIPPED]
    warned = sum(each.result is Result.WARNING for each in ran)
    listed = command("claude-local", "doctor", "--deep")
    well = f": {warned} warning{'' if warned == 1 else 's'} ({listed} shows them)" if warned else ""
    told.done(f"{len({each.id for each in ran})} checks of server and model, with real requests{well}")
    return report.findings


def _named(deployment: Deployment, server: Server, model: str, world: World) -> None:
    """The profile of that name leads to this server."""
    known = {each["name"]: each for each in profiles.list_profiles(world)["profiles"]}
    wanted = {"url": deployment.url, "model": model}
    if deployment.name not in known:
        profiles.add(world, deployment.name, {key: [value] for key, value in wanted.items()}, profiles.Token())
        return
    changed = [f"{key}={value}" for key, value in wanted.items() if known[deployment.name][key] != value]
    if changed:
        profiles.edit(world, deployment.name, changed, (), profiles.Token())


# --- down, logs


@dataclass(frozen=True, slots=True)
class Down:
    """What `down` has stopped."""

    deployment: Deployment
    stopped: bool
    tunnel: bool


def down(name: str | None, world: World) -> Down:
    """Stop what `up` has started under this name, or the only one; its files stay."""
    deployment = record.only(name, world.state_dir)
    host = Host(deployment.host, world.environ, world.home)
    stopped = running.stop(deployment, host)
    tunnel = _end_tunnel(deployment, world)
    record.forget(deployment, world.state_dir)
    return Down(deployment, stopped, tunnel)


def down_json(result: Down) -> dict[str, Any]:
    """The object that `down --json` prints (schemas/down.schema.json)."""
    return {
        "schema_version": 1,
        "name": result.deployment.name,
        "host": result.deployment.host,
        "url": result.deployment.url,
        "stopped": result.stopped,
        "tunnel_ended": result.tunnel,
        "files": list(result.deployment.files),
        "folder": result.deployment.folder,
        "profile": result.deployment.profile,
    }


def log_lines(name: str | None, world: World, *, follow_it: bool) -> Iterator[str]:
    """The lines of a server's log, and with `follow_it` those that come."""
    deployment = record.only(name, world.state_dir)
    host = Host(deployment.host, world.environ, world.home)
    script = running.follow_script(deployment) if follow_it else running.log_script(deployment)
    with host.following(script) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield line.decode("utf-8", "replace").rstrip("\r\n")


# --- as data


def report_json(plan: Plan, report: Report | None, seconds: float) -> dict[str, Any]:
    """The object that `up --json` prints (schemas/up.schema.json); without a report that of --dry-run."""
    start = plan.start
    counts = {result.value: 0 for result in Result}
    for each in report.findings if report else ():
        counts[each.result.value] += 1
    return {
        "schema_version": 1,
        "name": start.name,
        "engine": start.engine,
        "host": plan.host.ssh,
        "url": plan.url,
        "model": report.model if report else start.model,
        "window": start.window,
        "dry_run": report is None,
        "started": report is not None and report.started,
        "pid": report.deployment.pid if report else None,
        "folder": start.folder,
        "files": [f"{start.folder}/{each}" for each in start.files],
        "log": start.log if start.in_background else None,
        "will": list(lines(plan)) if report is None else [],
        "checks": counts,
        "findings": [each.as_json() for each in report.findings if each.result.bad] if report else [],
        "profile": start.name if report else None,
        "enabled": str(plan.settings_file) if report and report.enabled else None,
        "seconds": round(seconds, 3),
    }
