"""The contract's enums <-> the names that the daemon has for their values.

`requests.py` and `responses.py` use it, so that a value is spelled in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

DIALECT_PB: Mapping[str, pb.Dialect] = MappingProxyType(
    {
        "sqlite": pb.DIALECT_SQLITE,
        "ansi": pb.DIALECT_ANSI,
        "postgres": pb.DIALECT_POSTGRES,
        "duckdb": pb.DIALECT_DUCKDB,
        "mysql": pb.DIALECT_MYSQL,
    }
)
DIALECTS: Mapping[int, str] = MappingProxyType(
    {number: name for name, number in DIALECT_PB.items()}
)

# Those that a policy may name; Check may also find STATEMENT_KIND_OTHER, or none.
KIND_PB: Mapping[str, pb.StatementKind] = MappingProxyType(
    {
        "select": pb.STATEMENT_KIND_SELECT,
        "insert": pb.STATEMENT_KIND_INSERT,
        "update": pb.STATEMENT_KIND_UPDATE,
        "delete": pb.STATEMENT_KIND_DELETE,
        "create_table": pb.STATEMENT_KIND_CREATE_TABLE,
        "create_view": pb.STATEMENT_KIND_CREATE_VIEW,
        "create_index": pb.STATEMENT_KIND_CREATE_INDEX,
        "alter_table": pb.STATEMENT_KIND_ALTER_TABLE,
    }
)
ORIGIN_PB: Mapping[str, pb.ModelOrigin] = MappingProxyType(
    {
        "bundled": pb.MODEL_ORIGIN_BUNDLED,
        "chosen": pb.MODEL_ORIGIN_CHOSEN,
        "flag": pb.MODEL_ORIGIN_FLAG,
    }
)
KINDS_BY_NUMBER: Mapping[int, str] = MappingProxyType(
    {number: kind for kind, number in KIND_PB.items()}
)

RENDERING_PB: Mapping[str, pb.SchemaRendering] = MappingProxyType(
    {"ddl": pb.SCHEMA_RENDERING_DDL, "compact": pb.SCHEMA_RENDERING_COMPACT}
)


def found_kind_pb(kind: str) -> pb.StatementKind:
    """Return the kind that a check found: also one that no policy names, and unset for unknown."""
    if kind == "unknown":
        return pb.STATEMENT_KIND_UNSPECIFIED
    return KIND_PB.get(kind, pb.STATEMENT_KIND_OTHER)
