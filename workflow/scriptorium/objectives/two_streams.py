"""MPNet and its ablations: one encoder and one data path, of which each objective has its own visibility
(models/mpnet/visibility.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from scriptorium.engine.batches import labelled
from scriptorium.models import mpnet
from scriptorium.models.mpnet.visibility import Mode, shares
from scriptorium.objectives import measures, permuted_blocks
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.permuted import PermutedBlocksSpec

SAVED = mpnet.SAVED


def objective(
    mode: Mode,
    shape: EncoderSpec,
    spec: PermutedBlocksSpec,
    tokenizer: transformers.PreTrainedTokenizerBase,
    *,
    masks_only: bool = False,
) -> Objective:
    """The objective of a mode of visibility; `masks_only`: see PermutedBlocks."""
    chosen = spec.permuted
    return Objective(
        model=mpnet.build(
            shape,
            tokenizer,
            mode=mode,
            relative=chosen.relative,
            mask_rows=chosen.mask_rows,
            faithful=chosen.faithful,
        ),
        hide=lambda blocks, draws: permuted_blocks.PermutedBlocks(
            blocks, spec, tokenizer, draws, masks_only=masks_only
        ),
        collate=permuted_blocks.collate(document_attention=spec.document_attention),
        measures=measures.of_predictions,
        facts=lambda examples: visible_shares(examples, mode),
        terms=all_predictions if chosen.faithful else labelled,
        predicts_specials=chosen.faithful,
        decay_all=chosen.faithful,
        starts_from_frequencies=spec.frequency_bias,
    )


def all_predictions(batch: Mapping[str, torch.Tensor]) -> int:
    """What the original's mean is over: all predictions, those of padding too, which have no label."""
    return int((batch["positions"] >= 0).sum())


def visible_shares(data: permuted_blocks.PermutedBlocks, mode: Mode) -> dict[str, float]:
    """What a prediction of `data` can use on average, as shares of a block: visible/tokens, visible/positions."""
    found = [shares(mode, len(one["input_ids"]), len(one["labels"])) for one in map(data.__getitem__, range(len(data)))]
    tokens, positions = np.mean(found, axis=0)
    return {"visible/tokens": float(tokens), "visible/positions": float(positions)}
