"""`claude-local recipe …`: what fits on a machine, files that start it, and what is wrong in a pasted one."""

import click

from claude_local_plugin.cli.lazy import LazyGroup

#: Subcommand -> its module in this folder, and what `--help` says of it, in the order of their use. The command there
#: is called as the subcommand, with `_command` behind it: `fit_command`.
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "fit": ("fit", "Which models fit on this machine, or on another, before anything is downloaded."),
    "list": ("list", "The models and machines that are known."),
    "show": ("show", "All that is known of a model, and where each figure is from."),
    "render": ("render", "The file that starts a server: compose, docker run, quadlet, unit or script."),
    "add": ("add", "Take a model of your own, or one of vLLM's recipes, into the catalogue."),
    "lint": ("lint", "What is wrong in a file that starts a model server, and the file corrected."),
    "litellm": ("litellm", "LiteLLM in front of several servers: one name, a session always on the same server."),
    "production-stack": ("production_stack", "Helm values for vLLM's production-stack: a router that keeps sessions."),
    "prometheus": ("prometheus", "What Prometheus reads of your servers, and alerts."),
    "grafana": ("grafana", "A Grafana dashboard of your servers."),
    "otel": ("otel", "Claude Code's own OpenTelemetry, with the backend as a label, and a collector for it."),
}


@click.group(cls=LazyGroup, rows=SUBCOMMANDS, package=__name__, suffix="_command")
def recipe() -> None:
    """Model servers for Claude Code: what fits here, files that start it, what is wrong in a pasted file."""
