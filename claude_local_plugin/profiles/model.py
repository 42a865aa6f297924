"""What is said of a server under a name, read from config.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from claude_local_plugin.client_config.model import Preferences
from claude_local_plugin.config import profile_rules
from claude_local_plugin.core import config as table
from claude_local_plugin.core import config_rules
from claude_local_plugin.core.files import MOST_SETTINGS, content
from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import SettingsError, UsageError
from claude_local_plugin.text import printable

if TYPE_CHECKING:
    from claude_local_plugin.config import ConfigFile, ProfileTable

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
    def of(cls, name: str, said: "Mapping[str, Any] | ProfileTable") -> Self:
        """The profile that a table says; its `url` is there."""
        keys = [each.name for each in fields(cls) if each.name != "name"]
        given = said if isinstance(said, Mapping) else {key: getattr(said, key) for key in keys}
        kept: dict[str, Any] = {key: given[key] for key in keys if given.get(key) is not None}
        lists = {key: tuple(value) for key, value in kept.items() if isinstance(value, list)}
        return cls(name=name, **{**kept, **lists})

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


def all_of(found: "ConfigFile") -> dict[str, Profile]:
    """The profiles by their names, those that name a server; what is wrong with the others `found.problems` tells."""
    return {name: Profile.of(name, said) for name, said in found.settings.profiles.items() if said.url is not None}


def read(config_file: Path) -> dict[str, Profile] | None:
    """The profiles by their names, as fast as that goes; None where anything is wrong, which `named` can say well."""
    import tomllib

    try:
        text = content(str(config_file), MOST_SETTINGS).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
    try:
        said = tomllib.loads(text).get("profiles", {})
    except (ValueError, RecursionError):
        return None
    rows = [row for row in table.KEYS if row[0] == "profiles.*"]
    found, problems = config_rules.understood(rows, {"profiles": said})
    profiles = found.get("profiles", {})
    if problems or any(profile_rules.problems(said)) or any("url" not in each for each in profiles.values()):
        return None
    return {name: Profile.of(name, each) for name, each in profiles.items()}


def every(config_file: Path, environ: Mapping[str, str] | None = None) -> dict[str, Profile]:
    """The profiles by their names, those that name a server; raises SettingsError for a file that is no TOML."""
    found = read(config_file)
    if found is None:
        from claude_local_plugin.config import load

        found = all_of(load(config_file, environ))
    return found


def named(name: str, config_file: Path, environ: Mapping[str, str] | None = None) -> Profile:
    """The profile of this name; raises UsageError where there is none, with the nearest name that there is.

    Raises SettingsError where the profile is there and cannot be used: a wrong value in it would be left out otherwise,
    and a session would go where nobody meant it to.
    """
    profiles = read(config_file)
    if profiles is None:
        profiles = _sound(name, config_file, environ)
    if profile := profiles.get(name):
        return profile
    import difflib

    near = difflib.get_close_matches(name, profiles, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else command("claude-local", "profile", "list")
        if profiles
        else command("claude-local", "profile", "add", Words("NAME"), "--url", Words("URL"))
    )
    address = "" if near else "   (a server's address has its port: box:8000)"
    raise UsageError(f"there is no profile called {printable(name)}", hint + address)


def _sound(name: str, config_file: Path, environ: Mapping[str, str] | None) -> dict[str, Profile]:
    """The profiles of a file in which something is wrong, unless it is wrong with the one of this name."""
    from claude_local_plugin.config import load

    found = load(config_file, environ)
    wrong = [each for each in found.problems if each.path[:2] == ("profiles", name) and not each.unknown]
    if wrong:
        raise SettingsError(str(wrong[0]), command("claude-local", "profile", "edit", name))
    profiles = all_of(found)
    if name in found.settings.profiles and name not in profiles:
        raise SettingsError(
            f"{config_file}: profiles.{name} names no url", command("claude-local", "profile", "edit", name)
        )
    return profiles
