"""A known failure: how it looks in a log, what has happened, and what to do about it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from claude_local_plugin.checks import Result

Match = re.Match[str]

#: What a line says of this very case: what has happened, and what to do about it where that is not the failure's `fix`.
Told = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Failure:
    """One known failure, by a stable id.

    `what` has happened, `why` in half a sentence, and what to do about it is the `fix`; `tell` says what and fix with
    the figures of the line, where it has some. `looks` are regular expressions, tried on a line without its prefixes.
    `example` is such a line, made after those that `sources` hold; `docs` say more. `but_for` are ids of failures of
    which this one is a consequence: beside one of them it is not worth saying.
    """

    id: str
    what: str
    why: str
    fix: str
    looks: tuple[str, ...]
    example: str
    docs: str
    sources: tuple[str, ...]
    result: Result = Result.ERROR
    tell: Callable[[Match], Told | None] | None = None
    but_for: tuple[str, ...] = ()

    def told(self, found: Match) -> tuple[str, str]:
        """What has happened and what to do, with the figures of the line that was found."""
        what, fix = (self.tell(found) if self.tell else None) or (self.what, None)
        return what, fix or self.fix


def issue(repository: str, number: int) -> str:
    """The address of an issue or pull request on GitHub."""
    return f"https://github.com/{repository}/issues/{number}"


def vllm_code(path: str) -> str:
    """A place in the code that the messages of vLLM were read in."""
    return f"vLLM 0.32.0, vllm/{path}"


def litellm_code(path: str) -> str:
    """A place in the code that the messages of LiteLLM were read in."""
    return f"LiteLLM 1.110.2, litellm/{path}"


#: Where lines of llama.cpp were seen.
LLAMA_SEEN = "llama-server of xllamacpp 2026.10.11549, made to fail so"
