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
    t.add("within_@", '"ORDER BY " over_@ WAY? (", " some_@ WAY?){0,2}')
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
    k = manner.of("N")
    t.add(
        f"wide_{k}_@",
        f"win_{k}_@ (OP (c_{k}_@ | SIZE | win_{k}_@))?",
        f"(c_{k}_@ | SIZE) OP win_{k}_@ (OP SIZE)?",
    )
    for other in "tds" if manner.is_typed else "":
        t.add(f"wide_{other}_@", f"win_{other}_@")
    # Ranks over aggregates, in a grouped query.
    t.add(f"wtot_{k}_@", f'rank_@ " OVER (" "ORDER BY " tot_{k}_@ WAY? ")"')
