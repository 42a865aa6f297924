"""Trying again."""

LONGEST = 30


def attempt(act, sleep, times=5):
    """What `act()` returns, tried again after an OSError: at most so many times, with longer and longer pauses."""
    for number in range(times - 1):
        try:
            return act()
        except OSError:
            sleep(min(2**number, LONGEST))
    return act()
