"""What `make demo` runs: a private daemon, a shop database, and questions of growing difficulty.

The first run converts the bundled checkpoint; that and everything else stays under .demo/. For each
question it prints the SQL, the rows that the SQL returns when the client runs it read only, and the
time. Nothing here knows the answers.
"""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlstrict import Client
from sqlstrict.introspect import read_sqlite_schema
from sqlstrict.run import run_read_only

HERE = Path(__file__).parent
DATA = HERE.parent / ".demo"
MAX_ROWS = 5


def main() -> int:
    """Run the demonstration; 0 when every question got SQL or a refusal."""
    DATA.mkdir(mode=0o700, exist_ok=True)
    database = make_database(DATA / "shop.db")
    with private_daemon(DATA / "data") as address, Client(address, timeout_s=30) as client:
        client.register_schema("shop", read_sqlite_schema(database).ddl)
        for question in (HERE / "questions.txt").read_text().splitlines():
            print(f"\n? {question}")
            start = time.perf_counter()
            answer = client.translate(question, schema="shop")
            elapsed_ms = (time.perf_counter() - start) * 1000
            if answer.sql is None:
                assert answer.refusal is not None
                print(f"  refused ({answer.refusal.reason}): {answer.refusal.message}")
            else:
                print(f"  {answer.sql}")
                print_rows(database, answer.sql)
            print(f"  {elapsed_ms:.0f} ms")
    print("\nThe daemon is stopped. README.md says how to go on.")
    return 0


def make_database(path: Path) -> Path:
    """Write the shop database afresh."""
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript((HERE / "shop.sql").read_text())
        connection.commit()
    return path


@contextlib.contextmanager
def private_daemon(data: Path) -> Iterator[str]:
    """Start a daemon on a socket of its own, wait until it is ready, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="sqlstrict-demo-") as folder:
        address = f"unix://{folder}/daemon.sock"
        command = [sys.executable, "-m", "sqlstrictd", "--address", address]
        daemon = subprocess.Popen([*command, "--data-dir", str(data), "--log-level", "warning"])
        try:
            wait_until_ready(address, daemon)
            yield address
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=30)


def wait_until_ready(address: str, daemon: subprocess.Popen[bytes]) -> None:
    """Wait for the daemon; the first start converts the model and says so on stderr."""
    with Client(address, timeout_s=5) as client:
        while daemon.poll() is None:
            with contextlib.suppress(TimeoutError):
                client.wait_for_ready(timeout_s=1)
                return
    sys.exit(f"demo: the daemon ended with {daemon.returncode}; its reason stands above")


def print_rows(database: Path, sql: str) -> None:
    """Print the first rows of a statement, as the client reads them."""
    result = run_read_only(database, sql, max_rows=MAX_ROWS)
    for row in result.rows:
        print("    " + " | ".join("NULL" if value is None else str(value) for value in row))
    if result.is_truncated:
        print("    ...")
    if not result.rows:
        print("    (no rows)")


if __name__ == "__main__":
    sys.exit(main())
