"""Whatever gave no sign."""

from claude_local_plugin.servers.answers import Question
from claude_local_plugin.servers.kinds.anthropic_compatible import TOOL_CALLS
from claude_local_plugin.servers.kinds.kind import METRICS, Kind, Quirks, Remedies, Tells
from claude_local_plugin.servers.server import UNKNOWN

KIND = Kind(
    name=UNKNOWN,
    label="an unknown server",
    tells=Tells(
        # what FastAPI says of itself, and whose names the metrics have: the last signs there are
        questions=(Question("openapi", "/openapi.json"), METRICS),
        takes_empty_message=True,
    ),
    remedies=Remedies(tool_calls=TOOL_CALLS),
    quirks=Quirks(nameless=True, lists_models=False),
)
