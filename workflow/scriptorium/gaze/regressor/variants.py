"""The variants of the gaze regressor behind one door: sentences in, a trained network and its predictions out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from transformers import PreTrainedModel

from scriptorium.gaze.regressor.fixed import fit_fixed
from scriptorium.gaze.regressor.network import GazeRegressorConfig, Sentence, fit, predict
from scriptorium.gaze.regressor.released import ReleasedRegressor, ReleasedRegressorConfig

if TYPE_CHECKING:
    from scriptorium.gaze.spec import RegressorSpec


@dataclass
class Trained:
    """A trained network; `predict` gives n_fix of all words of the numbered sentences, at their corpora's levels."""

    model: PreTrainedModel
    predict: Callable[[np.ndarray], np.ndarray]


@dataclass
class Trainer:
    """Trains the variant of a specification on some of the sentences. corpora, groups: of each sentence."""

    spec: RegressorSpec
    sentences: list[Sentence]
    corpora: np.ndarray
    groups: np.ndarray
    word_vector_size: int
    word_vectors: str

    def fit(self, chosen: np.ndarray, number: int, after_epoch: Callable | None = None) -> Trained:
        """Train on the chosen sentences; `number` tells the trainings of one run apart."""
        spec = self.spec
        sentences = [self.sentences[i] for i in chosen]
        shape = {
            "word_vector_size": self.word_vector_size,
            "hidden_size": spec.hidden_size,
            "num_layers": spec.layers,
            "dropout": spec.dropout,
            "word_vectors": self.word_vectors,
        }
        settings = {
            "epochs": spec.epochs,
            "batch_size": spec.batch_size,
            "lr": spec.lr,
            "seed": [spec.seed, number],
            "weight_decay": spec.weight_decay,
            "after_epoch": after_epoch,
        }
        scale = None
        if spec.variant == "released":
            config = ReleasedRegressorConfig(**shape)
            model = fit(config, sentences, network=ReleasedRegressor, shuffle=False, **settings)
        elif spec.variant == "paper":
            model = fit(GazeRegressorConfig(**shape), sentences, **settings)
        else:
            model, scale = fit_fixed(
                GazeRegressorConfig(**shape),
                sentences,
                self.corpora[chosen],
                self.groups[chosen],
                inner_folds=spec.inner_folds,
                **settings,
            )

        def of_sentences(numbers: np.ndarray) -> np.ndarray:
            n_fix = predict(model, [self.sentences[i] for i in numbers])[0]
            if scale is None:
                return n_fix
            return scale.to_corpus(
                np.repeat(self.corpora[numbers], [len(self.sentences[i].features) for i in numbers]), n_fix
            )

        return Trained(model, of_sentences)
