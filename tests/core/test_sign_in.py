"""Where a session goes whatever its environment says: a gateway sign-in and a Unix socket, as the hooks see them."""

import json
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core.sign_in import backend_here
from claude_local_plugin.precedence import backend_in_use, effective_env, gather

OWN = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8003", "ANTHROPIC_AUTH_TOKEN": "claude-local"}
NEVER = 4_102_444_800_000
SIGN_IN = {"url": "https://gateway.example.com", "jwt": "secret-jwt", "expiresAt": NEVER}
TRUST = {"gateway.example.com": "00ff"}


def login(**changes: Any) -> dict[str, Any]:
    return {"enterpriseGateway": SIGN_IN | changes, "gatewayTrust": TRUST}


class Home:
    """A home with a project whose own settings name a server."""

    def __init__(self, folder: Path) -> None:
        self.home, self.project, self.managed = folder / "home", folder / "home" / "project", folder / "managed"
        self.write(self.project / ".claude" / "settings.local.json", {"env": OWN})

    @staticmethod
    def write(path: Path, content: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    def agreed(self, shell: dict[str, str]) -> tuple[str, str | None]:
        """What hooks and resolver both say: kind and address."""
        environ = {"HOME": str(self.home), **shell}
        snapshot = gather(cwd=self.project, home=self.home, environ=environ, managed_dir=self.managed)
        env = effective_env(snapshot)
        ours, theirs = backend_in_use(snapshot), backend_here(env, str(self.project), str(self.managed))
        assert (ours.kind, ours.url, ours.cloud) == (theirs.kind, theirs.url, theirs.cloud)
        return theirs.kind, theirs.url


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


GATEWAY = ("gateway", "https://gateway.example.com")
SERVER = ("unknown", "http://127.0.0.1:8003")


@pytest.mark.parametrize(
    ("credentials", "there"),
    [
        ({}, SERVER),
        (login(), GATEWAY),
        (login(expiresAt=1000), SERVER),
        (login(expiresAt=1000, idpRefreshToken="r"), GATEWAY),
        (login(jwt=""), SERVER),
        (login(url="http://gateway.example.com"), SERVER),
        ({"enterpriseGateway": SIGN_IN}, SERVER),
        ({"enterpriseGateway": [], "gatewayTrust": TRUST}, SERVER),
        ("{", SERVER),
    ],
)
def test_a_sign_in_that_holds_comes_before_the_address(home: Home, credentials: object, there: object) -> None:
    home.write(home.home / ".claude" / ".credentials.json", credentials)
    assert home.agreed({}) == there


@pytest.mark.parametrize(
    ("managed", "there"),
    [
        (None, GATEWAY),
        ({}, GATEWAY),
        ({"model": "m"}, SERVER),
        ({"forceLoginGatewayUrl": "https://gateway.example.com/"}, GATEWAY),
    ],
)
def test_an_administrator_s_file_puts_it_aside_unless_it_names_the_gateway(
    home: Home, managed: object, there: object
) -> None:
    home.write(home.home / ".claude" / ".credentials.json", login())
    if managed is not None:
        home.write(home.managed / "managed-settings.json", managed)
    assert home.agreed({}) == there


def test_a_host_that_does_the_routing_comes_before_it(home: Home) -> None:
    home.write(home.home / ".claude" / ".credentials.json", login())
    hosted = {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1", **OWN}
    assert home.agreed(hosted) == SERVER


@pytest.mark.parametrize(("place", "there"), [("user", SERVER), ("local", GATEWAY)])
def test_the_gateway_s_own_switch_comes_before_it_where_no_project_decides(
    home: Home, place: str, there: object
) -> None:
    home.write(home.home / ".claude" / ".credentials.json", login())
    block = {"env": {**OWN, "CLAUDE_CODE_USE_GATEWAY": "1"}}
    (home.project / ".claude" / "settings.local.json").unlink()
    path = {"user": home.home / ".claude" / "settings.json", "local": home.project / ".claude" / "settings.local.json"}
    home.write(path[place], block)
    _kind, url = home.agreed({})
    assert url == there[1]  # type: ignore[index]


def test_a_moved_file_of_logins_is_found(home: Home) -> None:
    home.write(home.home / "kept" / ".credentials.json", login())
    assert home.agreed({"CLAUDE_SECURESTORAGE_CONFIG_DIR": str(home.home / "kept")}) == GATEWAY


def test_a_unix_socket_comes_before_everything_and_from_the_environment_alone(home: Home) -> None:
    home.write(home.home / ".claude" / ".credentials.json", login())
    assert home.agreed({"ANTHROPIC_UNIX_SOCKET": "/run/model.sock"}) == ("unknown", "unix:/run/model.sock")
    (home.home / ".claude" / ".credentials.json").unlink()
    block = {"env": {**OWN, "ANTHROPIC_UNIX_SOCKET": "/run/model.sock"}}
    home.write(home.project / ".claude" / "settings.local.json", block)
    environ = {"HOME": str(home.home), **block["env"]}  # what a hook is shown
    assert backend_here(environ, str(home.project), str(home.managed)).url == SERVER[1]
