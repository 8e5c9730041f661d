"""VECO 2.0 in pre-training, a reconstruction (ours; docs/papers/veco.md section 5): the four terms of its loss.

    mlm        MMLM, and
    tlm        as VECO's (models/veco/terms.py), on the model without cross-attention
    sequence   contrast between sentences (sequence_contrast.py), bilingual blocks only
    token      contrast between words (token_contrast.py), bilingual blocks only

A contrast is a mean over pairs of texts: all those of the batch, and for words those with a link. Its candidates are
the pairs of the batch, of all processes; so a batch is never cut into micro-batches where a contrast has a weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from scriptorium.engine import processes
from scriptorium.engine.flops import PASSES
from scriptorium.models.matrix_products import LayerWork, layer_flops
from scriptorium.models.veco.model import VecoConfig
from scriptorium.models.veco.terms import IGNORED, MLM, VecoForMaskedLM
from scriptorium.models.veco2 import gathering, sequence_contrast, token_contrast
from scriptorium.models.veco2.momentum import Momentum
from scriptorium.models.veco2.sequence_contrast import Sequence
from scriptorium.models.veco2.texts import Texts, read, restored, texts_of
from scriptorium.models.veco2.token_contrast import Token

SEQUENCE, TOKEN = "sequence", "token"


class Veco2Config(VecoConfig):
    """VecoConfig and what the contrasts add. contrast: their weights · clean: they read the texts as they are, in a
    pass of their own, not corrupted as MMLM does · sequence, token: settings, as the classes of these names."""

    plug_in: bool = False
    contrast: dict | None = None
    clean: bool = False
    sequence: dict | None = None
    token: dict | None = None


class Veco2ForMaskedLM(VecoForMaskedLM):
    """VECO's encoder without cross-attention, with both contrasts. Saved as VecoForMaskedLM, which is all of it but the
    projection, the slow encoder and the queue."""

    config_class = Veco2Config
    config: Veco2Config
    plain_class = VecoForMaskedLM
    momentum: Momentum | None

    def __init__(self, config: Veco2Config):
        super().__init__(config)
        self.sequence, self.token = Sequence(**config.sequence), Token(**config.token)
        with torch.random.fork_rng(devices=[]):  # models with and without these parts begin alike
            self.projection = self._projection()
            self.momentum = None
            if self.sequence.queue and self.contrasts.get(SEQUENCE):
                self.momentum = Momentum(config, self._projection(), self.sequence.queue)

    @property
    def contrasts(self) -> dict[str, float]:
        """The contrasts that are trained, with their weights."""
        return {name: weight for name, weight in (self.config.contrast or {}).items() if weight}

    def forward(
        self,
        input_ids: Tensor,
        positions: Tensor,
        labels: Tensor,
        document_ids: Tensor,
        bilingual: Tensor,
        words: Tensor | None = None,
        links: Tensor | None = None,
        streams: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """`loss`: the sum of the weighted terms. words [B, 2, L], links [B, K, 2]: see token_contrast.py; without them
        there is no contrast between words. The other arguments are VecoForMaskedLM's.

        In evaluation also `contrast` [B, 2, 3] of the sequence and the token contrast, by block: nats, what is right,
        and of how many pairs, all summed. Candidates are then the batch's, whatever is trained with. The sequence
        contrast is told even where it is not trained, if it has no projection.
        """
        pairs = bilingual.bool()
        asked = [name for name in self._asked(words) if pairs.any()]
        layers = {getattr(self, name).layer for name in asked}
        shared = not self.config.clean and (MLM in self.terms or not self.training)  # the pass of MMLM is read
        kept = dict.fromkeys(layers) if shared else {}
        if self.terms or not self.training:
            outputs = super().forward(input_ids, positions, labels, document_ids, bilingual, streams, kept=kept)
        else:
            outputs = {"loss": self.lm_head.bias.sum() * 0}
        found = {}
        if asked:
            ids = restored(input_ids, positions, labels) if self.config.clean else input_ids
            ids, documents = ids[pairs], document_ids[pairs]
            if shared:
                states = {layer: each.unflatten(0, (-1, 2))[pairs] for layer, each in kept.items()}
            else:
                states = read(self.roberta, ids, documents, layers)
            if SEQUENCE in asked:
                found[SEQUENCE] = self._of_sequences(states[self.sequence.layer], ids, documents)
            if TOKEN in asked:
                given = states[self.token.layer], documents, words[pairs], links[pairs]
                found[TOKEN] = token_contrast.contrast(*given, self.token)
        if self.training:
            return outputs | {"loss": outputs["loss"] + self._weighted(found, labels)}
        return outputs | {"contrast": _by_block(found, pairs)}

    def _asked(self, words: Tensor | None) -> list[str]:
        """The contrasts that this forward pass computes."""
        names = list(self.contrasts)
        if not self.training and SEQUENCE not in names and self.sequence.projection == "none":
            names.append(SEQUENCE)
        return [name for name in names if name == SEQUENCE or words is not None]

    def _of_sequences(self, states: Tensor, ids: Tensor, documents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(nats, share right, block) of every pair, [N] each; in training the slow encoder and the queue go on."""
        how, texts = self.sequence, texts_of(documents)
        own = how.finished(self.projection(texts.pooled(states, how.pool)))
        slow = self.momentum if self.training else None
        how = how if self.training else replace(how, in_batch=True)
        keys, queues = own, None
        if slow is not None:
            keys = self._slow_keys(slow, ids, documents, texts)
            queues = slow.negatives(0), slow.negatives(1)
        start = 0
        if self.training:
            sizes = gathering.counts([torch.tensor(len(texts), device=own.device)])[:, 0].tolist()
            width = own.shape[-1]
            rows = gathering.gathered(keys.transpose(0, 1).flatten(1), sizes)
            keys = rows.unflatten(1, (2, width)).transpose(0, 1)
            start = sum(sizes[: processes.rank()])
        loss, right = sequence_contrast.contrast(own, keys, start, how, queues)
        if slow is not None:
            if how.waits and slow.filled < how.queue:
                loss = loss * 0
            slow.push(keys)
        return loss, right, texts.blocks

    @torch.no_grad()
    def _slow_keys(self, slow: Momentum, ids: Tensor, documents: Tensor, texts: Texts) -> Tensor:
        how = self.sequence
        slow.follow(self.roberta, self.projection, how.momentum)
        states = read(slow.encoder, ids, documents, {how.layer})[how.layer]
        return how.finished(slow.projection(texts.pooled(states, how.pool)))

    def _weighted(self, found: Mapping[str, tuple[Tensor, ...]], labels: Tensor) -> Tensor | float:
        """The weighted sum of the contrasts, so that the engine's mean over predictions makes means over pairs of it:
        it weights a process by its share of the predictions."""
        if not found:
            return 0.0
        own = (labels != IGNORED).sum()
        sizes = [torch.tensor(len(blocks), device=labels.device) for _, _, blocks in found.values()]
        predictions, *pairs = gathering.counts([own, *sizes]).sum(0)
        means = [loss.sum() / count.clamp(min=1) for (loss, _, _), count in zip(found.values(), pairs, strict=True)]
        return sum(self.contrasts[name] * mean for name, mean in zip(found, means, strict=True)) * predictions / own

    def _projection(self) -> nn.Module:
        made = self.sequence.projected(self.config.hidden_size)
        made.apply(self._init_weights)
        return made

    def forward_flops(self, batch: Mapping[str, Tensor], *, whole: bool = False) -> float:
        """As VECO's, and the contrasts' passes and products; those of a full queue, and of one process."""
        pairs, asked = batch["bilingual"].bool(), list(self.contrasts)
        if not pairs.any() or not asked:
            return super().forward_flops(batch)
        depth = self.config.num_hidden_layers
        layers = {getattr(self, name).layer for name in asked}
        shared = not self.config.clean and MLM in self.terms
        forward = super().forward_flops(batch, whole=shared and depth in layers)
        blocks, _, length = batch["input_ids"][pairs].shape
        width = self.config.hidden_size
        if not shared:
            forward += 2 * blocks * self._read_flops(length, max(layers))
        if SEQUENCE in asked:
            how, texts = self.sequence, len(texts_of(batch["document_ids"][pairs]))
            projected = 2 * texts * sum(2 * each.numel() for each in self.projection.parameters() if each.dim() == 2)
            batched = 2 * 2 * texts * texts * width if how.in_batch else 0
            forward += projected
            if self.momentum is None:
                forward += batched
            else:  # neither the slow encoder nor the queue has a gradient
                forward += (2 * blocks * self._read_flops(length, how.layer) + projected) / PASSES
                forward += (batched + 2 * 2 * texts * how.queue * width) * (PASSES - 1) / PASSES
        if TOKEN in asked:
            units = int(batch["words"][pairs].amax()) + 1
            forward += 2 * blocks * units * units * width
        return forward

    def _read_flops(self, length: int, layers: int) -> int:
        """One text through the lowest layers."""
        work = LayerWork(length, length, length * length)
        return layers * layer_flops(self.config.hidden_size, self.config.intermediate_size, work)


def _by_block(found: Mapping[str, tuple[Tensor, ...]], pairs: Tensor) -> Tensor:
    """[B, 2, 3]: of each contrast the sums of every block; pairs [B]: which blocks are bilingual."""
    sums = torch.zeros(len(pairs), 2, 3, device=pairs.device)
    numbers = pairs.nonzero()[:, 0]
    for place, name in enumerate((SEQUENCE, TOKEN)):
        if name in found:
            loss, right, blocks = found[name]
            rows = torch.stack([loss, right, torch.ones_like(loss)], 1).to(sums)
            sums[:, place] = sums[:, place].index_add(0, numbers[blocks], rows)
    return sums
