"""T5 that predicts a class by writing its name (docs/papers/objectives.md section 3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from transformers import T5ForConditionalGeneration

IGNORED = -100  # behind the end of a shorter target


class LabelsAsText(T5ForConditionalGeneration):
    """T5ForConditionalGeneration, whose config.label_pieces are the targets of the classes, a list of pieces each.

    A saved one is transformers' own and writes labels by `generate`.
    """

    def forward(self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, labels=None, **other):
        """In training the loss; else also log-likelihoods, called logits, and whether greedy generation writes each
        class's target, [B, classes] each.

        input_ids, attention_mask [B, L]; labels [B]: the number of the right class. The loss is the mean over examples
        of the negative log-likelihood of the target, summed over its pieces (ours: T5 takes the mean over pieces; so
        it is of what is predicted by, and no batch weighs long labels more). Without `labels` in training, or with
        anything else, as transformers' class.
        """
        if other or (self.training and labels is None):
            return super().forward(input_ids=input_ids, attention_mask=attention_mask, labels=labels, **other)
        targets = self.targets(input_ids.device)
        source = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self.training:
            return {"loss": -self._written(source, attention_mask, targets[labels])[0].mean()}
        count, classes = len(source), len(targets)
        likelihood, greedy = self._written(
            source.repeat_interleave(classes, 0), attention_mask.repeat_interleave(classes, 0), targets.repeat(count, 1)
        )
        made = {"logits": likelihood.view(count, classes), "generated": greedy.view(count, classes)}
        if labels is None:
            return made
        return {"loss": -made["logits"].gather(1, labels[:, None]).mean(), **made}

    def targets(self, device: torch.device) -> Tensor:
        """[classes, pieces of the longest], IGNORED behind the end."""
        rows = [torch.tensor(pieces, device=device) for pieces in self.config.label_pieces]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED)

    def _written(self, source: Tensor, mask: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Log-likelihoods [n] of targets [n, T] for sources [n, L, d], and whether each piece is the likeliest there,
        which is whether greedy generation writes the target."""
        begun = self._shift_right(targets)
        whole = super().forward
        logits = whole(encoder_outputs=(source,), attention_mask=mask, decoder_input_ids=begun, use_cache=False).logits
        losses = functional.cross_entropy(logits.transpose(1, 2).float(), targets, reduction="none")
        return -losses.sum(-1), ((logits.argmax(-1) == targets) | (targets == IGNORED)).all(-1)
