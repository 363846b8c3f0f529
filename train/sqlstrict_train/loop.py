"""Train the bundled model for so many minutes: fresh questions every step, completion-only loss.

Called by the `bundled` command. The learning rate is a function of the time spent, so the run ends
cooled down whenever its minutes are over, and it goes on from its last checkpoint when started
again. Batches depend on the seed and the step alone; how many steps fit depends on the machine.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch.nn import functional

from sqlstrict_train.batches import collate, exact_share, learned_logits
from sqlstrict_train.examples import Row, sheet_row, training_rows
from sqlstrict_train.model import make_config, make_model
from sqlstrict_train.questions import draw_sheet

GROUP = 8  # steps whose rows are drawn together and sorted by length, which saves padding
REPORT_EVERY = 20
CHECK_EVERY = 400


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults made the committed checkpoint."""

    minutes: float
    seed: int = 1
    rows: int = 3
    questions: int = 8
    longest: int = 1100
    rate: float = 2e-3
    threads: int = 2
    checkpoint_every_s: float = 240.0


def rate_at(fraction: float) -> float:
    """The share of the peak learning rate when that fraction of the time is spent."""
    if fraction < 0.02:
        return max(0.02, fraction / 0.02)
    return 1.0 if fraction < 0.6 else max(0.0, (1.0 - fraction) / 0.4)


def make_optimizers(model: Any, rate: float) -> list[Any]:
    """Muon for the matrices inside the layers, AdamW for embeddings, norms and convolutions."""
    matrices: list[Any] = []
    others: list[Any] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim == 2 and "embed" not in name and "lm_head" not in name
        (matrices if is_matrix else others).append(parameter)
    return [
        torch.optim.Muon(
            matrices, lr=rate, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


class Run:
    """A training run: model, optimizers, and how far it is. Its state is in `folder`."""

    def __init__(self, tokenizer: Any, recipe: Recipe, folder: Path) -> None:
        torch.set_num_threads(recipe.threads)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = tokenizer
        self.recipe = recipe
        self.folder = folder
        self.model = make_model(make_config(tokenizer.get_vocab_size()), recipe.seed)
        self.optimizers = make_optimizers(self.model, recipe.rate)
        self.step = 0
        self.spent_s = 0.0
        self.tokens = 0
        self._group = -1
        self._batches: list[list[Row]] = []
        if (folder / "state.pt").exists():
            self._load()

    @property
    def fraction(self) -> float:
        """The share of the minutes that is spent."""
        return self.spent_s / (self.recipe.minutes * 60)

    def advance(self) -> float:
        """Take one step and return its loss."""
        began = time.monotonic()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.recipe.rate * rate_at(self.fraction)
        rows = self._rows()
        logits, labels = learned_logits(self.model, collate(rows))
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += sum(len(row.tokens) for row in rows)
        self.spent_s += time.monotonic() - began
        return float(loss.item())

    def save(self) -> None:
        """Write the state, replacing the last one at once."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "spent": self.spent_s,
            "tokens": self.tokens,
        }
        torch.save(state, self.folder / "state.tmp")
        (self.folder / "state.tmp").replace(self.folder / "state.pt")

    def _load(self) -> None:
        state = torch.load(self.folder / "state.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        self.step, self.spent_s = state["step"], state["spent"]
        self.tokens = state.get("tokens", 0)

    def _rows(self) -> list[Row]:
        if self._group != self.step // GROUP:
            self._group = self.step // GROUP
            recipe = self.recipe
            seed = recipe.seed * 1_000_003 + self._group
            rows = training_rows(
                self.tokenizer, seed, recipe.rows * GROUP, recipe.questions, recipe.longest
            )
            rows.sort(key=lambda row: len(row.tokens))
            starts = range(0, len(rows), recipe.rows)
            self._batches = [rows[start : start + recipe.rows] for start in starts]
            Random(seed).shuffle(self._batches)
        return self._batches[self.step % GROUP]


def train(tokenizer: Any, recipe: Recipe, folder: Path) -> Any:
    """Train until the minutes are over and return the model; progress goes to folder/log.jsonl."""
    run = Run(tokenizer, recipe, folder)
    checks = held_out_rows(tokenizer)
    last_saved_s = run.spent_s
    smooth = 0.0
    with (folder / "log.jsonl").open("a") as log:
        while run.fraction < 1.0:
            run.model.train()
            loss = run.advance()
            smooth = 0.97 * smooth + 0.03 * loss if smooth else loss
            if run.step % REPORT_EVERY == 0:
                line = {"step": run.step, "spent_s": round(run.spent_s), "loss": round(smooth, 4)}
                line |= {"tokens": run.tokens}
                if run.step % CHECK_EVERY == 0:
                    run.model.eval()
                    held_loss, exact = exact_share(run.model, checks)
                    line |= {"held_loss": round(held_loss, 4), "held_exact": round(exact, 4)}
                log.write(json.dumps(line) + "\n")
                log.flush()
            if run.spent_s - last_saved_s > recipe.checkpoint_every_s:
                run.save()
                last_saved_s = run.spent_s
    run.save()
    return run.model.eval()


def held_out_rows(tokenizer: Any, count: int = 36) -> list[Row]:
    """Rows of five questions of the evaluation split, to watch and never to train on."""
    random = Random(977)
    rows: list[Row] = []
    while len(rows) < count:
        sheet = draw_sheet(random, "eval", 5)
        if len(sheet.questions) == 5:
            rows.append(sheet_row(tokenizer, sheet))
    return rows
