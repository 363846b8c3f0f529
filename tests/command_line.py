"""The `sqlstrict` command as tests of it run it, and what a stand-in daemon answers it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

COUNT = "SELECT COUNT(*) FROM orders;"

DDL = "CREATE TABLE orders (\n  id INTEGER,\n  price NUMBERR\n);\n"

Captured = pytest.CaptureFixture[str]


def sql(text: str = COUNT, *others: str) -> pb.TranslateResponse:
    alternatives = [pb.Alternative(text=other) for other in others]
    kind = pb.STATEMENT_KIND_SELECT
    return pb.TranslateResponse(
        sql=pb.Sql(text=text, kind=kind, alternatives=alternatives), request_id="r1"
    )


def refusal() -> pb.TranslateResponse:
    near = pb.NearestName(name="orders.status", word="state", score=0.6)
    reason = pb.REFUSAL_REASON_NO_CANDIDATE
    return pb.TranslateResponse(
        refusal=pb.Refusal(reason=reason, message="no table fits", nearest=[near])
    )


def run(*arguments: str, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqlstrict", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )
