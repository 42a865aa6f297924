"""What users type: `orders load TEXT`."""

import store

COMMANDS = {"load": "read_orders"}


def main(words):
    """Does what was typed."""
    if words[0] not in COMMANDS:
        return "try: orders load"
    return getattr(store, COMMANDS[words[0]])(words[1])
