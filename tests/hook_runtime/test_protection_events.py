"""What a protected project is kept from: other backends, ways that its own settings choose, and every way around that.

What the client makes of a repository's settings (which variables it hears, that hooks see them, that its command line
can be read) was observed on Claude Code 2.1.332; `tests/client/test_protection.py` asks it again.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import protection
from claude_local_plugin.core.config import Config, understood
from claude_local_plugin.core.endpoint import backend_of
from claude_local_plugin.hook_runtime import folders
from claude_local_plugin.sessionlog import queries
from tests.hook_runtime.hook_process import HookRunner, Ran, recorded
from tests.hook_runtime.moody_server import MoodyServer
from tests.looped import looped

pytestmark = pytest.mark.process

START, PROMPT, CHANGE = (
    "print-SessionStart-startup",
    "attended-UserPromptSubmit",
    "interactive-ConfigChange-local_settings",
)
PROXY = "http://127.0.0.1:9"


class Machine:
    """A home, a project in it, config.toml, and hooks that run one after the other."""

    def __init__(self, hook: HookRunner, folder: Path) -> None:
        self.home, self.project, self.client = folder / "home", folder / "home/project", folder / "home/client-a"
        for each in (self.project, self.client):
            each.mkdir(parents=True)
        self.hook = HookRunner(hook.state, folder / "config")
        self.prompts = 0

    def protects(self, folder: Path, *allowed: str) -> None:
        assert self.hook.config is not None
        self.hook.config.mkdir(exist_ok=True)
        listed = f"\nallowed_backends = {json.dumps(allowed)}" if allowed else ""
        (self.hook.config / "config.toml").write_text(f'[projects."{folder}"]\nprotect = true{listed}\n')

    def settings(self, name: str, folder: Path | None = None, **content: Any) -> None:
        path = (folder or self.project) / ".claude" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))

    def run(self, name: str, url: str = "", cwd: Path | None = None, /, event: Any = None, **environ: str) -> Ran:
        stdin, known = recorded(name)
        self.prompts += 1
        folder = str(cwd or self.project)
        stdin |= {"cwd": folder, "prompt_id": f"p{self.prompts}", "session_id": "5e55", **(event or {})}
        changed = {"ANTHROPIC_BASE_URL": url, "CLAUDE_PROJECT_DIR": folder, "HOME": str(self.home), **environ}
        ran = self.hook(stdin, {**known, **changed})
        assert (ran.code, ran.stderr) == (0, "")
        return ran

    def blocked(self, url: str = "", cwd: Path | None = None, **environ: str) -> str | None:
        """Why a prompt is blocked there; None where it is not."""
        said = self.run(PROMPT, url, cwd, **environ).said
        return said["reason"] if said.get("decision") == "block" else None


@pytest.fixture
def machine(hook: HookRunner, tmp_path: Path) -> Machine:
    return Machine(hook, tmp_path)


# --- ways


@pytest.mark.parametrize("scope", ["settings.json", "settings.local.json"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"])
def test_a_proxy_that_a_project_names_itself_gets_no_prompt_of_a_protected_one(
    machine: Machine, healthy: MoodyServer, scope: str, name: str
) -> None:
    machine.protects(machine.project, healthy.url)
    machine.settings(scope, env={name: "http://user:secret@127.0.0.1:9/"})
    environ = {name: "http://user:secret@127.0.0.1:9/"}  # as the client hands it to hooks
    reason = machine.blocked(healthy.url, **environ)
    assert reason is not None
    assert f"this project's own settings send its requests through {PROXY}" in reason
    assert "secret" not in reason
    assert machine.blocked(healthy.url) is None


def test_a_proxy_of_ones_own_is_put_on_record_and_does_not_block(machine: Machine, healthy: MoodyServer) -> None:
    machine.protects(machine.project, healthy.url)
    assert machine.blocked(healthy.url, HTTPS_PROXY=PROXY) is None
    machine.settings("settings.json", machine.home, env={"HTTPS_PROXY": PROXY})
    machine.settings("settings.json", env={"HTTPS_PROXY": PROXY})
    assert machine.blocked(healthy.url, HTTPS_PROXY=PROXY) is None  # the user says the same
    (session,) = queries.sessions(machine.hook.state)
    assert (session.via, [span.via for span in session.spans]) == (PROXY, [PROXY])


def test_a_proxy_on_the_list_may_be_chosen_by_anybody(machine: Machine, healthy: MoodyServer) -> None:
    machine.protects(machine.project, healthy.url, PROXY)
    machine.settings("settings.json", env={"HTTPS_PROXY": PROXY})
    assert machine.blocked(healthy.url, HTTPS_PROXY=PROXY) is None


def test_a_project_that_is_protected_without_a_list_chooses_no_way_either(
    machine: Machine, healthy: MoodyServer
) -> None:
    machine.protects(machine.project)
    machine.settings("settings.json", env={"HTTPS_PROXY": PROXY})
    assert machine.blocked(healthy.url, HTTPS_PROXY=PROXY) is not None


def test_an_exemption_that_a_project_takes_away_is_its_choice(machine: Machine, healthy: MoodyServer) -> None:
    """The shell's proxy exempts the server; the project's NO_PROXY stands in the place of the shell's."""
    machine.protects(machine.project, healthy.url)
    machine.settings("settings.json", env={"NO_PROXY": "nobody"})
    assert machine.blocked(healthy.url, HTTPS_PROXY=PROXY, NO_PROXY="nobody") is not None
    assert machine.blocked(healthy.url, HTTPS_PROXY=PROXY, NO_PROXY="127.0.0.1") is None


def test_the_cloud_through_a_proxy_of_the_project_is_no_cloud(machine: Machine) -> None:
    machine.protects(machine.project, "cloud")
    machine.settings("settings.json", env={"HTTPS_PROXY": PROXY})
    assert machine.blocked("", HTTPS_PROXY=PROXY) is not None
    assert machine.blocked("", HTTPS_PROXY=PROXY, CLAUDE_CODE_USE_BEDROCK="1") is not None
    assert machine.blocked("") is None


def test_a_change_of_settings_that_would_send_a_protected_session_through_a_proxy_is_refused(
    machine: Machine, healthy: MoodyServer
) -> None:
    machine.protects(machine.project, healthy.url)
    machine.settings("settings.local.json", env={"HTTPS_PROXY": PROXY})
    said = machine.run(CHANGE, healthy.url).said
    assert said["decision"] == "block"
    assert f"does not go through {PROXY}" in said["reason"]


@looped(
    ("environ", "via"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://u:p@proxy:3128/x?y"}, "http://proxy:3128/x"),
        ({"https_proxy": "http://one:1", "HTTPS_PROXY": "http://two:2"}, "http://one:1"),
        ({"ALL_PROXY": "socks5://proxy:1"}, None),
        ({"HTTP_PROXY": "proxy:3128"}, "http://proxy:3128"),
        ({"HTTP_PROXY": "my_proxy:3128"}, "(a proxy that is no URL)"),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "box"}, None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "box", "no_proxy": "other"}, PROXY),
        ({"HTTP_PROXY": PROXY, "CLAUDE_CODE_USE_BEDROCK": "1"}, PROXY),
        ({"HTTP_PROXY": PROXY, "CLAUDE_CODE_USE_BEDROCK": "1", "NO_PROXY": "*"}, None),
    ],
)
def test_what_requests_go_through(environ: dict[str, str], via: str | None) -> None:
    assert backend_of({"ANTHROPIC_BASE_URL": "http://box:8000", **environ}).via == via


def test_a_way_is_on_a_list_by_its_own_name() -> None:
    allowed = understood({"allowed_backends": ["http://PROXY:80/", "unix:/run/there.sock"]})[0]["allowed_backends"]
    assert protection.is_way_allowed("http://proxy", allowed)
    assert protection.is_allowed("unknown", "unix:/run/there.sock", allowed)
    assert not protection.is_allowed("unknown", "unix:/run/other.sock", allowed)
    assert not protection.is_way_allowed("http://box", ["cloud", "http://proxy"])
    assert protection.is_way_allowed(None, [])


# --- folders


def repository(folder: Path) -> Path:
    for command in (
        ["init", "-q", str(folder)],
        ["-C", str(folder), *IDENTITY, "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *command], check=True, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    return folder


IDENTITY = ["-c", "user.name=x", "-c", "user.email=x@example.com"]


def worktree(of: Path, folder: Path) -> Path:
    subprocess.run(["git", "-C", str(of), "worktree", "add", "-q", str(folder)], check=True)
    return folder


def test_a_linked_worktree_elsewhere_is_the_project_it_belongs_to(machine: Machine, healthy: MoodyServer) -> None:
    machine.protects(machine.client, "http://box:8000")
    elsewhere = worktree(repository(machine.client), machine.home / "elsewhere")
    (elsewhere / "api").mkdir()
    reason = machine.blocked(healthy.url, elsewhere)
    assert reason is not None
    assert f"{machine.client} is the repository of {elsewhere} and is protected" in reason
    assert machine.blocked(healthy.url, elsewhere / "api") is not None
    assert machine.blocked(healthy.url, machine.project) is None


def test_a_rule_for_a_worktree_is_one_for_its_repository(machine: Machine, healthy: MoodyServer) -> None:
    elsewhere = worktree(repository(machine.client), machine.home / "elsewhere")
    other = worktree(machine.client, machine.home / "other")
    machine.protects(elsewhere, "http://box:8000")
    assert machine.blocked(healthy.url, machine.client) is not None
    assert machine.blocked(healthy.url, other) is not None
    assert machine.blocked(healthy.url, machine.project) is None


def test_a_rule_for_a_part_of_a_repository_holds_for_that_part_of_a_worktree(
    machine: Machine, healthy: MoodyServer
) -> None:
    elsewhere = worktree(repository(machine.client), machine.home / "elsewhere")
    for each in ("secret", "open"):
        (elsewhere / each).mkdir()
    machine.protects(machine.client / "secret", "http://box:8000")
    assert machine.blocked(healthy.url, elsewhere / "secret") is not None
    assert machine.blocked(healthy.url, elsewhere / "open") is None


@pytest.mark.parametrize("scope", ["settings.json", "settings.local.json", "user"])
@pytest.mark.parametrize("spelled", ["../client-a", "~/client-a", "{client}", "../client-a/api"])
def test_a_protected_folder_that_settings_add_counts(
    machine: Machine, healthy: MoodyServer, scope: str, spelled: str
) -> None:
    (machine.client / "api").mkdir()
    machine.protects(machine.client, "http://box:8000")
    added = {"additionalDirectories": [spelled.format(client=machine.client)]}
    where = (machine.home, "settings.json") if scope == "user" else (machine.project, scope)
    machine.settings(where[1], where[0], permissions=added)
    reason = machine.blocked(healthy.url)
    assert reason is not None
    assert "was added to this session and is protected" in reason


@pytest.mark.skipif(sys.platform != "linux", reason="a process's arguments are read from /proc")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--add-dir", "../client-a"],
        ["--add-dir", "../other", "../client-a", "--print"],
        ["--add-dir=../client-a"],
        ["--settings", '{"permissions": {"additionalDirectories": ["../client-a"]}}'],
    ],
)
def test_a_protected_folder_that_the_command_line_adds_counts(
    machine: Machine, healthy: MoodyServer, arguments: list[str]
) -> None:
    machine.protects(machine.client, "http://box:8000")
    client = subprocess.Popen([sys.executable, "-c", "input()", *arguments], stdin=subprocess.PIPE)
    try:
        reason = machine.blocked(healthy.url, CLAUDE_PID=str(client.pid))
    finally:
        client.communicate()
    assert reason is not None
    assert f"{machine.project}/../client-a was added to this session and is protected" in reason


@looped(
    ("arguments", "added"),
    [
        ([], []),
        (["-p", "x", "--add-dir", "a", "b", "-c", "d"], ["a", "b"]),
        (["--add-dir=a", "b"], ["a"]),
        (["--settings=nowhere.json", "--add-dir"], []),
        (["--settings", "{broken"], []),
        (["--settings"], []),
    ],
)
def test_which_folders_a_command_line_adds(arguments: list[str], added: list[str]) -> None:
    assert list(folders.added_by(arguments)) == added


def test_a_protected_folder_added_in_the_middle_of_a_session_counts_from_then_on(
    machine: Machine, healthy: MoodyServer
) -> None:
    machine.protects(machine.client, "http://box:8000")
    assert machine.blocked(healthy.url) is None
    added = {"hook_event_name": "DirectoryAdded", "directory": f"{machine.client}", "source": "slash_command"}
    assert "is protected" in machine.run(CHANGE, healthy.url, event=added).said["systemMessage"]
    assert machine.blocked(healthy.url) is not None
    kept = (machine.hook.state / folders.FOLDER / "5e55").read_text()
    assert kept == f"{machine.client}\n"  # as config.toml spells it
    other = {**added, "directory": str(machine.home / "other"), "session_id": "0ther"}
    assert machine.run(CHANGE, healthy.url, event=other).stdout == ""
    assert not (machine.hook.state / folders.FOLDER / "0ther").exists()


def test_nothing_is_looked_for_where_no_folder_is_protected(tmp_path: Path) -> None:
    event = {"cwd": str(tmp_path), "session_id": "s"}
    found = folders.folders(
        {"CLAUDE_PROJECT_DIR": "/p"}, event, str(tmp_path), Config(str(tmp_path), {"protect": True})
    )
    assert found == [("/p", ""), (str(tmp_path), "")]


# --- what a repository tries


def test_a_repository_cannot_switch_protection_off_or_choose_a_command(
    machine: Machine, closed_port: int, tmp_path: Path
) -> None:
    theirs, ran = machine.project / "config", tmp_path / "ran"
    theirs.mkdir()
    (theirs / "config.toml").write_text(f'down_command = ["touch", "{ran}"]\n')
    machine.protects(machine.project, "http://box:8000")
    url = f"http://127.0.0.1:{closed_port}"
    environ = {"CLAUDE_LOCAL_CONFIG_DIR": str(theirs), "CLAUDE_LOCAL_STATE_DIR": str(machine.project / "state")}
    assert machine.blocked(url, **environ) is not None
    assert not (machine.project / "state").exists()
    assert machine.hook.config is not None
    (machine.hook.config / "config.toml").unlink()
    machine.blocked(url, **environ)
    assert not ran.exists()


def test_the_plugins_hooks_listen_to_the_platforms_folders_alone(machine: Machine, closed_port: int) -> None:
    ours = machine.home / ".config" / "claude-local"
    ours.mkdir(parents=True)
    (ours / "config.toml").write_text('protect = true\nallowed_backends = ["http://box:8000"]\n')
    event, environ = recorded(PROMPT)
    environ |= {"HOME": str(machine.home), "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{closed_port}"}
    environ |= {"CLAUDE_LOCAL_CONFIG_DIR": "/nowhere", "CLAUDE_LOCAL_STATE_DIR": str(machine.project)}
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        environ.pop(name, None)
    said = machine.hook(event, environ, arguments=[]).said
    assert "is protected" in said["reason"]
    assert list(machine.project.iterdir()) == []


def test_a_command_for_a_dead_server_gets_nothing_that_the_project_sets(
    machine: Machine, closed_port: int, tmp_path: Path
) -> None:
    """`PATH` and `BASH_ENV` of a repository would have its own programs run."""
    told = tmp_path / "told"
    assert machine.hook.config is not None
    machine.hook.config.mkdir()
    command = ["sh", "-c", f"env > {told}.part; mv {told}.part {told}"]
    (machine.hook.config / "config.toml").write_text(f"down_command = {json.dumps(command)}\n")
    env = {"PATH": "./bin:/usr/bin:/bin", "BASH_ENV": "./evil", "LD_LIBRARY_PATH": "./evil", "ANTHROPIC_MODEL": "m"}
    machine.settings("settings.json", env=env)
    (machine.project / "bin").mkdir()
    (machine.project / "bin" / "sh").write_text("#!/bin/sh\ntouch evil\n")
    (machine.project / "bin" / "sh").chmod(0o755)
    machine.run(PROMPT, f"http://127.0.0.1:{closed_port}", **env, MINE="1")
    for _ in range(600):
        if told.exists():
            break
        __import__("time").sleep(0.1)
    seen = dict(line.split("=", 1) for line in told.read_text().splitlines() if "=" in line)
    assert "./" not in seen.get("PATH", "") + seen.get("BASH_ENV", "") + seen.get("LD_LIBRARY_PATH", "")
    assert (seen["MINE"], seen["ANTHROPIC_MODEL"]) == ("1", "m")
    assert not (machine.project / "evil").exists()


# --- a dead server


@pytest.mark.parametrize("entrypoint", ["sdk-cli", "sdk-py", "sdk-ts"])
@pytest.mark.parametrize(
    ("says", "program", "person"),
    [("", False, True), ('"auto"', False, True), ('"block"', True, True), ('"warn"', False, False)],
)
def test_a_program_is_let_through_to_fail_and_a_person_is_stopped(
    machine: Machine, closed_port: int, entrypoint: str, says: str, program: bool, person: bool
) -> None:
    assert machine.hook.config is not None
    machine.hook.config.mkdir()
    (machine.hook.config / "config.toml").write_text(f"on_dead_backend = {says}\n" if says else "")
    url = f"http://127.0.0.1:{closed_port}"
    for name, expected in ((entrypoint, program), ("cli", person), ("", person)):
        said = machine.run(PROMPT, url, CLAUDE_CODE_ENTRYPOINT=name).said
        assert (said.get("decision") == "block") == expected
        assert "refuses connections" in said["reason" if expected else "systemMessage"]
    outcomes = {event.outcome for event in queries.events(machine.hook.state, "5e55")}
    assert outcomes == {"refused"}


def test_a_program_is_blocked_all_the_same_where_a_project_is_protected(machine: Machine, closed_port: int) -> None:
    machine.protects(machine.project, "http://box:8000")
    assert machine.blocked(f"http://127.0.0.1:{closed_port}", CLAUDE_CODE_ENTRYPOINT="sdk-cli") is not None
