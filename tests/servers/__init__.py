"""The real engines, for tests and benches: what each of them says of a statement.

`engine.py` says what an engine is; `postgres.py`, `mariadb.py`, `duckdb_engine.py` and
`sqlite_engine.py` are them; `start.py` starts one by its dialect. Servers are started by whoever
asks, on a socket in a private folder, and end with it. Statements are prepared, never run.
"""
