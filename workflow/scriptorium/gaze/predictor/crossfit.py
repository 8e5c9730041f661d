"""Makes a gaze ensemble by cross-fitting: every fold's words are predicted by models that never saw them (ours).

The models of the folds are the members of the ensemble themselves: each has left another part of the training data
out, and predicts it. So one training serves the prediction, the mixing weights, the spread and the error to expect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import transformers

from scriptorium.gaze.predictor import boosting as gaze_boosting
from scriptorium.gaze.predictor.ensemble import Ensemble, Spread, mix, within
from scriptorium.gaze.predictor.training import SentenceTokenizer, fit, predict
from scriptorium.models.positions import longest_input
from scriptorium.text.plain import as_text

if TYPE_CHECKING:
    from scriptorium.gaze.spec import PredictorSettings

GRID = np.linspace(0.0, 1.0, 21)  # candidate weights of the encoders


@dataclass(frozen=True)
class OutOfFold:
    """Predictions [words, measures] of words that the predicting model did not see."""

    encoder: np.ndarray
    boosting: np.ndarray
    mixed: np.ndarray


def cross_fit(
    sentences: Sequence[Sequence[str]],
    values: Sequence[np.ndarray],
    fold: np.ndarray,
    backbone: Path,
    settings: PredictorSettings,
    upper: Sequence[float | None],
    watch: Callable[[str, int, dict[str, float]], None] = lambda part, epoch, metrics: None,
    note: Callable[[str], None] = lambda text: None,
) -> tuple[Ensemble, OutOfFold]:
    """sentences as words, values [words, measures] of each (NaN: unknown), fold [sentences], backbone: a folder.

    `watch(part, epoch, metrics)` hears of every epoch; nothing is chosen by it. `note` hears what did not fit.
    The encoders' weight is chosen per measure on all out-of-fold words: one number each, so the mixed out-of-fold error
    is hardly optimistic.
    """
    tokenizer = as_text(
        transformers.AutoTokenizer.from_pretrained(backbone, local_files_only=True, trust_remote_code=False)
    )
    config = transformers.AutoConfig.from_pretrained(backbone, local_files_only=True, trust_remote_code=False)
    cutting = SentenceTokenizer(tokenizer, longest_input(config))
    tokenised = cutting(sentences, values)
    for text in cutting.notes():
        note(text)
    observed = np.concatenate(values)
    features = np.concatenate([window.features for windows in tokenised for window in windows])
    fold_of_word = np.repeat(fold, [len(words) for words in sentences])
    pad_id = tokenizer.pad_token_id or 0
    boost = {"measures": settings.measures, "seed": settings.seeds[0], **settings.boosting.model_dump()}

    members = []
    encoder, boosting = np.zeros(observed.shape), np.zeros(observed.shape)
    for number in np.unique(fold):
        train, unseen = fold_of_word != number, fold_of_word == number
        boosting[unseen] = gaze_boosting.fit(features[train], observed[train], **boost).predict(features[unseen])
        held_out = [tokenised[i] for i in np.flatnonzero(fold == number)]
        chosen = [window for i in np.flatnonzero(fold != number) for window in tokenised[i]]
        for seed in settings.seeds:
            part = f"fold{number}_seed{seed}"
            member = fit(
                transformers.AutoModel.from_pretrained(backbone, local_files_only=True, trust_remote_code=False),
                chosen,
                measures=settings.measures,
                upper=upper,
                pad_id=pad_id,
                seed=[seed, int(number)],
                after_epoch=lambda epoch, loss, _, part=part: watch(part, epoch, {"train_loss": loss}),
                **settings.encoder.model_dump(),
            )
            members.append(member)
            encoder[unseen] += predict(member, held_out, pad_id) / len(settings.seeds)
        for name, found in (("encoder", encoder), ("boosting", boosting)):
            error = np.nanmean(np.abs(found - observed)[unseen])
            watch(f"fold{number}", settings.encoder.epochs, {f"held_out_mae/{name}": float(error)})

    weights = best_weights(encoder, boosting, observed, upper)
    mixed = mix(encoder, boosting, weights, upper)
    ensemble = Ensemble(
        settings.measures,
        tuple(upper),
        members,
        tokenizer,
        gaze_boosting.fit(features, observed, **boost),
        weights,
        Spread.of(mixed, observed),
    )
    return ensemble, OutOfFold(encoder, within(boosting, upper), mixed)


def best_weights(
    encoder: np.ndarray, boosting: np.ndarray, observed: np.ndarray, upper: Sequence[float | None]
) -> np.ndarray:
    """For each measure, the weight of GRID with the smallest mean absolute error; [measures]."""
    count = observed.shape[1]
    errors = [
        np.nanmean(np.abs(mix(encoder, boosting, np.full(count, weight), upper) - observed), axis=0) for weight in GRID
    ]
    return GRID[np.argmin(errors, axis=0)]
