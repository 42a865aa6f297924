"""The digest that names files is SHA-256, and does without OpenSSL."""

import hashlib
import subprocess
import sys
from pathlib import Path

from claude_local_plugin.core.digest import hexadecimal


def test_it_is_sha_256() -> None:
    for data in (b"", b"/home/dev/.claude/settings.json", bytes(range(256)) * 100):
        assert hexadecimal(data) == hashlib.sha256(data).hexdigest()


def test_openssl_is_not_loaded_for_it() -> None:
    code = "import sys; from claude_local_plugin.core.digest import hexadecimal; hexadecimal(b''); print(*sys.modules)"
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run([sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert not {"hashlib", "_hashlib"} & set(found.stdout.split())
