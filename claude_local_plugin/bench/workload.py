"""What is sent: conversations in the shape of an agent's, a long beginning that all share and small turns after it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claude_local_plugin.errors import UsageError
from claude_local_plugin.servers.messages import conversation

#: Limits of what may be asked for: a benchmark ends.
MOST_PARALLEL = 64
MOST_TURNS = 100
MOST_PROMPT_TOKENS = 1_000_000
#: How many prompts that the server has never seen are timed for the cold figure.
COLD_SAMPLES = 3

_NOUNS = ("parser", "window", "record", "socket", "buffer", "ledger", "folder", "option", "thread", "bundle", "signal")
_VERBS = ("reads", "keeps", "drops", "joins", "marks", "sends", "holds", "turns", "takes")


@dataclass(frozen=True, slots=True)
class Workload:
    """The size of it: tokens of the common beginning, turns of a conversation, tokens of an answer, sessions at once.

    The prompt's tokens are an estimate that holds within a third or so for most tokenizers; reports give what the
    server counted. `nonce` makes this run's prompts differ from every other run's.
    """

    prompt_tokens: int = 12_000
    turns: int = 4
    answer_tokens: int = 64
    concurrency: tuple[int, ...] = (1, 2, 3)
    nonce: str = field(default_factory=lambda: secrets.token_hex(6))

    def __post_init__(self) -> None:
        if not 1 <= self.prompt_tokens <= MOST_PROMPT_TOKENS:
            raise UsageError(f"--prompt-tokens must be from 1 to {MOST_PROMPT_TOKENS:,}")
        if not 1 <= self.turns <= MOST_TURNS:
            raise UsageError(f"--turns must be from 1 to {MOST_TURNS}")
        if not self.concurrency or not all(1 <= parallel <= MOST_PARALLEL for parallel in self.concurrency):
            raise UsageError(f"--concurrency takes numbers from 1 to {MOST_PARALLEL}, such as 1,2,3")
        if not 2 <= self.answer_tokens <= 100_000:
            raise UsageError("--answer-tokens must be from 2 to 100000")

    @property
    def requests(self) -> int:
        """How many requests a run sends at most."""
        return 1 + COLD_SAMPLES + sum(1 + parallel * self.turns for parallel in self.concurrency)

    @property
    def about_tokens(self) -> int:
        """About how many prompt tokens a run sends, cached ones included."""
        return self.requests * self.prompt_tokens

    def ping(self, model: str) -> dict[str, Any]:
        """A request as small as it can be."""
        return conversation(model, [{"role": "user", "content": f"{self.nonce} ping"}], max_tokens=1, stream=True)

    def beginning(self, label: str) -> str:
        """The common beginning for one level; another label gives a beginning that no cache knows."""
        return f"{self.nonce} {label}\n{prose(self.prompt_tokens)}"

    def session(self, model: str, label: str, session: int) -> "Session":
        """A conversation that starts from the beginning with this label."""
        return Session(self, model, label, session)


@dataclass(slots=True)
class Session:
    """One conversation, growing by a question and its answer with every turn."""

    workload: Workload
    model: str
    label: str
    number: int
    messages: list[Mapping[str, Any]] = field(default_factory=list)

    def ask(self, turn: int) -> dict[str, Any]:
        """The next request's body."""
        found = f"Result of step {turn} of task {self.number}: {prose(120, turn)}\n" if turn else ""
        question = f"Task {self.number}. {found}Count from {turn + 1} to one thousand in words, without any other text."
        self.messages.append({"role": "user", "content": question})
        return conversation(
            self.model,
            self.messages,
            max_tokens=self.workload.answer_tokens,
            system=self.workload.beginning(self.label),
            stream=True,
        )

    def heard(self, text: str) -> None:
        """Take the answer into the conversation."""
        self.messages.append({"role": "assistant", "content": text or "(nothing)"})


def prose(tokens: int, start: int = 0) -> str:
    """About this many tokens of text that means nothing, the same every time for the same numbers."""
    sentences = []
    for number in range(start, start + max(1, tokens // 8)):
        noun, verb = _NOUNS[number % len(_NOUNS)], _VERBS[number % len(_VERBS)]
        sentences.append(f"The {noun} {verb} item {number}.")
    return " ".join(sentences)
