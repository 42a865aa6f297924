"""Checks of the server: who answers, whether it is ready, whether it speaks Claude Code's language, how busy it is."""

from collections.abc import Iterator, Mapping

from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check, Found, Result
from claude_local_plugin.servers import Server, State, advice, kinds, well_known
from claude_local_plugin.servers.messages import Reply
from claude_local_plugin.servers.urls import is_loopback
from claude_local_plugin.text import printable

#: What to do about a state, whoever the server is.
FIXES: Mapping[State, str] = {
    State.LOADING: f"wait until it is ready: {command('watch', '-n', '5', 'claude-local', 'status')}",
    State.NOT_HTTP: (
        f"{command('claude-local', 'enable', '--url', Words('http://HOST:PORT'))}   (another port, or https://)"
    ),
}
#: A server that answers its list of models later than this, in milliseconds, is busy or far away.
SLOW_MS = 1000
#: An answer that arrives within less than this, in seconds, tells nothing about tokens a second.
SHORTEST_STREAM_S = 0.1
#: What a server that only a proxy reaches looks like from here.
UNSEEN = (State.REFUSED, State.UNRESOLVED, State.TIMEOUT, State.ERROR)


def describe(facts: Facts) -> str:
    """The server in a few words: `vLLM 0.32.0, ready in 3 ms, 0 running, 0 waiting, KV cache 4 %`."""
    server, metrics = facts.server, facts.metrics
    assert server is not None
    name = well_known.label(server.kind)
    words = [f"{name} {printable(server.version)}" if server.version else name]
    words.append(f"{server.state}" + (f" in {server.latency_ms:.0f} ms" if server.latency_ms is not None else ""))
    if metrics is not None:
        counts = ((metrics.running, "running"), (metrics.waiting, "waiting"))
        words += [f"{number:.0f} {what}" for number, what in counts if number is not None]
        if metrics.kv_usage is not None:
            words.append(f"KV cache {100 * metrics.kv_usage:.0f} %")
    return ", ".join(words)


def _ready(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if server.state is State.READY:
        yield from _degraded(facts, server) if server.dead or server.problem else (_fine(facts, server),)
    elif server.state in (State.NEEDS_KEY, State.WRONG_KEY):
        what = f"{well_known.label(server.kind)} answers and {server.problem}: whether it is ready is not seen"
        yield Found(Result.SKIPPED, what)  # credentials.key looks at that
    elif facts.backend.proxied and not facts.elsewhere and server.state in UNSEEN:
        what = f"{facts.host} {server.problem}, when asked directly; sessions go there through a proxy"
        yield Found(Result.WARNING, what, None, _fix(facts, server), why="whether the proxy reaches it is not known")
    else:
        slow = server.state in (State.LOADING, State.OVERLOADED)
        there = f"; {_named(facts.others[0])} answers there" if facts.others else ""
        what = f"{facts.host} {server.problem}{there}"
        yield Found(Result.WARNING if slow else Result.ERROR, what, None, _fix(facts, server))


def _fine(facts: Facts, server: Server) -> Found:
    if kinds.of(server.kind).quirks.nameless:
        what = f"{describe(facts)}; who it is cannot be told, so it gets the careful settings"
        return Found(Result.INFO, what, None, why="what it needs of Claude Code is not known")
    return Found(Result.OK, describe(facts))


def _degraded(facts: Facts, server: Server) -> Iterator[Found]:
    """A server that lets us in and says, or shows, that not all of it works; other checks look at the rest."""
    answered = facts.deep is not None and facts.deep.plain.accepted
    if server.dead:
        all_dead = len(server.dead) == len(server.members)
        result = Result.ERROR if all_dead and not answered else Result.WARNING
        what = f"{describe(facts)}, but it {server.problem}"
        fix = command("curl", "-i", f"{server.dead[0]}/v1/models") + "   and start what does not answer"
        why = "requests that are sent there fail, and Claude Code tries again or gives up"
        yield Found(result, what, None, fix if facts.deep else f"{fix}, or ask it: {facts.ask_deep()}", why)
    elif _hands_on(server) and server.speaks_messages is not False and server.problem != "serves no model":
        why = "requests that are sent there fail, and Claude Code tries again or gives up"
        fix = command("curl", "-i", f"{server.url}/health") + "   and start what does not answer"
        yield Found(Result.WARNING, f"{describe(facts)}, but it {server.problem}", None, fix, why)
    else:
        yield _fine(facts, server)  # server.messages and server.models look at that


def _hands_on(server: Server) -> bool:
    """Whether what it says may be about the servers behind it."""
    return bool(kinds.of(server.kind).quirks.made_for)


def _named(server: Server) -> str:
    target = parse_url(server.url)
    return f"{well_known.label(server.kind)} at {target.label if target else server.url}"


def _fix(facts: Facts, server: Server) -> str:
    target = facts.target
    if facts.others:
        return _other(facts, facts.others[0])
    name = target.host if target else "HOST"
    if server.state is State.ERROR and (header := kinds.of(server.kind).quirks.needs_header):
        return header[1]
    ask = (f"{facts.url}/v1/models",)
    fixes = {
        State.TIMEOUT: f"{command('ping', '--', name)}   (is the machine on, and no firewall in between?)",
        State.UNRESOLVED: f"{command('getent', 'hosts', '--', name)}   (look at the spelling, the VPN, /etc/hosts)",
        State.TLS: f"{command('curl', '-v', *ask)}   (a private authority goes into NODE_EXTRA_CA_CERTS)",
        State.ERROR: f"{command('curl', '-i', *ask)}   and the server's own log",
        State.OVERLOADED: advice.fewer_or(server.behaves_as),
        State.REFUSED: _start(facts, server),
    }
    return fixes.get(server.state) or FIXES[server.state]


def _other(facts: Facts, other: Server) -> str:
    """The command that leads to the server that answers in the place of this one."""
    known = any(owned.url == other.url for owned in facts.owned)
    key = ("--token-env", Words("VARIABLE")) if other.needs_key and not known else ()
    return command("claude-local", "doctor", "--url", other.url) if facts.elsewhere else facts.enable(other.url, *key)


def _start(facts: Facts, server: Server) -> str:
    """How a server is brought back that was there: as what it was, with the model that sessions ask it for.

    Another kind with another model would not serve them. Of a server that nobody has used yet one is proposed.
    """
    target, model = facts.target, "" if facts.elsewhere else printable(facts.names[0].name)
    kind = server.kind if server.kind in well_known.START else facts.kind_before or ""
    there = "" if target is None or is_loopback(target.host) else f", there: {command('ssh', '--', target.host)}"
    if kind in well_known.START:
        what = f"start {well_known.label(kind)} again"
    elif not model:
        return f"start it{there}   (for example: {well_known.START_HINT})"
    else:
        what = "start the server again"
    return what + (f" with {model}" if model else "") + there


def _speaks(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if facts.deep is not None and facts.deep.plain.accepted:
        yield Found(Result.OK, "a message was answered")
    elif server.speaks_messages is False:
        what = (
            f"{facts.host} ({well_known.label(server.kind)}) has no /v1/messages, the only thing Claude Code asks for"
        )
        words = (server.problem or "").partition(": “")[2]
        what += f"; it says “{words}" if words else ""
        other = next(iter(facts.others), None)
        what += f"; {_named(other)} answers there" if other else ""
        yield Found(Result.ERROR, what, None, _other(facts, other) if other else advice.messages_api(server))
    elif server.speaks_messages is None:
        what = f"whether {facts.host} has /v1/messages cannot be told without asking its model"
        yield Found(Result.SKIPPED if facts.deep else Result.INFO, what, None, None if facts.deep else facts.ask_deep())


def _lists(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if server.models:
        return
    if not kinds.of(server.kind).quirks.lists_models:
        yield Found(Result.SKIPPED, f"{well_known.label(server.kind)} has no list of models to look at")
    elif _hands_on(server) and server.problem != "serves no model":
        yield Found(Result.SKIPPED, f"its list of models was not to be had: it {server.problem}")
    else:
        yield Found(Result.ERROR, f"{facts.host} lists no model", None, advice.load_a_model(server))


def _open(facts: Facts) -> Iterator[Found]:
    server, target = facts.server, facts.target
    assert server is not None
    outside = target is not None and not is_loopback(target.host)
    unguarded = kinds.of(server.kind).quirks.unguarded
    if outside and unguarded is not None and unguarded.keyless:
        yield Found(Result.INFO, unguarded.what, None, unguarded.fix)
    elif not server.needs_key:
        yield Found(Result.SKIPPED, "it asks for no key")
    elif outside and unguarded is not None and unguarded.what:
        yield Found(Result.INFO, unguarded.what, None, unguarded.fix)
    elif not outside:
        yield Found(Result.OK, "only this machine reaches it")
    elif unguarded is None:
        yield Found(Result.SKIPPED, f"which routes {well_known.label(server.kind)} leaves open is not known")


def _busy(facts: Facts) -> Iterator[Found]:
    server, metrics = facts.server, facts.metrics
    assert server is not None
    kind = server.behaves_as
    if metrics is not None and metrics.waiting:
        what = f"{metrics.waiting:.0f} requests wait for their turn, {metrics.running or 0:.0f} are running"
        yield Found(Result.WARNING, what, None, advice.fewer_or(kind))
    elif metrics is not None and (metrics.kv_usage or 0) > 0.9:
        what = f"its KV cache is {100 * (metrics.kv_usage or 0):.0f} % full: the next long prompt pushes others out"
        yield Found(Result.WARNING, what, None, advice.fewer_or(kind, memory=True))
    elif server.latency_ms is not None and server.latency_ms > SLOW_MS:
        what = f"even the list of models took {server.latency_ms:,.0f} ms"
        fix = command("curl", "-w", "%{time_total}", "-o", "/dev/null", "-s", f"{facts.url}/v1/models")
        yield Found(Result.WARNING, what, None, fix)
    elif metrics is None or (metrics.waiting is None and metrics.kv_usage is None):
        yield Found(Result.SKIPPED, "the server does not tell how busy it is")


def _first_token(facts: Facts) -> Iterator[Found]:
    deep = facts.deep
    assert deep is not None
    if deep.plain.reply.seconds > 20 and deep.ttft is not None and deep.ttft < deep.plain.reply.seconds / 5:
        what = f"the first request took {deep.plain.reply.seconds:.0f} s, the next one began after {deep.ttft:.1f} s"
        yield Found(Result.INFO, what, None, f"{warmup(facts)}   (after each start of the server)")
    elif deep.ttft is not None:
        rate = _tokens_per_second(deep.streamed.reply) if deep.streamed else None
        speed = f", then {rate:.0f} tokens a second" if rate else ""
        yield Found(Result.OK, f"the first token of a short prompt came after {deep.ttft:.2f} s{speed}")
    else:
        yield Found(Result.SKIPPED, "no streamed answer was seen")


def warmup(facts: Facts) -> str:
    """The command that makes this server ready for its first session."""
    model = ("--model", facts.deep.model) if facts.elsewhere and facts.deep else ()
    return command("claude-local", "warmup", *facts.look, *model)


def _tokens_per_second(reply: Reply) -> float | None:
    """How fast tokens came after the first one; None where they came in lumps, so that nothing can be said."""
    each, count = reply.seconds_per_token, reply.usage.output or 0
    if not each or count < 2:
        return None
    in_lumps = each * (count - 1) < SHORTEST_STREAM_S or len(reply.gaps) < count / 4
    return None if in_lumps else 1 / each


CHECKS = (
    Check(
        id="server.ready",
        group="server",
        said=("down", "port", "connection", "hang"),
        asks="is the server there and ready?",
        fine="the server is ready",
        why="Claude Code retries a server that is not there for minutes, without a word",
        finds=(
            "Told apart: refuses connections, name unknown, no answer in time, TLS trouble, not HTTP, still loading,"
            " overloaded, ready. No request makes the model run."
        ),
        remedy="What is named for the state: start it, wait for it, correct the address.",
        find=_ready,
        preconditions=(preconditions.looked_at,),
        headline=True,
    ),
    Check(
        id="server.messages",
        group="server",
        said=("404",),
        asks="does the server have Anthropic's Messages API?",
        fine="the server has the Messages API",
        why="Claude Code asks for POST /v1/messages and nothing else",
        finds=(
            "Servers that speak OpenAI's API only, such as vLLM before 0.11.1 or llama-cpp-python, and frontends that"
            " answer 501."
        ),
        remedy="A newer version of the server, or LiteLLM in front of it.",
        find=_speaks,
        preconditions=(preconditions.answering,),
    ),
    Check(
        id="server.models",
        group="server",
        said=("404",),
        asks="does the server serve a model?",
        fine="the server serves a model",
        why="there is nobody to answer",
        finds="An empty list at /v1/models.",
        remedy="Load a model.",
        find=_lists,
        preconditions=(preconditions.answering,),
    ),
    Check(
        id="server.busy",
        group="server",
        said=("slow", "hang"),
        asks="has the server room for one more session?",
        fine="the server has room for one more session",
        why="every session of it gets slower together, and time-outs come near",
        finds="Requests that wait, a KV cache that is nearly full (from /metrics, where there is one), a slow answer.",
        remedy="Fewer sessions at once, or more room on the server.",
        find=_busy,
        preconditions=(preconditions.answering,),
    ),
    Check(
        id="server.open-routes",
        group="server",
        said=("open",),
        asks="does the server's key guard everything?",
        fine="nothing is known to be open beside the key",
        why="whoever reaches the port can use the model without the key",
        finds="vLLM's --api-key on a server that others can reach.",
        remedy="A reverse proxy that lets only /v1 and /health through, or a firewall.",
        find=_open,
        preconditions=(preconditions.answering,),
    ),
    Check(
        id="server.speed",
        group="server",
        said=("slow",),
        asks="how soon does an answer begin?",
        fine="an answer begins soon",
        why="the first request after a start compiles, and the first session waits for it",
        finds="Time to the first token and tokens a second of a short streamed answer; a cold first request.",
        remedy="`claude-local warmup` after each start of the server.",
        find=_first_token,
        preconditions=(preconditions.examined,),
        deep=True,
    ),
)
