"""What `eval` has measured on this machine, for the commands that speak of a server or a model.

Nothing of the evaluation is loaded where nothing was ever evaluated: most commands are to start in no time.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from claude_local_plugin.client_config.choose_server import same_server
from claude_local_plugin.servers import well_known

if TYPE_CHECKING:
    from claude_local_plugin.evaluation.measured import Measured
    from claude_local_plugin.evaluation.run import Conditions


def folder(state_dir: Path) -> Path:
    """Where `eval` puts its results unless told otherwise."""
    return state_dir / "evaluations"


def of_server(
    state_dir: Path,
    url: str,
    model: str | None = None,
    *,
    server: str = "",
    client: str | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple["Measured", ...]:
    """The evaluations of a server, of one of its models where one is named; `server` to `env` are how it is now."""
    return _measured(
        state_dir, lambda of: same_server(of.url, url) and model in (None, of.model), server, client or "", env
    )


def of_model(state_dir: Path, is_model: Callable[[str], bool]) -> tuple["Measured", ...]:
    """The evaluations of a model, on whichever server."""
    return _measured(state_dir, lambda of: is_model(of.model), "", "", None)


def _measured(
    state_dir: Path, fits: "Callable[[Conditions], bool]", server: str, client: str, env: Mapping[str, str] | None
) -> tuple["Measured", ...]:
    if not folder(state_dir).is_dir():
        return ()
    from claude_local_plugin.evaluation.measured import Now, measured

    return measured(folder(state_dir), fits, Now(server, client, env))


def best(found: Sequence["Measured"]) -> "Measured | None":
    """The one that tells most, for where there is room for one."""
    return max(found, key=lambda each: each.weight, default=None)


def server_label(kind: str, version: str | None) -> str:
    """The server as a results file names it: `vLLM 0.33.0`."""
    return " ".join(each for each in (well_known.label(kind), version) if each)
