"""What there is: `python3 stock.py list FILE`; a line of the file is a count and a name."""

import argparse


def read(path):
    """Name and count of each line."""
    with open(path, encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split(" ", 1) for line in file)
        return [(name, int(count)) for count, name in pairs]


def main(arguments=None):
    words = argparse.ArgumentParser()
    words.add_argument("command", choices=["list"])
    words.add_argument("file")
    asked = words.parse_args(arguments)
    for name, count in read(asked.file):
        print(f"{count}\t{name}")


if __name__ == "__main__":
    main()
