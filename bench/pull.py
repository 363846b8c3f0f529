"""From each published form of a model to an answer: `model pull` from a hub on loopback, `serve`,
`ask`; with the time and the memory of each.

The model is random, of the shape of LFM2.5-350M (or `--size tiny`), or the bundled one; its forms
are written from the same values. Each form is pulled with what `model pull` does by itself (Q4_K_M,
importance matrix, comparison) into folders of its own; a daemon on these folders then answers one
question. Of a random model a refusal is an answer too: what counts is that it serves. `gguf` is the
result of the first form, published again. Memory is that of all processes together (resident pages,
shared ones counted in each), looked at every 50 ms.

Each form is a line of JSON as soon as it is done; the last line is all of them. With --work, a run
that was stopped goes on where it was: forms that stand in results.jsonl there are not done again.

    python bench/pull.py --work DIR --tokenizer FILE           # all forms, 350M
    python bench/pull.py --bundled
    python bench/pull.py --size tiny --forms bf16 adapter-plain gguf
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# First, since it also leads to what the tests have of hubs and daemons.
from published import write_leading_back, write_random_checkpoint  # isort: skip
from checkpoint_forms import FORMS, write_form
from daemon_process import running_daemon
from fake_hub import FakeHub
from hub_house import HubHouse
from make_model import SIZES
from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_convert.quality.report import read_report
from tree_memory import TreeMemory

REPOSITORY = Path(__file__).resolve().parents[1]
BUNDLED = REPOSITORY / "daemon" / "sqlstrictd" / "bundled"
SCHEMA = REPOSITORY / "demo" / "shop.sql"
QUESTION = "How many customers live in Lisbon?"
ASK_LIMIT_S = 290
REJECTED = ".rejected"
ALL_FORMS = (
    *("bf16", "f16", "f32", "sharded", "nf4", "nf4_double", "fp4", "int8"),
    *("adapter-plain", "adapter-dora", "gguf"),
)


@dataclass(frozen=True)
class Bench:
    """What all forms have in common; `work` holds what outlives the run."""

    work: Path
    plain: Path
    is_random: bool
    quantization: str | None

    @property
    def first_gguf(self) -> Path:
        """The pulled file of the first form."""
        return self.work / "first.gguf"

    def measure(self, form: str) -> dict[str, Any]:
        """Publish the model in one form, pull it and ask it."""
        with tempfile.TemporaryDirectory(dir=self.work) as place, FakeHub() as hub:
            folder = Path(place)
            self.publish(hub, folder, form)
            house = HubHouse(hub, folder / "home")
            house.environ["SQLSTRICT_DATA_DIR"] = str(folder / "data")
            pulled = self.pull(house, f"me/{form}")
            found = {"form": form, **pulled, "fetched_mb": round(hub.bytes_sent / 1e6, 1)}
            # A copy of the weights in the hub's cache is not part of what serves.
            shutil.rmtree(folder / "home")
            if not self.first_gguf.is_file():
                unfinished = self.first_gguf.with_suffix(".unfinished")
                shutil.copyfile(house.models.file_of(pulled["name"]), unfinished)
                unfinished.rename(self.first_gguf)
            return found | self.ask(house, folder / "data", pulled["name"])

    def publish(self, hub: FakeHub, folder: Path, form: str) -> None:
        """Write the form and let the hub have it, with the base of an adapter."""
        target = folder / "published"
        base, base_name = self.plain, "liquid/base"
        if form == "gguf":
            if not self.first_gguf.is_file():
                raise SystemExit("pull: gguf needs another form before it")
            target.mkdir()
            shutil.copyfile(self.first_gguf, target / "model.gguf")
        elif form.startswith("adapter-") and not self.is_random:
            base = folder / "base"
            write_leading_back(self.plain, base, target, form, base_name)
        else:
            write_form(self.plain, target, form, base_name=base_name)
        hub.add(f"me/{form}", target)
        if form.startswith("adapter-"):
            hub.add(base_name, base)

    def pull(self, house: HubHouse, source: str) -> dict[str, Any]:
        """Pull a repository and return what it cost, step by step."""
        flags = ["--quantize", self.quantization] if self.quantization else []
        command = house.command("pull", source, *flags, "--json")
        start_s = time.monotonic()
        steps: dict[str, float] = {}
        last, last_s, event = "start", start_s, {}
        with (
            subprocess.Popen(
                command,
                env=house.environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            TreeMemory(process.pid) as memory,
        ):
            assert process.stdout is not None and process.stderr is not None
            for line in process.stdout:
                event = json.loads(line)
                now_s = time.monotonic()
                steps[last] = steps.get(last, 0.0) + now_s - last_s
                last, last_s = event.get("step", "end"), now_s
            said = process.stderr.read()
        aside = [name for name in house.names() if name.endswith(REJECTED)]
        if event.get("event") != "done" and not aside:
            raise SystemExit(f"pull: {source} ended with {process.returncode}: {event} {said}")
        pull_s = time.monotonic() - start_s
        name = aside[0] if aside else event["name"]
        compared = read_report(read_header(house.models.file_of(name)).metadata).figures
        return {
            "name": name,
            "is_within_bounds": not aside,
            "size_mb": round(house.models.find(name).size_bytes / 1e6, 1),
            "divergence_mean": compared and round(compared.divergence_mean, 5),
            "same_statements": compared and round(compared.same_statements, 3),
            "pull_s": round(pull_s, 1),
            "steps_s": {step: round(spent, 1) for step, spent in steps.items() if spent >= 0.05},
            "peak_memory_mb": memory.peak_mb,
            "peak_of_one_process_mb": round(memory.peak_of_one_bytes / 1e6),
        }

    def ask(self, house: HubHouse, data: Path, name: str) -> dict[str, Any]:
        """Start a daemon on what was pulled, ask it one question, and return how that went."""
        flags = ["--data-dir", str(data)]
        if name.endswith(REJECTED):  # never chosen; what it answers is told all the same
            flags += ["--model", str(house.models.file_of(name))]
        start_s = time.monotonic()
        # A socket's path is short; that of `work` need not be.
        with tempfile.TemporaryDirectory() as place, running_daemon(Path(place), *flags) as daemon:
            ready_s = time.monotonic()
            with TreeMemory(daemon.pid) as memory:
                answered = subprocess.run(
                    [sys.executable, "-m", "sqlstrict", "ask", QUESTION, "--schema", str(SCHEMA)]
                    + ["--json", "--timeout", str(ASK_LIMIT_S), "--address", daemon.address],
                    env=house.environ,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            asked_s = time.monotonic() - ready_s
            served = daemon.status()
            code = daemon.stop()
        if answered.returncode not in (0, 4) or served.model_state.name != name or code != 0:
            raise SystemExit(f"pull: {name} does not answer: {answered.stderr}{daemon.text}")
        answer = json.loads(answered.stdout)
        return {
            "quantization": served.model.quantization,
            "ready_s": round(ready_s - start_s, 1),
            "answer_s": round(asked_s, 1),
            "daemon_memory_mb": memory.peak_mb,
            "sql": answer["sql"],
            "refusal": answer["refusal"] and answer["refusal"]["reason"],
        }


def main() -> int:
    """Do the forms one after the other, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="350m")
    parser.add_argument(
        "--bundled", action="store_true", help="the bundled model, not a random one"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="kept, to go on there")
    parser.add_argument(
        "--quantize", metavar="Q", help="default: what `model pull` takes by itself"
    )
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="a tokenizer.json to use")
    parser.add_argument(
        "--forms", nargs="+", default=ALL_FORMS, choices=[*FORMS, "gguf"], metavar="FORM"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        model = "bundled" if arguments.bundled else f"random-{arguments.size}"
        work = (arguments.work or Path(place)).absolute() / model
        work.mkdir(parents=True, exist_ok=True)
        plain = BUNDLED
        if not arguments.bundled:
            plain = write_random_checkpoint(work / "plain", arguments.size, arguments.tokenizer)
        bench = Bench(work, plain, not arguments.bundled, arguments.quantize)
        results = work / "results.jsonl"
        done = read_results(results)
        for form in arguments.forms:
            if form in done:
                continue
            done[form] = bench.measure(form)
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done[form]) + "\n")
            print(json.dumps(done[form]), flush=True)
    figures = {form: done[form] for form in arguments.forms}
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"model": model, "forms": figures, "cores": os.cpu_count(), "load": load}))
    return 0


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """Return the forms that were done in an earlier run; a line cut off at its end is not one."""
    found: dict[str, dict[str, Any]] = {}
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        for line in text[: text.rfind("\n") + 1].splitlines():
            result = json.loads(line)
            found[result["form"]] = result
        path.write_text("".join(json.dumps(result) + "\n" for result in found.values()))
    return found


if __name__ == "__main__":
    sys.exit(main())
