"""A prompt kept for a second grammar, and a draft that is decoded ahead: the same answers."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from engine_requests import GRAMMAR, MakeEngine, generate, has, is_clean, text_of
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.matcher import Grammars
from sqlstrictd.engine.prefixes import Prefix
from sqlstrictd.engine.prompt_tokens import tokenize_pieces
from sqlstrictd.engine.wire import Failed, Finished, Generate, Message, Started

# All that is a statement of these is one of GRAMMAR's, so that a draft may be agreed with.
NARROWER = {
    "same": GRAMMAR,
    "no customer_id": GRAMMAR.replace(' | "customer_id"', ""),
    "only id and price": GRAMMAR.replace(' | "status" | "customer_id"', ""),
    "no ORDER BY": GRAMMAR.replace('order: "" | ', 'order: "" # '),
    "no plain columns": GRAMMAR.replace("item: column | ", "item: "),
    "one column": GRAMMAR.replace('"id" | "price" | "status" | "customer_id"', '"customer_id"'),
}
# Where two tokens lie closer in other batches, either may be chosen: see test_engine_together.
TIE_BOUNDS = {"F32": 1e-3, "Q4_0": 0.02}
QUESTIONS = [f"Question {number * 7919}?" for number in range(12)]


def take(engine: Engine, request: Generate) -> tuple[Finished, Started, int]:
    """A request's answer, how it started, and in how many steps it was answered."""
    engine.scheduler.submit(request)
    messages: list[Message] = []
    n_steps = 0
    while not has(Finished, request.id)(messages):
        assert not engine.scheduler.is_idle, messages
        engine.wait()
        messages += engine.scheduler.step()
        n_steps += 1
        assert not any(isinstance(message, Failed) for message in messages), messages
    (started,) = [one for one in messages if isinstance(one, Started)]
    (finished,) = [one for one in messages if isinstance(one, Finished)]
    return finished, started, n_steps


def gap(engine: Engine, request: Generate, one: list[int], other: list[int]) -> float:
    """How far apart the logits are of the tokens at which two answers to a request part."""
    pairs = zip(one, other, strict=False)
    n_common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    vocabulary = engine.model.vocabulary
    prompt = tokenize_pieces(vocabulary, request.schema + request.question)
    sequence = engine.scheduler._pool.new()
    sequence.push([vocabulary.bos, *prompt, *one[:n_common]])
    (row,) = engine.context.decode([sequence.part(len(sequence.pending), wants_logits=True)])
    assert row is not None
    distance = abs(float(row[one[n_common]] - row[other[n_common]]))
    sequence.drop()
    return distance


def kept_prompt(engine: Engine, request: Generate) -> Prefix:
    vocabulary = engine.model.vocabulary
    tokens = tokenize_pieces(vocabulary, request.schema + request.question)
    return engine.scheduler._prefixes._prompts[(vocabulary.bos, *tokens)]


@pytest.mark.parametrize("quantization", TIE_BOUNDS)
@pytest.mark.parametrize("grammar", NARROWER)
def test_a_greedy_statement_is_the_same_with_a_draft_of_another_grammar(
    make_engine: MakeEngine,
    make_model: ModuleType,
    tmp_path: Path,
    quantization: str,
    grammar: str,
) -> None:
    engine = make_engine(make_model.make_model("tiny", tmp_path / "m.gguf", quantize=quantization))
    exact = {"grammar_key": grammar, "grammar": NARROWER[grammar]}
    n_steps_plain = n_steps_with_draft = n_equal = 0
    for number, question in enumerate(QUESTIONS):
        plain, _, n_steps = take(engine, generate(3 * number, question, keep_prompt=True, **exact))
        n_steps_plain += n_steps
        plain_tokens = kept_prompt(engine, generate(0, question)).written[text_of(plain)]
        first = generate(3 * number + 1, question, keep_prompt=True)
        draft = text_of(take(engine, first)[0])
        request = generate(3 * number + 2, question, draft=draft, keep_prompt=True, **exact)
        second, started, n_steps = take(engine, request)
        n_steps_with_draft += n_steps
        assert started.cached_tokens == started.prompt_tokens
        if text_of(second) != text_of(plain):
            tokens = kept_prompt(engine, request).written[text_of(second)]
            assert gap(engine, request, tokens, plain_tokens) < TIE_BOUNDS[quantization]
            continue
        n_equal += 1
        one, other = second.outputs[0], plain.outputs[0]
        assert one.n_tokens == other.n_tokens
        assert one.mean_log_probability == pytest.approx(other.mean_log_probability, abs=0.01)
        assert one.min_log_probability == pytest.approx(other.min_log_probability, abs=0.02)
    assert n_equal > len(QUESTIONS) / 2
    assert n_steps_with_draft < n_steps_plain
    if grammar == "same":
        assert n_steps_with_draft < n_steps_plain / 4
    assert is_clean(engine)


def test_a_draft_may_be_anything_and_changes_nothing(engine: Engine) -> None:
    chance = random.Random(1)
    wanted = text_of(engine.generate([generate(0)])[0])
    drafts = [wanted[:length] for length in range(len(wanted))]
    drafts += [wanted + "; DROP TABLE orders;", "SELECT", "SELECT id FROM orders;" * 9999]
    drafts += ["<|im_end|>", wanted[:9] + "<|im_end|>" + wanted[9:], "\x00", "\N{SNOWMAN}"]
    drafts += ["".join(chance.choices(wanted + "Ää', ", k=40)) for _ in range(20)]
    for columns in itertools.permutations(("id", "price", "status", "customer_id"), 2):
        drafts.append(f"SELECT {', '.join(columns)} FROM orders ORDER BY id;")
    for number, draft in enumerate(drafts, start=1):
        for max_tokens in (64, chance.randint(1, 40)):
            (alone,) = engine.generate([generate(1, max_tokens=max_tokens)])
            (answer,) = engine.generate([generate(number, draft=draft, max_tokens=max_tokens)])
            assert isinstance(answer, Finished) and isinstance(alone, Finished)
            assert answer.outputs[0].text == alone.outputs[0].text, draft
            assert answer.outputs[0].finish == alone.outputs[0].finish
    assert is_clean(engine)


def test_a_long_draft_is_decoded_in_chunks_beside_others(engine: Engine) -> None:
    grammar = 'start: "SELECT " /[a-z]{300}/ ";"'
    fields = {"grammar_key": "long", "grammar": grammar, "max_tokens": 400}
    first, _, n_steps = take(engine, generate(1, keep_prompt=True, **fields))
    draft = text_of(first)
    requests = [generate(2, draft=draft, **fields), generate(3, "Else?", **fields)]
    again, _ = engine.generate(requests)
    assert text_of(again) == draft
    _, _, n_steps_again = take(engine, generate(4, draft=draft, **fields))
    assert n_steps_again < n_steps / 5
    assert is_clean(engine)


def test_drawn_tokens_are_kept_as_far_as_both_grammars_allow_them(engine: Engine) -> None:
    exact = {"grammar_key": "exact", "grammar": NARROWER["no ORDER BY"]}
    n_kept = 0
    for number in range(10):
        fields = {"temperature": 1.0, "seed": number}
        draft = text_of(take(engine, generate(2 * number, keep_prompt=True, **fields))[0])
        request = generate(2 * number + 1, draft=draft, **fields, **exact)
        answer = text_of(take(engine, request)[0])
        assert answer.startswith(draft.split(" ORDER BY ")[0].rstrip(";")), draft
        assert text_of(take(engine, request)[0]) == answer  # the same draft and seed
        n_kept += answer == draft
    assert n_kept < 10


def test_only_the_first_alternative_goes_along_the_draft(engine: Engine) -> None:
    draft = text_of(take(engine, generate(1, keep_prompt=True))[0])
    with_draft, _, _ = take(engine, generate(2, draft=draft, n=6, seed=4))
    without, _, _ = take(engine, generate(3, n=6, seed=4))
    texts = [output.text for output in with_draft.outputs]
    assert texts == [output.text for output in without.outputs]
    assert draft in texts and len(texts) > 2


def test_a_prompt_is_read_again_unless_it_was_kept(engine: Engine) -> None:
    _, cold, _ = take(engine, generate(1))
    _, not_kept, _ = take(engine, generate(2))
    n_schema = not_kept.cached_tokens
    assert 0 == cold.cached_tokens < n_schema < not_kept.prompt_tokens
    _, first, _ = take(engine, generate(3, keep_prompt=True))
    assert first.cached_tokens == n_schema
    _, second, _ = take(engine, generate(4))
    assert second.cached_tokens == second.prompt_tokens
    _, other, _ = take(engine, generate(5, "Another question?"))
    assert other.cached_tokens == n_schema
    assert engine.scheduler.n_resident == 1


def test_a_kept_prompt_is_unchanged_after_many_requests(engine: Engine) -> None:
    first = generate(0, keep_prompt=True)
    engine.generate([first])
    prompt = kept_prompt(engine, first)
    assert prompt.logits is not None

    def probe() -> np.ndarray:
        fork = engine.scheduler._pool.fork(prompt.sequence)
        fork.push([30, 31, 32])
        (row,) = engine.context.decode([fork.part(3, wants_logits=True)])
        assert row is not None
        row = row.copy()
        fork.drop()
        return row

    before, logits = probe(), prompt.logits.copy()
    for number in range(1, 30):
        grammar = list(NARROWER)[number % len(NARROWER)]
        fields = {"grammar_key": grammar, "grammar": NARROWER[grammar], "n": 1 + number % 3}
        engine.generate([generate(number, draft="SELECT id, price FROM orders;", **fields)])
    assert kept_prompt(engine, first) is prompt
    assert np.abs(probe() - before).max() < 1e-3
    assert (prompt.logits == logits).all()


def test_only_so_many_prompts_are_kept_and_the_oldest_goes_first(make_engine: MakeEngine) -> None:
    engine = make_engine(max_prompts=3)
    ids = itertools.count()

    def is_cached(question: str) -> bool:
        request = generate(next(ids), question, keep_prompt=True)
        _, started, _ = take(engine, request)
        return started.cached_tokens == started.prompt_tokens

    assert not any(is_cached(question) for question in ("a", "b", "c"))
    assert is_cached("a")
    assert not is_cached("d")  # b makes way
    assert [is_cached(question) for question in ("a", "c", "d", "b")] == [True, True, True, False]
    assert len(engine.scheduler._prefixes._prompts) == 3
    assert is_clean(engine)


def test_kept_prompts_make_way_for_requests_and_before_schemas(make_engine: MakeEngine) -> None:
    engine = make_engine(context_tokens=1024)
    engine.generate([generate(1, ddl="self " * 100)])
    engine.generate([generate(2, "self " * 300, ddl="self " * 100, keep_prompt=True)])
    assert len(engine.scheduler._prefixes._prompts) == 1
    (other,) = engine.generate([generate(3, "self " * 600, ddl="other")])
    text_of(other)
    assert len(engine.scheduler._prefixes._prompts) == 0
    assert engine.scheduler.n_resident == 2
    assert is_clean(engine)


def test_a_schema_makes_way_with_the_prompts_kept_of_it(make_engine: MakeEngine) -> None:
    engine = make_engine(max_prefixes=2)
    for number, ddl in enumerate("aab"):
        take(engine, generate(number, f"Question {number}?", ddl=ddl, keep_prompt=True))
    take(engine, generate(8, ddl="c", keep_prompt=True))
    prompts = engine.scheduler._prefixes._prompts.values()
    schemas = engine.scheduler._prefixes._schemas.values()
    assert len(prompts) == len(schemas) == 2
    assert {id(prompt.parent) for prompt in prompts} == {id(schema) for schema in schemas}
    assert is_clean(engine)


def test_kept_prompts_leave_no_request_without_sequences(make_engine: MakeEngine) -> None:
    engine = make_engine(n_sequences=12, max_prefixes=4, max_prompts=8, slots=2)
    requests = [
        generate(number, f"Question {number}?", ddl="abc"[number % 3], keep_prompt=True, n=4)
        for number in range(20)
    ]
    for answer in engine.generate(requests):
        text_of(answer)
    assert is_clean(engine)


def test_the_same_prompt_asked_several_times_at_once_is_read_once(engine: Engine) -> None:
    requests = [generate(number, keep_prompt=number % 2 == 0) for number in range(4)]
    answers = engine.generate(requests)
    assert len({text_of(answer) for answer in answers}) == 1
    assert len(engine.scheduler._prefixes._prompts) == 1
    assert is_clean(engine)


def test_a_request_with_a_draft_may_be_cancelled_at_any_step(engine: Engine) -> None:
    draft = text_of(take(engine, generate(0, keep_prompt=True))[0])
    exact = {"grammar_key": "exact", "grammar": NARROWER["no plain columns"], "draft": draft}
    for n_steps in range(12):
        for question in ("How many?", "New one?"):
            engine.scheduler.submit(generate(1, question, keep_prompt=True, **exact))
            engine.wait()
            for _ in range(n_steps):
                if engine.scheduler.can_step:
                    engine.scheduler.step()
            engine.scheduler.cancel(1)
            assert is_clean(engine)
    text_of(take(engine, generate(2, **exact))[0])


def test_a_draft_is_followed_only_as_a_statement_would_write_it(engine: Engine) -> None:
    """Where the grammar forces tokens, they are the tokenizer's, whatever the draft's were."""
    vocabulary = engine.model.vocabulary
    grammars: Grammars = engine.scheduler._grammars

    def agreed(draft: list[int]) -> list[int]:
        grammar = 'start: ("id" | "no") " customer_id price" ("x" | "y") ";"'
        written, masks = grammars.matcher("g", grammar).look_ahead(draft)
        matcher = grammars.matcher("g", grammar)
        for index, token in enumerate(written):
            if index in masks:
                assert (masks[index].bits == matcher.mask().bits).all()
            matcher.consume(token)
        return written

    def tokens(text: str) -> list[int]:
        return vocabulary.tokenize(text, parse_special=False)

    forced = tokens(" customer_id price")
    by_letters = [token for letter in " customer_id price" for token in tokens(letter)]
    assert len(forced) < len(by_letters)
    assert agreed(tokens("id") + forced + tokens("x;")) == tokens("id") + forced + tokens("x;")
    written = agreed(tokens("id") + by_letters + tokens("x;"))
    assert written == agreed(tokens("id")) == (tokens("id") + forced)[: len(written)]
    assert len(written) > len(tokens("id")) + 2
    assert agreed(tokens("zzz")) == []
