"""What follows the columns of MySQL's CREATE TABLE: engine, character set, collation, comment.

Only what every MySQL and MariaDB has is taken; where files lie is not asked of a statement.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.verify.scope import Resolver

_ENGINES: Final = frozenset({"INNODB", "MYISAM", "MEMORY"})
_CHARACTER_SETS: Final = frozenset({"UTF8MB4", "LATIN1", "ASCII"})
_COLLATIONS: Final = {
    "UTF8MB4": frozenset({"UTF8MB4_GENERAL_CI", "UTF8MB4_UNICODE_CI", "UTF8MB4_BIN"}),
}


def check_table_options(resolver: Resolver, tree: exp.Create) -> None:
    """Refuse options of a table that the dialect, or some server of it, does not have."""
    properties = tree.args.get("properties")
    if properties is None:
        return
    if resolver.dialect != "mysql" or str(tree.kind).upper() != "TABLE":
        resolver.report("Nothing can follow the columns of a new table here.", tree)
        return
    character_set = collation = ""
    for option in properties.expressions:
        value = option.this.name.upper() if isinstance(option.this, exp.Expr) else ""
        if isinstance(option, exp.EngineProperty):
            is_right = value in _ENGINES
        elif isinstance(option, exp.CharacterSetProperty):
            character_set, is_right = value, value in _CHARACTER_SETS
        elif isinstance(option, exp.CollateProperty):
            collation, is_right = value, True
        elif isinstance(option, exp.SchemaCommentProperty):
            is_right = isinstance(option.this, exp.Literal) and option.this.is_string
        else:
            is_right = value.isdecimal() and 0 < len(value) < 10
        if not is_right:
            resolver.report("This option of a table is not checked, so it is refused.", tree)
    if collation and collation not in _COLLATIONS.get(character_set, ()):
        resolver.report("COLLATE must be one of its CHARSET, written before it.", tree)
