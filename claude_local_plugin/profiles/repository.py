"""The profiles that a repository carries in `.claude-local.toml`: read, judged, spelled out, and trusted by content.

Nobody on this machine has chosen what it says. So it holds less than config.toml may: no key of ours, no helper, and
of variables only those of Claude Code that lead nowhere else and run nothing. It counts once somebody here has seen it;
a change of a single byte has it seen again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_local_plugin.core.endpoint import PROXY_VARIABLES
from claude_local_plugin.core.files import content
from claude_local_plugin.core.profile_names import REPOSITORY_FILE
from claude_local_plugin.core.shell import command
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import SettingsError
from claude_local_plugin.precedence import git_layout
from claude_local_plugin.profiles.model import CLOUD, Profile, all_of
from claude_local_plugin.profiles.untrusted import UntrustedError
from claude_local_plugin.settings import file
from claude_local_plugin.settings.variables import catalogue
from claude_local_plugin.text import printable
from claude_local_plugin.world import World

if TYPE_CHECKING:
    from claude_local_plugin.config import Problem

NAME = REPOSITORY_FILE
#: Where the state folder keeps which content of which file was trusted.
TRUSTED = "trusted-files.json"
#: No such file has a reason to be larger (bytes).
LARGEST = 100_000

#: What the variables may be about that such a file sets; a program's own (NODE_OPTIONS) would run what it names.
ALLOWED_ROLES = ("protocol", "model", "window", "prompt", "timeout", "quiet", "network", "telemetry")
#: What those are about that may lead elsewhere.
LEADING_ROLES = ("network", "telemetry")


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """What such a file says: its profiles, the one to use, and the hash of its content."""

    path: Path
    text: str = field(repr=False)
    profiles: dict[str, Profile]
    use: str | None
    digest: str

    @property
    def used(self) -> Profile | None:
        """The profile that it says to use: the one named, else the only one."""
        if self.use is not None:
            return self.profiles[self.use]
        return next(iter(self.profiles.values())) if len(self.profiles) == 1 else None

    def told(self) -> list[str]:
        """What somebody is to know before it counts, a line each."""
        return [f"{name}: {each}" for name, profile in self.profiles.items() for each in told(profile)]


def path_in(world: World) -> Path:
    """Where such a file is or would be: at the root of the repository, else in the current folder."""
    layout = git_layout(world.cwd)
    return (layout.root if layout else world.cwd) / NAME


def read(world: World) -> RepositoryFile | None:
    """The repository's file; None where there is none. Raises SettingsError where anything in it is wrong."""
    path = path_in(world)
    try:
        raw = content(path, LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    from claude_local_plugin.config import understood  # has much to load, and most folders carry no such file

    text = raw.decode("utf-8", "surrogateescape")
    found = understood(path, text, world.environ)
    problems = [*(each for each in found.problems if each.path != ("use",)), *_more(path, text, found.data)]
    if problems:
        raise SettingsError(str(problems[0]), f"fix that place in {path}, or take the file away")
    return RepositoryFile(path, text, all_of(found), found.data.get("use"), hashlib.sha256(raw).hexdigest())


def _more(path: Path, text: str, data: Mapping[str, Any]) -> Iterator["Problem"]:
    """What config.toml may say and such a file may not."""
    from claude_local_plugin.config import Problem, place

    def problem(at: tuple[str, ...], message: str) -> Problem:
        return Problem(path, at, message, *(place(text, at) or (None, None)))

    for key in data:
        if key not in ("use", "profiles"):
            yield problem((key,), "is no table of profiles: a repository's file holds [profiles.NAME] and `use`")
    profiles = data.get("profiles", {})
    use = data.get("use")
    if use is not None and (not isinstance(use, str) or use not in profiles):
        yield problem(("use",), "must be the name of a profile in this file")
    if not profiles:
        yield problem((), "there is no profile in it")
    for name, said in profiles.items():
        if "url" not in said:
            yield problem(("profiles", name), "names no url")
        if said.get("token", "none") != "none" and not str(said["token"]).startswith("env:"):
            yield problem(
                ("profiles", name, "token"),
                'must be "none" or "env:NAME": where else a key is kept is everybody\'s own matter',
            )
        if said.get("helper"):
            yield problem(("profiles", name, "helper"), "belongs into a profile of one's own")
        for variable in _variables_of(said):
            known = catalogue().get(variable)
            if known is not None and (known.secret or known.role == "credential"):
                yield problem(
                    ("profiles", name), f"would send the value of {variable} to its server, which is another's key"
                )
        for variable in said.get("env", {}):
            known = catalogue().get(variable)
            if known is None or known.role not in ALLOWED_ROLES:
                yield problem(
                    ("profiles", name, "env", variable),
                    "is not a variable that a repository's file may set: it may make programs run what it names",
                )


def _variables_of(said: Mapping[str, Any]) -> list[str]:
    """The variables of the shell whose value a profile sends to its server."""
    token = str(said.get("token", ""))
    named = [token.partition(":")[2]] if token.startswith("env:") else []
    return [*named, *(str(each).partition("=")[2] for each in said.get("headers_env", []))]


def told(profile: Profile) -> Iterator[str]:
    """What is to be known of a profile that somebody else has written, in words."""
    target = parse_url(profile.url)
    if target is not None:
        if target.nearby:
            yield f"every prompt goes to {printable(target.label)}"
        else:
            plain = ", by plain HTTP" if target.scheme == "http" else ""
            yield f"every prompt, with your code, goes to {printable(target.label)}, a PUBLIC HOST{plain}"
    if variable := profile.token_variable:
        yield f"the value of your variable {variable} is sent there as the key"
    for each in profile.headers_env:
        name, _, variable = each.partition("=")
        yield f"the value of your variable {printable(variable)} is sent there as the header {printable(name)}"
    for variable, value in profile.env.items():
        yield f"sets {variable}={printable(value)}{_warning(variable)}"
    if profile.start_command:
        yield f"names a COMMAND, which is shown and never run unasked: {command(*profile.start_command)}"
    if CLOUD in profile.fallback:
        yield "lets `run` fall back on Anthropic's API where the server is down"


def _warning(variable: str) -> str:
    if variable in PROXY_VARIABLES:
        return "   a PROXY, through which every request goes"
    known = catalogue().get(variable)
    if known is None:
        return ""
    if known.role == "network":
        return "   changes how servers are reached and known"
    return "   may send what you do ELSEWHERE" if known.role in LEADING_ROLES else ""


# --- trust


def is_trusted(found: RepositoryFile, state_dir: Path) -> bool:
    """Whether somebody here has agreed to just this content of this file."""
    return _trusted(state_dir).get(_key(found.path)) == found.digest


def was_trusted(found: RepositoryFile, state_dir: Path) -> bool:
    """Whether somebody here has agreed to some content of this file."""
    return _key(found.path) in _trusted(state_dir)


def trust(found: RepositoryFile, state_dir: Path) -> None:
    """Remember that somebody here has agreed to just this content."""
    _remember(state_dir, lambda held: held | {_key(found.path): found.digest})


def distrust(path: Path, state_dir: Path) -> bool:
    """Forget what was agreed to about this file; whether anything was."""
    there = _key(path) in _trusted(state_dir)
    _remember(state_dir, lambda held: {name: digest for name, digest in held.items() if name != _key(path)})
    return there


def trusted(world: World) -> RepositoryFile | None:
    """The repository's file where it is there and trusted; raises ClaudeLocalError where it is there and is not."""
    found = read(world)
    if found is None or is_trusted(found, world.state_dir):
        return found
    raise UntrustedError(found, changed=was_trusted(found, world.state_dir))


def _key(path: Path) -> str:
    return str(file.resolve(path))


def _trusted(state_dir: Path) -> dict[str, str]:
    return _parsed(file.read(state_dir / TRUSTED))


def _parsed(text: str | None) -> dict[str, str]:
    """What was trusted; a file that is damaged says nothing, so that everything is asked again."""
    try:
        held = json.loads(text or "{}")
    except ValueError:
        return {}
    pairs = held.items() if isinstance(held, dict) else ()
    return {name: digest for name, digest in pairs if isinstance(name, str) and isinstance(digest, str)}


def _remember(state_dir: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    def rewritten(text: str | None) -> str | None:
        held = change(_parsed(text))
        return json.dumps(held, indent=1, sort_keys=True) + "\n" if held else None

    file.private_folder(state_dir)
    file.rewrite(state_dir / TRUSTED, rewritten, lock_dir=state_dir / "locks")
