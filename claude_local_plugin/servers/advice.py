"""What to do about a server, in the words of its own kind and out of what it said of itself.

A name that a server answers to is no file: a command names the file or the weights only where the server told them.
"""

from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.server import ServedModel, Server
from claude_local_plugin.servers.well_known import label

#: A window that leaves room to work beside Claude Code's own prompt.
GOOD_WINDOW = 65_536
#: What keeps a session from asking for thinking.
WITHOUT_THINKING = ("CLAUDE_CODE_DISABLE_THINKING", "1")


def larger_window(server: Server, model: ServedModel, tokens: int = GOOD_WINDOW) -> str:
    """How this server is told to give the model a window of so many tokens."""
    way = kinds.of(server.behaves_as).remedies.larger_window
    if way is not None:
        return way(server, model, str(tokens))
    return f"give the model behind {label(server.kind)} a window of {tokens:,} tokens"


def own_name(server: Server, model: ServedModel) -> str:
    """How this server is told to serve the model under a name of its own, `my-model`."""
    way, name = kinds.of(server.behaves_as).remedies.own_name, Words("my-model")
    return f"serve it as {name}" if way is None else way(server, model, name)


def upgrade(kind: str) -> str:
    """How to get a newer version of this kind of server."""
    known = kinds.of(kind).remedies.upgrade
    return known or f"use a newer version of {'the server' if _nameless(kind) else label(kind)}"


def _nameless(kind: str) -> bool:
    return label(kind).startswith(("a ", "an "))


def fewer_or(kind: str, *, memory: bool = False) -> str:
    """What to do where a server has no room for more, at once or in its cache."""
    remedies = kinds.of(kind).remedies
    more = remedies.more_memory if memory else remedies.more_at_once
    return "run fewer sessions at once" + (f", or {more}" if more else "")


def keep_thinking_apart(kind: str, parser: str | None) -> str | None:
    """How a server is told to give thinking back as thinking; None where it cannot be told."""
    way = kinds.of(kind).remedies.thinking_apart
    return None if way is None else way(parser)


def leave_thinking(kind: str) -> str:
    """What is said behind the flags of a restart, so that no parser waits for the end of a thought."""
    return kinds.of(kind).remedies.thinking_left or "without a parser of its thoughts"


def keep_turns(kind: str) -> str:
    """How the server is to render the earlier turns of a conversation as it did before."""
    way = kinds.of(kind).remedies.chat_template or f"have {label(kind)} use another chat template"
    return f"{way}   (one that keeps earlier turns as they were)"


def cache_on(kind: str) -> str:
    """How the server's prefix cache is switched on."""
    return kinds.of(kind).remedies.cache_on or "switch on the server's prefix (prompt) caching"


def tell_cache(kind: str) -> str | None:
    """How the server is told to say what it reused; None where no way is known."""
    return kinds.of(kind).remedies.tell_cache


def messages_api(server: Server) -> str:
    """How to come by /v1/messages on this server."""
    switches = (kind.remedies.messages_switch for kind in kinds.ALL.values())
    for switch in filter(None, switches):
        if said := switch.search(server.problem or ""):
            return f"restart it with {said[0]}"
    if since := kinds.of(server.behaves_as).remedies.messages_since:
        return f"{upgrade(server.behaves_as)}   ({since} or newer), or put LiteLLM in front of it"
    if kinds.of(server.kind).remedies.never_messages:
        return "put LiteLLM in front of it, or serve the model with vLLM, llama.cpp, Ollama or LM Studio"
    return f"{upgrade(server.kind)}, or put LiteLLM in front of it"


def load_a_model(server: Server) -> str:
    """What to do about a server that lists no model."""
    return kinds.of(server.kind).remedies.load_model or command("curl", "-s", f"{server.url}/v1/models")
