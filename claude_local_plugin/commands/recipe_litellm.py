"""Makes a LiteLLM configuration for the servers that were named, after asking each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from claude_local_plugin.client_config.headers import from_variable
from claude_local_plugin.commands.recipe_servers import addresses
from claude_local_plugin.core.shell import Words, command, export, then, with_variable
from claude_local_plugin.errors import BackendError, UsageError
from claude_local_plugin.precedence.models import names_of
from claude_local_plugin.profiles.model import TIERS
from claude_local_plugin.recipes.files import File, Made
from claude_local_plugin.recipes.gateways import litellm
from claude_local_plugin.recipes.gateways.litellm import Group, Replica
from claude_local_plugin.servers import Server, identify, kinds
from claude_local_plugin.servers.urls import is_loopback, is_plain_http_remote, normalise
from claude_local_plugin.text import printable

#: The file's name wherever it is written, and the name that a profile gets where tiers go to different servers.
NAME, PROFILE = "litellm.yaml", "team"
#: Where sessions reach LiteLLM if nothing else is said.
HERE = "http://localhost:4000"
#: How long, in seconds, one server may take to say what it is.
PATIENCE = 5.0
#: LiteLLM's own key is for whoever runs it to choose.
_SECRET = "a long secret of your own, as `openssl rand -hex 24` prints"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: `[TIER=]URL[,URL…]`, `[TIER=]NAME` of models, `[TIER=]VARIABLE` of keys."""

    backends: tuple[str, ...]
    models: tuple[str, ...] = ()
    token_envs: tuple[str, ...] = ()
    url: str = HERE
    check: bool = True
    metrics: bool = False
    #: The folder that the file will be in, where that is known.
    folder: Path | None = None


def recipe_litellm(asked: Asked, environ: Mapping[str, str]) -> Made:
    """The file, how LiteLLM is installed and started with it, and how sessions are pointed at it."""
    backends, models, keys = (_by_tier(option, given) for option, given in _options(asked))
    if stray := (models.keys() | keys.keys()) - backends.keys() - {""}:
        raise UsageError(f"no server is named for {min(stray)}", f"--backend {min(stray)}=URL")
    notes: list[str] = []
    groups: list[Group] = []
    for tier, urls in backends.items():
        model, key = models.get(tier, models.get("")), keys.get(tier, keys.get(""))
        if model is None and not asked.check:
            raise UsageError("without asking the server nothing is known of its model", "name it with --model NAME")
        replicas = _replicas(addresses((urls,)), model, key, asked, environ, notes)
        groups.append(Group(_name(replicas[0].model, tier, groups), replicas, (tier,) if tier else ()))
    names = {tier: names_of(tier) for tier in TIERS}
    notes += _remarks(groups, asked)
    head = "LiteLLM in front of servers for Claude Code, made by `claude-local recipe litellm`"
    made = litellm.text(groups, names, head=head, metrics=asked.metrics)
    return Made(_about(groups), (File(NAME, made),), tuple(_steps(groups, asked)), tuple(notes))


def _options(asked: Asked) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (("--backend", asked.backends), ("--model", asked.models), ("--token-env", asked.token_envs))


def _by_tier(option: str, given: Sequence[str]) -> dict[str, str]:
    """Tier -> what was said of it, "" being the tiers that have nothing of their own; those come first."""
    found: dict[str, str] = {}
    for text in given:
        tier, equals, value = text.partition("=")
        named = bool(equals) and tier in TIERS
        if equals and tier.isalpha() and not named and option == "--backend":
            raise UsageError(
                f"{option} {printable(tier)}=… names no tier of Claude Code's", f"one of {', '.join(TIERS)}"
            )
        place, value = (tier, value) if named else ("", text)
        if place in found and option == "--backend":
            value = f"{found[place]},{value}"
        found[place] = value
    return dict(sorted(found.items(), key=lambda pair: bool(pair[0])))


def _replicas(
    bases: Sequence[str],
    model: str | None,
    key: str | None,
    asked: Asked,
    environ: Mapping[str, str],
    notes: list[str],
) -> tuple[Replica, ...]:
    if not asked.check:
        return tuple(Replica(base, str(model), key=key) for base in bases)
    token = from_variable("--token-env", key, environ, "the server's key") if key else None
    servers = {base: identify(base, token=token, timeout=PATIENCE) for base in bases}
    known = {base: server for base, server in servers.items() if server.models}
    if not known:
        said = next(iter(servers.values()))
        raise BackendError(
            f"{printable(said.url)} {said.problem or 'serves no model'}",
            "start it, give its key with --token-env VARIABLE, or leave it unasked: --no-check --model NAME",
        )
    name = model or _common(list(known.values()))
    found = []
    for base, server in servers.items():
        witness = server if base in known else next(iter(known.values()))
        if base not in known:
            notes.append(
                f"{printable(base)} {printable(server.problem or 'serves no model')}: taken to be as the others"
            )
        found.append(_replica(base, witness, name, key))
    return tuple(found)


def _replica(base: str, server: Server, name: str, key: str | None) -> Replica:
    served = next((each for each in server.models if each.name == name), None)
    if served is None and not kinds.of(server.kind).quirks.any_name:
        there = ", ".join(each.name for each in server.models)
        raise UsageError(f"{printable(server.url)} does not serve {printable(name)}", f"it serves {printable(there)}")
    window = (served or server.models[0]).max_model_len
    return Replica(
        base, name, server.behaves_as, server.version, window, speaks_messages=server.speaks_messages, key=key
    )


def _common(servers: Sequence[Server]) -> str:
    """The name that all of them serve; the first of several that stand for the same weights."""
    first, *others = servers
    shared = [each for each in first.models if all(each.name in {m.name for m in other.models} for other in others)]
    shared = [each for each in shared if each.parent is None] or shared
    if not shared:
        there = "; ".join(f"{server.url} {', '.join(m.name for m in server.models)}" for server in servers)
        raise UsageError(
            f"the servers of one group serve no model of the same name: {printable(there)}",
            "give them one --served-model-name, or name each for a tier: --backend haiku=URL",
        )
    if len(shared) > 1 and (None in {each.root for each in shared} or len({each.root for each in shared}) > 1):
        there = ", ".join(each.name for each in shared)
        raise UsageError(f"{printable(first.url)} serves several models: {printable(there)}", "choose: --model NAME")
    return shared[0].name


def _name(model: str, tier: str, groups: Sequence[Group]) -> str:
    """What sessions ask a group for: the model's name, with the tier behind it where another group has that already."""
    return f"{model}-{tier}" if model in {group.name for group in groups} else model


def _about(groups: Sequence[Group]) -> str:
    def one(group: Group) -> str:
        count = len(group.replicas)
        tiers = f" for {', '.join(group.tiers)}" if group.tiers and len(groups) > 1 else ""
        return f"{group.name} on {count} server{'' if count == 1 else 's'}{tiers}"

    return f"{NAME}: {'; '.join(map(one, groups))}"


def _steps(groups: Sequence[Group], asked: Asked) -> list[tuple[str, str]]:
    base = normalise(asked.url)
    listen = "127.0.0.1" if is_loopback(base.host) else "0.0.0.0"
    start = (
        "litellm",
        "--config",
        str(asked.folder / NAME) if asked.folder else NAME,
        "--host",
        listen,
        "--port",
        str(base.port),
    )
    package = f"litellm[proxy]=={litellm.VERSION}"
    more = ("prometheus_client",) if asked.metrics else ()
    return [
        ("install", command("pip", "install", package, *more)),
        ("its key", f"{export(litellm.MASTER_KEY, Words('…'))}   ({_SECRET})"),
        ("start", with_variable(*litellm.NO_PRICE_LIST, *start)),
        ("then", _pointing(groups, base.url)),
    ]


def _pointing(groups: Sequence[Group], url: str) -> str:
    """The command that points sessions at it: for tiers on servers of their own by way of a profile."""
    first, *others = groups
    tiers = [word for group in others for tier in group.tiers for word in (f"--{tier}", group.name)]
    server = ("--url", url, "--token-env", litellm.MASTER_KEY, "--model", first.name)
    if not tiers:
        return command("claude-local", "enable", *server)
    return then(
        command("claude-local", "profile", "add", PROFILE, *server, *tiers), command("claude-local", "enable", PROFILE)
    )


def _remarks(groups: Sequence[Group], asked: Asked) -> list[str]:
    said = []
    if not asked.check:
        said.append("the servers were not asked: requests are translated, which every kind understands")
    if is_plain_http_remote(asked.url):
        host = urlsplit(asked.url).hostname
        said.append(f"plain HTTP: anyone on the path to {host} can read keys, code and prompts; put TLS in front")
    windows = {group.name: group.window for group in groups if group.window}
    if len(set(windows.values())) > 1:
        told = ", ".join(f"{name} {window:,}" for name, window in windows.items())
        said.append(f"windows differ ({told}): a group whose window is smaller takes over for no other")
    return said
