"""Rows of tokens as tensors, and what a model makes of them: logits where something is learned.

Called by `loop.py` for training and for its checks on held-out questions. Needs torch; what a row
is stands in `examples.py`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from sqlstrict_train.examples import IGNORED, Row
from sqlstrict_train.tokenizer import PAD


def collate(rows: list[Row]) -> dict[str, Any]:
    """Pad rows into tensors; `mask` is True where a token may look (batch, 1, length, length)."""
    length = max(len(row.tokens) for row in rows)

    def pad(lists: list[list[int]], filler: int) -> Any:
        return torch.tensor([values + [filler] * (length - len(values)) for values in lists])

    blocks = pad([row.blocks for row in rows], -1)
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    same = (blocks[:, :, None] == blocks[:, None, :]) | (blocks[:, None, :] == 0)
    return {
        "tokens": pad([row.tokens for row in rows], PAD),
        "labels": pad([row.labels for row in rows], IGNORED),
        "positions": pad([row.positions for row in rows], 0),
        "mask": (same & causal).unsqueeze(1),
    }


def learned_logits(model: Any, batch: dict[str, Any]) -> tuple[Any, Any]:
    """The logits and labels of the positions that are learned, and of no others."""
    is_learned = batch["labels"][:, 1:] != IGNORED
    with torch.autocast("cpu", torch.bfloat16):  # three times as fast on processors with AMX
        hidden = model.model(
            input_ids=batch["tokens"],
            attention_mask={"full_attention": batch["mask"], "conv": None},
            position_ids=batch["positions"],
            use_cache=False,
        )
        logits = model.lm_head(hidden.last_hidden_state[:, :-1][is_learned])
    return logits.float(), batch["labels"][:, 1:][is_learned]


def exact_share(model: Any, rows: list[Row], at_once: int = 6) -> tuple[float, float]:
    """Loss, and the share of statements whose every token comes first: greedy would write them."""
    right = total = 0
    losses = []
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        with torch.no_grad():
            logits, labels = learned_logits(model, collate(part))
        losses.append(functional.cross_entropy(logits, labels).item())
        hits = (logits.argmax(-1) == labels).tolist()
        owners = [
            (index, block)
            for index, row in enumerate(part)
            for block, label in zip(row.blocks, row.labels, strict=True)
            if label != IGNORED
        ]
        wrong = {owner for owner, hit in zip(owners, hits, strict=True) if not hit}
        right += len(set(owners) - wrong)
        total += len(set(owners))
    return sum(losses) / len(losses), right / total
