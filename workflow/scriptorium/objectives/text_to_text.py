"""The data path of encoder-decoders: every text of a block becomes a source and a target of its own.

With `document_attention` a text is what a block holds of one document, else all of it. A row of a batch holds the
texts of a block side by side, each seeing only itself, so nothing is padded but the ends of rows; and a block equals
its texts one by one (ours; the papers cut text into blocks, whatever documents these hold). The loss is of the targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.objectives import measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.draws import Draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import Objective
from scriptorium.text.blocks import Blocks

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.text_to_text import TextToTextSpec

Rewrite = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]  # text -> source, target
FILLS = {"input_ids": 0, "texts": -1, "decoder_input_ids": 0, "decoder_texts": -1, "labels": IGNORED}


def objective(
    model: transformers.PreTrainedModel,
    shape: EncoderSpec,
    spec: TextToTextSpec,
    tokenizer: Any,
    rewrite: Rewrite,
    *,
    start: int,
    predicted: Sequence[int] = (),
    check: Callable[[int], None] = lambda _: None,
    frequency_bias: bool = False,
) -> Objective:
    """`model` on blocks whose texts are rewritten.

    start: the symbol that begins a target's input; predicted: special tokens that are, beside [SEP]; check(length of
    the blocks): raises UserError where they cannot be rewritten; frequency_bias: the model's output bias starts there.
    """
    told = [tokenizer.sep_token_id, *predicted]

    def hide(blocks: Blocks, draws: Draws) -> Rewritten:
        check_length(spec, blocks.length, shape.max_positions)
        check(blocks.length)
        return Rewritten(blocks, spec, tokenizer, draws, rewrite, start=start, predicted=told)

    return Objective(
        model=model,
        hide=hide,
        collate=batches(FILLS | {"attention_mask": 0}),
        measures=measures.of_sums,
        predicts_specials=told,
        starts_from_frequencies=frequency_bias,
    )


class Rewritten(Dataset):
    """Blocks whose texts are rewritten. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids [E], the sources one after the other, and texts [E], the number of each one's text; decoder_input_ids and
    labels [D], the targets, and decoder_texts [D]; of padded blocks also attention_mask [E].
    """

    def __init__(
        self,
        blocks: Blocks,
        spec: TextToTextSpec,
        tokenizer: Any,
        draws: Draws,
        rewrite: Rewrite,
        *,
        start: int,
        predicted: Sequence[int],
    ):
        self.blocks, self.draws, self.rewrite, self.start = blocks, draws, rewrite, start
        self.apart, self.cls, self.sep = spec.document_attention, tokenizer.cls_token_id, tokenizer.sep_token_id
        self.unpredicted = np.zeros(len(tokenizer), dtype=bool)
        self.unpredicted[tokenizer.all_special_ids] = True
        self.unpredicted[list(predicted)] = False

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        generator = self.draws(epoch, index)
        texts = texts_of(*self.blocks[index], cls=self.cls, sep=self.sep, apart=self.apart)
        sources, targets = zip(*(self.rewrite(text, generator) for text in texts), strict=True)
        sizes, target = [len(each) for each in targets], np.concatenate(targets)
        inputs = np.roll(target, 1)
        inputs[np.cumsum([0, *sizes[:-1]])] = self.start
        numbers = np.arange(len(texts))
        example = {
            "input_ids": np.concatenate(sources),
            "texts": np.repeat(numbers, [len(each) for each in sources]),
            "decoder_input_ids": inputs,
            "decoder_texts": np.repeat(numbers, sizes),
            "labels": np.where(self.unpredicted[target], IGNORED, target),
        }
        if self.blocks.padded:
            example["attention_mask"] = np.ones(len(example["input_ids"]), dtype=np.int64)
        return example


def check_length(spec: TextToTextSpec, length: int, positions: int) -> None:
    """Raises UserError where blocks of this length are shorter than the noise, or longer than the model takes."""
    try:
        spec.check_length(length, positions)
    except ValueError as error:
        raise UserError(str(error), where="objective", remedy="change the recipe") from None


def symbol(tokenizer: Any, name: str, why: str) -> int:
    """The number of a special token, such as mask_token. Raises UserError where the vocabulary has none."""
    if (number := getattr(tokenizer, f"{name}_id")) is None:
        raise UserError(
            f"this tokenizer has no {name}: {why}",
            where=tokenizer.name_or_path,
            remedy="learn a vocabulary, which has one: vocabularies: {mine: {corpus: <corpus>}} in config.yaml, and "
            "tokenizer: mine in the recipe",
        )
    return number


def texts_of(tokens: np.ndarray, owners: np.ndarray, *, cls: int, sep: int, apart: bool) -> list[np.ndarray]:
    """The texts of a block, tokens and owners [L], without the [CLS] before and the [SEP] behind; none is empty.

    apart: one for each document, else one.
    """
    real = owners >= 0
    tokens, owners = tokens[real], owners[real]
    if tokens[0] == cls:
        tokens, owners = tokens[1:], owners[1:]
    parts = np.split(tokens, np.flatnonzero(np.diff(owners)) + 1) if apart else [tokens]
    bare = (part[: np.flatnonzero(part != sep)[-1] + 1] for part in parts if (part != sep).any())
    return list(bare)
