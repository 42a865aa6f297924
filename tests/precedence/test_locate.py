"""Where Claude Code looks for settings: layouts of real git repositories, as the client was seen to treat them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from claude_local_plugin.precedence import Scope, git_layout, settings_file_to_write, settings_paths
from claude_local_plugin.precedence.locate import config_dir, global_state_file, local_folders, managed_paths, user_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Claude Code keeps to the current folder on Windows")

NOW = "2.1.329"
BEFORE_ROOTS = "2.1.210"


def _git(*arguments: str, cwd: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run([git, *identity, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit, in a folder with a home beside it."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    _git("init", "-q", ".", cwd=folder)
    _git("commit", "-q", "--allow-empty", "-m", "x", cwd=folder)
    return folder


def _folders(cwd: Path, version: str | None = NOW) -> list[str]:
    """The folders whose local settings are read, relative to the test's folder."""
    top = Path(os.path.realpath(cwd))
    while not (top / "home").is_dir():
        top = top.parent
    return [folder.relative_to(top).as_posix() for folder in local_folders(cwd, top / "home", version)]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_outside_git_only_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    assert _folders(_made(tmp_path / "plain" / "sub")) == ["plain/sub"]


def test_in_a_subfolder_the_root_comes_first_and_nothing_in_between(repo: Path) -> None:
    assert _folders(_made(repo / "a" / "b")) == ["repo", "repo/a/b"]


def test_at_the_root_there_is_one_folder(repo: Path) -> None:
    assert _folders(repo) == ["repo"]


def test_old_clients_look_in_the_current_folder_only(repo: Path) -> None:
    assert _folders(_made(repo / "sub"), BEFORE_ROOTS) == ["repo/sub"]


def test_a_linked_worktree_uses_the_main_checkout(repo: Path) -> None:
    _git("worktree", "add", "-q", "../wt", cwd=repo)
    assert _folders(repo.parent / "wt") == ["repo", "wt"]
    assert _folders(_made(repo.parent / "wt" / "sub")) == ["repo", "wt/sub"]


def test_a_worktree_inside_the_main_checkout_uses_it_too(repo: Path) -> None:
    _git("worktree", "add", "-q", ".claude/worktrees/a", cwd=repo)
    assert _folders(repo / ".claude/worktrees/a") == ["repo", "repo/.claude/worktrees/a"]


def test_a_worktree_whose_main_checkout_has_moved_stands_alone(repo: Path) -> None:
    _git("worktree", "add", "-q", "../wt", cwd=repo)
    repo.rename(repo.parent / "elsewhere")
    assert _folders(repo.parent / "wt") == ["wt"]


def test_a_nested_repository_reads_its_own_root(repo: Path) -> None:
    inner = _made(repo / "inner")
    _git("init", "-q", ".", cwd=inner)
    assert _folders(inner) == ["repo/inner"]
    assert _folders(_made(inner / "sub")) == ["repo/inner", "repo/inner/sub"]


def test_a_submodule_reads_its_own_root(repo: Path) -> None:
    library = _made(repo.parent / "library")
    _git("init", "-q", ".", cwd=library)
    _git("commit", "-q", "--allow-empty", "-m", "x", cwd=library)
    _git("submodule", "--quiet", "add", str(library), "lib", cwd=repo)
    assert _folders(repo / "lib") == ["repo/lib"]
    assert _folders(_made(repo / "lib" / "sub")) == ["repo/lib", "repo/lib/sub"]
    _git("worktree", "add", "-q", "../../libtree", cwd=repo / "lib")
    assert _folders(repo.parent / "libtree") == ["libtree"]


def test_a_worktree_of_a_bare_repository_stands_alone(repo: Path) -> None:
    _git("clone", "-q", "--bare", ".", "../bare.git", cwd=repo)
    _git("worktree", "add", "-q", "../tree", cwd=repo.parent / "bare.git")
    assert _folders(repo.parent / "tree") == ["tree"]
    assert _folders(_made(repo.parent / "tree" / "sub")) == ["tree/sub"]


def test_a_bare_repository_called_dot_git_lends_its_parent(repo: Path) -> None:
    hub = _made(repo.parent / "hub")
    _git("clone", "-q", "--bare", ".", "../hub/.git", cwd=repo)
    _git("worktree", "add", "-q", "main", cwd=hub)
    assert _folders(hub / "main") == ["hub", "hub/main"]


def test_a_home_that_is_a_repository_is_not_looked_into(tmp_path: Path) -> None:
    home = _made(tmp_path / "home")
    _git("init", "-q", ".", cwd=home)
    assert _folders(_made(home / "work")) == ["home/work"]


def test_a_link_to_a_subfolder_is_followed(repo: Path) -> None:
    _made(repo / "sub")
    (repo.parent / "link").symlink_to(repo / "sub")
    assert _folders(repo.parent / "link") == ["repo", "repo/sub"]


@pytest.mark.parametrize("entry", ["gitdir: /nowhere\n", "nonsense\n", ""])
def test_any_dot_git_entry_makes_a_root(entry: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    sub = _made(tmp_path / "odd" / "sub")
    (tmp_path / "odd" / ".git").write_text(entry)
    assert _folders(sub) == ["odd", "odd/sub"]


def test_a_separate_git_folder_does_not_move_the_root(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    _git("init", "-q", "--separate-git-dir=gd", "apart", cwd=tmp_path)
    assert _folders(_made(tmp_path / "apart" / "sub")) == ["apart", "apart/sub"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("entry", [".", ".git", ".claude"])
def test_a_root_that_belongs_to_somebody_else_is_left_out(entry: str, repo: Path) -> None:
    sub = _made(repo / "sub")
    (repo / ".claude").mkdir()
    os.chown(repo / entry, 12345, 12345)
    assert _folders(sub) == ["repo/sub"]


def test_the_layout_names_working_tree_and_main_checkout(repo: Path) -> None:
    _git("worktree", "add", "-q", "../wt", cwd=repo)
    layout = git_layout(repo.parent / "wt")
    assert layout is not None
    assert (layout.root.name, layout.main_root.name, layout.linked) == ("wt", "repo", True)
    assert layout.common_dir == Path(os.path.realpath(repo / ".git"))
    assert git_layout(repo.parent / "home") is None


def test_project_settings_come_from_the_current_folder_alone(repo: Path) -> None:
    sub = _made(repo / "sub")
    places = settings_paths(sub, repo.parent / "home", {}, NOW, repo.parent / "managed")
    assert [place.path for place in places if place.scope is Scope.PROJECT] == [sub / ".claude/settings.json"]


def test_in_the_home_folder_the_project_file_is_the_users(tmp_path: Path) -> None:
    places = settings_paths(tmp_path, tmp_path, {}, NOW, tmp_path / "managed")
    assert [place.scope for place in places] == [Scope.MANAGED, Scope.LOCAL, Scope.USER]


def test_the_config_folder_moves_with_the_variable_as_it_stands(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert config_dir(tmp_path, home, {}) == home / ".claude"
    assert config_dir(tmp_path, home, {"CLAUDE_CONFIG_DIR": "rel"}) == tmp_path / "rel"
    assert config_dir(tmp_path, home, {"CLAUDE_CONFIG_DIR": ""}) == tmp_path
    assert config_dir(tmp_path, home, {"CLAUDE_CONFIG_DIR": "~/x"}) == tmp_path / "~/x"
    assert user_file(tmp_path, home, {"CLAUDE_CODE_USE_COWORK_PLUGINS": "1"}).name == "cowork_settings.json"


def test_the_state_file_stands_beside_or_inside_the_config_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert global_state_file(tmp_path, home, {}) == home / ".claude.json"
    assert global_state_file(tmp_path, home, {"CLAUDE_CONFIG_DIR": "c"}) == tmp_path / "c/.claude.json"
    (home / ".claude").mkdir(parents=True)
    (home / ".claude/.config.json").write_text("{}")
    assert global_state_file(tmp_path, home, {}) == home / ".claude/.config.json"


def test_managed_drop_ins_stand_before_the_base_file_last_name_first(tmp_path: Path) -> None:
    drop_ins = _made(tmp_path / "managed-settings.d")
    for name in ("10.json", "9.json", "a.json", "B.json", ".hidden.json", "z.txt", "z.JSON"):
        (drop_ins / name).write_text("{}")
    assert [path.name for path in managed_paths(tmp_path)] == [
        "a.json",
        "B.json",
        "9.json",
        "10.json",
        "managed-settings.json",
    ]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope.LOCAL, "repo/.claude/settings.local.json"),
        (Scope.PROJECT, "repo/sub/.claude/settings.json"),
        (Scope.USER, "home/.claude/settings.json"),
    ],
)
def test_the_file_to_write_is_the_one_that_is_read_first(scope: Scope, expected: str, repo: Path) -> None:
    sub = _made(repo / "sub")
    found = settings_file_to_write(scope, sub, repo.parent / "home", {}, NOW)
    assert found == repo.parent / expected


def test_nothing_is_written_for_an_administrator(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="managed"):
        settings_file_to_write(Scope.MANAGED, tmp_path, tmp_path, {}, NOW)
