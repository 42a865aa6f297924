"""Running an evaluation: the server of a profile or an address, as `run` would give it to a session, and the trials."""

import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from claude_local_plugin import __version__, config, paths
from claude_local_plugin.client_config.choose_server import Choose, away, choose_server
from claude_local_plugin.commands import eval_cloud
from claude_local_plugin.commands.measured_here import folder, server_label
from claude_local_plugin.commands.run import refuse_forbidden
from claude_local_plugin.core.endpoint import ANTHROPIC_URL
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.evaluation import report as reports
from claude_local_plugin.evaluation import run as runs
from claude_local_plugin.evaluation import suite as suites
from claude_local_plugin.evaluation import trial as trials
from claude_local_plugin.evaluation.cost import Estimate
from claude_local_plugin.evaluation.outcome import Prices, Trial
from claude_local_plugin.evaluation.report import Report
from claude_local_plugin.evaluation.run import Conditions, Result, Told
from claude_local_plugin.evaluation.task import Task
from claude_local_plugin.evaluation.trial import Start
from claude_local_plugin.launch import asked as launch_asked
from claude_local_plugin.launch import plan as launch_plan
from claude_local_plugin.launch import process, settings_text, targets
from claude_local_plugin.launch.plan import Plan, Wish
from claude_local_plugin.precedence import installed_client_version
from claude_local_plugin.profiles import CLOUD, find
from claude_local_plugin.settings.variables import is_secret
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

#: What is run where nobody says what.
SUITE = "smoke"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be evaluated, on what, how often, and where the results go."""

    profile: str | None = None
    url: str | None = None
    model: str | None = None
    token_env: str | None = None
    suite: str | None = None
    pattern: str | None = None
    repeat: int = 1
    parallel: int = 1
    minutes: float | None = None
    seed: int = 0
    output: Path | None = None
    compare: tuple[str, ...] = ()
    isolated: bool = True
    #: Anthropic's API, in so many words; and up to how much may be paid, in the currency of the prices.
    cloud: bool = False
    cost_limit: float | None = None

    def again(self, *more: str) -> str:
        """The command that goes on with it."""
        words: list[str] = []
        for name, value in (
            ("--profile", self.profile),
            ("--url", self.url),
            ("--model", self.model),
            ("--token-env", self.token_env),
        ):
            words += [name, value] if value else []
        words += self.beside(*more)
        return command("claude-local", "eval", *words, *more)

    def beside(self, *more: str) -> tuple[str, ...]:
        """What was asked for but for the server, as words of a command that has these already."""
        options: list[str] = []
        for name, value in (
            ("--suite", self.suite),
            ("--tasks", self.pattern),
            ("--repeat", str(self.repeat) if self.repeat != 1 else None),
            ("--parallel", str(self.parallel) if self.parallel != 1 else None),
            ("--budget", f"{self.minutes:g}" if self.minutes is not None else None),
            ("--seed", str(self.seed) if self.seed else None),
            ("--output", str(self.output) if self.output else None),
            ("--cost-limit", f"{self.cost_limit:g}" if self.cost_limit is not None else None),
        ):
            options += [name, value] if value else []
        options += ["--cloud"] if self.cloud else []
        options += [word for other in self.compare for word in ("--compare", other)]
        options += [] if self.isolated or "--no-isolation" in more else ["--no-isolation"]
        return tuple(options)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An evaluation that can begin: its tasks, its conditions, how each client is started, and the results file."""

    asked: Asked
    tasks: tuple[Task, ...]
    conditions: Conditions
    start: Start
    output: Path
    compared: tuple[tuple[str, Result], ...]
    said: tuple[str, ...] = ()
    #: What it will cost, where somebody is paid for it.
    cost: Estimate | None = None
    #: Why the server cannot be asked; None where it can.
    away: Callable[[], str | None] = lambda: None

    @property
    def minutes_at_most(self) -> float:
        """How long it takes where every trial goes to its limit."""
        whole = sum(task.limits.minutes for task in self.tasks) * self.conditions.repeat
        return whole / self.conditions.parallel


def prepare(asked: Asked, world: World, choose: Choose | None = None) -> Prepared:
    """What is to be run. Writes nothing, and asks the server alone.

    Raises UsageError for what was asked wrongly, BackendError where no server is ready, ClaudeLocalError where a
    session may not go there, and NoBoxError where trials cannot be kept apart.
    """
    if sum(map(bool, (asked.profile, asked.url, asked.cloud))) > 1:
        raise UsageError("a profile, --url and --cloud say different things", "name one of them")
    suite = suites.suite(asked.suite or SUITE)
    tasks = suites.chosen(suite.tasks, asked.pattern) if asked.pattern else suite.tasks
    _refuse_unasked(asked, tasks, world)
    compared = tuple((word, _other(word, world)) for word in asked.compare)
    client = _client(world)
    if asked.isolated:
        trials.possible()
        trials.program(client)
    there = _to_the_cloud(asked, world) if asked.cloud else _planned(asked, world, choose)
    plan = there.plan
    refuse_forbidden(plan, world)
    conditions = _conditions(asked, world, suites.Suite(suite.name, tasks), there, client)
    output = asked.output or _file(conditions, folder(world.state_dir))
    cost = None
    if asked.cost_limit is not None:
        cost = eval_cloud.costs(_left(tasks, conditions, output), world)
    where = urlsplit(there.url)
    start = Start(
        client=client,
        environ={name: value for name, value in plan.environ.items() if name not in ("HOME", "PATH", "PWD")},
        settings=None if plan.settings is None else settings_text.text_of(plan.settings),
        host=where.hostname or "127.0.0.1",
        port=where.port or (443 if where.scheme == "https" else 80),
        isolated=asked.isolated,
        prices=_prices(world) if cost is None else eval_cloud.prices(world)[0],
    )
    return Prepared(asked, tasks, conditions, start, output, compared, plan.said, cost, there.away)


def _client(world: World) -> Path:
    try:
        return Path(process.found("claude", world.environ, world.cwd))
    except ClaudeLocalError as none:
        raise ClaudeLocalError(
            "there is no `claude` on PATH, which is what works on the tasks",
            "install Claude Code (https://claude.ai/install.sh), or add its folder to PATH",
        ) from none


def _refuse_unasked(asked: Asked, tasks: Sequence[Task], world: World) -> None:
    """Raise UsageError where trials would be paid for and that was not asked for in so many words.

    That is Anthropic's API by its own option, its model, and up to how much may be spent; for an address that is not on
    the user's network the last of these. Nobody there is asked anything before.
    """
    cloud = asked.cloud or asked.profile == CLOUD
    if cloud:
        what, meant = "Anthropic's API is", replace(asked, profile=None, cloud=True)
    else:
        url = asked.url or (find(asked.profile, world).url if asked.profile else None)
        if url is None or not eval_cloud.is_paid(url):
            return
        what, meant = f"{printable(url)} is not on your network, and may be", asked
    if asked.cost_limit is not None and (meant is asked or asked.cloud) and (asked.model or not cloud):
        return
    found = eval_cloud.costs([task for task in tasks for _ in range(asked.repeat)], world)
    if meant.cost_limit is None:
        meant = replace(meant, cost_limit=round(found.suggested, 2))
    model = () if asked.model or not cloud else ("--model", Words("MODEL"))
    so_many = f"{found.trials} trial{'' if found.trials == 1 else 's'}"
    raise UsageError(
        f"{what} paid for by the token: {so_many} would cost {found}, at the prices in config.toml",
        meant.again(*model),
    )


def _left(tasks: Sequence[Task], conditions: Conditions, output: Path) -> list[Task]:
    """The task of each trial that is still to be run."""
    done: tuple[Trial, ...] = ()
    if output.exists():
        try:
            before = runs.read(output)
        except UsageError:  # it is said when it is to be written
            before = None
        done = before.trials if before is not None and conditions.differs(before.conditions) is None else ()
    return [task for task, _ in runs.plan(tasks, conditions.repeat, conditions.seed, done)]


@dataclass(frozen=True, slots=True)
class _There:
    """Where the trials go, and what each client is given for it."""

    plan: Plan
    url: str
    model: str
    window: int | None
    server: str
    away: Callable[[], str | None] = lambda: None


@contextmanager
def _elsewhere(world: World) -> Iterator[World]:
    """A folder and a home where nobody has set anything."""
    with tempfile.TemporaryDirectory(prefix="claude-local-eval-") as place:
        empty = Path(place)
        for name in ("home", "project", "state", "managed"):
            (empty / name).mkdir()
        yield World(
            cwd=empty / "project",
            home=empty / "home",
            environ={"PATH": os.defpath, "LANG": "C.UTF-8"},
            state_dir=empty / "state",
            python=world.python,
            client_version=world.client_version,
            managed_dir=empty / "managed",
        )


def _to_the_cloud(asked: Asked, world: World) -> _There:
    """Anthropic's API, with the key or token of the environment."""
    key = eval_cloud.credential(world, asked.token_env)
    assert asked.model is not None
    with _elsewhere(world) as elsewhere:
        plan = eval_cloud.plan(elsewhere, key, asked.model)
    return _There(plan, (plan.cloud[1] if plan.cloud else None) or ANTHROPIC_URL, asked.model, None, "Anthropic's API")


def _planned(asked: Asked, world: World, choose: Choose | None) -> _There:
    """The server, and what `run` would give a session on it in a folder and a home where nobody has set anything."""
    profile = find(asked.profile, world) if asked.profile else None
    request = launch_asked.request(
        world, profile, url=asked.url, model=asked.model, token_env=asked.token_env, check=True
    )
    request = replace(
        request,
        port_scan=False,
        words=("eval",),
        behind=asked.beside(),
        taken=("--url", "--model", "--token-env"),
        profile_by_option=True,
    )
    choice = launch_asked.completed(choose_server(request, world, choose), request)
    with _elsewhere(world) as elsewhere:
        wish = Wish(("claude", "-p", "-"), targets.named("claude"))
        plan = launch_plan.local(elsewhere, wish, choice, profile.name if profile else None)
    backend, server = choice.backend, choice.server
    kind, version = (server.kind, server.version) if server else (backend.kind, backend.version)
    label = server_label(kind, version)
    return _There(plan, backend.url, backend.model, backend.max_model_len, label, lambda: away(backend))


def _conditions(asked: Asked, world: World, suite: suites.Suite, there: _There, client: Path) -> Conditions:
    settings = there.plan.settings or {}
    given = {**settings, "env": {**_own(there.plan.environ), **settings.get("env", {})}}
    return Conditions(
        suite=suite.name,
        digest=suite.digest,
        tasks={task.id: task.digest for task in suite.tasks},
        repeat=asked.repeat,
        seed=asked.seed,
        url=there.url,
        model=there.model,
        window=there.window,
        server=there.server,
        client=installed_client_version({**world.environ, "PATH": str(client.parent)}) or world.client_version or "",
        profile=CLOUD if asked.cloud else asked.profile,
        isolated=asked.isolated,
        settings=_without_secrets(given),
        parallel=asked.parallel,
        claude_local=__version__,
        system=f"{platform.system()} {platform.machine()}",
        began=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        command=replace(asked, output=None, compare=(), minutes=None).again(),
    )


def _own(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in ("PATH", "LANG", "HOME", "PWD")}


def _without_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Names of secrets stay, since whether there is one is part of the conditions."""
    env = {name: "…" if is_secret(name, str(value)) else value for name, value in settings["env"].items()}
    return {**settings, "env": dict(sorted(env.items()))}


def _prices(world: World) -> Prices:
    said = config.load(paths.config_dir(world.environ) / CONFIG_FILE, world.environ).settings.prices
    return Prices(said.input, said.output, said.cache_read)


# --- files


def _file(conditions: Conditions, place: Path) -> Path:
    """The file of an evaluation that was begun and is this one, else one that is not there yet."""
    slug = "".join(each if each.isalnum() or each in "-._" else "-" for each in conditions.model)[:60].strip("-.")
    name = f"{slug}-{conditions.suite}-{hashlib.sha256(str(conditions.seed).encode()).hexdigest()[:4]}"
    number = 1
    while True:
        path = place / (f"{name}.jsonl" if number == 1 else f"{name}-{number}.jsonl")
        if not path.exists():
            return path
        try:
            before = runs.read(path)
        except UsageError:  # one that was cut off in its first line, or is not ours
            before = None
        if before is not None and conditions.differs(before.conditions) is None:
            wanted = {(task, n) for task in conditions.tasks for n in range(conditions.repeat)}
            if wanted - {(trial.task, trial.repeat) for trial in before.trials}:
                return path
        number += 1


def _other(word: str, world: World) -> Result:
    """The results in a file, or the newest of a profile or model."""
    path = world.cwd / word
    if path.is_file():
        return runs.read(path)
    found = []
    for each in sorted(folder(world.state_dir).glob("*.jsonl")):
        try:
            result = runs.read(each)
        except UsageError:  # not whole, or not ours: another one may be meant
            continue
        if word in (result.conditions.profile, result.conditions.model):
            found.append(result)
    if not found:
        raise UsageError(
            f"{printable(word)} is no results file, and no profile or model that was evaluated here",
            "name a file that `claude-local eval --output FILE` has written",
        )
    return max(found, key=lambda result: result.conditions.began)


# --- running


def execute(prepared: Prepared, told: Told | None = None) -> Report:
    """Run what is left of it, and report on all of it."""
    trials.sweep()
    with runs.held(prepared.output):
        result = runs.evaluate(
            prepared.tasks,
            prepared.conditions,
            runs.Log(prepared.output, prepared.conditions),
            lambda task, repeat, stop: trials.run(task, repeat, prepared.start, stop),
            minutes=prepared.asked.minutes,
            cost_limit=prepared.asked.cost_limit,
            told=told,
            away=prepared.away,
        )
    return report(prepared, result)


def report(prepared: Prepared, result: Result) -> Report:
    """The report, with the comparisons that were asked for."""
    return _compared(result, prepared.compared)


def of_file(path: Path, compare: Sequence[str], world: World) -> Report:
    """The report of a results file, however far it has come."""
    return _compared(runs.read(world.cwd / path), [(word, _other(word, world)) for word in compare])


def _compared(result: Result, others: Sequence[tuple[str, Result]]) -> Report:
    return reports.report(result, [reports.against(result, other, _name(word, other)) for word, other in others])


def _name(word: str, other: Result) -> str:
    day = other.conditions.began[:10]
    name = other.conditions.model if other.conditions.model != word else word
    return f"{printable(name)} ({day})" if day else printable(name)
