"""Proves that a vocabulary of each kind is learned from the train split alone, the same twice, and serves training."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import transformers

from scriptorium.errors import UserError
from scriptorium.text import packing, sentinels, tokenizers, vocabularies
from scriptorium.text.blocks import Blocks
from scriptorium.text.spec import VocabularySpec
from tests import tiny

SIZE = 340
SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
RECIPES = [
    ("wordpiece", "bert"),
    ("wordpiece", "roberta"),
    ("wordpiece", "mpnet"),
    ("bpe", "bert"),
    ("bpe", "roberta"),
    ("unigram", "roberta"),
]


class Journal:
    def metrics(self, step, values):
        pass


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """Made-up words with endings, in train; words that only validation has."""
    generator = np.random.default_rng(0)
    words = ["".join(generator.choice(SYLLABLES, generator.integers(1, 4))) for _ in range(300)]
    ends = ["", "", "ing", "ed", "er"]

    def text() -> str:
        chosen = [w + generator.choice(ends) for w in generator.choice(words, 40)]
        return f"{' '.join(chosen[:20]).capitalize()}.\n{' '.join(chosen[20:])}, isn't it?"

    texts = [text() for _ in range(60)] + [f"{'xyzzy ' * 9}qqqq \u00df"] * 3
    table = {"split": ["train"] * 60 + ["validation"] * 3, "text": texts}
    path = tmp_path_factory.mktemp("corpus") / "documents.parquet"
    pd.DataFrame(table).to_parquet(path)
    return path


@pytest.fixture(scope="module")
def learned(documents, tmp_path_factory):
    """(kind, symbols) -> the tokenizer's folder, learned once."""
    made = {}

    def learn(kind: str, symbols: str = "bert"):
        if (kind, symbols) not in made:
            out = tmp_path_factory.mktemp(f"{kind}-{symbols}")
            vocabularies.train(VocabularySpec(kind=kind, symbols=symbols, size=SIZE), [documents], out, Journal())
            made[kind, symbols] = out
        return made[kind, symbols]

    return learn


@pytest.mark.parametrize(("kind", "symbols"), RECIPES)
def test_size_and_places_of_the_symbols(learned, kind, symbols):
    tokenizer = tokenizers.load_tokenizer(learned(kind, symbols))
    names = ("cls", "pad", "sep", "unk", "mask")
    places = [getattr(tokenizer, f"{name}_token_id") for name in names]
    assert len(tokenizer) == SIZE + 5 * (symbols == "mpnet")
    assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))
    if symbols == "bert":
        assert places == [2, 0, 3, 1, 4]
    elif symbols == "roberta":
        assert places == [0, 1, 2, 3, SIZE - 1]
    else:
        assert places == [0, 1, 2, 5, SIZE + 4]  # words that are unknown are BERT's [UNK]


@pytest.mark.parametrize(("kind", "symbols"), [("wordpiece", "bert"), ("wordpiece", "mpnet"), ("bpe", "roberta")])
def test_sentinels_come_behind_the_same_pieces_and_are_special(learned, documents, tmp_path, kind, symbols):
    spec = VocabularySpec(kind=kind, symbols=symbols, size=SIZE, sentinels=7)
    vocabularies.train(spec, [documents], tmp_path, Journal())
    plain, tokenizer = (tokenizers.load_tokenizer(path) for path in (learned(kind, symbols), tmp_path))
    assert sentinels.of(plain) == []
    assert sentinels.of(tokenizer) == [len(plain) + 6 - number for number in range(7)], "descending, the last first"
    assert plain.get_vocab().items() < tokenizer.get_vocab().items() and len(tokenizer) == len(plain) + 7
    assert set(sentinels.of(tokenizer)) < set(tokenizer.all_special_ids)
    assert tokenizer("badef kilo").input_ids == plain("badef kilo").input_ids


def test_sentinels_of_no_vocabulary_change_no_specification_and_none_is_kept_with_them():
    assert "sentinels" not in VocabularySpec().canonical()
    with pytest.raises(Exception, match="not to kind: kept"):
        VocabularySpec(kind="kept", sentinels=3)


@pytest.mark.parametrize(("kind", "symbols"), RECIPES)
def test_only_whole_words_begin(learned, kind, symbols):
    """Counted from the table, a text has as many words as it was written with."""
    tokenizer = tokenizers.load_tokenizer(learned(kind, symbols))
    starts = tokenizers.word_starts(tokenizer)
    assert starts.shape == (len(tokenizer),) and starts[tokenizer.all_special_ids].all()
    text = "bababa dodoed\nfifier gaguing"  # a line's end is a blank
    (((ids,), *_),) = [list(packing.tokenise([text], tokenizer))]
    assert len(ids) > 4 and starts[ids].sum() == 4


def test_a_backbone_s_pieces_begin_words_as_marked():
    tokenizer = transformers.BertTokenizer(vocab={name: n for n, name in enumerate([*tiny.SPECIAL, "a", "##b", "#"])})
    assert tokenizers.word_starts(tokenizer).tolist() == [True] * 6 + [False, True]
    assert tokenizers.word_starts(tiny.tokenizer()).all()


def test_another_process_learns_the_same_bytes(learned, documents, tmp_path):
    """It has another order of its hash tables."""
    recipes = [("wordpiece", "bert"), ("wordpiece", "mpnet"), ("bpe", "roberta")]
    program = (
        "import sys; from pathlib import Path; from scriptorium.text import vocabularies;"
        "from scriptorium.stages.train_vocabulary import VocabularySpec as S;"
        "journal = type('J', (), {'metrics': print})();"
        "corpus, out = map(Path, sys.argv[1:]);"
        f"[vocabularies.train(S(kind=k, symbols=s, size={SIZE}), [corpus], out / (k+s), journal) for k, s in {recipes}]"
    )
    subprocess.run([sys.executable, "-c", program, str(documents), str(tmp_path)], check=True, timeout=120)
    for kind, symbols in recipes:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            first, second = learned(kind, symbols) / name, tmp_path / f"{kind}{symbols}" / name
            assert first.read_bytes() == second.read_bytes()


def test_held_out_text_is_not_learned_from(learned):
    for kind in ("wordpiece", "unigram"):
        vocabulary = tokenizers.load_tokenizer(learned(kind)).get_vocab()
        assert not [piece for piece in vocabulary if "x" in piece or "\u00df" in piece]


def test_cased_and_lower_case_vocabularies(documents, tmp_path):
    for kind in ("wordpiece", "bpe"):
        found = {}
        for lower in (True, False):
            out = tmp_path / f"{kind}-{lower}"
            vocabularies.train(VocabularySpec(kind=kind, size=SIZE, lower_case=lower), [documents], out, Journal())
            tokenizer = tokenizers.load_tokenizer(out)
            found[lower] = tokenizer.tokenize("Baba") == tokenizer.tokenize("baba")
        assert found == {True: True, False: False}


def test_fairseq_s_order_keeps_the_case_of_the_vocabulary(documents, tmp_path):
    vocabularies.train(VocabularySpec(size=SIZE, lower_case=False), [documents], tmp_path, Journal())
    own = tokenizers.load_tokenizer(tmp_path)
    ordered = tokenizers.fairseq_tokenizer(own)
    assert ordered.tokenize("Baba dodoed") == own.tokenize("Baba dodoed") != own.tokenize("baba dodoed")


@pytest.mark.parametrize(("kind", "symbols"), RECIPES)
def test_a_learned_vocabulary_packs_a_corpus(learned, documents, tmp_path, kind, symbols):
    tokenizer = tokenizers.load_tokenizer(learned(kind, symbols))
    packing.pack(documents, tokenizer, 16, tmp_path, type("J", (), {"metrics": lambda *_: None})())
    blocks = Blocks(tmp_path / "train.arrow")
    ids = np.concatenate([blocks[i][0] for i in range(len(blocks))])
    assert ids.max() < len(tokenizer) and (ids[::16] == tokenizer.cls_token_id).all()
    assert (ids == tokenizer.unk_token_id).mean() < 0.01
    text = tokenizer.decode(ids[1:12]).lower()
    assert pd.read_parquet(documents)["text"][0].lower().startswith(text.split()[0])


@pytest.mark.parametrize(("kind", "symbols"), RECIPES)
def test_a_long_document_may_be_cut_at_blanks(learned, documents, kind, symbols, monkeypatch):
    """For the tokenizer: a word's pieces depend on the word alone, with its blank."""
    tokenizer = tokenizers.load_tokenizer(learned(kind, symbols))
    texts = pd.read_parquet(documents)["text"].tolist()
    whole = [runs[0].tolist() for runs in packing.tokenise(texts, tokenizer)]
    monkeypatch.setattr(packing, "CHARACTERS_PER_CALL", 40)
    assert [runs[0].tolist() for runs in packing.tokenise(texts, tokenizer)] == whole


def test_symbols_around_text_and_pairs(learned):
    bert, roberta = (
        tokenizers.load_tokenizer(learned(*recipe)) for recipe in (("wordpiece", "bert"), ("bpe", "roberta"))
    )
    given = bert("ba", "do")
    assert bert.decode(given["input_ids"]) == "[CLS] ba [SEP] do [SEP]"
    first = given["input_ids"].index(bert.sep_token_id) + 1
    assert given["token_type_ids"] == [0] * first + [1] * (len(given["input_ids"]) - first)
    assert roberta.decode(roberta("ba", "do")["input_ids"]).replace(" ", "") == "<s>ba</s></s>do</s>"
    assert "token_type_ids" not in roberta("ba")


def test_too_little_text_for_the_size_is_named(documents, tmp_path):
    with pytest.raises(UserError, match=r"the text gives \d+ pieces, not 30000"):
        vocabularies.train(VocabularySpec(), [documents], tmp_path, Journal())


def test_mpnet_s_symbols_need_wordpiece():
    with pytest.raises(UserError, match="symbols: mpnet belongs to kind: wordpiece"):
        VocabularySpec.parse({"kind": "bpe", "symbols": "mpnet"})


def test_a_vocabulary_without_word_marks_is_refused():
    from tokenizers import Tokenizer, models

    plain = transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE({"a": 0, "[MASK]": 1}, [])))
    with pytest.raises(UserError, match="marks neither where a word begins"):
        tokenizers.word_starts(plain)
