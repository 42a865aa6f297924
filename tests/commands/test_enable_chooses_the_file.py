"""`enable` writes to the file that Claude Code really reads for this folder, and to no other."""

import json
import os
import sys
from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.precedence import installed_client_version
from tests.client.terminal import Terminal
from tests.commands.place import Place

pytestmark = pytest.mark.slow

OFFLINE = ("--no-check", "--url", "http://127.0.0.1:8000", "--model", "m", "--max-model-len", "65536")


def written(place: Place, before: dict[str, tuple[str, int, bytes]]) -> set[Path]:
    """The files outside our own state folder that were made or changed."""
    after = place.elsewhere()
    return {Path(path) for path, what in after.items() if what[0] == "file" and before.get(path) != what}


def test_outside_git_it_is_the_current_folders(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = place.project / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    before = place.elsewhere()
    answer = place.json("enable", *OFFLINE)
    assert answer["settings_file"] == str(inner / ".claude" / "settings.local.json")
    assert written(place, before) == {inner / ".claude" / "settings.local.json"}


def test_at_the_root_of_a_repository_it_is_the_roots(repository: Place) -> None:
    before = repository.elsewhere()
    repository.ok("enable", *OFFLINE)
    assert written(repository, before) == {repository.local, repository.project / ".git" / "info" / "exclude"}


def test_in_a_subfolder_of_a_repository_it_is_the_roots(repository: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = repository.project / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert repository.json("enable", *OFFLINE)["settings_file"] == str(repository.local)
    assert not (inner / ".claude").exists()
    assert "now talks to http://127.0.0.1:8000 as m" in repository.ok("enable", *OFFLINE).err


def test_in_a_linked_worktree_it_is_the_main_checkouts(repository: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository.project / "file").write_text("x")
    repository.git("add", "file")
    repository.git("commit", "--quiet", "-m", "x")
    tree = repository.project.parent / "tree"
    repository.git("worktree", "add", "--quiet", str(tree))
    monkeypatch.chdir(tree)
    assert repository.json("enable", *OFFLINE)["settings_file"] == str(repository.local)
    assert not (tree / ".claude").exists()
    assert repository.git("status", "--porcelain") == ""
    assert repository.json("disable")["changed"] is True
    assert not repository.local.parent.exists()


def test_in_a_nested_repository_it_is_the_inner_ones(repository: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = repository.project / "vendor"
    inner.mkdir()
    repository.git("init", "--quiet", cwd=inner)
    monkeypatch.chdir(inner)
    answer = repository.json("enable", *OFFLINE)
    assert answer["settings_file"] == str(inner / ".claude" / "settings.local.json")


def test_for_a_client_before_2_1_211_it_is_the_current_folders_even_in_git(
    repository: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", f"{repository.client('2.1.200', tmp_path / 'npm')}{os.pathsep}{os.environ['PATH']}")
    assert installed_client_version(os.environ) == "2.1.200"
    inner = repository.project / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)
    answer = repository.json("enable", *OFFLINE)
    assert answer["settings_file"] == str(inner / ".claude" / "settings.local.json")
    assert not repository.local.exists()
    assert repository.git("status", "--porcelain") == ""


def test_for_a_client_from_2_1_211_on_it_is_the_roots(
    repository: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", f"{repository.client('2.1.211', tmp_path / 'npm')}{os.pathsep}{os.environ['PATH']}")
    inner = repository.project / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert repository.json("enable", *OFFLINE)["settings_file"] == str(repository.local)


def test_what_was_enabled_for_an_older_client_is_disabled_after_it_was_updated(
    repository: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner = repository.project / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)
    before = repository.elsewhere()
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{repository.client('2.1.200', tmp_path / 'npm')}{os.pathsep}{path}")
    repository.ok("enable", *OFFLINE)
    monkeypatch.setenv("PATH", path)
    answer = repository.json("disable")
    (changed,) = [entry for entry in answer["files"] if entry["changed"]]
    assert changed["settings_file"] == str(inner / ".claude" / "settings.local.json")
    assert repository.elsewhere() == before


def test_scope_project_is_the_current_folders_settings_json_even_in_a_subfolder(
    repository: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = repository.project / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)
    before = repository.elsewhere()
    repository.ok("enable", "--scope", "project", *OFFLINE)
    assert written(repository, before) == {inner / ".claude" / "settings.json"}


def test_scope_user_is_the_homes(place: Place) -> None:
    before = place.elsewhere()
    place.ok("enable", "--scope", "user", *OFFLINE)
    assert written(place, before) == {place.user}


def test_scope_user_follows_claude_config_dir(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = place.home / "elsewhere"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(chosen))
    before = place.elsewhere()
    place.ok("enable", "--scope", "user", *OFFLINE)
    assert written(place, before) == {chosen / "settings.json"}
    place.ok("disable")
    assert place.elsewhere() == before


def test_in_the_home_folder_local_and_user_are_two_files(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.home)
    place.user.parent.mkdir()
    before = place.elsewhere()
    place.ok("enable", *OFFLINE)
    assert written(place, before) == {place.home / ".claude" / "settings.local.json"}
    place.ok("enable", "--scope", "user", *OFFLINE)
    assert place.user.exists()
    place.ok("disable", "--all-scopes")
    assert place.elsewhere() == before


def linked(place: Place, target: Path, content: bytes = b'{"cleanupPeriodDays": 3}\n') -> Path:
    """The local settings as a link to this file."""
    place.write(target, content)
    place.local.parent.mkdir(exist_ok=True)
    place.local.symlink_to(target)
    return target


def test_a_link_inside_the_project_is_followed_shown_and_stays_a_link(place: Place, server: EmbeddedBackend) -> None:
    target = linked(place, place.project / "config" / "claude.json")
    before = target.read_bytes()
    ended = place.ok("enable", "--url", server.url)
    assert ".claude/settings.local.json is a link: config/claude.json is written" in ended.err
    assert f"+++ {target}" in ended.out
    assert place.local.is_symlink()
    assert json.loads(target.read_bytes())["env"]["ANTHROPIC_BASE_URL"] == server.url
    assert place.json("enable", "--url", server.url)["target"] == str(target)
    place.ok("disable")
    assert place.local.is_symlink()
    assert target.read_bytes() == before


@pytest.mark.parametrize("scope", ["local", "project"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_out_of_the_project_is_refused_unless_it_is_meant(
    place: Place, server: EmbeddedBackend, scope: str, exists: bool
) -> None:
    target, path = place.home / "dotfiles" / "local.json", place.local if scope == "local" else place.shared
    before = place.write(target, {"cleanupPeriodDays": 3}) if exists else None
    target.parent.mkdir(exist_ok=True)
    path.parent.mkdir()
    path.symlink_to(target)
    said = place.refused("enable", "--url", server.url, "--scope", scope)
    assert f"{path} is a link to {place.tilde(target)}: a file outside of this project" in said
    scoped = "" if scope == "local" else f" --scope {scope}"
    assert f"claude-local enable --url {server.url}{scoped} --follow-link" in said
    place.ok("enable", "--url", server.url, "--scope", scope, "--follow-link")
    assert place.env(target)["ANTHROPIC_BASE_URL"] == server.url
    place.ok("disable")
    assert path.is_symlink()
    assert (target.read_bytes() if target.exists() else None) == before


@pytest.mark.parametrize("what", ["the file", "its folder"])
def test_a_link_to_the_users_settings_is_said_to_be_about_every_project(
    place: Place, server: EmbeddedBackend, what: str
) -> None:
    place.write(place.user, {})
    if what == "the file":
        place.local.parent.mkdir()
        place.local.symlink_to(place.user)
        said = place.refused("enable", "--url", server.url)
        assert "your user settings, which every project of yours reads" in said
        assert f"claude-local enable --url {server.url} --scope user" in said
    else:
        place.local.parent.symlink_to(place.user.parent)
        assert "a file outside of this project" in place.refused("enable", "--url", server.url)


def test_on_a_terminal_a_link_out_of_the_project_is_asked_about_and_no_is_the_default(
    place: Place, server: EmbeddedBackend
) -> None:
    target = linked(place, place.home / "elsewhere.json")
    before = place.files()
    argv = [sys.executable, "-m", "claude_local_plugin", "enable", "--url", server.url]
    with Terminal(argv, cwd=place.project, environ=dict(os.environ)) as terminal:
        terminal.wait_for(r"outsideofthisproject.Writethere\?")
        terminal.type("\n")
        assert terminal.wait_for_exit() == 1
    assert place.files() == before
    with Terminal(argv, cwd=place.project, environ=dict(os.environ)) as terminal:
        terminal.wait_for(r"Writethere\?")
        terminal.type("2\n")
        terminal.wait_for(r"Writethis\?")
        terminal.type("y\n")
        terminal.wait_for(r"Rememberthisserver")
        terminal.type("\n")
        assert terminal.wait_for_exit() == 0
    assert place.env(target)["ANTHROPIC_BASE_URL"] == server.url


def test_the_users_settings_may_be_a_link_to_anywhere(place: Place, server: EmbeddedBackend) -> None:
    target = place.home / "dotfiles" / "settings.json"
    before = place.write(target, {})
    place.user.parent.mkdir()
    place.user.symlink_to(target)
    place.ok("enable", "--url", server.url, "--scope", "user")
    assert place.env(target)["ANTHROPIC_BASE_URL"] == server.url
    place.ok("disable")
    assert target.read_bytes() == before


def test_a_key_is_refused_where_git_tracks_the_file_that_a_link_leads_to(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "server-key-0123456789")
    dotfiles = place.home / "dotfiles"
    place.write(dotfiles / "settings.json", {})
    place.git("init", "--quiet", cwd=dotfiles)
    place.git("add", "settings.json", cwd=dotfiles)
    place.user.parent.mkdir()
    place.user.symlink_to(dotfiles / "settings.json")
    said = place.refused("enable", "--scope", "user", "--token-env", "MY_KEY", *OFFLINE)
    assert (
        f"{place.tilde(dotfiles / 'settings.json')} is tracked by git: a secret written there would be committed"
        in said
    )
    assert f"git -C {place.tilde(dotfiles)} rm --cached -- settings.json" in said
    place.git("rm", "--quiet", "--cached", "settings.json", cwd=dotfiles)
    ended = place.ok("enable", "--scope", "user", "--token-env", "MY_KEY", *OFFLINE)
    assert "lies in a git repository that does not ignore it, and now holds a key" in ended.err


def test_a_file_that_others_may_read_is_closed_before_a_key_is_written_and_opened_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "server-key-0123456789")
    place.write(place.local, {"cleanupPeriodDays": 3})
    place.local.chmod(0o644)
    before = place.elsewhere()
    ended = place.ok("enable", "--token-env", "MY_KEY", *OFFLINE)
    assert "could be read by others on this machine; now that it holds a key, only by you" in ended.err
    assert place.local.stat().st_mode & 0o777 == 0o600
    place.ok("disable")
    assert place.elsewhere() == before


def test_a_file_with_another_name_is_written_under_this_one_alone_and_that_is_said(
    place: Place, server: EmbeddedBackend
) -> None:
    before = place.write(place.local, {"cleanupPeriodDays": 3})
    other = place.home / "other.json"
    os.link(place.local, other)
    ended = place.ok("enable", "--url", server.url)
    assert "has 1 other name (hard links), under which the old content stays" in ended.err
    assert other.read_bytes() == before


# --- worktrees that no checkout knows


def worktree(place: Place, *, back: str | None = None, folder: str = "worktrees/tree") -> Path:
    """A folder whose `.git` file says that it is a worktree of the project's repository."""
    tree = place.project.parent / "tree"
    tree.mkdir()
    ours = place.project / ".git" / folder
    ours.mkdir(parents=True)
    (ours / "HEAD").write_text("ref: refs/heads/x\n")
    (ours / "commondir").write_text(f"{place.project / '.git'}\n")
    (ours / "gitdir").write_text(f"{back or tree / '.git'}\n")
    (tree / ".git").write_text(f"gitdir: {ours}\n")
    return tree


def test_a_worktree_that_the_main_checkout_knows_is_the_main_checkouts(
    repository: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(worktree(repository))
    assert repository.json("enable", *OFFLINE)["settings_file"] == str(repository.local)


@pytest.mark.parametrize(
    ("back", "folder"),
    [("/elsewhere/.git", "worktrees/tree"), (None, "other/tree"), (None, "worktrees/deep/tree")],
)
def test_a_folder_that_only_claims_to_be_a_worktree_writes_nothing_outside_of_itself(
    repository: Place, monkeypatch: pytest.MonkeyPatch, back: str | None, folder: str
) -> None:
    tree = worktree(repository, back=back, folder=folder)
    before = repository.elsewhere()
    monkeypatch.chdir(tree)
    answer = repository.json("enable", *OFFLINE)
    assert answer["settings_file"] == str(tree / ".claude" / "settings.local.json")
    assert repository.elsewhere() == before


def test_in_a_folder_that_is_a_link_the_file_is_found_where_claude_code_finds_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = place.project.parent / "link"
    link.symlink_to(place.project, target_is_directory=True)
    monkeypatch.chdir(link)
    monkeypatch.setenv("PWD", str(link))
    assert place.json("enable", *OFFLINE)["settings_file"] == str(place.local)


# --- keeping the file out of git


def exclude(place: Place) -> Path:
    return place.project / ".git" / "info" / "exclude"


def test_a_file_that_git_does_not_ignore_is_excluded_in_this_clone_and_included_again(repository: Place) -> None:
    before = exclude(repository).read_bytes()
    ended = repository.ok("enable", *OFFLINE)
    assert exclude(repository).read_bytes() == before + b"/.claude/settings.local.json\n"
    assert ".git/info/exclude  + /.claude/settings.local.json" in ended.err
    assert repository.git("status", "--porcelain") == ""
    repository.ok("disable")
    assert exclude(repository).read_bytes() == before


@pytest.mark.parametrize("text", [b"", b"*.o", b"*.o\n", b"a\r\nb\r\n", b"a\n\n\n", b"\xff\xfe\n", b"#\xc2\x85x\x0c\n"])
def test_the_exclude_file_is_given_back_byte_for_byte(repository: Place, text: bytes) -> None:
    exclude(repository).write_bytes(text)
    repository.ok("enable", *OFFLINE)
    assert exclude(repository).read_bytes().endswith(b"\n/.claude/settings.local.json\n"[not text :])
    repository.ok("disable")
    assert exclude(repository).read_bytes() == text


def test_an_exclude_file_and_its_folder_that_we_made_are_removed(repository: Place) -> None:
    exclude(repository).unlink()
    exclude(repository).parent.rmdir()
    before = repository.elsewhere()
    repository.ok("enable", *OFFLINE)
    assert exclude(repository).read_bytes() == b"/.claude/settings.local.json\n"
    repository.ok("disable")
    assert repository.elsewhere() == before


def test_what_the_user_adds_to_the_exclude_file_meanwhile_stays(repository: Place) -> None:
    before = exclude(repository).read_bytes()
    repository.ok("enable", *OFFLINE)
    with exclude(repository).open("ab") as file:
        file.write(b"*.log\r\n")
    repository.ok("disable")
    assert exclude(repository).read_bytes() == before + b"*.log\r\n"


def test_a_file_that_is_ignored_already_gets_no_exclude_line(repository: Place) -> None:
    (repository.project / ".gitignore").write_text(".claude/*.local.json\n")
    before = exclude(repository).read_bytes()
    repository.ok("enable", *OFFLINE)
    assert exclude(repository).read_bytes() == before


def test_a_file_that_the_user_ignores_everywhere_gets_no_exclude_line(
    repository: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what Claude Code itself adds when it first writes such a file
    ignore = repository.home / ".config" / "git" / "ignore"
    ignore.parent.mkdir(parents=True)
    ignore.write_text("**/.claude/settings.local.json\n")
    before = exclude(repository).read_bytes()
    repository.ok("enable", *OFFLINE)
    assert exclude(repository).read_bytes() == before


def test_an_exclude_line_that_was_there_before_us_stays(repository: Place) -> None:
    exclude(repository).write_text("/.claude/settings.local.json\n")
    repository.ok("enable", *OFFLINE)
    repository.ok("disable")
    assert exclude(repository).read_text() == "/.claude/settings.local.json\n"


def test_an_exclude_line_that_was_lost_is_added_again(repository: Place) -> None:
    before = exclude(repository).read_bytes()
    repository.ok("enable", *OFFLINE)
    exclude(repository).write_bytes(before)
    assert repository.json("enable", *OFFLINE)["changed"] is True
    assert exclude(repository).read_bytes() == before + b"/.claude/settings.local.json\n"
    repository.ok("disable")
    assert exclude(repository).read_bytes() == before


def test_a_folder_whose_name_looks_like_a_pattern_is_excluded_by_its_name(
    repository: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", f"{repository.client('2.1.200', tmp_path / 'npm')}{os.pathsep}{os.environ['PATH']}")
    inner = repository.project / "[id]*"
    inner.mkdir()
    monkeypatch.chdir(inner)
    repository.ok("enable", *OFFLINE)
    assert exclude(repository).read_text().splitlines()[-1] == r"/\[id]\*/.claude/settings.local.json"
    assert repository.git("status", "--porcelain") == ""


def test_the_shared_and_the_users_file_are_not_excluded(repository: Place) -> None:
    before = exclude(repository).read_bytes()
    repository.ok("enable", "--scope", "project", *OFFLINE)
    repository.ok("enable", "--scope", "user", *OFFLINE)
    assert exclude(repository).read_bytes() == before


def test_a_tracked_file_is_refused_for_a_secret(repository: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write(repository.local, "{}\n")
    repository.git("add", "--force", ".claude/settings.local.json")
    monkeypatch.setenv("MY_KEY", "server-key-0123456789")
    said = repository.refused("enable", "--token-env", "MY_KEY", *OFFLINE)
    assert f"{repository.local} is tracked by git: a secret written there would be committed" in said
    assert f"git -C {repository.local.parent} rm --cached -- settings.local.json" in said


def test_a_tracked_file_without_a_secret_is_written_with_a_warning(repository: Place) -> None:
    repository.write(repository.local, "{}\n")
    repository.git("add", "--force", ".claude/settings.local.json")
    before = exclude(repository).read_bytes()
    ended = repository.ok("enable", *OFFLINE)
    assert "is tracked by git: everyone who pulls it gets your server's address" in ended.err
    assert f"git -C {repository.local.parent} rm --cached -- settings.local.json" in ended.err
    assert exclude(repository).read_bytes() == before


def test_where_git_cannot_be_asked_it_says_so_and_claims_nothing(
    repository: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = repository.ok("enable", *OFFLINE)
    assert f"git cannot be asked about {repository.local}" in ended.err


def test_where_git_refuses_to_answer_its_words_are_shown(place: Place) -> None:
    (place.project / ".git").mkdir()
    ended = place.ok("enable", *OFFLINE)
    assert f"git cannot be asked about {place.local}: fatal: not a git repository" in ended.err


def test_a_list_behind_a_link_is_left_alone_and_named(repository: Place) -> None:
    start_file = repository.home / ".bashrc"
    start_file.write_text("alias ll='ls -l'\n")
    exclude(repository).unlink()
    exclude(repository).symlink_to(start_file)
    ended = repository.ok("enable", *OFFLINE)
    assert start_file.read_text() == "alias ll='ls -l'\n"
    assert "info/exclude is a link, or lies behind one, so nothing is written there" in ended.err
    assert "fix: put /.claude/settings.local.json into .gitignore" in repository.run("doctor", "files.git").out
