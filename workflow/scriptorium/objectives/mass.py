"""MASS: an encoder reads a text in which a fragment is hidden, a decoder writes the fragment
(docs/papers/objectives.md section 13).

A row of a batch holds the texts of a block side by side, as in text_to_text.py. The decoder's inputs outside the
fragment, which the paper masks, are left out, as in the authors' code. [UNK] is not predicted (ours).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import Dataset

from scriptorium.models import mass
from scriptorium.objectives import measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.corruption.fragment import Fragment
from scriptorium.objectives.draws import Draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import Objective
from scriptorium.objectives.text_to_text import FILLS, check_length, symbol, texts_of
from scriptorium.text.blocks import Blocks

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.text_to_text import MassSpec

SAVED = mass.SAVED


def build(shape: EncoderSpec, spec: MassSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """BART's body on texts with a hidden fragment. Raises UserError: a symbol is missing."""
    symbol(tokenizer, "cls_token", "a text begins with it")
    symbol(tokenizer, "mask_token", "it stands for what is hidden")
    sep = symbol(tokenizer, "sep_token", "a text ends with it")

    def hide(blocks: Blocks, draws: Draws) -> Fragmented:
        check_length(spec, blocks.length, shape.max_positions)
        return Fragmented(blocks, spec, tokenizer, draws)

    return Objective(
        model=mass.build(shape, tokenizer),
        hide=hide,
        collate=batches(FILLS | {"decoder_places": 0, "attention_mask": 0}),
        measures=measures.of_sums,
        predicts_specials=[sep],
        starts_from_frequencies=spec.frequency_bias,
    )


class Fragmented(Dataset):
    """Blocks whose texts have a hidden fragment. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids [E], the sources one after the other, and texts [E], the number of each one's text; decoder_input_ids,
    their decoder_places in the texts, labels and decoder_texts [D]; of padded blocks also attention_mask [E].
    """

    def __init__(self, blocks: Blocks, spec: MassSpec, tokenizer: Any, draws: Draws):
        self.blocks, self.draws = blocks, draws
        self.fragment, self.apart = Fragment(spec.fragment, tokenizer), spec.document_attention
        self.cls, self.sep = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.unpredicted = np.zeros(len(tokenizer), dtype=bool)
        self.unpredicted[tokenizer.all_special_ids] = True
        self.unpredicted[self.sep] = False

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        generator = self.draws(epoch, index)
        texts = texts_of(*self.blocks[index], cls=self.cls, sep=self.sep, apart=self.apart)
        hidden = [self.fragment(text, generator) for text in texts]
        source, read, places, written = (np.concatenate(column) for column in zip(*hidden, strict=True))
        numbers = np.arange(len(texts))
        example = {
            "input_ids": source,
            "texts": np.repeat(numbers, [len(each.source) for each in hidden]),
            "decoder_input_ids": read,
            "decoder_texts": np.repeat(numbers, [len(each.read) for each in hidden]),
            "decoder_places": places,
            "labels": np.where(self.unpredicted[written], IGNORED, written),
        }
        if self.blocks.padded:
            example["attention_mask"] = np.ones(len(source), dtype=np.int64)
        return example
