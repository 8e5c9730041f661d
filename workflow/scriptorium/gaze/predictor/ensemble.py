"""The gaze predictor that a person uses: fine-tuned encoders and boosting, mixed, with a spread for each value (ours).

Encoders and boosting err on different words, so their mean errs less than either. How much weight the encoders get is
one number per measure, found on out-of-fold predictions (`gaze_crossfit`), and so is the spread.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.predictor.boosting import Boosting
from scriptorium.gaze.predictor.model import GazePredictor
from scriptorium.gaze.predictor.training import SentenceTokenizer, predict
from scriptorium.linguistics.surface import SURFACE, surface
from scriptorium.models.positions import longest_input
from scriptorium.text.plain import as_text

LEVELS = 10  # groups of predicted values, equally many words in each
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Spread:
    """How far participants' means lay from out-of-fold predictions of a similar height.

    edges [measures][LEVELS - 1] of the predicted values; low, high [measures][LEVELS]: the LOW and HIGH quantiles of
    (observed - predicted) in each group. Out-of-fold models are a little weaker than the whole ensemble, so the
    interval is a little wide rather than narrow; it is about means over as many participants as the training data had.
    """

    edges: list[list[float]]
    low: list[list[float]]
    high: list[list[float]]

    @classmethod
    def of(cls, predicted: np.ndarray, observed: np.ndarray) -> Spread:
        """predicted, observed [words, measures], NaN where not observed."""
        edges, low, high = [], [], []
        for column in range(predicted.shape[1]):
            known = np.isfinite(observed[:, column])
            p, rest = predicted[known, column], (observed - predicted)[known, column]
            edges.append(np.quantile(p, np.arange(1, LEVELS) / LEVELS).tolist())
            level = np.searchsorted(edges[-1], p, side="right")
            groups = [rest[level == i] if (level == i).any() else rest for i in range(LEVELS)]
            low.append([float(np.quantile(group, LOW)) for group in groups])
            high.append([float(np.quantile(group, HIGH)) for group in groups])
        return cls(edges, low, high)

    def interval(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends, each [words, measures], not yet held within the measures' bounds."""
        ends = np.repeat(predicted[None], 2, axis=0).astype(np.float64)
        for column in range(predicted.shape[1]):
            level = np.searchsorted(self.edges[column], predicted[:, column], side="right")
            ends[0, :, column] += np.asarray(self.low[column])[level]
            ends[1, :, column] += np.asarray(self.high[column])[level]
        return ends[0], ends[1]


@dataclass(frozen=True)
class Predicted:
    """All [words, measures] float64: the prediction, its LOW-HIGH interval, and the members' standard deviation.

    encoder and boosting are the two predictions that were mixed.
    """

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    disagreement: np.ndarray
    encoder: np.ndarray
    boosting: np.ndarray


@dataclass(frozen=True)
class Ensemble:
    """Encoder members (all of one tokenizer), boosting, the encoders' weight per measure, and the spread."""

    measures: tuple[str, ...]
    upper: tuple[float | None, ...]
    members: Sequence[GazePredictor]
    tokenizer: transformers.PreTrainedTokenizerBase
    boosting: Boosting
    weights: np.ndarray
    spread: Spread

    def predict(self, sentences: Sequence[Sequence[str]], tokenizer: SentenceTokenizer | None = None) -> Predicted:
        """Of all words, sentence after sentence. No word's prediction depends on another sentence."""
        tokenised = (tokenizer or self.sentence_tokenizer())(sentences)
        pad_id = self.tokenizer.pad_token_id or 0
        of_members = np.stack([predict(member, tokenised, pad_id) for member in self.members]).astype(np.float64)
        encoder = of_members.mean(axis=0)
        features = surface(sentences)
        boosting = self.boosting.predict(np.concatenate(features) if features else np.zeros((0, len(SURFACE))))
        values = mix(encoder, boosting, self.weights, self.upper)
        low, high = (within(end, self.upper) for end in self.spread.interval(values))
        return Predicted(values, low, high, of_members.std(axis=0), encoder, within(boosting, self.upper))

    def sentence_tokenizer(self) -> SentenceTokenizer:
        """One for `predict`, which counts the words that it cannot take as they are."""
        return SentenceTokenizer(self.tokenizer, longest_input(self.members[0].config.encoder))

    def save(self, folder: Path) -> list[Path]:
        """Write `folder`: member<k>/ (Hugging Face models with their tokenizer), boosting.safetensors, ensemble.json.

        Returns the files."""
        for number, member in enumerate(self.members):
            member.save_pretrained(folder / f"member{number}")
            self.tokenizer.save_pretrained(folder / f"member{number}")
        self.boosting.save(folder / "boosting.safetensors")
        manifest.write_json(
            folder / "ensemble.json",
            {
                "measures": list(self.measures),
                "upper": list(self.upper),
                "members": len(self.members),
                "surface": list(SURFACE),
                "encoder_weight": self.weights.tolist(),
                "spread": asdict(self.spread),
            },
        )
        return sorted(path for path in folder.rglob("*") if path.is_file())

    @classmethod
    def load(cls, folder: Path) -> Ensemble:
        """Read what `save` wrote. Raises UserError if it is not that, or was made with other surface features."""
        try:
            facts = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise UserError(
                f"not a gaze predictor: {error}", where=folder, remedy="give the manifest of a run of train_predictor"
            ) from None
        if facts["surface"] != list(SURFACE):
            raise UserError(
                "this predictor was trained on other surface features",
                where=folder,
                remedy="train it again with this version",
            ) from None
        places = [folder / f"member{number}" for number in range(facts["members"])]
        return cls(
            tuple(facts["measures"]),
            tuple(facts["upper"]),
            [
                GazePredictor.from_pretrained(place, local_files_only=True, trust_remote_code=False).eval()
                for place in places
            ],
            as_text(
                transformers.AutoTokenizer.from_pretrained(places[0], local_files_only=True, trust_remote_code=False)
            ),
            Boosting.load(folder / "boosting.safetensors"),
            np.array(facts["encoder_weight"]),
            Spread(**facts["spread"]),
        )


def mix(encoder: np.ndarray, boosting: np.ndarray, weights: np.ndarray, upper: Sequence[float | None]) -> np.ndarray:
    """weights x encoder + (1 - weights) x boosting, held within the measures' bounds; [words, measures]."""
    return within(weights * encoder + (1 - weights) * boosting, upper)


def within(values: np.ndarray, upper: Sequence[float | None]) -> np.ndarray:
    """Values [words, measures] held between 0 and each measure's upper bound."""
    return np.clip(values, 0.0, [np.inf if bound is None else bound for bound in upper])
