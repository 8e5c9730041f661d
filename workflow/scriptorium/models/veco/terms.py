"""VECO in pre-training: the four terms of its loss, and TLM (docs/papers/veco.md sections 2.2 to 2.4).

A batch has B blocks of two sides, x and y, of L tokens each. Both sides go through the encoder together, as 2B texts:
once without cross-attention (H), once with it (S), where keys and values are the last layer of the other side's H. H is
computed once: the head reads it at the predicted tokens, and S reads all of it. TLM is a third pass, over both sides as
one text. One call of the head serves all terms, and it sees the predicted tokens only.

    mlm   -log P(x | x^) from H_x            and the same of y
    ca    -log P(x | x^, y^) from S_x        and the same of y
    tlm   -log P(x, y | [x^ ; y^])           bilingual blocks only

Every term is a mean over its predictions, but with one count for both sides: mlm and ca, of which the equation has two
each, are divided by half the number of predictions, tlm by all of it. So a token of x weighs as much as one of y, and
it changes nothing how a batch is shared by micro-batches (ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import XLMRobertaForMaskedLM
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLMHead

from scriptorium.models.attention import additive, pick
from scriptorium.models.matrix_products import LayerWork, head_flops, layer_flops
from scriptorium.models.veco.adapting import adapted
from scriptorium.models.veco.model import VecoConfig, VecoModel, places, visible
from scriptorium.models.vocabulary import PaddedVocabulary

MLM, CA, TLM = "mlm", "ca", "tlm"
SIDES = {MLM: 2, CA: 2, TLM: 1}  # how many terms of the equation each of them is
IGNORED = -100


class VecoForMaskedLM(PaddedVocabulary, XLMRobertaForMaskedLM):
    """XLMRobertaForMaskedLM with cross-attentions, whose loss is that of pairs."""

    config_class = VecoConfig
    config: VecoConfig
    _no_split_modules = ("XLMRobertaEmbeddings", "VecoLayer")
    monitored = False  # in training, too, say which predictions of the first term are correct

    def __init__(self, config: VecoConfig):
        super(XLMRobertaForMaskedLM, self).__init__(config)  # XLM-R's own would make an encoder of its own
        self.lm_head = XLMRobertaLMHead(config)
        self.roberta = VecoModel(config, add_pooling_layer=False)
        self.post_init()
        self.close_padding()

    @property
    def terms(self) -> dict[str, float]:
        """The terms that are trained, with their weights."""
        weights = dict.fromkeys(SIDES, 1.0) | (self.config.weights or {})
        return {name: weights[name] for name in SIDES if weights[name]}

    @property
    def measured(self) -> tuple[str, ...]:
        """The terms that evaluation tells, in this order: MLM, which all variants can, and those that are trained."""
        return (MLM, *(name for name in self.terms if name != MLM))

    def forward(
        self,
        input_ids: Tensor,
        positions: Tensor,
        labels: Tensor,
        document_ids: Tensor,
        bilingual: Tensor,
        streams: Tensor | None = None,
        attention_mask: Tensor | None = None,
        kept: dict[int, Tensor | None] | None = None,
    ) -> dict[str, Tensor]:
        """`loss`: the sum of the weighted terms. The arguments are those of `losses`; attention_mask is for those who
        count tokens.

        In evaluation also summed_loss and correct [B] of MLM; of each of the T terms of `measured`, by block and side,
        term_losses and term_correct [B, T, 2]; predicted [B, 2]; bilingual [B].
        """
        found = self.losses(input_ids, positions, labels, document_ids, bilingual, streams, kept)
        count = (labels != IGNORED).sum()
        summed = [SIDES[name] * weight * found[name][0].sum() for name, weight in self.terms.items()]
        outputs = {"loss": sum(summed) / count}
        if self.training:
            first = next(iter(self.terms))
            return outputs | ({"correct": found[first][1].flatten(1)} if self.monitored else {})
        losses, correct = (torch.stack([found[name][part].sum(-1) for name in self.measured], 1) for part in (0, 1))
        return outputs | {
            "summed_loss": losses[:, 0].sum(-1),
            "correct": correct[:, 0].sum(-1),
            "term_losses": losses,
            "term_correct": correct,
            "predicted": (labels.view(positions.shape) != IGNORED).sum(-1),
            "bilingual": bilingual,
        }

    def predict(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """Logits [B, K, tokens] of H at `positions` [B, K] of texts `input_ids` [B, L]."""
        documents = torch.zeros_like(input_ids)
        mask = additive(visible(documents, documents)[:, None], self.lm_head.bias.dtype)
        states = self.roberta.through(self.roberta.embed(input_ids, places(documents)), mask, rows=positions)
        return self.lm_head(states)[..., : self.tokens]

    def losses(
        self,
        input_ids: Tensor,
        positions: Tensor,
        labels: Tensor,
        document_ids: Tensor,
        bilingual: Tensor,
        streams: Tensor | None = None,
        kept: dict[int, Tensor | None] | None = None,
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Of every term the loss of each prediction (nats), 0 where there is none, and what is correct, [B, 2, K] both.

        input_ids [B, 2, L], corrupted; positions [B, 2, K], in their side; labels [B, 2 K], x's first, -100 in unused
        slots; document_ids [B, 2, L]: the number of the pair that a token belongs to, -1 for padding; bilingual [B]:
        1 where a block holds translations. With config.split, in training, H predicts where streams [B, 2 K] is 0, S
        where it is 1; else both predict everything. kept: gets states of H [2B, L, d], see `VecoModel.through`; there
        is H where MLM or CA is computed.
        """
        labels = labels.view(positions.shape)
        chosen = dict.fromkeys(self.terms if self.training else self.measured, labels != IGNORED)
        if self.training and self.config.split:
            for name, number in ((MLM, 0), (CA, 1)):
                chosen[name] = chosen[name] & (streams.view(positions.shape) == number)
        if TLM in chosen:
            chosen[TLM] = chosen[TLM] & bilingual[:, None, None].bool()
        states = self._states(input_ids, positions, document_ids, bilingual.bool(), chosen, kept)
        logits = self.lm_head(torch.cat(states)).float()
        targets = torch.cat([labels[where] for where in chosen.values()])
        found, sizes = {}, [len(part) for part in states]
        losses = functional.cross_entropy(logits, targets, reduction="none").split(sizes)
        correct = (logits.argmax(-1) == targets).split(sizes) if self.monitored or not self.training else None
        for number, (name, where) in enumerate(chosen.items()):
            loss = losses[number].new_zeros(where.shape).masked_scatter(where, losses[number])
            right = torch.zeros_like(where)
            found[name] = loss, right if correct is None else right.masked_scatter(where, correct[number])
        return found

    def _states(
        self,
        input_ids: Tensor,
        positions: Tensor,
        documents: Tensor,
        bilingual: Tensor,
        chosen: Mapping[str, Tensor],
        kept: dict[int, Tensor | None] | None,
    ) -> list[Tensor]:
        """For each chosen term the states [n, d] that the head reads, in the order of its predictions."""
        encoder, dtype = self.roberta, self.lm_head.bias.dtype
        texts, owners, rows = (each.flatten(0, 1) for each in (input_ids, documents, positions))
        found = {}
        if MLM in chosen or CA in chosen:
            mask = additive(visible(owners, owners)[:, None], dtype)
            embedded = encoder.embed(texts, places(owners))
            whole = CA in chosen or self.config.num_hidden_layers in (kept or ())  # all rows of the last layer
            plain = encoder.through(embedded, mask, rows=None if whole else rows, kept=kept)
            found[MLM] = pick(plain, rows) if whole else plain
        if CA in chosen:
            memory = other(plain if self.config.cross_gradient else plain.detach())
            memory_mask = additive(visible(owners, other(owners))[:, None], dtype)
            found[CA] = encoder.through(embedded, mask, memory, memory_mask, rows)
        found = {
            name: states.view(*positions.shape, -1)[chosen[name]] for name, states in found.items() if name in chosen
        }
        if TLM in chosen:
            found[TLM] = self.lm_head.bias.new_empty(0, self.config.hidden_size)
            if bilingual.any():
                states = self._joined(input_ids[bilingual], positions[bilingual], documents[bilingual])
                found[TLM] = states[chosen[TLM][bilingual]]
        return [found[name] for name in chosen]

    def _joined(self, input_ids: Tensor, positions: Tensor, documents: Tensor) -> Tensor:
        """States [B, 2, K, d] of TLM: both sides [B, 2, L] as one text."""
        both = documents.flatten(1)
        where = places(documents.flatten(0, 1)).view_as(both) if self.config.restarted else places(both)
        side = torch.arange(2, device=both.device)[:, None] * input_ids.shape[-1]
        mask = additive(visible(both, both)[:, None], self.lm_head.bias.dtype)
        embedded = self.roberta.embed(input_ids.flatten(1), where)
        return self.roberta.through(embedded, mask, rows=(positions + side).flatten(1)).unflatten(
            1, positions.shape[1:]
        )

    def plug_out(self) -> XLMRobertaForMaskedLM:
        """The same weights as transformers' own XLM-R, without cross-attention and without the vocabulary's padding."""
        return self.as_class(XLMRobertaForMaskedLM)

    def adapt(self, weights: Mapping[str, Tensor], saved: Mapping[str, Any]) -> dict[str, Tensor]:
        """Weights of a saved encoder, with its config.json, as this model has them; see `adapting.adapted`."""
        return adapted(self, weights, saved)

    def forward_flops(self, batch: Mapping[str, Tensor], *, whole: bool = False) -> float:
        """Matrix products of the forward pass over a batch in training (engine/flops.py).

        whole: all rows of H's last layer are asked for.
        """
        blocks, _, length = batch["input_ids"].shape
        slots, predicted = batch["positions"].shape[-1], batch["labels"] != IGNORED
        pairs, terms, forward = batch["bilingual"].bool(), self.terms, 0
        plain = length if CA in terms or whole else slots  # rows of H's last layer
        if MLM in terms or CA in terms:
            forward += 2 * blocks * self._pass_flops(length, plain)
        if CA in terms:
            forward += 2 * blocks * self._pass_flops(length, slots, crossed=True)
        if TLM in terms:
            forward += int(pairs.sum()) * self._pass_flops(2 * length, 2 * slots)
        read = sum(int(predicted[pairs].sum() if name == TLM else predicted.sum()) for name in terms)
        if self.config.split:
            read -= int(predicted.sum())  # H and S share them
        return forward + head_flops(self.config.hidden_size, self.config.vocab_size, read)

    def _pass_flops(self, length: int, last: int, *, crossed: bool = False) -> int:
        """One text through all layers, of which the last computes `last` rows."""
        config = self.config
        rows = [*[length] * (config.num_hidden_layers - 1), last]
        works = [LayerWork(count, length, count * length) for count in rows]
        flops = sum(layer_flops(config.hidden_size, config.intermediate_size, work) for work in works)
        cross = sum(layer_flops(config.hidden_size, 0, work) for work in works)  # no feed-forward of its own
        return flops + cross if crossed else flops


def other(sides: Tensor) -> Tensor:
    """[2B, ...], in which x and y alternate -> the same with every x and its y exchanged."""
    return sides.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)


VecoForMaskedLM.plain_class = VecoForMaskedLM  # saved with its cross-attentions
