"""The guides of the first hour, typed line by line where the server is another machine's.

What a page says that a command prints is compared with what it prints; `python -m tests.commands.test_first_hour`
writes the pages anew from what is printed now.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.house import House
from tests.commands.lan import Lan, can_be_had
from tests.transcripts import filled, mismatch, typed

pytestmark = [pytest.mark.process, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("first-session.md", "switching.md", "air-gapped.md")


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    if not can_be_had():
        reason = "namespaces of one's own cannot be had here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    lan = Lan(tmp_path_factory.mktemp("lan"))
    yield lan
    lan.close()


def typist(lan: Lan) -> "Typist":
    house = House.new(lan)
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    return Typist(house)


class Typist:
    """Types lines into a shell in a project of its own, and gives what the screen shows of each."""

    def __init__(self, house: House) -> None:
        self.house = house

    def __call__(self, line: str) -> str:
        shell = {
            "HOME": str(self.house.home),
            "PATH": os.environ["PATH"],
            "COLUMNS": "80",
            "TZ": "UTC",
            "NO_COLOR": "1",
            **self.house.shell,
        }
        done = self.house.lan.type(line, cwd=self.house.project, environ=shell)
        return done.err + done.out


@pytest.mark.parametrize("name", GUIDES)
def test_every_line_of_a_guide_prints_what_the_guide_says(name: str, lan: Lan) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    run = typist(lan)
    found = list(typed(page))
    assert len(found) >= 3
    for each in found:
        wrong = mismatch(each.expected, run(each.command))
        assert wrong is None, f"{name}:{each.line}: {wrong}"


def main() -> None:
    """Write the pages anew."""
    with tempfile.TemporaryDirectory() as folder:
        lan = Lan(Path(folder))
        for name in sys.argv[1:] or GUIDES:
            path = DOCS / name
            path.write_text(filled(path.read_text(encoding="utf-8"), typist(lan)), encoding="utf-8")
        lan.close()


if __name__ == "__main__":
    main()
