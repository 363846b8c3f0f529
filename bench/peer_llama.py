"""llama-cpp-python in a process of its own: a prompt per line in, an answer per line out.

    python bench/peer_llama.py FILE.gguf THREADS CONTEXT_TOKENS

`peer_sides.py` starts it, so that the peer has an interpreter to itself as sqlstrict's engine has.
It is `Llama` as its README shows it: `create_completion`, at temperature 0, with a `LlamaGrammar`
that is parsed once. Each line is a JSON object; the first answer says that the model is loaded.
"""

from __future__ import annotations

import json
import sys
import time
from functools import cache
from pathlib import Path

import llama_cpp
from sqlstrictd.engine.repacking import set_layouts


@cache
def grammar_of(text: str) -> llama_cpp.LlamaGrammar:
    """Return a grammar; the one before is kept, as is its last one."""
    return llama_cpp.LlamaGrammar.from_string(text, verbose=False)


def load(path: str, n_threads: int, n_context: int) -> llama_cpp.Llama:
    """Load the model with the engine's kernels: engine/repacking.py says why AMX is left out."""
    defaults = llama_cpp.llama_model_default_params
    layouts = []  # must live until the model is loaded

    def params() -> llama_cpp.llama_model_params:
        values = defaults()
        layouts.append(set_layouts(llama_cpp.llama_cpp, values, Path(path)))
        return values

    llama_cpp.llama_cpp.llama_model_default_params = params
    return llama_cpp.Llama(
        path,
        n_ctx=n_context,
        n_threads=n_threads,
        n_threads_batch=n_threads,
        verbose=False,
    )


def main() -> None:
    """Answer until the input ends."""
    peer = load(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps({"is_ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        first_s = 0.0
        parts = []
        # Streamed, which costs it nothing, so that the time of the first token is known.
        for part in peer.create_completion(
            asked["prompt"],
            max_tokens=asked["max_tokens"],
            temperature=0,
            grammar=grammar_of(asked["grammar"]) if asked["grammar"] else None,
            stream=True,
        ):
            first_s = first_s or time.perf_counter()
            parts.append(part["choices"][0]["text"])
        decode_s = time.perf_counter() - first_s
        text = "".join(parts)
        n_tokens = peer.n_tokens - len(peer.tokenize(asked["prompt"].encode(), special=True))
        answer = {"text": text, "n_tokens": n_tokens + 1, "decode_s": decode_s}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
