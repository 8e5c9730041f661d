"""Proves that BLEU and chrF from sums over sentences are sacrebleu's, and that what a score cannot be of is refused."""

from __future__ import annotations

import numpy as np
import pytest

from scriptorium.errors import UserError
from scriptorium.generation import scores
from scriptorium.translation.spec import Direction
from scriptorium.translation.words import tokenizer_of

metrics = pytest.importorskip("sacrebleu.metrics")

SENTENCE = "the a cat dog sat ran on under mat 's , . ! 3.14 e-mail (so) Ünder"
WORDS = np.array(SENTENCE.split(" "))


def corpus(seed: int, count: int) -> tuple[list[str], list[str]]:
    """Sentences and noisy copies of them; some are empty."""
    generator = np.random.default_rng(seed)
    references = [" ".join(generator.choice(WORDS, generator.integers(1, 14))) for _ in range(count)]
    hypotheses = []
    for reference in references:
        words = np.array(reference.split(" "))
        changed = np.where(generator.random(len(words)) < 0.3, generator.choice(WORDS, len(words)), words)
        hypotheses.append(" ".join(changed[generator.random(len(words)) < 0.9]))
    return hypotheses, references


FUNCTIONS = {"BLEU": (scores.bleu_counts, scores.bleu), "chrF": (scores.chrf_counts, scores.chrf)}
CASES = [(seed, count) for seed in range(4) for count in (1, 2, 5, 40)]


@pytest.mark.parametrize(("seed", "count"), CASES)
@pytest.mark.parametrize("tokenize", ["13a", "char", "intl"])
def test_bleu_of_sums_is_sacrebleus(seed, count, tokenize):
    hypotheses, references = corpus(seed, count)
    expected = metrics.BLEU(tokenize=tokenize).corpus_score(hypotheses, [references]).score
    found = scores.bleu(scores.bleu_counts(hypotheses, references, tokenize).sum(axis=0))
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("seed", "count"), CASES)
def test_chrf_of_sums_is_sacrebleus(seed, count):
    hypotheses, references = corpus(seed, count)
    expected = metrics.CHRF().corpus_score(hypotheses, [references]).score
    assert scores.chrf(scores.chrf_counts(hypotheses, references).sum(axis=0)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "hypothesis", ["", "zzz", "the", "the cat", "cat the on dog mat a", "the cat sat on the mat ."]
)
@pytest.mark.parametrize("reference", ["the cat sat on the mat .", "the", ""])
def test_the_edges_too(hypothesis, reference):
    """No word in common, orders without a match, hypotheses too short for an order, empty sides."""
    for name, peer in (("BLEU", metrics.BLEU(force=True)), ("chrF", metrics.CHRF())):
        counts, value = FUNCTIONS[name]
        expected = peer.corpus_score([hypothesis], [[reference]]).score
        with np.errstate(all="raise"):
            assert value(counts([hypothesis], [reference], "13a")[0]) == pytest.approx(expected, abs=1e-9), name


def test_sums_of_many_corpora_are_scored_at_once():
    hypotheses, references = corpus(0, 30)
    for counts, value in FUNCTIONS.values():
        rows = counts(hypotheses, references, "13a")
        without = rows.sum(axis=0) - rows
        assert np.allclose(value(without), [value(each) for each in without], atol=1e-12)


def test_what_is_reported_is_sacrebleus_own_with_its_signature():
    hypotheses, references = corpus(1, 20)
    found = scores.of_corpus(hypotheses, references, "13a")
    assert found.bleu == metrics.BLEU().corpus_score(hypotheses, [references]).score
    assert found.chrf == metrics.CHRF().corpus_score(hypotheses, [references]).score
    assert found.signatures["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert found.signatures["chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


@pytest.mark.parametrize(("hypotheses", "references"), [(["a", "b"], ["a"]), ([], [])])
def test_other_line_counts_are_refused(hypotheses, references):
    for score in (scores.of_corpus, scores.bleu_counts, scores.chrf_counts):
        with pytest.raises(UserError, match=f"{len(hypotheses)} hypotheses and {len(references)} references"):
            score(hypotheses, references, "13a")


def test_words_are_found_as_the_target_language_needs():
    def chosen(target: str, **settings) -> str:
        return tokenizer_of(Direction(source="en", target=target, **settings))

    assert [chosen(name) for name in ("de", "zh", "zh-Hant", "ja", "th")] == ["13a", "zh", "zh", "char", "char"]
    assert chosen("de", tokenize="intl") == "intl"
