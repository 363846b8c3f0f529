"""Stubs of `sqlstrict.v1`, written by `python proto/generate.py`; not edited by hand."""
