"""A tokenizer.json of 65,536 entries of the kind that LFM2 has, made in seconds.

Training one takes a minute and tens of megabytes of text. Here each frequent word of the standard
library and of a few lines in other scripts gets a chain of merges from its first byte on, so that
words share prefixes and merges compete as in a trained vocabulary.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlstrict_convert.checkpoint.vocab import WORD_PATTERN
from tokenizers import Regex, pre_tokenizers

SIZE = 65_536
N_RESERVED = 500  # LFM2 keeps as many for later
SPECIAL = (
    *("<|pad|>", "<|startoftext|>", "<|endoftext|>", "<|fim_pre|>", "<|im_start|>", "<|im_end|>"),
    *("<|tool_list_start|>", "<|tool_list_end|>", "<|tool_call_start|>", "<|tool_call_end|>"),
)
SCRIPTS = (
    "日本語の漢字とカタカナ、ひらがな。東京都の注文テーブルを検索する 数据库查询语句 表格",
    "한국어 문장을 데이터베이스에서 찾기 Привет мир запрос таблица базы данных где дата",
    "Ελληνικά ερώτημα πίνακας عربي قاعدة البيانات استعلام עברית טבלה שאילתה हिन्दी तालिका",
    "🙂 🚀 🎉 👩‍👩‍👧‍👦 🇩🇪 ❤️ naïve café Ångström Straße œuvre İstanbul ñandú ἀρχή e\u0301 o\u0308",
)


def large_tokenizer(texts: Iterable[str], size: int = SIZE) -> dict[str, Any]:
    """Return the content of tokenizer.json; `texts` are what its words come from."""
    cut = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    special = [*SPECIAL, *(f"<|reserved_{i}|>" for i in range(N_RESERVED - len(SPECIAL)))]
    vocab = {text: i for i, text in enumerate(special)}
    for letter in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocab[letter] = len(vocab)
    merges = []
    for word in _by_frequency(cut.pre_tokenize_str, (*SCRIPTS * 3, *texts)):
        for end in range(2, len(word) + 1):
            if word[:end] not in vocab and len(vocab) < size:
                vocab[word[:end]] = len(vocab)
                merges.append([word[: end - 1], word[end - 1]])
    assert len(vocab) == size, f"{len(vocab)} tokens, the texts are too few"
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": i, "content": text, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for i, text in enumerate(special)
        ],
        "normalizer": None,
        "pre_tokenizer": json.loads(cut.__getstate__()),
        "post_processor": None,
        "decoder": None,
        "model": {"type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": True},
    }


def _by_frequency(
    cut: Callable[[str], list[tuple[str, Any]]], texts: Iterable[str]
) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in cut(text))
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield word
