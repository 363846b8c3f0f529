"""Schema, skeleton and dialect to the text of a grammar: what may be written, and nothing else.

Pure text: no model, no llguidance. Two grammars, in the order in which they are used:

    draft.py     any statement of the dialect with the schema's names; the model writes freely
    exact.py     statements over given FROM clauses, every name in scope and every type right
    skeleton.py  what a draft read from, as `reading.py` finds it; the exact grammar is made of it

Both are put together (`assembly.py`) of the rules of scopes (`scope_rules.py`): expressions in
`values.py`, `aggregates.py` and `windows.py`, conditions in `conditions.py`, queries in
`queries.py` and `group_keys.py`, FROM in `sources.py`, tables of the statement's own in
`own_tables.py` and `recursive.py`. Statements that write are in `writes.py`, `insert_select.py`,
`create_table.py` and `index_and_alter.py`. What a dialect has is said in `sqlstrictd/dialects/`.
"""

from __future__ import annotations

from sqlstrictd.constraint.draft import draft_grammar
from sqlstrictd.constraint.exact import exact_grammar
from sqlstrictd.constraint.grammar import Grammar
from sqlstrictd.constraint.reading import skeleton_of
from sqlstrictd.constraint.sets import FromSet, all_from_sets
from sqlstrictd.constraint.skeleton import FromClause, Skeleton, Source, skeleton_of_sets

__all__ = [
    "FromClause",
    "FromSet",
    "Grammar",
    "Skeleton",
    "Source",
    "all_from_sets",
    "draft_grammar",
    "exact_grammar",
    "skeleton_of",
    "skeleton_of_sets",
]
