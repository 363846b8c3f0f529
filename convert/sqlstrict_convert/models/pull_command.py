"""`sqlstrict model pull` and `verify`: flags -> the work -> what a person and a program read of it.

Called by `command`, and loaded only for these two, since they need the extra `convert`.
"""

import argparse

from sqlstrict_convert.errors import CheckError, SourceError
from sqlstrict_convert.models import command as models_command
from sqlstrict_convert.models.folder import ModelsFolder
from sqlstrict_convert.models.pull import Pulled, Request, pull
from sqlstrict_convert.quality.report import report_lines
from sqlstrict_convert.quality.verification import verify_gguf
from sqlstrict_convert.quantize.quantize import BITS_PER_WEIGHT
from sqlstrict_convert.source.sources import read_token
from sqlstrict_convert.terminal import Terminal

# What the hub calls the licence of LFM2 and its fine-tunes.
_LFM_LICENSES = ("lfm1.0", "lfm")


def run_pull(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    """Take a model in and say what it is, where it came from and under which licence."""
    if arguments.quantize is not None and arguments.quantize not in BITS_PER_WEIGHT:
        terminal.fail(
            SourceError.__name__,
            f"unknown quantization {arguments.quantize!r}; known are {', '.join(BITS_PER_WEIGHT)}",
            is_event=True,
        )
        return models_command.Exit.USAGE
    request = Request(
        source=arguments.source,
        name=arguments.name,
        quantization=arguments.quantize,
        base=arguments.base,
        revision=arguments.revision,
        is_chosen=arguments.use,
        uses_importance=arguments.imatrix,
        token=read_token(arguments.token_file) if arguments.token_file else None,
    )
    pulled = pull(request, folder, on_progress=terminal.progress, on_note=terminal.note)
    _tell(pulled, terminal)
    return models_command.Exit.DONE


def run_verify(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    """Hold a model against what its file says of it, and say what was found."""
    model = folder.find(arguments.name)
    try:
        found = verify_gguf(model.path, terminal.progress)
    except CheckError as error:
        terminal.fail(type(error).__name__, str(error), is_event=True)
        return models_command.Exit.NOT_VALID
    terminal.json(event="done", name=model.name, **found.as_json())
    if found.has_hashes:
        terminal.result(f"{model.name} is as it was made, loads and computes")
    else:
        terminal.result(f"{model.name} loads and computes; it was made elsewhere, with no hashes")
    terminal.result(f"SHA-256 of the weights: {found.data_sha256}")
    for line in report_lines(found.report) if found.has_hashes else ():
        terminal.result(f"  {line}")
    return models_command.Exit.DONE


def _tell(pulled: Pulled, terminal: Terminal) -> None:
    origin = pulled.origin
    terminal.json(
        event="done",
        name=pulled.name,
        path=str(pulled.path),
        size_bytes=pulled.size_bytes,
        quantization=pulled.quantization,
        source=origin.source,
        revision=origin.revision,
        license=origin.license,
        license_link=pulled.license_link,
        is_chosen=pulled.is_chosen,
        is_replaced=pulled.is_replaced,
    )
    at = f"@{origin.revision}" if origin.revision else ""
    source = f", from {origin.source}{at}" if origin.source else ""
    terminal.result(
        f"{pulled.name}: {pulled.quantization}, {pulled.size_bytes / 1e6:,.1f} MB{source}"
    )
    if pulled.is_replaced:
        terminal.result("  in place of the model that had this name")
    for line in pulled.report:
        terminal.result(f"  {line}")
    link = f" ({pulled.license_link})" if pulled.license_link else ""
    terminal.result(f"licence: {origin.license or 'not said by its publisher'}{link}")
    if origin.license in _LFM_LICENSES:
        terminal.result(
            "the LFM Open License limits commercial use by large companies; read it before you "
            "rely on it"
        )
    if pulled.is_chosen:
        terminal.result(f"{pulled.name} is the chosen model; `sqlstrict serve` uses it")
    else:
        terminal.result(f"`sqlstrict model use {pulled.name}` makes it the chosen model")
