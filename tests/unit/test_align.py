"""Words, spaCy tokens and word pieces stay aligned whatever the characters, and what does not align is an error."""

import sys

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from scriptorium.errors import UserError
from scriptorium.linguistics.align import piece_words, token_words, word_spans

ODD = [
    "plain",
    "don't",
    "movie,",
    "“Droppings!”",
    "£30,000",
    "naïve",
    "nai\u0308ve",
    "e\u0301\u0327",
    "a\u0301" * 3,
    "ﬁne",
    "ﬄ",
    "Straße",
    "ß",
    "İI",
    "ǅ",
    "👩\u200d👩\u200d👧",
    "🇵🇱",
    "☕\ufe0f",
    "wo\u200brd",
    "\ufeffstart",
    "soft\u00adhyphen",
    "שלום",
    "مرحبا،",
    "کتاب\u200cها",
    "漢字かな",
    "한국",
    "𝔘𝔫𝔦",
    "½",
    "Ⅷ",
    "...",
    "(x)",
]
BLANKS = [" ", "  ", "\t", "\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\x1f"]


def texts(count=200, blanks=BLANKS, words=ODD):
    generator = np.random.default_rng(5)
    for _ in range(count):
        chosen = generator.choice(words, generator.integers(1, 9))
        yield "".join(generator.choice(blanks) + word for word in chosen) + generator.choice(["", " ", "\n"])


@pytest.fixture(scope="module")
def bert():
    """WordPiece with BERT's normaliser (lower case, accents and invisible characters removed) over single letters."""
    letters = sorted({c for word in ODD for c in word.lower()} | set("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = {
        piece: i
        for i, piece in enumerate(
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "fine", "##ine", *letters, *(f"##{c}" for c in letters)]
        )
    }
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def byte_level(trim_offsets):
    """RoBERTa's byte-level splitting without merges: pieces are bytes, and blanks belong to the following word."""
    alphabet = {piece: i for i, piece in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    core = Tokenizer(models.BPE(alphabet, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, trim_offsets=trim_offsets)
    return core


def test_words_are_those_of_str_split():
    for text in [*texts(), "", " ", "\u200b", "one"]:
        assert [text[start:end] for start, end in word_spans(text)] == text.split()


def test_every_code_point_separates_words_exactly_when_str_split_says_so():
    text = "a".join(map(chr, range(sys.maxunicode + 1)))
    assert [text[start:end] for start, end in word_spans(text)] == text.split()


def test_pieces_belong_to_the_words_that_a_word_by_word_tokenisation_says(bert):
    """Blanks are single here, since word-by-word tokenisation knows no others."""
    for text in texts(blanks=[" "]):
        words = text.split()
        expected = [-1 if i is None else i for i in bert(words, is_split_into_words=True).word_ids()]
        encoded = bert(text, return_offsets_mapping=True)
        assert piece_words(encoded["offset_mapping"], word_spans(text)).tolist() == expected, text


def test_pieces_of_byte_level_tokenizers_belong_to_the_word_they_lie_in():
    for trim_offsets in (True, False):
        core = byte_level(trim_offsets)
        for text in texts(blanks=[" ", "\n", "  "]):
            spans, encoded = word_spans(text), core.encode(text)
            found = piece_words(encoded.offsets, spans)
            assert set(found) - {-1} == set(range(len(spans))), text
            for (start, end), word in zip(encoded.offsets, found, strict=True):
                piece = text[start:end].strip()
                assert (word == -1) == (piece == ""), (text, start, end)
                assert word == -1 or piece in text.split()[word]


def test_a_piece_that_starts_with_the_blank_before_a_word_belongs_to_the_word():
    assert piece_words([(0, 3), (3, 7), (7, 8)], word_spans("one two .")).tolist() == [0, 1, -1]
    assert piece_words([(0, 7)], word_spans("one two")).tolist() == [0]


def test_specials_padding_and_empty_texts_have_no_word(bert):
    encoded = bert("fine word", padding="max_length", max_length=12, return_offsets_mapping=True)
    found = piece_words(encoded["offset_mapping"], word_spans("fine word"))
    assert found.tolist() == [-1, 0, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1]
    assert piece_words([(0, 0), (0, 0)], word_spans("")).tolist() == [-1, -1]
    assert piece_words([(0, 2), (2, 2), (2, 3)], word_spans("one")).tolist() == [0, -1, 0]
    assert piece_words([], word_spans("one")).tolist() == []


def test_a_pair_is_aligned_segment_by_segment(bert):
    pair = ("fine wine", "nine 👩 fine")
    encoded = bert(*pair, return_offsets_mapping=True)
    for number, text in enumerate(pair):
        belongs = [i == number for i in encoded.sequence_ids()]
        found = piece_words(encoded["offset_mapping"], word_spans(text), belongs)
        alone = bert(text, return_offsets_mapping=True, add_special_tokens=False)
        assert found[belongs].tolist() == piece_words(alone["offset_mapping"], word_spans(text)).tolist()
        assert (found[~np.array(belongs)] == -1).all()


def test_truncation_leaves_the_words_before_it_alone(bert):
    text = "fine fine word fine"
    encoded = bert(text, truncation=True, max_length=5, return_offsets_mapping=True)
    assert piece_words(encoded["offset_mapping"], word_spans(text)).tolist() == [-1, 0, 1, 2, -1]


def test_words_without_a_token_are_an_error_that_shows_the_text():
    text = "one two three"
    spans = word_spans(text)
    assert token_words(text, [(0, 3), (3, 4), (4, 7), (8, 10), (10, 13)], spans).tolist() == [0, -1, 1, 2, 2]
    with pytest.raises(UserError, match=r"one two three.*'two'"):
        token_words(text, [(0, 7), (8, 13)], spans)
