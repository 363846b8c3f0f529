"""The worker's side of the pipe: one JSON request in, one JSON reply out, until the pipe ends.

Started by `process.py` as `python -m sqlstrictd.worker`. Knows neither gRPC nor the model. A reply
never holds an exception's text, except that of a SchemaError, which goes to the schema's own user.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

from sqlstrictd.constraint import skeleton_of
from sqlstrictd.errors import SchemaError
from sqlstrictd.policy import Policy
from sqlstrictd.schema import plain
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import canonical, check_statement, infer_columns

HEADER = struct.Struct(">I")
KEPT_SCHEMAS = 16
PR_SET_PDEATHSIG = 1

Reply = dict[str, Any]


class Schemas:
    """The schemas that the front sent last, so that it sends each once and not with every check."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Schema] = OrderedDict()

    def find(self, request: dict[str, Any]) -> Schema | None:
        """Return the request's schema; None where the front has to send it along."""
        fingerprint = request["fingerprint"]
        if "schema" in request:
            self._kept[fingerprint] = plain.from_plain(request["schema"])
            while len(self._kept) > KEPT_SCHEMAS:
                self._kept.popitem(last=False)
        if fingerprint in self._kept:
            self._kept.move_to_end(fingerprint)
        return self._kept.get(fingerprint)


def parse(request: dict[str, Any], _: Schemas) -> Reply:
    """Read a schema text."""
    try:
        schema = parse_schema(request["text"], request["dialect"], infer_columns)
    except SchemaError as error:
        return {
            "schema_error": {
                "message": error.message,
                "line": error.line,
                "column": error.column,
            }
        }
    return {"schema": plain.to_plain(schema)}


def check(request: dict[str, Any], schemas: Schemas) -> Reply:
    """Check statements against a schema; each passed one also gets its canonical form."""
    schema = schemas.find(request)
    if schema is None:
        return {"is_schema_missing": True}
    policy = Policy.from_plain(request["policy"])
    replies = []
    for statement in request["statements"]:
        verdict = check_statement(statement, schema, request["dialect"], policy)
        form = canonical(statement, request["dialect"]) if verdict.in_scope else None
        replies.append({"verdict": asdict(verdict), "canonical": form})
    return {"checked": replies}


def skeleton(request: dict[str, Any], schemas: Schemas) -> Reply:
    """Read what a statement reads from; none where it cannot be read."""
    schema = schemas.find(request)
    if schema is None:
        return {"is_schema_missing": True}
    found = skeleton_of(request["statement"], schema, request["dialect"])
    return {"skeleton": found.to_json() if found.clauses else None}


TASKS: dict[str, Callable[[dict[str, Any], Schemas], Reply]] = {
    "parse": parse,
    "check": check,
    "skeleton": skeleton,
    "hello": lambda request, schemas: {},
}


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until the pipe ends."""
    schemas = Schemas()
    while header := requests.read(HEADER.size):
        (length,) = HEADER.unpack(header)
        request = json.loads(requests.read(length))
        try:
            reply = TASKS[request["task"]](request, schemas)
        except Exception as error:
            # The type alone: an exception's text may quote the schema or the statement.
            reply = {"error": type(error).__name__}
        payload = json.dumps(reply).encode()
        replies.write(HEADER.pack(len(payload)) + payload)
        replies.flush()


def main() -> None:
    """Serve on the standard pipes, which nothing else in this process may write to."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Ctrl-C goes to the whole group of processes; the front drains, and needs its workers for that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # The end of the pipe is seen between requests only; this ends a busy worker too.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(requests, replies)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
