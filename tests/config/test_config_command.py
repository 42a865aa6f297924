"""`claude-local config` as people use it: what it prints, what it writes, what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.config import KEYS
from claude_local_plugin.core import config as for_hooks
from claude_local_plugin.core import config_file
from tests.commands.place import Place

#: The file of these tests, as people say it.
SHORT = "~/config/config.toml"

GOOD = """# of this machine
on_dead_backend = "warn"   # patience

[log]
cwd = "hash"

[projects."~/src/client-a"]
protect = true
allowed_backends = ["http://box:8000", "cloud"]
"""


def heard(place: Place) -> for_hooks.Config:
    """What hooks make of it."""
    return for_hooks.load(str(place.state), os.environ)


# --- reading


def test_path_says_where_the_file_would_be_and_makes_nothing(place: Place, file: Path) -> None:
    before = place.files()
    assert place.ok("config", "path").out == f"{file}\n"
    assert place.ok("config", "path", "--json").json == {"path": str(file), "exists": False}
    place.ok("config", "list")
    place.ok("config", "get", "protect")
    place.ok("config", "unset", "protect")
    assert place.files() == before


def test_list_shows_every_setting_with_its_value_and_origin(place: Place, file: Path) -> None:
    place.write(file, GOOD)
    ended = place.ok("config", "list")
    assert ended.err == ""
    assert (
        ended.out
        == """~/config/config.toml
on_dead_backend                   warn                   line 2
probe_deadline_s                  1                      default
recheck_after_s                   30                     default
warm_up                           false                  default
down_command                      (none)                 default
protect                           false                  default
allowed_backends                  (none)                 default
log.cwd                           hash                   line 5
log.project                       full                   default
log.retention_days                0                      default
log.journal_days                  30                     default
log.push                          (none)                 default
log.push_cwd                      off                    default
log.push_project                  full                   default
log.push_host                     full                   default
log.push_user                     full                   default
log.push_name                     (none)                 default
log.push_salt                     (none)                 default
log.push_since                    (none)                 default
prices.input                      2                      default
prices.output                     10                     default
prices.cache_read                 0.1                    default
prices.cache_write                2.5                    default
prices.currency                   USD                    default
~/src/client-a  protect           true                   line 8
~/src/client-a  allowed_backends  http://box:8000 cloud  line 9
"""
    )


def test_list_as_json(place: Place, file: Path) -> None:
    place.write(file, GOOD)
    report = place.ok("config", "list", "--json").json
    assert (report["path"], report["exists"], report["problems"]) == (str(file), True, [])
    assert [each["key"] for each in report["settings"]] == [key.name for key in KEYS]
    first = {"key": "on_dead_backend", "value": "warn", "default": "auto", "set": True, "line": 2, "understood": True}
    assert report["settings"][0] == first
    assert report["projects"][1] == {
        "folder": "~/src/client-a",
        "key": "allowed_backends",
        "value": ["http://box:8000", "cloud"],
        "line": 9,
        "understood": True,
    }


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_get_of_a_setting_that_is_not_set_prints_its_default(place: Place, key: object) -> None:
    name, default = key.name, key.default  # type: ignore[attr-defined]
    report = place.ok("config", "get", name, "--json").json
    expected = list(default) if isinstance(default, tuple) else default
    origin = {"set": False, "line": None, "understood": True}
    assert report == {"key": name, "value": expected, "default": expected, **origin}
    printed = place.ok("config", "get", name).out
    if isinstance(default, bool | tuple):
        assert printed == ("\n" if default == () else "false\n")
    else:
        assert printed == f"{default if isinstance(default, str) else f'{default:g}'}\n"


def test_get_prints_what_could_be_typed_again(place: Place) -> None:
    place.ok("config", "set", "down_command", "ssh", "box", "docker compose up")
    assert place.ok("config", "get", "down_command").out == "ssh box 'docker compose up'\n"


def test_what_holds_in_a_folder_comes_from_the_nearest_one_around_it(place: Place, file: Path) -> None:
    place.write(file, GOOD)
    inner = place.home / "src" / "client-a" / "api"
    assert place.ok("config", "get", "protect", "--project", str(inner)).out == "true\n"
    assert place.ok("config", "get", "protect", "--project", "~/src").out == "false\n"
    report = place.ok("config", "list", "--project", str(inner), "--json").json
    assert [(each["key"], each["value"], each["line"]) for each in report["settings"]] == [
        ("protect", True, 8),
        ("allowed_backends", ["http://box:8000", "cloud"], 9),
    ]
    assert [
        each["set"] for each in place.ok("config", "list", "--project", "~/src/client-a", "--json").json["settings"]
    ]


# --- writing


def test_a_down_command_that_is_not_there_is_kept_with_a_warning_that_doctor_repeats(place: Place) -> None:
    ended = place.ok("config", "set", "down_command", "/nonexist/x", "--now")
    assert ended.err == "! /nonexist/x is not found on PATH; kept, and looked for again when it is to run\n"
    (found,) = place.json("doctor", "files.config", code=1)["findings"]
    assert found["what"] == "down_command's program /nonexist/x is not there"
    assert place.ok("config", "set", "down_command", sys.executable, "-c", "pass").err == ""
    assert place.ok("doctor", "files.config").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="file names elsewhere are text")
def test_a_folder_whose_name_is_no_text_is_refused_with_the_reason(place: Place) -> None:
    said = place.refused("config", "set", "--project", os.fsdecode(b"/srv/caf\xe9"), "protect", "true", code=2)
    assert "has bytes that are no UTF-8, so it cannot be written into TOML" in said


@pytest.mark.skipif(sys.platform == "win32", reason="there are no permission bits")
@pytest.mark.parametrize("command", [("config", "set", "protect", "true"), ("hooks", "install")], ids=" ".join)
def test_our_own_folders_are_private_whatever_makes_them_first(place: Place, command: tuple[str, ...]) -> None:
    place.ok(*command)
    made = [folder for folder in (place.state, place.home / "config") if folder.exists()]
    assert made
    assert {folder.stat().st_mode & 0o777 for folder in made} == {0o700}


def test_set_writes_one_key_and_keeps_the_rest_and_hooks_hear_of_it(place: Place, file: Path) -> None:
    place.write(file, GOOD)
    ended = place.ok("config", "set", "on_dead_backend", "block")
    assert ended.out == "on_dead_backend = block   (~/config/config.toml)\n"
    assert file.read_text() == GOOD.replace('"warn"', '"block"')
    kept = json.loads((place.state / config_file.COMPILED).read_text())
    assert kept["settings"]["on_dead_backend"] == "block"
    assert place.ok("config", "set", "on_dead_backend", "block").out.endswith("(already so)\n")
    assert place.ok("config", "unset", "on_dead_backend").out == "on_dead_backend = auto   (~/config/config.toml)\n"
    assert file.read_text() == GOOD.replace('on_dead_backend = "warn"   # patience\n', "")
    assert place.ok("config", "unset", "on_dead_backend").out.endswith("(was not set)\n")


@pytest.mark.parametrize(
    ("key", "typed", "value", "written"),
    [
        ("on_dead_backend", ["warn"], "warn", 'on_dead_backend = "warn"'),
        ("warm_up", ["true"], True, "warm_up = true"),
        ("probe_deadline_s", ["2"], 2.0, "probe_deadline_s = 2"),
        ("recheck_after_s", ["0.5"], 0.5, "recheck_after_s = 0.5"),
        ("log.retention_days", ["90"], 90, "retention_days = 90"),
        ("prices.currency", ["€"], "€", 'currency = "€"'),
        ("prices.output", ["15"], 15.0, "output = 15"),
        ("down_command", ["ssh box 'a b'"], ["ssh", "box", "a b"], "down_command = \"ssh box 'a b'\""),
        ("down_command", ["ssh", "box"], ["ssh", "box"], 'down_command = ["ssh", "box"]'),
        ("down_command", [""], [], 'down_command = ""'),
        ("allowed_backends", ["http://box", "cloud"], ["http://box", "cloud"], '["http://box", "cloud"]'),
        ("allowed_backends", ['["http://box"]'], ["http://box"], 'allowed_backends = ["http://box"]'),
        ("allowed_backends", ["[]"], [], "allowed_backends = []"),
        ("allowed_backends", ["HTTP://u:s3cr3t@Box:80/"], ["http://box"], 'allowed_backends = ["http://box"]'),
    ],
)
def test_every_kind_of_value_can_be_typed(
    place: Place, file: Path, key: str, typed: list[str], value: object, written: str
) -> None:
    report = place.ok("config", "set", "--json", key, *typed).json
    assert report == {"path": str(file), "key": key, "project": None, "value": value, "changed": True}
    assert written in file.read_text().splitlines()[-1]
    assert file.stat().st_mode & 0o777 == 0o600
    assert place.ok("config", "get", key, "--json").json["value"] == value


@pytest.mark.parametrize(
    ("arguments", "what", "next_step"),
    [
        (
            ["on_dead_backend", "blok"],
            'on_dead_backend must be "auto" or "block" or "warn"',
            "set on_dead_backend auto",
        ),
        (["warm_up", "yes"], "warm_up must be true or false", "set warm_up true"),
        (["warm_up", "true", "true"], "warm_up must be true or false", "set warm_up true"),
        (["probe_deadline_s", "2.6"], "must be a number from 0.1 to 2.5", "set probe_deadline_s 1.0"),
        (["probe_deadline_s", "nan"], "must be a number from 0.1 to 2.5", "set probe_deadline_s 1.0"),
        (["recheck_after_s", "-1"], "must be a number from 0 to 86,400", "set recheck_after_s 30.0"),
        (["recheck_after_s", "soon"], "must be a number from 0 to 86,400", "set recheck_after_s 30.0"),
        (["log.retention_days", "1.5"], "must be a whole number from 0 to 36,500", "set log.retention_days 0"),
        (["prices.input", "--", "-1"], "must be a number from 0 to 1,000,000", "set prices.input 2.0"),
        (["prices.currency", "US D"], "must be a text of 1 to 8 characters without blanks", "set prices.currency USD"),
        (["down_command", "it's"], "has a quotation mark that is never closed", "set down_command 'ssh"),
        (["down_command", '["x"'], "must be a text or a list of texts", "set down_command 'ssh"),
        (["down_command", '["x"]\ny = 1'], "must be a text or a list of texts", "set down_command 'ssh"),
        (
            ["allowed_backends", "my_box:8000"],
            "must hold http(s) URLs, unix:/… or words of these: cloud, ",
            "set allowed_backends",
        ),
        (["--project", "~/a", "protect", "1"], "protect must be true or false", "set --project '~/a' protect true"),
    ],
    ids=str,
)
def test_a_value_that_a_setting_cannot_have_is_refused(
    place: Place, file: Path, arguments: list[str], what: str, next_step: str
) -> None:
    said = place.refused("config", "set", *arguments, code=2)
    assert what in said
    assert f"; nothing was written to {SHORT}\n" in said
    assert f"hint: for example: claude-local config {next_step}" in said


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("get", "on_dead_backnd"), "on_dead_backend"),
        (("set", "retention", "3"), "log.retention_days"),
        (("unset", "log.cdw"), "log.cwd"),
        (("get", "price.input"), "prices.input"),
        (("get", "xyzzy"), None),
    ],
    ids=str,
)
def test_an_unknown_name_is_answered_with_the_one_that_was_meant(
    place: Place, words: tuple[str, ...], meant: str | None
) -> None:
    said = place.refused("config", *words, code=2)
    assert said.startswith(f"error: there is no setting called '{words[1]}'\nhint: ")
    assert (f"did you mean {meant}?" in said) == (meant is not None)
    assert "claude-local config list" in said


def test_only_protection_can_be_set_for_one_folder(place: Place) -> None:
    said = place.refused("config", "set", "--project", ".", "warm_up", "true", code=2)
    assert "warm_up cannot be set for one folder, only protect and allowed_backends can" in said


def test_a_folder_is_written_so_that_it_holds_elsewhere_too_and_found_in_any_spelling(place: Place, file: Path) -> None:
    new = place.home / "src" / "a"
    ended = place.ok("config", "set", "--project", str(new), "protect", "true")
    assert ended.out == "protect = true in ~/src/a   (~/config/config.toml)\n"
    assert ended.err == "! there is no folder ~/src/a: this holds once there is\n"
    assert file.read_text() == '[projects."~/src/a"]\nprotect = true\n'
    new.mkdir(parents=True)
    (place.project / "link").symlink_to(new)
    report = place.ok("config", "set", "--json", "--project", "link", "allowed_backends", "http://box").json
    assert report["project"] == "~/src/a"
    assert file.read_text() == '[projects."~/src/a"]\nprotect = true\nallowed_backends = ["http://box"]\n'
    assert heard(place).for_project(str(place.project / "link" / "x")).protect is True
    place.ok("config", "set", "--project", ".", "protect", "false")
    assert f'\n[projects."{place.project}"]\nprotect = false\n' in file.read_text()
    place.ok("config", "unset", "--project", "link", "protect")
    place.ok("config", "unset", "--project", "link", "allowed_backends")
    assert file.read_text() == f'[projects."{place.project}"]\nprotect = false\n'


def test_a_file_keeps_its_mode_and_a_link_to_it_stays(place: Place, file: Path) -> None:
    real = place.home / "dotfiles" / "config.toml"
    place.write(real, GOOD)
    real.chmod(0o640)
    file.parent.mkdir()
    file.symlink_to(real)
    place.ok("config", "set", "warm_up", "true")
    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "warm_up = true" in real.read_text()


@pytest.mark.slow
def test_many_at_once_lose_nothing(place: Place, file: Path) -> None:
    program = [sys.executable, "-m", "claude_local_plugin", "config", "set", "--project"]
    running = [
        subprocess.Popen([*program, f"/p{number}", "protect", "true"], stdout=subprocess.DEVNULL) for number in range(6)
    ]
    assert [each.wait(120) for each in running] == [0] * 6
    assert file.read_text().count("protect = true") == 6
    assert all(heard(place).for_project(f"/p{number}").protect for number in range(6))


# --- files with faults


def test_a_file_that_is_no_toml_is_told_with_its_place_and_left_alone(place: Place, file: Path) -> None:
    place.write(file, 'protect = true\nwarm_up = = "s3cr3t"\n')
    for words in (("list",), ("get", "protect"), ("set", "protect", "false"), ("unset", "protect")):
        said = place.refused("config", *words)
        assert said.startswith(f"error: {SHORT}:2:11: invalid value\nhint: vi +2 {SHORT}\n")
        assert "s3cr3t" not in said


FAULTY = """recheck_after = 3
warm_up = "s3cr3t"

[log]
cwd = "short"
retention = 3

[projects."~/a"]
protected = true
"""


def test_values_that_cannot_be_used_and_names_that_are_not_known_are_told_with_their_place(
    place: Place, file: Path
) -> None:
    place.write(file, FAULTY)
    ended = place.ends(1, "config", "list")
    folder = "is not a key that claude-local knows for a folder (protect, allowed_backends)"
    assert ended.err.splitlines() == [
        f"! {SHORT}:1:17: recheck_after is not a key that claude-local knows (did you mean recheck_after_s?)",
        f"! {SHORT}:2:11: warm_up must be true or false; its default holds",
        f'! {SHORT}:5:7: log.cwd must be "full" or "hash" or "off"; paths are hashed (“hash”)',
        f"! {SHORT}:6:13: log.retention is not a key that claude-local knows (did you mean log.retention_days?)",
        f"! {SHORT}:9:13: projects.~/a.protected {folder}",
    ]
    assert "s3cr3t" not in ended.all
    rows = [line.split() for line in ended.out.splitlines()]
    assert ["warm_up", "false", "default"] in rows
    report = place.ends(1, "config", "list", "--json").json
    place_of = {"line": 2, "column": 11}
    said = {"message": "must be true or false", "holds": "its default holds"}
    assert report["problems"][1] == {"key": "warm_up", **said, **place_of}
    said = place.refused("config", "get", "log.cwd")
    assert said.startswith(f'error: {SHORT}:5:7: log.cwd must be "full" or "hash" or "off"; paths are hashed')
    assert place.ok("config", "get", "log.project").out == "full\n"


def test_a_wrong_value_of_what_guards_something_shows_the_stricter_one_that_holds(place: Place, file: Path) -> None:
    place.write(file, 'protect = "yes"\nallowed_backends = ["http://ok:1", "???"]\n[log]\ncwd = "short"\n')
    ended = place.ends(1, "config", "list")
    rows = [tuple(line.split(maxsplit=2)) for line in ended.out.splitlines()]
    for row in (
        ("protect", "true", "line 1"),
        ("allowed_backends", "http://ok:1", "line 2"),
        ("log.cwd", "hash", "line 4"),
    ):
        assert (*row[:2], f"{row[2]}, not valid") in rows
    assert "must be true or false; it counts as true" in ended.err
    assert "; only http://ok:1 is allowed" in ended.err
    folder = place.ends(1, "config", "list", "--project", ".").out.splitlines()[1:]
    assert [line.split(maxsplit=2)[1:] for line in folder] == [
        ["true", "line 1, not valid"],
        ["http://ok:1", "line 2, not valid"],
    ]
    found = place.json("doctor", "files.config", code=1)["findings"]
    assert [each["what"].partition("; ")[2] for each in found] == [
        "it counts as true",
        "only http://ok:1 is allowed",
        "paths are hashed (“hash”)",
    ]
    place.write(file, "allowed_backends = true\n")
    assert "; nothing is allowed" in place.ends(1, "config", "list").err


def test_what_is_wrong_can_be_fixed_one_after_the_other_and_nothing_is_dropped(place: Place, file: Path) -> None:
    place.write(file, FAULTY)
    place.ok("config", "set", "warm_up", "true")
    place.ok("config", "set", "log.cwd", "off")
    assert file.read_text() == FAULTY.replace('"s3cr3t"', "true").replace('"short"', '"off"')
    ended = place.ok("config", "list")  # what is left does no harm
    assert len(ended.err.splitlines()) == 3
    place.ok("config", "unset", "recheck_after")
    place.ok("config", "unset", "log.retention")
    assert "recheck_after" not in file.read_text()
    assert len(place.ok("config", "list").err.splitlines()) == 1


def test_doctor_says_what_is_wrong_and_where(place: Place, file: Path) -> None:
    assert place.ok("doctor", "files.config", "--json").json["findings"][0]["result"] == "ok"
    place.write(file, FAULTY)
    found = place.json("doctor", "files.config", code=1)["findings"]
    assert [(each["result"], each["where"]) for each in found] == [
        ("warning", f"{file}:1:17"),
        ("error", f"{file}:2:11"),
        ("error", f"{file}:5:7"),
        ("warning", f"{file}:6:13"),
        ("warning", f"{file}:9:13"),
    ]
    assert found[1]["what"] == "warm_up must be true or false; its default holds"
    assert found[1]["fix"] == f"vi +2 {file}"
    place.write(file, "protect = = 1\n")
    (broken,) = place.json("doctor", "files.config", code=1)["findings"]
    assert broken["what"] == "invalid value; hooks go by what it said before"
    assert broken["where"] == f"{file}:1:11"
    file.unlink()
    file.mkdir()
    (folder,) = place.json("doctor", "files.config", code=1)["findings"]
    assert folder["what"].startswith("a folder, where a settings file should be")


def test_list_reads_for_hooks_what_was_changed_by_hand(place: Place, file: Path) -> None:
    place.write(file, GOOD)
    place.ok("config", "list")
    assert json.loads((place.state / config_file.COMPILED).read_text())["settings"]["on_dead_backend"] == "warn"


# --- the call


@pytest.mark.parametrize("words", [(), ("path",), ("list",), ("get",), ("set",), ("unset",)], ids=" ".join)
def test_every_command_has_help(place: Place, words: tuple[str, ...]) -> None:
    ended = place.ok("config", *words, "--help")
    assert ended.out.startswith(f"Usage: claude-local {' '.join(('config', *words))} ")


@pytest.mark.parametrize(
    "words", [("nope",), ("get",), ("set", "warm_up"), ("set",), ("list", "surplus")], ids=" ".join
)
def test_a_call_that_cannot_be_understood_ends_with_2(place: Place, words: tuple[str, ...]) -> None:
    before = place.files()
    assert place.ends(2, "config", *words).out == ""
    assert place.files() == before
