"""The window expressions of one scope: ranks, neighbours, and aggregates over frames.

win_K  function OVER (...)     wide_K  arithmetic with one in it     wtot_K  rank over aggregates
"""

from __future__ import annotations

from sqlstrictd.constraint.manner import Manner, spread
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals


def add_windows(t: Template, manner: Manner, terminals: Terminals) -> None:
    """Add the rules of window expressions."""
    t.add("partition_@", '"PARTITION BY " some_@ (", " some_@){0,2}')
    nulls = " NULLS?" if manner.dialect.has_nulls_order else ""
    way = f"WAY?{nulls}"
    t.add("within_@", f'"ORDER BY " over_@ {way} (", " some_@ {way}){{0,2}}')
    for k in "ntds" if manner.is_typed else "v":
        t.add("over_@", f"c_{k}_@", f"fc_{k}_@")  # no RANDOM() alone
    t.add("ranked_@", '(partition_@ " ")? within_@')
    for call in manner.dialect.windows:
        codes = call.arguments.split()
        for poly in spread(call, "NTDS" if manner.is_typed else "V"):
            parts = []
            for position, code in enumerate(codes):
                bare = code.rstrip("?*")
                if len(bare) > 1:
                    one = bare
                elif bare == "E":
                    one = "some_@"
                else:
                    k = manner.of(poly if bare == "K" else bare)
                    literal = terminals.literal(poly.lower() if bare == "K" else bare.lower(), True)
                    one = f"c_{k}_@" if not position else literal
                parts.append((code, one))
            text = ""
            for position, (code, one) in reversed(list(enumerate(parts))):
                comma = '", " ' if position else ""
                text = f"{comma}{one} {text}".rstrip()
                if "?" in code:
                    text = f"({text})?"
            k = manner.of(poly if call.result == "K" else call.result)
            frame = "FRAME?" if call.names.startswith(("FIRST_VALUE", "LAST_VALUE")) else ""
            body = terminals.call(call.names, text)
            t.add(f"win_{k}_@", f'{body} " OVER (" ranked_@ {frame} ")"')
            if not codes:
                t.add("rank_@", body)
    spec = '(partition_@ (" " within_@ FRAME?)? | within_@ FRAME?)?'
    for k in (*("ntds" if manner.is_typed else "v"),):
        where = '(" FILTER (WHERE " cond_@ ")")?' if manner.dialect.has_filter else ""
        t.add(f"win_{k}_@", f'wsum_{k}_@ {where} " OVER (" {spec} ")"')
        t.add(f"win_{k}_@", f'wagg_{k}_@ " OVER (" {spec} ")"')
    if manner.is_typed:
        t.add("win_n_@", "win_x_@")
    # Windows by name: where the statement is free to give names.
    for k in "ntds" if manner.is_typed else "v":
        t.add(f"win_{k}_@", f'wsum_{k}_@ " OVER " window_@', f'wagg_{k}_@ " OVER " window_@')
    t.add("win_v_@", 'rank_@ " OVER " window_@')
    t.add("windowed_@", f'" WINDOW " window_@ " AS (" {spec} ")"')
    t.add("order_@", "windowed_@", f'windowed_@ " ORDER BY " (term_@ | "1") {way}')
    k = manner.of("N")
    t.add(
        f"wide_{k}_@",
        f"win_{k}_@ (OP (c_{k}_@ | SIZE | win_{k}_@))?",
        f"(c_{k}_@ | SIZE) OP win_{k}_@ (OP SIZE)?",
        f"c_{k}_@ OP SIZE OP win_{k}_@",
        f'"(" c_{k}_@ OP win_{k}_@ ")" OP (SIZE | win_{k}_@)',
    )
    t.add(f"wide_{k}_@", *_rounded(manner, terminals))
    for other in "tds" if manner.is_typed else "":
        t.add(f"wide_{other}_@", f"win_{other}_@")
    # Ranks over aggregates, in a grouped query.
    t.add(f"wtot_{k}_@", f'rank_@ " OVER (" "ORDER BY " tot_{k}_@ {way} ")"')
    # And what part each group is of all: COUNT(*) * 100.0 / SUM(COUNT(*)) OVER ().
    t.add(f"whole_{k}_@", f'"SUM(" agg_{k}_@ ") OVER ()"')
    if not manner.is_strict:
        t.add(f"whole_{k}_@", f'"SUM(" agg_{k}_@ ") OVER (" within_@ ")"')
    t.add(f"wtot_{k}_@", f"whole_{k}_@", f"agg_{k}_@ (OP SIZE)? OP whole_{k}_@ (OP SIZE)?")


def _rounded(manner: Manner, terminals: Terminals) -> list[str]:
    """Shares and means over windows, rounded."""
    k = manner.of("N")
    calls = [call for call in manner.dialect.calls if "ROUND" in call.names.split()]
    if not any("PLACES" in call.arguments for call in calls):
        return []
    if manner.dialect.name in ("postgres", "ansi"):  # where only exact numbers have places
        if not manner.is_typed:
            return []
        held = "(c_x_@ OP SIZE OP win_x_@ | win_x_@ (OPX SIZE)?)"
    else:
        held = f"(c_{k}_@ OP (SIZE OP)? win_{k}_@ (OP SIZE)? | win_{k}_@ (OP SIZE)?)"
    return [f'"ROUND(" {held} ", " PLACES ")"']
