"""`enable` ends well exactly where sessions then go to the server, with its key and its model; else it writes nothing.

Over what other settings there are, in every scope: what it says is held against the resolution of the files as they
are afterwards, or as they would have been.
"""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.commands import enable
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.precedence import Resolution, Scope, resolve
from claude_local_plugin.world import World
from tests.commands.place import Place

pytestmark = pytest.mark.slow

URL, MODEL = "http://127.0.0.1:8000", "m"

#: What somebody else may have set, by name; in the shell only what is in an `env` block counts.
OTHERS: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "address": {"env": {"ANTHROPIC_BASE_URL": "http://elsewhere:9"}},
    "address and token": {"env": {"ANTHROPIC_BASE_URL": "http://elsewhere:9", "ANTHROPIC_AUTH_TOKEN": "theirs"}},
    "no address": {"env": {"ANTHROPIC_BASE_URL": ""}},
    "address without scheme": {"env": {"ANTHROPIC_BASE_URL": "elsewhere:9"}},
    "quoted address": {"env": {"ANTHROPIC_BASE_URL": '"http://elsewhere:9"'}},
    "address by reference": {"env": {"ANTHROPIC_BASE_URL": "http://${HOST}:9"}},
    "our address, spelt otherwise": {"env": {"ANTHROPIC_BASE_URL": f"{URL}/"}},
    "our address with a query": {"env": {"ANTHROPIC_BASE_URL": f"{URL}?a=b"}},
    "token": {"env": {"ANTHROPIC_AUTH_TOKEN": "theirs"}},
    "key": {"env": {"ANTHROPIC_API_KEY": "sk-ant-api03-theirs"}},
    "headers": {"env": {"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: sk-ant-api03-theirs"}},
    "helper": {"apiKeyHelper": "echo theirs"},
    "login": {"env": {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-theirs"}},
    "model variable": {"env": {"ANTHROPIC_MODEL": "theirs"}},
    "model": {"model": "opus"},
    "bedrock": {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}},
    "vertex": {"env": {"CLAUDE_CODE_USE_VERTEX": "true"}},
    "foundry": {"env": {"CLAUDE_CODE_USE_FOUNDRY": "1"}},
    "gateway": {
        "env": {"CLAUDE_CODE_USE_GATEWAY": "1", "ANTHROPIC_BASE_URL": "http://gw:1", "ANTHROPIC_AUTH_TOKEN": "t"}
    },
    "models listed": {"availableModels": ["opus", "sonnet"]},
    "models listed and enforced": {"availableModels": ["sonnet"], "enforceAvailableModels": True},
    "model denied": {"deniedModels": [MODEL]},
    "providers listed": {"allowedProviders": ["anthropic"]},
    "login forced": {"forceLoginMethod": "claudeai"},
    "version too new": {"requiredMinimumVersion": "9.0.0"},
    "bare proxy": {"env": {"HTTP_PROXY": "proxy.corp:3128"}},
    "proxy": {"env": {"HTTPS_PROXY": "http://proxy.corp:3128", "NO_PROXY": "nowhere"}},
    "time-out": {"env": {"API_TIMEOUT_MS": "5000"}},
    "window": {"env": {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "64k"}},
    "tier": {"env": {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-4-5"}},
    "hosted": {"env": {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}},
}
WHERE = ("managed", "local", "project", "user", "shell")


def goes_there(resolution: Resolution) -> bool:
    """Whether a session goes to the server, with the placeholder for a key and no other, and asks for the model."""
    value = resolution.value
    return (
        resolution.outcome == "ok"
        and value("provider") in ("anthropic", "gateway")
        and (value("base_url") or "").rstrip("/") == URL
        and value("authorization") == "Bearer claude-local"
        and not value("x_api_key")
        and value("model") == MODEL
        and not any(warning.id.startswith("leak.") for warning in resolution.warnings)
    )


def lay_out(place: Place, managed: Path, settings: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what is named, each in its place; of two `env` blocks in one place both count."""
    files = {"managed": managed / "managed-settings.json", "local": place.local, "project": place.shared}
    files["user"] = place.user
    content: dict[str, dict[str, Any]] = {}
    for where, name in settings:
        given = OTHERS[name]
        if where == "shell":
            for variable, value in given.get("env", {}).items():
                monkeypatch.setenv(variable, value)
            continue
        held = content.setdefault(where, {})
        content[where] = {**held, **given, "env": {**held.get("env", {}), **given.get("env", {})}}
    for where, data in content.items():
        place.write(files[where], data)


def prepared_or_refused(request: enable.Request, world: World) -> enable.Prepared | ClaudeLocalError:
    try:
        return enable.prepare(request, world)
    except ClaudeLocalError as error:
        return error


def check(place: Place, managed: Path, scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = place.world(managed_dir=managed, client_version="2.1.332")
    request = enable.Request(
        url=URL, model=MODEL, scope=Scope(scope), check=False, with_hooks=False, max_model_len=65_536
    )
    before = place.elsewhere()
    prepared = prepared_or_refused(request, world)
    if isinstance(prepared, ClaudeLocalError):
        assert place.elsewhere() == before
        assert "nothing was written" in (prepared.hint or "")
        with monkeypatch.context() as patched:
            patched.setattr(enable, "refuse_without_effect", lambda *_: None)
            anyway = enable.prepare(request, world)
        planned = resolve(world.snapshot({anyway.settings_file: anyway.after}))
        assert not goes_there(planned), prepared.message
        return
    written = enable.write(prepared)
    assert goes_there(resolve(world.snapshot())), prepared.sentence
    assert written.has_effect
    assert written.sentence == prepared.sentence
    assert f"now talks to {URL} as {MODEL}; no credential of yours goes there" in written.sentence


@pytest.mark.parametrize("scope", ["local", "project", "user"])
@pytest.mark.parametrize("where", WHERE)
def test_with_one_other_setting_anywhere(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, scope: str
) -> None:
    for number, name in enumerate(OTHERS):
        with monkeypatch.context() as patched:
            folder = tmp_path / str(number)
            here = Place(folder / "home", folder / "project", place.capsys)
            here.home.mkdir(parents=True)
            here.project.mkdir()
            patched.chdir(here.project)
            patched.setenv("HOME", str(here.home))
            lay_out(here, folder / "managed", [(where, name)], patched)
            try:
                check(here, folder / "managed", scope, patched)
            except AssertionError as error:
                raise AssertionError(f"{name} in {where}, enabling {scope}: {error}") from error


@pytest.mark.parametrize("seed", range(3))
def test_with_several_other_settings_in_several_places(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    for number in range(25):
        settings = [(dice.choice(WHERE), dice.choice(list(OTHERS))) for _ in range(dice.randint(2, 5))]
        scope = dice.choice(["local", "project", "user"])
        with monkeypatch.context() as patched:
            folder = tmp_path / str(number)
            here = Place(folder / "home", folder / "project", place.capsys)
            here.home.mkdir(parents=True)
            here.project.mkdir()
            patched.chdir(here.project)
            patched.setenv("HOME", str(here.home))
            lay_out(here, folder / "managed", settings, patched)
            try:
                check(here, folder / "managed", scope, patched)
            except AssertionError as error:
                raise AssertionError(f"{settings}, enabling {scope}: {error}") from error


@pytest.mark.parametrize(
    ("settings", "place_in_file", "said"),
    [
        ({"PreToolUse": [{"matcher": "Bash", "hooks": []}]}, ":2:", '"PreToolUse" must not hold hooks'),
        ({"autoMode": {"allow": "Bash"}}, ":3:", '"autoMode.allow" must be a list'),
        ({"sandbox": {"network": {"allowUnixSockets": "/run/x"}}}, ":4:", "allowUnixSockets"),
        ({"hooks": {"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}}, ":2:", '"hooks" must be'),
    ],
)
def test_a_file_that_claude_code_would_drop_is_refused_with_its_line_and_nothing_is_written(
    place: Place, server: EmbeddedBackend, settings: dict[str, object], place_in_file: str, said: str
) -> None:
    place.write(place.local, settings)
    error = place.refused("enable", "--yes", "--url", server.url)
    assert f"{place.local}{place_in_file}" in error
    assert said in error
    assert "ignores the whole file" in error


def test_in_a_restricted_shell_enable_names_the_variable_that_keeps_settings_unread(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CODE_RESTRICTED", "1")
    said = place.refused("enable", "--url", URL, "--model", MODEL, "--no-check", "--yes")
    assert "CLAUDE_CODE_RESTRICTED is set in your shell, so a session reads no settings file of yours" in said
    assert "hint: unset CLAUDE_CODE_RESTRICTED; nothing was written" in said
    assert not place.local.exists()
