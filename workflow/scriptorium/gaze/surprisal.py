"""Surprisal of words under a causal language model: one of ours, or any that transformers reads from a folder.

The surprisal of a word is the sum over its pieces, in bits, of -log2 p(piece | what stands before it in the text). A
sentence stands alone behind the symbol that begins a text (ours): gaze corpora do not always keep what stood before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.gaze.threads import one_thread
from scriptorium.linguistics.align import piece_words, word_spans
from scriptorium.models.positions import longest_input
from scriptorium.text.plain import as_text


class Surprisal:
    """A model with its tokenizer. `cut` counts words that begin behind the model's longest input: they have none."""

    def __init__(
        self, model: transformers.PreTrainedModel, tokenizer: transformers.PreTrainedTokenizerBase, where: str
    ):
        """Raises UserError: a tokenizer without offsets, or without a symbol that begins a text."""
        if not tokenizer.is_fast:
            raise UserError(
                "surprisal needs a fast tokenizer (with character offsets)",
                where=where,
                remedy="add its tokenizer.json",
            )
        begins = (tokenizer.bos_token_id, tokenizer.cls_token_id, tokenizer.eos_token_id)
        self.first = next((one for one in begins if one is not None), None)
        if self.first is None:
            raise UserError("no symbol begins a text", where=where, remedy="give the tokenizer a bos_token")
        self.model, self.tokenizer, self.cut = model.eval(), tokenizer, 0
        self.room = longest_input(model.config) - 1

    @classmethod
    def load(cls, folder: Path) -> Surprisal:
        """A model in a folder, as transformers saves it. Raises UserError if it is not a causal language model."""
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
            )
            tokenizer = as_text(
                transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            )
            if not _reads_to_the_left(model.eval()):
                raise ValueError("a token changes what is predicted before it, so the model reads to the right as well")
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"not a causal language model that transformers can read: {error}",
                where=folder,
                remedy="give a folder with config.json, model.safetensors and tokenizer.json of a model such as GPT-2",
            ) from None
        return cls(model, tokenizer, str(folder))

    def __call__(self, sentences: Sequence[Sequence[str]], tokens: int = 4096) -> list[np.ndarray]:
        """Bits of every word of every sentence, float64; NaN for a word without a piece or beyond the longest input."""
        texts = [" ".join(words) for words in sentences]
        encoded = self.tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        by_length: dict[int, list[int]] = {}
        for number, pieces in enumerate(encoded["input_ids"]):
            by_length.setdefault(min(len(pieces), self.room), []).append(number)
        found: list[np.ndarray] = [np.zeros(0)] * len(texts)
        with one_thread(), torch.inference_mode():
            for length, members in sorted(by_length.items()):
                rows = max(1, tokens // (length + 1))
                for start in range(0, len(members), rows):
                    self._batch(members[start : start + rows], length, encoded, texts, found)
        return found

    def _batch(self, members: list[int], length: int, encoded, texts: list[str], found: list[np.ndarray]) -> None:
        ids = torch.tensor([[self.first, *encoded["input_ids"][number][:length]] for number in members])
        predicted = self.model(ids).logits[:, :-1].float().log_softmax(-1)
        bits = -predicted.gather(2, ids[:, 1:, None])[..., 0].double().numpy() / np.log(2)
        for row, number in enumerate(members):
            spans = word_spans(texts[number])
            owner = piece_words(encoded["offset_mapping"][number], spans)
            known, lost = owner[:length], np.unique(owner[length:])
            total = np.bincount(known[known >= 0], bits[row][known >= 0], len(spans))
            there = np.bincount(known[known >= 0], minlength=len(spans)) > 0
            there[lost[lost >= 0]] = False  # a word that is cut in two has none either
            self.cut += int((lost >= 0).sum())
            found[number] = np.where(there, total, np.nan)


def _reads_to_the_left(model: transformers.PreTrainedModel) -> bool:
    """Whether what is predicted at a place does not depend on the token behind it."""
    with torch.inference_mode():
        one, other = model(torch.tensor([[1, 2, 3], [1, 2, 0]])).logits[:, 1]
    return torch.allclose(one, other, atol=1e-6, rtol=1e-6)
