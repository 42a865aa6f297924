"""Each check by small files: what it finds, where, and what it leaves alone."""

import runpy
from pathlib import Path

import pytest

from claude_local_plugin.checks import Result
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.lint import CHECKS, chosen, read, run
from tests.lint.looking import facts, found, mended, pointed
from tests.looped import looped

DOCS = Path(__file__).parents[2] / "docs"

CODER = "vllm serve Qwen/Qwen3-Coder-30B-A3B-Instruct --host 127.0.0.1"
TOOLS = "--enable-auto-tool-choice --tool-call-parser qwen3_coder"
WELL = f"{CODER} {TOOLS}"
NEXT = f"vllm serve Qwen/Qwen3-Coder-Next-FP8 --host 127.0.0.1 {TOOLS}"
QWEN = f"vllm serve Qwen/Qwen3.6-27B --host 127.0.0.1 {TOOLS}"


def compose(image: str = "vllm/vllm-openai:v0.30.0", *, command: str = "", more: str = "") -> str:
    """A compose file with one server, well but for what is given."""
    arguments = f"Qwen/Qwen3-Coder-30B-A3B-Instruct {TOOLS} {command}".strip()
    return (
        f"services:\n  llm:\n    image: {image}\n    command: {arguments}\n"
        '    ports: ["127.0.0.1:8000:8000"]\n'
        f"{more or HEALTH}"
    )


HEALTH = (
    '    healthcheck:\n      test: ["CMD", "curl", "-f", "http://localhost:8000/health"]\n      start_period: 600s\n'
)


def run_line(image: str = "vllm/vllm-openai:v0.30.0", options: str = "--rm", model: str = "openai/gpt-oss-20b") -> str:
    return (
        f"docker run {options} -p 127.0.0.1:8000:8000 {image} --model {model}"
        " --enable-auto-tool-choice --tool-call-parser openai"
    )


#: Check -> files in which it finds something, each with what is asked for and what is found; all of it is here.
WRONG: dict[str, list[tuple[str, dict[str, object], list[tuple[str, str, str]]]]] = {
    "recipe.auto-tool-choice": [
        ("llama-server -m m.gguf --no-jinja", {}, [("recipe.auto-tool-choice", "error", "--no-jinja")]),
        (f"{CODER} --tool-call-parser qwen3_coder", {}, [("recipe.auto-tool-choice", "error", "vllm")]),
        (
            f"{CODER} --no-enable-auto-tool-choice --tool-call-parser qwen3_coder",
            {},
            [("recipe.auto-tool-choice", "error", "--no-enable-auto-tool-choice")],
        ),
    ],
    "recipe.parser": [
        # what a variable or a file may hold is not judged
        (f"{CODER} $EXTRA", {}, []),
        (f'ARGS=(--tool-call-parser qwen3_coder)\n{CODER} "${{ARGS[@]}}"', {}, []),
        (f'{CODER} "$@"', {}, []),
        (f"{CODER} --config serve.yaml", {}, []),
        (f"{CODER} --enable-auto-tool-choice", {}, [("recipe.parser", "error", "vllm")]),
        (WELL.replace("qwen3_coder", "qwen3coder"), {}, [("recipe.parser", "error", "qwen3coder")]),
        (WELL.replace("qwen3_coder", "hermes"), {}, [("recipe.parser", "error", "hermes")]),
        # a family that is known by its parser's name alone is less certain
        (
            (
                "vllm serve acme/Seed-OSS-36B --host 127.0.0.1 --enable-auto-tool-choice --tool-call-parser hermes"
                " --reasoning-parser seed_oss"
            ),
            {},
            [("recipe.parser", "warning", "hermes")],
        ),
        # the parser is right, and the image's release has not got it yet
        (
            compose("vllm/vllm-openai:v0.18.0").replace(
                f"Qwen/Qwen3-Coder-30B-A3B-Instruct {TOOLS}",
                "google/gemma-4-31B-it --enable-auto-tool-choice --tool-call-parser gemma4 --reasoning-parser gemma4",
            ),
            {},
            [
                ("recipe.parser", "error", "gemma4"),
                ("recipe.reasoning-parser", "error", "gemma4"),
                ("recipe.release", "error", "vllm/vllm-openai:v0.18.0"),
            ],
        ),
    ],
    "recipe.reasoning-parser": [
        (QWEN, {}, [("recipe.reasoning-parser", "warning", "vllm")]),
        (f"{QWEN} --reasoning-parser qwen_3", {}, [("recipe.reasoning-parser", "error", "qwen_3")]),
        (f"{QWEN} --reasoning-parser deepseek_r1", {}, [("recipe.reasoning-parser", "warning", "deepseek_r1")]),
        (f"{WELL} --reasoning-parser qwen3", {}, [("recipe.reasoning-parser", "warning", "--reasoning-parser")]),
    ],
    "recipe.small-window": [
        (f"{WELL} --max-model-len 16384", {}, [("recipe.small-window", "error", "16384")]),
        ("llama-server -m model.gguf -c 8192", {}, [("recipe.small-window", "error", "8192")]),
    ],
    "recipe.large-window": [
        (f"{WELL} --max-model-len 500000", {}, [("recipe.large-window", "error", "500000")]),
        # 98,304 bytes for each token: 40 GiB of weights less, 96 GiB have no room for 262,144 tokens
        (f"{WELL} --max-model-len 262144", {"hardware": "rtx-pro-6000"}, []),
        (
            f"{WELL} --gpu-memory-utilization 0.55 --max-model-len 131072",
            {"hardware": "gb10"},
            [("recipe.large-window", "error", "131072")],
        ),
    ],
    "recipe.thousands": [
        (f"{WELL} --max-model-len 64k", {}, [("recipe.thousands", "warning", "64k")]),
    ],
    "recipe.weights": [
        (WELL, {"hardware": "rtx-5090"}, [("recipe.weights", "error", "Qwen/Qwen3-Coder-30B-A3B-Instruct")]),
        (
            f"{WELL} --gpu-memory-utilization 0.5",
            {"hardware": "gb10"},
            [("recipe.weights", "error", "0.5")],
        ),
    ],
    "recipe.utilisation": [
        (f"{WELL} --gpu-memory-utilization 0.95", {"hardware": "gb10"}, [("recipe.utilisation", "warning", "0.95")]),
        (WELL, {"hardware": "gb10"}, [("recipe.utilisation", "warning", "vllm")]),
        (
            f"{WELL} --gpu-memory-utilization 0.95",
            {"hardware": "rtx-pro-6000"},
            [("recipe.utilisation", "info", "0.95")],
        ),
    ],
    "recipe.load-format": [
        (
            (
                "vllm serve nvidia/MiniMax-M2.7-NVFP4 --host 127.0.0.1 --enable-auto-tool-choice --tool-call-parser"
                " minimax_m2 --reasoning-parser minimax_m2 --load-format fastsafetensors --gpu-memory-utilization 0.85"
            ),
            {"hardware": "gb10"},
            [
                ("recipe.weights", "error", "nvidia/MiniMax-M2.7-NVFP4"),
                ("recipe.load-format", "error", "fastsafetensors"),
            ],
        ),
    ],
    "recipe.kv-cache": [
        (
            f"{NEXT} --kv-cache-dtype nvfp4 --gpu-memory-utilization 0.85",
            {"hardware": "gb10"},
            [("recipe.kv-cache", "error", "nvfp4")],
        ),
    ],
    "recipe.prefix-cache": [
        (f"{WELL} --no-enable-prefix-caching", {}, [("recipe.prefix-cache", "error", "--no-enable-prefix-caching")]),
    ],
    "recipe.people": [
        (f"{WELL} --max-num-seqs 4", {"sessions": 4}, [("recipe.people", "warning", "4")]),
        (f"{WELL} --max-num-seqs 4", {"sessions": 1}, []),
        (
            f"{NEXT} --gpu-memory-utilization 0.8 --max-model-len 262144",
            {"hardware": "gb10", "sessions": 6},
            [("recipe.people", "warning", "262144")],
        ),
    ],
    "recipe.tag": [
        (compose("vllm/vllm-openai"), {}, [("recipe.tag", "warning", "vllm/vllm-openai")]),
        (compose("vllm/vllm-openai:latest"), {}, [("recipe.tag", "warning", "vllm/vllm-openai:latest")]),
        (
            compose("ghcr.io/eugr/spark-vllm:nightly", command="").replace("command: ", "command: vllm serve "),
            {},
            [("recipe.tag", "warning", "ghcr.io/eugr/spark-vllm:nightly"), ("recipe.curl", "info", "CMD")],
        ),
        (compose("vllm/vllm-openai@sha256:" + 64 * "0"), {}, []),
    ],
    "recipe.image": [
        (
            compose("vllm/vllm-openai:v0.20.0", command="--gpu-memory-utilization 0.8"),
            {"hardware": "gb10"},
            [("recipe.image", "error", "vllm/vllm-openai:v0.20.0")],
        ),
        (
            compose("vllm/vllm-openai:v0.20.0-cu129", command="--gpu-memory-utilization 0.8"),
            {"hardware": "gb10"},
            [("recipe.image", "error", "vllm/vllm-openai:v0.20.0-cu129")],
        ),
        (
            compose("vllm/vllm-openai:v0.20.0-x86_64", command="--gpu-memory-utilization 0.8"),
            {"hardware": "gb10"},
            [("recipe.image", "error", "vllm/vllm-openai:v0.20.0-x86_64")],
        ),
        (compose("vllm/vllm-openai:v0.20.0-cu130", command="--gpu-memory-utilization 0.8"), {"hardware": "gb10"}, []),
        (
            compose("vllm/vllm-openai:v0.27.1-ubuntu2404", command="--gpu-memory-utilization 0.8"),
            {"hardware": "gb10"},
            [],
        ),
    ],
    "recipe.release": [
        # no Messages API yet
        (compose("vllm/vllm-openai:v0.10.2"), {}, [("recipe.release", "error", "vllm/vllm-openai:v0.10.2")]),
        # newer than the model, older than what Claude Code sends after a tool call
        (compose("vllm/vllm-openai:v0.14.0"), {}, [("recipe.release", "error", "vllm/vllm-openai:v0.14.0")]),
        # both, and known for something that goes wrong
        (compose("vllm/vllm-openai:v0.24.0"), {}, [("recipe.release", "warning", "vllm/vllm-openai:v0.24.0")]),
        # the model is younger
        (
            run_line("vllm/vllm-openai:v0.20.0", model="MiniMaxAI/MiniMax-M3").replace(
                "parser openai", "parser minimax_m3"
            )
            + " --reasoning-parser minimax_m3",
            {},
            [
                ("recipe.parser", "error", "minimax_m3"),
                ("recipe.reasoning-parser", "error", "minimax_m3"),
                ("recipe.release", "error", "vllm/vllm-openai:v0.20.0"),
            ],
        ),
    ],
    "recipe.start-period": [
        (
            compose(more=HEALTH.replace("      start_period: 600s\n", "")),
            {},
            [("recipe.start-period", "warning", "CMD")],
        ),
        (
            run_line(options="--rm --health-cmd 'curl -f http://localhost:8000/health'"),
            {},
            [("recipe.start-period", "warning", "curl")],
        ),
    ],
    "recipe.health": [
        (run_line(options="-d"), {}, [("recipe.health", "info", "vllm/vllm-openai:v0.30.0")]),
        (run_line(options="-it"), {}, []),
    ],
    "recipe.curl": [
        (
            (
                "services:\n  gw:\n    image: ghcr.io/berriai/litellm:v1.106.2\n    command: --config /c.yaml\n"
                "    environment: {LITELLM_LOCAL_MODEL_COST_MAP: 'True'}\n"
                "    healthcheck:\n      test: curl -f http://localhost:4000/health/liveliness\n"
                "      start_period: 60s\n"
            ),
            {},
            [("recipe.curl", "error", "curl")],
        ),
    ],
    "recipe.open": [
        (WELL.replace(" --host 127.0.0.1", ""), {}, [("recipe.open", "warning", "vllm")]),
        (WELL.replace("127.0.0.1", "0.0.0.0"), {}, [("recipe.open", "warning", "0.0.0.0")]),
        (WELL.replace("127.0.0.1", "0.0.0.0") + " --api-key k", {}, []),
        (f"VLLM_API_KEY=k {WELL.replace('127.0.0.1', '0.0.0.0')}", {}, []),
        ("llama-server -m m.gguf --host 0.0.0.0", {}, [("recipe.open", "warning", "0.0.0.0")]),
        (
            compose().replace("127.0.0.1:8000:8000", "192.168.1.4:8000:8000"),
            {},
            [("recipe.open", "warning", "192.168.1.4:8000:8000")],
        ),
        (compose(more="    network_mode: host\n" + HEALTH), {}, [("recipe.open", "warning", "llm")]),
    ],
    "recipe.unreachable": [
        (compose(command="--host 127.0.0.1"), {}, [("recipe.unreachable", "error", "127.0.0.1")]),
    ],
    "recipe.claude-name": [
        (f"{WELL} --served-model-name claude-sonnet-4-6", {}, [("recipe.claude-name", "warning", "claude-sonnet-4-6")]),
        (
            f"{WELL} --served-model-name qwen3-coder claude-sonnet-4-6",
            {},
            [("recipe.claude-name", "warning", "claude-sonnet-4-6")],
        ),
        ("llama-server -m m.gguf --alias claude-x", {}, [("recipe.claude-name", "warning", "claude-x")]),
    ],
    "recipe.other-name": [
        (f"{WELL} --served-model-name Qwen3-Coder-30B-FP8", {}, []),  # the weights' name says no precision
        (
            f"{WELL.replace('Instruct', 'Instruct-FP8')} --served-model-name Qwen3-Coder-30B-AWQ",
            {},
            [("recipe.other-name", "warning", "Qwen3-Coder-30B-AWQ")],
        ),
        (f"{WELL} --served-model-name qwen3-coder-480b", {}, [("recipe.other-name", "warning", "qwen3-coder-480b")]),
        (f"{WELL} --served-model-name gpt-oss-120b", {}, [("recipe.other-name", "warning", "gpt-oss-120b")]),
    ],
    "recipe.argument": [
        (
            f"{WELL} --swap-space 4 --disable-log-requests",
            {},
            [("recipe.argument", "error", "--swap-space"), ("recipe.argument", "error", "--disable-log-requests")],
        ),
        (f"{WELL} --num-scheduler-steps=8", {}, [("recipe.argument", "error", "--num-scheduler-steps=8")]),
        (
            f"{CODER} --enable-tool-choice --tool-call-parser qwen3_coder",
            {},
            [("recipe.argument", "error", "--enable-tool-choice")],
        ),
        (f"{WELL} --gpu-memory-util 0.9", {}, [("recipe.argument", "info", "--gpu-memory-util")]),
        (f"{WELL} --max-modle-len 65536", {}, [("recipe.argument", "error", "--max-modle-len")]),
        (f"{WELL} --frobnicate 3", {}, [("recipe.argument", "warning", "--frobnicate")]),
        # underscores, short names and members of JSON are vLLM's own
        (f"{WELL} --max_model_len 65536 -tp 2 --compilation-config.mode 3 -cc.mode=3", {}, []),
    ],
    "recipe.compose-version": [
        ('version: "3.8"\n' + compose(), {}, [("recipe.compose-version", "info", "version")]),
    ],
}

LITELLM = """\
model_list:
  - model_name: coder
    litellm_params:
      model: hosted_vllm/qwen3-coder
      api_base: http://127.0.0.1:8000/v1
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"""
SECOND = """\
  - model_name: coder
    litellm_params: {model: hosted_vllm/qwen3-coder, api_base: "http://127.0.0.1:8001/v1"}
general_settings:
"""
GATEWAY: dict[str, list[tuple[str, list[tuple[str, str, str]]]]] = {
    "litellm.key": [
        (LITELLM.replace("os.environ/LITELLM_MASTER_KEY", "sk-1234"), [("litellm.key", "error", "sk-1234")]),
        (LITELLM.replace("os.environ/LITELLM_MASTER_KEY", '""'), [("litellm.key", "error", "")]),
        (
            LITELLM.replace("os.environ/LITELLM_MASTER_KEY", "sk-my-own-long"),
            [("litellm.key", "warning", "sk-my-own-long")],
        ),
        (
            LITELLM.replace("general_settings:\n  master_key: os.environ/LITELLM_MASTER_KEY\n", ""),
            [("litellm.key", "error", "model_list")],
        ),
        (LITELLM + "  dangerously_permit_weak_or_unset_master_key: true\n", [("litellm.key", "error", "true")]),
    ],
    "litellm.route": [
        (LITELLM.replace("hosted_vllm/", "openai/"), [("litellm.route", "warning", "openai/qwen3-coder")]),
        (LITELLM.replace("hosted_vllm/", "openai/").replace("http://127.0.0.1:8000", "https://api.openai.com"), []),
        (
            LITELLM.replace("hosted_vllm/", "openai/").replace(
                "general_", "    model_info: {supported_endpoints: [/v1/messages]}\ngeneral_"
            ),
            [],
        ),
    ],
    "litellm.aliases": [
        (
            LITELLM.replace(": coder", ": claude-sonnet-4-20250514"),
            [("litellm.aliases", "warning", "claude-sonnet-4-20250514")],
        ),
        (LITELLM.replace(": coder", ": claude-opus-5-5"), []),
        (
            LITELLM.replace(": coder", ": claude-3-x")
            + "router_settings:\n  model_group_alias: {claude-opus-5-5: claude-3-x}\n",
            [],
        ),
    ],
    "litellm.wildcard": [
        (LITELLM.replace(": coder", ': "claude-*"'), [("litellm.wildcard", "warning", "claude-*")]),
    ],
    "litellm.fallbacks": [
        (
            LITELLM + 'router_settings:\n  fallbacks: [{"claude-*": ["coder"]}]\n',
            [("litellm.fallbacks", "error", "claude-*")],
        ),
        (
            LITELLM + 'router_settings:\n  fallbacks: [{"coder": ["other"]}]\n',
            [("litellm.fallbacks", "error", "other")],
        ),
        (LITELLM + 'litellm_settings:\n  fallbacks: [{"*": ["coder"]}]\n', []),
    ],
    "litellm.verbose": [
        (LITELLM + "litellm_settings:\n  set_verbose: True\n", [("litellm.verbose", "warning", "True")]),
        (LITELLM + "litellm_settings:\n  set_verbose: false\n", []),
    ],
    "litellm.affinity": [
        (LITELLM.replace("general_settings:\n", SECOND), [("litellm.affinity", "warning", "coder")]),
        (
            LITELLM.replace("general_settings:\n", SECOND)
            + "router_settings:\n  optional_pre_call_checks: [session_affinity]\n",
            [],
        ),
    ],
    "litellm.release": [
        ("pip install 'litellm[proxy]==1.107.0'\n", [("litellm.release", "error", "litellm[proxy]==1.107.0")]),
        ("uv pip install litellm==1.82.8\n", [("litellm.release", "error", "litellm==1.82.8")]),
        ("pip install 'litellm[proxy]==1.106.2'\n", []),
        (
            (
                "services:\n  gw:\n    image: ghcr.io/berriai/litellm:v1.82.7\n    env_file: key.env\n"
                "    healthcheck: {test: [CMD, python3, -c, pass], start_period: 60s}\n"
            ),
            [("litellm.release", "error", "ghcr.io/berriai/litellm:v1.82.7")],
        ),
    ],
    "litellm.prices": [
        ("litellm --config c.yaml --host 127.0.0.1\n", [("litellm.prices", "info", "litellm")]),
        ("LITELLM_LOCAL_MODEL_COST_MAP=True litellm --config c.yaml --host 127.0.0.1\n", []),
    ],
}

CASES = [
    *((text, options, expected) for cases in WRONG.values() for text, options, expected in cases),
    *((text, {}, expected) for cases in GATEWAY.values() for text, expected in cases),
]


@looped(("text", "options", "expected"), CASES)
def test_a_check_finds_what_is_wrong_and_nothing_else_is_found(
    text: str, options: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    assert pointed(facts(text, **options)) == expected, text  # type: ignore[arg-type]


def test_every_check_has_a_case_that_it_finds() -> None:
    assert {*WRONG, *GATEWAY} == {each.id for each in CHECKS}
    seen = {each for _, _, expected in CASES for each, _, _ in expected}
    assert seen == {each.id for each in CHECKS}


@looped(("text", "options", "expected"), [each for each in CASES if each[2]])
def test_what_is_mended_is_not_found_again(
    text: str, options: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    given = facts(text, **options)  # type: ignore[arg-type]
    mendable = {each.id for each in run(given) if each.fixable}
    after = mended(text, **options)  # type: ignore[arg-type]
    assert (after != text) == bool(mendable)
    assert mendable & set(found(after, **options)) == set(), after  # type: ignore[arg-type]
    assert set(found(after, **options)) <= {each for each, _, _ in expected}, after  # type: ignore[arg-type]


def test_a_mended_line_is_what_a_person_would_write() -> None:
    assert mended(f"{CODER}\n") == f"{CODER} --enable-auto-tool-choice --tool-call-parser qwen3_coder\n"
    assert mended(f"{WELL} \\\n  --swap-space 4 \\\n  --seed 1\n") == f"{WELL} \\\n  --seed 1\n"
    assert mended(f"{WELL} --max-model-len=64k\n") == f"{WELL} --max-model-len=65536\n"
    several = f"{CODER} \\\n    --max-model-len 65536\n"
    assert mended(several) == (
        f"{CODER} \\\n    --max-model-len 65536 \\\n    --enable-auto-tool-choice"
        " \\\n    --tool-call-parser qwen3_coder\n"
    )


def test_a_list_keeps_its_quotes_and_its_shape() -> None:
    head = "services:\n  llm:\n    image: vllm/vllm-openai:v0.30.0\n" + HEALTH + "    command:\n"
    items = '      - "Qwen/Qwen3-Coder-30B-A3B-Instruct"\n      - "--swap-space"  # gone\n      - "4"\n'
    added = '      - "--enable-auto-tool-choice"\n      - "--tool-call-parser"\n      - "qwen3_coder"\n'
    assert mended(head + items) == head + items.partition('      - "--swap')[0] + added

    flow = (
        'services:\n  llm:\n    image: vllm/vllm-openai:v0.30.0\n    command: ["--model", "openai/gpt-oss-20b"]\n'
        + HEALTH
    )
    assert '"openai/gpt-oss-20b", "--enable-auto-tool-choice", "--tool-call-parser", "openai"]' in mended(flow)


def test_line_ends_of_windows_stay() -> None:
    text = ('version: "3"\n' + compose(more=HEALTH.replace("      start_period: 600s\n", ""))).replace("\n", "\r\n")
    after = mended(text)
    assert "\n" not in after.replace("\r\n", "")
    assert found(after) == []


def test_a_variable_that_is_not_known_is_not_judged() -> None:
    assert found(f"{WELL} --max-model-len $WINDOW --served-model-name ${{NAME}}") == []
    assert found(f"WINDOW=1024\n{WELL} --max-model-len $WINDOW") == ["recipe.small-window"]
    assert found(compose("vllm/vllm-openai:${TAG:-latest}")) == ["recipe.tag"]
    assert found(compose("vllm/vllm-openai:${TAG}")) == []


def test_without_a_machine_memory_is_not_judged_and_says_what_is_missing() -> None:
    reasons = {each.what for each in run(facts(WELL)) if each.result is Result.SKIPPED and each.group == "memory"}
    assert "the machine is not known: --hardware NAME" in reasons


def test_a_machine_named_in_the_file_is_taken() -> None:
    given = facts(f"# two 2x RTX Pro 6000 and not one\n{WELL} -tp 2")
    assert given.hardware is not None
    assert given.hardware.name == "rtx-pro-6000-2x"
    assert facts(f"# DGX Spark\n{WELL}").hardware is not None
    assert facts(f"# a DGX Spark or an RTX 5090\n{WELL}").hardware is None


def test_a_text_that_is_nothing_known_is_refused() -> None:
    for text in ("", "hello", "a: 1\n", "[Unit]\nDescription=x\n", "- 1\n- 2\n", '{"apiBaseUrl": "http://x"}', "\x00"):
        with pytest.raises(UsageError, match="nothing that is read here"):
            read(text, "x")
    with pytest.raises(UsageError, match="starts no vLLM"):
        read("services:\n  db:\n    image: postgres\n", "x")
    with pytest.raises(UsageError, match="starts no vLLM"):
        read("[Service]\nExecStart=/usr/bin/nginx\n", "x")
    with pytest.raises(ClaudeLocalError, match=r"x:3:\d+: "):
        read("services:\n  a: [\n b: }\n", "x")
    with pytest.raises(ClaudeLocalError, match="x:3:1: this line belongs to nothing above it"):
        read("  services:\n    a: {image: vllm/vllm-openai}\nvolumes: {}\n", "x")
    with pytest.raises(ClaudeLocalError, match="x:2:16: a quote is opened and not closed"):
        read("# it's a comment\nvllm serve a/b 'c\n", "x")
    with pytest.raises(UsageError, match="nothing that is read here"):
        read("it's prose", "x")


def test_broken_yaml_of_no_known_kind_is_told_with_its_place() -> None:
    for text, name, place in (
        ("foo:\n  - a\n - b\n", "x", "x:3:2: "),
        ("my-servers: {\n  first: 'a\n", "box.yml", r"box\.yml:\d:\d+: "),
        ("--- # mine\na: [\n", "box.yaml", r"box\.yaml:3:1: "),
    ):
        with pytest.raises(ClaudeLocalError, match=place):
            read(text, name)
    assert read("Run this:\n  docker run vllm/vllm-openai --model a/b --x: [\n", "x").starts


def test_an_unknown_check_is_said_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no check or group called 'recipe\.parsers'") as fault:
        chosen(("recipe.parsers",))
    assert "did you mean recipe.parser" in str(fault.value.hint)


def test_the_page_of_the_checks_is_made_of_the_checks() -> None:
    script = runpy.run_path(str(DOCS / "recipe_lint_page.py"))
    assert (DOCS / "recipe-lint.md").read_text(encoding="utf-8") == script["page"](), "python docs/recipe_lint_page.py"


def test_every_check_says_who_says_so() -> None:
    assert [each.id for each in CHECKS if not each.source or not each.remedy or not each.finds] == []
