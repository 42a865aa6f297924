"""A compose file, for `docker compose` and for docker-compose 1.28 and later."""

from typing import Any

from claude_local_plugin.core.shell import command
from claude_local_plugin.recipes.catalogue import Argument
from claude_local_plugin.recipes.formats.written import (
    KEY_FILE,
    Written,
    contained,
    head,
    health_command,
    image_of,
    inside,
    words,
)
from claude_local_plugin.recipes.service import Service
from claude_local_plugin.yaml_document import Commented, write

FILE = "compose.yml"


def written(service: Service) -> Written:
    """compose.yml: the server, its caches, its health check."""
    program, behind = contained(service)
    body: dict[str, Any] = {
        "image": Commented(image_of(service).reference, "pinned: another release may need other arguments"),
        "container_name": service.name,
        # said here, since images differ in it
        "entrypoint": list(program),
        "command": [*behind, *(word for each in inside(service) for word in _commented(each))],
        "ports": Commented([service.published], _reached(service)),
        "environment": {
            **{each.name: _one(_escaped(each.value or ""), each.why) for each in service.environment},
            "HF_TOKEN": Commented("${HF_TOKEN:-}", "only for models that ask for consent"),
        },
        **({"env_file": Commented([KEY_FILE], f"the key: {service.how.key_variable}=…")} if service.keyed else {}),
        "volumes": [Commented(f"${{HOME}}/{folder}:/root/{folder}", why) for folder, why in service.how.caches.items()],
        "ipc": Commented("host", "the processes of the server hand each other tensors in shared memory"),
        **({"deploy": _gpus(service)} if service.hardware.architecture else {}),
        "healthcheck": {
            "test": ["CMD", *health_command(service)],
            "interval": "30s",
            "timeout": "10s",
            "retries": 3,
            "start_period": Commented(
                f"{service.load_seconds}s", f"reading {service.weights_gib:.0f} GiB and compiling takes minutes"
            ),
        },
        "restart": Commented("unless-stopped", "after a crash and a reboot, but not once it was taken down"),
    }
    up, logs, down = (command("docker", "compose", *words) for words in (("up", "-d"), ("logs", "-f"), ("down",)))
    usage = (
        f"{up.ljust(25)}  starts it; the first start downloads {service.weights_gib:.0f} GiB and the image",
        f"{logs.ljust(25)}  how far it is",
        f"{down.ljust(25)}  stops it",
    )
    return Written(
        {FILE: write({"services": {service.name: body}}, head(service, *usage))},
        start=(up,),
        follow=(logs,),
        stop=(down,),
    )


def _commented(argument: Argument) -> list[Any]:
    first, *others = map(_escaped, words(argument))
    return [_one(first, argument.why), *others]


def _one(text: str, why: str) -> Any:
    return Commented(text, why) if why else text


def _escaped(text: str) -> str:
    """A text that compose puts no variable into."""
    return text.replace("$", "$$")


def _reached(service: Service) -> str:
    return "whoever reaches this address needs the key" if service.keyed else "reached from this machine alone"


def _gpus(service: Service) -> dict[str, Any]:
    devices = [{"driver": "nvidia", "count": service.hardware.gpus, "capabilities": ["gpu"]}]
    return {"resources": {"reservations": {"devices": devices}}}
