"""What to do about a server, in the words of its own kind and out of what it said of itself.

A name that a server answers to is no file: a command names the file or the weights only where the server told them.
"""

import re
from collections.abc import Callable, Mapping

from claude_local_plugin.core.shell import Words, command, export, piped, with_variable
from claude_local_plugin.servers.recognise import ServedModel, Server
from claude_local_plugin.servers.well_known import label

#: A window that leaves room to work beside Claude Code's own prompt.
GOOD_WINDOW = 65_536
#: What keeps a session from asking for thinking, and from sending system messages in the middle of a conversation.
WITHOUT_THINKING = ("CLAUDE_CODE_DISABLE_THINKING", "1")
WITHOUT_MID_CONVERSATION = ("CLAUDE_CODE_MODEL_CAPABILITIES", "-mid_conv_system,-mid_conv_tool_change")
#: The LiteLLM releases that nobody may install.
LITELLM = "litellm[proxy]!=1.82.7,!=1.82.8,!=1.107.0"


def larger_window(server: Server, model: ServedModel, tokens: int = GOOD_WINDOW) -> str:
    """How this server is told to give the model a window of so many tokens."""
    size = str(tokens)
    if server.behaves_as == "vllm" and model.root:
        return command("vllm", "serve", model.root, "--max-model-len", size)
    if server.behaves_as == "llama.cpp":
        # all slots share what -c says, unless there is one
        alone = ["--parallel", "1"] if (server.slots or 1) > 1 else []
        return command("llama-server", "-m", server.model_file or Words("MODEL.gguf"), "-c", size, *alone)
    if server.kind == "lmstudio":
        return command("lms", "load", model.name, "--context-length", size)
    told = {
        "vllm": f"restart vLLM with --max-model-len {size}",
        "sglang": f"restart SGLang with --context-length {size}",
        "ollama": with_variable("OLLAMA_CONTEXT_LENGTH", size, "ollama", "serve"),
        "llama-swap": f"put -c {size} into the model's cmd in llama-swap's config",
    }
    return told.get(server.behaves_as, f"give the model behind {label(server.kind)} a window of {tokens:,} tokens")


def own_name(server: Server, model: ServedModel) -> str:
    """How this server is told to serve the model under a name of its own, `my-model`."""
    name = Words("my-model")
    if server.behaves_as == "vllm" and model.root:
        return command("vllm", "serve", model.root, "--served-model-name", name)
    if server.behaves_as == "llama.cpp":
        return command("llama-server", "-m", server.model_file or Words("MODEL.gguf"), "--alias", name)
    if server.kind == "ollama":
        return command("ollama", "cp", model.name, name)
    if server.kind == "lmstudio":
        return command("lms", "load", model.name, "--identifier", name)
    told = {
        "vllm": f"restart vLLM with --served-model-name {name}",
        "sglang": f"restart SGLang with --served-model-name {name}",
        "litellm": f"model_name: {name} in LiteLLM's config",
    }
    return told.get(server.behaves_as, f"serve it as {name}")


_UPGRADE: Mapping[str, str] = {
    "vllm": command("pip", "install", "--upgrade", "vllm"),
    "sglang": command("pip", "install", "--upgrade", "sglang"),
    "litellm": command("pip", "install", "--upgrade", LITELLM),
    "vllm-router": command("pip", "install", "--upgrade", "vllm-router"),
    "transformers": command("pip", "install", "--upgrade", "transformers"),
    "ollama": piped(command("curl", "-fsSL", "https://ollama.com/install.sh"), command("sh")),
    "claude-code-router": command("npm", "install", "-g", "@musistudio/claude-code-router@latest"),
}


def upgrade(kind: str) -> str:
    """How to get a newer version of this kind of server."""
    return _UPGRADE.get(kind, f"use a newer version of {'the server' if _nameless(kind) else label(kind)}")


def _nameless(kind: str) -> bool:
    return label(kind).startswith(("a ", "an "))


_MORE_AT_ONCE: Mapping[str, str] = {
    "vllm": "raise vLLM's --max-num-seqs",
    "sglang": "raise SGLang's --max-running-requests",
    "llama.cpp": "raise llama-server's --parallel, and its -c with it",
    "ollama": "raise OLLAMA_NUM_PARALLEL",
    "litellm": "add a deployment to LiteLLM's config",
    "vllm-router": "add a worker to vllm-router",
    "production-stack": "add a replica",
}
_MORE_MEMORY: Mapping[str, str] = {
    "vllm": "raise vLLM's --gpu-memory-utilization",
    "sglang": "raise SGLang's --mem-fraction-static",
    "llama.cpp": "raise llama-server's -c",
}


def fewer_or(kind: str, *, memory: bool = False) -> str:
    """What to do where a server has no room for more, at once or in its cache."""
    more = (_MORE_MEMORY if memory else _MORE_AT_ONCE).get(kind)
    return "run fewer sessions at once" + (f", or {more}" if more else "")


def keep_thinking_apart(kind: str, parser: str | None) -> str | None:
    """How a server is told to give thinking back as thinking; None where it cannot be told."""
    named: dict[str, str] = {
        "vllm": f"restart vLLM with --reasoning-parser {parser or 'NAME'}",
        "sglang": f"restart SGLang with --reasoning-parser {parser or 'NAME'}",
        "llama.cpp": "restart llama-server with --reasoning-format auto",
    }
    # which kind of server that is, a gateway does not tell
    behind = (
        f"restart the server behind it: vLLM with --reasoning-parser {parser or 'NAME'}, llama-server with"
        " --reasoning-format auto"
    )
    return named.get(kind, behind if kind in ("litellm", "production-stack") else None)


def without_mid_conversation() -> str:
    """How a session is kept from sending system messages and tools in the middle of a conversation."""
    return export(*WITHOUT_MID_CONVERSATION)


#: What switches the prefix cache on, by kind of server.
_CACHE: Mapping[str, str] = {
    "vllm": "restart vLLM without --no-enable-prefix-caching   (it is on by default)",
    "sglang": "restart SGLang without --disable-radix-cache",
    "llama.cpp": "restart llama-server with --cache-reuse 256 --parallel 1",
}


def cache_on(kind: str) -> str:
    """How the server's prefix cache is switched on."""
    return _CACHE.get(kind, "switch on the server's prefix (prompt) caching")


def tell_cache(kind: str) -> str | None:
    """How the server is told to say what it reused; None where no way is known."""
    return {
        "vllm": "restart vLLM with --enable-prompt-tokens-details",
        "sglang": "restart SGLang with --enable-cache-report --enable-metrics",
        "llama.cpp": "restart llama-server with --metrics",
        "litellm": "where vLLM is behind LiteLLM, restart that with --enable-prompt-tokens-details",
    }.get(kind)


def messages_api(server: Server) -> str:
    """How to come by /v1/messages on this server."""
    # vLLM's frontend names the switch itself
    if switch := re.search(r"\bVLLM_[A-Z_]+=\w+", server.problem or ""):
        return f"restart it with {switch[0]}"
    if server.behaves_as == "vllm":
        return f"{upgrade('vllm')}   (0.11.1 or newer), or put LiteLLM in front of it"
    if server.kind in ("transformers", "openai-only"):
        return "put LiteLLM in front of it, or serve the model with vLLM, llama.cpp, Ollama or LM Studio"
    return f"{upgrade(server.kind)}, or put LiteLLM in front of it"


_LISTS: Mapping[str, Callable[[Server], str]] = {
    "ollama": lambda _: command("ollama", "pull", "qwen3-coder"),
    "lmstudio": lambda _: command("lms", "load"),
    "litellm": lambda _: "name a model under model_list in LiteLLM's config",
}


def load_a_model(server: Server) -> str:
    """What to do about a server that lists no model."""
    found = _LISTS.get(server.kind)
    return found(server) if found else command("curl", "-s", f"{server.url}/v1/models")
