"""Edits in somebody else's file that can be taken back, by several purposes, whatever happens in between."""

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.core import installed
from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings import ownership
from claude_local_plugin.settings.document import Append, DocumentError, Raw, Remove, RemoveItem, Set
from claude_local_plugin.settings.ownership import Kept

DOCUMENTS = sorted((Path(__file__).parent / "documents").glob("*.json"))

HOOK = {"hooks": [{"type": "command", "command": "/usr/bin/python3", "args": ["-I", "/opt/hook.py"], "timeout": 5}]}
BACKEND = {
    "backend": (
        Set(("env", "ANTHROPIC_BASE_URL"), "http://127.0.0.1:8000"),
        Set(("env", "ANTHROPIC_API_KEY"), ""),
        Set(("permissions", "defaultMode"), "default"),
    )
}
OTHER_BACKEND = {"backend": (Set(("env", "ANTHROPIC_BASE_URL"), "http://127.0.0.1:9000"), Set(("model",), "qwen"))}
HOOKS = {"hooks": (Append(("hooks", "SessionStart"), HOOK), Append(("hooks", "SessionEnd"), HOOK))}


class Bench:
    """A settings file that holds `text` (None: no file, nor its folder), a state folder, and what is done to them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "project" / ".claude" / "settings.local.json"
        self.state = folder / "state"
        self.path.parent.parent.mkdir()

    def holds(self, content: str | bytes | None) -> "Bench":
        if content is not None:
            self.path.parent.mkdir(exist_ok=True)
            self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    @property
    def content(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    @property
    def data(self) -> Any:
        return json.loads(self.path.read_text())

    @property
    def record_files(self) -> list[Path]:
        return sorted((self.state / "ownership").glob("*")) if self.state.exists() else []

    def apply(self, *wanted: ownership.Wanted, **extras: str) -> ownership.Applied:
        whole = {purpose: changes for part in wanted for purpose, changes in part.items()}
        return ownership.apply(self.path, whole, state_dir=self.state, extras=extras)

    def revert(self, *purposes: str) -> ownership.Reverted:
        return ownership.revert(self.path, state_dir=self.state, purposes=purposes or None)

    def rewritten(self, edit: Callable[[Any], None] = lambda data: None) -> None:
        """Somebody else writes the file: another order, another indentation, and what `edit` does."""
        data = self.data
        edit(data)
        self.path.write_text(json.dumps(data, indent=3, sort_keys=True))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


ORIGINALS = [pytest.param(None, id="no file"), *(pytest.param(path.read_bytes(), id=path.stem) for path in DOCUMENTS)]
every_original = pytest.mark.parametrize("original", ORIGINALS)


# --- nobody else edits -----------------------------------------------------------------------------------------------


@every_original
def test_apply_then_revert_is_the_identity_to_the_byte(original: bytes | None, bench: Bench) -> None:
    bench.holds(original)
    assert bench.apply(BACKEND, HOOKS).changed
    assert bench.apply(OTHER_BACKEND).changed
    reverted = bench.revert()
    assert (reverted.changed, reverted.had_record, reverted.kept) == (True, True, ())
    assert reverted.removed_file == (original is None)
    assert bench.content == original
    assert bench.path.parent.exists() == (original is not None)
    assert bench.record_files == []


@every_original
@pytest.mark.parametrize("order", [("backend", "hooks"), ("hooks", "backend")])
def test_two_purposes_leave_in_any_order(original: bytes | None, order: tuple[str, str], bench: Bench) -> None:
    bench.holds(original)
    first, second = ({"backend": BACKEND, "hooks": HOOKS}[purpose] for purpose in order)
    bench.apply(first)
    alone = bench.content
    bench.apply(second)
    assert bench.revert(order[1]).kept == ()
    assert bench.content == alone
    bench.apply(second)
    bench.revert(order[0])
    bench.revert(order[1])
    assert bench.content == original
    assert bench.record_files == []


@every_original
def test_applying_twice_writes_nothing_the_second_time(original: bytes | None, bench: Bench) -> None:
    bench.holds(original).apply(BACKEND, HOOKS)
    before = [(path, path.stat().st_mtime_ns) for path in (bench.path, *bench.state.rglob("*"))]
    applied = bench.apply(BACKEND)
    assert not applied.changed
    assert applied.before == applied.after
    assert [(path, path.stat().st_mtime_ns) for path in (bench.path, *bench.state.rglob("*"))] == before


@every_original
def test_a_preview_is_exactly_what_apply_and_revert_do(original: bytes | None, bench: Bench) -> None:
    bench.holds(original)
    for wanted in (BACKEND, HOOKS, OTHER_BACKEND, {"backend": ()}, {"hooks": ()}):
        text = None if bench.content is None else bench.content.decode("utf-8", "surrogateescape")
        shown = ownership.preview(text, wanted, ownership.load(bench.path, bench.state))
        assert shown.before == text
        if any(wanted.values()):
            assert bench.apply(wanted).after == shown.after
        else:
            assert bench.revert(*wanted).after == shown.after


def test_an_old_edit_gives_way_to_the_new_one_and_the_original_stays_the_original(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_BASE_URL": "https://mine"}}').apply(BACKEND)
    bench.apply(OTHER_BACKEND)
    assert bench.data == {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9000"}, "model": "qwen"}
    reverted = bench.revert()
    assert (reverted.restored, reverted.removed) == ((("env", "ANTHROPIC_BASE_URL"),), (("model",),))
    assert bench.data == {"env": {"ANTHROPIC_BASE_URL": "https://mine"}}


def test_what_stood_there_already_is_not_ours(bench: Bench) -> None:
    text = '{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9000"}, "model": "qwen"}'
    assert not bench.holds(text).apply(OTHER_BACKEND).changed
    assert not bench.state.exists()
    assert not bench.revert().had_record
    assert bench.content == text.encode()


def test_a_purpose_that_gives_no_changes_gives_up_its_part(bench: Bench) -> None:
    bench.holds("{}\n").apply(BACKEND, HOOKS)
    bench.apply({"backend": ()})
    assert ownership.load(bench.path, bench.state).purposes == ("hooks",)  # type: ignore[union-attr]
    bench.apply({"hooks": ()})
    assert bench.content == b"{}\n"
    assert bench.record_files == []


def test_two_purposes_that_want_the_same_keep_it_until_both_are_gone(bench: Bench) -> None:
    bench.holds("{}\n").apply(HOOKS, {"backend": HOOKS["hooks"]})
    for purpose in ("hooks", "backend"):
        assert bench.data["hooks"]["SessionStart"] == [HOOK]
        bench.revert(purpose)
    assert bench.content == b"{}\n"


def test_of_two_purposes_that_want_different_values_the_later_one_has_its_way(bench: Bench) -> None:
    bench.holds('{"model": "opus"}').apply({"one": [Set(("model",), "a")]}, {"two": [Set(("model",), "b")]})
    assert bench.data == {"model": "b"}
    bench.revert("two")
    assert bench.data == {"model": "a"}
    bench.apply({"two": [Set(("model",), "b")]})
    bench.revert("one")
    assert bench.data == {"model": "b"}
    bench.revert("two")
    assert bench.content == b'{"model": "opus"}'


def test_what_we_took_out_comes_back(bench: Bench) -> None:
    text = '{\n  "env": { "A" : "\\u00e9" },\n  "hooks": {"Stop": [1, {"x": 2}]}\n}'
    away = {"backend": [Remove(("env", "A")), RemoveItem(("hooks", "Stop"), {"x": 2})]}
    bench.holds(text).apply(away)
    assert bench.data == {"env": {}, "hooks": {"Stop": [1]}}
    assert bench.revert().restored == (("env", "A"), ("hooks", "Stop"))
    assert bench.content == text.encode()


# --- somebody else edits ---------------------------------------------------------------------------------------------


def test_after_a_rewrite_what_is_ours_goes_and_what_is_theirs_stays(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_API_KEY": "sk-mine", "A": "1"}, "model": "opus"}').apply(BACKEND, HOOKS)

    def claude_code_saves_a_permission(data: Any) -> None:
        data["permissions"]["allow"] = ["Bash(ls)"]
        data["hooks"]["Stop"] = [{"hooks": []}]

    bench.rewritten(claude_code_saves_a_permission)
    reverted = bench.revert()
    assert bench.data == {
        "env": {"ANTHROPIC_API_KEY": "sk-mine", "A": "1"},
        "hooks": {"Stop": [{"hooks": []}]},
        "model": "opus",
        "permissions": {"allow": ["Bash(ls)"]},
    }
    assert reverted.kept == ()
    assert set(reverted.restored) == {("env", "ANTHROPIC_API_KEY")}
    assert ("permissions", "defaultMode") in reverted.removed
    assert bench.record_files == []


def test_an_edit_by_hand_elsewhere_in_the_file_keeps_its_bytes(bench: Bench) -> None:
    bench.holds('{\n\t"model": "opus"\n}').apply(BACKEND, HOOKS)
    assert bench.content is not None
    bench.path.write_bytes(bench.content.replace(b'"opus"', b'"opus", "x" :  [ 1 ]'))
    bench.revert()
    assert bench.content == b'{\n\t"model": "opus", "x" :  [ 1 ]\n}'


def test_a_former_value_comes_back_with_its_very_characters(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_API_KEY": "\\u0073k-\\/é", "n": 1}}').apply(BACKEND)
    bench.rewritten()
    bench.revert()
    assert b'"ANTHROPIC_API_KEY": "\\u0073k-\\/\xc3\xa9"' in (bench.content or b"")


def test_a_value_edited_since_is_left_and_named(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_API_KEY": "sk-mine"}}').apply(BACKEND)

    def edit(data: Any) -> None:
        data["env"]["ANTHROPIC_BASE_URL"] = "http://elsewhere"
        del data["env"]["ANTHROPIC_API_KEY"]

    bench.rewritten(edit)
    assert bench.revert().kept == (
        Kept(("env", "ANTHROPIC_BASE_URL"), "edited since"),
        Kept(("env", "ANTHROPIC_API_KEY"), "removed since"),
    )
    assert bench.data == {"env": {"ANTHROPIC_BASE_URL": "http://elsewhere"}}
    assert bench.record_files == []


def test_what_the_user_has_put_back_or_taken_out_already_is_not_worth_a_word(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_API_KEY": "sk-mine"}}').apply(BACKEND, HOOKS)

    def edit(data: Any) -> None:
        data["env"] = {"ANTHROPIC_API_KEY": "sk-mine"}
        del data["hooks"]

    bench.rewritten(edit)
    assert bench.revert().kept == ()
    assert bench.data == {"env": {"ANTHROPIC_API_KEY": "sk-mine"}}


def test_a_hook_of_ours_edited_since_is_left_and_named(bench: Bench) -> None:
    bench.holds("{}").apply(HOOKS)

    def edit(data: Any) -> None:
        data["hooks"]["SessionEnd"][0]["hooks"][0]["timeout"] = 60
        data["hooks"]["SessionStart"].insert(0, {"hooks": [{"type": "command", "command": "true"}]})

    bench.rewritten(edit)
    reverted = bench.revert()
    assert reverted.kept == (Kept(("hooks", "SessionEnd"), "edited since"),)
    assert reverted.removed == (("hooks", "SessionStart"),)
    assert bench.data["hooks"]["SessionStart"] == [{"hooks": [{"type": "command", "command": "true"}]}]


def test_a_file_of_ours_in_which_nothing_else_is_goes_after_a_rewrite_too(bench: Bench) -> None:
    bench.holds(None).apply(BACKEND, HOOKS)
    bench.rewritten()
    assert bench.revert().removed_file
    assert not bench.path.parent.exists()


def test_a_file_of_ours_in_which_they_wrote_stays_with_their_part(bench: Bench) -> None:
    bench.holds(None).apply(BACKEND, HOOKS)
    bench.rewritten(lambda data: data.update(theme="dark"))
    assert not bench.revert().removed_file
    assert bench.data == {"theme": "dark"}


def test_a_folder_of_ours_in_which_something_is_stays(bench: Bench) -> None:
    bench.holds(None).apply(BACKEND)
    (bench.path.parent / "notes.md").write_text("theirs")
    assert bench.revert().removed_file
    assert [path.name for path in bench.path.parent.iterdir()] == ["notes.md"]


def test_objects_that_were_empty_before_us_stay(bench: Bench) -> None:
    bench.holds('{"env": {}, "hooks": {"SessionStart": []}}').apply(BACKEND, HOOKS)
    bench.rewritten()
    bench.revert()
    assert bench.data == {"env": {}, "hooks": {"SessionStart": []}}


def test_a_file_that_is_gone_needs_no_reverting(bench: Bench) -> None:
    bench.holds(None).apply(BACKEND)
    bench.path.unlink()
    reverted = bench.revert()
    assert (reverted.had_record, reverted.changed, reverted.kept) == (True, False, ())
    assert not bench.path.parent.exists()
    assert bench.record_files == []


def test_after_a_rewrite_applying_the_same_again_still_writes_nothing(bench: Bench) -> None:
    bench.holds('{"model": "opus"}').apply(BACKEND, HOOKS)
    with_us = bench.content
    bench.rewritten(lambda data: data.update(theme="dark"))
    record = bench.record_files[0].read_bytes()
    assert not bench.apply(BACKEND, HOOKS).changed
    assert bench.record_files[0].read_bytes() == record
    bench.holds(with_us).revert()
    assert bench.content == b'{"model": "opus"}'


def test_after_a_rewrite_new_values_are_set_in_place_and_the_original_is_still_known(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_BASE_URL": "https://mine"}}').apply(BACKEND, HOOKS)
    bench.rewritten(lambda data: data.update(theme="dark"))
    before = bench.content or b""
    bench.apply({"backend": [*BACKEND["backend"][1:], Set(("env", "ANTHROPIC_BASE_URL"), "http://127.0.0.1:9000")]})
    assert bench.content == before.replace(b":8000", b":9000")
    bench.rewritten()
    bench.revert("hooks")
    bench.revert("backend")
    assert bench.data == {"env": {"ANTHROPIC_BASE_URL": "https://mine"}, "theme": "dark"}


def test_applying_anew_over_a_users_edit_makes_that_edit_the_original(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_BASE_URL": "https://old"}}').apply(BACKEND)

    def edit(data: Any) -> None:
        data["env"]["ANTHROPIC_BASE_URL"] = "https://new"

    bench.rewritten(edit)
    bench.apply(BACKEND)
    assert bench.data["env"]["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:8000"
    bench.revert()
    assert bench.data == {"env": {"ANTHROPIC_BASE_URL": "https://new"}}


def test_after_a_rewrite_two_purposes_that_want_the_same_keep_it_until_both_are_gone(bench: Bench) -> None:
    bench.holds('{"hooks": {"Stop": [1]}, "model": "opus"}')
    bench.apply({"one": [*HOOKS["hooks"], Set(("model",), "a")], "two": [*HOOKS["hooks"], Set(("model",), "b")]})
    bench.rewritten()
    bench.revert("two")
    assert bench.data["hooks"] == {"SessionEnd": [HOOK], "SessionStart": [HOOK], "Stop": [1]}
    assert bench.data["model"] == "a"
    bench.revert("one")
    assert bench.data == {"hooks": {"Stop": [1]}, "model": "opus"}


def test_of_two_purposes_that_want_the_same_none_brings_back_what_was_edited_since(bench: Bench) -> None:
    both = [*HOOKS["hooks"], Set(("model",), "qwen")]
    bench.holds("{}").apply({"one": both, "two": both})

    def edit(data: Any) -> None:
        data["model"] = "opus"
        data["hooks"]["SessionEnd"] = []

    bench.rewritten(edit)
    assert bench.revert("two").kept == ()
    assert bench.data == {"model": "opus", "hooks": {"SessionStart": [HOOK]}}
    assert bench.revert("one").kept == (Kept(("model",), "edited since"),)
    assert bench.data == {"model": "opus"}


def test_an_object_made_for_a_value_that_another_purpose_took_out_goes_too(bench: Bench) -> None:
    bench.holds('{"a": 1}').apply({"one": [Set(("env", "A"), "")], "two": [Remove(("env", "A"))]})
    assert bench.data == {"a": 1, "env": {}}
    bench.rewritten()
    bench.apply({"three": [Set(("b",), 2)]})
    bench.rewritten()
    bench.revert()
    assert bench.data == {"a": 1}


def test_one_purpose_leaves_alone_what_was_edited_of_the_other(bench: Bench) -> None:
    bench.holds("{}").apply(BACKEND, HOOKS)

    def edit(data: Any) -> None:
        data["env"]["ANTHROPIC_BASE_URL"] = "http://elsewhere"

    bench.rewritten(edit)
    assert bench.revert("hooks").kept == ()
    assert bench.data["env"]["ANTHROPIC_BASE_URL"] == "http://elsewhere"
    assert bench.revert("backend").kept == (Kept(("env", "ANTHROPIC_BASE_URL"), "edited since"),)


def test_a_file_put_back_by_git_is_the_users_again(bench: Bench) -> None:
    bench.holds('{"model": "opus"}').apply(BACKEND, HOOKS, exclude="yes")
    bench.holds('{ "model":"sonnet" }')
    bench.apply(BACKEND)
    assert "hooks" not in bench.data
    assert bench.revert().extras == {"exclude": "yes"}
    assert bench.content == b'{ "model":"sonnet" }'


def test_a_file_made_by_the_user_in_place_of_ours_is_not_removed(bench: Bench) -> None:
    bench.holds(None).apply(BACKEND)
    bench.holds("{}")
    bench.apply(BACKEND)
    assert not bench.revert().removed_file
    assert bench.content == b"{}"


# --- the record ------------------------------------------------------------------------------------------------------


def test_without_a_record_nothing_is_touched(bench: Bench) -> None:
    bench.holds("not even JSON")
    reverted = bench.revert()
    assert (reverted.had_record, reverted.changed, reverted.before) == (False, False, "not even JSON")
    assert not bench.state.exists()


def test_a_purpose_without_a_part_in_the_file_has_no_record(bench: Bench) -> None:
    bench.holds("{}").apply(BACKEND)
    reverted = bench.revert("hooks")
    assert (reverted.had_record, reverted.changed) == (False, False)
    assert bench.revert("backend", "hooks").had_record


def test_a_record_says_who_owns_what(bench: Bench) -> None:
    bench.holds(None).apply(BACKEND, HOOKS, exclude_line="/.claude/settings.local.json")
    bench.apply(BACKEND, other="1")
    (record,) = ownership.records(bench.state)
    assert record == ownership.load(bench.path, bench.state)
    assert record.settings_file == bench.path
    assert record.purposes == ("backend", "hooks")
    assert record.extras == {"exclude_line": "/.claude/settings.local.json", "other": "1"}
    assert record.created_file
    assert record.folders == (bench.path.parent,)
    assert ("env", "ANTHROPIC_BASE_URL") in record.owned
    assert bench.revert("hooks").extras == {}
    assert bench.revert().extras == record.extras


def test_extras_alone_are_worth_a_record_and_change_no_settings(bench: Bench) -> None:
    text = '{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9000"}, "model": "qwen"}'
    assert not bench.holds(text).apply(OTHER_BACKEND, exclude="yes").changed
    reverted = bench.revert()
    assert (reverted.changed, reverted.had_record, reverted.extras) == (False, True, {"exclude": "yes"})
    assert bench.content == text.encode()
    assert bench.record_files == []


@pytest.mark.skipif(os.name != "posix", reason="about POSIX modes")
def test_a_record_may_hold_secrets_and_is_for_its_owner_only(bench: Bench) -> None:
    bench.holds('{"env": {"ANTHROPIC_API_KEY": "sk-mine"}}').apply(BACKEND)
    (record,) = bench.record_files
    assert b"sk-mine" in record.read_bytes()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


def test_links_and_files_share_one_record(bench: Bench, tmp_path: Path) -> None:
    bench.holds("{}")
    link = tmp_path / "link.json"
    link.symlink_to(bench.path)
    ownership.apply(link, BACKEND, state_dir=bench.state)
    assert bench.revert().changed
    assert bench.content == b"{}"
    assert link.is_symlink()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"layers"', '"layer"'),
        lambda text: text.replace('"set"', '"sat"'),
        lambda text: text.replace('"ours": "\\"default\\""', '"ours": "default"'),
        lambda text: text.replace('"schema_version": 1', '"schema_version": "one"'),
        lambda text: text.replace('"left": "', '"left": 1, "x": "'),
    ],
)
def test_a_damaged_record_is_named_and_nothing_is_touched(damage: Callable[[str], str], bench: Bench) -> None:
    bench.holds("{}").apply(BACKEND)
    (record,) = bench.record_files
    damaged = damage(record.read_text())
    assert damaged != record.read_text()
    record.write_text(damaged)
    before = bench.content
    for use in (bench.revert, lambda: bench.apply(HOOKS), lambda: ownership.records(bench.state)):
        with pytest.raises(SettingsError, match=str(record)) as caught:
            use()
        assert "move the record away" in (caught.value.hint or "")
    assert bench.content == before
    assert record.read_text() == damaged


def test_a_record_of_a_newer_version_is_left_to_it(bench: Bench) -> None:
    bench.holds("{}").apply(BACKEND)
    (record,) = bench.record_files
    record.write_text(record.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(SettingsError, match="written by a newer claude-local") as caught:
        bench.revert()
    assert caught.value.hint == installed.newer()


# --- what can go wrong -----------------------------------------------------------------------------------------------


def test_a_file_that_is_not_json_is_named_and_nothing_is_written(bench: Bench) -> None:
    bench.holds('{\n  "a": 1,\n}')
    with pytest.raises(DocumentError) as caught:
        bench.apply(BACKEND)
    assert caught.value.message == f"{bench.path}:2:9: trailing comma"
    assert bench.content == b'{\n  "a": 1,\n}'
    assert not bench.state.exists()


def test_a_file_that_became_broken_is_not_reverted_until_it_is_mended(bench: Bench) -> None:
    bench.holds('{"a": 1}').apply(BACKEND)
    mended = bench.content or b""
    bench.holds(mended.replace(b"}", b",}"))
    with pytest.raises(DocumentError, match="trailing comma"):
        bench.revert()
    bench.holds(mended).revert()
    assert bench.content == b'{"a": 1}'


def test_a_value_of_the_wrong_kind_in_our_way_is_named(bench: Bench) -> None:
    bench.holds('{"env": []}')
    with pytest.raises(DocumentError, match="env is a list where an object should be"):
        bench.apply(BACKEND)
    assert not bench.state.exists()


def test_where_the_settings_cannot_be_written_no_record_stays(bench: Bench) -> None:
    bench.path.parent.write_text("not a folder")
    with pytest.raises(SettingsError, match="cannot be written"):
        bench.apply(BACKEND)
    assert bench.record_files == []


def test_where_the_record_cannot_be_written_the_settings_stay_as_they_are(bench: Bench) -> None:
    bench.holds("{}")
    bench.state.mkdir()
    (bench.state / "ownership").write_text("not a folder")
    with pytest.raises(SettingsError, match="ownership"):
        bench.apply(BACKEND)
    assert bench.content == b"{}"


def test_values_may_be_given_as_tuples_or_json_text(bench: Bench) -> None:
    wanted = {"backend": [Set(("a",), (1, 2)), Set(("b",), Raw('{"x":1}'))]}
    bench.holds("{}").apply(wanted)
    assert bench.data == {"a": [1, 2], "b": {"x": 1}}
    assert not bench.apply(wanted).changed
    bench.revert()
    assert bench.content == b"{}"


# --- the real Claude Code edits --------------------------------------------------------------------------------------


@pytest.mark.client
def test_after_claude_code_has_rewritten_the_file_its_part_stays_and_ours_goes(
    bench: Bench, claude_binary: Path, tmp_path: Path, home: Path
) -> None:
    marketplace = tmp_path / "marketplace"
    for name, manifest in {
        ".claude-plugin/marketplace.json": {
            "name": "corner-shop",
            "owner": {"name": "Ada"},
            "plugins": [{"name": "bell", "source": "./bell"}],
        },
        "bell/.claude-plugin/plugin.json": {"name": "bell", "version": "1.0.0", "description": "rings"},
    }.items():
        (marketplace / name).parent.mkdir(parents=True)
        (marketplace / name).write_text(json.dumps(manifest))

    def claude(*arguments: str) -> None:
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), "DISABLE_AUTOUPDATER": "1"}
        # an address at which nobody listens, so that whatever it should want from outside fails at once
        environ |= {"HTTPS_PROXY": "http://127.0.0.1:9", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
        folder = bench.path.parent.parent
        subprocess.run([claude_binary, "plugin", *arguments], cwd=folder, env=environ, check=True, timeout=60)

    claude("marketplace", "add", str(marketplace))
    bench.holds('{"model":"opus", "env": {"ANTHROPIC_API_KEY": "sk-mine", "A": "\\u00e9"}, "hooks": {"Stop": []}}')
    bench.apply(BACKEND, HOOKS)
    ours = bench.content
    claude("install", "bell@corner-shop", "--scope", "local")
    assert bench.content != ours
    assert not bench.apply(BACKEND, HOOKS).changed
    assert bench.revert().kept == ()
    assert bench.data == {
        "model": "opus",
        "env": {"ANTHROPIC_API_KEY": "sk-mine", "A": "é"},
        "hooks": {"Stop": []},
        "enabledPlugins": {"bell@corner-shop": True},
    }
