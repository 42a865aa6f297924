"""What the real client prints in trials that go wrong in every way.

Run by hand: `python -m tests.evaluation.record_streams CLAUDE`.

Each stream is of the first task of `smoke` on a scripted agent, without what nobody reads: the parts of an answer that
come again with the whole of it, and the client's long lists of itself.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from claude_local_plugin.evaluation import outcome, repository
from claude_local_plugin.evaluation.scripted import WAYS, ScriptedServer, Skill
from claude_local_plugin.evaluation.suite import suite
from claude_local_plugin.evaluation.trial import Start, arguments

STREAMS = Path(__file__).parent / "streams"
TASK = next(task for task in suite("smoke").tasks if task.id == "price-with-discount")
_KEPT_OF_INIT = ("type", "subtype", "tools", "model", "claude_code_version", "permissionMode")


def stream(claude: Path, way: str | None) -> list[dict[str, Any]]:
    skill = Skill("box", 0.0 if way else 1.0, fails={way or "wrong-result": 1.0})
    with ScriptedServer(skill, [TASK]) as server, tempfile.TemporaryDirectory() as place:
        home, project = Path(place) / "home", Path(place) / "project"
        home.mkdir()
        repository.make(TASK, project)
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "CLAUDE_CODE_TMPDIR": place}
        environ |= {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_AUTH_TOKEN": "dummy", "ANTHROPIC_MODEL": "box"}
        environ |= {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "box", "CLAUDE_CODE_MAX_RETRIES": "1"}
        environ |= {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
        command = [str(claude), *arguments(TASK, Start(claude, {}), None)]
        try:
            said = subprocess.run(
                command,
                cwd=project,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=20,
                check=False,
            ).stdout
        except subprocess.TimeoutExpired as late:
            said = late.stdout or b""
        lines = said.decode().replace(str(project), "/project").splitlines()
    return [kept for event in outcome.events(lines) if (kept := _kept(dict(event))) is not None]


def _kept(event: dict[str, Any]) -> dict[str, Any] | None:
    if event["type"] == "stream_event" and event["event"]["type"] not in ("message_start", "message_delta"):
        return None
    if event["type"] == "system" and event["subtype"] == "init":
        return {name: event[name] for name in _KEPT_OF_INIT}
    short = json.loads(json.dumps(event), object_hook=_short)
    return {
        name: value for name, value in short.items() if name not in ("tool_use_result", "uuid", "begun_message_ids")
    }


def _short(table: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"{text[:300]} …" if isinstance(text := value, str) and len(text) > 1_000 else value
        for name, value in table.items()
    }


def main(claude: Path) -> None:
    version = subprocess.run(
        [claude, "--version"], capture_output=True, text=True, check=True, env={"HOME": "/nonexistent"}
    )
    folder = STREAMS / version.stdout.split()[0]
    folder.mkdir(parents=True, exist_ok=True)
    for way in (None, *WAYS):
        lines = [json.dumps(event, ensure_ascii=False) for event in stream(claude, way)]
        (folder / f"{way or 'solved'}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
