"""A checkpoint's own words about its name, licence and source.

Called by `sources`, and by `checkpoint_conversion` for a folder of this disk. Reads config.json's
`_name_or_path` and the head of README.md, the model card. Keeps no path of the machine that the
model was made or converted on.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlstrict_convert.gguf_format.metadata import Origin

CARD_MAX_BYTES = 1 << 16  # the head of a model card is its first lines
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_CARD_LINE = re.compile(r"^(license|license_name):\s*[\"']?([^\"'#\n]+?)[\"']?\s*$", re.MULTILINE)


def read_origin(folder: Path, config: Mapping[str, Any]) -> Origin:
    """Return what the checkpoint says of itself; where it is silent, its folder names it."""
    named = config.get("_name_or_path")
    repository = named if isinstance(named, str) and _REPOSITORY.fullmatch(named) else None
    card = _card_head(folder / "README.md")
    license_id = card.get("license")
    if license_id == "other":  # the hub's word for a licence outside of its list
        license_id = card.get("license_name", license_id)
    name = repository.rpartition("/")[2] if repository else folder.resolve().name
    return Origin(name=name, license=license_id, source=repository)


def _card_head(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        text = file.read(CARD_MAX_BYTES).decode("utf-8", errors="replace")
    if not text.startswith("---"):
        return {}
    head = text[3:].partition("\n---")[0]
    return dict(_CARD_LINE.findall(head))
