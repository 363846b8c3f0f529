"""The training loop on a few steps; needs torch, which CI does not install."""

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the train extra (torch) is not installed")
pytest.importorskip("transformers", reason="the train extra is not installed")

from sqlstrict_train.batches import collate, learned_logits  # noqa: E402
from sqlstrict_train.examples import IGNORED, prompt_tokens, row_of  # noqa: E402
from sqlstrict_train.export import export  # noqa: E402
from sqlstrict_train.loop import Recipe, Run, rate_at  # noqa: E402
from sqlstrict_train.tokenizer import train_tokenizer  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

SCHEMA = "Table 'boats' (id, name, length)\nTable 'trips' (id, boat_id, day)"
ANSWERS = [
    ("How many boats are there?", "SELECT COUNT(*) FROM boats;"),
    ("Names of long boats", "SELECT name FROM boats WHERE length > 9;"),
    ("Days of all trips", "SELECT day FROM trips;"),
]


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return train_tokenizer(seed=2, size=900, sheets=60)


@pytest.fixture(scope="module")
def tokenizer(content: dict[str, Any]) -> Tokenizer:
    return Tokenizer.from_str(json.dumps(content))


def small(minutes: float = 5) -> Recipe:
    return Recipe(minutes, rows=1, questions=3, longest=600, threads=1)


def test_the_loss_falls_and_the_run_goes_on_where_it_stopped(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    run = Run(tokenizer, small(), tmp_path)
    losses = [run.advance() for _ in range(12)]
    assert sum(losses[-3:]) < sum(losses[:3])
    run.save()
    again = Run(tokenizer, small(), tmp_path)
    assert (again.step, again.tokens, again.spent_s) == (12, run.tokens, run.spent_s)
    for name, tensor in again.model.state_dict().items():
        assert torch.equal(tensor, run.model.state_dict()[name]), name
    again.spent_s = run.spent_s
    assert again.advance() == pytest.approx(run.advance(), abs=1e-4)


def test_a_question_in_a_row_is_asked_as_if_it_were_alone(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    run = Run(tokenizer, small(), tmp_path)
    model = run.model.eval()
    with torch.no_grad():
        logits, labels = learned_logits(model, collate([row_of(tokenizer, SCHEMA, ANSWERS)]))
        start = 0
        for question, sql in ANSWERS:
            answer = [*tokenizer.encode(sql, add_special_tokens=False).ids, 4]
            tokens = prompt_tokens(tokenizer, SCHEMA, question) + answer
            alone = model(torch.tensor([tokens])).logits[0, -len(answer) - 1 : -1]
            assert labels[start : start + len(answer)].tolist() == answer
            gap = (logits[start : start + len(answer)] - alone).abs().max().item()
            assert gap < 0.1, question  # bfloat16 beside float32; weights are random
            start += len(answer)


def test_padding_is_not_learned(tokenizer: Tokenizer) -> None:
    rows = [row_of(tokenizer, SCHEMA, ANSWERS), row_of(tokenizer, SCHEMA, ANSWERS[:1])]
    batch = collate(rows)
    padded = batch["labels"][1, len(rows[1].tokens) :]
    assert len(padded) > 0 and (padded == IGNORED).all()


def test_the_checkpoint_says_how_schemas_are_rendered(
    tokenizer: Tokenizer, content: dict[str, Any], tmp_path: Path
) -> None:
    run = Run(tokenizer, small(), tmp_path / "work")
    size = export(run.model, content, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["sqlstrict"] == {"schema_rendering": "compact"}
    assert size == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())


def test_the_rate_warms_up_and_cools_down() -> None:
    assert rate_at(0.0) < rate_at(0.01) < rate_at(0.5) == 1.0
    assert rate_at(0.8) == pytest.approx(0.5)
    assert rate_at(1.0) == 0.0
