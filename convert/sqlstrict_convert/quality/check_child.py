"""The child process that loads a finished GGUF file and computes with it.

`python -m sqlstrict_convert.quality.check_child FILE`, started by `check` alone: a file that
llama.cpp asserts on ends this process and nothing else. Loads the model whole, decodes a few tokens
and prints one JSON object about them on standard output; standard error is llama.cpp's log.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.llama.child import run_child, say
from sqlstrict_convert.llama.context import load_model, tokenize
from sqlstrict_convert.llama.library import set_fields

PROMPT = b"<|im_start|>user\nHow many orders are open?<|im_end|>\n<|im_start|>assistant\n"
CONTEXT_TOKENS = 256
CONTROL_TOKENS = ("<|im_start|>", "<|im_end|>")


def decode_logits(
    bindings: Any, model: Any, tokens: list[int], *, is_exact: bool = False
) -> NDArray[np.float32]:
    """Decode tokens as one sequence and return the logits after each: (n_tokens, n_vocab).

    `is_exact` keeps attention in F32 throughout, for comparing with a reference.

    Raises:
        CheckError: llama.cpp makes no context or does not decode.
    """
    params = bindings.llama_context_default_params()
    size = max(len(tokens), CONTEXT_TOKENS)
    set_fields(params, n_ctx=size, n_batch=size, n_ubatch=size, n_seq_max=1, no_perf=True)
    if is_exact:
        set_fields(
            params,
            type_k=bindings.GGML_TYPE_F32,
            type_v=bindings.GGML_TYPE_F32,
            flash_attn_type=bindings.LLAMA_FLASH_ATTN_TYPE_DISABLED,
        )
    context = bindings.llama_init_from_model(model, params)
    if not context:
        raise CheckError("llama.cpp makes no context for the model")
    batch = bindings.llama_batch_init(len(tokens), 0, 1)
    try:
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.logits[i] = token, i, 1
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
        batch.n_tokens = len(tokens)
        status = bindings.llama_decode(context, batch)
        if status != 0:
            raise CheckError(f"llama.cpp does not decode (status {status})")
        n_vocab = bindings.llama_vocab_n_tokens(bindings.llama_model_get_vocab(model))
        rows = []
        for i in range(len(tokens)):
            pointer = bindings.llama_get_logits_ith(context, i)  # owned by the context
            rows.append(np.ctypeslib.as_array(pointer, (n_vocab,)).copy())
        return np.stack(rows)
    finally:
        bindings.llama_batch_free(batch)
        bindings.llama_free(context)


def check_file(bindings: Any, path: str) -> dict[str, int]:
    """Load a file, decode the prompt once, and return what was seen.

    Raises:
        CheckError: it does not load, knows no ChatML, or its logits are not finite or all equal.
    """
    model = load_model(bindings, path)
    try:
        _check_chat(bindings, model, path)
        tokens = tokenize(bindings, model, PROMPT, parses_special=True)
        logits = decode_logits(bindings, model, tokens)
    finally:
        bindings.llama_model_free(model)
    if not np.isfinite(logits).all():
        raise CheckError(f"{path}: the logits are not finite numbers")
    if float(np.ptp(logits[-1])) == 0.0:
        raise CheckError(f"{path}: every token is equally likely; the weights are empty")
    return {
        "n_tokens": len(tokens),
        "n_vocab": int(logits.shape[1]),
        "argmax": int(logits[-1].argmax()),
    }


def _check_chat(bindings: Any, model: Any, path: str) -> None:
    """Raise CheckError unless the control tokens of ChatML are single tokens of the model."""
    vocab = bindings.llama_model_get_vocab(model)
    for text in CONTROL_TOKENS:
        tokens = tokenize(bindings, model, text.encode(), parses_special=True)
        if len(tokens) != 1 or not bindings.llama_vocab_is_control(vocab, tokens[0]):
            raise CheckError(f"{path} has no control token {text}; it is no ChatML model")


def main(bindings: Any, arguments: list[str]) -> None:
    """Check the named file and say what was seen."""
    say(**check_file(bindings, arguments[0]))


if __name__ == "__main__":
    sys.exit(run_child(main))
