"""Every way to start Claude Code on a server of one's own, or once in the cloud, in every kind of folder.

`python -m tests.launch.isolation --claude PROGRAM` asks all of it of a client and writes the golden file of its
version anew; `docs/isolation_table.py` makes the page of it.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from claude_local_plugin.conformance import Boxes
from claude_local_plugin.conformance.observed import Observed
from claude_local_plugin.conformance.scenario import CLIENT, Scenario, url

GOLDEN = Path(__file__).with_name("golden")
OURS, LOGIN, KEY, HELPER = "tok-run", "sk-ant-oat01-login", "sk-ant-api03-shell", "helper-key"
#: How the client is called.
PING = (CLIENT, "-p", "ping", "--output-format", "json")
PING_TEXT = f"{CLIENT} -p ping --output-format json"
#: What the servers of the box serve.
MODEL = "any"

_VARIABLES = {
    "ANTHROPIC_BASE_URL": url("ours"),
    "ANTHROPIC_AUTH_TOKEN": OURS,
    "ANTHROPIC_API_KEY": "",
    "ANTHROPIC_MODEL": MODEL,
}
_EXPORTS = "".join(f"export {name}={value}\n" for name, value in _VARIABLES.items())
_OUR_COMMAND = f"{sys.executable} -m claude_local_plugin"
PROFILE = f'[profiles.spark]\nurl = "{url("ours")}"\nmodel = "{MODEL}"\ntoken = "env:SPARK_KEY"\n'
_CONFIG = {"home/.config/claude-local/config.toml": PROFILE}
_DIRENV = ("/bin/sh", "-c", f"direnv allow . >/dev/null 2>&1; exec direnv exec . {PING_TEXT}")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to start the client: what it is called, what it makes of a folder, and where it is to lead."""

    name: str
    to_cloud: bool = False
    ours: bool = False

    def asked(self, world: Scenario) -> Scenario:
        """The scenario of this way in a folder."""
        return _CHANGES[self.name](world)


def _with(world: Scenario, **more: Any) -> Scenario:
    shell, files = ({**getattr(world, name), **more.pop(name, {})} for name in ("shell", "files"))
    setup = (*world.setup, *more.pop("setup", ()))
    return replace(world, shell=shell, files=files, setup=setup, **more)


def _hand(world: Scenario, place: str) -> Scenario:
    settings = {**world.settings, place: {"env": dict(_VARIABLES)}}
    setup = () if place == "local" else world.setup  # who writes the file by hand writes over what enable wrote
    return replace(world, settings=settings, setup=setup)


def _run(world: Scenario, *words: str) -> Scenario:
    return _with(world, through=("run", *words, "--"), files=_CONFIG, shell={"SPARK_KEY": OURS})


_ENABLE = ("enable", "--url", url("ours"), "--model", MODEL, "--token-env", "SPARK_KEY", "--yes", "--no-hooks")
_LAUNCHER = ("launcher", "install", "on-spark", "spark", "--", *PING)
_CHANGES = {
    "the address alone": lambda world: _with(
        world, shell={"ANTHROPIC_BASE_URL": url("ours"), "ANTHROPIC_MODEL": MODEL}
    ),
    "address and token": lambda world: _with(
        world, shell={name: value for name, value in _VARIABLES.items() if name != "ANTHROPIC_API_KEY"}
    ),
    "inline variables": lambda world: _with(world, shell=_VARIABLES),
    "wrapper with exports": lambda world: _with(
        world,
        files={"home/wrapper": f'#!/bin/sh\n{_EXPORTS}exec {CLIENT} "$@"\n'},
        program=("/bin/sh", "-c", f"{_EXPORTS}exec {PING_TEXT}"),
    ),
    "direnv, .envrc": lambda world: _with(world, files={"home/shop/.envrc": _EXPORTS}, program=_DIRENV),
    "direnv, dotenv": lambda world: _with(
        world, files={"home/shop/.envrc": "dotenv\n", "home/shop/.env": _EXPORTS}, program=_DIRENV
    ),
    ".env alone": lambda world: _with(world, files={"home/shop/.env": _EXPORTS}),
    "settings.local.json by hand": lambda world: _hand(world, "local"),
    "--settings FILE": lambda world: _hand(world, "flag"),
    "claude-local enable": lambda world: _with(world, setup=(_ENABLE,), shell={"SPARK_KEY": OURS}),
    "claude-local run": lambda world: _run(world, "spark"),
    "claude-local launcher": lambda world: _with(
        world, files=_CONFIG, shell={"SPARK_KEY": OURS}, setup=(_LAUNCHER,), program=("{box}/home/.local/bin/on-spark",)
    ),
    "claude-local env": lambda world: _with(
        world,
        files=_CONFIG,
        shell={"SPARK_KEY": OURS},
        program=("/bin/bash", "-c", f'eval "$({_OUR_COMMAND} env spark --shell bash)" && exec {PING_TEXT}'),
    ),
    "claude-local run --cloud": lambda world: _run(world, "--cloud"),
}
WAYS = tuple(Way(name, to_cloud=name.endswith("--cloud"), ours=name.startswith("claude-local")) for name in _CHANGES)


def _settings(place: str) -> dict[str, Any]:
    return {
        "env": {
            "ANTHROPIC_BASE_URL": url(place),
            "ANTHROPIC_AUTH_TOKEN": f"tok-{place}",
            "ANTHROPIC_MODEL": f"m-{place}",
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "55555",
        }
    }


_LOGIN = {
    "claudeAiOauth": {
        "accessToken": LOGIN,
        "refreshToken": "sk-ant-ort01-login",
        "expiresAt": 4_102_444_800_000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
}
_SHELL = {"ANTHROPIC_API_KEY": KEY}
_ENABLED = (("enable", "--url", url("local"), "--yes", "--no-hooks"),)
WORLDS = {
    "nothing set": Scenario(),
    "user settings": Scenario(settings={"user": _settings("user")}),
    "project settings": Scenario(settings={"project": _settings("project")}),
    "enabled": Scenario(setup=_ENABLED),
    "login": Scenario(credentials=_LOGIN),
    "shell key": Scenario(shell=_SHELL),
    "helper": Scenario(settings={"user": {"apiKeyHelper": f"echo {HELPER}"}}),
    "managed": Scenario(settings={"managed": _settings("managed")}),
    "all but managed": Scenario(
        settings={"user": _settings("user"), "project": _settings("project")},
        setup=_ENABLED,
        credentials=_LOGIN,
        shell=_SHELL,
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one way did in one folder."""

    way: str
    world: str
    outcome: str
    base_url: str | None
    authorization: str | None
    x_api_key: str | None
    model: str | None
    said: str

    @classmethod
    def of(cls, way: str, world: str, seen: Observed) -> "Row":
        """The row of what was seen."""
        words = " ".join((*seen.warnings, seen.said))
        said = words[:200] if seen.outcome != "ok" else ""
        return cls(way, world, seen.outcome, seen.base_url, seen.authorization, seen.x_api_key, seen.model, said)

    @property
    def credentials(self) -> tuple[str, ...]:
        """What was sent that is a credential, without the word before it."""
        sent = (self.authorization or "").removeprefix("Bearer "), self.x_api_key or ""
        return tuple(dict.fromkeys(each for each in sent if each))

    @property
    def is_ours(self) -> bool:
        """Whether it went to the server that was meant, with its key and model and nothing else."""
        return (
            self.outcome == "ok"
            and self.base_url == url("ours")
            and set(self.credentials) <= {OURS}
            and self.model == MODEL
        )

    @property
    def is_cloud(self) -> bool:
        """Whether it went to the cloud with a credential of the user's own and no model of a server's."""
        sent = set(self.credentials)
        return (
            self.outcome == "ok"
            and self.base_url == "https://api.anthropic.com"
            and bool(sent)
            and sent <= {LOGIN, KEY, HELPER}
            and (self.model or "").startswith("claude-")
        )


def questions() -> Iterator[tuple[Way, str, Scenario]]:
    """Every way in every folder."""
    for way in WAYS:
        for world, scenario in WORLDS.items():
            yield way, world, way.asked(scenario)


def ask(claude: Path, asked: Iterable[tuple[Way, str, Scenario]], workers: int = 2) -> list[Row]:
    """What the client does."""
    listed = list(asked)
    with Boxes(claude, workers=workers, patience=90, alone=True) as boxes:
        seen = boxes.observe_all(scenario for _, _, scenario in listed)
        return [Row.of(way.name, world, found) for (way, world, _), (_, found) in zip(listed, seen, strict=True)]


def read(file: Path) -> list[Row]:
    """A golden file's rows."""
    return [Row(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def written(rows: Iterable[Row]) -> str:
    """A golden file's text; where the box was is nobody's business."""
    fields: Iterable[Mapping[str, Any]] = ({name: getattr(row, name) for name in Row.__slots__} for row in rows)
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in fields)


def newest() -> Path:
    """The golden file of the newest client."""
    return max(
        GOLDEN.glob("isolation-*.jsonl"), key=lambda path: [int(part) for part in path.stem.split("-")[1].split(".")]
    )


def main() -> None:
    """Ask a client everything and keep what it did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claude", type=Path, required=True)
    parser.add_argument("--only", default="", help="the names of ways that have this in them")
    parser.add_argument("--dry", action="store_true", help="print, and write nothing")
    given = parser.parse_args()
    rows = ask(given.claude, [each for each in questions() if given.only in each[0].name])
    for row in rows:
        good = row.is_cloud if row.way.endswith("--cloud") else row.is_ours
        print(
            "ok " if good else "   ",
            row.way,
            "|",
            row.world,
            "|",
            row.outcome,
            row.base_url,
            row.credentials,
            row.model,
            row.said,
        )
    if not given.dry:
        with Boxes(given.claude, workers=1) as boxes:
            version = boxes.client_version
        GOLDEN.mkdir(exist_ok=True)
        file = GOLDEN / f"isolation-{version}.jsonl"
        file.write_text(written(_in_order(rows, read(file) if file.exists() else [])), encoding="utf-8")


def _in_order(rows: Iterable[Row], before: Iterable[Row]) -> list[Row]:
    """These rows and those of before that were not asked again, in the order of the questions."""
    kept = {(row.way, row.world): row for row in (*before, *rows)}
    return [kept[way.name, world] for way, world, _ in questions() if (way.name, world) in kept]


if __name__ == "__main__":
    main()
