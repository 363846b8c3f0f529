"""Kill the engine while 50 requests are in the house, and print what each client saw.

    python bench/crash.py [--model FILE] [--requests 50] [--max-tokens 512] [--seed 1]

Starts a daemon of its own on a private socket. For each of SIGKILL, SIGSEGV and SIGABRT: sends the
requests at once, each from a connection of its own; waits until four are in slots and the others
are queued; sends the signal to the engine; counts how each request ended, asks the front for its
health all the while, and measures the time until the daemon is ready again. No client asks twice.
Without --model it writes a tiny random model first. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrict_proto.v1 import sqlstrict_pb2_grpc as stubs

SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)
SLOTS = 4
DDL = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), price REAL, status TEXT
);
"""
READINESS = health_pb2.HealthCheckRequest(service="sqlstrict.v1.TranslationService")
LIVENESS = health_pb2.HealthCheckRequest(service="liveness")
SERVING = health_pb2.HealthCheckResponse.SERVING
OPTIONS = [("grpc.use_local_subchannel_pool", 1)]


async def ask(target: str, number: int, seed: int, max_tokens: int) -> str:
    """Ask one question on a connection of its own; returns how it ended, in words."""
    request = pb.TranslateRequest(
        question=f"question {number} about orders and customers",
        schema=pb.SchemaRef(ddl=DDL),
        temperature=1.0,
        seed=seed + number,
        max_tokens=max_tokens,
        n=2,
    )
    async with grpc.aio.insecure_channel(target, options=OPTIONS) as channel:
        try:
            response = await stubs.TranslationServiceStub(channel).Translate(request, timeout=280)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name} {reason_of(error)}"
    if response.HasField("sql"):
        return "SQL"
    return pb.RefusalReason.Name(response.refusal.reason).replace("REFUSAL_REASON_", "refusal ")


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The stable reason of a typed error; "untyped" where it has none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if packed.Unpack(info):
                    return str(info.reason)
    return "untyped"


async def watch_front(health: health_pb2_grpc.HealthStub) -> dict[str, float]:
    """Ask the front for its health until cancelled; returns how often, and the longest wait."""
    seen = {"asked": 0.0, "failed": 0.0, "longest_ms": 0.0}
    try:
        while True:
            began = time.monotonic()
            try:
                alive = (await health.Check(LIVENESS, timeout=10)).status == SERVING
            except grpc.aio.AioRpcError:
                alive = False
            seen["asked"] += 1
            seen["failed"] += not alive
            seen["longest_ms"] = max(seen["longest_ms"], (time.monotonic() - began) * 1000)
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        return seen


async def is_ready(health: health_pb2_grpc.HealthStub) -> bool:
    """Whether the daemon says that it would answer a question now."""
    return bool((await health.Check(READINESS, timeout=10)).status == SERVING)


async def play_round(
    target: str, number: signal.Signals, n_requests: int, max_tokens: int, seed: int
) -> Any:
    """Fill the house, kill the engine, and see what becomes of everybody."""
    async with grpc.aio.insecure_channel(target, options=OPTIONS) as channel:
        health, status = health_pb2_grpc.HealthStub(channel), stubs.StatusServiceStub(channel)
        while not await is_ready(health):
            await asyncio.sleep(0.02)
        front = asyncio.create_task(watch_front(health))
        clients = [asyncio.create_task(ask(target, n, seed, max_tokens)) for n in range(n_requests)]
        while True:
            before = await status.GetStatus(pb.GetStatusRequest(), timeout=10)
            if before.slots_busy == SLOTS and before.queued == n_requests - SLOTS:
                break
            if sum(client.done() for client in clients) > n_requests // 2:
                raise SystemExit("crash: the model answers too fast to fill the house")
            if any(client.done() for client in clients):
                break  # The fastest is through; the others are in slots or queued.
            await asyncio.sleep(0)
        n_done = sum(client.done() for client in clients)
        os.kill(before.engine_pid, number)
        killed_at = time.monotonic()
        while await is_ready(health):
            await asyncio.sleep(0.001)
        noticed_s = time.monotonic() - killed_at
        while not await is_ready(health):
            await asyncio.sleep(0.01)
        ready_s = time.monotonic() - killed_at
        outcomes = Counter(await asyncio.gather(*clients))
        front.cancel()
        seen = await front
        after = await status.GetStatus(pb.GetStatusRequest(), timeout=10)
    return {
        "signal": number.name,
        "in_slots": before.slots_busy,
        "queued": before.queued,
        "done_before": n_done,
        "outcomes": dict(sorted(outcomes.items())),
        "requeued": after.counters["requeued"] - before.counters["requeued"],
        "noticed_s": round(noticed_s, 3),
        "ready_again_s": round(ready_s, 3),
        "front_asked": int(seen["asked"]),
        "front_failed": int(seen["failed"]),
        "front_longest_ms": round(seen["longest_ms"], 1),
        "is_front_same": after.front_pid == before.front_pid,
        "is_engine_new": after.engine_pid != before.engine_pid,
    }


def start_daemon(folder: Path, model: Path, n_requests: int) -> tuple[subprocess.Popen[str], str]:
    """Start a daemon in a folder; returns it when it is ready, and its gRPC target."""
    path = folder / "run" / "s.sock"
    daemon = subprocess.Popen(
        [sys.executable, "-m", "sqlstrictd", "--address", f"unix://{path}"]
        + ["--model", str(model), "--data-dir", str(folder / "data"), "--slots", str(SLOTS)]
        + ["--queue-limit", str(n_requests + 14), "--max-deadline", "300"],
        stderr=(folder / "log").open("w"),
        text=True,
    )
    while "ready on" not in (folder / "log").read_text():
        if daemon.poll() is not None:
            raise SystemExit(f"crash: the daemon ended:\n{(folder / 'log').read_text()}")
        time.sleep(0.02)
    return daemon, f"unix:{path}"


def main() -> None:
    """Play the rounds and print them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, help="a GGUF file (default: a tiny random model)")
    parser.add_argument("--requests", type=int, default=50, metavar="N")
    parser.add_argument("--max-tokens", type=int, default=512, metavar="N", help="of each request")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="sqlstrict-crash-") as name:
        folder = Path(name)
        model = arguments.model
        if model is None:
            model = folder / "tiny.gguf"
            maker = Path(__file__).parent / "make_model.py"
            subprocess.run(
                [sys.executable, str(maker), "--size", "tiny", "--out", str(model)],
                check=True,
                capture_output=True,
            )
        daemon, target = start_daemon(folder, model, arguments.requests)
        try:
            seed = arguments.seed
            for number in SIGNALS:
                result = asyncio.run(
                    play_round(target, number, arguments.requests, arguments.max_tokens, seed)
                )
                results.append(result)
                seed += 1000
                print_round(result, arguments.requests)
        finally:
            daemon.terminate()
            code = daemon.wait(timeout=60)
    print(f"the daemon stopped with exit code {code}")
    print(json.dumps({"requests": arguments.requests, "exit_code": code, "rounds": results}))


def print_round(result: dict[str, Any], n_requests: int) -> None:
    """Print a round for people."""
    print(
        f"{result['signal']}: {n_requests} requests, {result['in_slots']} in slots, "
        f"{result['queued']} queued, {result['done_before']} done when it was sent"
    )
    for outcome, count in result["outcomes"].items():
        print(f"  {count:4d}  {outcome}")
    print(
        f"  {result['requeued']} were given to the new engine; ready again after "
        f"{result['ready_again_s']} s"
    )
    print(
        f"  the front answered {result['front_asked'] - result['front_failed']} of "
        f"{result['front_asked']} health checks meanwhile, the slowest in "
        f"{result['front_longest_ms']} ms"
    )


if __name__ == "__main__":
    main()
