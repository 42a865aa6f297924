"""Programs with an Agent SDK under `claude-local run`, in both directions: where their prompts go, and with what.

The SDKs are the real ones, each with the Claude Code that it brings. "The cloud" is a stand-in for api.anthropic.com
in a network of the test's own.
"""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.conformance import Boxes, Observed, Scenario, url
from claude_local_plugin.conformance.scenario import BOX
from tests.conftest import PACKAGES

pytestmark = pytest.mark.client

SCRIPTS = Path(__file__).parent / "sdk"
TYPESCRIPT = PACKAGES / "@anthropic-ai" / "claude-agent-sdk" / "sdk.mjs"

CLOUD = "https://api.anthropic.com"
KEY = {"ANTHROPIC_API_KEY": "sk-ant-api03-of-the-shell"}
TOKEN = {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-of-the-shell"}
LOGIN = {
    "claudeAiOauth": {
        "accessToken": "sk-ant-oat01-of-the-login",
        "refreshToken": "sk-ant-ort01-of-the-login",
        "expiresAt": 4102444800000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
}
CONFIG = {"home/.config/claude-local/config.toml": f'[profiles.spark]\nurl = "{url("ours")}"\n'}
ENABLED = (("enable", "--url", url("local"), "--yes", "--no-hooks"),)
WAYS = {"local": ("run", "spark"), "cloud": ("run", "--cloud")}


def served(place: str) -> dict[str, Any]:
    return {
        "env": {
            "ANTHROPIC_BASE_URL": url(place),
            "ANTHROPIC_AUTH_TOKEN": f"token-{place}",
            "ANTHROPIC_MODEL": f"model-{place}",
        }
    }


#: All that can stand in the way: enabled for another server, two more in other files, a key and a login.
EVERYTHING = Scenario(
    settings={"user": served("user"), "project": served("project")},
    setup=ENABLED,
    shell=KEY,
    credentials=LOGIN,
    files=CONFIG,
)
#: Where somebody has enabled a server and is logged in.
LOGGED_IN = Scenario(setup=ENABLED, credentials=LOGIN, files=CONFIG)


def missing(language: str) -> str | None:
    """What is not here of an SDK."""
    if language == "python":
        return None if importlib.util.find_spec("claude_agent_sdk") else 'pip install -e ".[sdk]"'
    if not TYPESCRIPT.is_file():
        return "npm install --prefix tests/client"
    return None if shutil.which("node") else "a Node.js, version 18 or newer"


@pytest.fixture(params=["python", "typescript"])
def language(request: pytest.FixtureRequest) -> str:
    """The language of an SDK that is here; the test is skipped where it is not, and fails instead in CI."""
    found: str = request.param
    if needed := missing(found):
        reason = f"no Agent SDK for {found} here, which needs: {needed}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def boxes(claude_binary: Path) -> Iterator[Boxes]:
    with Boxes(claude_binary, workers=1, patience=120.0) as boxes:
        yield boxes


Asks = Callable[..., Observed]


@pytest.fixture
def ask(boxes: Boxes, language: str) -> Asks:
    """Has a program ask with these options under `run`, and says what was seen."""

    def asked(scenario: Scenario, way: str, options: dict[str, Any] | None = None, dotenv: str = "") -> Observed:
        if not (boxes.alone and boxes.tls):
            pytest.skip("there can be no stand-in for the cloud here: namespaces and openssl are needed")
        if language == "python":
            program = [
                sys.executable,
                "-I",
                str(SCRIPTS / "ask.py"),
                json.dumps(options or {}),
                *([".env"] * bool(dotenv)),
            ]
        else:
            node = shutil.which("node") or "node"
            load = ["--env-file=.env"] * bool(dotenv)
            program = [node, *load, str(SCRIPTS / "ask.mjs"), str(TYPESCRIPT), json.dumps(options or {})]
        files = {**scenario.files, **({"home/shop/.env": dotenv} if dotenv else {})}
        through = (*WAYS[way], "--for", "agent-sdk", "--")
        return boxes.observe(replace(scenario, through=through, program=tuple(program), files=files))

    return asked


def arrived(observed: Observed) -> tuple[str | None, str | None, str | None]:
    """Where the prompt went, and with which credentials; it was answered."""
    assert (observed.outcome, observed.exit_code) == ("ok", 0), (observed.said, observed.warnings)
    return observed.base_url, observed.authorization or None, observed.x_api_key or None


#: What an SDK can be told that has a say in it: for Python, and for TypeScript.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "no sources": ({"setting_sources": []}, {"settingSources": []}),
    "project alone": ({"setting_sources": ["project"]}, {"settingSources": ["project"]}),
    "skills": ({"skills": "all"}, {"skills": "all"}),
    "settings": ({"settings": json.dumps(served("flag"))}, {"settings": served("flag")}),
    "settings of a model": ({"settings": '{"model": "theirs"}'}, {"settings": {"model": "theirs"}}),
}


def asked_of(language: str) -> list[str]:
    """The options that are tried: every other one in each language, or all of them where everything is asked."""
    if os.environ.get("CLAUDE_LOCAL_VERIFY_CASES") == "all":
        return list(OPTIONS)
    return list(OPTIONS)[language == "typescript" :: 2]


def of(language: str, name: str) -> dict[str, Any]:
    return OPTIONS[name][language == "typescript"]


@pytest.mark.parametrize(
    ("language", "name"),
    [(language, name) for language in ("python", "typescript") for name in asked_of(language)],
    indirect=["language"],
)
def test_whatever_an_sdk_is_told_its_prompts_go_where_the_run_says(ask: Asks, language: str, name: str) -> None:
    local = ask(EVERYTHING, "local", of(language, name))
    assert arrived(local) == (url("ours"), "Bearer claude-local", None)
    cloud = ask(EVERYTHING, "cloud", of(language, name))
    assert arrived(cloud) == (CLOUD, None, KEY["ANTHROPIC_API_KEY"])
    assert "token-" not in str(local)
    assert "model-" not in str((local.model, cloud.model))


def test_the_model_that_a_program_names_is_its_own_business(ask: Asks) -> None:
    for way, where in (("local", url("ours")), ("cloud", CLOUD)):
        observed = ask(EVERYTHING, way, {"model": "of-the-program"})
        assert arrived(observed)[0] == where
        assert observed.model == "of-the-program"


def test_a_program_that_names_a_server_itself_goes_there_without_a_credential_of_the_users(
    ask: Asks, language: str
) -> None:
    own = served("shell")["env"]
    # TypeScript's `env` is all that its client gets
    env = own if language == "python" else {"PATH": "/usr/bin:/bin", "HOME": f"{BOX}/home", **own}
    scenario = replace(EVERYTHING, setup=(), settings={})
    observed = ask(scenario, "local", {"env": env})
    assert arrived(observed) == (url("shell"), "Bearer token-shell", None)


@pytest.mark.parametrize("language", ["typescript"], indirect=True)  # a Python program's is added to what there is
def test_a_typescript_program_that_replaces_its_environment_is_beyond_a_run_which_says_so(ask: Asks) -> None:
    for way in WAYS:
        observed = ask(EVERYTHING, way, {"env": {"PATH": "/usr/bin:/bin", "HOME": f"{BOX}/home"}})
        assert arrived(observed) == (url("local"), "Bearer claude-local", None)  # where the folder is enabled for
        assert any("replaces this environment: spread process.env" in line for line in observed.warnings)


def test_a_login_alone_cannot_serve_a_program_in_an_enabled_folder(ask: Asks) -> None:
    observed = ask(LOGGED_IN, "cloud")
    assert (observed.exit_code, observed.base_url) == (1, None)
    said = "\n".join(observed.warnings)
    assert ".claude/settings.local.json:3 leads sessions here to a server of your own" in said
    assert "neither a claude.ai login nor an apiKeyHelper: only a key or a token in the environment" in said
    assert "export CLAUDE_CODE_OAUTH_TOKEN=" in said


def test_neither_can_a_helper(ask: Asks) -> None:
    helper = {"user": {"apiKeyHelper": "echo helper-key"}}
    observed = ask(replace(LOGGED_IN, credentials=None, settings=helper), "cloud")
    assert (observed.exit_code, observed.base_url) == (1, None)
    assert "only a key or a token in the environment" in "\n".join(observed.warnings)
    local = ask(replace(LOGGED_IN, settings=helper), "local")
    assert arrived(local) == (url("ours"), "Bearer claude-local", None)


def test_a_login_serves_where_nothing_leads_elsewhere(ask: Asks) -> None:
    observed = ask(replace(LOGGED_IN, setup=()), "cloud")
    assert arrived(observed) == (CLOUD, "Bearer sk-ant-oat01-of-the-login", None)


def test_a_token_in_the_environment_serves_in_an_enabled_folder(ask: Asks) -> None:
    observed = ask(replace(LOGGED_IN, shell=TOKEN), "cloud")
    assert arrived(observed) == (CLOUD, "Bearer sk-ant-oat01-of-the-shell", None)
    observed = ask(replace(LOGGED_IN, shell=TOKEN), "local")
    assert arrived(observed) == (url("ours"), "Bearer claude-local", None)


#: What a program loads before it asks: a key of the user's, and what `claude-local env` would write.
DOTENV_OF_THE_USER = "ANTHROPIC_API_KEY=sk-ant-api03-of-a-file\nexport CLAUDE_CODE_USE_BEDROCK=1\n"
DOTENV_OF_OURS = (
    f"ANTHROPIC_BASE_URL={url('local')}\nANTHROPIC_AUTH_TOKEN=claude-local\nANTHROPIC_MODEL=m\n"
    "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1\n"
)


def test_a_program_that_loads_a_file_of_variables_goes_where_the_run_says(ask: Asks) -> None:
    local = ask(LOGGED_IN, "local", dotenv=DOTENV_OF_THE_USER)
    assert arrived(local) == (url("ours"), "Bearer claude-local", None)
    assert any(".env sets ANTHROPIC_API_KEY: a program that lets" in line for line in local.warnings)
    assert arrived(ask(LOGGED_IN, "local", dotenv=DOTENV_OF_OURS)) == (url("ours"), "Bearer claude-local", None)
    cloud = ask(replace(LOGGED_IN, shell=KEY), "cloud", dotenv=DOTENV_OF_OURS)
    assert arrived(cloud) == (CLOUD, None, KEY["ANTHROPIC_API_KEY"])
    outside = ask(replace(LOGGED_IN, setup=()), "cloud", dotenv=DOTENV_OF_OURS)
    assert arrived(outside) == (CLOUD, "Bearer sk-ant-oat01-of-the-login", None)
