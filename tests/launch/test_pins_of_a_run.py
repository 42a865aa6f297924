"""What an administrator has set that no decision of a session shows: a run goes around none of it."""

from pathlib import Path

import pytest

from claude_local_plugin.client_config.choose_server import Choice
from claude_local_plugin.client_config.model import Backend, Preferences
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.launch import targets
from claude_local_plugin.launch.plan import Wish, local
from claude_local_plugin.servers.compatibility import needs
from claude_local_plugin.world import World

BOX = Backend("http://box:8000", "vllm", "qwen", 65_536, preferences=Preferences(tiers={"haiku": "small"}))


def planned(tmp_path: Path, managed: str) -> dict[str, str]:
    """The environment of a script towards the box, under an administrator's settings."""
    for name in ("managed", "home", "shop"):
        (tmp_path / name).mkdir()
    (tmp_path / "managed" / "managed-settings.json").write_text(managed, encoding="utf-8")
    world = World(
        cwd=tmp_path / "shop",
        home=tmp_path / "home",
        environ={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home")},
        state_dir=tmp_path / "state",
        python="python3",
        client_version="2.1.332",
        managed_dir=tmp_path / "managed",
    )
    wish = Wish(("python3", "x.py"), targets.named("any"))
    return dict(local(world, wish, Choice(None, BOX, needs("vllm", None), None)).environ)


@pytest.mark.parametrize(
    "name", ["ANTHROPIC_DEFAULT_OPUS_MODEL", "CLAUDE_CODE_SUBAGENT_MODEL", "ANTHROPIC_CUSTOM_HEADERS"]
)
def test_what_the_administrator_sets_is_named_and_nothing_is_started(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClaudeLocalError) as error:
        planned(tmp_path, f'{{"env": {{"{name}": "X-Other: other"}}}}')
    assert name in error.value.message


def test_an_administrator_who_says_the_same_is_no_obstacle(tmp_path: Path) -> None:
    same = '{"env": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "qwen", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "small"}}'
    assert planned(tmp_path, same)["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "small"


def test_the_administrators_proxy_holds_for_all_but_the_server(tmp_path: Path) -> None:
    environ = planned(tmp_path, '{"env": {"HTTPS_PROXY": "http://proxy:3128", "HTTP_PROXY": "http://proxy:3128"}}')
    assert environ["HTTPS_PROXY"] == "http://proxy:3128"
    assert "box" in environ["NO_PROXY"].split(",")
