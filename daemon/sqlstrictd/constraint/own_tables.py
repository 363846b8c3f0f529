"""Tables that a statement defines, by WITH or in FROM: queries with outputs of given names.

The skeleton says which outputs there are, so the query that defines them is spelled out item by
item; what reads from it sees exactly these columns. The sides of a set operation are spelled out
one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.group_keys import Key, NamedQueries
from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.recursive import recursive_rule
from sqlstrictd.constraint.scopes import Instance, Scope, ScopeColumn, spellings
from sqlstrictd.constraint.skeleton import Defined, Output
from sqlstrictd.constraint.terminals import literal
from sqlstrictd.schema.names import fold, quote_name


def needs_of(defined: Defined, manner: Manner) -> tuple[str, ...]:
    """Name the rules of its scopes that the definition is made of."""
    found = {"source_1", "groups", "having_1", "order"}
    for output in defined.outputs:
        k = manner.of(output.value_class)
        found |= {f"v_{k}", f"case_{k}", f"wide_{k}", f"tot_{k}", f"c_{k}"}
    if defined.is_recursive:
        found |= {"cat", *(f"{kind}_{k}" for kind in ("v", "case") for k in "ds")}
        found |= {f"a1_{k}" for k in manner.classes}
    return tuple(sorted(found))


def defined_rule(
    assembly: Assembly, defined: Defined, scopes: Sequence[Scope | None], rule: str
) -> None:
    """Add the rule of the query that gives these outputs, its first scope before its sides'.

    Raises ValueError where nothing can give one of them.
    """
    first, *others = scopes
    if defined.is_recursive and others and others[0] is not None:
        recursive_rule(assembly, defined, first, others[0], rule)
    elif first is not None:
        names = [f"{rule}s{number}" for number in range(len(scopes))] if others else [rule]
        for name, one, scope in zip(names, (defined, *defined.sides), scopes, strict=True):
            if scope is not None:
                needs_names = one is defined and not defined.is_listed
                _Query(assembly, one, scope, needs_names, bool(others)).add(name)
        if others and all(name in assembly.rule_names() for name in names):
            further = "".join(f" (SETOP {name})?" for name in names[2:])
            assembly.add(rule, f"{names[0]} SETOP {names[1]}{further}")
    if rule not in assembly.rule_names():
        raise ValueError("a table of the statement's own has a column that nothing can give")


class _Query:
    """Writes one query of a definition: the first names its outputs, unless they are listed."""

    def __init__(
        self,
        assembly: Assembly,
        defined: Defined,
        scope: Scope,
        needs_names: bool,
        is_side: bool,
    ) -> None:
        self._assembly = assembly
        self._manner = assembly.manner
        self._dialect = assembly.manner.dialect
        self._outputs = defined.outputs
        self._scope = scope
        self._is_side = is_side
        self._needs_names = needs_names

    def add(self, rule: str) -> None:
        """Add the rule, if every output can be given something."""
        manner, at, add = self._manner, self._scope.label, self._assembly.add
        # What GROUP BY names by its position can be no window expression, and MySQL takes a column
        # of a window for the output of that name.
        hidden = {fold(column.name) for one in self._scope.instances for column in one.columns}
        is_hiding = any(fold(output.name) in hidden for output in self._outputs)
        totals = [output.is_total for output in self._outputs]
        may_be_window = not any(totals) and not (is_hiding and self._dialect.name == "mysql")
        items = [self._item(output, may_be_window) for output in self._outputs]
        if not items or not all(items):
            return
        named = NamedQueries(manner, self._scope, 1)
        source = f"source_1_{at}"
        text = f"{_list(items)} {source}"
        plain = [str(number) for number, is_total in enumerate(totals, 1) if not is_total]
        if any(totals) and plain:
            grouping = f'" GROUP BY {", ".join(plain)}" having_1_{at}?'
            if not manner.is_strict:
                grouping = f"({grouping} | groups_{at} having_1_{at}?)"
            add(rule, f'"SELECT " {text} {grouping}')
            kept = [
                item if one.is_total else self._key(one, named.keys())
                for item, one in zip(items, self._outputs, strict=True)
            ]
            if all(kept):
                grouping = f"{named.group_by_keys()} having_1_{at}?"
                add(rule, f'"SELECT " {_list(kept)} {source} {grouping}')
        elif any(totals):
            grouping = named.group_by_keys() if manner.is_strict else f"groups_{at}"
            more = f"({grouping} having_1_{at}?)?" if grouping else ""
            add(rule, f'"SELECT " {text} {more}')
        else:
            may_end = self._dialect.has_limit_in_subquery and not self._is_side
            order = f"(order_{at} limit)?" if may_end else ""
            if manner.is_strict:
                add(rule, f'"SELECT " DISTINCT? {text}', f'"SELECT " {text} {order}')
            else:
                add(rule, f'"SELECT " DISTINCT? {text} (groups_{at} having_1_{at}?)? {order}')

    def _item(self, output: Output, may_be_window: bool) -> str:
        """Write what may give one output its value, with its name."""
        at, has = self._scope.label, self._assembly.has
        k = self._manner.of(output.value_class)
        kinds = ["tot"] if output.is_total else ["v", "case"] + ["wide"] * may_be_window
        found = [f"{kind}_{k}_{at}" for kind in kinds if has(f"{kind}_{k}", at)]
        if not found and has(f"c_{k}", at):
            found = [f"c_{k}_{at}"]
        texts = [f"({' | '.join(found)}) {self._name(output)}"] if found else []
        if not output.is_total:
            texts += self._own_names(output)
        return " | ".join(texts)

    def _key(self, output: Output, keys: Sequence[Key]) -> str:
        """Write the keys that may be an output, with its name where they are not called that."""
        texts = []
        for key in keys:
            if not self._manner.is_typed or key.letter.replace("X", "N") == output.value_class:
                name = self._name(output)
                has_name = fold(key.name) == fold(output.name)
                texts.append(f"({key.text}) {f'({name})?' if has_name else name}")
        return " | ".join(texts)

    def _name(self, output: Output) -> str:
        name = f'" AS " {literal(quote_name(output.name, self._dialect.name))}'
        return name if self._needs_names else f"({name})?"

    def _own_names(self, output: Output) -> list[str]:
        """Spell the columns of the scope that have the output's name already."""

        def fits(_: Instance, column: ScopeColumn) -> bool:
            is_alike = column.letter.replace("X", "N") == output.value_class
            return fold(column.name) == fold(output.name) and (
                not self._manner.is_typed or is_alike
            )

        return [text for text, _ in spellings(self._scope, self._dialect.name, fits)]


def _list(parts: Sequence[str]) -> str:
    return ' ", " '.join(f"({one})" for one in parts)
