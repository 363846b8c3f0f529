"""Schema, FROM sets and dialect to the text of a grammar: what may be written, and nothing else.

Pure text: no model, no llguidance. `sets.py` finds which tables go together, `styles.py` how they
may be written, `joins.py` and `expressions.py` write the rules of one scope from the templates in
`rules/`, `grammar.py` puts them together. `mentioned.py` reads which sets a statement names.
"""

from __future__ import annotations

from sqlstrictd.constraint.grammar import Grammar, build_grammar
from sqlstrictd.constraint.mentioned import from_sets_of
from sqlstrictd.constraint.sets import FromSet, all_from_sets

__all__ = ["FromSet", "Grammar", "all_from_sets", "build_grammar", "from_sets_of"]
