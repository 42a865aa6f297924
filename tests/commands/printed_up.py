"""The cases of what `up`, `down`, `logs` and `doctor --server-log` print: see `printed_cases`, which takes them in."""

from tests.commands.house import House
from tests.commands.lan import Typed
from tests.commands.printed_cases import Case, _nothing, case, not_run, points_at, says

PORT = "8123"
URL = f"http://127.0.0.1:{PORT}"
#: A server that ends by itself where nobody stops it; as a module, since `claude-local` is typed to one process here.
SERVER = ("timeout", "100", "python3", "-m", "claude_local_plugin", "demo", "--serve", "--port", PORT)
UP = ("up", "--port", PORT, "--name", "mine", "--yes")

#: A server that is ready and answers nothing.
MUTE = f"""
import http.server, json
class Mute(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"data": [{{"id": "m", "owned_by": "vllm", "max_model_len": 65536}}]}}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.send_response(500); self.send_header("Content-Length", "0"); self.end_headers()
http.server.HTTPServer(("127.0.0.1", {PORT}), Mute).serve_forever()
"""


def _runs(*options: str) -> "object":
    def build(house: House) -> None:
        house.ok(*UP, *options, "--", *SERVER)

    return build


def _stopped(house: House, _: Case, __: Typed) -> None:
    assert not list((house.state / "deployments").glob("*.json"))


def _down(house: House, _: Case, __: Typed) -> None:
    house.call("down")


def _and_down(after: object) -> "object":
    def both(house: House, one: Case, typed: Typed) -> None:
        try:
            after(house, one, typed)  # type: ignore[operator]
        finally:
            house.call("down")

    return both


case(
    "up: how it is stopped",
    "cli.up:_conclude claude-local down …",
    _nothing,
    (*UP, "--", *SERVER),
    _stopped,
    again=False,
)
case(
    "up: its log",
    "cli.up:_conclude claude-local logs …",
    _nothing,
    (*UP, "--", *SERVER),
    _down,
    again=False,
)
case(
    "up: a server and no settings",
    "cli.up:_conclude claude-local enable …",
    _nothing,
    (*UP, "--no-enable", "--", *SERVER),
    _and_down(points_at(URL)),
    again=False,
)
not_run(
    "up: what the checks found",
    "sends real requests once more",
    "commands.up:_checked claude-local doctor --deep",
    _nothing,
    # nobody stops this one, which ends by itself
    ("up", "--port", "8133", "--name", "other", "--yes", "--", *SERVER[:-1], "8133"),
)


def _disabled(house: House, _: Case, __: Typed) -> None:
    assert "ANTHROPIC_BASE_URL" not in house.env()


case("down: sessions that use it", "cli.up:down claude-local disable", _runs(), ("down",), _disabled)
case(
    "up: a port that a server has",
    "commands.up:_port_taken claude-local enable --url …",
    _runs("--no-enable"),
    ("up", "--port", PORT, "--name", "other", "--yes", "--", "ls"),
    _and_down(points_at(URL)),
    again=False,
)


#: A program that has a port and is no server; it says when it has it, and ends by itself.
HOLDER = """
import os, socket, sys, time
with socket.create_server(("127.0.0.1", 8124)):
    print("listening", flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    time.sleep(300)
"""


def _another_program(house: House) -> None:
    house.write(house.project / "holder.py", HOLDER)
    held = house.type('read -r said < <(exec setsid python3 holder.py 2>&1); echo "$said"')
    assert held.out == "listening\n", held


not_run(
    "up: a port that another program has",
    "iproute2 need not be here",
    "commands.up:_port_taken ss -ltnp sport = :…",
    _another_program,
    ("up", "--port", "8124", "--name", "other", "--yes", "--", "ls"),
)


def _mute(house: House) -> None:
    house.write(house.project / "mute.py", MUTE)


case(
    "up: a server that answers nothing, used all the same",
    "commands.up:_anyway claude-local enable --url …",
    _mute,
    (*UP, "--", "timeout", "100", "python3", "mute.py"),
    _and_down(points_at(URL)),
    again=False,
)
case(
    "up: a server that answers nothing, stopped",
    "commands.up:_anyway claude-local down …",
    _mute,
    (*UP, "--", "timeout", "100", "python3", "mute.py"),
    _stopped,
    again=False,
)
case(
    "up: a start that fails for an unknown reason",
    "commands.up:_log_reader claude-local doctor --server-log …",
    _nothing,
    (*UP, "--", "sh", "-c", "echo 'acme.FlipError: the flux is reversed' >&2; exit 3"),
    says("the flux is reversed"),
    code=1,
)


def _ssh(script: str) -> "object":
    def build(house: House) -> None:
        house.program("ssh", f"#!/bin/sh\n{script}\n")

    return build


#: An ssh to this very machine: what it is to run there is its last word, as the real one hands it on.
HERE = 'for last; do :; done\n[ "$last" = box ] && exit 1\nexec sh -c "$last"'
FAR = ("up", "--host", "box", "--port", PORT, "--name", "far", "--yes", "--")

case(
    "up: a start that fails on another machine",
    (
        "commands.up:_log_reader piped … …",
        "commands.up:_log_reader ssh … cat …",
        "commands.up:(module) claude-local doctor --server-log -",
    ),
    _ssh(HERE),
    (*FAR, "sh", "-c", "echo 'acme.FlipError: the flux is reversed' >&2; exit 3"),
    says("the flux is reversed"),
    code=1,
)
not_run(
    "up: a tunnel that ends",
    "leads to another machine",
    "commands.up:_not_ready …",
    _ssh(HERE),
    (*FAR, "timeout", "20", "sleep", "20"),
)
not_run(
    "up: a machine that does not take the key",
    "leads to another machine",
    ("deploy.host:Host._unreachable ssh-copy-id …", "deploy.host:Host._unreachable ssh-add"),
    _ssh("echo 'me@box: Permission denied (publickey).' >&2; exit 255"),
    (*FAR, "ls"),
)
not_run(
    "up: a machine whose key is not known",
    "leads to another machine",
    "deploy.host:Host._unreachable ssh …",
    _ssh("echo 'Host key verification failed.' >&2; exit 255"),
    (*FAR, "ls"),
)
not_run(
    "up: a machine that is not there",
    "leads to another machine",
    "deploy.host:Host._unreachable ssh … true",
    _ssh("echo 'ssh: connect to host box port 22: No route to host' >&2; exit 255"),
    (*FAR, "ls"),
)


def _no_folder(house: House) -> None:
    _ssh(HERE)(house)  # type: ignore[operator]
    house.write(house.home / "claude-local", "in the way")


not_run(
    "up: a folder that cannot be made there",
    "leads to another machine",
    "deploy.host:Host.shown ssh … …",
    _no_folder,
    (*FAR, "ls"),
)
not_run(
    "up: a command that does not say its port",
    "a server of one's own stands in it",
    "deploy.engines:own_command claude-local up --port N -- …",
    _nothing,
    ("up", "--yes", "--", "my server", "--fast"),
    fill={"N": "8123"},
)
case("down: nothing was started", "deploy.record:only claude-local up --help", _nothing, ("down",), says("RECIPE"))
case(
    "up: nothing fits",
    "commands.up_recipe:_nothing_fits claude-local recipe fit",
    _nothing,
    ("up", "minimax-m2.7", "--hardware", "rtx-4090", "--yes"),
    says("GiB"),
)


def _log(house: House) -> None:
    house.write(house.project / "my log.txt", "acme.FlipError: the flux is reversed\n")


case(
    "doctor --server-log: and something else",
    "cli.doctor:doctor claude-local doctor --server-log …",
    _log,
    ("doctor", "files", "--server-log", "my log.txt"),
    says("the flux is reversed"),
    code=1,
)
case(
    "doctor --server-log: an unknown failure",
    "commands.server_log:look claude-local doctor --server-log … --json",
    _log,
    ("doctor", "--server-log", "my log.txt"),
    says('"log.unknown"'),
    code=1,
)
not_run(
    "doctor --server-log: no such file",
    "wants a log on standard input",
    "commands.server_log:_lines claude-local doctor --server-log …",
    _nothing,
    ("doctor", "--server-log", "nowhere.log"),
)
