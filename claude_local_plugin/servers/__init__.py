"""What is over there: model servers, how to recognise them, and what they need.

`kinds` has one module for each kind of server; `urls`, `well_known` and `compatibility` are plain data and rules,
`recognise` judges answers, `probe` asks for them.
Entering this room costs next to nothing; `identify`, `neighbours` and
`sweep` bring asyncio when they are first named, and httpx when they are called.
"""

from typing import TYPE_CHECKING, Any

from claude_local_plugin.servers import kinds, well_known
from claude_local_plugin.servers.server import ServedModel, Server, State

if TYPE_CHECKING:
    from claude_local_plugin.servers.probe import identify, neighbours, sweep

__all__ = ["ServedModel", "Server", "State", "identify", "kinds", "neighbours", "sweep", "well_known"]


def __getattr__(name: str) -> Any:
    if name in ("identify", "neighbours", "sweep"):
        from claude_local_plugin.servers import probe

        return getattr(probe, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
