"""Tables that a statement defines, by WITH or in FROM: queries with outputs of given names.

The skeleton says which outputs there are, so the query that defines them is spelled out item by
item; what reads from it sees exactly these columns.
"""

from __future__ import annotations

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.named import NamedQueries
from sqlstrictd.constraint.scopes import Scope
from sqlstrictd.constraint.skeleton import Defined, Output
from sqlstrictd.constraint.terminals import literal
from sqlstrictd.schema.names import fold, quote_name


def needs_of(defined: Defined, manner: Manner) -> tuple[str, ...]:
    """Name the rules of its scope that the definition is made of."""
    found = {"source_1", "groups", "having_1", "order"}
    for output in defined.outputs:
        k = manner.of(output.value_class)
        found |= {f"v_{k}", f"case_{k}", f"wide_{k}", f"tot_{k}", f"c_{k}"}
    return tuple(sorted(found))


def defined_rule(assembly: Assembly, defined: Defined, scope: Scope, rule: str) -> None:
    """Add the rule of the query that gives these outputs from that scope."""
    manner, at = assembly.manner, scope.label
    # What GROUP BY names by its position can be no window expression, and MySQL takes a column of
    # a window for the output of that name.
    hidden = {fold(column.name) for one in scope.instances for column in one.columns}
    is_hiding = any(fold(output.name) in hidden for output in defined.outputs)
    may_be_window = not any(output.is_total for output in defined.outputs)
    may_be_window = may_be_window and not (is_hiding and manner.dialect.name == "mysql")
    items = [_item(assembly, output, scope, may_be_window) for output in defined.outputs]
    if not items or not all(items):
        return
    columns = ' ", " '.join(f"({one})" for one in items)
    text = f'"SELECT " DISTINCTION {columns} source_1_{at}'
    totals = [output.is_total for output in defined.outputs]
    plain = [str(number) for number, is_total in enumerate(totals, 1) if not is_total]
    if any(totals) and plain:
        grouping = f'" GROUP BY {", ".join(plain)}" having_1_{at}?'
        if not manner.is_strict:
            grouping = f"({grouping} | groups_{at} having_1_{at}?)"
        assembly.add(rule, f"{text.replace('DISTINCTION', '')} {grouping}")
        by_keys = NamedQueries(manner, scope, 1).group_by_keys()
        keys = {fold(key).rpartition(".")[2] for key in scope.keys}
        if by_keys and all(one.is_total or fold(one.name) in keys for one in defined.outputs):
            kept = [
                item if one.is_total else " | ".join(_own_names(manner, one, scope))
                for item, one in zip(items, defined.outputs, strict=True)
            ]
            if all(kept):
                listed = ' ", " '.join(f"({one})" for one in kept)
                assembly.add(rule, f'"SELECT " {listed} source_1_{at} {by_keys} having_1_{at}?')
    elif any(totals):
        grouping = NamedQueries(manner, scope, 1).group_by_keys()
        if not manner.is_strict:
            grouping = f"groups_{at}"
        more = f"({grouping} having_1_{at}?)?" if grouping else ""
        assembly.add(rule, f"{text.replace('DISTINCTION', '')} {more}")
    else:
        order = f"(order_{at} limit)?" if manner.dialect.has_limit_in_subquery else ""
        distinct = text.replace("DISTINCTION", "DISTINCT?")
        if manner.is_strict:
            assembly.add(rule, distinct, f"{text.replace('DISTINCTION', '')} {order}")
        else:
            assembly.add(rule, f"{distinct} (groups_{at} having_1_{at}?)? {order}")


def _item(assembly: Assembly, output: Output, scope: Scope, may_be_window: bool) -> str:
    """Write what may give one output its value, with its name."""
    manner, at = assembly.manner, scope.label
    k = manner.of(output.value_class)
    name = f'" AS " {literal(quote_name(output.name, manner.dialect.name))}'
    kinds = ["tot"] if output.is_total else ["v", "case"] + ["wide"] * may_be_window
    found = [f"{kind}_{k}_{at}" for kind in kinds if assembly.has(f"{kind}_{k}", at)]
    if not found and assembly.has(f"c_{k}", at):
        found = [f"c_{k}_{at}"]
    texts = [f"({' | '.join(found)}) {name}"] if found else []
    if not output.is_total:
        texts += _own_names(manner, output, scope)
    return " | ".join(texts)


def _own_names(manner: Manner, output: Output, scope: Scope) -> list[str]:
    """Spell the columns of the scope that have the output's name already."""
    dialect = manner.dialect.name
    owners = [
        (one, column)
        for one in scope.instances
        for column in one.columns
        if fold(column.name) == fold(output.name)
        and (not manner.is_typed or column.letter.replace("X", "N") == output.value_class)
    ]
    texts = [
        f"{literal(one.qualifier(dialect) + '.')} {literal(quote_name(c.name, dialect))}"
        for one, c in owners
    ]
    if len(owners) == 1:
        texts.append(literal(quote_name(owners[0][1].name, dialect)))
    return texts
