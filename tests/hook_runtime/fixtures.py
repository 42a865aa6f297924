"""The hook with a state folder of its own, and servers for it to look at."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.hook_runtime.hook_process import HookRunner
from tests.hook_runtime.moody_server import MODELS, Behaviour, MoodyServer, http_answer

TLS = Path(__file__).resolve().parents[1] / "servers" / "tls"


@pytest.fixture
def hook(tmp_path: Path) -> HookRunner:
    """The hook with a state folder that does not exist yet."""
    return HookRunner(tmp_path / "state")


@pytest.fixture
def serve() -> Iterator[Callable[..., MoodyServer]]:
    """Starts servers that are gone when the test ends."""
    with ExitStack() as servers:
        yield lambda behave, host="127.0.0.1": servers.enter_context(closing(MoodyServer(behave, host)))


@pytest.fixture
def serve_tls() -> Iterator[Callable[[Behaviour], MoodyServer]]:
    """The same, inside TLS with a certificate that nobody vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    with ExitStack() as servers:
        yield lambda behave: servers.enter_context(closing(MoodyServer(behave, tls=context)))


@pytest.fixture
def healthy(serve: Callable[..., MoodyServer]) -> MoodyServer:
    """A server that answers as vLLM does."""
    return serve(http_answer(body=json.dumps(MODELS).encode()))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections: bound, so that nobody else takes it, and not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
