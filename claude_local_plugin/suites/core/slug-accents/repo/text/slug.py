"""Titles as parts of addresses."""


def slug(title):
    """The title as a part of an address; docs/slug.md has the rules."""
    return title.lower().replace(" ", "-")


def title_of(slug):
    """A title for a slug, as well as can be."""
    return slug.replace("-", " ").capitalize()
