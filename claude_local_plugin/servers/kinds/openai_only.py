"""A server without the Messages API whose maker shows no sign."""

from claude_local_plugin.servers.kinds.kind import OPENAI_ONLY, Kind, Need, Remedies

KIND = Kind(
    name=OPENAI_ONLY,
    label="an OpenAI-only server",
    needs=(
        Need(
            "too_old",
            None,
            "it speaks OpenAI's API only: put LiteLLM in front of it, or use a server or version with /v1/messages",
        ),
    ),
    remedies=Remedies(never_messages=True),
)
