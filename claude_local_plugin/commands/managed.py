"""Renders an administrator's files for many machines; nothing is installed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from claude_local_plugin import paths
from claude_local_plugin.client_config.choose_server import Choice, Request, choose_server
from claude_local_plugin.commands.output_file import replacing
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.core.registration import CONFIG_OPTION, STATE_OPTION
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import UsageError
from claude_local_plugin.fleet import Group, Wishes, fragment, gateway, sign_in
from claude_local_plugin.precedence import managed_dir_default
from claude_local_plugin.profiles import Profile, named, request_for
from claude_local_plugin.profiles.secrets import key_of
from claude_local_plugin.settings import hooks
from claude_local_plugin.settings.document import Append
from claude_local_plugin.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for on the command line."""

    url: str | None = None
    model: str | None = None
    token_env: str | None = None
    helper: str | None = None
    check: bool = True
    max_model_len: int | None = None
    privacy: str | None = None
    otel: str | None = None
    lock: bool = False
    hooks: bool = False


def managed(world: World, profile: str | None, asked: Asked) -> dict[str, Any]:
    """The fragment for `managed-settings.d`."""
    found, choice = _server(world, profile, asked)
    return _fragment(world, found, choice, asked)


def for_gateway(
    world: World,
    profiles: Sequence[str],
    asked: Asked,
    *,
    public_url: str,
    issuer: str,
    client_id: str,
    groups: Sequence[str] = (),
) -> tuple[dict[str, Any], dict[str, str]]:
    """gateway.yaml for the client's own gateway, and the managed file of the machines."""
    entries = []
    for each in profiles or (None,):
        found, choice = _server(world, each, asked)
        # the gateway has the key, and sessions get none
        settings = _fragment(world, found, replace(choice, backend=replace(choice.backend, token=PLACEHOLDER)), asked)
        name = each or choice.backend.kind
        key = asked.token_env or (found.token_variable if found else None)
        if key is None and choice.backend.token != PLACEHOLDER:
            key = _variable_of(name)
        entries.append(Group(name, choice.backend, settings, key, _groups(groups, name)))
    unknown = {group.partition("=")[0] for group in groups} - {entry.name for entry in entries}
    if unknown:
        raise UsageError(
            f"--group names {min(unknown)}, which is none of the servers here",
            f"one of {', '.join(entry.name for entry in entries)}",
        )
    return gateway(entries, public_url=public_url, issuer=issuer, client_id=client_id), sign_in(public_url)


def text_of(document: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(document: dict[str, Any], output: Path) -> None:
    """Write it where the user said."""
    with replacing(output) as file:
        file.write(text_of(document).encode())


def installing(file: str, name: str) -> str:
    """The command that installs a file on a machine."""
    place = managed_dir_default() / "managed-settings.d" / name
    return command("sudo", "install", "-D", "-m", "0644", file, str(place))


def _variable_of(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.upper()) + "_KEY"


def _groups(given: Sequence[str], name: str) -> tuple[str, ...]:
    wrong = next((each for each in given if "=" not in each), None)
    if wrong is not None:
        raise UsageError(f"--group {wrong} names no server", "--group PROFILE=GROUP")
    return tuple(group for profile, _, group in (each.partition("=") for each in given) if profile == name)


def _server(world: World, profile: str | None, asked: Asked) -> tuple[Profile | None, Choice]:
    """The server, asked; its window and what it needs are in the lines."""
    options: dict[str, Any] = {"model": asked.model, "token_env": asked.token_env, "max_model_len": asked.max_model_len}
    if profile is None:
        request, found = Request(url=asked.url, **options), None
    else:
        if asked.url is not None:
            raise UsageError(f"both the profile {profile} and --url name a server", "name one of them")
        config_dir = paths.config_dir(world.environ)
        found = named(profile, config_dir / CONFIG_FILE, world.environ)
        token = None if found.token_variable or asked.token_env else key_of(found, world.environ, config_dir)
        request = request_for(found, token=token, **options)
    behind = (
        *(("--max-model-len", str(asked.max_model_len)) if asked.max_model_len else ()),
        *(("--helper", asked.helper) if asked.helper else ()),
        *(("--otel", asked.otel) if asked.otel else ()),
        *(("--lock",) if asked.lock else ()),
        *(("--hooks",) if asked.hooks else ()),
    )
    request = replace(request, check=asked.check, words=("managed", "render"), behind=behind)
    if asked.privacy is not None:
        request = replace(request, preferences=replace(request.preferences, privacy=asked.privacy))
    return found, choose_server(request, world, None)


def _fragment(world: World, profile: Profile | None, choice: Choice, asked: Asked) -> dict[str, Any]:
    wishes = Wishes(_helper(profile, choice, asked), asked.otel, asked.lock, _hooks(world) if asked.hooks else ())
    return fragment(choice.backend, choice.needs, wishes)


def _helper(profile: Profile | None, choice: Choice, asked: Asked) -> str | None:
    """What gives the server's key on each machine: a command, or the variable that holds it there."""
    if asked.helper is not None:
        return asked.helper
    if choice.backend.token == PLACEHOLDER:
        return None
    variable = asked.token_env or (profile.token_variable if profile else None)
    return f'printf %s "${variable}"' if variable else None


def _hooks(world: World) -> tuple[Append, ...]:
    """The hooks as every user has them: with the folders of whoever runs them, and not this user's."""
    return tuple(
        Append(entry.path, _without_folders(entry.item))
        for entry in hooks.entries(world.python, paths.shipped("hooks"), world.state_dir)
    )


def _without_folders(item: Any) -> Any:
    """A registration without the options that name our own folders."""
    if isinstance(item, list):
        words, kept = list(item), []
        while words:
            word = words.pop(0)
            if word in (STATE_OPTION, CONFIG_OPTION):
                words.pop(0)
            else:
                kept.append(_without_folders(word))
        return kept
    return {key: _without_folders(value) for key, value in item.items()} if isinstance(item, dict) else item
