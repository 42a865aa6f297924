"""The process in the box: makes a loopback world, then runs one scenario after another (JSON lines in, JSON lines out).

Started by `box.Box`, in namespaces of its own where that is permitted, in an isolated interpreter.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from claude_local_plugin import isolated
from claude_local_plugin.conformance.namespace import emptied, end_group, loopback_up, own_etc
from claude_local_plugin.conformance.network import Certificate, Switchboard, make_certificate
from claude_local_plugin.conformance.observed import Observed, Run, read
from claude_local_plugin.conformance.scenario import (
    BOX,
    CLIENT,
    PORTS,
    SYSTEM_PATH,
    Scenario,
    before_a_command,
    materialise,
)

MANAGED = Path("/etc/claude-code")

#: The kind of agent that a program asks for, where it asks for none in particular.
AGENT = "general-purpose"

#: What every run has in its environment: silence on side channels, and dummies so that each provider gets as far as
#: sending a request (AWS's and Google's own look-ups would take seconds). None of them decides where a session goes.
BOX_ENVIRONMENT = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIABOXBOXBOXBOXBOXB",
    "AWS_SECRET_ACCESS_KEY": "box",
    "AWS_EC2_METADATA_DISABLED": "true",
    "METADATA_SERVER_DETECTION": "none",
    "ANTHROPIC_AWS_WORKSPACE_ID": "box",
    "ANTHROPIC_AWS_API_KEY": "box",
    "ANTHROPIC_FOUNDRY_RESOURCE": "box",
    "ANTHROPIC_FOUNDRY_API_KEY": "box",
    "ANTHROPIC_VERTEX_PROJECT_ID": "box",
    "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
    "CLOUD_ML_REGION": "us-east5",
    "ANTHROPIC_GOOGLE_CLOUD_PROJECT": "box",
    "ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID": "box",
    "CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH": "1",
}


@dataclass(frozen=True, slots=True)
class Order:
    """How the box is to be: the client, its folder, whether the namespaces are ours, seconds per run."""

    claude: str
    folder: str
    alone: bool
    patience: float


def serve(order: Order, orders: TextIO, answers: TextIO) -> None:
    """Answer scenarios until `orders` ends, as it does with whoever started us; what is running then is ended."""
    waiting: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=_hand_over, args=(orders, waiting), daemon=True).start()
    signal.signal(signal.SIGTERM, _stop)
    # The folder is never removed from in here: `etc` in it is the real /etc. Whoever made it does that, outside.
    _serve(order, iter(waiting.get, None), answers)


def _hand_over(orders: TextIO, waiting: "SimpleQueue[str | None]") -> None:
    for line in orders:
        waiting.put(line)
    waiting.put(None)
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(*_: object) -> None:
    raise SystemExit(0)


def _serve(order: Order, orders: Iterable[str], answers: TextIO) -> None:
    folder = Path(order.folder)
    if order.alone:
        loopback_up()
        own_etc(folder)
    certificate = make_certificate(folder)
    ports = [port for name, port in PORTS.items() if name != "proxy"]
    with Switchboard(ports, PORTS["proxy"], certificate, alone=order.alone) as board:
        _say(answers, {"version": _version(order), "tls": certificate is not None})
        for line in orders:
            scenario = Scenario.from_json(json.loads(line))
            _say(answers, observe(scenario, order, board, certificate).to_json())


def observe(scenario: Scenario, order: Order, board: Switchboard, certificate: Certificate | None) -> Observed:
    """Run the client on one scenario."""
    named = {real: name for name, real in board.real.items()}
    with tempfile.TemporaryDirectory(dir=order.folder, prefix="case-", ignore_cleanup_errors=True) as case:
        if order.alone:
            emptied(MANAGED)
        made = materialise(
            scenario,
            Path(case),
            managed_dir=MANAGED if order.alone else None,
            ports=None if order.alone else board.real,
        )
        # The client keeps a folder of its own in /tmp otherwise, which would outlive the box.
        environ = BOX_ENVIRONMENT | {"CLAUDE_CODE_TMPDIR": case} | made.environ
        if "ANTHROPIC_FOUNDRY_BASE_URL" in json.dumps(scenario.to_json()):
            del environ["ANTHROPIC_FOUNDRY_RESOURCE"]  # it takes one of the two alone
        if certificate is not None:
            environ["NODE_EXTRA_CA_CERTS"] = str(certificate.file)
        if not order.alone:
            # Without a network of our own, whatever is not loopback goes to a proxy that leads nowhere but to us.
            environ = {
                "HTTPS_PROXY": f"http://127.0.0.1:{board.real[PORTS['proxy']]}",
                "NO_PROXY": "127.0.0.1",
            } | environ
        board.clear()
        with board.listening(made.socket, PORTS["socket"]), _descriptors(scenario.descriptors) as (numbers, opened):
            environ |= numbers
            refusal = _set_up(scenario, order, made.cwd, environ)
            if refusal is not None:
                run = refusal
            elif scenario.entry == "mcp-serve":
                command = [order.claude, *before_a_command(made.arguments), "mcp", "serve"]
                run = _call_agent(command, made.cwd, environ, order.patience, opened)
            else:
                command = [order.claude, "-p", "ping", "--output-format", "json", *made.arguments]
                if scenario.program:
                    command = [word.replace(CLIENT, order.claude).replace(BOX, case) for word in scenario.program]
                if scenario.through:
                    command = [*isolated.python("claude_local_plugin", *scenario.through), *command]
                run = _run(command, made.cwd, environ, order.patience, opened)
        return read(run, board.traffic(), named, board.cloud.port)


def _set_up(scenario: Scenario, order: Order, cwd: Path, environ: Mapping[str, str]) -> Run | None:
    """Run the commands of ours that come first; how the first one went that ended otherwise than well, if one did."""
    path = os.pathsep.join((str(Path(order.claude).parent), environ.get("PATH", SYSTEM_PATH)))
    for words in scenario.setup:
        command = isolated.python("claude_local_plugin", *(word.replace(CLIENT, order.claude) for word in words))
        run = _run(command, cwd, {**environ, "PATH": path}, order.patience)
        if run.exit_code != 0:
            return run
    return None


@contextlib.contextmanager
def _descriptors(texts: Mapping[str, str]) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """An open pipe with each text: the variables with the descriptors' numbers, and the numbers."""
    opened: dict[str, int] = {}
    try:
        for name, text in texts.items():
            near, far = os.pipe()
            os.write(far, text.encode())
            os.close(far)
            opened[name] = near
        yield {name: str(number) for name, number in opened.items()}, tuple(opened.values())
    finally:
        for number in opened.values():
            os.close(number)


#: What a program that uses Claude Code's tools says to `claude mcp serve`, in order.
_CALLS = (
    {
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "ask", "version": "1"}},
    },
    {"method": "notifications/initialized"},
    {
        "id": 2,
        "method": "tools/call",
        "params": {"name": "Agent", "arguments": {"description": "ask", "prompt": "ping", "subagent_type": AGENT}},
    },
)


def _call_agent(
    command: list[str], cwd: Path, environ: dict[str, str], patience: float, opened: Sequence[int] = ()
) -> Run:
    """Start `claude mcp serve`, call its Agent tool once, and end it when it has answered."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environ,
            pass_fds=opened,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        late = threading.Timer(patience, end_group, [process.pid])
        late.start()
        answer: dict[str, Any] | None = None
        try:
            answer = _conversation(process)
        finally:
            was_late = late.finished.is_set()
            late.cancel()
            end_group(process.pid)
            process.communicate()
        words.seek(0)
        said = words.read()
    result = {"result": json.dumps(answer)} if answer is not None else {}
    return Run(None if was_late else process.returncode, json.dumps(result), said, time.monotonic() - began)


def _conversation(process: "subprocess.Popen[str]") -> dict[str, Any] | None:
    """Say what is to be said; the answer to the last call, or None where it ended before."""
    assert process.stdin is not None
    assert process.stdout is not None
    for call in _CALLS:
        try:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **call}) + "\n")
            process.stdin.flush()
        except OSError:  # it has ended; that there is no answer says so
            return None
        answer: dict[str, Any] = {}
        while "id" in call and answer.get("id") != call["id"]:
            line = process.stdout.readline()
            if not line:
                return None
            answer = json.loads(line)
    return answer


def _run(command: list[str], cwd: Path, environ: dict[str, str], patience: float, opened: Sequence[int] = ()) -> Run:
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environ,
        pass_fds=opened,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    code: int | None = None
    try:
        stdout, stderr = process.communicate(timeout=patience)
        code = process.returncode
    except subprocess.TimeoutExpired:
        end_group(process.pid)
        stdout, stderr = process.communicate()
    finally:
        end_group(process.pid)
    return Run(code, stdout, stderr, time.monotonic() - began)


def _version(order: Order) -> str:
    """What the client calls itself: `2.1.329`, or nothing where it does not run or says no number."""
    environ = {"PATH": SYSTEM_PATH, "HOME": order.folder}
    try:
        run = _run([order.claude, "--version"], Path(order.folder), environ, order.patience)
    except OSError:  # not there, not executable, or no program at all: our parent says so
        return ""
    words = run.stdout.split() if run.exit_code == 0 else []
    return words[0] if words and re.match(r"\d+\.\d+", words[0]) else ""


def _say(answers: TextIO, record: dict[str, Any]) -> None:
    answers.write(json.dumps(record) + "\n")
    answers.flush()


if __name__ == "__main__":
    serve(Order(**json.loads(sys.argv[1])), sys.stdin, sys.stdout)
