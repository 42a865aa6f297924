"""THE table: the order of scopes, the credential rungs, the provider switches, and since which version a rule holds.

The only place where precedence is written down: resolving, explaining and `docs/precedence.md` all read it here.
Everything was observed on the Claude Code versions in `VERIFIED_VERSIONS`, by looking at the requests that arrived.
"""

from claude_local_plugin.core import claude, credential_profiles
from claude_local_plugin.core.claude import KEY_DESCRIPTOR, OAUTH_DESCRIPTOR, version_key
from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.precedence.model import Scope

#: The version that every rule is tested on; a client whose version is not known is taken for it.
VERIFIED_AGAINST = "2.1.332"

#: The versions the whole table was compared with.
VERIFIED_VERSIONS = ("2.1.200", "2.1.266", "2.1.329", "2.1.331", "2.1.332")

#: Those versions in every message: the one wording of what this table was compared with.
VERIFIED_SPAN = f"{VERIFIED_VERSIONS[0]} to {VERIFIED_VERSIONS[-1]}"

#: Settings scopes, highest precedence first; a settings file's `env` beats an export, so the shell comes last.
SETTINGS_ORDER = (Scope.SERVED, Scope.MANAGED, Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER, Scope.SHELL)

#: The settings that switch our hooks off, and the scopes that each counts from.
HOOK_SWITCHES = {
    "disableAllHooks": (Scope.SERVED, Scope.MANAGED, Scope.FLAG, Scope.LOCAL, Scope.PROJECT, Scope.USER),
    "allowManagedHooksOnly": (Scope.SERVED, Scope.MANAGED),
}

#: What people call a scope, in every message.
SCOPE_LABELS = {
    Scope.SERVED: "server-managed settings",
    Scope.MANAGED: "managed settings",
    Scope.FLAG: "--settings",
    Scope.LOCAL: "project local settings",
    Scope.PROJECT: "project settings",
    Scope.USER: "user settings",
    Scope.SHELL: "the shell",
    Scope.LOGIN: "the claude.ai login",
    Scope.PROFILE: "the login profile",
    Scope.GATEWAY: "the gateway sign-in",
    Scope.CONSOLE: "the saved Console key",
    Scope.DEFAULT: "Claude Code's default",
    Scope.CLI: "the command line",
}


@frozen
class Rule:
    """A rule that does not hold for every version: from `since` on, before `until`."""

    id: str
    text: str
    since: str | None = None
    until: str | None = None


#: The rules that only the resolver asks for; hooks know those in `core.claude`.
_OTHER_RULES = (
    Rule("spelled-numbers", "numbers of tokens may be written 65_536, 65,536 or 6.5e4", "2.1.211"),
    Rule("blank-is-empty", "blanks around a token are cut off, and a blank one counts as empty", "2.1.233"),
    Rule("default-model-variable", "ANTHROPIC_DEFAULT_MODEL names the model a session starts with", "2.1.250"),
    Rule(
        "broken-managed-refuses",
        "a managed settings file that is no JSON object keeps sessions from starting",
        "2.1.250",
    ),
    Rule("proxy-needs-scheme", "a proxy written without its scheme keeps sessions from starting", "2.1.266"),
    Rule("gateway-demanded", "an administrator's forceLoginGatewayUrl sends everybody to that gateway", "2.1.266"),
    Rule("model-picker", "modelPicker says which Claude a model behaves as", "2.1.266"),
    Rule("basic-from-url", "user and password in the base URL are sent as `Authorization: Basic`", "2.1.280"),
    Rule("allowed-providers", "allowedProviders and deniedModels count", "2.1.283"),
    Rule("opus-knows-1m", "Opus has its window of 1,000,000 without being asked for it", "2.1.283"),
    Rule("gateway-knows-1m", "a Claude has its long window behind a gateway sign-in", "2.1.287"),
    Rule("mcp-serve-asks", "`claude mcp serve` has an agent to offer, so that it sends prompts", "2.1.288"),
    Rule("all-know-1m", "the other newer Claudes have theirs of 1,000,000 too", "2.1.299"),
    Rule(
        "no-guards-refuse",
        "managed settings with a guarding hook that cannot be loaded, and nothing else, keep sessions from starting",
        "2.1.329",
    ),
    Rule("best-is-opus", "`best` asks for Opus's variable alone, no longer for Fable's first", "2.1.329"),
    Rule("pro-and-team-start-with-opus", "Pro and Team logins start with Opus, not with Sonnet", "2.1.329"),
    Rule("sonnet-1m-stays", "the user's model sonnet[1m] is not rewritten to Sonnet 4.5", "2.1.329"),
    Rule("bare-https-proxy", "HTTPS_PROXY exported in the shell may be written without its scheme", "2.1.329"),
    Rule(
        "sandbox-is-not-lost",
        "a `--settings` file that is not read and asks for the sandbox keeps the session from starting",
        "2.1.323",
    ),
    Rule("unknown-window-1m", "an unknown model is assumed to have a window of 1,000,000 tokens", "2.1.323"),
    Rule(
        "default-long-where-it-can",
        "the default asks a Claude for the long window only where it has one",
        "2.1.329",
    ),
    Rule(
        "limit-for-claude-names",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS counts for unknown names with a claude in them",
        "2.1.329",
    ),
)

#: `since` is the first version a rule was seen to hold in; the one before it that was asked may be some releases older.
RULES = tuple(
    sorted((*(Rule(*each) for each in claude.RULES), *_OTHER_RULES), key=lambda rule: version_key(rule.since or ""))
)
_RULES = {rule.id: rule for rule in RULES}


def holds(rule_id: str, client_version: str | None) -> bool:
    """Whether a rule holds for this client; an unknown version is taken for the one verified against."""
    rule = _RULES[rule_id]
    version = version_key(client_version or VERIFIED_AGAINST)
    if rule.since is not None and version < version_key(rule.since):
        return False
    return rule.until is None or version < version_key(rule.until)


def is_verified(client_version: str | None) -> bool:
    """Whether this version lies in the range the table was verified against."""
    if client_version is None:
        return False
    return version_key(VERIFIED_VERSIONS[0]) <= version_key(client_version) <= version_key(VERIFIED_VERSIONS[-1])


@frozen
class Provider:
    """A cloud provider a variable switches to; it beats ANTHROPIC_BASE_URL."""

    name: str
    switch: str
    base_url_variable: str
    label: str


#: Provider switches in the order in which Claude Code asks for them; the first that is on wins. The gateway counts
#: only together with a base URL and a token, which it then takes from anywhere but a project's files.
PROVIDERS = tuple(Provider(name, switch, variable, label) for switch, name, variable, label in claude.PROVIDERS)

#: What the provider is called when no switch is on: the Anthropic API, or whatever speaks it at the base URL.
FIRST_PARTY = "anthropic"
ANTHROPIC_API = "https://api.anthropic.com"


@frozen
class Rung:
    """One source of a credential. A `login_only` rung serves when there is no key, no token and no helper.

    An `after_console` rung is left aside for a saved Console key besides, and `handed_over` is one whose text comes
    from the program that starts Claude Code, so that nobody else can read it.
    """

    key: str
    label: str
    login_only: bool = False
    after_console: bool = False
    handed_over: bool = False


#: The variables about login profiles and exchanged identity tokens.
FEDERATION, PROFILE_NAME = credential_profiles.FEDERATION, credential_profiles.NAME


#: Who supplies `x-api-key`, first to last.
X_API_KEY_RUNGS = (
    Rung("env.ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
    Rung(f"env.{KEY_DESCRIPTOR}", KEY_DESCRIPTOR, handed_over=True),
    Rung("apiKeyHelper", "apiKeyHelper"),
    Rung("primaryApiKey", "the saved Console key"),
)

#: Who supplies `Authorization: Bearer`, first to last.
AUTHORIZATION_RUNGS = (
    Rung("env.ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_AUTH_TOKEN"),
    Rung("apiKeyHelper", "apiKeyHelper"),
    Rung("env.CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", login_only=True),
    Rung(f"env.{OAUTH_DESCRIPTOR}", OAUTH_DESCRIPTOR, login_only=True, handed_over=True),
    Rung("federation", "an exchanged identity token", login_only=True, after_console=True),
    Rung(
        "profile.before_login",
        "the login profile ANTHROPIC_PROFILE names, or the active one where it has an identity token exchanged",
        login_only=True,
        after_console=True,
    ),
    Rung("claudeAiOauth.accessToken", "the claude.ai login", login_only=True),
    Rung("profile.default", "the active login profile", login_only=True, after_console=True),
)

#: Lines of `Name: value` that are added to every request.
CUSTOM_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"

#: A JSON object whose members replace those of every request.
EXTRA_BODY = "CLAUDE_CODE_EXTRA_BODY"

#: Who names the model, first to last.
MODEL_RUNGS = ("--model", "env.ANTHROPIC_MODEL", "model", "env.ANTHROPIC_DEFAULT_MODEL")
