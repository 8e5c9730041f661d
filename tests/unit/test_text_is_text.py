"""What a text spells out is never a special token, and what a tokenizer deletes is an unknown word with its label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tokenizers
import transformers

from scriptorium import manifest
from scriptorium.tasks.examples import IGNORED, Examples
from scriptorium.tasks.spec import AnswerSpec
from scriptorium.tasks.windows import Windows
from scriptorium.text.plain import as_text

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "ship",
    "sails",
    "sep",
    "mask",
    "[",
    "]",
    "and",
    "s",
    "<",
    ">",
    "/",
]


@pytest.fixture
def bert() -> transformers.BertTokenizer:
    return as_text(transformers.BertTokenizer(vocab={piece: number for number, piece in enumerate(PIECES)}))


@pytest.fixture
def roberta() -> transformers.PreTrainedTokenizerFast:
    """Whose special tokens stand in web pages: <s> is struck text."""
    core = tokenizers.Tokenizer(tokenizers.models.WordPiece({p: n for n, p in enumerate([*PIECES, "<s>", "</s>"])}))
    core.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    names = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "[UNK]", "pad_token": "[PAD]"}
    return as_text(transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names))


def table(*texts: str, label: object = 0) -> pd.DataFrame:
    labels = pd.Series([label] * len(texts)) if isinstance(label, int) else pd.Series([None] * len(texts), dtype=object)
    for number, text in enumerate(texts):
        if not isinstance(label, int):
            labels[number] = np.arange(len(text.split()))
    return pd.DataFrame({"id": list("abcdef"[: len(texts)]), "text": texts, "text_b": None, "label": labels})


def pieces(example: dict, tokenizer) -> list[str]:
    return tokenizer.convert_ids_to_tokens(example["input_ids"].tolist())


def test_special_token_in_a_text_is_text(bert):
    (made,) = [pieces(example, bert) for example in Examples(table("ship [SEP] and [MASK]"), bert, 32)]
    assert made == ["[CLS]", "ship", "[", "sep", "]", "and", "[", "mask", "]", "[SEP]"]


def test_special_token_in_a_web_page_is_text(roberta):
    (made,) = [pieces(example, roberta) for example in Examples(table("ship <s> and </s>"), roberta, 32)]
    assert "<s>" not in made and "</s>" not in made and made.count("s") == 2


def test_special_token_in_a_question_and_a_passage_is_text(bert):
    rows = pd.DataFrame({"id": ["a"], "text": ["[SEP] ship"], "text_b": ["[MASK] sails"], "label": [[("sails", 7)]]})
    (window,) = Windows(rows, bert, 32, AnswerSpec(stride=4))
    assert pieces(window, bert) == ["[CLS]", "[", "sep", "]", "ship", "[SEP]", "[", "mask", "]", "sails", "[SEP]"]
    assert window["labels"].tolist()[:2] == [9, 9]


@pytest.mark.parametrize("word", ["\u200b", "\ufe0f", "\ufffd", "\u200b\u200d", "\u0301"])
def test_word_that_the_tokenizer_deletes_is_an_unknown_word_with_its_label(bert, word):
    made = Examples(table(f"ship {word} sails", "ship sails", label="words"), bert, 32)
    assert pieces(made[0], bert) == ["[CLS]", "ship", "[UNK]", "sails", "[SEP]"]
    assert made[0]["labels"].tolist() == [IGNORED, 0, 1, 2, IGNORED]
    assert made[1]["labels"].tolist() == [IGNORED, 0, 1, IGNORED]
    assert list(made.notes("test")) == ["1 words of test, which the tokenizer deletes, are read as unknown words"]
    assert made.lengths.tolist() == [5, 4] and made.texts[0] == (f"ship {word} sails",)


def test_word_that_is_deleted_behind_the_cut_stays_cut(bert):
    made = Examples(table("ship \u200b sails ship \u200b", label="words"), bert, 5)
    assert pieces(made[0], bert) == ["[CLS]", "ship", "[UNK]", "sails", "[SEP]"]
    assert (made.words_unknown, made.words_cut) == (1, 2)


def test_every_tokenizer_that_reads_texts_is_told_that_text_is_text():
    """All that read a user's text but those of pre-training, which packing.tokenise tells."""
    package = Path(manifest.__file__).parent
    told = {*(f"stages/{name}.py" for name in ("pack", "pack_pairs", "pretrain", "link_words")), "text/kept_pieces.py"}
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        if name in told or name.startswith(("bench/", "text/tokenizers")):
            continue
        lines = path.read_text(encoding="utf-8").replace("\n", " ").replace("    ", "")
        for call in ("AutoTokenizer.from_pretrained(", " load_tokenizer(", "(load_tokenizer("):
            for before in lines.split(call)[:-1]:
                assert "as_text" in before[-40:], (name, call)
