"""Stage 2 of CogBERT: cognition fused into the self-attention of any encoder of BERT shape (papers/cogbert section 5).

What stays the paper's: in every layer, feature weights alpha from [CLS] and readability weigh four feature maps;
low layers use word-level features as diagonal maps, high layers span features as blocks; a gate per token and
head mixes the attention that sees the maps with the ordinary one.

Mode `fixed` (ours) mends what section 10 lists, by defect number:

- 3   the diagonal map holds every token's own value (`diag_embed`), not token 0's alone.
- 4   all four upper features are used, each times its own alpha.
- 5   `boundary` is the number of low layers; nothing is off by one.
- 20  the map A is *added* to the logits: 0 means no effect and a larger value always means more attention, whatever
      the sign of the logit (5.3 no. 3 and 4). For that the squash 0.5 + 0.5 tanh(A) and the bias of the lower
      convolution go.
- 19  no dead weights: a layer owns the parameters of the four features that it uses, and no `scale_func` network.
      Hence alpha is normalised by the largest of these four; the released code takes the largest of all eight.
      The last layer is left plain: the head reads [CLS] alone, [CLS] has no features, so a map there reaches nothing.
- 10  the feature weights of every layer that has them are returned, not those of the last one.

Ours too: the mixing weights start at zero, so that the model *is* the plain one at the start, and for ever where all
features are zero. Both branches share one dropout mask, so that a training run with zero features is the plain run.
The weights that multiply scores or readability are stored in units of `gain` = hidden size / 4. Adam moves every
parameter by about lr per step, and what it does to a sum grows with the number of its terms; these sums have four
terms where the encoder's have as many as it is wide, and with the encoder's lr they would stay where they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812
import transformers
from torch import Tensor, nn
from transformers.configuration_utils import SubConfigSpec
from transformers.modeling_outputs import SequenceClassifierOutput

from scriptorium.errors import UserError

LOWER = ("word_length", "content", "ner", "word_position")  # the paper's order of alpha (section 5.2)
UPPER = ("emotion", "noun_phrase", "mod_aux", "compl_obj")


class CognitionConfig(transformers.PreTrainedConfig):
    """The wrapped encoder's own configuration, and how cognition enters it. Labels and kind are the encoder's."""

    model_type = "scriptorium-cognition"
    sub_configs_defaults = {"encoder": SubConfigSpec(config_class=transformers.AutoConfig, model_type="bert")}

    encoder: transformers.PreTrainedConfig | dict | None = None
    mode: str = "fixed"
    boundary: int = 4

    def __post_init__(self, **kwargs):
        super().__post_init__(**kwargs)
        if self.mode != "fixed":
            raise ValueError(f"mode {self.mode!r} is not known; there is: fixed")


@dataclass
class CognitionOutput(SequenceClassifierOutput):
    """With output_attentions=True also: attentions, per layer [B, H, L, L] (the mix of both branches, before
    dropout), and feature_weights [B, layers - 1, 4]: alpha of LOWER in the first `boundary` layers, of UPPER above."""

    feature_weights: Tensor | None = None


@dataclass
class Features:
    """One batch's cognition on its way through the layers.

    maps: "lower" and "upper", each [B, 4, L, L]; readability: [B, 1]. Where attention is asked for, the layers add
    theirs and their alpha to the lists.
    """

    maps: dict[str, Tensor]
    readability: Tensor
    record: bool = False
    attentions: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)


def diagonal_maps(lower: Tensor) -> Tensor:
    """[B, 4, L] -> [B, 4, L, L]: every token's own score on the diagonal (section 5.2; mends defect 3)."""
    return torch.diag_embed(lower)


def span_maps(scores: Tensor, spans: Tensor) -> Tensor:
    """Scores [B, 4, L] and span ids [B, 4, L] (-1: none) -> [B, 4, L, L].

    Entry (i, j) is the mean of i's and j's scores where both lie in one span, else 0. `data/examples.py` gives all
    pieces of a span the mean over its *words* (section 5.4, [BLOG]), so this is that mean, and symmetric always.
    """
    same = (spans[..., :, None] == spans[..., None, :]) & (spans >= 0)[..., None]
    return same * (scores[..., :, None] + scores[..., None, :]) / 2


class FeatureWeights(nn.Module):
    """alpha of the four features of one layer: heights of normal densities, the largest made 1 (section 5.2).

    a = tanh(W_r readability) + 1.5, c = tanh(W_c h_CLS + b_c) + 1.5, alpha_k = p_k / max p with p = 1/(sqrt(2 pi) a c):
    always in [0.04, 1]. There is no sampling, as in the released code (defect 2 is one of the paper's words).
    """

    def __init__(self, hidden_size: int, gain: float):
        super().__init__()
        self.gain = gain
        self.readability = nn.Parameter(torch.zeros(4))
        self.context = nn.Linear(hidden_size, 4)

    def forward(self, first: Tensor, readability: Tensor) -> Tensor:
        """first: [B, d], the hidden state of [CLS]; readability: [B, 1]. Returns [B, 4]."""
        a = torch.tanh(self.gain * self.readability * readability) + 1.5
        c = torch.tanh(self.context(first)) + 1.5
        height = 1 / (math.sqrt(2 * math.pi) * a * c)
        return height / height.amax(dim=-1, keepdim=True)


class CognitiveSelfAttention(nn.Module):
    """Takes the place of an encoder layer's `attention.self` and keeps its query, key and value.

    `level` names the maps of this layer: "lower", "upper", or None for a layer that stays plain.
    """

    def __init__(self, plain: nn.Module, hidden_size: int, gain: float, level: str | None):
        super().__init__()
        self.query, self.key, self.value, self.dropout = plain.query, plain.key, plain.value, plain.dropout
        self.heads, self.head_size = plain.num_attention_heads, plain.attention_head_size
        self.level, self.gain = level, gain
        if level:
            self.weights = FeatureWeights(hidden_size, gain)
            self.mix = nn.Parameter(torch.zeros(4))  # the "1x1 convolution"
            self.gate = nn.Linear(hidden_size, self.heads)

    def feature_map(self, hidden: Tensor, cognition: Features) -> tuple[Tensor, Tensor]:
        """A [B, 1, L, L], to be added to the logits of all heads, and alpha [B, 4]."""
        maps = cognition.maps[self.level]
        alpha = self.weights(hidden[:, 0], cognition.readability)
        mixed = (self.gain * self.mix * alpha).unsqueeze(1) @ maps.flatten(2)
        return mixed.view(len(maps), 1, *maps.shape[2:]), alpha

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor, cognition: Features, **_: object
    ) -> tuple[Tensor, None]:
        """hidden_states: [B, L, d]; attention_mask: [B, 1, 1, L], added: 0 or hugely negative. Returns [B, L, d]."""
        batch, length, _width = hidden_states.shape
        query, key, value = (
            project(hidden_states).view(batch, length, self.heads, self.head_size).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        dropout = self.dropout.p if self.training else 0.0
        added, gate = None, None
        if self.level:
            added, alpha = self.feature_map(hidden_states, cognition)
            gate = torch.sigmoid(self.gate(hidden_states)).transpose(1, 2).unsqueeze(-1)  # [B, H, L, 1]
            cognition.weights.append(alpha)
        # on a CPU no fused kernel knows dropout: keeping the maps is then cheaper than attending twice
        if cognition.record or (dropout and not query.is_cuda):
            context, attention = mix_maps(query, key, value, attention_mask, added, gate, dropout)
            cognition.attentions += [attention] if cognition.record else []
        else:
            context = mix_contexts(query, key, value, attention_mask, added, gate, dropout)
        return context.transpose(1, 2).reshape(batch, length, -1), None


def mix_maps(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, added: Tensor | None, gate: Tensor | None, dropout: float
) -> tuple[Tensor, Tensor]:
    """(g softmax(E + A) + (1 - g) softmax(E)) V and the mix itself, E being the masked logits (section 5.2).

    query, key, value: [B, H, L, head size]; mask: [B, 1, 1, L]; added: A [B, 1, L, L]; gate: g [B, H, L, 1]; without
    A and g it is ordinary attention. Returns context [B, H, L, head size] and attention [B, H, L, L] before dropout.
    Written so that A = 0 gives exactly the plain context.
    """
    logits = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5 + mask
    attention = logits.softmax(-1)
    if added is not None:
        attention = attention + gate * ((logits + added).softmax(-1) - attention)
    return F.dropout(attention, dropout) @ value, attention


def mix_contexts(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, added: Tensor | None, gate: Tensor | None, dropout: float
) -> Tensor:
    """The context of `mix_maps` by fused attention, without a map per head in memory.

    The random state is set back between the two: one dropout mask for both, as where the maps are mixed.
    """
    generator = torch.cuda.default_generators[query.device.index] if query.is_cuda else torch.default_generator
    state = generator.get_state() if dropout else None
    plain = F.scaled_dot_product_attention(query, key, value, mask.expand(-1, -1, query.shape[2], -1), dropout)
    if added is None:
        return plain
    if dropout:
        generator.set_state(state)
    cognitive = F.scaled_dot_product_attention(query, key, value, mask + added, dropout)
    return plain + gate * (cognitive - plain)


class CognitionForSequenceClassification(transformers.PreTrainedModel):
    """A sequence classifier of transformers, with cognition in its encoder's attention and everything else unchanged.

    `wrap` takes a loaded plain model. Its head, and with an equal seed the head's initial weights, are the plain
    baseline's; making the new parameters leaves the global random state alone, so dropout starts equal too.
    """

    config_class = CognitionConfig
    _supports_sdpa = True

    def __init__(self, config: CognitionConfig, plain: transformers.PreTrainedModel | None = None):
        super().__init__(config)
        make = transformers.AutoModelForSequenceClassification.from_config
        self.model = make(config.encoder) if plain is None else plain
        gain = config.encoder.hidden_size / 4
        layers = self.model.base_model.encoder.layer
        for index, layer in enumerate(layers):
            level = None if index == len(layers) - 1 else "lower" if index < config.boundary else "upper"
            layer.attention.self = CognitiveSelfAttention(layer.attention.self, config.encoder.hidden_size, gain, level)
        self.post_init()

    @classmethod
    def wrap(cls, plain: transformers.PreTrainedModel, *, mode: str = "fixed", boundary: int = 4):
        """Put cognition into a plain sequence classifier (it is changed, not copied).

        Raises UserError if its encoder is not of BERT's shape.
        """
        try:
            for layer in plain.base_model.encoder.layer:
                _ = layer.attention.self.query, layer.attention.self.key, layer.attention.self.value
        except AttributeError:
            raise UserError(
                f"cognition needs an encoder of BERT's shape, {type(plain.base_model).__name__} is not",
                where=plain.name_or_path, remedy="use a BERT, RoBERTa or XLM-R backbone, or the plain recipe",
            ) from None  # fmt: skip
        config = CognitionConfig(
            encoder=plain.config, mode=mode, boundary=boundary,
            id2label=plain.config.id2label, label2id=plain.config.label2id, problem_type=plain.config.problem_type,
        )  # fmt: skip
        config.encoder.name_or_path = ""  # else a saved configuration would name a folder of this machine
        with torch.random.fork_rng(devices=[]):
            return cls(config, plain)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        lower: Tensor,
        upper_scores: Tensor,
        upper_spans: Tensor,
        readability: Tensor,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool = False,
    ) -> CognitionOutput:
        """input_ids, attention_mask, token_type_ids: [B, L]; lower, upper_scores, upper_spans: [B, 4, L] in the order
        of LOWER and UPPER (spans: ids, -1 none); readability: [B]. Only here do features become L x L."""
        mask = torch.zeros(attention_mask.shape, dtype=self.dtype, device=attention_mask.device)
        mask = mask.masked_fill(attention_mask == 0, torch.finfo(self.dtype).min)[:, None, None, :]
        cognition = Features(
            maps={
                "lower": diagonal_maps(lower.to(self.dtype)),
                "upper": span_maps(upper_scores.to(self.dtype), upper_spans),
            },
            readability=readability.to(self.dtype)[:, None],
            record=output_attentions,
        )
        out = self.model(
            input_ids=input_ids, attention_mask=mask, token_type_ids=token_type_ids, labels=labels, cognition=cognition
        )
        return CognitionOutput(
            loss=out.loss,
            logits=out.logits,
            attentions=tuple(cognition.attentions) if output_attentions else None,
            feature_weights=torch.stack(cognition.weights, dim=1) if output_attentions else None,
        )


transformers.AutoConfig.register(CognitionConfig.model_type, CognitionConfig)
transformers.AutoModel.register(CognitionConfig, CognitionForSequenceClassification)
transformers.AutoModelForSequenceClassification.register(CognitionConfig, CognitionForSequenceClassification)
