"""What git thinks of a settings file, and the line that keeps one out of it."""

import os
import subprocess
from pathlib import Path

import pytest

from claude_local_plugin import cli, git
from tests.looped import looped

FILE = Path(".claude", "settings.local.json")


def run(folder: Path, *arguments: str) -> str:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{role}_NAME": "a", f"GIT_{role}_EMAIL": "a@example.com"}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with nothing in it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    run(folder, "init", "--quiet")
    return folder


def test_outside_git_nothing_is_claimed(tmp_path: Path) -> None:
    assert git.standing(tmp_path / FILE) == git.Standing()


def test_a_file_that_is_not_there_yet_is_judged_by_its_name(root: Path) -> None:
    found = git.standing(root / FILE)
    assert (found.in_repository, found.tracked, found.ignored, found.problem) == (True, False, False, None)
    assert found.exclude_file == root / ".git" / "info" / "exclude"
    assert found.exclude_line == "/.claude/settings.local.json"


def test_in_a_subfolder_the_line_names_it_from_the_root(root: Path) -> None:
    (root / "src").mkdir()
    assert git.standing(root / "src" / FILE).exclude_line == "/src/.claude/settings.local.json"


def test_a_tracked_file_is_tracked_even_if_a_pattern_ignores_it(root: Path) -> None:
    path = root / FILE
    path.parent.mkdir()
    path.write_text("{}")
    assert not git.standing(path).tracked
    run(root, "add", "--force", str(FILE))
    assert git.standing(path).tracked
    run(root, "commit", "--quiet", "-m", "x")
    (root / ".gitignore").write_text(f"{FILE}\n")
    found = git.standing(path)
    assert (found.tracked, found.ignored) == (True, True)
    run(root, "rm", "--quiet", "--cached", str(FILE))
    assert not git.standing(path).tracked


@pytest.mark.parametrize("pattern", [".claude/", "*.local.json", "/.claude/settings.local.json", "**/settings.*"])
def test_an_ignored_file_is_ignored(root: Path, pattern: str) -> None:
    (root / ".gitignore").write_text(f"{pattern}\n")
    assert git.standing(root / FILE).ignored


def test_a_linked_worktree_excludes_in_the_shared_folder(root: Path, tmp_path: Path) -> None:
    run(root, "commit", "--quiet", "--allow-empty", "-m", "x")
    run(root, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    found = git.standing(tmp_path / "tree" / FILE)
    assert found.exclude_file == root / ".git" / "info" / "exclude"
    assert found.problem is None


@pytest.mark.parametrize("name", ["[id]", "a*b", "what?", "back\\slash", "#hash", "!bang", "white space", "é"])
def test_the_line_means_just_this_file_whatever_the_folders_name(root: Path, name: str) -> None:
    path = root / name / FILE
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    found = git.standing(path)
    assert not found.ignored
    assert found.exclude_file
    found.exclude_file.write_text(git.with_line(None, found.exclude_line))
    assert git.standing(path).ignored
    assert not git.standing(root / "i" / FILE).ignored


def test_a_file_that_only_looks_like_a_tracked_one_by_pattern_is_not_tracked(root: Path) -> None:
    for name in ("1", "[1]"):
        (root / name / ".claude").mkdir(parents=True)
    (root / "1" / FILE).write_text("{}")
    run(root, "add", "--force", str(Path("1") / FILE))
    assert not git.standing(root / "[1]" / FILE).tracked


def test_where_git_is_missing_or_refuses_the_problem_says_why(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    (broken / ".git").mkdir(parents=True)
    found = git.standing(broken / FILE)
    assert (found.in_repository, found.tracked, found.ignored, found.exclude_file) == (True, False, False, None)
    assert "not a git repository" in (found.problem or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git cannot be asked about" in (git.standing(root / FILE).problem or "")


def test_variables_of_a_running_git_hook_do_not_mislead(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")
    assert git.standing(root / FILE).problem is None


def test_asking_changes_nothing(root: Path) -> None:
    def seen() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}

    before = seen()
    git.standing(root / FILE)
    assert seen() == before


@looped("text", [None, "", "a", "a\n", "a\r\nb\r\n", "a\n\n", "\n", "x\x0cy\n", "\udcff\n"])
def test_a_line_goes_in_and_out_again(text: str | None) -> None:
    line = "/.claude/settings.local.json"
    more = git.with_line(text, line)
    assert more.endswith(f"{line}\n")
    assert more.startswith(text or "")
    assert git.with_line(more, line) == more
    assert git.without_line(more, line, text) == text


@looped(
    ("before", "now", "after"),
    [
        ("a\n", "a\n/x\nb\n", "a\nb\n"),
        ("a", "a\n/x\nb\n", "a\nb\n"),
        ("a\n", "/x\n", ""),
        (None, "/x\nb\n", "b\n"),
        (None, "/x\n", None),
        (None, None, None),
        ("a\n", None, None),
        ("a\n", "b\r\n/x\r\n", "b\r\n"),
        ("a\n", "changed\n", "changed\n"),
    ],
)
def test_only_our_line_goes_from_a_file_that_was_edited_since(
    before: str | None, now: str | None, after: str | None
) -> None:
    assert git.without_line(now, "/x", before) == after


#: Every place of a repository's own configuration that names a program.
PROGRAMS = (
    *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy"),
    *("core.alternateRefsCommand", "diff.external", "diff.x.textconv", "diff.x.command", "filter.x.clean"),
    *("filter.x.smudge", "filter.x.process", "credential.helper", "pager.ls-files", "pager.check-ignore"),
    *("sequence.editor", "uploadpack.packObjectsHook", "merge.x.driver", "gpg.program"),
)


@pytest.fixture
def booby_trapped(root: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A repository in which everything that can name a program names one that leaves a mark, and the mark."""
    mark, program = tmp_path / "mark", tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {mark}\n')
    program.chmod(0o755)
    run(root, "config", "core.hooksPath", str(tmp_path / "hooks"))
    (tmp_path / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc", "reference-transaction", "post-checkout"):
        (tmp_path / "hooks" / hook).symlink_to(program)
    for name in PROGRAMS:
        run(root, "config", name, f"{program} {name}")
    for alias in ("ls-files", "check-ignore"):
        run(root, "config", f"alias.{alias}", f"!{program} {alias}")
    run(root, "config", "protocol.ext.allow", "always")
    run(root, "config", "remote.origin.url", f"ext::{program} remote")
    run(root, "config", "remote.origin.promisor", "true")
    run(root, "config", "remote.origin.partialclonefilter", "blob:none")
    (root / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    mark.unlink(missing_ok=True)
    return root, mark


def test_the_trap_would_spring(booby_trapped: tuple[Path, Path]) -> None:
    root, mark = booby_trapped
    subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True)
    assert "core.fsmonitor" in mark.read_text()


def test_no_program_that_a_repository_names_is_run(booby_trapped: tuple[Path, Path]) -> None:
    root, mark = booby_trapped
    path = root / FILE
    path.parent.mkdir()
    path.write_text("{}")
    found = git.standing(path)
    assert (found.in_repository, found.tracked, found.problem) == (True, False, None)
    assert not mark.exists()


def test_no_command_of_ours_runs_a_program_that_the_repository_names(
    booby_trapped: tuple[Path, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, mark = booby_trapped
    monkeypatch.chdir(root)
    calls = [
        ("enable", "--url", "http://127.0.0.1:9", "--model", "m", "--no-check", "--yes"),
        ("enable", "--url", "http://127.0.0.1:9", "--model", "n", "--no-check", "--dry-run"),
        *(
            ("status",),
            ("explain-precedence",),
            ("doctor",),
            ("sessions", "list"),
            ("hooks", "status"),
            ("audit", "--allow", "cloud"),
        ),
        *(("doctor", "--fix", "--yes"), ("hooks", "install"), ("disable",)),
    ]
    for call in calls:
        assert cli.run_line(call) in (0, 1), call
        assert not mark.exists(), (call, mark.read_text())
    assert (home / ".local").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives a folder away")
def test_a_repository_of_another_user_is_named_as_what_it_is(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert "belongs to another user, and git reads no such repository" in (git.standing(root / FILE).problem or "")


@pytest.mark.parametrize("part", ["info", "info/exclude"])
def test_a_list_that_leads_out_of_the_repository_is_not_one_to_write(root: Path, tmp_path: Path, part: str) -> None:
    place = root / ".git" / part
    there = tmp_path / "somebody's"
    place.rename(there)
    place.symlink_to(there)
    found = git.standing(root / FILE)
    assert found.exclude_file is None
    assert "is a link, or lies behind one" in (found.unlisted or "")


def test_a_folder_that_no_list_can_name_is_not_half_named(root: Path) -> None:
    folder = root / "a\n* b"
    folder.mkdir()
    found = git.standing(folder / FILE)
    assert found.exclude_file is None
    assert "a line's end in its name" in (found.unlisted or "")
