"""How labelled data become a task with three splits.

A reader (a module of readers/) has `read(spec, artifact, ledger)`, which gives a frame: id str, text str, text_b str
or None, label as its kind of task says (a class's name, a number, a tuple over words, ...), split str (empty where the
source has none), the columns that the kind adds; and, where more than equal texts ties examples together, group: a
tuple of what no two splits may share (a passage, an article, a film). Of a task in several languages it also gives
language: str (tasks/languages.py).

`prepare` checks, drops repeated texts, splits, limits and writes {train,validation,test}.parquet: id str, text str,
text_b str or null, label in numbers as the kind says (a number, list<int64> [words], ...), the kind's columns, and
language where the task has several, and the translation of each text where they are asked for (translations.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium import manifest, named
from scriptorium.errors import UserError
from scriptorium.files.tables import write_parquet
from scriptorium.ledger import Ledger
from scriptorium.tasks.kind import TaskKind, kind_of
from scriptorium.tasks.languages import asked_for
from scriptorium.tasks.splits import SPLITS, components, draw, split
from scriptorium.tasks.translations import COLUMNS, translations_of, widened

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

READERS = "scriptorium.tasks.readers"


def prepare(
    spec: TaskDataSpec, artifact: Path, out: Path, ledger: Ledger, translated: Path | None = None
) -> list[Path]:
    """Read, check, split and write a task. artifact: manifest of the raw data; translated: of files of translations.

    Raises UserError: labels that the kind of task cannot have, a bad file or row, a split without examples, a text
    without its translation.
    """
    kind, where = kind_of(spec.kind), f"config/config.yaml, tasks.{spec.task}"
    if fault := kind.labels_fault(spec.labels):
        raise UserError(fault, where=f"{where}.labels")
    whole = named.load(READERS, spec.reader).read(widened(spec), artifact, ledger)
    frame = asked_for(whole, spec.languages) if spec.translations else whole
    if spec.validation_share == 0:
        note_shared(frame, ledger)
    elif not kind.repeated_texts_are_data:
        frame = without_repetitions(frame, ledger)
    splits = split_up(frame, spec, ledger)
    for name in SPLITS:
        if splits[name].empty:
            raise UserError(
                f"split {name!r} has no examples (of {len(frame)})",
                where=where,
                remedy="give more data, lower the limits of the other splits, or give every split rows of its own",
            )
    if spec.translations:
        translations = translations_of(spec, whole, artifact, translated, ledger)
        for name in ("train",) if spec.translations.train_only else SPLITS:
            splits[name] = translations.beside(name, splits[name])
    splits, paths = kind.scale(splits, spec.labels, out)
    texts, language = ("id", "text", "text_b"), ("language",) if spec.languages else ()
    for name in SPLITS:
        part = splits[name]
        ledger.metrics(0, {f"examples/{name}": len(part), **kind.counts(name, part["label"])})
        for own in language:
            ledger.metrics(0, {f"examples/{name}/{code}": int(n) for code, n in part[own].value_counts().items()})
        part = part.assign(label=kind.numbered(part["label"], spec.labels))
        beside = [name for name in COLUMNS if name in part]
        columns = part[[*texts, "label", *kind.more_columns, *language, *beside]]
        columns = columns.astype(dict.fromkeys((*texts, *language, *beside), "string"))
        paths.append(write_parquet(columns, out / f"{name}.parquet"))
        ledger.artifact(paths[-1], "dataset")
    if found := baselines(kind, splits, spec):
        ledger.metrics(0, {f"baseline/{name}": value for name, value in found.items()})
        paths.append(manifest.write_json(out / "baselines.json", found))
    return paths


def baselines(kind: TaskKind, splits: dict[str, pd.DataFrame], spec: TaskDataSpec) -> dict[str, float]:
    """Those of the kind; in several languages the mean over them, and each as <baseline>/<language>."""
    train, test = splits["train"], splits["test"]
    if not spec.languages:
        return kind.baselines(train, test, spec.labels)
    single = {own: kind.baselines(train, part, spec.labels) for own, part in test.groupby("language", sort=False)}
    names = dict.fromkeys(name for found in single.values() for name in found)
    means = {name: float(np.mean([found[name] for found in single.values() if name in found])) for name in names}
    return means | {f"{name}/{own}": value for own, found in single.items() for name, value in found.items()}


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
    if "language" in frame:  # what is split here stands in one split whatever its language
        texts += ("\t" + frame["language"]).where(frame["split"] == "", "")
    key = texts.str.casefold().rename("key")
    disputed = frame.groupby(key)["label"].transform("nunique") > 1
    disputed &= frame["split"] == ""
    kept = frame[~disputed & (~key.duplicated() | (frame["split"] == "test"))]
    if len(kept) < len(frame):
        ledger.note(f"{len(frame) - len(kept)} of {len(frame)} examples left out: their text is there more than once")
    return kept.reset_index(drop=True)


def note_shared(frame: pd.DataFrame, ledger: Ledger) -> None:
    """How many texts (or pairs) of train stand in the reported set too: none is left out, as in the papers."""
    texts = (frame["text"] + "\t" + frame["text_b"].fillna("")).str.casefold()
    train, test = (texts[frame["split"] == name] for name in ("train", "test"))
    shared = int(train.isin(set(test)).sum())
    ledger.note(
        f"no example is left out; the texts of {shared} of {len(train)} train examples are in the reported set too"
    )


def split_up(frame: pd.DataFrame, spec: TaskDataSpec, ledger: Ledger) -> dict[str, pd.DataFrame]:
    """The source's splits if it has any, else ours, by connected texts; both cut at the limits.

    A source with train and test alone (GLUE, CoNLL-2000) gets a validation split cut from its train: a share of
    `validation_share` or the limit, whichever is less, by connected texts too, in the label shares of train (ours).
    With a share of 0 it is the test split once more: what papers report as dev set.

    Raises UserError: a share of 0, and no public dev set.
    """
    uncut = spec.validation_share == 0
    if (frame["split"] == "").all():
        if uncut:
            raise _no_dev_set(spec, "the source has no splits")
        own = _of_all_languages(spec.limits, spec)
        return in_languages({name: frame.iloc[rows] for name, rows in _cut(frame, spec, own).items()}, spec)
    parts = {name: frame[frame["split"] == name] for name in SPLITS}
    if uncut and parts["validation"].empty:
        if spec.options.dev != "reported":
            raise _no_dev_set(spec, "the source has train and test alone")
        parts["validation"] = parts["test"]
        ledger.note(
            f"the public dev set, {len(parts['test'])} examples, is validation and test: nothing is cut from train"
        )
    elif parts["validation"].empty and not parts["train"].empty:
        wanted = round(spec.validation_share * len(parts["train"]))
        most = _of_all_languages(spec.limits, spec, "train").get("validation", wanted)
        limits = {"validation": min(wanted, most), "test": 0}
        whole = parts["train"]
        cut = _cut(whole, spec, limits)
        parts |= {name: whole.iloc[cut[name]] for name in ("train", "validation")}
        ledger.note(
            f"the source has no validation split: {len(parts['validation'])} of {len(whole)} train examples became it"
        )
    if spec.languages:
        return in_languages(parts, spec)
    for name, part in parts.items():
        chosen = draw(kind_of(spec.kind).strata(part), spec.limits.get(name, len(part)), spec.split_seed)
        parts[name] = part.iloc[chosen]
    return parts


def _no_dev_set(spec: TaskDataSpec, why: str) -> UserError:
    return UserError(
        f"{why}, so there is no public dev set that the weights could be chosen on",
        where=f"config/config.yaml, tasks.{spec.task}, validation_share: 0 (protocol: paper)",
        remedy="take protocol: ours for this task, or give the data a dev split",
    )


def in_languages(parts: dict[str, pd.DataFrame], spec: TaskDataSpec) -> dict[str, pd.DataFrame]:
    """Splits in the languages that they are asked for in, each language cut at the limit; the same for one language.

    Where languages have the same examples, as translations, the same are drawn in each.
    """
    if not spec.languages:
        return parts
    kind, wanted, found = kind_of(spec.kind), spec.languages, {}
    for name, part in parts.items():
        own = [part[part["language"] == code] for code in (wanted.test if name == "test" else wanted.train)]
        own = [rows.sort_values("id", kind="stable") for rows in own]
        limits = [spec.limits.get(name, len(rows)) for rows in own]
        drawn = [
            rows.iloc[draw(kind.strata(rows), limit, spec.split_seed)]
            for rows, limit in zip(own, limits, strict=True)
            if len(rows)
        ]
        found[name] = pd.concat(drawn) if drawn else part.iloc[:0]
    return found


def _of_all_languages(limits: dict[str, int], spec: TaskDataSpec, split: str = "") -> dict[str, int]:
    """Limits per language as limits of all of them together; of train's languages alone where that is said."""
    count = 1 if not spec.languages else len(spec.languages.train if split else spec.languages.all)
    return {name: limit * count for name, limit in limits.items()}


def _cut(frame: pd.DataFrame, spec: TaskDataSpec, limits: dict[str, int]) -> dict[str, list[int]]:
    if "group" in frame:
        groups = components(list(frame["group"]))
    else:
        pairs = zip(frame["text"], frame["text_b"], strict=True)
        groups = components([(a,) if pd.isna(b) else (a, b) for a, b in pairs])
    strata = kind_of(spec.kind).strata(frame)
    if spec.languages:
        strata = [f"{own} {stratum}" for own, stratum in zip(frame["language"], strata, strict=True)]
    return split(groups, strata, limits, spec.split_seed)
