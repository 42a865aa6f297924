"""`claude-local managed render`: an administrator's files for many machines."""

from pathlib import Path

import click

from claude_local_plugin.cli.lazy import Group
from claude_local_plugin.cli.options import here, world_of
from claude_local_plugin.cli.terminal import err
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable


@click.group(cls=Group)
def managed() -> None:
    """Settings of a server for a fleet of machines, as files for whoever administers them.

    Nothing is installed: the files say what `enable` would write, and how they are installed is said beside them.
    """


@managed.command("render")
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...")
@click.option("--url", metavar="URL", help="The server's address, instead of a profile; by default the one in effect.")
@click.option("--model", metavar="NAME", help="The served model to use.")
@click.option("--token-env", metavar="VAR", help="The variable that holds the server's key, here and on each machine.")
@click.option("--helper", metavar="COMMAND", help="The command that prints the server's key on each machine.")
@click.option("--no-check", is_flag=True, help="Do not ask the server (needs its URL and the model).")
@click.option("--max-model-len", type=click.IntRange(min=1), metavar="N", help="The window, where it does not say.")
@click.option(
    "--privacy",
    type=click.Choice(["default", "quiet", "airgap"]),
    metavar="LEVEL",
    help="What may leave, as `privacy` says it.",
)
@click.option("--otel", metavar="ENDPOINT", help="Export OpenTelemetry, without prompts, to this collector.")
@click.option("--lock", is_flag=True, help="Refuse sessions that would use another backend (allowedProviders).")
@click.option("--hooks", is_flag=True, help="With our session hooks: claude-local in the same place on each machine.")
@click.option("--gateway", metavar="URL", help="Render gateway.yaml for `claude gateway`, which is reached at URL.")
@click.option("--issuer", metavar="URL", help="With --gateway: the identity provider (OIDC).")
@click.option("--client-id", metavar="ID", default="claude-gateway", help="With --gateway: its name at the provider.")
@click.option("--group", "groups", multiple=True, metavar="PROFILE=GROUP", help="With --gateway: whom a server is for.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE instead of stdout.")
def render(
    profiles: tuple[str, ...],
    url: str | None,
    model: str | None,
    token_env: str | None,
    helper: str | None,
    no_check: bool,
    max_model_len: int | None,
    privacy: str | None,
    otel: str | None,
    lock: bool,
    hooks: bool,
    gateway: str | None,
    issuer: str | None,
    client_id: str,
    groups: tuple[str, ...],
    output: Path | None,
) -> int:
    """Print a fragment for managed-settings.d, or with --gateway the configuration of Claude Code's own gateway.

    No secret is written: a key comes from --helper or from --token-env on each machine, the gateway's from its own
    environment. Modifies: FILE of --output alone.
    """
    from claude_local_plugin.commands import managed as command
    from claude_local_plugin.fleet import NAME

    place = here()
    asked = command.Asked(
        url=url,
        model=model,
        token_env=token_env,
        helper=helper,
        check=not no_check,
        max_model_len=max_model_len,
        privacy=privacy,
        otel=otel,
        lock=lock,
        hooks=hooks,
    )
    prose = err(place.environ)
    said: list[str]
    if gateway is not None:
        if issuer is None:
            raise UsageError("--gateway needs the identity provider that people sign in at", "--issuer URL")
        options = {"public_url": gateway, "issuer": issuer, "client_id": client_id}
        document, machines = command.for_gateway(world_of(place), profiles, asked, groups=groups, **options)
        said = _about_the_gateway(command.text_of(dict(machines)))
    else:
        if len(profiles) > 1:
            raise UsageError("a fragment is for one server", "name one profile, or several with --gateway URL")
        document = command.managed(world_of(place), profiles[0] if profiles else None, asked)
        name = str(output or NAME)
        said = [f"install it on each machine: {command.installing(name, NAME)}"]
        if not lock:
            said.append("a user's CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1 leads past it; --lock refuses such sessions")
    if output is None:
        print(command.text_of(document), end="")
    else:
        command.write(document, output)
        prose.line(f"written: {printable(str(output))}")
    for line in said:
        prose.line(printable(line))
    return 0


def _about_the_gateway(machines: str) -> list[str]:
    from claude_local_plugin.fleet.gateway import JWT_SECRET, OIDC_SECRET, POSTGRES_URL

    return [
        "gateway.yaml (JSON is YAML, too) for: claude gateway --config gateway.yaml",
        "it needs PostgreSQL, an identity provider and TLS in front",
        f"in its environment: {JWT_SECRET} (32 characters or more), {POSTGRES_URL}, {OIDC_SECRET}, each server's key",
        "without groups, or keys to keep from people, a plain managed file is enough: leave --gateway out",
        "the managed file of each machine:",
        *machines.splitlines(),
    ]
