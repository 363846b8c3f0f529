"""Model shape, vocabulary and origin -> the keys of the GGUF file.

Called by `file` before any tensor is written. Decides key names and types, nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlstrict_convert.checkpoint.config import ModelConfig
from sqlstrict_convert.checkpoint.vocab import Vocabulary

ARCHITECTURE = "lfm2"
SCHEMA_RENDERING_KEY = "sqlstrict.schema_rendering"
DEFAULT_RENDERING = "ddl"  # what the daemon takes where a model is silent
# Of all bytes behind the tensor table, and of all before; see gguf_edit.py.
DATA_HASH_KEY = "sqlstrict.data_sha256"
HEAD_HASH_KEY = "sqlstrict.head_sha256"
LICENSE_KEY = "general.license"
SOURCE_KEY = "sqlstrict.source"
REVISION_KEY = "sqlstrict.revision"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from, as its files say it; None where they are silent."""

    name: str
    license: str | None = None
    source: str | None = None  # owner/name of a repository, never a path of this machine
    revision: str | None = None  # of the source: a commit's hash


def add_model_keys(writer: Any, config: ModelConfig) -> None:
    """Add the keys that llama.cpp builds the graph from. `writer` is a gguf.GGUFWriter."""
    writer.add_block_count(config.n_layers)
    writer.add_context_length(config.context_tokens)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.feed_forward_size)
    writer.add_head_count(config.n_heads)
    # Zero heads is how llama.cpp knows a layer for a convolution.
    writer.add_head_count_kv(
        [config.n_kv_heads if is_attention else 0 for is_attention in config.is_attention_layer]
    )
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_vocab_size(config.vocab_size)
    writer.add_shortconv_l_cache(config.conv_cache_length)
    if config.schema_rendering is not None:
        writer.add_string(SCHEMA_RENDERING_KEY, config.schema_rendering)


def add_vocabulary_keys(writer: Any, vocabulary: Vocabulary) -> None:
    """Add the tokenizer. `writer` is a gguf.GGUFWriter."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("lfm2")
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types([int(kind) for kind in vocabulary.types])
    writer.add_token_merges(list(vocabulary.merges))
    _add_if_known(writer.add_bos_token_id, vocabulary.bos_id)
    _add_if_known(writer.add_eos_token_id, vocabulary.eos_id)
    _add_if_known(writer.add_pad_token_id, vocabulary.pad_id)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_eos_token(False)
    if vocabulary.chat_template is not None:
        writer.add_chat_template(vocabulary.chat_template)


def add_origin_keys(writer: Any, origin: Origin) -> None:
    """Add name, licence and source. `writer` is a gguf.GGUFWriter."""
    writer.add_type("model")
    writer.add_name(origin.name)
    if origin.license is not None:
        writer.add_license(origin.license)
    if origin.source is not None:
        writer.add_string(SOURCE_KEY, origin.source)
    if origin.revision is not None:
        writer.add_string(REVISION_KEY, origin.revision)


def _add_if_known(add: Callable[[int], None], token_id: int | None) -> None:
    if token_id is not None:
        add(token_id)
