"""What `enable` writes for one server into one settings file, each line with the reason it is needed.

Pure: it looks at a Snapshot of the world as it is without us, at what the server said, and answers with lines and
warnings. Facts named here were observed on Claude Code 2.1.329 and vLLM 0.32.0.
"""

from collections.abc import Iterator

from claude_local_plugin.client_config.budget import (
    FEW,
    PROMPTS,
    SUBAGENTS_AT_ONCE,
    SYSTEM_PROMPT,
    first_prompt_tokens,
    output_limit,
    prompt_chosen,
)
from claude_local_plugin.client_config.destination import Destination, accepted
from claude_local_plugin.client_config.model import Backend, Line
from claude_local_plugin.core.claude import KEY_DESCRIPTOR, PROVIDERS, is_on
from claude_local_plugin.core.endpoint import PLACEHOLDER, is_proxied
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.precedence import Scope, Snapshot, candidates, effective, effective_env
from claude_local_plugin.servers.compatibility import Needs

ALIAS_VARIABLES = tuple(f"ANTHROPIC_DEFAULT_{tier}_MODEL" for tier in ("OPUS", "SONNET", "HAIKU", "FABLE"))
PROVIDER_SWITCHES = tuple(switch for switch, *_ in PROVIDERS)

SHELL_CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")

SLOW_PREFILL_MS = "1800000"  # half an hour: the highest that the stream watchdog accepts


def lines(snapshot: Snapshot, backend: Backend, needs: Needs, destination: Destination) -> tuple[Line, ...]:
    """Everything that the destination is to hold, in the order it is shown.

    `snapshot` is the world without our own earlier edits, so that planning twice gives the same lines.
    """
    wanted = (
        *_routing(snapshot, backend),
        *_credentials(snapshot, backend),
        *_models(snapshot, backend),
        *_window(backend, needs),
        *_system_prompt(snapshot, backend, needs),
        *_protocol(needs),
        *_patience(snapshot, backend),
        *privacy_lines(snapshot, level_of(backend)),
        *_compaction(snapshot),
        *_at_once(snapshot, backend),
        *_permissions(snapshot),
        *_denials(backend, needs),
        *(_env(name, value, "the profile says so") for name, value in backend.preferences.env.items()),
    )
    return accepted(destination, wanted)


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
    helper = backend.preferences.helper
    if helper is not None:
        reason = "a token beside the helper's key would be sent in its place, and vLLM reads that one alone"
        yield _env("ANTHROPIC_AUTH_TOKEN", "", reason)
    elif backend.token == PLACEHOLDER:
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
    if helper is not None:
        yield Line(("apiKeyHelper",), helper, "gives the server's key at each start, so that it stands in no file")
    elif where := _set_anywhere(snapshot, "apiKeyHelper"):
        yield Line(("apiKeyHelper",), "", f"the helper set in {where} would send its key there")


def _key_beside_variables(snapshot: Snapshot) -> str | None:
    """A key that no variable cancels: one handed over by a program, or the saved Console key; None where none is."""
    if snapshot.shell.get(KEY_DESCRIPTOR):
        return f"the key that {KEY_DESCRIPTOR} hands over"
    if any(file.data.get("primaryApiKey") for file in snapshot.of(Scope.CONSOLE)):
        return "the Console key saved in ~/.claude.json"
    return None


def _models(snapshot: Snapshot, backend: Backend) -> Iterator[Line]:
    wanted = backend.preferences
    yield _env("ANTHROPIC_MODEL", backend.model, "the model your server serves")
    for name in ALIAS_VARIABLES:
        tier = name.split("_")[2].lower()
        chosen = wanted.tiers.get(tier)
        reason = f"what “{tier}” stands for" if chosen else f"else “{tier}” asks your server for a model of Anthropic's"
        yield _env(name, chosen or backend.model, reason)
    small = wanted.tiers.get("haiku", backend.model)
    if wanted.subagent is not None:
        yield _env("CLAUDE_CODE_SUBAGENT_MODEL", wanted.subagent, "the model of subagents")
    others = {"CLAUDE_CODE_SUBAGENT_MODEL": wanted.subagent or backend.model, "ANTHROPIC_SMALL_FAST_MODEL": small}
    for name, value in others.items():
        where = _set_anywhere(snapshot, f"env.{name}")
        said = name == "CLAUDE_CODE_SUBAGENT_MODEL" and wanted.subagent is not None
        if where and not said and effective(snapshot, f"env.{name}") != value:
            yield _env(name, value, f"set in {where} to a model your server may not serve")


def _window(backend: Backend, needs: Needs) -> Iterator[Line]:
    if backend.max_model_len is None:
        return
    reason = "the server's real window; else Claude Code assumes 1,000,000 and never compacts in time"
    yield _env("CLAUDE_CODE_MAX_CONTEXT_TOKENS", str(backend.max_model_len), reason)
    limit = backend.preferences.max_output or output_limit(backend, needs)
    yield _env("CLAUDE_CODE_MAX_OUTPUT_TOKENS", str(limit), "the longest answer that fits beside prompt and compaction")


def _system_prompt(snapshot: Snapshot, backend: Backend, needs: Needs) -> Iterator[Line]:
    """The system prompt that was chosen, where nobody else has chosen the same."""
    if backend.prompt is None or prompt_chosen(effective(snapshot, f"env.{SYSTEM_PROMPT}")) == backend.prompt:
        return
    tokens = first_prompt_tokens(backend, needs)
    reason = f"the {backend.prompt} system prompt, with which the first prompt has about {tokens:,} tokens"
    yield _env(SYSTEM_PROMPT, PROMPTS[backend.prompt], reason)


def _protocol(needs: Needs) -> Iterator[Line]:
    if needs.attribution_off:
        yield _env("CLAUDE_CODE_ATTRIBUTION_HEADER", "0", needs.attribution_off)
    if needs.disable_betas:
        yield _env("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1", needs.disable_betas)
        yield _env("ENABLE_TOOL_SEARCH", "false", needs.disable_betas)
    if needs.model_capabilities:
        yield capabilities(needs.model_capabilities)


def capabilities(wanted: tuple[str, str]) -> Line:
    """The line that says what the server's models can do, by the value and its reason."""
    return _env("CLAUDE_CODE_MODEL_CAPABILITIES", *wanted)


def _patience(snapshot: Snapshot, backend: Backend) -> Iterator[Line]:
    slow = "a long prompt may take minutes to read on your own hardware"
    wanted = backend.preferences
    chosen = (
        ("API_TIMEOUT_MS", wanted.api_timeout_ms, SLOW_PREFILL_MS, slow),
        ("API_FORCE_IDLE_TIMEOUT", None, "0", "else a body that is silent for five minutes is cut off"),
        ("CLAUDE_STREAM_IDLE_TIMEOUT_MS", wanted.stream_idle_timeout_ms, SLOW_PREFILL_MS, slow),
        (
            "CLAUDE_CODE_MAX_RETRIES",
            wanted.max_retries,
            "2",
            "else a dead server or a wrong key is three silent minutes",
        ),
    )
    for name, said, value, reason in chosen:
        if said is not None:
            yield _env(name, str(said), reason)
        elif not _in_a_file(snapshot, f"env.{name}"):
            yield _env(name, value, reason)


#: The levels of privacy, each keeping back what the one before does and more; what is written where none is named.
LEVELS = ("default", "quiet", "airgap")
QUIET, AIRGAP = LEVELS[1:]


def level_of(backend: Backend) -> str:
    """The level that its sessions are to have."""
    return backend.preferences.privacy or QUIET


def privacy_lines(snapshot: Snapshot, level: str) -> tuple[Line, ...]:
    """The lines of a level. What somebody has chosen for a file stays, but at `airgap`, which is a promise."""
    if level == AIRGAP:
        return (*QUIET_LINES, *_airgap(snapshot))
    return tuple(line for line in QUIET_LINES if level == QUIET and not _in_a_file(snapshot, line.key))


QUIET_LINES = (
    _env(
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        "1",
        "no telemetry from sessions here, no update checks, no title requests",
    ),
    _env("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "1", "no plugin download at the first start"),
    _env("DISABLE_AUTOUPDATER", "1", "no update in the middle of your work here"),
    Line(("skipWebFetchPreflight",), True, "else WebFetch asks api.anthropic.com about each site"),
)
#: The tool that has Anthropic's API search the web.
WEB_SEARCH = "WebSearch"


def denied(rule: str, reason: str) -> Line:
    """The line that denies a tool, or what it may be used on."""
    return Line(("permissions", "deny"), rule, reason, item=True)


#: Matches every MCP server that is reached by a URL, and none that is a program (seen on 2.1.332).
ANY_SERVER = {"serverUrl": "*"}


AIRGAP_LINES = (
    _env("DISABLE_UPDATES", "1", "no update, not by hand either"),
    _env("DISABLE_FEEDBACK_COMMAND", "1", "/feedback would send the conversation to Anthropic"),
    _env("CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY", "1", "no survey, whose answers go to Anthropic"),
    _env("ENABLE_CLAUDEAI_MCP_SERVERS", "false", "no connectors of a claude.ai account"),
    _env("CLAUDE_CODE_IDE_SKIP_AUTO_INSTALL", "1", "no editor extension is fetched"),
    denied("WebFetch", "it would fetch pages from the network"),
    denied(WEB_SEARCH, "it would have a server search the web"),
    Line(("deniedMcpServers",), ANY_SERVER, "no MCP server that is reached by a URL", item=True),
    Line(("allowedHttpHookUrls",), [], "no hook that sends what happens to a URL"),
)


#: What has Claude Code export OpenTelemetry; a project's file cannot switch it off.
TELEMETRY = ("env", "CLAUDE_CODE_ENABLE_TELEMETRY")


def _airgap(snapshot: Snapshot) -> Iterator[Line]:
    """What keeps back everything but the model's requests, as far as a settings file can (seen on 2.1.332)."""
    if where := _set_anywhere(snapshot, ".".join(TELEMETRY)):
        yield Line(TELEMETRY, "", f"set in {where}; OpenTelemetry goes to a collector")
    yield from AIRGAP_LINES


def _permissions(snapshot: Snapshot) -> Iterator[Line]:
    if effective(snapshot, "permissions.disableAutoMode") == "disable":
        return
    if effective(snapshot, "permissions.defaultMode") in (None, "", "auto"):
        reason = "auto mode's safety check runs at Anthropic; elsewhere it stops the first tool call"
        yield Line(("permissions", "defaultMode"), "default", reason)


#: Rules that keep Claude Code from reading pictures and PDF files, in any folder and however the name is written, by
#: the tool or by @name in a prompt (seen on 2.1.332). What a server of MCP brings they cannot keep out.
NO_PICTURES = tuple(f"Read(**/*.{ending})" for ending in ("png", "jpg", "jpeg", "gif", "webp", "pdf"))


def _denials(backend: Backend, needs: Needs) -> Iterator[Line]:
    if backend.text_only:
        reason = "this model takes no pictures: one would end the session for good"
        yield from (denied(rule, reason) for rule in NO_PICTURES)
    if needs.no_web_search and not backend.web_search and level_of(backend) != AIRGAP:
        yield denied(WEB_SEARCH, needs.no_web_search)


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
