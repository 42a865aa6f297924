"""What a session died of, read from the last thing its server said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from claude_local_plugin.rescue.repair import ALWAYS, SAFE, Kind

#: What servers say, and the kind that is meant; the first that fits counts. Wordings of vLLM 0.32 and 0.33, llama.cpp,
#: LiteLLM 1.110, Anthropic's API and the client itself.
_TOO_LONG = (
    r"prompt is too long|context (?:length|size|window)|maximum (?:model |context )?length|too many tokens|max_tokens"
    r"|exceed\w* (?:the )?(?:available )?(?:context|maximum)|input length|request too large|n_ctx"
)
_NOT_KNOWN = (
    r"expected tags|input tag|unsupported content|unknown (?:content|block|variant|type)|content type|discriminator"
    r"|unexpected content"
)
_SAYINGS = (
    (Kind.LENGTH, _TOO_LONG),
    (Kind.IMAGES, r"\bimages?\b|image_url|multi-?modal|\bvision\b|mmproj|\bpdf\b|\bpictures?\b|document block"),
    (Kind.SIGNED_THINKING, r"invalid `?signature|signature.{0,40}(?:invalid|verif|does not match|expired)"),
    (Kind.THINKING, r"\bthinking\b|signature"),
    (Kind.TOOLS, r"tool_use.{0,80}tool_result|tool_result.{0,80}tool_use|tool_call_id|tool_use_id|tool messages?"),
    (Kind.UNKNOWN, _NOT_KNOWN),
    (Kind.EMPTY, r"non-?empty|must not be empty|empty content|content is empty|at least one (?:block|content)"),
)
_MODEL = re.compile(
    r"selected model|model.{0,120}(?:does not exist|not found|not exist|is not served|unknown)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a session does not go on.

    `kind` is what was refused, None where what was said fits nothing known; `model_gone` that it is the model that is
    not there. `said` are the words, "" where no request failed. `kinds` is what a copy is made without.
    """

    kind: Kind | None
    said: str
    model_gone: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What to leave out of the copy by default."""
        if self.model_gone:
            return ALWAYS
        if self.kind is None:
            return SAFE if self.said else ALWAYS
        # a conversation that has to be shorter is shorter without pictures too; thoughts are of one kind to a stranger
        more = {Kind.SIGNED_THINKING: (Kind.THINKING,)}.get(self.kind, ())
        return tuple(dict.fromkeys((*ALWAYS, self.kind, *more)))


def cause_of(lines: Sequence[dict[str, Any]]) -> Cause:
    """What the transcript's last failed request says; only one that no answer has come after counts."""
    said, status = _last_failure(lines)
    if not said:
        return Cause(None, "")
    if status == 404 and _MODEL.search(said):
        return Cause(None, said, model_gone=True)
    for kind, pattern in _SAYINGS:
        if re.search(pattern, said, re.IGNORECASE | re.DOTALL):
            return Cause(kind, said)
    return Cause(None, said, model_gone=bool(_MODEL.search(said)))


def _last_failure(lines: Sequence[dict[str, Any]]) -> tuple[str, int | None]:
    for line in reversed(lines):
        message = line.get("message")
        if (
            line.get("type") == "system"
            and line.get("subtype") == "local_command"
            and "Error during compaction" in str(line.get("content"))
        ):
            return str(line["content"]), None
        if line.get("type") != "assistant" or line.get("isSidechain") or not isinstance(message, dict):
            continue
        if not line.get("isApiErrorMessage"):
            return "", None
        content = message.get("content")
        blocks = content if isinstance(content, list) else [{"text": content}]
        text = "\n".join(str(block.get("text", "")) for block in blocks if isinstance(block, dict))
        status = line.get("apiErrorStatus")
        return text, status if isinstance(status, int) else None
    return "", None
