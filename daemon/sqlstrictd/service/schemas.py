"""SchemaService: register, show, list and delete schemas."""

from __future__ import annotations

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd import limits
from sqlstrictd.catalog import Catalog
from sqlstrictd.counters import Counters
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.errors import InvalidRequest
from sqlstrictd.schema.render import render_definitions
from sqlstrictd.service.call import Boundary, Call, Handler
from sqlstrictd.service.requests import dialect_of
from sqlstrictd.service.responses import schema_info_pb, tables_pb


class SchemaService:
    """The methods of SchemaService."""

    def __init__(self, catalog: Catalog, engine: EngineRoom, counters: Counters) -> None:
        self._catalog = catalog
        self._engine = engine
        self._counters = counters

    def handlers(self, boundary: Boundary) -> dict[str, Handler]:
        """Return the handlers by method name."""
        return {
            "RegisterSchema": boundary.unary(
                "RegisterSchema", pb.RegisterSchemaRequest, self._register
            ),
            "GetSchema": boundary.unary("GetSchema", pb.GetSchemaRequest, self._get),
            "ListSchemas": boundary.unary("ListSchemas", pb.ListSchemasRequest, self._list),
            "DeleteSchema": boundary.unary("DeleteSchema", pb.DeleteSchemaRequest, self._delete),
        }

    async def _register(
        self, call: Call, request: pb.RegisterSchemaRequest
    ) -> pb.RegisterSchemaResponse:
        call.schema_field = "ddl"
        limits.check_schema_name(request.name, "name")
        limits.check_ddl(request.ddl, "ddl")
        dialect = dialect_of(request.dialect, "dialect") or "sqlite"
        registered, is_replaced = await self._catalog.register(request.name, request.ddl, dialect)
        self._counters.add("schemas_registered")
        self._engine.prefill(registered.schema)
        call.facts.update(ddl_bytes=len(request.ddl), tables=len(registered.schema.tables))
        return pb.RegisterSchemaResponse(schema=schema_info_pb(registered), replaced=is_replaced)

    async def _get(self, call: Call, request: pb.GetSchemaRequest) -> pb.GetSchemaResponse:
        limits.check_schema_name(request.name, "name")
        registered = self._catalog.get(request.name)
        return pb.GetSchemaResponse(
            schema=schema_info_pb(registered),
            tables=tables_pb(registered.schema),
            ddl=render_definitions(registered.schema),
        )

    async def _list(self, call: Call, request: pb.ListSchemasRequest) -> pb.ListSchemasResponse:
        # The token is the name that the page before ended with.
        after = request.page_token
        if after:
            try:
                limits.check_schema_name(after, "page_token")
            except InvalidRequest as error:
                raise InvalidRequest("this is no token of a page before", "page_token") from error
        rest = [registered for registered in self._catalog.list() if registered.name > after]
        page = rest[: request.page_size] if request.page_size else rest
        return pb.ListSchemasResponse(
            schemas=[schema_info_pb(registered) for registered in page],
            next_page_token=page[-1].name if len(page) < len(rest) else "",
        )

    async def _delete(self, call: Call, request: pb.DeleteSchemaRequest) -> pb.DeleteSchemaResponse:
        limits.check_schema_name(request.name, "name")
        self._catalog.delete(request.name)
        return pb.DeleteSchemaResponse()
