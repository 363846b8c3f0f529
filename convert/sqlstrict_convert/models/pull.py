"""The main line of `model pull`: source -> checked or converted file -> models folder -> choice.

Called by the command and, as a function, by programs. Each step is a file of its own. Whatever ends
a pull, the folder then lists what it listed before, or the new model whole.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlstrict_convert.checkpoint.config import ModelConfig
from sqlstrict_convert.checkpoint.tensors import plan_tensors
from sqlstrict_convert.checkpoint_conversion import (
    DEFAULT_QUANTIZATION,
    Options,
    convert_checkpoint,
)
from sqlstrict_convert.errors import OutputError, SourceError
from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_convert.gguf_format.metadata import Origin
from sqlstrict_convert.models.folder import (
    REJECTED,
    BadChoice,
    BadModelName,
    ModelsFolder,
    check_name,
)
from sqlstrict_convert.models.taken_from import check_free, default_name, note_place
from sqlstrict_convert.progress import Progress
from sqlstrict_convert.quality.report import read_report, report_lines
from sqlstrict_convert.quantize.quantize import BITS_PER_WEIGHT, QUANTIZATIONS
from sqlstrict_convert.source.finished_gguf import take_gguf
from sqlstrict_convert.source.sources import Sources
from sqlstrict_convert.staging import check_space


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be pulled, and how."""

    source: str
    name: str | None = None  # by default of the source and the quantization
    quantization: str | None = None
    base: str | None = None  # of an adapter: a folder or a repository
    revision: str | None = None
    is_chosen: bool | None = None  # None: where none is chosen yet
    uses_importance: bool | None = None  # see Options
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """What stands in the models folder now."""

    name: str
    path: Path
    size_bytes: int
    quantization: str
    origin: Origin
    report: list[str]  # how it was made and how it compares, for people
    license_link: str | None
    is_chosen: bool
    is_replaced: bool


def pull(
    request: Request,
    models: ModelsFolder,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Pulled:
    """Take a model into the models folder.

    Raises:
        BadModelName: the name that was asked for cannot be one.
        NameTaken: none was asked for, and the usual one is that of a model from elsewhere.
        SourceError, HubError: it is not to be had.
        ConvertError: it cannot be taken in or converted; its kinds say why.
    """
    if request.name is not None and check_name(request.name).endswith(REJECTED):
        raise BadModelName(f"names that end in {REJECTED} are kept for models outside their bounds")
    quantization = request.quantization or DEFAULT_QUANTIZATION
    _make_folder(models.path)

    def check_found(model: str, gguf: str | None, place: str) -> None:
        if request.name is None:
            check_free(models, default_name(model, gguf, quantization), place)

    sources = Sources(
        request.token,
        on_progress,
        on_note,
        check_found,
        lambda config, cache, n_bytes: _check_room(
            models.path, config, quantization, cache, n_bytes
        ),
    )
    source = sources.open(
        request.source, revision=request.revision, quantization=request.quantization
    )
    gguf_name = source.gguf.name if source.gguf else None
    name = request.name or default_name(source.origin.name, gguf_name, quantization)
    target = models.file_of(name)
    is_replaced = target.exists()
    note = partial(note_place, place=source.place)
    if source.gguf is not None:
        if request.base is not None:
            raise SourceError("--base goes with an adapter; this is a finished GGUF file")
        take_gguf(source.gguf, target, on_progress, note)
    else:
        assert source.folder is not None  # one of the two is set
        convert_checkpoint(
            source.folder,
            target,
            Options(quantization, request.uses_importance),
            origin=source.origin,
            find_base=sources.base_finder(source, request.base),
            on_progress=on_progress,
            on_finished=note,
        )
    header = read_header(target)
    return Pulled(
        name=name,
        path=target,
        size_bytes=header.size_bytes,
        quantization=header.quantization,
        origin=source.origin,
        report=report_lines(read_report(header.metadata)) if source.gguf is None else [],
        license_link=source.license_link,
        is_chosen=_choose(models, name, request.is_chosen),
        is_replaced=is_replaced,
    )


def _check_room(
    folder: Path, config: ModelConfig, quantization: str, cache: Path, download_bytes: int
) -> None:
    """Raise OutputError where the result, or the way to it, will find no room."""
    n_values = sum(plan.n_values for plan in plan_tensors(config))
    bits = BITS_PER_WEIGHT[quantization]
    if quantization in QUANTIZATIONS:  # both files stand there while quantizing
        bits += BITS_PER_WEIGHT["F16"]
    needed_bytes = n_values * bits // 8
    if os.stat(folder).st_dev == os.stat(cache).st_dev:
        needed_bytes += download_bytes
    check_space(folder, needed_bytes, "download and conversion")


def _choose(models: ModelsFolder, name: str, is_chosen: bool | None) -> bool:
    try:
        chosen = models.chosen()
    except BadChoice:
        chosen = None  # what stands there names nothing; a good choice takes its place
    if is_chosen or (is_chosen is None and chosen is None):
        models.choose(name)
        return True
    return chosen == name


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
