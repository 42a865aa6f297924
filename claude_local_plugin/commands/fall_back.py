"""Take a folder whose server is down to the next of its profile's fallback, and back again: asked by a session's hook.

Nobody is asked and nobody sees a diff, so less is done here than `enable` would do: a session that runs keeps the name
of its model, and every variable that a settings file no longer sets (observed on Claude Code 2.1.329 to 2.1.332).
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from claude_local_plugin.client_config.choose_server import same_server
from claude_local_plugin.commands import enable
from claude_local_plugin.commands.open_sessions import affected
from claude_local_plugin.core import config
from claude_local_plugin.core.config import PROGRAM
from claude_local_plugin.core.endpoint import PROXY_VARIABLES
from claude_local_plugin.core.protection import is_allowed
from claude_local_plugin.core.record_extras import FALLEN_FROM, FALLEN_URL
from claude_local_plugin.core.registration import FALLEN_NOTE
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.precedence import Scope, settings_file_to_write
from claude_local_plugin.profiles import CLOUD, Profile, chosen, find, remembered
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.sessionlog.queries.filters import State, Where
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.document import value_at
from claude_local_plugin.settings.ownership import Record
from claude_local_plugin.settings.variables import catalogue
from claude_local_plugin.world import World

#: What a session may keep of variables that the new settings do not set: none of these says where, or with what. The
#: others may be kept if `enable` writes them itself: what one server cannot take is then left out for the next as well,
#: and every model that is named has to be served.
HARMLESS_ROLES = ("prompt", "quiet", "timeout", "window")
HARMLESS_IF_WRITTEN = ("model", "protocol")
WINDOW = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a hook asks for: `url` is where its session is, `models` what it may ask for, `folders` what it can reach.

    Nothing is written after `until` (seconds since 1970). `back`: to the profile that a fallback led away from.
    """

    session_id: str
    url: str
    models: tuple[str, ...]
    folders: tuple[str, ...]
    until: float
    back: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of it: the profile that is in effect now and its address, or why there is none."""

    profile: str | None = None
    url: str | None = None
    #: The profile that was in effect before, and the one that somebody has chosen.
    before: str | None = None
    origin: str | None = None
    model: str | None = None
    why: tuple[str, ...] = field(default=())
    at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As the hook reads it."""
        return {
            "moved": self.url is not None,
            "profile": self.profile,
            "url": self.url,
            "before": self.before,
            "origin": self.origin,
            "model": self.model,
            "why": "; ".join(self.why),
            "at": self.at,
        }


def fall_back(asked: Asked, world: World) -> Moved:
    """Write the settings of the first profile that will do, and say which; where none will, say of each why not.

    Raises ClaudeLocalError where nothing can be said of the folder at all.
    """
    settings_file = settings_file_to_write(
        Scope.LOCAL, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
    )
    record = ownership.load(settings_file, world.state_dir)
    present = remembered.in_record(record)
    env = _env(file.read(settings_file))
    if record is None or present is None or not same_server(env.get("ANTHROPIC_BASE_URL", ""), asked.url):
        return Moved()  # nobody here has chosen this server by a name
    origin = record.extras.get(FALLEN_FROM) or present
    if asked.back and origin == present:
        return Moved()
    why = []
    for name in _in_turn(find(origin, world), present, back=asked.back):
        if name == CLOUD:
            why.append(f"{CLOUD}: a session that runs is never taken there")
            continue
        try:
            prepared, reason = _prepared(name, present, asked, world, record)
        except ClaudeLocalError as error:
            reason = error.message
        if reason is not None:
            why.append(f"{name}: {reason}")
        elif time.time() > asked.until:
            why.append("this machine is too busy to change settings in time")
            break
        else:
            at = _written(prepared, origin, world)
            return Moved(name, prepared.backend.url, present, origin, prepared.backend.model, at=at)
    return Moved(why=tuple(why))


def _in_turn(origin: Profile, present: str, *, back: bool) -> list[str]:
    """Who is asked, one after another."""
    names = [origin.name] if back else [origin.name, *origin.fallback]
    return [name for name in names if name != present]


def _prepared(
    name: str, present: str, asked: Asked, world: World, record: Record
) -> "tuple[enable.Prepared, str | None]":
    """What would be written for this profile, and why it is not; raises ClaudeLocalError where it cannot be used."""
    request = chosen(name, world, scope=Scope.LOCAL).request
    prepared = enable.prepare(replace(request, port_scan=False), world)
    return prepared, next(_against(prepared, present, asked, world), None)


def _against(prepared: enable.Prepared, present: str, asked: Asked, world: World) -> Iterator[str]:
    """What speaks against a move that nobody is asked about."""
    backend, server = prepared.backend, prepared.server
    before, after = _env(prepared.before), _env(prepared.after)
    served = {model.name for model in server.models} if server is not None else set()
    if server is None or server.state != "ready":
        yield "it is not ready"
    if backend.model != before.get("ANTHROPIC_MODEL") or not served.issuperset(asked.models):
        missing = sorted({*asked.models, before.get("ANTHROPIC_MODEL", "")} - served)
        yield f"does not serve {missing[0]}" if missing else f"is used with another model, {backend.model}"
    if not asked.back and is_smaller(after.get(WINDOW), before.get(WINDOW)):
        yield f"its window is smaller ({after.get(WINDOW) or 'not known'} instead of {before.get(WINDOW)} tokens)"
    if _has_helper(prepared.before) or _has_helper(prepared.after):
        yield "Claude Code keeps the key that a helper gave it for a while"
    yield from _left_behind(before, after)
    if any(settings.get(name) for settings in (world.environ, before, after) for name in PROXY_VARIABLES):
        yield "a proxy is set, and whether the running session goes past it is not known"
    yield from _kept_from(backend.url, asked.folders, world)
    yield from _others(prepared, asked, world)


def is_smaller(after: str | None, before: str | None) -> bool:
    """Whether a conversation that fits into the window before may not fit into the one after."""
    if before is None:
        return False
    return after is None or not (after.isdecimal() and before.isdecimal()) or int(after) < int(before)


def _left_behind(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """What the running session would take along, as no file can take a variable from it."""
    for name in before:
        known = catalogue().get(name)
        is_harmless = (
            known is not None
            and not known.secret
            and (known.role in HARMLESS_ROLES or (known.written and known.role in HARMLESS_IF_WRITTEN))
        )
        if before[name] and name not in after and not is_harmless:
            yield f"the running session would keep {name} of the profile before"


def _kept_from(url: str, folders: Collection[str], world: World) -> Iterator[str]:
    """The protected folders that this server is not allowed for; without a list, nothing is allowed unasked."""
    held = config.look(str(world.state_dir), world.environ)
    for folder in (str(world.cwd), *folders):
        protection = held.for_project(folder)
        allowed = protection.allowed_backends
        if protection.protect and not (allowed and is_allowed("unknown", url, allowed)):
            yield f"{folder} is protected, and {url} is not on its list"


def _others(prepared: enable.Prepared, asked: Asked, world: World) -> Iterator[str]:
    """Other sessions of the folder that would move along, but for people's, whose next prompt is held once."""
    running = queries.sessions(world.state_dir, where=Where(state=State.RUNNING))
    people = {each.session_id for each in running if each.entrypoint and not each.entrypoint.startswith(PROGRAM)}
    for each in affected(world, {prepared.settings_file: prepared.after}):
        session_id = each.session.session_id
        if session_id == asked.session_id or not each.moves or (session_id in people and not asked.back):
            continue
        yield f"another session is open here ({session_id[:8]}) and would be moved along"


def _written(prepared: enable.Prepared, origin: str, world: World) -> float:
    """Write it, with the cause on record; returns when that was done."""
    fallen = prepared.request.profile != origin
    extras = {
        FALLEN_FROM: origin if fallen else "",
        FALLEN_URL: find(origin, world).url if fallen else "",
    }
    if fallen:
        file.private_folder(world.state_dir)
        (world.state_dir / FALLEN_NOTE).touch()
    enable.write(replace(prepared, extras={**prepared.extras, **extras}), approved=False)
    if not fallen and not any(each.extras.get(FALLEN_FROM) for each in ownership.records(world.state_dir)):
        (world.state_dir / FALLEN_NOTE).unlink(missing_ok=True)
    return time.time()


def _env(text: str | None) -> dict[str, str]:
    """The variables that a settings file's text sets."""
    found = value_at(text or "", ("env",))
    return {name: str(value) for name, value in found.items()} if isinstance(found, Mapping) else {}


def _has_helper(text: str | None) -> bool:
    return bool(value_at(text or "", ("apiKeyHelper",)))


def read_asked(said: Mapping[str, Any]) -> tuple[Asked, Path]:
    """What a hook has written, and the folder that it is about."""
    asked = Asked(
        str(said["session_id"]),
        str(said["url"]),
        tuple(map(str, said["models"])),
        tuple(map(str, said["folders"])),
        float(said["until"]),
        bool(said["back"]),
    )
    return asked, Path(said["folder"])
