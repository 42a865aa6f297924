"""What Claude Code is told about a server: the server as its sessions are to use it, and the lines that say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.settings.document import Append, Set, same, value_at


@dataclass(frozen=True, slots=True)
class Line:
    """One settings key to set, with the one-line reason shown to the user."""

    path: tuple[str, ...]
    value: object = field(repr=False)
    reason: str
    secret: bool = False
    #: The value is one item of the list at `path`, which keeps its others.
    item: bool = False

    @property
    def key(self) -> str:
        """The key as every command names it: `env.NAME`, `apiKeyHelper`, `permissions.defaultMode`."""
        return ".".join(self.path)

    def change(self) -> Set | Append:
        """The line as an edit of a settings document."""
        return Append(self.path, self.value) if self.item else Set(self.path, self.value)

    def stands_in(self, text: str | None) -> bool:
        """Whether a settings document says so already."""
        found = value_at(text or "", self.path)
        if self.item:
            return isinstance(found, list) and any(same(each, self.value) for each in found)
        return same(found, self.value)


@dataclass(frozen=True, slots=True)
class Header:
    """A header that belongs to the server and goes with every request."""

    name: str
    value: str = field(repr=False)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is wanted of sessions beyond the server, the model and the key; what is None is left to `build`.

    `tiers`: a model for each alias (`opus`, `sonnet`, `haiku`, `fable`). Times are in milliseconds. `env`: further
    variables. `helper`: the command that Claude Code asks for the key, which then stands in no file.
    """

    tiers: Mapping[str, str] = field(default_factory=dict)
    subagent: str | None = None
    max_output: int | None = None
    api_timeout_ms: int | None = None
    stream_idle_timeout_ms: int | None = None
    max_retries: int | None = None
    #: "default", "quiet" or "airgap": see `build.privacy_lines`.
    privacy: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    helper: str | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """What the sessions are to use: the server, the model, its window in tokens, and the token sent to it."""

    url: str
    kind: str
    model: str
    max_model_len: int | None
    version: str | None = None
    token: str = field(default=PLACEHOLDER, repr=False)
    headers: tuple[Header, ...] = ()
    #: Whether its model was found to take no pictures, so that reading one would end a session.
    text_only: bool = False
    #: How many conversations the server holds at once; None where it does not say, or where nothing is to be limited.
    at_once: int | None = None
    #: Whether WebSearch is left as it is, although the server searches nothing.
    web_search: bool = False
    #: "full" or "lean" where somebody chose Claude Code's system prompt, None where the model's name does.
    prompt: str | None = None
    preferences: Preferences = field(default_factory=Preferences)

    @property
    def host(self) -> str:
        """Host and port as people say them."""
        return urlsplit(self.url).netloc

    @property
    def prompt_in_use(self) -> str:
        """Which of the two system prompts sessions get: the one chosen, else the one that goes with the name."""
        return self.prompt or ("full" if self.model.lower().startswith("claude-") else "lean")

    @property
    def header_text(self) -> str:
        """The headers as they stand in ANTHROPIC_CUSTOM_HEADERS."""
        return "\n".join(f"{header.name}: {header.value}" for header in self.headers)
