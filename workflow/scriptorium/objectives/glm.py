"""GLM's blank infilling: spans of a text are blanks, and each is written from left to right, in random order
(docs/papers/objectives.md section 5). By default of the paper's three kinds of blanks these are the spans; whole
sentences and one long end of a text are asked for by shares (corruption/kinds_of_blanks.py).

A row of a batch holds the texts of a block side by side, each with its part A and B behind one another and each seeing
only itself, so a block equals its texts one by one (ours). [UNK] is not predicted (ours).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import Dataset

from scriptorium.models import glm
from scriptorium.objectives import measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.corruption.blanks import Symbols, row
from scriptorium.objectives.corruption.kinds_of_blanks import KindsOfBlanks
from scriptorium.objectives.draws import Draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import Objective
from scriptorium.objectives.text_to_text import check_length, symbol, texts_of
from scriptorium.text.blocks import Blocks

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.infilling import GlmSpec

SAVED = glm.SAVED
FILLS = {"input_ids": 0, "texts": -1, "positions": 0, "inside": 0, "rows": 0, "labels": IGNORED, "attention_mask": 0}


def build(shape: EncoderSpec, spec: GlmSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """GPT-2's body with places inside spans, on texts with blanks. Raises UserError: a symbol is missing, or a full
    stop that ends sentences."""
    symbols = Symbols(
        cls=symbol(tokenizer, "cls_token", "a text begins with it, and a span"),
        mask=symbol(tokenizer, "mask_token", "it stands for a span"),
        sep=symbol(tokenizer, "sep_token", "a text ends with it, and a span"),
    )

    blanks = KindsOfBlanks(spec.blanks, tokenizer)

    def hide(blocks: Blocks, draws: Draws) -> Infilled:
        check_length(spec, blocks.length, shape.max_positions)
        return Infilled(blocks, spec, tokenizer, draws, symbols, blanks)

    return Objective(
        model=glm.build(shape, tokenizer, longest=spec.blanks.longest_of(shape.max_positions)),
        hide=hide,
        collate=batches(FILLS),
        measures=measures.of_sums,
        predicts_specials=[symbols.sep],
    )


class Infilled(Dataset):
    """Blocks whose texts have blanks. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids, texts (the number of each one's text), positions and inside (models/glm.py) [R], the texts one after the
    other; rows [K], those of part B, and labels [K], what each predicts; of padded blocks also attention_mask, as many
    1 as the block has tokens.
    """

    def __init__(
        self, blocks: Blocks, spec: GlmSpec, tokenizer: Any, draws: Draws, symbols: Symbols, blanks: KindsOfBlanks
    ):
        self.blocks, self.draws, self.symbols = blocks, draws, symbols
        self.apart, self.blanks = spec.document_attention, blanks
        self.unpredicted = np.zeros(len(tokenizer), dtype=bool)
        self.unpredicted[tokenizer.all_special_ids] = True
        self.unpredicted[symbols.sep] = False

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        generator = self.draws(epoch, index)
        tokens, owners = self.blocks[index]
        rows = []
        for text in texts_of(tokens, owners, cls=self.symbols.cls, sep=self.symbols.sep, apart=self.apart):
            begins, lengths = self.blanks(text, generator)
            rows.append(row(text, begins, lengths, generator.permutation(len(begins)), self.symbols))
        inside = np.concatenate([each.inside for each in rows])
        labels = np.concatenate([each.labels for each in rows])
        example = {
            "input_ids": np.concatenate([each.ids for each in rows]),
            "texts": np.repeat(np.arange(len(rows)), [len(each.ids) for each in rows]),
            "positions": np.concatenate([each.positions for each in rows]),
            "inside": inside,
            "rows": np.flatnonzero(inside),
            "labels": np.where(self.unpredicted[labels], IGNORED, labels),
        }
        if self.blocks.padded:
            example["attention_mask"] = np.ones(int((owners >= 0).sum()), dtype=np.int64)
        return example
