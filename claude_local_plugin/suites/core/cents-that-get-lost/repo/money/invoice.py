"""Who pays what."""

from money.split import shares


def invoice(names, amounts):
    """Name -> cents."""
    return dict(zip(names, shares(sum(amounts), len(names))))
