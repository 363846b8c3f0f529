"""tokenizer.json -> the vocabulary, and every tokenizer that llama.cpp would cut otherwise."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from random_checkpoint import config_of
from sqlstrict_convert.checkpoint.added_tokens import TokenType
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.vocab import (
    LATER_WORD_PATTERN,
    WORD_PATTERN,
    Vocabulary,
    parse_vocabulary,
)
from sqlstrict_convert.errors import VocabularyError

NAMES = {"bos_token": "<|startoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"}


@pytest.fixture
def tokenizer(tokenizer_json: str) -> dict[str, Any]:
    return copy.deepcopy(json.loads(tokenizer_json))


def parse(tokenizer: dict[str, Any], shape: str = "convolution_first", **more: Any) -> Vocabulary:
    names = more.pop("names", NAMES)
    template = more.pop("template", None)
    return parse_vocabulary(tokenizer, names, template, parse_config(config_of(shape)), **more)


def test_tokens_types_and_ids(tokenizer: dict[str, Any]) -> None:
    vocabulary = parse(tokenizer, "padded_vocabulary")
    by_id = {token_id: text for text, token_id in tokenizer["model"]["vocab"].items()}
    assert len(vocabulary.tokens) == 352
    assert list(vocabulary.tokens[:320]) == [by_id[i] for i in range(320)]
    assert set(vocabulary.types[:5]) == {TokenType.CONTROL}
    assert set(vocabulary.types[5:320]) == {TokenType.NORMAL}
    assert set(vocabulary.types[320:]) == {TokenType.UNUSED}
    assert vocabulary.tokens[351] == "[PAD351]"
    assert (vocabulary.pad_id, vocabulary.bos_id, vocabulary.eos_id) == (0, 1, 4)
    assert vocabulary.adds_bos
    assert all(" " in merge for merge in vocabulary.merges)


def test_both_spellings_of_merges(tokenizer: dict[str, Any]) -> None:
    pairs = parse(tokenizer)
    tokenizer["model"]["merges"] = [
        merge if isinstance(merge, str) else " ".join(merge)
        for merge in tokenizer["model"]["merges"]
    ]
    assert parse(tokenizer) == pairs


def test_added_tokens(tokenizer: dict[str, Any]) -> None:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    tokenizer["added_tokens"] += [
        {"id": 320, "content": "total cost", "special": False, **plain},
        {"id": 321, "content": "<|tool|>", "special": False, **plain},
    ]
    vocabulary = parse(tokenizer, "padded_vocabulary")
    assert vocabulary.tokens[320:322] == ("total cost", "<|tool|>")
    assert vocabulary.types[320:322] == (TokenType.USER_DEFINED, TokenType.CONTROL)


def added(tokenizer: dict[str, Any], *texts: str) -> dict[str, Any]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    tokenizer["added_tokens"] += [
        {"id": 320 + i, "content": text, **plain} for i, text in enumerate(texts)
    ]
    return tokenizer


@pytest.mark.parametrize("texts", [("abc", "cde"), ("ab", "bcd"), ("<a>x", "x<|pad|>")])
def test_added_tokens_that_overlap(tokenizer: dict[str, Any], texts: tuple[str, str]) -> None:
    with pytest.raises(VocabularyError, match="overlap"):
        parse(added(tokenizer, *texts), "padded_vocabulary")


def test_added_tokens_beyond_reason(tokenizer: dict[str, Any]) -> None:
    with pytest.raises(VocabularyError, match="no vocabulary"):
        parse(added(tokenizer, "a" * 1_000_000), "padded_vocabulary")


@pytest.mark.parametrize("texts", [("abcd", "bc"), ("abcd", "d~~"), ("aa",), ("<sql>", "</sql>")])
def test_added_tokens_that_are_cut_alike(tokenizer: dict[str, Any], texts: tuple[str, ...]) -> None:
    assert parse(added(tokenizer, *texts), "padded_vocabulary").tokens[320] == texts[0]


def test_a_tokenizer_with_code_of_its_own(tokenizer: dict[str, Any]) -> None:
    names = {**NAMES, "auto_map": {"AutoTokenizer": ["tokenization_x.MyTokenizer", None]}}
    with pytest.raises(VocabularyError, match="code of its own"):
        parse(tokenizer, names=names)


def test_named_tokens_go_before_configured_ids(tokenizer: dict[str, Any]) -> None:
    vocabulary = parse(tokenizer, names={"eos_token": {"content": "<|endoftext|>"}})
    assert (vocabulary.eos_id, vocabulary.bos_id) == (2, 1)


@pytest.mark.parametrize(
    ("names", "processor", "adds_bos"),
    [
        ({**NAMES, "add_bos_token": False}, "kept", False),
        (NAMES, "kept", True),
        (NAMES, "in a sequence", True),
        (NAMES, "without", False),
        (NAMES, None, True),
    ],
)
def test_begin_of_text(
    tokenizer: dict[str, Any], names: dict[str, Any], processor: str | None, adds_bos: bool
) -> None:
    if processor == "in a sequence":
        steps = [{"type": "ByteLevel"}, tokenizer["post_processor"]]
        tokenizer["post_processor"] = {"type": "Sequence", "processors": steps}
    elif processor == "without":
        tokenizer["post_processor"]["single"] = [{"Sequence": {"id": "A", "type_id": 0}}]
    elif processor is None:
        tokenizer["post_processor"] = None
    assert parse(tokenizer, names=names).adds_bos is adds_bos


@pytest.mark.parametrize(
    ("template", "configured", "wanted"),
    [
        (None, "in config", "in config"),
        ("in file", "in config", "in file"),
        (None, [{"name": "tool", "template": "t"}, {"name": "default", "template": "d"}], "d"),
        (None, [{"name": "mine", "template": "m"}], "m"),
        (None, [{"name": "a", "template": "a"}, {"name": "b", "template": "b"}], None),
        (None, None, None),
    ],
)
def test_chat_template(
    tokenizer: dict[str, Any], template: str | None, configured: Any, wanted: str | None
) -> None:
    names = {**NAMES, "chat_template": configured}
    assert parse(tokenizer, names=names, template=template).chat_template == wanted


def test_spellings_of_the_word_pattern(tokenizer: dict[str, Any]) -> None:
    split = tokenizer["pre_tokenizer"]["pretokenizers"][0]
    assert split["pattern"] == {"Regex": WORD_PATTERN}
    known = parse(tokenizer)
    split["pattern"] = {"Regex": LATER_WORD_PATTERN}
    assert parse(tokenizer) == known
    split |= {"behavior": "Removed", "invert": True}
    assert parse(tokenizer) == known
    split["pattern"] = {"Regex": r"\p{L}+|\P{L}"}
    with pytest.raises(VocabularyError, match="--assume-word-pattern"):
        parse(tokenizer)
    assert parse(tokenizer, assumes_word_pattern=True) == known


def test_a_token_that_merging_does_not_reach(tokenizer: dict[str, Any]) -> None:
    model = tokenizer["model"]
    # "ab" and "bc" merge; "abc" only from "a" and "bc", but "ab" is merged before.
    text = [token for token in model["vocab"] if len(token) == 1]
    byte_tokens = {token: i + 5 for i, token in enumerate(sorted(text))}
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    made = {
        token: len(special) + len(byte_tokens) + i for i, token in enumerate(("ab", "bc", "abc"))
    }
    model["vocab"] = {**special, **byte_tokens, **made}
    model["merges"] = [["a", "b"], ["b", "c"], ["a", "bc"]]
    model["ignore_merges"] = True
    parse(tokenizer)
    model["ignore_merges"] = False
    with pytest.raises(VocabularyError, match="'abc'"):
        parse(tokenizer)
    model["merges"] = [["b", "c"], ["a", "b"], ["a", "bc"]]
    parse(tokenizer)


def test_a_trained_tokenizer_reaches_all_its_tokens(tokenizer: dict[str, Any]) -> None:
    ignoring = parse(tokenizer)
    tokenizer["model"]["ignore_merges"] = False
    assert parse(tokenizer) == ignoring


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *keys, last, value = path

    def change(tokenizer: dict[str, Any]) -> None:
        at: Any = tokenizer
        for key in keys:
            at = at[key]
        at[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_set("model", "type", "Unigram"), "'Unigram'"),
        (_set("model", "byte_fallback", True), "byte_fallback"),
        (_set("model", "merges", []), "no merges"),
        (_set("model", "merges", 0, ["a", "never"]), "never"),
        (_set("model", "vocab", "new", 320), "id 320"),
        (_set("model", "vocab", "new", 300), "id 300"),
        (_set("model", "vocab", "[PAD330]", 320), "2 ids stand for"),
        (_set("normalizer", {"type": "NFC"}), "normalizes"),
        (_set("pre_tokenizer", {"type": "Whitespace"}), "pre-tokenizer"),
        (_set("pre_tokenizer", "pretokenizers", 1, "add_prefix_space", True), "prefix space"),
        (_set("added_tokens", 0, "lstrip", True), "<|pad|>"),
        (_set("added_tokens", 0, "content", "half \ud800"), "id 0"),
    ],
)
def test_tokenizers_that_are_refused(
    tokenizer: dict[str, Any], change: Callable[[dict[str, Any]], None], named: str
) -> None:
    change(tokenizer)
    shape = "padded_vocabulary" if named == "2 ids stand for" else "convolution_first"
    with pytest.raises(VocabularyError, match=named.replace("|", r"\|")):
        parse(tokenizer, shape)


def test_an_unknown_name_of_a_special_token(tokenizer: dict[str, Any]) -> None:
    with pytest.raises(VocabularyError, match="<end>"):
        parse(tokenizer, names={**NAMES, "eos_token": "<end>"})


def test_half_a_character_in_the_template(tokenizer: dict[str, Any]) -> None:
    with pytest.raises(VocabularyError, match="chat template"):
        parse(tokenizer, template="half \ud800")
