"""The last gate: one statement judged against one schema, by other code than wrote it.

    lexical.py   tokens: one statement, no comment, no unknown name in quotes, listed functions
    tree.py      sqlglot's tree: only nodes of a query that reads
    scope.py     every name resolved where it stands
    prepare.py   SQLite prepares it on an empty database of our own making
    check.py     these in order, into a verdict

A worker calls it for every finished statement and for Check. It shares nothing with `constraint/`.
"""

from sqlstrictd.verify.canonical import canonical
from sqlstrictd.verify.check import check_statement
from sqlstrictd.verify.verdict import Problem, Verdict

__all__ = ["Problem", "Verdict", "canonical", "check_statement"]
