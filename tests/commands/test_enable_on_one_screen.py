"""What `enable` shows on a terminal before it asks: all of it, on one screen, and nothing wider than that."""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from claude_local_plugin.cli.enable_screen import laid_out, whole_diff, without_hooks
from claude_local_plugin.commands.enable_shown import linked_worktrees, parts, summary, who
from claude_local_plugin.core.registration import EVENTS
from claude_local_plugin.fake_server.server import EmbeddedBackend
from claude_local_plugin.precedence import Scope
from claude_local_plugin.settings.difference import differences
from claude_local_plugin.settings.document import MISSING
from tests.client.terminal import Terminal
from tests.commands.place import Place
from tests.looped import looped

#: The program on a machine that knows our server under a name of another machine.
FAR = (
    "import socket, sys; known = socket.getaddrinfo;"
    " socket.getaddrinfo = lambda host, *more, **named:"
    " known('127.0.0.1' if host in ('dell-pro-max', b'dell-pro-max') else host, *more, **named);"
    " from claude_local_plugin import cli; sys.exit(cli.run_line(sys.argv[1:]))"
)


def asked(place: Place, *arguments: str, columns: int = 80, keys: str = "n\n", ends: int = 1) -> list[str]:
    """The lines on a terminal of this width from the first to the question, before these keys are typed."""
    argv = [sys.executable, "-c", FAR, *arguments]
    environ = {**os.environ, "COLUMNS": str(columns), "LINES": "24", "NO_COLOR": "1"}
    with Terminal(argv, cwd=place.project, environ=environ) as terminal:
        terminal.wait_for(r"Writethis\?")
        lines = list(terminal.lines)
        terminal.type(keys)
        assert terminal.wait_for_exit() == ends
    return lines


def onboarded(place: Place) -> None:
    place.write(place.home / ".claude.json", {"hasCompletedOnboarding": True})


# --- the screen


@pytest.mark.parametrize("first_start", [True, False])
@pytest.mark.parametrize("far", [True, False])
def test_the_question_comes_on_a_screen_of_80_by_24_with_all_that_it_asks_for(
    repository: Place, server: EmbeddedBackend, *, first_start: bool, far: bool
) -> None:
    if not first_start:
        onboarded(repository)
    url = f"http://dell-pro-max:{server.port}" if far else server.url
    lines = asked(repository, "enable", "--url", url)
    assert len(lines) <= 24, "\n".join(lines)
    assert max(map(len, lines)) <= 80, "\n".join(lines)
    assert [line.split()[0] for line in lines[-5:]] == ["Changes", "Where", "Affects", "Undo", "Write"]
    assert f"ANTHROPIC_BASE_URL={url}" in "\n".join(lines)
    assert ("plain HTTP" in "\n".join(lines)) is far
    assert ("first start is not finished" in "\n".join(lines)) is first_start


@looped("columns", [40, 60, 80, 100, 132, 200])
def test_every_value_that_is_written_is_on_the_screen_and_none_is_wider(
    place: Place, server: EmbeddedBackend, columns: int
) -> None:
    place.write(place.local, {"env": {"API_TIMEOUT_MS": "7"}, "permissions": {"allow": ["Bash(make:*)"]}})
    prepared = place.prepare(url=server.url)
    (part,) = parts(prepared)
    lines = laid_out(part.rows, columns)
    assert all(len(line) <= columns for line in lines)
    shown = "".join("".join(line.split()) for line in lines)
    for each in part.differences:
        if each.path[0] == "hooks":
            continue
        name = each.name.rpartition(".")[2]
        folded = re.fullmatch(r"ANTHROPIC_DEFAULT_([A-Z]+)_MODEL", name)
        if columns >= 76:
            assert (folded[1] if folded else name) in shown
        if isinstance(each.after, str) and not folded:
            assert each.after in shown or columns < 76
    assert f"hooksfor{len(EVENTS)}events(--show-hooksshowsthem)" in shown or columns < 76


def test_a_value_that_changes_says_what_it_was_and_what_goes_is_said_too(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url, "--privacy", "airgap")
    with EmbeddedBackend(models=server.models) as other:
        prepared = place.prepare(url=other.url, preferences=prepared_with("quiet"))
        shown = " ".join(cell.text for part in parts(prepared) for row in part.rows for cell in row.cells)
        taken_out = [
            cell.text for part in parts(prepared) for row in part.rows if row.mark == "-" for cell in row.cells
        ]
    assert f"ANTHROPIC_BASE_URL={other.url} (was {server.url})" in shown
    assert any("DISABLE_UPDATES" in text for text in taken_out)


def prepared_with(privacy: str) -> object:
    from claude_local_plugin.client_config.model import Preferences

    return Preferences(privacy=privacy)


def test_a_key_is_masked_on_the_screen(place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GB10_KEY", "sk-local-0123456789abcdef0123456789")
    onboarded(place)
    text = "\n".join(asked(place, "enable", "--url", server.url, "--token-env", "GB10_KEY"))
    assert "0123456789abcdef" not in text
    assert "ANTHROPIC_AUTH_TOKEN=sk-l…6789 (35 chars)" in text


def test_a_long_value_loses_its_middle_for_display_alone(place: Place) -> None:
    url = "http://dell-pro-max.rack-7.lab.example.org:8000/a/path/that/goes/on/and/on/for/a/while"
    lines = asked(place, "enable", "--no-check", "--url", url, "--model", "m", "--force", keys="y\n\n", ends=0)
    assert max(len(line) for line in lines if url not in line) <= 80  # a command is there to be copied
    assert any("ANTHROPIC_BASE_URL=http://dell-pro" in line and "…" in line for line in lines)
    assert place.env()["ANTHROPIC_BASE_URL"] == url


# --- every line of it


@pytest.mark.parametrize("option", ["--diff", "--show-hooks"])
def test_every_line_of_the_diff_is_there_on_request_with_its_reason_and_fits(
    place: Place, server: EmbeddedBackend, option: str
) -> None:
    lines = asked(place, "enable", "--url", server.url, option)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert f'+    "ANTHROPIC_BASE_URL": "{server.url}"' in text
    assert "        every request goes to your server" in lines
    assert "        tool call" in lines  # of a reason that is longer than the width
    assert "+++ ~/" in text or "+++ /" in text
    handlers = sum('{"hooks": [{"type": "command"' in line for line in lines)
    assert handlers == (len(EVENTS) if option == "--show-hooks" else 0)
    assert (f"… {len(EVENTS)} hooks of claude-local (--show-hooks shows them)" in text) is (option == "--diff")


def test_a_file_that_is_one_long_line_is_never_folded_away(place: Place, server: EmbeddedBackend) -> None:
    place.write(place.local, '{"permissions":{"allow":["Bash(make:*)"]}}')
    shown = whole_diff(place.prepare(url=server.url), 80, show_hooks=False, home=str(place.home))
    assert "ANTHROPIC_BASE_URL" in shown


def test_no_line_but_hooks_of_ours_is_folded(place: Place, server: EmbeddedBackend) -> None:
    own = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}}
    place.write(place.local, own)
    prepared = place.prepare(url=server.url)
    folded = whole_diff(prepared, 500, show_hooks=False, home="/nowhere")
    for line in prepared.diff().splitlines():
        if "claude_local_hook.py" not in line and line[1:].strip() not in ("]", "],") and '": [' not in line:
            assert line[:60] in folded


OURS = '{"hooks": [{"type": "command", "command": "/x/claude_local_hook.py"}]}'
THEIRS = '{"hooks": [{"type": "command", "command": "mine"}]}'


@pytest.mark.parametrize(
    ("diff", "shown"),
    [
        # all of them new, and all of them others
        (["+Stop[", "+ours", "+]", "+SessionStart[", "+ours", "+]"], ["+2"]),
        ([" Stop[", "-ours", "+ours", " ]", " SessionStart[", "-ours", "+ours", " ]"], ["-2", "+2"]),
        (["-Stop[", "-ours", "-]", "+Stop[", "+ours", "+]", " }"], ["-1", "+1", " }"]),
        # a list in which there is more keeps its name and its end
        ([" Stop[", " theirs", "+ours", " ]", " }"], [" Stop[", " theirs", "+1", " ]", " }"]),
        (["+ours", " ]", " Stop[", " theirs", " ]"], ["+1", " ]", " Stop[", " theirs", " ]"]),
        (["+Stop[", "+ours", "+],", " SessionStart[", " theirs"], ["+1", " SessionStart[", " theirs"]),
        # without any of ours, and with one that is not alone in its line
        ([" Stop[", " theirs", " ]"], [" Stop[", " theirs", " ]"]),
        ([" Stop[", " ours", " ]"], [" Stop[", " ours", " ]"]),
    ],
)
def test_with_our_hooks_goes_what_stands_around_them_alone(diff: list[str], shown: list[str]) -> None:
    def spelled(line: str) -> str:
        word = line[1:].replace("ours", OURS).replace("theirs", THEIRS)
        return line[0] + (f'"{word.removesuffix("[")}": [' if word.endswith("[") else word)

    def counted(line: str) -> str:
        many = "hook" if line[1:] == "1" else "hooks"
        return (
            f"{line[0]}   … {line[1:]} {many} of claude-local (--show-hooks shows them)" if line[1:].isdigit() else line
        )

    assert without_hooks([*map(spelled, diff)]) == [counted(spelled(line)) for line in shown]


def test_where_no_terminal_reads_it_the_diff_stays_complete(place: Place, server: EmbeddedBackend) -> None:
    for options in ((), ("--diff",), ("--show-hooks",)):
        ended = place.ok("enable", "--url", server.url, "--dry-run", *options)
        assert ended.out == place.prepare(url=server.url).diff()
        assert ended.out.count("claude_local_hook.py") == len(EVENTS)
    assert len(place.json("enable", "--url", server.url, "--dry-run")["wrote"]) == 20


# --- the summary, and the end


def test_the_summary_says_whom_the_file_speaks_for(repository: Place, server: EmbeddedBackend, tmp_path: Path) -> None:
    repository.git("commit", "--quiet", "--allow-empty", "--message", "first")
    assert who(repository.prepare(url=server.url)) == "this project"
    repository.git("worktree", "add", "--quiet", str(tmp_path / "one"))
    assert who(repository.prepare(url=server.url)) == "this project and its worktree"
    repository.git("worktree", "add", "--quiet", str(tmp_path / "two"))
    assert who(repository.prepare(url=server.url)) == "this project and its 2 worktrees"
    (tmp_path / "two" / ".git").unlink()
    assert who(repository.prepare(url=server.url)) == "this project and its worktree"
    assert who(repository.prepare(url=server.url, scope=Scope.USER)).startswith("every project of yours")
    shared = who(repository.prepare(url=server.url, scope=Scope.PROJECT))
    assert shared == "sessions that start in this folder; once it is committed, everyone who pulls it"


def test_before_the_client_read_the_root_and_outside_git_it_speaks_for_a_folder(
    repository: Place, server: EmbeddedBackend
) -> None:
    (repository.project / "api").mkdir()
    below = repository.world(cwd=repository.project / "api", client_version="2.1.200")
    assert who(repository.prepare(below, url=server.url)) == "sessions that start in this very folder"
    now = repository.world(cwd=repository.project / "api")
    assert who(repository.prepare(now, url=server.url)) == "this project"


def test_a_pointer_that_leads_nowhere_counts_for_no_worktree(tmp_path: Path) -> None:
    for name, text in (("gone", "/nowhere/.git\n"), ("empty", ""), ("odd", "a\0b")):
        (tmp_path / "worktrees" / name).mkdir(parents=True)
        (tmp_path / "worktrees" / name / "gitdir").write_text(text)
    assert linked_worktrees(tmp_path) == 0
    assert linked_worktrees(None) == 0


def test_the_summary_counts_what_changes_and_names_the_exact_undo(place: Place, server: EmbeddedBackend) -> None:
    said = dict(summary(place.prepare(url=server.url, scope=Scope.USER), ()))
    assert said["Changes"] == f"20 settings added, hooks for {len(EVENTS)} events   (--diff: every line)"
    assert said["Undo"] == "claude-local disable --scope user"
    assert said["Where"] == "~/.claude/settings.json (new)"


def test_it_says_that_the_first_session_asks_for_trust_and_offers_no(place: Place, server: EmbeddedBackend) -> None:
    asks = "Claude Code asks first whether you trust this folder, and offers No: choose Yes.\nUndo: "
    assert asks in place.ok("enable", "--url", server.url).err
    assert asks not in place.ok("enable", "--url", server.url, "--scope", "user").err
    trusting = {"hasCompletedOnboarding": True, "projects": {str(place.project): {"hasTrustDialogAccepted": True}}}
    place.ok("disable", "--all-scopes")
    place.write(place.home / ".claude.json", trusting)
    assert asks not in place.ok("enable", "--url", server.url).err


def test_it_ends_with_what_to_run_now(place: Place, server: EmbeddedBackend) -> None:
    assert place.ok("enable", "--url", server.url).err.rstrip().endswith("\nNow run: claude")
    argv = [sys.executable, "-m", "claude_local_plugin", "enable", "--url", server.url, "--scope", "user"]
    with Terminal(argv, cwd=place.project, environ={**os.environ, "COLUMNS": "80"}) as terminal:
        terminal.wait_for(r"Writethis\?")
        terminal.type("y\n")
        terminal.wait_for("Rememberthisserver")
        assert "Enabledforeveryprojectofyours" in terminal.text
        terminal.type("\n")
        assert terminal.wait_for_exit() == 0
        assert terminal.text.endswith("Nowrun:claude")


# --- differences as values


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (None, {"a": 1}, [(("a",), MISSING, 1, False)]),
        ({"a": 1}, {"a": True}, [(("a",), 1, True, False)]),
        (
            {"e": {"A": "1", "B": "2"}},
            {"e": {"B": "3"}},
            [(("e", "B"), "2", "3", False), (("e", "A"), "1", MISSING, False)],
        ),
        (
            {"l": [1, 2, 2]},
            {"l": [2, 3]},
            [(("l",), 1, MISSING, True), (("l",), 2, MISSING, True), (("l",), MISSING, 3, True)],
        ),
        ({"l": [1, 2]}, {"l": [2, 1]}, [(("l",), [1, 2], [2, 1], False)]),
        ({}, {"l": []}, [(("l",), MISSING, [], False)]),
        ({"o": {"a": 1}}, {"o": "x"}, [(("o",), {"a": 1}, "x", False)]),
        ({"o": {}}, {}, [(("o",), {}, MISSING, False)]),
        ({"o": 1}, {"o": 1}, []),
    ],
)
def test_differences_are_those_of_the_values(
    before: object, after: object, found: Sequence[tuple[object, ...]]
) -> None:
    texts = (None if before is None else json.dumps(before), json.dumps(after, indent=3))
    assert [(each.path, each.before, each.after, each.item) for each in differences(*texts)] == found
