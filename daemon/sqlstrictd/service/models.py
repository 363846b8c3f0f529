"""ModelService: which model answers, which ones are there, and the choice of another."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.errors import ModelUnusable
from sqlstrictd.model.file import Look
from sqlstrictd.model.follower import ModelFollower
from sqlstrictd.model.header import check_header
from sqlstrictd.service.call import Boundary, Call, Handler
from sqlstrictd.service.responses import model_pb, model_state_pb

# A large model takes its time to be hashed and loaded, whatever questions may take.
USE_LIMIT_S = 1800.0
KEPT_HEADERS = 256


class ModelService:
    """The methods of ModelService."""

    def __init__(self, engine: EngineRoom, follower: ModelFollower) -> None:
        self._engine = engine
        self._follower = follower
        self._headers: OrderedDict[tuple[Path, Look], pb.ModelFile] = OrderedDict()

    def handlers(self, boundary: Boundary) -> dict[str, Handler]:
        """Return the handlers by method name."""
        return {
            "GetModel": boundary.unary("GetModel", pb.GetModelRequest, self._get),
            "ListModels": boundary.unary("ListModels", pb.ListModelsRequest, self._list),
            "UseModel": boundary.unary("UseModel", pb.UseModelRequest, self._use, USE_LIMIT_S),
        }

    async def _get(self, call: Call, request: pb.GetModelRequest) -> pb.GetModelResponse:
        return pb.GetModelResponse(model=self._model(), state=self._state())

    async def _use(self, call: Call, request: pb.UseModelRequest) -> pb.UseModelResponse:
        await self._follower.use(request.name)
        return pb.UseModelResponse(model=self._model(), state=self._state())

    async def _list(self, call: Call, request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        models = await asyncio.to_thread(self._read_folder)
        chosen = self._follower.choices.chosen_name()
        serving = self._engine.choice
        folder = self._follower.choices.folder.path
        for model in models:
            model.chosen = model.name == chosen
            model.serving = folder == serving.path.parent and model.name == serving.name
        return pb.ListModelsResponse(models=models)

    def _model(self) -> pb.ModelInfo | None:
        model = self._engine.current
        return model_pb(model.info, model.file) if model.info else None

    def _state(self) -> pb.ModelState:
        return model_state_pb(self._engine.choice, self._follower)

    def _read_folder(self) -> list[pb.ModelFile]:
        found = []
        for model in self._follower.choices.folder.list():
            try:
                key = (model.path, Look.at(model.path))
            except OSError:
                continue  # removed meanwhile
            described = self._headers.get(key) or self._read(model.path)
            self._headers[key] = described
            while len(self._headers) > KEPT_HEADERS:
                self._headers.popitem(last=False)
            copy = pb.ModelFile()
            copy.CopyFrom(described)
            copy.name, copy.size_bytes = model.name, key[1].size
            if model.is_rejected and not copy.problem:
                copy.problem = "it was kept aside because it is worse than its bounds allow"
            found.append(copy)
        return found

    def _read(self, path: Path) -> pb.ModelFile:
        try:
            header = check_header(path)
        except ModelUnusable as error:
            return pb.ModelFile(problem=error.message)
        return pb.ModelFile(
            model_name=_clean(header.text("general.name") or ""),
            architecture=_clean(header.architecture),
        )


def _clean(text: str) -> str:
    """Return text of a file as protobuf takes it, however strange it is."""
    return text.encode(errors="replace").decode()[:200]
