"""What doctor would see after a change that is only planned: the same facts, with other texts in some files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from claude_local_plugin import git
from claude_local_plugin.doctor.facts import (
    Facts,
    Owned,
    asked,
    gather,
    metrics_of,
    others_than,
    own_headers,
    own_token,
    same_address,
)
from claude_local_plugin.doctor.fixers import Tools
from claude_local_plugin.doctor.fixes import Fix
from claude_local_plugin.servers import Server
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.servers.compatibility import needs as needs_of
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import Set


@dataclass(frozen=True, slots=True)
class Change:
    """What would be done: new texts, new permission bits, what is then on record, and which files git would not see.

    `asked` are servers that answered while it was planned, with what they would get then. `asks`: a server counts.
    """

    texts: Mapping[Path, str | None] = field(repr=False)
    modes: Mapping[Path, int] = field(default_factory=dict)
    wanted: Mapping[Path, ownership.Wanted] = field(default_factory=dict, repr=False)
    unseen: frozenset[Path] = frozenset()
    asked: tuple[Server, ...] = ()
    asks: bool = True


def of_fixes(facts: Facts, fixes: Iterable[Fix]) -> Change:
    """What `--fix` would do."""
    done = tuple(fixes)
    lists = {fix.path for fix in done}
    return Change(
        texts={fix.path: fix.after for fix in done if fix.mode is None},
        modes={fix.path: fix.mode for fix in done if fix.mode is not None},
        wanted={fix.path: fix.wanted for fix in done if fix.wanted is not None},
        unseen=frozenset(path for path, standing in facts.standings.items() if standing.exclude_file in lists),
    )


def afterwards(facts: Facts, change: Change, tools: Tools) -> Facts:
    """The facts as they would be. Writes nothing, and asks a server only where sessions would go to another one, or
    with another key, than anybody has asked yet.
    """
    then = gather(tools.snapshot(change.texts), state_dir=tools.state_dir, ask_server=False)
    owned = _owned(then, change)
    server = _server(facts, then, change)
    same = server is not None and server is facts.server
    new = {path: git.standing(path) for path, text in change.texts.items() if text is not None}
    standings = {**{path: seen for path, seen in new.items() if _is_settings(then, path)}, **then.standings}
    headers = own_headers(then.snapshot, then.resolution, server.url) if server else {}
    return replace(
        then,
        server=server,
        others=facts.others if same else others_than(server, owned) if server else (),
        metrics=facts.metrics if same else metrics_of(server, headers) if server else None,
        needs=needs_of(server.behaves_as, server.version) if server else Needs(),
        standings={
            path: replace(seen, ignored=True) if path in change.unseen else seen for path, seen in standings.items()
        },
        modes={**then.modes, **change.modes},
        owned=owned,
        deep=facts.deep if same else None,
        deep_problem=facts.deep_problem if same else None,
    )


def _server(facts: Facts, then: Facts, change: Change) -> Server | None:
    """The server that sessions would go to, as it answers; None where there is none, or none is to be asked."""
    if then.url is None or not change.asks:
        return None
    for server in (*change.asked, *filter(None, (facts.server, *facts.others))):
        if same_address(server.url, then.url):
            keys = (own_token(each.snapshot, each.resolution, server.url) for each in (facts, then))
            if server in change.asked or len(set(keys)) == 1:
                return server
    return asked(then.snapshot, then.resolution, then.url)


def _is_settings(facts: Facts, path: Path) -> bool:
    return any(each.path == path for each in facts.settings)


def _owned(then: Facts, change: Change) -> tuple[Owned, ...]:
    """What would be on record: of the files in question what is wanted, of the others what is there."""
    kept = {owned.path: owned for owned in then.owned}
    for path, wanted in change.wanted.items():
        if ownership.BACKEND in wanted:
            changes = (each for each in wanted[ownership.BACKEND] if isinstance(each, Set))
            kept[path] = Owned(path, tuple((each.path, each.value) for each in changes))
    return tuple(kept.values())
