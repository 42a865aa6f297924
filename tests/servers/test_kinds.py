"""What is known of a kind of server stands in one module of `servers/kinds`, and is seen from there everywhere."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import claude_local_plugin
from claude_local_plugin.core import probe as hooks_look
from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.answers import Answer, Answers
from claude_local_plugin.servers.kinds import Kind, registry
from claude_local_plugin.servers.kinds.kind import MetricNames, Quirks, Remedies, Sign, Tells
from claude_local_plugin.servers.recognise import kind_of
from tests.sources import modules

from .conftest import Said, StartReplay

PACKAGE = Path(claude_local_plugin.__file__).parent
ROOT = Path(__file__).parent.parent.parent

#: Words that mean something else elsewhere: a destination that is not known, and Claude Code's own provider.
EVERYDAY = {"unknown", "anthropic"}
#: Where else a kind may be named, and why.
NAMED = {
    "core/probe.py": "what hooks tell a kind by, in standard Python; the kinds read it from there",
    "fake_server/server.py": "it imitates one",
    "cli/recipe/__init__.py": "recipes of gateways are called what they make",
    "cli/recipe/litellm.py": "the recipe of that gateway",
    "cli/recipe/production_stack.py": "the recipe of that router",
    "commands/recipe_litellm.py": "the recipe of that gateway",
    "commands/recipe_production_stack.py": "the recipe of that router, whose chart has that name",
}
#: Rooms about the programs themselves, how they are started and what they write; they may name them.
ABOUT_ENGINES = ("servers/kinds/", "recipes/", "lint/", "server_log/", "deploy/")


def _texts(path: Path) -> set[str]:
    """The texts and bytes that a module writes out, parts of f-strings too."""
    constants = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return {
        each.decode("latin-1") if isinstance(each, bytes) else each
        for each in constants
        if isinstance(each, str | bytes)
    }


def test_a_kind_is_named_in_its_own_module_alone() -> None:
    names = set(kinds.ALL) - EVERYDAY
    prefixes = tuple(kind.metrics.prefix for kind in kinds.ALL.values() if kind.metrics)
    found: dict[str, set[str]] = {}
    for path in modules(PACKAGE):
        place = path.relative_to(PACKAGE).as_posix()
        said = {text for text in _texts(path) if text in names or text.startswith(prefixes)}
        if said and not place.startswith(ABOUT_ENGINES):
            found[place] = said
    assert found.keys() == NAMED.keys(), found


def test_what_hooks_tell_kinds_by_is_of_kinds_that_are_known() -> None:
    told = {*hooks_look.OWNERS, *hooks_look.SERVER_HEADERS, *hooks_look.BIRTHDAYS}
    assert told <= set(kinds.ALL)
    for kind, owner in hooks_look.OWNERS.items():
        body = json.dumps({"data": [{"id": "m", "owned_by": owner, "max_model_len": 4096}]}).encode()
        assert hooks_look.recognise(b"HTTP/1.1 200 OK", body) == kind
        # the commands ask more, and need not go by that; what they make of it is no other kind
        assert kind_of("http://box:1", {"models": Answer(200, {}, body)}) in (kind, "unknown")


# --- the registry


def _never(_: Answers) -> bool:
    return False


ONE = Kind(
    name="one", label="One", ports=(1,), sign=Sign(1, _never), metrics=MetricNames(prefix="one_", names={}), listed=2
)
OTHER = Kind(
    name="other",
    label="Other",
    ports=(2,),
    sign=Sign(2, lambda _: True),
    metrics=MetricNames(prefix="other_", names={}),
    listed=1,
)


def test_kinds_stand_in_the_order_people_read_them() -> None:
    assert list(registry([ONE, OTHER])) == ["other", "one"]
    assert list(kinds.ALL)[:2] == ["vllm", "litellm"]


def test_what_two_kinds_claim_is_refused() -> None:
    assert OTHER.sign is not None
    twice: dict[str, Kind] = {
        "the name": replace(OTHER, name="one"),
        "the port": replace(OTHER, ports=(2, 1)),
        "the order": replace(OTHER, sign=Sign(1, OTHER.sign.seen)),
        "the sign": replace(OTHER, sign=Sign(2, _never)),
        "the metrics": replace(OTHER, metrics=ONE.metrics),
    }
    for claim, kind in twice.items():
        with pytest.raises(ValueError, match=f"two kinds of server claim .'{claim}'"):
            registry([ONE, kind])


def test_of_a_kind_that_nobody_knows_nothing_is_known_but_its_name() -> None:
    assert kinds.of("nobody's") == Kind(name="nobody's", label="nobody's")


# --- a made-up kind, in one file

ACME = """
import re

from claude_local_plugin.servers.answers import Question, objects_at, owned_by, text_at
from claude_local_plugin.servers.kinds.kind import (
    METRICS, Kind, MetricNames, Need, Pair, Quirks, Remedies, Sign, Tells, ToolCalls, Unguarded, Unloaded,
)


def _windows(answers):
    return ((row["name"], row["room"]) for row in objects_at(answers.get("status"), "models") or ())


KIND = Kind(
    name="acme",
    label="Acme Serve",
    ports=(PORT,),
    start="acme serve --everything",
    sign=Sign(5, lambda answers: owned_by(answers, "acme-inc")),
    tells=Tells(
        questions=(Question("status", "/acme/status"), METRICS),
        version=lambda answers: text_at(answers.get("status"), "version"),
        windows=_windows,
        embedders=lambda answers: ("acme-embed",),
        seeing=lambda answers: (("acme-coder", True),),
        slots=lambda answers: 2,
        model_file=lambda answers: "/acme/coder.bin",
        members=lambda answers: ("http://127.0.0.1:9",),
        counts_messages=True,
    ),
    metrics=MetricNames(
        prefix="acme_", names={"running": ("acme_running",), "waiting": ("acme_waiting",)}, tool_parser="acme_calls"
    ),
    needs=(
        Need("attribution_off", None, "acme keeps the line"),
        Need("disable_betas", (4, 0, 0), "acme before 4.0 refuses them"),
        Need("no_web_search", (9, 0, 0), "acme searches nothing"),
        Need("thinking_ignored", (2, 0, 0), "of an older acme"),
    ),
    known_bad=(
        Pair("acme", (3, 0, 0), (3, 2, 0), "warning", "acme: known_bad", "why", "acme: known_bad fix", "https://a.example"),
    ),
    remedies=Remedies(
        upgrade="acme: upgrade",
        larger_window=lambda server, model, size: f"acme: larger_window {model.name} {size}",
        own_name=lambda server, model, name: f"acme: own_name {model.name} {name}",
        name_flag="acme: name_flag",
        load_model="acme: load_model",
        more_at_once="acme: more_at_once",
        more_memory="acme: more_memory",
        thinking_apart=lambda parser: f"acme: thinking_apart {parser}",
        thinking_left="acme: thinking_left",
        chat_template="acme: chat_template",
        cache_on="acme: cache_on",
        tell_cache="acme: tell_cache",
        tool_calls=ToolCalls(how="acme: tool_calls {flags}{note}", parser="--calls {}"),
        tool_results_since="acme: tool_results_since",
        messages_since="acme: messages_since",
        messages_switch=re.compile(r"acme: messages_switch"),
    ),
    quirks=Quirks(
        routes_unlisted=True,
        any_name=True,
        implied_tag="-coder",
        only_bearer=True,
        silent_zero=True,
        window_later="acme: window_later",
        unloaded=Unloaded("acme: unloaded", lambda name: f"acme: load {name}"),
        unguarded=Unguarded("acme: unguarded", "acme: guard it", keyless=True),
        metrics=True,
    ),
)
"""

LOOK = """
import json, sys
from dataclasses import replace

from claude_local_plugin.client_config.destination import SettingsFile
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.client_config.warnings import warnings
from claude_local_plugin.doctor.checks import CHECKS
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor import run
from claude_local_plugin.precedence import Scope
from claude_local_plugin.servers import ServedModel, Server, State, advice, identify, sweep, well_known
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.servers.examination import ToolVerdict
from tests.doctor import building as b
from tests.doctor.test_honest import spoiled

url, port = sys.argv[1], int(sys.argv[2])
server = identify(url, timeout=30)
(swept,) = sweep((port,), timeout=30)
model = server.models[0]
silent = replace(server, problem="acme: messages_switch", speaks_messages=False)
groups = ("server", "model", "cache", "client", "credentials")
findings = [
    finding
    for facts in (
        spoiled("acme"),
        b.facts(server=b.server(kind="acme", models=(ServedModel(b.MODEL),)), deep=b.deep(kind="acme"),
                snapshot=b.snapshot(without=("CLAUDE_CODE_MAX_CONTEXT_TOKENS",))),
        b.facts(server=b.server(kind="acme"), deep=b.deep(
            kind="acme", tools=b.tools(ToolVerdict.SWALLOWED), thinking=b.thinking(never_ends=True),
            cache=b.cache(next_reuse=b.Reuse(1, 100, "metrics")))),
    )
    for finding in run(facts, [check for check in CHECKS if check.group in groups])
]
there = SettingsFile(Scope.LOCAL)
window = warnings(Backend(url, "acme", "m", None), Needs(), there, lambda **_: "again")
named = warnings(Backend(url, "acme", "claude-sonnet-4-5", 8192), Needs(), there, lambda **_: "again")
print(json.dumps({
    "server": [server.kind, server.version, [[m.name, m.max_model_len, m.vision] for m in server.models],
               server.slots, server.model_file, server.speaks_messages, server.members],
    "swept": swept.kind,
    "ports": well_known.ports_text(),
    "start": well_known.START["acme"],
    "said": [
        advice.larger_window(server, model), advice.own_name(server, model), advice.upgrade("acme"),
        advice.fewer_or("acme"), advice.fewer_or("acme", memory=True), advice.keep_thinking_apart("acme", "p"),
        advice.cache_on("acme"), advice.tell_cache("acme"), advice.load_a_model(server),
        advice.messages_api(server), advice.messages_api(silent),
        *(text for finding in (*findings, *window, *named) for text in (finding.what, finding.fix or "")),
    ],
}))
"""


@pytest.fixture
def acme(replay: StartReplay, tmp_path: Path) -> tuple[Callable[..., Any], str]:
    """A copy of the package with one file more, run in a process of its own; and the URL of a server of that kind."""
    listed = [{"id": "acme-coder", "owned_by": "acme-inc"}, {"id": "acme-embed", "owned_by": "acme-inc"}]
    status = {"version": "3.1.0", "models": [{"name": "acme-coder", "room": 48_000}]}
    server = replay(
        table={
            ("GET", "/v1/models"): Said(200, json.dumps({"data": listed})),
            ("GET", "/acme/status"): Said(200, json.dumps(status)),
            ("GET", "/metrics"): Said(200, 'acme_running 1\nacme_waiting 3\nacme_calls{outcome="tool_call"} 2\n'),
            ("POST", "/v1/messages/count_tokens"): Said(200, '{"input_tokens": 1}'),
        },
        otherwise=Said(404, "{}"),
    )
    port = server.url.rpartition(":")[2]
    copy = tmp_path / "changed"
    for name in (PACKAGE.name, "schemas", "hooks", ".claude-plugin"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    module = copy / PACKAGE.name / "servers" / "kinds" / "acme.py"
    module.write_text(ACME.replace("PORT", port))
    project = tmp_path / "project"
    project.mkdir()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(copy), str(ROOT))), "PYTHONDONTWRITEBYTECODE": "1"}

    def call(*arguments: str, code: int | None = 0) -> Any:
        ended = subprocess.run(
            [sys.executable, *arguments], cwd=project, env=environ, capture_output=True, text=True, check=False
        )
        assert code is None or ended.returncode == code, ended.stderr + ended.stdout
        return json.loads(ended.stdout)

    return call, server.url


@pytest.mark.process
def test_a_made_up_kind_in_one_file_is_seen_everywhere(acme: tuple[Callable[..., Any], str]) -> None:
    call, url = acme
    seen = call("-c", LOOK, url, url.rpartition(":")[2])

    assert seen["server"] == [
        "acme",
        "3.1.0",
        [["acme-coder", 48_000, True]],
        2,
        "/acme/coder.bin",
        True,
        ["http://127.0.0.1:9"],
    ]
    assert seen["swept"] == "acme"
    assert f"{url.rpartition(':')[2]} (Acme Serve)" in seen["ports"]
    assert seen["start"] == "acme serve --everything"
    said = "\n".join(seen["said"])
    flags = {"never_messages"}  # no text of the kind's own
    missing = [name for name in Remedies._fields if f"acme: {name}" not in said and name not in flags]
    assert missing == [], said
    flags_of_others = re.findall(r"(?<![a-z])--(?!url|token-env|model|scope|header|deep|fix|list|json)[a-z-]+", said)
    assert set(flags_of_others) <= {"--calls", "--max-model-len"}, said  # the first is its own, the other one ours
    for quirk in ("window_later", "unloaded", "unguarded"):
        assert f"acme: {quirk}" in said, quirk
    assert "Acme Serve answers to every name" in said


@pytest.mark.process
def test_the_commands_know_a_made_up_kind(acme: tuple[Callable[..., Any], str]) -> None:
    call, url = acme
    command = ("-m", "claude_local_plugin")

    looked = call(*command, "doctor", "--url", url, "--json", code=None)
    written = call(*command, "enable", "--url", url, "--yes", "--json")
    status = call(*command, "status", "--json", code=None)

    assert "Acme Serve 3.1.0" in json.dumps(looked)
    assert "3 requests wait for their turn, 1 are running" in json.dumps(looked)
    assert "acme: more_at_once" in json.dumps(looked)
    assert "acme: known_bad" in json.dumps(looked)
    assert written["backend"]["kind"] == "acme"
    text = json.dumps(written)
    for wanted in ("acme keeps the line", "acme before 4.0 refuses them", "acme searches nothing", "48000"):
        assert wanted in text, text
    assert "of an older acme" not in text
    assert "CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS" in text
    assert status["backend"]["url"] == url


def test_every_member_of_a_record_is_tried_by_the_made_up_kind() -> None:
    """A new member of a record is to be seen everywhere, too, or stands here with its reason."""
    # a router's words, and flags that exclude what the made-up kind shows; tests of the real kinds have these
    elsewhere = {"dead_end", "messages", "takes_empty_message", "asks_for_key"}
    elsewhere |= {"never_messages", "made_for", "nameless", "lists_models", "needs_header"}
    members = (each.name for each in fields(Kind))
    for name in (*members, *Tells._fields, *Remedies._fields, *Quirks._fields):
        assert f"{name}=" in ACME or name in {"listed", *elsewhere}, name
