"""The rendered gateway.yaml, read by the client's own gateway: it boots on PostgreSQL and a small identity provider.

For an optional job: skipped where PostgreSQL is not installed (its programs: `CLAUDE_LOCAL_TEST_POSTGRES`).
"""

import json
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.fleet import Group, Wishes, fragment, gateway
from claude_local_plugin.servers.compatibility import needs

pytestmark = [pytest.mark.client, pytest.mark.real_server]


def free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        port: int = any_socket.getsockname()[1]
        return port


def programs() -> Path:
    """Where PostgreSQL's programs lie."""
    named = os.environ.get("CLAUDE_LOCAL_TEST_POSTGRES")
    found = [Path(named)] if named else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found += [Path(path).parent for path in [shutil.which("initdb")] if path]
    there = next((folder for folder in found if (folder / "initdb").exists()), None)
    if there is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql, or CLAUDE_LOCAL_TEST_POSTGRES=/its/bin")
    return there


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL of this test alone; it refuses to run as root, and runs as nobody then."""
    there, port = programs(), free_port()
    folder = Path(f"/tmp/claude-local-postgres-{os.getpid()}-{port}")
    folder.mkdir(mode=0o700)
    other: list[str] = []
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        other = ["setpriv", f"--reuid={nobody.pw_uid}", "--clear-groups"]
    made = [*other, str(there / "initdb"), "-A", "trust", "-U", "postgres", "-D", str(folder), "--no-sync"]
    subprocess.run(made, check=True, capture_output=True, cwd="/")
    options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    server = subprocess.Popen(
        [*other, str(there / "postgres"), "-D", str(folder), *options],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder)


@contextmanager
def identity_provider() -> Iterator[str]:
    """What the gateway asks of an OIDC provider before anybody signs in."""

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            about = {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
            body = json.dumps(about if self.path.startswith("/.well-known/") else {"keys": []}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Provider) as server:
        issuer = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield issuer
        server.shutdown()


def test_the_real_gateway_boots_with_it_and_speaks_its_protocol(
    claude_binary: Path, postgres: str, home: Path, tmp_path: Path
) -> None:
    one = Backend("http://127.0.0.1:18000", "vllm", "qwen3-coder", 65_536)
    two = Backend("http://127.0.0.1:18001", "anthropic-compatible", "glm", 131_072)
    groups = []
    for name, backend, members in (("vllm", one, ("backend",)), ("other", two, ())):
        settings = fragment(backend, needs(backend.kind, None), Wishes(otel="http://127.0.0.1:4318", lock=True))
        groups.append(Group(name, backend, settings, f"{name.upper()}_KEY", members))
    port = free_port()
    with identity_provider() as issuer:
        url = f"http://127.0.0.1:{port}"
        document = gateway(groups, public_url=url, issuer=issuer, client_id="claude-gateway")
        document["listen"]["port"] = port
        file = tmp_path / "gateway.yaml"
        file.write_text(json.dumps(document, indent=2))
        environ = {
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "CLAUDE_GATEWAY_ALLOW_LOOPBACK": "1",
            "GATEWAY_OIDC_CLIENT_SECRET": "dummy",
            "GATEWAY_JWT_SECRET": "0123456789" * 4,
            "GATEWAY_POSTGRES_URL": postgres,
            "VLLM_KEY": "dummy-key",
            "OTHER_KEY": "dummy-key",
        }
        said = tmp_path / "said"
        with said.open("w") as words:
            running = subprocess.Popen(
                [str(claude_binary), "gateway", "--config", str(file)],
                env=environ,
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
            )
        try:
            assert "managed/settings" in protocol(running, url), said.read_text()
        finally:
            running.kill()
            running.wait()


def protocol(running: "subprocess.Popen[bytes]", url: str) -> str:
    """What it says at GET /protocol, once it listens; empty where it has ended, or does not within a minute."""
    until = time.monotonic() + 60
    while running.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/protocol", timeout=5) as answer:
                found: bytes = answer.read()
                return found.decode()
        except OSError:  # not yet
            time.sleep(0.3)
    return ""
