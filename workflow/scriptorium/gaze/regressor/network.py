"""Stage 1 of CogBERT: the gaze regressor, from a sentence's words to how often participants fixate each of them.

docs/papers/cogbert.md section 4.2 (the paper's text): a four-layer Bi-LSTM turns each word into a weighted vector of
eight dimensions, one per cognitive feature, supervised by n_fix alone. The released code differs (two layers, one
direction, six dimensions, scores pulled towards 1 by a second loss): see `gaze/regressor/released.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from scriptorium.gaze.threads import one_thread
from scriptorium.linguistics.features import FEATURES


class GazeRegressorConfig(PretrainedConfig):
    """Shape of a GazeRegressor, and what it was trained with."""

    model_type = "scriptorium-gaze-regressor"

    def __init__(
        self,
        word_vector_size: int = 384,
        hidden_size: int = 64,
        num_layers: int = 4,
        dropout: float = 0.15,
        word_vectors: str = "",
        calibration: Sequence[float] = (0.0, 1.0),
        levels: Mapping[str, float] | None = None,
        **kwargs,
    ):
        """`word_vectors`: content digest of what lends them (a regressor fits no other). `calibration`: intercept and
        slope of a line over the output. `levels`: mean n_fix of each training corpus, and under "" of all of them."""
        super().__init__(**kwargs)
        self.word_vector_size, self.hidden_size, self.num_layers = word_vector_size, hidden_size, num_layers
        self.dropout, self.word_vectors = dropout, word_vectors
        self.calibration, self.levels = list(calibration), dict(levels or {})


@dataclass
class GazeOutput(ModelOutput):
    """loss: mean squared error over words; n_fix [B, T] fixations; scores [B, T, 8] in the order of FEATURES."""

    loss: torch.Tensor | None = None
    n_fix: torch.Tensor | None = None
    scores: torch.Tensor | None = None


class BiLSTM(nn.Module):
    """nn.LSTM(bidirectional=True) over sequences padded on the right, a third of its time on a CPU.

    nn.LSTM needs packed sequences for that, which its fast CPU kernel does not take; here the backward direction is
    a forward one over sequences turned round within their lengths.
    """

    def __init__(self, input_size: int, hidden_size: int, layers: int, dropout: float):
        super().__init__()
        sizes = [input_size] + [2 * hidden_size] * (layers - 1)
        self.rightward = nn.ModuleList(nn.LSTM(size, hidden_size, batch_first=True) for size in sizes)
        self.leftward = nn.ModuleList(nn.LSTM(size, hidden_size, batch_first=True) for size in sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """inputs [B, T, D], mask [B, T] -> [B, T, 2 * hidden]; dropout between layers. Padding is not defined."""
        length = mask.sum(1, keepdim=True)
        place = torch.arange(mask.shape[1], device=mask.device)[None]
        rows, turned = (
            torch.arange(len(mask), device=mask.device)[:, None],
            torch.where(mask, length - 1 - place, place),
        )
        hidden = inputs
        for number, (rightward, leftward) in enumerate(zip(self.rightward, self.leftward, strict=True)):
            hidden = self.dropout(hidden) if number else hidden
            back = leftward(hidden[rows, turned])[0][rows, turned]
            hidden = torch.cat((rightward(hidden)[0], back), dim=-1)
        return hidden


class GazeRegressor(PreTrainedModel):
    """U = Linear(Bi-LSTM(word vectors)), scores V = U * F, n_fix = ReLU(w . V + b).

    Ours: w starts at 1 and b at 1 (`fit`: the mean of the training words), so that the ReLU is open for every word at
    the start and a score reads as the feature's contribution in fixations.
    """

    config_class = GazeRegressorConfig
    base_model_prefix = ""
    main_input_name = "word_vectors"

    def __init__(self, config: GazeRegressorConfig):
        super().__init__(config)
        self.lstm = BiLSTM(config.word_vector_size, config.hidden_size, config.num_layers, config.dropout)
        self.project = nn.Linear(2 * config.hidden_size, len(FEATURES))
        self.combine = nn.Linear(len(FEATURES), 1)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if module is self.combine:
            nn.init.ones_(module.weight)
            nn.init.ones_(module.bias)
        elif isinstance(module, nn.LSTM | nn.Linear):
            module.reset_parameters()  # PyTorch's own: the released code's too

    def begin(self, mean: float) -> None:
        """Start from the mean of the training words."""
        nn.init.constant_(self.combine.bias, mean)

    def forward(
        self,
        word_vectors: torch.Tensor,
        features: torch.Tensor,
        mask: torch.Tensor,
        n_fix: torch.Tensor | None = None,
        **_: object,
    ) -> GazeOutput:
        """word_vectors [B, T, D], features F [B, T, 8], mask [B, T] (1 = word, padding on the right), n_fix [B, T].

        F is 0 where a word lacks the feature, and so is its score. Padding reaches neither scores nor loss.
        """
        mask = mask.bool()
        scores = (self.project(self.lstm(word_vectors, mask)) * features).masked_fill(~mask[..., None], 0.0)
        intercept, slope = self.config.calibration  # 0 and 1 unless set after training
        predicted = torch.relu(intercept + slope * torch.relu(self.combine(scores)))
        predicted = predicted.squeeze(-1).masked_fill(~mask, 0.0)
        loss = None if n_fix is None else nn.functional.mse_loss(predicted[mask], n_fix[mask])
        return GazeOutput(loss=loss, n_fix=predicted, scores=scores)


AutoConfig.register(GazeRegressorConfig.model_type, GazeRegressorConfig, exist_ok=True)
AutoModel.register(GazeRegressorConfig, GazeRegressor, exist_ok=True)


@dataclass(frozen=True)
class Sentence:
    """One sentence: word_vectors [T, D], features [T, 8] and, for training, n_fix [T]; all float32."""

    word_vectors: np.ndarray
    features: np.ndarray
    n_fix: np.ndarray | None = None


def collate(sentences: Sequence[Sentence]) -> dict[str, torch.Tensor]:
    """Pad sentences on the right to one batch of the model's inputs."""

    def pad(arrays: list[np.ndarray]) -> torch.Tensor:
        return pad_sequence([torch.tensor(np.asarray(a, dtype=np.float32)) for a in arrays], batch_first=True)

    batch = {
        "word_vectors": pad([s.word_vectors for s in sentences]),
        "features": pad([s.features for s in sentences]),
        "mask": pad([np.ones(len(s.features)) for s in sentences]).bool(),
    }
    if all(s.n_fix is not None for s in sentences):
        batch["n_fix"] = pad([s.n_fix for s in sentences])
    return batch


def fit(
    config: GazeRegressorConfig,
    sentences: Sequence[Sentence],
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float,
    seed: Sequence[int],
    after_epoch: Callable[[int, float, PreTrainedModel], None] | None = None,
    network: type[PreTrainedModel] = GazeRegressor,
    shuffle: bool = True,
) -> PreTrainedModel:
    """Train a new regressor for a fixed number of epochs (AdamW, constant rate, no selection) and return it.

    Initial weights, dropout and order are functions of `seed` alone. `after_epoch(epoch, mean loss per word, model)`
    only watches. Runs on one thread, where so small a network is fastest and the order of sums is fixed.
    `shuffle=False` keeps the sentences in their order, as the released code does.
    """
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng([*seed, 0]).integers(2**31)))
        model = network(config)
        model.begin(float(np.concatenate([s.n_fix for s in sentences]).mean()))
        optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
        for epoch in range(1, epochs + 1):
            model.train()
            order = np.arange(len(sentences))
            if shuffle:
                order = np.random.default_rng([*seed, epoch]).permutation(order)
            total = words = 0.0
            for start in range(0, len(order), batch_size):
                batch = collate([sentences[i] for i in order[start : start + batch_size]])
                loss = model(**batch).loss
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                count = int(batch["mask"].sum())
                total, words = total + loss.item() * count, words + count
            if after_epoch:
                after_epoch(epoch, total / words, model)
    return model.eval()


def predict(
    model: PreTrainedModel, sentences: Sequence[Sentence], batch_size: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """n_fix [words] and scores [words, 8] (float32) of all words, sentence after sentence."""
    model.eval()
    n_fix, scores = [], []
    with one_thread(), torch.inference_mode():
        for start in range(0, len(sentences), batch_size):
            batch = collate([Sentence(s.word_vectors, s.features) for s in sentences[start : start + batch_size]])
            output, mask = model(**batch), batch["mask"]
            n_fix.append(output.n_fix[mask].numpy())
            scores.append(output.scores[mask].numpy())
    if not n_fix:
        return np.zeros(0, np.float32), np.zeros((0, len(FEATURES)), np.float32)
    return np.concatenate(n_fix), np.concatenate(scores)
