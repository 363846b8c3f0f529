"""A text or JSON file of a checkpoint -> its content, bounded and typed.

Called by everything that reads a checkpoint's folder. Knows no file by name.
"""

import json
from pathlib import Path
from typing import Any

from sqlstrict_convert.errors import CheckpointError

JSON_MAX_BYTES = 64 << 20  # the real tokenizer.json has 5 MB


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        CheckpointError: it is missing, far too large, or not UTF-8.
    """
    try:
        if path.stat().st_size > JSON_MAX_BYTES:
            raise CheckpointError(f"{path.name} is larger than {JSON_MAX_BYTES >> 20} MB")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} has no {path.name}") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path.name} is not UTF-8: byte {error.start}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Return a file's JSON object.

    Raises:
        CheckpointError: as `read_text`, or it holds anything but one object.
    """
    return parse_json(read_text(path), path.name)


def parse_json(text: str, name: str) -> dict[str, Any]:
    """Return the JSON object of a text; `name` is for the message.

    Raises:
        CheckpointError: it is anything but one object.
    """
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{name} is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise CheckpointError(f"{name} is not a JSON object")
    return parsed
