"""The table itself: one order, rules with versions."""

from claude_local_plugin.core.claude import version_key
from claude_local_plugin.core.env_rules import APPLIED_BEFORE_TRUST, REFUSED_IN_EVERY_FILE, REFUSED_IN_PROJECTS
from claude_local_plugin.precedence import VERIFIED_AGAINST, VERIFIED_VERSIONS, Scope
from claude_local_plugin.precedence.table import (
    PROVIDERS,
    RULES,
    SCOPE_LABELS,
    SETTINGS_ORDER,
    holds,
    is_verified,
)


def test_the_order_of_scopes() -> None:
    assert SETTINGS_ORDER == (
        Scope.SERVED,
        Scope.MANAGED,
        Scope.FLAG,
        Scope.LOCAL,
        Scope.PROJECT,
        Scope.USER,
        Scope.SHELL,
    )
    assert set(SCOPE_LABELS) == set(Scope)


def test_rules_and_switches_are_named_once() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert len({provider.switch for provider in PROVIDERS}) == len(PROVIDERS)


def test_every_rule_says_since_when_it_holds() -> None:
    assert all(rule.since is not None for rule in RULES)
    assert all(version_key(rule.since or "") <= version_key(VERIFIED_AGAINST) for rule in RULES)


def test_rules_hold_from_their_version_on_and_for_an_unknown_one() -> None:
    assert not holds("local-from-git-root", "2.1.210")
    assert holds("local-from-git-root", "2.1.211")
    assert holds("local-from-git-root", None)


def test_versions_are_compared_as_numbers() -> None:
    assert version_key("2.1.99") < version_key("2.1.329")
    assert version_key("2.1.329-beta.1") == (2, 1, 329)
    assert version_key("nonsense") == ()


def test_which_versions_are_verified() -> None:
    assert all(is_verified(version) for version in VERIFIED_VERSIONS)
    assert not is_verified("9.9.9")
    assert not is_verified("2.0.60")
    assert not is_verified(None)


def test_the_lists_of_variables_do_not_overlap() -> None:
    assert not REFUSED_IN_EVERY_FILE & REFUSED_IN_PROJECTS
    assert not APPLIED_BEFORE_TRUST & (REFUSED_IN_EVERY_FILE | REFUSED_IN_PROJECTS)
    assert {"HOME", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_OAUTH_TOKEN"} <= REFUSED_IN_PROJECTS
