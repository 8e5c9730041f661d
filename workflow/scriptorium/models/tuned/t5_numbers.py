"""T5 that predicts a number by writing it (docs/papers/objectives.md section 3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from transformers import T5ForConditionalGeneration

IGNORED = -100  # behind the end of a shorter text
NO_NUMBER = -1.0  # what a text that is no number counts as, as in T5's program: for numbers from 0 on it is wrong


class NumbersAsText(T5ForConditionalGeneration):
    """T5ForConditionalGeneration with config.numbers, in ascending order, and config.number_pieces, the text of each.

    A saved one is transformers' own and writes numbers by `generate`.
    """

    def forward(self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, labels=None, **other):
        """In training the loss; else also logits [B, 1], the numbers that greedy generation writes, and generated [B],
        whether each is one.

        input_ids, attention_mask [B, L]; labels [B]: numbers, each learned as the nearest of config.numbers. The loss
        is the mean over examples of the negative log-likelihood of the text, summed over its pieces, as of classes.
        Without `labels` in training, or with anything else, as transformers' class.
        """
        if other or (self.training and labels is None):
            return super().forward(input_ids=input_ids, attention_mask=attention_mask, labels=labels, **other)
        source = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        numbers = torch.tensor(self.config.numbers, device=source.device)
        rows = [torch.tensor(pieces, device=source.device) for pieces in self.config.number_pieces]
        texts = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED)
        made = {}
        if labels is not None:
            targets = texts[(labels[:, None] - numbers).abs().argmin(-1)]
            logits = self._next(source, attention_mask, self._shift_right(targets))
            losses = functional.cross_entropy(logits.transpose(1, 2).float(), targets, reduction="none")
            made["loss"] = losses.sum(-1).mean()
        if self.training:
            return made
        written = self._written(source, attention_mask, texts.shape[1])
        same = ((written[:, None] == texts) | (texts == IGNORED)).all(-1)  # [B, numbers], each with its end
        found, number = same.max(-1)
        value = torch.where(found, numbers[number], torch.full_like(numbers[number], NO_NUMBER))
        return made | {"logits": value[:, None], "generated": found}

    def _written(self, source: Tensor, mask: Tensor, pieces: int) -> Tensor:
        """The first so many pieces of greedy generation [B, pieces]; what comes behind an end is of no account."""
        begun = torch.full((len(source), 1), self.config.decoder_start_token_id, device=source.device)
        for _ in range(pieces):
            begun = torch.cat([begun, self._next(source, mask, begun)[:, -1].argmax(-1, keepdim=True)], 1)
        return begun[:, 1:]

    def _next(self, source: Tensor, mask: Tensor, begun: Tensor) -> Tensor:
        return (
            super()
            .forward(encoder_outputs=(source,), attention_mask=mask, decoder_input_ids=begun, use_cache=False)
            .logits
        )
