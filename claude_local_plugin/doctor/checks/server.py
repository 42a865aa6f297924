"""Checks of the server: who answers, whether it is ready, whether it speaks Claude Code's language, how busy it is."""

from collections.abc import Iterator, Mapping

from claude_local_plugin.backends import Server, State, wellknown
from claude_local_plugin.backends.messages import Reply
from claude_local_plugin.backends.urls import is_loopback
from claude_local_plugin.doctor import conditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check, Found, Result
from claude_local_plugin.guest.shell import Words, command, quoted
from claude_local_plugin.render import printable

#: What to do about each state; `{host}` and `{url}` are filled in, `{start}` is how a server of that kind is started.
MENDS: Mapping[State, str] = {
    State.LOADING: "wait until it is ready: watch -n 5 claude-local status",
    State.OVERLOADED: "run fewer sessions at once, or give it room: vLLM's --max-num-seqs",
    State.REFUSED: "start it: {start}",
    State.UNRESOLVED: "getent hosts {name}   (look at the spelling, the VPN, /etc/hosts)",
    State.TIMEOUT: "ping {name}   (is the machine on, and no firewall in between?)",
    State.TLS: "curl -v {url}/v1/models   (a private authority goes into NODE_EXTRA_CA_CERTS)",
    State.NOT_HTTP: "claude-local enable --url http://HOST:PORT   (another port, or https://)",
    State.ERROR: "curl -i {url}/v1/models   and the server's own log",
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
    name = wellknown.label(server.kind)
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
        if server.kind in ("unknown", "anthropic-compatible"):
            what = f"{describe(facts)}; who it is cannot be told, so it gets the careful settings"
            yield Found(Result.INFO, what, None, why="what it needs of Claude Code is not known")
        else:
            yield Found(Result.OK, describe(facts))
    elif server.state in (State.NEEDS_KEY, State.WRONG_KEY):
        yield Found(Result.OK, f"{describe(facts)}: it {server.problem}")  # credentials.key judges that
    elif facts.backend.proxied and not facts.elsewhere and server.state in UNSEEN:
        what = f"{facts.host} {server.problem}, when asked directly; sessions go there through a proxy"
        yield Found(Result.WARNING, what, None, _mend(facts, server), why="whether the proxy reaches it is not known")
    else:
        slow = server.state in (State.LOADING, State.OVERLOADED)
        yield Found(
            Result.WARNING if slow else Result.ERROR, f"{facts.host} {server.problem}", None, _mend(facts, server)
        )


def _mend(facts: Facts, server: Server) -> str:
    target = facts.target
    name = target.host if target else "HOST"
    start = wellknown.START.get(server.kind, wellknown.START_HINT)
    if target is not None and server.state is State.REFUSED and not is_loopback(target.host):
        start = f"{command('ssh', '--', name)}, and there: {start}"
    return MENDS[server.state].format(
        host=facts.host, url=Words(quoted(facts.url or Words("URL"))), name=quoted(name), start=start
    )


def _speaks(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if server.speaks_messages is False:
        what = f"{facts.host} ({wellknown.label(server.kind)}) has no /v1/messages, the only thing Claude Code asks for"
        yield Found(
            Result.ERROR, what, None, "pip install --upgrade vllm   (0.11.1 or newer), or put LiteLLM in front of it"
        )
    elif server.speaks_messages is None:
        what = f"whether {facts.host} has /v1/messages cannot be told without asking its model"
        yield Found(Result.INFO, what, None, "claude-local doctor --deep")


def _lists(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if not server.models:
        what = f"{facts.host} lists no model"
        fix = {"ollama": "ollama pull qwen3-coder", "lmstudio": "lms load"}.get(
            server.kind, command("curl", "-s", f"{facts.url}/v1/models")
        )
        yield Found(Result.ERROR, what, None, fix)


def _open(facts: Facts) -> Iterator[Found]:
    server, target = facts.server, facts.target
    assert server is not None
    if server.kind == "vllm" and server.needs_key and target is not None and not is_loopback(target.host):
        what = "its key guards /v1 only: /invocations runs the model for anybody, /metrics and /tokenize answer, too"
        yield Found(
            Result.INFO, what, None, "put a reverse proxy in front of it that lets only /v1 and /health through"
        )


def _busy(facts: Facts) -> Iterator[Found]:
    server, metrics = facts.server, facts.metrics
    assert server is not None
    if metrics is not None and metrics.waiting:
        what = f"{metrics.waiting:.0f} requests wait for their turn, {metrics.running or 0:.0f} are running"
        yield Found(Result.WARNING, what, None, "run fewer sessions at once, or raise vLLM's --max-num-seqs")
    elif metrics is not None and (metrics.kv_usage or 0) > 0.9:
        what = f"its KV cache is {100 * (metrics.kv_usage or 0):.0f} % full: the next long prompt pushes others out"
        yield Found(Result.WARNING, what, None, "run fewer sessions at once, or raise vLLM's --gpu-memory-utilization")
    elif server.latency_ms is not None and server.latency_ms > SLOW_MS:
        what = f"even the list of models took {server.latency_ms:,.0f} ms"
        yield Found(
            Result.WARNING,
            what,
            None,
            command("curl", "-w", "%{time_total}", "-o", "/dev/null", "-s", f"{facts.url}/health"),
        )


def _first_token(facts: Facts) -> Iterator[Found]:
    deep = facts.deep
    assert deep is not None
    if deep.plain.reply.seconds > 20 and deep.ttft is not None and deep.ttft < deep.plain.reply.seconds / 5:
        what = f"the first request took {deep.plain.reply.seconds:.0f} s, the next one began after {deep.ttft:.1f} s"
        yield Found(Result.INFO, what, None, "claude-local warmup   (after each start of the server)")
    elif deep.ttft is not None:
        rate = _tokens_per_second(deep.streamed.reply) if deep.streamed else None
        speed = f", then {rate:.0f} tokens a second" if rate else ""
        yield Found(Result.OK, f"the first token of a short prompt came after {deep.ttft:.2f} s{speed}")


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
        asks="is the server there and ready?",
        fine="the server is ready",
        why="Claude Code retries a server that is not there for minutes, without a word",
        finds=(
            "Told apart: refuses connections, name unknown, no answer in time, TLS trouble, not HTTP, still loading,"
            " overloaded, ready. No request makes the model run."
        ),
        mend="What is named for the state: start it, wait for it, correct the address.",
        judge=_ready,
        applies=conditions.looked_at,
        headline=True,
    ),
    Check(
        id="server.messages",
        group="server",
        asks="does the server have Anthropic's Messages API?",
        fine="the server has the Messages API",
        why="Claude Code asks for POST /v1/messages and nothing else",
        finds="Servers that speak OpenAI's API only, such as vLLM before 0.11.1 or llama-cpp-python.",
        mend="A newer version of the server, or LiteLLM in front of it.",
        judge=_speaks,
        applies=conditions.answering,
    ),
    Check(
        id="server.models",
        group="server",
        asks="does the server serve a model?",
        fine="the server serves a model",
        why="there is nobody to answer",
        finds="An empty list at /v1/models.",
        mend="Load a model.",
        judge=_lists,
        applies=conditions.answering,
    ),
    Check(
        id="server.busy",
        group="server",
        asks="has the server room for one more session?",
        fine="the server has room for one more session",
        why="every session of it gets slower together, and time-outs come near",
        finds="Requests that wait, a KV cache that is nearly full (from /metrics, where there is one), a slow answer.",
        mend="Fewer sessions at once, or more room on the server.",
        judge=_busy,
        applies=conditions.answering,
    ),
    Check(
        id="server.open-routes",
        group="server",
        asks="does the server's key guard everything?",
        fine="nothing is known to be open beside the key",
        why="whoever reaches the port can use the model without the key",
        finds="vLLM's --api-key on a server that others can reach.",
        mend="A reverse proxy that lets only /v1 and /health through, or a firewall.",
        judge=_open,
        applies=conditions.answering,
    ),
    Check(
        id="server.speed",
        group="server",
        asks="how soon does an answer begin?",
        fine="an answer begins soon",
        why="the first request after a start compiles, and the first session waits for it",
        finds="Time to the first token and tokens a second of a short streamed answer; a cold first request.",
        mend="`claude-local warmup` after each start of the server.",
        judge=_first_token,
        applies=conditions.examined,
        deep=True,
    ),
)
