"""Makes a tiny model that a real server can run on a CPU and whose every answer is known beforehand.

    python tiny_model.py FOLDER [--format hermes|qwen3_coder] [--no-think]

Run it with an interpreter that has torch, transformers and tokenizers. The chat template looks at the conversation,
decides which of a few answers is due, and ends the prompt with that answer's mark. The weights (one layer, set by
hand) find the mark by attention and then say the answer's pieces one after the other, whatever the temperature. So
the tokenizer, the template, the scheduler, the prefix cache and the parsers are the server's own, and work; only the
wits are missing.
"""

import argparse
import math
import sysconfig
from pathlib import Path

import torch
from answers import END, MARKS, WINDOW, answers, follows, template  # beside this script
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM


def tokenizer(call_format: str, scripts: dict[str, list[str]]) -> PreTrainedTokenizerFast:
    """Byte-level BPE learnt from the standard library, the marks, and every piece as one token."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    sources = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    trainer = trainers.BpeTrainer(
        vocab_size=8000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train([str(path) for path in sources], trainer)
    bpe.add_special_tokens([AddedToken(text, special=True) for text in ("<|endoftext|>", "<|im_start|>", END)])
    bpe.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in scripts])
    pieces = dict.fromkeys(piece for script in scripts.values() for piece in script if piece != "AGAIN")
    bpe.add_tokens([AddedToken(text, special=False, normalized=False) for text in dict.fromkeys([*MARKS, *pieces])])
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=END, pad_token="<|endoftext|>", model_max_length=WINDOW
    )
    made.chat_template = template(call_format, list(scripts))
    return made


def weights(words: PreTrainedTokenizerFast, scripts: dict[str, list[str]]) -> Qwen2ForCausalLM:
    """One layer whose residual stream has a dimension for each mark, each answer in progress, each piece, and one for
    all other text. Head 0 attends to the one mark there is and writes its answer's dimension; the output layer knows
    which piece follows which in which answer.
    """
    number = words.convert_tokens_to_ids
    pieces = list(dict.fromkeys(piece for script in scripts.values() for piece in script if piece != "AGAIN"))
    mark = {name: 1 + i for i, name in enumerate(scripts)}
    busy = {name: 1 + len(scripts) + i for i, name in enumerate(scripts)}
    said = {piece: 1 + 2 * len(scripts) + i for i, piece in enumerate(pieces)}
    head = 64
    width = math.ceil((1 + 2 * len(scripts) + len(pieces)) / 128) * 128
    config = Qwen2Config(
        vocab_size=math.ceil(len(words) / 64) * 64,
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=width // head,
        num_key_value_heads=width // head,
        max_position_embeddings=WINDOW,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 1e7},
        eos_token_id=number(END),
        pad_token_id=number("<|endoftext|>"),
        bos_token_id=None,
    )
    model = Qwen2ForCausalLM(config).to(torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        layer = model.model.layers[0]
        for norm in (layer.input_layernorm, layer.post_attention_layernorm, model.model.norm):
            norm.weight.fill_(1.0)
        embedding, output = model.model.embed_tokens.weight, model.lm_head.weight
        embedding[:, 0] = 1.0
        one_hot = {f"<|{name}|>": dimension for name, dimension in mark.items()} | said
        for text, dimension in one_hot.items():
            embedding[number(text)] = 0.0
            embedding[number(text), dimension] = 1.0
        scale = math.sqrt(width)  # what RMSNorm makes of a one-hot vector
        slow = head // 2 - 1  # the pair of dimensions that position turns least: 0.02 rad in 100,000 tokens
        layer.self_attn.q_proj.bias[slow] = 100.0 * math.sqrt(head)
        for name in scripts:
            layer.self_attn.k_proj.weight[slow, mark[name]] = 1.0 / scale
            layer.self_attn.v_proj.weight[busy[name] % head, mark[name]] = 1.0 / scale
            layer.self_attn.o_proj.weight[busy[name], busy[name] % head] = 1.0
        for name, script in scripts.items():
            follows(output, script, name, mark, busy, said, number)
    model.generation_config.eos_token_id = [number(END)]
    return model


def main() -> None:
    """Write the model into the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", choices=["hermes", "qwen3_coder"], default="hermes")
    parser.add_argument("--no-think", action="store_true", help="answers without <think> … </think>")
    wanted = parser.parse_args()
    scripts = answers(wanted.format, think=not wanted.no_think)
    words = tokenizer(wanted.format, scripts)
    weights(words, scripts).save_pretrained(wanted.folder)
    words.save_pretrained(wanted.folder)
    print(f"{wanted.folder}: {len(words):,} tokens, {len(scripts)} answers")


if __name__ == "__main__":
    main()
