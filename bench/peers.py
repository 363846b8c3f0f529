"""sqlstrict beside llama-server and llama-cpp-python: one command, one run, interleaved, medians.

    python bench/peers.py [--model FILE.gguf] [--llama-server PATH] [--server-arguments "..."]
        [--sides NAME...] [--rounds N] [--cold N] [--tables 5 15 40] [--clients 1 2 4 8]
        [--tokens N] [--out FILE.json] [--plot FILE.svg] [--quick]

Each peer takes part with a grammar that knows the schema's names (names_grammar.py) and without
any, in processes of its own. Cold: the first question on a schema in a new process. Warm: a new
question on a schema asked of before. Clients: so many new questions at the same moment, on the
schema of 15 tables, until the last is answered. Every question is asked of every side before the
next, and of nobody before (peer_questions.py).

Without --model it makes one that costs what LFM2.5-350M costs and writes the same statement
whoever asks (planted_model.py), so that all sides write the same tokens. With another model they do
not: then the time after the first token is scaled to as many tokens as sqlstrict wrote for the same
question, and the raw times stand beside it. The ratios are a peer's time by ours, of the best peer
there is. Without --llama-server the others go on without it. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from bars import Bars, draw
from peer_questions import Asked, questions, schema_of
from peer_results import Results
from peer_setting import Reply, Schemas, Setting
from peer_sides import Side, side_kinds
from planted_model import plant_model
from sqlstrictd.engine.settings import physical_cores

MIDDLE = 15


class Bench:
    """Asks the questions, one after the other, of all sides."""

    def __init__(self, kinds: Sequence[type[Side]], asked: Iterator[Asked]) -> None:
        self._kinds = kinds
        self._asked = asked
        self._sides: list[Side] = []
        self._n_turns = 0
        self.results = Results(
            [kind.name for kind in kinds if kind.has_grammar],
            [kind.name for kind in kinds if not kind.has_grammar],
        )

    def start(self, setting: Setting, schemas: Schemas) -> None:
        """Start every side anew."""
        for kind in self._kinds:
            print(f"starting {kind.name}", file=sys.stderr)
            self._sides.append(kind(setting, schemas))

    def stop(self) -> None:
        """End every side's process."""
        while self._sides:
            self._sides.pop().stop()

    def keep(self, tables: Sequence[int]) -> None:
        """Tell the sides which schemas they will be asked of again."""
        for side in self._sides:
            for n_tables in tables:
                side.keep(n_tables)

    def ask_all(self, case: str, n_tables: int, is_counted: bool = True) -> None:
        """Ask a new question of every side, one at a time."""
        asked = self._new(1)[0]
        replies = {}
        for side in self._in_turn():
            reply = replies[side.name] = side.ask(n_tables, asked.question)
            print(
                f"{case} {side.name}: {reply.seconds:.3f} s, {reply.n_tokens} tokens,"
                f" prompt {reply.prompt_tokens}, attempts {reply.attempts}",
                file=sys.stderr,
                flush=True,
            )
        if is_counted:
            self.results.add(case, asked, replies)

    def ask_together(self, n_clients: int, n_tables: int) -> None:
        """Ask as many new questions at the same moment as there are clients, of every side."""
        batch = self._new(n_clients)
        times = {}
        for side in self._in_turn():

            def ask(asked: Asked, side: Side = side) -> Reply:
                return side.ask(n_tables, asked.question)

            with ThreadPoolExecutor(max_workers=n_clients) as clients:
                began = time.perf_counter()
                replies = list(clients.map(ask, batch))
                seconds = time.perf_counter() - began
            times[side.name] = (seconds, replies)
            print(f"{n_clients} clients {side.name}: {seconds:.3f} s", file=sys.stderr, flush=True)
        self.results.add_together(n_clients, times)

    def _new(self, n: int) -> list[Asked]:
        batch = list(islice(self._asked, n))
        if len(batch) < n:
            raise SystemExit("peers: no new questions are left; ask for fewer rounds or clients")
        return batch

    def _in_turn(self) -> list[Side]:
        """Return the sides, another first each time."""
        self._n_turns += 1
        first = self._n_turns % len(self._sides)
        return self._sides[first:] + self._sides[:first]


def free_port() -> int:
    """Return a port of two neighbours that are free now."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        port: int = first.getsockname()[1]
        try:
            second.bind(("127.0.0.1", port + 1))
        except OSError:
            return free_port()
    return port


def measure(bench: Bench, arguments: argparse.Namespace, model: Path, rendering: str) -> None:
    """Ask everything: cold in several new lots of processes, the rest in the last of them."""
    schemas = Schemas({n: schema_of(n) for n in arguments.tables}, rendering)
    middle = MIDDLE if MIDDLE in arguments.tables else arguments.tables[0]
    for lot in range(arguments.cold):
        with tempfile.TemporaryDirectory() as folder:
            setting = Setting(
                model,
                Path(folder),
                rendering,
                arguments.threads,
                arguments.slots,
                arguments.tokens,
                arguments.context_tokens,
            )
            try:
                bench.start(setting, schemas)
                for n_tables in arguments.tables:
                    bench.ask_all(f"cold {n_tables}", n_tables)
                if lot < arguments.cold - 1:
                    continue
                bench.keep(arguments.tables)
                for index in range(arguments.rounds + 1):
                    for n_tables in arguments.tables:
                        bench.ask_all(f"warm {n_tables}", n_tables, is_counted=index > 0)
                for _ in range(arguments.rounds):
                    for n_clients in arguments.clients:
                        bench.ask_together(n_clients, middle)
            finally:
                bench.stop()


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="GGUF; by default one is made in --work")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "sqlstrict-bench"))
    parser.add_argument("--llama-server", type=Path, metavar="PATH", help="the program")
    parser.add_argument("--server-arguments", default="", help="further ones for llama-server")
    parser.add_argument("--sides", nargs="*", metavar="NAME", help="peers; by default all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", type=int, default=3, help="lots of new processes")
    parser.add_argument("--tables", type=int, nargs="+", default=[5, MIDDLE, 40])
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--tokens", type=int, default=48, help="the most an answer may have")
    parser.add_argument("--threads", type=int, default=physical_cores())
    parser.add_argument("--slots", type=int, default=4, help="questions answered at once")
    parser.add_argument("--context-tokens", type=int, default=16384)
    parser.add_argument("--seed", type=int, default=0, help="of the questions")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--quick", action="store_true", help="one round, 5 tables, 2 clients")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.cold, arguments.tables, arguments.clients = 1, 1, [5], [2]
    if min(arguments.tables) < 5 or arguments.rounds < 1 or arguments.cold < 1:
        parser.error("at least 5 tables, 1 round and 1 cold lot")
    if arguments.llama_server and not arguments.llama_server.is_file():
        parser.error(f"there is no program {arguments.llama_server}")
    return arguments


def main() -> int:
    """Measure and print."""
    arguments = parse_arguments()
    # However it is ended, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if arguments.model:
        model, asked = arguments.model, questions(arguments.seed)
    else:
        model = arguments.work / "planted-350m-Q4_0.gguf"
        print(f"a planted model: {model}", file=sys.stderr)
        asked = iter(plant_model(model, seed=arguments.seed))
    if not arguments.llama_server:
        print("without --llama-server: llama-server does not take part", file=sys.stderr)
    extra = tuple(shlex.split(arguments.server_arguments))
    kinds = side_kinds(arguments.llama_server, extra, free_port())
    if arguments.sides is not None:
        unknown = set(arguments.sides) - {kind.name for kind in kinds}
        if unknown:
            print(f"peers: no side {', '.join(sorted(unknown))}", file=sys.stderr)
            return 2
        kinds = [kind for kind in kinds if kind is kinds[0] or kind.name in arguments.sides]
    bench = Bench(kinds, asked)
    measure(bench, arguments, model, schema_rendering(model))
    middle = MIDDLE if MIDDLE in arguments.tables else arguments.tables[0]
    report = bench.results.report(middle)
    report["settings"] = {
        "model": model.name,
        "tables": arguments.tables,
        "rounds": arguments.rounds,
        "cold": arguments.cold,
        "threads": arguments.threads,
        "slots": arguments.slots,
        "tokens": arguments.tokens,
        "server_arguments": arguments.server_arguments,
        "sides": [kind.name for kind in kinds],
    }
    print(bench.results.table())
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if arguments.plot:
        title = f"seconds an answer, {model.name}, {arguments.threads} threads; shorter is better"
        bars = Bars(title, bench.results.medians())
        arguments.plot.write_text(draw(bars), encoding="utf-8")
    print(json.dumps(bench.results.summary(middle)))
    return 0


def schema_rendering(model: Path) -> str:
    """Return how the model reads schemas, as its file says."""
    from gguf import GGUFReader

    field = GGUFReader(model).fields.get("sqlstrict.schema_rendering")
    return str(field.contents()) if field else "ddl"


if __name__ == "__main__":
    sys.exit(main())
