"""Train the bundled model's tokenizer: byte-level BPE cut as LFM2 cuts text, made for copying.

Called by the `bundled` command. Merges are learned on words alone, so "(price", ".price" and
" price" all end in the same token, and a small model copies a name token by token (see `merges.py`
for plurals). Frequent function words and keywords with their blank are whole entries, which LFM2's
`ignore_merges` finds before any merge is tried.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from sqlstrictd.prompt import SYSTEM
from sqlstrictd.schema.render import render_compact

from sqlstrict_train import words
from sqlstrict_train.merges import learn_merges
from sqlstrict_train.questions import draw_sheet
from sqlstrict_train.texts import read_sections, words_of

SPECIAL = ("<|pad|>", "<|startoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>")
PAD, BOS, END = 0, 1, 4
# The split that LFM2 shares with Llama 3, and that llama.cpp applies for the pre-tokenizer "lfm2".
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{{- bos_token -}}{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
    "{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
_TEXTS = read_sections("tokens")
_KEYWORDS = words_of(_TEXTS["keywords"])
_FUNCTION_WORDS = words_of(_TEXTS["function_words"])
_ENDING_IN_S = ("is", "as", "has", "this", "does", "was")
_PIECES = "(*)| (| =| <>| <| >| <=| >=| '| \"| ('|),|_id|'.|);|';|',| strftime|('%|%'|?|\n"


def train_tokenizer(seed: int, size: int = 3072, sheets: int = 2500) -> dict[str, Any]:
    """Train on generated text of the training split; return the content of tokenizer.json."""
    random = Random(seed)
    counts: Counter[str] = Counter()
    for _ in range(sheets):
        sheet = draw_sheet(random, "train", 6)
        texts = [render_compact(sheet.spec.schema)]
        for question in sheet.questions:
            texts += [question.text, question.sql]
        for text in texts:
            counts.update(re.findall(r"[A-Za-z]+", text))
    for word in (*words.NOUNS, *words.MEASURES, *words.ADJECTIVES, *words.CLASSIFIERS):
        counts[word] += 30
    for word in (*words.CITIES, *words.COUNTRIES, *words.FIRST_NAMES, *words.LAST_NAMES):
        counts[word] += 5
    for word in (*_KEYWORDS, *re.findall("[A-Za-z]+", SYSTEM), "system", "user", "assistant"):
        counts[word] += 2000
    kept = {word: min(count, 400) for word, count in counts.items() if count >= 3}
    whole = [_bytes(text) for text in _PIECES.split("|")]
    whole += [_bytes(" " + word) for word in (*_FUNCTION_WORDS, *_KEYWORDS)]
    whole += [word for word in (*_FUNCTION_WORDS, *_ENDING_IN_S) if word.endswith("s")]
    alphabet = sorted(_BYTE_TO_CHAR.values())
    whole = [text for text in dict.fromkeys(whole) if text not in alphabet]
    room = size - len(SPECIAL) - len(alphabet) - len(whole)
    merges = learn_merges(kept, room)
    tokens = dict.fromkeys([*SPECIAL, *alphabet, *(left + right for left, right in merges), *whole])
    return _tokenizer_json({token: index for index, token in enumerate(tokens)}, merges)


def write_tokenizer(content: dict[str, Any], folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json as Hugging Face lays them out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False, indent=1))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": SPECIAL[BOS],
        "eos_token": SPECIAL[END],
        "pad_token": SPECIAL[PAD],
        "add_bos_token": True,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False, indent=1))


def _tokenizer_json(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> dict[str, Any]:
    special = [
        {
            "id": index,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for index, token in enumerate(SPECIAL)
    ]
    bos = {"SpecialToken": {"id": SPECIAL[BOS], "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": SPLIT},
                    "behavior": "Isolated",
                    "invert": False,
                },
                {
                    "type": "ByteLevel",
                    "add_prefix_space": False,
                    "trim_offsets": True,
                    "use_regex": False,
                },
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [
                bos,
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}},
            ],
            "special_tokens": {
                SPECIAL[BOS]: {"id": SPECIAL[BOS], "ids": [BOS], "tokens": [SPECIAL[BOS]]}
            },
        },
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": True,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": vocabulary,
            "merges": [list(pair) for pair in merges],
        },
    }


def _byte_characters() -> dict[int, str]:
    """GPT-2's visible character for each byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {
        byte: chr(256 + i) for i, byte in enumerate(hidden)
    }


_BYTE_TO_CHAR = _byte_characters()


def _bytes(text: str) -> str:
    return "".join(_BYTE_TO_CHAR[byte] for byte in text.encode())
