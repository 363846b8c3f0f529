"""A loaded model with its scheduler, in the calling thread and without a socket.

`__main__` puts a socket around it and is the child; benches and tests use it as it is, so both get
the same answers. Everything but `wake` is for the one thread that made it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from sqlstrictd.engine.head import open_head, paying_rows
from sqlstrictd.engine.llama import Context, Model
from sqlstrictd.engine.prefix_folder import PrefixFolder
from sqlstrictd.engine.prefix_store import PrefixStore
from sqlstrictd.engine.prompt_tokens import check_vocabulary
from sqlstrictd.engine.scheduler import Scheduler
from sqlstrictd.engine.settings import Settings
from sqlstrictd.engine.wire import (
    Failed,
    Finished,
    Generate,
    Match,
    Matched,
    Prefill,
    Prefilled,
    Ready,
)

Answer = Finished | Failed | Matched | Prefilled


class Engine:
    """A model loaded and ready; a context manager."""

    def __init__(
        self,
        model_path: Path,
        settings: Settings | None = None,
        wake: Callable[[], None] | None = None,
        name: str | None = None,
        sha256: str | None = None,
        head_rows: int | None = None,
    ) -> None:
        """Load the model. Raises ModelLoadError where it cannot be used.

        `name` is what messages call the file, where its path is none for people; `sha256` its
        digest in hexadecimal digits, which is computed where it is wanted and not given.
        `head_rows`: how many tokens a mask may allow for the output head to be left out; 0 for
        never, by default where that pays.
        `wake` is called, from any thread, when `scheduler.can_step` may have become true.
        """
        self.settings = settings or Settings()
        self.model = Model(model_path, name)
        if head_rows is None:
            head_rows = paying_rows(self.model.vocabulary.size, self.model.hidden_size)
        try:
            check_vocabulary(self.model.vocabulary)
            self.context = Context(
                self.model,
                self.settings.context_tokens,
                self.settings.n_sequences,
                self.settings.threads,
                has_states=head_rows > 0,
            )
        except Exception:
            self.model.close()
            raise
        self.head = open_head(model_path, self.context, head_rows)
        self._woken = threading.Event()
        wake = wake or self._woken.set
        self.store = self._open_store(model_path, sha256, wake)
        self.scheduler = Scheduler(
            self.context,
            self.model.vocabulary,
            self.settings.slots,
            self.settings.max_prefixes,
            self.settings.max_prompts,
            wake,
            self.store,
            self.head,
        )

    def _open_store(
        self, model_path: Path, sha256: str | None, wake: Callable[[], None]
    ) -> PrefixStore | None:
        """Return where schemas' states are kept for this model, build and context, if anywhere."""
        if self.settings.prefix_folder is None or not self.settings.prefix_bytes:
            return None
        if sha256 is None:
            with model_path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        identity = hashlib.sha256(f"{sha256}\n{self.context.state_kind}".encode()).digest()
        folder = PrefixFolder(self.settings.prefix_folder, identity, self.settings.prefix_bytes)
        return PrefixStore(folder, wake)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free everything, in llama.cpp's order: sequences, context, model."""
        self.scheduler.close()
        if self.store:
            self.store.close()
        if self.head is not None:
            self.head.close()
        self.context.close()
        self.model.close()

    def describe(self) -> Ready:
        """Return what the front is told of the model."""
        model = self.model
        return Ready(
            name=model.metadata("general.name") or model.name.removesuffix(".gguf"),
            architecture=model.metadata("general.architecture") or "unknown",
            quantization=model.quantization,
            parameter_count=model.parameter_count,
            vocabulary_size=model.vocabulary.size,
            context_tokens=self.context.n_cells,
            schema_rendering=model.metadata("sqlstrict.schema_rendering") or "ddl",
            slots=self.settings.slots,
        )

    def wait(self) -> None:
        """Return when a step would do something. Raises RuntimeError where nothing is asked."""
        while not self.scheduler.can_step:
            if self.scheduler.is_idle:
                raise RuntimeError("nothing is asked of the engine; it would wait for ever")
            self._woken.wait()
            self._woken.clear()

    def answer(self, requests: Iterable[Generate | Match | Prefill]) -> list[Answer]:
        """Answer requests together, in the order given; their ids must differ."""
        requests = list(requests)
        for request in requests:
            self.scheduler.submit(request)
        answers: dict[int, Answer] = {}
        while len(answers) < len(requests):
            self.wait()
            for message in self.scheduler.step():
                if isinstance(message, Finished | Failed | Matched | Prefilled):
                    answers[message.id] = message
        return [answers[request.id] for request in requests]

    def generate(self, requests: Iterable[Generate]) -> list[Finished | Failed]:
        """Write statements for requests together, in the order given; their ids must differ."""
        answers = self.answer(requests)
        return [answer for answer in answers if isinstance(answer, Finished | Failed)]
