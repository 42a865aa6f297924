"""Which names the real Claude Code asks for: it is run where there is no network, beside a name server of ours."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin import isolated
from claude_local_plugin.conformance.sandbox import BoxError, ClientError, unshare

#: The port of the stand-in for the model server, on the loopback of the namespace.
SERVER_PORT = 8000
SERVER_URL = f"http://127.0.0.1:{SERVER_PORT}"
#: The page that the stand-in for the model has WebFetch read, so that a name is asked for wherever that is possible.
PAGE_HOST = "claude-local-asks.example"
#: Stands for the project's folder in the files.
PROJECT = "{project}"
#: How a session may be held.
WAYS = ("print", "interactive")
#: Seconds: how long a session may take to answer, and how long an interactive one stays open after its answer.
PATIENCE = 60.0
WATCHED = 20.0


@dataclass(frozen=True, slots=True)
class Setting:
    """The world in which the client is run: files by their names, relative to each folder, and its environment."""

    home: Mapping[str, str] = field(default_factory=dict, repr=False)
    project: Mapping[str, str] = field(default_factory=dict, repr=False)
    managed: Mapping[str, str] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one session asked for. `answered`: it got the stand-in's answer; else `said` is what it showed instead.

    `names` are those that the name server was asked for, in order. `requests` are those that arrived at anybody but
    the model server: `HOST METHOD PATH`.
    """

    way: str
    answered: bool
    names: tuple[str, ...]
    requests: tuple[str, ...] = ()
    said: str = ""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Asked":
        return cls(found["way"], found["answered"], tuple(found["names"]), tuple(found["requests"]), found["said"])


@dataclass(frozen=True, slots=True)
class Proof:
    """What sessions of a client asked for, and which client it was."""

    client_version: str
    sessions: tuple[Asked, ...]


def prove(claude: Path, setting: Setting, *, watched: float = WATCHED, patience: float = PATIENCE) -> Proof:
    """Run the client once with `-p` and once on a terminal, in namespaces of its own.

    Raises BoxError where no namespaces can be had, ClientError where the client does not run.
    """
    with tempfile.TemporaryDirectory(prefix="claude-local-proof-", ignore_cleanup_errors=True) as folder:
        order = {"claude": str(claude.absolute()), "folder": folder, "watched": watched, "patience": patience}
        order |= {"setting": {name: dict(given) for name, given in asdict(setting).items()}}
        found = _run(order, folder, 2 * patience + watched + 30)
    if not found["version"]:
        raise ClientError(f"{claude} does not run: `--version` names no version", "name Claude Code's own program")
    return Proof(str(found["version"]), tuple(map(Asked.of, found["sessions"])))


def _run(order: Mapping[str, Any], folder: str, seconds: float) -> dict[str, Any]:
    command = [*unshare(), *isolated.python("claude_local_plugin.conformance.proof_worker")]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is ours to hear; the worker ends when its standard input does
    )
    try:
        stdout, stderr = process.communicate(json.dumps(order), timeout=seconds)
    except BaseException as error:
        process.kill()
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise BoxError(f"Claude Code did not end within {seconds:.0f} seconds") from error
        raise
    if process.returncode != 0 or not stdout:
        words = stderr.strip().splitlines()
        raise BoxError(f"no namespaces to run Claude Code in: {words[-1] if words else 'without a word'}")
    answer: dict[str, Any] = json.loads(stdout)
    return answer
