"""A model hub on loopback: repositories made of folders, served as huggingface.co serves them.

What it answers is what the real client library reads: repository info with sizes and digests,
branches, tags and commits, small files as they are and large ones by a redirect to a second origin
(as to a content network), ranges, private and gated repositories. `Fault`s spoil single answers:
another status, a connection that ends in the middle, a wait that the test ends. It counts what it
sends, so that a test can tell a download that went on from one that began again.
"""

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from fake_hub_server import Answer, Request, Server

LARGE_SUFFIXES = (".safetensors", ".gguf", ".bin")  # what .gitattributes gives to LFS
TOKEN = "hf_for_tests_only"


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file at one commit."""

    path: Path
    size_bytes: int
    sha1: str  # as git names it
    sha256: str | None  # of files in large file storage

    @property
    def etag(self) -> str:
        return self.sha256 or self.sha1


@dataclass(slots=True)
class Repository:
    """A repository: its commits, what its names stand for, and who may read it."""

    name: str
    commits: dict[str, dict[str, HubFile]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    card: dict[str, str] = field(default_factory=dict)
    is_private: bool = False
    is_gated: bool = False
    has_metadata: bool = True  # sizes and digests in the info; some mirrors leave them out

    def find(self, revision: str) -> str | None:
        if revision in self.commits:
            return revision
        return self.references.get(revision)


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` requests whose path holds `where`.

    `status` answers with it and `headers`. `breaks_after` closes the connection after so many
    bytes of the body, `holds_after` waits there until `FakeHub.release`, `spoils` flips the body's
    bytes, `adds` sends more siblings in the info.
    """

    where: str
    times: int = 1
    method: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_after: int | None = None
    holds_after: int | None = None
    spoils: bool = False
    adds: Iterable[str] = ()


class FakeHub:
    """The hub, from `with` to its end; `endpoint` is what HF_ENDPOINT is to be."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.bytes_sent = 0  # of bodies of files
        self.bytes_per_s: float | None = None  # of each body, where the hub is to be slow
        self.is_held = threading.Event()
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._hub, self._storage = Server(self._answer, self), Server(self._answer_large, self)
        self.endpoint = self._hub.address

    def __enter__(self) -> Self:
        self._hub.start()
        self._storage.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        self._hub.stop()
        self._storage.stop()

    def add(
        self,
        name: str,
        folder: Path,
        *,
        branch: str = "main",
        tags: Iterable[str] = (),
        **settings: object,
    ) -> str:
        """Commit a folder's files to a branch and return the commit's hash."""
        repository = self.repositories.setdefault(name, Repository(name))
        for setting, value in settings.items():
            setattr(repository, setting, value)
        files = {
            path.relative_to(folder).as_posix(): read_file(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        listing = "".join(f"{path} {found.sha1}\n" for path, found in files.items())
        commit = hashlib.sha1(f"{name} {listing}".encode()).hexdigest()
        repository.commits[commit] = files
        for reference in (branch, *tags):
            repository.references[reference] = commit
        return commit

    def fail(self, where: str, **settings: object) -> None:
        """Let something go wrong once, or `times` times."""
        self.faults.append(Fault(where, **settings))  # type: ignore[arg-type]

    def release(self) -> None:
        """End the wait of every answer that `holds_after` stopped."""
        self._released.set()

    def hold(self, where: str, holds_after: int) -> None:
        """Stop the next answer at a byte; `is_held` is set when it stands there."""
        self.is_held.clear()
        self._released.clear()
        self.fail(where, method="GET", holds_after=holds_after)

    def wait_at_hold(self) -> None:
        """Called by a server's thread where it is to stop."""
        self.is_held.set()
        self._released.wait()

    def record(self, request: Request) -> Fault | None:
        """Note a request and return what is to go wrong with it."""
        with self._lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.where in request.path and fault.method in ("", request.method):
                    fault.times -= 1
                    if fault.times == 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def count(self, n_bytes: int) -> None:
        with self._lock:
            self.bytes_sent += n_bytes

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        path = unquote(urlsplit(request.path).path).strip("/")
        parts = path.split("/")
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            return self._info(request, parts[2:4], parts[4:], fault)
        if len(parts) >= 5 and parts[2] == "resolve":
            return self._resolve(request, parts[:2], parts[3], "/".join(parts[4:]))
        return Answer(404, {"X-Error-Message": "Not Found"})

    def _info(
        self, request: Request, name: list[str], rest: list[str], fault: Fault | None
    ) -> Answer:
        repository = self._readable(request, "/".join(name))
        if isinstance(repository, Answer):
            return repository
        commit = repository.find("/".join(rest[1:]) if rest[:1] == ["revision"] else "main")
        if commit is None:
            return refusal(404, "RevisionNotFound", "Invalid rev id")
        has_sizes = bool(parse_qs(urlsplit(request.path).query).get("blobs"))
        siblings: list[dict[str, object]] = []
        for path, found in repository.commits[commit].items():
            sibling: dict[str, object] = {"rfilename": path}
            if has_sizes and repository.has_metadata:
                sibling |= {"size": found.size_bytes, "blobId": found.sha1}
                if found.sha256:
                    large = {"sha256": found.sha256, "size": found.size_bytes, "pointerSize": 134}
                    sibling["lfs"] = large
            siblings.append(sibling)
        siblings += [{"rfilename": path, "size": 1, "blobId": "0" * 40} for path in added(fault)]
        info = {
            "id": repository.name,
            "modelId": repository.name,
            "sha": commit,
            "private": repository.is_private,
            "gated": "auto" if repository.is_gated else False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "cardData": repository.card,
            "siblings": siblings,
        }
        headers = {"Content-Type": "application/json", "X-Repo-Commit": commit}
        return Answer(200, headers, json.dumps(info).encode())

    def _resolve(self, request: Request, name: list[str], revision: str, path: str) -> Answer:
        repository = self._readable(request, "/".join(name))
        if isinstance(repository, Answer):
            return repository
        if repository.is_gated and request.token != TOKEN:
            status = 403 if request.token else 401
            return refusal(status, "GatedRepo", f"Access to model {repository.name} is restricted")
        commit = repository.find(revision)
        if commit is None:
            return refusal(404, "RevisionNotFound", "Invalid rev id")
        found = repository.commits[commit].get(path)
        if found is None:
            missing = refusal(404, "EntryNotFound", "Entry not found")
            return Answer(404, {**missing.headers, "X-Repo-Commit": commit})
        headers = {"X-Repo-Commit": commit, "ETag": f'"{found.etag}"', "Accept-Ranges": "bytes"}
        if found.sha256 is None:
            return Answer(200, headers, file=found.path)
        headers["X-Linked-Size"] = str(found.size_bytes)
        headers["X-Linked-ETag"] = f'"{found.sha256}"'
        headers["Location"] = f"{self._storage.address}/{found.sha256}/{Path(path).name}?signed=1"
        return Answer(302, headers)

    def _answer_large(self, request: Request, fault: Fault | None) -> Answer:
        if request.token is not None:  # a token of the hub's is nobody else's business
            return Answer(400, {"X-Error-Message": "a token came along"})
        sha256 = request.path.split("/")[1]
        for repository in self.repositories.values():
            for files in repository.commits.values():
                for found in files.values():
                    if found.sha256 == sha256:
                        return Answer(200, {"ETag": f'"{sha256}"'}, file=found.path)
        return Answer(404, {})

    def _readable(self, request: Request, name: str) -> Repository | Answer:
        repository = self.repositories.get(name)
        if repository is None or (repository.is_private and request.token != TOKEN):
            status = 404 if request.token == TOKEN else 401
            return refusal(status, "RepoNotFound", "Repository not found")
        return repository


def refusal(status: int, code: str, message: str) -> Answer:
    """An error as the hub spells it."""
    return Answer(status, {"X-Error-Code": code, "X-Error-Message": message})


def added(fault: Fault | None) -> Iterable[str]:
    return fault.adds if fault else ()


def read_file(path: Path) -> HubFile:
    """Take the digests of a file."""
    size_bytes = path.stat().st_size
    sha1 = hashlib.sha1(f"blob {size_bytes}\0".encode())
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha1.update(chunk)
            sha256.update(chunk)
    is_large = path.suffix in LARGE_SUFFIXES
    return HubFile(path, size_bytes, sha1.hexdigest(), sha256.hexdigest() if is_large else None)
