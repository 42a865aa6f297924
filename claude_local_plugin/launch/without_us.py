"""The settings files as they would be had `enable` and `bench --apply` never been here."""

from pathlib import Path

from claude_local_plugin.precedence import Scope
from claude_local_plugin.settings import file, ownership
from claude_local_plugin.settings.document import DocumentError
from claude_local_plugin.settings.orphans import on_record
from claude_local_plugin.settings.ownership import BACKEND, BENCH
from claude_local_plugin.world import World


def texts(world: World) -> dict[Path, str | None]:
    """For each file with a part of ours the text without it: what `World.snapshot` takes."""
    found: dict[Path, str | None] = {}
    for each in world.snapshot().of(Scope.LOCAL, Scope.PROJECT, Scope.USER):
        if each.path is None:
            continue
        record, _ = on_record(each.path, world.state_dir)
        if record is None or not (record.layer(BACKEND) or record.layer(BENCH)):
            continue
        try:
            found[each.path] = ownership.preview(file.read(each.path), {BACKEND: (), BENCH: ()}, record).after
        except DocumentError:  # Claude Code makes nothing of such a file either
            continue
    return found
