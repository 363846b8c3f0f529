"""Run transformers' own LFM2 on the random checkpoints and keep its logits in logits.npz.

Needs torch and transformers (the extra `train`); the tests need only what it writes. Run again when
random_checkpoint.py changes:

    python tests/reference/make_reference.py
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from random_checkpoint import CLEAR_LEAD, KEPT_ROWS, SHAPES, TOO_CLOSE, token_ids, write_checkpoint
from transformers import Lfm2ForCausalLM

OUT = Path(__file__).with_name("logits.npz")


def reference_logits(shape: str, dtype: str) -> np.ndarray:
    """Return the float32 logits after each token of the sequence: (n_tokens, n_vocab)."""
    with tempfile.TemporaryDirectory() as name:
        folder = write_checkpoint(Path(name), shape, "{}", dtype=dtype)
        model, loaded = Lfm2ForCausalLM.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, attn_implementation="eager"
        )
    assert not loaded["missing_keys"] and not loaded["unexpected_keys"], loaded
    with torch.no_grad():
        return model.eval()(torch.tensor([token_ids(shape)])).logits[0].numpy()


def main() -> int:
    """Compute all shapes, hold the number formats against each other, write the file."""
    kept = {}
    for shape in SHAPES:
        logits = reference_logits(shape, "F32")
        for dtype in ("F16", "BF16"):
            assert np.array_equal(logits, reference_logits(shape, dtype)), (shape, dtype)
        kept[f"{shape}.logits"] = logits[list(KEPT_ROWS)]
        lead = np.diff(np.sort(logits, axis=1)[:, -2:])[:, 0]
        argmax = np.where(lead > CLEAR_LEAD, logits.argmax(axis=1), TOO_CLOSE)
        kept[f"{shape}.argmax"] = argmax.astype(np.int16)
        print(
            f"{shape}: {logits.shape}, spread {logits.std():.2f}, {np.sum(lead > CLEAR_LEAD)} clear"
        )
    np.savez_compressed(OUT, **kept)
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
