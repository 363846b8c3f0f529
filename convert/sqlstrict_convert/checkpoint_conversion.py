"""The main line: read, hash, write, weigh, quantize, compare, stamp, check.

Called by `conversion` and by `pull` with a checkpoint folder. Each step is a file of its own; this
one gives them their order, their temporary places and the room on the disk, and names the result
only when all has gone well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sqlstrict_convert.checkpoint.checkpoint import FindBase
from sqlstrict_convert.checkpoint.model import SourceModel, read_model
from sqlstrict_convert.checkpoint.tensors import TensorPlan
from sqlstrict_convert.errors import ConvertError, OutputError, QualityError
from sqlstrict_convert.gguf_format.edit import add_keys
from sqlstrict_convert.gguf_format.file import stored_type, write_gguf
from sqlstrict_convert.gguf_format.metadata import Origin
from sqlstrict_convert.progress import Progress, Stopwatch
from sqlstrict_convert.quality.bounds import find_problems
from sqlstrict_convert.quality.check import check_gguf
from sqlstrict_convert.quality.comparison import Figures, compare, needed_bytes
from sqlstrict_convert.quality.report import report_keys
from sqlstrict_convert.quantize.importance import measure_importance
from sqlstrict_convert.quantize.quantize import (
    BITS_PER_WEIGHT,
    FLOATS,
    QUANTIZATIONS,
    WITH_IMPORTANCE,
    quantize_gguf,
)
from sqlstrict_convert.source.origin import read_origin
from sqlstrict_convert.staging import publish, staging_folder

DEFAULT_QUANTIZATION = "Q4_K_M"
TOKEN_BYTES = 100  # a token and its merge in the file's tables, rounded up
PIECE_BYTES = 1 << 20
REJECTED = ".rejected.gguf"

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a checkpoint is converted; `quantization` is F32, F16 or a name of QUANTIZATIONS."""

    quantization: str = DEFAULT_QUANTIZATION
    uses_importance: bool | None = None  # None: where few bits make it worth its time
    compares: bool = True  # with the unquantized model, where the result is quantized
    keeps_f16: bool = False  # leaves the unquantized file beside the result, named with -F16
    assumes_word_pattern: bool = False  # see parse_vocabulary
    n_threads: int | None = None  # all

    def __post_init__(self) -> None:
        if self.quantization not in BITS_PER_WEIGHT:
            raise ConvertError(
                f"unknown quantization {self.quantization!r}; known are "
                f"{', '.join(BITS_PER_WEIGHT)}"
            )

    @property
    def is_quantized(self) -> bool:
        """Whether llama.cpp has to quantize at all."""
        return self.quantization in QUANTIZATIONS

    @property
    def has_importance(self) -> bool:
        """Whether an importance matrix is measured."""
        chosen = self.uses_importance
        by_default = self.quantization in WITH_IMPORTANCE
        return self.is_quantized and (by_default if chosen is None else chosen)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion made."""

    path: Path
    size_bytes: int
    quantization: str
    n_tensors: int
    n_parameters: int
    f16_path: Path | None = None  # the kept intermediate file
    figures: Figures | None = None  # None where nothing was compared


def convert_checkpoint(
    source: Path,
    out: Path,
    options: Options,
    *,
    origin: Origin | None = None,
    find_base: FindBase | None = None,
    on_progress: OnProgress = lambda progress: None,
    on_finished: Callable[[Path], None] = lambda path: None,
) -> Conversion:
    """Turn a Hugging Face LFM2 checkpoint folder into one GGUF file at `out`.

    `out` is replaced in one step at the end; until then it is left as it is, whatever happens.
    `origin` is what is known of the source; by default, what its own files say. `on_finished` is
    called with the whole file just before it gets its name.

    Raises:
        UnsupportedCheckpoint, CheckpointError: before anything is written.
        OutputError, QuantizeError, CheckError: nothing is left of what was written.
        QualityError: `out` is as it was; the result lies beside it as NAME.rejected.gguf.
    """
    on_progress = Stopwatch(on_progress)
    on_progress(Progress("read", 0, 1))
    model = read_model(
        source, find_base=find_base, assumes_word_pattern=options.assumes_word_pattern
    )
    on_progress(Progress("read", 1, 1))
    with staging_folder(out, _needed_bytes(model, options)) as folder:
        try:
            return _Run(model, folder, out, options, on_progress, on_finished).make(
                origin or read_origin(source, model.checkpoint.config)
            )
        except OSError as error:
            raise OutputError(f"cannot write beside {out}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class _Run:
    """The steps of one conversion, in the staging folder."""

    model: SourceModel
    folder: Path
    target: Path
    options: Options
    on_progress: OnProgress
    on_finished: Callable[[Path], None]

    def make(self, origin: Origin) -> Conversion:
        options = self.options
        inputs = self.hash_inputs()
        written = self.write(origin)
        made, figures = written, None
        if options.is_quantized:
            made = self.quantize(written)
            if options.compares:
                figures = compare(
                    written,
                    made,
                    self.folder,
                    n_threads=options.n_threads,
                    on_progress=self.counter("compare"),
                )
            if not options.keeps_f16:
                written.unlink()
        finished = self.stamp(made, options.quantization, inputs, figures)
        self.check(finished)
        self.judge(finished, figures)
        f16_path = None
        if options.is_quantized and options.keeps_f16:
            f16_path = self.target.with_name(f"{self.target.stem}-F16.gguf")
            publish(self.stamp(written, "F16", inputs, None), f16_path)
        size_bytes = finished.stat().st_size
        self.on_finished(finished)
        publish(finished, self.target)
        return Conversion(
            path=self.target,
            size_bytes=size_bytes,
            quantization=options.quantization,
            n_tensors=len(self.model.plans),
            n_parameters=sum(plan.n_values for plan in self.model.plans),
            f16_path=f16_path,
            figures=figures,
        )

    def hash_inputs(self) -> list[str]:
        """Return "SHA256  NAME" of every file that the model is made from."""
        checkpoint = self.model.checkpoint
        total = sum(path.stat().st_size for path in checkpoint.files)
        report, done, lines = self.counter("hash"), 0, []
        for path in checkpoint.files:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    digest.update(piece)
                    done += len(piece)
                    report(min(done, total), total)
            place = "" if path.parent == checkpoint.folder else "base/"
            lines.append(f"{digest.hexdigest()}  {place}{path.name}")
        return lines

    def write(self, origin: Origin) -> Path:
        """Write the model in F16, or F32 where that was asked for."""
        model, is_f16 = self.model, self.options.quantization != "F32"
        total = sum(plan.n_values * stored_type(plan, is_f16).itemsize for plan in model.plans)
        report, done = self.counter("write"), 0

        def count(plan: TensorPlan) -> None:
            nonlocal done
            done += plan.n_values * stored_type(plan, is_f16).itemsize
            report(done, total)

        written = self.folder / "model.gguf"
        write_gguf(
            written,
            model.config,
            model.vocabulary,
            origin,
            model.plans,
            lambda plan: model.checkpoint.pieces(plan.source_name),
            is_f16=is_f16,
            on_tensor=count,
        )
        return written

    def quantize(self, written: Path) -> Path:
        """Quantize, by the importance of columns where that is wanted."""
        options, importance = self.options, None
        if options.has_importance:
            importance = self.folder / "importance.npz"
            measure_importance(
                written,
                importance,
                n_threads=options.n_threads,
                on_progress=self.counter("importance"),
            )
        quantized = self.folder / "quantized.gguf"
        quantize_gguf(
            written,
            quantized,
            options.quantization,
            importance=importance,
            n_threads=options.n_threads,
            on_progress=self.counter("quantize"),
        )
        return quantized

    def stamp(
        self, made: Path, quantization: str, inputs: list[str], figures: Figures | None
    ) -> Path:
        """Write a file again with all that is known of it, in place of the first one."""
        finished = made.with_name(f"finished-{made.name}")
        keys = report_keys(
            quantization,
            has_importance_matrix=quantization in QUANTIZATIONS and self.options.has_importance,
            inputs=inputs,
            form=self.model.checkpoint.form,
            figures=figures,
            converter=f"sqlstrict {version('sqlstrict')}",
        )
        add_keys(made, finished, keys, self.counter("stamp"))
        made.unlink()
        return finished

    def check(self, finished: Path) -> None:
        """Hold the file against the plan, and let llama.cpp load it."""
        report = self.counter("check")
        check_gguf(finished, self.model.config, self.model.plans)
        report(1, 1)

    def judge(self, finished: Path, figures: Figures | None) -> None:
        """Put a result aside that is too far from its unquantized form, and say so."""
        problems = find_problems(figures, self.options.quantization) if figures else []
        if problems:
            aside = self.target.with_name(f"{self.target.name.removesuffix('.gguf')}{REJECTED}")
            publish(finished, aside)
            raise QualityError(
                f"the {self.options.quantization} model is too far from its unquantized form: "
                f"{'; '.join(problems)}. It was kept aside as {aside}, and {self.target} was not "
                "touched. Take more bits, as Q6_K or Q8_0"
            )

    def counter(self, step: str) -> Callable[[int, int], None]:
        """Tell the listener that a step begins, and return what tells it how far it is."""
        self.on_progress(Progress(step, 0, 1))
        return lambda done, total: self.on_progress(Progress(step, done, total))


def _needed_bytes(model: SourceModel, options: Options) -> int:
    """Return what all steps take together, at the most."""
    n_values = sum(plan.n_values for plan in model.plans)
    head = model.config.vocab_size * TOKEN_BYTES
    unquantized = options.quantization if options.quantization in FLOATS else "F16"
    needed = n_values * BITS_PER_WEIGHT[unquantized] // 8 + head
    # The last step writes the file once more, beside the first.
    copies = 2 * (n_values * BITS_PER_WEIGHT[options.quantization] // 8 + head)
    if not options.is_quantized:
        return copies
    if options.keeps_f16:
        return max(needed + copies, 2 * needed + copies // 2)
    if options.compares:
        copies = max(copies, copies // 2 + needed_bytes(model.config.vocab_size))
    return needed + copies
