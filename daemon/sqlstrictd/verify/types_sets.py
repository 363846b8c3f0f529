"""Set operations and WITH: what the columns of several queries come to together.

Single queries are typed by `types_queries.py`, to which this hands them.
"""

from __future__ import annotations

from abc import abstractmethod

from sqlglot import exp

from sqlstrictd.schema.names import fold
from sqlstrictd.verify.types_calls import Calls
from sqlstrictd.verify.types_from import FromClauses
from sqlstrictd.verify.types_scope import Output, Outputs, TypedScope, Wrong


class SetOperations(FromClauses, Calls):
    """The part of the check that types queries made of queries."""

    @abstractmethod
    def members(
        self, node: exp.Expr, parent: TypedScope | None, ctes: dict[str, Outputs]
    ) -> Outputs:
        """Type a query and leave its literals untyped, for the other members of a set operation."""

    def with_clause(
        self, node: exp.Expr, parent: TypedScope | None, ctes: dict[str, Outputs]
    ) -> dict[str, Outputs]:
        """Add the statement's own tables, each visible to those after it."""
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        visible = dict(ctes)
        for cte in clause.expressions:
            alias = cte.args["alias"]
            name = fold(alias.name)
            declared = [fold(column.name) for column in alias.args.get("columns") or ()]
            body = cte.this
            if clause.args.get("recursive") and isinstance(body, exp.SetOperation):
                outputs = self._recursive(body, parent, visible, name, declared)
            else:
                outputs = self.query(body, parent, visible)
            visible[name] = renamed(outputs, declared, cte)
        return visible

    def _recursive(
        self,
        node: exp.SetOperation,
        parent: TypedScope | None,
        ctes: dict[str, Outputs],
        name: str,
        declared: list[str],
    ) -> Outputs:
        """A CTE whose second member may read it: the first one gives its columns their types."""
        inner = self.with_clause(node, parent, ctes)
        first = self.query(node.this, parent, inner)
        known = renamed(first, declared, node)
        second = self.members(node.expression, parent, {**inner, name: known})
        merged = self._unite(node, first, second)
        for before, after in zip(first, merged, strict=True):
            if before.value.type != after.value.type:
                message = f"A recursive query's column is first {before.value.type}, then "
                raise Wrong(f"{message}{after.value.type}; write a CAST.", node)
            bound, bound_after = before.value.modifier, after.value.modifier
            if bound != bound_after and bound:
                type_ = before.value.type
                message = f"A recursive query's column is first {type_}{bound}, then "
                raise Wrong(f"{message}{type_}{bound_after}; write a CAST.", node)
        return merged

    def compound(
        self, node: exp.SetOperation, parent: TypedScope | None, ctes: dict[str, Outputs]
    ) -> Outputs:
        """Type a set operation: the columns that its members come to."""
        # Chains of set operations lean to the left and are long, so by a loop.
        chain: list[exp.SetOperation] = [node]
        while isinstance(chain[-1].this, exp.SetOperation) and not chain[-1].this.args.get("with_"):
            chain.append(chain[-1].this)
        outputs = self.members(chain[-1].this, parent, ctes)
        for operation in reversed(chain):
            right = self.members(operation.expression, parent, ctes)
            outputs = self._unite(operation, outputs, right)
            self._compound_order(operation, outputs, ctes)
        return outputs

    def _unite(self, node: exp.SetOperation, left: Outputs, right: Outputs) -> Outputs:
        word = type(node).__name__.upper()
        if len(left) != len(right):
            message = f"The two sides of {word} return {len(left)} and {len(right)} columns."
            raise Wrong(message, node)
        merged = []
        for first, second in zip(left, right, strict=True):
            value = self.rules.common((first.value, second.value), f"The columns of {word}", node)
            if node.args.get("distinct") or not isinstance(node, exp.Union):
                self.rules.sort(value, word, node)
            merged.append(Output(first.name, value))
        return tuple(merged)

    def _compound_order(
        self, node: exp.SetOperation, outputs: Outputs, ctes: dict[str, Outputs]
    ) -> None:
        order = node.args.get("order")
        names = {output.name: output for output in outputs if output.name}
        for term in order.expressions if order is not None else ():
            inner = bare(term.this)
            if isinstance(inner, exp.Literal) and not inner.is_string:
                value = self.ordinal(inner, outputs, "ORDER BY").value
            elif isinstance(inner, exp.Column) and not inner.table and fold(inner.name) in names:
                value = names[fold(inner.name)].value
            elif not self.rules.is_typed:
                continue
            else:
                message = "After a set operation, ORDER BY takes names or numbers of its columns."
                raise Wrong(message, term)
            self.rules.sort(value, "ORDER BY", term)
        self.limits(node, ctes)

    def ordinal(self, node: exp.Literal, outputs: Outputs, clause: str) -> Output:
        """Return the output that a number in ORDER BY or GROUP BY stands for."""
        text = str(node.this)
        if not text.isdigit() or not 1 <= int(text[:9]) <= len(outputs):
            raise Wrong(f"{clause} {text} is not among the {len(outputs)} columns.", node)
        return outputs[int(text) - 1]

    def limits(self, node: exp.Expr, ctes: dict[str, Outputs]) -> None:
        """Check LIMIT and OFFSET: numbers, and no columns in them."""
        for key in ("limit", "offset"):
            clause = node.args.get(key)
            if clause is not None:
                inner = clause.expression or clause.args.get("count")
                if inner is None or (isinstance(inner, exp.Var) and inner.name.upper() == "ALL"):
                    continue
                scope = TypedScope(None, ctes, clause=key.upper())
                value = self.value(inner, scope)
                target = self.rules.named("int8")
                self.rules.coerce(value, target, key.upper(), clause, "assignment")


def bare(node: exp.Expr) -> exp.Expr:
    """Take an expression out of its parentheses."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def renamed(outputs: Outputs, names: list[str], node: exp.Expr) -> Outputs:
    """Give outputs the names of a column list, which may be shorter."""
    if len(names) > len(outputs):
        raise Wrong(f"{len(names)} column names are given for {len(outputs)} columns.", node)
    kept = [output.name for output in outputs[len(names) :]]
    pairs = zip([*names, *kept], outputs, strict=True)
    return tuple(Output(name, output.value) for name, output in pairs)
