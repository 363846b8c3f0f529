"""The columns of new tables: a type of the dialect, and what may follow it.

`create_table.py` makes whole tables of them and `index_and_alter.py` adds them to old ones. A
default fits its type, and NOT NULL stands on an added column only beside a default for the rows
there are.
"""

from __future__ import annotations

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.column_literals import Literals
from sqlstrictd.constraint.column_types import TypeForm, type_forms
from sqlstrictd.constraint.terminals import literal
from sqlstrictd.schema.names import quote_name


class NewColumns:
    """Writes the types of one grammar; `forms` are their rules."""

    def __init__(self, assembly: Assembly, literals: Literals) -> None:
        self._assembly = assembly
        self._dialect = assembly.manner.dialect
        self._literals = literals
        self.forms: list[tuple[str, TypeForm]] = []
        for number, form in enumerate(type_forms(self._dialect.name)):
            terminal = self._literals.share(f"/{form.body}/")
            self._assembly.add(f"type_{number}", f"{terminal} {form.suffix}".rstrip())
            self.forms.append((f"type_{number}", form))

    def add_tails(self) -> None:
        """Add `tail_TYPE`, a type with constraints, `typed`, any of these, and `checked_K`."""
        for name, form in self.forms:
            default = self.default(form)
            unique = form.is_key and form.letter != "C"
            parts = ['(" NOT NULL" " UNIQUE"? | " UNIQUE" " NOT NULL"?)?' if unique else
                     '" NOT NULL"?']  # fmt: skip
            if default:
                parts[0] += f' (" DEFAULT " ({default}))?'
                more = '" UNIQUE"?' if unique else ""
                parts.append(f'" DEFAULT " ({default}) " NOT NULL" {more}')
                parts.append('" DEFAULT " "NULL"')
            self._assembly.add(f"tail_{name}", f"{name} ({' | '.join(parts)})")
            self._assembly.add("typed", f"tail_{name}")
        self._assembly.add("plain_tail", '(" NOT NULL" " UNIQUE"? | " UNIQUE" " NOT NULL"?)?')
        for k, text in (("x", "NUM"), ("t", "SHORT"), ("d", "DATE_STRING")):
            self._assembly.add(
                f"checked_{k}",
                f'CMP {text} | IN {text} (", " {text}){{0,15}} ")"',
                f'BETWEEN {text} " AND " {text}',
            )

    def added(self) -> str:
        """Write a column's type and default as they may be added to a table that has rows."""
        found = []
        for name, form in self.forms:
            if form.letter != "C":
                found.append(f"added_{name}")
                if f"added_{name}" not in self._assembly.rule_names():
                    self._assembly.add(f"added_{name}", self._added(name, form))
        return " | ".join(found)

    def _added(self, name: str, form: TypeForm) -> str:
        """Write the type of a column that is added: NOT NULL only with a default for old rows."""
        default = self.default(form)
        # SQLite adds constants only, and DuckDB makes several statements of anything else.
        if self._dialect.name in ("sqlite", "duckdb"):
            default = default.replace('| "CURRENT_TIMESTAMP"', "").replace('| "CURRENT_DATE"', "")
        if not default:
            return name
        tail = f'" DEFAULT " ({default})'
        if self._dialect.name == "duckdb":  # which adds columns without constraints alone
            return f"{name} ({tail})?"
        return f'{name} ({tail} " NOT NULL"? | " NOT NULL" {tail})?'

    def default(self, form: TypeForm) -> str:
        """Write what a default of a type may be; empty for none."""
        if form.text:
            return self._literals.text(form.text)
        if form.default.startswith("/"):
            return self._literals.share(form.default)
        return form.default

    def check(self, name: str, form: TypeForm) -> str:
        """Write the CHECK of a new column of a type, which may be left out."""
        k = {"X": "x", "N": "x", "T": "t", "D": "d", "S": "d"}.get(form.letter)
        if k is None:
            return ""
        return f'({literal(" CHECK (" + quote_name(name, self._dialect.name))} checked_{k} ")")?'
