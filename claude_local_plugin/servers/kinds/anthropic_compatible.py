"""A server with the Messages API whose maker shows no sign."""

from claude_local_plugin.servers.kinds.kind import COMPATIBLE, Kind, Quirks, Remedies, ToolCalls
from claude_local_plugin.servers.kinds.vllm import LISTING, PARSER, REASONING

#: What does the work there is not known.
TOOL_CALLS = ToolCalls(
    how="restart the server: vLLM with {flags}, llama.cpp with --jinja{note}",
    parser=PARSER,
    reasoning=REASONING,
    listing=LISTING,
)

KIND = Kind(
    name=COMPATIBLE,
    label="an Anthropic-compatible server",
    remedies=Remedies(tool_calls=TOOL_CALLS),
    quirks=Quirks(nameless=True, lists_models=False),
)
