"""A GGUF file -> proof that it is the one that was made here, whole, and computes.

Called by `sqlstrict model verify` and by programs. Reads the whole file once and loads it in a
child process. Says nothing of whether the model is good; what was measured when it was made is
returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.gguf_format.edit import data_sha256, head_sha256
from sqlstrict_convert.gguf_format.header import GgufError, GgufHeader, read_header
from sqlstrict_convert.gguf_format.metadata import DATA_HASH_KEY, HEAD_HASH_KEY
from sqlstrict_convert.progress import Progress, Stopwatch
from sqlstrict_convert.quality.check import load_gguf
from sqlstrict_convert.quality.report import Report, read_report

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verification:
    """A file that loads and computes."""

    path: Path
    size_bytes: int
    has_hashes: bool  # False: made elsewhere, so there was nothing to hold its bytes against
    data_sha256: str  # of all bytes behind the tensor table, as found
    n_vocab: int
    report: Report

    def as_json(self) -> dict[str, Any]:
        """Return the verification as JSON knows it."""
        return {
            "path": str(self.path),
            "size_bytes": self.size_bytes,
            "has_hashes": self.has_hashes,
            "data_sha256": self.data_sha256,
            "n_vocab": self.n_vocab,
            "report": self.report.as_json(),
        }


def verify_gguf(
    path: Path, on_progress: Callable[[Progress], None] = lambda progress: None
) -> Verification:
    """Hold a file against the hashes that it carries, load it and compute with it.

    Progress comes in bytes of step `hash`, then in step `check`.

    Raises:
        CheckError: it cannot be read, is damaged, does not load or computes no finite logits.
    """
    on_progress = Stopwatch(on_progress)
    try:
        header = read_header(path)
        total = header.size_bytes - header.data_offset
        found = data_sha256(
            path, header.data_offset, lambda done: on_progress(Progress("hash", done, total))
        )
        has_hashes = _check_hashes(path, header, found)
    except GgufError as error:
        raise CheckError(str(error)) from error
    except OSError as error:
        raise CheckError(f"{path} cannot be read: {error.strerror}") from error
    on_progress(Progress("check", 0, 1))
    seen = load_gguf(path)
    on_progress(Progress("check", 1, 1))
    n_vocab = seen.get("n_vocab")
    return Verification(
        path=path,
        size_bytes=header.size_bytes,
        has_hashes=has_hashes,
        data_sha256=found,
        n_vocab=n_vocab if isinstance(n_vocab, int) else 0,
        report=read_report(header.metadata),
    )


def _check_hashes(path: Path, header: GgufHeader, found: str) -> bool:
    """Return whether the file carries hashes; raise CheckError where they are not its own."""
    data_hash, head_hash = header.text(DATA_HASH_KEY), header.text(HEAD_HASH_KEY)
    if data_hash is None and head_hash is None:
        return False
    if data_hash != found:
        raise CheckError(
            f"{path.name} is damaged: its weights are not those it was made with (SHA-256 "
            f"{found[:12]}..., stored is {(data_hash or 'none')[:12]}...); pull it again"
        )
    is_hash = head_hash is not None and _SHA256.fullmatch(head_hash)
    if not is_hash or head_hash != head_sha256(path, header.data_offset, head_hash or ""):
        raise CheckError(
            f"{path.name} is damaged or was changed: its metadata is not what it was made with; "
            "pull it again"
        )
    return True
