"""The name of a hub repository, as people type or paste it -> its parts.

Called by `sources`. Knows spellings alone, asks no hub. Whatever becomes part of a URL or of a path
is checked here, character by character.
"""

import re
from dataclasses import dataclass

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_]|[.-](?![.-]))*"
_NAME = re.compile(rf"{_PART}/{_PART}")
_REVISION = re.compile(r"[A-Za-z0-9][\w.+-]*(?:/[A-Za-z0-9][\w.+-]*)*", re.ASCII)
_FILE = re.compile(r"(?:[A-Za-z0-9][\w.+-]*/)*[A-Za-z0-9][\w.+-]*", re.ASCII)
_HOST = re.compile(r"(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)/")
NAME_MAX = 96  # the hub's, of owner and name together


@dataclass(frozen=True, slots=True)
class RepositoryName:
    """A repository of the hub, and which of its revisions and files is meant."""

    repository: str  # owner/name
    revision: str | None = None
    file: str | None = None  # a GGUF file of it

    @property
    def name(self) -> str:
        """The model's own name, without its owner's."""
        return self.repository.partition("/")[2]


def parse_repository(text: str, host: str = "") -> RepositoryName | None:
    """Return what a text names, None where it names no repository.

    Read are owner/name, owner/name@revision and owner/name/FILE.gguf, with hf.co/, a page's address
    or `host` (where the hub is, if elsewhere) before it.
    """
    rest = text.strip()
    found = _HOST.match(rest)
    if found:
        rest = rest[found.end() :]
    elif host and rest.startswith(f"{host}/"):
        rest = rest[len(host) + 1 :]
    rest, separator, at = rest.rstrip("/").partition("@")
    parts = rest.split("/")
    name, tail = "/".join(parts[:2]), parts[2:]
    revision = at if separator else None
    if tail[:1] and tail[0] in ("tree", "blob", "resolve") and len(tail) > 1 and not separator:
        revision, tail = tail[1], tail[2:]
    file = "/".join(tail) or None
    if not is_repository(name) or (revision is not None and not is_revision(revision)):
        return None
    if file is not None and not (is_file_name(file) and file.lower().endswith(".gguf")):
        return None
    return RepositoryName(name, revision, file)


def is_repository(text: str) -> bool:
    """Whether a text is owner/name, spelled as the hub allows it."""
    return (
        _NAME.fullmatch(text) is not None
        and len(text) <= NAME_MAX
        and not text.endswith((".git", ".", "-"))
    )


def is_revision(text: str) -> bool:
    """Whether a text can be a branch, a tag or a commit."""
    return _REVISION.fullmatch(text) is not None and ".." not in text and len(text) <= 100


def is_file_name(text: str) -> bool:
    """Whether a text is a path within a repository that stays within it and hides nothing."""
    return _FILE.fullmatch(text) is not None and ".." not in text and len(text) <= 200
