"""What there is: `python3 stock.py list FILE [--json]`; a line of the file is a count and a name."""

import argparse
import json


def read(path):
    """Name and count of each line."""
    with open(path, encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split(" ", 1) for line in file)
        return [(name, int(count)) for count, name in pairs]


def main(arguments=None):
    words = argparse.ArgumentParser()
    words.add_argument("command", choices=["list"])
    words.add_argument("file")
    words.add_argument("--json", action="store_true", help="print one JSON array")
    asked = words.parse_args(arguments)
    things = read(asked.file)
    if asked.json:
        print(json.dumps([{"name": name, "count": count} for name, count in things]))
        return
    for name, count in things:
        print(f"{count}\t{name}")


if __name__ == "__main__":
    main()
