"""A user's unit of systemd's that runs a server which is installed on the machine."""

from claude_local_plugin.core.shell import Words, command, then
from claude_local_plugin.recipes.formats.unit import quoted_words, sections, value
from claude_local_plugin.recipes.formats.written import KEY_FILE, Written, address, head, reasons, words
from claude_local_plugin.recipes.service import Service

FOLDER = "~/.config/systemd/user"

RELOAD = command("systemctl", "--user", "daemon-reload")


def written(service: Service) -> Written:
    """NAME.service, for the user's own folder of units."""
    name = f"{service.name}.service"
    program = service.how.installed
    arguments = (*address(service), *service.arguments)
    files = [name, *([KEY_FILE] if service.keyed else [])]
    install = command("install", "-D", "-m", "600", "-t", Words(FOLDER), *files)
    notes = head(
        service,
        f"{install}, then:",
        RELOAD,
        f"{command('systemctl', '--user', 'start', name)}   starts it; the first start downloads the weights",
        f"{command('journalctl', '--user', '-f', '-u', name)}   how far it is",
        f"It runs {program}, %h being your home folder; another place is a change of the line ExecStart",
        "",
        *reasons((*arguments, *service.environment)),
    )
    run = [
        ("ExecStart", quoted_words(program, *service.program[1:], *(w for each in arguments for w in words(each)))),
        *(("Environment", quoted_words(f"{each.name}={each.value or ''}")) for each in service.environment),
        *([("EnvironmentFile", f"%h/.config/systemd/user/{KEY_FILE}")] if service.keyed else []),
        ("Restart", "on-failure"),
        ("RestartSec", "30"),
        ("TimeoutStopSec", "60"),
    ]
    text = sections(
        notes,
        {
            "Unit": [("Description", value(service.title))],
            "Service": run,
            "Install": [("WantedBy", "default.target")],
        },
    )
    return Written(
        {name: text},
        start=(
            then(install, RELOAD),
            command("systemctl", "--user", "start", name),
        ),
        follow=(command("journalctl", "--user", "-f", "-u", name),),
        stop=(command("systemctl", "--user", "stop", name),),
    )
