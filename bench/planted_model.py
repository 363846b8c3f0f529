"""Write a model of LFM2.5-350M's shape that costs what the real one costs and writes real SQL.

    python bench/planted_model.py --out FILE.gguf [--quantize Q4_0] [--seed S]

A random model writes noise until its budget ends, and each side of a comparison another noise. This
one knows the statements of `peer_questions.py` by heart, so that all sides write the same tokens
and end by themselves. What it knows is planted into few weights; all others are there and are
computed, but add nothing:

- the first convolution adds a code of the token before to each token;
- the first attention finds the question's number, and adds a code of it to each token behind it;
- units of the last feed-forward layer stand for (token before, token, number), each adding the
  embedding of the token that comes next, about 120 statements in all. A bias along a direction that
  all tokens share lets a unit answer where all three agree, and to nothing less.

`peers.py` and `engine.py` make one where they are given no model. Nothing else can be asked of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import make_model
import numpy as np
from numpy.typing import NDArray
from peer_questions import Asked, questions
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import TensorPlan

SIZE = "350m"
BEFORE_ANSWER = "<|im_start|>assistant\n"
END = "<|im_end|>"

Floats = NDArray[np.float32]

# How far along each direction a token's state goes: what it is itself, what all tokens share, what
# marks a number, the code of the token before, the code of the question's number.
_SHARED, _MARK, _CODE = 0.5, 1.0, 0.64
# In units of the normalised state's parts: three that agree give 50, two of them 34.
_THRESHOLD = 42.0
# So steep that thousands of units that say no add nothing, though the activation never is nothing.
_STEEPNESS = 4.0
_NEXT = 20.0


@dataclass(frozen=True, slots=True)
class Planted:
    """A statement as tokens: `keys` are (token before, token), `next_tokens` what follows each."""

    asked: Asked
    number_token: int
    token_before_number: int
    keys: tuple[tuple[int, int], ...]
    next_tokens: tuple[int, ...]


def plantable(tokenizer_json: str, asked: Iterable[Asked]) -> Iterator[Planted]:
    """Yield those whose number is one token and whose every two tokens have one successor.

    Stops where the units of a layer are used up.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(tokenizer_json)
    n_free = parse_config(make_model.SIZES[SIZE].config).feed_forward_size
    for one in asked:
        tokens = tokenizer.encode(f"{BEFORE_ANSWER}{one.sql}{END}", add_special_tokens=False).ids
        n_before = len(tokenizer.encode(BEFORE_ANSWER, add_special_tokens=False).ids)
        steps: dict[tuple[int, int], int] = {}
        is_clear = True
        for index in range(n_before, len(tokens)):
            key = (tokens[index - 2], tokens[index - 1])
            is_clear = is_clear and steps.setdefault(key, tokens[index]) == tokens[index]
        question = tokenizer.encode(one.question, add_special_tokens=False)
        places = [at for at, text in enumerate(question.tokens) if text == str(one.number)]
        if is_clear and len(places) == 1:
            n_free -= len(steps)
            if n_free < 0:
                return
            before, number = question.ids[places[0] - 1 : places[0] + 1]
            yield Planted(one, number, before, tuple(steps), tuple(steps.values()))


class Weights:
    """The planted tensors by name, and how the rest of the model is filled."""

    def __init__(self, planted: list[Planted], seed: int) -> None:
        config = parse_config(make_model.SIZES[SIZE].config)
        self._random = np.random.default_rng([seed, 350])
        self._hidden = config.hidden_size
        self._head = config.head_size
        self._n_units = config.feed_forward_size
        self._n_layers = len(config.is_attention_layer)
        self._attention_layer = config.is_attention_layer.index(True)
        self._seed = seed
        self.tensors: dict[str, Floats] = {}
        shared, mark = self._directions(2)
        self._shared = shared
        self._embed(planted, config.vocab_size, shared, mark)
        self._plant_convolution(shared, mark)
        self._plant_attention(planted, shared, mark, config.n_kv_heads)
        self._plant_statements(planted, shared)

    def values(self, plan: TensorPlan) -> Iterator[Floats]:
        """Yield a tensor's values: planted, or none where it would add something, or random."""
        name = plan.source_name
        if name in self.tensors:
            yield self.tensors[name].reshape(-1)
        elif len(plan.shape) == 1:
            yield np.ones(plan.n_values, dtype=np.float32)
        elif name.endswith(("out_proj.weight", "feed_forward.w2.weight")):
            yield np.zeros(plan.n_values, dtype=np.float32)
        else:
            yield from make_model.random_values(plan, self._seed)

    def _directions(self, n: int) -> Floats:
        directions: Floats = np.linalg.qr(self._normal(self._hidden, n))[0].T
        return directions

    def _normal(self, *shape: int) -> Floats:
        return self._random.standard_normal(shape, dtype=np.float32)

    def _embed(self, planted: list[Planted], n_tokens: int, shared: Floats, mark: Floats) -> None:
        own = self._normal(n_tokens, self._hidden) * np.float32(make_model.WEIGHT_SCALE)
        for direction in (shared, mark):
            own -= np.outer(own @ direction, direction)
        embeddings = own + _SHARED * shared
        embeddings[[one.number_token for one in planted]] += _MARK * mark
        self.tensors["model.embed_tokens.weight"] = embeddings

    def _plant_convolution(self, shared: Floats, mark: Floats) -> None:
        """Its gates read what all tokens share, its kernel takes the token before."""
        name = "model.layers.0.conv"
        gate = np.tile(shared, (self._hidden, 1))
        mixed = _blind_to(self._normal(self._hidden, self._hidden), (shared, mark))
        kernel = np.zeros((self._hidden, 3), dtype=np.float32)
        kernel[:, 1] = 1
        back = self._normal(self._hidden, self._hidden) / np.float32(np.sqrt(self._hidden))
        self.tensors[f"{name}.in_proj.weight"] = np.concatenate([gate, gate, mixed])
        self.tensors[f"{name}.conv.weight"] = kernel
        self._convolution = (mixed, back)
        middle = self.tensors["model.embed_tokens.weight"][1000:1001]
        back *= _CODE / np.linalg.norm(self._code_before(middle, middle))
        self.tensors[f"{name}.out_proj.weight"] = back

    def _plant_attention(
        self, planted: list[Planted], shared: Floats, mark: Floats, n_kv_heads: int
    ) -> None:
        """Each head looks for the mark, in a dimension that positions hardly turn."""
        name = f"model.layers.{self._attention_layer}.self_attn"
        still = self._head // 2 - 1
        query = np.zeros((self._hidden, self._hidden), dtype=np.float32)
        query[still :: self._head] = shared
        key = self._normal(n_kv_heads * self._head, self._hidden) * np.float32(0.02)
        key[still :: self._head] = mark
        # What all numbers have in common, with the tokens before them, would drown what each is.
        embeddings = self.tensors["model.embed_tokens.weight"]
        number = embeddings[[planted[0].number_token]]
        befores = sorted({one.token_before_number for one in planted})
        common = [self._code_before(embeddings[[before]], number)[0] for before in befores]
        value = _blind_to(
            self._normal(n_kv_heads * self._head, self._hidden), (shared, mark, *common)
        )
        out = np.zeros((self._hidden, self._hidden), dtype=np.float32)
        n_shared = self._hidden // (n_kv_heads * self._head)
        back = self._normal(self._hidden, len(value))
        self._attention = (value, back)
        back *= _CODE / np.linalg.norm(self._code_of(number + common[0]))
        for head in range(n_kv_heads):  # one query head of those that share a key is enough
            start = head * n_shared * self._head
            out[:, start : start + self._head] = back[:, head * self._head :][:, : self._head]
        self.tensors[f"{name}.q_proj.weight"] = query
        self.tensors[f"{name}.k_proj.weight"] = key
        self.tensors[f"{name}.v_proj.weight"] = value
        self.tensors[f"{name}.out_proj.weight"] = out
        self.tensors[f"{name}.q_layernorm.weight"] = np.full(self._head, 4, dtype=np.float32)

    def _plant_statements(self, planted: list[Planted], shared: Floats) -> None:
        """Give each step of each statement a unit of the last layer."""
        steps = [
            (one.token_before_number, one.number_token, *key, next_token)
            for one in planted
            for key, next_token in zip(one.keys, one.next_tokens, strict=True)
        ]
        embeddings = self.tensors["model.embed_tokens.weight"]
        before_number, number, before, token, next_token = (
            embeddings[list(row)] for row in zip(*steps, strict=True)
        )
        marked = number + self._code_before(before_number, number)
        of_before, of_number = self._code_before(before, token), self._code_of(marked)
        state = _normed(token + of_before + of_number)
        level = state @ shared
        gate = _unit(token - _SHARED * shared) + _unit(of_before) + _unit(of_number)
        gate = _STEEPNESS * (gate - np.outer(_THRESHOLD / level, shared))
        answer = np.einsum("ij,ij->i", gate, state) * level
        down = (next_token * (_NEXT / answer)[:, np.newaxis]).T
        n_free = self._n_units - len(gate)
        name = f"model.layers.{self._n_layers - 1}.feed_forward"
        self.tensors[f"{name}.w1.weight"] = np.pad(gate, ((0, n_free), (0, 0)))
        self.tensors[f"{name}.w2.weight"] = np.pad(down, ((0, 0), (0, n_free)))
        self.tensors[f"{name}.w3.weight"] = np.tile(shared, (self._n_units, 1))

    def _code_before(self, before: Floats, token: Floats) -> Floats:
        """Return what the convolution adds to tokens behind others, a row each."""
        mixed, back = self._convolution
        before, token = _normed(before), _normed(token)
        gates = (token @ self._shared) * (before @ self._shared)
        code: Floats = gates[:, np.newaxis] * (before @ mixed.T) @ back.T
        return code

    def _code_of(self, marked: Floats) -> Floats:
        """Return what the attention adds behind a question's number, a row each."""
        value, back = self._attention
        code: Floats = (_normed(marked) @ value.T @ back.T).astype(np.float32)
        return code


def _blind_to(rows: Floats, directions: Iterable[Floats]) -> Floats:
    """Take the directions out of rows, and scale them so that they keep a state's length."""
    spanned: Floats = np.linalg.qr(np.array(list(directions)).T)[0].astype(np.float32)
    blind = rows - rows @ spanned @ spanned.T
    scaled: Floats = (blind / np.sqrt(rows.shape[1])).astype(np.float32)
    return scaled


def _normed(rows: Floats) -> Floats:
    normed: Floats = rows / np.sqrt(np.mean(rows * rows, axis=1, keepdims=True))
    return normed


def _unit(rows: Floats) -> Floats:
    unit: Floats = (_normed(rows) / np.sqrt(rows.shape[1])).astype(np.float32)
    return unit


def plant_model(out: Path, quantize: str = "Q4_0", seed: int = 0) -> list[Asked]:
    """Write the model, unless it is there, and return the questions that it can answer."""
    tokenizer_file = make_model.tokenizer_of(SIZE, out.parent)
    planted = list(plantable(tokenizer_file.read_text(encoding="utf-8"), questions(seed)))
    if not out.exists():
        make_model.make_model(SIZE, out, seed, quantize, values=Weights(planted, seed).values)
    return [one.asked for one in planted]


def main() -> int:
    """Write the model and say how much it knows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quantize", default="Q4_0")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    asked = plant_model(arguments.out, arguments.quantize, arguments.seed)
    print(json.dumps({"out": str(arguments.out), "statements": len(asked)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
