"""A repository of a model hub -> its list of files, and chosen files in the hub's own cache.

Called by `sources`; the only user of huggingface_hub, and loaded only where a hub is needed. The
library gives the addresses, the token, HF_ENDPOINT, HF_HUB_OFFLINE and the cache's layout. The
bytes are fetched by `download`, since the library forgets a part of a file when it is killed. Sends
nothing about this machine but the names and versions of the two programs and of Python.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the library is imported

from huggingface_hub import (
    HfApi,
    ModelInfo,
    constants,
    get_session,
    hf_hub_download,
    hf_hub_url,
)
from huggingface_hub.file_download import get_hf_file_metadata
from huggingface_hub.utils import build_hf_headers, disable_progress_bars, hf_raise_for_status
from huggingface_hub.utils import logging as library_logging

from sqlstrict_convert.errors import CheckpointError, HubError, OutputError
from sqlstrict_convert.source import hub_problems
from sqlstrict_convert.source.download import SUFFIX as PARTIAL
from sqlstrict_convert.source.download import Body, Content, Interrupted, download
from sqlstrict_convert.source.repository import is_file_name
from sqlstrict_convert.staging import check_space

LIBRARY_NAME = "sqlstrict"
INFO_TIMEOUT_S = 20.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HubFile:
    """What the hub's list says of one file; None where a mirror does not say it."""

    size_bytes: int | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One repository at one commit."""

    repository: str
    commit: str
    files: Mapping[str, HubFile]
    license: str | None
    license_link: str | None


class Hub:
    """The hub that the environment names, seen with one token or that of the machine."""

    def __init__(self, token: str | None, on_note: Callable[[str], None]) -> None:
        self._token = token
        self._on_note = on_note
        self.is_offline = bool(constants.HF_HUB_OFFLINE)
        self.cache = Path(constants.HF_HUB_CACHE)
        disable_progress_bars()
        library_logging.set_verbosity_error()  # what it warns of is said here, in our words

    def look(self, repository: str, revision: str | None) -> Listing:
        """Return what a repository holds, with the revision resolved to its commit.

        Raises:
            HubError: no such repository or revision, no access, or nothing answers.
        """
        if self.is_offline:
            return self._look_into_cache(repository, revision or constants.DEFAULT_REVISION)
        api = HfApi(token=self._token, library_name=LIBRARY_NAME)
        return self._asked(
            repository,
            lambda: _listing(
                repository,
                api.model_info(
                    repository,
                    revision=revision or constants.DEFAULT_REVISION,
                    files_metadata=True,
                    timeout=INFO_TIMEOUT_S,
                ),
            ),
        )

    def missing_bytes(self, listing: Listing, names: Iterable[str]) -> int:
        """Return how much of these files is not in the cache yet, as far as the hub says sizes."""
        missing = 0
        for name in names:
            found = listing.files.get(name)
            if found is None or found.size_bytes is None or self._cached(listing, name).exists():
                continue
            part = self._blob(listing.repository, (found.digest or name) + PARTIAL)
            missing += found.size_bytes - (part.stat().st_size if part.is_file() else 0)
        return max(missing, 0)

    def fetch(
        self,
        listing: Listing,
        names: Iterable[str],
        on_bytes: Callable[[int, int], None],
    ) -> Path:
        """Bring files into the cache and return the folder that holds them by name.

        `on_bytes` hears how many bytes are here and how many there are in all.

        Raises:
            CheckpointError: the repository has no such file.
            HubError: a file does not arrive, or arrives as something else.
            OutputError: the cache cannot be written, or has no room.
        """
        wanted = list(names)
        for name in wanted:
            if name not in listing.files:
                raise CheckpointError(f"{listing.repository} has no {name}; it is not whole")
        if not self.is_offline:
            contents = [self._content(listing, name) for name in wanted]
            total, done = sum(content.size_bytes for content in contents), 0
            _make_folder(self.cache)
            check_space(self.cache, self.missing_bytes(listing, wanted), "the download")
            on_bytes(0, total)
            for name, content in zip(wanted, contents, strict=True):
                self._fetch_one(listing, name, content, _shifted(on_bytes, done, total))
                done += content.size_bytes
                on_bytes(done, total)
        return self._folder(listing.repository) / "snapshots" / listing.commit

    def remember(self, listing: Listing, revision: str | None) -> None:
        """Note in the cache which commit a branch or tag stands for, for use without the hub."""
        named = revision or constants.DEFAULT_REVISION
        if self.is_offline or named == listing.commit:
            return
        reference = self._folder(listing.repository) / "refs" / named
        _make_folder(reference.parent)
        temporary = reference.with_name(f".{reference.name}.{os.getpid()}.tmp")
        try:
            temporary.write_text(listing.commit, encoding="ascii")
            os.replace(temporary, reference)
        except OSError as error:
            raise OutputError(f"cannot write {reference}: {error.strerror}") from error

    def _fetch_one(
        self, listing: Listing, name: str, content: Content, on_bytes: Callable[[int], None]
    ) -> None:
        if self._cached(listing, name).exists():
            return
        url = hf_hub_url(listing.repository, name, revision=listing.commit)
        blob = self._blob(listing.repository, content.digest)
        if not blob.exists():
            download(
                content,
                blob,
                lambda start: self._open(listing.repository, url, start),
                on_bytes,
                self._on_note,
            )
        # The library finds the blob there, and gives it its name in the snapshot.
        self._asked(
            listing.repository,
            lambda: hf_hub_download(
                listing.repository,
                name,
                revision=listing.commit,
                token=self._token,
                library_name=LIBRARY_NAME,
            ),
        )

    def _content(self, listing: Listing, name: str) -> Content:
        found = listing.files[name]
        size_bytes, digest = found.size_bytes, found.digest
        if size_bytes is None or digest is None:  # a mirror whose list has names alone
            url = hf_hub_url(listing.repository, name, revision=listing.commit)
            metadata = self._asked(
                listing.repository, lambda: get_hf_file_metadata(url, token=self._token)
            )
            size_bytes, digest = metadata.size, metadata.etag
        if size_bytes is None or digest is None or not hub_problems.is_digest(digest):
            raise HubError(f"the hub says neither size nor digest of {listing.repository}/{name}")
        return Content(name, size_bytes, digest)

    @contextmanager
    def _open(self, repository: str, url: str, start: int) -> Iterator[Body]:
        headers = build_hf_headers(token=self._token, library_name=LIBRARY_NAME)
        headers["Accept-Encoding"] = "identity"  # packed bytes could not go on in the middle
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            with get_session().stream(
                "GET",
                url,
                headers=headers,
                timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
                follow_redirects=True,
            ) as response:
                hf_raise_for_status(response)
                yield Body(start if response.status_code == 206 else 0, response.iter_bytes())
        except hub_problems.HTTP_ERROR as error:
            raise hub_problems.as_interruption(error, repository) from error

    def _asked(self, repository: str, ask: Callable[[], T]) -> T:
        """Ask the library for something, again where that may help."""
        for attempt in range(hub_problems.TRIES):
            try:
                return ask()
            except hub_problems.KINDS as error:
                is_last = attempt + 1 == hub_problems.TRIES
                interruption = hub_problems.as_interruption(error, repository)
                if is_last or not isinstance(interruption, Interrupted):
                    raise hub_problems.explain(error, repository) from error
                hub_problems.wait(interruption, attempt, self._on_note)
        raise AssertionError("the last attempt returns or raises")

    def _look_into_cache(self, repository: str, revision: str) -> Listing:
        folder = self._folder(repository)
        reference = folder / "refs" / revision
        commit = reference.read_text("ascii").strip() if reference.is_file() else revision
        snapshot = folder / "snapshots" / commit
        if not hub_problems.is_commit(commit) or not snapshot.is_dir():
            raise HubError(
                f"HF_HUB_OFFLINE is set, and {repository} at {revision} is not in the cache "
                f"{self.cache}; pull it once without HF_HUB_OFFLINE"
            )
        names = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*")]
        files = {
            name: HubFile((snapshot / name).stat().st_size, None)
            for name in sorted(names)
            if is_file_name(name) and (snapshot / name).is_file()
        }
        return Listing(repository, commit, files, None, None)

    def _cached(self, listing: Listing, name: str) -> Path:
        return self._folder(listing.repository) / "snapshots" / listing.commit / name

    def _blob(self, repository: str, name: str) -> Path:
        return self._folder(repository) / "blobs" / name

    def _folder(self, repository: str) -> Path:
        return self.cache / "--".join(["models", *repository.split("/")])


def _listing(repository: str, info: ModelInfo) -> Listing:
    """Return what the hub says, as far as it can be true. Raises ValueError and its like."""
    if not isinstance(info.sha, str) or not hub_problems.is_commit(info.sha):
        raise ValueError("it names no commit")
    files = {}
    for sibling in info.siblings or ():
        digest = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
        has_digest = isinstance(digest, str) and hub_problems.is_digest(digest)
        has_size = isinstance(sibling.size, int) and sibling.size >= 0
        if is_file_name(sibling.rfilename):  # others could lead out of the cache
            files[sibling.rfilename] = HubFile(
                sibling.size if has_size else None, digest if has_digest else None
            )
    license_id = link = None
    if info.card_data is not None:
        license_id, link = info.card_data.get("license"), info.card_data.get("license_link")
        if license_id == "other":  # the hub's word for a licence outside of its list
            license_id = info.card_data.get("license_name") or license_id
    return Listing(
        repository,
        info.sha,
        files,
        license_id if isinstance(license_id, str) else None,
        link if isinstance(link, str) else None,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error


def _shifted(on_bytes: Callable[[int, int], None], done: int, total: int) -> Callable[[int], None]:
    return lambda here: on_bytes(done + here, total)
