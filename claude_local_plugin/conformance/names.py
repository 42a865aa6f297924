"""The names of variables in Claude Code's own program, and what each that is unknown to us does.

A release may bring a variable that names another endpoint, credential or model. Its name stands in the program; here it
is set to something that would be noticed, in several worlds, and what arrives is compared with what arrives without it.
"""

import mmap
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.scenario import BOX, Scenario
from claude_local_plugin.conformance.sources import ENABLED, LOGIN, env

#: How the names begin that belong to Claude Code, to Anthropic's library, or to a cloud provider's.
BEGINNINGS = (
    *("ANTHROPIC_", "CLAUDE", "CCR_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "VERTEX_", "BEDROCK_", "FOUNDRY_"),
    *("MANTLE_", "USE_LOCAL_", "USE_STAGING_", "AGENT_PROXY_", "SESSION_INGRESS_"),
)
#: Words in a name that has to do with where requests go, with what, and for which model.
WORDS = (
    *("KEY", "TOKEN", "URL", "URI", "SOCKET", "HOST", "PROFILE", "OAUTH", "CRED", "MODEL", "PROXY", "HEADER", "AUTH"),
    *("BASE", "ENDPOINT", "GATEWAY", "FEDERATION", "PROVIDER", "ORGANIZATION", "IDENTITY", "SECRET", "_USE_", "SKIP_"),
    *("DESCRIPTOR", "ROUTE", "LOGIN", "STAGING"),
)
_REST = re.compile(rb"[A-Z0-9_]{2,100}(?![A-Za-z0-9_])")

#: So many are asked at once; where something changes, the halves are asked until the one that does it is known.
AT_ONCE = 48

#: A host that nobody else asks for, of those the box has a certificate for.
ELSEWHERE = "marked.claude.ai"


def names_in(program: Path) -> set[str]:
    """The names in a program that have to do with endpoint, credential or model."""
    found: set[str] = set()
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for beginning in BEGINNINGS:
            start, at = beginning.encode(), -1
            while (at := text.find(start, at + 1)) >= 0:
                before = text[at - 1 : at]
                match = None if before.isalnum() or before == b"_" else _REST.match(text, at)
                if match is not None:
                    found.add(match[0].decode("ascii"))
    return {name for name in found if "_" in name and any(word in name for word in WORDS)}


def marked(name: str) -> str:
    """A value that would be noticed: another address, a marked key, a file with a marked key, another model."""
    if name.endswith(("_FILE", "_PATH", "_DIR", "SOCKET")):
        return f"{BOX}/home/marked"
    if name.endswith("DESCRIPTOR"):
        return "9"
    if "PORT" in name.split("_"):
        return "9"
    if "HOST" in name.split("_"):
        return ELSEWHERE
    if any(word in name for word in ("URL", "URI", "ENDPOINT", "PROXY", "BASE", "ADDRESS", "_AUTHORITY")):
        return f"https://{ELSEWHERE}"
    return f"marked-{name.lower()}"


def switched(_: str) -> str:
    """What switches a variable on."""
    return "1"


#: Each name is set to both: a word that is taken as it stands, and "on".
KINDS = {"marked": marked, "on": switched}
MARKED = {"home/marked": "marked-file"}

#: What a session is otherwise like: what `enable` writes, a key for the cloud, a login, nobody signed in, a provider.
WORLDS: Mapping[str, Scenario] = {
    "enabled": Scenario(settings=env(local=ENABLED), files=MARKED),
    "cloud": Scenario(shell={"ANTHROPIC_API_KEY": "key-shell"}, files=MARKED),
    "login": Scenario(credentials=LOGIN, files=MARKED),
    "nothing": Scenario(files=MARKED),
    "bedrock": Scenario(shell={"CLAUDE_CODE_USE_BEDROCK": "1"}, files=MARKED),
}


class Asks(Protocol):
    """Whoever asks the real client."""

    def observe(self, scenario: Scenario) -> Observed:
        """What the client does with this scenario."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a variable that was set to a `kind` of value changed in one of the worlds."""

    name: str
    world: str
    kind: str
    what: Mapping[str, object]


def survey(
    asks: Asks, names: Iterable[str], worlds: Iterable[str] = WORLDS, kinds: Iterable[str] = KINDS
) -> Iterator[Change]:
    """What these variables change, each exported in the shell.

    One that keeps a session from getting anywhere does so in every world, and is not asked about again.
    """
    left = {kind: set(names) for kind in kinds}
    for world in worlds:
        without = arrived(asks.observe(WORLDS[world]))
        for kind, wanted in left.items():
            for start in range(0, len(together := sorted(wanted)), AT_ONCE):
                for change in _changes(asks, (world, kind), without, together[start : start + AT_ONCE]):
                    yield change
                    if change.what.get("outcome") in ("refused", "timeout"):
                        wanted.discard(change.name)


def _changes(
    asks: Asks, question: tuple[str, str], without: Mapping[str, object], names: list[str]
) -> Iterator[Change]:
    seen = arrived(asks.observe(with_names(*question, names)))
    changed = {key: value for key, value in seen.items() if value != without[key]}
    if not changed:
        return
    if len(names) == 1:
        yield Change(names[0], *question, changed)
        return
    middle = len(names) // 2
    yield from _changes(asks, question, without, names[:middle])
    yield from _changes(asks, question, without, names[middle:])


def with_names(world: str, kind: str, names: Iterable[str]) -> Scenario:
    """The world with these variables exported; what it sets itself stays."""
    base = WORLDS[world]
    given = {name: KINDS[kind](name) for name in names}
    return Scenario.from_json({**base.to_json(), "shell": given | base.shell})


def arrived(seen: Observed) -> dict[str, object]:
    """What is compared: how the session went, what its request carried, and whether the marked host was asked for.

    What a provider signs is another each time: of that only the way of signing is compared.
    """
    authorization = seen.authorization
    if authorization and authorization.startswith("AWS4"):
        authorization = authorization.partition("/")[0]  # with the id of the key
    return {
        "outcome": seen.outcome,
        "base_url": seen.base_url,
        "x_api_key": seen.x_api_key,
        "authorization": authorization,
        "model": seen.model,
        "context_window": seen.context_window,
        "headers": dict(seen.extra_headers) if seen.extra_headers else None,
        "elsewhere": ELSEWHERE in seen.hosts or None,
    }
