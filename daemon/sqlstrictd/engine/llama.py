"""A GGUF model in memory: batches, logits, sequences. The only user of llama_cpp.

Low-level API only. One thread owns a Context and every call checks that it is that thread; every
return value of llama.cpp is checked. What the calls must not do to a hybrid model's state is
`sequence.py`'s to know.
"""

from __future__ import annotations

import ctypes
import os
import stat
import threading
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrictd.engine import binding, sequence_state
from sqlstrictd.engine.failure import ContextBroken, ModelLoadError
from sqlstrictd.engine.hidden import HiddenStates
from sqlstrictd.engine.repacking import set_layouts
from sqlstrictd.engine.sequence_state import State
from sqlstrictd.engine.token_batch import BATCH_TOKENS, SCORED_TOKENS, Part, TokenBatch
from sqlstrictd.engine.vocabulary import Vocabulary

Logits = NDArray[np.float32]  # (vocabulary size,)

_META_BYTES = 4096

_llama: Any = None
_log: binding.Log | None = None


class DecodeError(Exception):
    """llama.cpp refused a batch. `is_full`: for want of cells, with the memory unchanged."""

    def __init__(self, message: str, is_full: bool = False) -> None:
        super().__init__(message)
        self.is_full = is_full


def _load_library() -> tuple[Any, binding.Log]:
    global _llama, _log
    if _llama is None or _log is None:
        _llama = binding.load()
        _log = binding.Log(_llama)
        _llama.llama_backend_init()
    return _llama, _log


class Model:
    """The weights and the vocabulary of one GGUF file, read into private memory."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        """Load a file, which messages call `name`. Raises ModelLoadError."""
        self.name = name or path.name
        _check_file(path, self.name)
        self._llama, log = _load_library()
        params = self._llama.llama_model_default_params()
        # A mapped file that is overwritten or cut short would change answers or end the process.
        binding.set_field(params, "load_mode", self._llama.LLAMA_LOAD_MODE_NONE)
        overrides = _without_added_blanks(self._llama)
        binding.set_field(params, "kv_overrides", overrides)
        layouts = set_layouts(self._llama, params, path)
        log.last_errors()
        self._pointer = self._llama.llama_model_load_from_file(os.fsencode(path), params)
        del layouts  # only now: the loading reads it
        if not self._pointer:
            reason = log.last_errors() or "llama.cpp gave no reason"
            raise ModelLoadError(f"{self.name} cannot be loaded: {reason}")
        try:
            self.vocabulary = Vocabulary(
                self._llama, self._llama.llama_model_get_vocab(self._pointer)
            )
            if not self._llama.llama_model_has_decoder(self._pointer):
                raise ModelLoadError(f"{self.name} is not a text-generating model")
        except ModelLoadError:
            self.close()
            raise

    @property
    def handle(self) -> Any:
        """The model's pointer, for Context. Raises ValueError once closed."""
        if not self._pointer:
            raise ValueError("the model is closed")
        return self._pointer

    @property
    def trained_context(self) -> int:
        """The number of positions the model was trained for."""
        return int(self._llama.llama_model_n_ctx_train(self.handle))

    @property
    def hidden_size(self) -> int:
        """The length of the state that the output head is given."""
        return int(self._llama.llama_model_n_embd(self.handle))

    @property
    def is_recurrent(self) -> bool:
        """Whether no layer has attention; hybrid models have some."""
        return bool(self._llama.llama_model_is_recurrent(self.handle))

    @property
    def parameter_count(self) -> int:
        """The number of weights."""
        return int(self._llama.llama_model_n_params(self.handle))

    @property
    def quantization(self) -> str:
        """The file's type as llama.cpp names it, as "Q4_K - Medium"."""
        name = self._llama.llama_ftype_name(self._llama.llama_model_ftype(self.handle))
        return name.decode() if name else "unknown"

    def metadata(self, key: str) -> str | None:
        """Return a value of the file's metadata as text, None where it has none."""
        buffer = ctypes.create_string_buffer(_META_BYTES)
        length = self._llama.llama_model_meta_val_str(
            self.handle, key.encode(), buffer, _META_BYTES
        )
        return None if length < 0 else buffer.value.decode(errors="replace")

    def close(self) -> None:
        """Free the weights. Every context of the model must be closed before."""
        if self._pointer:
            self._llama.llama_model_free(self._pointer)
            self._pointer = None


def _without_added_blanks(llama: Any) -> Any:
    """Return what keeps tokenizers of the SentencePiece kind from putting a blank before a text.

    Every piece of a prompt follows a control token or another piece, where none was in training.
    """
    overrides = (llama.llama_model_kv_override * 2)()  # the second, with an empty key, ends it
    binding.set_field(overrides[0], "tag", llama.LLAMA_KV_OVERRIDE_TYPE_BOOL)
    binding.set_field(overrides[0], "key", b"tokenizer.ggml.add_space_prefix")
    binding.set_field(overrides[0].value, "val_bool", False)
    return overrides


class Context:
    """A model's working memory: `n_cells` key-value cells that `n_sequences` sequences share."""

    def __init__(
        self,
        model: Model,
        n_cells: int,
        n_sequences: int,
        n_threads: int,
        has_states: bool = False,
    ) -> None:
        """`has_states`: states can be had in place of logits, at a small cost for every batch."""
        self._llama, log = _load_library()
        params = self._llama.llama_context_default_params()
        # Of models without attention, llama.cpp makes graphs by the sequences' numbers too.
        self.has_states = has_states and not model.is_recurrent
        self._states = HiddenStates(self._llama, model.hidden_size)
        settings: dict[str, object] = {
            "n_ctx": min(n_cells, model.trained_context),
            "n_batch": BATCH_TOKENS,
            "n_ubatch": BATCH_TOKENS,
            "n_seq_max": n_sequences,
            "n_outputs_max": n_sequences + SCORED_TOKENS,
            "n_threads": n_threads,
            "n_threads_batch": n_threads,
            "kv_unified": True,  # so that a fork shares its parent's cells
            "no_perf": True,
        }
        if self.has_states:
            settings["cb_eval"] = self._states.callback
        for name, value in settings.items():
            binding.set_field(params, name, value)
        self._pointer = self._llama.llama_init_from_model(model.handle, params)
        if not self._pointer:
            raise ModelLoadError(
                f"no context of {n_cells} tokens: {log.last_errors() or 'not enough memory?'}"
            )
        self.n_cells = int(self._llama.llama_n_ctx(self._pointer))
        self.n_sequences = int(self._llama.llama_n_seq_max(self._pointer))
        self._memory = self._llama.llama_get_memory(self._pointer)
        self.vocabulary_size = model.vocabulary.size
        self.hidden_size = model.hidden_size
        self._state_parameters = sequence_state.parameters_of(params)
        self._owner = threading.get_ident()
        self._batch = TokenBatch(self._llama)

    @property
    def library(self) -> Any:
        """llama-cpp-python's low-level module."""
        return self._llama

    def _check_owner(self) -> None:
        if threading.get_ident() != self._owner:
            raise RuntimeError("a llama.cpp context was used from a thread that does not own it")
        if not self._pointer:
            raise ValueError("the context is closed")

    def _check_sequence(self, seq_id: int) -> None:
        self._check_owner()
        if not 0 <= seq_id < self.n_sequences:
            raise ValueError(f"sequence {seq_id} is not one of {self.n_sequences}")

    def decode(self, parts: Items[Part], wants_states: bool = False) -> list[Logits | None]:
        """Decode all parts in one batch and return the logits of each that wants them.

        With `wants_states`, the states that the head would be given, (hidden size,), are returned
        instead, and the head is left out; only where `has_states`. The arrays are valid until the
        next decode: logits are views into llama.cpp's memory.

        Raises:
            DecodeError: the batch was refused; the sequences are as before.
            ContextBroken: the state is unknown now.
        """
        self._check_owner()
        if wants_states and not self.has_states:
            raise ValueError("the context was made without states")
        for part in parts:
            self._check_sequence(part.seq_id)
        last_tokens = self._batch.fill(parts)
        self._states.begin(wants_states)
        status = self._llama.llama_decode(self._pointer, self._batch.struct)
        if status in (1, -1):
            raise DecodeError(f"llama_decode returned {status}", is_full=status == 1)
        if status != 0:
            raise ContextBroken(f"llama_decode returned {status}")
        if wants_states:
            return self._states.rows(parts)
        return [
            self._logits(index) if part.wants_logits else None
            for part, index in zip(parts, last_tokens, strict=True)
        ]

    def _logits(self, index: int) -> Logits:
        pointer = self._llama.llama_get_logits_ith(self._pointer, index)
        if not pointer:
            raise ContextBroken(f"no logits for token {index} of the batch")
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary_size,))

    def copy_sequence(self, source: int, target: int) -> None:
        """Let an empty sequence share the whole state of another; neither changes the other."""
        self._check_sequence(source)
        self._check_sequence(target)
        if self.last_position(target) != -1:
            raise ValueError(f"sequence {target} is not empty")
        # It returns nothing, even where it did nothing, so look at what came of it.
        self._llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        if self.last_position(target) != self.last_position(source):
            raise ContextBroken(f"sequence {source} was not copied to {target}")

    def clear_sequence(self, seq_id: int) -> None:
        """Forget a sequence; cells that others share stay theirs."""
        self._check_sequence(seq_id)
        if not self._llama.llama_memory_seq_rm(self._memory, seq_id, -1, -1):
            raise ContextBroken(f"sequence {seq_id} could not be removed")

    @property
    def state_kind(self) -> str:
        """What a state of this context depends on, besides the model's file and the tokens."""
        return f"{sequence_state.library_of(self._llama)}; {self._state_parameters}"

    def state_of(self, seq_id: int) -> State | None:
        """Return a copy of the sequence's whole state; None where llama.cpp has none to give."""
        self._check_sequence(seq_id)
        return sequence_state.read(self._llama, self._pointer, seq_id)

    def put_state(self, seq_id: int, state: State, n_tokens: int) -> bool:
        """Give an empty sequence a state of `n_tokens` tokens, which `state_of` returned.

        Where llama.cpp does not take it, the sequence is empty again, and this is False.
        """
        if self.last_position(seq_id) != -1:
            raise ValueError(f"sequence {seq_id} is not empty")
        is_whole = sequence_state.put(self._llama, self._pointer, seq_id, state)
        if is_whole and self.last_position(seq_id) == n_tokens - 1:
            return True
        self.clear_sequence(seq_id)
        return False

    def last_position(self, seq_id: int) -> int:
        """Return the position of the sequence's last token, -1 where it is empty."""
        self._check_sequence(seq_id)
        return int(self._llama.llama_memory_seq_pos_max(self._memory, seq_id))

    def close(self) -> None:
        """Free the memory; before the model's."""
        if self._pointer:
            self._check_owner()
            self._llama.llama_free(self._pointer)
            self._pointer = None


def _check_file(path: Path, name: str) -> None:
    """Refuse what is not a GGUF file before llama.cpp sees it; never block on a pipe."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise ModelLoadError(f"{name} cannot be opened: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ModelLoadError(f"{name} is not a regular file")
        if os.read(fd, 4) != b"GGUF":
            raise ModelLoadError(f"{name} is not a GGUF file")
    finally:
        os.close(fd)
