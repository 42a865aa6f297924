"""A teammate's `claude-local enable`: the profile that the repository carries, once agreed to."""

from pathlib import Path

import pytest

from claude_local_plugin.fake_server.server import EmbeddedBackend
from tests.commands.place import MODEL, Place
from tests.commands.test_profile import config


@pytest.fixture
def team(repository: Place, server: EmbeddedBackend) -> Place:
    """A repository with a profile of its own."""
    text = f"[profiles.team]\nurl = '{server.url}'\nhaiku = 'small'\nstart_command = ['touch', 'PWNED']\n"
    (repository.project / ".claude-local.toml").write_text(text)
    return repository


def test_without_a_terminal_nothing_counts_before_somebody_has_agreed(team: Place) -> None:
    for arguments in (("enable", "--yes"), ("enable", "team", "--yes")):
        err = team.refused(*arguments)
        assert "came with the repository: it counts once you have seen what it says" in err
        assert "hint: claude-local profile trust" in err
    err = team.refused("profile", "trust", code=2)
    assert "hint: claude-local profile trust --yes" in err


def test_agreed_to_it_is_what_enable_means_here(team: Place, server: EmbeddedBackend) -> None:
    shown = team.ok("profile", "trust", "--yes").err
    assert "names a COMMAND, which is shown and never run unasked: touch PWNED" in shown
    assert f"every prompt goes to 127.0.0.1:{server.url.rpartition(':')[2]}" in shown
    team.ok("enable", "--yes")
    assert (team.env()["ANTHROPIC_MODEL"], team.env()["ANTHROPIC_DEFAULT_HAIKU_MODEL"]) == (MODEL, "small")
    assert team.json("status")["profile"] == "team"
    assert not (team.project / "PWNED").exists()
    assert "already agreed to" in team.ok("profile", "trust").err
    assert not config(team).exists()


def test_a_changed_file_is_asked_about_again(team: Place) -> None:
    team.ok("profile", "trust", "--yes")
    team.ok("enable", "--yes")
    file = team.project / ".claude-local.toml"
    file.write_text(file.read_text() + "opus = 'big'\n")
    assert "was changed since you agreed to it" in team.refused("enable", "--yes")
    team.ok("profile", "trust", "--yes")
    team.ok("enable", "--yes")
    assert team.env()["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "big"
    assert "Forgotten" in team.ok("profile", "trust", "--revoke").err
    assert "came with the repository" in team.refused("enable", "--yes")


def test_a_profile_of_ones_own_comes_first_and_asks_for_no_trust(team: Place, server: EmbeddedBackend) -> None:
    team.ok("profile", "add", "team", "--url", server.url, "--haiku", "mine")
    team.ok("enable", "team", "--yes")
    assert team.env()["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "mine"


def test_what_is_asked_for_by_its_address_has_nothing_to_do_with_the_file(team: Place, server: EmbeddedBackend) -> None:
    team.ok("enable", "--url", server.url, "--yes")
    assert team.env()["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == MODEL
    team.ok("enable", "--yes")  # enabled already: the server in effect, not the repository's file
    assert team.env()["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == MODEL


def test_a_broken_file_is_said_with_its_place(team: Place) -> None:
    (team.project / ".claude-local.toml").write_text("[profiles.team]\nurl = 'ftp://x'\n")
    assert ".claude-local.toml:2:7: profiles.team.url must be an http(s) URL" in team.refused("enable", "--yes")


def test_of_several_profiles_one_is_to_be_named(team: Place, server: EmbeddedBackend) -> None:
    file = team.project / ".claude-local.toml"
    file.write_text(file.read_text() + f"[profiles.other]\nurl = '{server.url}'\n")
    team.ok("profile", "trust", "--yes")
    err = team.refused("enable", "--yes", code=2)
    assert "does not say which one to use: team, other" in err
    assert "hint: claude-local enable team" in err
    team.ok("enable", "other", "--yes")


def test_it_is_found_from_a_folder_inside(team: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inner = team.project / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert "profile trust" in team.ends(1, "enable", "--yes").err
