"""Files that the converter reads, with something wrong in them: the same seed, the same damage."""

import copy
import json
import random
import struct
from pathlib import Path
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, -1, 0, 1, 2**31, 2**70, 1.5, 1e40, float("nan"), float("inf"), True, False),
    *("", "x", "(", "\ud800", "all-linear", ".*", [], {}, [1], [[]], ["x"], {"a": 1}, {"(": 1}),
)
COUNTS = (0, 1, 2**16, 2**31 - 1, 2**32 - 1, 2**32, 2**62, 2**63, 2**64 - 1)


def mutate(value: Any, stream: random.Random) -> Any:
    """Return a copy with one value, at any depth, removed or replaced."""
    changed = copy.deepcopy(value)
    at: Any = changed
    while True:
        key = stream.choice(list(at) if isinstance(at, dict) else range(len(at)))
        inner = at[key]
        if not isinstance(inner, dict | list) or not inner or stream.random() < 0.3:
            break
        at = inner
    if stream.random() < 0.2:
        del at[key]
    else:
        at[key] = stream.choice(VALUES)
    return changed


def mutate_safetensors(raw: bytes, stream: random.Random) -> bytes:
    """Return a safetensors file with a wrong header: its JSON, or bytes of it."""
    end = 8 + int.from_bytes(raw[:8], "little")
    if stream.random() < 0.5:
        header = json.dumps(mutate(json.loads(raw[8:end]), stream)).encode()
        return len(header).to_bytes(8, "little") + header + raw[end:]
    changed = bytearray(raw)
    for _ in range(3):
        changed[stream.randrange(end)] = stream.randrange(256)
    return bytes(changed)


def mutate_gguf(raw: bytes, head_bytes: int, stream: random.Random) -> bytes:
    """Return a GGUF file with a wrong head: bits, counts, lost or doubled pieces, or cut off."""
    changed = bytearray(raw)
    kind = stream.randrange(6)
    at = stream.randrange(head_bytes)
    if kind == 0:
        for _ in range(stream.randint(1, 4)):
            changed[stream.randrange(head_bytes)] ^= 1 << stream.randrange(8)
    elif kind == 1:
        for _ in range(stream.randint(1, 4)):
            changed[stream.randrange(head_bytes)] = stream.randrange(256)
    elif kind == 2:  # lengths, counts and offsets are such numbers
        changed[at : at + 8] = struct.pack("<Q", stream.choice(COUNTS))
    elif kind == 3:
        del changed[at : at + stream.randint(1, 16)]
    elif kind == 4:
        changed[at:at] = changed[at : at + stream.randint(1, 16)]
    else:
        del changed[stream.randrange(len(changed)) :]
    return bytes(changed)


def mutate_file(path: Path, stream: random.Random) -> None:
    """Damage one file of a checkpoint in its place, by its kind."""
    if path.suffix == ".safetensors":
        path.write_bytes(mutate_safetensors(path.read_bytes(), stream))
    else:
        path.write_text(json.dumps(mutate(json.loads(path.read_text()), stream)))
