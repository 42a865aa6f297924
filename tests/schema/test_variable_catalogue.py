"""The catalogue of environment variables: complete for our code, true about the client, light to import."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import claude_local_plugin
from claude_local_plugin.core import env_rules
from claude_local_plugin.settings import variables
from claude_local_plugin.settings.variables import catalogue, is_secret, nearest, refused_in
from tests.looped import looped
from tests.sources import modules

PACKAGE = Path(claude_local_plugin.__file__).parent
ENV_KEY = re.compile(r"(ANTHROPIC|CLAUDE|API|DISABLE|ENABLE|MAX)_[A-Z0-9_]*[A-Z0-9]")
#: Our own variables, and the module that lists every name the client knows.
OURS, EVERY_NAME = "CLAUDE_LOCAL_", PACKAGE / "core" / "env_rules.py"
#: Taken from no settings file, though the client's debug log does not say so for each of them.
SILENTLY_REFUSED = {
    *("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "CLAUDE_CODE_MESSAGING_SOCKET", "CLAUDE_CODE_MESSAGING_TOKEN"),
    "CLAUDE_CODE_HOST_AUTH_ENV_VAR",
    *("CLAUDE_CODE_MANAGED_SETTINGS_PATH", "CLAUDE_CODE_IGNORE_PERSISTED_TRUST", "ANTHROPIC_UNIX_SOCKET"),
    *("CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"),
}


def mentioned() -> Iterator[tuple[str, str]]:
    """Every string in our code that looks like a variable's name, with the module it stands in."""
    for module in modules(PACKAGE):
        if module == EVERY_NAME:
            continue
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and ENV_KEY.fullmatch(node.value):
                yield node.value, str(module.relative_to(PACKAGE))


def test_every_variable_that_our_code_names_is_in_the_catalogue() -> None:
    # a part of a name is put together with others to a whole one
    known = [f"_{name}_" for name in catalogue()]
    unknown = {(name, module) for name, module in mentioned() if not any(f"_{name}_" in each for each in known)}
    assert not {(name, module) for name, module in unknown if not name.startswith(OURS)}


def test_it_is_read_once_and_cannot_be_changed() -> None:
    assert catalogue() is catalogue()
    with pytest.raises(TypeError):
        catalogue()["X"] = None  # type: ignore[index]


def test_every_variable_is_described_in_a_sentence() -> None:
    for variable in catalogue().values():
        assert variable.description[0].isupper() or variable.description[0] in "“/", variable.name
        assert variable.description.endswith("."), variable.name


@looped("since", sorted({str(each.since) for each in catalogue().values() if each.since}))
def test_since_is_a_version(since: str) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", since)


@looped("variable", catalogue().values(), ids=catalogue())
def test_it_agrees_with_the_resolver_on_refusal_and_trust(variable: variables.Variable) -> None:
    assert variable.before_trust == (variable.name in env_rules.APPLIED_BEFORE_TRUST)
    assert set(variable.refused_in) in (set(), {"project", "local"}, {"project", "local", "user", "flag", "managed"})
    if variable.name in SILENTLY_REFUSED:
        assert all(refused_in(variable.name, scope) for scope in ("project", "local", "user", "flag", "managed"))
        return
    for value in ("x", "1", "true", "0", "off", ""):
        everywhere = env_rules.refused_everywhere(variable.name, value)
        in_projects = everywhere or env_rules.refused_in_projects(variable.name, value)
        assert refused_in(variable.name, "project", value) == in_projects, value
        assert refused_in(variable.name, "local", value) == in_projects, value
        assert refused_in(variable.name, "user", value) == everywhere, value


@looped(
    "name",
    [
        *("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS"),
        *("MY_TOKEN", "OPENAI_API_KEY", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "my_server_key"),
        *("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE", "MY_API_KEY_2"),
        *("primaryApiKey", "claudeAiOauth.accessToken"),  # settings keys
    ],
)
def test_what_is_secret(name: str) -> None:
    assert is_secret(name)


@looped(
    "name",
    [
        *("ANTHROPIC_BASE_URL", "CLAUDE_CODE_MAX_OUTPUT_TOKENS", "MAX_THINKING_TOKENS", "CLAUDE_CODE_CLIENT_KEY"),
        *("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "CLAUDE_CODE_ATTRIBUTION_HEADER", "PATH", "KEYBOARD"),
        *("apiKeyHelper", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", "ANTHROPIC_IDENTITY_TOKEN_FILE", "MY_TOKENS"),
    ],
)
def test_what_is_not_secret(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ANTHROPIC_BASE_URL", "PATH"])
def test_a_url_with_a_password_is_secret_whatever_it_is_called(name: str) -> None:
    assert is_secret(name, "http://me:word@proxy.example.com:8080/x")
    assert not is_secret(name, "http://proxy.example.com:8080/@x")


def test_every_secret_is_also_one_by_its_name() -> None:
    """So that a catalogue entry without its mark would be noticed."""
    named = {name for name in catalogue() if name.endswith(variables.SECRET_ENDINGS)}
    assert {name for name in named if not is_secret(name)} == {"CLAUDE_CODE_CLIENT_KEY"}  # a file's name


@looped(
    ("name", "meant"),
    [
        ("ANTHROPIC_BASEURL", "ANTHROPIC_BASE_URL"),
        ("ANTHROPIC_BASE_URI", "ANTHROPIC_BASE_URL"),
        ("anthropic_base_url", "ANTHROPIC_BASE_URL"),
        ("ANTROPIC_MODEL", "ANTHROPIC_MODEL"),
        ("CLAUDE_CODE_MAX_OUTPUT_TOKEN", "CLAUDE_CODE_MAX_OUTPUT_TOKENS"),
        ("CLAUDE_CODE_ATTRIBUTION_HEADERS", "CLAUDE_CODE_ATTRIBUTION_HEADER"),
        ("DISABLE_TELEMETERY", "DISABLE_TELEMETRY"),
    ],
)
def test_the_nearest_name_of_a_misspelt_variable(name: str, meant: str) -> None:
    assert nearest(name) == meant


@looped(
    "name",
    [
        *("ANTHROPIC_BASE_URL", "PATH", "home", "Home", "TMPDIRS", "MY_MODEL", "OPENAI_BASE_URL", "ANTHROPIC_TOKEN"),
        *("DISABLE_PROMPT_CACHING_OPUS", "CLAUDE_CODE_SESSION_KIND", "ANT_OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_no_nearest_name_for_a_known_a_foreign_or_a_merely_similar_one(name: str) -> None:
    assert nearest(name) is None


def test_no_variable_of_the_client_is_taken_for_a_misspelling() -> None:
    names = env_rules.REFUSED_IN_PROJECT_AND_LOCAL | env_rules.APPLIED_BEFORE_TRUST
    assert not {name: nearest(name) for name in names if nearest(name)}


def test_what_a_project_may_not_set() -> None:
    assert refused_in("CLAUDE_CODE_MODEL_CAPABILITIES", "local")
    assert refused_in("CLAUDE_CODE_OAUTH_TOKEN", "project")
    assert not refused_in("CLAUDE_CODE_MODEL_CAPABILITIES", "user")
    assert refused_in("CLAUDE_CODE_SESSION_ID", "managed")
    assert not refused_in("ANTHROPIC_BASE_URL", "local")
    assert not refused_in("BRAND_NEW", "local")
    assert refused_in("DISABLE_COMPACT", "user", "0")
    assert not refused_in("DISABLE_COMPACT", "user", "1")


def test_importing_it_brings_nothing_heavy() -> None:
    program = (
        "import sys, claude_local_plugin.settings.variables as v; v.catalogue(); v.is_secret('X'); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"jsonschema", "referencing", "difflib", "platformdirs", "httpx", "click"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ANTHROPIC_AUTH_KEY", "ANTHROPIC_AUTH_TOKEN"),
        ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
        ("anthropic_api_url", "ANTHROPIC_BASE_URL"),
        ("DISABLE_AUTO_UPDATE", "DISABLE_AUTOUPDATER"),
        ("CLAUDE_CODE_CONTEXT_WINDOW", "CLAUDE_CODE_MAX_CONTEXT_TOKENS"),
    ],
)
def test_a_name_that_people_write_for_another_is_known_for_it(name: str, meant: str) -> None:
    assert nearest(name) == meant


def test_no_mistaken_name_is_a_variable_or_stands_for_two() -> None:
    mistaken = [name for variable in catalogue().values() for name in variable.mistaken]
    assert mistaken
    assert len(mistaken) == len(set(mistaken))
    assert not set(mistaken) & set(catalogue())


def test_a_slip_in_a_name_that_is_no_secrets_makes_it_none() -> None:
    assert not is_secret("CLAUDE_CODE_MAX_CONTEXT_TOKEN", "65536")
    assert is_secret("ANTHROPIC_AUTH_KEY", "x")
    assert is_secret("MY_MAX_TOKEN", "abc")
