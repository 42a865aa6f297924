"""`claude-local demo`: the whole round on this machine, or our stand-in server by hand."""

import time

import click

from claude_local_plugin.cli.options import here
from claude_local_plugin.cli.terminal import Printer, out
from claude_local_plugin.core import shell
from claude_local_plugin.errors import UsageError


@click.command()
@click.option("--serve", is_flag=True, help="Run the stand-in model server until Ctrl-C instead.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="With --serve: the port; any free one by default."
)
@click.option("--hooks-only", is_flag=True, help="Do not use the real claude even if it is on PATH.")
def demo(serve: bool, port: int | None, hooks_only: bool) -> int:
    """Show the whole round: enable, status, a session, its record, disable.

    Needs no GPU, no model server and no account: it uses our own stand-in server on loopback, and the real
    Claude Code if it is on PATH. Everything happens in a temporary home and project and is removed again.
    """
    printer = out(here().environ)
    if serve:
        from claude_local_plugin.fake_server.server import EmbeddedBackend
        from claude_local_plugin.fake_server.server import serve as serve_until_stopped

        def ready(backend: EmbeddedBackend) -> None:
            printer.prose(f"a stand-in model server listens at {backend.url}   (Ctrl-C ends it)")
            printer.line(f"try it:  {shell.command('claude-local', 'enable', '--url', backend.url)}")
            printer.stream.flush()

        serve_until_stopped(port or 0, ready=ready)
        return 0
    if port is not None:
        raise UsageError(
            "--port goes with --serve", shell.command("claude-local", "demo", "--serve", "--port", str(port))
        )
    from claude_local_plugin.commands import demo as command

    claude = None if hooks_only else command.find_claude()
    printer.prose(f"Claude Code: {claude or 'not on PATH, so the session is its hooks alone'}")
    started = time.monotonic()
    passed = command.run(claude, lambda step: _show(printer, step))
    printer.line()
    took = f"{time.monotonic() - started:.1f} s"
    if passed:
        printer.line(f"All of it worked, in {took}; the temporary home and project are gone.", "bold green")
        there = shell.command("claude-local", "enable", "--url", shell.Words("http://HOST:PORT"))
        printer.line(f"Now with your own server:  {there}")
    else:
        printer.line(f"Something did not do what it should (marked ✗ above), after {took}.", "bold red")
    return 0 if passed else 1


def _show(printer: Printer, step: "object") -> None:
    from claude_local_plugin.commands.demo import Step

    assert isinstance(step, Step)
    printer.line()
    printer.line(f"{'✓' if step.ok else '✗'} {step.title}", "bold green" if step.ok else "bold red")
    printer.line(f"  $ {step.command}")
    printer.lines(f"    {line}" for line in step.output.splitlines())
    printer.stream.flush()
