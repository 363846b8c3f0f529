"""The names most like one that is not there, for the messages of the checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rapidfuzz import fuzz, process

from sqlstrictd.schema.names import fold

_LIMIT: Final = 3
# Below this share of common letters, in per cent, a suggestion is noise.
_LEAST_LIKENESS: Final = 60.0


def find_nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known names most like this one, best first; at most three.

    A known name may be table.column: then its last part is compared.
    """
    candidates = list(dict.fromkeys(known))
    found = process.extract(
        fold(name),
        [fold(candidate.rpartition(".")[2]) for candidate in candidates],
        scorer=fuzz.ratio,
        score_cutoff=_LEAST_LIKENESS,
        limit=_LIMIT,
    )
    return tuple(candidates[index] for _, _, index in found)
