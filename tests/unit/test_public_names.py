"""The client's public surface: sorted, complete, alike for sync and async, and cheap to import."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import sqlstrict
from sqlstrict import answers, calls, channel, errors, model_answers
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_list_is_sorted_and_every_name_is_there() -> None:
    assert sqlstrict.__all__ == sorted(set(sqlstrict.__all__))
    assert all(getattr(sqlstrict, name) is not None for name in sqlstrict.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Cleint'"):
        sqlstrict.Cleint  # noqa: B018


def test_every_public_answer_and_error_is_exported() -> None:
    defined = {
        name
        for module in (answers, model_answers, errors)
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    }
    assert defined | {"Client", "AsyncClient", "Event"} == set(sqlstrict.__all__)


def test_every_error_of_the_tree_has_one_base() -> None:
    kinds = [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    assert len(kinds) > 10 and all(issubclass(kind, errors.SqlstrictError) for kind in kinds)


def test_errors_are_pythons_own_where_it_has_them() -> None:
    gone = errors.DaemonNotRunning("gone", reason="R", code="C")
    assert isinstance(gone, ConnectionError)
    assert isinstance(errors.DeadlineExceeded("late"), TimeoutError)
    assert (str(gone), gone.message, gone.reason, gone.code) == ("gone", "gone", "R", "C")


def surface(client: type) -> dict[str, list[tuple[str, object]]]:
    return {
        name: [
            (parameter.name, parameter.default)
            for parameter in inspect.signature(method).parameters.values()
        ]
        for name, method in vars(client).items()
        if inspect.isfunction(method) and (not name.startswith("_") or name == "__init__")
    }


def test_sync_and_async_have_the_same_names_and_arguments() -> None:
    assert surface(sqlstrict.Client) == surface(sqlstrict.AsyncClient)


def test_every_call_is_a_method_of_the_contract() -> None:
    made: list[calls.Call[object]] = [
        calls.translate("q", schema="s"),  # type: ignore[list-item]
        calls.stream("q", schema="s", include_draft=False),  # type: ignore[list-item]
        calls.batch(),  # type: ignore[list-item]
        calls.prefill("q", schema="s"),  # type: ignore[list-item]
        calls.register_schema("s", "d"),  # type: ignore[list-item]
        calls.get_schema("s"),  # type: ignore[list-item]
        calls.list_schemas(),  # type: ignore[list-item]
        calls.delete_schema("s"),  # type: ignore[list-item]
        calls.check("q", schema="s"),  # type: ignore[list-item]
        calls.model(),  # type: ignore[list-item]
        calls.models(),  # type: ignore[list-item]
        calls.use_model("m"),  # type: ignore[list-item]
        calls.status(),  # type: ignore[list-item]
    ]
    methods = {
        f"/{service.full_name}/{method.name}": (method.input_type.name, method.output_type.name)
        for service in pb.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    found = {
        call.path: (call.request.DESCRIPTOR.name, call.response.DESCRIPTOR.name) for call in made
    }
    assert found == methods


def test_retries_cover_every_method_but_deleting() -> None:
    retried = set()
    for entry in channel._RETRIED:
        service = pb.DESCRIPTOR.services_by_name[entry["service"].rpartition(".")[2]]
        names = [method.name for method in service.methods]
        retried |= {entry["method"]} if "method" in entry else set(names)
        assert retried & set(names)
    every = {
        method.name
        for service in pb.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert every - retried == {"DeleteSchema"}


@pytest.mark.parametrize("code", ["import sqlstrict", "import sqlstrict.cli"])
def test_importing_does_not_load_grpc(code: str) -> None:
    code += "; import sys; print([m for m in ('grpc', 'google.protobuf') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    assert sqlstrict.__version__ == project["version"]
