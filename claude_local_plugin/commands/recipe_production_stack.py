"""Makes Helm values for vLLM's production-stack: of a recipe, or for servers that run already."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from claude_local_plugin.client_config.headers import from_variable
from claude_local_plugin.commands.recipe_fit import Query, best, known_to
from claude_local_plugin.commands.recipe_servers import addresses
from claude_local_plugin.core.shell import Words, command, then
from claude_local_plugin.errors import UsageError
from claude_local_plugin.recipes import service as services
from claude_local_plugin.recipes.files import File, Made
from claude_local_plugin.recipes.fit import Ask
from claude_local_plugin.recipes.gateways import production_stack
from claude_local_plugin.recipes.gateways.production_stack import CHART, CHART_REPOSITORY, ENTRY, NAME, SECRET
from claude_local_plugin.servers import Server, identify
from claude_local_plugin.text import printable

#: The release's name in the printed commands, the chart's repository there, and where sessions reach the router.
RELEASE, REPOSITORY, HERE = "vllm", "vllm", "http://localhost:8000"
EXAMPLE = ("claude-local", "recipe", "production-stack", "qwen3-coder-30b-a3b", "--hardware", "h100")
#: The file that the servers' key is read from, and the variable that sessions read it from.
KEY_FILE, KEY_VARIABLE = "server.key", "SERVER_KEY"


@dataclass(frozen=True, slots=True)
class Asked:
    """A recipe with its hardware, or servers that run already."""

    recipe: str | None = None
    hardware: str | None = None
    replicas: int = 2
    sessions: int = 4
    window: int | None = None
    backends: tuple[str, ...] = ()
    model: str | None = None
    token_env: str | None = None
    check: bool = True
    #: The folder that the file will be in, where that is known.
    folder: Path | None = None


def recipe_production_stack(asked: Asked, environ: Mapping[str, str]) -> Made:
    """The values, how the chart is installed with them, and how sessions are pointed at its router."""
    if bool(asked.recipe) == bool(asked.backends):
        raise UsageError(
            "name a recipe to start, or servers that run already",
            f"{command(*EXAMPLE)}, or --backend URL,URL",
        )
    return _for_running(asked, environ) if asked.backends else _of_recipe(asked, environ)


def _of_recipe(asked: Asked, environ: Mapping[str, str]) -> Made:
    if asked.hardware is None:
        raise UsageError("what the nodes have is not to be seen from here", "--hardware NAME, as in `recipe list`")
    ask = Ask(sessions=asked.sessions, window=asked.window)
    found = best(environ, Query(asked.recipe, asked.hardware, ask=ask), engine="vllm")
    service = services.service(known_to(environ), found, services.Asked(sessions=asked.sessions))
    window = found.window
    text = production_stack.values(service, asked.replicas)
    about = f"{NAME}: {asked.replicas} replicas of {service.title}, window {window:,}, {asked.sessions} sessions each"
    secret = command("kubectl", "create", "secret", "generic", SECRET, f"--from-file={ENTRY}={KEY_FILE}")
    steps = (
        ("its key", f"{secret}   ({KEY_FILE}: a long secret of your own, without a line's end)"),
        *_steps(service.names[0], asked, key=KEY_VARIABLE),
    )
    return Made(about, (File(NAME, text),), steps, _REMARKS)


def _for_running(asked: Asked, environ: Mapping[str, str]) -> Made:
    urls = addresses(asked.backends)
    token = from_variable("--token-env", asked.token_env, environ, "the servers' key") if asked.token_env else None
    if not asked.check and asked.model is None:
        raise UsageError("without asking the servers nothing is known of their model", "name it with --model NAME")
    servers = [(url, asked.model or _served(identify(url, token=token, timeout=5.0))) for url in urls]
    models = dict.fromkeys(model for _, model in servers)
    about = f"{NAME}: a router before {len(servers)} servers of {', '.join(models)}"
    steps = _steps(next(iter(models)), asked, key=asked.token_env)
    return Made(about, (File(NAME, production_stack.values_for_running(servers)),), steps, _REMARKS)


_REMARKS = ("the router counts no tokens (/v1/messages/count_tokens is 404): Claude Code estimates them",)


def _served(server: Server) -> str:
    if not server.models:
        raise UsageError(
            f"{printable(server.url)} {printable(server.problem or 'serves no model')}",
            "start it, or leave it unasked: --no-check --model NAME",
        )
    return server.models[0].name


def _steps(model: str, asked: Asked, key: str | None) -> tuple[tuple[str, str], ...]:
    file = str(asked.folder / NAME) if asked.folder else NAME
    token = ("--token-env", key) if key else ()
    chart = command("helm", "upgrade", "--install", RELEASE, f"{REPOSITORY}/vllm-stack", "--version", CHART, "-f", file)
    reach = command("kubectl", "port-forward", f"service/{RELEASE}-router-service", Words("8000:80"))
    return (
        ("install", then(command("helm", "repo", "add", REPOSITORY, CHART_REPOSITORY), chart)),
        ("reach it", reach),
        ("then", command("claude-local", "enable", "--url", HERE, *token, "--model", model)),
    )
