"""From what somebody published to an answer: `model pull`, `serve`, `ask`, `model use`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from checkpoint_forms import write_form
from daemon_process import running_daemon
from fake_hub import FakeHub
from hub_house import HubHouse
from random_checkpoint import write_checkpoint

BASE = "liquid/base"


def sqlstrict(house: HubHouse, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqlstrict", *arguments],
        env=house.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_published_adapter_answers(tmp_path: Path, tiny_gguf: Path, tokenizer_json: str) -> None:
    plain = write_checkpoint(tmp_path / "plain", "convolution_first", tokenizer_json)
    config = json.loads((plain / "config.json").read_text())
    config["max_position_embeddings"] = 8192
    (plain / "config.json").write_text(json.dumps(config))
    adapter = write_form(plain, tmp_path / "adapter", "adapter-plain", base_name=BASE)
    (tmp_path / "ready").mkdir()
    (tmp_path / "ready" / "tiny.gguf").write_bytes(tiny_gguf.read_bytes())
    schema = tmp_path / "shop.sql"
    schema.write_text("CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT);")

    with FakeHub() as hub:
        house = HubHouse(hub, tmp_path / "home")
        house.environ["SQLSTRICT_DATA_DIR"] = str(tmp_path / "data")
        hub.add(BASE, plain)
        hub.add("me/fine-tune", adapter)
        hub.add("me/ready", tmp_path / "ready")
        pulled = sqlstrict(house, "model", "pull", "me/fine-tune", "--quantize", "Q8_0", "--json")
        assert pulled.returncode == 0, pulled.stderr
        assert json.loads(pulled.stdout.splitlines()[-1])["is_chosen"]
        assert sqlstrict(house, "model", "pull", "me/ready").returncode == 0

    ask = (
        "ask",
        "How many orders are open?",
        "--schema",
        str(schema),
        "--json",
        "--timeout",
        "250",
    )
    with running_daemon(tmp_path) as daemon:
        house.environ["SQLSTRICT_ADDRESS"] = daemon.address
        answered = sqlstrict(house, *ask)
        # Random weights may find no statement; that too is an answer, never an error.
        assert answered.returncode in (0, 4), answered.stderr
        status = daemon.status()
        assert status.model.quantization == "Q8_0"
        assert status.model_state.name == "fine-tune-Q8_0"

        used = sqlstrict(house, "model", "use", "tiny")
        assert used.returncode == 0, used.stderr
        assert used.stdout.startswith("tiny answers now: ")
        assert sqlstrict(house, *ask).returncode in (0, 4)
        assert daemon.status().model_state.name == house.models.chosen() == "tiny"

        house.models.file_of("broken").write_bytes(tiny_gguf.read_bytes()[:-4096])
        refused = sqlstrict(house, "model", "use", "broken")
        assert refused.returncode == 1 and "Traceback" not in refused.stderr
        assert daemon.status().model_state.name == "tiny"
