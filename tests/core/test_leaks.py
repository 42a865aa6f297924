"""Whose credentials go to an own server: told when they were meant for another one, and never otherwise."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.core import files, leaks, places
from claude_local_plugin.core.endpoint import backend_of, is_foreign
from claude_local_plugin.precedence import Scope, effective_env, gather
from claude_local_plugin.sessionlog import queries
from claude_local_plugin.world import World
from tests.hook_runtime.hook_process import HookRunner, recorded
from tests.hook_runtime.moody_server import MoodyServer
from tests.looped import looped

URL = "http://gpu-box:8000"
ENDPOINT = {"ANTHROPIC_BASE_URL": URL}
LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-secret", "scopes": ["user:inference"]}}
CONSOLE = {"primaryApiKey": "sk-ant-api03-secret", "projects": {}}
STOP = f". Stop it: claude-local enable --url {URL}"
LEAVE_OUT = ". Leave that file out: claude --setting-sources user,local"


@dataclass(frozen=True)
class Place:
    """A home, a project and an administrator's folder, and what Claude Code would show to a hook there."""

    home: Path
    project: Path
    managed: Path
    shell: dict[str, str] = field(default_factory=dict)

    def put(self, where: str, content: Mapping[str, Any] | str) -> Path:
        """Write a file: "user", "project", "local", "managed", "login", "state", or a path below the place."""
        path = {
            "user": self.home / ".claude" / "settings.json",
            "login": self.home / ".claude" / ".credentials.json",
            "state": self.home / ".claude.json",
            "project": self.project / ".claude" / "settings.json",
            "local": self.project / ".claude" / "settings.local.json",
            "managed": self.managed / "managed-settings.json",
        }.get(where, self.home.parent / where)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def environ(self, folder: Path | None = None) -> dict[str, str]:
        """A hook's environment: what the settings make of the shell's, less the login token, which hooks never see."""
        shell = {"HOME": str(self.home), **self.shell}
        snapshot = gather(cwd=folder or self.project, home=self.home, environ=shell, managed_dir=self.managed)
        environ = effective_env(snapshot)
        environ.pop("CLAUDE_CODE_OAUTH_TOKEN", None)
        return environ

    def look(self, folder: Path | None = None, state: Path | None = None) -> leaks.Findings:
        """What is found in a session here."""
        environ = self.environ(folder)
        where = str(folder or self.project)
        return leaks.look(environ, backend_of(environ), where, str(state or ""), str(self.managed))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with nothing in it."""
    found = Place(tmp_path / "home", tmp_path / "project", tmp_path / "managed")
    for folder in (found.home, found.project, found.managed):
        folder.mkdir()
    return found


def settings(**environ: object) -> dict[str, Any]:
    return {"env": environ}


TOKEN = {"ANTHROPIC_AUTH_TOKEN": "tok-secret"}
KEY = {"ANTHROPIC_API_KEY": "key-secret"}
HEADERS = {"ANTHROPIC_CUSTOM_HEADERS": "X-Team: blue\nX-Corp-Token: secret"}
OURS = {**ENDPOINT, "ANTHROPIC_AUTH_TOKEN": "claude-local", "ANTHROPIC_API_KEY": ""}
LOCAL, SHARED, USER = ".claude/settings.local.json", ".claude/settings.json", "~/.claude/settings.json"

RULE = {"ANTHROPIC_FEDERATION_RULE_ID": "rule", "ANTHROPIC_ORGANIZATION_ID": "organization"}
FEDERATION = RULE | {"ANTHROPIC_IDENTITY_TOKEN": "identity"}
IDENTITY = "your identity token, and what it is exchanged for, by way of ANTHROPIC_FEDERATION_RULE_ID"


def profile(name: str) -> dict[str, Any]:
    """The files of a login profile."""
    store = "home/.config/anthropic"
    return {
        f"{store}/configs/{name}.json": {"authentication": {"type": "user_oauth"}},
        f"{store}/credentials/{name}.json": {"access_token": "secret", "expires_at": 4_102_444_800},
    }


#: What stands where, and the facts it comes to.
SITUATIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    # keys and tokens
    "a key in the shell": (
        {"shell": KEY, "user": settings(**ENDPOINT, **TOKEN)},
        ["your ANTHROPIC_API_KEY (exported in the shell)"],
    ),
    "a token in the shell": (
        {"shell": TOKEN, "local": settings(**ENDPOINT)},
        ["your ANTHROPIC_AUTH_TOKEN (exported in the shell)"],
    ),
    "a key and a token in the shell": (
        {"shell": {**KEY, **TOKEN}, "local": settings(**ENDPOINT)},
        ["your ANTHROPIC_AUTH_TOKEN (exported in the shell)", "your ANTHROPIC_API_KEY (exported in the shell)"],
    ),
    "a gateway's token in the user's settings": (
        {"user": settings(**TOKEN), "local": settings(**ENDPOINT)},
        [f"your ANTHROPIC_AUTH_TOKEN (in {USER})"],
    ),
    "a key in the user's settings, the endpoint in the shell": (
        {"user": settings(**KEY), "shell": ENDPOINT},
        [f"your ANTHROPIC_API_KEY (in {USER})"],
    ),
    "a key of Anthropic's beside the endpoint": (
        {"local": settings(**ENDPOINT, ANTHROPIC_API_KEY="sk-ant-api03-secret")},
        [f"your ANTHROPIC_API_KEY (in {LOCAL})"],
    ),
    "everything in the shell, the token one of Anthropic's": (
        {"shell": {**ENDPOINT, "ANTHROPIC_AUTH_TOKEN": "sk-ant-oat01-secret"}},
        ["your ANTHROPIC_AUTH_TOKEN (exported in the shell)"],
    ),
    "a key that a file cancels": ({"shell": KEY, "local": settings(**OURS)}, []),
    "a token beside the endpoint": ({"local": settings(**ENDPOINT, **TOKEN)}, []),
    "a number for a token beside the endpoint": ({"local": settings(**ENDPOINT, ANTHROPIC_AUTH_TOKEN=12345)}, []),
    "everything in the shell": ({"shell": {**ENDPOINT, **TOKEN, **KEY}}, []),
    "our placeholder from elsewhere": (
        {"shell": {"ANTHROPIC_AUTH_TOKEN": "claude-local"}, "local": settings(**ENDPOINT)},
        [],
    ),
    "the same value in the shell and beside the endpoint": (
        {"shell": TOKEN, "local": settings(**ENDPOINT, **TOKEN)},
        [],
    ),
    "a stronger file that Claude Code drops": (
        {"local": {"model": 5, **settings(**TOKEN)}, "user": settings(**ENDPOINT, **TOKEN)},
        [],
    ),
    # logins
    "a login file": (
        {"user": settings(**ENDPOINT), "login": LOGIN},
        ["your claude.ai login (in ~/.claude/.credentials.json)"],
    ),
    "a login file that cannot be used for requests": (
        {"user": settings(**ENDPOINT, **TOKEN), "login": {"claudeAiOauth": {"accessToken": "secret"}}},
        [],
    ),
    "a login behind a token": ({"user": settings(**ENDPOINT, **TOKEN), "login": LOGIN}, []),
    "a login behind a key": ({"user": settings(**ENDPOINT, **KEY), "login": LOGIN}, []),
    "a login behind a blank token": (
        {"user": settings(**ENDPOINT, ANTHROPIC_AUTH_TOKEN=" "), "login": LOGIN},
        ["your claude.ai login (in ~/.claude/.credentials.json)"],
    ),
    "a login replaced by a custom header": (
        {"user": settings(**ENDPOINT, ANTHROPIC_CUSTOM_HEADERS="Authorization: Bearer x"), "login": LOGIN},
        [],
    ),
    "a login token in the user's settings": (
        {"user": settings(**ENDPOINT, CLAUDE_CODE_OAUTH_TOKEN="sk-ant-oat01-secret")},
        [f"your claude.ai login (CLAUDE_CODE_OAUTH_TOKEN in {USER})"],
    ),
    # the saved Console key
    "a saved Console key beside a token": (
        {"local": settings(**OURS), "state": CONSOLE},
        ["your saved Console key (in .claude.json)"],
    ),
    "a saved Console key alone": (
        {"user": settings(**ENDPOINT), "state": CONSOLE},
        ["your saved Console key (in .claude.json) or, where it is set, CLAUDE_CODE_OAUTH_TOKEN"],
    ),
    "a saved Console key behind a key": ({"local": settings(**ENDPOINT, **KEY), "state": CONSOLE}, []),
    "a saved Console key behind our header": (
        {"local": settings(**OURS, ANTHROPIC_CUSTOM_HEADERS="x-api-key: claude-local"), "state": CONSOLE},
        [],
    ),
    "a saved Console key behind an empty header": (
        {"local": settings(**OURS, ANTHROPIC_CUSTOM_HEADERS="X-API-Key:"), "state": CONSOLE},
        [],
    ),
    "a saved Console key beside a login": (
        {"user": settings(**ENDPOINT), "login": LOGIN, "state": CONSOLE},
        ["your claude.ai login (in ~/.claude/.credentials.json)"],
    ),
    "no Console key but its name": (
        {"local": settings(**OURS), "state": {"projects": {"primaryApiKey": "x"}, "primaryApiKey": ""}},
        [],
    ),
    # helpers
    "a helper in another file": (
        {"user": {"apiKeyHelper": "secret-tool"}, "local": settings(**ENDPOINT)},
        [f"the output of apiKeyHelper (in {USER})"],
    ),
    "a helper beside a token": (
        {"user": {"apiKeyHelper": "secret-tool"}, "local": settings(**OURS)},
        [f"the output of apiKeyHelper (in {USER})"],
    ),
    "a helper beside the endpoint": ({"user": {"apiKeyHelper": "secret-tool", **settings(**ENDPOINT)}}, []),
    "a helper that a stronger file switches off": (
        {"user": {"apiKeyHelper": "secret-tool"}, "local": {"apiKeyHelper": "", **settings(**OURS)}},
        [],
    ),
    "a helper behind a key and a token": (
        {"user": {"apiKeyHelper": "secret-tool"}, "local": settings(**ENDPOINT, **KEY, **TOKEN)},
        [],
    ),
    "a helper, a login and a Console key where the host does the routing": (
        {
            "shell": {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1", **OURS},
            "user": {"apiKeyHelper": "secret-tool"},
            "login": LOGIN,
            "state": CONSOLE,
        },
        [],
    ),
    # custom headers
    "custom headers in the shell": (
        {"shell": HEADERS, "local": settings(**OURS)},
        ["x-corp-token in your ANTHROPIC_CUSTOM_HEADERS (exported in the shell)"],
    ),
    "a password of one's own in a custom header": (
        {"shell": {"ANTHROPIC_CUSTOM_HEADERS": "X-Gateway-Pass: secret"}, "local": settings(**OURS)},
        ["x-gateway-pass in your ANTHROPIC_CUSTOM_HEADERS (exported in the shell)"],
    ),
    "custom headers beside the endpoint": ({"local": settings(**OURS, **HEADERS)}, []),
    "custom headers without a credential": (
        {"shell": {"ANTHROPIC_CUSTOM_HEADERS": "X-Team: blue"}, "local": settings(**OURS)},
        [],
    ),
    "a custom header with the server's own token": (
        {"shell": {"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: tok-secret"}, "local": settings(**ENDPOINT, **TOKEN)},
        [],
    ),
    "a custom Authorization that a token replaces": (
        {"shell": {"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer secret"}, "local": settings(**OURS)},
        [],
    ),
    "a key of Anthropic's in a header beside the endpoint": (
        {"local": settings(**OURS, ANTHROPIC_CUSTOM_HEADERS="X-Key: sk-ant-api03-secret")},
        [f"x-key in your ANTHROPIC_CUSTOM_HEADERS (in {LOCAL})"],
    ),
    # what Anthropic's own library finds
    "a login profile": (
        {"user": settings(**ENDPOINT), **profile("default")},
        ["the token of your login profile (in ~/.config/anthropic/configs/default.json)"],
    ),
    "the active login profile behind a claude.ai login": (
        {"user": settings(**ENDPOINT), **profile("default"), "login": LOGIN},
        ["your claude.ai login (in ~/.claude/.credentials.json)"],
    ),
    "a login profile that is named before a claude.ai login": (
        {"user": settings(**ENDPOINT), "shell": {"ANTHROPIC_PROFILE": "work"}, **profile("work"), "login": LOGIN},
        ["the token of your login profile (in ~/.config/anthropic/configs/work.json)"],
    ),
    "a login profile behind a token": ({"user": settings(**ENDPOINT, **TOKEN), **profile("default")}, []),
    "a login profile, whose header no custom one replaces": (
        {"user": settings(**ENDPOINT, ANTHROPIC_CUSTOM_HEADERS="Authorization: Bearer x"), **profile("default")},
        ["the token of your login profile (in ~/.config/anthropic/configs/default.json)"],
    ),
    "a login profile beside a Console key": (
        {"user": settings(**ENDPOINT), **profile("default"), "state": CONSOLE},
        ["your saved Console key (in .claude.json) or, where it is set, CLAUDE_CODE_OAUTH_TOKEN"],
    ),
    "an identity token": (
        {"user": settings(**ENDPOINT), "shell": FEDERATION},
        [f"{IDENTITY} (exported in the shell)"],
    ),
    "an exchange that has no identity token": (
        {"user": settings(**ENDPOINT), "shell": RULE},
        ["no key or token is set: any login of yours (CLAUDE_CODE_OAUTH_TOKEN)"],
    ),
    "an identity token that a project's file takes part in": (
        {"local": settings(**ENDPOINT, ANTHROPIC_FEDERATION_RULE_ID="rule"), "login": LOGIN},
        ["your claude.ai login (in ~/.claude/.credentials.json)"],
    ),
    "a login that was moved elsewhere": (
        {
            "user": settings(**ENDPOINT),
            "shell": {"CLAUDE_SECURESTORAGE_CONFIG_DIR": "../kept"},
            "kept/.credentials.json": LOGIN,
        },
        ["your claude.ai login (in KEPT/.credentials.json)"],
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_leak_is_told_with_its_source_and_all_else_is_silence(place: Place, situation: str) -> None:
    contents, called = SITUATIONS[situation]
    place.shell.update(contents.get("shell", {}))
    for where, content in contents.items():
        if where != "shell":
            place.put(where, content)
    found = place.look()
    kept = str(place.project / ".." / "kept")
    assert found.facts == [f"{each} is sent there too".replace("KEPT", kept) for each in called]
    assert found.message == ("\n".join(f"! {fact}" for fact in found.facts) + STOP if called else "")
    assert len(found.marks) == len(called)
    assert "secret" not in found.message + "".join(found.marks)


def test_a_session_with_nothing_to_show_can_only_use_a_login_that_hooks_do_not_see(place: Place) -> None:
    place.put("user", settings(**ENDPOINT))
    place.shell["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-secret"
    (fact,) = place.look().facts
    assert fact.startswith("no key or token is set: any login of yours (CLAUDE_CODE_OAUTH_TOKEN")
    place.shell["CLAUDE_CODE_SIMPLE"] = "1"
    assert place.look().facts == []


# --- what a repository decides

DECIDED: dict[str, tuple[dict[str, Any], str]] = {
    "an endpoint": (settings(**ENDPOINT, **TOKEN), "sends sessions to gpu-box:8000"),
    "a helper": ({"apiKeyHelper": "secret-tool"}, "runs a helper for the key"),
    "both": (
        {"apiKeyHelper": "secret-tool", **settings(**ENDPOINT, **TOKEN)},
        "sends sessions to gpu-box:8000 and runs a helper for the key",
    ),
}


@pytest.mark.parametrize("what", DECIDED)
@pytest.mark.parametrize("git", [True, False])
def test_what_comes_with_a_repository_is_told(place: Place, what: str, git: bool) -> None:
    content, told = DECIDED[what]
    place.put("project", content)
    if what == "a helper":
        place.put("local", settings(**ENDPOINT, **TOKEN, **KEY))
    if git:
        (place.project / ".git").mkdir()
    found = place.look()
    assert found.facts == [f"this {'repository' if git else 'project'}'s {SHARED} {told}"]
    assert found.message == f"! {found.facts[0]}{LEAVE_OUT}"
    assert found.marks == [f"{SHARED} {told}"]


def test_credentials_that_a_repository_redirects_are_told_with_it(place: Place) -> None:
    place.put("project", settings(**ENDPOINT))
    place.put("user", settings(**TOKEN))
    assert place.look().message == (
        f"! this project's {SHARED} sends sessions to gpu-box:8000\n"
        f"! your ANTHROPIC_AUTH_TOKEN (in {USER}) is sent there too{LEAVE_OUT}"
    )


def test_a_repository_whose_wish_is_not_heard_is_left_in_peace(place: Place) -> None:
    place.put("project", settings(ANTHROPIC_BASE_URL="http://elsewhere:1"))
    place.put("local", settings(**OURS))
    assert place.look().facts == []


def test_in_the_home_folder_the_users_settings_are_no_projects(place: Place) -> None:
    place.put("user", settings(**ENDPOINT, **TOKEN))
    assert place.look(place.home).facts == []


# --- where the files are


def test_the_local_settings_of_the_main_checkout_count_in_its_subfolders_and_worktrees(place: Place) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(place.project)]
    for arguments in (
        ["init", "-q"],
        ["commit", "-q", "--allow-empty", "-m", "x"],
        ["worktree", "add", "-q", str(place.home.parent / "tree")],
    ):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    below = place.project / "a" / "b"
    below.mkdir(parents=True)
    place.put("local", settings(**ENDPOINT, **TOKEN))
    for folder in (place.project, below, place.home.parent / "tree"):
        assert place.look(folder).facts == []
        assert places.checkout(os.path.realpath(folder)).main_root == os.path.realpath(place.project)
    place.put("local", settings(**TOKEN))
    place.shell.update(ENDPOINT)
    shown = place.project / LOCAL
    assert place.look(below).facts == [f"your ANTHROPIC_AUTH_TOKEN (in {shown}) is sent there too"]


def test_a_git_file_that_leads_nowhere_is_the_root_itself(place: Place) -> None:
    (place.project / ".git").write_text("gitdir: /nowhere/at/all\n")
    assert places.checkout(str(place.project)).main_root == str(place.project)
    (place.project / ".git").write_text("something else")
    assert places.checkout(str(place.project)).main_root == str(place.project)


def test_claude_codes_own_folder_may_be_elsewhere(place: Place) -> None:
    place.shell["CLAUDE_CONFIG_DIR"] = str(place.home.parent / "config")
    place.put("config/settings.json", settings(**ENDPOINT))
    place.put("config/.credentials.json", LOGIN)
    place.put("config/.claude.json", CONSOLE)
    (fact,) = place.look().facts
    assert fact.endswith("/config/.credentials.json) is sent there too")
    place.put("config/settings.json", settings(**ENDPOINT, **TOKEN))
    assert place.look().facts == ["your saved Console key (in .claude.json) is sent there too"]
    place.put("config/.config.json", {})
    assert place.look().facts == []


def test_what_an_administrator_sets_only_an_administrator_can_change(place: Place) -> None:
    place.put("managed", settings(**ENDPOINT))
    place.put("managed/managed-settings.d/10.json", settings(**TOKEN))
    found = place.look()
    assert found.facts == [
        f"your ANTHROPIC_AUTH_TOKEN (in {place.managed}/managed-settings.d/10.json) is sent there too"
    ]
    assert found.message.endswith(". Ask whoever manages this machine's settings")
    place.put("managed", settings(**ENDPOINT, **TOKEN))
    place.put("managed/managed-settings.d/10.json", {})
    assert place.look().facts == []


# --- files in every condition


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"env": []}', '{"env": {"ANTHROPIC_AUTH_TOKEN": ["x"]}}', "{" * 100_000, "\0"],
)
def test_a_file_that_cannot_be_read_sets_nothing(place: Place, text: str) -> None:
    for where in ("local", "project", "login", "state"):
        place.put(where, text)
    place.put("user", settings(**ENDPOINT, **TOKEN))
    environ = {"HOME": str(place.home), **ENDPOINT, **TOKEN}
    found = leaks.look(environ, backend_of(environ), str(place.project), managed_dir=str(place.managed))
    assert found.facts == []


def test_a_byte_order_mark_is_fine(place: Place) -> None:
    place.put("local", "\ufeff" + json.dumps(settings(**ENDPOINT, **TOKEN)))
    assert place.look().facts == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_or_a_folder_in_a_files_place_keeps_nobody_waiting(place: Place) -> None:
    place.put("local", settings(**ENDPOINT, **TOKEN))
    environ = place.environ()
    (place.home / ".claude" / "settings.json").mkdir(parents=True)
    os.mkfifo(place.home / ".claude.json")
    os.mkfifo(place.project / ".claude" / "settings.json")
    assert leaks.look(environ, backend_of(environ), str(place.project), managed_dir=str(place.managed)).facts == []


def test_a_settings_file_larger_than_claude_code_reads_is_none(place: Place) -> None:
    path = place.put("local", json.dumps({**settings(**ENDPOINT, **TOKEN), "x": "y" * files.MOST_SETTINGS}))
    environ = {"HOME": str(place.home), **ENDPOINT, "ANTHROPIC_AUTH_TOKEN": "sk-ant-oat01-x"}
    found = leaks.look(environ, backend_of(environ), str(place.project), managed_dir=str(place.managed))
    assert path.stat().st_size > files.MOST_SETTINGS
    assert found.facts == ["your ANTHROPIC_AUTH_TOKEN (exported in the shell) is sent there too"]


@pytest.mark.parametrize("before", [0, leaks.PIECE_BYTES - 20, leaks.PIECE_BYTES - 10, files.MOST_SETTINGS])
@pytest.mark.parametrize("behind", [0, files.MOST_SETTINGS])
def test_a_console_key_is_found_wherever_it_stands(place: Place, before: int, behind: int) -> None:
    place.put("local", settings(**OURS))
    place.put("state", {"first": "x" * before, **CONSOLE, "last": "x" * behind})
    assert place.look().facts == ["your saved Console key (in .claude.json) is sent there too"]


def test_a_gigantic_state_file_is_looked_at_only_so_far(place: Place) -> None:
    place.put("local", settings(**OURS))
    place.put("state", {"first": "x" * leaks.MOST_STATE_BYTES, **CONSOLE})
    assert place.look().facts == []


def test_names_with_control_characters_are_shown_clean(place: Place) -> None:
    place.shell["ANTHROPIC_CUSTOM_HEADERS"] = "X-\x1b[31m\u202eKey: secret"
    place.put("local", settings(**OURS))
    (fact,) = place.look().facts
    assert fact.isprintable()
    assert "x-\ufffd[31m\ufffdkey" in fact


# --- after enable there is none

AROUND = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-secret",
    "ANTHROPIC_AUTH_TOKEN": "sk-ant-oat01-secret",
    "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-secret",
    "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer secret\nX-Api-Key: secret\nCookie: secret",
}


@pytest.mark.parametrize("scope", [Scope.LOCAL, Scope.PROJECT, Scope.USER])
@pytest.mark.parametrize("console", [True, False])
def test_enable_leaves_no_leak_with_every_credential_around(place: Place, scope: Scope, console: bool) -> None:
    place.shell.update(AROUND)
    place.put("user", {"apiKeyHelper": "secret-tool", **settings(CLAUDE_CODE_OAUTH_TOKEN="sk-ant-oat01-secret")})
    place.put("login", LOGIN)
    place.put("state", CONSOLE if console else {})
    by_hand = place.put("local", settings(**ENDPOINT))
    assert [fact.split()[:2] for fact in place.look().facts] == [  # the rest stands behind these
        ["your", "ANTHROPIC_AUTH_TOKEN"],
        ["x-api-key", "in"],
        ["cookie", "in"],
    ]
    by_hand.unlink()
    state = place.home.parent / "state"
    world = World(
        cwd=place.project,
        home=place.home,
        environ={"HOME": str(place.home), **place.shell},
        state_dir=state,
        python="python3",
        managed_dir=place.managed,
    )
    request = enable.Request(url=URL, model="qwen3-coder-next", scope=scope, check=False, force=True)
    enable.write(enable.prepare(request, world))
    assert place.look(state=state).facts == []
    told = [f"this project's {SHARED} sends sessions to gpu-box:8000"] if scope is Scope.PROJECT else []
    assert place.look().facts == told  # to a colleague, who has the file but not our record of it
    if scope is Scope.PROJECT:  # and to us, once somebody has changed the file
        path = place.project / SHARED
        path.write_text(path.read_text().replace("gpu-box", "elsewhere"))
        (fact,) = place.look(state=state).facts
        assert fact.endswith("sends sessions to elsewhere:8000")


# --- in the hook

START, PROMPT = "print-SessionStart-startup", "print-UserPromptSubmit"


def session(place: Place, **more: str) -> dict[str, str]:
    """The environment of a hook in a session at the place."""
    own = place.environ()
    return {**recorded(START)[1], "ANTHROPIC_AUTH_TOKEN": "", **own, "CLAUDE_PROJECT_DIR": str(place.project), **more}


def only_detail(hook: HookRunner) -> str | None:
    (found,) = queries.sessions(hook.state)
    (event,) = queries.events(hook.state, found.session_id)
    return event.detail


@pytest.fixture
def leaky(place: Place, healthy: MoodyServer) -> Place:
    """A place whose user settings point at a server that is well, and whose shell exports a key."""
    place.put("user", settings(ANTHROPIC_BASE_URL=healthy.url, ANTHROPIC_MODEL="qwen", **TOKEN))
    place.shell.update(KEY)
    return place


def test_the_introduction_is_followed_by_the_warning_and_the_log_knows(
    hook: HookRunner, leaky: Place, healthy: MoodyServer
) -> None:
    ran = hook(recorded(START)[0], session(leaky))
    introduction, _, warning = ran.said["systemMessage"].partition("   ")
    assert introduction.startswith(f"local backend: qwen on 127.0.0.1:{healthy.port} (")
    assert warning == (
        "! your ANTHROPIC_API_KEY (exported in the shell) is sent there too."
        f" Stop it: claude-local enable --url {healthy.url}"
    )
    assert only_detail(hook) == "HTTP 200; leak: ANTHROPIC_API_KEY (exported in the shell)"
    written = b"".join(path.read_bytes() for path in hook.state.rglob("*") if path.is_file())
    assert b"key-secret" not in written
    assert b"tok-secret" not in written


def test_a_compaction_tells_of_a_leak_too(hook: HookRunner, leaky: Place) -> None:
    ran = hook({**recorded(START)[0], "source": "compact"}, session(leaky))
    assert "ANTHROPIC_API_KEY (exported in the shell)" in ran.said["systemMessage"]


def test_a_prompt_is_not_held_up_by_looking_for_leaks(hook: HookRunner, leaky: Place) -> None:
    assert hook(recorded(PROMPT)[0], session(leaky)).stdout == ""
    assert only_detail(hook) == "HTTP 200"


def test_a_server_that_is_not_well_and_a_leak_are_both_told(hook: HookRunner, place: Place, closed_port: int) -> None:
    place.put("local", settings(ANTHROPIC_BASE_URL=f"http://127.0.0.1:{closed_port}", **TOKEN))
    place.shell.update(KEY)
    ran = hook(recorded(START)[0], session(place))
    assert ran.said["systemMessage"].startswith(f"local backend 127.0.0.1:{closed_port} refuses connections. ")
    assert "   ! your ANTHROPIC_API_KEY (exported in the shell) is sent there too" in ran.said["systemMessage"]
    assert (only_detail(hook) or "").endswith("; leak: ANTHROPIC_API_KEY (exported in the shell)")


@pytest.mark.parametrize("url", ["https://api.anthropic.com", "127.0.0.1:8000"])
def test_where_nothing_of_an_own_server_is_at_stake_there_is_no_warning(
    hook: HookRunner, place: Place, url: str
) -> None:
    place.put("local", settings(ANTHROPIC_BASE_URL=url))
    place.shell.update(KEY)
    assert "is sent there too" not in hook(recorded(START)[0], session(place)).stdout


def test_a_folder_whose_name_is_no_text_is_looked_into_all_the_same(
    hook: HookRunner, place: Place, healthy: MoodyServer
) -> None:
    folder = Path(os.fsdecode(os.fsencode(place.project) + b"/caf\xe9"))
    path = folder / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(settings(ANTHROPIC_BASE_URL=healthy.url, **TOKEN)))
    environ = {**session(place, **TOKEN, ANTHROPIC_BASE_URL=healthy.url), "CLAUDE_PROJECT_DIR": str(folder)}
    said = hook(recorded(START)[0], environ).said["systemMessage"]
    assert f"! this project's {SHARED} sends sessions to 127.0.0.1:{healthy.port}" in said


def test_a_fault_while_looking_costs_neither_the_introduction_nor_the_record(
    hook: HookRunner, leaky: Place, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    driver = tmp_path / "broken" / "driver.py"
    root = Path(leaks.__file__).resolve().parents[2]
    driver.write_text(
        f"import sys; sys.path.append({str(root)!r})\n"
        "from claude_local_plugin.hook_runtime import main; from claude_local_plugin.core import leaks\n"
        "def look(*_): raise KeyError('secret')\n"
        "leaks.look = look\n"
        "main.main()\n"
    )
    ran = hook(recorded(START)[0], session(leaky), script=driver)
    assert ran.said["systemMessage"].startswith("local backend: qwen on ")
    assert "!" not in ran.said["systemMessage"]
    assert only_detail(hook) == "HTTP 200"
    noted = (hook.state / "faults.log").read_text()
    assert "KeyError" in noted
    assert "secret" not in noted


BEDROCK = {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": URL}
BEARER = {"AWS_BEARER_TOKEN_BEDROCK": "secret"}


def test_a_providers_credential_that_its_address_takes_elsewhere_is_told(place: Place) -> None:
    place.shell.update(BEARER)
    place.put("local", {"env": BEDROCK})
    found = place.look()
    assert found.facts == ["your AWS_BEARER_TOKEN_BEDROCK (exported in the shell) is sent there too"]
    assert found.marks == ["leak: AWS_BEARER_TOKEN_BEDROCK (exported in the shell)"]
    assert found.fix == "Take ANTHROPIC_BEDROCK_BASE_URL (.claude/settings.local.json) away, or what is sent there"


@pytest.mark.parametrize(
    ("local", "shell"),
    [
        (BEDROCK | BEARER, {}),
        (BEDROCK | {"AWS_BEARER_TOKEN_BEDROCK": ""}, BEARER),
        (BEDROCK, {"ANTHROPIC_API_KEY": "secret", "ANTHROPIC_AUTH_TOKEN": "secret"}),
    ],
)
def test_a_provider_that_gets_what_was_meant_for_it_is_left_in_peace(
    place: Place, local: dict[str, str], shell: dict[str, str]
) -> None:
    place.shell.update(shell)
    place.put("local", {"env": local})
    assert place.look().marks == []


@looped(
    ("provider", "url", "foreign"),
    [
        ("bedrock", "https://bedrock-runtime.eu-west-1.amazonaws.com", False),
        ("bedrock", "https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", False),
        ("bedrock", "https://ec2-1-2-3-4.compute.amazonaws.com", True),
        ("foundry", "https://mine.services.ai.azure.com/anthropic", False),
        ("foundry", "https://mine.cloudapp.azure.com", True),
        ("foundry", "https://services.ai.azure.com.example.org", True),
        ("bedrock", None, False),
        ("unknown", URL, False),
    ],
)
def test_an_address_of_somebody_else_is_told_from_a_providers_own(
    provider: str, url: str | None, foreign: bool
) -> None:
    assert is_foreign(provider, url) is foreign


def test_a_session_start_tells_of_a_providers_credential_that_goes_elsewhere(hook: HookRunner, place: Place) -> None:
    place.shell.update(BEARER)
    place.put("local", {"env": BEDROCK})
    said = hook(recorded(START)[0], session(place)).said["systemMessage"]
    assert said.startswith(
        f"! bedrock is reached at {URL}, which is none of its own addresses   ! your AWS_BEARER_TOKEN"
    )
    assert "secret" not in said
