"""How well a model predicts hidden pieces of a text: without any translation, with the true one, and with others.

Each text of a pair is asked about in turn. A share of its pieces is hidden; the other text is given whole (ours: in
pre-training both are corrupted). A model may read the other text through its cross-attention or joined to this one, as
in TLM; both are measured wherever it can, also where it was not trained to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scriptorium.crosslingual.held_out import Pair, Text
from scriptorium.models.veco.terms import CA, IGNORED, MLM, TLM, VecoForMaskedLM
from scriptorium.objectives import masking

WITHOUT = "without"
READS = {CA: "cross-attention", TLM: "joined"}  # how the other text is read


@dataclass(frozen=True)
class Question:
    """A text with hidden pieces, and the texts that may be its translation, of which the first one is.

    pair: its number; side: which of its texts is asked about · corrupted: ids · positions, labels: of hidden pieces.
    """

    pair: int
    side: int
    corrupted: tuple[int, ...]
    positions: np.ndarray
    labels: np.ndarray
    candidates: tuple[Text, ...]


def questions(pairs: Sequence[Pair], candidates: int, rate: float, mask: int) -> list[Question]:
    """Both texts of every pair. The other candidates are translations of other texts in the same languages.

    What is hidden and who are the candidates depends on the number of the pair alone: all models with this vocabulary
    are asked the same.
    """
    found = []
    groups: dict[tuple[str, str], list[int]] = {}
    for number, pair in enumerate(pairs):
        groups.setdefault(pair.languages, []).append(number)
    for number, pair in enumerate(pairs):
        own = groups[pair.languages]
        for side in (0, 1):
            generator = np.random.default_rng([number, side])
            others = generator.permutation([each for each in own if each != number])[: candidates - 1]
            pieces = np.array(pair.texts[side].pieces)
            inner = np.arange(1, len(pieces) - 1)
            count = masking.count_of(len(inner), rate)
            positions = np.sort(generator.permutation(inner)[:count])
            corrupted = pieces.copy()
            corrupted[positions] = mask
            found.append(
                Question(
                    number,
                    side,
                    tuple(corrupted.tolist()),
                    positions,
                    pieces[positions],
                    tuple(pairs[each].texts[1 - side] for each in (number, *others)),
                )
            )
    return found


def losses(
    model: VecoForMaskedLM,
    pad: int,
    asked: Sequence[Question],
    tokens: int,
    pause: Callable[[], None] = lambda: None,
) -> dict[str, np.ndarray]:
    """Nats of every hidden piece, question after question (P in all): `without` [P], and under each name of READS that
    the model can read [P, candidates]; the first candidate is the translation.

    tokens: largest number in a batch. pause: called before every batch; it may raise.
    """
    starts = np.cumsum([0, *(len(question.labels) for question in asked)])
    names = [name for name in READS if name != CA or model.config.plug_in]
    weights = model.config.weights
    model.config.weights = {MLM: 1.0, CA: float(CA in names), TLM: 1.0}  # which are computed
    width = max(len(question.candidates) for question in asked)
    found = {READS[name]: np.zeros((starts[-1], width)) for name in names} | {WITHOUT: np.zeros(starts[-1])}
    try:
        with torch.inference_mode():
            for rows in _batches(asked, tokens):
                pause()
                told = model.losses(**_batch(asked, rows, pad, model.device))
                for row, (number, candidate) in enumerate(rows):
                    own = slice(starts[number], starts[number + 1])
                    size = starts[number + 1] - starts[number]
                    for name in names:
                        found[READS[name]][own, candidate] = told[name][0][row, 0, :size].double().cpu().numpy()
                    if candidate == 0:
                        found[WITHOUT][own] = told[MLM][0][row, 0, :size].double().cpu().numpy()
    finally:
        model.config.weights = weights
    return found


def _batches(asked: Sequence[Question], tokens: int) -> Iterator[list[tuple[int, int]]]:
    """(question, candidate) of batches in which lengths are alike."""

    def length(row: tuple[int, int]) -> int:
        question = asked[row[0]]
        return max(len(question.corrupted), len(question.candidates[row[1]].pieces))

    rows = [(number, each) for number, question in enumerate(asked) for each in range(len(question.candidates))]
    rows.sort(key=length)
    batch: list[tuple[int, int]] = []
    for row in rows:
        if batch and 2 * length(row) * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _batch(
    asked: Sequence[Question], rows: Sequence[tuple[int, int]], pad: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """Arguments of VecoForMaskedLM.losses: the text with hidden pieces on x, the candidate whole on y."""
    texts = [(asked[number].corrupted, asked[number].candidates[each].pieces) for number, each in rows]
    length = max(len(side) for pair in texts for side in pair)
    slots = max(len(asked[number].labels) for number, _ in rows)
    ids = np.full((len(rows), 2, length), pad)
    documents = np.full((len(rows), 2, length), -1)
    positions, labels = np.zeros((len(rows), 2, slots), int), np.full((len(rows), 2, slots), IGNORED)
    for row, ((number, _), pair) in enumerate(zip(rows, texts, strict=True)):
        for side, pieces in enumerate(pair):
            ids[row, side, : len(pieces)] = pieces
            documents[row, side, : len(pieces)] = 0
        positions[row, 0, : len(asked[number].labels)] = asked[number].positions
        labels[row, 0, : len(asked[number].labels)] = asked[number].labels
    arrays = {
        "input_ids": ids,
        "document_ids": documents,
        "positions": positions,
        "labels": labels.reshape(len(rows), -1),
        "bilingual": np.ones(len(rows), int),
    }
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
