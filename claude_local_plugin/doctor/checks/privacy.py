"""Checks of what leaves the machine: where prompts go, over what, and what Claude Code sends to others besides."""

from collections.abc import Callable, Iterable, Iterator

from claude_local_plugin.client_config.model import Line
from claude_local_plugin.core.shell import command, home_path, with_variable
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import Fixer, variable, writes
from claude_local_plugin.doctor.model import Check, Found, OwnFix, Result, exported, place_of
from claude_local_plugin.precedence import FileState, Scope, effective, winning
from claude_local_plugin.servers.urls import is_plain_http_remote

NONESSENTIAL = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"
MARKETPLACE = "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL"
#: Single switches that each take something away from what NONESSENTIAL covers.
TELEMETRY_SWITCHES = ("DISABLE_TELEMETRY",)


def _destination(facts: Facts) -> Iterator[Found]:
    if not facts.own_server:
        provider = facts.resolution.value("provider")
        where = "api.anthropic.com" if provider == "anthropic" else provider
        yield Found(Result.INFO, f"prompts and code go to {where}", None, why="this folder uses the cloud")
        return
    target = facts.backend.target
    assert target is not None
    if not _others(facts):
        yield Found(Result.OK, f"prompts and code go to {target.label}, and nothing to anybody else")


def _others(facts: Facts) -> bool:
    ways = (_traffic, _marketplace, _web_fetch, _login, _telemetry)
    return any(found.result is not Result.OK for find in ways for found in find(facts))


def _transport(facts: Facts) -> Iterator[Found]:
    target = facts.backend.target
    if target is None or not is_plain_http_remote(target.url):
        return
    tunnel = command("ssh", "-N", "-L", f"{target.port}:localhost:{target.port}", "--", target.host)
    local = f"http://localhost:{target.port}{target.path}"
    yield Found(
        Result.WARNING,
        f"plain HTTP: anyone on the path between here and {target.label} can read your code and prompts",
        place_of(facts.resolution.decisions["base_url"].winner),
        f"{tunnel}   then: {facts.enable(local, *facts.for_another_address())}",
    )


def _traffic(facts: Facts) -> Iterator[Found]:
    if facts.env.get(NONESSENTIAL):
        return
    without = all(facts.env.get(name) for name in TELEMETRY_SWITCHES)
    what = "api.anthropic.com is told of every start" + ("" if without else " and gets usage events")
    yield Found(
        Result.INFO,
        f"{what}; an interactive session asks raw.githubusercontent.com and registry.npmjs.org for updates",
        None,
        OwnFix(),
    )


def _marketplace(facts: Facts) -> Iterator[Found]:
    if not facts.env.get(MARKETPLACE):
        what = "an interactive session fetches the official plugins from downloads.claude.ai and github.com"
        yield Found(Result.INFO, what, None, OwnFix())


def _web_fetch(facts: Facts) -> Iterator[Found]:
    if effective(facts.snapshot, "skipWebFetchPreflight") != "true":
        what = "WebFetch asks api.anthropic.com about the host of every page it is to read"
        yield Found(Result.INFO, what, None, OwnFix())


def _login(facts: Facts) -> Iterator[Found]:
    login = next((each for each in facts.snapshot.of(Scope.LOGIN) if each.data and each.state is FileState.READ), None)
    base = facts.resolution.decisions["base_url"].winner
    is_late = base is not None and base.scope in (Scope.LOCAL, Scope.PROJECT)
    if login is not None and (is_late or not facts.env.get(NONESSENTIAL)):
        what = "with a saved claude.ai login each start asks api.anthropic.com for your profile" + (
            ", before a project's settings are read" if is_late else ""
        )
        yield Found(Result.INFO, what, str(login.path), f"{_without_login(facts)}   (a home without a login)")


def _without_login(facts: Facts) -> str:
    folder = home_path(str(facts.snapshot.home / ".claude-offline"), str(facts.snapshot.home))
    return with_variable("CLAUDE_CONFIG_DIR", folder, "claude")


def _telemetry(facts: Facts) -> Iterator[Found]:
    if not facts.is_on("CLAUDE_CODE_ENABLE_TELEMETRY"):
        return
    target = parse_url(facts.env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""))
    where = target.label if target else "the exporters' default endpoint"
    winner = winning(facts.snapshot, "env.CLAUDE_CODE_ENABLE_TELEMETRY")
    prompts = facts.is_on("OTEL_LOG_USER_PROMPTS")
    what = f"OpenTelemetry {'with your prompts in full' if prompts else 'without your prompts'} goes to {where}"
    yield Found(
        Result.WARNING if prompts else Result.INFO,
        what,
        place_of(winner),
        exported(facts, "CLAUDE_CODE_ENABLE_TELEMETRY", "0"),
    )


def _check(
    check_id: str,
    asks: str,
    fine: str,
    finds: str,
    remedy: str,
    find: Callable[[Facts], Iterable[Found]],
    *,
    said: tuple[str, ...] = (),
    fix: Fixer | None = None,
) -> Check:
    return Check(
        id=check_id,
        group="privacy",
        said=said,
        asks=asks,
        fine=fine,
        why="inference on your own server does not keep the rest of the traffic at home",
        finds=finds,
        remedy=remedy,
        find=find,
        preconditions=(preconditions.own_server,),
        fix=fix,
    )


CHECKS = (
    Check(
        id="privacy.destination",
        group="privacy",
        said=("where",),
        asks="where do prompts and code go?",
        fine="prompts and code go to your server; what else leaves this machine is named below",
        why="that is what most people set up a server of their own for",
        finds="The one destination of prompts and code, and whether the other checks of this group found company.",
        remedy="`claude-local enable` points sessions at a server of your own.",
        find=_destination,
        headline=True,
    ),
    Check(
        id="privacy.transport",
        group="privacy",
        said=("https", "tls"),
        asks="is the way to the server encrypted?",
        fine="the way to the server is encrypted, or does not leave this machine",
        why="prompts carry your code, and every machine on the path can read them",
        finds="`http://` to another machine.",
        remedy="An SSH tunnel, a VPN, or TLS in front of the server.",
        find=_transport,
        preconditions=(preconditions.own_server,),
    ),
    _check(
        "privacy.traffic",
        "does Claude Code report home?",
        "Claude Code does not report home",
        f"`{NONESSENTIAL}` unset: usage events, feature flags, update checks, session titles. Any value sets it.",
        "`--fix` sets it.",
        _traffic,
        said=("offline",),
        fix=writes(variable(NONESSENTIAL, "1", "no telemetry, no update checks, no title requests")),
    ),
    _check(
        "privacy.plugins",
        "does Claude Code fetch plugins by itself?",
        "Claude Code fetches no plugins by itself",
        f"`{MARKETPLACE}` unset, which the switch for other traffic does not cover.",
        "`--fix` sets it.",
        _marketplace,
        fix=writes(variable(MARKETPLACE, "1", "no plugin download at the first start")),
    ),
    _check(
        "privacy.web-fetch",
        "does WebFetch ask Anthropic first?",
        "WebFetch asks nobody first",
        "The setting `skipWebFetchPreflight`, without which each site's host is looked up at Anthropic.",
        "`--fix` sets it.",
        _web_fetch,
        fix=writes(Line(("skipWebFetchPreflight",), True, "WebFetch asks nobody first")),
    ),
    _check(
        "privacy.login",
        "does a saved login make Claude Code call home?",
        "no saved login makes Claude Code call home",
        "A claude.ai login, with which each start asks for the profile before a project's settings are read.",
        "The server in user settings (`enable --scope user`), or a `CLAUDE_CONFIG_DIR` without the login.",
        _login,
        said=("login",),
    ),
    _check(
        "privacy.telemetry",
        "is OpenTelemetry on, and with prompts in it?",
        "OpenTelemetry is off",
        "`CLAUDE_CODE_ENABLE_TELEMETRY`, where it goes, and whether `OTEL_LOG_USER_PROMPTS` puts prompts into it.",
        "Switch it off where it is set.",
        _telemetry,
    ),
)
