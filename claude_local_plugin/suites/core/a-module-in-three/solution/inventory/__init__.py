"""What there is."""

from inventory import things
from inventory.reading import read
from inventory.report import EMPTY, report
from inventory.things import Thing, add

__all__ = ["EMPTY", "Thing", "add", "last_id", "read", "report"]


def __getattr__(name):
    """`last_id` is asked for where it changes."""
    if name == "last_id":
        return things.last_id
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
