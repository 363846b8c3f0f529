"""CheckService: judge a statement without the model."""

from __future__ import annotations

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd import limits
from sqlstrictd.check import Check
from sqlstrictd.service.call import Boundary, Call, Handler
from sqlstrictd.service.requests import dialect_of, policy_of, schema_ref_of
from sqlstrictd.service.responses import findings_pb


class CheckService:
    """The method of CheckService."""

    def __init__(self, check: Check) -> None:
        self._check = check

    def handlers(self, boundary: Boundary) -> dict[str, Handler]:
        """Return the handlers by method name."""
        return {"Check": boundary.unary("Check", pb.CheckRequest, self._judge)}

    async def _judge(self, call: Call, request: pb.CheckRequest) -> pb.CheckResponse:
        limits.check_statement_text(request.statement, "statement")
        dialect = dialect_of(request.dialect, "dialect")
        findings = await self._check.judge(
            request.statement,
            schema_ref_of(request.schema, dialect, "schema"),
            dialect,
            policy_of(request.statement_kinds, request.allow_unfiltered_writes, "statement_kinds"),
            asks_writable=request.check_writable if request.HasField("check_writable") else True,
            deadline=call.deadline,
        )
        call.facts.update(
            statement_bytes=len(request.statement.encode()), problems=len(findings.verdict.problems)
        )
        return findings_pb(findings)
