"""Values for the Helm chart of vLLM's production-stack: replicas of one server, and a router that keeps sessions.

Written against the chart 0.1.12 and its values.schema.json; its router (snapshot of 2026-08-05) kept five of five
sessions of Claude Code 2.1.332 whole, subagents included, and passed their keys on.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.recipes.catalogue import Argument
from claude_local_plugin.recipes.service import NAMES, Service
from claude_local_plugin.servers.kinds import vllm
from claude_local_plugin.yaml_document import Commented, write

NAME = "production-stack.yaml"
#: The chart's version that the values are for; its router's image has the same.
CHART, CHART_REPOSITORY = "0.1.12", "https://vllm-project.github.io/production-stack"
#: The header that Claude Code sends with every request, its subagents the session's own.
SESSION = "x-claude-code-session-id"
#: The Kubernetes secret with the servers' key, and its one entry.
SECRET, ENTRY = "claude-local", "key"

#: What the chart has values of its own for; the rest are arguments.
_VALUES = {
    "--max-model-len": ("maxModelLen", int),
    "--max-num-seqs": ("maxNumSeqs", int),
    "--gpu-memory-utilization": ("gpuMemoryUtilization", float),
    "--tensor-parallel-size": ("tensorParallelSize", int),
    "--enable-prefix-caching": ("enablePrefixCaching", bool),
    "--enable-chunked-prefill": ("enableChunkedPrefill", bool),
}
#: How often the chart looks at a start by itself, how long one look lasts, and the seconds that it takes to fetch a GiB
#: of weights at a gigabit a second, at the first start.
_LOOKS, _PERIOD, _SECONDS_A_GIB = 60, 10, 9


def values(service: Service, replicas: int) -> str:
    """The file for replicas of this server, on nodes of its hardware."""
    if service.image is None or service.engine != vllm.NAME or not service.hardware.gpus:
        raise ClaudeLocalError(
            f"the production-stack runs vLLM on GPUs, which {service.title} is not",
            "choose another precision (MODEL:PRECISION) or --hardware; or --backend for servers that run already",
        )
    document = {
        "servingEngineSpec": {
            "vllmApiKey": Commented(
                {"secretName": SECRET, "secretKey": ENTRY},
                "everybody in the cluster can reach them: they ask for a key",
            ),
            "startupProbe": {"failureThreshold": _patience(service)},
            "imagePullPolicy": Commented("IfNotPresent", "the tag is pinned"),
            "modelSpec": [_engine(service, replicas)],
        },
        "routerSpec": _router(),
    }
    return write(document, f"{service.title}, {replicas} replicas, for Claude Code: the chart vllm-stack {CHART}")


def values_for_running(servers: Sequence[tuple[str, str]]) -> str:
    """The file for a router alone, before servers (URL, model) that run already."""
    router: dict[str, Any] = {
        "serviceDiscovery": Commented("static", "the servers are outside of the cluster, or not this chart's"),
        "staticBackends": ",".join(url for url, _ in servers),
        "staticModels": Commented(",".join(model for _, model in servers), "what each of them serves, in that order"),
        **_router(),
    }
    document = {
        "servingEngineSpec": {"enableEngine": Commented(False, "no server is started")},
        "routerSpec": router,
    }
    return write(document, f"A router before {len(servers)} servers, for Claude Code: the chart vllm-stack {CHART}")


def _router() -> dict[str, Any]:
    return {
        "routingLogic": Commented("session", "a session stays on one replica, which has its prefix cached"),
        "sessionKey": Commented(SESSION, "Claude Code sends it with every request, subagents the session's own"),
        "tag": Commented(f"v{CHART}", "the chart says latest"),
    }


def _engine(service: Service, replicas: int) -> dict[str, Any]:
    assert service.image is not None
    weights = math.ceil(service.weights_gib)
    made: dict[str, Any] = {
        "name": service.name.replace(".", "-"),
        "repository": service.image.repository,
        "tag": service.image.tag,
        "modelURL": service.model,
        "replicaCount": replicas,
        "requestGPU": Commented(service.hardware.gpus, f"of one replica, on {service.hardware.label}"),
        "requestCPU": Commented(4, "tokenizing and scheduling; the GPU does the rest"),
        "requestMemory": Commented("16Gi", "of the node; the weights lie on the GPU")
        if not service.hardware.unified
        else Commented(f"{weights + 16}Gi", "weights and cache lie in the node's own memory"),
        "pvcStorage": Commented(f"{math.ceil(weights * 1.2)}Gi", "the weights, so that a restart does not fetch them"),
        "pvcAccessMode": Commented(["ReadWriteMany"], "all replicas read them: a storage class that can"),
        "vllmConfig": _config(service.arguments, service.hardware.gpus),
    }
    if service.environment:
        made["env"] = [
            Commented({"name": each.name, "value": str(each.value)}, each.why) for each in service.environment
        ]
    return made


def _config(arguments: Sequence[Argument], gpus: int) -> Mapping[str, Any]:
    """The chart's own values, and the arguments that it has none for."""
    made: dict[str, Any] = {}
    for each in arguments:
        if each.name in _VALUES:
            name, kind = _VALUES[each.name]
            why = f"{each.why}; the chart switches it off" if name == "enablePrefixCaching" else each.why
            made[name] = Commented(True if each.value is None else kind(each.value), why)
    if "tensorParallelSize" not in made:
        made["tensorParallelSize"] = Commented(gpus, "also has the chart give it shared memory")
    rest = [words for each in arguments if each.name not in _VALUES for words in _words(each)]
    return {**made, "extraArgs": rest}


def _words(argument: Argument) -> Iterator[Commented | str]:
    """One argument as entries of the list; the comment stands at its first."""
    if argument.value is None:
        yield Commented(argument.name, argument.why)
    elif argument.name == NAMES:
        yield Commented(argument.name, argument.why)
        yield from argument.value.split()
    else:
        yield Commented(f"{argument.name}={argument.value}", argument.why)


def _patience(service: Service) -> Commented:
    """How often the start is looked at before it counts as failed: weights are fetched, read, and compiled for."""
    seconds = service.load_seconds + _SECONDS_A_GIB * math.ceil(service.weights_gib)
    return Commented(
        max(_LOOKS, math.ceil(seconds / _PERIOD)),
        f"looks, one in {_PERIOD} s: the first start also fetches the weights",
    )
