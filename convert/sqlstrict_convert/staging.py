"""A place beside the target for unfinished files, and the one step that makes a file the target.

Called by `checkpoint_conversion` and `finished_gguf`. A target is either the old file or the whole
new one: files are written into a hidden folder on the same disk, forced out, then renamed. What
killed runs left behind is removed by the next run in the same place, whatever its target; a lock
tells it from what is in use.
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlstrict_convert.errors import OutputError

SUFFIX = ".sqlstrict-partial"
SPARE_BYTES = 16 << 20  # left free beyond what the files need


@contextmanager
def staging_folder(target: Path, needed_bytes: int) -> Iterator[Path]:
    """Give a locked, empty folder on the target's disk and remove it with all in it at the end.

    Raises:
        OutputError: the target cannot be a file there, or the disk has not `needed_bytes` free.
    """
    parent = target.absolute().parent
    if target.is_dir():
        raise OutputError(f"{target} is a folder; give the name of the file to write")
    if not parent.is_dir():
        raise OutputError(f"{parent} does not exist; make the folder first")
    # Named before it is there: it is removed at whatever moment a signal comes.
    folder = parent / f".{target.name}.{secrets.token_hex(8)}{SUFFIX}"
    descriptor = None
    try:
        try:
            # One run at a time looks around here: a new folder is locked before others see it.
            with _locked(parent):
                _remove_abandoned(parent)
                folder.mkdir(mode=0o700)
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(f"cannot write into {parent}: {error.strerror}") from error
        check_space(parent, needed_bytes, "the conversion")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def publish(finished: Path, target: Path) -> None:
    """Rename a finished, synced file to its target, so that the rename survives a power cut.

    Raises:
        OutputError: the rename failed; the old target, if any, is as it was.
    """
    try:
        os.replace(finished, target)
        descriptor = os.open(target.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from error


def check_space(folder: Path, needed_bytes: int, what: str) -> None:
    """Raise OutputError unless a folder's disk has room for `what` and a little more."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + SPARE_BYTES:
        raise OutputError(
            f"{folder} has {free_bytes / 1e6:,.0f} MB free, {what} needs "
            f"{(needed_bytes + SPARE_BYTES) / 1e6:,.0f} MB there for a while"
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned(parent: Path) -> None:
    for entry in os.scandir(parent):
        if not entry.name.startswith(".") or not entry.name.endswith(SUFFIX):
            continue
        try:
            descriptor = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            continue  # its run ended meanwhile, or it is none of ours
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(entry.path, ignore_errors=True)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
        finally:
            os.close(descriptor)
