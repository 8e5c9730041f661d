"""A small sound data set for every registered reader, and how it is read: for tests that attack all of them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from scriptorium import manifest
from scriptorium.alignments import preparing as alignments
from scriptorium.alignments.readers.spec import READERS as ALIGNMENTS
from scriptorium.alignments.spec import AlignmentsSpec
from scriptorium.gaze.readers.spec import OPTIONS as GAZE
from scriptorium.gaze.regressor.glove import FileVectors
from scriptorium.minimal_pairs import preparing as minimal_pairs
from scriptorium.minimal_pairs.readers.spec import READERS as MINIMAL_PAIRS
from scriptorium.minimal_pairs.spec import PairsSpec
from scriptorium.retrieval import preparing as retrieval
from scriptorium.retrieval.readers.spec import READERS as RETRIEVAL
from scriptorium.retrieval.spec import CollectionSpec
from scriptorium.tasks.readers.spec import OPTIONS as TASKS
from scriptorium.text.corpora.readers.spec import READERS as CORPORA
from scriptorium.text.dictionaries import preparing as dictionaries
from scriptorium.text.dictionaries.readers.spec import READERS as DICTIONARIES
from scriptorium.text.dictionaries.spec import DictionarySpec
from scriptorium.text.parallel.readers.spec import READERS as PARALLEL
from tests import gaze_files
from tests.raw import Raw
from tests.reader_files import (
    BBC,
    BLIMP,
    CLASSES,
    CORPUS,
    DOCUMENTS,
    ENGLISH,
    FILMS,
    GERMAN,
    IMDB,
    JMDICT,
    LANGUAGES,
    MOODS,
    NUMBERS,
    PAIRS,
    QUESTION,
    SENTENCES,
    TAGGED,
    TAGS,
    THREE,
    XNLI,
    Files,
    burrito,
    jsonl,
    parquet,
    race,
    squad,
    table,
    tatoeba_table,
    tei,
    tmx,
    wikipedia,
)

REGISTERED = {
    "gaze": GAZE,
    "task": TASKS,
    "corpus": CORPORA,
    "parallel": PARALLEL,
    "dictionary": DICTIONARIES,
    "alignments": ALIGNMENTS,
    "minimal_pairs": MINIMAL_PAIRS,
    "retrieval": RETRIEVAL,
}


@dataclass(frozen=True)
class Sample:
    """Files that a reader reads, by its kind and name; `broken` names those that may be damaged (default: all)."""

    kind: str
    reader: str
    files: Files
    settings: dict[str, Any] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        return self.broken or tuple(self.files)

    def read(self, raw: Raw, changed: Files | None = None) -> list[pd.DataFrame]:
        """The tables that come out of the sample with some files changed. Raises UserError."""
        return READ[self.kind](raw, self.reader, self.files | (changed or {}), self.settings)


def _read_gaze(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    return [raw.gaze(reader, files, **settings)]


def _read_task(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    return list(raw.task(reader, files, **settings).values())


def _read_corpus(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    return [raw.corpus((reader, files, settings))]


def _read_parallel(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    return [raw.pairs((reader, files, settings))]


def _read_dictionary(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    source = {"dataset": "set", "reader": reader, "languages": ["en", "de"], **settings}
    spec = DictionarySpec.parse({"dictionary": "d", "sources": [source]})
    return _tables(dictionaries.prepare(spec, [raw.add(files)], raw.root / "out", raw.ledger))


def _read_alignments(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    spec = AlignmentsSpec.parse({"alignments": "gold", "reader": reader, **settings})
    return _tables(alignments.prepare(spec, raw.add(files), raw.root / "out", raw.ledger))


def _read_minimal_pairs(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    spec = PairsSpec.parse({"pairs": "p", "reader": reader, "options": settings})
    return _tables(minimal_pairs.prepare(spec, raw.add(files), raw.root / "out", raw.ledger))


def _read_retrieval(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    spec = CollectionSpec.parse({"collection": "c", "reader": reader, **settings})
    return _tables(retrieval.prepare(spec, raw.add(files), [], raw.root / "out", raw.ledger))


def _read_vectors(raw: Raw, reader: str, files: Files, settings: dict[str, Any]) -> list[pd.DataFrame]:
    manifest_path = raw.add(files)
    path = manifest_path.parent / manifest.read(manifest_path)["files"][0]["path"]
    return [pd.DataFrame({"word": list(FileVectors.read(path, ["the", "of", "and"]).table)})]


def _tables(paths: list[Path]) -> list[pd.DataFrame]:
    return [pd.read_parquet(path) for path in paths if path.suffix == ".parquet"]


READ: dict[str, Callable[[Raw, str, Files, dict[str, Any]], list[pd.DataFrame]]] = {
    "gaze": _read_gaze,
    "task": _read_task,
    "corpus": _read_corpus,
    "parallel": _read_parallel,
    "dictionary": _read_dictionary,
    "alignments": _read_alignments,
    "minimal_pairs": _read_minimal_pairs,
    "retrieval": _read_retrieval,
    "vectors": _read_vectors,
}


SAMPLES = [
    *(Sample("gaze", reader, {name: sound}) for reader, (name, sound, _) in gaze_files.SAMPLES.items()),
    Sample("gaze", "zuco", {"resultsYAC_NR.mat": gaze_files.version_7(gaze_files.ANNA)}),
    Sample("gaze", "means", {"words.csv.gz": gzip.compress((gaze_files.MEANS + gaze_files.MEANS_ROWS).encode())}),
    Sample(
        "task",
        "vader",
        {"movieReviewSnippets_GroundTruth.txt": table([str(n) for n in NUMBERS], ["2.5", "-2.5"] * 12, FILMS)},
        {"kind": "classification", "labels": ["negative", "positive"]},
    ),
    Sample(
        "task", "tatoeba_paraphrase", {"SENTENCES": tatoeba_table()}, {**CLASSES, "labels": ["different", "paraphrase"]}
    ),
    Sample("task", "bbc_topics", BBC, {**CLASSES, "labels": ["sport", "tech"]}, ("tech/003.txt",)),
    Sample("task", "tsv", {"a.tsv": table(FILMS, MOODS, header="text\tlabel\n")}, CLASSES),
    Sample(
        "task",
        "tsv",
        {"a.csv": table([f'"{film}, ""yes"""' for film in FILMS], MOODS, separator=",", header="text,label\n")},
        CLASSES,
    ),
    Sample(
        "task",
        "glue",
        {
            "train.tsv": table(FILMS, ["0", "1"] * 12, header="sentence\tlabel\n"),
            "dev.parquet": parquet(sentence=GERMAN, label=[0, 1] * 12),
        },
        {"kind": "classification", "labels": ["negative", "positive"], "options": {"task": "sst2"}},
    ),
    Sample("task", "imdb", IMDB, {**CLASSES, "labels": ["negative", "positive"]}, ("train/pos/3_7.txt",)),
    Sample(
        "task",
        "conll",
        {"train.txt": SENTENCES, "test.txt.gz": gzip.compress(SENTENCES.replace("Go", "Run").encode())},
        {**TAGS, "options": {"task": "chunking"}},
    ),
    Sample(
        "task",
        "eye_tracking",
        {"a.csv": "sentence_id,word_id,word,nFix\n" + "".join(f"{n},0,Go{n},1.5\n{n},1,on,2\n" for n in range(40))},
        {"kind": "gaze", "labels": ["nFix"]},
    ),
    Sample(
        "task",
        "gaze_corpus",
        {
            "a.csv": gaze_files.CSV
            + "".join(f"d{n},0,0,Go{n},a,1,200\nd{n},0,1,home,a,{n % 3},{90 * (n % 3 > 0)}\n" for n in NUMBERS)
        },
        {"kind": "gaze", "labels": ["n_fix"], "options": {"reader": "csv"}},
    ),
    Sample(
        "task",
        "tagged",
        {
            "train-en.tsv": TAGGED,
            "test-en.tsv": TAGGED.replace("Go", "Run"),
            "test-de.parquet": parquet(tokens=[[f"Los{n}", "geht"] for n in NUMBERS], ner_tags=[["O", "B-X"]] * 24),
        },
        {**TAGS, **LANGUAGES},
    ),
    Sample(
        "task",
        "text_pairs",
        {
            "train-en.tsv": table(FILMS, ENGLISH, THREE),
            "test-en.tsv.gz": gzip.compress(table(ENGLISH, FILMS, THREE).encode()),
            "test-de.parquet": parquet(premise=GERMAN, hypothesis=FILMS, label=[n % 3 for n in NUMBERS]),
        },
        {"kind": "classification", "labels": XNLI, "options": {"task": "xnli"}, **LANGUAGES},
    ),
    Sample(
        "task",
        "squad",
        {"train.json": squad("a"), "test.json.gz": gzip.compress(squad("b").encode())},
        {"kind": "question_answering", "labels": []},
    ),
    Sample(
        "task",
        "race",
        {
            f"RACE/{split}/{part}/{n}.txt": race(number)
            for number, (split, part, n) in enumerate(
                (s, p, n) for s in ("train", "dev", "test") for p in ("middle", "high") for n in range(4)
            )
        },
        {"kind": "multiple_choice", "labels": ["middle", "high"]},
        ("RACE/train/high/2.txt",),
    ),
    Sample(
        "task",
        "copa",
        {
            f"{split}.jsonl": jsonl(
                *(
                    {"premise": f"It {split} {n}", "choice1": "a", "choice2": "b", "question": "cause", "label": n % 2}
                    for n in NUMBERS
                )
            )
            for split in ("train", "val", "test")
        },
        {"kind": "multiple_choice", "labels": ["cause", "effect"]},
    ),
    Sample(
        "task",
        "choices",
        {"own.jsonl": jsonl(*({**QUESTION, "text": f"A text {n} 😀"} for n in NUMBERS))},
        {"kind": "multiple_choice", "labels": []},
    ),
    Sample(
        "task",
        "marked_words",
        {"a.txt": " ".join(f"ab{chr(97 + n)} abcdefg{chr(97 + n)}" for n in NUMBERS)},
        {**CLASSES, "labels": ["short", "long"], "options": {"examples": 60, "words": 4, "vocabulary": 12}},
    ),
    Sample("corpus", "text", {"a.txt": "\n\n".join(DOCUMENTS), "b.txt.gz": gzip.compress(b"One\n\nTwo\n\nThree\n")}),
    Sample("corpus", "jsonl", {"a.jsonl": jsonl(*({"text": text} for text in DOCUMENTS))}),
    Sample("corpus", "parquet", {"a.parquet": parquet(text=DOCUMENTS)}),
    Sample("corpus", "wikitext", {"a.tokens": "".join(f" = Title {n} = \n\n Text {n} <unk> . \n" for n in NUMBERS)}),
    Sample("corpus", "bbc", BBC, {}, ("tech/003.txt",)),
    Sample("corpus", "tatoeba_sentences", {"SENTENCES": tatoeba_table(100)}),
    Sample("corpus", "wikipedia", {"a.xml": wikipedia()}),
    Sample(
        "corpus", "bible", {"a.csv": "x,b,c,v,t\n" + "".join(f'{n},1,{n},1,"In the, {n} {{note}}"\n' for n in NUMBERS)}
    ),
    Sample("parallel", "tatoeba_pairs", {"SENTENCES": tatoeba_table()}),
    Sample(
        "parallel", "aligned_lines", {"a.en": "\n".join(ENGLISH), "a.de.gz": gzip.compress("\n".join(GERMAN).encode())}
    ),
    Sample("parallel", "tsv", {"a.tsv": table(ENGLISH, GERMAN, header="en\tde\n")}),
    Sample("parallel", "tmx", {"a.tmx": tmx()}),
    Sample(
        "parallel",
        "parquet",
        {"a.parquet": parquet(translation=[{"en": en, "de": de} for en, de in zip(ENGLISH, GERMAN, strict=True)])},
    ),
    Sample("dictionary", "jmdict_pivot", {"jmdict.xml.gz": gzip.compress(f"<JMdict>{JMDICT}</JMdict>".encode())}),
    Sample("dictionary", "muse", {"en-de.txt": table([f"house{n}" for n in NUMBERS], [f"Haus{n}" for n in NUMBERS])}),
    Sample("dictionary", "freedict", {"eng-deu.tei": tei()}),
    Sample(
        "dictionary",
        "panlex_swadesh",
        {"swadesh110/eng-000.txt": "house\thome\n\nbuy\n", "swadesh110/deu-000.txt": "Haus\nKatze\nkaufen\n"},
    ),
    Sample(
        "dictionary",
        "tsv",
        {"a.tsv": table([f"house{n}" for n in NUMBERS], [f"Haus{n}" for n in NUMBERS], header="en\tde\n")},
    ),
    Sample("alignments", "bible_alignments", burrito(), {"languages": ["grc", "en"]}),
    Sample(
        "alignments",
        "pharaoh",
        {"t.en": "\n".join(ENGLISH), "t.de": "\n".join(GERMAN), "t.align": "\n".join(["0-0 1-1 2p2"] * len(NUMBERS))},
        {"languages": ["en", "de"]},
    ),
    Sample("minimal_pairs", "blimp", {"a.jsonl": jsonl(*BLIMP)}),
    Sample("minimal_pairs", "blimp", {"a.parquet": parquet(**pd.DataFrame(BLIMP).to_dict("list"))}),
    Sample("minimal_pairs", "swapped", {"documents.parquet": CORPUS}),
    Sample("minimal_pairs", "inflected", {"documents.parquet": CORPUS}),
    Sample("minimal_pairs", "dropped", {"documents.parquet": CORPUS}),
    Sample("minimal_pairs", "doubled", {"documents.parquet": CORPUS}),
    Sample(
        "retrieval", "tatoeba", {"tatoeba.deu-eng.deu": "\n".join(GERMAN), "tatoeba.deu-eng.eng": "\n".join(ENGLISH)}
    ),
    Sample("retrieval", "pairs", {"pairs.parquet": PAIRS}),
    Sample(
        "retrieval",
        "bucc",
        {
            f"de-en.{part}.{ending}": text
            for part in ("sample", "training")
            for ending, text in {
                "de": table([f"de-{n}" for n in NUMBERS], GERMAN),
                "en": table([f"en-{n}" for n in NUMBERS], ENGLISH),
                "gold": table([f"de-{n}" for n in range(9)], [f"en-{n}" for n in range(9)]),
            }.items()
        },
    ),
    Sample("vectors", "glove", {"vectors.txt": "the 1 2 3\nof 4 5 6\nand 7 8 9\n"}),
    Sample("vectors", "glove", {"vectors.txt.gz": gzip.compress(b"the 1 2 3\nof 4 5 6\nand 7 8 9\n")}),
]
