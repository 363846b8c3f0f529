"""Change the model again and again under load, and count what became of every question.

    python bench/swap.py [--models A.gguf B.gguf] [--swaps 50] [--clients 6]

Starts a daemon of its own with two models in its folder. Clients ask all the time, each on a
connection of its own, while UseModel goes from one model to the other and back. Counted: questions
sent, answered (SQL or a refusal), failed; swaps; and answers whose certificate names a model that
could not have written them: what is sent after UseModel has returned, and answered before the next
is asked for, must come from the model chosen. Without --models it writes two tiny random models
first. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import sqlstrict

DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, status TEXT);"
LIMIT_S = 280.0


class Load:
    """Clients that ask until they are told to stop, and what they saw."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.outcomes: Counter[str] = Counter()
        self.n_sent = 0
        self.n_of_wrong_model = 0
        self.n_judged = 0
        self.longest_s = 0.0
        # The model that must answer, None while that is being changed, and a count of changes.
        self.expected: str | None = None
        self.n_changes = 0
        self.is_over = False

    async def ask(self, client: sqlstrict.AsyncClient, number: int) -> None:
        """Ask one question and note how it ended."""
        expected, n_changes = self.expected, self.n_changes
        began = time.monotonic()
        self.n_sent += 1
        try:
            answer = await client.translate(
                f"question {number} about orders", ddl=DDL, temperature=1.0, seed=number,
                max_tokens=64, timeout_s=LIMIT_S,
            )  # fmt: skip
        except sqlstrict.SqlstrictError as error:
            self.outcomes[f"failed: {error.reason or type(error).__name__}"] += 1
            return
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        self.outcomes["SQL" if answer.sql else "refusal"] += 1
        if answer.certificate and expected is not None and n_changes == self.n_changes:
            self.n_judged += 1
            self.n_of_wrong_model += answer.certificate.model.partition("@")[2] != expected

    async def run_client(self, first: int) -> None:
        """Ask one question after the other."""
        async with sqlstrict.AsyncClient(self.address) as client:
            number = first
            while not self.is_over:
                await self.ask(client, number)
                number += 1


async def play(address: str, names: list[str], n_swaps: int, n_clients: int) -> dict[str, Any]:
    """Change the model `n_swaps` times under load, and return what was seen."""
    load = Load(address)
    clients = [asyncio.create_task(load.run_client(n * 1_000_000)) for n in range(n_clients)]
    swaps_s: list[float] = []
    try:
        async with sqlstrict.AsyncClient(address) as client:
            for number in range(n_swaps):
                load.expected = None
                load.n_changes += 1
                began = time.monotonic()
                current = await client.use_model(names[(number + 1) % 2], timeout_s=LIMIT_S)
                swaps_s.append(time.monotonic() - began)
                assert current.model is not None
                load.expected = current.model.sha256
                # At least these are judged, however busy the others are.
                n_judged = load.n_judged
                for attempt in range(64):
                    await load.ask(client, number * 64 + attempt)
                    if load.n_judged > n_judged:
                        break
            load.is_over = True
            await asyncio.gather(*clients)
            status = await client.status()
    finally:
        for task in clients:
            task.cancel()
    failed = sum(count for name, count in load.outcomes.items() if name.startswith("failed"))
    return {
        "swaps": n_swaps,
        "swaps_counted": status.counters["model_swaps"],
        "clients": n_clients,
        "sent": load.n_sent,
        "answered": sum(load.outcomes.values()) - failed,
        "failed": failed,
        "outcomes": dict(sorted(load.outcomes.items())),
        "judged": load.n_judged,
        "of_wrong_model": load.n_of_wrong_model,
        "engine_crashes": status.counters["engine_crashes"],
        "problem": status.model_state.problem,
        "swap_s_median": round(sorted(swaps_s)[len(swaps_s) // 2], 3),
        "swap_s_longest": round(max(swaps_s), 3),
        "longest_question_s": round(load.longest_s, 3),
    }


def start_daemon(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a daemon in a folder; returns it when it is ready, and its address."""
    address = f"unix://{folder / 'run' / 's.sock'}"
    daemon = subprocess.Popen(
        [sys.executable, "-m", "sqlstrictd", "--address", address]
        + ["--data-dir", str(folder / "data"), "--max-deadline", "300", "--queue-limit", "64"],
        stderr=(folder / "log").open("w"),
        text=True,
    )
    while "ready on" not in (folder / "log").read_text():
        if daemon.poll() is not None:
            raise SystemExit(f"swap: the daemon ended:\n{(folder / 'log').read_text()}")
        time.sleep(0.02)
    return daemon, address


def write_models(folder: Path, models: list[Path] | None) -> list[str]:
    """Put two models into the folder, the first of them chosen; returns their names."""
    folder.mkdir(parents=True)
    names = ["first", "second"]
    for seed, name in enumerate(names):
        target = folder / f"{name}.gguf"
        if models:
            shutil.copyfile(models[seed], target)
            continue
        maker = Path(__file__).parent / "make_model.py"
        command = [sys.executable, str(maker), "--size", "tiny", "--out", str(target)]
        subprocess.run([*command, "--seed", str(seed)], check=True, capture_output=True)
    (folder / "chosen").write_text(f"{names[0]}\n")
    return names


def main() -> int:
    """Play and print; returns 1 where a question failed or was answered by the wrong model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=Path, nargs=2, metavar="FILE", help="two GGUF files")
    parser.add_argument("--swaps", type=int, default=50, metavar="N")
    parser.add_argument("--clients", type=int, default=6, metavar="N")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sqlstrict-swap-") as name:
        folder = Path(name)
        names = write_models(folder / "data" / "models", arguments.models)
        daemon, address = start_daemon(folder)
        try:
            result = asyncio.run(play(address, names, arguments.swaps, arguments.clients))
        finally:
            daemon.terminate()
            code = daemon.wait(timeout=60)
    for outcome, count in result["outcomes"].items():
        print(f"{count:6d}  {outcome}")
    print(json.dumps({**result, "exit_code": code}))
    return 1 if result["failed"] or result["of_wrong_model"] else 0


if __name__ == "__main__":
    sys.exit(main())
