"""Vocabularies of our own, learned from the train splits of corpora by the tokenizers library.

Text reaches the trainer as a stream, line by line; memory holds its distinct words. The same corpus and recipe give
the same bytes for WordPiece and BPE. Unigram's trainer sums probabilities in the order of a hash table that differs
from process to process: its pieces hardly differ, their scores do in the fourth digit. It is trained once, and what
follows depends on its content.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.text import sentinels
from scriptorium.text.lines_of_corpora import Lines
from scriptorium.text.tokenizers import fairseq_tokenizer

if TYPE_CHECKING:
    from scriptorium.text.spec import VocabularySpec

BERT = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
ROBERTA = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
ALPHABET = 1000  # most frequent characters that WordPiece and unigram spell with (the library's value); others: [UNK]


def train(spec: VocabularySpec, tables: list[Path], out: Path, ledger: Ledger) -> list[Path]:
    """Learn a vocabulary from tables of documents or of pairs and save its tokenizer to `out`.

    Raises UserError: the train splits have too little text for a vocabulary of this size, or name no languages.
    """
    lines = Lines(tables, spec.documents, spec.alpha)
    ledger.metrics(0, lines.kept_lines)
    names = ROBERTA if spec.symbols == "roberta" else BERT
    last = [names["mask_token"]] if names is ROBERTA else []
    first = [name for name in names.values() if name not in last]
    core = KINDS[spec.kind](lines, spec.size - len(last), first, spec.lower_case)
    core.add_special_tokens([*first, *last])
    if (learned := core.get_vocab_size()) != spec.size:
        raise UserError(
            f"the text gives {learned} pieces, not {spec.size}",
            where=tables[0],
            remedy="change `size` of this vocabulary in config/config.yaml, or give the corpus more text",
        )
    core.post_processor = _post_processor(core, names)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core,
        **names,
        bos_token=names["cls_token"],
        eos_token=names["sep_token"],
        model_input_names=["input_ids", *(["token_type_ids"] if names is BERT else []), "attention_mask"],
    )
    if spec.symbols == "mpnet":
        tokenizer = fairseq_tokenizer(tokenizer)
    if spec.sentinels:
        sentinels.add(tokenizer, spec.sentinels)
    tokenizer.save_pretrained(out)
    ledger.metrics(0, {"vocabulary/pieces": len(tokenizer)})
    return [out / "tokenizer.json", out / "tokenizer_config.json"]


def wordpiece(lines: Lines, size: int, symbols: list[str], lower: bool) -> Tokenizer:
    """BERT's kind: pieces that go on begin with ##. Words are cut at blanks and punctuation."""

    def empty(vocabulary: dict[str, int] | None = None) -> Tokenizer:
        core = Tokenizer(models.WordPiece(vocabulary or {}, unk_token="[UNK]" if "[UNK]" in symbols else "<unk>"))
        core.normalizer, core.pre_tokenizer = (
            normalizers.BertNormalizer(lowercase=lower),
            pre_tokenizers.BertPreTokenizer(),
        )
        core.decoder = decoders.WordPiece()
        return core

    def learned(size: int, known: list[str]) -> dict[str, int]:
        core = empty()
        trainer = trainers.WordPieceTrainer(
            vocab_size=size,
            special_tokens=[*symbols, *known],
            show_progress=False,
            initial_alphabet=alphabet,
            limit_alphabet=ALPHABET,
        )
        core.train_from_iterator(lines, trainer)
        return core.get_vocab()

    alphabet = _alphabet(lines, empty().normalizer)
    # The trainer numbers single characters as they come out of a hash table, and settles ties by number. So a
    # first pass only collects them (a vocabulary of no size has nothing else), and the second gets them in order.
    characters = sorted(learned(0, []).keys() - set(symbols))
    return empty(learned(size, characters))


def bpe(lines: Lines, size: int, symbols: list[str], lower: bool) -> Tokenizer:
    """RoBERTa's kind: bytes, a word beginning with its blank; nothing is unknown."""
    core = Tokenizer(models.BPE())
    core.normalizer = _normalizer(lower)
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    core.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core.train_from_iterator(
        lines,
        trainers.BpeTrainer(vocab_size=size, special_tokens=symbols, show_progress=False, initial_alphabet=alphabet),
    )
    return core


def unigram(lines: Lines, size: int, symbols: list[str], lower: bool) -> Tokenizer:
    """XLM-R's kind: the most probable pieces, a word beginning with its blank."""
    core = Tokenizer(models.Unigram())
    core.normalizer = _normalizer(lower)
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    unknown = next(name for name in symbols if "unk" in name.lower())
    core.train_from_iterator(
        lines, trainers.UnigramTrainer(vocab_size=size, special_tokens=symbols, unk_token=unknown, show_progress=False)
    )
    return core


KINDS = {"wordpiece": wordpiece, "bpe": bpe, "unigram": unigram}


def _alphabet(lines: Lines, normalizer: normalizers.Normalizer) -> list[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(normalizer.normalize_str(line))
    ordered = sorted(counts.keys() - {" "}, key=lambda character: (-counts[character], character))
    return ordered[:ALPHABET]


def _normalizer(lower: bool) -> normalizers.Normalizer:
    """One blank for any white space: a line's end is no part of a word."""
    blanks = normalizers.Replace(Regex(r"\s+"), " ")
    return normalizers.Sequence([blanks, normalizers.Lowercase()] if lower else [blanks])


def _post_processor(core: Tokenizer, names: dict[str, str]) -> processors.TemplateProcessing:
    """[CLS] a [SEP] b [SEP], or RoBERTa's <s> a </s> </s> b </s>, which knows no segments."""
    cls, sep = names["cls_token"], names["sep_token"]
    pair = f"{cls} $A {sep} $B:1 {sep}:1" if names is BERT else f"{cls} $A {sep} {sep} $B {sep}"
    special = [(name, core.token_to_id(name)) for name in (cls, sep)]
    return processors.TemplateProcessing(single=f"{cls} $A {sep}", pair=pair, special_tokens=special)
