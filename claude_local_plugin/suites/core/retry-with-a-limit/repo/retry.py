"""Trying again."""


def attempt(act, sleep):
    """What `act()` returns, as soon as it does not raise."""
    while True:
        try:
            return act()
        except Exception:
            pass
