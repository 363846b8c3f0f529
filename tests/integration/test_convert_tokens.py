"""The tokens of converted vocabularies, through llama.cpp, against the tokenizers library's."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from large_tokenizer import SIZE, large_tokenizer
from random_checkpoint import config_of
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import plan_tensors
from sqlstrict_convert.checkpoint.vocab import parse_vocabulary
from sqlstrict_convert.gguf_format.file import write_gguf
from sqlstrict_convert.gguf_format.metadata import Origin
from sqlstrict_convert.llama.context import load_model, tokenize
from sqlstrict_convert.llama.library import load_bindings, set_log
from tokenizers import Tokenizer

BUNDLED = Path(__file__).parents[2] / "daemon/sqlstrictd/bundled/tokenizer.json"
BUNDLED_SIZE = 3_072
ADDED = ("<sql>", "</sql>", "ORDER BY", "été", "<|PAD_TOKEN|>", "  ", "数据")
PADDED_TO = 64  # as embeddings are, once they grow
N_STRINGS = 10_000
# Where case is ignored a long s is an s, so that 'ſ is cut off like 's; not so in llama.cpp.
KNOWN_DIFFERENCE = "'ſ"
NAMES = {"bos_token": "<|startoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"}

WORDS = (
    *("SELECT", " FROM", "orders", " WHERE price >= 10.50", "created_at", "JOIN", "COUNT(*)"),
    *("<|im_start|>", "<|im_end|>", "<|pad|>", "<|startoftext|>", "<|im_", "|>", "<|", "<|x|>"),
    *(" ORDER BY x", "ORDER  BY", "<sql>SELECT</sql>", "l'été", "数据库", "<|PAD_TOKEN|>"),
    *("<|reserved_7|>", "<|tool_call_start|>", "<|endoftext|>", "im_end|>"),
    *("\r\n", "\n\n\n", " \n ", "   x", "\t\t", "     ", "\u00a0 ", "\u3000", "\u2028", "\u0085"),
    *("don't", "I'LL", "we've", "'S", "ſ", "it’s", "naïve", "e\u0301", "a\u0308\u0323", "ﬁ", "İ"),
    *("12345678", "1", "12", "0001", "3.14159", "1e-9", "٣٤٥", "²³", "Ⅷ", "१२३४"),
    *("日本語", "東京都", "한국어", "Привет", "مرحبا", "שלום", "हिन्दी", "ไทย", "𠀀𠀁"),
    *("🙂", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "❤️", "\ufeff", "\u200d", "\x00", "\x7f", "\x1b[0m", "\ufffd"),
)
# Blocks of characters that have had their kinds since long before both programs' tables were made.
RANGES = (
    *((0x00, 0x7F), (0x20, 0x7E), (0x20, 0x7E), (0x80, 0xFF), (0x100, 0x24F), (0x300, 0x36F)),
    *((0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A), (0x900, 0x939)),
    *((0x1E00, 0x1EFF), (0x2000, 0x206F), (0x20A0, 0x20B5), (0x2150, 0x2188), (0x2190, 0x21FF)),
    *((0x3040, 0x3096), (0x30A0, 0x30FF), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xE000, 0xE0FF)),
    *(
        (0xFB00, 0xFB06),
        (0xFF01, 0xFF5E),
        (0x1D400, 0x1D454),
        (0x1F300, 0x1F5FF),
        (0x20000, 0x2A6D6),
    ),
)


def strings(count: int) -> Iterator[str]:
    """Texts of words and of characters from everywhere, runs of one character among them."""
    stream = random.Random(17)
    for _ in range(count):
        text = ""
        for _ in range(stream.randint(1, 14)):
            kind = stream.random()
            if kind < 0.4:
                text += stream.choice(WORDS)
            elif kind < 0.5:
                text += stream.choice(" \n\r\t0aé") * stream.randint(1, 40)
            else:
                low, high = stream.choice(RANGES)
                text += "".join(chr(stream.randint(low, high)) for _ in range(stream.randint(1, 6)))
        yield text.replace(KNOWN_DIFFERENCE, "")


@pytest.fixture(scope="module", params=["bundled", "extended", "large"])
def tokenizer_content(request: pytest.FixtureRequest, make_model: ModuleType) -> dict[str, Any]:
    if request.param != "large":
        content: dict[str, Any] = json.loads(BUNDLED.read_text(encoding="utf-8"))
        if request.param == "extended":
            content["added_tokens"] += [
                {**content["added_tokens"][0], "id": BUNDLED_SIZE + i, "content": text}
                | {"special": text == "<|PAD_TOKEN|>", "normalized": False}
                for i, text in enumerate(ADDED)
            ]
        return content
    content = large_tokenizer(make_model.standard_library_texts(9_000_000))
    assert len(content["model"]["vocab"]) == SIZE
    return content


@pytest.fixture(scope="module")
def bindings() -> Any:
    module = load_bindings()
    set_log(module, lambda text: None)
    return module


@pytest.fixture(scope="module")
def model(
    bindings: Any, tokenizer_content: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A model with that vocabulary and one layer of zeros."""
    ids = {token["id"] for token in tokenizer_content["added_tokens"]}
    size = max(ids | set(tokenizer_content["model"]["vocab"].values())) + 1
    size = -(-size // PADDED_TO) * PADDED_TO
    shape = {"vocab_size": size, "num_hidden_layers": 1, "layer_types": ["full_attention"]}
    config = parse_config({**config_of("convolution_first"), **shape})
    path = tmp_path_factory.mktemp("tokens") / "model.gguf"
    write_gguf(
        path,
        config,
        parse_vocabulary(tokenizer_content, NAMES, None, config),
        Origin(name="tokens"),
        plan_tensors(config),
        lambda plan: [np.zeros(plan.n_values, np.float32)],
        is_f16=True,
    )
    loaded = load_model(bindings, str(path))
    yield loaded
    bindings.llama_model_free(loaded)


@pytest.mark.parametrize("parses_special", [True, False])
def test_the_tokens_of_ten_thousand_strings(
    bindings: Any, model: Any, tokenizer_content: dict[str, Any], parses_special: bool
) -> None:
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_content))
    tokenizer.encode_special_tokens = not parses_special
    seen = set()
    for text in strings(N_STRINGS):
        wanted = tokenizer.encode(text, add_special_tokens=False).ids
        found = tokenize(bindings, model, text.encode(), parses_special=parses_special)
        assert found == wanted, text
        seen.update(found)
    assert len(seen) > 450  # more than bytes: words and pieces of them


def test_bytes_that_are_no_text(
    bindings: Any, model: Any, tokenizer_content: dict[str, Any]
) -> None:
    """llama.cpp aborts at F5 97 81 81, a character beyond Unicode; here it is text by then."""
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_content))
    stream = random.Random(18)
    for raw in (b"a\xffb", b"\xf5\x97\x81\x81", b"\xed\xa0\x80", b"ab\xc3", b"\xf4\x90\x80\x80"):
        wanted = tokenizer.encode(raw.decode("utf-8", "replace"), add_special_tokens=False).ids
        assert tokenize(bindings, model, raw, parses_special=True) == wanted
    for _ in range(2_000):
        raw = bytes(stream.randrange(256) for _ in range(stream.randint(1, 30)))
        wanted = tokenizer.encode(raw.decode("utf-8", "replace"), add_special_tokens=False).ids
        assert tokenize(bindings, model, raw, parses_special=True) == wanted
