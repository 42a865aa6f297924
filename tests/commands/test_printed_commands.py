"""Every command that is printed to be typed, typed as it stands: into bash, from where it was printed, with the server
known only under the name it has in the network, and then looked at again.

Each scenario is a folder in which something is wrong. What `explain-precedence`, `enable` and `disable` print
there is taken at its word: the command runs, ends well, and what it was printed for is mended.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.commands.lan import ALIASED, GUARDED, HOST, KEY, MODEL, OPEN, SEVERAL, Lan, Typed, can_be_had

#: What a command of ours that is meant to be typed begins with.
_BEGINNINGS = ("claude-local ", "unset ", "export ", "git ", "chmod ")
#: Words that stand for something the reader has to put in.
_WORDS = "URL|NAME|VAR|VARIABLE|N|KEY|FILE|ID|SESSION|HOST|HOST:PORT|http://HOST:PORT|SCOPE"
_PLACEHOLDERS = re.compile(rf"(?<![\w/.-])(?:{_WORDS})(?![\w-])|…|NAME=")
#: What ends a command within a sentence.
_END = re.compile(
    r"   \(|   #|; |, (?:or|then)\b|,? or (?=claude-local|unset|export)| first\b|   then:"
    r"| (?:keeps|names|measures|says|shows)\b|$"
)


def commands_in(text: str) -> list[str]:
    """The commands within a hint, as they would be copied."""
    found = []
    for beginning in re.finditer("|".join(map(re.escape, _BEGINNINGS)), text):
        if beginning.start() and text[beginning.start() - 1] not in " \n`“:":
            continue
        line = text[beginning.start() :].split("\n", 1)[0]
        end = _END.search(line)
        found.append(line[: end.start() if end else None].rstrip("`” .,"))
    return [each for each in found if not _PLACEHOLDERS.search(each)]


@dataclass
class House:
    """A home and a project in it, a shell's environment, and bash in a network that has the server elsewhere."""

    lan: Lan
    home: Path
    shell: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.home / "shop"

    @property
    def local(self) -> Path:
        return self.project / ".claude" / "settings.local.json"

    @property
    def user(self) -> Path:
        return self.home / ".claude" / "settings.json"

    def type(self, line: str) -> Typed:
        """Type a line into a new shell in the project."""
        path = os.pathsep.join((str(Path(sys.executable).parent), "/usr/bin", "/bin"))
        environ = {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", **self.shell}
        return self.lan.type(line, cwd=self.project, environ=environ)

    def ok(self, line: str) -> Typed:
        ended = self.type(line)
        assert ended.code == 0, f"{line}: exit {ended.code}\n{ended.out}\n{ended.err}"
        return ended

    def enable(self, *more: str) -> None:
        self.ok(" ".join(("claude-local enable --yes", *(more or (f"--url {OPEN}",)))))

    def write(self, path: Path, content: str | Mapping[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2) + "\n")

    def change(self, path: Path, **env: str | None) -> None:
        """Edit variables of a settings file by hand; None takes one out."""
        settings = json.loads(path.read_text()) if path.exists() else {}
        block = settings.setdefault("env", {})
        for name, value in env.items():
            if value is None:
                block.pop(name, None)
            else:
                block[name] = value
        self.write(path, settings)


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    if not can_be_had():
        reason = "namespaces of one's own cannot be had here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    lan = Lan(tmp_path_factory.mktemp("lan"))
    assert lan.works
    yield lan
    lan.close()


@pytest.fixture
def house(lan: Lan, tmp_path: Path) -> House:
    found = House(lan, tmp_path / "home")
    found.project.mkdir(parents=True)
    found.write(found.home / ".claude.json", {"hasCompletedOnboarding": True})
    return found


def handmade(house: House, **env: str) -> None:
    """The server as people write it into their settings after a blog post."""
    block = {"ANTHROPIC_BASE_URL": OPEN, "ANTHROPIC_AUTH_TOKEN": "claude-local", "ANTHROPIC_MODEL": MODEL, **env}
    house.write(house.local, {"env": block})


def repository(house: House) -> None:
    house.ok("git init --quiet --initial-branch main")


def enabled_with(**env: str | None) -> Callable[[House], None]:
    """Enabled, and then changed by hand."""

    def build(house: House) -> None:
        house.enable()
        house.change(house.local, **env)

    return build


def exported(**shell: str) -> Callable[[House], None]:
    """A hand-made block, and a shell that exports this."""

    def build(house: House) -> None:
        handmade(house)
        house.shell.update(shell)

    return build


def login(house: House) -> None:
    handmade(house)
    house.change(house.local, ANTHROPIC_AUTH_TOKEN=None)
    token = {"accessToken": "sk-ant-oat01-x", "scopes": ["user:inference"]}
    house.write(house.home / ".claude" / ".credentials.json", {"claudeAiOauth": token})


def console_key(house: House) -> None:
    handmade(house)
    house.write(house.home / ".claude.json", {"hasCompletedOnboarding": True, "primaryApiKey": "sk-ant-api03-x"})


def helper(house: House) -> None:
    handmade(house)
    house.write(house.user, {"apiKeyHelper": "echo sk-ant-x"})


def first_start(house: House) -> None:
    house.enable()
    (house.home / ".claude.json").unlink()


def in_the_users(**env: str) -> Callable[[House], None]:
    def build(house: House) -> None:
        handmade(house)
        house.write(house.user, {"env": env})

    return build


def trailing_comma(house: House) -> None:
    house.enable()
    house.local.write_text(house.local.read_text().rstrip()[:-1].rstrip() + ",\n}\n")


def seen_by_git(house: House) -> None:
    handmade(house)
    repository(house)


def tracked_by_git(house: House) -> None:
    seen_by_git(house)
    house.ok("git add --force .claude/settings.local.json")


def readable(house: House) -> None:
    house.shell["MY_KEY"] = KEY
    house.enable(f"--url {GUARDED}", "--token-env MY_KEY")
    house.local.chmod(0o644)


def broken_hooks(house: House) -> None:
    house.enable()
    house.local.write_text(house.local.read_text().replace("claude_local_hook.py", "gone/claude_local_hook.py"))


def guarded(house: House) -> None:
    house.shell["MY_KEY"] = KEY
    house.enable(f"--url {GUARDED}", "--token-env MY_KEY")


def of_two_models(house: House) -> None:
    house.enable(f"--url {SEVERAL}", "--model one")
    house.change(house.local, ANTHROPIC_DEFAULT_HAIKU_MODEL="claude-haiku-4-5", CLAUDE_CODE_MAX_CONTEXT_TOKENS=None)


def aliased(house: House) -> None:
    house.enable(f"--url {ALIASED}")
    house.change(house.local, CLAUDE_CODE_MAX_OUTPUT_TOKENS="100000")


def wiped(house: House) -> None:
    house.enable()
    house.write(house.local, {"permissions": {"allow": ["Bash(ls)"]}})


#: What is wrong, by name.
SCENARIOS: Mapping[str, Callable[[House], None]] = {
    "hand-made": handmade,
    "a key in the shell": exported(ANTHROPIC_API_KEY="sk-ant-api03-shell"),
    "a provider switch in the shell": exported(CLAUDE_CODE_USE_BEDROCK="1"),
    "a proxy in the shell": exported(HTTP_PROXY="http://127.0.0.1:9"),
    "headers in the shell": exported(ANTHROPIC_CUSTOM_HEADERS="x-api-key: sk-ant-api03-shell"),
    "a login": login,
    "a console key": console_key,
    "a helper": helper,
    "a key in the user's settings": in_the_users(ANTHROPIC_API_KEY="sk-ant-api03-user"),
    "a first start": first_start,
    "a path too far": enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}/v1"),
    "a query": enabled_with(ANTHROPIC_BASE_URL=f"{OPEN}?a=b"),
    "a window in words": enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS="64k"),
    "no window": enabled_with(CLAUDE_CODE_MAX_CONTEXT_TOKENS=None),
    "a model that is not served": enabled_with(ANTHROPIC_MODEL="gone"),
    "a tier that is not served": enabled_with(ANTHROPIC_DEFAULT_OPUS_MODEL="claude-opus-5-5"),
    "an endless answer": enabled_with(CLAUDE_CODE_MAX_OUTPUT_TOKENS="200000"),
    "many retries": enabled_with(CLAUDE_CODE_MAX_RETRIES="15"),
    "short time-outs": enabled_with(API_TIMEOUT_MS="1000"),
    "traffic": enabled_with(CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=""),
    "attribution": enabled_with(CLAUDE_CODE_ATTRIBUTION_HEADER="1"),
    "a trailing comma": trailing_comma,
    "not ignored by git": seen_by_git,
    "tracked by git": tracked_by_git,
    "readable by others": readable,
    "hooks that cannot run": broken_hooks,
    "a key of the server": guarded,
    "one of two models": of_two_models,
    "aliases": aliased,
    "wiped by another tool": wiped,
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_explain_prints_mends_what_it_is_printed_for(house: House, name: str) -> None:
    SCENARIOS[name](house)
    pristine = house.home.with_name("pristine")
    shutil.copytree(house.home, pristine, symlinks=True)
    warnings = json.loads(house.type("claude-local explain-precedence --json").out)["warnings"]
    for warning in warnings:
        for line in commands_in(warning["fix"])[:1]:
            if warning["id"] in ("version.unverified", "window.ignored"):
                continue
            shutil.rmtree(house.home)
            shutil.copytree(pristine, house.home, symlinks=True)
            after = house.type(f"{line} >&2 || echo FAILED >&2; claude-local explain-precedence --json")
            assert "FAILED" not in after.err, f"{warning['id']}: {line}\n{after.err}"
            left = [each["id"] for each in after.json["warnings"]]
            assert warning["id"] not in left, f"{warning['id']} is still there after: {line}\n{after.err}"


# --- what enable and disable print


@pytest.mark.parametrize(
    "line",
    [
        f"enable --url {OPEN}/v1",
        f"enable --url {HOST}:8000",
        f"enable --url {SEVERAL}",
        f"enable --url {SEVERAL} --model tow",
        f"enable --url {OPEN} --scope user",
    ],
)
def test_the_hint_of_a_refusal_works(house: House, line: str) -> None:
    if "--scope user" in line:
        handmade(house, ANTHROPIC_BASE_URL="http://elsewhere:9")
    refused = house.type(f"claude-local {line} --yes")
    assert refused.code != 0
    hint = refused.err.partition("hint: ")[2].strip()
    typed = commands_in(hint) or [f"claude-local enable --url {hint.removeprefix('use ')}"]
    house.ok(typed[0])


@pytest.mark.parametrize("more", ["", " --scope user", " --scope project"])
def test_the_undo_takes_back_just_what_was_written(house: House, more: str) -> None:
    before = contents(house)
    ended = house.ok(f"claude-local enable --yes --url {OPEN}{more}")
    (undo,) = [line.removeprefix("Undo: ") for line in ended.err.splitlines() if line.startswith("Undo: ")]
    house.ok(undo)
    assert contents(house) == before


def contents(house: House) -> dict[str, bytes]:
    state = house.home / ".local"
    files = (path for path in house.home.rglob("*") if path.is_file() and not path.is_relative_to(state))
    return {str(path): path.read_bytes() for path in files}


def test_the_hint_for_a_key_works_once_the_key_is_there(house: House) -> None:
    refused = house.type(f"claude-local enable --yes --url {GUARDED}")
    assert f"{GUARDED} asks for a key" in refused.err
    (again,) = [line for line in commands_in(refused.err) if line.startswith("claude-local")]
    house.shell["MY_KEY"] = KEY
    house.ok(again)


@pytest.mark.parametrize("more", ["--statusline", "--scope user", "--model two", "", "--no-hooks"])
def test_no_later_enable_leaves_the_server(house: House, more: str) -> None:
    house.enable(f"--url {SEVERAL}", "--model one")
    house.ok(f"claude-local enable --yes {more}")
    path = house.user if "user" in more else house.local
    assert json.loads(path.read_text())["env"]["ANTHROPIC_BASE_URL"] == SEVERAL


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("claude-local enable --url http://a:1   (it extends NO_PROXY)", ["claude-local enable --url http://a:1"]),
        ("unset A, or claude-local enable --scope user", ["unset A", "claude-local enable --scope user"]),
        ("claude-local enable --url URL", []),
        ("look at it: claude-local doctor files first", ["claude-local doctor files"]),
        ("ask whoever manages this machine", []),
    ],
)
def test_the_commands_in_a_hint_are_found(text: str, commands: list[str]) -> None:
    assert commands_in(text) == commands
