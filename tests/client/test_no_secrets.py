"""Nothing that we write or print holds a credential, a prompt or an answer: looked for in every file of ours, after
sessions of the real Claude Code with a marked secret in every place where one can be.

What is told apart: `disable` gives back what stood in a settings file before, so the value that `enable` wrote over is
kept, for that, in the file's ownership record (readable by its owner only), and nowhere once it is given back.
"""

import base64
import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, ToolUse
from claude_local_plugin.sessionlog import store
from tests.client.conftest import Person

pytestmark = pytest.mark.client

#: Where secrets are. Each value has this in its middle, where masking does not leave anything.
PLACES = (
    *("shell-key", "shell-token", "shell-header", "shell-oauth", "shell-other", "proxy-password"),
    *("user-env", "project-env", "local-env", "local-token", "helper", "login", "refresh", "console-key"),
    *("url-user", "url-password", "url-query", "prompt", "file", "answer", "thrown", "typed-url"),
)
#: What `enable` writes over, and `disable` gives back.
KEPT = ("local-token",)


def core(place: str) -> str:
    return f"QMARK{place.replace('-', 'X')}KRAMQ"


def secret(place: str) -> str:
    """A secret that says where it was."""
    return f"sk-dummy-{core(place)}-0123456789"


def forms(place: str) -> Iterator[bytes]:
    """The mark as it stands, and as it comes out of what is usually done to a text."""
    text = core(place)
    yield text.encode()
    yield text.encode("utf-16-le")
    yield text.encode().hex().encode()
    yield quote(f"{text[:1]}").encode() + text[1:].encode()
    for before in range(3):  # where it begins in the text that was encoded
        encoded = base64.b64encode(b"x" * before + text.encode())
        yield encoded[4 if before else 0 : -4]


class Machine:
    """Somebody's machine, full of secrets, and all that we have said on it."""

    def __init__(self, person: Person, server: EmbeddedBackend) -> None:
        self.person, self.server = person, server
        self.state = person.home / "state"
        self.config = person.home / "config"
        self.said: dict[str, str] = {}
        person.shell |= {
            "CLAUDE_LOCAL_STATE_DIR": str(self.state),
            "CLAUDE_LOCAL_CONFIG_DIR": str(self.config),
            "ANTHROPIC_API_KEY": secret("shell-key"),
            "ANTHROPIC_AUTH_TOKEN": secret("shell-token"),
            "ANTHROPIC_CUSTOM_HEADERS": f"X-Secret: {secret('shell-header')}",
            "CLAUDE_CODE_OAUTH_TOKEN": secret("shell-oauth"),
            "MY_SECRET_TOKEN": secret("shell-other"),
            "HTTPS_PROXY": f"http://me:{secret('proxy-password')}@127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
            # makes the start quick: else a credential in the shell is first tried on Anthropic's own servers
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        }
        home, project = person.home / ".claude", person.project / ".claude"
        put(home / ".credentials.json", {"claudeAiOauth": login()})
        put(person.home / ".claude.json", {"primaryApiKey": secret("console-key")})
        dump = {"type": "command", "command": f"env > {person.home / 'environment'}"}
        put(
            home / "settings.json",
            {
                "apiKeyHelper": f"echo {secret('helper')}",
                "env": {"USER_SECRET": secret("user-env")},
                "hooks": {"SessionEnd": [{"hooks": [dump]}]},
            },
        )
        put(project / "settings.json", {"env": {"PROJECT_SECRET": secret("project-env")}})
        env = {"LOCAL_SECRET": secret("local-env"), "ANTHROPIC_AUTH_TOKEN": secret("local-token")}
        put(project / "settings.local.json", {"env": env})

    def ours(self, *arguments: str, stdin: str = "", **environ: str) -> str:
        """Runs a command of ours and keeps what it says; whether it finds something wrong is not the question."""
        ended = subprocess.run(
            [sys.executable, "-m", "claude_local_plugin", *arguments],
            cwd=self.person.project,
            env={**self.person.environ, **environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = self.said[" ".join(arguments)] = ended.stdout + ended.stderr
        assert "Traceback" not in said
        return said

    def session(self, name: str, prompt: str, *arguments: str) -> str:
        """A session; what our hooks said in it is kept."""
        stream = ("--output-format", "stream-json", "--verbose", "--include-hook-events")
        ended = self.person.session(prompt, *stream, *arguments)
        messages = [json.loads(line) for line in ended.stdout.splitlines()]
        hooks = [message for message in messages if message.get("subtype") == "hook_response"]
        self.said[f"session {name}"] = "".join(hook["stdout"] + hook["stderr"] for hook in hooks)
        (result,) = [message for message in messages if message["type"] == "result"]
        return str(result["result"])

    def configured(self, url: str) -> None:
        """Local settings by hand, which lead to this server."""
        local = self.person.local_settings
        data = json.loads(local.read_text())
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS"):
            data["env"].pop(name, None)
        data["env"] |= {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": ""}
        local.write_text(json.dumps(data))

    def proves(self, *places: str) -> None:
        """That the last session's hooks had these secrets before them; else it proves nothing that they kept none."""
        environment = (self.person.home / "environment").read_text()
        assert [place for place in places if secret(place) not in environment] == []

    def found(self, *, but: tuple[str, ...] = ()) -> list[str]:
        """Every place in which a mark has turned up where it does not belong."""
        places: dict[str, bytes] = {f"$ {command}": said.encode() for command, said in self.said.items()}
        for folder in (self.state, self.config):
            places |= {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return [
            f"{place} in {where}"
            for where, content in places.items()
            for place in PLACES
            if any(form in content for form in forms(place))
            and not (place in but and Path(where).is_relative_to(self.state / "ownership"))
        ]


def put(path: Path, data: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def login() -> dict[str, Any]:
    tokens = {"accessToken": secret("login"), "refreshToken": secret("refresh")}
    return {**tokens, "expiresAt": 4_102_444_800_000, "scopes": ["user:inference"], "subscriptionType": "max"}


@pytest.fixture
def machine(person: Person, server: EmbeddedBackend) -> Machine:
    return Machine(person, server)


def test_no_file_of_ours_and_nothing_we_say_holds_a_secret(machine: Machine) -> None:
    person, server = machine.person, machine.server
    machine.ours("enable", "--url", f"http://me:{secret('typed-url')}@127.0.0.1:{server.port}/", "--yes")
    machine.ours("enable", "--url", server.url, "--yes", "--statusline")

    # a session with tools, whose prompt, file and answer are nobody else's business
    (person.project / "notes.txt").write_text(secret("file"))
    server.reply = ToolUse("Read", {"file_path": str(person.project / "notes.txt")}, then=f"it says {secret('answer')}")
    asked = f"read my notes, the password is {secret('prompt')}"
    assert secret("answer") in machine.session("with tools", asked, "--allowedTools", "Read")
    machine.proves("shell-other", "proxy-password", "user-env", "project-env", "local-env")
    assert machine.found(but=KEPT) == []
    assert machine.found() != []
    machine.ours("disable")
    assert secret("local-token") in person.local_settings.read_text()
    assert machine.found() == []
    machine.ours("enable", "--url", server.url, "--yes")

    # an error that repeats what it was sent, while somebody else keeps the log to himself
    with closing(sqlite3.connect(machine.state / store.DATABASE, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        told = {"type": "error", "error": {"type": "invalid_request_error", "message": f"not {secret('thrown')}"}}
        server.answer(400, path="/v1/messages", body=told)
        assert "thrown" in machine.session("that fails", asked)
        assert not [each for each in machine.found(but=KEPT) if "journal" in each]

    # settings by hand, with a password in the address, and whatever else there is, is sent to the server
    machine.configured(
        f"http://{secret('url-user')}:{secret('url-password')}@127.0.0.1:{server.port}/?k={secret('url-query')}"
    )
    machine.session("by hand", asked)
    assert "is sent there too" in machine.said["session by hand"]
    machine.proves("shell-key", "shell-header", "url-user", "url-password", "url-query")
    machine.ours("doctor", "server", "credentials", "precedence")

    # a dead server
    server.stop()
    assert "ECONNREFUSED" in machine.session("on a dead server", asked)
    (machine.state / store.DATABASE).write_bytes(b"damaged")
    machine.session("with a damaged log", asked)

    (newest,) = json.loads(machine.ours("sessions", "list", "--limit", "1", "--json"))["sessions"]
    session_id = newest["session_id"]
    for command in (
        *("status", "status --json", "explain-precedence", "explain-precedence --json", "doctor", "doctor --json"),
        *("sessions list", "sessions list --json", f"sessions show {session_id}", f"sessions show {session_id} --json"),
        *("sessions stats --by project", "sessions stats --json", "sessions tail -n 50 --json", "sessions export"),
        *("report --output -", "audit --json", "config list", "hooks status", "disable --dry-run"),
        "enable --dry-run --url http://127.0.0.1:9 --no-check --model m",
    ):
        machine.ours(*command.split())
    seen = {"session_id": session_id, "cwd": str(person.project), "model": {"id": "m"}, "version": "2.1.329"}
    url = f"http://{secret('url-user')}:{secret('url-password')}@127.0.0.1:9/?k={secret('url-query')}"
    assert "127.0.0.1:9" in machine.ours("statusline", stdin=json.dumps(seen), ANTHROPIC_BASE_URL=url)
    assert session_id in machine.said["sessions list --json"]

    for name in ("faults.log", "ownership", store.DATABASE, "claims", "looks", "journal"):
        assert (machine.state / name).exists(), f"{name} was to be looked at"
    assert machine.found(but=KEPT) == []
    for path in machine.state.rglob("*"):
        if path.is_file() and path.stat().st_size:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(machine.state.stat().st_mode) == 0o700
