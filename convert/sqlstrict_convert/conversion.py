"""Any published model -> one GGUF file where the caller wants it: the package's `convert`.

Called by the command line and, as a function, by programs. Finds out what the source is; what is
done with a checkpoint stands in `checkpoint_conversion`, what with a finished GGUF file in
`finished_gguf`. The models folder is the business of `pull`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sqlstrict_convert.checkpoint_conversion import (
    DEFAULT_QUANTIZATION,
    Conversion,
    Options,
    convert_checkpoint,
)
from sqlstrict_convert.errors import SourceError
from sqlstrict_convert.progress import Progress
from sqlstrict_convert.quality.report import read_report
from sqlstrict_convert.source.finished_gguf import take_gguf
from sqlstrict_convert.source.sources import Sources


def convert(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    quantization: str = DEFAULT_QUANTIZATION,
    *,
    base: str | None = None,
    revision: str | None = None,
    token: str | None = None,
    uses_importance: bool | None = None,
    compares: bool = True,
    keeps_f16: bool = False,
    assumes_word_pattern: bool = False,
    n_threads: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Conversion:
    """Turn a published model into one GGUF file at `out`, which is replaced in one step at the end.

    `source` is a checkpoint folder, the folder of an adapter, a GGUF file, or a repository of the
    hub; `base` names an adapter's base where it does not name it itself. A finished GGUF file is
    checked and taken as it is. For the others see `Options`.

    Raises:
        SourceError, HubError: the source is not to be had.
        UnsupportedCheckpoint, CheckpointError: before anything is written.
        OutputError, QuantizeError, CheckError: nothing is left of what was written.
        QualityError: `out` is as it was; the result lies beside it as NAME.rejected.gguf.
    """
    options = Options(
        quantization=quantization,
        uses_importance=uses_importance,
        compares=compares,
        keeps_f16=keeps_f16,
        assumes_word_pattern=assumes_word_pattern,
        n_threads=n_threads,
    )
    sources = Sources(token, on_progress, on_note)
    found = sources.open(os.fspath(source), revision=revision, quantization=quantization)
    target = Path(out)
    if found.gguf is not None:
        if base is not None:
            raise SourceError("a base goes with an adapter; this is a finished GGUF file")
        header = take_gguf(found.gguf, target, on_progress)
        return Conversion(
            path=target,
            size_bytes=header.size_bytes,
            quantization=header.quantization,
            n_tensors=len(header.tensors),
            n_parameters=header.n_parameters,
            figures=read_report(header.metadata).figures,
        )
    assert found.folder is not None  # one of the two is set
    return convert_checkpoint(
        found.folder,
        target,
        options,
        origin=found.origin,
        find_base=sources.base_finder(found, base),
        on_progress=on_progress,
    )
