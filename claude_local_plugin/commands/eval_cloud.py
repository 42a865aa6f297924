"""A cloud is evaluated only when it is named in so many words, with what it will cost said first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from claude_local_plugin import config, paths
from claude_local_plugin.commands.measured_here import folder
from claude_local_plugin.core.endpoint import is_cloud
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.core.shell import Words, export
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import UsageError
from claude_local_plugin.evaluation import run as runs
from claude_local_plugin.evaluation.cost import Estimate, estimate
from claude_local_plugin.evaluation.outcome import Prices, Trial
from claude_local_plugin.evaluation.task import Task
from claude_local_plugin.launch import targets
from claude_local_plugin.launch.cloud import cloud
from claude_local_plugin.launch.plan import Plan, Wish
from claude_local_plugin.world import World

#: Where a credential for Anthropic's API is looked for: a trial has neither the user's login nor his settings.
CREDENTIALS = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")


def credential(world: World, token_env: str | None) -> dict[str, str]:
    """The key or token for Anthropic's API, under the name by which Claude Code takes it; UsageError without one."""
    if token_env is not None:
        value = world.environ.get(token_env)
        if not value:
            raise UsageError(f"{token_env} is not set", export(token_env, Words("…")))
        return {token_env if token_env in CREDENTIALS else CREDENTIALS[0]: value}
    found = {name: world.environ[name] for name in CREDENTIALS if world.environ.get(name)}
    if not found:
        raise UsageError(
            f"a trial has not your login: Anthropic's API wants {' or '.join(CREDENTIALS)} in the environment",
            export(CREDENTIALS[0], Words("…")),
        )
    name = next(iter(found))
    return {name: found[name]}


def plan(elsewhere: World, key: Mapping[str, str], model: str) -> Plan:
    """What a session gets that goes to Anthropic's API, in a folder and a home where nobody has set anything."""
    around = replace(elsewhere, environ={**elsewhere.environ, **key, "ANTHROPIC_MODEL": model})
    return cloud(around, Wish(("claude", "-p", "-"), targets.named("claude")))


def prices(world: World) -> tuple[Prices, str]:
    """The user's prices, what is read anew at that of what goes into the cache, which is never below."""
    said = config.load(paths.config_dir(world.environ) / CONFIG_FILE, world.environ).settings.prices
    return Prices(max(said.input, said.cache_write), said.output, said.cache_read), said.currency


def is_paid(url: str) -> bool:
    """Whether an address may be one where every token is paid for: none of this machine's, or of its network's."""
    target = parse_url(url)
    return is_cloud(url) or (target is not None and not target.nearby)


def costs(left: Sequence[Task], world: World) -> Estimate:
    """What these trials, a task for each, will cost."""
    paid, currency = prices(world)
    digests = {task.id: task.digest for task in left}
    return estimate(left, paid, currency, _before(folder(world.state_dir), digests))


def _before(place: Path, digests: Mapping[str, str]) -> list[Trial]:
    """The trials on record of tasks that are the same to the byte."""
    found: list[Trial] = []
    for path in sorted(place.glob("*.jsonl")):
        of = runs.first_line(path)
        same = {task for task, digest in of.tasks.items() if digests.get(task) == digest} if of else set()
        if not same:
            continue
        try:
            found += [trial for trial in runs.read(path).trials if trial.task in same]
        except UsageError:  # cut off, or not ours
            continue
    return found
