"""`claude-local recipe lint`: findings with their places, or the corrected file as a diff."""

import sys
from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli.options import Place, here, json_option
from claude_local_plugin.cli.terminal import columns, err, json_text, out
from claude_local_plugin.core.shell import Words
from claude_local_plugin.core.shell import command as typed
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable, without_secrets

if TYPE_CHECKING:
    from claude_local_plugin.commands.recipe_lint import Report


@click.command("lint")
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--url", metavar="URL", help="Look at a running server instead: what shows of how it was started.")
@click.option("--token-env", metavar="VAR", help="The environment variable that holds the key of the server of --url.")
@click.option("--hardware", metavar="NAME", help="The machine it is for, unless the file names it: `recipe list`.")
@click.option("--sessions", type=click.IntRange(min=1), metavar="N", help="For so many sessions at once.")
@click.option("--check", "only", multiple=True, metavar="ID", help="This check or group alone (can be repeated).")
@click.option("--list", "listing", is_flag=True, help="List every check and what it asks.")
@click.option("--explain", metavar="ID", help="Say all there is to say about one check.")
@click.option("--fix", "fixing", is_flag=True, help="Print the corrected file as a diff; nothing is written.")
@json_option
def lint_command(
    file: str | None,
    url: str | None,
    token_env: str | None,
    hardware: str | None,
    sessions: int | None,
    only: tuple[str, ...],
    listing: bool,
    explain: str | None,
    fixing: bool,
    as_json: bool,
) -> int:
    """Say what is wrong in a file that starts a model server for Claude Code, and where.

    FILE is a compose file, a script or line with docker run, podman run, vllm serve, llama-server or litellm, a systemd
    unit, a podman quadlet or a LiteLLM config; it is told by what is in it. Writes nothing: `--fix` prints a diff,
    which `patch` takes. Exit 0 well, 1 a warning or an error, 2 usage, or a text that is none of these.
    """
    from claude_local_plugin.commands import recipe_lint as command

    place = here()
    if listing or explain:
        return _texts(place, explain, only)
    if bool(file) == bool(url):
        raise UsageError("name a file or a URL, one of both", typed("claude-local", "recipe", "lint", Words("FILE")))
    if fixing and url:
        raise UsageError("--fix corrects a file, and a running server is none", "name the file that starts it")
    if token_env and not url:
        raise UsageError("--token-env is the key for the server of --url", "add --url URL")
    stdin = sys.stdin.read(command.MOST_BYTES + 1) if file == "-" else ""
    request = command.Request(file, url, token_env, hardware, sessions, only)
    report = command.recipe_lint(request, cwd=place.cwd, environ=place.environ, stdin=stdin)
    if as_json:
        print(json_text(command.report_json(report, fixed=fixing)))
    elif fixing:
        _fix(report, place)
    else:
        from claude_local_plugin.cli.doctor import show

        out(place.environ).line(printable(report.about), "bold")
        show(report, place, named=only)
    return report.exit_code


def _fix(report: "Report", place: Place) -> None:
    """The diff on standard output, and on standard error what is left to a person."""
    from claude_local_plugin.commands.recipe_lint import diff

    prose = err(place.environ)
    if text := diff(report):
        # patch wants every byte; on a terminal there is no patch, and keys are nobody's to see
        out(place.environ).diff(without_secrets(text, members=False) if sys.stdout.isatty() else text)
    left = [each for each in report.findings if each.result.bad and not each.fixable]
    for each in left:
        prose.line(printable(f"! left to you: {each.id}: {each.what}"), "yellow")
    if not text and not left:
        prose.line("nothing here is to be corrected")


def _texts(place: Place, explain: str | None, names: tuple[str, ...]) -> int:
    """The list of checks, or one check's explanation."""
    from claude_local_plugin.commands import recipe_lint as command
    from claude_local_plugin.lint import chosen

    printer = out(place.environ)
    if explain:
        for check in chosen((explain,)):
            printer.lines(command.explained(check))
        return 0
    printer.lines(columns(command.listed(names)))
    return 0
