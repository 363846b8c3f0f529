"""The shape of an LFM2 model -> its tensors: Hugging Face name, GGUF name, both shapes.

The table below is the whole mapping; `checkpoint_conversion` walks it in order, so each tensor of
the checkpoint is accounted for or the checkpoint is refused. Reads and writes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlstrict_convert.checkpoint.config import ModelConfig
from sqlstrict_convert.errors import TensorError

NAMES_SHOWN = 5  # of many missing or unknown tensors


@dataclass(frozen=True, slots=True)
class TensorPlan:
    """One tensor's way from the checkpoint into the GGUF file."""

    source_name: str
    source_shape: tuple[int, ...]
    name: str
    shape: tuple[int, ...]  # rows first, as numpy has it; the same values in the same order
    is_matrix: bool  # matrices may be stored in 16 bits or quantized, the others stay F32

    @property
    def n_values(self) -> int:
        """Count of numbers in the tensor."""
        count = 1
        for length in self.shape:
            count *= length
        return count


def plan_tensors(config: ModelConfig) -> tuple[TensorPlan, ...]:
    """Return every tensor of the model, in the order in which the GGUF file holds them."""
    hidden, vocab = config.hidden_size, config.vocab_size
    plans = [_matrix("model.embed_tokens", "token_embd", vocab, hidden)]
    for layer, is_attention in enumerate(config.is_attention_layer):
        source, target = f"model.layers.{layer}", f"blk.{layer}"
        plans.append(_vector(f"{source}.operator_norm", f"{target}.attn_norm", hidden))
        if is_attention:
            plans += _attention(f"{source}.self_attn", target, config)
        else:
            plans += _short_convolution(f"{source}.conv", target, config)
        plans.append(_vector(f"{source}.ffn_norm", f"{target}.ffn_norm", hidden))
        plans += [
            _matrix(
                f"{source}.feed_forward.w1", f"{target}.ffn_gate", config.feed_forward_size, hidden
            ),
            _matrix(
                f"{source}.feed_forward.w2", f"{target}.ffn_down", hidden, config.feed_forward_size
            ),
            _matrix(
                f"{source}.feed_forward.w3", f"{target}.ffn_up", config.feed_forward_size, hidden
            ),
        ]
    # llama.cpp reads the final norm of this architecture under the name of the embedding's norm.
    plans.append(_vector("model.embedding_norm", "token_embd_norm", hidden))
    if not config.is_tied:
        plans.append(_matrix("lm_head", "output", vocab, hidden))
    return tuple(plans)


def match_tensors(
    plans: Iterable[TensorPlan], found: Mapping[str, tuple[int, ...]], is_tied: bool
) -> None:
    """Hold the checkpoint's tensors (name to shape) against the plan.

    A tied model may carry its head a second time; the copy is not needed and allowed.

    Raises:
        TensorError: tensors missing, unknown, or of another shape; named.
    """
    expected = {plan.source_name: plan.source_shape for plan in plans}
    allowed = {"lm_head.weight"} if is_tied else set()
    missing = [name for name in expected if name not in found]
    if missing:
        raise TensorError(
            f"the checkpoint lacks {_some(missing)}; config.json and the weights do not belong "
            "together, or a shard was not downloaded"
        )
    unknown = [name for name in found if name not in expected and name not in allowed]
    if unknown:
        raise TensorError(
            f"the checkpoint has tensors that LFM2 does not: {_some(unknown)}; "
            "merge adapters and remove extra heads before converting"
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise TensorError(
                f"tensor {name} has shape {list(found[name])}, config.json asks for {list(shape)}"
            )


def _attention(source: str, target: str, config: ModelConfig) -> list[TensorPlan]:
    hidden, kv_size = config.hidden_size, config.n_kv_heads * config.head_size
    return [
        _matrix(f"{source}.q_proj", f"{target}.attn_q", hidden, hidden),
        _matrix(f"{source}.k_proj", f"{target}.attn_k", kv_size, hidden),
        _matrix(f"{source}.v_proj", f"{target}.attn_v", kv_size, hidden),
        _matrix(f"{source}.out_proj", f"{target}.attn_output", hidden, hidden),
        _vector(f"{source}.q_layernorm", f"{target}.attn_q_norm", config.head_size),
        _vector(f"{source}.k_layernorm", f"{target}.attn_k_norm", config.head_size),
    ]


def _short_convolution(source: str, target: str, config: ModelConfig) -> list[TensorPlan]:
    hidden, length = config.hidden_size, config.conv_cache_length
    return [
        _matrix(f"{source}.in_proj", f"{target}.shortconv.in_proj", 3 * hidden, hidden),
        _matrix(f"{source}.out_proj", f"{target}.shortconv.out_proj", hidden, hidden),
        # A depthwise Conv1d keeps a middle axis of one input channel; ggml's kernel is 2-D and F32.
        TensorPlan(
            f"{source}.conv.weight",
            (hidden, 1, length),
            f"{target}.shortconv.conv.weight",
            (hidden, length),
            is_matrix=False,
        ),
    ]


def _matrix(source: str, target: str, n_rows: int, n_columns: int) -> TensorPlan:
    shape = (n_rows, n_columns)
    return TensorPlan(f"{source}.weight", shape, f"{target}.weight", shape, is_matrix=True)


def _vector(source: str, target: str, size: int) -> TensorPlan:
    return TensorPlan(f"{source}.weight", (size,), f"{target}.weight", (size,), is_matrix=False)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
