"""Runs the real llama.cpp server, as PyPI's xllamacpp brings it, until it is stopped.

    python llama_server.py MODEL.gguf PORT [--window N] [--slots N] [--key KEY] [--no-metrics]

Prints a line once it answers. One process per server, since it runs inside the interpreter.
"""

import argparse
import signal
import sys

import xllamacpp


def parameters(asked: argparse.Namespace) -> "xllamacpp.CommonParams":
    """What `llama-server -m MODEL -c WINDOW -np SLOTS --jinja --metrics --alias tiny-qwen3` would set."""
    params = xllamacpp.CommonParams()
    params.model.path = asked.model
    params.model_alias = {asked.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = asked.port
    params.n_ctx = asked.window
    params.n_parallel = asked.slots
    params.use_jinja = True
    params.endpoint_metrics = not asked.no_metrics
    params.endpoint_slots = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    if asked.key:
        params.api_keys = [asked.key]
    return params


def main() -> None:
    """Run one server in the foreground."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("port", type=int)
    parser.add_argument("--alias", default="tiny-qwen3")
    parser.add_argument("--window", type=int, default=65_536)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--key")
    parser.add_argument("--no-metrics", action="store_true")
    server = xllamacpp.Server(parameters(parser.parse_args()))
    print("listening", server.listening_address, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.pause()


if __name__ == "__main__":
    main()
