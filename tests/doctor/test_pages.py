"""The pages about doctor say what the code says, and every known trouble has its check."""

import re
import runpy
from pathlib import Path

from claude_local_plugin.doctor import CHECKS
from claude_local_plugin.servers.advisories import PAIRS, matching, of_client
from tests.looped import looped

DOCS = Path(__file__).parents[2] / "docs"
IDS = {check.id for check in CHECKS}

#: The troubles that the guides and the issue trackers speak of, in a few words of each; each needs a row.
TROUBLES = (
    *("model not found", "first request after a start", "out of memory", "Tool calls do not work", "Streaming fails"),
    *("`qwen3_coder` parser", "no kernel image", "CUDA library", "Answers come very slowly", "Every turn reads"),
    *("three sessions at once", "tasks time out", "404 on `/v1/messages`", "connections are reset", "still loads"),
    *("`apiBaseUrl` and `apiKey`", "“Any string works as a key”", "Several tool results", "Invalid tool_use block"),
    *("still calls home", "Input should be 'user' or 'assistant'", "System message must be at the beginning"),
    *("that the shell exports has no effect", "Unable to connect to Anthropic", "reuse nothing", "`tool_reference`"),
    *("Extra inputs are not permitted", "never compacted", "`max_tokens` 32000", "cut off before its first token"),
    *("Auto mode can't check", "`/model haiku` fails", "Login prompts", "claude.ai login is sent", "Ollama forgets"),
    *("--enable-auto-tool-choice", "Empty answers, exit code 0", "another folder", "under a `claude-…` name"),
    *("hangs for three minutes", "right key in `ANTHROPIC_API_KEY`", "“No connected db.”", "“Invalid model name”"),
    *("asks to log in", "smaller than Claude Code's own prompt", "no `/v1/messages`", "`<think>` in the answers"),
    *("`~/.claude/settings.local.json` do nothing", "cut off in the middle", "19 seconds offline", "ends in `/v1`"),
)


def rows() -> list[tuple[str, str, str]]:
    """Symptom, check and fix of every row of the table."""
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    cells = [
        tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in page.splitlines() if line[:1] == "|"
    ]
    return [(c[0], c[1], c[2]) for c in cells if c[0] not in ("symptom", "---")]


def test_the_page_of_checks_is_made_of_the_checks() -> None:
    script = runpy.run_path(str(DOCS / "checks_page.py"))
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == script["page"](), "python docs/checks_page.py"


def test_every_row_names_a_check_that_there_is() -> None:
    assert len(rows()) > 50
    for symptom, check, fix in rows():
        named = re.fullmatch(r"`([a-z.-]+)`( \(deep\))?", check)
        assert named, symptom
        assert named[1] in IDS, symptom
        found = next(each for each in CHECKS if each.id == named[1])
        # client.timeouts knows some of it without real requests
        assert found.deep == bool(named[2]) or found.id == "client.timeouts", symptom
        assert fix


@looped("trouble", TROUBLES)
def test_every_known_trouble_has_a_row(trouble: str) -> None:
    assert [symptom for symptom, _, _ in rows() if trouble.lower() in symptom.lower()], trouble


def test_every_fix_a_row_promises_exists() -> None:
    fixable = {check.id for check in CHECKS if check.fixable}
    for _, _, fix in rows():
        for named in re.findall(r"--fix ([a-z-]+\.[a-z-]+)", fix):
            assert named in fixable


@looped(
    ("client", "bad"),
    [
        ("2.1.264", False),
        ("2.1.265", True),
        ("2.1.266", True),
        ("2.1.267", True),
        ("2.1.268", False),
        ("2.1.332", False),
        (None, False),
        ("unknown", False),
    ],
)
@looped(("kind", "version"), [("vllm", "0.32.0"), ("llama.cpp", None), ("unknown", None)])
def test_a_pair_may_hold_for_versions_of_the_client(
    client: str | None, bad: bool, kind: str, version: str | None
) -> None:
    assert bool(matching(kind, version, (), client)) is bad
    assert bool(of_client(client)) is bad
    assert matching("anthropic", None, (), client) == ()


def test_known_bad_pairs_hold_for_just_their_versions() -> None:
    assert matching("litellm", "1.106.2", ()) == ()
    assert [pair.kind for pair in matching("litellm", "1.82.8", ())] == ["litellm"]
    assert matching("litellm", "1.82.9", ()) == ()
    assert matching("vllm", None, ()) == ()
    assert matching("vllm", "0.14.0", ("qwen2.5",)) == ()
    assert len(matching("vllm", "0.14.0", ("Qwen/Qwen3-Coder-Next",))) == 1
    for pair in PAIRS:
        assert pair.since < pair.below
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", pair.seen)
        assert pair.source.startswith("https://")
        assert pair.fix
