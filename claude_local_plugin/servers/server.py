"""What a server is, once it has been asked: its state, its models, and all that it said of itself."""

from dataclasses import dataclass
from enum import StrEnum

#: What gave no sign of any kind.
UNKNOWN = "unknown"


class State(StrEnum):
    """How a server is, as far as it can be told without asking its model for anything."""

    READY = "ready"
    LOADING = "loading"  # alive, the model not yet
    NEEDS_KEY = "needs-key"
    WRONG_KEY = "wrong-key"
    OVERLOADED = "overloaded"
    REFUSED = "refused"  # nothing listens at that port
    UNRESOLVED = "unresolved"  # the host's name is not known
    TIMEOUT = "timeout"
    TLS = "tls"  # no trusted encrypted connection
    NOT_HTTP = "not-http"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A name the server answers to, its window in tokens (None: it does not say), and the weights behind the name.

    `parent` is the served model that an adapter (LoRA) belongs to: it has the window and the family.
    `vision`: whether the server says that the model takes pictures; None where it says nothing of it.
    """

    name: str
    max_model_len: int | None = None
    root: str | None = None
    parent: str | None = None
    vision: bool | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """What answers at a URL.

    `kind` is one of the names in `servers.kinds`. `needs_key`: it refuses requests without a key; `key_accepted`:
    what it said to ours (None: none was sent, or it asks for none). `latency_ms` is the quickest whole answer's time.
    `speaks_messages`: whether it has the Messages API that Claude Code uses (None: it cannot be told from here).
    `problem` says what keeps it from working, or from working fully; it continues a sentence that begins with the
    server's name.

    Of a gateway or router: `engine` is the kind of server behind it, where it shows, `members` are the base URLs of
    those it hands requests to, `dead` those of them that do not answer. `slots` is how many requests llama.cpp works on
    at once (each with the window that it tells); `kv_cache_tokens` and `kv_cache_concurrency` are vLLM's, as in
    Metrics. `model_file` is the file that llama.cpp says it has loaded.
    """

    url: str
    kind: str
    state: State
    version: str | None = None
    models: tuple[ServedModel, ...] = ()
    needs_key: bool = False
    key_accepted: bool | None = None
    latency_ms: float | None = None
    speaks_messages: bool | None = None
    problem: str | None = None
    engine: str | None = None
    members: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    slots: int | None = None
    kv_cache_tokens: int | None = None
    kv_cache_concurrency: float | None = None
    model_file: str | None = None

    @property
    def behaves_as(self) -> str:
        """The kind whose needs and flags count: the engine's behind a router that changes nothing."""
        return self.engine or self.kind

    @property
    def usable(self) -> bool:
        """Whether Claude Code could start a session on it now."""
        return self.state is State.READY and self.speaks_messages is not False

    @property
    def is_model_server(self) -> bool:
        """Whether there is evidence of a model server at all, working or not."""
        return self.kind != UNKNOWN
