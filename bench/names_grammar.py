"""A schema -> the GBNF that llama.cpp's own users would write for it: queries, and its names.

`peers.py` and `warm.py` give it to the peers. It knows which tables and columns there are, not
which belong together. Written so that llama.cpp gets through it fast: each word stands once, words
that begin alike share their beginning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlstrictd.schema.types import Schema

_QUERIES = """
root ::= query ";"
query ::= "SELECT " ("DISTINCT ")? item (", " item)* " FROM " table (" AS " alias)? join* tail
tail ::= (" WHERE " conditions)? group? order? (" LIMIT " number)?
join ::= (" LEFT")? " JOIN " table (" AS " alias)? " ON " operand " = " operand
group ::= " GROUP BY " operand (", " operand)* (" HAVING " conditions)?
order ::= " ORDER BY " item (" ASC" | " DESC")? (", " item (" ASC" | " DESC")?)*
item ::= operand (" AS " alias)?
conditions ::= condition ((" AND " | " OR ") condition)*
condition ::= "NOT "? (operand rest | "(" conditions ")" | "EXISTS (" query ")")
rest ::= comparison value | " IS " "NOT "? "NULL" | " NOT"? (" LIKE " text | between | in)
between ::= " BETWEEN " value " AND " value
in ::= " IN (" (query | value (", " value)*) ")"
comparison ::= " = " | " <> " | " < " | " > " | " <= " | " >= "
value ::= operand | number | text | "(" query ")"
operand ::= atom ((" + " | " - " | " * " | " / ") (atom | number))?
atom ::= (table "." | alias ".")? column | count | call | [1-9]
count ::= "COUNT(" ("*" | "DISTINCT "? operand) ")"
call ::= ("SUM" | "AVG" | "MIN" | "MAX" | "LOWER" | "UPPER" | "ABS" | "ROUND") "(" operand ")"
alias ::= "T" [1-9]
text ::= "'" [^'\\n]* "'"
number ::= "-"? [0-9]+ ("." [0-9]+)?
"""


def names_grammar(schema: Schema) -> str:
    """Return a GBNF of single SELECT statements over the schema's names."""
    columns = {column.name for table in schema.tables for column in table.columns}
    tables = (table.name for table in schema.tables)
    return f"{_QUERIES}table ::= {one_of(tables)}\ncolumn ::= {one_of(columns)}\n"


def one_of(words: Iterable[str]) -> str:
    """Return an expression for any one of the words, common beginnings written once."""
    by_first: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        by_first.setdefault(word[:1], []).append(word)
    choices = []
    for same in by_first.values():
        n_shared = len(same[0])
        while any(not word.startswith(same[0][:n_shared]) for word in same):
            n_shared -= 1
        rests = [word[n_shared:] for word in same]
        choice = json.dumps(same[0][:n_shared], ensure_ascii=False) if n_shared else '""'
        if len(rests) > 1:
            is_optional = "" in rests
            choice += f" ({one_of(rest for rest in rests if rest)}){'?' if is_optional else ''}"
        choices.append(choice)
    return " | ".join(choices)
