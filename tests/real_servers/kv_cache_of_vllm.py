"""Asks vLLM's own code, without weights, how large a model's cache is: run by the Python that has vLLM.

    python kv_cache_of_vllm.py FOLDER NAME... < questions.json

Reads `{NAME: {"config": {...}, "window": N, "gib": N, "dtype": "auto", "block": N, "batched": N}}` from standard input
and prints `{NAME: {"parameters", "blocks", "concurrency", "groups", "token_bytes", "state_bytes"}}`. Everything is
made on torch's meta device, each model in a process of its own; FOLDER gets their config.json files. The states of
hybrid models are asked for in 4 bytes a number, whatever the CPU of this machine would choose.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

GIB = 2**30

os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    VLLM_NO_USAGE_STATS="1",
    DO_NOT_TRACK="1",
    VLLM_CPU_KVCACHE_SPACE="1",
    VLLM_LOGGING_LEVEL="WARNING",
)


#: Stands for torchvision, whose builds for GPUs cannot be imported beside a CPU's torch: whatever is taken from it by
#: name is there, and none of it works. vLLM only wants to import what would look at pictures.
STAND_IN = """\
class _Any(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return name


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Any(name, (), {})
"""
MODULES = (
    *("__init__", "io/__init__", "ops/__init__", "transforms/__init__", "transforms/functional"),
    *("transforms/v2/__init__", "transforms/v2/functional"),
)


def stand_in(folder: Path) -> None:
    """Have `import torchvision` find the stand-in, in this process and in those that vLLM starts."""
    for name in MODULES:
        path = folder / "torchvision" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STAND_IN)
    (folder / "torchvision-0.28.0.dist-info").mkdir(exist_ok=True)
    metadata = "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n"
    (folder / "torchvision-0.28.0.dist-info" / "METADATA").write_text(metadata)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)


def config_of(given: dict[str, Any]) -> dict[str, Any]:
    """A whole config.json: what transformers has for the type, and what the question says on top."""
    from transformers import CONFIG_MAPPING

    made: dict[str, Any] = CONFIG_MAPPING[given["model_type"]]().to_dict()
    made.pop("quantization_config", None)
    if "num_hidden_layers" in given:
        for name in ("layer_types", "mlp_layer_types"):
            if name not in given and name in made:
                del made[name]
    return {**made, **given, "torch_dtype": "bfloat16"}


def answer(folder: Path, question: dict[str, Any]) -> dict[str, Any]:
    """What vLLM says of one model."""
    import torch
    from vllm.config import get_layers_from_vllm_config, set_current_vllm_config
    from vllm.distributed import init_distributed_environment, initialize_model_parallel
    from vllm.engine.arg_utils import EngineArgs
    from vllm.model_executor.layers.attention_layer_base import AttentionLayerBase
    from vllm.model_executor.model_loader.utils import initialize_model
    from vllm.v1.core.kv_cache_utils import get_kv_cache_configs, get_max_concurrency_for_kv_cache_config

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(question["config"])))
    arguments: dict[str, Any] = {
        "model": str(folder),
        "skip_tokenizer_init": True,
        "load_format": "dummy",
        "dtype": "bfloat16",
        "max_model_len": question["window"],
        "kv_cache_dtype": question.get("dtype", "auto"),
        "max_num_batched_tokens": question.get("batched", 2048),
        "block_size": question.get("block"),
        "enforce_eager": True,
        "max_num_seqs": 8,
        "async_scheduling": False,
        "mamba_ssm_cache_dtype": "float32",
        "language_model_only": True,
    }
    config = EngineArgs(**arguments).create_engine_config()
    with set_current_vllm_config(config):
        init_distributed_environment(1, 0, f"file://{folder.resolve()}/init{os.getpid()}", 0, "gloo")
        initialize_model_parallel(1, 1)
        torch.set_default_dtype(torch.bfloat16)
        with torch.device("meta"):
            model = initialize_model(vllm_config=config)
        layers = get_layers_from_vllm_config(config, AttentionLayerBase)
        found = {name: layer.get_kv_cache_spec(config) for name, layer in layers.items()}
        specs = {name: spec for name, spec in found.items() if spec is not None}
        config.cache_config.kv_cache_layout = "NHD"
        cache = get_kv_cache_configs(config, [specs], [int(question["gib"] * GIB)])[0]
        kept = [spec for spec in specs.values() if "Mamba" not in type(spec).__name__]
        return {
            "parameters": sum(each.numel() for each in model.parameters()),
            "blocks": cache.num_blocks,
            "concurrency": get_max_concurrency_for_kv_cache_config(config, cache),
            "groups": [
                (type(group.kv_cache_spec).__name__, len(group.layer_names), group.kv_cache_spec.block_size)
                for group in cache.kv_cache_groups
            ],
            "token_bytes": sum(spec.page_size_bytes / spec.block_size for spec in kept),
            "in_flight": config.max_in_flight_tokens,
        }


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    questions = json.load(sys.stdin)
    stand_in(folder.resolve() / "stand-in")
    import vllm.engine.arg_utils  # noqa: F401  (once, for all of them)

    answers: dict[str, Any] = {}
    for name in names or questions:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # what vLLM prints is not an answer
            try:
                said = answer(folder / name, questions[name])
            except BaseException as fault:
                said = {"error": f"{type(fault).__name__}: {fault}"}
            with os.fdopen(writing, "w") as pipe:
                json.dump(said, pipe)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            answers[name] = json.load(pipe)
        os.waitpid(child, 0)
    json.dump(answers, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
