"""The thin client of the sqlstrict daemon: a library and the `sqlstrict` command.

    from sqlstrict import Client

    with Client() as client:
        answer = client.translate("How many orders are open?", schema="shop")
        print(answer.sql or answer.refusal.message)

`AsyncClient` has the same names for asyncio. gRPC is loaded when a name of this package is first
used, so that `sqlstrict --help` does not wait for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlstrict.aio import AsyncClient
    from sqlstrict.answers import (
        Accepted,
        Alternative,
        Answer,
        BatchResult,
        Certificate,
        CheckReport,
        Column,
        Confidence,
        Event,
        ForeignKey,
        NearestName,
        Outcome,
        Problem,
        Progress,
        Refusal,
        RefusalReason,
        RegisteredSchema,
        Schema,
        SchemaInfo,
        Status,
        Table,
        Usage,
    )
    from sqlstrict.client import Client
    from sqlstrict.errors import (
        Busy,
        Cancelled,
        DaemonError,
        DaemonNotRunning,
        DeadlineExceeded,
        EngineCrashed,
        InvalidAddress,
        InvalidRequest,
        ModelNotUsed,
        NotFound,
        NotReachable,
        NotReady,
        QueryError,
        SchemaError,
        ShuttingDown,
        SourceError,
        SqlstrictError,
        Unavailable,
        UnsupportedSource,
        UntrustedSocket,
    )
    from sqlstrict.model_answers import CurrentModel, ModelFile, ModelInfo, ModelState

__version__ = "0.1.0"

__all__ = [
    "Accepted",
    "Alternative",
    "Answer",
    "AsyncClient",
    "BatchResult",
    "Busy",
    "Cancelled",
    "Certificate",
    "CheckReport",
    "Client",
    "Column",
    "Confidence",
    "CurrentModel",
    "DaemonError",
    "DaemonNotRunning",
    "DeadlineExceeded",
    "EngineCrashed",
    "Event",
    "ForeignKey",
    "InvalidAddress",
    "InvalidRequest",
    "ModelFile",
    "ModelInfo",
    "ModelNotUsed",
    "ModelState",
    "NearestName",
    "NotFound",
    "NotReachable",
    "NotReady",
    "Outcome",
    "Problem",
    "Progress",
    "QueryError",
    "Refusal",
    "RefusalReason",
    "RegisteredSchema",
    "Schema",
    "SchemaError",
    "SchemaInfo",
    "ShuttingDown",
    "SourceError",
    "SqlstrictError",
    "Status",
    "Table",
    "Unavailable",
    "UnsupportedSource",
    "UntrustedSocket",
    "Usage",
]


def __getattr__(name: str) -> Any:
    """Load the module that defines a public name when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'sqlstrict' has no attribute {name!r}")
    modules = {"Client": ["client"], "AsyncClient": ["aio"]}.get(
        name, ["answers", "model_answers", "errors"]
    )
    for module in modules:
        found = importlib.import_module(f"sqlstrict.{module}")
        if hasattr(found, name):
            globals()[name] = getattr(found, name)
            return globals()[name]
    raise AttributeError(f"sqlstrict.__all__ names {name!r}, which no module defines")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
