"""How will people read this text? Reading measures of every word, by a trained gaze predictor.

    python -m scriptorium.stages.predict_gaze --spec '{"text": "The horse raced past the barn fell."}' --out DIR \\
        --input predictor=results/gaze/predictor/manifest.json

inputs: predictor = manifest of train_predictor; text = a UTF-8 file, instead of `text` in the specification (paragraphs
are separated by line ends)
out: predictions.parquet, predictions.tsv: sentence, word_index, word, and for each measure its prediction
(<measure>), an interval (<measure>_low, <measure>_high) and the members' standard deviation (<measure>_members)

The interval: within it lay 80 % of the means over the training corpus's participants, for words with a similar
prediction that the predicting model had not seen. It is about means over as many participants as that corpus has, and
about texts like its own.
"""

from __future__ import annotations

import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from scriptorium import stage
from scriptorium.errors import UserError
from scriptorium.spec import Spec

if TYPE_CHECKING:
    import pandas as pd

    from scriptorium.gaze.predictor.ensemble import Predicted

SHOWN = 60  # words in the table on the screen


class PredictGazeSpec(Spec):
    """The text to predict for."""

    text: str | None = Field(None, description="the text; empty: the input `text` is a file")

    def model_post_init(self, _: Any) -> None:
        if any(0xD800 <= ord(c) <= 0xDFFF for c in self.text or ""):
            raise ValueError("text holds half of a character (a lone surrogate), so it is not text")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.gaze.predictor.ensemble import Ensemble
    from scriptorium.gaze.sentences import sentences as sentence_of
    from scriptorium.reporting import tables

    text = _text(job)
    sentences = []
    for words in filter(None, map(str.split, text.splitlines())):  # no sentence goes on behind a line's end
        numbered = groupby(zip(words, sentence_of(words), strict=True), key=itemgetter(1))
        sentences += [[word for word, _ in group] for _, group in numbered]
    ensemble = Ensemble.load(job.input_dir("predictor") / "model")
    tokenizer = ensemble.sentence_tokenizer()
    found = ensemble.predict(sentences, tokenizer)
    table = _table(sentences, ensemble.measures, found)

    counts = {
        "erased": "words left no word piece; they were read as an unknown word",
        "windowed": "sentences are longer than the encoder; they were read in several windows",
        "cut": "words have more pieces than the encoder takes; their ends were not read",
    }
    for name, meaning in counts.items():
        if count := getattr(tokenizer, name):
            job.ledger.note(f"{count} {meaning}")
            sys.stderr.write(f"note: {count} {meaning}\n")
    job.ledger.metrics(
        0,
        {
            "words": len(table),
            "sentences": len(sentences),
            "erased": tokenizer.erased,
            "windowed": tokenizer.windowed,
            "cut": tokenizer.cut,
        },
    )
    print(readable(table, ensemble.measures))

    parquet = job.out / "predictions.parquet"
    table.to_parquet(parquet, index=False)
    tsv = tables.write(table, job.out / "predictions.tsv")
    job.ledger.artifact(parquet, "dataset")
    job.ledger.artifact(tsv, "table")
    return [parquet, tsv]


def readable(table: pd.DataFrame, measures: tuple[str, ...]) -> str:
    """The first SHOWN words as aligned text: each measure as `prediction [low high]`, with its unit."""
    from scriptorium.gaze.predictor.model import UNITS

    head = table.head(SHOWN)
    shown = {"": head["sentence"], "word": head["word"]}
    for measure in measures:
        digits = 0 if UNITS[measure] == "ms" else 2
        values = zip(head[measure], head[f"{measure}_low"], head[f"{measure}_high"], strict=True)
        shown[measure] = [f"{v:.{digits}f} [{low:.{digits}f} {high:.{digits}f}]" for v, low, high in values]
    columns = [[name, *map(str, cells)] for name, cells in shown.items()]
    widths = [max(map(len, cells)) for cells in columns]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in zip(*columns)]  # noqa: B905
    if len(table) > SHOWN:
        lines.append(f"... {len(table) - SHOWN} more words in predictions.tsv")
    units = ", ".join(f"{measure} in {UNITS[measure]}" for measure in measures)
    return "\n".join([*lines, f"{units}; in brackets the 10-90 % interval"])


def _text(job: stage.Job) -> str:
    """The text, from the specification or the file. Raises UserError for both, neither, or a blank one."""
    from scriptorium.files.tables import read_text

    if (job.spec.text is None) == ("text" not in job.inputs):
        raise UserError(
            "give the text either in the specification or as a file",
            where="predict_gaze",
            remedy="""--spec '{"text": "..."}' or --spec '{}' with --input text=FILE""",
        )
    where = "the specification's text" if job.spec.text is not None else job.input("text")
    text = job.spec.text if job.spec.text is not None else read_text(job.input("text"))
    if not text.split():
        raise UserError("there is no word in it", where=where, remedy="give a text with at least one word")
    return text


def _table(sentences: list[list[str]], measures: tuple[str, ...], found: Predicted) -> pd.DataFrame:
    import pandas as pd

    rows = [(number, index, word) for number, words in enumerate(sentences) for index, word in enumerate(words)]
    table = pd.DataFrame(rows, columns=["sentence", "word_index", "word"])
    columns = {}
    for column, measure in enumerate(measures):
        parts = {"": found.values, "_low": found.low, "_high": found.high, "_members": found.disagreement}
        columns |= {f"{measure}{suffix}": values[:, column] for suffix, values in parts.items()}
    return table.assign(**columns)


if __name__ == "__main__":
    stage.main(PredictGazeSpec, run, always=True)
