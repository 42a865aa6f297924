"""Settings files on disk: read as they are, replaced whole, nothing lost and nothing left lying about."""

import os
import stat
import struct
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest

import claude_local_plugin
from claude_local_plugin.errors import SettingsError
from claude_local_plugin.settings import file
from claude_local_plugin.settings.document import DocumentError, Set, edit, parse, value_at

PACKAGE_HOME = Path(claude_local_plugin.__file__).parents[1]

posix_only = pytest.mark.skipif(os.name != "posix", reason="about POSIX modes and owners")


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "project" / ".claude" / "settings.local.json"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def lock_dir(tmp_path: Path) -> Path:
    return tmp_path / "state" / "locks"


@pytest.fixture(params=["nameless", "named"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to make a new file: as Linux can, and as every other system does."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no nameless files")
    return str(request.param)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(script: str, *arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
    """A Python of its own that can import the package."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE_HOME)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,  # type: ignore[call-overload]
    )


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_reads_as_none(tmp_path: Path) -> None:
    assert file.read(tmp_path / "no" / "settings.json") is None
    (tmp_path / "file").write_text("{}")
    assert file.read(tmp_path / "file" / "settings.json") is None


def test_a_dangling_link_reads_as_none(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    assert file.read(tmp_path / "link") is None


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf{}\r\n", b'{"caf\xe9": "\xff\xfe"}', "é—👋".encode()])
def test_every_byte_survives_reading_and_writing(
    content: bytes, settings_file: Path, lock_dir: Path, either_way: str
) -> None:
    settings_file.write_bytes(content)
    file.rewrite(settings_file, lambda text: f"{text} ", lock_dir=lock_dir)
    assert settings_file.read_bytes() == content + b" "


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a folder, where a settings file should be"):
        file.read(tmp_path)


@posix_only
def test_what_is_no_regular_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match="not a regular file"):
        file.read(tmp_path / "pipe")


def test_links_in_a_circle_are_named(tmp_path: Path, lock_dir: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(SettingsError, match="links that go in a circle"):
        file.read(tmp_path / "a")
    with pytest.raises(SettingsError, match="links that go in a circle"):
        file.rewrite(tmp_path / "a", lambda _: "{}", lock_dir=lock_dir)
    assert not lock_dir.exists()


# --- writing ---------------------------------------------------------------------------------------------------------


def test_nothing_at_all_is_written_when_nothing_changes(settings_file: Path, lock_dir: Path) -> None:
    settings_file.write_text("{}\n")
    before = settings_file.stat()
    written = file.rewrite(settings_file, lambda text: text, lock_dir=lock_dir)
    assert (written.before, written.after, written.changed) == ("{}\n", "{}\n", False)
    assert settings_file.stat() == before
    assert not lock_dir.parent.exists()


def test_a_file_that_nobody_wants_is_not_made(tmp_path: Path, lock_dir: Path) -> None:
    written = file.rewrite(tmp_path / "no" / "settings.json", lambda text: text, lock_dir=lock_dir)
    assert (written.before, written.after) == (None, None)
    assert names(tmp_path) == []


def test_a_new_file_gets_its_folders_and_is_for_its_owner_only(tmp_path: Path, lock_dir: Path, either_way: str) -> None:
    path = tmp_path / "new" / ".claude" / "settings.json"
    written = file.rewrite(path, lambda text: "{}\n" if text is None else text, lock_dir=lock_dir)
    assert (written.before, written.after, written.target) == (None, "{}\n", path)
    assert path.read_text() == "{}\n"
    assert names(path.parent) == ["settings.json"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(lock_dir.stat().st_mode) == 0o700


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o400])
def test_the_mode_is_kept(mode: int, settings_file: Path, lock_dir: Path, either_way: str) -> None:
    settings_file.write_text("old")
    settings_file.chmod(mode)
    file.rewrite(settings_file, lambda _: "new", lock_dir=lock_dir)
    assert settings_file.read_text() == "new"
    assert stat.S_IMODE(settings_file.stat().st_mode) == mode


@posix_only
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_kept(settings_file: Path, lock_dir: Path, either_way: str) -> None:
    settings_file.write_text("old")
    os.chown(settings_file, 1234, 4321)
    file.rewrite(settings_file, lambda _: "new", lock_dir=lock_dir)
    assert (settings_file.stat().st_uid, settings_file.stat().st_gid) == (1234, 4321)


@pytest.mark.parametrize("before", [None, "before\n"], ids=["new", "replaced"])
def test_what_is_written_is_on_the_disk_before_it_takes_its_place_and_the_place_after(
    settings_file: Path, lock_dir: Path, either_way: str, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    """Else a machine that loses its power has an empty file."""
    if before is not None:
        settings_file.write_text(before)
    synced: list[tuple[int, int, str | None]] = []
    sync = os.fsync

    def noting(descriptor: int) -> None:
        there = settings_file.read_text() if settings_file.exists() else None
        found = os.fstat(descriptor)
        synced.append((found.st_ino, found.st_size if stat.S_ISREG(found.st_mode) else 0, there))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    file.rewrite(settings_file, lambda _: "after\n", lock_dir=lock_dir)
    assert (settings_file.stat().st_ino, len("after\n"), before) in synced
    assert (settings_file.parent.stat().st_ino, 0, "after\n") in synced


def test_the_answer_none_removes_the_file(settings_file: Path, lock_dir: Path) -> None:
    settings_file.write_text("{}")
    assert file.rewrite(settings_file, lambda _: None, lock_dir=lock_dir).after is None
    assert names(settings_file.parent) == []


def test_links_are_followed_to_the_end_and_stay(tmp_path: Path, lock_dir: Path, either_way: str) -> None:
    dotfiles, home = tmp_path / "dotfiles", tmp_path / "home"
    dotfiles.mkdir()
    home.mkdir()
    (dotfiles / "settings.json").write_text("old")
    (dotfiles / "link").symlink_to("settings.json")
    (home / ".claude").symlink_to(dotfiles)
    (home / "settings.json").symlink_to(".claude/link")
    written = file.rewrite(home / "settings.json", lambda _: "new", lock_dir=lock_dir)
    assert written.target == dotfiles / "settings.json"
    assert (dotfiles / "settings.json").read_text() == "new"
    assert (home / "settings.json").is_symlink()
    assert (dotfiles / "link").is_symlink()
    assert names(dotfiles) == ["link", "settings.json"]
    assert names(home) == [".claude", "settings.json"]


def test_a_dangling_link_is_filled_at_its_end_and_emptied_there(
    tmp_path: Path, lock_dir: Path, either_way: str
) -> None:
    link, end = tmp_path / "settings.json", tmp_path / "elsewhere" / "settings.json"
    link.symlink_to(end)
    file.rewrite(link, lambda _: "{}", lock_dir=lock_dir)
    assert link.is_symlink()
    assert end.read_text() == "{}"
    file.rewrite(link, lambda _: None, lock_dir=lock_dir)
    assert link.is_symlink()
    assert not end.exists()


# --- others write too ------------------------------------------------------------------------------------------------


def test_a_change_between_reading_and_replacing_is_not_lost(
    settings_file: Path, lock_dir: Path, either_way: str
) -> None:
    settings_file.write_text("{}")
    seen = []

    def transform(text: str | None) -> str | None:
        seen.append(text)
        if len(seen) == 3:  # the first call decides whether to lock at all, the second one works on what it read
            settings_file.write_text('{"theirs": 3}')
        if len(seen) == 2:
            settings_file.write_text('{"theirs": 2}')
        return edit(text or "", [Set(("ours",), 1)]).text

    file.rewrite(settings_file, transform, lock_dir=lock_dir)
    assert seen == ["{}", "{}", '{"theirs": 2}', '{"theirs": 3}']
    assert parse(settings_file.read_text()).value() == {"ours": 1, "theirs": 3}
    assert names(settings_file.parent) == ["settings.local.json"]


@pytest.mark.parametrize("made", ["before replacing", "removed"])
def test_a_file_that_appears_or_vanishes_meanwhile_is_noticed(
    made: str, settings_file: Path, lock_dir: Path, either_way: str
) -> None:
    if made == "removed":
        settings_file.write_text("{}")
    calls = []

    def transform(text: str | None) -> str | None:
        calls.append(text)
        if len(calls) == 2:
            settings_file.unlink() if made == "removed" else settings_file.write_text('{"theirs": 1}')
        return edit(text or "", [Set(("ours",), 1)]).text

    file.rewrite(settings_file, transform, lock_dir=lock_dir)
    theirs = {} if made == "removed" else {"theirs": 1}
    assert parse(settings_file.read_text()).value() == {"ours": 1, **theirs}


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="this system has no nameless files")
def test_a_file_that_appears_in_the_last_instant_is_not_overwritten(settings_file: Path, lock_dir: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from claude_local_plugin.settings import file
        from claude_local_plugin.settings.document import Set, edit
        path = Path(sys.argv[1])
        def somebody_is_faster(event, arguments):
            if event == "os.link" and not path.exists():
                path.write_text('{"theirs": 1}')
        sys.addaudithook(somebody_is_faster)
        file.rewrite(path, lambda text: edit(text or "", [Set(("ours",), 1)]).text, lock_dir=Path(sys.argv[2]))
    """
    answer = run(script, settings_file, lock_dir)
    assert answer.returncode == 0, answer.stderr
    assert settings_file.read_text() == '{"ours": 1, "theirs": 1}'
    assert names(settings_file.parent) == ["settings.local.json"]


def test_a_file_that_somebody_changes_is_not_removed(settings_file: Path, lock_dir: Path) -> None:
    settings_file.write_text("{}")
    calls = []

    def transform(text: str | None) -> str | None:
        calls.append(text)
        if len(calls) == 2:
            settings_file.write_text('{"theirs": 1}')
        return None if text == "{}" else text

    assert not file.rewrite(settings_file, transform, lock_dir=lock_dir).changed
    assert settings_file.read_text() == '{"theirs": 1}'


def test_a_file_that_never_stops_changing_is_given_up(settings_file: Path, lock_dir: Path) -> None:
    settings_file.write_text("0")

    def transform(text: str | None) -> str | None:
        settings_file.write_text(str(int(text or "0") + 1))
        return "ours"

    with pytest.raises(SettingsError, match="keeps changing"):
        file.rewrite(settings_file, transform, lock_dir=lock_dir)
    assert settings_file.read_text() == str(file.ATTEMPTS + 1)
    assert names(settings_file.parent) == ["settings.local.json"]


@pytest.mark.slow
def test_eight_processes_writing_at_once_lose_no_update(settings_file: Path, lock_dir: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from claude_local_plugin.settings import file
        from claude_local_plugin.settings.document import Set, edit
        path, lock_dir, mine = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
        for number in range(5):
            change = Set(("env", f"{mine}.{number}"), mine)
            file.rewrite(path, lambda text: edit(text or "", [change]).text, lock_dir=lock_dir)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(settings_file), str(lock_dir)]
    environ = {**os.environ, "PYTHONPATH": str(PACKAGE_HOME)}
    processes = [subprocess.Popen([*command, str(number)], env=environ) for number in range(8)]
    assert [process.wait(60) for process in processes] == [0] * 8
    assert value_at(settings_file.read_text(), ("env",)) == {f"{a}.{b}": str(a) for a in range(8) for b in range(5)}
    assert names(settings_file.parent) == ["settings.local.json"]


def test_a_lock_that_is_not_given_back_is_waited_for_and_named(
    settings_file: Path, lock_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "LOCK_SECONDS", 0.2)
    lock_dir.mkdir(parents=True)
    lock_file = lock_dir / f"{file.identity(settings_file)}.lock"
    with (
        filelock.FileLock(lock_file),
        ThreadPoolExecutor(1) as another,
        pytest.raises(SettingsError, match="another claude-local") as caught,
    ):
        another.submit(file.rewrite, settings_file, lambda _: "{}", lock_dir=lock_dir).result()
    assert str(lock_file) in (caught.value.hint or "")
    assert not settings_file.exists()


# --- what can go wrong -----------------------------------------------------------------------------------------------


def test_what_the_transform_raises_leaves_everything_as_it_was(settings_file: Path, lock_dir: Path) -> None:
    settings_file.write_text("{,}")
    with pytest.raises(DocumentError):
        file.rewrite(settings_file, lambda text: edit(text or "", [Set(("a",), 1)]).text, lock_dir=lock_dir)
    assert settings_file.read_text() == "{,}"
    assert not lock_dir.exists()


def test_what_a_killed_writer_left_is_swept_also_when_nothing_changes(
    settings_file: Path, lock_dir: Path, either_way: str
) -> None:
    settings_file.write_text("{}")
    leftover = settings_file.with_name(".settings.local.json.claude-local-new")
    for answer in ("{}", "{ }"):
        leftover.write_text("half a fi")
        assert file.leftover(settings_file)
        file.rewrite(settings_file, lambda _, answer=answer: answer, lock_dir=lock_dir)  # type: ignore[misc]
        assert names(settings_file.parent) == ["settings.local.json"]
        assert settings_file.read_text() == answer


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path, lock_dir: Path) -> None:
    (tmp_path / ".claude").write_text("not a folder")
    with pytest.raises(SettingsError, match=r"settings\.json: cannot be written"):
        file.rewrite(tmp_path / ".claude" / "settings.json", lambda _: "{}", lock_dir=lock_dir)
    assert (tmp_path / ".claude").read_text() == "not a folder"


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path, settings_file: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    with pytest.raises(SettingsError, match=r"state.*cannot be made"):
        file.rewrite(settings_file, lambda _: "{}", lock_dir=tmp_path / "state" / "locks")
    assert not settings_file.exists()


@posix_only
@pytest.mark.parametrize("way", ["nameless", "named"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(way: str, settings_file: Path, lock_dir: Path) -> None:
    settings_file.write_text("old")
    script = """
        import os, resource, signal, sys
        from pathlib import Path
        from claude_local_plugin.errors import SettingsError
        from claude_local_plugin.settings import file
        if sys.argv[3] == "named" and hasattr(os, "O_TMPFILE"):
            del os.O_TMPFILE
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            file.rewrite(Path(sys.argv[1]), lambda _: "x" * 1000, lock_dir=Path(sys.argv[2]))
        except SettingsError as error:
            print(error)
    """
    answer = run(script, settings_file, lock_dir, way)
    assert answer.stdout == f"{settings_file}: cannot be written: file too large\n", answer.stderr
    assert settings_file.read_text() == "old"
    assert names(settings_file.parent) == ["settings.local.json"]


@posix_only
def test_a_folder_or_file_without_permission_is_named_with_a_hint(tmp_path_factory: pytest.TempPathFactory) -> None:
    script = """
        import os, sys, tempfile
        from pathlib import Path
        import filelock
        from claude_local_plugin.errors import SettingsError
        from claude_local_plugin.settings import file
        with tempfile.TemporaryDirectory() as folder:
            if os.geteuid() == 0:
                os.chown(folder, 65534, 65534)
                os.setegid(65534)
                os.seteuid(65534)
            path = Path(folder, "read-only", "settings.json")
            path.parent.mkdir()
            path.write_text("old")
            path.chmod(0o200)
            try:
                file.read(path)
            except SettingsError as error:
                print(error.message.replace(folder, ""), "/", error.hint)
            path.chmod(0o600)
            path.parent.chmod(0o500)
            try:
                file.rewrite(path, lambda _: "new", lock_dir=Path(folder, "locks"))
            except SettingsError as error:
                print(error.message.replace(folder, ""), "/", error.hint)
            print(path.read_text(), os.listdir(path.parent))
            path.parent.chmod(0o700)
    """
    answer = run(script)
    hint = "look at the owner and mode of the file and of its folder"
    assert answer.stdout.splitlines() == [
        f"/read-only/settings.json: cannot be read: permission denied / {hint}",
        f"/read-only/settings.json: cannot be written: permission denied / {hint}",
        "old ['settings.json']",
    ], answer.stderr


# --- small questions -------------------------------------------------------------------------------------------------


def test_missing_folders_are_listed_innermost_first(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "settings.json"
    assert file.missing_folders(target) == (tmp_path / "a" / "b", tmp_path / "a")
    assert file.missing_folders(tmp_path / "settings.json") == ()


def test_folders_are_removed_as_far_as_they_are_empty(tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "b" / "c", tmp_path / "a" / "b", tmp_path / "a"]
    folders[0].mkdir(parents=True)
    (tmp_path / "a" / "other").write_text("")
    file.remove_empty(folders)
    assert names(tmp_path / "a") == ["other"]


def _with_attributes(path: Path, attributes: dict[str, bytes]) -> None:
    try:
        for name, value in attributes.items():
            os.setxattr(path, name, value)
    except (AttributeError, OSError) as error:
        pytest.skip(f"no extended attributes here: {error}")


#: An access control list as Linux keeps it: the owner reads and writes, user 12345 reads, nobody else does anything.
LIST = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, rights, who)
    for tag, rights, who in (
        (1, 6, 2**32 - 1),
        (2, 4, 12345),
        (4, 0, 2**32 - 1),
        (16, 4, 2**32 - 1),
        (32, 0, 2**32 - 1),
    )
)


@pytest.mark.parametrize("attributes", [{"user.note": b"mine"}, {"system.posix_acl_access": LIST}])
def test_extended_attributes_and_access_control_lists_stay(tmp_path: Path, attributes: dict[str, bytes]) -> None:
    path = tmp_path / "settings.json"
    path.write_text("{}")
    _with_attributes(path, attributes)
    mode = path.stat().st_mode
    file.rewrite(path, lambda text: f"{text}\n", lock_dir=tmp_path / "locks")
    assert path.read_text() == "{}\n"
    assert {name: os.getxattr(path, name) for name in attributes} == attributes
    assert path.stat().st_mode == mode
