"""No secret that stands in settings, wherever it does, is shown by any command: in words or as JSON, on any stream."""

import json
from pathlib import Path

import pytest

from tests.commands.place import Place

#: Where it stands -> the secret there: all of them different, so that whichever is shown is known by its text.
PLACES = {
    "auth token": "tok-aaaa1111bbbb",
    "api key": "sk-ant-api03-cccc2222dddd",
    "bearer header": "hdr-eeee3333ffff",
    "key header": "hdr-gggg4444hhhh",
    "url password": "pw-iiii5555jjjj",
    "url query": "qry-kkkk6666llll",
    "proxy password": "pw-mmmm7777nnnn",
    "unsuspicious variable": "sk-oooo8888pppp",
    "unknown key variable": "val-qqqq9999rrrr",
    "helper argument": "hlp-ssss1212tttt",
    "helper header": "hlp-uuuu1313vvvv",
    "status line header": "stl-wwww1414xxxx",
    "status line option": "stl-yyyy1515zzzz",
    "hook variable": "hok-abab1616cdcd",
    "hook url": "hok-efef1717ghgh",
    "hook header": "hok-ijij1818klkl",
    "permission rule": "prm-mnmn1919opop",
    "server environment": "mcp-qrqr2020stst",
    "shell token": "shl-uvuv2121wxwx",
    "shell proxy": "shl-yzyz2222abab",
    "shell headers": "shl-cdcd2323efef",
    "github token": "ghp_ghgh2424ijij2424klkl",
    "web token": "eyJmnmn2525.eyJopop2626.sig2727",
    "aws key": "AKIA2828QRQR2929STST",
    "model": "sk-uvuv3030wxwx",
}


def _settings() -> dict[str, object]:
    at = PLACES
    return {
        "env": {
            "ANTHROPIC_BASE_URL": f"http://me:{at['url password']}@127.0.0.1:9/?key={at['url query']}",
            "ANTHROPIC_AUTH_TOKEN": at["auth token"],
            "ANTHROPIC_API_KEY": at["api key"],
            "ANTHROPIC_CUSTOM_HEADERS": f"Authorization: Bearer {at['bearer header']}\nx-api-key: {at['key header']}",
            "ANTHROPIC_MODEL": at["model"],
            "HTTP_PROXY": f"http://me:{at['proxy password']}@127.0.0.1:8",
            "NOTE": at["unsuspicious variable"],
            "ANTHROPIC_AUTH_KEY": at["unknown key variable"],
            "DISABLE_SOMETHING": at["github token"],
            "LD_PRELOAD": f"/x/{at['aws key']}",
        },
        "apiKeyHelper": f"get --password {at['helper argument']} -H 'Authorization: Bearer {at['helper header']}'",
        "statusLine": {
            "type": "command",
            "command": f"curl -H 'x-api-key: {at['status line header']}' --api-key={at['status line option']} x",
        },
        "hooks": {
            "PreToolUse": [
                {
                    "hooks": [
                        {"type": "command", "command": f"export MY_TOKEN={at['hook variable']}; ./guard"},
                        {
                            "type": "http",
                            "url": f"http://me:{at['hook url']}@127.0.0.1:7/",
                            "headers": {"Authorization": f"Bearer {at['hook header']}"},
                        },
                    ]
                }
            ]
        },
        "permissions": {"allow": [f"Bash(curl -H 'Authorization: Bearer {at['permission rule']}' *)"]},
        "mcpServers": {"x": {"env": {"SOME_TOKEN": at["server environment"], "J": at["web token"]}}},
    }


CALLS = [
    ("status",),
    ("status", "--all"),
    ("explain-precedence",),
    (
        "explain-precedence",
        "ANTHROPIC_CUSTOM_HEADERS",
        "NOTE",
        "apiKeyHelper",
        "statusLine",
        "HTTP_PROXY",
        "LD_PRELOAD",
    ),
    ("explain-precedence", "permissions.allow", "hooks", "mcpServers", "DISABLE_SOMETHING", "ANTHROPIC_AUTH_KEY"),
    ("doctor",),
    ("doctor", "--fix", "--dry-run"),
    ("enable", "--dry-run"),
    ("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check", "--dry-run"),
    ("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check", "--dry-run", "--statusline"),
    ("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check", "--yes", "--force"),
    ("managed", "render", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check"),
    ("privacy",),
    ("privacy", "--level", "airgap"),
    ("hooks", "status"),
    ("hooks", "install", "--dry-run"),
    ("sessions", "list"),
    ("audit", "--allow", "cloud"),
    ("disable", "--dry-run"),
    ("disable", "--yes"),
    ("uninstall", "--dry-run"),
]


@pytest.fixture
def laden(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A project whose settings, in each of three scopes, and whose shell are full of secrets."""
    for path in (place.local, place.shared, place.user):
        place.write(path, json.dumps(_settings(), indent=2))
    for name, text in (
        ("ANTHROPIC_AUTH_TOKEN", PLACES["shell token"]),
        ("HTTPS_PROXY", f"http://me:{PLACES['shell proxy']}@127.0.0.1:8"),
        ("ANTHROPIC_CUSTOM_HEADERS", f"Authorization: Bearer {PLACES['shell headers']}"),
    ):
        monkeypatch.setenv(name, text)
    return place


@pytest.mark.parametrize("as_json", [False, True], ids=["words", "json"])
def test_no_command_shows_a_secret(laden: Place, as_json: bool) -> None:
    shown: dict[str, list[str]] = {}
    for words in CALLS:
        ended = laden.run(*words, *(["--json"] if as_json else []))
        found = [place for place, secret in PLACES.items() if secret in ended.out + ended.err]
        if found:
            shown[" ".join(words)] = found
    assert shown == {}


def test_what_is_asked_to_be_revealed_is(laden: Place) -> None:
    assert PLACES["auth token"] in laden.run("explain-precedence", "ANTHROPIC_AUTH_TOKEN", "--reveal").out


def test_words_that_only_speak_of_secrets_stay(tmp_path: Path) -> None:
    from claude_local_plugin.text import without_secrets

    for text in (
        "sends `Authorization: Bearer` and no x-api-key: the server asks for none",
        "Basic authentication, as the base URL has user:password in it",
        "authorization: judged on the route that is used",
        "claude-local enable --token-env SERVER_KEY",
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS=16384, API_KEY= is empty",
        "Bearer cla…cal (12 chars)",
        "leak.provider-token  AWS_BEARER_TOKEN_BEDROCK (exported in the shell) is sent to http://10.0.0.9:1",
    ):
        assert without_secrets(text, prose=True) == text


@pytest.mark.parametrize("option", ["--token", "--hf-token", "-token", "'--api-key", "x --password"])
def test_an_option_is_one_in_prose_too(option: str) -> None:
    from claude_local_plugin.text import without_secrets

    for joint in (" ", "="):
        assert "abcd1234efgh" not in without_secrets(f"{option}{joint}abcd1234efgh", prose=True)
