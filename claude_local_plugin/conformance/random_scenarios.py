"""Random configurations, drawn from all sources with a seed: what nobody thought of asking."""

import random
from typing import Any

from claude_local_plugin.conformance.scenario import Scenario, Settings, url
from claude_local_plugin.conformance.systematic import CONSOLE, LOGIN, ODD_FILES, SCOPES
from claude_local_plugin.conformance.twists import twisted


def randomly(count: int, seed: int, *, twists: bool = True) -> dict[str, Scenario]:
    """`count` configurations drawn from all sources, three of four with twists; a seed gives the same ones again."""
    drawn = {}
    for index in range(count):
        chance = random.Random(f"{seed}:{index}")
        scenario = draw(chance)
        drawn[f"random/{seed}/{index}"] = twisted(chance, scenario) if twists and index % 4 else scenario
    return drawn


#: Chance that a source sets a key at all, and the values it may set: `{place}` says where it was set.
DRAWN: dict[str, tuple[float, tuple[Any, ...]]] = {
    "ANTHROPIC_BASE_URL": (0.40, ("{url}", "{url}", "{url}", "{url}/", "")),
    "ANTHROPIC_AUTH_TOKEN": (0.20, ("token-{place}", "token-{place}", "", 7)),
    "ANTHROPIC_API_KEY": (0.20, ("key-{place}", "key-{place}", "")),
    "ANTHROPIC_MODEL": (0.20, ("model-{place}", "opus", "sonnet", "haiku", "", None, 5, True)),
    "ANTHROPIC_DEFAULT_OPUS_MODEL": (0.10, ("opus-{place}", "")),
    "ANTHROPIC_DEFAULT_SONNET_MODEL": (0.10, ("sonnet-{place}", "")),
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": (0.10, ("haiku-{place}", "")),
    "ANTHROPIC_DEFAULT_MODEL": (0.05, ("start-{place}", "sonnet", "")),
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": (0.12, ("65536", "131072", 98304, "")),
    "CLAUDE_CODE_DISABLE_1M_CONTEXT": (0.04, ("1", "0", "")),
    "CLAUDE_CODE_OAUTH_TOKEN": (0.08, ("oauth-{place}", "")),
    "ANTHROPIC_CUSTOM_HEADERS": (0.05, ("X-From: {place}", "")),
    "DISABLE_COMPACT": (0.03, ("1", "")),
    "CLAUDE_CODE_USE_GATEWAY": (0.02, ("1", "0", "")),
    "CLAUDE_CODE_USE_BEDROCK": (0.02, ("1", "0", "", "true")),
    "CLAUDE_CODE_USE_VERTEX": (0.02, ("1", "0", "", False)),
    "CLAUDE_CODE_USE_FOUNDRY": (0.02, ("1", "0", "")),
}
MODEL_SETTINGS = ("model-{place}", "opus", "sonnet", "haiku", "opusplan", "")


def draw(chance: random.Random) -> Scenario:
    """One random configuration."""
    layout = chance.choice(("plain", "plain", "git-root", "git-subfolder", "git-subfolder", "worktree", "worktree"))
    places = list(SCOPES)
    if layout in {"git-subfolder", "worktree"}:
        places += ["main.local", "main.project"]
    places += [part for part in ("managed.d/10", "managed.d/20") if chance.random() < 0.1]
    present = [place for place in places if chance.random() < (0.25 if place.startswith("managed") else 0.45)]
    settings: dict[str, Settings] = {}
    for place in sorted(present):
        settings[place] = _spoil(chance, place) if chance.random() < 0.06 else _settings(chance, place)
    shell = {name: str(value) for name, value in _variables(chance, "shell").items()}
    credential = any(name in f"{settings}{shell}" for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"))
    if not credential and chance.random() < 0.7:
        # Most people are logged in somehow; a configuration without any credential says little.
        shell["ANTHROPIC_AUTH_TOKEN"] = "token-shell"
    return Scenario(
        settings=settings,
        shell=shell,
        credentials=LOGIN if chance.random() < 0.15 else None,
        home_json=CONSOLE if chance.random() < 0.12 else None,
        layout=layout,
        setting_sources=chance.choice(("user", "user,project", "local", "project,local"))
        if chance.random() < 0.08
        else None,
        model=chance.choice(("model-cli", "opus", "sonnet", "haiku")) if chance.random() < 0.12 else None,
        flag_inline=chance.random() < 0.5,
        config_dir=chance.random() < 0.08,
    )


def _settings(chance: random.Random, place: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if variables := _variables(chance, place):
        settings["env"] = variables
    if chance.random() < 0.15:
        settings["model"] = chance.choice(MODEL_SETTINGS).replace("{place}", place.replace("/", "-"))
    if chance.random() < 0.12:
        settings["apiKeyHelper"] = chance.choice((f"echo helper-{place}", f"echo helper-{place}", ""))
    if chance.random() < 0.1:
        settings["permissions"] = {"defaultMode": "default"}
    return settings


def _variables(chance: random.Random, place: str) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for name, (probability, values) in DRAWN.items():
        if chance.random() < probability:
            value = chance.choice(values)
            if isinstance(value, str):
                value = value.replace("{place}", place.replace("/", "-")).replace("{url}", url(place))
            if place == "shell" and not isinstance(value, str):
                continue
            drawn[name] = value
    return drawn


def _spoil(chance: random.Random, place: str) -> str:
    """A file with a flaw."""
    return ODD_FILES[chance.choice(sorted(ODD_FILES))].replace("{url}", url(place))
