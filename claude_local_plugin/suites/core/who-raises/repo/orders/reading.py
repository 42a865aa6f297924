"""Orders as text."""

from orders.rules import checked


def read(text):
    order = dict(line.split(": ", 1) for line in text.splitlines())
    try:
        return checked(order)
    except KeyError as fault:
        raise fault.with_traceback(None)
