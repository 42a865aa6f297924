"""A container as a unit of systemd's, by podman's quadlet (podman 5.0 or newer)."""

from claude_local_plugin.core.shell import Words, command, then
from claude_local_plugin.recipes.formats.unit import quoted_words, sections, value
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

FOLDER = "~/.config/containers/systemd"

RELOAD = command("systemctl", "--user", "daemon-reload")


def written(service: Service) -> Written:
    """NAME.container, for the user's own folder of quadlets."""
    name = f"{service.name}.container"
    program, behind = contained(service)
    arguments = [word for each in inside(service) for word in words(each)]
    container = [
        ("Image", image_of(service).reference),
        ("ContainerName", service.name),
        ("Entrypoint", program[0]),
        ("Exec", quoted_words(*program[1:], *behind, *arguments)),
        ("PublishPort", service.published),
        *(("Volume", f"%h/{folder}:/root/{folder}") for folder in service.how.caches),
        *(("Environment", quoted_words(f"{each.name}={each.value or ''}")) for each in service.environment),
        *([("EnvironmentFile", f"%h/.config/containers/systemd/{KEY_FILE}")] if service.keyed else []),
        *([("AddDevice", "nvidia.com/gpu=all")] if service.hardware.architecture else []),
        ("PodmanArgs", "--ipc=host"),
        ("HealthCmd", value(command(*health_command(service)))),
        ("HealthInterval", "30s"),
        ("HealthTimeout", "10s"),
        ("HealthStartPeriod", f"{service.load_seconds}s"),
    ]
    files = [name, *([KEY_FILE] if service.keyed else [])]
    install = command("install", "-D", "-m", "600", "-t", Words(FOLDER), *files)
    unit = f"{service.name}.service"
    notes = head(
        service,
        f"{install}, then:",
        RELOAD,
        f"{command('systemctl', '--user', 'start', unit)}   starts it; the first start downloads all",
        f"{command('journalctl', '--user', '-f', '-u', unit)}   how far it is",
        "Podman gets the GPU from its CDI file: nvidia-ctk cdi generate",
        "",
        *reasons((*service.arguments, *service.environment)),
    )
    text = sections(
        notes,
        {
            "Unit": [("Description", value(service.title))],
            "Container": container,
            "Service": [("Restart", "on-failure"), ("TimeoutStartSec", "infinity")],
            "Install": [("WantedBy", "default.target")],
        },
    )
    return Written(
        {name: text},
        start=(
            then(install, RELOAD),
            command("systemctl", "--user", "start", unit),
        ),
        follow=(command("journalctl", "--user", "-f", "-u", unit),),
        stop=(command("systemctl", "--user", "stop", unit),),
    )
