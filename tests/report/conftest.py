"""A Chromium for the tests that look at the page, and the page of a log."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claude_local_plugin.report import document
from claude_local_plugin.sessionlog.queries import Where
from claude_local_plugin.sessionlog.queries.report_data import collect
from tests.report.building import NOW

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent
UNPACKED = HERE / "node_modules" / ".cache" / "chromium"
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[[Callable[[Path], None]], Path]:
    """Makes the page of all that a function puts into a log; returns its file."""

    def made(fill: Callable[[Path], None]) -> Path:
        state_dir = tmp_path / fill.__name__
        fill(state_dir)
        data = collect(state_dir, Where(), now=NOW)
        file = tmp_path / f"{fill.__name__}.html"
        file.write_text(document(data, home=Path("/home/dev"), made_at=NOW, version="1.2.3"), encoding="utf-8")
        return file

    return made


def _missing(what: str) -> None:
    """Skips, or fails where nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def _chromium() -> tuple[Path | None, dict[str, str]]:
    """The Chromium to use, and what it needs in its environment."""
    if chosen := os.environ.get("CLAUDE_LOCAL_TEST_CHROMIUM"):
        return Path(chosen), {}
    if (UNPACKED / "chromium").is_file():
        return UNPACKED / "chromium", {"LD_LIBRARY_PATH": str(UNPACKED / "lib")}
    found = next(filter(None, map(shutil.which, INSTALLED)), None)
    return (Path(found) if found else None), {}


# Per module: while Playwright is open it keeps an event loop running in this thread, and no other test may meet that.
@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Browser]":
    """Chromium without a window; the tests are skipped where there is none, and fail instead in CI."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("no playwright here: pip install -e '.[test]' brings it")
    binary, needs = _chromium()
    if binary is None:
        _missing("no Chromium here: `npm install --prefix tests/report` brings one")
    fonts = tmp_path_factory.mktemp("fonts") / "fonts.conf"  # a machine may have none of its own
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{UNPACKED / "fonts"}</dir>'
        f"<cachedir>{fonts.parent}</cachedir></fontconfig>"
    )
    environment = {**os.environ, **needs, "FONTCONFIG_FILE": str(fonts)}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=binary, env=environment, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()
