"""`disable` finds what is ours where no record stands under the file's path: moved, copied, lost, put back."""

import json
import shutil
from pathlib import Path

import pytest

from claude_local_plugin.settings import ownership, schema
from tests.commands.place import Place

BEFORE = {"permissions": {"allow": ["Bash(make:*)"]}, "env": {"ANTHROPIC_MODEL": "theirs"}}
ENABLE = ("enable", "--no-check", "--url", "http://127.0.0.1:8000", "--model", "m", "--max-model-len", "65536")


def records(place: Place) -> list[Path]:
    return [each.settings_file for each in ownership.records(place.state)]


def moved(place: Place, monkeypatch: pytest.MonkeyPatch, *, copied: bool = False) -> Path:
    """The project under another name, and we are in it."""
    there = place.project.with_name("renamed")
    monkeypatch.chdir(place.project.parent)
    if copied:
        shutil.copytree(place.project, there)
    else:
        place.project.rename(there)
    monkeypatch.chdir(there)
    return there / ".claude" / "settings.local.json"


def test_a_renamed_project_is_given_back_to_the_byte(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.write(place.local, BEFORE)
    place.ok(*ENABLE)
    there = moved(place, monkeypatch)
    place.ok("disable")
    assert there.read_bytes() == before
    assert records(place) == []


def test_a_renamed_repository_has_its_list_for_git_back(repository: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    exclude = repository.project / ".git" / "info" / "exclude"
    before = exclude.read_bytes()
    repository.ok(*ENABLE)
    assert exclude.read_bytes() != before
    there = moved(repository, monkeypatch)
    repository.ok("disable")
    assert (there.parents[1] / ".git" / "info" / "exclude").read_bytes() == before
    assert not there.parent.exists()


def test_a_renamed_project_that_somebody_edited_is_given_back_place_by_place(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write(place.local, BEFORE)
    place.ok(*ENABLE)
    there = moved(place, monkeypatch)
    settings = json.loads(there.read_bytes())
    there.write_text(json.dumps({**settings, "model": "opus"}, indent=4))
    place.ok("disable")
    assert json.loads(there.read_bytes()) == {**BEFORE, "model": "opus"}


def test_enabling_a_renamed_project_again_keeps_what_was_there_first(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = place.write(place.local, BEFORE)
    place.ok(*ENABLE)
    there = moved(place, monkeypatch)
    place.ok("enable", "--no-check", "--url", "http://127.0.0.1:9000", "--model", "other")
    assert records(place) == [there]
    place.ok("disable")
    assert there.read_bytes() == before


def test_of_a_copied_project_both_are_given_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.write(place.local, BEFORE)
    place.ok(*ENABLE)
    there = moved(place, monkeypatch, copied=True)
    place.ok("disable")
    assert there.read_bytes() == before
    monkeypatch.chdir(place.project)
    place.ok("disable")
    assert place.local.read_bytes() == before


def lost(place: Place) -> None:
    place.ok(*ENABLE)
    shutil.rmtree(place.state / "ownership")


def test_what_is_ours_and_on_no_record_is_named_and_asked_about(place: Place) -> None:
    place.write(place.local, {"permissions": {"allow": ["Bash(ls)"]}})
    lost(place)
    enabled = place.local.read_bytes()
    ended = place.ends(1, "disable")
    assert "nothing is on record" in ended.err
    assert "env.ANTHROPIC_AUTH_TOKEN" in ended.err
    assert "--yes" in ended.err
    assert place.local.read_bytes() == enabled
    place.ok("disable", "--yes")
    assert json.loads(place.local.read_bytes()) == {"permissions": {"allow": ["Bash(ls)"]}}
    assert records(place) == []


def test_a_file_with_nothing_but_ours_goes(place: Place) -> None:
    lost(place)
    place.ok("disable", "--yes")
    assert not place.local.exists()


def test_our_status_line_gives_back_the_one_that_it_shows_above_itself(place: Place) -> None:
    theirs = {"statusLine": {"type": "command", "command": "echo mine", "padding": 1}}
    place.write(place.local, theirs)
    place.ok(*ENABLE, "--statusline")
    shutil.rmtree(place.state / "ownership")
    place.ok("disable", "--yes")
    assert json.loads(place.local.read_bytes()) == theirs


def test_a_block_that_another_tool_put_back_can_be_taken_out(place: Place) -> None:
    before = place.write(place.local, BEFORE)
    place.ok(*ENABLE)
    block = place.local.read_bytes()
    place.ok("disable")
    assert place.local.read_bytes() == before
    place.local.write_bytes(block)
    place.ends(1, "disable")
    place.ok("disable", "-y")
    left = json.loads(place.local.read_bytes())
    assert "hooks" not in left
    assert "ANTHROPIC_BASE_URL" not in left.get("env", {})


def test_enabling_over_what_is_on_no_record_does_not_make_it_the_original(place: Place) -> None:
    place.write(place.local, {"permissions": {"allow": ["Bash(ls)"]}})
    lost(place)
    place.ok("enable", "--no-check", "--url", "http://127.0.0.1:9000", "--model", "other")
    place.ok("disable")
    assert json.loads(place.local.read_bytes()) == {"permissions": {"allow": ["Bash(ls)"]}}


def test_settings_of_the_users_own_server_are_none_of_ours(place: Place) -> None:
    place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": "http://a:1", "ANTHROPIC_AUTH_TOKEN": "own"}})
    before = place.local.read_bytes()
    nothing, whose = place.ok("disable").out.splitlines()
    assert nothing == "not enabled here: nothing to disable"
    assert whose == f"what sends sessions to http://a:1 was written by somebody else: {place.local}:3"
    assert place.local.read_bytes() == before


# --- everywhere


def test_everywhere_gives_back_every_folder_and_sweeps_what_is_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.ok(*ENABLE, "--scope", "user")
    place.ok(*ENABLE)
    other, gone = place.project.with_name("other"), place.project.with_name("gone")
    for folder in (other, gone):
        folder.mkdir()
        monkeypatch.chdir(folder)
        place.ok(*ENABLE)
    monkeypatch.chdir(place.project)
    shutil.rmtree(gone)
    assert len(records(place)) == 4
    ended = place.ends(1, "disable", "--everywhere")
    assert "4 settings files are given back" in ended.err
    place.ok("disable", "--everywhere", "--yes")
    assert [path.exists() for path in (place.local, place.user, other / ".claude")] == [False] * 3
    assert list((place.state / "ownership").iterdir()) == []


@pytest.mark.parametrize("words", [("--scope", "local", "--all-scopes"), ("--all-scopes", "--everywhere")])
def test_how_far_it_goes_is_said_once(place: Place, words: tuple[str, ...]) -> None:
    place.ends(2, "disable", *words)


def test_status_all_says_what_became_of_every_folder(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {name: place.project.with_name(name) for name in ("enabled", "edited", "wiped", "gone")}
    for folder in folders.values():
        folder.mkdir()
        monkeypatch.chdir(folder)
        place.ok(*ENABLE)
    settings = folders["edited"] / ".claude" / "settings.local.json"
    settings.write_text(settings.read_text().replace('"m"', '"other"'))
    (folders["wiped"] / ".claude" / "settings.local.json").write_text("{}")
    shutil.rmtree(folders["gone"])
    monkeypatch.chdir(place.project)

    def states() -> dict[str, str]:
        answer = place.ends(1, "status", "--all", "--json").json
        assert schema.problems(answer, "status-all") == ()
        return {Path(entry["folder"]).name: entry["state"] for entry in answer["enabled"]}

    assert states() == {name: name for name in folders}
    assert "gone: its folder was deleted" in place.ends(1, "status", "--all").out
    place.ends(1, "status", "--all", "--sweep")
    assert "gone" not in states()
    place.ends(2, "status", "--sweep")


def test_doctor_finds_what_another_tool_took_out_and_what_it_put_back(place: Place) -> None:
    def finding() -> dict[str, str]:
        (found,) = [each for each in place.json("doctor", "files.record", code=1)["findings"] if each["result"] != "ok"]
        return dict(found)

    place.ok(*ENABLE)
    block = place.local.read_bytes()
    place.local.write_text("{}")
    assert "nothing of it stands in the file any more" in finding()["what"]
    place.ok("disable")
    place.local.parent.mkdir(exist_ok=True)
    place.local.write_bytes(block)
    assert "ours, and on no record" in finding()["what"]
    assert finding()["fix"].startswith("claude-local disable --scope local --yes")
