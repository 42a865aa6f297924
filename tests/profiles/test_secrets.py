"""Where the keys of profiles are, and what is said where one is not to be had."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from claude_local_plugin.core.installed import with_extra
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.profiles import secrets


@dataclass(frozen=True)
class Named:
    """A profile as far as a key goes."""

    token: str | None
    name: str = "spark"


class Memory(KeyringBackend):
    """A keyring that holds its keys for one test."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked\nby its owner")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("none")


@pytest.fixture
def ring() -> Iterator[Memory]:
    before, ring = keyring.get_keyring(), Memory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "config"


def _refused(token: str | None, folder: Path, **environ: str) -> ClaudeLocalError:
    with pytest.raises(ClaudeLocalError) as found:
        secrets.key_of(Named(token), environ, folder)
    assert found.value.hint
    return found.value


def test_a_server_that_wants_no_key_gets_none(folder: Path) -> None:
    assert secrets.key_of(Named("none"), {}, folder) is None
    assert secrets.key_of(Named(None), {}, folder) is None


def test_a_key_in_a_variable(folder: Path) -> None:
    assert secrets.key_of(Named("env:SPARK_KEY"), {"SPARK_KEY": "k-1"}, folder) == "k-1"
    for environ in ({}, {"SPARK_KEY": ""}):
        missing = _refused("env:SPARK_KEY", folder, **environ)
        assert missing.message == "the key of the profile spark: the environment variable SPARK_KEY is not set"
        assert missing.hint == "export SPARK_KEY=…"


@pytest.mark.parametrize("key", ["sk-ant-api03-xyz", "Bearer k-1", "k 1", "k-1\n", "kéy", "k\x1b"])
def test_what_may_not_be_sent_to_a_server_is_no_key_and_is_never_shown(key: str, folder: Path) -> None:
    for error in (_refused("env:SPARK_KEY", folder, SPARK_KEY=key),):
        assert key not in f"{error.message} {error.hint}"
    for source in ("file", "keyring"):
        with pytest.raises(ClaudeLocalError) as found:
            secrets.keep("spark", source, key, folder, folder / "locks")
        assert key not in f"{found.value.message} {found.value.hint}"
    assert not (folder / secrets.FOLDER).exists()


def test_a_key_in_a_file_of_our_own_is_for_its_owner_alone(folder: Path) -> None:
    secrets.keep("spark", "file", "k-1", folder, folder / "locks")
    file = Path(secrets.path_of("spark", folder))
    assert secrets.key_of(Named("file"), {}, folder) == "k-1"
    if os.name != "nt":
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    secrets.keep("spark", "file", "k-2", folder, folder / "locks")
    assert secrets.key_of(Named("file"), {}, folder) == "k-2"
    assert secrets.forget("spark", "file", folder, folder / "locks")
    assert not file.parent.exists()
    assert not secrets.forget("spark", "file", folder, folder / "locks")
    assert "there is no" in _refused("file", folder).message


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_file_that_others_may_read_is_not_trusted_until_somebody_has_looked(folder: Path) -> None:
    secrets.keep("spark", "file", "k-1", folder, folder / "locks")
    file = Path(secrets.path_of("spark", folder))
    file.chmod(0o640)
    error = _refused("file", folder)
    assert "others on this machine may read" in error.message
    assert f"chmod 600 {file}" in str(error.hint)
    secrets.keep("spark", "file", "k-2", folder, folder / "locks")
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_in_the_place_of_the_file_is_said(folder: Path) -> None:
    file = Path(secrets.path_of("spark", folder))
    file.mkdir(parents=True, mode=0o700)
    assert "cannot be read" in _refused("file", folder).message
    file.rmdir()
    file.write_bytes(b"\xff\xfe")
    file.chmod(0o600)
    assert "is no text" in _refused("file", folder).message
    file.write_text("\n")
    assert "has none" in _refused("file", folder).message


def test_a_key_in_the_systems_keyring(folder: Path, ring: Memory) -> None:
    assert "the system's keyring has none" in _refused("keyring", folder).message
    secrets.keep("spark", "keyring", "k-1", folder, folder / "locks")
    assert ring.held == {("claude-local", "spark"): "k-1"}
    assert secrets.key_of(Named("keyring"), {}, folder) == "k-1"
    assert not folder.exists()
    assert secrets.forget("spark", "keyring", folder, folder / "locks")
    assert not secrets.forget("spark", "keyring", folder, folder / "locks")
    ring.locked = True
    error = _refused("keyring", folder)
    assert error.message.endswith("the system's keyring cannot be asked: locked")
    assert "claude-local profile edit spark --token-stdin" in str(error.hint)


def test_a_machine_without_a_keyring_says_so(folder: Path) -> None:
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        assert "cannot be asked: No recommended backend" in _refused("keyring", folder).message
    finally:
        keyring.set_keyring(before)


def test_without_the_library_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert _refused("keyring", folder).hint == with_extra("keyring")


def test_asking_for_a_key_loads_nothing_that_is_slow() -> None:
    code = "import sys; from claude_local_plugin.profiles import token; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"pydantic", "tomlkit", "click", "httpx", "keyring", "filelock", "dataclasses"} & set(out.split())
