"""A model's file -> what a list, a person or a program wants to know of it.

Called by the commands that list and show. Reads the file's head alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlstrict_convert.gguf_format.header import GgufError, GgufHeader, read_header
from sqlstrict_convert.gguf_format.metadata import LICENSE_KEY, REVISION_KEY, SOURCE_KEY
from sqlstrict_convert.models.folder import InstalledModel

LIST_MAX_ITEMS = 32  # longer lists of the metadata, such as a vocabulary, are shown by length


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the file says; of a file that cannot be read, why."""

    name: str
    path: str
    size_bytes: int
    is_chosen: bool
    is_rejected: bool
    architecture: str | None = None
    quantization: str | None = None
    n_parameters: int | None = None
    context_tokens: int | None = None
    source: str | None = None
    revision: str | None = None
    license: str | None = None
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the facts as JSON knows them."""
        return asdict(self)

    def row(self) -> tuple[str, ...]:
        """Return the row of a list."""
        at = f"@{self.revision[:12]}" if self.revision else ""
        source = f"{self.source}{at}" if self.source else "-"
        mark = "!" if self.problem else "x" if self.is_rejected else "*" if self.is_chosen else ""
        size = f"{self.size_bytes / 1e6:,.1f} MB"
        return mark, self.name, size, self.quantization or "-", source

    def lines(self) -> list[tuple[str, str]]:
        """Return what a person wants to know first, a name and a value each."""
        state = "kept aside, outside of its bounds" if self.is_rejected else ""
        lines = [
            ("name", self.name + (" (chosen)" if self.is_chosen else "")),
            ("state", state),
            ("file", self.path),
            ("size", f"{self.size_bytes / 1e6:,.1f} MB"),
            ("model", f"{self.architecture}, {(self.n_parameters or 0) / 1e6:,.1f} M parameters"),
            ("quantization", self.quantization or "-"),
            ("context", f"{self.context_tokens or 'unknown'} tokens"),
            ("source", f"{self.source or '-'}{f'@{self.revision}' if self.revision else ''}"),
            ("licence", self.license or "not said"),
        ]
        return [(name, value) for name, value in lines if value]


def read_facts(model: InstalledModel, *, is_chosen: bool) -> ModelFacts:
    """Return the facts of a model, whatever state its file is in."""
    try:
        return facts_of(model, read_header(model.path), is_chosen=is_chosen)
    except GgufError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{model.path.name} cannot be read: {error.strerror}"
    return ModelFacts(
        model.name,
        str(model.path),
        model.size_bytes,
        is_chosen,
        model.is_rejected,
        problem=problem,
    )


def facts_of(model: InstalledModel, header: GgufHeader, *, is_chosen: bool) -> ModelFacts:
    """Return the facts of a model whose head was read."""
    context = header.metadata.get(f"{header.architecture}.context_length")
    return ModelFacts(
        model.name,
        str(model.path),
        model.size_bytes,
        is_chosen,
        model.is_rejected,
        architecture=header.architecture,
        quantization=header.quantization,
        n_parameters=header.n_parameters,
        context_tokens=context if isinstance(context, int) else None,
        source=header.text(SOURCE_KEY) or header.text("general.source.url"),
        revision=header.text(REVISION_KEY),
        license=header.text(LICENSE_KEY),
    )


def readable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata with long lists told by their length, and ours last."""
    shown = {
        key: f"({len(value)} items)"
        if isinstance(value, tuple) and len(value) > LIST_MAX_ITEMS
        else list(value)
        if isinstance(value, tuple)
        else value
        for key, value in metadata.items()
    }
    return dict(sorted(shown.items(), key=lambda item: item[0].startswith("sqlstrict.")))
