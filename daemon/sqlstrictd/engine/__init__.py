"""The engine: the child process that owns llama.cpp and llguidance, and the messages it speaks.

Only `llama.py` uses llama_cpp, through `binding.py`, and only `matcher.py` imports llguidance; the
front imports nothing from here but `wire.py`.
"""
