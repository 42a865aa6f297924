"""HTML made of elements: whatever is not made here is text, and text is always escaped."""

from html import escape
from typing import TYPE_CHECKING, TypeAlias

from claude_local_plugin.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = ("meta", "br", "col")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"


def element(tag: str, *content: Content, **attributes: str | int | bool | None) -> Markup:
    """An element; `class_` and `aria_label` stand for `class` and `aria-label`, a False or None is left out."""
    words = [tag]
    for name, value in attributes.items():
        spelt = name.rstrip("_").replace("_", "-")
        if value is True:
            words.append(spelt)
        elif value is not None and value is not False:
            words.append(f'{spelt}="{escape(printable(str(value)))}"')
    opened = f"<{' '.join(words)}>"
    return Markup(opened if tag in _VOID else f"{opened}{joined(content)}</{tag}>")


def joined(content: Content) -> Markup:
    """The content as HTML; elements as they are, all else escaped."""
    if content is None:
        return Markup("")
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(escape(printable(content)))
    if isinstance(content, int):
        return Markup(f"{content:,}")
    return Markup("".join(map(joined, content)))
