"""The rules that are copied for every scope: expressions, conditions, clauses and query bodies.

In the templates `@` stands for the scope, `#` for the depth of the query that a rule belongs to;
rules that hold no subquery have no `#`, all depths share them. Everything is bounded: expressions
grow by levels, lists by counts. `grammar.py` puts the scopes in; `functions.py` holds the functions.
"""

from __future__ import annotations

from sqlstrictd.constraint.functions import Functions
from sqlstrictd.constraint.lark import any_of

SUBQUERY_DEPTH = 2  # queries within queries within the statement
MAX_COMPOUND_COLUMNS = 5

# atom: a column or a number. flat, nested: inside functions. operand, value: outside aggregates.
_PLAIN = r"""
atom_@: col_@ | NUM
word_@: atom_@ | SHORT
flat_@: atom_@ (OP atom_@)?
nested_@: flat_@ | inner_@ (OP (atom_@ | inner_@))? | atom_@ OP inner_@ | concat_@
concat_@: (col_@ | SHORT) (" || " (col_@ | SHORT)){1,3}
operand_@: atom_@ | inner_@
paren_@: "(" atom_@ OP atom_@ ")"
value_@: atom_@ (OP atom_@){0,3} | call_@ (OP operand_@)? | atom_@ OP call_@ | paren_@ (OP atom_@)? | atom_@ OP paren_@ | concat_@
test_@: atom_@ (CMP (atom_@ | STR) | IN lit (", " lit){0,3} ")" | LIKE STR | ISNULL)
when_@: "WHEN " test_@ (AO test_@)? " THEN " result_@
result_@: word_@ | "NULL"
bound_@: operand_@ | STR
case_@: "CASE " when_@ (" " when_@){0,3} (" ELSE " result_@)? " END"
"""

# part, mix: arithmetic around aggregates inside functions. total: outside; it holds an aggregate.
_AGGREGATES = r"""
agg_@: "COUNT(" ("*" | inside_@) ")" | AGGREGATE inside_@ ")"
inside_@: ("DISTINCT ")? (atom_@ (OP atom_@){0,2} | inner_@ (OP operand_@)? | paren_@ OP atom_@ | atom_@ OP paren_@ | case_@)
part_@: agg_@ | "CAST(" agg_@ " AS " TYPE ")"
mix_@: part_@ (OP (part_@ | atom_@)){0,2} | atom_@ OP part_@ (OP (part_@ | atom_@))?
whole_@: agg_@ | "(" mix_@ ")" | "ROUND(" mix_@ (", " INT)? ")" | "ABS(" mix_@ ")" | ("COALESCE(" | "NULLIF(") mix_@ ", " atom_@ ")" | "CAST(" mix_@ " AS " TYPE ")"
total_@: whole_@ (OP (whole_@ | atom_@)){0,2} | atom_@ OP whole_@ (OP (whole_@ | atom_@))?
"""

# Terms of ORDER BY and GROUP BY never are bare numbers, which SQL reads as positions of columns.
_CLAUSES = r"""
term_@: col_@ (OP atom_@){0,2} | call_@ (OP atom_@)? | case_@ | "(" col_@ OP atom_@ ")"
plainorder_@: " ORDER BY " term_@ WAY? NULLS? (", " term_@ WAY? NULLS?){0,3}
order_@: " ORDER BY " (term_@ | total_@) WAY? NULLS? (", " (term_@ | total_@) WAY? NULLS?){0,3}
groups_@: " GROUP BY " key_@ (", " key_@){0,4}
key_@: col_@ | call_@ | case_@
"""

_CONDITIONS = r"""
test_@_#: value_@ (CMP (value_@ | STR | BOOL{or_scalar}) | IN (lit (", " lit){0,15} ")"{or_set}) | LIKE (STR | operand_@ | concat_@) | BETWEEN bound_@ " AND " bound_@ | ISNULL) | ("NOT ")? col_@{or_exists}
tests_@_#: test_@_# | "(" test_@_# (AO test_@_#){1,3} ")" | "NOT (" test_@_# (AO test_@_#){0,2} ")"
source_@_#: " FROM " from_@ (" WHERE " tests_@_# (AO tests_@_#){0,5})?
grouped_@_#: total_@ (CMP (total_@ | value_@ | STR{or_scalar}) | IN lit (", " lit){0,15} ")" | BETWEEN bound_@ " AND " bound_@ | ISNULL) | operand_@ (CMP (total_@ | operand_@ | STR) | IN lit (", " lit){0,15} ")" | LIKE STR | ISNULL)
group_@_#: groups_@ (" HAVING " grouped_@_# (AO grouped_@_#){0,2})?
"""

# An aggregate may stand in ORDER BY only of a grouped query.
_QUERY = r"""
query_@: select (star_@ source_@_0 plainorder_@? | items_@ source_@_0 (group_@_0 order_@? | plainorder_@)?) limit?
column_@: atom_@ | SHORT | inner_@ | total_@
items_@: item_@ (", " item_@ (", " item_@ (", " simple_@){0,6})?)?
simple_@: col_@ | (agg_@ | inner_@) (" AS " ALIAS)?
item_@: (value_@ | SHORT | case_@ | total_@ (OP scalar1)? | scalar1) (" AS " ALIAS)?
"""

_SUBQUERY = r"""
one_@_#: select (value_@ | total_@) source_@_#
set_@_#: one_@_# (group_@_# order_@? | plainorder_@)? limit?
half_@_#: one_@_# group_@_#?
rows_@_#: "SELECT " ("*" | INT | col_@) source_@_#
"""

_SHARED = r"""
select: "SELECT " ("DISTINCT ")?
lit: NUM | STR
limit: " LIMIT " INT (" OFFSET " INT)?
STR: /'([^'\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|''){0,40}'/
SHORT: /'([^'\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|''){0,16}'/
NUM: /-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?/
INT: /0|[1-9][0-9]{0,5}/
BOOL: "TRUE" | "FALSE"
OP: / (\+|-|\*|\/|%) /
CMP: / (=|<>|!=|<=|>=|<|>) /
AO: / (AND|OR) /
IN: / (NOT )?IN \(/
LIKE: / (NOT )?LIKE /
BETWEEN: / (NOT )?BETWEEN /
ISNULL: / IS (NOT )?NULL/
EXISTS: /(NOT )?EXISTS ?\(/
WAY: / (ASC|DESC)/
NULLS: / NULLS (FIRST|LAST)/
JOIN: / (LEFT |INNER )?JOIN /
SETOP: / (UNION|UNION ALL|INTERSECT|EXCEPT) /
FORMAT: /'%[YmdHMSwjWs]([-: ]?%[YmdHMS]){0,2}'/
MODIFIER: /'(start of (month|year|day)|[-+][1-9][0-9]{0,3} (second|minute|hour|day|month|year)s?|weekday [0-6]|localtime|utc|unixepoch)'/
"""

_ARGUMENTS = {
    "e": "{level}_@",
    "w": "word_@",
    "i": "INT",
    "s": "SHORT",
    "f": "FORMAT",
    "d": "({level}_@ | \"'now'\")",
    "m": "MODIFIER",
}


def scope_template(functions: Functions) -> str:
    """Write the rules of a scope for these functions; `@` is where its label goes."""
    aggregates = _AGGREGATES
    if functions.has_group_concat:
        concat = ' | "GROUP_CONCAT(" (atom_@ (", " SHORT)? | "DISTINCT " atom_@) ")"\ninside_@'
        aggregates = aggregates.replace("\ninside_@", concat, 1)
    parts = [_PLAIN, _calls(functions), aggregates, _CLAUSES, _QUERY]
    for count in range(1, MAX_COMPOUND_COLUMNS + 1):
        items = ' ", " '.join(["column_@"] * count)
        parts.append(f"member{count}_@: select {items} source_@_0 group_@_0?")
    for depth in range(SUBQUERY_DEPTH + 1):
        deeper = depth + 1
        has_deeper = deeper <= SUBQUERY_DEPTH
        conditions = (
            _CONDITIONS.replace("{or_scalar}", f" | scalar{deeper}" if has_deeper else "")
            .replace("{or_set}", f' | column{deeper} ")"' if has_deeper else "")
            .replace("{or_exists}", f' | EXISTS rows{deeper} ")"' if has_deeper else "")
        )
        parts.append((conditions + (_SUBQUERY if depth else "")).replace("#", str(depth)))
    return "\n".join(parts)


def shared_rules(functions: Functions) -> str:
    """Write the rules and terminals that all scopes share."""
    lines = [_SHARED]
    for number, (words, _) in enumerate(functions.scalars):
        lines.append(f"F{number}: {any_of(f'{word}(' for word in words.split())}")
    lines.append(f"CONSTANT: {any_of(functions.constants)}")
    lines.append(f"TYPE: {any_of(functions.types)}")
    lines.append(f"AGGREGATE: {any_of(f'{word}(' for word in functions.aggregates)}")
    return "\n".join(lines)


def _calls(functions: Functions) -> str:
    """Write `inner`, a call over flat arguments, and `call`, one over nested arguments."""
    rules = []
    for rule, level in (("inner", "flat"), ("call", "nested")):
        alternatives = [f'"CAST(" {level}_@ " AS " TYPE ")"', "CONSTANT"]
        for number, (_, shape) in enumerate(functions.scalars):
            body = [f"F{number}"]
            for position, code in enumerate(shape.split()):
                argument = _ARGUMENTS[code[0]].format(level=level)
                piece = f'", " {argument}' if position else argument
                count = {"": "", "?": "?", "*": "{0,2}"}[code[1:]]
                body.append(f"({piece}){count}" if count else piece)
            alternatives.append(" ".join([*body, '")"']))
        rules.append(f"{rule}_@: {' | '.join(alternatives)}")
    return "\n".join(rules)
