"""Worker processes of the front: reading schemas and checking statements, off the event loop.

sqlglot is pure Python: a large schema keeps it busy for seconds, during which a thread would take
the interpreter from the event loop, and no thread can be stopped when its time is over. So the work
is done by processes that are exec'ed (never forked, for gRPC's sake), speak JSON over their pipes,
and are killed and replaced when they run over. `tasks.py` and `process.py` are the front's side,
`__main__.py` is the child's.
"""
