"""How will people read this text? Reading measures of every word, by a trained gaze predictor.

    python -m scriptorium.stages.predict_gaze --spec '{"text": "The horse raced past the barn fell."}' --out DIR \\
        --input predictor=results/gaze/predictor/manifest.json

inputs: predictor = manifest of train_predictor or gaze_left_out; text = a UTF-8 file, instead of `text` in the
specification (paragraphs are separated by line ends)
out: predictions.parquet, predictions.tsv: sentence, word_index, word, and for each measure its prediction
(<measure>), an interval (<measure>_low, <measure>_high) and, where encoders are members, their standard deviation
(<measure>_members); heat_map.html: the text, coloured by each measure

The interval: within it lay 80 % of the means over the training corpus's participants, for words with a similar
prediction that the predicting model had not seen. It is about means over as many participants as that corpus has, and
about texts like its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from scriptorium import stage
from scriptorium.errors import UserError
from scriptorium.spec import Spec

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 60  # words in the table on the screen


class PredictGazeSpec(Spec):
    """The text to predict for."""

    text: str | None = Field(None, description="the text; empty: the input `text` is a file")
    language: str = Field("en", description="of the text, for the frequencies of its words")

    def model_post_init(self, _: Any) -> None:
        if any(0xD800 <= ord(c) <= 0xDFFF for c in self.text or ""):
            raise ValueError("text holds half of a character (a lone surrogate), so it is not text")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.gaze.predictor.heat_map import page
    from scriptorium.gaze.predictor.pretrained import from_pretrained
    from scriptorium.reporting import tables

    model = from_pretrained(job.input_dir("predictor"))
    table = model.read(_text(job), language=job.spec.language)
    for text in model.notes:
        job.ledger.note(text)
        sys.stderr.write(f"note: {text}\n")
    job.ledger.metrics(0, {"words": len(table), "sentences": int(table["sentence"].max()) + 1})
    print(readable(table, model.measures))

    parquet = job.out / "predictions.parquet"
    table.to_parquet(parquet, index=False)
    tsv = tables.write(table, job.out / "predictions.tsv")
    picture = job.out / "heat_map.html"
    picture.write_text(page(table, model.measures), encoding="utf-8")
    job.ledger.artifact(parquet, "dataset")
    job.ledger.artifact(tsv, "table")
    job.ledger.artifact(picture, "figure")
    return [parquet, tsv, picture]


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


if __name__ == "__main__":
    stage.main(PredictGazeSpec, run, always=True)
