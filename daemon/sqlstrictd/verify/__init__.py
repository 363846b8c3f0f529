"""The last gate: one statement judged against one schema, by other code than wrote it.

    lexical.py       tokens: one statement, no comment, no operator or string read in two ways
    tree.py          sqlglot's tree: only nodes that a statement of its kind may hold
    clauses.py       clauses in their order; slips.py: what else sqlglot passes over
    words.py         every word accounted for, every call one of the dialect's functions
    scope.py         every name of a query resolved where it stands (columns.py, from_clause.py)
    writes.py        ... and of INSERT, UPDATE and DELETE
    definitions.py   ... and of CREATE and ALTER (table_items.py, references.py)
    unfiltered.py    whether a WHERE is one; asked with the kind
    types.py         types, groups and places of aggregates, as engines that are not here judge them
    prepare.py       an embedded engine prepares it on an empty database of our own making
    check.py         these in order, into a verdict

    view_columns.py  beside them: the columns of a schema's view, for schema/views.py

A worker calls it for every finished statement and for Check. What dialects allow is read from
`dialects/` (`rules.py`); it shares nothing else with `constraint/`.
"""

from sqlstrictd.verify.canonical import canonical
from sqlstrictd.verify.check import check_statement
from sqlstrictd.verify.verdict import Problem, Verdict
from sqlstrictd.verify.view_columns import infer_columns

__all__ = ["Problem", "Verdict", "canonical", "check_statement", "infer_columns"]
