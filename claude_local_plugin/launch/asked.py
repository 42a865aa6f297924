"""What a profile, or a server's address, comes to for something that is started: one request, one backend."""

from dataclasses import replace

from claude_local_plugin import paths
from claude_local_plugin.client_config import budget
from claude_local_plugin.client_config.choose_server import Choice, Request
from claude_local_plugin.profiles import Profile, request_for
from claude_local_plugin.profiles.secrets import key_of
from claude_local_plugin.world import World


def request(
    world: World, profile: Profile | None, *, url: str | None, model: str | None, token_env: str | None, check: bool
) -> Request:
    """The request; without a profile it is the server of the address, or the one in effect here.

    Where the routing is decided outside of settings files no helper is run, so that the key itself goes along.
    """
    if profile is None:
        return Request(url=url, model=model, token_env=token_env, check=check)
    token = None
    if profile.token_variable is None and token_env is None:
        token = key_of(profile, world.environ, paths.config_dir(world.environ))
    return request_for(profile, token=token, model=model, token_env=token_env, check=check)


def completed(choice: Choice, asked: Request) -> Choice:
    """The choice with the system prompt that was asked for, and how many conversations its server has room for."""
    backend, server = choice.backend, choice.server
    at_once = budget.room_for(server, backend, choice.needs) if server else None
    return replace(choice, backend=replace(backend, prompt=asked.system_prompt, at_once=at_once))
