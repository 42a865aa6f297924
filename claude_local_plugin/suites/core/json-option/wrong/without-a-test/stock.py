import argparse
import json


def read(path):
    with open(path, encoding="utf-8") as file:
        pairs = (line.rstrip("\n").split(" ", 1) for line in file)
        return [(name, int(count)) for count, name in pairs]


def main(arguments=None):
    words = argparse.ArgumentParser()
    words.add_argument("command", choices=["list"])
    words.add_argument("file")
    words.add_argument("--json", action="store_true")
    asked = words.parse_args(arguments)
    if asked.json:
        print(json.dumps([{"name": name, "count": count} for name, count in read(asked.file)]))
    else:
        for name, count in read(asked.file):
            print(f"{count}\t{name}")


if __name__ == "__main__":
    main()
