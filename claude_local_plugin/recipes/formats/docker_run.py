"""A script with one `docker run`."""

from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.recipes.formats.script import script
from claude_local_plugin.recipes.formats.written import (
    KEY_FILE,
    Written,
    contained,
    head,
    health_command,
    image_of,
    inside,
    reasons,
    words,
)
from claude_local_plugin.recipes.service import Service

FILE = "run.sh"


def written(service: Service) -> Written:
    """run.sh: starts the container, and prints its id."""
    program, behind = contained(service)
    options: list[tuple[str, ...]] = [
        ("--detach", f"--name={service.name}"),
        ("--restart=unless-stopped",),
        *([(f"--gpus={service.hardware.gpus}",)] if service.hardware.architecture else []),
        ("--ipc=host",),
        (f"--publish={service.published}",),
        *(("--volume", Words(f'"$HOME/{folder}:/root/{folder}"')) for folder in service.how.caches),
        *(("--env", f"{each.name}={each.value or ''}") for each in service.environment),
        ("--env=HF_TOKEN",),
        *([(f"--env-file={KEY_FILE}",)] if service.keyed else []),
        ("--health-cmd", command(*health_command(service))),
        (f"--health-start-period={service.load_seconds}s", "--health-interval=30s", "--health-timeout=10s"),
        (f"--entrypoint={program[0]}",),
    ]
    lines = [*options, (image_of(service).reference, *program[1:], *behind), *map(words, inside(service))]
    notes = head(
        service,
        f"sh {FILE}   starts it; the first start downloads {service.weights_gib:.0f} GiB of weights and the image",
        f"{command('docker', 'logs', '-f', service.name)}   how far it is",
        "",
        *reasons((*service.arguments, *service.environment)),
    )
    return Written(
        {FILE: script(notes, [("docker", "run"), *lines], folder=True)},
        start=(command("sh", FILE),),
        follow=(command("docker", "logs", "-f", service.name),),
        stop=(command("docker", "rm", "-f", service.name),),
        programs=frozenset({FILE}),
    )
