"""What the client was seen to do: read from the requests that arrived and from what it said."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from claude_local_plugin.conformance.network import Traffic
from claude_local_plugin.fake_server.server import Request

#: Where each provider's requests go, by the end of the host's name.
PROVIDER_HOSTS = (
    ("bedrock-runtime.us-east-1.amazonaws.com", "bedrock"),
    ("bedrock.us-east-1.amazonaws.com", "bedrock"),
    ("bedrock-mantle.us-east-1.api.aws", "mantle"),
    ("aws-external-anthropic.us-east-1.api.aws", "anthropicAws"),
    ("aiplatform.googleapis.com", "vertex"),
    ("claude.googleapis.com", "anthropicGoogleCloud"),
    ("services.ai.azure.com", "foundry"),
)

#: What it says without a login (the last: how 2.1.200 takes a blank key), and of one with which nothing can be sent.
NOT_LOGGED_IN = ("Not logged in", "Not signed in to the Cloud gateway", "Invalid API key")
LOGIN_UNUSABLE = (
    "login expired",
    "oidc_federation config requires",
    "failed to read identity token",
    "must include 'access_token'",
    "refusing to send credential",
)

#: What `claude mcp serve`, which starts whatever the policies are, says to a call: it has no agent to offer, or may ask
#: no provider.
REFUSED = ("Tool Agent not found", "managed settings allow Claude Code to use")

#: Headers the client sends on its own account; any other one came from ANTHROPIC_CUSTOM_HEADERS.
OWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "authorization", "connection", "content-length"),
        *("content-type", "host", "user-agent", "x-api-key", "x-app", "x-claude-code-session-id", "priority"),
        *("sec-fetch-mode", "transfer-encoding", "x-client-request-id", "x-claude-code-agent-id"),
    }
)
OWN_PREFIXES = ("anthropic-", "x-stainless-", "x-amz-", "x-goog-", "x-claude-")


@dataclass(frozen=True, slots=True)
class Observed:
    """One run of the client.

    `outcome` is "ok" (a prompt was sent), "not_logged_in", "login_unusable" (and it says what is wrong with it),
    "refused" (it did not start: a policy, an unusable file or option; `warnings` say which), "invalid_url" (no endpoint
    could be made of what is set), "error" (it gave up for another reason, see `said`) or "timeout".
    """

    outcome: str
    provider: str | None = None
    """In the client's own words ("anthropic", "bedrock", …); None where it cannot be told."""
    base_url: str | None = None
    """Where the prompt went: the backend's URL in the scenario's ports, or the cloud's."""
    x_api_key: str | None = None
    authorization: str | None = None
    model: str | None = None
    context_window: int | None = None
    extra_headers: Mapping[str, str] | None = None
    proxied: bool = False
    proxy_authorization: str | None = None
    """What a request in plain carried for the proxy."""
    hosts: tuple[str, ...] = ()
    """Names the client asked for or connected to, apart from ours."""
    said: str = ""
    warnings: tuple[str, ...] = ()
    exit_code: int | None = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The record as plain data."""
        return asdict(self) | {"hosts": list(self.hosts), "warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Observed":
        """The record that `to_json` described."""
        return cls(**{**record, "hosts": tuple(record["hosts"]), "warnings": tuple(record["warnings"])})


@dataclass(frozen=True, slots=True)
class Run:
    """How one process of the client went; `exit_code` None means that it was stopped for being late."""

    exit_code: int | None
    stdout: str
    stderr: str
    seconds: float


def read(run: Run, traffic: Traffic, named: Mapping[int, int], cloud_port: int) -> Observed:
    """What the run shows. `named` maps the port really listened on to the scenario's, `cloud_port` is the cloud's."""
    answer = _answer(run.stdout)
    said = str(answer.get("result", "")) or run.stdout.strip()[:2000]
    request = _prompt(traffic.requests)
    usage = answer.get("modelUsage") or {}
    common: dict[str, Any] = {
        "hosts": traffic.hosts,
        "proxied": bool(traffic.proxied),
        "said": said[:500],
        "warnings": tuple(line for line in run.stderr.splitlines() if line.strip())[:20],
        "exit_code": run.exit_code,
        "seconds": round(run.seconds, 2),
    }
    if request is None:
        return Observed(_outcome(run, answer, said), provider=_provider_named(traffic), **common)
    base_url, provider = _where(request, named, cloud_port)
    provider = _provider_said(usage) or provider
    model = request.body.get("model") if isinstance(request.body, dict) else None
    if model is None:
        model = _model_in_path(request.path)
    return Observed(
        "timeout" if run.exit_code is None else "ok",
        provider=provider,
        base_url=base_url,
        x_api_key=request.headers.get("x-api-key"),
        authorization=request.headers.get("authorization"),
        proxy_authorization=request.headers.get("proxy-authorization"),
        model=model,
        context_window=_window(usage),
        extra_headers={
            name: value
            for name, value in request.headers.items()
            if name not in OWN_HEADERS and not name.startswith(OWN_PREFIXES)
        },
        **common,
    )


def _answer(stdout: str) -> dict[str, Any]:
    """The last line that is a JSON object (a warning may stand before it)."""
    for line in reversed(stdout.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:  # a line of text that happens to begin with a brace
                continue
            if isinstance(found, dict):
                return found
    return {}


def _prompt(requests: tuple[Request, ...]) -> Request | None:
    """The first request that carries the prompt; requests for titles, token counts or model lists do not.

    The first, since a client whose request fails goes on with other models: our answers are not the ones a cloud
    provider would give.
    """
    return next((request for request in requests if request.method == "POST" and _is_prompt(request)), None)


def _is_prompt(request: Request) -> bool:
    if not isinstance(request.body, dict) or not request.body.get("tools"):
        return False
    return request.route.endswith("/v1/messages") or "/model" in request.route


def _where(request: Request, named: Mapping[int, int], cloud_port: int) -> tuple[str, str | None]:
    """The endpoint in the scenario's words, and the provider as far as the request tells."""
    host = request.headers.get("host", "").partition(":")[0]
    provider = next((name for ending, name in PROVIDER_HOSTS if host.endswith(ending)), None)
    if request.port == cloud_port:
        return f"https://{host}", provider or "anthropic"
    endpoint = f"http://127.0.0.1:{named.get(request.port, request.port)}"
    if provider is not None:  # through a socket, on the provider's own path
        return endpoint, provider
    if request.route.endswith("/v1/messages"):  # Anthropic's way of asking, which a gateway is asked in as well
        return endpoint + request.route.removesuffix("/v1/messages"), None
    return endpoint, "vertex" if "/publishers/" in request.route else "bedrock"


def _model_in_path(path: str) -> str | None:
    """The model of a request to Bedrock or Vertex, which name it in the URL."""
    parts = path.partition("?")[0].split("/")
    for marker in ("model", "models"):
        if marker in parts[:-1]:
            return parts[parts.index(marker) + 1].partition(":rawPredict")[0].partition(":streamRawPredict")[0]
    return None


def _window(usage: Mapping[str, Any]) -> int | None:
    """The context window of the model that did the work."""
    windows = [(row.get("outputTokens", 0), row.get("contextWindow")) for row in usage.values()]
    return max(windows, key=lambda pair: pair[0])[1] if windows else None


def _provider_named(traffic: Traffic) -> str | None:
    """The provider a run without a prompt was bound for, as far as the names it asked for tell."""
    for host in traffic.hosts:
        for ending, name in PROVIDER_HOSTS:
            if host.endswith(ending):
                return name
    return None


def _provider_said(usage: Mapping[str, Any]) -> str | None:
    """The provider the client itself names beside the tokens it used."""
    names = {str(row["provider"]) for row in usage.values() if "provider" in row}
    if len(names) != 1:
        return None
    name = names.pop()
    return "anthropic" if name == "firstParty" else name


def _outcome(run: Run, answer: Mapping[str, Any], said: str) -> str:
    """Why no prompt was sent."""
    if run.exit_code is None:
        return "timeout"
    if any(words in said for words in NOT_LOGGED_IN):
        return "not_logged_in"
    if any(words in said.lower() for words in LOGIN_UNUSABLE):
        return "login_unusable"
    if "Invalid URL" in said or "cannot be parsed as a URL" in said:
        return "invalid_url"
    if any(words in said for words in REFUSED):
        return "refused"
    # A client that declines to start says why on stderr and gives no answer at all, whatever format was asked for.
    return "error" if answer else "refused"
