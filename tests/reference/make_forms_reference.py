"""Ask PEFT and bitsandbytes what the folders of checkpoint_forms.py mean; keep what they say.

Writes peft-SHAPE.npz (logits of the model with the adapter in place, samples of the merged weights)
and bitsandbytes.safetensors (tensors as bitsandbytes saves them beside what it reads back). Needs
the extra `parity`; the tests need only what it writes. Run again when checkpoint_forms.py changes:

    python tests/reference/make_forms_reference.py
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bitsandbytes as bnb
import numpy as np
import torch
from bitsandbytes.backends.default import ops as plain_ops
from bitsandbytes.functional import dequantize_4bit, dequantize_blockwise, get_4bit_type
from peft import PeftModel
from safetensors.torch import save_file
from transformers import Lfm2ForCausalLM

sys.path.append(str(Path(__file__).parents[1]))
from checkpoint_forms import ADAPTERS, write_form
from random_checkpoint import token_ids, write_checkpoint

HERE = Path(__file__).parent
SHAPES = ("convolution_first", "untied")
SAMPLE_EVERY = 97
ROWS = (0, 23)
# Rows by columns, blocks, nested or not, type before quantizing, storage.
FOUR_BIT = [
    (kind, shape, block, is_nested, dtype, storage)
    for kind in ("nf4", "fp4")
    for shape, block, is_nested, dtype, storage in (
        ((24, 48), 64, False, torch.float32, torch.uint8),  # blocks run over the ends of rows
        ((24, 64), 64, False, torch.bfloat16, torch.bfloat16),
        ((7, 9), 32, False, torch.float16, torch.uint8),  # half a byte is left over
        ((144, 128), 64, True, torch.bfloat16, torch.uint8),  # two blocks of scales
        ((24, 128), 128, True, torch.float16, torch.float32),
    )
]


def live_model(folder: Path, base: Path) -> PeftModel:
    """The base with the adapter in place, not merged."""
    model = Lfm2ForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
    extra = ADAPTERS[folder.name].get("extra_rows", 0)
    if extra:
        model.resize_token_embeddings(model.config.vocab_size + extra, mean_resizing=False)
    return PeftModel.from_pretrained(model, folder).eval()


def logits_of(model: PeftModel, shape: str) -> np.ndarray:
    """Float32 logits after each token of the sequence: (n_tokens, n_vocab)."""
    with torch.no_grad():
        return model(torch.tensor([token_ids(shape)])).logits[0].numpy()


def merged_weights(model: PeftModel, *, is_tied: bool) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every weight of the merged model; a tied head's only where it was saved apart.

    (Merging a matrix into a tied embedding changes the head too, which the live model's does not.)
    """
    saved = model.peft_config["default"].modules_to_save or ()
    for name, values in model.merge_and_unload().state_dict().items():
        if name != "lm_head.weight" or not is_tied or "lm_head" in saved:
            if is_tied and name == "model.embed_tokens.weight":
                continue  # the logits say what the embedding and the head are
            yield name, values.numpy()


def four_bit_cases() -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield each case's name and the tensors that a Linear4bit saves, beside `expected`."""
    for n, (kind, shape, block, is_nested, dtype, storage) in enumerate(FOUR_BIT):
        stream = torch.Generator().manual_seed(n)
        weight = (torch.randn(shape, generator=stream) * 0.05).to(dtype)
        packed, state = bnb.functional.quantize_4bit(
            weight,
            blocksize=block,
            compress_statistics=is_nested,
            quant_type=kind,
            quant_storage=storage,
        )
        saved = {f"weight.{key}": value for key, value in state.as_dict(packed=True).items()}
        scales = state.absmax
        if is_nested:
            scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
        # The kernel for this processor is right only where rows are whole blocks.
        expected = plain_ops._dequantize_4bit_compute(
            packed.view(torch.uint8).reshape(-1),
            scales,
            get_4bit_type(kind, device="cpu"),
            block,
            shape,
            dtype,
        )
        if shape[1] % block == 0:
            assert torch.equal(expected, dequantize_4bit(packed, state)), n
        yield f"case{n}", {"weight": packed, **saved, "expected": expected}


def eight_bit_case() -> dict[str, torch.Tensor]:
    """Return what a Linear8bitLt saves, beside `expected`."""
    stream = torch.Generator().manual_seed(99)
    layer = bnb.nn.Linear8bitLt(48, 24, bias=False, has_fp16_weights=False)
    weight = (torch.randn(24, 48, generator=stream) * 0.05).half()
    layer.weight = bnb.nn.Int8Params(weight, requires_grad=False, has_fp16_weights=False)
    saved = dict(layer.to("cpu").state_dict())
    expected = bnb.functional.int8_vectorwise_dequant(saved["weight"], saved["SCB"])
    return {**saved, "expected": expected}


def main() -> int:
    """Compute everything and write the files."""
    for shape in SHAPES:
        kept: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as place:
            base = write_checkpoint(Path(place, "base"), shape, "{}")
            for adapter in ADAPTERS:
                folder = write_form(base, Path(place, adapter), f"adapter-{adapter}")
                model = live_model(folder, base)
                kept[f"{adapter}.logits"] = logits_of(model, shape)[list(ROWS)]
                weights = dict(merged_weights(model, is_tied=shape != "untied"))
                kept[f"{adapter}.names"] = np.array(sorted(weights))
                samples = [weights[name].ravel()[::SAMPLE_EVERY] for name in sorted(weights)]
                kept[f"{adapter}.weights"] = np.concatenate(samples)
        out = HERE / f"peft-{shape}.npz"
        np.savez_compressed(out, **kept)
        print(f"{out.name}: {out.stat().st_size:,} bytes")
    cases = [*four_bit_cases(), ("int8", eight_bit_case())]
    tensors = {f"{case}.{key}": value for case, part in cases for key, value in part.items()}
    out = HERE / "bitsandbytes.safetensors"
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, out)
    print(f"{out.name}: {out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
