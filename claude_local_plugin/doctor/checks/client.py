"""Checks of Claude Code itself: its version, its modes and questions, its patience, and its extension in VS Code."""

import json
from collections.abc import Iterator

from claude_local_plugin.client_config.build import SLOW_PREFILL_MS
from claude_local_plugin.core.shell import command, edit, piped
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.checks.precedence import for_the_user
from claude_local_plugin.doctor.facts import Editor, Facts
from claude_local_plugin.doctor.fixers import WITHOUT_BETAS, as_enable_plans, variable, writes
from claude_local_plugin.doctor.model import Check, Found, OwnFix, Place, Result, exported, place_of
from claude_local_plugin.doctor.speed import Speed, speed_of
from claude_local_plugin.precedence import (
    VERIFIED_SPAN,
    Scope,
    effective,
    winning,
)
from claude_local_plugin.precedence.table import is_verified
from claude_local_plugin.precedence.warnings import is_early
from claude_local_plugin.servers import advice, well_known
from claude_local_plugin.servers.advisories import REVIEWED_ON, knows, matching, of_client
from claude_local_plugin.servers.compatibility import depends_on_version
from claude_local_plugin.servers.kinds.kind import Pair
from claude_local_plugin.text import mask_secret

#: Claude Code's own choices where nothing is set (observed on 2.1.329): retries, and milliseconds.
DEFAULT_RETRIES = 10
DEFAULT_TIMEOUT_MS = 600_000
DEFAULT_IDLE_MS = 300_000
#: More retries than this keep a dead server silent for minutes: each waits twice as long as the one before.
PATIENT_RETRIES = 4
#: A whole request with less time than this is cut off by a server that merely starts.
SHORTEST_TIMEOUT_MS = 60_000


def _installed(facts: Facts) -> Iterator[Found]:
    if facts.client_path is None:
        yield Found(
            Result.WARNING,
            "there is no claude on your PATH",
            None,
            piped(command("curl", "-fsSL", "https://claude.ai/install.sh"), command("bash")),
        )
    elif facts.snapshot.client_version is None:
        what = f"{facts.client_path} does not tell its version without being run"
        yield Found(Result.INFO, what, None, command("claude", "--version"))


def _with_a_version(facts: Facts) -> str | None:
    """A claude is installed, and its version can be told without running it."""
    return None if facts.snapshot.client_version else "there is no claude here whose version can be told"


def _version(facts: Facts) -> Iterator[Found]:
    version, answers = facts.snapshot.client_version, facts.snapshot.answers
    if version is None:
        where = "there is no claude on your PATH" if facts.client_path is None else f"{facts.client_path} does not tell"
        yield Found(Result.SKIPPED, f"no version was seen: {where}")
        return
    if is_verified(version) or (answers is not None and answers.complete):
        return
    yield Found(
        Result.INFO,
        f"Claude Code {version} is installed; our rules are verified against {VERIFIED_SPAN}",
        None,
        command("claude-local", "verify"),
    )


def _known_bad(facts: Facts) -> Iterator[Found]:
    server, needs = facts.server, facts.needs
    if server is None or preconditions.answering(facts):
        # the server was not heard: what is known of the client alone holds all the same
        for pair in of_client(facts.snapshot.client_version):
            yield _pair(pair)
        yield Found(Result.SKIPPED, "the server did not answer, so nothing is known of this pair")
        return
    kind = server.behaves_as
    label = f"{well_known.label(server.kind)} {server.version or '(version unknown)'}"
    if needs.too_old:
        why = f"{label} cannot hold a session"
        yield Found(Result.ERROR, needs.too_old, None, advice.messages_api(server), why=why)
    if needs.model_capabilities and "mid_conv_system" not in facts.env.get("CLAUDE_CODE_MODEL_CAPABILITIES", ""):
        value, reason = needs.model_capabilities
        yield Found(Result.WARNING, reason, None, exported(facts, "CLAUDE_CODE_MODEL_CAPABILITIES", value))
    deferring = not facts.is_on("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS")
    if needs.disable_betas and deferring and effective(facts.snapshot, "env.ENABLE_TOOL_SEARCH") != "false":
        known = server.version is not None and depends_on_version(kind, "disable_betas")
        fixable = not facts.elsewhere and facts.own_server
        yield Found(
            Result.WARNING if known else Result.INFO,
            needs.disable_betas,
            None,
            OwnFix() if fixable else facts.enable(),
        )
    if needs.thinking_ignored:
        yield Found(Result.INFO, needs.thinking_ignored, None, advice.upgrade(kind))
    served = tuple(name for model in server.models for name in (model.name, model.root or ""))
    for pair in matching(kind, server.version, served, facts.snapshot.client_version):
        yield _pair(pair)
    if server.version is None and knows(kind):
        yield Found(Result.SKIPPED, f"{well_known.label(kind)} does not tell its version, which is what is known about")


def _pair(pair: Pair) -> Found:
    result = Result.ERROR if pair.severity == "error" else Result.WARNING
    return Found(result, pair.what, pair.source, pair.fix, why=pair.why)


def _auto_mode(facts: Facts) -> Iterator[Found]:
    mode = effective(facts.snapshot, "permissions.defaultMode")
    if effective(facts.snapshot, "permissions.disableAutoMode") == "disable" or mode not in (None, "", "auto"):
        return
    winner = winning(facts.snapshot, "permissions.defaultMode")
    what = "sessions start in auto mode, whose safety check runs at Anthropic: the first tool call stops the turn"
    fixable = winner is None or winner.scope not in (Scope.MANAGED, Scope.FLAG)
    fix = OwnFix() if fixable else "ask whoever manages this machine"
    yield Found(Result.ERROR, what, place_of(winner), fix)


def _onboarding(facts: Facts) -> Iterator[Found]:
    if facts.snapshot.onboarded or is_early(facts.snapshot):
        return
    what = "Claude Code has not finished its first start, and a project's file is applied only after it"
    yield Found(Result.INFO, what, None, f"{command('claude')}   (once, online), or {for_the_user(facts)}")


def _trust(facts: Facts) -> Iterator[Found]:
    if facts.snapshot.trusted or is_early(facts.snapshot):
        return
    answered = "was answered with No" if facts.snapshot.trusted is False else "has not been asked yet"
    what = f"whether you trust this folder {answered}; an interactive session asks before it reads these settings"
    yield Found(
        Result.INFO, what, None, f"{command('claude')}   (and choose Yes: the question's default is “No, exit”)"
    )


# --- patience


def _retries(facts: Facts) -> Iterator[Found]:
    number = facts.number("CLAUDE_CODE_MAX_RETRIES")
    retries = DEFAULT_RETRIES if number is None else number
    if retries <= PATIENT_RETRIES:
        return
    said = f"{retries} times" if number is not None else f"{DEFAULT_RETRIES} times, its default"
    yield Found(
        Result.WARNING,
        f"Claude Code asks a server that is down or refuses the key {said}, and says nothing meanwhile",
        place_of(winning(facts.snapshot, "env.CLAUDE_CODE_MAX_RETRIES")),
        OwnFix(),
    )


def _timeouts(facts: Facts) -> Iterator[Found]:
    for name, default, what in (
        ("API_TIMEOUT_MS", DEFAULT_TIMEOUT_MS, "a whole request"),
        ("CLAUDE_STREAM_IDLE_TIMEOUT_MS", DEFAULT_IDLE_MS, "a silent stream"),
    ):
        chosen = facts.number(name)
        # the stream's watchdog is never more impatient than its default
        patience = default if chosen is None else max(chosen, default) if "IDLE" in name else chosen
        if name == "API_TIMEOUT_MS" and patience < SHORTEST_TIMEOUT_MS:
            yield _impatient(facts, name, f"{name} gives {what} {patience / 1000:g} seconds")
        elif (speed := speed_of(facts)) is not None and patience / 1000 < speed.seconds_for_window:
            yield _impatient(facts, name, f"{name} gives {what} {patience / 1000:g} seconds, and {_reading(speed)}")
    speed = speed_of(facts)
    forced = effective(facts.snapshot, "env.API_FORCE_IDLE_TIMEOUT")
    if speed is not None and forced != "0" and speed.seconds_for_window > DEFAULT_IDLE_MS / 1000:
        what = f"a body that is silent for five minutes is cut off, and {_reading(speed)}"
        yield _impatient(facts, "API_FORCE_IDLE_TIMEOUT", what)


def _reading(speed: Speed) -> str:
    return (
        f"reading a full window of {speed.window:,} tokens takes this server about {speed.seconds_for_window:,.0f}"
        f" seconds ({speed.tokens_per_second:,.0f} tokens a second)"
    )


def _impatient(facts: Facts, name: str, what: str) -> Found:
    return Found(
        Result.WARNING,
        what,
        place_of(winning(facts.snapshot, f"env.{name}")),
        OwnFix(options=("--deep",) if facts.deep is not None else ()),
    )


#: What gives a server time that reads long prompts slowly.
_PATIENCE = (
    variable("API_TIMEOUT_MS", SLOW_PREFILL_MS, "reading a long prompt takes this server long"),
    variable("API_FORCE_IDLE_TIMEOUT", "0", "else a body that is silent for five minutes is cut off"),
    variable("CLAUDE_STREAM_IDLE_TIMEOUT_MS", SLOW_PREFILL_MS, "reading a long prompt takes this server long"),
)


# --- VS Code


def _vscode(facts: Facts) -> Iterator[Found]:
    configured = next((each for each in facts.editors if each.environment is not None), None)
    if configured is not None:
        yield from _against(facts, configured)
        return
    for editor in facts.editors:
        if editor.problem:
            yield Found(
                Result.WARNING, editor.problem, Place(editor.path), edit(str(editor.path), None, facts.snapshot.shell)
            )
            return
    editor = facts.editors[0]
    missing = "" if editor.login_prompt_off else "; without it the extension may ask you to log in"
    what = f"VS Code is in use, and its settings do not tell Claude Code's extension of your server{missing}"
    yield Found(Result.INFO, what, Place(editor.path), f"add to it: {snippet(facts)}")


def _against(facts: Facts, editor: Editor) -> Iterator[Found]:
    environment = editor.environment or {}
    target = parse_url(environment.get("ANTHROPIC_BASE_URL", ""))
    if target is not None and facts.backend.target is not None and target.url != facts.backend.target.url:
        what = f"the extension is told of {target.label}, sessions here go to {facts.backend.target.label}"
        yield Found(Result.WARNING, what, Place(editor.path), f"change it to: {snippet(facts)}")
    elif not editor.login_prompt_off:
        what = "the extension may ask you to log in"
        yield Found(Result.INFO, what, Place(editor.path), 'add to it: "claudeCode.disableLoginPrompt": true')


def snippet(facts: Facts) -> str:
    """What belongs into VS Code's settings.json, on one line, a secret in it masked."""
    token = facts.env.get("ANTHROPIC_AUTH_TOKEN", "")
    wanted = {"ANTHROPIC_BASE_URL": facts.env.get("ANTHROPIC_BASE_URL", ""), "ANTHROPIC_AUTH_TOKEN": mask_secret(token)}
    listed = [{"name": name, "value": value} for name, value in wanted.items()]
    settings = {"claudeCode.environmentVariables": listed, "claudeCode.disableLoginPrompt": True}
    return json.dumps(settings, ensure_ascii=False)[1:-1]


def _has_editor(facts: Facts) -> str | None:
    return preconditions.own_server(facts) or (None if facts.editors else "VS Code is not in use here")


CHECKS = (
    Check(
        id="client.installed",
        group="client",
        said=("start",),
        asks="is Claude Code installed?",
        fine="Claude Code is installed",
        why="without it nothing here is used, and without its version we take the newest rules",
        finds="`claude` on the PATH, and its version as its installation tells it (it is not run).",
        remedy="Install Claude Code, or put its folder on the PATH.",
        find=_installed,
    ),
    Check(
        id="client.version",
        group="client",
        said=("update",),
        asks="is this version of Claude Code one our rules were verified against?",
        fine="our rules were verified against this version",
        why="what settings mean has changed between versions",
        finds=f"A version outside of {VERIFIED_SPAN} that was not asked itself either.",
        remedy="`claude-local verify` asks your own Claude Code whether the rules hold for it.",
        find=_version,
        covers=("version.unverified",),
        preconditions=(_with_a_version,),
    ),
    Check(
        id="client.known-bad",
        group="client",
        said=("update",),
        asks="do this Claude Code and this server get on with each other?",
        fine="nothing is known against this pair of client and server",
        why="requests are refused or misread, and the session stumbles over it",
        finds=(
            "Versions of servers that refuse or misread what Claude Code sends, versions of Claude Code that other"
            " servers than Anthropic's refuse, and releases that nobody should run;"
            f" from tables that were reviewed on {REVIEWED_ON}."
        ),
        remedy="A newer server is always the best cure; `--fix` writes the settings that help with an older one.",
        find=_known_bad,
        preconditions=(preconditions.own_server_or_answering,),
        fix=writes(*WITHOUT_BETAS),
    ),
    Check(
        id="client.auto-mode",
        group="client",
        said=("permissions",),
        asks="can tools be used on this server?",
        fine="sessions do not start in auto mode",
        why="the session answers, and then cannot do anything",
        finds="Auto mode, which is Claude Code's default: its safety check exists on Anthropic's servers only.",
        remedy="`--fix` writes permissions.defaultMode “default”.",
        find=_auto_mode,
        preconditions=(preconditions.own_server,),
        fix=as_enable_plans("permissions.defaultMode"),
    ),
    Check(
        id="client.onboarding",
        group="client",
        said=("start", "login"),
        asks="does a first start work offline?",
        fine="a start does not need Anthropic",
        why="an interactive first start stops at “Unable to connect to Anthropic services” when it is offline",
        finds="A first start that was never finished, while only a project's file names the server.",
        remedy="Start claude once online, or enable at user scope.",
        find=_onboarding,
        covers=("start.onboarding",),
        preconditions=(preconditions.own_server,),
    ),
    Check(
        id="client.trust",
        group="client",
        said=("start", "trust"),
        asks="is this folder trusted?",
        fine="this folder is trusted, or need not be",
        why="an interactive session in a folder that is not trusted reads no settings and runs no hooks",
        finds="The recorded answer to the trust dialog. `claude -p` does not ask.",
        remedy="Start claude here and choose Yes.",
        find=_trust,
        preconditions=(preconditions.own_server,),
    ),
    Check(
        id="client.retries",
        group="client",
        said=("hang", "timeout"),
        asks="does a dead server show soon?",
        fine="a dead server shows within seconds",
        why="with ten retries a server that is off looks like one that thinks for three minutes",
        finds=f"`CLAUDE_CODE_MAX_RETRIES` unset, which means {DEFAULT_RETRIES}, or set above {PATIENT_RETRIES}.",
        remedy="`--fix` writes 2.",
        find=_retries,
        preconditions=(preconditions.own_server,),
        fix=writes(variable("CLAUDE_CODE_MAX_RETRIES", "2", "so that a dead server shows within seconds")),
    ),
    Check(
        id="client.timeouts",
        group="client",
        said=("hang", "timeout", "slow"),
        asks="is Claude Code as patient as this server is slow?",
        fine="Claude Code is patient enough, as far as it is known how fast the server reads",
        why="a long prompt is cut off before its first token, and sent again",
        finds=(
            "`API_TIMEOUT_MS`, `CLAUDE_STREAM_IDLE_TIMEOUT_MS` and `API_FORCE_IDLE_TIMEOUT` against the time the server"
            " needs to read a full window, at the speed that `--deep` measures."
        ),
        remedy="`--fix` writes half an hour, the most that Claude Code accepts.",
        find=_timeouts,
        preconditions=(preconditions.own_server,),
        fix=writes(*_PATIENCE),
    ),
    Check(
        id="client.vscode",
        group="client",
        said=("vscode", "editor"),
        asks="does Claude Code's extension in VS Code know the server?",
        fine="VS Code's extension knows the server",
        why="the extension reads its own settings before it decides whether you must log in",
        finds="`claudeCode.environmentVariables` and `claudeCode.disableLoginPrompt` in VS Code's settings.",
        remedy="Add the lines that are printed to VS Code's settings.json; put the real key in place of a masked one.",
        find=_vscode,
        preconditions=(_has_editor,),
    ),
)
