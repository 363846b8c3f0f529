"""What a stand-in daemon answers in tests of the client."""

from __future__ import annotations

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

SQL = pb.TranslateResponse(
    sql=pb.Sql(
        text="SELECT COUNT(*) FROM orders;",
        kind=pb.STATEMENT_KIND_SELECT,
        tables=["orders"],
        columns=[],
        certificate=pb.Certificate(
            schema_fingerprint="ab" * 32,
            dialect=pb.DIALECT_SQLITE,
            model="tiny@0",
            grammar=pb.CHECK_RESULT_PASSED,
            scope=pb.CHECK_RESULT_PASSED,
            types=pb.CHECK_RESULT_PASSED,
            engine="sqlite 3.45.1",
        ),
        confidence=pb.Confidence(
            mean_log_probability=-0.25, min_log_probability=-1.5, score=0.75, matched_words=0.5
        ),
        alternatives=[pb.Alternative(text="SELECT COUNT(id) FROM orders;")],
    ),
    usage=pb.Usage(prompt_tokens=40, cached_tokens=30, total_us=1234, attempts=2),
    request_id="r1",
)


REFUSAL = pb.TranslateResponse(
    refusal=pb.Refusal(
        reason=pb.REFUSAL_REASON_NO_CANDIDATE,
        message="no table fits",
        nearest=[pb.NearestName(name="orders.status", word="state", score=0.5)],
    ),
    request_id="r2",
)
