"""Kill `model pull` with SIGKILL at random moments: is anything half made ever listed?

A hub on loopback serves a small random checkpoint, slowly enough that downloading and converting
take about as long. Each round begins with empty folders: a pull is killed at a moment drawn over
the whole length of one, the models folder is looked at, and the same pull is run to its end. It
must end well, leave one model that verifies and nothing else, and fetch fewer bytes than from
nothing wherever the first had brought any. The last line is the figures as JSON.

    python bench/pull_kills.py --kills 50
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "reference"), str(Path(__file__).parent)]

from fake_hub import FakeHub  # noqa: E402
from hub_house import HubHouse  # noqa: E402
from make_model import train_tokenizer  # noqa: E402
from random_checkpoint import write_checkpoint  # noqa: E402
from sqlstrict_convert.source.download import SUFFIX  # noqa: E402

MODEL = "me/model"
NAME = "model-Q4_K_M"


def one_round(hub: FakeHub, folder: Path, delay_s: float) -> dict[str, Any]:
    """Kill one pull after a while, look, and pull again."""
    house = HubHouse(hub, folder)
    sent = hub.bytes_sent
    process = subprocess.Popen(
        house.command("pull", MODEL, "--json"),
        env=house.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=delay_s)
        was_killed = False
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        was_killed = True
    first_sent = hub.bytes_sent - sent
    steps = [json.loads(line).get("step", "done") for line in output.splitlines()]
    listed = house.names()
    # What stands there under a model's name must be the whole model, at whatever moment.
    is_sound = listed in ([], [NAME]) and all(
        house.run("verify", name).returncode == 0 for name in listed
    )
    kept = sum(path.stat().st_size for path in folder.rglob(f"*{SUFFIX}"))
    sent = hub.bytes_sent
    again = house.run("pull", MODEL, "--json")
    second_sent = hub.bytes_sent - sent
    left = sorted(path.name for path in house.models.path.iterdir())
    ends_well = again.returncode == 0 and house.run("verify", NAME).returncode == 0
    return {
        "delay_s": round(delay_s, 2),
        "killed": was_killed,
        "step": steps[-1] if steps else "start",
        "listed": listed,
        "sound": is_sound,
        "kept_part": kept,
        "first_sent": first_sent,
        "second_sent": second_sent,
        "ends_well": ends_well and left == ["chosen", f"{NAME}.gguf"],
    }


def main() -> int:
    """Run the rounds, print each, and the figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    stream = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as place, FakeHub() as hub:
        root = Path(place)
        source = write_checkpoint(root / "plain", "untied", train_tokenizer(320, 300_000))
        hub.add(MODEL, source)
        house = HubHouse(hub, root / "whole")
        start_s = time.monotonic()
        house.done("pull", MODEL)
        hub.bytes_per_s = hub.bytes_sent / (time.monotonic() - start_s)
        house = HubHouse(hub, root / "slow")
        sent, start_s = hub.bytes_sent, time.monotonic()
        house.done("pull", MODEL)
        whole_bytes, length_s = hub.bytes_sent - sent, time.monotonic() - start_s
        rounds = []
        while sum(found["killed"] for found in rounds) < arguments.kills:
            folder = root / f"round{len(rounds)}"
            found = one_round(hub, folder, stream.uniform(0.0, length_s))
            rounds.append(found)
            print(json.dumps(found), flush=True)
    killed = [found for found in rounds if found["killed"]]
    # A chunk may have been sent and not written when the process died.
    resumed = [found for found in killed if found["first_sent"] > 0]
    figures = {
        "kills": len(killed),
        "steps": {step: sum(f["step"] == step for f in killed) for step in sorted_steps(killed)},
        "half_made": sum(not found["sound"] for found in killed),
        "next_pull_ended_well": sum(found["ends_well"] for found in killed),
        "whole_bytes": whole_bytes,
        "kills_after_first_byte": len(resumed),
        "of_these_fetched_less": sum(found["second_sent"] < whole_bytes for found in resumed),
        "bytes_spared": sum(whole_bytes - found["second_sent"] for found in resumed),
        "pull_s": round(length_s, 1),
        "cores": os.cpu_count(),
    }
    print(json.dumps(figures))
    is_good = figures["half_made"] == 0 and figures["next_pull_ended_well"] == len(killed)
    return 0 if is_good else 1


def sorted_steps(rounds: list[dict[str, Any]]) -> list[str]:
    """Return the steps in which pulls were killed."""
    return sorted({found["step"] for found in rounds})


if __name__ == "__main__":
    sys.exit(main())
