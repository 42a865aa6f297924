"""What is said of a server under a name, read from config.toml."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from claude_local_plugin.client_config.model import Preferences
from claude_local_plugin.config import ConfigFile, ProfileTable, load
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import SettingsError, UsageError
from claude_local_plugin.text import printable

#: What is said in the place of a profile for Anthropic's own API.
CLOUD = "cloud"
#: The aliases that a profile may name a model for.
TIERS = ("opus", "sonnet", "haiku", "fable")


@dataclass(frozen=True, slots=True)
class Profile:
    """A server under a name: the keys of `[profiles.NAME]`, None or empty where nothing is said."""

    name: str
    url: str
    model: str | None = None
    opus: str | None = None
    sonnet: str | None = None
    haiku: str | None = None
    fable: str | None = None
    subagent: str | None = None
    kind: str | None = None
    #: Where the key is: `none`, `env:NAME`, `keyring` or `file`.
    token: str | None = None
    helper: bool = False
    headers: tuple[str, ...] = ()
    headers_env: tuple[str, ...] = ()
    window: int | None = None
    max_output: int | None = None
    api_timeout_ms: int | None = None
    stream_idle_timeout_ms: int | None = None
    max_retries: int | None = None
    privacy: str | None = None
    system_prompt: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    start_command: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, said: ProfileTable) -> Self:
        """The profile that a table says; `said.url` is there."""
        given = {each.name: getattr(said, each.name) for each in fields(cls) if each.name != "name"}
        return cls(name=name, **{key: value for key, value in given.items() if value is not None})

    @property
    def said(self) -> dict[str, Any]:
        """The keys that are set, as the file holds them."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
        kept = {key: dict(value) if key == "env" else value for key, value in plain.items() if value not in ([], {})}
        return {key: value for key, value in kept.items() if value is not None and value is not False}

    @property
    def token_variable(self) -> str | None:
        """The variable that holds the key, where one does."""
        source, colon, name = (self.token or "").partition(":")
        return name if colon and source == "env" else None

    def preferences(self, helper: str | None = None) -> Preferences:
        """What it wants beyond server, model and key; `helper` is the command that gives the key, where one is to."""
        return Preferences(
            tiers={tier: model for tier in TIERS if (model := getattr(self, tier)) is not None},
            subagent=self.subagent,
            max_output=self.max_output,
            api_timeout_ms=self.api_timeout_ms,
            stream_idle_timeout_ms=self.stream_idle_timeout_ms,
            max_retries=self.max_retries,
            privacy=self.privacy,
            env=self.env,
            helper=helper if self.helper else None,
        )


def all_of(found: ConfigFile) -> dict[str, Profile]:
    """The profiles by their names, those that name a server; what is wrong with the others `found.problems` tells."""
    return {name: Profile.of(name, said) for name, said in found.settings.profiles.items() if said.url is not None}


def named(name: str, config_file: Path, environ: Mapping[str, str] | None = None) -> Profile:
    """The profile of this name; raises UsageError where there is none, with the nearest name that there is.

    Raises SettingsError where the profile is there and cannot be used: a wrong value in it would be left out otherwise,
    and a session would go where nobody meant it to.
    """
    found = load(config_file, environ)
    wrong = [each for each in found.problems if each.path[:2] == ("profiles", name) and not each.unknown]
    if wrong:
        raise SettingsError(str(wrong[0]), command("claude-local", "profile", "edit", name))
    profiles = all_of(found)
    if profile := profiles.get(name):
        return profile
    if name in found.settings.profiles:
        raise SettingsError(
            f"{config_file}: profiles.{name} names no url", command("claude-local", "profile", "edit", name)
        )
    near = difflib.get_close_matches(name, profiles, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else command("claude-local", "profile", "list")
        if profiles
        else command("claude-local", "profile", "add", Words("NAME"), "--url", Words("URL"))
    )
    raise UsageError(f"there is no profile called {printable(name)}", hint)
