"""Which model server an environment points at, and which words may be shown or stored about it."""

from claude_local_plugin.core import claude
from claude_local_plugin.core.claude import GATEWAY_KEYS
from claude_local_plugin.core.urls import Target, ipv4, is_number, parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: The switches that leave ANTHROPIC_BASE_URL aside, with the kind each selects and the variable that moves it.
PROVIDERS = tuple(each[:3] for each in claude.PROVIDERS if each[0] != claude.GATEWAY)
PROVIDER_KINDS = tuple(kind for _, kind, _ in PROVIDERS)

#: Provider -> the variables with a credential that it is sent wherever its address leads, the first that is set. Where
#: Bedrock is sent none, requests are signed, which is of no use to anybody else. (Seen on Claude Code 2.1.332.)
PROVIDER_TOKENS = {
    "bedrock": ("AWS_BEARER_TOKEN_BEDROCK",),
    "mantle": ("AWS_BEARER_TOKEN_BEDROCK",),
    "foundry": ("ANTHROPIC_FOUNDRY_AUTH_TOKEN", "ANTHROPIC_FOUNDRY_API_KEY"),
    "anthropicAws": ("ANTHROPIC_AWS_API_KEY",),
}
#: Provider -> the switch with which it does without a sign-in of its own, and what it is then sent, each that is set.
UNSIGNED = {
    "vertex": ("CLAUDE_CODE_SKIP_VERTEX_AUTH", ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")),
    "anthropicGoogleCloud": ("CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH", ("ANTHROPIC_AUTH_TOKEN",)),
}
#: How the hosts of the providers' services end; a machine that anybody can rent there has another name. Of AWS's older
#: names one part begins with `bedrock`.
PROVIDER_DOMAINS = (
    "api.aws",
    "services.ai.azure.com",
    "cognitiveservices.azure.com",
    "openai.azure.com",
    "googleapis.com",
)
AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn")


#: What `claude-local enable` writes as the token of a server that asks for none: not a secret.
PLACEHOLDER = "claude-local"

ANTHROPIC_URL = "https://api.anthropic.com"
ANTHROPIC_DOMAINS = ("anthropic.com", "claude.ai", "claude.com")

#: Each of these sends Claude Code's requests through a proxy, whatever the URL's scheme and loopback included
#: (observed on Claude Code 2.1.329).
PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")

#: The one of them that counts, and what exempts from it.
NO_PROXY_VARIABLES = ("no_proxy", "NO_PROXY")
#: Stands for a proxy whose address is no URL: Claude Code refuses to start with it.
NO_PROXY_URL = "(a proxy that is no URL)"


class Backend:
    """Where a session's requests go: `kind`, `url` (None when unknown), `cloud`, `via`, and the `target` to probe.

    `via` is what stands between: a proxy's URL without credentials; None for nothing.

    `cloud` is true for Anthropic's own hosts and for the providers. An own server's kind is "unknown" until the
    log or the server tells. `target` is None for the cloud and for a URL that Claude Code cannot use either.
    """

    __slots__ = ("cloud", "kind", "target", "url", "via")

    def __init__(
        self, kind: str, url: "str | None", cloud: bool, target: "Target | None", via: "str | None" = None
    ) -> None:
        self.kind = kind
        self.url = url
        self.cloud = cloud
        self.target = target
        self.via = via

    @property
    def proxied(self) -> bool:
        """Whether a direct look at the server says nothing."""
        return self.via is not None


def backend_of(environ: "Mapping[str, str]", folder: str = "", managed_dir: "str | None" = None) -> Backend:
    """The backend that a Claude Code process with this environment in `folder` talks to.

    The settings files are read only where the gateway's switch is on, whose address may not be a project's.
    """
    outside = environ
    if claude.is_on(environ.get(claude.GATEWAY)):
        from claude_local_plugin.core.session_settings import outside_of_projects

        outside = outside_of_projects(environ, folder, managed_dir)
    return backend_with(environ, outside, claude.client_version_of(environ))


def backend_with(
    environ: "Mapping[str, str]", outside: "Mapping[str, str]", client_version: "str | None" = None
) -> Backend:
    """The backend of an environment, of which `outside` is the part that no project's file has set."""
    gateway = all(outside.get(name, "").strip() for name in GATEWAY_KEYS)
    provider = claude.provider_of(environ, gateway=gateway, client_version=client_version)
    if provider == "gateway":
        return backend_at(outside)
    for _, kind, endpoint in PROVIDERS:
        if kind == provider:
            target = parse_url(environ.get(endpoint, ""))
            return Backend(kind, target.url if target else None, True, None, via_of(environ, target))
    return backend_at(environ)


def backend_at(environ: "Mapping[str, str]") -> Backend:
    """The backend at ANTHROPIC_BASE_URL, whatever the switches say."""
    text = environ.get("ANTHROPIC_BASE_URL") or ANTHROPIC_URL
    target = parse_url(text)
    if target is None:
        return Backend("unknown", None, False, None, via_of(environ, None))
    if is_anthropics_host(target.host):
        return Backend("anthropic", target.url, True, None, via_of(environ, target))
    return Backend("unknown", target.url, False, target, via_of(environ, target))


def sent_to(provider: str, environ: "Mapping[str, str]") -> "list[str]":
    """What this provider is sent: the variables, and `apiKeyHelper` where it would take a helper's output."""
    named = [name for name in PROVIDER_TOKENS.get(provider, ()) if environ.get(name, "").strip()][:1]
    switch, tokens = UNSIGNED.get(provider, ("", ()))
    if claude.is_on(environ.get(switch)):
        named += [name for name in tokens if environ.get(name, "").strip()]
        if "ANTHROPIC_AUTH_TOKEN" not in named:
            named.append("apiKeyHelper")
    return named


def is_foreign(provider: str, url: "str | None") -> bool:
    """Whether this address of a cloud provider leads to somebody who is none; None: the provider's own address."""
    target = parse_url(url or "") if provider in PROVIDER_KINDS else None
    if target is None or is_anthropics_host(target.host):
        return False
    domains: tuple[str, ...] = PROVIDER_DOMAINS
    if any(label.startswith("bedrock") for label in target.host.split(".")):
        domains += AWS_DOMAINS
    return not target.host.endswith(tuple(f".{domain}" for domain in domains))


def is_proxied(environ: "Mapping[str, str]", target: Target) -> bool:
    """Whether Claude Code reaches this server through a proxy: then a direct look says nothing."""
    return via_of(environ, target) is not None


def via_of(environ: "Mapping[str, str]", target: "Target | None") -> "str | None":
    """What Claude Code's requests to this server (None: to one whose name is not known) go through; None for nothing.

    A non-empty `no_proxy` hides `NO_PROXY` altogether; entries are separated by commas or blanks, and `*` exempts
    everything (this and what an entry covers: observed on Claude Code 2.1.329, 80 cases).
    """
    proxy = next((environ[name] for name in PROXY_VARIABLES if environ.get(name)), "")
    if not proxy or proxy.lower().startswith("socks"):
        return None  # a SOCKS proxy is ignored
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for entry in exempt.lower().replace(",", " ").split():
        if entry == "*" or (target is not None and _covers(entry, target)):
            return None
    through = parse_url(proxy)
    return through.url if through is not None else NO_PROXY_URL


def _covers(entry: str, target: Target) -> bool:
    """Whether an exemption names this host: a name with its subdomains, an address, or a block (`10.0.0.0/8`)."""
    if _in_block(entry, target.host):
        return True
    name, _, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    if port and port != str(target.port):
        return False
    name = name.strip("[]").rstrip(".")
    if is_number(name) or ":" in name:
        return target.host == name
    name = name[2:] if name.startswith("*.") else name[1:] if name.startswith(".") else name
    if not name or is_number(target.host):
        return False
    return target.host == name or target.host.endswith("." + name)


def _in_block(entry: str, host: str) -> bool:
    block, _, bits = entry.partition("/")
    base, address = ipv4(block), ipv4(host)
    if base is None or address is None or not bits.isdigit() or int(bits) > 32:
        return False
    shift = 32 - int(bits)
    return base >> shift == address >> shift


def is_anthropics_host(host: str) -> bool:
    """Whether a host, in lower case, is one of Anthropic's own."""
    return any(host == domain or host.endswith(f".{domain}") for domain in ANTHROPIC_DOMAINS)


def is_anthropics_api(url: str) -> bool:
    """Whether the client takes this base URL for Anthropic's own API, where its logins belong."""
    scheme, _, rest = url.strip().lower().partition("://")
    authority = rest.replace("\\", "/").partition("/")[0].partition("?")[0].partition("#")[0]
    host = authority.rpartition("@")[2].partition(":")[0]
    return scheme == "https" and (host == "anthropic.com" or host.endswith(".anthropic.com"))


def name_of(kind: str, url: "str | None") -> str:
    """The backend as it is compared and shown: its URL, or the kind of a provider with an endpoint of its own."""
    return url or kind


#: Stands for the backend of a conversation that began before our hooks were here.
UNRECORDED = "(not on record)"


def is_cloud(backend: str) -> bool:
    """Whether a backend's name is one of the cloud's: Anthropic's own hosts, or a provider's kind."""
    target = parse_url(backend)
    if target is None:
        return "://" not in backend and backend != UNRECORDED
    return is_anthropics_host(target.host)
