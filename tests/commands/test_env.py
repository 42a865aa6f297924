"""`claude-local env`: what a shell is told and that it is heard, what still wins or is refused, the project's files."""

import json
import os
import pty
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.precedence import resolve
from tests.commands.place import MODEL, Place
from tests.launch.test_shells import dotenv_values, had, read_back

KEY = "key-of-the-box"


NAMED = ("--model", MODEL, "--no-check")


def told(place: Place, *arguments: str, shell: str = "bash") -> str:
    return place.ok("env", *arguments, "--shell", shell).out


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_that_was_told_sends_sessions_to_the_server_whatever_settings_files_say(
    place: Place, server: EmbeddedBackend, tmp_path: Path, shell: str
) -> None:
    text = told(place, "--url", server.url, shell=had(shell))
    mine = {"ANTHROPIC_API_KEY": "sk-ant-mine", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat", "CLAUDE_CODE_USE_BEDROCK": "1"}
    environ = read_back(shell, text, tmp_path, mine)
    elsewhere = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_AUTH_TOKEN": "theirs", "ANTHROPIC_MODEL": "m"}
    for path in (place.user, place.shared, place.local):
        place.write(path, {"env": elsewhere})
    resolution = resolve(place.world(environ=environ).snapshot())
    assert resolution.outcome == "ok"
    assert resolution.value("base_url") == server.url
    assert resolution.value("authorization") == "Bearer claude-local"
    assert not resolution.value("x_api_key")
    assert resolution.value("model") == MODEL


def test_what_a_settings_file_still_decides_is_named_with_its_place(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.local, {"env": {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "32768", "CLAUDE_CODE_MAX_RETRIES": "2"}})
    said = place.ok("env", "--url", server.url).err
    assert (
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS is 32768 in .claude/settings.local.json:3, which still wins over 65536" in said
    )
    assert "CLAUDE_CODE_MAX_RETRIES" not in said


def test_what_enable_wrote_for_another_server_and_no_environment_beats_is_named(
    place: Place, server: EmbeddedBackend
) -> None:
    place.ok("enable", "--yes", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check")
    said = place.ok("env", "--url", server.url).err
    assert re.search(r"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS is 1 in \.claude/settings\.local\.json:\d+", said)
    assert "ANTHROPIC_" not in said


@pytest.mark.process
def test_a_program_that_loads_a_dotenv_file_puts_no_key_of_its_own_into_the_gap(
    place: Place, server: EmbeddedBackend, tmp_path: Path
) -> None:
    (place.project / ".env").write_text("ANTHROPIC_API_KEY=sk-ant-mine\nCLAUDE_CODE_USE_BEDROCK=1\nOTHER=1\n")
    environ = read_back("bash", told(place, "--url", server.url), tmp_path)
    code = "import json, os, dotenv; dotenv.load_dotenv('.env'); print(json.dumps(dict(os.environ)))"
    done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=place.project, check=True, capture_output=True)
    seen = json.loads(done.stdout)
    assert seen["OTHER"] == "1"
    assert not seen["ANTHROPIC_API_KEY"]
    assert not seen["CLAUDE_CODE_USE_BEDROCK"]


def test_nothing_is_said_where_nothing_beats_it(place: Place, server: EmbeddedBackend) -> None:
    ended = place.ok("env", "--url", server.url)
    assert ended.err == ""
    assert "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1" in ended.out


def test_a_second_time_in_a_shell_that_was_told_says_the_same(
    place: Place, server: EmbeddedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = told(place, "--url", server.url)
    for name, value in read_back("bash", first, tmp_path).items():
        if name.startswith(("ANTHROPIC_", "CLAUDE_", "API_", "DISABLE_")):
            monkeypatch.setenv(name, value)
    assert told(place, "--url", server.url) == first


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("hosts", [None, "a.corp,b.corp"])
def test_unset_takes_back_what_was_set_and_nothing_else(
    place: Place,
    server: EmbeddedBackend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shell: str,
    hosts: str | None,
) -> None:
    mine = {"OPENAI_API_KEY": "sk-mine", "DISABLE_COMPACT": "1", "HTTP_PROXY": "http://proxy.corp:3128"}
    if hosts:
        mine["NO_PROXY"] = hosts
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    text = told(place, "--url", server.url.replace("127.0.0.1", "127.0.0.2"), *NAMED, shell=had(shell))
    before, now = read_back(shell, "", tmp_path, mine), read_back(shell, text, tmp_path, mine)
    assert now["NO_PROXY"] == ",".join(filter(None, (hosts, "127.0.0.2")))
    for name in now.keys() - before.keys() | {"NO_PROXY"}:
        monkeypatch.setenv(name, now[name])
    back = told(place, "--unset", shell=shell)
    assert read_back(shell, text + back, tmp_path, mine) == before


def test_where_nothing_was_set_nothing_is_taken_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://mine:8000")
    ended = place.ok("env", "--unset", "--shell", "bash")
    assert ended.out == ""
    assert "nothing of claude-local is set here" in ended.err


@pytest.mark.parametrize(
    ("managed", "said"),
    [
        ({"env": {"ANTHROPIC_BASE_URL": "http://10.0.0.1:8000"}}, "sets ANTHROPIC_BASE_URL"),
        ({"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}, "sets CLAUDE_CODE_USE_BEDROCK"),
        ({"env": {"ANTHROPIC_MODEL": "claude-opus-5-5"}}, "sets ANTHROPIC_MODEL"),
        ({"forceLoginMethod": "claudeai"}, "sets forceLoginMethod"),
        ({"model": "opus"}, "sets model"),
        ({"allowedProviders": ["anthropic"]}, "allowedProviders"),
    ],
)
def test_an_administrators_pin_is_never_bypassed(
    place: Place, server: EmbeddedBackend, tmp_path: Path, managed: dict[str, object], said: str
) -> None:
    from claude_local_plugin.commands import env
    from claude_local_plugin.errors import ClaudeLocalError
    from claude_local_plugin.launch.shells import SHELLS

    folder = tmp_path / "managed"
    place.write(folder / "managed-settings.json", managed)
    world = place.world(managed_dir=folder)
    with pytest.raises(ClaudeLocalError) as refused:
        env.assignments(world, env.Asked(SHELLS["bash"], url=server.url))
    assert said in refused.value.message
    hosted = world.with_environ({**world.environ, "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"})
    with pytest.raises(ClaudeLocalError, match="managed"):
        env.assignments(hosted, env.Asked(SHELLS["bash"], url=server.url))


@pytest.mark.parametrize(
    "managed", [{"env": {"API_TIMEOUT_MS": "600000"}}, {"env": {"CLAUDE_CODE_USE_BEDROCK": "0"}}, {"model": MODEL}]
)
def test_an_administrator_who_decides_nothing_of_it_is_no_reason(
    place: Place, server: EmbeddedBackend, tmp_path: Path, managed: dict[str, object]
) -> None:
    from claude_local_plugin.commands import env
    from claude_local_plugin.launch.shells import SHELLS

    place.write(tmp_path / "managed" / "managed-settings.json", managed)
    said = env.assignments(place.world(managed_dir=tmp_path / "managed"), env.Asked(SHELLS["bash"], url=server.url))
    assert "ANTHROPIC_BASE_URL" in said.text


def test_a_sign_in_at_a_gateway_is_named_and_not_bypassed(place: Place, server: EmbeddedBackend) -> None:
    sign_in = {
        "enterpriseGateway": {
            "url": "https://gateway.corp",
            "jwt": "e.y.J",
            "expiresAt": 4102444800000,
            "tokenEndpoint": "https://gateway.corp/token",
        },
        "gatewayTrust": {"gateway.corp": "ab"},
    }
    place.write(place.home / ".claude" / ".credentials.json", sign_in)
    (place.home / ".claude" / ".credentials.json").chmod(0o600)
    assert "signed in at a Claude apps gateway" in place.refused("env", "--url", server.url)


# --- secrets


def at_a_terminal(place: Place, *arguments: str) -> str:
    """What `env` shows where standard output is a terminal."""
    ours, theirs = pty.openpty()
    code = "import sys; from claude_local_plugin.cli import run_line; sys.exit(run_line(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "env", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "dumb", "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=place.project,
    )
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    process.wait(60)
    return said.decode()


@pytest.mark.process
def test_a_terminal_is_shown_where_a_key_is_to_be_had(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", KEY)
    given = ("--url", server.url, "--token-env", "BOX_KEY")
    shown = at_a_terminal(place, *given, "--shell", "bash")
    assert 'export ANTHROPIC_AUTH_TOKEN="$BOX_KEY"' in shown
    assert KEY not in shown
    assert f"ANTHROPIC_AUTH_TOKEN={KEY}" in at_a_terminal(place, *given, "--shell", "bash", "--reveal")
    assert f"ANTHROPIC_AUTH_TOKEN={KEY}" in told(place, *given)


@pytest.mark.process
def test_a_kept_key_is_asked_for_by_its_profile(place: Place, server: EmbeddedBackend) -> None:
    keys = place.home / ".config" / "claude-local" / "keys"
    place.write(keys / "spark", f"{KEY}\n")
    (keys / "spark").chmod(0o600)
    place.write(keys.parent / "config.toml", f'[profiles.spark]\nurl = "{server.url}"\ntoken = "file"\n')
    shown = at_a_terminal(place, "spark", "--shell", "fish")
    assert "set -gx ANTHROPIC_AUTH_TOKEN (claude-local token spark)" in shown
    assert KEY not in shown
    assert "--reveal" in at_a_terminal(place, "spark", "--shell", "dotenv")
    assert KEY in told(place, "spark")


def test_a_header_of_the_servers_is_said_as_its_variable(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASS_VAR", "open sesame")
    place.write(
        place.home / ".config" / "claude-local" / "config.toml",
        f'[profiles.spark]\nurl = "{server.url}"\nheaders = ["X-Team=a"]\nheaders_env = ["X-Gateway-Pass=PASS_VAR"]\n',
    )
    place.ok("env", "spark", "--write")
    text = (place.project / ".envrc").read_text()
    assert "ANTHROPIC_CUSTOM_HEADERS=$'X-Team: a\\nX-Gateway-Pass: '\"$PASS_VAR\"" in text
    assert "sesame" not in text


# --- .envrc and .env


BEFORES = {
    "nothing": None,
    "empty": b"",
    "one line": b"OPENAI_API_KEY=sk-mine\n",
    "no end": b"# mine\nOPENAI_API_KEY=sk-mine",
    "CRLF": b"A=1\r\nB=2\r\n",
    "no end, CRLF": b"A=1\r\nB=2",
    "no text": b"A=\xff\xfe\n\x0cB=1\n\n\n",
}


@pytest.mark.parametrize("before", BEFORES.values(), ids=BEFORES)
@pytest.mark.parametrize(("shell", "name"), [("direnv", ".envrc"), ("dotenv", ".env")])
def test_the_file_is_given_back_to_the_byte(
    repository: Place, server: EmbeddedBackend, shell: str, name: str, before: bytes | None
) -> None:
    path = repository.project / name
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o644)
    pristine = repository.elsewhere()
    for _ in range(2):
        repository.ok("env", "--url", server.url, "--shell", shell, "--write")
        once = path.read_bytes()
        assert once.startswith(before or b"")
        assert once.count(server.url.encode()) == 1
    assert repository.git("status", "--porcelain") == ""
    if before is None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    repository.ok("env", "--shell", shell, "--write", "--unset")
    assert repository.elsewhere() == pristine
    assert not (repository.state / "env-files").exists()


def test_what_others_write_around_our_lines_meanwhile_stays(repository: Place, server: EmbeddedBackend) -> None:
    path = repository.project / ".env"
    path.write_text("A=1\n")
    repository.ok("env", "--url", server.url, "--shell", "dotenv", "--write")
    path.write_text("FIRST=1\n" + path.read_text() + "LAST=1")
    repository.ok("env", "--url", server.url, "--model", MODEL, "--shell", "dotenv", "--write")
    assert dotenv_values(path)["ANTHROPIC_BASE_URL"] == server.url
    repository.ok("env", "--shell", "dotenv", "--write", "--unset")
    assert path.read_text() == "FIRST=1\nA=1\nLAST=1"


def test_an_env_file_blanks_what_it_may_not_hand_on(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", KEY)
    (place.project / ".env").write_text("ANTHROPIC_API_KEY=sk-ant-mine\nOPENAI_API_KEY=sk-mine\n")
    place.ok("env", "--url", server.url, "--token-env", "BOX_KEY", "--shell", "dotenv", "--write")
    values = dotenv_values(place.project / ".env")
    assert values["ANTHROPIC_API_KEY"] == ""
    assert values["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert values["OPENAI_API_KEY"] == "sk-mine"


def test_a_key_goes_into_no_file_that_git_or_others_see(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", KEY)
    path = repository.project / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    keyed = ("env", "--url", server.url, "--token-env", "BOX_KEY", "--shell", "dotenv", "--write")
    repository.ok(*keyed)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    repository.ok("env", "--shell", "dotenv", "--write", "--unset")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    repository.git("add", "-f", ".env")
    assert "tracked by git" in repository.refused(*keyed)
    assert "tracked by git" in repository.ok("env", "--url", server.url, "--shell", "dotenv", "--write").err


@pytest.mark.process
def test_direnv_takes_what_was_written_and_the_key_is_not_in_it(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", KEY)
    place.ok("env", "--url", server.url, "--token-env", "BOX_KEY", "--write")
    assert KEY not in (place.project / ".envrc").read_text()
    had("direnv")
    environ = {**os.environ, "ANTHROPIC_API_KEY": "sk-ant-mine"}
    subprocess.run(["direnv", "allow", "."], cwd=place.project, env=environ, check=True, capture_output=True)
    done = subprocess.run(
        ["direnv", "exec", ".", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"],
        cwd=place.project,
        env=environ,
        check=True,
        capture_output=True,
    )
    seen = json.loads(done.stdout)
    assert seen["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert seen["ANTHROPIC_BASE_URL"] == server.url
    assert seen["ANTHROPIC_API_KEY"] == ""


def test_a_link_out_of_the_project_is_not_written_through(place: Place, server: EmbeddedBackend) -> None:
    (place.home / ".bashrc").write_text("mine\n")
    (place.project / ".envrc").symlink_to(place.home / ".bashrc")
    assert "is a link to" in place.refused("env", "--url", server.url, "--write")


def test_half_a_block_is_named_with_its_line(place: Place, server: EmbeddedBackend) -> None:
    place.ok("env", "--url", server.url, "--write")
    path = place.project / ".envrc"
    path.write_text("A=1\n" + path.read_text().replace("# <<<", "# <"))
    assert ".envrc:2: our lines begin here" in place.refused("env", "--url", server.url, "--write")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cloud",), "no server of yours"),
        (("--write", "--shell", "zsh"), "reads no file of its own"),
        (("--unset", "--shell", "dotenv"), "holds no commands"),
        (("--unset", "--url", "http://x:1"), "asks no server"),
        (("spark", "--url", "http://x:1"), "name a server"),
        (("nobody",), "no profile called nobody"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    place: Place, server: EmbeddedBackend, arguments: tuple[str, ...], said: str
) -> None:
    if "zsh" in arguments:
        arguments = (*arguments, "--url", server.url)
    assert said in place.refused("env", *arguments, code=2)


SEVERAL = (Model("one", 65_536), Model("two", 65_536))


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (("env", "URL", "--write"), "claude-local env --url URL --model one --write"),
        (("env", "URL", "--shell", "fish"), "claude-local env --url URL --model one --shell fish"),
        (("enable", "URL", "--vscode", "user"), "claude-local enable --url URL --model one --vscode user"),
        (("run", "URL", "--", "ls", "-l"), "claude-local run --url URL --model one -- ls -l"),
        (("enable", "URL", "--no-port-scan"), "claude-local enable --url URL --model one --no-port-scan"),
    ],
)
def test_what_is_shown_to_be_typed_is_the_same_command_again(place: Place, words: tuple[str, ...], again: str) -> None:
    with EmbeddedBackend(models=SEVERAL) as server:
        name, _, *rest = words
        said = place.refused(name, "--url", server.url, *rest, code=2)
        assert f"hint: {again.replace('URL', server.url)}\n" in said
        if name != "run":  # which would become that program
            more = ("--yes",) if name == "enable" else ()
            place.ok(*shlex.split(again.replace("URL", server.url))[1:], *more)


def test_a_window_that_claude_code_does_not_fit_into_is_said(place: Place) -> None:
    with EmbeddedBackend(models=(Model("small", 8_192),)) as server:
        assert "small has a window of 8,192 tokens, and Claude Code needs" in place.ok("env", "--url", server.url).err
