"""The gaze predictor: reading measures of every word of a text, by a fine-tuned encoder and surface features (ours).

The design is that of the shared task's neural systems (CMCL 2021: a regression head on an encoder), with the winner's
surface features beside it: hidden states of a word's pieces are averaged, the word's surface features join them, and
a small head predicts all measures at once. Unlike `gaze/regressor/network.py`, which copies stage 1 of CogBERT
(Bi-LSTM, n_fix alone, frozen word vectors), it is made to predict well, and is no part of that reproduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers.configuration_utils import SubConfigSpec
from transformers.utils import ModelOutput

# unit of each measure; no measure is negative, and a share ends at 1
UNITS = {"n_fix": "fixations", "ffd": "ms", "gd": "ms", "gpt": "ms", "trt": "ms", "fix_prop": "share of participants"}


class GazePredictorConfig(transformers.PreTrainedConfig):
    """The encoder's own configuration, and what is predicted from what.

    measures: in the order of the outputs; upper: the largest possible value of each (None: no bound); surface: the
    features of `linguistics.surface`, by name; head_size, dropout: of the head.
    """

    model_type = "scriptorium-gaze-predictor"
    sub_configs_defaults = {"encoder": SubConfigSpec(config_class=transformers.AutoConfig, model_type="bert")}

    encoder: transformers.PreTrainedConfig | dict | None = None
    measures: list[str] | tuple[str, ...] = ()
    upper: list[float | None] | tuple[float | None, ...] = ()
    surface: list[str] | tuple[str, ...] = ()
    head_size: int = 128
    dropout: float = 0.1


@dataclass
class GazePrediction(ModelOutput):
    """loss: a scalar or None; predictions [B, T, measures] in the measures' units, 0 on padding."""

    loss: Tensor | None = None
    predictions: Tensor | None = None


class GazePredictor(transformers.PreTrainedModel):
    """Measures of each word from the states of its pieces and its surface features.

    Features and measures are standardised inside, by statistics of the training words that are saved with the
    weights (`standardise`), so callers always deal in the measures' own units.
    """

    config_class = GazePredictorConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self, config: GazePredictorConfig, encoder: transformers.PreTrainedModel | None = None):
        super().__init__(config)
        self.encoder = transformers.AutoModel.from_config(config.encoder) if encoder is None else encoder
        outputs, features = len(config.measures), len(config.surface)
        self.head = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(config.encoder.hidden_size + features, config.head_size),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.head_size, outputs),
        )
        for name, size, value in (
            ("feature_mean", features, 0.0),
            ("feature_scale", features, 1.0),
            ("measure_centre", outputs, 0.0),
            ("measure_scale", outputs, 1.0),
        ):
            self.register_buffer(name, torch.full((size,), value))
        self.post_init()

    @classmethod
    def around(cls, encoder: transformers.PreTrainedModel, **settings):
        """A new predictor around a loaded encoder, which is trained with it (not copied)."""
        attention = encoder.config._attn_implementation
        config = GazePredictorConfig(encoder=encoder.config, **settings)
        config.encoder.name_or_path = ""  # else a saved configuration would name a folder of this machine
        model = cls(config, encoder)
        encoder.config._attn_implementation = attention  # which transformers forgets on the way
        return model

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            module.reset_parameters()  # the head alone: the encoder is loaded, or makes its own

    def standardise(self, features: np.ndarray, values: np.ndarray) -> None:
        """Take location and scale from the training words: features [words, F], values [words, measures], NaN allowed.

        Measures are centred on the median and scaled by the mean distance from it, as fits an absolute loss.
        """
        centre = np.nanmedian(values, axis=0)
        scales = features.std(axis=0), np.nanmean(np.abs(values - centre), axis=0)
        locations = features.mean(axis=0), centre
        for buffer, new in zip((self.feature_mean, self.measure_centre), locations, strict=True):
            buffer.copy_(torch.as_tensor(new))
        for buffer, new in zip((self.feature_scale, self.measure_scale), scales, strict=True):
            buffer.copy_(torch.as_tensor(np.where(new > 0, new, 1.0)))  # what never varies stays as it is

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        word_of: Tensor,
        features: Tensor,
        mask: Tensor,
        values: Tensor | None = None,
        **_: object,
    ) -> GazePrediction:
        """input_ids, attention_mask [B, P]; word_of [B, P]: index of each piece's word, -1 for none; features
        [B, T, F]; mask [B, T] (1 = word); values [B, T, measures], NaN where unknown.

        The loss is the mean over measures of the mean absolute error over known words, in standard units: padding
        and unknown values have no part in it. Predictions are held between 0 and the measure's upper bound.
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        words = pool(states, word_of, mask.shape[1])
        standard = (features - self.feature_mean) / self.feature_scale
        out = self.head(torch.cat([words, standard.to(words.dtype)], dim=-1)).float()
        loss = None
        if values is not None:
            target = (values - self.measure_centre) / self.measure_scale
            known = ~target.isnan() & mask.bool()[..., None]
            error = (out - target.nan_to_num()).abs().masked_fill(~known, 0.0).sum(dim=(0, 1))
            loss = (error / known.sum(dim=(0, 1)).clamp(min=1)).mean()
        predictions = (out * self.measure_scale + self.measure_centre).clamp(min=0.0)
        for column, upper in enumerate(self.config.upper):
            if upper is not None:
                predictions[..., column].clamp_(max=upper)
        return GazePrediction(loss=loss, predictions=predictions * mask[..., None])


def pool(states: Tensor, word_of: Tensor, words: int) -> Tensor:
    """Mean state of each word's pieces: states [B, P, D], word_of [B, P] (-1: none) -> [B, words, D]."""
    batch, _, width = states.shape
    index = torch.where(word_of < 0, words, word_of)  # pieces of no word go to a place behind the last
    total = states.new_zeros(batch, words + 1, width)
    total.scatter_add_(1, index[..., None].expand(-1, -1, width), states)
    count = states.new_zeros(batch, words + 1).scatter_add_(1, index, torch.ones_like(index, dtype=states.dtype))
    return (total / count.clamp(min=1)[..., None])[:, :words]


@dataclass(frozen=True)
class Window:
    """One model input: pieces [P], word_of [P] (-1: none), features [T, F] and, for training, values [T, measures]."""

    pieces: np.ndarray
    word_of: np.ndarray
    features: np.ndarray
    values: np.ndarray | None = None


def collate(windows: Sequence[Window], pad_id: int) -> dict[str, Tensor]:
    """Pad on the right to one batch of the model's inputs."""

    def pad(arrays: list[np.ndarray], value: float, kind: torch.dtype) -> Tensor:
        return pad_sequence(
            [torch.tensor(np.asarray(a), dtype=kind) for a in arrays], batch_first=True, padding_value=value
        )

    batch = {
        "input_ids": pad([r.pieces for r in windows], pad_id, torch.long),
        "attention_mask": pad([np.ones(len(r.pieces)) for r in windows], 0, torch.long),
        "word_of": pad([r.word_of for r in windows], -1, torch.long),
        "features": pad([r.features for r in windows], 0.0, torch.float32),
        "mask": pad([np.ones(len(r.features)) for r in windows], 0.0, torch.float32),
    }
    if all(r.values is not None for r in windows):
        batch["values"] = pad([r.values for r in windows], float("nan"), torch.float32)
    return batch


transformers.AutoConfig.register(GazePredictorConfig.model_type, GazePredictorConfig, exist_ok=True)
transformers.AutoModel.register(GazePredictorConfig, GazePredictor, exist_ok=True)
