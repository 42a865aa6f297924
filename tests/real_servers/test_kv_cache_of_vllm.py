"""Our size of the cache against vLLM's own code: twelve models on torch's meta device, without weights."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.recipes.catalogue import GIB, Layers, Origin
from claude_local_plugin.recipes.kv_cache import cache_of
from tests.real_servers.conftest import FOLDER
from tests.real_servers.start_vllm import install

pytestmark = [pytest.mark.real_server, pytest.mark.timeout(2700)]

HERE = Origin("measured", "this test", "2026-11-28")


def layers(kind: Any, count: int, **sizes: int) -> Layers:
    return Layers(kind, count, sizes, HERE)


def gdn(count: int, value_heads: int) -> Layers:
    sizes = {"key_heads": 16, "value_heads": value_heads, "key_dim": 128, "value_dim": 128, "convolution": 4}
    return layers("gdn", count, **sizes)


#: Every fourth layer of Qwen's hybrids keeps every token.
def kinds(count: int) -> list[str]:
    return ["full_attention" if number % 4 == 3 else "linear_attention" for number in range(count)]


def full(count: int, kv_heads: int, head_dim: int) -> Layers:
    return layers("full", count, kv_heads=kv_heads, head_dim=head_dim)


#: Each: what its config.json says beside transformers' defaults, what vLLM is asked, and the layers by our own table.
#: The blocks of hybrids are those of a GPU, which a CPU does not choose by itself.
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any], list[Layers]]] = {
    "qwen3-coder-30b": (
        {
            "model_type": "qwen3_moe",
            "architectures": ["Qwen3MoeForCausalLM"],
            "num_hidden_layers": 48,
            "hidden_size": 2048,
            "num_attention_heads": 32,
            "num_key_value_heads": 4,
            "head_dim": 128,
            "max_position_embeddings": 262_144,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "moe_intermediate_size": 768,
            "intermediate_size": 6144,
            "vocab_size": 151_936,
        },
        {"window": 65_536, "gib": 10, "block": 128},
        [full(48, 4, 128)],
    ),
    "qwen3-next": (
        {
            "model_type": "qwen3_next",
            "architectures": ["Qwen3NextForCausalLM"],
            "num_hidden_layers": 48,
            "max_position_embeddings": 262_144,
        },
        {"window": 262_144, "gib": 20, "block": 1056},
        [full(12, 2, 256), gdn(36, 32)],
    ),
    "qwen3.6-35b": (
        {
            "model_type": "qwen3_5_moe_text",
            "architectures": ["Qwen3_5MoeForCausalLM"],
            "max_position_embeddings": 262_144,
            "layer_types": kinds(40),
        },
        {"window": 262_144, "gib": 20, "block": 1056},
        [full(10, 2, 256), gdn(30, 32)],
    ),
    "qwen3.6-27b": (
        {
            "model_type": "qwen3_5_text",
            "architectures": ["Qwen3_5ForCausalLM"],
            "num_hidden_layers": 64,
            "hidden_size": 5120,
            "num_attention_heads": 24,
            "num_key_value_heads": 4,
            "linear_num_value_heads": 48,
            "intermediate_size": 17_408,
            "max_position_embeddings": 262_144,
            "layer_types": kinds(64),
        },
        {"window": 262_144, "gib": 20, "block": 784},
        [full(16, 4, 256), gdn(48, 48)],
    ),
    "qwen3.5-122b": (
        {
            "model_type": "qwen3_5_moe_text",
            "architectures": ["Qwen3_5MoeForCausalLM"],
            "num_hidden_layers": 48,
            "hidden_size": 3072,
            "num_attention_heads": 32,
            "linear_num_value_heads": 64,
            "moe_intermediate_size": 1024,
            "shared_expert_intermediate_size": 1024,
            "max_position_embeddings": 262_144,
            "layer_types": kinds(48),
        },
        {"window": 262_144, "gib": 20, "block": 2096},
        [full(12, 2, 256), gdn(36, 64)],
    ),
    "gpt-oss-120b": (
        {"model_type": "gpt_oss", "architectures": ["GptOssForCausalLM"]},
        {"window": 131_072, "gib": 20, "block": 128},
        [full(18, 8, 64), layers("sliding", 18, kv_heads=8, head_dim=64, window=128)],
    ),
    "gemma-4-26b": (
        {
            "model_type": "gemma4_text",
            "architectures": ["Gemma4ForCausalLM"],
            "num_hidden_layers": 30,
            "hidden_size": 2816,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "attention_k_eq_v": True,
            "sliding_window": 1024,
            "enable_moe_block": True,
            "num_experts": 128,
            "top_k_experts": 8,
            "moe_intermediate_size": 704,
            "intermediate_size": 2112,
            "num_kv_shared_layers": 0,
            "hidden_size_per_layer_input": 0,
            "layer_types": [*["sliding_attention"] * 5, "full_attention"] * 5,
            "per_layer_config": {
                f"{number:02d}": {"head_dim": 512, "num_key_value_heads": 2} for number in range(5, 30, 6)
            },
        },
        {"window": 131_072, "gib": 20, "block": 32},
        [full(5, 2, 512), layers("sliding", 25, kv_heads=8, head_dim=256, window=1024)],
    ),
    "minimax-m2": (
        {
            "model_type": "minimax_m2",
            "architectures": ["MiniMaxM2ForCausalLM"],
            "rotary_dim": 64,
            "scoring_func": "sigmoid",
        },
        {"window": 65_536, "gib": 20, "block": 32},
        [full(62, 8, 128)],
    ),
    "deepseek-v3": (
        {
            "model_type": "deepseek_v3",
            "architectures": ["DeepseekV3ForCausalLM"],
            "max_position_embeddings": 163_840,
        },
        {"window": 65_536, "gib": 20, "block": 16},
        [layers("mla", 61, rank=512, rope_dim=64)],
    ),
    "mistral-small-4": (
        {"model_type": "mistral4", "architectures": ["Mistral4ForCausalLM"], "max_position_embeddings": 262_144},
        {"window": 131_072, "gib": 10, "block": 16},
        [layers("mla", 36, rank=256, rope_dim=64)],
    ),
    "glm-4.5-air": (
        {"model_type": "glm4_moe", "architectures": ["Glm4MoeForCausalLM"], "head_dim": 128},
        {"window": 65_536, "gib": 20, "block": 32},
        [full(46, 8, 128)],
    ),
    "laguna-xs.2": (
        {
            "model_type": "laguna",
            "architectures": ["LagunaForCausalLM"],
            "max_position_embeddings": 131_072,
            "sliding_window": 512,
            "layer_types": [
                "full_attention",
                "sliding_attention",
                "sliding_attention",
                "sliding_attention",
            ]
            * 10,
        },
        {"window": 131_072, "gib": 10, "block": 32},
        [full(10, 8, 128), layers("sliding", 30, kv_heads=8, head_dim=128, window=512)],
    ),
}


def test_blocks_and_concurrency_are_those_of_vllms_own_code(tmp_path: Path) -> None:
    if not FOLDER:
        pytest.skip("no vLLM to ask: set CLAUDE_LOCAL_TEST_VLLM_DIR to a folder for start_vllm.py")
    python = install(Path(FOLDER))
    questions = {name: {"config": config, **asked} for name, (config, asked, _) in ASKED.items()}
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    script = Path(__file__).with_name("kv_cache_of_vllm.py")
    run = subprocess.run(
        [str(python), str(script), str(tmp_path)],
        input=json.dumps(questions),
        env=environ,
        capture_output=True,
        text=True,
        timeout=2400,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    theirs = json.loads(run.stdout)
    for name, (_, asked, own) in ASKED.items():
        said = theirs[name]
        assert "error" not in said, (name, said)
        cache = cache_of(own, block_tokens=16 if own[-1].kind == "gdn" else asked["block"], batched=said["in_flight"])
        assert cache.blocks(asked["gib"] * GIB) == said["blocks"], (name, said)
        assert abs(cache.concurrency(asked["gib"] * GIB, asked["window"]) - said["concurrency"]) < 1e-9, (name, said)
        print(name, round(said["parameters"] / 1e9, 1), said["blocks"], round(said["concurrency"], 3), said["groups"])
