"""How a feature map enters self-attention: feature weights, convolution, squash, gate (docs/papers/cogbert.md section
5.2).

What stays the paper's in every mode: feature weights alpha from [CLS] and readability weigh the maps of a layer, and a
gate per token and head mixes the attention that sees the weighted map with the ordinary one.

Ours in mode `fixed`: the map A is *added* to the logits, so that 0 means no effect and a larger value always means
more attention, whatever the sign of the logit (5.3 no. 3 and 4). The mixing weights start at zero, so that the model
*is* the plain one at the start, and for ever where all features are zero; or they start at the `gain` of a dose, which
keeps the second half of this. The weights that multiply scores or
readability are stored in units of `gain` = hidden size / 4. Adam moves every parameter by about lr per step, and what
it does to a sum grows with the number of its terms; these sums have four terms where the encoder's have as many as it
is wide, and with the encoder's lr they would stay where they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from scriptorium.cognition.maps import Features
from scriptorium.cognition.modes import Flags
from scriptorium.cognition.spec import Dose

LEVELS = {"lower": slice(0, 4), "upper": slice(4, 8), "both": slice(0, 8)}  # of the eight weights


class FeatureWeights(nn.Module):
    """alpha of the features of one layer: heights of normal densities, the largest made 1 (section 5.2).

    a = tanh(W_r readability) + 1.5, c = tanh(W_c h_CLS + b_c) + 1.5, alpha_k = p_k / max p with p = 1/(sqrt(2 pi) a c):
    in [0.04, 1]. The released code has no sampling (defect 2); with `sampled` a training step takes the density not
    at the mean but at a draw from it (as we understand the paper's words), and evaluation still takes the mean.
    """

    def __init__(
        self, hidden_size: int, count: int = 4, gain: float = 1.0, *, sampled: bool = False, zero: bool = True
    ):
        super().__init__()
        self.gain, self.sampled = gain, sampled
        self.readability = nn.Parameter(torch.zeros(count) if zero else torch.empty(count).uniform_(-1, 1))
        self.context = nn.Linear(hidden_size, count)

    def forward(self, first: Tensor, readability: Tensor) -> Tensor:
        """first: [B, d], the hidden state of [CLS]; readability: [B, 1]. Returns [B, count]."""
        a = torch.tanh(self.gain * self.readability * readability) + 1.5
        c = torch.tanh(self.context(first)) + 1.5
        height = 1 / (math.sqrt(2 * math.pi) * a * c)
        if self.sampled and self.training:
            height = height * torch.exp(-torch.randn_like(height).square() / 2)
        return height / height.amax(dim=-1, keepdim=True)


@dataclass(frozen=True)
class Projections:
    """Query, key, value and, where the encoder's attention owns it, output of a layer that is to be replaced."""

    query: nn.Module
    key: nn.Module
    value: nn.Module
    output: nn.Module | None
    dropout: nn.Dropout
    heads: int
    head_size: int

    @classmethod
    def of(cls, attention: nn.Module) -> Projections:
        """Of a BERT, RoBERTa, XLM-R (`query`) or MPNet (`q`) self-attention. Raises AttributeError for others."""
        names = ("query", "key", "value") if hasattr(attention, "query") else ("q", "k", "v")
        return cls(
            *(getattr(attention, name) for name in names),
            getattr(attention, "o", None),
            attention.dropout,
            attention.num_attention_heads,
            attention.attention_head_size,
        )


class CognitiveSelfAttention(nn.Module):
    """Takes the place of an encoder layer's self-attention and keeps its projections.

    `level` names the maps of this layer: "lower", "upper", "both", or None for a layer that stays plain. The batch's
    features are set on `cognition` before the encoder runs, since not every encoder hands unknown arguments down.
    """

    OWN = ("weights", "mix", "bias", "gate", "scale")  # what the plain attention does not have

    def __init__(self, plain: nn.Module, hidden_size: int, level: str | None, flags: Flags, dose: Dose | None = None):
        super().__init__()
        kept = Projections.of(plain)
        self.query, self.key, self.value, self.dropout = kept.query, kept.key, kept.value, kept.dropout
        self.output = kept.output
        self.heads, self.head_size, self.level, self.flags = kept.heads, kept.head_size, level, flags
        self.cognition: Features | None = None
        if level is None:
            return
        own = LEVELS[level]
        used = own.stop - own.start
        zero = flags.start == "plain"
        self.gain = hidden_size / 4 if zero else 1.0
        self.weights = FeatureWeights(
            hidden_size, 8 if flags.weights_over == "all" else used, self.gain, sampled=flags.sampled, zero=zero
        )
        shape = (used,) if flags.kernel == 1 else (used, 3) if level == "lower" else (used, 3, 3)
        bound = 1 / math.sqrt(math.prod(shape))  # torch's default for a convolution of this shape
        start = _centred(shape, dose.gain / self.gain if dose else 0.0)
        self.mix = nn.Parameter(start if zero else torch.empty(shape).uniform_(-bound, bound))
        # the released lower convolution has a bias; where maps are added it would move every token alike
        self.bias = None
        if level == "lower" and flags.fusion == "multiply":
            self.bias = nn.Parameter(torch.empty(1).uniform_(-bound, bound))
        self.gate = nn.Linear(hidden_size, self.heads)
        if dose:
            nn.init.zeros_(self.gate.weight)
            nn.init.constant_(self.gate.bias, math.log(dose.gate / (1 - dose.gate)))
        if flags.dead_network:
            into, out = nn.Linear(hidden_size, hidden_size), nn.Linear(hidden_size, self.heads)
            self.scale = nn.Sequential(into, nn.Tanh(), out)  # r = W_2 tanh(W_1 h): never called

    def feature_map(self, hidden: Tensor, cognition: Features) -> tuple[Tensor, Tensor]:
        """A [B, 1, L, L] before the squash, and the weights alpha [B, features of the level]."""
        maps = cognition.maps[self.level]
        alpha = self.weights(hidden[:, 0], cognition.readability)
        if self.flags.weights_over == "all":
            alpha = alpha[:, LEVELS[self.level]]
        applied = alpha
        if self.flags.syntax == "word_position" and self.level != "lower":  # defect 4: these two carry no weight
            applied = torch.cat((alpha[:, :-2], torch.ones_like(alpha[:, -2:])), dim=1)
        if self.flags.kernel == 3:
            return self._convolved(maps * applied[..., None, None]), alpha
        coefficients = self.gain * self.mix * applied
        mixed = (coefficients.unsqueeze(1) @ maps.flatten(2)).view(len(maps), 1, *maps.shape[2:])
        if self.bias is not None:
            mixed = mixed + torch.diag_embed(self.bias.expand(mixed.shape[-1]))
        if cognition.record:
            cognition.contributions.append(_mean_where_present(cognition.scores[self.level], coefficients))
        return mixed, alpha

    def _convolved(self, weighted: Tensor) -> Tensor:
        """The 3-wide convolution of the older variant (section 5.5), zero again outside the features' own places."""
        kernel = self.gain * self.mix
        present = (weighted != 0).any(dim=1, keepdim=True)
        if kernel.ndim == 2:
            mixed = torch.diag_embed(F.conv1d(weighted.diagonal(dim1=-2, dim2=-1), kernel[None], padding=1))
        else:
            mixed = F.conv2d(weighted, kernel[None], padding=1)
        mixed = mixed * present
        return mixed if self.bias is None else mixed + torch.diag_embed(self.bias.expand(mixed.shape[-1]))

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        **_: object,
    ) -> tuple[Tensor, None]:
        """hidden_states: [B, L, d]; attention_mask: [B, 1, 1, L], added: 0 or hugely negative; position_bias:
        [B, H, L, L], added (MPNet). Returns [B, L, d]."""
        batch, length, _width = hidden_states.shape
        query, key, value = (
            project(hidden_states).view(batch, length, self.heads, self.head_size).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mask = attention_mask if position_bias is None else attention_mask + position_bias
        dropout = self.dropout.p if self.training else 0.0
        cognition, shaped, gate = self.cognition, None, None
        if self.level:
            shaped, alpha = self.feature_map(hidden_states, cognition)
            if self.flags.squash == "half_tanh":
                shaped = 0.5 + 0.5 * torch.tanh(shaped)
            gate = torch.sigmoid(self.gate(hidden_states)).transpose(1, 2).unsqueeze(-1)  # [B, H, L, 1]
            cognition.weights.append(alpha)
        multiplies = shaped is not None and self.flags.fusion == "multiply"
        # fused kernels cannot multiply logits; and on a CPU none knows dropout: keeping the maps is then cheaper
        if cognition.record or multiplies or (dropout and not query.is_cuda):
            context, attention = mix_maps(
                query,
                key,
                value,
                mask,
                shaped,
                gate,
                dropout,
                multiply=multiplies,
                shared_dropout=self.flags.shared_dropout,
            )
            if cognition.record:
                cognition.attentions.append(attention)
                if self.level:
                    moved = context - mix_maps(query, key, value, mask, None, None, 0.0)[0]
                    cognition.norms.append(_relative_norm(moved, hidden_states, attention_mask))
        else:
            context = mix_contexts(
                query, key, value, mask, shaped, gate, dropout, shared_dropout=self.flags.shared_dropout
            )
        context = context.transpose(1, 2).reshape(batch, length, -1)
        return (context if self.output is None else self.output(context)), None


def mix_maps(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    shaped: Tensor | None,
    gate: Tensor | None,
    dropout: float,
    *,
    multiply: bool = False,
    shared_dropout: bool = True,
) -> tuple[Tensor, Tensor]:
    """(g softmax(E') + (1 - g) softmax(E)) V and the mix itself, E being the masked logits (section 5.2).

    E' is E + A, or with `multiply` the unmasked logits times A, masked. query, key, value: [B, H, L, head size]; mask:
    [B, 1 or H, 1 or L, L]; shaped: A [B, 1, L, L]; gate: g [B, H, L, 1]; without A and g it is ordinary attention.
    Returns context [B, H, L, head size] and attention [B, H, L, L] before dropout. Written so that an added A = 0
    gives exactly the plain context.
    """
    raw = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
    logits = raw + mask
    attention = logits.softmax(-1)
    if shaped is None:
        return F.dropout(attention, dropout) @ value, attention
    cognitive = (raw * shaped + mask if multiply else logits + shaped).softmax(-1)
    if shared_dropout or not dropout:
        attention = attention + gate * (cognitive - attention)
        return F.dropout(attention, dropout) @ value, attention
    plain = F.dropout(attention, dropout) @ value
    context = plain + gate * (F.dropout(cognitive, dropout) @ value - plain)
    return context, attention + gate * (cognitive - attention)


def mix_contexts(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    added: Tensor | None,
    gate: Tensor | None,
    dropout: float,
    *,
    shared_dropout: bool = True,
) -> Tensor:
    """The context of `mix_maps` by fused attention, without a map per head in memory.

    With a shared dropout mask the random state is set back between the two calls.
    """
    generator = torch.cuda.default_generators[query.device.index] if query.is_cuda else torch.default_generator
    state = generator.get_state() if dropout and shared_dropout else None
    whole = mask if mask.shape[2] > 1 else mask.expand(-1, -1, query.shape[2], -1)
    plain = F.scaled_dot_product_attention(query, key, value, whole, dropout)
    if added is None:
        return plain
    if state is not None:
        generator.set_state(state)
    cognitive = F.scaled_dot_product_attention(query, key, value, mask + added, dropout)
    return plain + gate * (cognitive - plain)


def _centred(shape: tuple[int, ...], value: float) -> Tensor:
    """A convolution's weights of this shape, [k], [k, 3] or [k, 3, 3]: value in the middle, 0 around it."""
    weights = torch.zeros(shape)
    weights[(slice(None), *(1 for _ in shape[1:]))] = value
    return weights


def _relative_norm(fused: Tensor, hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over real tokens of the norm of the fused term [B, H, L, size] over that of the layer's input [B, L, d]."""
    size = fused.transpose(1, 2).flatten(2).norm(dim=-1) / hidden.norm(dim=-1)
    real = torch.ones_like(size) if mask is None else (mask[:, 0, 0] == 0).to(size.dtype)
    return (size * real).sum() / real.sum()


def _mean_where_present(scores: Tensor, coefficients: Tensor) -> Tensor:
    """Mean size of what each feature gives to the map, over the tokens that have it: [B, k, L], [B, k] -> [k]."""
    present = scores != 0
    size = (coefficients[..., None] * scores).abs()
    return (size * present).sum((0, 2)) / present.sum((0, 2)).clamp(min=1)
