"""Where model servers listen unless told otherwise, what each kind is called, and how to start one."""

from collections.abc import Mapping
from dataclasses import dataclass

from claude_local_plugin.core.shell import command, with_variable


@dataclass(frozen=True, slots=True)
class WellKnown:
    """A default port, and the kind of server that usually has it."""

    port: int
    kind: str


WELL_KNOWN = (
    WellKnown(8000, "vllm"),
    WellKnown(8888, "vllm"),
    WellKnown(4000, "litellm"),
    WellKnown(11434, "ollama"),
    WellKnown(8080, "llama.cpp"),
    WellKnown(1234, "lmstudio"),
    WellKnown(30000, "sglang"),
    WellKnown(3456, "claude-code-router"),
)
WELL_KNOWN_PORTS = tuple(row.port for row in WELL_KNOWN)

#: What people call each kind that the probe can recognise.
LABELS: Mapping[str, str] = {
    "vllm": "vLLM",
    "litellm": "LiteLLM",
    "ollama": "Ollama",
    "llama.cpp": "llama.cpp",
    "lmstudio": "LM Studio",
    "sglang": "SGLang",
    "production-stack": "vLLM production-stack",
    "llama-swap": "llama-swap",
    "vllm-router": "vllm-router",
    "claude-code-router": "claude-code-router",
    "portkey": "Portkey's gateway",
    "transformers": "transformers serve",
    "anthropic-compatible": "an Anthropic-compatible server",
    "openai-only": "an OpenAI-only server",
    "anthropic": "Anthropic",
    "unknown": "an unknown server",
}

#: The shortest way to a server of each kind that Claude Code can work with: a window for its prompt, tools parsed.
START: Mapping[str, str] = {
    "vllm": command(
        *("vllm", "serve", "Qwen/Qwen3-Coder-30B-A3B-Instruct", "--served-model-name", "qwen3-coder"),
        *("--max-model-len", "65536", "--enable-auto-tool-choice", "--tool-call-parser", "qwen3_coder"),
    ),
    "llama.cpp": command(
        *("llama-server", "-hf", "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF", "--jinja", "-c", "65536"),
        *("--port", "8080"),
    ),
    "ollama": with_variable("OLLAMA_CONTEXT_LENGTH", "65536", "ollama", "serve"),
    "lmstudio": f"{command('lms', 'server', 'start')}   (and load a model with a context of 65536)",
    "sglang": command(
        *("python", "-m", "sglang.launch_server", "--model-path", "Qwen/Qwen3-Coder-30B-A3B-Instruct"),
        *("--context-length", "65536", "--tool-call-parser", "qwen3_coder"),
    ),
    "litellm": command("litellm", "--config", "config.yaml", "--port", "4000"),
    "claude-code-router": command("ccr", "start"),
}

#: Those that route names which they do not list; and those that answer to any name at all, with the model they have.
ROUTES_UNLISTED = frozenset({"litellm", "llama-swap", "claude-code-router", "portkey", "vllm-router"})
ANY_NAME = frozenset({"llama.cpp"})


#: One server to start when there is none yet, for people who do not say which kind they want.
START_HINT = START["vllm"]


def ports_text() -> str:
    """The well-known ports as people read them: `8000, 8888 (vLLM), 4000 (LiteLLM), …`."""
    ports: dict[str, list[str]] = {}
    for row in WELL_KNOWN:
        ports.setdefault(row.kind, []).append(str(row.port))
    return ", ".join(f"{', '.join(numbers)} ({label(kind)})" for kind, numbers in ports.items())


def label(kind: str) -> str:
    """What people call this kind of server."""
    return LABELS.get(kind, kind)
