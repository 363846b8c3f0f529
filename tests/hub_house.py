"""A fake hub, and `sqlstrict model` as a process that sees that hub and its own folders alone."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_hub import FakeHub
from sqlstrict_convert.models.folder import ModelsFolder

# What could lead a command to the real hub, or to this machine's own cache and models.
_LEADS_AWAY = ("HF_", "HUGGING", "TRANSFORMERS_", "XDG_", "SQLSTRICT_", "HTTP", "http", "ALL_PROXY")


@dataclass
class HubHouse:
    """Runs commands beside one hub; `environ` may be changed between them."""

    hub: FakeHub
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(_LEADS_AWAY)
        }
        self.environ = kept | {
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_HOME": str(self.folder / "hf"),
            "HOME": str(self.folder),
            "PYTHONWARNINGS": "error",
        }

    @property
    def models(self) -> ModelsFolder:
        named = self.environ.get("SQLSTRICT_DATA_DIR")
        own = self.folder / ".local" / "share" / "sqlstrict"
        return ModelsFolder((Path(named) if named else own) / "models")

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "sqlstrict_convert.models", *map(str, arguments)]

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *arguments: object) -> dict[str, Any]:
        """Run a command that is to go well, and return the last object that it wrote."""
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr + ended.stdout
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return found

    def refused(self, *arguments: object, code: int = 1) -> str:
        """Run a command that is to fail with a message, and return that message."""
        ended = self.run(*arguments)
        assert ended.returncode == code, ended.stderr + ended.stdout
        assert "Traceback" not in ended.stderr and ended.stdout == ""
        return ended.stderr.splitlines()[-1].removeprefix("sqlstrict: ")

    def names(self) -> list[str]:
        """Return what the models folder lists."""
        return [model.name for model in self.models.list()]
