"""VECO: masked tokens of a pair of texts, predicted from their own side, through cross-attention from both, and from
both joined (docs/papers/veco.md sections 2.2 to 2.4; models/veco/terms.py).

Kept from VECO: 15 % of the tokens of monolingual blocks are predicted and 25 % of bilingual ones; all terms have weight
1; both sides are corrupted, and every pass sees the same corruption. Not found, so an option (`paired` in spec.py) or
ours: 80 % of the predicted tokens become the mask symbol, 10 % a random token, 10 % stay, as in XLM-R; the number of
predictions is exact on each side; special tokens are neither predicted nor drawn nor counted; TLM reads both sides as
they are, one behind the other, each with its own first and last symbol.

The other objectives of a cross-lingual study are weights of the terms: ca 0 is XLM (MLM and TLM, on a model without
cross-attention), ca 0 and tlm 0 is masked language modelling alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from scriptorium.engine.mixture import Mixture
from scriptorium.models import veco
from scriptorium.objectives import masking, measures, mixing
from scriptorium.objectives.draws import Draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import Objective
from scriptorium.text import two_sided
from scriptorium.text.blocks import Blocks
from scriptorium.text.tokenizers import word_starts

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.pairs import VecoSpec

SAVED = veco.SAVED
KINDS = ("monolingual", "bilingual")


def build(shape: EncoderSpec, spec: VecoSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """VECO's model on blocks of pairs. Without weight of the cross-attention's term it has no cross-attention."""
    how = spec.paired
    model = veco.build(
        shape,
        tokenizer,
        plug_in=how.weights.ca > 0,
        weights=how.weights.model_dump(),
        split=how.predicted_by == "one",
        cross_gradient=how.cross_gradient,
        cross_start=how.cross_start,
        restarted=how.tlm_positions == "restarted",
    )
    return Objective(
        model=model,
        hide=lambda blocks, draws: MaskedPairs(blocks, spec, tokenizer, draws),
        collate=collate,
        measures=Measures(model.measured, model.terms),
        starts_from_frequencies=spec.frequency_bias,
    )


class MaskedPairs(Dataset):
    """Blocks of two sides with tokens hidden. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids [2, L] corrupted, document_ids [2, L]; positions [k], ascending, in both sides as one row of 2 L, and
    labels [k], the true tokens there; streams [k]: which stream predicts, where only one does (0: H, 1: S);
    bilingual [1]. Raises UserError: whole words are asked for, but the vocabulary does not mark them.
    """

    def __init__(self, blocks: Blocks, spec: VecoSpec, tokenizer: Any, draws: Draws):
        self.blocks, self.spec, self.draws = blocks, spec, draws
        groups = two_sided.read_groups(blocks.path.parent)
        self.bilingual = np.array([group.kind == "bilingual" for group in groups])[blocks.column("group")[:, 0]]
        self.mask_id = tokenizer.mask_token_id
        self.special = np.zeros(len(tokenizer), dtype=bool)
        self.special[tokenizer.all_special_ids] = True
        self.ordinary = np.flatnonzero(~self.special)
        self.starts = word_starts(tokenizer) if spec.paired.whole_words else None

    def __len__(self) -> int:
        return len(self.blocks)

    @cached_property
    def mixture(self) -> Mixture:
        """How the steps of a run are drawn from these blocks (engine/mixture.py)."""
        return mixing.mixture(self.blocks, self.spec.mixture)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        input_ids, document_ids = self.blocks[index]
        generator, bilingual = self.draws(epoch, index), self.bilingual[index]
        rate = self.spec.bilingual_rate if bilingual else self.spec.rate
        half = len(input_ids) // 2
        positions = np.concatenate(
            [
                start
                + self._choose(input_ids[start : start + half], document_ids[start : start + half], rate, generator)
                for start in (0, half)
            ]
        )
        labels = input_ids[positions]
        corrupted = input_ids.copy()
        corrupted[positions] = masking.corrupt(
            labels,
            mask_id=self.mask_id,
            ordinary=self.ordinary,
            mask=self.spec.mask,
            random=self.spec.random,
            generator=generator,
        )
        return {
            "input_ids": corrupted.reshape(2, half),
            "document_ids": document_ids.reshape(2, half),
            "positions": positions,
            "labels": labels,
            "streams": generator.integers(2, size=len(labels)),
            "bilingual": np.array([bilingual]),
        }

    def _choose(self, ids: np.ndarray, owners: np.ndarray, rate: float, generator: np.random.Generator) -> np.ndarray:
        """Positions to predict in a side [L]; owners [L]: -1 in the padding."""
        maskable = ~self.special[ids] & (owners >= 0)
        count = masking.count_of(int(maskable.sum()), rate)
        if self.starts is None:
            return masking.choose(maskable, count, generator)
        return masking.choose_words(maskable, masking.word_beginnings(ids, self.starts, self.special), count, generator)


def collate(examples: Sequence[Mapping[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """A batch, all int64: input_ids, document_ids and attention_mask [B, 2, L], positions [B, 2, K] in their side,
    labels and streams [B, 2 K], x's first, bilingual [B].

    K is the largest number of predictions of a side; filled up with position 0, label -100 and stream 0.
    """
    half = examples[0]["input_ids"].shape[1]
    sides = [[example["positions"] // half == side for side in (0, 1)] for example in examples]
    slots = max(int(chosen.sum()) for pair in sides for chosen in pair)

    def filled(name: str, fill: int) -> torch.Tensor:
        out = np.full((len(examples), 2, slots), fill, dtype=np.int64)
        for row, example, pair in zip(out, examples, sides, strict=True):
            for slot, chosen in zip(row, pair, strict=True):
                slot[: chosen.sum()] = example[name][chosen]
        return torch.from_numpy(out)

    whole = {
        name: torch.from_numpy(np.stack([example[name] for example in examples]).astype(np.int64))
        for name in ("input_ids", "document_ids", "bilingual")
    }
    return {
        "input_ids": whole["input_ids"],
        "document_ids": whole["document_ids"],
        "attention_mask": (whole["document_ids"] >= 0).long(),
        "positions": filled("positions", 0) % half,
        "labels": filled("labels", IGNORED).flatten(1),
        "streams": filled("streams", 0).flatten(1),
        "bilingual": whole["bilingual"][:, 0],
    }


class Measures:
    """Held-out measures: loss (nats), perplexity and accuracy of MLM, which all variants of the terms have, over both
    sides and kinds; and for each term, kind of block and side by itself loss/<kind>/<term>_<x or y> and accuracy/...,
    and over both sides loss/<kind>/<term>. `objective` is the sum that is trained, over the whole set.
    """

    def __init__(self, measured: Sequence[str], weights: Mapping[str, float]):
        self.measured, self.weights = measured, weights

    def __call__(self, predicted: transformers.EvalPrediction) -> dict[str, float]:
        losses, correct, counts, bilingual = (np.asarray(each) for each in predicted.predictions[2:])
        losses, found = losses.astype(np.float64), measures.of_sums(predicted)
        trained = [number for number, name in enumerate(self.measured) if name in self.weights]
        summed = {self.measured[number]: losses[:, number].sum() / counts.sum() for number in trained}
        found["objective"] = float(sum(veco.SIDES[name] * self.weights[name] * value for name, value in summed.items()))
        for number, kind in enumerate(KINDS):
            rows = bilingual == number
            for place, name in enumerate(self.measured):
                if not rows.any() or (name == veco.TLM and not number):
                    continue
                for side, letter in enumerate("xy"):
                    count = int(counts[rows, side].sum())
                    found[f"loss/{kind}/{name}_{letter}"] = float(losses[rows, place, side].sum()) / count
                    found[f"accuracy/{kind}/{name}_{letter}"] = float(correct[rows, place, side].sum()) / count
                found[f"loss/{kind}/{name}"] = float(losses[rows, place].sum()) / int(counts[rows].sum())
        return found
