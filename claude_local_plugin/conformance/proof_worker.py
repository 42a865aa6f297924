"""The process in the box that runs one client in one setting, with `-p` and on a terminal, and says what it asked for.

Started by `proof.prove`, in namespaces of its own: an order on standard input, the answer on standard output.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from claude_local_plugin.conformance.namespace import end_group, loopback_up, own_etc
from claude_local_plugin.conformance.network import Certificate, Switchboard, make_certificate
from claude_local_plugin.conformance.proof import PAGE_HOST, PROJECT, SERVER_PORT, Asked
from claude_local_plugin.conformance.scenario import SYSTEM_PATH
from claude_local_plugin.conformance.terminal import ENTER, Terminal
from claude_local_plugin.fake_server.server import Reply, ToolUse

PROXY_PORT = 8001
PROMPT, ANSWER = "what does the page say", "claude-local-heard-you"
#: What has Claude Code load a tool that it keeps back at first.
LOADED = "select:WebFetch"
#: The tools whose use makes Claude Code, or its server, ask somebody else.
TOOLS = "WebFetch,WebSearch"


@dataclass(frozen=True, slots=True)
class Order:
    """The client, the box's folder, the setting, and seconds: see `proof`."""

    claude: str
    folder: str
    watched: float
    patience: float
    setting: Mapping[str, Mapping[str, str]]


def serve(order: Order) -> dict[str, Any]:
    """Run it; the version it calls itself, and what each session asked for."""
    folder = Path(order.folder)
    home, project = folder / "home", folder / "project"
    loopback_up()
    own_etc(folder)
    for place, below in ((home, "home"), (project, "project"), (Path("/etc/claude-code"), "managed")):
        place.mkdir(exist_ok=True)
        files = order.setting[below]
        _written(place, {name: text.replace(PROJECT, str(project)) for name, text in files.items()})
    environ = _environment(order, home, folder)
    certificate = make_certificate(folder)
    if certificate is not None:
        environ["NODE_EXTRA_CA_CERTS"] = str(certificate.file)
    version = _version(order, environ)
    sessions = []
    if version:
        for way in (_printed, _interactive):
            sessions.append(asdict(_watched(way, order, project, environ, certificate)))
    return {"version": version, "sessions": sessions}


def _written(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _environment(order: Order, home: Path, folder: Path) -> dict[str, str]:
    own = {"PATH": SYSTEM_PATH, "HOME": str(home), "LANG": "C.UTF-8", "CLAUDE_CODE_TMPDIR": str(folder)}
    return {**order.setting["environ"], **own}


def _version(order: Order, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            [order.claude, "--version"], env=dict(environ), capture_output=True, text=True, timeout=order.patience
        )
    except (OSError, subprocess.TimeoutExpired):  # not there, no program: our parent says so
        return ""
    words = done.stdout.split() if done.returncode == 0 else []
    return words[0] if words and re.match(r"\d+\.\d+", words[0]) else ""


def reply(body: Mapping[str, Any]) -> Reply:
    """What the stand-in for the model says: it has a page read and the web searched where it may, then it answers."""
    offered = {tool.get("name") for tool in body.get("tools", ()) if isinstance(tool, dict)}
    if "Bash" not in offered and "Read" not in offered:  # a side request: a title, a page's summary
        return ANSWER
    said = json.dumps(body.get("messages", ()))
    if PAGE_HOST in said:
        return ANSWER
    fetch = ToolUse("WebFetch", {"url": f"https://{PAGE_HOST}/", "prompt": "what does it say"}, ANSWER)
    if "WebFetch" in offered and LOADED not in said:
        return fetch
    return ToolUse("ToolSearch", {"query": LOADED}, fetch) if "ToolSearch" in offered else ANSWER


def _watched(
    way: Any, order: Order, project: Path, environ: Mapping[str, str], certificate: Certificate | None
) -> Asked:
    with Switchboard([SERVER_PORT], PROXY_PORT, certificate, alone=True, reply=reply) as board:
        name, answered, said = way(order, project, environ, board)
        traffic = board.traffic()
    elsewhere = [request for request in traffic.requests if request.port == board.cloud.port]
    return Asked(
        name,
        answered,
        traffic.hosts,
        tuple(f"{each.headers.get('host', '?')} {each.method} {each.route}" for each in elsewhere),
        "" if answered else said,
    )


def _printed(order: Order, project: Path, environ: Mapping[str, str], board: Switchboard) -> tuple[str, bool, str]:
    command = [order.claude, "-p", PROMPT, "--allowedTools", TOOLS]
    process = subprocess.Popen(
        command,
        cwd=project,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=order.patience)
    except subprocess.TimeoutExpired:
        end_group(process.pid)
        said, _ = process.communicate()
    finally:
        end_group(process.pid)
    return "print", ANSWER in said, said.strip()[-500:]


def _interactive(order: Order, project: Path, environ: Mapping[str, str], board: Switchboard) -> tuple[str, bool, str]:
    command = [order.claude, "--allowedTools", TOOLS]
    with Terminal(command, cwd=project, environ=environ) as terminal:
        terminal.read_until(lambda: "?forshortcuts" in terminal.text, order.patience / 2)
        terminal.read_until_quiet(1.0, 5.0)
        terminal.type(PROMPT.encode())
        terminal.read_until_quiet(1.0, 5.0)
        terminal.type(ENTER)
        answered = terminal.read_until(lambda: ANSWER in terminal.text, order.patience / 2)
        over = time.monotonic() + (order.watched if answered else 0.0)
        terminal.read_until(lambda: time.monotonic() > over, order.watched)
        return "interactive", answered, terminal.text[-500:]


def main(words: Sequence[str]) -> None:
    order = Order(**json.loads(sys.stdin.read()))
    print(json.dumps(serve(order)))


if __name__ == "__main__":
    main(sys.argv)
