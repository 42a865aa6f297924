"""What the model of precedence says a scenario leads to, in the words of an observation."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.conformance.network import EXCHANGED_TOKEN
from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.scenario import Materialised, Scenario, materialise, url
from claude_local_plugin.core.claude import SOCKET_SCHEME
from claude_local_plugin.core.urls import can_be_asked, parse_url
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import Decision, Resolution, Snapshot, gather, resolve
from claude_local_plugin.precedence.logins import EXCHANGED, RENEWED
from claude_local_plugin.precedence.model import Entry
from claude_local_plugin.precedence.table import holds

#: Providers whose endpoint is ANTHROPIC_BASE_URL, so that everything about them is compared.
OURS = ("anthropic", "gateway")
#: What a helper of a scenario prints: scenarios use only `echo` (see `helper_output`).
ECHO = "echo "


#: For whoever sums up a resolution of which no scenario is known.
NOTHING_HANDED_OVER = Scenario()


@dataclass(frozen=True, slots=True)
class Expected:
    """The comparable part of a resolution; `None` where nothing is sent or nothing is claimed."""

    outcome: str
    provider: str | None = None
    base_url: str | None = None
    x_api_key: str | None = None
    authorization: str | None = None
    model: str | None = None
    context_window: int | None = None
    otherwise: tuple[tuple[str, object], ...] = ()
    """What may be seen as well, where it depends on which of two things the client has done first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the client and the model of it disagree."""

    what: str
    expected: object
    observed: object

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected!r}, observed {self.observed!r}"


def expected(scenario: Scenario, client_version: str | None = None) -> Expected:
    """What the resolver says of this scenario, written to a temporary folder for it to read."""
    if scenario.entry == Entry.MCP_SERVE and not holds("mcp-serve-asks", client_version):
        return Expected("error")
    with tempfile.TemporaryDirectory(prefix="claude-local-expected-") as folder:
        try:
            return summary(resolution(scenario, Path(folder), client_version), scenario)
        except UsageError:  # an option that neither we nor the client take
            return Expected("refused")


def resolution(scenario: Scenario, folder: Path, client_version: str | None = None) -> Resolution:
    """The whole resolution of a scenario written below `folder`."""
    return resolve(seen_there(scenario, materialise(scenario, folder), client_version))


def seen_there(scenario: Scenario, made: Materialised, client_version: str | None = None) -> Snapshot:
    """What a session of a scenario that was written down sees; raises UsageError where none would start."""
    return gather(
        cwd=made.cwd,
        home=made.home,
        environ=made.environ,
        client_version=client_version,
        managed_dir=made.managed_dir,
        flag_settings=made.flag_settings,
        setting_sources=made.setting_sources,
        cli_model=scenario.model,
        interactive=False,
        entry=Entry(scenario.entry) if scenario.entry != "print" else Entry.SESSION,
    )


def summary(resolved: Resolution, scenario: Scenario = NOTHING_HANDED_OVER) -> Expected:
    """The comparable part of a resolution; of the scenario it takes what the client alone is handed over."""
    if resolved.outcome != "ok":
        return Expected(resolved.outcome)
    decided = resolved.decisions
    provider = decided["provider"].value
    address = decided["base_url"].value or ""
    base_url = url("socket") if address.startswith(SOCKET_SCHEME) else plain_url(address)
    if address and not address.startswith(SOCKET_SCHEME) and not can_be_asked(address):
        return Expected("invalid_url")
    if provider not in OURS:
        return Expected("ok", provider, base_url=base_url, model=decided["model"].value)
    if base_url is None or any(warning.id == "url.exchange" for warning in resolved.warnings):
        return Expected("invalid_url")
    window = decided["context_window"].value
    authorization = _header(decided["authorization"], scenario)
    return Expected(
        "ok",
        provider,
        base_url=base_url,
        x_api_key=_header(decided["x_api_key"], scenario),
        authorization=_bearer(authorization),
        model=decided["model"].value,
        context_window=None if window is None else int(window),
        otherwise=tuple(_otherwise(decided)),
    )


def _otherwise(decided: Mapping[str, Decision]) -> Iterator[tuple[str, object]]:
    for name, decision in decided.items():
        for value in decision.otherwise:
            if value is not None and name == "context_window":
                yield name, int(value)
            elif value is not None and name == "base_url":
                yield name, plain_url(value)
            else:
                yield name, _bearer(value) if name == "authorization" else value


def compare(seen: Observed, wanted: Expected) -> list[Difference]:
    """Where the two disagree; empty when they agree.

    Of a cloud provider its address is compared where one is set, and the model where one is claimed; its credential
    is not. What was not observed (the window of a session that failed, headers without TLS) is not compared either.
    """
    if wanted.outcome == "invalid_url" and seen.outcome in ("error", "timeout"):
        return []  # nothing can be sent there: how the client takes it depends on how far it gets
    if (wanted.outcome, seen.outcome) == ("login_unusable", "timeout"):
        return []  # some of what is wrong with a login it says after three minutes
    if seen.outcome != wanted.outcome:
        return [Difference("outcome", wanted.outcome, f"{seen.outcome}: {seen.said}" if seen.said else seen.outcome)]
    if seen.outcome != "ok":
        return []
    # a client that names none is judged by the address, and by the host where no variable moves a provider's
    by_address = wanted.provider in OURS or plain_url(seen.base_url) == wanted.base_url is not None
    if seen.provider != wanted.provider and not (seen.provider is None and by_address):
        return [Difference("provider", wanted.provider, seen.provider)]
    if wanted.provider not in OURS:
        at = plain_url(seen.base_url)
        if wanted.base_url == url("socket") and (at or "").startswith(f"{wanted.base_url}/"):
            at = wanted.base_url  # what follows is the provider's own path, which the socket leaves as it is
        claims = [("base_url", wanted.base_url, at), ("model", wanted.model, seen.model)]
        return [Difference(*row) for row in claims if None not in row[1:] and row[1] != row[2]]
    rows: list[tuple[str, Any, Any]] = [
        ("base_url", wanted.base_url, plain_url(seen.base_url)),
        ("x_api_key", wanted.x_api_key, seen.x_api_key),
        ("authorization", wanted.authorization, _bearer(seen.authorization)),
        ("model", wanted.model, seen.model),
    ]
    if seen.context_window is not None:
        rows.append(("context_window", wanted.context_window, seen.context_window))
    return [Difference(*row) for row in rows if row[1] != row[2] and (row[0], row[2]) not in wanted.otherwise]


def plain_url(url: str | None) -> str | None:
    """A URL in the one form in which two can be compared (no user, no trailing slash, loopback as a number).

    None for what is no http(s) URL.
    """
    if url is None:
        return None
    target = parse_url(url)
    if target is None:
        return None
    target.host = target.host.replace("localhost", "127.0.0.1")
    return target.url


def helper_output(command: str) -> str:
    """What the helper of a scenario prints, known without running it: `echo X` prints X, `true` and `false` nothing."""
    words = command.strip()
    return words.removeprefix(ECHO).strip() if words.startswith(ECHO) else ""


def _header(decision: Decision, scenario: Scenario) -> str | None:
    name = decision.winner.key.removeprefix("env.") if decision.winner is not None else ""
    if decision.value is not None and name in scenario.descriptors:
        return scenario.descriptors[name].strip()
    if decision.value is not None and decision.value.endswith((EXCHANGED, RENEWED)):
        return EXCHANGED_TOKEN
    if decision.value is not None and decision.winner is not None and decision.winner.key == "apiKeyHelper":
        return helper_output(decision.winner.value or "")
    return decision.value


def _bearer(value: str | None) -> str | None:
    """The token of an Authorization header, "" for a bare `Bearer`."""
    return None if value is None else value.removeprefix("Bearer").strip()
