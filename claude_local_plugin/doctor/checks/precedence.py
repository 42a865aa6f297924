"""Checks of where sessions here go: who wins, and what keeps them from going where they are meant to."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from claude_local_plugin.client_config.build import PROVIDER_SWITCHES
from claude_local_plugin.core.claude import js_string
from claude_local_plugin.core.endpoint import PROXY_VARIABLES
from claude_local_plugin.core.env_rules import routed_by_host
from claude_local_plugin.core.settings_files import routed_by
from claude_local_plugin.core.shell import Words, command, edit
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.explained import explained, not_explained_by
from claude_local_plugin.doctor.facts import Facts, Owned
from claude_local_plugin.doctor.fixers import as_enable_plans
from claude_local_plugin.doctor.model import Check, Found, OwnFix, Place, Result, fix_command, place_of
from claude_local_plugin.doctor.repair import repairable
from claude_local_plugin.precedence import Candidate, FileState, Scope, SettingsFile, candidates, winning
from claude_local_plugin.servers.urls import UrlError, is_loopback, normalise
from claude_local_plugin.settings.document import same
from claude_local_plugin.text import short_path

#: What points a folder at a server that we know nothing of.
ANY = command("claude-local", "enable", "--url", Words("URL"))
#: Providers with which the base URL counts.
HEARS_BASE_URL = ("anthropic", "gateway")


def _starts(facts: Facts) -> Iterator[Found]:
    resolution = facts.resolution
    if resolution.outcome == "refused":
        what = f"Claude Code would refuse to start here: {resolution.outcome_reason}"
        yield Found(Result.ERROR, what, None, _way_to_start(resolution.outcome_reason))
    elif resolution.outcome == "not_logged_in":
        yield Found(
            Result.ERROR,
            resolution.outcome_reason,
            None,
            f"{ANY}   (or, for the cloud: {command('claude', '/login')})",
        )
    elif resolution.outcome == "login_unusable":
        yield Found(Result.ERROR, f"no request is sent: {resolution.outcome_reason}", None, ANY)


def _way_to_start(reason: str) -> str:
    """What to do about a refusal: a proxy of one's own can be put right, the rest is the administrator's."""
    name = reason.partition(" ")[0]
    if name.lower() in ("http_proxy", "https_proxy") and "exported in the shell" in reason:
        return command("unset", name)
    return "write the proxy there with its scheme" if "_proxy" in name.lower() else "ask whoever manages this machine"


def _endpoint(facts: Facts) -> Iterator[Found]:
    decision = facts.resolution.decisions["base_url"]
    if facts.own_server:
        yield Found(Result.OK, f"sessions here talk to {_own_host(facts)}", place_of(decision.winner))
        return
    if facts.backend.target is None and not facts.backend.cloud:
        yield Found(Result.SKIPPED, "the base URL cannot be used: see precedence.url")
        return
    meant = next(
        (owned for owned in facts.owned if any(path[-1] == "ANTHROPIC_BASE_URL" for path, _ in owned.lines)), None
    )
    dropped = next((each for each in facts.settings if _names_a_server(each.state, each.text)), None)
    if meant is not None and (dropped is None or dropped.path != meant.path):
        what = f"enable wrote a server of yours here, and sessions go to {facts.backend.kind}: {decision.sentence}"
        yield Found(Result.ERROR, what, Place(meant.path), enabling(facts, meant))
    elif dropped is not None and dropped.path is not None:
        what = f"a dropped file names a server of yours, and sessions go to {facts.backend.kind}"
        yield Found(Result.ERROR, what, Place(dropped.path), _counting_again(facts, dropped, dropped.path))
    else:
        what = f"sessions here go to {facts.backend.kind}: {decision.sentence}"
        yield Found(Result.INFO, what, place_of(decision.winner), ANY)


def _counting_again(facts: Facts, dropped: SettingsFile, path: Path) -> str:
    """The command that has a dropped file count again, or opens it where only its owner can fix it."""
    return fix_command("files.json") if repairable(dropped) else edit(str(path), None, facts.snapshot.shell)


def _names_a_server(state: FileState, text: str) -> bool:
    return state is FileState.DROPPED and "ANTHROPIC_BASE_URL" in text


def _own_host(facts: Facts) -> str:
    return facts.backend.target.label if facts.backend.target else facts.host


def _beaten(facts: Facts) -> Iterator[Found]:
    host = routed_by(facts.snapshot.shell, facts.snapshot.client_version)
    for owned in facts.owned:
        decided = False
        for path, value in owned.lines:
            if path in owned.edited or path[0] == "hooks":
                continue
            key = ".".join(path)
            winner = winning(facts.snapshot, key)
            if winner is None or winner.path == owned.path or same(js_string(value), winner.value):
                continue
            if not any(each.path == owned.path for each in candidates(facts.snapshot, key)):
                continue  # it was taken out, or its file is dropped: then nothing beats it
            if host and path[0] == "env" and routed_by_host(path[1]):
                decided = True
                continue
            what = f"{path[-1]}, which enable wrote, has no effect: {_place(facts, winner)} sets it and is stronger"
            yield Found(Result.ERROR, what, place_of(winner), command("claude-local", "explain-precedence", path[-1]))
        if decided:
            what = f"{host} is set in the environment, which decides about endpoint, credential and model instead"
            yield Found(Result.WARNING, what, "the shell", command("unset", host))


def _place(facts: Facts, candidate: Candidate) -> str:
    place = place_of(candidate)
    if not isinstance(place, Place):
        return str(place)
    return place.of(short_path(place.path, cwd=facts.snapshot.cwd, home=facts.snapshot.home))


def enabling(facts: Facts, owned: Owned, *options: str) -> str:
    """The command that writes into this file again what `enable` wrote there for its server."""
    url = next((str(value) for path, value in owned.lines if path == ("env", "ANTHROPIC_BASE_URL")), None)
    scope = next((each.scope for each in facts.settings if each.path == owned.path), Scope.LOCAL)
    return command(
        "claude-local",
        "enable",
        *(("--url", url) if url else ()),
        *(() if scope is Scope.LOCAL else ("--scope", scope)),
        *options,
    )


def for_the_user(facts: Facts) -> str:
    """The command that has every session of the user's go to the server that sessions here use."""
    url = facts.backend.target.url if facts.own_server and facts.backend.target else None
    return command("claude-local", "enable", *(("--url", url) if url else ()), "--scope", "user")


def _shell(facts: Facts) -> Iterator[Found]:
    for name, result in (("ANTHROPIC_BASE_URL", Result.WARNING), ("ANTHROPIC_MODEL", Result.INFO)):
        exported = facts.snapshot.shell.get(name)
        winner = winning(facts.snapshot, f"env.{name}")
        if not exported or winner is None or winner.scope is Scope.SHELL or winner.value == exported:
            continue
        yield Found(
            result,
            f"{name} is exported in your shell, and {_place(facts, winner)} beats it",
            place_of(winner),
            f"{command('unset', name)}   (or take it out of that file, if the shell is to decide)",
        )


def _url(facts: Facts) -> Iterator[Found]:
    decision = facts.resolution.decisions["base_url"]
    if facts.resolution.value("provider") not in HEARS_BASE_URL or decision.winner is None or not decision.value:
        return
    try:
        normalise(decision.value)
    except UrlError as error:
        key = ("--token-env", Words("VARIABLE")) if error.wants_key else ()
        yield Found(
            Result.ERROR,
            error.message.replace("the URL", "the base URL", 1),
            place_of(decision.winner),
            facts.enable(error.offer, *key) if error.offer else error.hint or ANY,
        )


def _proxy(facts: Facts) -> Iterator[Found]:
    target = facts.backend.target
    if target is None or not facts.backend.proxied:
        return
    name = next(name for name in PROXY_VARIABLES if facts.env.get(name))
    near = is_loopback(target.host) or target.nearby
    where = place_of(winning(facts.snapshot, f"env.{name}"))
    if near:
        what = f"{name} is set, and Claude Code would ask that proxy for {target.label}, which only this network knows"
        yield Found(Result.ERROR, what, where, OwnFix())
    else:
        what = f"{name} is set, so requests to {target.label} go through that proxy"
        yield Found(Result.INFO, what, where, OwnFix())


def _provider(facts: Facts) -> Iterator[Found]:
    decision = facts.resolution.decisions["provider"]
    wanted = winning(facts.snapshot, "env.ANTHROPIC_BASE_URL")
    if decision.value in HEARS_BASE_URL or wanted is None or not wanted.value:
        return
    fixable = decision.winner is not None and decision.winner.scope not in (Scope.MANAGED, Scope.FLAG)
    yield Found(
        Result.ERROR,
        f"sessions go to {decision.value}, not to the base URL: {decision.sentence}",
        place_of(decision.winner),
        OwnFix() if fixable else "ask whoever manages this machine",
    )


#: A sign-in at a gateway, as explain knows it.
_SIGN_IN = ("gateway.expires", "gateway.sign-in", "gateway.unnamed", "gateway.unused")


CHECKS = (
    Check(
        id="precedence.starts",
        group="precedence",
        said=("start",),
        asks="would a session start here at all?",
        fine="a session would start here",
        why="nothing else matters before this",
        finds="Administrator's settings that refuse the configuration, and no key, token, helper or login at all.",
        remedy="`claude-local enable` writes a token; a refusal is for whoever manages the machine.",
        find=_starts,
    ),
    Check(
        id="precedence.endpoint",
        group="precedence",
        said=("address", "where", "cloud"),
        asks="do sessions here go to the server they are meant to go to?",
        fine="sessions here go to the server they are meant to go to",
        why="prompts and code go where this says",
        finds="Where a session goes, who says so, and whether that is what enable wrote or a dropped file wanted.",
        remedy="`claude-local explain-precedence` shows every source; `claude-local enable` writes your strongest.",
        find=_endpoint,
    ),
    Check(
        id="precedence.beaten",
        group="precedence",
        said=("ignored",),
        asks="does everything that enable wrote have its effect?",
        fine="everything that enable wrote has its effect",
        why="the session uses the other value",
        finds="Keys that enable wrote and a stronger scope (managed settings, another local file) sets differently.",
        remedy="Take the key out of the stronger place that is named, or enable in that scope.",
        find=_beaten,
    ),
    Check(
        id="precedence.shell",
        group="precedence",
        said=("export", "ignored", "address"),
        asks="does the shell's address count, if it exports one?",
        fine="no export is silently beaten",
        why="a settings file's env beats the shell, contrary to what most guides say",
        finds="`ANTHROPIC_BASE_URL` or `ANTHROPIC_MODEL` exported with another value than the one that counts.",
        remedy="Unset the variable, or take it out of the file; `claude --settings` beats every file but managed ones.",
        find=_shell,
    ),
    Check(
        id="precedence.url",
        group="precedence",
        said=("address", "connection"),
        asks="is the base URL one that Claude Code can use?",
        fine="the base URL is one that Claude Code can use",
        why="Claude Code appends /v1/messages to it as it stands, so every request fails or goes astray",
        finds="A path that goes too far (`/v1`), no scheme, no host, blanks, a query, or a password in the URL.",
        remedy="`claude-local enable --url` with the address that is offered.",
        find=_url,
        covers=(
            "url.exchange",
            "url.invalid",
            "url.query",
            "url.v1",
        ),
    ),
    Check(
        id="precedence.proxy",
        group="precedence",
        said=("proxy", "connection", "slow"),
        asks="is a proxy in the way?",
        fine="no proxy is in the way",
        why="Claude Code sends even loopback requests to a proxy unless NO_PROXY names the host",
        finds="A proxy variable of the shell or a settings file that NO_PROXY does not exempt your server from.",
        remedy="`--fix` writes NO_PROXY with your server's host added.",
        find=_proxy,
        covers=("proxy.in-the-way",),
        preconditions=(preconditions.own_server,),
        fix=as_enable_plans("env.NO_PROXY", "env.no_proxy"),
    ),
    Check(
        id="precedence.provider",
        group="precedence",
        said=("bedrock", "vertex", "cloud"),
        asks="does a provider switch beat the base URL?",
        fine="no provider switch is on beside a base URL",
        why="Bedrock, Vertex and the other switches win over ANTHROPIC_BASE_URL",
        finds="`CLAUDE_CODE_USE_…` that is on while a base URL is set.",
        remedy="`--fix` sets the switch to the empty string, which switches it off here.",
        find=_provider,
        covers=("provider.beats-url",),
        fix=as_enable_plans(*(f"env.{switch}" for switch in PROVIDER_SWITCHES)),
    ),
    Check(
        id="precedence.sign-in",
        group="precedence",
        said=("login", "cloud"),
        asks="does a sign-in at a Claude apps gateway take sessions elsewhere?",
        fine="no sign-in at a Claude apps gateway is kept here",
        why="a sign-in comes before every address, key and provider, and its end moves sessions without a word",
        finds="A sign-in that is used, one that has expired or that nobody names, one that cannot be renewed, and an"
        " administrator's `forceLoginMethod` without `forceLoginGatewayUrl`.",
        remedy="`claude auth logout` ends the sign-in.",
        find=explained(*_SIGN_IN),
        covers=_SIGN_IN,
    ),
    Check(
        id="precedence.late",
        group="precedence",
        said=("slow", "start", "offline"),
        asks="does each start ask Anthropic first?",
        fine="a start asks nobody else first",
        why="offline that costs about 19 seconds at every start, and the credential goes to Anthropic",
        finds="A credential in the shell while only a project's file names the server.",
        remedy="Unset the credential, or enable at user scope, which is applied early.",
        find=explained("start.late-url"),
        covers=("start.late-url",),
        preconditions=(preconditions.own_server,),
    ),
)


def other(checks: Iterable[Check]) -> Check:
    """The check that says whatever explain warns of and none of these checks stands for here."""
    return Check(
        id="precedence.other",
        group="precedence",
        asks="is there anything else that explain-precedence warns of?",
        fine="explain-precedence has nothing else to say",
        why="the session may not do what its settings seem to say",
        finds="The warnings of `explain-precedence` that no check stands for, or one that is skipped here.",
        remedy="What the warning names; `claude-local explain-precedence` has the whole picture.",
        find=not_explained_by(checks),
    )
