"""claude-code-router, as 2.0.0 was seen."""

from claude_local_plugin.core.shell import command
from claude_local_plugin.servers.answers import Answer, Answers
from claude_local_plugin.servers.kinds.kind import Kind, Quirks, Remedies, Sign, Tells


def _seen(answers: Answers) -> bool:
    root = answers.get("root")
    data = root.data if isinstance(root, Answer) and root.status == 200 else None
    return isinstance(data, dict) and str(data.get("message")).startswith("LLMs API")


KIND = Kind(
    name="claude-code-router",
    label="claude-code-router",
    listed=70,
    ports=(3456,),
    start=command("ccr", "start"),
    sign=Sign(20, _seen),
    tells=Tells(counts_messages=True),
    remedies=Remedies(upgrade=command("npm", "install", "-g", "@musistudio/claude-code-router@latest")),
    quirks=Quirks(routes_unlisted=True, lists_models=False),
)
