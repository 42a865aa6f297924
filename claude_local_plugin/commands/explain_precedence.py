"""Says which settings a session here would use, who decided each, and what would change if something were set."""

from collections.abc import Iterator, Sequence

from claude_local_plugin.checks import Finding, Result
from claude_local_plugin.core.claude import SOCKET_SCHEME
from claude_local_plugin.core.endpoint import PLACEHOLDER, backend_of
from claude_local_plugin.core.frozen import frozen
from claude_local_plugin.core.helper import taken_apart
from claude_local_plugin.core.shell import command
from claude_local_plugin.core.urls import authority_of, parse_url
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence import (
    VERIFIED_AGAINST,
    Candidate,
    Decision,
    Resolution,
    Scope,
    Snapshot,
    candidates,
    resolve,
)
from claude_local_plugin.precedence.candidates import winner as winner_of
from claude_local_plugin.precedence.model import why
from claude_local_plugin.precedence.table import FIRST_PARTY
from claude_local_plugin.precedence.verified import Answers
from claude_local_plugin.precedence.whatif import full_key, with_value
from claude_local_plugin.settings.variables import is_secret
from claude_local_plugin.text import mask_secret, without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA_VERSION = 1

#: The warnings that say that no request arrives anywhere.
UNUSABLE_ADDRESS = ("url.exchange", "url.invalid", "url.query")


@frozen
class Change:
    """A decision that `--what-if` changes; secrets in it are masked."""

    name: str
    before: str | None
    after: str | None


@frozen(hides=("report",))
class Explanation:
    """What `explain-precedence` has to say. Every secret in it is masked, unless it was asked to reveal them.

    `report` is the `--json` object (schemas/explain-precedence.schema.json). `sentences` says, for each decision and
    asked key, why its winner beats the next one; `summary` is the closing sentence; `unknown` is what cannot be seen
    from here; `answers` is what the installed client answered to `verify`, None if it was not asked; `changes` is what
    `--what-if` would change, None when nothing was asked; `reveal` says that secrets are shown.
    """

    report: "dict[str, Any]"
    sentences: dict[str, str]
    summary: str
    warnings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    answers: Answers | None
    changes: tuple[Change, ...] | None = None
    reveal: bool = False

    @property
    def exit_code(self) -> int:
        """1 where one of the warnings is an error, else 0."""
        return int(any(warning.result is Result.ERROR for warning in self.warnings))


def explain(
    snapshot: Snapshot,
    keys: Sequence[str] = (),
    *,
    reveal: bool = False,
    what_if: Sequence[tuple[str, str]] = (),
) -> Explanation:
    """Explain the decisions of a session here and, where asked, single keys (`ANTHROPIC_BASE_URL`, `model`, …).

    `what_if` is a sequence of (scope, "KEY=VALUE"); the explanation is then of the world in which they are set.
    """
    before = resolve(snapshot) if what_if else None
    for scope, setting in what_if:
        snapshot = _supposed(snapshot, scope, setting)
    resolution = resolve(snapshot)
    mask = _Mask(reveal)
    report = _report(snapshot, resolution, mask)
    sentences = {name: decision.sentence for name, decision in resolution.decisions.items()}
    if keys:
        report["keys"] = {}
        for key in map(full_key, keys):
            found = tuple(_all_candidates(snapshot, resolution, key))
            report["keys"][key] = _key_json(found, mask)
            sentences[key] = _why(found)
    changes = None if before is None else tuple(_changes(before, resolution, mask))
    if changes is not None:
        report["changes"] = [
            {"decision": change.name, "before": change.before, "after": change.after} for change in changes
        ]
    return Explanation(
        report,
        sentences,
        sentence(resolution),
        resolution.warnings,
        snapshot.unknown,
        snapshot.answers,
        changes,
        reveal,
    )


def _supposed(snapshot: Snapshot, scope: str, setting: str) -> Snapshot:
    name, equals, value = setting.partition("=")
    if not equals or not name:
        raise UsageError(f"--what-if {scope} {setting}: that sets nothing", "write --what-if SCOPE KEY=VALUE")
    if scope not in set(Scope):
        raise UsageError(f"no such scope: {scope}", f"choose from {', '.join(Scope)}")
    return with_value(snapshot, Scope(scope), name, value)


@frozen
class _Mask:
    """Decides how a value is shown."""

    reveal: bool

    def candidate(self, row: Candidate) -> str | None:
        """A candidate's value, masked where its key or its text says that it is a secret."""
        name = row.key.removeprefix("env.")
        if name == "apiKeyHelper" and row.value and not self.reveal:
            ours = taken_apart(row.value)
            return command("claude-local", "token", ours.profile) if ours else _program(row.value)
        shown = self._shown(row.value, row.secret or is_secret(name, row.value or ""))
        return shown if shown is None or self.reveal else without_secrets(shown)

    def decision(self, decision: Decision) -> str | None:
        """A decision's value; of `Bearer token` only the token is masked."""
        secret = decision.secret and not _is_output(decision)
        if decision.value is not None and decision.value.startswith("Bearer ") and secret:
            return f"Bearer {self._shown(decision.value[7:], True)}"
        return self._shown(decision.value, secret or is_secret("", decision.value or ""))

    def _shown(self, value: str | None, secret: bool) -> str | None:
        if value is None or self.reveal or not secret:
            return value
        scheme, separator, rest = value.partition("://")
        authority = authority_of(rest)
        path, query, _ = rest[len(authority) :].partition("?")
        if separator and ("@" in authority or query or "@" in path):  # of a URL only these are secrets
            _, user, host = authority.rpartition("@")
            # an @ behind the host names none: what stands before it is where the client goes, and the rest is not shown
            path = f"{path[0]}…" if "@" in path else path
            return f"{scheme}://{'…@' if user else ''}{host}{path}{'?…' if query else ''}"
        return mask_secret(value)


def _program(command: str) -> str:
    """A command without its arguments, one of which may be the key itself."""
    program, space, _ = command.strip().partition(" ")
    return f"{'' if '=' in program else program}{' …' if space else ''}".strip()


def _is_output(decision: Decision) -> bool:
    """Whether the value only stands for what a helper would print."""
    return decision.winner is not None and decision.winner.key == "apiKeyHelper"


def _report(snapshot: Snapshot, resolution: Resolution, mask: _Mask) -> "dict[str, Any]":
    unseen = [
        {"scope": Scope.MANAGED.value, "path": None, "state": "unknown", "problem": f"{what} cannot be seen from here"}
        for what in snapshot.unknown
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "verified_against": VERIFIED_AGAINST,
        "installed_version": snapshot.client_version,
        "outcome": resolution.outcome,
        "files": [
            {
                "scope": file.scope.value,
                "path": str(file.path) if file.path else None,
                "state": file.state.value,
                "problem": file.problem,
            }
            for file in resolution.files
        ]
        + unseen,
        "decisions": {name: _decision_json(decision, mask) for name, decision in resolution.decisions.items()},
        "warnings": [
            {"id": warning.id, "message": warning.what, "fix": warning.fix or ""} for warning in resolution.warnings
        ],
    }


def _decision_json(decision: Decision, mask: _Mask) -> "dict[str, Any]":
    winner = decision.winner
    return {
        "value": mask.decision(decision),
        "winner": None if winner is None else _place_json(winner),
        "candidates": [_candidate_json(row, mask) for row in decision.candidates],
    }


def _place_json(row: Candidate) -> "dict[str, Any]":
    return {
        "scope": row.scope.value,
        "key": row.key,
        "path": str(row.path) if row.path else None,
        "line": row.line,
    }


def _candidate_json(row: Candidate, mask: _Mask) -> "dict[str, Any]":
    return {**_place_json(row), "value": mask.candidate(row), "state": row.state, "reason": row.reason}


def _all_candidates(snapshot: Snapshot, resolution: Resolution, key: str) -> Iterator[Candidate]:
    """The candidates for a key; for the name of a decision, those of the decision."""
    if key in resolution.decisions and key != "model":
        yield from resolution.decisions[key].candidates
        return
    if key in ("model", "--model") and snapshot.cli_model is not None:
        yield from (row for row in resolution.decisions["model"].candidates if row.scope is Scope.CLI)
    yield from candidates(snapshot, key)


def _key_json(found: Sequence[Candidate], mask: _Mask) -> "dict[str, Any]":
    winner = winner_of(found)
    return {
        "value": None if winner is None else mask.candidate(winner),
        "winner": None if winner is None else _place_json(winner),
        "candidates": [_candidate_json(row, mask) for row in found],
    }


def _why(found: Sequence[Candidate]) -> str:
    if not found:
        return "nobody sets it"
    winner = winner_of(found)
    if winner is None:
        return "it is set, and nowhere in a way that counts"
    return why(winner, found)


def _changes(before: Resolution, after: Resolution, mask: _Mask) -> Iterator[Change]:
    if before.outcome != after.outcome:
        yield Change("outcome", before.outcome, after.outcome)
    for name, decision in after.decisions.items():
        old = before.decisions[name]
        if decision.value != old.value:
            yield Change(name, mask.decision(old), mask.decision(decision))


def sentence(resolution: Resolution, place: str = "here") -> str:
    """Where a session started in `place` goes, in one plain sentence; without a secret in it."""
    if resolution.outcome == "refused":
        return f"A session started {place} is refused: {resolution.outcome_reason}."
    if resolution.outcome == "not_logged_in":
        return f"A session started {place} talks to nobody: {resolution.outcome_reason}."
    if resolution.outcome == "login_unusable":
        return f"A session started {place} sends no request: {resolution.outcome_reason}."
    if broken := next((warning for warning in resolution.warnings if warning.id in UNUSABLE_ADDRESS), None):
        return f"A session started {place} reaches nobody: {broken.what}."
    provider, model = resolution.value("provider"), resolution.value("model")
    endpoint = resolution.value("base_url")
    target = parse_url(endpoint or "")
    where = target.url if target is not None else endpoint
    if provider not in (FIRST_PARTY, "gateway"):
        name = f" as {model}" if model else "; the model it asks for was not compared"
        return f"A session started {place} now talks to {provider}{f' at {where}' if where else ''}{name}."
    signed_in = resolution.decisions["provider"].winner
    if signed_in is not None and signed_in.scope is Scope.GATEWAY:
        how = f"with the sign-in kept in {signed_in.path}"
        return f"A session started {place} now talks to the Claude apps gateway {where} as {model}, {how}."
    if endpoint is not None and endpoint.startswith(SOCKET_SCHEME):
        where = f"whoever listens at the Unix socket {endpoint.removeprefix(SOCKET_SCHEME)}"
    fate = ""
    if not backend_of({"ANTHROPIC_BASE_URL": endpoint or ""}).cloud:
        leaks = any(warning.id.startswith("leak.") for warning in resolution.warnings)
        sent = resolution.decisions["authorization"].value
        own = "its own key and no other" if sent and PLACEHOLDER not in sent else "no"
        fate = "; a credential of yours goes there too" if leaks else f"; {own} credential of yours goes there"
    return f"A session started {place} now talks to {where} as {model}{fate}."
