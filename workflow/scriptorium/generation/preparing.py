"""How raw data become a generation task with three splits.

A reader (a module of readers/) has `read(spec, artifact, ledger)`, which gives a frame as frame.py says. `prepare`
drops repeated examples, splits, limits and writes {train,validation,test}.parquet: id, source, target (str), and text,
text_b (str or null): of validation and test the running text that a corpus leaves out (text/corpora/excluding.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium import named
from scriptorium.errors import UserError
from scriptorium.files.tables import clean, write_parquet
from scriptorium.ledger import Ledger
from scriptorium.tasks.splits import SPLITS, components, draw, split

if TYPE_CHECKING:
    from scriptorium.generation.spec import GenerationDataSpec

READERS = "scriptorium.generation.readers"


def prepare(
    spec: GenerationDataSpec, artifact: Path, out: Path, ledger: Ledger, like: Path | None = None
) -> list[Path]:
    """Read, check, split and write a generation task.

    artifact: manifest of the raw data; like: of a prepared labelled task whose split of the same texts is taken over.
    Raises UserError: a bad file or row, a split without examples, a task `like` that has none of the texts.
    """
    frame = named.load(READERS, spec.reader).read(spec, artifact, ledger)
    if like:
        frame = frame.assign(split=_split_of(frame["whole"], like))
    frame = _without_repetitions(frame, ledger)
    parts = _split_up(frame, spec, ledger)
    paths = []
    for name in SPLITS:
        part = parts[name]
        if part.empty:
            raise UserError(
                f"split {name!r} has no examples (of {len(frame)})",
                where=f"config/config.yaml, generation.{spec.generation}",
                remedy="give more data, lower the limits of the other splits, or give every split rows of its own",
            )
        ledger.metrics(0, {f"examples/{name}": len(part)})
        held_out = part["whole"] if name != "train" else None
        columns = part[["id", "source", "target"]].assign(text=held_out, text_b=None).astype("string")
        paths.append(write_parquet(columns, out / f"{name}.parquet"))
        ledger.artifact(paths[-1], "dataset")
    return paths


def _split_of(texts: pd.Series, like: Path) -> list[str]:
    """The split in which a labelled task has each text, case and white space aside; train, where it has it not."""
    known = {}
    for name in SPLITS:
        table = pd.read_parquet(like.parent / f"{name}.parquet", columns=["text"])
        known |= {clean(text).casefold(): name for text in table["text"]}
    found = [known.get(text.casefold()) for text in texts]
    if not any(found):
        raise UserError(
            "none of the texts is in this task, so it says nothing of their splits",
            where=like,
            remedy="name a task on the same data set in `splits`, or leave it out",
        )
    return [each or "train" for each in found]


def _without_repetitions(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Each pair of source and target once, as it stands in test before validation before train."""
    order = frame["split"].map({"test": 0, "validation": 1, "train": 2, "": 0})
    frame = frame.iloc[np.argsort(order.to_numpy(), kind="stable")]
    repeated = (frame["source"] + "\t" + frame["target"]).str.casefold().duplicated() & (frame["split"] != "test")
    if repeated.any():
        ledger.note(f"{int(repeated.sum())} of {len(frame)} examples left out: they are there more than once")
    return frame[~repeated].reset_index(drop=True)


def _split_up(frame: pd.DataFrame, spec: GenerationDataSpec, ledger: Ledger) -> dict[str, pd.DataFrame]:
    """The source's splits if it has any, else ours, no two of which share a text; cut at the limits, in the order read.

    Of a source with splits, train and validation give up what shares a text with test, and train with validation.
    """
    if (frame["split"] == "").all():
        rows = split(components(list(frame["group"])), [""] * len(frame), spec.limits, spec.split_seed)
        return {name: frame.iloc[sorted(own)] for name, own in rows.items()}
    owner, kept = {}, []
    for number, (group, own) in enumerate(zip(frame["group"], frame["split"], strict=True)):  # test comes first
        if all(owner.setdefault(text.casefold(), own) == own for text in group):
            kept.append(number)
    if len(kept) < len(frame):
        ledger.note(f"{len(frame) - len(kept)} examples left out: a text of theirs is in another split")
    whole = frame.iloc[kept]
    parts = {name: whole[whole["split"] == name] for name in SPLITS}
    if parts["validation"].empty and len(parts["train"]) > 1:
        size = min(spec.limits.get("validation", len(parts["train"])), max(1, len(parts["train"]) // 10))
        rows = split(
            components(list(parts["train"]["group"])),
            [""] * len(parts["train"]),
            {"validation": size, "test": 0},
            spec.split_seed,
        )
        ledger.note(f"the source has no validation split: {len(rows['validation'])} train examples became it")
        parts |= {name: parts["train"].iloc[sorted(rows[name])] for name in ("train", "validation")}
    limited = {}
    for name, part in parts.items():
        limit = min(spec.limits.get(name, len(part)), len(part))
        limited[name] = part.iloc[sorted(draw([""] * len(part), limit, spec.split_seed))]
    return limited
