"""A trained gaze predictor in a folder, as a person uses it, whichever kind it is.

    model = from_pretrained("results/gaze/left_out/model")
    model.read("The horse raced past the barn fell.")            # a table: a row per word, a column per measure
    model.read(nlp("Das Pferd lief."), language="de")            # a spaCy Doc: its sentences are kept

Two kinds: an ensemble of fine-tuned encoders and boosting (train_predictor, English), and a line and boosting for
corpora not seen (gaze_left_out, any language with a list of frequencies).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.predictor.boosting import Boosting
from scriptorium.gaze.predictor.card import card
from scriptorium.gaze.predictor.ensemble import Ensemble, Spread
from scriptorium.gaze.predictor.texts import sentences_of
from scriptorium.gaze.predictor.transfer import Transfer
from scriptorium.linguistics.surface import LANGUAGE, SURFACE, surface

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from scriptorium.gaze.spec import GazeLeftOutSpec


@dataclass
class GazeModel:
    """A predictor. `notes`: what of the last text could not be read as it stands, with counts."""

    model: Ensemble | Transfer
    notes: list[str] = field(default_factory=list)

    @property
    def measures(self) -> tuple[str, ...]:
        return self.model.measures

    def read(self, text: str | Doc | Sequence[Sequence[str]], *, language: str = LANGUAGE) -> pd.DataFrame:
        """A row per word: sentence, word_index, word, and for each measure <measure>, <measure>_low, <measure>_high
        (80 % interval), and <measure>_members where encoders are members (their standard deviation).

        text: plain text, a spaCy Doc, or sentences as words. Raises UserError for a text without a word, and for a
        language that the predictor cannot read.
        """
        sentences, self.notes = sentences_of(text)
        if isinstance(self.model, Transfer):
            parts = self._by_features(sentences, language)
        else:
            parts = self._by_ensemble(sentences, language)
        rows = [(number, index, word) for number, words in enumerate(sentences) for index, word in enumerate(words)]
        table = pd.DataFrame(rows, columns=["sentence", "word_index", "word"])
        columns = {}
        for column, measure in enumerate(self.measures):
            columns |= {f"{measure}{suffix}": values[:, column] for suffix, values in parts.items()}
        return table.assign(**columns)

    def _by_ensemble(self, sentences: list[list[str]], language: str) -> dict[str, np.ndarray]:
        if language != LANGUAGE:
            raise UserError(
                f"this predictor reads English alone, not {language!r}",
                where="language",
                remedy="use a predictor of gaze_left_out, which takes other languages",
            )
        tokenizer = self.model.sentence_tokenizer()
        found = self.model.predict(sentences, tokenizer)
        self.notes += tokenizer.notes()
        return {"": found.values, "_low": found.low, "_high": found.high, "_members": found.disagreement}

    def _by_features(self, sentences: list[list[str]], language: str) -> dict[str, np.ndarray]:
        if self.model.names != SURFACE:
            raise UserError(
                "this predictor knows words by their surprisal too, which a text alone does not have",
                where="predictor",
                remedy="train one without gaze.left_out.surprisal",
            )
        values = self.model.predict(np.concatenate(surface(sentences, language)).astype(np.float64))
        low, high = self.model.interval(values)
        return {"": values, "_low": low, "_high": high}


def from_pretrained(folder: str | Path) -> GazeModel:
    """The predictor in a folder, or in the folder model/ below it. Raises UserError if there is none."""
    folder = Path(folder)
    for place in (folder, folder / "model"):
        if (place / "transfer.json").is_file():
            return GazeModel(_load(place))
        if (place / "ensemble.json").is_file():
            return GazeModel(Ensemble.load(place))
    raise UserError(
        "not a gaze predictor: there is neither an ensemble.json nor a transfer.json",
        where=folder,
        remedy="give a folder that train_predictor or gaze_left_out made",
    )


def save(
    model: Transfer, folder: Path, spec: GazeLeftOutSpec, words: Mapping[str, int], left_out: pd.DataFrame
) -> list[Path]:
    """Write transfer.json, boosting.safetensors and the model card README.md; returns the files.

    words: of each corpus that it was trained on; left_out: the table of corpora left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    facts = {name: list(getattr(model, name)) for name in ("measures", "upper", "names", "linear")}
    facts |= {name: getattr(model, name).tolist() for name in ("line", "weights", "level")}
    facts |= {name: asdict(getattr(model, name)) for name in ("spread", "spread_at_level")}
    text = folder / "README.md"
    text.write_text(card(spec, words, left_out), encoding="utf-8")
    made = manifest.write_json(folder / "transfer.json", facts)
    return [text, made, model.boosting.save(folder / "boosting.safetensors")]


def _load(folder: Path) -> Transfer:
    """What `save` wrote. Raises UserError if it is not that, or was made with other surface features."""
    try:
        facts = json.loads((folder / "transfer.json").read_text(encoding="utf-8"))
        if tuple(facts["names"][: len(SURFACE)]) != SURFACE:
            raise KeyError("it was trained on other surface features")
        lists = {name: tuple(facts[name]) for name in ("measures", "upper", "names", "linear")}
        arrays = {name: np.array(facts[name], dtype=np.float64) for name in ("line", "weights", "level")}
        spreads = {name: Spread(**facts[name]) for name in ("spread", "spread_at_level")}
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(
            f"not a gaze predictor of this version: {error}", where=folder, remedy="train the predictor again"
        ) from None
    return Transfer(**lists, **arrays, **spreads, boosting=Boosting.load(folder / "boosting.safetensors"))
