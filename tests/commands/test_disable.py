"""`disable` gives the settings file back: to the byte where nobody else wrote to it, key by key where somebody did."""

import json
from pathlib import Path

import pytest

from claude_local_plugin.settings import ownership
from tests.commands.place import Place

SETTINGS = {
    "permissions": {"allow": ["Bash(make:*)"]},
    "env": {"EDITOR": "vi", "ANTHROPIC_MODEL": "theirs", "ANTHROPIC_BASE_URL": "http://before:1"},
    "cleanupPeriodDays": 30,
}


def offline(url: str = "http://127.0.0.1:8000", model: str = "m", window: int = 65_536) -> tuple[str, ...]:
    return ("--no-check", "--url", url, "--model", model, "--max-model-len", str(window))


DRESSES = {
    "no file": None,
    "two spaces": json.dumps(SETTINGS, indent=2).encode() + b"\n",
    "tabs and CRLF, no final newline": json.dumps(SETTINGS, indent="\t").replace("\n", "\r\n").encode(),
    "one line": json.dumps(SETTINGS).encode(),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(SETTINGS, indent=2).encode(),
    "duplicate keys": b'{"env": {"ANTHROPIC_MODEL": "a", "ANTHROPIC_MODEL": "b"}, "env": {"ANTHROPIC_MODEL": "c"}}\n',
    "not UTF-8": b'{\n  "env": {"A": "\xff\xfe"}\n}',
}


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["local", "project", "user"])
@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES.keys())
def test_after_several_servers_the_file_is_what_it_was_before_the_first(
    place: Place, scope: str, dress: bytes | None
) -> None:
    path = {"local": place.local, "project": place.shared, "user": place.user}[scope]
    if dress is not None:
        place.write(path, dress)
    before = place.elsewhere()
    place.ok("enable", "--scope", scope, *offline())
    place.ok("enable", "--scope", scope, *offline("http://127.0.0.1:9000", "other", 40_960))
    assert place.env(path)["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:9000"
    assert place.env(path)["ANTHROPIC_MODEL"] == "other"
    place.ok("enable", "--scope", scope, *offline("https://far.example", "third"))
    place.ok("disable")
    assert place.elsewhere() == before
    assert list((place.state / "ownership").iterdir()) == []


def test_a_line_that_the_new_server_does_not_need_goes_when_it_replaces_the_old_one(place: Place) -> None:
    place.ok("enable", *offline())
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" in place.env()
    place.ok("enable", "--no-check", "--url", "http://127.0.0.1:9000", "--model", "m")
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" not in place.env()


def test_the_file_and_the_folder_that_enable_made_are_removed(place: Place) -> None:
    place.ok("enable", *offline())
    ended = place.ok("disable")
    assert ended.out.startswith(".claude/settings.local.json: removed (enable had created it)\nA session started in ")
    assert not place.local.parent.exists()


def test_a_folder_that_was_there_before_stays(place: Place) -> None:
    place.local.parent.mkdir()
    place.ok("enable", *offline())
    place.ok("disable")
    assert list(place.local.parent.iterdir()) == []


def test_a_folder_in_which_somebody_else_put_something_stays(place: Place) -> None:
    place.ok("enable", *offline())
    (place.local.parent / "commands").mkdir()
    place.ok("disable")
    assert [path.name for path in place.local.parent.iterdir()] == ["commands"]


@pytest.mark.parametrize("first", ["local", "project"])
def test_a_folder_made_for_two_files_is_removed_with_the_last_one(place: Place, first: str) -> None:
    before = place.elsewhere()
    second = "project" if first == "local" else "local"
    place.ok("enable", "--scope", first, *offline())
    place.ok("enable", "--scope", second, *offline())
    place.ok("disable", "--scope", first)
    place.ok("disable", "--scope", second)
    assert place.elsewhere() == before


def test_disable_with_nothing_to_do_ends_well_and_says_so(place: Place) -> None:
    place.write(place.local, SETTINGS)
    before = place.files()
    for scope in ((), ("--scope", "local"), ("--scope", "project"), ("--scope", "user")):
        said = place.ok("disable", *scope).out
        first, second = said.splitlines()
        assert first == "not enabled here: nothing to disable"
        assert second == f"what sends sessions to http://before:1 was written by somebody else: {place.local}:10"
    assert place.files() == before
    place.local.unlink()
    look = "claude-local status says where a session here goes, and why"
    for options in ((), ("--scope", "user"), ("--vscode",), ("--everywhere",)):
        assert place.ok("disable", *options).out.splitlines() == ["not enabled here: nothing to disable", look]
    assert place.json("disable")["notes"] == [look]


def test_where_something_else_is_enabled_it_is_said_how_to_get_there(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.ok("enable", *offline())
    assert place.ok("disable", "--scope", "user").out.splitlines() == [
        "not enabled in the user scope: nothing to disable there",
        "still enabled: local scope, .claude/settings.local.json   (claude-local disable --scope local)",
    ]
    assert place.ok("disable", "--vscode").out.splitlines()[-1] == (
        "settings files are enabled here: claude-local disable"
    )
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    assert place.ok("disable").out.splitlines() == [
        "not enabled here: nothing to disable",
        "a settings file is enabled elsewhere: claude-local status --all",
    ]
    assert place.local.name in place.ok("status", "--all").out


def test_disabling_twice_ends_well_and_writes_nothing_the_second_time(place: Place) -> None:
    place.ok("enable", *offline())
    place.ok("disable")
    before = place.files()
    assert place.ok("disable").out.startswith("not enabled here: nothing to disable\n")
    assert place.files() == before


def test_with_all_scopes_every_scope_is_given_back(place: Place) -> None:
    before = place.write(place.user, SETTINGS), place.write(place.shared, SETTINGS), place.write(place.local, SETTINGS)
    for scope in ("local", "project", "user"):
        place.ok("enable", "--scope", scope, *offline())
    place.ok("disable", "--all-scopes")
    assert (place.user.read_bytes(), place.shared.read_bytes(), place.local.read_bytes()) == before


def test_without_a_scope_the_nearest_one_is_given_back_and_the_others_are_named(place: Place) -> None:
    place.write(place.user, SETTINGS)
    place.ok("enable", "--scope", "user", *offline())
    place.ok("enable", *offline("http://127.0.0.1:9000"))
    enabled = place.user.read_bytes()
    said = place.ok("disable").out.splitlines()
    assert not place.local.exists()
    assert place.user.read_bytes() == enabled
    assert said[1].startswith("A session started in ")
    assert "now talks to http://127.0.0.1:8000 as m" in said[1]
    assert said[2] == "still enabled: user scope, ~/.claude/settings.json   (claude-local disable --scope user)"
    place.ok("disable")
    assert place.user.read_bytes() != enabled


def test_with_a_scope_the_others_stay(place: Place) -> None:
    place.write(place.user, SETTINGS)
    place.ok("enable", "--scope", "user", *offline())
    place.ok("enable", *offline())
    enabled = place.user.read_bytes()
    place.ok("disable", "--scope", "local")
    assert not place.local.exists()
    assert place.user.read_bytes() == enabled


def test_another_folders_settings_are_not_touched(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.ok("enable", *offline())
    enabled = place.local.read_bytes()
    other = place.project.parent / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    assert "nothing to disable" in place.ok("disable").out
    assert place.local.read_bytes() == enabled


def test_hooks_that_were_installed_by_themselves_stay_and_are_named(place: Place) -> None:
    place.ok("enable", *offline())
    place.ok("hooks", "install")
    said = place.ok("disable").out
    assert "the session hooks that were installed alone stay" in said
    assert "claude-local hooks uninstall --scope local" in said
    assert "hooks" in json.loads(place.local.read_bytes())
    place.ok("hooks", "uninstall", "--scope", "local")
    assert not place.local.exists()


# --- somebody else wrote to the file meanwhile


def edited(place: Place, change: object) -> None:
    """Rewrite the local settings as Claude Code does: parsed, changed, written in an order of its own."""
    settings = json.loads(place.local.read_bytes())
    assert callable(change)
    change(settings)
    place.local.write_text(json.dumps(settings, indent=2, sort_keys=True))


def test_after_a_rewrite_by_somebody_else_the_settings_are_what_they_were(place: Place) -> None:
    place.write(place.local, SETTINGS)
    place.ok("enable", *offline())
    edited(place, lambda settings: settings["permissions"]["allow"].append("Bash(ls)"))
    place.ok("disable")
    expected = {**SETTINGS, "permissions": {"allow": ["Bash(make:*)", "Bash(ls)"]}}
    assert json.loads(place.local.read_bytes()) == expected


def test_after_a_rewrite_a_file_that_we_made_is_removed_all_the_same(place: Place) -> None:
    before = place.elsewhere()
    place.ok("enable", *offline())
    edited(place, lambda _: None)
    place.ok("disable")
    assert place.elsewhere() == before


def test_what_somebody_else_added_to_a_file_that_we_made_stays(place: Place) -> None:
    place.ok("enable", *offline())
    edited(place, lambda settings: settings.update(model="opus"))
    place.ok("disable")
    assert json.loads(place.local.read_bytes()) == {"model": "opus"}


def test_keys_edited_since_are_left_and_named(place: Place) -> None:
    place.write(place.local, SETTINGS)
    place.ok("enable", *offline())
    edited(place, lambda settings: settings["env"].update(ANTHROPIC_MODEL="chosen-since", API_TIMEOUT_MS="7"))
    ended = place.ok("disable")
    assert "  left alone: env.ANTHROPIC_MODEL (edited since)" in ended.out.splitlines()
    assert "  left alone: env.API_TIMEOUT_MS (edited since)" in ended.out.splitlines()
    expected = {"EDITOR": "vi", "ANTHROPIC_MODEL": "chosen-since", "ANTHROPIC_BASE_URL": "http://before:1"}
    assert place.env() == {**expected, "API_TIMEOUT_MS": "7"}


def test_keys_removed_since_are_named_only_where_something_of_the_users_was(place: Place) -> None:
    place.write(place.local, SETTINGS)
    place.ok("enable", *offline())

    def remove(settings: dict[str, dict[str, str]]) -> None:
        del settings["env"]["ANTHROPIC_BASE_URL"], settings["env"]["API_TIMEOUT_MS"]

    edited(place, remove)
    answer = place.json("disable")
    (entry,) = [entry for entry in answer["files"] if entry["had_record"]]
    assert entry["kept"] == [{"key": "env.ANTHROPIC_BASE_URL", "reason": "removed since"}]
    assert place.env() == {"EDITOR": "vi", "ANTHROPIC_MODEL": "theirs"}


def test_enabling_again_over_a_rewritten_file_keeps_what_was_there_first(place: Place) -> None:
    place.write(place.local, SETTINGS)
    place.ok("enable", *offline())
    edited(place, lambda settings: settings.update(model="opus"))
    place.ok("enable", *offline("http://127.0.0.1:9000"))
    place.ok("disable")
    assert json.loads(place.local.read_bytes()) == {**SETTINGS, "model": "opus"}


def test_a_file_taken_back_by_git_is_the_users_own_again(place: Place) -> None:
    before = place.write(place.local, SETTINGS)
    place.ok("enable", *offline())
    place.local.write_bytes(before)
    place.ok("disable")
    assert place.local.read_bytes() == before


def test_a_file_that_was_deleted_meanwhile_stays_deleted(place: Place) -> None:
    place.ok("enable", *offline())
    place.local.unlink()
    place.ok("disable")
    assert not place.local.exists()
    assert list((place.state / "ownership").iterdir()) == []


def test_settings_that_were_broken_since_are_left_as_they_are_with_all_that_belongs_to_them(repository: Place) -> None:
    place = repository
    place.ok("enable", *offline())
    place.local.write_bytes(place.local.read_bytes() + b"}")
    before = place.files()
    said = place.ends(1, "disable").err
    assert said.startswith(f"error: {place.local}:")
    assert place.files() == before
    place.local.write_bytes(place.local.read_bytes()[:-1])
    place.ok("disable")
    assert not place.local.exists()


def test_the_json_object_says_what_was_done_to_each_file(place: Place) -> None:
    place.write(place.local, SETTINGS)
    place.ok("enable", *offline())
    answer = place.json("disable")
    assert set(answer) == {"changed", "files", "editors", "remaining", "open_sessions", "notes", "afterwards"}
    assert [entry["scope"] for entry in answer["files"]] == ["local"]
    entry = answer["files"][0]
    assert entry["settings_file"] == str(place.local)
    assert (entry["changed"], entry["had_record"], entry["removed_file"]) == (True, True, False)
    assert set(entry["restored"]) == {"env.ANTHROPIC_BASE_URL", "env.ANTHROPIC_MODEL"}
    assert "env.ANTHROPIC_AUTH_TOKEN" in entry["removed"]
    again = place.json("disable")
    assert [(entry["scope"], entry["had_record"]) for entry in again["files"]] == [
        ("local", False),
        ("project", False),
        ("user", False),
    ]
    assert again["changed"] is False


def test_a_secret_that_was_there_before_comes_back_and_is_not_shown(place: Place) -> None:
    before = place.write(place.local, {"env": {"ANTHROPIC_API_KEY": "sk-ant-api03-former-key"}})
    shown = place.ok("enable", *offline()).all + place.ok("disable", "--json").all
    assert "former" not in shown
    assert place.local.read_bytes() == before


def test_a_damaged_record_is_named_and_nothing_is_touched(place: Place) -> None:
    place.ok("enable", *offline())
    (record,) = (place.state / "ownership").iterdir()
    record.write_text("{}")
    before = place.files()
    said = place.ends(1, "disable").err
    assert f"error: {place.tilde(record)}: this record of what was changed in a settings file is damaged" in said
    assert "move the record away" in said
    assert place.files() == before


def test_a_folder_that_cannot_be_written_is_an_error_for_people(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Path("/proc/1/claude-local-settings.json")
    place.local.parent.mkdir()
    place.local.symlink_to(target)
    before = place.elsewhere()
    ended = place.ends(1, "enable", "--follow-link", *offline())
    assert ended.err.splitlines()[-1].startswith(("error: ", "hint: "))
    assert "cannot be written" in ended.err
    assert place.elsewhere() == before
    assert ownership.load(place.local, place.state) is None
