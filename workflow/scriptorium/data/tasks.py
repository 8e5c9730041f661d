"""Readers of labelled data, and how any of them becomes a task with three splits.

A reader gives a frame: id str, text str, text_b str or None, label (class name, or number for regression), split str
(empty where the source has none). `prepare` checks labels, drops repeated texts, splits, limits and writes
{train,validation,test}.parquet: id str, text str, text_b str or null, label int64 (place in the task's labels) or
float64.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.data import paraphrase
from scriptorium.data.splits import SPLITS, components, draw, split
from scriptorium.data.tables import choose, clean, members, numbers, read_table, read_text, settle, write_parquet
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger

if TYPE_CHECKING:
    from scriptorium.stages.prepare_task import TaskDataSpec

VADER = {
    "movie": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "nyt": "nytEditorialSnippets",
    "tweets": "tweets",
}
FIELDS = ["id", "text", "text_b", "label", "split"]
SPLIT_NAMES = {**{name: name for name in SPLITS}, "dev": "validation"}


def prepare(spec: TaskDataSpec, artifact: Path, out: Path, ledger: Ledger) -> list[Path]:
    """Read, check, split and write a task. artifact: manifest of the raw data.

    Raises UserError: unknown reader or option, bad file or row, label outside its set, a split without examples.
    """
    frame = choose(spec.reader, READERS, "task reader", f"config/config.yaml, tasks.{spec.task}")(spec, artifact)
    frame = _without_repetitions(frame, ledger)
    paths = []
    splits = _split(frame, spec)
    for name in SPLITS:
        part = splits[name]
        if part.empty:
            raise UserError(
                f"split {name!r} has no examples (of {len(frame)})",
                where=f"config/config.yaml, tasks.{spec.task}",
                remedy="give more data, lower the limits of the other splits, or give every split rows of its own",
            )
        ledger.metrics(0, {f"examples/{name}": len(part)})
        if spec.kind == "classification":
            shares = part["label"].value_counts(normalize=True).sort_index()
            ledger.metrics(0, {f"share/{name}/{label}": share for label, share in shares.items()})
            part = part.assign(label=part["label"].map(spec.labels.index).astype("int64"))
        columns = part[["id", "text", "text_b", "label"]].astype({"id": "string", "text": "string", "text_b": "string"})
        paths.append(write_parquet(columns, out / f"{name}.parquet"))
        ledger.artifact(paths[-1], "dataset")
    if spec.kind == "classification" and frame["text_b"].notna().all():
        ledger.metrics(0, {"baseline/word_overlap_accuracy": overlap_baseline(splits["train"], splits["test"])})
    return paths


def read_vader(spec: TaskDataSpec, artifact: Path) -> pd.DataFrame:
    """Sentences rated from -4 to 4 by ten to twenty people each (Hutto and Gilbert 2014).

    options: domain = movie | amazon | nyt | tweets; threshold t: a mean rating of at least t is `positive`, of at
    most -t `negative`, between them the sentence is left out (0.5: ours). For regression the label is the rating.
    """
    where = f"config/config.yaml, tasks.{spec.task}, options"
    options = settle(spec.options, where, domain="movie", threshold=0.5)
    name = choose(options["domain"], VADER, "domain", where)
    if spec.kind == "classification":
        _need_classes(spec, "negative", "positive")
    (path,) = members(artifact, f"{name}_GroundTruth.txt")
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        cells = line.split("\t")
        if not line:
            continue
        try:
            own, rating, text = cells[0], float(cells[1]), clean(cells[2])
        except (IndexError, ValueError):
            raise UserError(
                "expected an id, a rating and a text, separated by tabs",
                where=f"{path}, line {number}",
                remedy="fetch the file again",
            ) from None
        label = rating if spec.kind == "regression" else _polarity(rating, options["threshold"])
        if label is not None:
            rows.append({"id": f"{options['domain']}-{own}", "text": text, "text_b": None, "label": label, "split": ""})
    return pd.DataFrame(rows, columns=FIELDS)


def read_tatoeba_paraphrase(spec: TaskDataSpec, artifact: Path) -> pd.DataFrame:
    """Pairs of English sentences that do or do not share a translation: `paraphrase` or `different` (ours)."""
    settle(spec.options, f"config/config.yaml, tasks.{spec.task}, options")
    _need_classes(spec, "different", "paraphrase")
    (path,) = members(artifact, "SENTENCES")
    rows = [
        {
            "id": f"pair-{n:05d}",
            "text": p.text,
            "text_b": p.text_b,
            "label": "paraphrase" if p.same else "different",
            "split": "",
        }
        for n, p in enumerate(paraphrase.read_pairs(path, spec.split_seed))
    ]
    return pd.DataFrame(rows, columns=FIELDS)


def read_tsv(spec: TaskDataSpec, artifact: Path) -> pd.DataFrame:
    """The generic reader (ours): .tsv or .csv with columns text, label and optionally text_b, id, split.

    split: train | validation (or dev) | test; without that column a file named after a split gives its rows to it,
    and otherwise the rows are split here. Raises UserError naming file and row.
    """
    settle(spec.options, f"config/config.yaml, tasks.{spec.task}, options")
    parts = []
    for path in members(artifact, ".tsv", ".csv"):
        raw = read_table(path, ("text", "label"), ("text_b", "id", "split"))
        part = pd.DataFrame({"text": raw["text"].map(clean)})
        part["text_b"] = raw["text_b"].map(clean) if "text_b" in raw else None
        part["id"] = raw["id"] if "id" in raw else [f"{path.stem}-{row}" for row in raw.index]
        part["label"] = numbers(raw, "label", path) if spec.kind == "regression" else raw["label"].str.strip()
        names = raw["split"].str.strip() if "split" in raw else pd.Series(path.stem, index=raw.index)
        part["split"] = names.map(SPLIT_NAMES)
        known = {"label": (part["label"].isin(spec.labels), spec.labels)} if spec.kind == "classification" else {}
        if "split" in raw:
            known["split"] = (part["split"].notna(), SPLIT_NAMES)
        for column, (right, names) in known.items():
            if not right.all():
                row = (~right).idxmax()
                raise UserError(
                    f"{column} {raw[column][row]!r} is not among the task's {column}s: {', '.join(names)}",
                    where=f"{path}, row {row}",
                    remedy=f"correct the row, or tasks.{spec.task} in config/config.yaml",
                )
        for column in ("text", "text_b"):
            if (empty := part[column] == "").any():
                where = f"{path}, row {empty.idxmax()}"
                raise UserError(f"{column} is empty", where=where, remedy="fill it or leave the row out")
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    if (repeated := frame["id"].duplicated()).any():
        raise UserError(
            f"id {frame['id'][repeated.idxmax()]!r} is there twice", where=artifact, remedy="make ids unique"
        )
    if frame["split"].isna().all():
        frame["split"] = ""
    elif frame["split"].isna().any():
        raise UserError(
            "some rows have a split and others none",
            where=artifact,
            remedy="give a split column in every file, or name every file after its split",
        )
    return frame


READERS: dict[str, Callable[[TaskDataSpec, Path], pd.DataFrame]] = {
    "vader": read_vader,
    "tatoeba_paraphrase": read_tatoeba_paraphrase,
    "tsv": read_tsv,
}


def overlap_baseline(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Test accuracy of the best threshold on word overlap (Jaccard), chosen on train: what no understanding gives."""

    def overlaps(frame: pd.DataFrame) -> np.ndarray:
        pairs = zip(frame["text"], frame["text_b"], strict=True)
        return np.array([paraphrase.overlap(paraphrase.words(a), paraphrase.words(b)) for a, b in pairs])

    known, unknown = overlaps(train), overlaps(test)
    best = (-1.0, 0.0, "", "")
    labels = sorted(train["label"].unique())
    for threshold in np.unique(np.quantile(known, np.linspace(0, 1, 101))):
        for low in labels:
            for high in labels:
                accuracy = float((np.where(known >= threshold, high, low) == train["label"]).mean())
                best = max(best, (accuracy, float(threshold), low, high))
    _, threshold, low, high = best
    return float((np.where(unknown >= threshold, high, low) == test["label"]).mean())


def _polarity(rating: float, threshold: float) -> str | None:
    return "positive" if rating >= threshold else "negative" if rating <= -threshold else None


def _need_classes(spec: TaskDataSpec, *classes: str) -> None:
    """Check, before a reader with classes of its own starts, that the task has them."""
    where = f"config/config.yaml, tasks.{spec.task}"
    if spec.kind != "classification":
        raise UserError(
            f"reader {spec.reader!r} gives the classes {', '.join(classes)}, not numbers",
            where=where,
            remedy="set kind: classification",
        )
    for name in classes:
        if name not in spec.labels:
            raise UserError(
                f"reader {spec.reader!r} gives the label {name!r}, which is not among the task's labels: "
                f"{', '.join(spec.labels)}",
                where=where,
                remedy=f"set labels: [{', '.join(classes)}]",
            )


def _without_repetitions(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Each text (or pair) once: the first stays, and none if their labels differ.

    Where the source has splits, test keeps its text, then validation, whatever the labels: so train never holds what
    they are measured on.
    """
    order = frame["split"].map({"test": 0, "validation": 1, "train": 2, "": 0})
    frame = frame.iloc[np.argsort(order.to_numpy(), kind="stable")]
    texts = frame["text"] + "\t" + frame["text_b"].fillna("")
    key = texts.str.casefold().rename("key")
    disputed = frame.groupby(key)["label"].transform("nunique") > 1
    disputed &= frame["split"] == ""
    kept = frame[~disputed & ~key.duplicated()]
    if len(kept) < len(frame):
        ledger.note(f"{len(frame) - len(kept)} of {len(frame)} examples left out: their text is there more than once")
    return kept.reset_index(drop=True)


def _split(frame: pd.DataFrame, spec: TaskDataSpec) -> dict[str, pd.DataFrame]:
    """The source's splits if it has any, else ours, by connected texts; both cut at the limits."""
    strata = list(frame["label"]) if spec.kind == "classification" else [""] * len(frame)
    if (frame["split"] == "").all():
        pairs = zip(frame["text"], frame["text_b"], strict=True)
        groups = components([(a,) if pd.isna(b) else (a, b) for a, b in pairs])
        return {name: frame.iloc[rows] for name, rows in split(groups, strata, spec.limits, spec.split_seed).items()}
    parts = {}
    for name in SPLITS:
        rows = np.flatnonzero(frame["split"] == name)
        chosen = draw([strata[row] for row in rows], spec.limits.get(name, len(rows)), spec.split_seed)
        parts[name] = frame.iloc[rows[chosen]]
    return parts
