"""Write a small random model of another architecture than LFM2 as GGUF, for tests and figures.

Any model that llama.cpp knows may answer if its chat is of the ChatML kind. These differ in what
they keep of a prompt: `llama` and `qwen2` a key and a value for every token, `gemma3` in some of
its layers for the last tokens only, `mamba` one state for all of them. As the real one, `qwen2`
begins its prompts with no token of its own. The vocabulary is byte-level BPE as `make_model.py`
trains it, or with `--vocabulary spm` of the SentencePiece kind with the same pieces.

    python bench/other_models.py --architecture llama --out llama.gguf
"""

import argparse
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
from make_model import CHAT_TEMPLATE, SPECIAL_TOKENS, train_tokenizer

VOCABULARIES = ("bpe", "spm")
N_LAYERS = 4
N_EMBEDDING = 64
N_FEED_FORWARD = 128
N_HEADS, N_KV_HEADS, HEAD = 4, 2, 16
CONTEXT = 4096
WINDOW = 32  # of gemma3: shorter than any prompt
N_INNER, N_STATE, N_CONVOLUTION, RANK = 128, 8, 4, 4  # of mamba
CONTROL, NORMAL, UNKNOWN, BYTE = (
    gguf.TokenType.CONTROL,
    gguf.TokenType.NORMAL,
    gguf.TokenType.UNKNOWN,
    gguf.TokenType.BYTE,
)

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def write_other_model(
    architecture: str, out: Path, seed: int = 0, vocabulary: str = "bpe", n_tokens: int = 512
) -> Path:
    """Write a random model of one of ARCHITECTURES in F32 to `out` and return its path."""
    writer = gguf.GGUFWriter(str(out), architecture)
    writer.add_name(f"random-{architecture}-{vocabulary}-{seed}")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(N_EMBEDDING)
    writer.add_block_count(N_LAYERS)
    writer.add_feed_forward_length(N_FEED_FORWARD)
    writer.add_layer_norm_rms_eps(1e-5)
    if architecture == "mamba":
        writer.add_ssm_conv_kernel(N_CONVOLUTION)
        writer.add_ssm_inner_size(N_INNER)
        writer.add_ssm_state_size(N_STATE)
        writer.add_ssm_time_step_rank(RANK)
    else:
        writer.add_head_count(N_HEADS)
        writer.add_head_count_kv(N_KV_HEADS)
        writer.add_key_length(HEAD)
        writer.add_value_length(HEAD)
    if architecture == "gemma3":
        writer.add_sliding_window(WINDOW)
    writer.add_chat_template(CHAT_TEMPLATE)
    size = {"bpe": _add_bpe, "spm": _add_spm}[vocabulary](writer, n_tokens)
    writer.add_add_bos_token(architecture != "qwen2")
    for name, shape in ARCHITECTURES[architecture](size):
        writer.add_tensor(name, _values(name, shape, seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


def _values(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return a tensor's values: normal for weights, near one for norms."""
    stream = np.random.default_rng([seed, zlib.crc32(name.encode())])
    values = stream.standard_normal(shape, dtype=np.float32) * np.float32(0.2)
    if "norm" in name:
        return 1 + values * np.float32(0.1)
    # The state of mamba fades: its rates are the exponentials of these, below zero.
    return -np.exp(values) if name.endswith("ssm_a") else values


def _attention(layer: int, has_bias: bool) -> Shapes:
    head = f"blk.{layer}."
    yield f"{head}attn_norm.weight", (N_EMBEDDING,)
    for name, n_heads in (("q", N_HEADS), ("k", N_KV_HEADS), ("v", N_KV_HEADS)):
        yield f"{head}attn_{name}.weight", (n_heads * HEAD, N_EMBEDDING)
        if has_bias:
            yield f"{head}attn_{name}.bias", (n_heads * HEAD,)
    yield f"{head}attn_output.weight", (N_EMBEDDING, N_HEADS * HEAD)


def _feed_forward(layer: int) -> Shapes:
    head = f"blk.{layer}."
    yield f"{head}ffn_norm.weight", (N_EMBEDDING,)
    yield f"{head}ffn_gate.weight", (N_FEED_FORWARD, N_EMBEDDING)
    yield f"{head}ffn_up.weight", (N_FEED_FORWARD, N_EMBEDDING)
    yield f"{head}ffn_down.weight", (N_EMBEDDING, N_FEED_FORWARD)


def _ends(n_tokens: int) -> Shapes:
    yield "token_embd.weight", (n_tokens, N_EMBEDDING)
    yield "output_norm.weight", (N_EMBEDDING,)


def _llama(n_tokens: int) -> Shapes:
    yield from _ends(n_tokens)
    yield "output.weight", (n_tokens, N_EMBEDDING)
    for layer in range(N_LAYERS):
        yield from _attention(layer, has_bias=False)
        yield from _feed_forward(layer)


def _qwen2(n_tokens: int) -> Shapes:
    yield from _ends(n_tokens)
    for layer in range(N_LAYERS):
        yield from _attention(layer, has_bias=True)
        yield from _feed_forward(layer)


def _gemma3(n_tokens: int) -> Shapes:
    yield from _ends(n_tokens)
    for layer in range(N_LAYERS):
        yield from _attention(layer, has_bias=False)
        yield from _feed_forward(layer)
        yield f"blk.{layer}.attn_q_norm.weight", (HEAD,)
        yield f"blk.{layer}.attn_k_norm.weight", (HEAD,)
        yield f"blk.{layer}.post_attention_norm.weight", (N_EMBEDDING,)
        yield f"blk.{layer}.post_ffw_norm.weight", (N_EMBEDDING,)


def _mamba(n_tokens: int) -> Shapes:
    yield from _ends(n_tokens)
    for layer in range(N_LAYERS):
        head = f"blk.{layer}."
        yield f"{head}attn_norm.weight", (N_EMBEDDING,)
        yield f"{head}ssm_in.weight", (2 * N_INNER, N_EMBEDDING)
        yield f"{head}ssm_conv1d.weight", (N_INNER, N_CONVOLUTION)
        yield f"{head}ssm_conv1d.bias", (N_INNER,)
        yield f"{head}ssm_x.weight", (RANK + 2 * N_STATE, N_INNER)
        yield f"{head}ssm_dt.weight", (N_INNER, RANK)
        yield f"{head}ssm_dt.bias", (N_INNER,)
        yield f"{head}ssm_a", (N_INNER, N_STATE)
        yield f"{head}ssm_d", (N_INNER,)
        yield f"{head}ssm_out.weight", (N_EMBEDDING, N_INNER)


ARCHITECTURES = {"llama": _llama, "qwen2": _qwen2, "gemma3": _gemma3, "mamba": _mamba}


def _add_bpe(writer: gguf.GGUFWriter, n_tokens: int) -> int:
    """Write a byte-level BPE of so many tokens; returns how many it has."""
    model = json.loads(train_tokenizer(n_tokens, 300_000))["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("lfm2")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if one in SPECIAL_TOKENS else NORMAL for one in tokens])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(tokens.index("<|startoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    return len(tokens)


def _add_spm(writer: gguf.GGUFWriter, n_tokens: int) -> int:
    """Write the same pieces as SentencePiece has them, with one token for each byte."""
    model = json.loads(train_tokenizer(n_tokens, 300_000))["model"]
    byte_of = {text: byte for byte, text in enumerate(_byte_alphabet())}
    pieces = []
    for token in sorted(model["vocab"], key=model["vocab"].__getitem__):
        if token in SPECIAL_TOKENS:
            continue
        try:
            text = bytes(byte_of[character] for character in token).decode()
        except UnicodeDecodeError:
            continue
        pieces.append(text.replace(" ", "\u2581"))
    tokens = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    types = [UNKNOWN, CONTROL, CONTROL, CONTROL, CONTROL]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    types += [BYTE] * 256
    scores = [0.0] * len(tokens) + [-float(rank) for rank in range(len(pieces))]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*tokens, *pieces])
    writer.add_token_scores(scores)
    writer.add_token_types([*types, *([NORMAL] * len(pieces))])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_unk_token_id(0)
    return len(tokens) + len(pieces)


def _byte_alphabet() -> list[str]:
    """Return the character that byte-level BPE writes for each byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def main() -> int:
    """Read the arguments and write the model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--architecture", choices=sorted(ARCHITECTURES), required=True)
    parser.add_argument("--vocabulary", choices=VOCABULARIES, default="bpe")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_other_model(arguments.architecture, arguments.out, arguments.seed, arguments.vocabulary)
    print(arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
