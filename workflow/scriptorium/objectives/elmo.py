"""ELMo's objective: every token from those to its left, and from those to its right, by two language models.

Kept: both directions, each of which sees one side alone; the loss is of both. Ours: documents are kept apart and begin
with [CLS] as for causal language models (causal_blocks.py); [SEP] at the end is predicted by the forward model, and the
backward model begins with it; the beginning is not predicted, nor [UNK]; the loss is the mean over the predictions of
both directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import transformers
from torch.utils.data import Dataset

from scriptorium.models.elmo import building
from scriptorium.objectives import measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import Objective
from scriptorium.text.blocks import Blocks

if TYPE_CHECKING:
    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.recurrent import ElmoSpec

SAVED = building.SAVED


def build(shape: EncoderSpec, spec: ElmoSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """Both language models on every token of a block."""
    return Objective(
        model=building.build(shape, tokenizer),
        hide=lambda blocks, _: BothNeighbours(blocks, tokenizer, apart=spec.document_attention),
        collate=batches({"input_ids": 0, "document_ids": -1, "labels": IGNORED, "attention_mask": 0}),
        measures=measures.of_sums,
        predicts_specials=[tokenizer.sep_token_id],
    )


class BothNeighbours(Dataset):
    """Blocks whose tokens are all predicted twice. data[(epoch, index)] or data[index] gives one example:

    input_ids and document_ids [L], one document in all unless `apart`; labels [2 (L - 1)]: the second to the last
    token, then the first to the last but one, -100 where nothing is predicted; of padded blocks also attention_mask.
    """

    def __init__(self, blocks: Blocks, tokenizer: Any, *, apart: bool):
        self.blocks, self.apart = blocks, apart
        self.unpredicted = np.zeros(len(tokenizer), dtype=bool)
        self.unpredicted[tokenizer.all_special_ids] = True
        self.unpredicted[tokenizer.sep_token_id] = False

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        tokens, owners = self.blocks[key[1] if isinstance(key, tuple) else key]
        texts = owners if self.apart else np.where(owners >= 0, 0, -1)
        known = np.where(self.unpredicted[tokens] | (texts < 0), IGNORED, tokens)
        ends = texts[:-1] != texts[1:]  # behind them is no token of their own document
        example = {
            "input_ids": tokens,
            "document_ids": texts,
            "labels": np.concatenate([known[1:], np.where(ends, IGNORED, known[:-1])]),
        }
        if self.blocks.padded:
            example["attention_mask"] = (owners >= 0).astype(np.int64)
        return example
