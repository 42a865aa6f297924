"""Options that all our tools have."""

import argparse
from pathlib import Path


def parser(name):
    made = argparse.ArgumentParser(prog=name, parents=[_about()])
    made.add_argument("name", nargs="?", default="you")
    return made


def _about():
    about = argparse.ArgumentParser(add_help=False)
    version = Path(__file__).with_name("VERSION").read_text().strip()
    about.add_argument("-V", "--version", action="version", version=version)
    return about
