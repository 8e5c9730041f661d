"""A run's real model and a batch of its shapes, without text, vocabulary or memory: what is measured and counted.

Only the shapes are right: all tokens are number 0. Build the model on torch's `meta` device, or under fake tensors.
"""

from __future__ import annotations

import tokenizers
import torch
import transformers
from torch import Tensor

from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.sizes.needs import Needs

SPECIALS = {"cls": "[CLS]", "pad": "[PAD]", "sep": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}  # padding is token 1
SENTINELS = 100


def pieces(count: int) -> transformers.PreTrainedTokenizerFast:
    """A vocabulary of so many pieces, which mean nothing; the last hundred are T5's sentinels."""
    names = [*SPECIALS.values(), "."]
    names += [f"piece{number}" for number in range(count - len(names) - SENTINELS)]
    names += [f"<extra_id_{number}>" for number in reversed(range(SENTINELS))]
    plain = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({name: number for number, name in enumerate(names)}, unk_token=SPECIALS["unk"])
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, **{f"{name}_token": token for name, token in SPECIALS.items()}
    )


def model_of(
    shape: EncoderSpec, objective: ObjectiveSpec, tokenizer: transformers.PreTrainedTokenizerBase
) -> transformers.PreTrainedModel:
    """The model that the objective trains."""
    return build(shape, objective, tokenizer).model


def batch_of(objective: ObjectiveSpec, needs: Needs, block: int, examples: int) -> dict[str, Tensor]:
    """So many blocks. needs: what the body says of a block of this length."""
    predicted = int(needs.predictions)

    def numbers(*size: int) -> Tensor:
        return torch.zeros(examples, *size, dtype=torch.int64)

    def rows(length: int = block, count: int = predicted, **more: Tensor) -> dict[str, Tensor]:
        return {"input_ids": numbers(length), "labels": numbers(count), **more}

    documents = {"document_ids": numbers(block)} if objective.document_attention else {}
    name = objective.name
    if name in ("bert", "roberta"):
        return rows(positions=numbers(predicted), **documents)
    if name == "bert-nsp":
        pair = {"token_type_ids": numbers(block), "attention_mask": numbers(block) + 1}
        return rows(positions=numbers(predicted), **pair, next_sentence_label=numbers(1))
    if name in ("mpnet", "plm", "mlm-permuted"):
        count = predicted // 2 if objective.permuted.mask_rows else predicted
        return rows(count=count, positions=numbers(count), revealed=numbers(count), **documents)
    if name == "xlnet":
        return rows(positions=numbers(predicted), order=numbers(block), **documents)
    if name in ("gpt2", "llama"):
        return rows(**documents)
    if name == "glm":
        length = needs.rows[0]
        return rows(
            length,
            texts=numbers(length),
            positions=numbers(length),
            inside=numbers(length),
            rows=numbers(predicted),
        )
    if name in ("bart", "mass", "t5", "prefix-lm"):
        source, target = needs.rows
        places = {"decoder_places": numbers(target)} if name == "mass" else {}
        return rows(
            source,
            target,
            texts=numbers(source),
            decoder_input_ids=numbers(target),
            decoder_texts=numbers(target),
            **places,
        )
    if name == "veco":
        side, count = block // 2, needs.rows[1]
        return {
            "input_ids": numbers(2, side),
            "document_ids": numbers(2, side),
            "positions": numbers(2, count),
            "labels": numbers(2 * count),
            "streams": numbers(2 * count),
            "bilingual": numbers() + 1,
        }
    raise ValueError(f"no batch of {name}")
