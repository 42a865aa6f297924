"""How far a server's start has come, by the lines that it writes."""

import re
from dataclasses import dataclass
from enum import StrEnum

from claude_local_plugin.servers.kinds import litellm, llama_cpp, vllm


class Stage(StrEnum):
    """The stages of a start, in their order."""

    PULLING = "pulling the image"
    STARTING = "starting"
    DOWNLOADING = "downloading the weights"
    LOADING = "loading the weights"
    COMPILING = "compiling"
    CAPTURING = "capturing CUDA graphs"
    READY = "ready"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """Where a start is: its stage, how much of it is done (0 to 1, where the line says so), and a detail for people."""

    stage: Stage
    share: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Sign:
    """A look that a line may have, the stage it is the sign of, and who alone writes it so, if that is one."""

    look: "re.Pattern[str]"
    stage: Stage
    kind: str | None = None


def _sign(look: str, stage: Stage, kind: str | None = None) -> _Sign:
    return _Sign(re.compile(look), stage, kind)


#: The first that fits counts. Groups: `percent`, `number` of `of`, `detail`, `version`.
_SIGNS = (
    # docker, podman
    _sign(r"Pulling from (?P<detail>\S+)", Stage.PULLING),
    _sign(r"^\S+: (?:Pulling fs layer|Pull complete|Downloading|Extracting|Waiting|Verifying Checksum)", Stage.PULLING),
    _sign(r"^Trying to pull (?P<detail>\S+?)(?:\.\.\.)?$", Stage.PULLING),
    _sign(r"^(?:Copying blob|Getting image source signatures)", Stage.PULLING),
    _sign(r"\bPulling\s*(?P<detail>)$", Stage.PULLING),
    # vLLM
    _sign(r"vLLM API server version (?P<version>[\w.+-]+)", Stage.STARTING, vllm.NAME),
    _sign(r"Initializing a V\d LLM engine \(v(?P<version>[\w.+-]+)\)", Stage.STARTING, vllm.NAME),
    _sign(r"Time spent downloading weights for (?P<detail>\S+):", Stage.DOWNLOADING, vllm.NAME),
    _sign(r"(?P<detail>[\w.-]+\.(?:safetensors|gguf|bin)):\s+(?P<percent>\d+)%\|", Stage.DOWNLOADING),
    _sign(r"^Fetching \d+ files:\s+(?P<percent>\d+)%\|.*?(?P<number>\d+)/(?P<of>\d+)", Stage.DOWNLOADING),
    _sign(
        r"Loading (?:\w+ )?checkpoint shards:\s+(?P<percent>\d+)% Completed \| (?P<number>\d+)/(?P<of>\d+)",
        Stage.LOADING,
        vllm.NAME,
    ),
    _sign(r"Starting to load model (?P<detail>\S+?)\.\.\.", Stage.LOADING, vllm.NAME),
    _sign(r"Loading weights took (?P<detail>[\d.]+ seconds)", Stage.LOADING, vllm.NAME),
    _sign(r"Model loading took (?P<detail>[\d.]+ Gi?B)", Stage.LOADING, vllm.NAME),
    _sign(r"Starting torch\.compile|Dynamo bytecode transform time", Stage.COMPILING, vllm.NAME),
    _sign(r"torch\.compile (?:took|and initial profiling/warmup)|Compiling a graph for", Stage.COMPILING, vllm.NAME),
    _sign(r"KV cache size: (?P<detail>[\d,]+ tokens)", Stage.COMPILING, vllm.NAME),
    _sign(r"Capturing CUDA graphs?\b.*?:\s+(?P<percent>\d+)%\|", Stage.CAPTURING, vllm.NAME),
    _sign(r"Graph capturing finished in (?P<detail>\d+ secs)", Stage.CAPTURING, vllm.NAME),
    _sign(r"Starting vLLM (?:API )?server(?: \d+)? on (?P<detail>\S+)", Stage.CAPTURING, vllm.NAME),
    # LiteLLM
    _sign(r"LiteLLM: Proxy initialized with Config", Stage.LOADING, litellm.NAME),
    _sign(r"LiteLLM proxy refused to start", Stage.STOPPED, litellm.NAME),
    # uvicorn, under vLLM and LiteLLM
    _sign(r"^Application startup complete\.$", Stage.READY),
    _sign(r"^(?:Shutting down|Finished server process|Application shutdown complete)", Stage.STOPPED),
    # llama.cpp
    _sign(r"\bbuild_info: (?P<version>\S+)|^build: (?P<build>\d+ \(\w+\))", Stage.STARTING, llama_cpp.NAME),
    _sign(r"\bload_model: loading model '(?P<detail>[^']+)'", Stage.LOADING, llama_cpp.NAME),
    _sign(r"\bload_tensors: loading model tensors", Stage.LOADING, llama_cpp.NAME),
    _sign(r"\binit: model loaded$", Stage.LOADING, llama_cpp.NAME),
    _sign(r"\bcommon_download\w*:.*downloading from (?P<detail>\S+)", Stage.DOWNLOADING, llama_cpp.NAME),
    _sign(r"\b(?:server is )?listening on (?P<detail>https?://\S+)", Stage.READY, llama_cpp.NAME),
    _sign(r"\bcleaning up before exit", Stage.STOPPED, llama_cpp.NAME),
    _sign(r"exited with code \d+", Stage.STOPPED),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a line says of a start: the step, the server's kind and version as far as the line gives them away."""

    step: Step
    kind: str | None = None
    version: str | None = None


def told_by(text: str) -> Told | None:
    """What a line, without its prefixes, says of a start; None where it says nothing of that."""
    for sign in _SIGNS:
        if found := sign.look.search(text):
            said = {name: value for name, value in found.groupdict().items() if value}
            return Told(
                Step(sign.stage, _share(said), said.get("detail", "")),
                sign.kind,
                said.get("version") or said.get("build"),
            )
    return None


def _share(said: dict[str, str]) -> float | None:
    if "of" in said and int(said["of"]):
        return int(said["number"]) / int(said["of"])
    return int(said["percent"]) / 100 if "percent" in said else None
