"""Servers under names: the list, one of them, and adding, changing, removing and handing them on."""

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_local_plugin import paths
from claude_local_plugin.client_config.choose_server import Choose, Request, choose_server
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.commands.enable import Prepared, keys_of
from claude_local_plugin.commands.measured_here import of_server
from claude_local_plugin.config import ABSENT, ConfigFile, Problem, understood
from claude_local_plugin.core.config_rules import is_variable
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.files import content
from claude_local_plugin.core.locations import CONFIG_FILE
from claude_local_plugin.core.shell import Words, command, export
from claude_local_plugin.core.shell import edit as edit_command
from claude_local_plugin.errors import ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.profiles import Profile, all_of, named, remembered, repository, secrets
from claude_local_plugin.profiles.store import Store, as_toml, changes_for, check_name, row_of, value_of
from claude_local_plugin.servers import kinds
from claude_local_plugin.settings import ownership
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

if TYPE_CHECKING:
    from claude_local_plugin.evaluation.measured import Measured


@dataclass(frozen=True, slots=True)
class Token:
    """Where a profile's key is to be: `source` as config.toml says it (None: as it was), and the key to keep there."""

    source: str | None = None
    key: str | None = field(default=None, repr=False)


def _store(world: World) -> Store:
    return Store(paths.config_dir(world.environ) / CONFIG_FILE, world.state_dir / "locks", world.environ)


def _wrong(found: ConfigFile, name: str) -> list[Problem]:
    return [each for each in found.problems if each.path[:2] == ("profiles", name)]


def variable(name: str) -> str:
    """The name of a variable; raises UsageError for what can be none, which may be a key."""
    if is_variable(name):
        return name
    raise UsageError(
        "--token-env takes the name of an environment variable, and this cannot be one",
        f"{export(Words('SPARK_KEY'), Words('…'))}, then --token-env SPARK_KEY",
    )


def list_profiles(world: World) -> dict[str, Any]:
    """The report of `claude-local profile list` (schemas/profile-list.schema.json)."""
    store = _store(world)
    found = store.load()
    here = remembered.here(world)
    usable = all_of(found)
    broken = {
        each.path[1] for each in found.problems if each.path[:1] == ("profiles",) and not each.unknown and each.path[1:]
    }
    return {
        "path": str(store.config_file),
        "profiles": [
            {
                "name": name,
                "url": said.url,
                "model": said.model,
                "token": said.token or "none",
                "in_use": name == here,
                "usable": name in usable and name not in broken,
            }
            for name, said in found.settings.profiles.items()
        ],
        "in_use": here,
        "problems": [str(each) for each in found.problems if each.path[:1] == ("profiles",)],
    }


def show(world: World, name: str) -> dict[str, Any]:
    """The report of `claude-local profile show` (schemas/profile-show.schema.json)."""
    store = _store(world)
    found = store.load()
    profile = _any(found, name, store)
    wrong = _wrong(found, name)
    return {
        "path": str(store.config_file),
        "name": name,
        "line": found.line(("profiles", name)),
        "profile": dict(profile),
        "in_use": remembered.here(world) == name,
        "enabled": [str(path) for path in remembered.folders(name, world.state_dir)],
        "usable": not [each for each in wrong if not each.unknown] and "url" in profile,
        "problems": [str(each) for each in wrong],
        "measured": [each.to_json() for each in _measured(profile, world)],
        "text": as_toml([all_of(found)[name]]) if name in all_of(found) else "",
    }


def _measured(profile: Mapping[str, Any], world: World) -> tuple["Measured", ...]:
    """What `eval` has said of this server here, of its model where the profile names one."""
    url, model, env = (profile.get(each) for each in ("url", "model", "env"))
    if not isinstance(url, str):
        return ()
    # of what a profile does not name nobody knows here what `run` would make of it
    own = {str(name): str(value) for name, value in env.items()} if isinstance(env, Mapping) else {}
    if isinstance(window := profile.get("window"), int):
        own.setdefault("CLAUDE_CODE_MAX_CONTEXT_TOKENS", str(window))
    return of_server(
        world.state_dir, url, model if isinstance(model, str) else None, client=world.client_version, env=own
    )


def _any(found: ConfigFile, name: str, store: Store) -> Mapping[str, Any]:
    """What the file says of a profile, usable or not; raises UsageError where there is none."""
    tables = found.data.get("profiles")
    if isinstance(tables, Mapping) and isinstance(tables.get(name), Mapping):
        table: Mapping[str, Any] = tables[name]
        return table
    named(name, store.config_file, store.environ)  # which says so
    raise AssertionError(name)


def add(
    world: World,
    name: str,
    given: Mapping[str, Sequence[str]],
    token: Token,
    *,
    discover: bool = False,
    choose: Choose | None = None,
) -> dict[str, Any]:
    """Put a new profile into config.toml; the report of `claude-local profile add`.

    `discover`: the server is asked for what was not given: its kind, its model and the window of that. Raises
    ClaudeLocalError where something would be wrong with the profile, and then nothing was written.
    """
    store = _store(world)
    found = store.load()
    check_name(name, found.settings.profiles)
    if name in found.settings.profiles:
        change = command("claude-local", "profile", "edit", name, Words("KEY=VALUE"))
        raise UsageError(f"there is a profile called {name} already", f"{change} changes it")
    wanted = {key: value_of(key, words) for key, words in given.items()}
    if "url" not in wanted:
        raise UsageError(
            "a profile names a server, so it needs --url",
            command("claude-local", "profile", "add", name, "--url", Words("http://HOST:PORT")),
        )
    said: list[str] = []
    if discover:
        discovered, backend = _discovered(world, name, wanted, token, choose)
        wanted = {**discovered, **wanted}
        said.append(_seen(backend))
    _check_kind(wanted)
    if token.source is not None:
        wanted["token"] = token.source
    return _changed(world, store, name, changes_for(name, wanted, {}), token, said)


def _discovered(
    world: World, name: str, wanted: Mapping[str, object], token: Token, choose: Choose | None
) -> tuple[dict[str, object], Backend]:
    """What the server says of itself, as keys of a profile."""
    asked = Profile(name, str(wanted["url"]), token=token.source)
    key = token.key or secrets.key_of(asked, world.environ, paths.config_dir(world.environ))
    headers, headers_env = (wanted.get(each) for each in ("headers", "headers_env"))
    request = Request(
        url=asked.url,
        model=str(wanted["model"]) if "model" in wanted else None,
        token=key,
        headers=tuple(headers) if isinstance(headers, list) else (),
        headers_env=tuple(headers_env) if isinstance(headers_env, list) else (),
        keep_headers=False,
        profile=name,
    )
    backend = choose_server(request, world, choose).backend
    found: dict[str, object] = {"model": backend.model, "kind": backend.kind}
    return found | ({"window": backend.max_model_len} if backend.max_model_len else {}), backend


def _seen(backend: Backend) -> str:
    window = f", window {backend.max_model_len:,}" if backend.max_model_len else ", which does not tell its window"
    return f"found at {backend.host}: {backend.kind}, model {printable(backend.model)}{window}"


def _check_kind(wanted: Mapping[str, object]) -> None:
    kind = wanted.get("kind")
    if kind is None or kind is ABSENT or kind in kinds.ALL:
        return
    near = difflib.get_close_matches(str(kind), kinds.ALL, n=1)
    raise UsageError(
        f"{printable(str(kind))} is no kind of server that claude-local knows",
        f"did you mean {near[0]}?" if near else f"the kinds: {', '.join(kinds.ALL)}",
    )


def edit(world: World, name: str, assignments: Sequence[str], unset: Sequence[str], token: Token) -> dict[str, Any]:
    """Change keys of a profile, `key=value` each, and take others out; the report of `claude-local profile edit`."""
    store = _store(world)
    found = store.load()
    held = _any(found, name, store)
    if not (assignments or unset or token.source):
        line = found.line(("profiles", name))
        raise UsageError(
            f"nothing was asked to be changed in the profile {name}",
            f"{command('claude-local', 'profile', 'edit', name, Words('KEY=VALUE'))}"
            f" or {edit_command(str(store.config_file), line, world.environ)}",
        )
    changes = {**_assigned(name, assignments), **_taken_out(name, unset, held)}
    _check_kind({key: value for (_, key, *_), value in changes.items()})
    source = changes.get((name, "token"), held.get("token"))
    if token.source is not None:
        changes[(name, "token")] = source = token.source
    report = _changed(world, store, name, changes, token, [])
    if held.get("token") in ("file", "keyring") and source != held["token"]:
        report["said"] += _forgotten(world, name, held["token"])
    if report["changed"] and remembered.here(world) == name:
        report["said"].append(f"sessions here get it by {command('claude-local', 'enable', name)}")
    return report


def _assigned(name: str, assignments: Sequence[str]) -> dict[tuple[str, ...], object]:
    words: dict[str, list[str]] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(
                f"{printable(text)}: a change is given as KEY=VALUE",
                f"{command('claude-local', 'profile', 'edit', name, '--unset', text)} takes a key out",
            )
        words.setdefault(key, []).append(value)
    changes: dict[tuple[str, ...], object] = {}
    for key, values in words.items():
        table, dot, variable = key.partition(".")
        if table == "env" and dot:
            value_of("env", [f"{variable}={values[-1]}"])
            changes[(name, "env", variable)] = values[-1]
        elif table == "env":
            raise UsageError("env has several variables", f"give one as {Words('env.NAME=VALUE')}")
        else:
            changes[(name, key)] = value_of(key, values)
    return changes


def _taken_out(name: str, unset: Sequence[str], held: Mapping[str, Any]) -> dict[tuple[str, ...], object]:
    changes: dict[tuple[str, ...], object] = {}
    for key in unset:
        path = tuple(key.split(".", 1))
        if path[0] not in held:
            row_of(path[0])
        if path == ("url",):
            raise UsageError("a profile names a server, so its url cannot be taken out", "set another: url=URL")
        changes[(name, *path)] = ABSENT
    return changes


def _changed(
    world: World,
    store: Store,
    name: str,
    changes: Mapping[tuple[str, ...], object],
    token: Token,
    said: list[str],
) -> dict[str, Any]:
    """Keep the key, then write; where that cannot be, the key goes again."""
    folder = paths.config_dir(world.environ)
    kept = None
    if token.key is not None and token.source in ("file", "keyring"):
        store.check(changes)
        kept = token.source
        secrets.keep(name, kept, token.key, folder, store.lock_dir)
    try:
        changed = store.change(changes)
    except ClaudeLocalError:
        if kept:
            secrets.forget(name, kept, folder, store.lock_dir)
        raise
    profile = all_of(store.load()).get(name)
    said += _without_key(world, profile) if profile else []
    return {
        "path": str(store.config_file),
        "name": name,
        "changed": changed or kept is not None,
        "profile": profile.said if profile else None,
        "said": said,
    }


def _without_key(world: World, profile: Profile) -> list[str]:
    """A word on a key that is not to be had yet."""
    try:
        secrets.key_of(profile, world.environ, paths.config_dir(world.environ))
    except ClaudeLocalError as error:
        return [f"{error.message}: {error.hint}"]
    return []


def _forgotten(world: World, name: str, source: str) -> list[str]:
    try:
        there = secrets.forget(name, source, paths.config_dir(world.environ), world.state_dir / "locks")
    except ClaudeLocalError as error:
        return [f"its old key is kept still: {error.message}"]
    return [f"its key in the {source} was taken away"] if there else []


def remove(world: World, name: str) -> dict[str, Any]:
    """Take a profile out of config.toml, with the key that is kept for it; the report of `claude-local profile remove`.

    It goes out of the other profiles' `fallback`, too.
    """
    store = _store(world)
    found = store.load()
    held = _any(found, name, store)
    changes: dict[tuple[str, ...], object] = {(name,): ABSENT}
    said = []
    for other, profile in all_of(found).items():
        if other != name and name in profile.fallback:
            left = [each for each in profile.fallback if each != name]
            changes[(other, "fallback")] = left or ABSENT
            said.append(f"{other} no longer falls back on it")
    store.change(changes)
    said += _forgotten(world, name, str(held.get("token")))
    for path in remembered.folders(name, world.state_dir):
        said.append(f"{path} stays as it was enabled; {command('claude-local', 'disable')} there takes that out")
    return {"path": str(store.config_file), "name": name, "changed": True, "profile": None, "said": said}


def toml_of(world: World, name: str) -> str:
    """A profile as a piece of TOML, without secrets: what `claude-local profile import` takes."""
    store = _store(world)
    return as_toml([named(name, store.config_file, store.environ)])


@dataclass(frozen=True, slots=True)
class Import:
    """Profiles that a file brings: those that are new, and those that stand in the place of others."""

    store: Store
    profiles: tuple[Profile, ...]
    replaced: tuple[str, ...]
    same: tuple[str, ...]
    changes: Mapping[tuple[str, ...], object]

    @property
    def told(self) -> list[str]:
        """What is to be known of what somebody else has written."""
        return [f"{profile.name}: {each}" for profile in self.profiles for each in repository.told(profile)]

    def text(self) -> str:
        """What it brings, as a piece of config.toml."""
        return as_toml(self.profiles)


def read_import(world: World, name: str) -> Import:
    """What a file (`-`: standard input) brings, judged; raises SettingsError where anything in it is wrong."""
    text = sys.stdin.read() if name == "-" else _text_of(world.cwd / Path(name).expanduser())
    where = Path("standard input" if name == "-" else name)
    found = understood(where, text, world.environ)
    if found.problems:
        raise SettingsError(str(found.problems[0]), "nothing was written")
    if strange := next((key for key in found.data if key not in ("profiles", "use")), None):
        raise SettingsError(
            f"{where}: {printable(strange)} is no profile: a file to import holds tables [profiles.NAME]",
            "nothing was written",
        )
    profiles = all_of(found)
    if missing := next((each for each in found.settings.profiles if each not in profiles), None):
        raise SettingsError(f"{where}: profiles.{missing} names no url", "nothing was written")
    if not profiles:
        raise SettingsError(f"{where}: there is no profile in it", "a file to import holds tables [profiles.NAME]")
    store = _store(world)
    held = store.load()
    tables = held.data.get("profiles", {})
    known = all_of(held)
    changes: dict[tuple[str, ...], object] = {}
    for each, profile in profiles.items():
        check_name(each, held.settings.profiles)
        changes |= changes_for(each, profile.said, tables.get(each, {}))
    same = tuple(each for each in profiles if known.get(each) == profiles[each])
    replaced = tuple(each for each in profiles if each in tables and each not in same)
    return Import(store, tuple(profiles.values()), replaced, same, changes)


def to_trust(world: World) -> tuple[repository.RepositoryFile, str]:
    """The repository's file, and whether it is `trusted`, `changed` since it was, or `new`; SettingsError for none."""
    found = repository.read(world)
    if found is None:
        raise UsageError(f"there is no {repository.path_in(world)}", "a repository's profiles would stand there")
    if repository.is_trusted(found, world.state_dir):
        return found, "trusted"
    return found, "changed" if repository.was_trusted(found, world.state_dir) else "new"


def distrust(world: World) -> bool:
    """Forget that somebody has agreed to the repository's file; whether anybody had."""
    return repository.distrust(repository.path_in(world), world.state_dir)


def _token_of(prepared: Prepared) -> Token:
    """Where the key of a server is to be that was just enabled: where it came from, else in a file of our own."""
    if prepared.request.token_env is not None:
        return Token(f"env:{prepared.request.token_env}")
    if prepared.backend.token == PLACEHOLDER:
        return Token()
    return Token("file", prepared.backend.token)


def remember(prepared: Prepared, name: str) -> dict[str, Any]:
    """Give a server a name that was just enabled by its address, and note that this folder is enabled with it."""
    report = add(prepared.world, name, keys_of(prepared), _token_of(prepared))
    path, state_dir = prepared.settings_file, prepared.world.state_dir
    record = ownership.load(path, state_dir)
    ownership.apply(path, {}, state_dir=state_dir, extras=remembered.extras(record, name))
    return report


def _text_of(path: Path) -> str:
    try:
        return content(path, 1_000_000).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {(error.strerror or str(error)).lower()}",
            "name a file that `profile export` has written, or - for standard input",
        ) from error


def write_import(world: World, brought: Import) -> dict[str, Any]:
    """Put what a file brings into config.toml; the report of `claude-local profile import`."""
    changed = brought.store.change(brought.changes)
    said = [word for profile in brought.profiles for word in _without_key(world, profile)]
    return {
        "path": str(brought.store.config_file),
        "changed": changed,
        "imported": [profile.name for profile in brought.profiles],
        "replaced": list(brought.replaced),
        "said": said,
    }
