"""`claude-local status`: its options; `show_status` shows what it says."""

import click

from claude_local_plugin.cli.options import json_option, utc_option
from claude_local_plugin.cli.show_status import show_status


@click.command()
@click.option("--all", "everywhere", is_flag=True, help="Every folder that enable has written to, and its state.")
@click.option("--sweep", is_flag=True, help="With --all: forget the folders that are gone.")
@utc_option
@json_option
def status(everywhere: bool, sweep: bool, utc: bool, as_json: bool) -> int:
    """This folder's backend, from which file, reachable or not and how fast, its hooks and last session.

    Asks the server one question without a credential; reads only. Exit 0 healthy, 1 not.
    """
    return show_status(everywhere=everywhere, sweep=sweep, utc=utc, as_json=as_json)
