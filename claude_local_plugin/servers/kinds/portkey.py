"""Portkey's gateway, as it was seen."""

from claude_local_plugin.servers.answers import Answer, Answers, heard
from claude_local_plugin.servers.kinds.kind import Kind, Quirks, Sign


def _seen(answers: Answers) -> bool:
    root = answers.get("root")
    greets = isinstance(root, Answer) and root.status == 200 and root.text.strip().startswith("AI Gateway says hey")
    return greets or any(answer.status == 400 and b"x-portkey-" in answer.body for answer in heard(answers))


KIND = Kind(
    name="portkey",
    label="Portkey's gateway",
    sign=Sign(30, _seen),
    quirks=Quirks(
        routes_unlisted=True,
        lists_models=False,
        needs_header=(
            "needs a header that names where to go",
            "name the provider in a header: x-portkey-provider (ANTHROPIC_CUSTOM_HEADERS)",
        ),
    ),
)
