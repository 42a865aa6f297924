"""A LiteLLM configuration for servers that were asked: one name, several boxes, a session always on the same one.

Written for LiteLLM 1.106.2 and 1.110.2, and run on both with Claude Code: a session's requests stay on one replica, a
dead replica is left after one failure, and every name that Claude Code may send is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from claude_local_plugin.servers.compatibility import needs
from claude_local_plugin.servers.server import UNKNOWN
from claude_local_plugin.yaml_document import Commented, write

#: The release to install: a vendor's pin after the intrusions of 2026, and the one that this was first run on. Never
#: 1.82.7, 1.82.8 or 1.107.0, which intruders published.
VERSION = "1.106.2"
#: The variables that the configuration reads.
MASTER_KEY, DATABASE = "LITELLM_MASTER_KEY", "DATABASE_URL"
#: Without this LiteLLM fetches a list of prices from the internet at every start, and waits for it where it cannot.
NO_PRICE_LIST = ("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@dataclass(frozen=True, slots=True)
class Replica:
    """One server of a group, as it was asked: its address without `/v1`, and the name that it serves the model by.

    `key` is the variable of LiteLLM's own environment that holds the server's key.
    """

    url: str
    model: str
    kind: str = UNKNOWN
    version: str | None = None
    window: int | None = None
    speaks_messages: bool | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Servers of one model, and the name that sessions ask for it by; `tiers` are the aliases that it stands behind."""

    name: str
    replicas: tuple[Replica, ...]
    tiers: tuple[str, ...] = ()

    @property
    def window(self) -> int | None:
        """The smallest of the windows: a session may come to any of them."""
        known = [replica.window for replica in self.replicas if replica.window]
        return min(known) if known else None


@dataclass(frozen=True, slots=True)
class Route:
    """How requests go to a server: as they are (`/v1/messages`), or translated (`/v1/chat/completions`), and why."""

    as_it_is: bool
    why: str


def route(replica: Replica) -> Route:
    """The route for a server of this kind and version."""
    if replica.speaks_messages is not True:
        return Route(False, "no Messages API was seen there: LiteLLM translates")
    known = needs(replica.kind, replica.version)
    if known.disable_betas or known.model_capabilities or known.too_old:
        return Route(False, "it may refuse what Claude Code sends today: LiteLLM translates")
    return Route(True, "it has the Messages API: requests go through as they are")


def text(groups: Sequence[Group], names: Mapping[str, Sequence[str]], *, head: str = "", metrics: bool = False) -> str:
    """The file. `names` has the model names that Claude Code may send for each tier, the newest first."""
    return write(document(groups, names, metrics=metrics), head)


def document(groups: Sequence[Group], names: Mapping[str, Sequence[str]], *, metrics: bool = False) -> dict[str, Any]:
    """The content of the file, with a reason for each line."""
    aliases = dict(_aliases(groups, names))
    router: dict[str, Any] = {
        "optional_pre_call_checks": Commented(
            ["session_affinity"], "a session stays on one replica, which has its prefix cached"
        ),
        "num_retries": Commented(2, "a request that met a dead replica goes to another one"),
        "allowed_fails": Commented(1, "so many failures and a replica is left alone"),
        "cooldown_time": Commented(30, "seconds; then it is tried again"),
        "model_group_alias": Commented(aliases, "the names that Claude Code sends by itself"),
    }
    if fallbacks := list(_fallbacks(groups, aliases)):
        router["fallbacks"] = Commented(
            fallbacks, 'when a whole group is down; exact names, since "claude-*" never matches here'
        )
    settings: dict[str, Any] = {"drop_params": Commented(True, "fields that a server does not know are left out")}
    if metrics:
        settings["callbacks"] = Commented(["prometheus"], "/metrics, for `recipe prometheus`")
        settings["require_auth_for_metrics_endpoint"] = Commented(False, "Prometheus has no key; no prompt is in there")
    return {
        "model_list": [_deployment(group, replica) for group in groups for replica in group.replicas],
        "router_settings": router,
        "litellm_settings": settings,
        "general_settings": {
            "master_key": Commented(
                f"os.environ/{MASTER_KEY}", "it does not start without one, nor with a well-known one"
            )
        },
    }


def _deployment(group: Group, replica: Replica) -> dict[str, Any]:
    chosen = route(replica)
    parameters: dict[str, Any] = {
        "model": Commented(f"hosted_vllm/{replica.model}", "openai/ would call /v1/responses"),
        "api_base": f"{replica.url}/v1",
        "api_key": f"os.environ/{replica.key}" if replica.key else Commented("none", "the server asks for none"),
    }
    information: dict[str, Any] = {}
    if chosen.as_it_is:
        information["supported_endpoints"] = Commented(["/v1/messages"], chosen.why)
    else:
        parameters["additional_drop_params"] = Commented(["prompt_cache_key"], "a field that strict servers refuse")
    if group.window is not None:
        information["max_input_tokens"] = Commented(group.window, "the window, which `enable` reads here")
    made: dict[str, Any] = {"model_name": group.name, "litellm_params": parameters}
    if not chosen.as_it_is:
        made["litellm_params"] = Commented(parameters, chosen.why)
    return {**made, "model_info": information} if information else made


def _aliases(groups: Sequence[Group], names: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Name -> group, for every name of every tier that is no group's own."""
    own = {group.name for group in groups}
    for tier, known in names.items():
        group = next((each for each in groups if tier in each.tiers), groups[0])
        yield from ((name, group.name) for name in known if name not in own)


def _fallbacks(groups: Sequence[Group], aliases: Mapping[str, str]) -> Iterator[dict[str, list[str]]]:
    """For each group, and each name that leads to it, the groups that can take over: none with a smaller window."""
    for group in groups:
        others = [each.name for each in groups if each is not group and not _smaller(each, group)]
        if others:
            yield {group.name: others}
            yield from ({name: others} for name, target in aliases.items() if target == group.name)


def _smaller(one: Group, other: Group) -> bool:
    return one.window is not None and other.window is not None and one.window < other.window
