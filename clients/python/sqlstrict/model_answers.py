"""What the client's calls say of models: frozen dataclasses, as those of `answers.py` are.

`reading.py` fills them from the daemon's messages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model that answers."""

    name: str
    sha256: str
    architecture: str
    quantization: str
    parameter_count: int
    context_tokens: int
    vocabulary_size: int
    schema_rendering: str


@dataclass(frozen=True, slots=True)
class ModelState:
    """Which file the model came from, and what the daemon does about another one.

    `origin` is "bundled", "chosen" (from the models folder) or "flag" (`serve --model`). `name` is
    the file's, without its folder and ".gguf". `loading` names the one that is to take its place,
    and `problem` says why one that should does not; both are empty where there is nothing to say.
    `watch` is how changes of the file are noticed.
    """

    origin: str
    name: str
    loading: str
    problem: str
    watch: str


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """The model that answers, None while none is loaded, and where it came from."""

    model: ModelInfo | None
    state: ModelState


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of the models folder, as its own header describes it; `problem` is empty or why not.

    `name` is what `use_model` takes, `model_name` what its metadata calls it.
    """

    name: str
    size_bytes: int
    model_name: str
    architecture: str
    problem: str
    is_chosen: bool
    is_serving: bool
