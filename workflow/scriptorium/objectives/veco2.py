"""VECO 2.0, a reconstruction (ours; docs/papers/veco.md section 5, models/veco2/terms.py): MMLM, TLM, and contrasts
between sentences and between words.

The four terms are the paper's. What is hidden is hidden as VECO's objective does it. The contrasts read translations
alone; which words are synonyms was found before, with a dictionary (text/synonyms). With weights it is what it is
measured against: MMLM alone, MMLM and TLM, and, by the settings of its sequence contrast, InfoXLM's and LaBSE's kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.models.veco2 import building
from scriptorium.models.veco2.terms import SEQUENCE, TOKEN
from scriptorium.objectives import veco
from scriptorium.objectives.objective import Objective
from scriptorium.text.synonyms.linked_blocks import LinkedBlocks

if TYPE_CHECKING:
    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.pairs import Veco2Spec

SAVED = building.SAVED


def build(shape: EncoderSpec, spec: Veco2Spec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """VECO's encoder without cross-attention on blocks of pairs. Raises UserError: a layer that it does not have."""
    try:
        spec.check_layers(shape.layers)
    except ValueError as error:
        raise UserError(str(error), remedy="count layers from 0, the embeddings, or leave it out") from None
    how = spec.paired
    weights, settings = how.weights.model_dump(), {}
    for name in (SEQUENCE, TOKEN):
        values = getattr(how, name).model_dump(exclude={"units"})
        settings[name] = values | {"layer": shape.layers if values["layer"] is None else values["layer"]}
    model = building.build(
        shape,
        tokenizer,
        weights={"mlm": weights["mlm"], "ca": 0.0, "tlm": weights["tlm"]},
        contrast={name: weights[name] for name in settings},
        clean=how.reads == "clean",
        restarted=how.tlm_positions == "restarted",
        **settings,
    )
    return Objective(
        model=model,
        hide=lambda blocks, draws: LinkedPairs(blocks, spec, tokenizer, draws),
        collate=collate,
        measures=Measures(model.measured, model.terms, model.contrasts),
        starts_from_frequencies=spec.frequency_bias,
        divisible=not any(weights[name] for name in settings),
    )


class LinkedPairs(veco.MaskedPairs):
    """As VECO's MaskedPairs; of blocks with links also words [2, L], the word of each token in its side or -1, and
    links [k, 2], words of x and of y. Raises UserError: links are needed and the blocks have none."""

    def __init__(self, blocks, spec: Veco2Spec, tokenizer, draws):
        super().__init__(blocks, spec, tokenizer, draws)
        if spec.linked and not isinstance(blocks, LinkedBlocks):
            raise UserError(
                "the contrast between words needs links, and these blocks have none",
                where=blocks.path,
                remedy="name a dictionary in `synonyms` of the recipe, or set paired.weights.token: 0",
            )

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        example = super().__getitem__(key)
        if not self.spec.linked:
            return example
        words, links = self.blocks.links(key[1] if isinstance(key, tuple) else key)
        if self.spec.paired.token.units == "pieces":
            words, links = pieces(words, links)
        return example | {"words": words, "links": links}


def pieces(words: np.ndarray, links: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(words, links) whose words are the single pieces: each piece of a word is linked to each of its synonym."""
    single = np.where(words >= 0, np.cumsum(words >= 0, axis=1) - 1, -1)
    rows, columns = ((links[:, side, None] == words[side]) for side in (0, 1))  # [k, L] each
    _, x, y = np.nonzero(rows[:, :, None] & columns[:, None])
    found = np.stack([single[0, x], single[1, y]], axis=1)
    return single, found


def collate(examples: Sequence[Mapping[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """A batch as VECO's; of blocks with links also words [B, 2, L] and links [B, K, 2], filled up with -1; int64."""
    batch = veco.collate(examples)
    if "links" not in examples[0]:
        return batch
    most = max(len(example["links"]) for example in examples)
    links = np.full((len(examples), most, 2), -1, dtype=np.int64)
    for row, example in zip(links, examples, strict=True):
        row[: len(example["links"])] = example["links"]
    words = np.stack([example["words"] for example in examples]).astype(np.int64)
    return batch | {"words": torch.from_numpy(words), "links": torch.from_numpy(links)}


class Measures(veco.Measures):
    """Held-out measures: those of VECO, and of each contrast loss/bilingual/<sequence or token> (nats per pair) and
    accuracy/bilingual/<...>: how often the translation, or the synonym, is the most similar one in the batch, or in
    its pair. `objective` is the sum that is trained, but for the queue: candidates are the batch's.
    """

    def __init__(self, measured: Sequence[str], weights: Mapping[str, float], contrasts: Mapping[str, float]):
        super().__init__(measured, weights)
        self.contrasts = contrasts

    def __call__(self, predicted: transformers.EvalPrediction) -> dict[str, float]:
        *others, contrast = predicted.predictions
        found = super().__call__(transformers.EvalPrediction(tuple(others), predicted.label_ids))
        sums = np.asarray(contrast, dtype=np.float64).sum(0)
        for name, (loss, right, count) in zip((SEQUENCE, TOKEN), sums, strict=True):
            if count:
                found[f"loss/bilingual/{name}"], found[f"accuracy/bilingual/{name}"] = loss / count, right / count
                found["objective"] += self.contrasts.get(name, 0.0) * loss / count
        return found
