"""Question to tables: what the rest of the daemon imports of `linking/`.

`choose_part` gives the part of a schema that a question needs, `choose_from_sets` the FROM sets
that the exact grammar has beside those of the draft, `nearest_names` what a refusal shows, and
`unmatched_words` how much of a question the schema has no word for. Nothing is decided here.
"""

from __future__ import annotations

from sqlstrictd.schema.linking.nearest import Nearest, nearest_names
from sqlstrictd.schema.linking.part import Part, choose_part
from sqlstrictd.schema.linking.sets import MAX_SETS, choose_from_sets
from sqlstrictd.schema.linking.unmatched import Unmatched, unmatched_words

__all__ = [
    "MAX_SETS",
    "Nearest",
    "Part",
    "Unmatched",
    "choose_from_sets",
    "choose_part",
    "nearest_names",
    "unmatched_words",
]
