"""One case for each check and result, built from facts alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.client_config.build import NO_PICTURES
from claude_local_plugin.config import Problem
from claude_local_plugin.core.config import Config
from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.doctor import CHECKS, Facts, Finding, Place, Result, run, worst
from claude_local_plugin.doctor.checks import chosen
from claude_local_plugin.doctor.facts import Editor, Owned, Stray
from claude_local_plugin.doctor.model import Check
from claude_local_plugin.errors import UsageError
from claude_local_plugin.git import Standing
from claude_local_plugin.precedence import FileState, Scope, SettingsFile
from claude_local_plugin.precedence.locate import GitLayout
from claude_local_plugin.precedence.verified import Answers
from claude_local_plugin.servers import ServedModel, State
from claude_local_plugin.servers.examination import (
    CacheVerdict,
    CountFacts,
    ImageFacts,
    Mismatch,
    Reuse,
    SearchVerdict,
    ToolVerdict,
)
from claude_local_plugin.servers.messages import Block, Usage
from claude_local_plugin.servers.metrics import Metrics
from claude_local_plugin.sessionlog.queries import Condition, Failing, Fault
from claude_local_plugin.settings.hooks import Installed
from tests.doctor import building as b
from tests.looped import looped

#: What a client answered that was asked everything.
ANSWERS = Answers("2.9.0", "digest", "rules", "2026-11-28", asked=10, questions=10, size=1, changed_ns=1)

Case = tuple[str, Result, str, Callable[[], Facts]]


def seen(**changes: Any) -> Callable[[], Facts]:
    """Facts of a changed snapshot."""
    return lambda: b.facts(b.snapshot(**changes))


def known(**changes: Any) -> Callable[[], Facts]:
    """Facts of the healthy folder, changed."""
    return lambda: b.facts(**changes)


def examined(**changes: Any) -> Callable[[], Facts]:
    """Facts with an examination, changed."""
    return lambda: b.facts(deep=b.deep(**changes))


def log(**changes: Any) -> Callable[[], Facts]:
    """Facts whose log is in this condition."""
    return known(log=Condition(**changes))


def status_line(problem: str | None) -> Installed:
    """Our status line in the local settings."""
    return Installed("statusLine", "local", str(b.LOCAL), problem)


def own(**settings: Any) -> Config:
    """What config.toml says."""
    return Config("", settings)


def fault(said: str, times: int = 1) -> Fault:
    """What a hook noted."""
    return Fault("2026-11-21T10:00:00.000Z", said, times, Path("faults.log"), 7)


def not_sent(where: str = "postgresql://db/team", wanted: str = "postgresql://db/team") -> Callable[[], Facts]:
    """Facts of a log that could not be sent to one place, and is to go to one."""
    failing = Failing(where, "2026-11-21T10:00:00.000Z", 2, "down", 3)
    return known(log=Condition(failing=(failing,)), own=own(log={"push": wanted}))


def told(warning: str, severity: Any = "error") -> Callable[[], Facts]:
    """Facts whose resolver warns of this."""

    def build() -> Facts:
        facts = b.facts()
        ours = warning.startswith("leak.") and warning != "leak.provider-token"
        found = Finding(warning, Result(severity), f"the resolver says {warning}", "claude-local enable", fixable=ours)
        return replace(facts, resolution=replace(facts.resolution, warnings=(found,)))

    return build


def outcome(name: Any) -> Callable[[], Facts]:
    def build() -> Facts:
        facts = b.facts()
        return replace(facts, resolution=replace(facts.resolution, outcome=name, outcome_reason="the reason"))

    return build


OK, INFO, WARNING, ERROR, SKIPPED = Result.OK, Result.INFO, Result.WARNING, Result.ERROR, Result.SKIPPED

SILENT = b.reply(Block("thinking", "hm"), usage=Usage(10, 20))
SLOW = b.cache(cold=b.exchange("cache-cold", b.reply(streamed=True, ttft=60.0)))
CLAUDE = b.server(models=(ServedModel("claude-sonnet-4-5", 65_536),))
CLAUDE_NAMES = {name: "claude-sonnet-4-5" for name in b.ENV if name.endswith("_MODEL")}
UNTRACKED = {b.LOCAL: Standing(True, False, False, Path("/r/.git/info/exclude"), "/.claude/settings.local.json")}
WINDOWLESS = b.server(models=(ServedModel(b.MODEL),))
LISTED_ELSE = b.server(models=(ServedModel("other", 65_536),))
LAN = "http://dell-pro-max:8000"
OURS, WRONG = Path("/home/dev/.config/claude-local/config.toml"), "must be true or false"

#: Check, result, words that must be in what it says, and the facts.
CASES: tuple[Case, ...] = (
    # files
    ("files.json", OK, "takes", known()),
    ("files.json", ERROR, "trailing comma", seen(local=b.dropped('{\n  "env": {},\n}', "line 3, column 1"))),
    (
        "files.json",
        ERROR,
        '"env" must be',
        seen(local=b.dropped('{"env": []}', '"env" must be an object', {"env": []})),
    ),
    (
        "files.json",
        WARNING,
        "nested too deeply",
        seen(local=SettingsFile(Scope.LOCAL, b.LOCAL, FileState.UNKNOWN, "nested too deeply to be read here")),
    ),
    ("files.values", OK, "understands", known()),
    ("files.values", ERROR, "API_TIMEOUT_MS", seen(env={"API_TIMEOUT_MS": "10min"})),
    ("files.values", WARNING, "did you mean ANTHROPIC_MODEL", seen(env={"ANTHROPIC_MODLE": "x"})),
    ("files.unheard", OK, "read where it stands", known()),
    ("files.unheard", WARNING, "MODEL_CAPABILITIES", seen(env={"CLAUDE_CODE_MODEL_CAPABILITIES": "-effort"})),
    ("files.unheard", WARNING, "no setting apiBaseUrl", seen(keys={"apiBaseUrl": "http://localhost:4000"})),
    ("files.stray", OK, "pretends", known()),
    (
        "files.stray",
        WARNING,
        "not read",
        known(strays=(Stray(b.HOME / "auth.json", "Claude Code reads no auth.json"),)),
    ),
    ("files.worktree", OK, "agree", known()),
    ("files.worktree", WARNING, "ANTHROPIC_MODEL", seen(more_local={"env": {"ANTHROPIC_MODEL": "other"}})),
    (
        "files.worktree",
        INFO,
        "shares",
        known(layout=GitLayout(Path("/home/dev/tree"), b.PROJECT, b.PROJECT / ".git")),
    ),
    ("files.git", OK, "alone", known()),
    ("files.git", WARNING, "does not ignore", known(standings=UNTRACKED)),
    ("files.git", WARNING, "git tracks", known(standings={b.LOCAL: Standing(True, True, False)})),
    (
        "files.git",
        WARNING,
        "cannot be said",
        known(standings={b.LOCAL: Standing(in_repository=True, problem="git is not there")}),
    ),
    (
        "files.git",
        ERROR,
        "ANTHROPIC_AUTH_TOKEN is in a file that git tracks",
        lambda: b.facts(
            b.snapshot(env={"ANTHROPIC_AUTH_TOKEN": "sk-own-key"}), standings={b.LOCAL: Standing(True, True, False)}
        ),
    ),
    ("files.shared", OK, "no file of the repository", known()),
    ("files.shared", WARNING, "evil.example", seen(shared={"env": {"ANTHROPIC_BASE_URL": "http://evil.example"}})),
    ("files.shared", WARNING, "program", seen(shared={"apiKeyHelper": "./key.sh"})),
    (
        "files.shared",
        INFO,
        "box:8000",
        lambda: b.facts(
            b.snapshot(shared={"env": {"ANTHROPIC_BASE_URL": "http://box:8000"}}), owned=(Owned(b.SHARED),)
        ),
    ),
    ("files.mode", OK, "yours alone", known(modes={b.LOCAL: 0o644})),
    (
        "files.mode",
        WARNING,
        "mode 644",
        lambda: b.facts(b.snapshot(env={"ANTHROPIC_AUTH_TOKEN": "sk-own-key"}), modes={b.LOCAL: 0o644}),
    ),
    ("files.record", OK, "taken back", known(owned=(Owned(b.LOCAL),))),
    ("files.record", SKIPPED, "nothing that claude-local wrote", known()),
    ("files.record", WARNING, "disable would fail", known(owned=(Owned(b.LOCAL, writable=False),))),
    ("files.record", ERROR, "damaged", known(record_problem="the record is damaged")),
    ("files.record", INFO, "env.ANTHROPIC_MODEL", known(owned=(Owned(b.LOCAL, (), (("env", "ANTHROPIC_MODEL"),)),))),
    ("files.config", OK, "understood", known()),
    ("files.config", ERROR, "must be true or false", known(config_problems=(Problem(OURS, ("protect",), WRONG, 3),))),
    ("files.config", WARNING, "program /gone is not there", known(down_program="/gone")),
    ("files.config", ERROR, "invalid value; hooks go by", known(config_problems=(Problem(OURS, (), "invalid value"),))),
    (
        "files.config",
        WARNING,
        "not a key",
        known(config_problems=(Problem(OURS, ("x",), "is not a key", unknown=True),)),
    ),
    # precedence
    ("precedence.starts", OK, "would start", known()),
    ("precedence.starts", ERROR, "refuse to start", outcome("refused")),
    ("precedence.starts", ERROR, "the reason", outcome("not_logged_in")),
    ("precedence.endpoint", OK, "localhost:8000", known()),
    ("precedence.endpoint", INFO, "anthropic", lambda: b.facts(b.cloud(), server=None)),
    ("precedence.endpoint", SKIPPED, "cannot be used", seen(env={"ANTHROPIC_BASE_URL": "localhost"})),
    (
        "precedence.endpoint",
        ERROR,
        "enable wrote a server",
        lambda: b.facts(b.cloud(), server=None, owned=(Owned(b.LOCAL, ((("env", "ANTHROPIC_BASE_URL"), b.URL),)),)),
    ),
    (
        "precedence.endpoint",
        ERROR,
        "dropped file",
        lambda: b.facts(
            b.snapshot(local=b.dropped('{"env": {"ANTHROPIC_BASE_URL": "http://x"},}', "line 1")), server=None
        ),
    ),
    ("precedence.beaten", OK, "effect", known(owned=(Owned(b.LOCAL, ((("env", "ANTHROPIC_BASE_URL"), b.URL),)),))),
    (
        "precedence.beaten",
        ERROR,
        "managed-settings.json",
        lambda: b.facts(
            b.snapshot(managed={"env": {"ANTHROPIC_MODEL": "claude-opus-5-5"}}),
            owned=(Owned(b.LOCAL, ((("env", "ANTHROPIC_MODEL"), b.MODEL),)),),
        ),
    ),
    ("precedence.shell", OK, "silently", seen(shell={"ANTHROPIC_BASE_URL": b.URL})),
    ("precedence.shell", WARNING, "beats it", seen(shell={"ANTHROPIC_BASE_URL": "http://localhost:9"})),
    ("precedence.shell", INFO, "ANTHROPIC_MODEL", seen(shell={"ANTHROPIC_MODEL": "other"})),
    ("precedence.url", OK, "can use", known()),
    ("precedence.url", ERROR, "goes too far", seen(env={"ANTHROPIC_BASE_URL": "http://localhost:8000/v1"})),
    ("precedence.url", ERROR, "http://", seen(env={"ANTHROPIC_BASE_URL": "localhost:8000"})),
    ("precedence.proxy", OK, "no proxy", seen(shell={"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "localhost"})),
    ("precedence.proxy", ERROR, "HTTPS_PROXY", seen(shell={"HTTPS_PROXY": "http://p:3128"})),
    (
        "precedence.proxy",
        INFO,
        "through that proxy",
        seen(shell={"HTTPS_PROXY": "http://p:3128"}, env={"ANTHROPIC_BASE_URL": "https://llm.example.com"}),
    ),
    ("precedence.proxy", SKIPPED, "server of your own", lambda: b.facts(b.cloud(), server=None)),
    ("precedence.provider", OK, "no provider switch", known()),
    ("precedence.provider", ERROR, "bedrock", seen(shell={"CLAUDE_CODE_USE_BEDROCK": "1"})),
    ("precedence.sign-in", OK, "no sign-in", known()),
    ("precedence.sign-in", ERROR, f"sessions go there, not to {b.URL}", seen(gateway=b.gateway())),
    (
        "precedence.sign-in",
        WARNING,
        f"cannot be renewed: from 2100-01-01 00:00 UTC on sessions go to {b.URL}",
        seen(gateway=b.gateway(idpRefreshToken=None)),
    ),
    ("precedence.sign-in", INFO, "has expired", seen(gateway=b.gateway(problem="the sign-in has expired"))),
    ("precedence.sign-in", INFO, "do not name it", seen(gateway=b.gateway(), managed={"model": "opus"})),
    (
        "precedence.sign-in",
        INFO,
        "a host does the routing",
        seen(gateway=b.gateway(), shell={"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}),
    ),
    ("precedence.sign-in", ERROR, "and names none", seen(managed={"forceLoginMethod": "gateway"})),
    ("precedence.late", OK, "nobody else", known()),
    ("precedence.late", WARNING, "ANTHROPIC_API_KEY", seen(shell={"ANTHROPIC_API_KEY": "sk-ant-1"})),
    ("precedence.other", OK, "nothing else", known()),
    ("precedence.other", WARNING, "something.new", told("something.new", "warning")),
    ("precedence.other", ERROR, "something.new", told("something.new")),
    # credentials
    *(
        case
        for name in (
            *("shell-api-key", "shell-token", "shell-oauth-token", "login", "console-key", "helper", "headers"),
            *("api-key", "token"),
        )
        for case in (
            (f"leak.{name}", OK, "no such credential", known()),
            (f"leak.{name}", ERROR, f"leak.{name}", told(f"leak.{name}")),
            (f"leak.{name}", WARNING, f"leak.{name}", told(f"leak.{name}", "warning")),
        )
    ),
    ("leak.provider-token", OK, "no provider's credential", known()),
    ("leak.provider-token", WARNING, "leak.provider-token", told("leak.provider-token", "warning")),
    (
        "leak.provider-token",
        ERROR,
        "AWS_BEARER_TOKEN_BEDROCK (exported in the shell) is sent to http://10.0.0.9:8080",
        seen(
            env={"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": "http://10.0.0.9:8080"},
            shell={"AWS_BEARER_TOKEN_BEDROCK": "bearer"},
        ),
    ),
    ("credentials.key", OK, "asks for none", known()),
    ("credentials.key", ERROR, "send none of its own", known(server=b.server(state=State.NEEDS_KEY, needs_key=True))),
    (
        "credentials.key",
        ERROR,
        "does not accept",
        known(server=b.server(state=State.WRONG_KEY, problem="does not accept the key (401)")),
    ),
    (
        "credentials.key",
        ERROR,
        "reads only Authorization",
        lambda: b.facts(
            b.snapshot(env={"ANTHROPIC_API_KEY": "sk-own"}), server=b.server(state=State.NEEDS_KEY, needs_key=True)
        ),
    ),
    (
        "credentials.key",
        WARNING,
        "was not tried",
        lambda: b.facts(b.snapshot(env={"ANTHROPIC_AUTH_TOKEN": "sk-ant-1"}), server=b.server(state=State.NEEDS_KEY)),
    ),
    (
        "credentials.key",
        ERROR,
        "asks for a key",
        known(elsewhere=True, server=b.server(state=State.NEEDS_KEY, problem="asks for a key")),
    ),
    ("credentials.question", OK, "no question", known()),
    ("credentials.question", WARNING, "default answer is No", seen(env={"ANTHROPIC_API_KEY": "dummy"})),
    # client
    ("client.installed", OK, "installed", known()),
    ("client.installed", WARNING, "no claude", known(client_path=None)),
    ("client.installed", INFO, "without being run", seen(client_version=None)),
    ("client.version", OK, "verified", known()),
    ("client.version", INFO, "2.9.0", seen(client_version="2.9.0")),
    ("client.version", OK, "verified", seen(client_version="2.9.0", answers=ANSWERS)),
    ("client.version", INFO, "2.9.0", seen(client_version="2.9.0", answers=replace(ANSWERS, asked=9))),
    ("client.version", SKIPPED, "no claude here", seen(client_version=None)),
    ("client.known-bad", OK, "nothing is known", known()),
    ("client.known-bad", ERROR, "0.17.1", known(server=b.server(version="0.16.0"))),
    ("client.known-bad", ERROR, "intruder", known(server=b.server(kind="litellm", version="1.107.0"))),
    ("client.known-bad", WARNING, "0.24.0 to 0.25.1", known(server=b.server(version="0.25.1"))),
    ("client.known-bad", WARNING, "0.23.0 refuses system messages", known(server=b.server(version="0.22.1"))),
    ("client.known-bad", WARNING, "refuses tools that are sent later", known(server=b.server(version="0.20.0"))),
    ("client.known-bad", INFO, "refuse tools", known(server=b.server(kind="ollama", version="0.14.0"))),
    ("client.known-bad", SKIPPED, "did not answer", known(server=b.server(state=State.TIMEOUT))),
    ("client.auto-mode", OK, "do not start in auto mode", known()),
    ("client.auto-mode", OK, "do not start", seen(keys={"permissions": {"disableAutoMode": "disable"}})),
    ("client.auto-mode", ERROR, "first tool call", seen(keys={"permissions": None})),
    ("client.auto-mode", ERROR, "first tool call", seen(keys={"permissions": {"defaultMode": "auto"}})),
    ("client.onboarding", OK, "does not need", known()),
    ("client.onboarding", INFO, "first start", seen(onboarded=False)),
    ("client.onboarding", OK, "does not need", seen(onboarded=False, user={"env": {"ANTHROPIC_BASE_URL": b.URL}})),
    ("client.trust", OK, "trusted", known()),
    ("client.trust", INFO, "not been asked", seen(trusted=None)),
    ("client.trust", INFO, "answered with No", seen(trusted=False)),
    ("client.retries", OK, "within seconds", known()),
    ("client.retries", WARNING, "10 times, its default", seen(without=("CLAUDE_CODE_MAX_RETRIES",))),
    ("client.retries", WARNING, "12 times", seen(env={"CLAUDE_CODE_MAX_RETRIES": "12"})),
    ("client.timeouts", OK, "patient enough", known()),
    ("client.timeouts", OK, "patient enough", lambda: b.facts(deep=b.deep(cache=SLOW))),
    ("client.timeouts", WARNING, "5 seconds", seen(env={"API_TIMEOUT_MS": "5000"})),
    (
        "client.timeouts",
        WARNING,
        "about 1,311 seconds (50 tokens a second)",
        lambda: b.facts(b.snapshot(without=("API_TIMEOUT_MS",)), deep=b.deep(cache=SLOW)),
    ),
    (
        "client.timeouts",
        WARNING,
        "silent for five minutes",
        lambda: b.facts(b.snapshot(without=("API_FORCE_IDLE_TIMEOUT",)), deep=b.deep(cache=SLOW)),
    ),
    ("client.vscode", SKIPPED, "not in use", known()),
    (
        "client.vscode",
        OK,
        "knows the server",
        known(editors=(Editor(Path("s.json"), {"ANTHROPIC_BASE_URL": b.URL}, login_prompt_off=True),)),
    ),
    ("client.vscode", INFO, "do not tell", known(editors=(Editor(Path("s.json")),))),
    (
        "client.vscode",
        INFO,
        "log in",
        known(editors=(Editor(Path("s.json"), {"ANTHROPIC_BASE_URL": b.URL}),)),
    ),
    (
        "client.vscode",
        WARNING,
        "other:1",
        known(editors=(Editor(Path("s.json"), {"ANTHROPIC_BASE_URL": "http://other:1"}, login_prompt_off=True),)),
    ),
    ("client.vscode", WARNING, "not JSON", known(editors=(Editor(Path("s.json"), problem="not JSON"),))),
    # hooks
    ("hooks.installed", OK, "installed", known()),
    ("hooks.installed", WARNING, "no session hook", known(hooks=())),
    ("hooks.installed", WARNING, "SessionEnd", known(hooks=b.HOOKS[:2])),
    ("hooks.broken", OK, "can run", known()),
    (
        "hooks.broken",
        ERROR,
        "its interpreter /gone is gone",
        known(hooks=(Installed("SessionStart", "local", str(b.LOCAL), "its interpreter /gone is gone"),)),
    ),
    (
        "hooks.broken",
        ERROR,
        "no hook can run: its interpreter /gone is gone",
        known(
            hooks=tuple(Installed(event, "local", str(b.LOCAL), "its interpreter /gone is gone") for event in EVENTS)
        ),
    ),
    (
        "hooks.broken",
        ERROR,
        "the hooks for Stop, SessionEnd cannot run: its interpreter /gone is gone",
        known(
            hooks=tuple(
                Installed(
                    event, "local", str(b.LOCAL), "its interpreter /gone is gone" if event.startswith("S") else None
                )
                for event in ("Stop", "ConfigChange", "SessionEnd")
            )
        ),
    ),
    ("hooks.allowed", OK, "allowed", known()),
    ("hooks.allowed", WARNING, "disableAllHooks switches our hooks off", seen(user={"disableAllHooks": True})),
    ("hooks.allowed", ERROR, "in this project's own settings", seen(keys={"disableAllHooks": True})),
    ("hooks.allowed", ERROR, "in this project's own settings", seen(shared={"disableAllHooks": True})),
    (
        "hooks.allowed",
        ERROR,
        "the protection of this folder is not enforced",
        lambda: b.facts(b.snapshot(user={"disableAllHooks": True}), own=own(protect=True)),
    ),
    ("hooks.allowed", WARNING, "allowManagedHooksOnly", seen(managed={"allowManagedHooksOnly": True})),
    ("hooks.allowed", WARNING, "allowManagedHooksOnly", seen(served={"allowManagedHooksOnly": True})),
    ("hooks.allowed", OK, "allowed", seen(user={"allowManagedHooksOnly": True})),
    ("hooks.guard", OK, "outlive", known()),
    (
        "hooks.guard",
        ERROR,
        "nothing warns",
        lambda: b.facts(b.snapshot(local=b.dropped('{"hooks": "claude_local_hook.py",}', "line 1")), hooks=()),
    ),
    ("hooks.statusline", OK, "can run", known()),
    ("hooks.statusline", OK, "can run", known(status_line=status_line(None))),
    ("hooks.statusline", ERROR, "its script /gone is gone", known(status_line=status_line("its script /gone is gone"))),
    ("hooks.protection", OK, "may use", known()),
    ("hooks.protection", OK, "may use", known(own=own(protect=True, allowed_backends=[b.URL]))),
    ("hooks.protection", OK, "may use", known(own=own(protect=True))),
    (
        "hooks.protection",
        ERROR,
        "may use cloud, but sessions",
        known(own=own(protect=True, allowed_backends=["cloud"])),
    ),
    ("hooks.log", OK, "read", known()),
    ("hooks.log", ERROR, "malformed", known(log_problem="sessions.db: the file is malformed")),
    ("hooks.log", ERROR, "no session is put on record", log(unwritable=(b.HOME, "is on a disk without room"))),
    ("hooks.log", WARNING, "1,200 records", log(waiting=1200)),
    ("hooks.log", WARNING, "no record", log(refused=(Path("1.json.bad"),))),
    ("hooks.kept", OK, "no log", known()),
    ("hooks.kept", WARNING, "this file only", log(damaged=(Path("sessions.db.damaged-1"),))),
    ("hooks.sent", OK, "to go nowhere", known()),
    ("hooks.sent", OK, "to go nowhere", not_sent("postgresql://db/team", "postgresql://db/other")),
    ("hooks.sent", WARNING, "sent to postgresql://db/team since 2026-11-21 (3 sessions wait): down", not_sent()),
    ("hooks.faults", OK, "every hook", known()),
    ("hooks.faults", WARNING, "(3 times, last on 2026-11-21): File", log(faults=(fault("FileNotFoundError", 3),))),
    ("hooks.faults", INFO, "busy for too long", log(faults=(fault("Stop: busy for too long"),))),
    ("hooks.faults", WARNING, "busy", log(faults=(fault("Stop: busy for too long"),), waiting=1)),
    # server
    ("server.ready", OK, "vLLM 0.32.0, ready in 3 ms, 0 running, 0 waiting, KV cache 4 %", known()),
    (
        "server.ready",
        SKIPPED,
        "asks for a key",
        known(server=b.server(state=State.NEEDS_KEY, problem="asks for a key")),
    ),
    ("server.ready", INFO, "careful", known(server=b.server(kind="anthropic-compatible", version=None))),
    *(
        (
            "server.ready",
            WARNING if state in (State.LOADING, State.OVERLOADED) else ERROR,
            "it is so",
            known(server=found),
        )
        for state in State
        if state not in (State.READY, State.NEEDS_KEY, State.WRONG_KEY)
        for found in [b.server(state=state, problem="it is so")]
    ),
    (
        "server.ready",
        WARNING,
        "through a proxy",
        lambda: b.facts(
            b.snapshot(shell={"HTTPS_PROXY": "http://p:3128"}, env={"ANTHROPIC_BASE_URL": "https://llm.example.com"}),
            server=b.server(url="https://llm.example.com", state=State.TIMEOUT, problem="does not answer in time"),
        ),
    ),
    ("server.ready", SKIPPED, "no server of your own", lambda: b.facts(b.cloud(), server=None)),
    ("server.messages", OK, "Messages API", known()),
    ("server.messages", ERROR, "no /v1/messages", known(server=b.server(speaks_messages=False))),
    ("server.messages", INFO, "cannot be told", known(server=b.server(speaks_messages=None))),
    ("server.models", OK, "serves a model", known()),
    ("server.models", ERROR, "lists no model", known(server=b.server(models=()))),
    ("server.busy", OK, "room", known()),
    ("server.busy", WARNING, "3 requests wait", known(metrics=Metrics("vllm", running=4, waiting=3))),
    ("server.busy", WARNING, "95 % full", known(metrics=Metrics("vllm", waiting=0, kv_usage=0.95))),
    ("server.busy", WARNING, "2,500 ms", known(metrics=None, server=b.server(latency_ms=2_500.0))),
    ("server.open-routes", OK, "only this machine", known(server=b.server(needs_key=True))),
    ("server.open-routes", SKIPPED, "no key", known()),
    ("server.open-routes", INFO, "every caller", known(url=LAN, server=b.server(url=LAN, kind="vllm-router"))),
    ("server.open-routes", INFO, "/invocations", known(url=LAN, server=b.server(url=LAN, needs_key=True))),
    ("server.speed", OK, "first token of a short prompt came after 0.20 s", examined()),
    (
        "server.speed",
        OK,
        "0.20 s, then 10 tokens a second",
        examined(
            streamed=b.exchange("streamed", b.reply(streamed=True, gaps=(0.1, 0.1, 0.1), ended=0.5, usage=Usage(9, 4)))
        ),
    ),
    ("server.speed", SKIPPED, "--deep", known()),
    ("server.speed", INFO, "took 40 s", examined(plain=b.exchange("plain", b.reply(seconds=40.0)))),
    # model
    ("model.served", OK, "is served", known()),
    ("model.served", ERROR, "qwen3-coder-next (main", known(server=LISTED_ELSE)),
    ("model.served", ERROR, "gone (subagent)", seen(env={"CLAUDE_CODE_SUBAGENT_MODEL": "gone"})),
    (
        "model.served",
        WARNING,
        "claude-haiku-5-5 (haiku) is not served; localhost:8000 lists qwen3-coder-next",
        seen(without=("ANTHROPIC_DEFAULT_HAIKU_MODEL",)),
    ),
    ("model.served", INFO, "wildcards", known(server=replace(LISTED_ELSE, kind="litellm"))),
    ("model.served", OK, "answers to every name", known(server=replace(LISTED_ELSE, kind="llama.cpp"))),
    ("model.served", SKIPPED, "lists no model", known(server=b.server(models=()))),
    (
        "model.served",
        OK,
        "is served",
        known(server=b.server(kind="ollama", models=(ServedModel(f"{b.MODEL}:latest"),))),
    ),
    ("model.served", SKIPPED, "elsewhere", known(elsewhere=True)),
    ("model.window", OK, "real window", known()),
    (
        "model.window",
        ERROR,
        "assumes a window of 1,000,000 tokens, and localhost:8000 has 65,536",
        seen(without=("CLAUDE_CODE_MAX_CONTEXT_TOKENS",)),
    ),
    ("model.window", ERROR, "is told of", seen(env={"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "131072"})),
    (
        "model.window",
        ERROR,
        "“64k”, which Claude Code reads as 64",
        seen(env={"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "64k"}),
    ),
    ("model.window", INFO, "is told of", seen(env={"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "32768"})),
    ("model.window", WARNING, "4,096", known(server=replace(WINDOWLESS, kind="ollama"))),
    (
        "model.window",
        WARNING,
        "does not say",
        lambda: b.facts(b.snapshot(without=("CLAUDE_CODE_MAX_CONTEXT_TOKENS",)), server=WINDOWLESS),
    ),
    ("model.prompt", OK, "fits", known()),
    ("model.prompt", ERROR, "12,883", known(server=b.server(models=(ServedModel(b.MODEL, 16_384),)))),
    ("model.output", OK, "fits", known()),
    ("model.output", WARNING, "1,024 tokens", seen(env={"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "1024"})),
    ("model.output", ERROR, "more than the whole window", seen(env={"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "128000"})),
    (
        "model.output",
        ERROR,
        "32,000 tokens, Claude Code's default; with the first prompt",
        lambda: b.facts(
            b.snapshot(without=("CLAUDE_CODE_MAX_OUTPUT_TOKENS",)),
            server=b.server(version="0.31.0", models=(ServedModel(b.MODEL, 40_960),)),
        ),
    ),
    (
        "model.output",
        ERROR,
        "its first prompt does not fit",
        lambda: b.facts(
            b.snapshot(env={"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "16384"}),
            server=b.server(models=(ServedModel(b.MODEL, 32_768),)),
        ),
    ),
    ("model.name", OK, "its own", known()),
    ("model.name", ERROR, "200,000", lambda: b.facts(b.snapshot(env=CLAUDE_NAMES), server=CLAUDE)),
    (
        "model.name",
        INFO,
        "whatever is set",
        lambda: b.facts(
            b.snapshot(env=CLAUDE_NAMES), server=b.server(models=(ServedModel("claude-sonnet-4-5", 262_144),))
        ),
    ),
    ("model.answers", OK, "answers", examined()),
    ("model.answers", SKIPPED, "--deep", known()),
    ("model.answers", ERROR, "no such thing", examined(plain=b.exchange("plain", b.refused("no such thing")))),
    ("model.tool-calls", OK, "as a tool call", examined()),
    *(
        ("model.tool-calls", ERROR, words, examined(tools=b.tools(verdict)))
        for verdict, words in (
            (ToolVerdict.NO_PARSER, "without a tool-call parser; qwen3-coder-next needs qwen3_coder"),
            (ToolVerdict.SWALLOWED, "as empty text"),
            (ToolVerdict.THINKING_ONLY, "as thinking"),
            (ToolVerdict.PROSE, "as plain text"),
            (ToolVerdict.REFUSED, "not answered"),
            (ToolVerdict.NO_ANSWER, "not answered"),
        )
    ),
    *(
        ("model.tool-calls", WARNING, words, examined(tools=b.tools(verdict)))
        for verdict, words in (
            (ToolVerdict.WRONG_CALL, "another tool"),
            (ToolVerdict.NOT_CALLED, "in words"),
            (ToolVerdict.CUT, "not whole"),
        )
    ),
    ("model.tool-calls", SKIPPED, "out of time", examined(tools=None)),
    ("model.tool-types", OK, "right types", examined()),
    (
        "model.tool-types",
        ERROR,
        "argument days came as string, and its schema says integer",
        examined(tools=b.tools(ToolVerdict.WRONG_TYPES, mismatches=(Mismatch("days", "integer", "string", "3"),))),
    ),
    ("model.tool-results", OK, "two at once", examined()),
    (
        "model.tool-results",
        ERROR,
        "two tool results",
        examined(tools=b.tools(parallel=b.exchange("tool-parallel", b.refused("no")))),
    ),
    ("model.empty-answer", OK, "shows something", examined()),
    ("model.empty-answer", ERROR, "showed nothing (plain)", examined(exchanges=(b.exchange("plain", SILENT),))),
    (
        "model.empty-answer",
        ERROR,
        "waits for a </think>",
        examined(exchanges=(b.exchange("plain", SILENT),), thinking=b.thinking(never_ends=True)),
    ),
    ("model.system-role", OK, "is taken", examined()),
    ("model.system-role", ERROR, "refused", examined(inline_system=b.exchange("inline-system", b.refused("no role")))),
    (
        "model.system-role",
        INFO,
        "refused",
        lambda: b.facts(
            b.snapshot(shell={"CLAUDE_CODE_MODEL_CAPABILITIES": "-mid_conv_system"}),
            deep=b.deep(inline_system=b.exchange("inline-system", b.refused("no role"))),
        ),
    ),
    ("model.compaction", OK, "compacted in time", known()),
    ("model.compaction", ERROR, "DISABLE_AUTO_COMPACT is on", seen(user={"env": {"DISABLE_AUTO_COMPACT": "1"}})),
    ("model.compaction", ERROR, "DISABLE_AUTO_COMPACT is on", seen(shell={"DISABLE_AUTO_COMPACT": "yes"})),
    ("model.compaction", OK, "compacted in time", seen(user={"env": {"DISABLE_AUTO_COMPACT": "0"}})),
    ("model.compaction", ERROR, "not even /compact", seen(shell={"DISABLE_COMPACT": "1"})),
    ("model.compaction", ERROR, "not even /compact", seen(env={"DISABLE_COMPACT": "1"})),
    ("model.compaction", ERROR, "autoCompactEnabled is false", seen(user={"autoCompactEnabled": False})),
    ("model.compaction", ERROR, "autoCompactEnabled is false", seen(auto_compact=False)),
    ("model.compaction", OK, "compacted in time", seen(auto_compact=False, keys={"autoCompactEnabled": True})),
    ("model.concurrency", SKIPPED, "does not say", known(server=replace(b.SERVER, kv_cache_concurrency=None))),
    ("model.concurrency", OK, "fit at once", known()),
    ("model.concurrency", WARNING, "is 1.3 full windows", known(server=replace(b.SERVER, kv_cache_concurrency=1.3))),
    (
        "model.concurrency",
        INFO,
        "is 1.3 full windows",
        lambda: b.facts(
            b.snapshot(env={"CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS": "1"}),
            server=replace(b.SERVER, kv_cache_concurrency=1.3),
        ),
    ),
    ("model.concurrency", WARNING, "has one slot", known(server=replace(b.SERVER, kv_cache_concurrency=None, slots=1))),
    ("model.concurrency", WARNING, "4 slots", known(server=replace(b.SERVER, kv_cache_concurrency=None, slots=4))),
    ("model.images", OK, "takes pictures, or none", examined()),
    ("model.images", WARNING, "takes no pictures (“no image", examined(images=b.blind())),
    (
        "model.images",
        OK,
        "takes pictures, or none",
        lambda: b.facts(b.snapshot(user={"permissions": {"deny": list(NO_PICTURES)}}), deep=b.deep(images=b.blind())),
    ),
    ("model.images", INFO, "is not known", examined(images=ImageFacts(b.exchange("i", b.refused("no disk"))))),
    ("model.images", SKIPPED, "ran out of time", examined(images=None)),
    ("model.web-search", OK, "or WebSearch is denied", examined()),
    ("model.web-search", WARNING, "cannot work", examined(web_search=b.search(SearchVerdict.REFUSED))),
    ("model.web-search", WARNING, "makes up comes back", examined(web_search=b.search(SearchVerdict.MADE_UP))),
    ("model.web-search", SKIPPED, "is not known", examined(web_search=b.search(SearchVerdict.UNKNOWN))),
    (
        "model.web-search",
        OK,
        "or WebSearch is denied",
        lambda: b.facts(
            b.snapshot(keys={"permissions": {"deny": ["WebSearch"], "defaultMode": "default"}}),
            deep=b.deep(web_search=b.search(SearchVerdict.REFUSED)),
        ),
    ),
    ("model.web-search", SKIPPED, "ran out of time", examined(web_search=None)),
    ("model.thinking", OK, "is taken", examined()),
    ("model.thinking", ERROR, "refused", examined(thinking=b.thinking(adaptive=b.exchange("a", b.refused("no"))))),
    ("model.thinking", WARNING, "<think>", examined(thinking=b.thinking(leaked=True))),
    (
        "model.thinking",
        ERROR,
        "with a budget",
        lambda: b.facts(
            b.snapshot(env=CLAUDE_NAMES),
            server=CLAUDE,
            deep=b.deep(thinking=b.thinking(enabled=b.exchange("e", b.refused("no")))),
        ),
    ),
    ("model.fields", OK, "are taken", examined()),
    ("model.fields", ERROR, "Extra inputs", examined(unknown_fields=b.exchange("u", b.refused("Extra inputs")))),
    (
        "model.fields",
        INFO,
        "leave them out",
        lambda: b.facts(
            b.snapshot(env={"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"}),
            deep=b.deep(unknown_fields=b.exchange("u", b.refused("Extra inputs"))),
        ),
    ),
    ("model.count-tokens", OK, "as it uses them", examined()),
    (
        "model.count-tokens",
        INFO,
        "does not count",
        examined(count=CountFacts(b.exchange("c", b.refused("404")), None, 9)),
    ),
    ("model.count-tokens", WARNING, "says 1,000", examined(count=CountFacts(b.exchange("c"), 1_000, 100))),
    # cache
    ("cache.attribution", OK, "begins alike", known()),
    (
        "cache.attribution",
        WARNING,
        "billing line",
        lambda: b.facts(b.snapshot(without=("CLAUDE_CODE_ATTRIBUTION_HEADER",)), server=b.server(version="0.18.0")),
    ),
    ("cache.prefix", OK, "98 % of 3,000 tokens, first token after 1.50 s, then 0.10 s", examined()),
    (
        "cache.prefix",
        ERROR,
        "computed again",
        examined(cache=b.cache(CacheVerdict.MISS, reuse=Reuse(0, 3_000, "metrics"))),
    ),
    ("cache.prefix", WARNING, "little was reused", examined(cache=b.cache(CacheVerdict.PARTIAL))),
    (
        "cache.prefix",
        WARNING,
        "only 30 %",
        examined(cache=b.cache(next_reuse=Reuse(930, 3_100, "metrics"))),
    ),
    ("cache.prefix", INFO, "does not tell", examined(cache=b.cache(CacheVerdict.UNKNOWN, reuse=None))),
    ("cache.prefix", SKIPPED, "not all answered", examined(cache=None)),
    ("cache.folders", OK, "reuse 80 %", examined()),
    (
        "cache.folders",
        WARNING,
        "reuse 7 % of the prefix; CLAUDE_CODE_DISABLE_AUTO_MEMORY=1 makes it 80 %. Claude Code then keeps no notes",
        examined(folders=b.folders(0.07, 0.8)),
    ),
    (
        "cache.folders",
        OK,
        "memory is off",
        lambda: b.facts(
            b.snapshot(env={"CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1"}), deep=b.deep(folders=b.folders(0.07, 0.8))
        ),
    ),
    ("cache.folders", SKIPPED, "does not tell", examined(folders=None)),
    # privacy
    ("privacy.destination", OK, "localhost:8000, and nothing to anybody else", known()),
    ("privacy.destination", INFO, "api.anthropic.com", lambda: b.facts(b.cloud(), server=None)),
    ("privacy.transport", OK, "encrypted", known()),
    ("privacy.transport", WARNING, "plain HTTP", seen(env={"ANTHROPIC_BASE_URL": LAN})),
    ("privacy.traffic", OK, "not report", known()),
    ("privacy.traffic", INFO, "usage events", seen(without=("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",))),
    ("privacy.plugins", OK, "no plugins", known()),
    (
        "privacy.plugins",
        INFO,
        "downloads.claude.ai",
        seen(without=("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL",)),
    ),
    ("privacy.web-fetch", OK, "nobody", known()),
    ("privacy.web-fetch", INFO, "WebFetch asks", seen(keys={"skipWebFetchPreflight": None})),
    ("privacy.login", OK, "no saved login", known()),
    ("privacy.login", INFO, "profile", seen(login={"claudeAiOauth": {"accessToken": "sk-ant-oat-1"}})),
    (
        "privacy.login",
        OK,
        "no saved login makes",
        seen(
            login={"claudeAiOauth": {"accessToken": "sk-ant-oat-1"}},
            without=("ANTHROPIC_BASE_URL",),
            user={"env": {"ANTHROPIC_BASE_URL": b.ENV["ANTHROPIC_BASE_URL"]}},
        ),
    ),
    ("privacy.telemetry", OK, "off", known()),
    (
        "privacy.telemetry",
        INFO,
        "without your prompts goes to collector:4318",
        seen(shell={"CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}),
    ),
    (
        "privacy.telemetry",
        WARNING,
        "prompts in full",
        seen(shell={"CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_LOG_USER_PROMPTS": "1"}),
    ),
)


def check(check_id: str) -> Check:
    return next(each for each in CHECKS if each.id == check_id)


def found_by(check_id: str, facts: Facts) -> tuple[Finding, ...]:
    return run(facts, [check(check_id)])


@looped(("check_id", "result", "words", "build"), CASES, ids=[f"{c[0]}-{c[1]}-{n}" for n, c in enumerate(CASES)])
def test_a_check_says_what_the_facts_show(
    check_id: str, result: Result, words: str, build: Callable[[], Facts]
) -> None:
    found = found_by(check_id, build())
    assert result in {finding.result for finding in found}, found
    assert any(words in finding.what for finding in found if finding.result is result), found
    assert worst(finding.result for finding in found) is not Result.FAILED


def test_every_check_has_a_case_where_all_is_well_and_one_where_it_is_not() -> None:
    fine = {check_id for check_id, result, _, _ in CASES if result is OK}
    not_fine = {check_id for check_id, result, _, _ in CASES if result not in (OK, SKIPPED)}
    assert fine == not_fine == {each.id for each in CHECKS}


@looped(("check_id", "result", "words", "build"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
def test_whatever_is_wrong_has_a_reason_and_a_fix(
    check_id: str, result: Result, words: str, build: Callable[[], Facts]
) -> None:
    for finding in found_by(check_id, build()):
        assert finding.why
        assert "\n" not in finding.what
        if finding.result.bad:
            assert finding.fix or "cannot be said" in finding.what or "cannot be checked" in finding.what, finding
        if finding.fixable:
            assert check(check_id).fixable
            assert finding.fix is not None
            assert finding.fix.startswith("claude-local doctor")
            assert f"--fix {check_id}" in finding.fix


def test_nothing_is_said_where_all_is_well() -> None:
    findings = run(b.facts(deep=b.deep(), owned=(Owned(b.LOCAL),)))
    assert [finding for finding in findings if finding.result not in (OK, SKIPPED)] == []
    assert {finding.id for finding in findings if finding.result is SKIPPED} == {"client.vscode", "server.open-routes"}


def test_the_cloud_is_not_a_fault() -> None:
    findings = run(b.facts(b.cloud(), server=None, hooks=()))
    assert not [finding for finding in findings if finding.result.bad]


def test_a_check_that_raises_is_a_result_of_its_own_and_the_others_are_heard() -> None:
    def raises(_: Facts) -> list[Any]:
        raise ZeroDivisionError("of all things")

    broken = replace(check("files.json"), find=raises)
    findings = run(b.facts(), [broken, check("files.values")])
    assert [finding.result for finding in findings] == [Result.FAILED, OK]
    assert "ZeroDivisionError: of all things" in findings[0].what
    assert findings[0].result.bad


def test_a_place_is_named_with_line_and_column() -> None:
    (finding,) = found_by("files.json", b.facts(b.snapshot(local=b.dropped('{\n  "env": {},\n}', "line 3"))))
    assert isinstance(finding.where, Place)
    assert str(finding.where) == f"{b.LOCAL}:2:12"


def test_a_secret_is_in_no_finding() -> None:
    secret = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"
    snapshot = b.snapshot(
        env={"ANTHROPIC_AUTH_TOKEN": secret, "MY_KEY": secret},
        shell={
            "ANTHROPIC_API_KEY": secret,
            "CLAUDE_CODE_OAUTH_TOKEN": secret,
            "ANTHROPIC_CUSTOM_HEADERS": f"x: {secret}",
        },
        login={"claudeAiOauth": {"accessToken": secret}},
    )
    facts = b.facts(
        snapshot,
        modes={b.LOCAL: 0o644},
        standings={b.LOCAL: Standing(True, True, False)},
        editors=(Editor(Path("s.json")),),
        server=b.server(state=State.NEEDS_KEY, problem="asks for a key"),
    )
    shown = repr([finding.as_json() for finding in run(facts)])
    assert "sk-a…wxyz" in shown
    assert secret not in shown


def test_ids_are_unique_and_belong_to_their_group_or_to_leaks() -> None:
    ids = [each.id for each in CHECKS]
    assert len(set(ids)) == len(ids)
    for each in CHECKS:
        prefix = each.id.partition(".")[0]
        assert prefix == each.group or (prefix, each.group) == ("leak", "credentials")


def test_checks_are_chosen_by_id_and_by_group() -> None:
    assert [each.id for each in chosen(["leak.login", "cache"])][:2] == ["leak.login", "cache.attribution"]
    assert chosen([]) == CHECKS


@pytest.mark.parametrize(("name", "near"), [("modle", "model"), ("leak.shell-key", "leak.shell-"), ("xyz", "--list")])
def test_an_unknown_check_is_a_usage_error_with_the_nearest_name(name: str, near: str) -> None:
    with pytest.raises(UsageError) as raised:
        chosen([name])
    assert near in str(raised.value.hint)


@looped(
    ("changes", "fix"),
    [
        pytest.param({}, "restart vLLM with --enable-auto-tool-choice --tool-call-parser qwen3_coder", id="vLLM"),
        pytest.param(
            {"tools": b.tools(ToolVerdict.PROSE, call_format="hermes")},
            "restart vLLM with --enable-auto-tool-choice --tool-call-parser hermes",
            id="what was seen beats the name",
        ),
        pytest.param({"kind": "llama.cpp"}, "restart llama-server with --jinja", id="llama.cpp"),
        pytest.param({"kind": "ollama"}, "use a model whose chat template has tools", id="Ollama"),
        pytest.param({"kind": "sglang"}, "restart SGLang with --tool-call-parser qwen3_coder", id="SGLang"),
        pytest.param(
            {"kind": "litellm"},
            "behind it: vLLM with --enable-auto-tool-choice --tool-call-parser qwen3_coder, llama.cpp with",
            id="LiteLLM",
        ),
        pytest.param({"root": None, "model": "mine"}, "vllm serve --help=tool-call-parser", id="an unknown family"),
        pytest.param({"root": None, "model": "gemma-4"}, "the model's card knows better", id="an uncertain family"),
    ],
)
def test_the_fix_of_an_unread_tool_call_fits_the_server_and_the_model(changes: dict[str, Any], fix: str) -> None:
    facts = b.facts(deep=b.deep(**{"tools": b.tools(ToolVerdict.SWALLOWED), **changes}))
    (finding,) = found_by("model.tool-calls", facts)
    assert finding.result is ERROR
    assert fix in (finding.fix or "")


def test_no_speed_is_claimed_of_an_answer_that_came_in_lumps() -> None:
    lumps = b.exchange("streamed", b.reply(streamed=True, gaps=(0.0, 0.4), ended=0.6, usage=Usage(9, 200)))
    (finding,) = found_by("server.speed", b.facts(deep=b.deep(streamed=lumps)))
    assert "tokens a second" not in finding.what


@pytest.mark.parametrize(("check_id", "changes"), [
    ("model.images", {"images": b.blind()}),
    ("model.web-search", {"web_search": b.search(SearchVerdict.REFUSED)}),
])  # fmt: skip
def test_what_another_server_cannot_take_is_not_denied_to_the_sessions_here(check_id: str, changes: Any) -> None:
    elsewhere = b.facts(b.cloud(), hooks=(), url=b.URL, elsewhere=True, deep=b.deep(**changes))
    (found,) = found_by(check_id, elsewhere)
    first = f"claude-local enable --url {b.URL}"
    assert (found.fixable, found.fix) == (False, f"{first} && claude-local doctor --deep --fix {check_id}")
