"""Options that all our tools have."""

import argparse

VERSION = "3.1"


def parser(name):
    made = argparse.ArgumentParser(prog=name)
    made.add_argument("-V", "--version", action="version", version=VERSION)
    made.add_argument("name", nargs="?", default="you")
    return made
