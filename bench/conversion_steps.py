"""How long each step of a conversion takes, and how much memory all its processes hold together.

Runs the converter as a program, follows its events, and reads every 20 ms what it and its children
hold in RAM. Prints a table and, as the last line, the same as JSON.

    python bench/conversion_steps.py CHECKPOINT [-- --quantize Q8_0 ...]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.02
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Step:
    """What one step took."""

    name: str
    start_s: float
    end_s: float
    peak_bytes: int = 0

    def __str__(self) -> str:
        seconds = self.end_s - self.start_s
        return f"{self.name:12} {seconds:7.1f} s {self.peak_bytes / 1e6:9,.0f} MB"


def held_bytes(process_id: int) -> int:
    """Return what a process and all below it hold in RAM, shared pages counted each time."""
    total, waiting = 0, [process_id]
    while waiting:
        at = Path("/proc", str(waiting.pop()))
        try:
            total += int((at / "statm").read_text().split()[1]) * PAGE_BYTES
            for task in (at / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it ended meanwhile
    return total


def follow(checkpoint: Path, out: Path, options: list[str]) -> tuple[list[Step], dict[str, object]]:
    """Convert and return the steps and the last event."""
    command = [sys.executable, "-m", "sqlstrict_convert", str(checkpoint), "--out", str(out)]
    start_s = time.monotonic()
    steps = [Step("start", start_s, start_s)]
    last: dict[str, object] = {}
    with subprocess.Popen([*command, "--json", *options], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None

        def watch() -> None:
            while run.poll() is None:
                step = steps[-1]
                step.peak_bytes = max(step.peak_bytes, held_bytes(run.pid))
                time.sleep(POLL_S)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for line in run.stdout:
            last = json.loads(line)
            now_s = steps[-1].end_s = time.monotonic()
            if last["event"] == "progress" and last["step"] != steps[-1].name:
                steps.append(Step(str(last["step"]), now_s, now_s))
        watcher.join()
    return steps, last


def main() -> int:
    """Read the arguments, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("options", nargs="*", help="of the converter, behind --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        steps, last = follow(arguments.checkpoint, Path(folder, "model.gguf"), arguments.options)
    if last.get("event") != "done":
        print(f"conversion_steps: {last.get('message', 'the converter ended')}", file=sys.stderr)
        return 1
    for step in steps:
        print(step)
    peak = max(step.peak_bytes for step in steps)
    seconds = steps[-1].end_s - steps[0].start_s
    print(f"{'all':12} {seconds:7.1f} s {peak / 1e6:9,.0f} MB")
    rows = [
        {"step": step.name, "seconds": step.end_s - step.start_s, "peak_bytes": step.peak_bytes}
        for step in steps
    ]
    print(json.dumps({"steps": rows, "peak_bytes": peak, "seconds": seconds, "last": last}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
