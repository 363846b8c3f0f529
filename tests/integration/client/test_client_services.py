"""Schemas, checks and status through the client, sync and async."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import sqlstrict
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import Failure, StandInDaemon


def test_schemas(daemon: StandInDaemon, either: Any) -> None:
    info = pb.SchemaInfo(
        name="shop", fingerprint="ab", dialect=pb.DIALECT_SQLITE, table_count=1, warnings=["a view"]
    )
    key = pb.ForeignKeyInfo(columns=["a"], referenced_table="u", referenced_columns=["b"])
    table = pb.TableInfo(
        name="t",
        columns=[
            pb.ColumnInfo(name="a", type="INTEGER"),
            pb.ColumnInfo(name="b", type="TEXT", values=["x", "y"], comment="which"),
        ],
        comment="all of them",
        primary_key=["a"],
        foreign_keys=[key],
    )
    daemon.reply("RegisterSchema", pb.RegisterSchemaResponse(schema=info, replaced=True))
    daemon.reply("GetSchema", pb.GetSchemaResponse(schema=info, tables=[table], ddl="CREATE"))
    daemon.reply("DeleteSchema", pb.DeleteSchemaResponse())
    registered = either.register_schema("shop", "CREATE TABLE t (a)", dialect="sqlite")
    assert registered.is_replaced
    assert registered.info.warnings == ("a view",)
    schema = either.get_schema("shop")
    assert schema.ddl == "CREATE"
    assert schema.tables[0].comment == "all of them"
    assert schema.tables[0].columns == (
        sqlstrict.Column("a", "INTEGER"),
        sqlstrict.Column("b", "TEXT", ("x", "y"), "which"),
    )
    assert schema.tables[0].foreign_keys == (sqlstrict.ForeignKey(("a",), "u", ("b",)),)
    assert either.delete_schema("shop") is None
    assert daemon.asked("RegisterSchema")[0].dialect == pb.DIALECT_SQLITE


def test_what_is_being_typed(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("Prefill", pb.PrefillResponse())
    assert either.prefill("How many or", schema="shop", dialect="ansi") is None
    assert either.prefill(ddl="CREATE TABLE t (a INT)", dialect="postgres") is None
    assert daemon.asked("Prefill") == [
        pb.PrefillRequest(question_beginning="How many or", schema=pb.SchemaRef(name="shop")),
        pb.PrefillRequest(
            schema=pb.SchemaRef(ddl="CREATE TABLE t (a INT)", dialect=pb.DIALECT_POSTGRES)
        ),
    ]
    with pytest.raises(sqlstrict.InvalidRequest):
        either.prefill("How many")
    with pytest.raises(sqlstrict.InvalidRequest):
        either.prefill("How many", schema="shop", dialect="cobol")


def test_listing_follows_the_pages(daemon: StandInDaemon, either: Any) -> None:
    first = pb.ListSchemasResponse(schemas=[pb.SchemaInfo(name="a")], next_page_token="2")
    daemon.reply("ListSchemas", first, pb.ListSchemasResponse(schemas=[pb.SchemaInfo(name="b")]))
    assert [info.name for info in either.list_schemas()] == ["a", "b"]
    assert [asked.page_token for asked in daemon.asked("ListSchemas")] == ["", "2"]


def test_check(daemon: StandInDaemon, either: Any) -> None:
    problem = pb.Problem(check="scope", message="no", line=1, column=8, nearest=["id"])
    bad = pb.CheckResponse(kind=pb.STATEMENT_KIND_SELECT, prepares=True, problems=[problem])
    good = pb.CheckResponse(
        kind=pb.STATEMENT_KIND_DELETE,
        in_scope=True,
        types=pb.CHECK_RESULT_PASSED,
        prepares=True,
        engine="duckdb 1.1",
        writable=False,
    )
    daemon.reply("Check", bad, good)
    report = either.check("SELECT x FROM t", schema="shop", check_writable=False)
    assert not report.is_valid
    assert report.writable is None
    assert report.problems == (sqlstrict.Problem("scope", "no", 1, 8, ("id",)),)
    report = either.check(
        "DELETE FROM t", schema="shop", statements=["delete"], allow_unfiltered=True
    )
    assert report.is_valid and report.kind == "delete"
    assert (report.types, report.engine) == (sqlstrict.Outcome.PASSED, "duckdb 1.1")
    asked = daemon.asked("Check")[1]
    assert asked.statement_kinds == [pb.STATEMENT_KIND_DELETE]
    assert asked.allow_unfiltered_writes
    assert report.writable is False
    assert [asked.check_writable for asked in daemon.asked("Check")] == [False, True]


def test_models(daemon: StandInDaemon, either: Any) -> None:
    info = pb.ModelInfo(name="tiny", architecture="lfm2")
    state = pb.ModelState(
        origin=pb.MODEL_ORIGIN_CHOSEN, name="a", loading="b", problem="broken", watch="polling"
    )
    file = pb.ModelFile(name="a", size_bytes=9, model_name="tiny", chosen=True, serving=True)
    daemon.reply("GetModel", pb.GetModelResponse(state=state))
    daemon.reply("ListModels", pb.ListModelsResponse(models=[file, pb.ModelFile(problem="cut")]))
    daemon.reply("UseModel", pb.UseModelResponse(model=info, state=state))
    expected = sqlstrict.ModelState("chosen", "a", "b", "broken", "polling")
    assert either.model() == sqlstrict.CurrentModel(None, expected)
    first, second = either.models()
    assert first == sqlstrict.ModelFile("a", 9, "tiny", "", "", True, True)
    assert (second.problem, second.is_chosen) == ("cut", False)
    used = either.use_model("a")
    assert used.model is not None and used.model.architecture == "lfm2"
    assert daemon.asked("UseModel")[0].name == "a"


def test_a_model_that_is_not_used_has_an_error_of_its_own(
    daemon: StandInDaemon, either: Any
) -> None:
    rejected = Failure(grpc.StatusCode.FAILED_PRECONDITION, "it is cut short", "MODEL_REJECTED")
    superseded = Failure(grpc.StatusCode.ABORTED, "another was chosen", "MODEL_SUPERSEDED")
    daemon.reply("UseModel", rejected, superseded)
    for reason in ("MODEL_REJECTED", "MODEL_SUPERSEDED"):
        with pytest.raises(sqlstrict.ModelNotUsed) as caught:
            either.use_model("a")
        assert caught.value.reason == reason


def test_status(daemon: StandInDaemon, either: Any) -> None:
    model = pb.ModelInfo(name="tiny", schema_rendering=pb.SCHEMA_RENDERING_COMPACT)
    counters = {"questions": 3, "answers": 2}
    daemon.reply(
        "GetStatus",
        pb.GetStatusResponse(
            version="0.1.0",
            ready=True,
            model=model,
            counters=counters,
            batch_queued=5,
            model_state=pb.ModelState(origin=pb.MODEL_ORIGIN_FLAG, problem="it is cut short"),
        ),
        pb.GetStatusResponse(version="0.1.0"),
    )
    status = either.status()
    assert status.is_ready
    assert status.batch_queued == 5
    assert (status.model_state.origin, status.model_state.problem) == ("flag", "it is cut short")
    assert status.model.schema_rendering == "compact"
    assert list(status.counters.items()) == [("answers", 2), ("questions", 3)]
    assert either.status().model is None
    assert either.is_ready() is False
