"""Classifiers of transformers with cognition in their encoder's attention and everything else unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import transformers
from torch import Tensor, nn
from transformers.configuration_utils import SubConfigSpec
from transformers.utils import ModelOutput

from scriptorium.cognition.fusion import CognitiveSelfAttention
from scriptorium.cognition.maps import Features
from scriptorium.cognition.modes import Flags, resolved
from scriptorium.cognition.spec import Dose
from scriptorium.errors import UserError

TOKEN_HEADS = "token"
SEQUENCE_HEADS = "sequence"


class CognitionConfig(transformers.PreTrainedConfig):
    """The wrapped encoder's own configuration, and how cognition enters it. Labels and kind are the encoder's."""

    model_type = "scriptorium-cognition"
    sub_configs_defaults = {"encoder": SubConfigSpec(config_class=transformers.AutoConfig, model_type="bert")}
    keys_to_ignore_at_inference = ["attentions", "feature_weights", "contributions", "fused_norms"]

    encoder: transformers.PreTrainedConfig | dict | None = None
    head: str = SEQUENCE_HEADS
    mode: str = "fixed"
    flags: dict | None = None
    boundary: int = 4
    layered: bool = True
    dose: dict | None = None
    scale: list | None = None  # by which the eight features are multiplied, in the order of FEATURES; empty: 1

    def resolved(self) -> Flags:
        """All flags of this model. Raises UserError for an unknown mode or flag."""
        return resolved(self.mode, self.flags or {})

    def levels(self, layers: int) -> list[str | None]:
        """Which maps each of so many layers fuses."""
        flags = self.resolved()
        low = self.boundary + flags.inclusive
        found = ["both" if not self.layered else "lower" if index < low else "upper" for index in range(layers)]
        if flags.last_layer == "if_read" and self.head == SEQUENCE_HEADS:
            found[-1] = None  # the head reads [CLS] alone, [CLS] has no features, so a map here reaches nothing
        return found


@dataclass
class CognitionOutput(ModelOutput):
    """loss, logits as the plain model's; feature_weights [B, fused layers, 4 or 8]: alpha of LOWER in the low layers,
    of UPPER above, of both where not layered. With output_attentions=True also attentions, per layer [B, H, L, L] (the
    mix of both branches, before dropout), and contributions [fused layers, 4 or 8]: the mean size of what each feature
    gives to the map, over the tokens that have it (empty with kernel 3), and fused_norms [fused layers]: the norm of
    what the fusion adds to the context of attention, over that of the layer's input, mean over tokens."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    attentions: tuple[Tensor, ...] | None = None
    feature_weights: Tensor | None = None
    contributions: Tensor | None = None
    fused_norms: Tensor | None = None


class _Cognition(transformers.PreTrainedModel):
    """What both kinds of head share. `wrap` takes a loaded plain model.

    Its head, and with an equal seed the head's initial weights, are the plain baseline's; making the new parameters
    leaves the global random state alone, so dropout starts equal too.
    """

    config_class = CognitionConfig
    _supports_sdpa = True
    HEAD: ClassVar[str]
    AUTO: ClassVar[type]

    def __init__(self, config: CognitionConfig, plain: transformers.PreTrainedModel | None = None):
        super().__init__(config)
        self.model = self.AUTO.from_config(config.encoder) if plain is None else plain
        flags, layers = config.resolved(), self.model.base_model.encoder.layer
        dose, width = Dose(**config.dose) if config.dose else None, config.encoder.hidden_size
        for layer, level in zip(layers, config.levels(len(layers)), strict=True):
            owner, name = attention_slot(layer)
            setattr(owner, name, CognitiveSelfAttention(getattr(owner, name), width, level, flags, dose))
        self._flags = flags
        self.post_init()

    @classmethod
    def wrap(
        cls,
        plain: transformers.PreTrainedModel,
        *,
        mode: str = "fixed",
        boundary: int = 4,
        layered: bool = True,
        flags: dict | None = None,
        dose: Dose | None = None,
        scale: Sequence[float] | None = None,
    ):
        """Put cognition into a plain classifier (it is changed, not copied). scale: of the eight features.

        Raises UserError if its encoder is not of BERT's shape.
        """
        try:
            for layer in plain.base_model.encoder.layer:
                attention_slot(layer)
        except AttributeError:
            raise UserError(
                f"cognition needs an encoder of BERT's shape, {type(plain.base_model).__name__} is not",
                where=plain.name_or_path,
                remedy="use a BERT, RoBERTa, XLM-R or MPNet backbone, or the plain recipe",
            ) from None
        config = CognitionConfig(
            encoder=plain.config,
            head=cls.HEAD,
            mode=mode,
            boundary=boundary,
            layered=layered,
            flags=flags or {},
            dose=dose and dose.model_dump(),
            scale=scale and list(scale),
            id2label=plain.config.id2label,
            label2id=plain.config.label2id,
            problem_type=plain.config.problem_type,
        )
        config.encoder.name_or_path = ""  # else a saved configuration would name a folder of this machine
        with torch.random.fork_rng(devices=[]):
            return cls(config, plain)

    def cognitive_layers(self) -> list[CognitiveSelfAttention]:
        """The attention of every layer, fused or plain, from the lowest."""
        return [getattr(*attention_slot(layer)) for layer in self.model.base_model.encoder.layer]

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
        if self.config.scale:
            scale = lower.new_tensor(self.config.scale)[:, None]
            lower, upper_scores = lower * scale[:4], upper_scores * scale[4:]
        cognition = Features.build(
            lower.to(self.dtype),
            upper_scores.to(self.dtype),
            upper_spans,
            readability.to(self.dtype),
            diagonal=self._flags.diagonal,
            syntax=self._flags.syntax,
            layered=self.config.layered,
            record=output_attentions,
        )
        for attention in self.cognitive_layers():
            attention.cognition = cognition
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        out = self.model(input_ids=input_ids, attention_mask=mask, labels=labels, **types)
        return CognitionOutput(
            loss=out.loss,
            logits=out.logits,
            attentions=tuple(cognition.attentions) if output_attentions else None,
            feature_weights=torch.stack(cognition.weights, dim=1) if cognition.weights else None,
            contributions=torch.stack(cognition.contributions) if cognition.contributions else None,
            fused_norms=torch.stack(cognition.norms) if cognition.norms else None,
        )


class CognitionForSequenceClassification(_Cognition):
    """Classification or regression of a text or a pair."""

    HEAD = SEQUENCE_HEADS
    AUTO = transformers.AutoModelForSequenceClassification


class CognitionForTokenClassification(_Cognition):
    """Tags or measures of every token; here the last layer is fused as well, since its output is read everywhere."""

    HEAD = TOKEN_HEADS
    AUTO = transformers.AutoModelForTokenClassification


def fusion_parameters(model: nn.Module) -> list[str]:
    """Names of the parameters that the fusion adds to the plain model."""
    return [
        f"{place}.{name}"
        for place, module in model.named_modules()
        if isinstance(module, CognitiveSelfAttention)
        for name, _ in module.named_parameters()
        if name.partition(".")[0] in module.OWN
    ]


def attention_slot(layer: nn.Module) -> tuple[nn.Module, str]:
    """Where an encoder layer keeps its self-attention. Raises AttributeError if it is not of BERT's shape."""
    owner = layer.attention
    name = "attn" if hasattr(owner, "attn") else "self"
    found = getattr(owner, name)
    if not isinstance(found, CognitiveSelfAttention):
        _ = found.num_attention_heads, found.attention_head_size, getattr(found, "query" if name == "self" else "q")
    return owner, name


transformers.AutoConfig.register(CognitionConfig.model_type, CognitionConfig)
transformers.AutoModel.register(CognitionConfig, CognitionForSequenceClassification)
transformers.AutoModelForSequenceClassification.register(CognitionConfig, CognitionForSequenceClassification)
transformers.AutoModelForTokenClassification.register(CognitionConfig, CognitionForTokenClassification)
