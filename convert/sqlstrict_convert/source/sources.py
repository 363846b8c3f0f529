"""What the user typed -> a folder or GGUF file on this disk, and where it comes from.

Called by `pull` and `conversion`. A path wins over a repository of the same spelling. What is on
the hub is looked at before it is fetched: names of files first, then the small files that describe
the model, then room on the disk, then the weights.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlstrict_convert.checkpoint.config import ModelConfig, parse_config
from sqlstrict_convert.checkpoint.json_file import read_json
from sqlstrict_convert.errors import BadTokenFile, CheckpointError, HubError, SourceError
from sqlstrict_convert.gguf_format.header import GgufHeader
from sqlstrict_convert.gguf_format.metadata import Origin
from sqlstrict_convert.progress import Progress, Stopwatch
from sqlstrict_convert.source.finished_gguf import check_gguf_header
from sqlstrict_convert.source.origin import read_origin
from sqlstrict_convert.source.repository import (
    RepositoryName,
    is_repository,
    is_revision,
    parse_repository,
)
from sqlstrict_convert.source.repository_files import (
    INDEX,
    Choice,
    Form,
    choose_files,
    choose_gguf,
    choose_shards,
)

if TYPE_CHECKING:
    from sqlstrict_convert.source.hub import Hub, Listing

TOKEN_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """A model to take in: exactly one of `folder` (a checkpoint or adapter) and `gguf` is set."""

    folder: Path | None
    gguf: Path | None
    origin: Origin
    place: str  # the repository, or the path as a URI, by which two sources are told apart
    license_link: str | None = None

    @property
    def is_from_hub(self) -> bool:
        """Whether it was downloaded, so that its own words about paths mean nothing here."""
        return self.origin.revision is not None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where sources are looked for, and who hears of it.

    Both checks are called before any weights are fetched, and may raise: `check_found` with the
    model's own name, the name of a finished GGUF file and the place that it is in; `check_room`
    with a checkpoint's shape, the cache and the bytes that go there.
    """

    token: str | None = None
    on_progress: Callable[[Progress], None] = lambda progress: None
    on_note: Callable[[str], None] = lambda note: None
    check_found: Callable[[str, str | None, str], None] = lambda model, gguf, place: None
    check_room: Callable[[ModelConfig, Path, int], None] = lambda config, cache, n_bytes: None

    def open(
        self, text: str, *, revision: str | None = None, quantization: str | None = None
    ) -> Source:
        """Find what a text names, and fetch it where it is not on this disk.

        `quantization` chooses among several GGUF files.

        Raises:
            SourceError: it names nothing that there is.
            UnsupportedCheckpoint, CheckpointError: it is there, but cannot be taken in.
            HubError, OutputError: it could not be fetched.
        """
        path = Path(text).expanduser()
        named = parse_repository(text, self._host(text))
        if text and path.exists():
            if named is not None and not _is_spelled_as_path(text):
                self.on_note(f"taking {text} of this disk; hf.co/{text} would be the hub's")
            if revision is not None:
                raise SourceError(f"{text} is on this disk, where it has no revision {revision}")
            return self._open_path(path, quantization)
        if named is None or _is_spelled_as_path(text):
            raise SourceError(
                f"{text or 'an empty name'} is no file or folder here, and no repository as the "
                "hub names them: owner/name, owner/name@revision or hf.co/owner/name/FILE.gguf"
            )
        if revision is not None and named.revision not in (None, revision):
            raise SourceError(f"{text} names another revision than --revision {revision}")
        return self._fetch(
            RepositoryName(named.repository, revision or named.revision, named.file), quantization
        )

    def find_base(self, name: str, revision: str | None) -> Path:
        """Return the folder of an adapter's base model, by path or from the hub.

        Raises as `open`.
        """
        if not name:
            raise SourceError("the adapter does not name its base; give it by --base")
        path = Path(name).expanduser()
        if path.is_dir():
            return path
        named = parse_repository(name)
        if named is None or named.file is not None:
            raise SourceError(
                f"the adapter's base {name!r} is no folder and no repository; give it by --base"
            )
        self.on_note(f"the adapter's base is {named.repository}")
        source = self._fetch(
            RepositoryName(named.repository, named.revision or revision), None, is_base=True
        )
        if source.folder is None:
            raise SourceError(f"the adapter's base {name} is a GGUF file; its checkpoint is needed")
        return source.folder

    def find_named_base(self, name: str, revision: str | None) -> Path:
        """Return the base that a downloaded adapter names: a repository, never a path.

        Raises as `open`.
        """
        if not is_repository(name):
            raise SourceError(
                f"the adapter names {name[:200]!r} as its base, which is no repository; give the "
                "base by --base"
            )
        return self.find_base(f"hf.co/{name}", revision)

    def base_finder(self, source: Source, base: str | None) -> Callable[[str, str | None], Path]:
        """Return what finds an adapter's base: `base`, or what the adapter names."""
        if base is not None:
            return lambda name, revision: self.find_base(base, None)
        return self.find_named_base if source.is_from_hub else self.find_base

    def _open_path(self, path: Path, quantization: str | None) -> Source:
        place = path.resolve().as_uri()
        if path.is_dir():
            names = [entry.name for entry in path.iterdir()]
            choice = choose_files(str(path), names, None, quantization)
            if choice.form is not Form.GGUF:
                config = read_json(path / "config.json") if "config.json" in names else {}
                origin = read_origin(path, config)
                self.check_found(origin.name, None, place)
                return Source(path, None, origin, place)
            path = path / choose_gguf(str(path), names, None, quantization)
        if not path.is_file():
            raise SourceError(f"{path} is neither a file nor a folder")
        header = self._check_gguf(path, quantization)
        name = path.name.removesuffix(".gguf")
        self.check_found(name, path.name, place)
        return Source(
            None,
            path,
            Origin(name, header.text("general.license"), header.text("sqlstrict.source")),
            place,
        )

    def _check_gguf(self, path: Path, quantization: str | None) -> GgufHeader:
        header = check_gguf_header(path)
        if quantization is not None and header.quantization != quantization:
            self.on_note(f"{path.name} is finished as {header.quantization}; it is taken as it is")
        return header

    def _fetch(
        self, named: RepositoryName, quantization: str | None, *, is_base: bool = False
    ) -> Source:
        from sqlstrict_convert.source.hub import (
            Hub,  # a quarter of a second, and no need of it offline
        )

        if named.revision and not is_revision(named.revision):
            raise SourceError(f"{named.revision[:200]!r} is no branch, tag or commit")
        hub = Hub(self.token, self.on_note)
        listing = hub.look(named.repository, named.revision)
        try:
            choice = choose_files(named.repository, listing.files, named.file, quantization)
            if is_base and choice.form is not Form.CHECKPOINT:
                raise SourceError(f"{named.repository} is an adapter's base, but no checkpoint")
            if not is_base:
                gguf_name = Path(choice.weights).name if choice.form is Form.GGUF else None
                self.check_found(named.name, gguf_name, named.repository)
            folder = self._fetch_choice(hub, listing, choice)
        except CheckpointError as error:
            if not hub.is_offline:
                raise
            raise HubError(
                f"{error}; HF_HUB_OFFLINE is set, and the cache may hold a part"
            ) from error
        hub.remember(listing, named.revision)
        license_id, gguf = listing.license, None
        if choice.form is Form.GGUF:
            gguf = folder / choice.weights
            header = self._check_gguf(gguf, quantization)
            license_id = license_id or header.text("general.license")
        elif license_id is None:
            license_id = read_origin(folder, {}).license
        return Source(
            folder if gguf is None else None,
            gguf,
            Origin(named.name, license_id, named.repository, listing.commit),
            named.repository,
            listing.license_link,
        )

    def _fetch_choice(self, hub: "Hub", listing: "Listing", choice: Choice) -> Path:
        watch = Stopwatch(self.on_progress)

        def on_bytes(done: int, total: int) -> None:
            watch(Progress("download", done, total))

        weights: tuple[str, ...] = (choice.weights,)
        if choice.form is not Form.GGUF:
            small = [*choice.descriptions, *(weights if choice.weights == INDEX else ())]
            folder = hub.fetch(listing, small, lambda done, total: None)
            if choice.weights == INDEX:
                weights = choose_shards(folder / INDEX)
            if choice.form is Form.CHECKPOINT:
                n_bytes = hub.missing_bytes(listing, weights)
                self.check_room(read_config(folder), hub.cache, n_bytes)
        return hub.fetch(listing, weights, on_bytes)

    def _host(self, text: str) -> str:
        """Return the address of a hub of one's own, for addresses pasted from its pages."""
        host = os.environ.get("HF_ENDPOINT", "").rstrip("/")
        return host if host and text.startswith(host) else ""


def read_config(folder: Path) -> ModelConfig:
    """Return the model's shape by its config.json, before its weights are there.

    Raises:
        UnsupportedCheckpoint, CheckpointError: no model of this kind.
    """
    try:
        return parse_config(read_json(folder / "config.json"))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"config.json is not of the form that Hugging Face writes: {type(error).__name__}: "
            f"{error}"
        ) from error


def read_token(path: Path) -> str:
    """Return the token that a file holds. Raises BadTokenFile."""
    try:
        with path.open("rb") as file:
            token = file.read(TOKEN_MAX_BYTES).decode("ascii").strip()
    except OSError as error:
        raise BadTokenFile(f"the token file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadTokenFile(f"the token file {path} holds no token") from error
    if not token or not token.isprintable() or " " in token:
        raise BadTokenFile(f"the token file {path} holds no token")
    return token


def _is_spelled_as_path(text: str) -> bool:
    return text.startswith(("/", "./", "../", "~")) or text in (".", "..")
