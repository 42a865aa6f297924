"""The window in tokens: what Claude Code's own prompt, answers and compaction take of it, and who fits beside whom."""

from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.claude import FALSY, is_on
from claude_local_plugin.servers import Server
from claude_local_plugin.servers.compatibility import Needs

#: The variable that chooses between Claude Code's two system prompts, and what `enable` writes for each.
SYSTEM_PROMPT = "CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT"


PROMPTS = {"lean": "1", "full": "0"}


#: Tokens of an interactive session's first prompt, with each of the two system prompts and its tool descriptions.
#: A name of your own gets the lean one, an older Claude model the full one, and SYSTEM_PROMPT chooses for both
#: (2.1.332: system text of 7,664 and 29,239 characters, tools of 35,531 and 50,171).
FIRST_PROMPT = {"lean": 12_883, "full": 21_128}


#: What the prompt grows by when tools are no longer deferred (CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS).
UNDEFERRED_TOOLS = {"lean": 7_319, "full": 9_916}


#: Claude Code compacts at `window - min(max_output, 20000) - 13000` and refuses at `... - 3000`.
COMPACTION_RESERVE = 13_000


#: The output limits we choose from; the client's own default for an unknown model is 32,000.
OUTPUT_LIMITS = (32_000, 16_384, 8_192, 4_096, 2_048)


#: No more than this of the output limit is kept free by the client.
RESERVED_OUTPUT = 20_000


def prompt_chosen(value: str | None) -> str | None:
    """Which system prompt a value of SYSTEM_PROMPT stands for; None where it leaves it to the model's name."""
    return "lean" if is_on(value) else "full" if (value or "").strip().lower() in FALSY else None


def first_prompt_tokens(backend: Backend, needs: Needs) -> int:
    """Tokens of the first prompt of an interactive session under this model's name."""
    extra = UNDEFERRED_TOOLS[backend.prompt_in_use] if needs.disable_betas else 0
    return FIRST_PROMPT[backend.prompt_in_use] + extra


def smallest_window(backend: Backend, needs: Needs) -> int:
    """Tokens that the first prompt, the shortest answer and the compaction reserve need together."""
    return first_prompt_tokens(backend, needs) + OUTPUT_LIMITS[-1] + COMPACTION_RESERVE


def output_limit(backend: Backend, needs: Needs) -> int:
    """The largest limit that leaves two fifths of the free window to the conversation.

    A server that refuses a prompt and a limit which together exceed the window gets none above what the client keeps
    free: a long conversation would be refused before it is compacted.
    """
    free = (backend.max_model_len or 0) - first_prompt_tokens(backend, needs) - COMPACTION_RESERVE
    most = min(free * 0.6, RESERVED_OUTPUT if needs.output_not_clamped else free)
    return next((limit for limit in OUTPUT_LIMITS if limit <= most), OUTPUT_LIMITS[-1])


#: How many subagents a session may have at once, and how many where nothing is set; a call for one more is answered
#: with an error that the model sees. CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY does not hold them back (seen on 2.1.332).
SUBAGENTS_AT_ONCE = "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS"


DEFAULT_SUBAGENTS_AT_ONCE = 20


#: A session with a subagent or two needs that many conversations at once.
FEW = 3


def conversations_at_once(server: Server, window: int | None, smallest: int) -> int | None:
    """How many conversations the server holds at once, by what it says of itself; None where it says nothing.

    vLLM computes it for conversations of the whole window. llama.cpp's slots share one window unless that is split
    among them: so many conversations fit into it as their first prompts do, `smallest` tokens each.
    """
    if server.kv_cache_concurrency is not None:
        return max(1, int(server.kv_cache_concurrency))
    if server.slots is None:
        return None
    return server.slots if window is None else max(1, min(server.slots, window // smallest))


def room_for(server: Server, backend: Backend, needs: Needs) -> int | None:
    """How many conversations under this model's name the server holds at once; None where it says nothing."""
    return conversations_at_once(server, backend.max_model_len, smallest_window(backend, needs))
