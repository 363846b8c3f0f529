"""What stands in the parentheses of OVER and of WINDOW: partitions, orders and frames.

The calls in front of OVER are typed by `types_calls.py`.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.schema.names import fold
from sqlstrictd.verify.types_expressions import Typer
from sqlstrictd.verify.types_scope import TypedScope, Wrong

_OFFSET_TYPES: Final = frozenset("int2 int4 int8 numeric float4 float8 any".split())
# What PostgreSQL wants as a number's offset.
_OFFSETS: Final = {
    **dict.fromkeys(("int2", "int4", "int8"), "int8"),
    **dict.fromkeys(("float4", "float8"), "float8"),
    "numeric": "numeric",
}
_MOMENTS: Final = frozenset("date time timetz timestamp timestamptz interval".split())


class Windows(Typer):
    """The part of the check that types windows."""

    def window(self, node: exp.Expr, scope: TypedScope) -> None:
        """Check what stands in the parentheses of OVER, or of WINDOW name AS."""
        for term in node.args.get("partition_by") or ():
            self.rules.sort(self.value(term, scope), "PARTITION BY", term)
        order = node.args.get("order")
        types = []
        for term in order.expressions if order is not None else ():
            value = self.value(term.this, scope)
            self.rules.sort(value, "ORDER BY", term)
            types.append(value.type)
        spec = node.args.get("spec")
        if spec is not None:
            self._frame(spec, types, scope)

    def _frame(self, spec: exp.Expr, types: list[str], scope: TypedScope) -> None:
        kind = str(spec.args.get("kind") or "").upper()
        bounds = [spec.args.get(key) for key in ("start", "end")]
        offsets = [bound for bound in bounds if isinstance(bound, exp.Expr)]
        for offset in offsets:
            value = self.value(offset, scope)
            if kind in ("ROWS", "GROUPS"):
                target = self.rules.named("int8")
                self.rules.coerce(value, target, f"An offset of {kind}", offset, "assignment")
                is_literal = isinstance(offset, exp.Literal) and not offset.is_string
                is_whole = is_literal and offset.name.isdigit() and len(offset.name) < 19
                if not self.rules.is_typed and not is_whole:
                    raise Wrong(f"An offset of {kind} is a whole number.", offset)
            elif len(types) != 1:
                raise Wrong("RANGE with an offset needs one ORDER BY expression.", spec)
            elif not self.rules.is_typed and isinstance(offset, exp.Literal) and offset.is_string:
                raise Wrong("An offset of RANGE is a number or an INTERVAL.", offset)
            elif self.rules.is_typed and types[0] in _OFFSET_TYPES:
                if value.type not in _OFFSET_TYPES:
                    raise Wrong("An offset of RANGE is a number here.", offset)
                wanted = _OFFSETS.get(types[0], value.type)
                self.rules.coerce(value, wanted, "An offset of RANGE", offset, "implicit")
            elif self.rules.is_typed:
                if self.rules.name == "postgres" and types[0] not in _MOMENTS:
                    raise Wrong(f"RANGE has no offsets for {types[0]}.", offset)
                self.rules.coerce(value, "interval", "An offset of RANGE", offset, "implicit")
        if kind == "GROUPS" and not types:
            raise Wrong("GROUPS needs an ORDER BY in its window.", spec)
        start = str(spec.args.get("start") or ""), str(spec.args.get("start_side") or "")
        end = str(spec.args.get("end") or ""), str(spec.args.get("end_side") or "")
        if spec.args.get("end") and _rank(start) > _rank(end):
            raise Wrong("The frame of a window ends before it starts.", spec)


def _rank(bound: tuple[str, str]) -> int:
    """The order of a frame's bounds, UNBOUNDED PRECEDING first."""
    place, side = (part.upper() for part in bound)
    if place == "CURRENT ROW":
        return 2
    return (
        {"PRECEDING": 0, "FOLLOWING": 3}[side]
        + (place != "UNBOUNDED") * (1 if side == "PRECEDING" else 0)
        + (place == "UNBOUNDED" and side == "FOLLOWING")
    )


def is_window_name(node: exp.Window) -> str:
    """The folded name of the window that OVER names; empty where it defines one."""
    alias = node.args.get("alias")
    return fold(alias.name) if isinstance(alias, exp.Identifier) else ""
