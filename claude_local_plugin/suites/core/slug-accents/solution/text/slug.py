"""Titles as parts of addresses."""

import re
import unicodedata


def slug(title):
    """The title as a part of an address; docs/slug.md has the rules."""
    plain = unicodedata.normalize("NFKD", title.lower().replace("ß", "ss"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = re.findall(r"[a-z0-9]+", plain.replace("'", "").replace("’", ""))
    if not words:
        return "untitled"
    short = words[0][:40]
    for word in words[1:]:
        if len(short) + 1 + len(word) > 40:
            break
        short = f"{short}-{word}"
    return short


def title_of(slug):
    """A title for a slug, as well as can be."""
    return slug.replace("-", " ").capitalize()
