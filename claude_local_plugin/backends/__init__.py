"""What is over there: model servers, how to recognise them, what they need, and a small one of our own.

`urls`, `wellknown` and `needs` are plain data and rules, `recognise` judges answers, `probe` asks for them, `embedded`
is the server for demonstration and tests. Entering this room costs next to nothing; `identify`, `neighbours` and
`sweep` bring asyncio when they are first named, and httpx when they are called.
"""

from typing import TYPE_CHECKING, Any

from claude_local_plugin.backends import wellknown
from claude_local_plugin.backends.recognise import ServedModel, Server, State

if TYPE_CHECKING:
    from claude_local_plugin.backends.probe import identify, neighbours, sweep

__all__ = ["ServedModel", "Server", "State", "identify", "neighbours", "sweep", "wellknown"]


def __getattr__(name: str) -> Any:
    if name in ("identify", "neighbours", "sweep"):
        from claude_local_plugin.backends import probe

        return getattr(probe, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
