"""The request that a profile stands for: what `enable` and `run` would be asked for with options."""

from dataclasses import dataclass, field, replace
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.client_config.choose_server import Request, same_server
from claude_local_plugin.core.helper import command_for
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.errors import UsageError
from claude_local_plugin.profiles import repository, secrets
from claude_local_plugin.profiles.model import Profile, named
from claude_local_plugin.servers.urls import UrlError, normalise
from claude_local_plugin.world import World


@dataclass(frozen=True, slots=True)
class Chosen:
    """A profile, its key (None: its server wants none), and the request that it stands for here."""

    profile: Profile
    token: str | None = field(repr=False)
    request: Request


def chosen(name: str, world: World, **asked: Any) -> Chosen:
    """The profile of this name, its key read where it is, and its request; `asked` as in `request_for`.

    Raises ClaudeLocalError where there is no such profile, where something in it is wrong, or where its key is not to
    be had.
    """
    folder = paths.config_dir(world.environ)
    profile = find(name, world)
    elsewhere = _is_elsewhere(profile, asked.get("url"))
    other_key = elsewhere or asked.get("token_env") is not None
    token = None if other_key else secrets.key_of(profile, world.environ, folder)
    helper = (
        command_for(profile.name, world.python, str(world.state_dir), str(folder)) if profile.helper and token else None
    )
    return Chosen(profile, token, request_for(profile, token=token, helper=helper, **asked))


def find(name: str, world: World) -> Profile:
    """The profile of this name: one's own, else the repository's where somebody here has agreed to its file.

    Raises UsageError where there is none, and ClaudeLocalError where it cannot be used.
    """
    config_file = paths.config_dir(world.environ) / CONFIG_FILE
    try:
        return named(name, config_file, world.environ)
    except UsageError:
        found = repository.read(world)
        if found is None or name not in found.profiles:
            raise
    return (repository.trusted(world) or found).profiles[name]


def request_for(profile: Profile, *, token: str | None = None, helper: str | None = None, **asked: Any) -> Request:
    """The request, `asked` being options of the command line, which win where they are neither None nor empty.

    Headers come to those of the profile. Where another server is asked for, key and headers of the profile's stay here.
    `token`: the key, resolved by whoever asks. `helper`: the command that gives the key.
    """
    elsewhere = _is_elsewhere(profile, asked.get("url"))
    said: dict[str, Any] = {
        "url": profile.url,
        "model": profile.model,
        "kind": None if elsewhere else profile.kind,
        "max_model_len": profile.window,
        "system_prompt": profile.system_prompt,
        "keep_headers": False,
    }
    if not elsewhere:
        said |= {
            "headers": profile.headers,
            "headers_env": profile.headers_env,
            "token_env": profile.token_variable,
        }
    base = Request(**said, profile=profile.name, preferences=profile.preferences())
    more = {key: (*getattr(base, key), *asked.pop(key, ())) for key in ("headers", "headers_env")}
    own_key = not elsewhere and asked.get("token_env") is None
    privacy = asked.pop("privacy", None)
    preferences = profile.preferences(helper if own_key else None)
    given = {key: value for key, value in asked.items() if value not in (None, ()) and key != "keep_headers"}
    return Request(
        **{**said, **more, **given},
        profile=profile.name,
        of_profile=base,
        preferences=preferences if privacy is None else replace(preferences, privacy=privacy),
        token=token if own_key else None,
    )


def _is_elsewhere(profile: Profile, url: str | None) -> bool:
    """Whether an address that was asked for is another server's than the profile's; one that is none counts as such."""
    if url is None:
        return False
    try:
        return not same_server(normalise(url).url, profile.url)
    except UrlError:
        return True
