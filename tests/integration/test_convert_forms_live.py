"""Folders that PEFT and transformers themselves save, read here: runs where they are installed.

The extra `parity` brings them. What they say of folders written here is committed besides, and is
held against this project's reading in test_convert_forms.py, always.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_checkpoint import token_ids, write_checkpoint
from sqlstrict_convert.checkpoint.checkpoint import Checkpoint, open_checkpoint

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")
bitsandbytes = pytest.importorskip("bitsandbytes")
pytest.importorskip("accelerate")

# They warn of one another's next versions, of tied weights and of what they cannot look up.
pytestmark = pytest.mark.filterwarnings("ignore")

WIDE = "adjusted_feed_forward"  # every row is whole blocks of 64
LINEAR = ["q_proj", "k_proj", "v_proj", "out_proj", "in_proj", "w1", "w2", "w3"]
ADAPTERS: dict[str, dict[str, Any]] = {
    "regex": {"target_modules": r".*\.(q_proj|w[12])"},
    "all_linear": {"target_modules": "all-linear"},
    "dora": {"target_modules": LINEAR, "use_dora": True, "use_rslora": True},
    "patterns": {
        "target_modules": LINEAR,
        "rank_pattern": {"w1": 7, r"^model\.layers\.2\.conv\.in_proj": 3},
        "alpha_pattern": {r"layers\.\d\.feed_forward\.w2": 1.5, "q_proj": 32},
    },
    "layers": {"target_modules": LINEAR, "layers_to_transform": [0, 3]},
    "excluded": {"target_modules": LINEAR, "exclude_modules": r".*layers\.0\..*"},
    "saved": {"target_modules": LINEAR, "modules_to_save": ["embed_tokens", "lm_head"]},
    "norms": {"target_modules": ["w1"], "modules_to_save": ["ffn_norm"]},
    "embedding": {"target_modules": ["embed_tokens", "w1"]},
    "tokens": {"target_modules": ["w1"], "trainable_token_indices": [7, 2, 300]},
}


def values_of(checkpoint: Checkpoint, name: str) -> NDArray[np.float32]:
    values = np.concatenate(list(checkpoint.pieces(name)))
    return values.reshape(checkpoint.tensors[name].shape)


def disturb(model: Any) -> None:
    """Give everything that is trained values of its own, as training would."""
    stream = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=stream) * 0.1)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapters_that_peft_saved(tmp_path: Path, adapter: str) -> None:
    base = write_checkpoint(tmp_path / "base", "untied", "{}")
    model = transformers.Lfm2ForCausalLM.from_pretrained(base, dtype=torch.float32)
    settings = peft.LoraConfig(r=4, lora_alpha=6, **ADAPTERS[adapter])
    trained = peft.get_peft_model(model, settings)
    disturb(trained)
    trained.save_pretrained(tmp_path / "adapter")
    asked = []

    def find_base(name: str, revision: str | None) -> Path:
        asked.append(name)
        return Path(name)

    checkpoint = open_checkpoint(tmp_path / "adapter", find_base=find_base)
    assert asked == [str(base)]
    wanted = trained.merge_and_unload().state_dict()
    assert checkpoint.shapes().keys() == wanted.keys()
    plain = open_checkpoint(base)
    changed = 0
    for name, values in wanted.items():
        np.testing.assert_allclose(
            values_of(checkpoint, name), values.numpy(), rtol=1e-5, atol=1e-6, err_msg=name
        )
        changed += not np.array_equal(values.numpy(), values_of(plain, name))
    assert changed


@pytest.mark.parametrize(
    "settings",
    [
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
        {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
        {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_quant_storage": "bfloat16"},
        {"load_in_8bit": True},
    ],
    ids=["nf4-double", "fp4", "nf4-bf16-storage", "int8"],
)
def test_checkpoints_that_transformers_quantized(tmp_path: Path, settings: dict[str, Any]) -> None:
    base = write_checkpoint(tmp_path / "base", WIDE, "{}")
    model = transformers.Lfm2ForCausalLM.from_pretrained(
        base,
        dtype=torch.bfloat16,
        quantization_config=transformers.BitsAndBytesConfig(**settings),
        device_map="cpu",
    )
    model.save_pretrained(tmp_path / "quantized")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "quantized" / name).write_text("{}")
    checkpoint = open_checkpoint(tmp_path / "quantized")
    assert checkpoint.form.startswith("bitsandbytes")
    quantized = 0
    for name, module in model.named_modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            wanted = bitsandbytes.functional.dequantize_4bit(
                module.weight.data, module.weight.quant_state
            )
        elif isinstance(module, bitsandbytes.nn.Linear8bitLt):
            weight = module.weight
            scale = weight.SCB if weight.SCB is not None else module.state.SCB
            wanted = bitsandbytes.functional.int8_vectorwise_dequant(weight.data, scale)
        else:
            continue
        quantized += 1
        found = values_of(checkpoint, f"{name}.weight")
        np.testing.assert_array_equal(found, wanted.float().numpy(), err_msg=name)
    assert quantized == len(checkpoint.tensors) - PLAIN_TENSORS


# Of the 40: the embedding, 9 norms of layers and end, 4 norms of heads, 2 convolution kernels.
PLAIN_TENSORS = 16


def test_an_adapter_trained_over_four_bits(tmp_path: Path) -> None:
    """QLoRA: merged onto what bitsandbytes reads back, not quantized again."""
    base = write_checkpoint(tmp_path / "base", WIDE, "{}")
    settings = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True
    )
    model = transformers.Lfm2ForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, quantization_config=settings, device_map="cpu"
    )
    model.save_pretrained(tmp_path / "quantized")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "quantized" / name).write_text("{}")
    lora = peft.LoraConfig(r=4, lora_alpha=6, target_modules=LINEAR)
    trained = peft.get_peft_model(model, lora)
    disturb(trained)
    trained.save_pretrained(tmp_path / "adapter")
    checkpoint = open_checkpoint(
        tmp_path / "adapter", find_base=lambda name, revision: tmp_path / "quantized"
    )
    merged = 0
    for name, module in trained.base_model.model.named_modules():
        if not hasattr(module, "lora_A"):
            continue
        weight = module.get_base_layer().weight
        wanted = bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state).float()
        wanted = wanted + module.get_delta_weight("default").float()
        found = values_of(checkpoint, f"{name}.weight")
        np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=1e-5, atol=1e-6)
        merged += 1
    assert merged == len(checkpoint.tensors) - PLAIN_TENSORS


def test_tokens_trained_in_a_resized_embedding(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", "convolution_first", "{}")
    model = transformers.Lfm2ForCausalLM.from_pretrained(base, dtype=torch.float32)
    model.resize_token_embeddings(330, mean_resizing=False)
    settings = peft.LoraConfig(r=4, target_modules=["w1"], trainable_token_indices=[320, 329])
    trained = peft.get_peft_model(model, settings)
    disturb(trained)
    trained.save_pretrained(tmp_path / "adapter")
    checkpoint = open_checkpoint(tmp_path / "adapter", find_base=lambda name, revision: base)
    assert checkpoint.config["vocab_size"] == 330
    assert "lm_head.weight" not in checkpoint.tensors  # still the embedding
    wanted = trained.merge_and_unload().get_input_embeddings().weight.detach().numpy()
    found = values_of(checkpoint, "model.embed_tokens.weight")
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_references_are_still_what_peft_says(tmp_path: Path) -> None:
    import make_forms_reference as reference

    base = write_checkpoint(tmp_path / "base", "untied", "{}")
    folder = reference.write_form(base, tmp_path / "dora", "adapter-dora")
    logits = reference.logits_of(reference.live_model(folder, base), "untied")
    assert len(logits) == len(token_ids("untied"))
    with np.load(reference.HERE / "peft-untied.npz") as kept:
        wanted = kept["dora.logits"]
    assert np.abs(logits[list(reference.ROWS)] - wanted).max() < 1e-4
