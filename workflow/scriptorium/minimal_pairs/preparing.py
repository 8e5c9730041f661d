"""Minimal pairs as a table: read or made, checked, written.

pairs.parquet, all str: id · good, the real sentence · bad, the same with one thing broken · phenomenon, what is
broken · paradigm, a finer division. Where a data set brings published accuracies, also published.tsv: phenomenon,
paradigm (empty: mean of the phenomenon; both empty: of all), and for each model a column with the share of pairs that
it gets right.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import named
from scriptorium.errors import UserError
from scriptorium.files.tables import write_parquet
from scriptorium.ledger import Ledger

if TYPE_CHECKING:
    from scriptorium.minimal_pairs.spec import PairsSpec

COLUMNS = ("id", "good", "bad", "phenomenon", "paradigm")
PUBLISHED = "published.tsv"


def prepare(spec: PairsSpec, artifact: Path, out: Path, ledger: Ledger) -> list[Path]:
    """Read or make the pairs and write pairs.parquet. artifact: manifest of a data set or of a corpus.

    Pairs whose two sentences are the same, white space aside, are left out with a note: BLiMP has some.
    Raises UserError: a bad file or row, no pair, an id that is there twice.
    """
    where = f"config/config.yaml, minimal_pairs.{spec.pairs}"
    reader = named.load("scriptorium.minimal_pairs.readers", spec.reader)
    pairs = reader.read(artifact, spec.options, ledger)
    if not pairs.empty and (same := pairs["good"] == pairs["bad"]).any():
        ledger.note(f"{same.sum()} pairs left out, whose sentences are the same: {', '.join(pairs['id'][same][:5])}")
        pairs = pairs[~same]
    if pairs.empty:
        raise UserError("no pair is found", where=where, remedy="give more text, or correct members of the data set")
    if (twice := pairs["id"].duplicated()).any():
        raise UserError(
            "this id is there twice",
            where=f"{artifact.parent}, pair {pairs['id'][twice.idxmax()]}",
            remedy="leave one of the two out",
        )
    ledger.metrics(0, {"pairs": len(pairs)} | {f"pairs/{k}": n for k, n in pairs["phenomenon"].value_counts().items()})
    made = [write_parquet(pairs[list(COLUMNS)].astype("string"), out / "pairs.parquet")]
    published = getattr(reader, "published", lambda _: None)(artifact)
    if published is not None:
        made.append(out / PUBLISHED)
        published.to_csv(made[-1], sep="\t", index=False, lineterminator="\n")
    return made
