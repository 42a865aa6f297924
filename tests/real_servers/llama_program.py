"""`llama-server` with the options that it is started with here, by the real llama.cpp server of PyPI's xllamacpp.

As the program does, it says everything on standard error and ends with 1 where it cannot start.
"""

import argparse
import signal
import sys
from pathlib import Path

import xllamacpp

sys.path.insert(0, str(Path(__file__).parent))
import llama_server


def main() -> None:
    """Run the server in the foreground."""
    parser = argparse.ArgumentParser(prog="llama-server")
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--alias", default="model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("-c", "--ctx-size", dest="window", type=int, default=4096)
    parser.add_argument("-np", "--parallel", dest="slots", type=int, default=1)
    parser.add_argument("--api-key", dest="key")
    parser.add_argument("--jinja", action="store_true")
    parser.add_argument("--metrics", action="store_true")
    asked = parser.parse_args()
    asked.no_metrics = not asked.metrics
    try:
        server = xllamacpp.Server(llama_server.parameters(asked))
    except RuntimeError:
        sys.exit(1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.pause()
    del server


if __name__ == "__main__":
    main()
