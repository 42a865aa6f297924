"""Asks vLLM's own argument parser: run by the Python that has vLLM.

Reads a list of command lines (each a list of words behind `vllm serve`) as JSON from standard input, and prints for
each null, or what the parser said against it; and the names of all arguments.
"""

import contextlib
import io
import json
import sys
from typing import Any


def said(parser: Any, validate: Any, words: list[str]) -> str | None:
    """What the parser says against these words; None where it takes them."""
    heard = io.StringIO()
    try:
        with contextlib.redirect_stderr(heard):
            validate(parser.parse_args(words))
    except SystemExit as ended:
        return f"exit {ended.code}: {heard.getvalue().strip().splitlines()[-1]}"
    except (TypeError, ValueError) as fault:
        return f"{type(fault).__name__}: {fault}"
    return None


def main() -> None:
    """Answer what standard input asks."""
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
    lines = json.load(sys.stdin)
    names = sorted(name for action in parser._actions for name in action.option_strings)
    answers = [said(parser, validate_parsed_serve_args, words) for words in lines]
    print(json.dumps({"names": names, "answers": answers}))


if __name__ == "__main__":
    main()
