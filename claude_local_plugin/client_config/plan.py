"""What `enable` writes for one server into one settings file, each line with the reason it is needed.

Pure: it looks at a Snapshot of the world as it is without us, at what the server said, and answers with lines and
warnings. Facts named here were observed on Claude Code 2.1.329 and vLLM 0.32.0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from claude_local_plugin.core.claude import KEY_DESCRIPTOR, is_on
from claude_local_plugin.core.endpoint import PLACEHOLDER, is_proxied
from claude_local_plugin.core.shell import Words, command, export
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.precedence import Scope, Snapshot, candidates, effective, effective_env
from claude_local_plugin.precedence.models import known_window
from claude_local_plugin.servers import Server, kinds
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.servers.urls import is_plain_http_remote
from claude_local_plugin.settings.document import Append, Set, same, value_at

#: The variable that chooses between Claude Code's two system prompts, and what `enable` writes for each.
SYSTEM_PROMPT = "CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT"
PROMPTS = {"lean": "1", "full": "0"}
#: Tokens of an interactive session's first prompt, with each of the two system prompts and its tool descriptions.
#: A name of your own gets the lean one, an older Claude model the full one, and SYSTEM_PROMPT chooses for both
#: (2.1.332: system text of 7,664 and 29,239 characters, tools of 35,531 and 50,171).
FIRST_PROMPT = {"lean": 12_883, "full": 21_128}
#: What the prompt grows by when tools are no longer deferred (CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS).
UNDEFERRED_TOOLS = {"lean": 7_319, "full": 9_916}
#: Claude Code compacts at `window - min(max_output, 20000) - 13000` and refuses at `... - 3000`.
COMPACTION_RESERVE = 13_000
#: The output limits we choose from; the client's own default for an unknown model is 32,000.
OUTPUT_LIMITS = (32_000, 16_384, 8_192, 4_096, 2_048)
#: No more than this of the output limit is kept free by the client.
RESERVED_OUTPUT = 20_000

ALIAS_VARIABLES = tuple(f"ANTHROPIC_DEFAULT_{tier}_MODEL" for tier in ("OPUS", "SONNET", "HAIKU", "FABLE"))
PROVIDER_SWITCHES = tuple(
    f"CLAUDE_CODE_USE_{name}"
    for name in ("BEDROCK", "VERTEX", "FOUNDRY", "ANTHROPIC_AWS", "ANTHROPIC_GOOGLE_CLOUD", "MANTLE", "GATEWAY")
)

SHELL_CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")

SLOW_PREFILL_MS = "1800000"  # half an hour: the highest that the stream watchdog accepts


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


def prompt_chosen(value: str | None) -> str | None:
    """Which system prompt a value of SYSTEM_PROMPT stands for; None where it leaves it to the model's name."""
    said = (value or "").strip().lower()
    return "lean" if said in ("1", "true", "yes", "on") else "full" if said in ("0", "false", "no", "off") else None


def first_prompt_tokens(backend: Backend, needs: Needs) -> int:
    """Tokens of the first prompt of an interactive session under this model's name."""
    extra = UNDEFERRED_TOOLS[backend.prompt_in_use] if needs.disable_betas else 0
    return FIRST_PROMPT[backend.prompt_in_use] + extra


def smallest_window(backend: Backend, needs: Needs) -> int:
    """Tokens that the first prompt, the shortest answer and the compaction reserve need together."""
    return first_prompt_tokens(backend, needs) + OUTPUT_LIMITS[-1] + COMPACTION_RESERVE


def output_limit(backend: Backend, needs: Needs) -> int:
    """The largest limit that leaves two fifths of the free window to the conversation.

    A server that refuses a prompt and a limit which together exceed the window gets none above what the client keeps
    free: a long conversation would be refused before it is compacted.
    """
    free = (backend.max_model_len or 0) - first_prompt_tokens(backend, needs) - COMPACTION_RESERVE
    most = min(free * 0.6, RESERVED_OUTPUT if needs.output_not_clamped else free)
    return next((limit for limit in OUTPUT_LIMITS if limit <= most), OUTPUT_LIMITS[-1])


def lines(snapshot: Snapshot, backend: Backend, needs: Needs, scope: Scope) -> tuple[Line, ...]:
    """Everything to write into the settings file of `scope`, in the order it is shown.

    `snapshot` is the world without our own earlier edits, so that planning twice gives the same lines.
    """
    return (
        *_routing(snapshot, backend),
        *_credentials(snapshot, backend),
        *_models(snapshot, backend),
        *_window(backend, needs),
        *_system_prompt(snapshot, backend, needs),
        *_protocol(needs, scope),
        *_patience(snapshot),
        *_quiet(snapshot),
        *_compaction(snapshot),
        *_at_once(snapshot, backend),
        *_permissions(snapshot),
        *_denials(backend, needs),
    )


def _env(name: str, value: str, reason: str, *, secret: bool = False) -> Line:
    return Line(("env", name), value, reason, secret)


def _set_anywhere(snapshot: Snapshot, key: str) -> str | None:
    """Where a non-empty value of `key` would be heard from, as people say it; None where nowhere."""
    for candidate in candidates(snapshot, key):
        heard = candidate.state not in ("refused", "dropped")
        if heard and candidate.value and candidate.scope not in (Scope.DEFAULT, Scope.LOGIN, Scope.CONSOLE):
            return "your shell" if candidate.scope is Scope.SHELL else f"{candidate.scope} settings"
    return None


def _in_a_file(snapshot: Snapshot, key: str) -> bool:
    """Whether the user has chosen a value for `key` in a settings file; a shell may change with the window."""
    found = (c for c in candidates(snapshot, key) if c.state == "wins")
    return any(c.scope not in (Scope.SHELL, Scope.DEFAULT) for c in found)


def _routing(snapshot: Snapshot, backend: Backend) -> Iterator[Line]:
    yield _env("ANTHROPIC_BASE_URL", backend.url, "every request goes to your server")
    for switch in PROVIDER_SWITCHES:
        if where := _set_anywhere(snapshot, f"env.{switch}"):
            yield _env(switch, "", f"set in {where}; a provider switch that is on beats the base URL")
    yield from _no_proxy(snapshot, backend)


def _no_proxy(snapshot: Snapshot, backend: Backend) -> Iterator[Line]:
    environ, target = effective_env(snapshot), parse_url(backend.url)
    if target is None or not is_proxied(environ, target):
        return
    # the client hears the lower-case name and, only where that is not set or empty, the other one
    name = "no_proxy" if environ.get("no_proxy") else "NO_PROXY"
    entries = environ.get(name, "").replace(",", " ").split()
    reason = "a proxy is set, and Claude Code would use it even for this host"
    yield _env(name, ",".join([*entries, target.host]), reason)


def _credentials(snapshot: Snapshot, backend: Backend) -> Iterator[Line]:
    if backend.token == PLACEHOLDER:
        yield _env(
            "ANTHROPIC_AUTH_TOKEN", backend.token, "a placeholder: without one your claude.ai login is sent there"
        )
    else:
        yield _env("ANTHROPIC_AUTH_TOKEN", backend.token, "the key of your server", secret=True)
    where = _set_anywhere(snapshot, "env.ANTHROPIC_API_KEY")
    reason = (
        f"the key set in {where} would be sent there too" if where else "a key exported later would be sent there too"
    )
    yield _env("ANTHROPIC_API_KEY", "", reason)
    stray = _key_beside_variables(snapshot)
    if stray and not any(header.name.lower() == "x-api-key" for header in backend.headers):
        # of all that was tried this alone replaces such a key, without a question in an interactive session
        reason = f"{stray} would be sent there too, whatever ANTHROPIC_API_KEY says"
        header = f"x-api-key: {backend.token}"
        text = "\n".join(filter(None, (header, backend.header_text)))
        secret = backend.token != PLACEHOLDER or any(h.secret for h in backend.headers)
        yield _env("ANTHROPIC_CUSTOM_HEADERS", text, reason, secret=secret)
    elif backend.headers:
        reason = "what your server wants besides the key"
        secret = any(header.secret for header in backend.headers)
        yield _env("ANTHROPIC_CUSTOM_HEADERS", backend.header_text, reason, secret=secret)
    elif where := _set_anywhere(snapshot, "env.ANTHROPIC_CUSTOM_HEADERS"):
        yield _env("ANTHROPIC_CUSTOM_HEADERS", "", f"the headers set in {where} would be sent there too")
    if where := _set_anywhere(snapshot, "apiKeyHelper"):
        yield Line(("apiKeyHelper",), "", f"the helper set in {where} would send its key there")


def _key_beside_variables(snapshot: Snapshot) -> str | None:
    """A key that no variable cancels: one handed over by a program, or the saved Console key; None where none is."""
    if snapshot.shell.get(KEY_DESCRIPTOR):
        return f"the key that {KEY_DESCRIPTOR} hands over"
    if any(file.data.get("primaryApiKey") for file in snapshot.of(Scope.CONSOLE)):
        return "the Console key saved in ~/.claude.json"
    return None


def _models(snapshot: Snapshot, backend: Backend) -> Iterator[Line]:
    yield _env("ANTHROPIC_MODEL", backend.model, "the model your server serves")
    for name in ALIAS_VARIABLES:
        tier = name.split("_")[2].lower()
        yield _env(name, backend.model, f"else “{tier}” asks your server for a model of Anthropic's")
    for name in ("CLAUDE_CODE_SUBAGENT_MODEL", "ANTHROPIC_SMALL_FAST_MODEL"):
        where = _set_anywhere(snapshot, f"env.{name}")
        if where and effective(snapshot, f"env.{name}") != backend.model:
            yield _env(name, backend.model, f"set in {where} to a model your server may not serve")


def _window(backend: Backend, needs: Needs) -> Iterator[Line]:
    if backend.max_model_len is None:
        return
    reason = "the server's real window; else Claude Code assumes 1,000,000 and never compacts in time"
    yield _env("CLAUDE_CODE_MAX_CONTEXT_TOKENS", str(backend.max_model_len), reason)
    limit = output_limit(backend, needs)
    yield _env("CLAUDE_CODE_MAX_OUTPUT_TOKENS", str(limit), "the longest answer that fits beside prompt and compaction")


def _system_prompt(snapshot: Snapshot, backend: Backend, needs: Needs) -> Iterator[Line]:
    """The system prompt that was chosen, where nobody else has chosen the same."""
    if backend.prompt is None or prompt_chosen(effective(snapshot, f"env.{SYSTEM_PROMPT}")) == backend.prompt:
        return
    tokens = first_prompt_tokens(backend, needs)
    reason = f"the {backend.prompt} system prompt, with which the first prompt has about {tokens:,} tokens"
    yield _env(SYSTEM_PROMPT, PROMPTS[backend.prompt], reason)


def _protocol(needs: Needs, scope: Scope) -> Iterator[Line]:
    if needs.attribution_off:
        yield _env("CLAUDE_CODE_ATTRIBUTION_HEADER", "0", needs.attribution_off)
    if needs.disable_betas:
        yield _env("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1", needs.disable_betas)
        yield _env("ENABLE_TOOL_SEARCH", "false", needs.disable_betas)
    if needs.model_capabilities and scope is Scope.USER:
        yield _env("CLAUDE_CODE_MODEL_CAPABILITIES", needs.model_capabilities[0], needs.model_capabilities[1])


def _patience(snapshot: Snapshot) -> Iterator[Line]:
    slow = "a long prompt may take minutes to read on your own hardware"
    chosen = (
        ("API_TIMEOUT_MS", SLOW_PREFILL_MS, slow),
        ("API_FORCE_IDLE_TIMEOUT", "0", "else a body that is silent for five minutes is cut off"),
        ("CLAUDE_STREAM_IDLE_TIMEOUT_MS", SLOW_PREFILL_MS, slow),
        ("CLAUDE_CODE_MAX_RETRIES", "2", "else a dead server or a wrong key is three silent minutes"),
    )
    for name, value, reason in chosen:
        if not _in_a_file(snapshot, f"env.{name}"):
            yield _env(name, value, reason)


def _quiet(snapshot: Snapshot) -> Iterator[Line]:
    chosen = (
        (
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
            "no telemetry from sessions here, no update checks, no title requests",
        ),
        ("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "no plugin download at the first start"),
        ("DISABLE_AUTOUPDATER", "no update in the middle of your work here"),
    )
    for name, reason in chosen:
        if not _in_a_file(snapshot, f"env.{name}"):
            yield _env(name, "1", reason)
    if not _in_a_file(snapshot, "skipWebFetchPreflight"):
        yield Line(("skipWebFetchPreflight",), True, "else WebFetch asks api.anthropic.com about each site")


def _permissions(snapshot: Snapshot) -> Iterator[Line]:
    if effective(snapshot, "permissions.disableAutoMode") == "disable":
        return
    if effective(snapshot, "permissions.defaultMode") in (None, "", "auto"):
        reason = "auto mode's safety check runs at Anthropic; elsewhere it stops the first tool call"
        yield Line(("permissions", "defaultMode"), "default", reason)


#: The tool that has Anthropic's API search the web.
WEB_SEARCH = "WebSearch"
#: Rules that keep Claude Code from reading pictures and PDF files, in any folder and however the name is written, by
#: the tool or by @name in a prompt (seen on 2.1.332). What a server of MCP brings they cannot keep out.
NO_PICTURES = tuple(f"Read(**/*.{ending})" for ending in ("png", "jpg", "jpeg", "gif", "webp", "pdf"))


def _denials(backend: Backend, needs: Needs) -> Iterator[Line]:
    if backend.text_only:
        reason = "this model takes no pictures: one would end the session for good"
        yield from (denied(rule, reason) for rule in NO_PICTURES)
    if needs.no_web_search and not backend.web_search:
        yield denied(WEB_SEARCH, needs.no_web_search)


def denied(rule: str, reason: str) -> Line:
    """The line that denies a tool, or what it may be used on."""
    return Line(("permissions", "deny"), rule, reason, item=True)


#: How many subagents a session may have at once, and how many where nothing is set; a call for one more is answered
#: with an error that the model sees. CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY does not hold them back (seen on 2.1.332).
SUBAGENTS_AT_ONCE = "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS"
DEFAULT_SUBAGENTS_AT_ONCE = 20
#: A session with a subagent or two needs that many conversations at once.
FEW = 3


def conversations_at_once(server: Server, window: int | None, smallest: int) -> int | None:
    """How many conversations the server holds at once, by what it says of itself; None where it says nothing.

    vLLM computes it for conversations of the whole window. llama.cpp's slots share one window unless that is split
    among them: so many conversations fit into it as their first prompts do, `smallest` tokens each.
    """
    if server.kv_cache_concurrency is not None:
        return max(1, int(server.kv_cache_concurrency))
    if server.slots is None:
        return None
    return server.slots if window is None else max(1, min(server.slots, window // smallest))


def room_for(server: Server, backend: Backend, needs: Needs) -> int | None:
    """How many conversations under this model's name the server holds at once; None where it says nothing."""
    return conversations_at_once(server, backend.max_model_len, smallest_window(backend, needs))


def _at_once(snapshot: Snapshot, backend: Backend) -> Iterator[Line]:
    if backend.at_once is None or backend.at_once >= FEW or _in_a_file(snapshot, f"env.{SUBAGENTS_AT_ONCE}"):
        return
    count = f"{backend.at_once} conversation{'' if backend.at_once == 1 else 's'}"
    yield _env(SUBAGENTS_AT_ONCE, str(backend.at_once), f"the server holds {count} at once; more wait, or fail")


#: What switches compaction off; a settings file may undo the first, and says yes to the second (seen on 2.1.332).
#: DISABLE_COMPACT no file can undo, and CLAUDE_CODE_AUTO_COMPACT_WINDOW and CLAUDE_AUTOCOMPACT_PCT_OVERRIDE do no harm.
NO_AUTO_COMPACT = "DISABLE_AUTO_COMPACT"
AUTO_COMPACT = "autoCompactEnabled"
NO_COMPACT = "DISABLE_COMPACT"


def _compaction(snapshot: Snapshot) -> Iterator[Line]:
    reason = "compaction is switched off, and a window of this size would end at “Prompt is too long” for good"
    if is_on(effective_env(snapshot).get(NO_AUTO_COMPACT)):
        yield _env(NO_AUTO_COMPACT, "", f"set in {_set_anywhere(snapshot, f'env.{NO_AUTO_COMPACT}')}: {reason}")
    if compaction_key(snapshot) is False:
        yield Line((AUTO_COMPACT,), True, reason)


def compaction_key(snapshot: Snapshot) -> bool | None:
    """What the settings, else Claude Code's own state file, say of compacting by itself; None where nobody does."""
    said = effective(snapshot, AUTO_COMPACT)
    return snapshot.auto_compact if said is None else said == "true"


def is_claude(backend: Backend) -> bool:
    """Whether Claude Code takes the name for a model of Anthropic's whose window it knows better than anybody."""
    return known_window(backend.model) is not None


def warnings(backend: Backend, needs: Needs, scope: Scope, again: Callable[..., str]) -> Iterator[str]:
    """What the server's own answers say against it, in words, each with the command that helps.

    What other settings do to it is explain's to say. `again` gives the command for the same with these changes.
    """
    if is_plain_http_remote(backend.url):
        parts = urlsplit(backend.url)
        host, port = parts.hostname, parts.port or 80
        yield (
            f"plain HTTP: anyone on the path between here and {backend.host} can read your code and prompts; through"
            f" a tunnel nobody can: {command('ssh', '-N', '-L', f'{port}:localhost:{port}', str(host))}, then"
            f" {again(url=f'http://localhost:{port}{parts.path}')}"
        )
    if backend.max_model_len is None:
        learns = kinds.of(backend.kind).quirks.window_later
        later = f"{learns}: run this again then, or " if learns else ""
        yield (
            f"{backend.host} does not say how large its window is, so Claude Code assumes 1,000,000 tokens and never"
            f" compacts in time: {later}name it with --max-model-len N"
        )
    elif (assumed := known_window(backend.model)) and backend.max_model_len < assumed:
        kind = kinds.of(backend.kind)
        how = f" ({kind.label}: {kind.remedies.name_flag})" if kind.remedies.name_flag else ""
        yield (
            f"{backend.model} is taken for a model of Anthropic's with a window of {assumed:,} tokens, whatever"
            f" CLAUDE_CODE_MAX_CONTEXT_TOKENS says, but your server has {backend.max_model_len:,}: serve it under a"
            f" name of its own{how}, then"
            f" {again(url=backend.url, model=Words('NAME'))}"
        )
    for problem in (needs.too_old, needs.thinking_ignored):
        if problem:
            yield problem
    if needs.model_capabilities and scope is not Scope.USER:
        value, reason = needs.model_capabilities
        yield (
            f"{reason}; a project's file may not set the cure:"
            f" {export('CLAUDE_CODE_MODEL_CAPABILITIES', value)}, or"
            f" {again(scope=Scope.USER, url=backend.url, model=backend.model)}"
        )
