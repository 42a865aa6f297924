"""The documentation as a site: built without a warning, with no lost link, and nothing loaded from elsewhere."""

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from claude_local_plugin import cli
from tests.programs import missing

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


class Links(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.add(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        loads = given.get("src") if tag in ("script", "img", "iframe") else None
        if tag == "link" and given.get("rel") in ("stylesheet", "preconnect", "icon"):
            loads = given.get("href")
        if loads:
            self.loaded.append(loads)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("material") is None:
        missing("no mkdocs-material: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_no_link_leads_nowhere(site: Path, pages: dict[Path, Links]) -> None:
    assert len(pages) > 20
    lost = []
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links begin at the site's root, wherever that is
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in _ids(pages, target)):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert lost == []


def _ids(pages: dict[Path, Links], target: Path) -> set[str]:
    return pages[target].ids | {"__skip"} if target in pages else set()


def test_it_loads_nothing_from_elsewhere(site: Path, pages: dict[Path, Links]) -> None:
    for path, page in pages.items():
        away = [each for each in page.loaded if urlsplit(each).netloc]
        assert away == [], path.relative_to(site)


def test_every_page_and_command_is_on_it(site: Path) -> None:
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").with_suffix("")
        assert (site / name / "index.html").exists(), name
    commands = re.sub(r"<[^>]+>", "", (site / "reference" / "commands" / "index.html").read_text(encoding="utf-8"))
    for name in cli.COMMANDS:
        assert f"Usage: claude-local {name} " in commands
    schemas = (site / "reference" / "json" / "index.html").read_text(encoding="utf-8")
    for path in (ROOT / "schemas").glob("*.schema.json"):
        assert path.name in schemas
