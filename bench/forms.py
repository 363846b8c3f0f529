"""Convert a 350M-shaped checkpoint from each form it may be published in; print time and memory.

The weights are random, so the figures are about the converter alone. Memory is the largest sum over
the converter and its child processes of what each holds in RAM, read every 20 ms. Everything is
written below --work and left there, so that a second run starts with the converting.

    python bench/forms.py --work DIR [--forms nf4_double adapter-dora ...] [-- --quantize F16 ...]
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from make_model import SIZES, random_values, train_tokenizer
from numpy.typing import NDArray
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import plan_tensors

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from checkpoint_forms import FORMS, write_form, write_random

USUAL = (
    *("f32", "sharded", "nf4_double", "fp4", "int8"),
    *("adapter-plain", "adapter-dora", "adapter-embedding_dora", "adapter-saved_both"),
)
POLL_S = 0.02
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Run:
    """What one conversion took."""

    status: int
    seconds: float
    peak_bytes: int  # of all its processes together
    last_words: str


def write_source(folder: Path, size: str, tokenizer_file: Path | None) -> Path:
    """Write the plain checkpoint that every form is made from, unless it is there."""
    if (folder / "model.safetensors").is_file():
        return folder
    raw = SIZES[size].config
    config = parse_config(raw)
    plans = {plan.source_name: plan for plan in plan_tensors(config)}
    if tokenizer_file is not None:
        tokenizer = tokenizer_file.read_text(encoding="utf-8")
    else:
        tokenizer = train_tokenizer(config.vocab_size, SIZES[size].corpus_bytes)

    def values(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        return np.concatenate(list(random_values(plans[name], seed=0))).reshape(shape)

    shapes = {name: plan.source_shape for name, plan in plans.items()}
    return write_random(folder, raw, tokenizer, shapes, values)


def measure(command: list[str], log: Path) -> Run:
    """Run a command to its end and watch it."""
    started, peak = time.monotonic(), 0
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, resident_bytes(process.pid))
            time.sleep(POLL_S)
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return Run(process.returncode, time.monotonic() - started, peak, words[-1] if words else "")


def resident_bytes(pid: int) -> int:
    """Return what a process and all that it started hold in RAM; 0 for what has ended."""
    try:
        total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return total + sum(resident_bytes(int(child)) for child in children)


def main() -> int:
    """Write the forms, convert each, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, metavar="DIR")
    parser.add_argument("--size", choices=sorted(SIZES), default="350m")
    parser.add_argument("--forms", nargs="*", choices=FORMS, default=USUAL, metavar="FORM")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="instead of training one")
    parser.add_argument("options", nargs="*", help="for `sqlstrict convert`, after --")
    arguments = parser.parse_args()
    source = write_source(arguments.work / "source", arguments.size, arguments.tokenizer)
    for form in arguments.forms:
        folder = arguments.work / form
        if not any(folder.glob("*.safetensors")):
            write_form(source, folder, form)
        out = arguments.work / f"{form}.gguf"
        command = [sys.executable, "-m", "sqlstrict_convert", str(folder), "--out", str(out)]
        if form.startswith("adapter-"):
            command += ["--base", str(source)]
        run = measure([*command, *arguments.options], arguments.work / f"{form}.log")
        figures = {
            "form": form,
            "status": run.status,
            "seconds": round(run.seconds, 1),
            "peak_mb": round(run.peak_bytes / 1e6),
            "input_mb": round(sum(p.stat().st_size for p in folder.glob("*.safetensors")) / 1e6),
        }
        print(json.dumps(figures), run.last_words if run.status else "", flush=True)
        out.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
