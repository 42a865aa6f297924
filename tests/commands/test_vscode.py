"""`enable --vscode`: editors' settings get what the extension is documented to read, and are given back to the byte."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.errors import UsageError
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.launch import vscode
from claude_local_plugin.settings import schema
from claude_local_plugin.settings.document import value_at
from claude_local_plugin.settings.syntax import parse
from tests.commands.place import MODEL, Place

THEIRS = """\
{
  // how it looks
  "editor.fontSize": 12, // big
  "claudeCode.environmentVariables": [
    { "name": "MINE", "value": "1" }, // mine
    { "name": "ANTHROPIC_BASE_URL", "value": "http://elsewhere:1" },
  ],
  /* the end */
}
"""


IN_A_CONTAINER = ("customizations", "vscode", "settings")


def enable(place: Place, server: EmbeddedBackend, *places: str) -> None:
    words = [word for each in places or ("folder",) for word in ("--vscode", each)]
    place.ok("enable", "--url", server.url, "--yes", *words)


def variables(path: Path, inside: tuple[str, ...] = ()) -> dict[str, str]:
    found = parse(path.read_text(), comments=True).find((*inside, vscode.VARIABLES))
    assert found is not None
    items: Any = found.value()
    names = [item["name"] for item in items]
    assert len(names) == len(set(names))
    return {item["name"]: item["value"] for item in items}


def folder(place: Place) -> Path:
    return place.project / ".vscode" / "settings.json"


def test_the_extension_is_told_of_the_server_and_that_it_decides(place: Place, server: EmbeddedBackend) -> None:
    said = place.ok("enable", "--url", server.url, "--yes", "--vscode").err
    assert "by the extension's documentation: no editor was run to see it" in said
    found = variables(folder(place))
    assert found["ANTHROPIC_BASE_URL"] == server.url
    assert found["ANTHROPIC_MODEL"] == MODEL
    assert found["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"] == "1"
    assert found["ANTHROPIC_API_KEY"] == found["CLAUDE_CODE_OAUTH_TOKEN"] == ""
    assert value_at(folder(place).read_text(), (vscode.NO_LOGIN,)) is True
    assert not place.local.exists()


@pytest.mark.parametrize(
    "before",
    [None, "", "{}\n", THEIRS, '\ufeff{\r\n\t// x\r\n\t"a": 1\r\n}', '{"claudeCode.disableLoginPrompt": false}'],
)
def test_every_file_is_given_back_to_the_byte(repository: Place, server: EmbeddedBackend, before: str | None) -> None:
    if before is not None:
        repository.write(folder(repository), before)
    pristine = repository.elsewhere()
    enable(repository, server)
    once = folder(repository).read_bytes()
    enable(repository, server)
    assert folder(repository).read_bytes() == once
    found = variables(folder(repository))
    assert found["ANTHROPIC_BASE_URL"] == server.url
    if before == THEIRS:
        assert found["MINE"] == "1"
        assert "// how it looks" in once.decode()
        assert "/* the end */" in once.decode()
    assert (".vscode" in repository.git("status", "--porcelain")) == (before is not None)
    repository.ok("disable")
    assert repository.elsewhere() == pristine


def test_what_was_edited_since_stays_with_its_comments(place: Place, server: EmbeddedBackend) -> None:
    place.write(folder(place), THEIRS)
    enable(place, server)
    text = folder(place).read_text().replace('"editor.fontSize": 12', '"editor.fontSize": 14, // grown\n  "new": [1,]')
    text = text.replace('"claudeCode.disableLoginPrompt": true', '"claudeCode.disableLoginPrompt": false')
    folder(place).write_text(text)
    report = place.json("disable", "--vscode")
    assert [each["key"] for each in report["editors"][0]["kept"]] == [vscode.NO_LOGIN]
    after = folder(place).read_text()
    assert variables(folder(place)) == {"MINE": "1", "ANTHROPIC_BASE_URL": "http://elsewhere:1"}
    for comment in ("// how it looks", "// grown", "// big", "// mine", "/* the end */"):
        assert after.count(comment) == 1


@pytest.mark.parametrize(
    ("name", "where", "inside"),
    [
        ("user", ".config/Code/User/settings.json", ()),
        ("insiders", ".config/Code - Insiders/User/settings.json", ()),
        ("vscodium", ".config/VSCodium/User/settings.json", ()),
        ("cursor", ".config/Cursor/User/settings.json", ()),
    ],
)
def test_the_users_own_settings_are_those_of_the_editor_named(
    place: Place, server: EmbeddedBackend, name: str, where: str, inside: tuple[str, ...]
) -> None:
    pristine = place.elsewhere()
    enable(place, server, name)
    assert variables(place.home / where, inside)["ANTHROPIC_BASE_URL"] == server.url
    assert place.ok("disable").out.splitlines() == [
        "not enabled here: nothing to disable",
        "your editor's own settings are enabled: claude-local disable --vscode",
    ]
    assert (place.home / where).exists()
    place.ok("disable", "--vscode")
    assert place.elsewhere() == pristine


@pytest.mark.parametrize(
    ("file", "said", "inside"),
    [
        ("shop.code-workspace", "workspace", ("settings",)),
        ("other.code-workspace", "other.code-workspace", ("settings",)),
        (".devcontainer/devcontainer.json", "devcontainer", ("customizations", "vscode", "settings")),
        (".devcontainer.json", "devcontainer", ("customizations", "vscode", "settings")),
        (
            ".devcontainer/a/devcontainer.json",
            ".devcontainer/a/devcontainer.json",
            ("customizations", "vscode", "settings"),
        ),
    ],
)
def test_a_workspace_and_a_container_have_them_in_a_place_of_their_own(
    place: Place, server: EmbeddedBackend, file: str, said: str, inside: tuple[str, ...]
) -> None:
    place.write(place.project / file, '{\n  // mine\n  "folders": [{"path": "."}],\n}\n')
    pristine = place.elsewhere()
    ended = place.ok("enable", "--url", server.url, "--yes", "--vscode", said)
    assert variables(place.project / file, inside)["ANTHROPIC_BASE_URL"] == server.url
    assert ("inside of a container 127.0.0.1 is the container" in ended.err) == ("devcontainer" in file)
    place.ok("disable")
    assert place.elsewhere() == pristine


def test_several_places_at_once_and_the_json(place: Place, server: EmbeddedBackend) -> None:
    arguments = ("enable", "--url", server.url, "--vscode", "folder", "--vscode", "user", "--json")
    report = place.ok(*arguments, "--dry-run").json
    assert schema.problems(report, "enable-vscode") == ()
    assert not folder(place).exists()
    report = place.ok(*arguments).json
    assert schema.problems(report, "enable-vscode") == ()
    assert [each["place"] for each in report["files"]] == ["folder", "user"]
    assert len(place.json("disable", "--vscode")["editors"]) == 2


def test_uninstall_and_everywhere_know_of_them(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    pristine = place.elsewhere()
    enable(place, server, "folder", "cursor")
    assert place.ok("status", "--all", "--json").json["enabled"] == []
    monkeypatch.chdir(place.home)
    assert place.ends(1, "disable", "--everywhere").err.count("settings.json") == 2
    assert place.ends(1, "uninstall").err.count("what claude-local wrote is taken out of") == 2
    assert len(place.json("uninstall", "--yes")["editors"]) == 2
    assert place.elsewhere() == pristine


def test_no_secret_goes_into_an_editors_settings(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", "key-of-the-box")
    for where in ("folder", "user"):
        said = place.refused("enable", "--url", server.url, "--token-env", "BOX_KEY", "--vscode", where)
        assert "holds a secret, which no editor's settings may" in said
        assert "--wrapper" in said


def test_a_secret_that_stands_there_is_not_shown(place: Place, server: EmbeddedBackend) -> None:
    theirs = {"name": "ANTHROPIC_AUTH_TOKEN", "value": "a plain key of theirs"}
    place.write(folder(place), {vscode.VARIABLES: [theirs]})
    ended = place.ok("enable", "--url", server.url, "--vscode", "--dry-run")
    assert "plain key" not in ended.all
    assert server.url in ended.out


@pytest.mark.process
def test_the_wrapper_runs_what_the_extension_gives_it_on_the_profile(
    place: Place, server: EmbeddedBackend, tmp_path: Path
) -> None:
    config = place.home / ".config" / "claude-local"
    place.write(config / "keys" / "spark", "key-of-the-box\n")
    (config / "keys" / "spark").chmod(0o600)
    place.write(config / "config.toml", f'[profiles.spark]\nurl = "{server.url}"\ntoken = "file"\n')
    pristine = place.elsewhere()
    place.ok("enable", "spark", "--yes", "--vscode", "--vscode", "user", "--wrapper")
    wrapper = value_at(folder(place).read_text(), (vscode.WRAPPER,))
    assert isinstance(wrapper, str)
    assert "key-of-the-box" not in folder(place).read_text() + Path(wrapper).read_text()
    bundled = tmp_path / "bundled" / "claude"
    bundled.parent.mkdir()
    bundled.write_text(
        f"#!{sys.executable}\nimport os, sys, json\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n"
    )
    bundled.chmod(0o755)
    done = subprocess.run([wrapper, bundled, "--output-format", "stream-json"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    argv, environ = json.loads(done.stdout)
    assert argv[-2:] == ["--output-format", "stream-json"]
    assert environ["ANTHROPIC_BASE_URL"] == server.url
    place.ok("disable")
    assert Path(wrapper).exists()  # the user's own settings name it still
    place.ok("disable", "--vscode")
    assert not Path(wrapper).exists()
    left = set(place.elsewhere().items()) ^ set(pristine.items())
    assert {path for path, _ in left} <= {str(Path(wrapper).parent), str(Path(wrapper).parent.parent)}


def test_what_is_tracked_is_said_and_gets_no_program_of_this_machine(
    repository: Place, server: EmbeddedBackend
) -> None:
    repository.write(folder(repository), "{}\n")
    repository.git("add", ".vscode")
    said = repository.ok("enable", "--url", server.url, "--yes", "--vscode").err
    assert "is tracked by git: everyone who pulls it gets your server's address" in said
    repository.ok("disable")
    config = repository.home / ".config" / "claude-local" / "config.toml"
    repository.write(config, f'[profiles.spark]\nurl = "{server.url}"\n')
    assert "a program of this machine alone" in repository.refused("enable", "spark", "--vscode", "--wrapper")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--vscode", "emacs"), "is no place for an editor's settings"),
        (("--vscode", "workspace"), "there is none"),
        (("--vscode", "--scope", "user"), "--scope says nothing of an editor's settings"),
        (("--vscode", "--hooks"), "--hooks says nothing"),
        (("--wrapper",), "--vscode names which"),
        (("--vscode", "--wrapper"), "name a profile"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    place: Place, server: EmbeddedBackend, arguments: tuple[str, ...], said: str
) -> None:
    assert said in place.refused("enable", "--url", server.url, *arguments, code=2)


def test_a_file_that_is_no_json_with_comments_is_named_with_its_place(place: Place, server: EmbeddedBackend) -> None:
    place.write(folder(place), '{\n  "a": 1\n  "b": 2\n}\n')
    said = place.refused("enable", "--url", server.url, "--vscode")
    assert re.search(r"settings\.json:2:9: missing comma", said)


def test_a_link_out_of_the_project_is_not_written_through(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.home / "mine.json", "{}")
    folder(place).parent.mkdir()
    folder(place).symlink_to(place.home / "mine.json")
    assert "is a link to" in place.refused("enable", "--url", server.url, "--vscode")


@pytest.mark.parametrize(
    ("platform", "environ", "path"),
    [
        ("linux", {}, "/home/me/.config/Code/User/settings.json"),
        ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/Code/User/settings.json"),
        ("linux", {"XDG_CONFIG_HOME": "x"}, "/home/me/.config/Code/User/settings.json"),
        ("darwin", {}, "/home/me/Library/Application Support/Code/User/settings.json"),
        ("win32", {"APPDATA": "/a"}, "/a/Code/User/settings.json"),
        ("win32", {}, "/home/me/AppData/Roaming/Code/User/settings.json"),
    ],
)
def test_where_an_editor_keeps_its_settings_by_its_documentation(
    platform: str, environ: dict[str, str], path: str
) -> None:
    home, root = Path("/home/me"), Path("/src")
    found = vscode.place_of("user", cwd=root, root=root, home=home, environ=environ, platform=platform)
    assert found.path == Path(path)


def test_two_workspaces_have_to_be_told_apart(tmp_path: Path) -> None:
    for name in ("a.code-workspace", "b.code-workspace"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match="there are 2"):
        vscode.place_of("workspace", cwd=tmp_path, root=tmp_path, home=tmp_path, environ={}, platform="linux")
