"""Stage 1 of CogBERT as its authors released it, defects included (docs/papers/cogbert.md sections 4.1 and 10).

Two layers in one direction, so a word knows nothing of what follows; six learned scores, pulled towards 1 by a second
loss, since their target is their mask; padding counts in both losses, so the loss depends on which sentences share a
batch. Kept for comparison: `gaze/regressor/network.py` is what the paper describes.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from scriptorium.gaze.regressor.network import GazeOutput, GazeRegressor
from scriptorium.linguistics.features import FEATURES

GIVEN = 2  # the first features, word length and word position, are passed through; the other six are learned


class ReleasedRegressorConfig(PretrainedConfig):
    """Shape of a ReleasedRegressor, and what it was trained with."""

    model_type = "scriptorium-released-gaze-regressor"

    word_vector_size: int = 300
    hidden_size: int = 256
    num_layers: int = 2
    dropout: float = 0.15
    word_vectors: str = ""  # content digest of what lends them (a regressor fits no other)


class ReleasedRegressor(PreTrainedModel):
    """U = LSTM(word vectors) projected to 6, V = U * M, n_fix = ReLU(w . [word length, word position, V] + b)."""

    config_class = ReleasedRegressorConfig
    base_model_prefix = ""
    main_input_name = "word_vectors"

    def __init__(self, config: ReleasedRegressorConfig):
        super().__init__(config)
        self.lstm = nn.LSTM(
            config.word_vector_size,
            config.hidden_size,
            config.num_layers,
            batch_first=True,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
            proj_size=len(FEATURES) - GIVEN,
        )
        self.combine = nn.Linear(len(FEATURES), 1)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.LSTM | nn.Linear):
            module.reset_parameters()

    def begin(self, mean: float) -> None:
        """Nothing: the released code starts from PyTorch's own initial weights, whatever the data."""

    def forward(
        self,
        word_vectors: torch.Tensor,
        features: torch.Tensor,
        mask: torch.Tensor,
        n_fix: torch.Tensor | None = None,
        **_: object,
    ) -> GazeOutput:
        """word_vectors [B, T, D], features F [B, T, 8], mask [B, T] (1 = word, padding on the right), n_fix [B, T].

        loss = mean over B, T, 6 of (V - F)^2 + mean over B, T of (n_fix - label)^2, padding included (as released).
        Scores are [word length, word position, V]; scores and n_fix that are returned are 0 in padding.
        """
        mask = mask.bool()
        features = features.masked_fill(~mask[..., None], 0.0)
        given, flags = features[..., :GIVEN], features[..., GIVEN:]
        learned = self.lstm(word_vectors)[0] * (flags != 0)
        scores = torch.cat((given, learned), dim=-1)
        predicted = torch.relu(self.combine(scores)).squeeze(-1)
        loss = None
        if n_fix is not None:
            label = n_fix.masked_fill(~mask, 0.0)
            loss = nn.functional.mse_loss(learned, flags) + nn.functional.mse_loss(predicted, label)
        return GazeOutput(loss=loss, n_fix=predicted.masked_fill(~mask, 0.0), scores=scores)


AutoConfig.register(ReleasedRegressorConfig.model_type, ReleasedRegressorConfig, exist_ok=True)
AutoModel.register(ReleasedRegressorConfig, ReleasedRegressor, exist_ok=True)


def released_split(sentences: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers of training and test sentences as in the released code: 80/20 at random by sentence, seed 43.

    The code's sizes are int(.8 n) + 1 and int(.2 n), which crash where n is a multiple of 5; the test part is the rest
    here (ours). Sentences of one text, and sentences that occur twice, fall on both sides (section 10 no. 12).
    """
    order = torch.randperm(sentences, generator=torch.Generator().manual_seed(43))
    size = min(int(0.8 * sentences) + 1, sentences - 1)
    return order[:size].sort().values, order[size:].sort().values


def read(directory: Path) -> GazeRegressor | ReleasedRegressor:
    """A saved regressor of either kind."""
    return AutoModel.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
