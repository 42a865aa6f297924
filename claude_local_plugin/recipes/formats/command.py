"""A script with one command, for an environment that the server is installed in."""

from claude_local_plugin.core.shell import Words, command, export
from claude_local_plugin.recipes.formats.script import script
from claude_local_plugin.recipes.formats.written import KEY_FILE, Written, address, head, reasons, words
from claude_local_plugin.recipes.service import Service

FILE = "serve.sh"


def written(service: Service) -> Written:
    """serve.sh: becomes the server; it ends with Ctrl-C."""
    arguments = (*address(service), *service.arguments)
    notes = head(
        service,
        f"sh {FILE}   where {service.program[0]} is installed; the first start downloads {service.weights_gib:.0f} GiB",
        "",
        *reasons((*arguments, *service.environment)),
    )
    before = [export(each.name, each.value or "") for each in service.environment]
    if service.keyed:
        before += ["set -a", Words(f". ./{KEY_FILE}"), "set +a"]
    lines = [service.program, *map(words, arguments)]
    return Written(
        {FILE: script(notes, lines, folder=service.keyed, before=before)},
        start=(command("sh", FILE),),
        follow=(),
        stop=(),
        programs=frozenset({FILE}),
    )
