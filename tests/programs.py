"""Programs of the system that some tests ask for their verdict: Debian's docker-compose, promtool, sshd."""

import os
import shutil
from typing import NoReturn

import pytest

#: Read here, before the environment is emptied.
REQUIRED = os.environ.get("CLAUDE_LOCAL_TEST_PROGRAMS") == "required"
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))


def program(name: str, package: str) -> str:
    """The program's path. Without it the test is skipped with the reason; in CI, where it always is, that is a failure.

    `package` is what it comes with on Debian. Mark such a test `programs`.
    """
    found = shutil.which(name, path=PATH)
    if found is None:
        missing(f"no {name}: apt-get install {package}")
    return found


def missing(reason: str) -> NoReturn:
    """Skip the test for this reason; in CI it fails."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)
