"""`claude-local recipe fit|list|show|add` as they are typed."""

import json
import tomllib
from pathlib import Path

import pytest

from claude_local_plugin.cli import run_line
from claude_local_plugin.settings.schema import problems
from tests.looped import looped

Capture = pytest.CaptureFixture[str]


def typed(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = run_line(["recipe", *words])
    out, err = capsys.readouterr()
    return code, out, err


def in_json(capsys: Capture, *words: str) -> tuple[int, dict[str, list[dict[str, object]]]]:
    code, out, _ = typed(capsys, *words, "--json")
    report = json.loads(out)
    assert problems(report, f"recipe-{words[0]}") == ()
    return code, report


def test_fit_says_the_best_first_and_how_to_go_on(capsys: Capture) -> None:
    code, out, err = typed(capsys, "fit", "--hardware", "gb10")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[:6] == [
        "GB10 (DGX Spark, Dell Pro Max with GB10)",
        "121 GiB (shared with the system) × 0.85 − 4 = 98.8 GiB for weights and cache",
        "fits best  Qwen3-Coder-Next FP8   window 262,144   3.9 conversations at once",
        "           room for 1 session with two subagents each, or 3 without",
        "           43 tokens/s (published, 2026-02-22)",
        "  claude-local recipe render qwen3-coder-next:fp8 --hardware gb10",
    ]
    assert "minimax-m2.7:nvfp4     weights 121.5 GiB; room for 98.8" in lines


@looped("hardware", ["gb10", "rtx-pro-6000-2x", "rtx-4090", "a100-80gb", "cpu"])
def test_no_line_is_wider_than_a_terminal(capsys: Capture, hardware: str) -> None:
    for words in (("fit", "--hardware", hardware), ("fit", "qwen3-coder-next", "--hardware", hardware)):
        _, out, _ = typed(capsys, *words)
        assert [line for line in out.splitlines() if len(line) > 80] == []


def test_fit_in_json_has_the_members_that_were_agreed(capsys: Capture) -> None:
    code, report = in_json(capsys, "fit", "--hardware", "gb10")
    assert code == 0
    assert set(report) == {"models"}
    assert report["models"][0] == {
        "model": "qwen3-coder-next",
        "precision": "fp8",
        "weights_gib": 74.9,
        "kv_bytes_per_token": 24_576,
        "block_tokens": 1056,
        "window": 262_144,
        "concurrency": 3.882,
        "fits": True,
        "reason": "",
    }


@looped(
    ("words", "concurrency", "block"),
    [
        (("qwen3-coder-30b-a3b:bf16", "10", "65536", "--block-size", "128"), 1.666, 128),
        (("qwen3-coder-next:fp8", "20", "262144"), 3.243, 1056),
        (("Qwen/Qwen3-Coder-Next-FP8", "20", "65536"), 11.986, 1056),
        (("gpt-oss-120b", "20", "131072", "--block-size", "128"), 4.368, 128),
        (("MiniMaxAI/MiniMax-M2.7", "20", "65536"), 1.290, 16),
        (("qwen3.6-35b-a3b:bf16", "20", "262144"), 3.890, 1056),
        (("qwen3.6-27b:bf16", "20", "262144"), 1.223, 784),
        (("deepseek-v3.1:fp8", "20", "65536"), 4.663, 16),
    ],
)
def test_the_cache_alone_has_vllms_own_numbers(
    capsys: Capture, words: tuple[str, ...], concurrency: float, block: int
) -> None:
    model, gib, window, *more = words
    _, report = in_json(capsys, "fit", model, "--kv-memory", gib, "--window", window, *more)
    (found,) = report["models"]
    assert (found["concurrency"], found["block_tokens"], found["fits"]) == (concurrency, block, True)


def test_where_nothing_fits_the_exit_code_says_so(capsys: Capture) -> None:
    code, out, _ = typed(capsys, "fit", "minimax-m2.7", "--hardware", "gb10")
    assert code == 1
    assert "nothing fits" in out
    assert "minimax-m2.7:fp8" in out
    code, report = in_json(capsys, "fit", "--memory", "8", "--gpus", "1")
    assert code == 1
    assert not any(each["fits"] for each in report["models"])
    assert all(each["reason"] for each in report["models"])


def test_a_machine_is_said_in_one_way(capsys: Capture) -> None:
    code, _, err = typed(capsys, "fit", "--hardware", "gb10", "--memory", "24")
    assert (code, err.splitlines()[0]) == (2, "error: --hardware and --memory both say which machine is meant")
    code, _, err = typed(capsys, "fit", "--gpus", "2")
    assert (code, err.splitlines()[0]) == (2, "error: --gpus describes a machine without its memory")
    code, _, err = typed(capsys, "fit", "--hardware", "gb11")
    assert (code, err.splitlines()[1]) == (2, "hint: did you mean gb10? All of them: claude-local recipe list")
    code, _, err = typed(capsys, "fit", "qwen3-coder-nxt", "--hardware", "gb10")
    assert (code, err.splitlines()[1]) == (
        2,
        "hint: did you mean qwen3-coder-next? All of them: claude-local recipe list",
    )


def test_a_described_machine_of_two_cards(capsys: Capture) -> None:
    code, out, _ = typed(capsys, "fit", "--memory", "24", "--gpus", "2", "--arch", "8.9", "--sessions", "2")
    assert code == 0
    assert out.startswith("2 × 24 GiB, SM 8.9\n24 GiB × 0.9 − 1.5 = 20.1 GiB on each GPU")
    assert "recipe render" not in out


def test_list_has_every_model_and_machine(capsys: Capture) -> None:
    code, report = in_json(capsys, "list")
    assert code == 0
    assert len(report["models"]) >= 30
    assert {"gb10", "rtx-pro-6000", "rtx-pro-6000-2x", "cpu"} <= {each["name"] for each in report["hardware"]}
    _, out, _ = typed(capsys, "list")
    assert all(str(each["name"]) in out for each in (*report["models"], *report["hardware"]))
    assert [line for line in out.splitlines() if len(line) > 80] == []


def test_show_numbers_its_sources(capsys: Capture) -> None:
    code, out, _ = typed(capsys, "show", "qwen3-coder-next:fp8")
    assert code == 0
    assert "window           262,144 tokens, published [2]" in out
    assert "[6] 2026-02-22, GuardKit review of the Dell Pro Max GB10" in out
    assert "nvfp4" not in out
    assert [line for line in out.splitlines() if len(line) > 80] == []
    _, report = in_json(capsys, "show", "qwen3-coder-next")
    assert [each["precision"] for each in report["variants"]] == ["fp8", "nvfp4", "bf16", "iq4_nl"]


OWN = """\
name = "mine"
label = "Mine"
maker = "me"
pictures = false
thinks = false
parameters = { value = 7, unit = "billion", basis = "measured", source = "counted", date = "2026-11-28" }
window = { value = 131072, unit = "tokens", basis = "published", source = "its card", date = "2026-11-28" }
agent = { value = 10, unit = "of 10", basis = "estimated", source = "I like it", date = "2026-11-28" }

[[layers]]
kind = "full"
count = 32
kv_heads = 8
head_dim = 128
basis = "published"
source = "its config.json"
date = "2026-11-28"

[[variants]]
precision = "fp8"
repository = "me/mine"
weights = { value = 7, unit = "GiB", basis = "measured", source = "ls", date = "2026-11-28" }
"""


def test_an_entry_of_ones_own_is_taken_and_used(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_LOCAL_CONFIG_DIR", str(tmp_path / "config"))
    source = tmp_path / "mine.toml"
    source.write_text(OWN)
    code, report = in_json(capsys, "add", "--from", str(source))
    written = tmp_path / "config" / "recipes" / "models" / "mine.toml"
    assert (code, report["path"], report["changed"]) == (0, str(written), True)
    assert written.read_text() == OWN
    _, fits = in_json(capsys, "fit", "--hardware", "rtx-4090")
    assert fits["models"][0]["model"] == "mine"
    _, out, _ = typed(capsys, "list")
    assert "\nmine+ " in out
    # again: nothing to do; another text: only by force; ours: only by force
    code, again = in_json(capsys, "add", "--from", str(source))
    assert (code, again["changed"]) == (0, False)
    source.write_text(OWN.replace("Mine", "Other"))
    code, _, err = typed(capsys, "add", "--from", str(source))
    assert (code, written.read_text()) == (1, OWN)
    assert f"hint: to have this one instead: claude-local recipe add --from {source} --force" in err
    code, forced = in_json(capsys, "add", "--from", str(source), "--force")
    assert (code, forced["replaced"], tomllib.loads(written.read_text())["label"]) == (0, True, "Other")
    source.write_text(OWN.replace('"mine"', '"gpt-oss-20b"'))
    code, _, err = typed(capsys, "add", "--from", str(source))
    assert (code, err.splitlines()[0]) == (1, "error: gpt-oss-20b is in the catalogue already")


def test_a_broken_entry_is_not_written(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_LOCAL_CONFIG_DIR", str(tmp_path / "config"))
    source = tmp_path / "mine.toml"
    source.write_text(OWN.replace(', source = "ls"', ""))
    code, _, err = typed(capsys, "add", "--from", str(source))
    assert code == 1
    assert f"{source}: $.variants[0].weights: source is missing" in err
    assert not (tmp_path / "config").exists()
