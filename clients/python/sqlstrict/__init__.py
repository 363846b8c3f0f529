"""The thin client of the sqlstrict daemon: a library and the `sqlstrict` command."""
