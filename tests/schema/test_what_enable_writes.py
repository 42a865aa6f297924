"""What `enable` plans to write: marked so in the schemas, never ignored by Claude Code, and without a problem."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from claude_local_plugin import paths
from claude_local_plugin.client_config import build
from claude_local_plugin.client_config.destination import SettingsFile
from claude_local_plugin.client_config.model import Backend, Line, Preferences
from claude_local_plugin.precedence import Scope, gather
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.settings import schema
from claude_local_plugin.settings.variables import catalogue, refused_in

#: A server that needs everything.
NEEDY = Needs(attribution_off="r", disable_betas="r", model_capabilities=("-mid_conv_system", "r"))
BACKEND = Backend(
    "http://127.0.0.1:8000", "vllm", "qwen3-coder", 65536, token="sk-of-the-server", prompt="full", at_once=1
)


def planned(
    home: Path,
    project: Path,
    scope: Scope,
    *,
    busy: bool,
    without: str = "CLAUDE_CONFIG_DIR",
    privacy: str | None = None,
) -> tuple[Line, ...]:
    """The plan on an empty machine, or on a busy one, where the shell and the user's settings set everything."""
    environ = {name: "1" for name in catalogue() if busy and name not in ("CLAUDE_CONFIG_DIR", without)}
    if busy:
        (home / ".claude").mkdir(exist_ok=True)
        (home / ".claude" / "settings.json").write_text(json.dumps({"apiKeyHelper": "cat key"}))
    snapshot = gather(cwd=project, home=home, environ=environ, managed_dir=home / "none")
    backend = replace(BACKEND, preferences=Preferences(privacy=privacy))
    return build.lines(snapshot, backend, NEEDY, SettingsFile(scope))


@pytest.mark.parametrize("privacy", [None, "airgap"])
@pytest.mark.parametrize("busy", [False, True], ids=["empty machine", "busy machine"])
@pytest.mark.parametrize("scope", [Scope.LOCAL, Scope.PROJECT, Scope.USER])
def test_every_line_of_the_plan_is_on_the_page_heard_and_well_formed(
    home: Path, project: Path, scope: Scope, busy: bool, privacy: str | None
) -> None:
    settings = json.loads((paths.shipped("schemas") / "settings.schema.json").read_text())
    document: dict[str, dict[str, object]] = {"env": {}}
    for line in planned(home, project, scope, busy=busy, privacy=privacy):
        if line.path[0] == "env":
            name = line.path[1]
            assert catalogue()[name].written, f"{name} is not marked as written in env.schema.json"
            assert not refused_in(name, scope.value, str(line.value)), f"{name} is ignored in a {scope} file"
            assert not line.secret or catalogue()[name].secret
            document["env"][name] = line.value
        else:
            entry = settings
            for step in line.path:
                entry = entry["properties"][step]
            assert entry["x-written"] is True
    assert schema.problems(document, "settings") == ()


def test_every_variable_marked_as_written_is_written_somewhere(home: Path, project: Path) -> None:
    written: set[str] = set()
    # only one of the two is heard
    for missing, level in (("no_proxy", None), ("NO_PROXY", None), ("CLAUDE_CONFIG_DIR", "airgap")):
        lines = planned(home, project, Scope.USER, busy=True, without=missing, privacy=level)
        written |= {line.path[1] for line in lines if line.path[0] == "env"}
    assert written == {name for name, variable in catalogue().items() if variable.written}
