"""The environment for one backend: as assignments for a shell, or as a block in a project's `.envrc` or `.env`."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from claude_local_plugin.checks import Result
from claude_local_plugin.client_config.choose_server import Choose, Request, choose_server
from claude_local_plugin.commands.effect import refuse_without_effect
from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.launch import asked as launch_asked
from claude_local_plugin.launch import env_file
from claude_local_plugin.launch.pins import refuse_pinned, without_host
from claude_local_plugin.launch.shells import Output, Shell
from claude_local_plugin.launch.variables import NAMES, Variables, beaten, taken_back, variables
from claude_local_plugin.precedence import git_layout, resolve
from claude_local_plugin.profiles import CLOUD, Profile, find
from claude_local_plugin.settings.variables import is_secret
from claude_local_plugin.text import mask_secret, printable, short_path
from claude_local_plugin.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for on the command line."""

    shell: Shell
    profile: str | None = None
    url: str | None = None
    model: str | None = None
    token_env: str | None = None
    check: bool = True
    #: Whether a secret may be said as it is, or only where it can be had.
    reveal: bool = False
    #: Whose call it is, and what else stands in it: for a command that is shown to be typed.
    words: tuple[str, ...] = ("env",)
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What a shell is told, whether it holds a secret, and what is to be known of it."""

    text: str = field(repr=False)
    secret: bool = False
    notes: tuple[str, ...] = ()
    #: What sessions started there use.
    sentence: str = ""


def assignments(world: World, asked: Asked, choose: Choose | None = None) -> Said:
    """The commands that have what is started in a shell use one backend; asks the server, writes nothing.

    Raises what choosing a server raises, and ClaudeLocalError where somebody above the user has decided.
    """
    found = chosen(world, asked, choose)
    text, secret = _text(found, asked)
    return Said(text, secret, tuple(still_in_files(world, found)), f"what is started there {goes_to(found)}")


def chosen(world: World, asked: Asked, choose: Choose | None = None) -> Variables:
    """The variables for the backend that was asked for; raises what `assignments` raises."""
    profile = profile_of(world, asked)
    request = _request(world, asked, profile)
    choice = choose_server(request, world, choose)
    source = None if profile is None or profile.token_variable else Output(("claude-local", "token", profile.name))
    found = variables(world, request, choice, source)
    refuse_pinned(world, found.backend)
    free = without_host(world)
    planned = free.with_environ(found.environ(free.environ)).snapshot()
    resolution = resolve(planned)
    # a key beside its address in one environment may be anybody's, and is a warning; here both are the server's own
    errors = tuple(finding for finding in resolution.warnings if finding.result is Result.ERROR)
    refuse_without_effect(planned, replace(resolution, warnings=errors), found.backend, request, world.place)
    return found


def goes_to(found: Variables) -> str:
    """Where that goes, as the rest of a sentence."""
    return f"talks to {printable(found.backend.url)} as {printable(found.backend.model)}"


def profile_of(world: World, asked: Asked) -> Profile | None:
    """The profile that was asked for; raises UsageError where there is none of that name."""
    if asked.profile is None:
        return None
    if asked.profile == CLOUD:
        raise UsageError("cloud is no server of yours: it needs no variable", "--unset takes ours back")
    if asked.url is not None:
        raise UsageError(f"both the profile {printable(asked.profile)} and --url name a server", "name one of them")
    return find(asked.profile, world)


def _request(world: World, asked: Asked, profile: Profile | None) -> Request:
    found = launch_asked.request(
        world, profile, url=asked.url, model=asked.model, token_env=asked.token_env, check=asked.check
    )
    return replace(found, words=asked.words, behind=asked.behind)


def _text(found: Variables, asked: Asked) -> tuple[str, bool]:
    """The commands, and whether a secret is among them."""
    shell = asked.shell
    lines, secret = [shell.unset(found.unset), *(shell.assign(name, ()) for name in found.blank)], False
    for line in found.lines:
        name, value = line.path[1], str(line.value)
        _check(name, value)
        spelt = found.spelt(line)
        if found.is_secret(spelt, line) or not shell.can_say(spelt) or (asked.reveal and line.secret):
            if not asked.reveal:
                raise ClaudeLocalError(
                    f"{name} holds a secret, and {shell.name} cannot be told where to have it",
                    "--reveal shows it; into a pipe or a file it is written as it is",
                )
            spelt, secret = (value,), True
        lines.append(shell.assign(name, spelt))
    if shell.file is None:  # a file is taken back as a whole
        lines.append(shell.assign(NAMES, (" ".join((*found.values, *found.blank)),)))
    return "\n".join(lines) + "\n", secret


def _check(name: str, value: str) -> None:
    """Raise UsageError for what no environment can hold."""
    if not (name.isascii() and name.isidentifier()):
        raise UsageError(f"{printable(name)} cannot be the name of a variable", "it stands in the profile's env")
    if "\0" in value:
        raise UsageError(f"{name} has a NUL in it, which no variable can hold", "it stands in the profile's env")


def still_in_files(world: World, found: Variables) -> Iterator[str]:
    """What is to be known of the server, and what settings files still decide there, each with its place and value."""
    yield from found.notes
    values = found.values
    for name, winner in beaten(without_host(world), found):
        there = winner.value or ""
        shown = mask_secret(there) if is_secret(name, there) and there != PLACEHOLDER else there
        place = short_path(winner.place, cwd=world.cwd, home=world.home)
        ours = f" over {values[name]}" if name in values and not is_secret(name, values[name]) else ""
        yield f"{name} is {shown or 'empty'} in {place}, which still wins{ours} for sessions {world.place}"


def forgetting(world: World, asked: Asked) -> Said:
    """The commands that take it back, by what the environment itself says was set in it."""
    shell = asked.shell
    if shell.file == ".env":
        raise UsageError("a .env file holds no commands", "--unset --write takes our lines out of it")
    before = taken_back(world.environ)
    gone = [name for name, value in before.items() if not value]
    lines = [*([shell.unset(gone)] if gone else []), *(shell.assign(n, (v,)) for n, v in before.items() if v)]
    note = (
        "a key of yours that was taken out comes back with a new shell"
        if gone
        else "nothing of claude-local is set here"
    )
    return Said("".join(f"{line}\n" for line in lines), notes=(note,))


# --- files


def planned(world: World, asked: Asked, said: Said | None) -> env_file.Planned:
    """What writing this into the project's file, or with None taking ours out of it, would do."""
    name = asked.shell.file
    if name is None:
        raise UsageError(
            f"{asked.shell.name} reads no file of its own in a project",
            "--shell direnv --write writes .envrc, --shell dotenv --write writes .env",
        )
    layout = git_layout(world.cwd)
    folder = layout.root if layout else world.cwd
    if said is None:
        return env_file.plan_removing(folder, name, world.state_dir)
    return env_file.plan_writing(folder, name, said.text, world.state_dir, secret=said.secret)


def for_a_file(asked: Asked) -> Asked:
    """The same for a file, which may hold a secret where it cannot say where to have it."""
    return asked if asked.shell.can_say((Output(()),)) else replace(asked, reveal=True)
