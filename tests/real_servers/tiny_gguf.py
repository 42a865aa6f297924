"""Makes the tiny model of tiny_model.py as one GGUF file, for llama.cpp: without torch, in a second or two.

    python -m tests.real_servers.tiny_gguf OUT.gguf [--format hermes|qwen3_coder] [--no-think]

Needs numpy, tokenizers and gguf. Every answer is known beforehand, as in tiny_model.py (answers.py has them and the
chat template); here are its vocabulary and its hand-set weights in llama.cpp's names.
"""

import argparse
import json
import math
import sysconfig
from pathlib import Path

import gguf
import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from tests.real_servers.answers import END, MARKS, WINDOW, answers, follows, template

HEAD = 64


def vocabulary(scripts: dict[str, list[str]], pieces: list[str]) -> Tokenizer:
    """Byte-level BPE learnt from the standard library, the marks, and every piece as one token."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=8000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train([str(path) for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))], trainer)
    bpe.add_special_tokens([AddedToken(text, special=True) for text in ("<|endoftext|>", "<|im_start|>", END)])
    bpe.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in scripts])
    bpe.add_tokens([AddedToken(text, special=False, normalized=False) for text in dict.fromkeys([*MARKS, *pieces])])
    return bpe


def make(target: Path, call_format: str = "hermes", *, think: bool = True) -> Path:
    """Write the model; returns its path."""
    scripts = answers(call_format, think=think)
    pieces = list(dict.fromkeys(piece for script in scripts.values() for piece in script if piece != "AGAIN"))
    bpe = vocabulary(scripts, pieces)
    number = bpe.token_to_id
    mark = {name: 1 + i for i, name in enumerate(scripts)}
    busy = {name: 1 + len(scripts) + i for i, name in enumerate(scripts)}
    said = {piece: 1 + 2 * len(scripts) + i for i, piece in enumerate(pieces)}
    width = math.ceil((1 + 2 * len(scripts) + len(pieces)) / 128) * 128
    size = math.ceil(bpe.get_vocab_size() / 64) * 64
    writer = gguf.GGUFWriter(str(target), "qwen2")
    _describe(writer, bpe, size, width, template(call_format, list(scripts)))

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    embedding, output = zeros(size, width), zeros(size, width)
    embedding[:, 0] = 1
    for text, dimension in ({f"<|{name}|>": place for name, place in mark.items()} | said).items():
        embedding[number(text)] = 0
        embedding[number(text), dimension] = 1
    scale, slow = math.sqrt(width), HEAD // 2 - 1
    query, key, value, back = zeros(width), zeros(width, width), zeros(width, width), zeros(width, width)
    query[slow] = 100 * math.sqrt(HEAD)
    for name in scripts:
        key[slow, mark[name]] = 1 / scale
        value[busy[name] % HEAD, mark[name]] = 1 / scale
        back[busy[name], busy[name] % HEAD] = 1
    for name, script in scripts.items():
        follows(output, script, name, mark, busy, said, number)
    block = "blk.0."
    tensors = {
        "token_embd.weight": embedding,
        "output.weight": output,
        "output_norm.weight": zeros(width) + 1,
        f"{block}attn_norm.weight": zeros(width) + 1,
        f"{block}ffn_norm.weight": zeros(width) + 1,
        f"{block}ffn_gate.weight": zeros(64, width),
        f"{block}ffn_up.weight": zeros(64, width),
        f"{block}ffn_down.weight": zeros(width, 64),
        f"{block}attn_q.weight": zeros(width, width),
        f"{block}attn_q.bias": query,
        f"{block}attn_k.weight": key,
        f"{block}attn_k.bias": zeros(width),
        f"{block}attn_v.weight": value,
        f"{block}attn_v.bias": zeros(width),
        f"{block}attn_output.weight": back,
    }
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def _describe(writer: gguf.GGUFWriter, bpe: Tokenizer, size: int, width: int, chat_template: str) -> None:
    """The shape and the vocabulary, as llama.cpp reads them."""
    writer.add_name("tiny-qwen2")
    writer.add_context_length(WINDOW)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(width // HEAD)
    writer.add_head_count_kv(width // HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e7)
    writer.add_file_type(0)
    known = json.loads(bpe.to_str())
    added = {token["content"]: token for token in known["added_tokens"]}
    vocab = {**known["model"]["vocab"], **{text: token["id"] for text, token in added.items()}}
    names = [f"[PAD{i}]" for i in range(size)]
    kinds = [gguf.TokenType.UNUSED] * size
    for text, place in vocab.items():
        names[place] = text
        kinds[place] = gguf.TokenType.NORMAL
        if text in added:
            kinds[place] = gguf.TokenType.CONTROL if added[text]["special"] else gguf.TokenType.USER_DEFINED
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(names)
    writer.add_token_types(kinds)
    merges = known["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(vocab[END])
    writer.add_pad_token_id(vocab["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(chat_template)


def main() -> None:
    """Write the model into a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--format", choices=["hermes", "qwen3_coder"], default="hermes")
    parser.add_argument("--no-think", action="store_true", help="answers without <think> … </think>")
    asked = parser.parse_args()
    print(make(asked.target, asked.format, think=not asked.no_think))


if __name__ == "__main__":
    main()
