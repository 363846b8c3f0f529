"""Pull each published form of a random checkpoint from a hub on loopback: time and peak memory.

The checkpoint has the shape of LFM2.5-350M (or `--size tiny`), its weights are noise, and every
form of it is written from the same values. For each form one `model pull` runs in folders of its
own; memory is that of the whole process tree (resident pages, shared ones counted in each process),
looked at every 50 ms. `gguf` is the pulled result of the first form, published again. The last line
is the figures as JSON.

    python bench/pull.py --size 350m --forms bf16 sharded nf4_double adapter-plain gguf
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "reference"), str(Path(__file__).parent)]

import numpy as np  # noqa: E402
from checkpoint_forms import FORMS, write_form, write_random  # noqa: E402
from fake_hub import FakeHub  # noqa: E402
from hub_house import HubHouse  # noqa: E402
from make_model import SIZES, random_values, train_tokenizer  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from sqlstrict_convert.checkpoint.config import parse_config  # noqa: E402
from sqlstrict_convert.checkpoint.tensors import plan_tensors  # noqa: E402

BASE = "liquid/base"
LOOK_EVERY_S = 0.05
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class TreeMemory:
    """The largest sum of resident memory of a process and all below it, while it runs."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self.peak_of_one_bytes = 0
        self._root = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """End looking."""
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(LOOK_EVERY_S):
            sizes = [resident_bytes(pid) for pid in tree_of(self._root)]
            self.peak_bytes = max(self.peak_bytes, sum(sizes))
            self.peak_of_one_bytes = max(self.peak_of_one_bytes, *sizes, 0)


def tree_of(pid: int) -> list[int]:
    """Return a process and all below it, by /proc."""
    found, left = [], [pid]
    while left:
        at = left.pop()
        found.append(at)
        try:
            tasks = list(Path(f"/proc/{at}/task").iterdir())
            for task in tasks:
                left += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it has ended
    return found


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def write_plain(folder: Path, size: str, tokenizer_json: str) -> Path:
    """Write the random checkpoint that all forms are made of, in BF16."""
    config = SIZES[size].config
    plans = {plan.source_name: plan for plan in plan_tensors(parse_config(config))}

    def values(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        return np.concatenate(list(random_values(plans[name], 0))).reshape(shape)

    shapes = {name: plan.source_shape for name, plan in plans.items()}
    return write_random(folder, config, tokenizer_json, shapes, values)


def pull_once(house: HubHouse, name: str, quantization: str) -> dict[str, Any]:
    """Pull one repository and return what it cost, step by step."""
    command = house.command("pull", name, "--quantize", quantization, "--json")
    start_s = time.monotonic()
    with subprocess.Popen(
        command, env=house.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        memory = TreeMemory(process.pid)
        assert process.stdout is not None and process.stderr is not None
        steps: dict[str, float] = {}
        last, last_s, done = "start", start_s, {}
        for line in process.stdout:
            event = json.loads(line)
            now_s = time.monotonic()
            steps[last] = steps.get(last, 0.0) + now_s - last_s
            last, last_s, done = event.get("step", "end"), now_s, event
        said = process.stderr.read()
        process.wait()
        memory.stop()
    if done.get("event") != "done":
        raise SystemExit(f"pull {name} ended with {process.returncode}: {done} {said}")
    return {
        "name": done["name"],
        "size_mb": round(done["size_bytes"] / 1e6, 1),
        "pull_s": round(time.monotonic() - start_s, 1),
        "steps_s": {step: round(spent, 1) for step, spent in steps.items() if spent >= 0.05},
        "peak_memory_mb": round(memory.peak_bytes / 1e6),
        "peak_of_one_process_mb": round(memory.peak_of_one_bytes / 1e6),
    }


def main() -> int:
    """Write the forms, pull each, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="350m")
    parser.add_argument("--quantize", default="Q4_K_M", metavar="Q")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="a tokenizer.json to use")
    parser.add_argument(
        "--forms",
        nargs="+",
        default=["bf16", "sharded", "nf4_double", "int8", "adapter-plain", "gguf"],
        choices=[*FORMS, "gguf"],
        metavar="FORM",
    )
    arguments = parser.parse_args()
    size = SIZES[arguments.size]
    if arguments.tokenizer:
        tokenizer_json = arguments.tokenizer.read_text(encoding="utf-8")
    else:
        tokenizer_json = train_tokenizer(size.config["vocab_size"], size.corpus_bytes)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place, FakeHub() as hub:
        root = Path(place)
        plain = write_plain(root / "plain", arguments.size, tokenizer_json)
        hub.add(BASE, plain)
        pulled: Path | None = None
        for form in arguments.forms:
            folder = root / "form"
            if form != "gguf":
                write_form(plain, folder, form, base_name=BASE)
            elif pulled is None:
                raise SystemExit("gguf needs another form before it")
            else:
                folder.mkdir()
                shutil.copyfile(pulled, folder / "model.gguf")
            sent = hub.bytes_sent
            hub.add(f"me/{form}", folder)
            house = HubHouse(hub, root / "home")
            quantization = arguments.quantize
            found = pull_once(house, f"me/{form}", quantization)
            found["fetched_mb"] = round((hub.bytes_sent - sent) / 1e6, 1)
            figures[form] = found
            print(json.dumps({form: found}), flush=True)
            if pulled is None:
                pulled = root / "first.gguf"
                shutil.copyfile(house.models.file_of(found["name"]), pulled)
            shutil.rmtree(folder)
            shutil.rmtree(root / "home")
    load = os.getloadavg()[0]
    print(json.dumps({"forms": figures, "cores": os.cpu_count(), "load": round(load, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
