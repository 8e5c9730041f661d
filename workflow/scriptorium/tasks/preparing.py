"""How labelled data become a task with three splits.

A reader gives a frame: id str, text str, text_b str or None, label (class name; number for regression; tuple of one
tag name per word for tagging; tuple of one tuple of numbers per word for gaze; tuple of (answer, place) for question
answering; number of the right option for multiple choice), split str (empty where the source has none); for multiple
choice also options (tuple) and part str; and, where more than equal texts ties examples together, group: a tuple of
what no two splits may share (a passage, an article, a film).

`prepare` checks labels, drops repeated texts, splits, limits and writes {train,validation,test}.parquet: id str, text
str, text_b str or null, label: classification int64 (place in the task's labels), regression float64, tagging
list<int64> [words], gaze list<list<float32>> [words, measures] scaled to 0..100 by scaler.json, question answering
list<struct<text, start>>, multiple choice int64 (place in its options; options list<str> and part str too).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.files.tables import choose, write_parquet
from scriptorium.ledger import Ledger
from scriptorium.tasks.baselines import baselines
from scriptorium.tasks.readers.conll import read_conll
from scriptorium.tasks.readers.copa import read_copa
from scriptorium.tasks.readers.eye_tracking import fit_scaler, read_reading, scaled
from scriptorium.tasks.readers.gaze_corpus import read_gaze_corpus
from scriptorium.tasks.readers.glue import read_glue
from scriptorium.tasks.readers.imdb import read_imdb
from scriptorium.tasks.readers.race import read_choices, read_race
from scriptorium.tasks.readers.squad import read_squad
from scriptorium.tasks.readers.tatoeba import read_tatoeba_paraphrase
from scriptorium.tasks.readers.tsv import read_tsv
from scriptorium.tasks.readers.vader import read_vader
from scriptorium.tasks.splits import SPLITS, components, draw, split

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

READERS: dict[str, Callable[[TaskDataSpec, Path, Ledger], pd.DataFrame]] = {
    "vader": read_vader,
    "tatoeba_paraphrase": read_tatoeba_paraphrase,
    "tsv": read_tsv,
    "glue": read_glue,
    "imdb": read_imdb,
    "conll": read_conll,
    "reading": read_reading,
    "gaze_corpus": read_gaze_corpus,
    "squad": read_squad,
    "race": read_race,
    "copa": read_copa,
    "choices": read_choices,
}


def prepare(spec: TaskDataSpec, artifact: Path, out: Path, ledger: Ledger) -> list[Path]:
    """Read, check, split and write a task. artifact: manifest of the raw data.

    Raises UserError: unknown reader or option, bad file or row, label outside its set, a split without examples.
    """
    frame = choose(spec.reader, READERS, "task reader", f"config/config.yaml, tasks.{spec.task}")(
        spec, artifact, ledger
    )
    if spec.kind != "gaze":  # two readings of a sentence are data, and stay in one split
        frame = without_repetitions(frame, ledger)
    splits = split_up(frame, spec, ledger)
    for name in SPLITS:
        if splits[name].empty:
            raise UserError(
                f"split {name!r} has no examples (of {len(frame)})",
                where=f"config/config.yaml, tasks.{spec.task}",
                remedy="give more data, lower the limits of the other splits, or give every split rows of its own",
            )
    paths = []
    if spec.kind == "gaze":
        scaler = fit_scaler(splits["train"]["label"], spec.labels)
        paths.append(manifest.write_json(out / "scaler.json", scaler))
        splits = {name: part.assign(label=scaled(part["label"], scaler)) for name, part in splits.items()}
    for name in SPLITS:
        part = splits[name]
        ledger.metrics(0, {f"examples/{name}": len(part)})
        if spec.kind == "classification":
            shares = part["label"].value_counts(normalize=True).sort_index()
            ledger.metrics(0, {f"share/{name}/{label}": share for label, share in shares.items()})
        elif spec.kind in ("tagging", "gaze"):
            ledger.metrics(0, {f"words/{name}": int(part["label"].map(len).sum())})
        part = part.assign(label=_numbered(part["label"], spec))
        extra = [name for name in ("options", "part") if name in part]
        columns = part[["id", "text", "text_b", "label", *extra]].astype(
            {"id": "string", "text": "string", "text_b": "string"}
        )
        paths.append(write_parquet(columns, out / f"{name}.parquet"))
        ledger.artifact(paths[-1], "dataset")
    if found := baselines(spec, splits["train"], splits["test"]):
        ledger.metrics(0, {f"baseline/{name}": value for name, value in found.items()})
        paths.append(manifest.write_json(out / "baselines.json", found))
    return paths


def _numbered(labels: pd.Series, spec: TaskDataSpec) -> pd.Series:
    """Names as places in the task's labels."""
    place = {name: number for number, name in enumerate(spec.labels)}
    if spec.kind == "classification":
        return labels.map(place).astype("int64")
    if spec.kind == "tagging":
        return labels.map(lambda tags: np.array([place[tag] for tag in tags], np.int64))
    if spec.kind == "question_answering":
        return labels.map(lambda answers: [{"text": text, "start": start} for text, start in answers])
    return labels.map(list) if spec.kind == "gaze" else labels


def without_repetitions(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Each text (or pair) once: the first stays, and none if their labels differ.

    Where the source has splits, test stays whole, since a benchmark's numbers are comparable on all of it only. Then
    validation keeps its text, whatever the labels: so train never holds what they are measured on.
    """
    order = frame["split"].map({"test": 0, "validation": 1, "train": 2, "": 0})
    frame = frame.iloc[np.argsort(order.to_numpy(), kind="stable")]
    texts = frame["text"] + "\t" + frame["text_b"].fillna("")
    if "options" in frame:
        texts += "\t" + frame["options"].map("\t".join)
    key = texts.str.casefold().rename("key")
    disputed = frame.groupby(key)["label"].transform("nunique") > 1
    disputed &= frame["split"] == ""
    kept = frame[~disputed & (~key.duplicated() | (frame["split"] == "test"))]
    if len(kept) < len(frame):
        ledger.note(f"{len(frame) - len(kept)} of {len(frame)} examples left out: their text is there more than once")
    return kept.reset_index(drop=True)


def split_up(frame: pd.DataFrame, spec: TaskDataSpec, ledger: Ledger) -> dict[str, pd.DataFrame]:
    """The source's splits if it has any, else ours, by connected texts; both cut at the limits.

    A source with train and test alone (GLUE, CoNLL-2000) gets a validation split cut from its train: a share of
    `validation_share` or the limit, whichever is less, by connected texts too, in the label shares of train (ours).
    """
    if (frame["split"] == "").all():
        return {name: frame.iloc[rows] for name, rows in _cut(frame, spec, spec.limits).items()}
    parts = {name: frame[frame["split"] == name] for name in SPLITS}
    if parts["validation"].empty and not parts["train"].empty:
        wanted = round(spec.validation_share * len(parts["train"]))
        limits = {"validation": min(wanted, spec.limits.get("validation", wanted)), "test": 0}
        whole = parts["train"]
        cut = _cut(whole, spec, limits)
        parts |= {name: whole.iloc[cut[name]] for name in ("train", "validation")}
        ledger.note(
            f"the source has no validation split: {len(parts['validation'])} of {len(whole)} train examples became it"
        )
    for name, part in parts.items():
        chosen = draw(_strata(part, spec), spec.limits.get(name, len(part)), spec.split_seed)
        parts[name] = part.iloc[chosen]
    return parts


def _cut(frame: pd.DataFrame, spec: TaskDataSpec, limits: dict[str, int]) -> dict[str, list[int]]:
    if "group" in frame:
        groups = components(list(frame["group"]))
    else:
        pairs = zip(frame["text"], frame["text_b"], strict=True)
        groups = components([(a,) if pd.isna(b) else (a, b) for a, b in pairs])
    return split(groups, _strata(frame, spec), limits, spec.split_seed)


def _strata(frame: pd.DataFrame, spec: TaskDataSpec) -> list[str]:
    return list(frame["label"]) if spec.kind == "classification" else [""] * len(frame)
