"""How fast VECO 2.0 is: a step with contrasts beside one without, a long queue beside a short one, and how many pairs a
second have their synonyms found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow
import torch
import transformers
from threadpoolctl import threadpool_limits
from torch.nn import functional

from scriptorium import ledger
from scriptorium.bench.crosslingual import encoder, packed, stepping
from scriptorium.bench.spec import ContrastShape
from scriptorium.bench.timing import Ratio, interleaved, seconds
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.models.veco2.terms import SEQUENCE, TOKEN, Veco2ForMaskedLM
from scriptorium.models.veco2.texts import texts_of
from scriptorium.objectives import veco2 as objective
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.spec.pairs import Veco2Spec
from scriptorium.text import vocabularies
from scriptorium.text.packing import SPLITS
from scriptorium.text.synonyms import mining
from scriptorium.text.synonyms.linked_blocks import LinkedBlocks
from scriptorium.text.synonyms.spec import LinkSettings

STEP_TARGET, QUEUE_TARGET, MINING_TARGET = 0.87, 0.95, 1.0
RATE = 20_000  # pairs per second on one core


def ratios(pairs: pd.DataFrame, dictionary: Path, shape: ContrastShape, runs: int) -> list[Ratio]:
    """Of a step, of the queue, and of the search for synonyms, in this order.

    pairs: lang_a, lang_b, text_a and text_b of a corpus · dictionary: an entries.parquet.
    Raises UserError: the dictionary has no entry in the languages of the pairs.
    """
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(pairs, dictionary, shape, Path(folder))
        mined = mining_ratio(corpus, runs)
        batch = corpus.batch()
    return [step_ratio(corpus, batch, runs), queue_ratio(corpus, batch, shape.queue, runs), mined]


class Corpus:
    """Pairs in the languages of a dictionary, packed with a vocabulary that is learned from them."""

    def __init__(self, pairs: pd.DataFrame, dictionary: Path, shape: ContrastShape, folder: Path):
        self.dictionary, self.folder = dictionary, folder
        languages = pd.read_parquet(dictionary, columns=["lang_a", "lang_b"]).drop_duplicates()
        pairs = pairs.merge(languages)
        if pairs.empty:
            raise UserError(
                "the dictionary has no entry in the languages of these pairs",
                where=dictionary,
                remedy="write one that has to the top of dictionaries in config.yaml",
            )
        pairs = pairs.sample(min(shape.pairs, len(pairs)), random_state=0)
        self.tokenizer = _learned([*pairs["text_a"], *pairs["text_b"]], shape.step.pieces)
        self.step = shape.step.model_copy(update={"pieces": len(self.tokenizer)})
        packed(pairs, self.tokenizer, self.step, folder)

    def mine(self) -> int:
        """Link the words of all pairs, as the stage link_words does; how many pairs these are."""
        journal = Ledger.open(self.folder / "linking", key="bench", stage="bench")
        dictionary, out = self.dictionary, self.folder / "links"
        mining.mine(self.folder / "packed", dictionary, self.tokenizer, LinkSettings(), out, journal)
        journal.finish("FINISHED")
        counted: dict[str, float] = {}
        for event in ledger.read_events(journal.directory):
            counted |= event.get("metrics", {})
        return int(sum(counted[f"{split}/all/pairs"] for split in SPLITS))

    def batch(self) -> dict[str, torch.Tensor]:
        """Linked and masked blocks of a step, after `mine`."""
        blocks = LinkedBlocks(*(self.folder / kind / "train.arrow" for kind in ("packed", "links")))
        data = objective.LinkedPairs(blocks, Veco2Spec(), self.tokenizer, training_draws(0))
        return objective.collate([data[index] for index in range(self.step.blocks)])

    def model(self, **paired: object) -> Veco2ForMaskedLM:
        """A new model in training, by settings of VECO 2.0."""
        torch.manual_seed(0)
        spec = ObjectiveSpec.parse({"name": "veco2", "paired": paired})
        return objective.build(encoder(self.step, 2 * self.step.length), spec, self.tokenizer).model.train()


def step_ratio(corpus: Corpus, batch: dict[str, torch.Tensor], runs: int) -> Ratio:
    """Forward and backward of all four terms, and of MMLM and TLM alone, on the same batch."""
    ours, peer = corpus.model(), corpus.model(weights={SEQUENCE: 0, TOKEN: 0})
    found = interleaved(stepping(ours, batch), stepping(peer, batch), runs)
    case = f"VECO 2.0 step, {corpus.step.name}"
    return Ratio(case, "the same without contrasts", found, STEP_TARGET, "TLM step time / contrastive step time")


def queue_ratio(corpus: Corpus, batch: dict[str, torch.Tensor], size: int, runs: int) -> Ratio:
    """The same step with a slow encoder, and a full queue of this size or of as many vectors as the batch has pairs."""
    short = len(texts_of(batch["document_ids"]))
    ours, peer = (filled(corpus, each) for each in (size, short))
    found = interleaved(stepping(ours, batch), stepping(peer, batch), runs)
    case = f"queue of {size} in a VECO 2.0 step, {corpus.step.name}"
    return Ratio(case, f"queue of {short}, one batch", found, QUEUE_TARGET, "short queue's step time / long queue's")


def filled(corpus: Corpus, size: int) -> Veco2ForMaskedLM:
    """A model whose queue is full, of random directions."""
    model = corpus.model(sequence={"queue": size})
    slow = model.momentum
    slow.follow(model.roberta, model.projection, model.sequence.momentum)
    slow.push(functional.normalize(torch.randn(2, size, model.config.hidden_size), dim=-1))
    return model


def mining_ratio(corpus: Corpus, runs: int) -> Ratio:
    """All of the search on one thread, beside the limit: the dictionary read, words spelled, links written."""
    with _one_thread():
        pairs = corpus.mine()  # the warm-up
        found = tuple(pairs / seconds(corpus.mine) / RATE for _ in range(runs))
    case = f"synonyms of {pairs} pairs, one thread"
    return Ratio(case, f"{RATE:,} pairs/s", found, MINING_TARGET, f"pairs/s / {RATE}")


@contextmanager
def _one_thread() -> Iterator[None]:
    before = pyarrow.cpu_count()
    pyarrow.set_cpu_count(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        pyarrow.set_cpu_count(before)


def _learned(texts: list[str], pieces: int) -> transformers.PreTrainedTokenizerFast:
    """A vocabulary of byte-level BPE as a run's, of fewer pieces where the texts have no more."""
    core = vocabularies.bpe(texts, pieces, list(vocabularies.ROBERTA.values()), lower=False)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **vocabularies.ROBERTA)
