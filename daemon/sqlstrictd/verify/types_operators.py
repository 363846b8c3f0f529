"""Which of sqlglot's nodes are operators, and by what symbol the engines know them."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

# Two operands; what results is the operator's own.
BINARY: Final[dict[type[exp.Expr], str]] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.IntDiv: "/",
    exp.Mod: "%",
    exp.Pow: "^",
    exp.DPipe: "||",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "#",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseRightShift: ">>",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "=",
    exp.NullSafeNEQ: "=",
    exp.Like: "~~",
    exp.ILike: "~~*",
    exp.Glob: "~~",
    exp.RegexpLike: "~",
    exp.RegexpILike: "~*",
    exp.SimilarTo: "~",
    exp.JSONExtract: "->",
    exp.JSONExtractScalar: "->>",
    exp.JSONBExtract: "#>",
    exp.JSONBExtractScalar: "#>>",
    exp.JSONBContains: "?",
    exp.JSONBContainsAnyTopKeys: "?|",
    exp.JSONBContainsAllTopKeys: "?&",
    exp.ArrayContainsAll: "@>",
    exp.ArrayContainedBy: "<@",
    exp.ArrayOverlaps: "&&",
}
UNARY: Final[dict[type[exp.Expr], str]] = {exp.Neg: "-", exp.BitwiseNot: "~", exp.Sqrt: "|/"}
LOGIC: Final = (exp.And, exp.Or, exp.Xor)
# The engines read no chain of these without parentheses.
COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
# Values that are written without parentheses, by PostgreSQL's name of their type.
CLOCK: Final[dict[type[exp.Expr], str]] = {
    exp.CurrentDate: "date",
    exp.CurrentTime: "timetz",
    exp.CurrentTimestamp: "timestamptz",
    exp.Localtime: "time",
    exp.Localtimestamp: "timestamp",
    exp.CurrentUser: "name",
}
