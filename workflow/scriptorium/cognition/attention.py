"""What encoders attend to, word by word, and how that agrees with where people looked.

Ours throughout (the paper shows maps and no numbers). From pieces to words: the attention *to* a word is the sum over
its pieces, the attention *from* a word the mean over its pieces, so rows still sum to 1. The attention that a word
receives is the mean over layers and heads and over all words of the sentence, [CLS] and [SEP] left out on both sides,
given as a multiple of an even share: 1 everywhere if a model treated all words alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from scipy import stats

from scriptorium import ledger, manifest
from scriptorium.cognition.model import CognitionConfig
from scriptorium.cognition.spec import CognitionSpec
from scriptorium.cognition.words import Words
from scriptorium.errors import UserError
from scriptorium.fetching.checkpoints import check_checkpoint
from scriptorium.linguistics.align import piece_words, word_spans
from scriptorium.text.plain import as_text

LEAST_WORDS = 5  # shorter sentences have no meaningful rank correlation


@dataclass(frozen=True)
class Sentence:
    """One sentence of a gaze corpus; n_fix [n], the participants' mean fixation counts."""

    document: str
    number: int
    words: tuple[str, ...]
    n_fix: np.ndarray

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def fixations(self) -> np.ndarray:
        """n_fix as a multiple of the sentence's mean, [n]; 0 everywhere if nobody looked."""
        return self.n_fix / max(self.n_fix.mean(), 1e-12)


@dataclass(frozen=True)
class Model:
    """A fine-tuned model: attend(text) is its map [layers, n + 2, n + 2] of a text of n words."""

    name: str
    cognitive: bool
    attend: Callable[[str], np.ndarray]


@dataclass(frozen=True)
class ModelAttention:
    """What one model does with all sentences: maps[i] is [layers, n + 2, n + 2], [CLS] first and [SEP] last."""

    name: str
    maps: list[np.ndarray]

    def received(self, layers: slice = slice(None)) -> list[np.ndarray]:
        return [received(sentence[layers]) for sentence in self.maps]


def read_sentences(corpus: Path) -> list[Sentence]:
    """The sentences of a gaze corpus, given its manifest, in its order."""
    table = pd.read_parquet(manifest.the_parquet(corpus))
    return [
        Sentence(str(document), int(number), tuple(rows["word"]), rows["n_fix"].to_numpy(np.float64))
        for (document, number), rows in table.groupby(["document", "sentence"], sort=False)
    ]


def read_model(run: Path, annotations: Path) -> Model:
    """The model of a fine-tuning run.

    run: manifest of results/finetune/<variant>/<task>/seed<k>/; annotations: manifest of the corpus's scored words.
    Raises UserError: no saved model, or a model that was trained with cognition and whose journal is lost.
    """
    directory = run.parent / "model"
    check_checkpoint(directory)
    tokenizer = as_text(
        transformers.AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    )
    config = transformers.AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    cognitive = isinstance(config, CognitionConfig)
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    model = load(
        directory,
        local_files_only=True,
        trust_remote_code=False,
        **({} if cognitive else {"attn_implementation": "eager"}),
    ).eval()
    words = _words(run, annotations) if cognitive else None

    def attend(text: str) -> np.ndarray:
        encoded = tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        offsets = encoded.pop("offset_mapping")[0].tolist()
        if words is not None:
            words.require([text])
            found = words.of_pieces([text], offsets, encoded.sequence_ids(0))
            encoded |= {name: torch.from_numpy(values)[None] for name, values in found.items()}
        with torch.inference_mode():
            layers = model(**encoded, output_attentions=True).attentions
        heads = torch.stack(layers)[:, 0].mean(dim=1).double().numpy()
        return by_word(heads, piece_words(offsets, word_spans(text)), len(text.split()))

    return Model(run.parent.parent.parent.name, cognitive, attend)


def by_word(attention: np.ndarray, words: np.ndarray, count: int) -> np.ndarray:
    """Piece maps [layers, L, L] -> word maps [layers, n + 2, n + 2]; `words` [L] is each piece's word, -1 for specials.

    A word that left no piece gets nothing and gives nothing.
    """
    place = words + 1
    place[0], place[-1] = 0, count + 1
    member = np.zeros((count + 2, len(words)))
    member[place, np.arange(len(words))] = 1
    average = member / np.maximum(member.sum(axis=1, keepdims=True), 1)
    return average @ attention @ member.T


def received(maps: np.ndarray) -> np.ndarray:
    """Word maps [layers, n + 2, n + 2] -> attention that each word receives, [n], mean 1."""
    columns = maps[:, 1:-1, 1:-1].mean(axis=(0, 1))
    return columns / columns.mean()


def agreement(
    sentences: Sequence[Sentence], models: Sequence[ModelAttention], *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Spearman correlation of attention received with n_fix: mean over sentences of at least 5 words.

    Columns: who, layers, spearman, ci_low, ci_high, delta, delta_low, delta_high, sentences, words. The 95% intervals
    are bootstrapped over sentences; delta is the paired difference to the first model (the plain encoder), same
    layers. The first row is the yardstick: the length of the word alone.
    """
    usable = [i for i, s in enumerate(sentences) if len(s.words) >= LEAST_WORDS and np.ptp(s.n_fix) > 0]
    if not usable:
        raise UserError(f"no sentence of the gaze corpus has {LEAST_WORDS} words with unequal fixation counts")
    length = [np.array([len(word) for word in s.words], dtype=np.float64) for s in sentences]
    measured = {("word length", ""): length}
    for model in models:
        for layers, chosen in (("all", slice(None)), ("first", slice(0, 1)), ("last", slice(-1, None))):
            measured[model.name, layers] = model.received(chosen)
    each = {
        key: np.array([_spearman(values[i], sentences[i].n_fix) for i in usable]) for key, values in measured.items()
    }
    draws = np.random.default_rng([seed, len(usable)]).integers(len(usable), size=(resamples, len(usable)))
    rows = []
    for (who, layers), values in each.items():
        row = {"who": who, "layers": layers, "spearman": values.mean()}
        row["ci_low"], row["ci_high"] = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
        if layers and who != models[0].name:
            difference = values - each[models[0].name, layers]
            row["delta"] = difference.mean()
            row["delta_low"], row["delta_high"] = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
        rows.append({**row, "sentences": len(usable), "words": sum(len(sentences[i].words) for i in usable)})
    columns = [
        "who",
        "layers",
        "spearman",
        "ci_low",
        "ci_high",
        "delta",
        "delta_low",
        "delta_high",
        "sentences",
        "words",
    ]
    return pd.DataFrame(rows).reindex(columns=columns)


def choose(sentences: Sequence[Sentence], count: int, *, least: int = 8, most: int = 25) -> list[int]:
    """Which sentences are shown: the first of suitable length in each document, then the second ones, and so on."""
    turn: dict[str, int] = {}
    ranked = []
    for i, sentence in enumerate(sentences):
        if least <= len(sentence.words) <= most:
            turn[sentence.document] = turn.get(sentence.document, -1) + 1
            ranked.append((turn[sentence.document], i))
    return [i for _, i in sorted(ranked)[:count]]


def _words(run: Path, annotations: Path) -> Words:
    """The scores that the model was fine-tuned with: the run's journal has their kind and seed."""
    record = ledger.read_record(run.parent)
    if not record or not record["spec"].get("cognition"):
        raise UserError(
            "this model uses cognition, but its journal does not say which scores",
            where=run.parent / "run.json",
            remedy=f"delete {run} and run snakemake again",
        )
    chosen = CognitionSpec.parse(record["spec"]["cognition"])
    return Words.read(
        manifest.the_parquet(annotations), chosen.scores, record["spec"]["seed"], drop=chosen.drop, pieces=chosen.pieces
    )


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation; 0 where one side is constant."""
    return float(stats.spearmanr(a, b).statistic) if np.ptp(a) and np.ptp(b) else 0.0
