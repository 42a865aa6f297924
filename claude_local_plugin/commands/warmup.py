"""Have a server do its slow first things before a session needs it, and keep it from forgetting them."""

import time
from collections.abc import Callable
from typing import Any

from claude_local_plugin.commands.server_in_use import InUse
from claude_local_plugin.servers.messages import Reply, ask, conversation

#: Seconds between two pings of `--keep-alive`: below the five minutes after which Ollama unloads a model.
INTERVAL = 240.0

#: Waits for so many seconds.
Sleep = Callable[[float], None]


def warm(used: InUse, *, timeout: float) -> dict[str, Any]:
    """One small streamed request; `{"url", "model", "ok", "ttft", "seconds", "problem"}`, times in seconds."""
    # eight tokens, so that generating is exercised and not only reading
    body = conversation(used.model, [{"role": "user", "content": "ping"}], max_tokens=8, stream=True)
    return _report(used, ask(used.url, body, token=used.token, headers=used.headers, timeout=timeout))


def _report(used: InUse, reply: Reply) -> dict[str, Any]:
    return {
        "url": used.url,
        "model": used.model,
        "ok": reply.ok,
        "ttft": None if reply.ttft is None else round(reply.ttft, 6),
        "seconds": round(reply.seconds, 6),
        "problem": None if reply.error is None else reply.error.message,
    }


def keep_warm(
    used: InUse,
    minutes: float,
    *,
    timeout: float,
    told: Callable[[dict[str, Any]], None],
    sleep: Sleep = time.sleep,
    interval: float = INTERVAL,
) -> int:
    """Ping every `interval` seconds until `minutes` are over, `told` of each; how many were answered.

    The last ping is never later than the end. Ends early after three in a row that were not answered.
    """
    answered, missed, left = 0, 0, minutes * 60
    while left > 0 and missed < 3:
        pause = min(interval, left)
        sleep(pause)
        left -= pause
        report = warm(used, timeout=timeout)
        told(report)
        answered, missed = (answered + 1, 0) if report["ok"] else (answered, missed + 1)
        left -= report["seconds"]
    return answered
