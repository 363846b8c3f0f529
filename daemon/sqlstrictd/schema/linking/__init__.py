"""A question linked to a schema: its words found in names, comments and values, tables ranked.

`link.py` beside this package is what the rest of the daemon imports. One question goes through the
files in this order: `terms.py` cuts it into words, `index.py` holds the words of the schema (and
`groups.py` what names begin with), `alike.py` compares the two, `ranking.py` scores tables,
`paths.py` finds the tables between them; `part.py`, `sets.py`, `nearest.py` and
`unmatched.py` make of that what is asked for. No model, no data, no randomness.
"""
