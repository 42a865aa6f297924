"""Checks of claude-local's own protection of folders: that it does not shut out the backend that sessions use."""

from collections.abc import Iterator

from claude_local_plugin.core.protection import is_way_of_project
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check, Found, Result


def _backend(facts: Facts) -> Iterator[Found]:
    folder = str(facts.snapshot.cwd)
    if blocked := facts.own.for_project(folder).blocked(facts.backend.kind, facts.backend.url, folder):
        said, fix = blocked
        yield Found(Result.ERROR, said, None, fix)
    folder, via = str(facts.snapshot.cwd), facts.backend.via
    if facts.own.for_project(folder).forbids_way(via) and is_way_of_project(facts.env, folder):
        said = f"{folder} is protected, and its own settings send sessions through {via}: our hooks block every prompt"
        yield Found(Result.ERROR, said, None, "take the proxy out of the project's settings")


CHECKS = (
    Check(
        id="hooks.protection",
        group="hooks",
        said=("protect",),
        asks="may sessions here use the backend that they are on?",
        fine="sessions here may use the backend that they are on",
        why="our hooks stop each prompt before it is sent",
        finds=(
            "A folder with `protect` whose `allowed_backends` do not name the backend in use, or whose own settings"
            " send requests through a proxy that is not named there."
        ),
        remedy="Allow it with the command that is shown, or `claude-local enable` one that is on the list.",
        find=_backend,
    ),
)
