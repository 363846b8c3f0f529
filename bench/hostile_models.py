"""Choose thousands of broken models under a running daemon, and see that none does any harm.

    python bench/hostile_models.py [--n 5000] [--engine 300] [--seed 1] [--keep FOLDER]

Starts a daemon of its own with a tiny random model. Each mutant of that file (bits flipped, counts
and lengths changed, cut off, parts moved or doubled, its metadata, its tensor table or its weights)
is put into the models folder and chosen with UseModel. Most end at what the front reads of a file
by itself; those that pass it go to an engine of their own beside the one that answers, at most
`--engine` of them. Counted: how each ended. After each that was refused the model must be the one
of before, and every now and then a question is asked. `--keep` keeps the mutants that ended an
engine. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import sqlstrict
from sqlstrict_convert.gguf_format.header import GgufError, read_header

DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, status TEXT);"
LIMIT_S = 280.0
ASK_EVERY = 100
NUMBERS = (0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**32, 2**40, 2**63 - 1)

Mutate = Callable[[bytearray, int, random.Random], None]


def flip_bits(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Flip up to eight bits of the head."""
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(n_head)] ^= 1 << chance.randrange(8)


def change_number(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Write a number that is often wrong over four or eight bytes of the head."""
    value, layout = chance.choice(NUMBERS), chance.choice("<I <Q".split())
    value &= 2 ** (8 * struct.calcsize(layout)) - 1
    struct.pack_into(layout, content, chance.randrange(4, n_head - 8), value)


def change_counts(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Change the version, or how many tensors or keys the file says that it has."""
    layout, offset = chance.choice([("<I", 4), ("<Q", 8), ("<Q", 16)])
    (value,) = struct.unpack_from(layout, content, offset)
    value = chance.choice([*NUMBERS, value + 1, value - 1, value * 2])
    struct.pack_into(layout, content, offset, value & (2 ** (8 * struct.calcsize(layout)) - 1))


def cut_off(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Cut the file off, in its head or in its weights."""
    del content[chance.randrange(n_head if chance.random() < 0.5 else len(content)) :]


def move_part(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Take a part of the head out, put it in twice, or over another part."""
    start, length = chance.randrange(n_head), chance.randint(1, 400)
    part = content[start : start + length]
    how, other = chance.randrange(3), chance.randrange(n_head)
    if how == 0:
        del content[start : start + length]
    elif how == 1:
        content[other:other] = part
    else:
        content[other : other + len(part)] = part


def change_metadata(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Change a byte or the number behind one of the keys that the model is built from."""
    keys = (b"lfm2.", b"tokenizer.ggml.", b"general.")
    places = [at for key in keys for at in _places(content, key, 4000)]
    at = chance.choice(places)
    (length,) = struct.unpack_from("<Q", content, at - 8)
    value_at = at + (length if length < 200 else 0)
    if chance.random() < 0.7:
        struct.pack_into("<I", content, value_at + 4, chance.choice(NUMBERS) & 0xFFFFFFFF)
    else:
        content[value_at + chance.randrange(24)] = chance.randrange(256)


def change_tensor_table(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Change a side, the type or the offset of a tensor."""
    at = chance.choice(_places(content, b"blk.", 200)) + chance.randrange(10, 60)
    layout = chance.choice("<I <Q".split())
    value = chance.choice([*NUMBERS, 32, 64, 96, 128]) & (2 ** (8 * struct.calcsize(layout)) - 1)
    struct.pack_into(layout, content, min(at, n_head - 8), value)


def change_weights(content: bytearray, n_head: int, chance: random.Random) -> None:
    """Write noise, zeros, or numbers that are none over a part of the weights."""
    start, length = chance.randrange(n_head, len(content)), 4 * chance.randint(1, 20_000)
    length = min(length, len(content) - start)
    none = struct.pack("<f", float("nan")) * (length // 4 + 1)
    noise = chance.choice([chance.randbytes(length), bytes(length), none[:length]])
    content[start : start + length] = noise


MUTATIONS: tuple[Mutate, ...] = (
    flip_bits,
    change_number,
    change_counts,
    cut_off,
    move_part,
    change_metadata,
    change_tensor_table,
    change_weights,
)


def _places(content: bytearray, text: bytes, limit: int) -> list[int]:
    found, at = [], content.find(text)
    while at >= 0 and len(found) < limit:
        found.append(at)
        at = content.find(text, at + 1)
    return found


def mutants(good: bytes, n_head: int, seed: int) -> Callable[[], tuple[str, bytes]]:
    """Return what makes the next mutant: its kind, and a file that is not the good one."""
    chance = random.Random(seed)

    def next_mutant() -> tuple[str, bytes]:
        while True:
            content = bytearray(good)
            mutate = chance.choice(MUTATIONS)
            try:
                mutate(content, n_head, chance)
            except (struct.error, IndexError):
                continue  # nothing of the kind stands there
            if content != good:
                return mutate.__name__, bytes(content)

    return next_mutant


def passes_header(path: Path) -> bool:
    """Whether the file's tables are whole, so that more than the front would look at it."""
    try:
        read_header(path)
    except GgufError:
        return False
    return True


def choose(client: sqlstrict.Client, name: str) -> str:
    """Choose a model; returns how that ended."""
    try:
        client.use_model(name, timeout_s=LIMIT_S)
    except sqlstrict.SqlstrictError as error:
        return f"{error.code} {error.reason}" if error.reason else f"untyped {error.code}"
    return "taken"


def play(
    client: sqlstrict.Client, folder: Path, n: int, n_engine: int, seed: int, keep: Path | None
) -> dict[str, object]:
    """Choose the mutants one after the other, and return what was seen."""
    good = (folder / "good.gguf").read_bytes()
    next_mutant = mutants(good, read_header(folder / "good.gguf").data_offset, seed)
    path = folder / "mutant.gguf"
    before = client.status()
    assert before.model is not None
    outcomes: Counter[str] = Counter()
    by_kind: dict[str, Counter[str]] = {}
    wrong_model = unanswered = at_engine = crashes = 0
    while sum(outcomes.values()) < n:
        kind, content = next_mutant()
        temporary = folder / ".mutant.tmp"
        temporary.write_bytes(content)
        is_for_engine = passes_header(temporary)
        if is_for_engine and at_engine >= n_engine:
            continue
        os.replace(temporary, path)
        n_starts = client.status().counters["engine_starts"]
        outcome = choose(client, "mutant")
        status = client.status()
        at_engine += status.counters["engine_starts"] > n_starts
        if keep is not None and status.counters["engine_crashes"] > crashes + 1:
            (keep / f"{seed}-{sum(outcomes.values())}.gguf").write_bytes(content)
        crashes = status.counters["engine_crashes"]
        outcomes[outcome] += 1
        by_kind.setdefault(kind, Counter())[outcome] += 1
        if outcome == "taken":
            # What was changed made it another model, and no broken one.
            assert choose(client, "good") == "taken"
        elif status.model is None or status.model.sha256 != before.model.sha256:
            wrong_model += 1
        if sum(outcomes.values()) % ASK_EVERY == 0:
            answer = client.translate("How many?", ddl=DDL, temperature=1.0, timeout_s=LIMIT_S)
            unanswered += answer.sql is None and answer.refusal is None
    after = client.status()
    return {
        "mutants": sum(outcomes.values()),
        "outcomes": dict(sorted(outcomes.items())),
        "kinds": {kind: dict(sorted(found.items())) for kind, found in sorted(by_kind.items())},
        "untyped": sum(count for name, count in outcomes.items() if name.startswith("untyped")),
        "at_engine": at_engine,
        "engine_starts": after.counters["engine_starts"],
        "engine_ends": after.counters["engine_crashes"],
        "wrong_model_after": wrong_model,
        "unanswered": unanswered,
        "internal_errors": after.counters["internal_errors"],
        "is_front_same": after.front_pid == before.front_pid,
        "front_memory_grown_mb": round(
            (after.front_memory_bytes - before.front_memory_bytes) / 2**20, 1
        ),
    }


def main() -> int:
    """Play and print; returns 1 where anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=5000, metavar="N", help="mutants")
    parser.add_argument("--engine", type=int, default=300, metavar="N", help="of them, at engines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for mutants that end engines")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sqlstrict-hostile-") as name:
        folder = Path(name)
        models = folder / "data" / "models"
        models.mkdir(parents=True)
        maker = Path(__file__).parent / "make_model.py"
        command = [sys.executable, str(maker), "--size", "tiny", "--out", str(models / "good.gguf")]
        subprocess.run(command, check=True, capture_output=True)
        (models / "chosen").write_text("good\n")
        address = f"unix://{folder / 'run' / 's.sock'}"
        daemon = subprocess.Popen(
            [sys.executable, "-m", "sqlstrictd", "--address", address]
            + ["--data-dir", str(folder / "data"), "--max-deadline", "300"],
            stderr=(folder / "log").open("w"),
        )
        try:
            while "ready on" not in (folder / "log").read_text():
                if daemon.poll() is not None:
                    raise SystemExit(f"hostile_models: {(folder / 'log').read_text()}")
                time.sleep(0.02)
            with sqlstrict.Client(address) as client:
                result = play(
                    client, models, arguments.n, arguments.engine, arguments.seed, arguments.keep
                )
        finally:
            daemon.terminate()
            code = daemon.wait(timeout=60)
    for kind, found in result["kinds"].items():  # type: ignore[attr-defined]
        print(f"{kind:20} {found}")
    print(json.dumps({**result, "exit_code": code}))
    is_bad = result["untyped"] or result["wrong_model_after"] or result["unanswered"] or code
    return 1 if is_bad or not result["is_front_same"] else 0


if __name__ == "__main__":
    sys.exit(main())
