"""`claude-local enable`: options, the question, and what is shown."""

import sys
from typing import TYPE_CHECKING, Any

import click

from claude_local_plugin.cli.open_sessions import settle, when_idle_option
from claude_local_plugin.cli.options import (
    Place,
    choose_on_terminal,
    complete_profile,
    here,
    json_option,
    scope_option,
    server_named,
    world_of,
)
from claude_local_plugin.cli.terminal import Printer, columns, err, json_text, out, terminal_rows
from claude_local_plugin.cli.vscode import vscode_options
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable, short_path, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claude_local_plugin.client_config.choose_server import Request
    from claude_local_plugin.client_config.model import Line
    from claude_local_plugin.commands.enable import Prepared, Written
    from claude_local_plugin.commands.open_sessions import Affected
    from claude_local_plugin.profiles.repository import RepositoryFile
    from claude_local_plugin.world import World

#: The width of the labels of the summary.
_LABELS = 9


@click.command()
@click.argument("name", metavar="[PROFILE]", required=False, shell_complete=complete_profile)
@click.option(
    "--url",
    metavar="URL",
    help="The server's address, e.g. http://dell-pro-max:8000 (without /v1); by default the one in effect here.",
)
@click.option("--model", metavar="NAME", help="The served model to use; needed where the server serves several.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds your server's key.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="A header that your server wants with every request; may be given several times.",
)
@click.option(
    "--header-env",
    "headers_env",
    multiple=True,
    metavar="NAME=VAR",
    help="The same, with the value in an environment variable: for secrets.",
)
@click.option("--no-headers", is_flag=True, help="Leave out the headers that your server got so far.")
@scope_option()
@click.option("--dry-run", is_flag=True, help="Show the diff that would be applied and write nothing, anywhere.")
@click.option("--diff", "every_line", is_flag=True, help="On a terminal, too: every line of the diff, with its reason.")
@click.option("--show-hooks", is_flag=True, help="The same, with the hooks, which are folded into one line otherwise.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before writing.")
@click.option("--no-check", is_flag=True, help="Write without asking the server (needs its URL and the model).")
@click.option(
    "--hooks/--no-hooks",
    "with_hooks",
    default=None,
    help="Install the session hooks, or leave them out; by default the first time installs them.",
)
@click.option(
    "--statusline/--no-statusline",
    default=None,
    help="Show the backend in the status line, below one that is there; by default it stays as it is.",
)
@click.option(
    "--system-prompt",
    type=click.Choice(["full", "lean"]),
    help="Which of Claude Code's system prompts: the full one (about 8,000 tokens more), or the lean one, which every"
    " model with a name of its own gets by default.",
)
@click.option(
    "--port-scan/--no-port-scan",
    default=True,
    help="Where no server is named, in effect or on record: look on this machine's well-known ports.",
)
@click.option(
    "--max-model-len",
    type=click.IntRange(min=1),
    metavar="N",
    help="The window in tokens, where the server does not say.",
)
@click.option(
    "--reset",
    multiple=True,
    metavar="KEY",
    help="Write this key although you changed it since an earlier enable (all: every such key).",
)
@click.option(
    "--follow-link", is_flag=True, help="Write a settings file that lies outside of the project, where a link leads."
)
@click.option(
    "--first-run",
    is_flag=True,
    help="Answer what Claude Code asks at its first start (theme, trust in this folder) in ~/.claude.json: such a start"
    " then asks nothing, and needs no network.",
)
@click.option(
    "--privacy",
    type=click.Choice(["default", "quiet", "airgap"]),
    metavar="LEVEL",
    help="What may leave besides the model's requests: default, quiet (at first) or airgap; `privacy` explains them.",
)
@click.option("--images", is_flag=True, help="Leave reading pictures allowed, though the model takes none.")
@click.option("--subagents", is_flag=True, help="Leave subagents unlimited, though the server has room for few.")
@click.option("--web-search", is_flag=True, help="Leave WebSearch allowed, though the server searches nothing.")
@click.option("--force", is_flag=True, help="Write even if the window is too small, or larger than the server says.")
@when_idle_option
@json_option
@vscode_options
def enable(
    name: str | None,
    url: str | None,
    model: str | None,
    token_env: str | None,
    headers: tuple[str, ...],
    headers_env: tuple[str, ...],
    no_headers: bool,
    scope: str,
    dry_run: bool,
    every_line: bool,
    show_hooks: bool,
    yes: bool,
    no_check: bool,
    with_hooks: bool | None,
    statusline: bool | None,
    system_prompt: str | None,
    port_scan: bool,
    max_model_len: int | None,
    reset: tuple[str, ...],
    follow_link: bool,
    first_run: bool,
    privacy: str | None,
    images: bool,
    subagents: bool,
    web_search: bool,
    force: bool,
    when_idle: bool,
    as_json: bool,
) -> int:
    """Point this project's Claude Code at a model server of your own.

    PROFILE is a server's name (`claude-local profile list`), - the one before, or an address such as dell-pro-max:8000;
    what is given besides wins over it. Without both a name and --url it is the repository's own (.claude-local.toml,
    once you have agreed to it), else the server in effect here.

    Shows what it would write with the reasons, on a terminal on one screen (--diff: line by line), and asks there. Only
    our own keys change; `claude-local disable` gives the file back. Where sessions would not go to the server all the
    same, because something stronger sends them elsewhere, it says what, writes nothing and ends with exit code 1.
    Modifies: the settings file of --scope, this clone's .git/info/exclude, and claude-local's state folder.
    """
    from claude_local_plugin.commands import enable as command
    from claude_local_plugin.precedence import Scope

    name, url = server_named(name, url)
    place = here()
    asking = sys.stdin.isatty() and sys.stderr.isatty() and not yes and not as_json
    world = world_of(place)
    options: dict[str, Any] = {
        "url": url,
        "model": model,
        "token_env": token_env,
        "headers": headers,
        "headers_env": headers_env,
        "keep_headers": not no_headers,
        "scope": Scope(scope),
        "check": not no_check,
        "with_hooks": with_hooks,
        "with_statusline": statusline,
        "system_prompt": system_prompt,
        "port_scan": port_scan,
        "max_model_len": max_model_len,
        "reset": reset,
        "follow_link": follow_link,
        "images": images,
        "subagents": subagents,
        "web_search": web_search,
        "force": force,
        "privacy": privacy,
        "first_run": first_run,
    }
    request = with_agreement(lambda: command.requested(name, world, **options), world, asking=asking)
    prepared = command.prepare(request, world, choose_on_terminal if asking else None)
    if not as_json:
        _show(prepared, place, every_line=every_line or show_hooks, show_hooks=show_hooks)
    if dry_run:
        if not as_json and sys.stderr.isatty():
            _sum_up(prepared)
        written = command.Written(prepared.sentence, prepared.unheard)
    else:
        prepared = _settled(prepared, yes=yes, when_idle=when_idle, quiet=as_json, asking=asking)
        if prepared.changed and asking and not click.confirm("Write this?", default=True, err=True):
            raise click.exceptions.Abort
        written = command.write(prepared, approved=asking)
    if as_json:
        print(json_text(command.report(prepared, dry_run=dry_run, notes=written.notes)))
    else:
        for warning in (*written.unheard, *written.notes):
            if warning not in prepared.unheard:  # somebody else was writing, too, or the log cannot be written
                err(place.environ).prose(f"! {printable(warning)}", "yellow")
        _conclude(prepared, written, place, dry_run=dry_run, asking=asking)
    return 0 if written.has_effect else 1


def with_agreement(requested: "Callable[[], Request]", world: "World", *, asking: bool) -> "Request":
    """What is asked for, once somebody at the terminal has agreed to the repository's file that it rests on."""
    from claude_local_plugin.profiles.untrusted import UntrustedError

    try:
        return requested()
    except UntrustedError as error:
        if not asking:
            raise
        agree(error.found, world, changed=error.changed)
        return requested()


def agree(found: "RepositoryFile", world: "World", *, changed: bool, ask: bool = True) -> None:
    """Show what a repository's file says and have it agreed to; raises Abort where somebody is asked and does not."""
    from claude_local_plugin.profiles import repository

    prose = err(world.environ)
    name = short_path(found.path, cwd=world.home / "-", home=world.home)
    prose.prose(f"{name} was changed since you agreed to it:" if changed else f"{name} came with this repository:")
    prose.lines(f"  {line}" for line in found.text.splitlines())
    prose.line("That means:")
    prose.lines([f"  {each}" for each in found.told()], "yellow")
    if ask and not click.confirm("Trust this file, as it is now?", default=False, err=True):
        raise click.exceptions.Abort
    repository.trust(found, world.state_dir)


def _settled(prepared: "Prepared", *, yes: bool, when_idle: bool, quiet: bool, asking: bool) -> "Prepared":
    """The plan, summed up, once the open sessions that it moves are settled; anew where they have ended meanwhile."""
    from claude_local_plugin.commands.enable import prepare
    from claude_local_plugin.commands.open_sessions import affected

    if not prepared.changed:
        return prepared
    found = affected(prepared.world, {prepared.settings_file: prepared.after})
    said = (lambda: _sum_up(prepared, found)) if asking else (lambda: None)
    if not settle(found, prepared.world, yes=yes, when_idle=when_idle, quiet=quiet, before_asking=said):
        return prepared
    return prepare(prepared.request, prepared.world)


def _sum_up(prepared: "Prepared", found: "Sequence[Affected]" = ()) -> None:
    """What somebody agrees to, in five lines right above the question."""
    from claude_local_plugin.commands.enable_shown import summary

    if not prepared.changed:
        return
    prose = err(prepared.world.environ)
    for label, text in summary(prepared, found):
        prose.prose(f"{label.ljust(_LABELS)}{text}", "bold", indent=" " * _LABELS)


def _show(prepared: "Prepared", place: Place, *, every_line: bool, show_hooks: bool) -> None:
    """The server, the model, what would be written with its reasons, and the warnings.

    Prose goes to stderr, what would be written to stdout: as a diff to the byte where no terminal reads it.
    """
    prose = err(place.environ)
    on_screen = sys.stdout.isatty() and prepared.changed and not every_line
    if on_screen:
        _show_screen(prepared, place)
        return
    prose.lines(headline(prepared))
    if prepared.changed:
        prose.line()
        (_show_every_line if every_line and sys.stdout.isatty() else _show_diff)(prepared, place, show_hooks)
        prose.line()
    _warn(prepared)


def _warn(prepared: "Prepared") -> None:
    prose = err(prepared.world.environ)
    for warning in (*prepared.warnings, *prepared.unheard):
        prose.prose(f"! {printable(warning)}", "yellow")


def _show_screen(prepared: "Prepared", place: Place) -> None:
    """All of it on one screen, where it can be had; blank lines only where there is room for them."""
    from claude_local_plugin.cli.enable_screen import WIDTH, laid_out
    from claude_local_plugin.commands.enable_shown import parts, summary

    prose, printer = err(place.environ), out(place.environ)
    width = printer.width or WIDTH
    shown = list[str]()
    for part in parts(prepared):
        if part.path != prepared.settings_file:
            shown.append(f"  {printable(short_path(part.path, cwd=place.cwd, home=place.home))}")
        shown += laid_out(part.rows, width)
    head = headline(prepared)
    if head[1] == _model_alone(prepared):  # it stands among the values
        del head[1]
    head = [line for each in head for line in wrapped(each, width)]
    warned = [line for each in (*prepared.warnings, *prepared.unheard) for line in wrapped(f"! {each}", width)]
    summed = [line for _, text in summary(prepared, ()) for line in wrapped(text, width - _LABELS)]
    rows = terminal_rows(sys.stdout, place.environ)
    airy = rows is None or len(head) + len(shown) + len(warned) + len(summed) + 3 + bool(warned) <= rows
    prose.lines([*head, *[""] * airy])
    printer.lines(shown, "green")
    printer.stream.flush()
    if airy:
        prose.line()
    _warn(prepared)
    if airy and warned:
        prose.line()


def _show_every_line(prepared: "Prepared", place: Place, show_hooks: bool) -> None:
    from claude_local_plugin.cli.enable_screen import WIDTH, whole_diff

    printer = out(place.environ)
    shown = whole_diff(prepared, printer.width or WIDTH, show_hooks=show_hooks, home=str(place.home))
    printer.diff(shown)
    rest = [line for line in prepared.written if line.reason not in " ".join(shown.split())]
    _show_reasons(prepared, place, rest)  # of a file that is one long line


def _show_diff(prepared: "Prepared", place: Place, _show_hooks: bool) -> None:
    """A diff that something reads stays a diff: the reasons go beside it."""
    print(prepared.diff(), end="")
    sys.stdout.flush()
    _show_reasons(prepared, place, [*prepared.lines, *prepared.first_lines])


def _show_reasons(prepared: "Prepared", place: Place, lines: "Sequence[Line]") -> None:
    from claude_local_plugin.commands.enable import statusline_reason

    prose = err(place.environ)
    reasons = [(line.key, line.reason) for line in lines]
    if prepared.status_line is not None:
        reasons.append(("statusLine.command", statusline_reason(prepared.status_line)))
    for line in columns(reasons, indent="  "):
        prose.prose(line, indent="      ")
    if prepared.is_linked:
        link, reached = (
            short_path(p, cwd=place.cwd, home=place.home) for p in (prepared.settings_file, prepared.target)
        )
        prose.prose(f"{printable(link)} is a link: {printable(reached)} is written")
    if "exclude_file" in prepared.exclude:
        name = short_path(prepared.exclude["exclude_file"], cwd=place.cwd, home=place.home)
        prose.prose(printable(f"  {name}  + {prepared.exclude['exclude_line']}   so that git does not see this file"))


def headline(prepared: "Prepared") -> list[str]:
    """Who answers, which model was chosen, and what was measured of it here, each in a line."""
    from claude_local_plugin.client_config.choose_server import describe, without_aliases
    from claude_local_plugin.commands.enable import measured

    found = measured(prepared)
    more = [printable(found.sentence)] if found else []
    backend, server = prepared.backend, prepared.server
    window = f" · window {backend.max_model_len:,}" if backend.max_model_len else ""
    if server is None:
        return [f"{backend.host} was not asked (--no-check){window}", f"model: {printable(backend.model)}", *more]
    latency = f" in {server.latency_ms:.0f} ms" if server.latency_ms is not None else ""
    chosen = _model_alone(prepared)
    if prepared.request.model is None and len(server.models) > 1 and without_aliases(server):
        chosen += "   (the only name that is not an alias; --model to choose)"
    return [f"{describe(server)} at {backend.host} · {server.state}{latency}{window}", chosen, *more]


def _model_alone(prepared: "Prepared") -> str:
    return f"model: {printable(prepared.backend.model)}"


def _offer_a_name(prepared: "Prepared", place: Place) -> None:
    """Ask whether the server that was just named by its address is to be remembered under a name."""
    from claude_local_plugin.commands.enable import to_name

    if to_name(prepared) is None:
        return
    from claude_local_plugin.commands.profile import remember

    printer = err(place.environ)
    question = "Remember this server as a profile? Its name (Enter: no)"
    while name := _name_said(question, printer):
        question = "Its name (Enter: no)"
        if name.lower() in ("y", "yes"):  # that is no name, but what a question is mostly answered with
            continue
        try:
            report = remember(prepared, name)
        except UsageError as error:  # the settings are written: a name that cannot be is no failure
            printer.prose(f"! {error.message}", "yellow")
            continue
        printer.lines([f"! {each}" for each in report["said"]], "yellow")
        printer.line(f"Remembered as {printable(name)}.", "green")
        return


def _name_said(question: str, printer: Printer) -> str:
    """What is answered; "" for no. Where nobody answers it is no: the settings are written, this is an offer."""
    try:
        name = str(click.prompt(question, default="", show_default=False, err=True)).strip()
    except click.exceptions.Abort:
        printer.line()
        return ""
    return "" if name.lower() in ("n", "no") else name


def _conclude(prepared: "Prepared", written: "Written", place: Place, *, dry_run: bool, asking: bool) -> None:
    """What a session here uses now, in one sentence, how to undo it, and how to start one."""
    from claude_local_plugin.commands.enable import to_name
    from claude_local_plugin.commands.enable_shown import asks_for_trust, undo, who

    printer = err(place.environ)
    name = short_path(prepared.settings_file, cwd=place.cwd, home=place.home)
    sentence = printable(written.sentence)
    if dry_run:
        printer.prose("Nothing was written (--dry-run)." if prepared.changed else f"{name} is already as it would be.")
    elif not written.has_effect:  # somebody else wrote meanwhile
        printer.prose(f"Written, but without effect. {sentence}", "bold red")
        printer.line(f"Undo: {undo(prepared)}")
    elif not prepared.changed:
        printer.prose(f"already enabled: {sentence}", "green")
        if asking:
            _offer_a_name(prepared, place)
    else:
        if not asking and (name_it := to_name(prepared)):
            printer.line(f"Name it: {name_it}")
        printer.prose(f"Enabled for {who(prepared)}. {sentence}", "green")
        if asks_for_trust(prepared):
            printer.prose("Claude Code asks first whether you trust this folder, and offers No: choose Yes.")
        printer.line(f"Undo: {undo(prepared)}")
        if asking:
            _offer_a_name(prepared, place)
        printer.line("Now run: claude")


#: The same by a name that says what is done with a profile.
use = enable
