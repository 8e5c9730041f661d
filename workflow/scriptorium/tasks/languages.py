"""Tasks in several languages: which file is of which language, and which rows belong to train, validation and test.

Readers give a column `language` beside the others. Rows of one split with the same id are translations of one another
(of one question, of one pair of sentences): they stay in one split, and count as one example when intervals are
computed (reporting/languages.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import SPLIT_WORDS
from scriptorium.tasks.splits import SPLITS
from scriptorium.text.languages.spec import OneLanguage

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec, TaskLanguages

WORDS = re.compile(r"[._-]")
CROSSED = re.compile(r"context-(\w+)-question-(\w+)")  # MLQA: a passage in one language, its question in another
REMEDY = "name files by split and language, such as train-en.tsv and dev-de.tsv: docs/xtreme.md"


@dataclass(frozen=True)
class LanguageFile:
    """A file of a data set. split: train, validation, test or "" where no name says it; language: "" likewise."""

    path: Path
    split: str
    language: str


def files_by_language(spec: TaskDataSpec, artifact: Path, *endings: str, unnamed: str = "") -> Iterator[LanguageFile]:
    """The files of the task's languages, in order. What a name does not tell, the folders around it may.

    Those of other languages are left out, and train files of languages that are not trained on. unnamed: the language
    of files whose names tell none. Raises UserError for a name with two of the task's languages.
    """
    wanted = spec.languages
    for path in sorted(members(artifact, *endings)):
        parts = [path.name, *reversed(path.relative_to(artifact.parent).parts[:-1])]
        if (pair := CROSSED.search(path.name)) and pair[1] != pair[2]:
            continue
        language = next((found for part in parts if (found := _language(part, wanted.all, path))), "")
        if not language and any(OneLanguage.known(word) for part in parts for word in WORDS.split(part)):
            continue  # a language that is not asked for
        language = language or unnamed
        split = next((SPLIT_WORDS[w] for part in parts for w in WORDS.split(part) if w in SPLIT_WORDS), "")
        if language in ("", *wanted.all) and not (split == "train" and language not in ("", *wanted.train)):
            yield LanguageFile(path, split, language)


def _language(name: str, languages: Sequence[str], path: Path) -> str:
    found = {own for own in languages if re.search(rf"(?<![A-Za-z0-9]){re.escape(own)}(?![A-Za-z0-9])", name)}
    found = {own for own in found if not any(other.startswith(f"{own}-") for other in found)}  # pt of pt-BR
    if len(found) > 1:
        raise UserError(
            f"the name tells two languages of the task: {', '.join(sorted(found))}", where=path, remedy=REMEDY
        )
    return next(iter(found), "")


def arranged(frame: pd.DataFrame, spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The rows of the task, each with its split; "" everywhere where the source has one split alone, or none.

    With train, what has no split is test. Where there is no test, as in data whose test labels are not public,
    validation is our test (as with GLUE). Train and validation are of the languages of train, test of those of test.

    Raises UserError: no rows of a language in a split that needs it, or train is missing beside two other splits.
    """
    wanted = spec.languages
    there = set(zip(frame["split"], frame["language"], strict=True))
    splits = {split for split, _ in there}
    if len(splits) < 2:
        (only,) = splits or {""}
        _need(wanted.all, there, only, artifact)
        if only:
            ledger.note(f"the source has {only} alone: train, validation and test are cut from it")
        return frame.assign(split="")
    if "train" not in splits:
        raise UserError(f"there is no train among {_list(there)}", where=artifact, remedy=f"add it. {REMEDY}")
    frame = frame.assign(split=frame["split"].replace("", "test"))
    if "test" not in set(frame["split"]):
        frame = frame.assign(split=frame["split"].replace("validation", "test"))
    there = set(zip(frame["split"], frame["language"], strict=True))
    _need(wanted.train, there, "train", artifact)
    _need(wanted.test, there, "test", artifact)
    validated = [own for own in wanted.train if ("validation", own) in there]
    if validated and len(validated) < len(wanted.train):
        ledger.note(f"validation is in {', '.join(validated)} alone: the source has none of the other languages")
    return asked_for(frame, wanted)


def asked_for(frame: pd.DataFrame, wanted: TaskLanguages) -> pd.DataFrame:
    """The rows in the languages of their split; of all languages where the source has no splits."""
    own = {"": wanted.all, "train": wanted.train, "validation": wanted.train, "test": wanted.test}
    kept = [language in own[split] for split, language in zip(frame["split"], frame["language"], strict=True)]
    return frame[kept].reset_index(drop=True)


def _need(languages: Sequence[str], there: set[tuple[str, str]], split: str, artifact: Path) -> None:
    if missing := [own for own in languages if (split, own) not in there]:
        what = f"{split} of language" if split else "file of language"
        raise UserError(
            f"no {what} {missing[0]!r}; there is {_list(there)}",
            where=artifact,
            remedy=f"add it, or take {missing[0]} out of languages of the task. {REMEDY}",
        )


def _list(there: set[tuple[str, str]]) -> str:
    order = {name: place for place, name in enumerate((*SPLITS, ""))}
    parts = []
    for split in sorted({split for split, _ in there}, key=order.get):
        parts.append(f"{split or 'without a split'}: {', '.join(sorted(own for s, own in there if s == split))}")
    return "; ".join(parts) or "nothing"
