"""What explain-precedence warns of, doctor says, too, and once: each warning has one check that stands for it.

The ids are read from the source of the warnings; the worlds are those of the checks' own cases, and a few more.
"""

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from claude_local_plugin.checks import Finding, Result
from claude_local_plugin.doctor import CHECKS, Check, Facts, run
from claude_local_plugin.precedence import Scope, warnings
from tests.doctor import building as b
from tests.doctor.test_checks import CASES

#: What stands for a warning, by its id; what none stands for is said by the last one.
STANDING = {name: check for check in CHECKS for name in (check.id, *check.covers)}
OTHER = next(check for check in CHECKS if check.id == "precedence.other")

TOKENS = "/run/secrets/token"


def _skipped() -> Facts:
    """An administrator's file of which a key is left out."""
    seen = b.snapshot(managed={"model": "opus"})
    files = tuple(
        replace(each, skipped=("permissions must be an object",)) if each.scope is Scope.MANAGED else each
        for each in seen.files
    )
    return b.facts(replace(seen, files=files))


def _exchanged() -> Facts:
    """An address without its scheme, and an identity token that is to be exchanged there."""
    federation = {"ANTHROPIC_FEDERATION_RULE_ID": "r", "ANTHROPIC_ORGANIZATION_ID": "o"}
    shell = {**federation, "ANTHROPIC_IDENTITY_TOKEN": "t", "ANTHROPIC_IDENTITY_TOKEN_FILE": TOKENS}
    return b.facts(
        b.snapshot(
            env={"ANTHROPIC_BASE_URL": "localhost:8000"},
            without=("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"),
            shell=shell,
        )
    )


#: Worlds for the warnings that no case of the checks brings up.
MORE: dict[str, Callable[[], Facts]] = {
    "credentials.reference": lambda: b.facts(b.snapshot(env={"ANTHROPIC_AUTH_TOKEN": "${KEY}"})),
    "credentials.scheme": lambda: b.facts(b.snapshot(env={"ANTHROPIC_AUTH_TOKEN": "Bearer mine"})),
    "files.skipped": _skipped,
    "headers.unusable": lambda: b.facts(b.snapshot(env={"ANTHROPIC_CUSTOM_HEADERS": "x y: 1"})),
    "model.unset": lambda: b.facts(b.snapshot(without=("ANTHROPIC_MODEL",))),
    "model.unset, and the server does not answer": lambda: b.facts(
        b.snapshot(without=("ANTHROPIC_MODEL",)), server=None
    ),
    "proxy.helper": lambda: b.facts(b.snapshot(user={"proxyAuthHelper": "echo x"})),
    "socket.in-use": lambda: b.facts(b.snapshot(shell={"ANTHROPIC_UNIX_SOCKET": "/run/x.sock"})),
    "url.exchange": _exchanged,
    "url.query": lambda: b.facts(b.snapshot(env={"ANTHROPIC_BASE_URL": f"{b.URL}?a=b"})),
}


def warned() -> set[str]:
    """The ids that the source of the warnings spells out; those of leaks are put together there."""
    tree = ast.parse(Path(warnings.__file__).read_text(encoding="utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    named = (node.args[0] for node in calls if ast.unparse(node.func) in ("Finding", "_leaking"))
    return {str(each.value) for each in named if isinstance(each, ast.Constant)}


@cache
def worlds() -> dict[str, Facts]:
    found = {f"{check}, case {at}": build() for at, (check, _, _, build) in enumerate(CASES)}
    return found | {name: build() for name, build in MORE.items()}


def _said(facts: Facts, check: Check) -> tuple[Finding, ...]:
    return tuple(each for each in run(facts, [check]) if each.result not in (Result.OK, Result.SKIPPED))


def test_whatever_explain_warns_of_is_said_by_the_check_that_stands_for_it() -> None:
    silent, seen = [], set()
    for name, facts in worlds().items():
        for warning in facts.resolution.warnings:
            seen.add(warning.id)
            check = STANDING.get(warning.id, OTHER)
            if not _said(facts, OTHER if check.skipped(facts) else check):
                silent.append(f"{name}: {warning.id}, for which {check.id} stands: {warning.what}")
    assert not silent, "\n".join(silent)
    assert warned() <= seen, "a warning is without a world here"


def test_nothing_is_said_twice() -> None:
    for name, facts in worlds().items():
        counted = Counter(finding.what for finding in run(facts) if finding.result.bad)
        assert not [what for what, times in counted.items() if times > 1], name


def test_every_check_stands_for_warnings_that_there_are() -> None:
    for check in CHECKS:
        assert set(check.covers) <= warned(), check.id
