"""What a profile says of its sessions holds for whatever is started on it: a run, a shell, an editor."""

from pathlib import Path

from claude_local_plugin.commands import run
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.world import World


def test_a_run_has_the_system_prompt_of_its_profile(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    with EmbeddedBackend() as server:
        (tmp_path / "config.toml").write_text(
            f'[profiles.box]\nurl = "{server.url}"\nsystem_prompt = "full"\n', encoding="utf-8"
        )
        world = World(
            cwd=tmp_path / "shop",
            home=tmp_path,
            environ={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CLAUDE_LOCAL_CONFIG_DIR": str(tmp_path)},
            state_dir=tmp_path / "state",
            python="python3",
            client_version="2.1.332",
            managed_dir=tmp_path / "managed",
        )
        plan = run.prepare(run.Asked(("true",), profile="box", target="claude"), world).plan
    assert plan.settings is not None
    assert plan.settings["env"]["CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT"] == "0"
