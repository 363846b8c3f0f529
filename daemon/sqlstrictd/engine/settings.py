"""The engine's settings, with defaults that fit the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

# Sequences for resident schemas and for statements being written; llama.cpp's limit is 256.
N_SEQUENCES = 64
SLOTS = range(1, 33)
THREADS = range(1, 513)
# llama.cpp takes a minute to find that it cannot have 2**31 cells.
CONTEXT_TOKENS = range(256, 2**18 + 1)
_TOPOLOGY = Path("/sys/devices/system/cpu")


def physical_cores() -> int:
    """Return the number of physical cores that this process may run on.

    A second thread on the same core slows a decode down: both wait for the same memory.
    """
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = set()
    for cpu in os.sched_getaffinity(0):
        try:
            siblings = (_TOPOLOGY / f"cpu{cpu}/topology/thread_siblings_list").read_text()
        except OSError:
            siblings = str(cpu)
        cores.add(siblings)
    return len(cores)


@dataclass(frozen=True, slots=True)
class Settings:
    """How much the engine may hold and do at once.

    `context_tokens` is the number of key-value cells that all share: resident schemas, questions
    and answers. A cell of the 350M model takes 12 KB. `max_prefixes` schemas stay resident, and
    `max_prompts` whole prompts that are to be asked for again, each with a row of logits (256 KB).
    Files of schemas' states are kept in `prefix_folder`, at most `prefix_bytes`; None keeps none.
    Raises ValueError for what cannot be.
    """

    slots: int = 4
    context_tokens: int = 8192
    threads: int = field(default_factory=physical_cores)
    max_prefixes: int = 24
    max_prompts: int = 8
    n_sequences: int = N_SEQUENCES
    prefix_folder: Path | None = None
    prefix_bytes: int = 2**30

    def __post_init__(self) -> None:
        for name, value, limits in (
            ("slots", self.slots, SLOTS),
            ("context tokens", self.context_tokens, CONTEXT_TOKENS),
            ("threads", self.threads, THREADS),
        ):
            if value not in limits:
                raise ValueError(f"{value} {name}; from {limits.start} to {limits.stop - 1}")
