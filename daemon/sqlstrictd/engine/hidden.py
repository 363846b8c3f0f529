"""The states that the output head is given, taken out of llama.cpp while it computes a batch.

llama.cpp calls back before each operation of its graph. Where states are wanted, the graph ends
right after the last norm, and the largest matrix of a small model is left out. `llama.py` has one
of these for each context. `llama_set_embeddings` would give the same states, but splits the batch
of a hybrid model into one for each sequence: eight sequences took twice the time of the whole head.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence as Items
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrictd.engine import binding
from sqlstrictd.engine.failure import ContextBroken
from sqlstrictd.engine.token_batch import Part

# (hidden size,): a token's state after the last norm
HiddenState = NDArray[np.float32]

# What llama.cpp calls the input of the head, in the graph of every architecture that has the norm.
_NODE = b"result_norm"


class StatesMissing(ContextBroken):
    """llama.cpp did not compute the states as expected; the batch is decoded, without a result."""


class HiddenStates:
    """The states of the batch that is computed; `callback` is for llama.cpp."""

    def __init__(self, library: Any, hidden_size: int) -> None:
        self._are_wanted = False
        self._hidden_size = hidden_size
        self._graphs: list[NDArray[np.float32]] = []  # (rows, hidden size) each
        self._name = binding.function(library, "ggml_get_name", ctypes.c_char_p, ctypes.c_void_p)
        self._n_bytes = binding.function(library, "ggml_nbytes", ctypes.c_size_t, ctypes.c_void_p)
        self._read = binding.function(
            library,
            "ggml_backend_tensor_get",
            None,
            *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t),
        )
        # llama.cpp keeps the pointer, so the callback object must live as long as the context.
        self.callback = library.ggml_backend_sched_eval_callback(self._on_operation)

    def begin(self, are_wanted: bool) -> None:
        """Say, before a batch is decoded, whether its states are wanted, and no logits."""
        self._are_wanted = are_wanted
        self._graphs.clear()

    def rows(self, parts: Items[Part]) -> list[HiddenState | None]:
        """Return for each part of the batch its last token's state, where it wants logits.

        Raises:
            StatesMissing: llama.cpp computed other graphs than is known here.
        """
        found: list[HiddenState | None] = [None] * len(parts)
        wanted = [index for index, part in enumerate(parts) if part.wants_logits]
        orders = [orders_by_graph(parts), [wanted]]
        sizes = [len(graph) for graph in self._graphs]
        for order in orders:
            if [len(indices) for indices in order] == sizes:
                for graph, indices in zip(self._graphs, order, strict=True):
                    for row, index in zip(graph, indices, strict=True):
                        found[index] = row
                return found
        raise StatesMissing(f"graphs of {sizes} states for {len(wanted)} parts")

    def _on_operation(self, tensor: int, is_question: bool, _user_data: Any) -> bool:
        """Answer whether the result is wanted; once it is there, read it and end the graph."""
        if not self._are_wanted:
            return False
        if is_question:
            return bool(self._name(tensor) == _NODE)
        size = self._n_bytes(tensor)
        if size:
            array = np.empty((size // (4 * self._hidden_size), self._hidden_size), np.float32)
            self._read(tensor, array.ctypes.data, 0, size)
            self._graphs.append(array)
        return False


def orders_by_graph(parts: Items[Part]) -> list[list[int]]:
    """Return which parts' last tokens each graph computes, in order, where logits are wanted.

    llama.cpp computes a batch of a model with recurrent layers in graphs of equally many tokens of
    each sequence that has some left, and that of any other model in one graph.
    """
    ends: dict[int, list[tuple[int, int]]] = {}  # by sequence: tokens up to a part's end, its index
    for index, part in enumerate(parts):
        of_sequence = ends.setdefault(part.seq_id, [])
        of_sequence.append((len(part.tokens) + (of_sequence[-1][0] if of_sequence else 0), index))
    graphs = []
    start = 0
    for end in sorted({of_sequence[-1][0] for of_sequence in ends.values()}):
        graphs.append(
            [
                index
                for of_sequence in ends.values()
                for place, index in of_sequence
                if start < place <= end and parts[index].wants_logits
            ]
        )
        start = end
    return [indices for indices in graphs if indices]
