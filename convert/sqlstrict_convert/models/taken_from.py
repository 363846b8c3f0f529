"""What a pulled model is called by itself, and whether that name is another source's already.

Called by `pull`, as soon as it is known what will be taken and before anything large is fetched. A
file that was converted from a repository names it in its metadata. Which folder or finished file a
model was taken from is kept in an extended attribute of its file, so that neither its bytes nor a
copy of it tell of this machine; where the disk has none, such a model's source is not known.
"""

import os
import re
from pathlib import Path

from sqlstrict_convert.gguf_format.header import GgufError, read_header
from sqlstrict_convert.gguf_format.metadata import SOURCE_KEY
from sqlstrict_convert.models.folder import REJECTED, SUFFIX, ModelsFolder, NameTaken, check_name

NAME_MAX = 100
ATTRIBUTE = "user.sqlstrict.taken_from"


def default_name(model: str, gguf: str | None, quantization: str) -> str:
    """Return the name of a model whose user gave none: its own, and its quantization's.

    `gguf` is the name of a finished file, which is kept without its ending.
    """
    if gguf is not None:
        stem = gguf[: -len(SUFFIX)] if gguf.lower().endswith(SUFFIX) else gguf
    else:
        stem = f"{model[: NAME_MAX - len(quantization) - 1]}-{quantization}"
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip("._-")[:NAME_MAX]
    return check_name((cleaned or "model").removesuffix(REJECTED))


def check_free(models: ModelsFolder, name: str, place: str) -> None:
    """Raise NameTaken where a model of that name was taken from elsewhere than `place`."""
    path = models.file_of(name)
    if not path.exists():
        return
    before = read_place(path)
    if before != place:
        came = f"and came from {before}" if before else "and it is not known where it came from"
        raise NameTaken(
            f"a model {name} is here already, {came}; give this one another name by --name, or say "
            f"--name {name} to put it in the other one's place"
        )


def note_place(path: Path, place: str) -> None:
    """Keep with a model's file where it was taken from, where the disk can."""
    try:
        os.setxattr(path, ATTRIBUTE, place.encode(errors="surrogateescape"))
    except (AttributeError, OSError):
        return  # not Linux, or a disk without attributes: then its metadata says what it says


def read_place(path: Path) -> str | None:
    """Return where a model's file was taken from; None where that is not known."""
    try:
        return os.getxattr(path, ATTRIBUTE).decode(errors="surrogateescape")
    except (AttributeError, OSError):
        pass  # none was kept
    try:
        return read_header(path).text(SOURCE_KEY)
    except (GgufError, OSError):
        return None
