"""Which operator or function a call means, by the rules of PostgreSQL's manual, chapter 10.

It takes the types of the arguments and says the signature that the server would choose, with
the types that the arguments are coerced to; None where the server finds none or cannot choose.

Source: https://www.postgresql.org/docs/15/typeconv.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlstrictd.verify.types_catalog import UNKNOWN, Catalog, Signature


@dataclass(frozen=True, slots=True)
class Choice:
    """The signature chosen: each argument's type once coerced, and the type that results."""

    signature: Signature
    arguments: tuple[str, ...]
    result: str


def choose_operator(catalog: Catalog, symbol: str, types: Sequence[str]) -> Choice | None:
    """Choose the operator for one operand (a prefix) or two."""
    found = [s for s in catalog.operators.get(symbol, ()) if len(s.arguments) == len(types)]
    tried = tuple(types)
    if len(types) == 2 and UNKNOWN in types and types[0] != types[1]:
        known = types[0] if types[1] == UNKNOWN else types[1]
        tried = (known, known)
    exact = [signature for signature in found if signature.arguments == tried]
    if exact and UNKNOWN not in tried:
        return _choice(catalog, exact[0], tuple(types))
    return _choose(catalog, found, tuple(types))


def choose_function(
    catalog: Catalog, signatures: Sequence[Signature], types: Sequence[str]
) -> Choice | None:
    """Choose among the functions of one name and kind."""
    taken = tuple(types)
    found = [fitted for s in signatures if (fitted := _fit(s, len(taken))) is not None]
    exact = [signature for signature in found if signature.arguments == taken]
    if exact:
        return _choice(catalog, exact[0], taken)
    return _choose(catalog, found, taken)


def common_type(catalog: Catalog, types: Sequence[str]) -> str | None:
    """Return the type that branches of these types come to; None where they cannot be matched."""
    chosen = types[0]
    for type_ in types[1:]:
        if type_ in (UNKNOWN, chosen):
            continue
        if chosen == UNKNOWN:
            chosen = type_
        elif catalog.category(type_) != catalog.category(chosen):
            return None
        elif (
            chosen not in catalog.preferred
            and catalog.can_coerce(chosen, type_)
            and not catalog.can_coerce(type_, chosen)
        ):
            chosen = type_
    if chosen == UNKNOWN:
        return "text"
    return chosen if all(catalog.can_coerce(type_, chosen) for type_ in types) else None


def _fit(signature: Signature, count: int) -> Signature | None:
    """Give a signature as many arguments as a call has: defaults left out, VARIADIC repeated."""
    arguments = signature.arguments
    if signature.is_variadic and count >= len(arguments):
        last = arguments[-1]
        element = {"any": "any", "anyarray": "anyelement", "anycompatiblearray": "anycompatible"}
        repeated = element.get(last, last.removesuffix("[]"))
        arguments = arguments[:-1] + (repeated,) * (count - len(arguments) + 1)
    elif len(arguments) - signature.n_defaults <= count <= len(arguments):
        arguments = arguments[:count]
    else:
        return None
    return Signature(signature.name, arguments, signature.result, signature.kind, signature.is_set)


def _choose(catalog: Catalog, found: list[Signature], types: tuple[str, ...]) -> Choice | None:
    found = [s for s in found if _accepts(catalog, s, types)]
    if len(found) > 1:
        found = _prefer(catalog, found, types)
    return _choice(catalog, found[0], types) if len(found) == 1 else None


def _accepts(catalog: Catalog, signature: Signature, types: tuple[str, ...]) -> bool:
    pairs = zip(types, signature.arguments, strict=True)
    if not all(catalog.can_coerce(type_, target) for type_, target in pairs):
        return False
    return _bind(catalog, signature, types) is not None


def _prefer(catalog: Catalog, found: list[Signature], types: tuple[str, ...]) -> list[Signature]:
    """Keep the best of several, rule by rule; more than one left means that none is chosen."""
    places = range(len(types))
    known = [i for i in places if types[i] != UNKNOWN]
    found = _most(found, lambda s: sum(s.arguments[i] == types[i] for i in known))
    if len(found) == 1:
        return found
    found = _most(
        found,
        lambda s: sum(
            s.arguments[i] == types[i]
            or (
                s.arguments[i] in catalog.preferred
                and catalog.category(s.arguments[i]) == catalog.category(types[i])
            )
            for i in known
        ),
    )
    if len(found) == 1 or len(known) == len(types):
        return found
    found = _by_category(catalog, found, [i for i in places if types[i] == UNKNOWN])
    if len(found) == 1:
        return found
    # All known arguments of one type: the others are taken for that type too.
    if known and len({types[i] for i in known}) == 1:
        only = types[known[0]]
        fitting = [s for s in found if _accepts(catalog, s, (only,) * len(types))]
        if len(fitting) == 1:
            return fitting
    return found


def _most(found: list[Signature], count: object) -> list[Signature]:
    assert callable(count)
    best = max(count(s) for s in found)
    return [s for s in found if count(s) == best]


def _by_category(catalog: Catalog, found: list[Signature], unknown: list[int]) -> list[Signature]:
    """Decide by the category that the untyped arguments would fall in; text comes first."""
    wanted: dict[int, tuple[str, bool]] = {}
    for i in unknown:
        categories = {catalog.category(s.arguments[i]) for s in found}
        if "S" in categories:
            category = "S"
        elif len(categories) == 1:
            category = categories.pop()
        else:
            return found
        has_preferred = any(
            s.arguments[i] in catalog.preferred
            for s in found
            if catalog.category(s.arguments[i]) == category
        )
        wanted[i] = (category, has_preferred)
    kept = [
        s
        for s in found
        if all(
            catalog.category(s.arguments[i]) == category
            and (not has_preferred or s.arguments[i] in catalog.preferred)
            for i, (category, has_preferred) in wanted.items()
        )
    ]
    return kept or found


def _choice(catalog: Catalog, signature: Signature, types: tuple[str, ...]) -> Choice | None:
    bound = _bind(catalog, signature, types)
    if bound is None:
        return None
    element, compatible = bound
    arguments = tuple(_replace(a, element, compatible) for a in signature.arguments)
    return Choice(signature, arguments, _replace(signature.result, element, compatible))


def _bind(catalog: Catalog, signature: Signature, types: tuple[str, ...]) -> tuple[str, str] | None:
    """Say what anyelement and anycompatible stand for in a call; None where they do not agree."""
    elements: set[str] = set()
    compatibles: list[str] = []
    wants = False
    for declared, type_ in zip(signature.arguments, types, strict=True):
        if not catalog.is_polymorphic(declared):
            continue
        wants = True
        actual = type_
        if declared.endswith("array") and not declared.endswith("nonarray"):
            actual = type_ if type_ == UNKNOWN else type_[:-2]
        if declared.startswith("anycompatible"):
            compatibles.append(actual)
        elif declared == "anyrange":
            elements.add(type_)
        elif actual != UNKNOWN:
            elements.add(actual)
    if len(elements) > 1:
        return None
    if not wants:
        return "", ""
    common = common_type(catalog, compatibles) if compatibles else ""
    if common is None:
        return None
    if not elements and not compatibles:
        # Only untyped literals: PostgreSQL cannot tell, but takes text where an element is wanted.
        return None
    return (elements.pop() if elements else ""), common


def _replace(declared: str, element: str, compatible: str) -> str:
    if declared in ("anyelement", "anynonarray", "anyenum", "anyrange"):
        return element
    if declared == "anyarray":
        return f"{element}[]"
    if declared in ("anycompatible", "anycompatiblenonarray"):
        return compatible
    if declared == "anycompatiblearray":
        return f"{compatible}[]"
    return declared
