"""llama-swap, read in its sources."""

from claude_local_plugin.servers.answers import Answers, heard, owned_by, text_at
from claude_local_plugin.servers.kinds.kind import Kind, Quirks, Remedies, Sign, Tells


def _seen(answers: Answers) -> bool:
    asks = any('realm="llama-swap"' in answer.headers.get("www-authenticate", "") for answer in heard(answers))
    return asks or owned_by(answers, "llama-swap")


def _version(answers: Answers) -> str | None:
    return text_at(answers.get("api_version"), "version")


KIND = Kind(
    name="llama-swap",
    label="llama-swap",
    sign=Sign(60, _seen),
    tells=Tells(version=_version),
    remedies=Remedies(
        larger_window=lambda _server, _model, size: f"put -c {size} into the model's cmd in llama-swap's config"
    ),
    quirks=Quirks(routes_unlisted=True),
)
