"""What the pages are put together of: the frame, sections, figures, tiles and tables."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from claude_local_plugin.report import charts
from claude_local_plugin.report.html import Content, Markup, element, joined
from claude_local_plugin.report.palette import custom_properties
from claude_local_plugin.report.svg import About

#: What a page may load or run: its own style, and nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

#: A column's title, and its class in the style: words (`name`), a number, a time (`when`), or nothing special.
Column: TypeAlias = tuple[str, str | None]


def document(content: Content, *, title: str, mark: str, version: str) -> str:
    """The whole document, in English; `mark` begins the element by which a page is known as ours."""
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'{mark} {version}">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{joined(title)}</title>\n"
        f"<style>\n{_style()}</style>\n</head>\n"
        f"<body>\n{joined(content)}\n</body>\n</html>\n"
    )


def _style() -> str:
    """The page's style; on paper it is always light."""
    own = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        f":root {{ {custom_properties(dark=False)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {custom_properties(dark=True)} }} }}\n{own}"
    )


def tile(term: str, value: str, more: str, *, kind: str | None = None) -> Markup:
    """A figure that is seen first: what it is, its value, and more about it."""
    return element(
        "div", element("dt", term), element("dd", element("strong", value), element("span", more)), class_=kind
    )


def section(name: str, title: str, content: Content) -> Markup:
    """A part of the page under its own heading."""
    return element("section", element("h2", title, id=name), content)


def figure(
    about: About, caption: str, drawn: Callable[[About, charts.Size], Markup], numbers: Markup, title: str
) -> Markup:
    """A chart in both widths, what it says in a sentence, and its numbers."""
    return element(
        "figure",
        element("figcaption", caption, id=f"{about.name}-caption"),
        [drawn(about, size) for size in charts.SIZES],
        element("details", element("summary", f"{title}: the numbers"), numbers),
        aria_labelledby=f"{about.name}-caption",
    )


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Content]]) -> Markup:
    """A table that can be scrolled with the keyboard; the first column says what a row is about."""
    head = [element("th", title, scope="col", class_=kind) for title, kind in columns]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", class_=columns[0][1]),
            [element("td", cell, class_=kind) for cell, (_, kind) in zip(row[1:], columns[1:], strict=True)],
        )
        for row in rows
    ]
    whole = element("table", element("thead", element("tr", head)), element("tbody", body))
    return element("div", whole, class_="scroll", role="region", aria_label=caption, tabindex=0)
