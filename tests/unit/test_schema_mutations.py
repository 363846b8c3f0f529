"""Real dumps with random damage: a schema or a SchemaError, and a schema that can be used."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlstrictd.dialects import DIALECTS
from sqlstrictd.errors import SchemaError
from sqlstrictd.schema import plain
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import create_statements, render_compact, render_ddl

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
TEXTS = {
    f"{folder}-{path.stem}": path.read_text(encoding="utf-8")
    for folder in ("written", "dumps")
    for path in sorted((FIXTURES / folder).glob("*.sql"))
}
PIECES = (
    "' \" ` ( ) [ ] , ; -- /* */ :: = CHECK IN ANY ARRAY[ ENUM SET COMMENT ON TYPE DOMAIN AS ALTER "
    "TABLE ADD MODIFY COLUMN ATTACH PARTITION GENERATED ALWAYS IDENTITY STRUCT( MAP( UNION( [] "
    "'a' 1 - OR AND NULL VALUE RENAME DROP CONSTRAINT \x00 \x07 \u202e \\ \n . $$ E' _utf8mb4"
).split(" ")
PLACES = st.integers(min_value=0, max_value=1 << 20)
DAMAGE = st.lists(
    st.tuples(PLACES, st.integers(min_value=0, max_value=12), st.sampled_from(["", *PIECES])),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("name", TEXTS)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(damage=DAMAGE, dialect=st.sampled_from(sorted(DIALECTS)))
def test_damaged_dumps(name: str, damage: list[tuple[int, int, str]], dialect: str) -> None:
    text = TEXTS[name]
    for place, length, piece in damage:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + length :]
    try:
        schema = parse_schema(text, dialect)
    except SchemaError as error:
        assert 1 <= error.line <= text.count("\n") + text.count("\r") + 1
        return
    assert plain.from_plain(plain.to_plain(schema)) == schema
    for shown in (render_ddl(schema), render_compact(schema)):
        assert shown.isprintable() or "\n" in shown
        assert all(line.isprintable() for line in shown.split("\n"))
    for engine in DIALECTS:
        assert len(create_statements(schema, engine)) >= len(schema.tables)
