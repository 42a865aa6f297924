"""What is printed of servers and machines that cannot be set up here, printed by the very functions that say it."""

import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from claude_local_plugin import cli, lint
from claude_local_plugin.bench import plot
from claude_local_plugin.cli import options, verify
from claude_local_plugin.commands import demo, effect, enable
from claude_local_plugin.commands import verify as asking
from claude_local_plugin.config import document
from claude_local_plugin.core import config
from claude_local_plugin.doctor import run
from claude_local_plugin.doctor.checks import chosen
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Found
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.recipes.catalogue import catalogue
from claude_local_plugin.report import page
from claude_local_plugin.servers import ServedModel, Server, State, advice, advisories, kinds, well_known
from claude_local_plugin.sessionlog.export import parquet
from claude_local_plugin.sessionlog.queries import reading
from claude_local_plugin.team import otlp, postgres
from tests.doctor import building as b
from tests.report import building

#: Names as hostile servers and models give them.
NAME, FILE = 'it\'s; $(touch x) `y` "z"', "/models/my model's.gguf"
MODEL = ServedModel(NAME, 4_096, NAME)


def _server(kind: str, **more: object) -> Server:
    return Server("http://box:1", kind, State.READY, models=(MODEL,), **more)  # type: ignore[arg-type]


def servers() -> None:
    """How each kind of server is started, upgraded, given a larger window, and a name of its own for its model."""
    kinds = [
        _server("vllm"),
        _server("llama.cpp", model_file=FILE, slots=4),
        _server("ollama"),
        _server("lmstudio"),
        _server("sglang"),
    ]
    for server in kinds:
        print(advice.larger_window(server, MODEL))
        print(advice.own_name(server, MODEL))
    for kind in (*well_known.START, "vllm-router", "transformers"):
        print(advice.upgrade(kind))
    for start in well_known.START.values():
        print(start)
    for kind in ("ollama", "lmstudio"):
        print(advice.load_a_model(_server(kind)))
    for pair in advisories.PAIRS:
        print(pair.fix)


def capabilities() -> None:
    """What keeps system messages out of the middle of a conversation."""
    print(kinds.of("vllm").known_bad[0].fix)


def cold() -> None:
    """What is said of a server whose first request took a minute."""
    from tests.commands.printed_cases import THERE

    first = b.exchange("plain", b.reply(seconds=60.0))
    seen = b.facts(url=THERE, elsewhere=True, deep=b.deep(plain=first, url=THERE))
    for finding in run(seen, chosen(("server.speed",))):
        print(finding.fix)


def no_home() -> None:
    """What is said where nobody knows the home folder."""

    def home() -> pathlib.Path:
        raise RuntimeError

    pathlib.Path.home = home  # type: ignore[method-assign,assignment]
    try:
        options.here()
    except ClaudeLocalError as error:
        print(error.hint)


def who_decides() -> None:
    """What is said where nothing in particular is in the way."""
    print(effect.WHO_DECIDES)


def config_by_hand() -> None:
    """What is said of a config.toml that no program of ours can change without changing more."""
    document._as_it_is = document._as_line = document._as_tree = lambda text, *_: text  # type: ignore[assignment]
    try:
        document.edited("", ("protect",), True)
    except ClaudeLocalError as error:
        print(error.hint)


def failed_check() -> None:
    """What is found where a check breaks."""

    def breaks(_: Facts) -> Iterator[Found]:
        raise ValueError("a fault of ours")

    (check,) = chosen(("files.json",))
    for finding in run(b.facts(), (replace(check, find=breaks),)):
        print(finding.fix)


def failed_check_of_a_file() -> None:
    """The same of a file that starts a server."""

    def breaks(_: lint.Facts) -> Iterator[Found]:
        raise ValueError("a fault of ours")

    (check,) = lint.chosen(("recipe.parser",))
    facts = lint.Facts(lint.read("vllm serve a/b", "compose.yml"), Path("compose.yml"), catalogue())
    for finding in lint.run(facts, (replace(check, find=breaks),)):
        print(finding.fix)


def many_backends() -> None:
    """What a report of more backends than it shows says."""
    state = Path.home() / ".local" / "state" / "claude-local"
    state.mkdir(parents=True)
    page.MOST_BACKENDS = 5
    building.year(state, backends=40, sessions=100)
    cli.run_line(["report", "--since", "all", "--output", "-"])


def changed_meanwhile() -> None:
    """What `enable` says where somebody has set another address since the diff was shown."""
    world = options.world_of(options.here())
    request = enable.Request(url="http://127.0.0.1:8000", model="m", check=False, max_model_len=65_536)
    prepared = enable.prepare(request, world)
    prepared.target.parent.mkdir(exist_ok=True)
    prepared.target.write_text('{"env": {"ANTHROPIC_BASE_URL": "http://other:1"}}')
    try:
        enable.write(prepared)
    except ClaudeLocalError as error:
        print(error.hint)


def log_hint() -> None:
    """What is said of a log whose trouble has no name."""
    print(reading.hint(Path("/state/sessions.db"), "something else"))


def verified() -> None:
    """What `verify` prints of a difference, and of questions that it had no time for."""
    difference = {"name": "a", "what": ["b"], "scenario": {}, "file": "/state/my differences/a.json"}
    common = {"namespace": True, "summary": "2.1.332", "seconds": 1.0, "complete": False, "unasked": 9}
    for found in ([difference], []):
        verify._show({**common, "differences": found}, options.here())


def insane_client() -> None:
    """What `verify` says of a client that does not even send the plainest prompt."""
    seen = SimpleNamespace(outcome="no request", base_url=None, said="", warnings=())
    boxes = SimpleNamespace(observe=lambda _: seen, client_version="2.1.332")
    try:
        asking._must_be_sane(boxes, Path("claude"))  # type: ignore[arg-type]
    except ClaudeLocalError as error:
        print(error.hint)


def _is_missing(package: str) -> None:
    """Make it one that cannot be imported, whatever of it has been already."""
    for name in (package, *(each for each in sys.modules if each.startswith(f"{package}."))):
        sys.modules[name] = None  # type: ignore[assignment]


def no_parquet() -> None:
    """What is said where Parquet cannot be written."""
    _is_missing("pyarrow")
    try:
        parquet.check()
    except ClaudeLocalError as error:
        print(error.hint)


def no_otlp() -> None:
    """What is said where nothing can be sent to a receiver of OpenTelemetry."""
    _is_missing("opentelemetry")
    try:
        with otlp.opened("http://127.0.0.1:9", {}):
            pass
    except ClaudeLocalError as error:
        print(error.hint)


def no_psycopg() -> None:
    """What is said where no team's database can be asked."""
    _is_missing("psycopg")
    try:
        postgres.engine()
    except ClaudeLocalError as error:
        print(error.hint)


def no_png() -> None:
    """What is said where no PNG can be drawn."""
    _is_missing("matplotlib")
    try:
        plot.check(Path("bench.png"))
    except ClaudeLocalError as error:
        print(error.hint)


def demo_session() -> None:
    """What `demo` calls a session of the real client."""
    stage = SimpleNamespace(claude=Path("/usr/bin/claude"), _run=lambda _: None)
    print(demo._Stage.session(stage)[0])  # type: ignore[arg-type]


def old_python() -> None:
    """What hooks note with a Python that cannot read TOML."""
    sys.modules["tomllib"] = None  # type: ignore[assignment]
    state = Path.home() / ".local" / "state" / "claude-local"
    config.load(str(state), dict(os.environ))
    print((state / "faults.log").read_text())


def run_goes_on() -> None:
    """How a session is gone on with that `run` has started, which a terminal alone is told."""
    from claude_local_plugin.commands import run

    asked = run.Asked(("claude", "-p", "x"), profile="spark")
    print(run.goes_on(run.prepare(asked, options.world_of(options.here()))))


def run_without_effect() -> None:
    """What is said where a run would go elsewhere all the same: no state of a folder that is known leads there."""
    from claude_local_plugin.client_config.model import Backend
    from claude_local_plugin.launch import arguments, plan
    from claude_local_plugin.precedence import resolve

    seen = options.world_of(options.here()).snapshot()
    backend = Backend("http://box:1", "vllm", "m", 65_536, "0.33.0")
    try:
        plan._refuse_without_effect(seen, resolve(seen), backend, arguments.read(("-p",)))
    except ClaudeLocalError as error:
        print(f"{error.message}\n{error.hint}")


def removed_by() -> None:
    """How the program is removed, by what installed it."""
    from importlib import util

    from claude_local_plugin.core import installed

    with tempfile.TemporaryDirectory() as folder:
        for mark in ("uv-receipt.toml", "pipx_metadata.json", None):
            prefix = Path(folder) / str(mark)
            prefix.mkdir()
            if mark:
                (prefix / mark).touch()
            print(installed.removing(str(prefix)))
    util.find_spec = lambda *_: None  # type: ignore[assignment]  # as where uv has made the environment
    print(installed.removing("none"))


def other_versions() -> None:
    """How an extra and a newer version come, for each of what installs the program and for each place it is from."""
    from claude_local_plugin.core import installed

    with tempfile.TemporaryDirectory(dir=os.environ["HOME"]) as name:
        (Path(name) / ".git").mkdir()
        for mark in (installed.OF_UV, installed.OF_PIPX, "none"):
            prefix = Path(name, f"of {mark}")
            prefix.mkdir()
            (prefix / mark).touch()
            print(installed.with_extra("postgres", str(prefix)))
            for place in (name, None):
                installed.source = lambda place=place: place  # type: ignore[assignment,misc]
                print(installed.newer(str(prefix)))
