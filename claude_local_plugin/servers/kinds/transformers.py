"""`transformers serve`, as 5.19.0 was seen."""

from claude_local_plugin.core.shell import command
from claude_local_plugin.servers.answers import Answer, Answers
from claude_local_plugin.servers.kinds.kind import Kind, Remedies, Sign


def _seen(answers: Answers) -> bool:
    told = answers.get("openapi")
    paths = told.data.get("paths") if isinstance(told, Answer) and isinstance(told.data, dict) else None
    return isinstance(paths, dict) and {"/load_model", "/v1/chat/completions"} <= paths.keys()


KIND = Kind(
    name="transformers",
    label="transformers serve",
    sign=Sign(120, _seen),
    remedies=Remedies(upgrade=command("pip", "install", "--upgrade", "transformers"), never_messages=True),
)
