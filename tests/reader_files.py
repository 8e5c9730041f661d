"""The content of small sound files in many formats, for reader_samples.py."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd

Files = dict[str, str | bytes]


def parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer)
    return buffer.getvalue()


NUMBERS = range(24)
FILMS = [f"film {n} is „odd“" for n in NUMBERS]
MOODS = [("good", "bad")[n % 2] for n in NUMBERS]
DOCUMENTS = [f"Document {n}.\nIt has a second paragraph, number {n}." for n in NUMBERS]
ENGLISH, GERMAN = [f"house number {n}" for n in NUMBERS], [f"Haus Nummer {n}" for n in NUMBERS]
PAIRS = parquet(
    id=[f"p{n}" for n in NUMBERS],
    split=["validation"] * len(NUMBERS),
    lang_a=["de"] * len(NUMBERS),
    lang_b=["en"] * len(NUMBERS),
    text_a=GERMAN,
    text_b=ENGLISH,
)
CORPUS = parquet(
    source=["set"] * len(NUMBERS),
    split=["validation"] * len(NUMBERS),
    text=[f"This dog was seen by the old man number {'x' * (n + 1)} today." for n in NUMBERS],
)


def tatoeba_table(count: int = 24) -> str:
    """Two English sentences for each German one, and one that has no companion."""
    rows = []
    for n in range(count):
        for verb in ("buys", "takes"):
            cells = [f"{len(rows)}", f"jpn {len(rows)}", f"She {verb} thing{n} today", "-", f"Sie kauft Ding{n}"]
            rows.append("\t".join([*cells, "-", "-", "-", "-"]))
        rows.append(f"{len(rows)}\tjpn {len(rows)}\tHe sells thing{n} now\t-\tEr gibt Ding{n}\t-\t-\t-\t-")
    return "\n".join(rows) + "\n"


def squad(name: str) -> str:
    questions = [
        {"id": f"{name}{n}", "question": f"What {n}?", "answers": [{"text": f"word{n}", "answer_start": 5}]}
        for n in NUMBERS
    ]
    paragraphs = [{"context": f"The {' '}word{n} of {name} ½.", "qas": [q]} for n, q in enumerate(questions)]
    return json.dumps({"data": [{"paragraphs": [paragraph]} for paragraph in paragraphs]})


def race(number: int) -> str:
    return json.dumps(
        {
            "article": f"Article {number} — long.",
            "questions": ["The ship is _ .", "Why?"],
            "options": [["red", "blue"], ["a", "b"]],
            "answers": ["A", "B"],
        }
    )


def jsonl(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def tei() -> str:
    entries = "".join(
        f'<entry><form><orth>{en.replace(" ", "")}</orth></form><sense><cit type="trans" xml:lang="de">'
        f"<quote>{de.replace(' ', '')}</quote></cit></sense></entry>\n"
        for en, de in zip(ENGLISH, GERMAN, strict=True)
    )
    return f'<?xml version="1.0"?>\n<TEI><text><body xml:lang="en">\n{entries}</body></text></TEI>\n'


def tmx() -> str:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{en}</seg></tuv><tuv xml:lang="de"><seg>{de}</seg></tuv></tu>\n'
        for en, de in zip(ENGLISH, GERMAN, strict=True)
    )
    return f'<?xml version="1.0"?>\n<tmx version="1.4"><body>\n{units}</body></tmx>\n'


def wikipedia() -> str:
    text = " ".join(f"word{n}" for n in range(60))
    pages = "".join(
        f"<page><title>T{n}</title><ns>0</ns><id>{n}</id><revision><text>{text} number {n}.</text></revision></page>\n"
        for n in NUMBERS
    )
    return f"<mediawiki>\n{pages}</mediawiki>\n"


def burrito() -> Files:
    """Four verses of the New Testament in both languages, linked."""
    greek, english, records = ["id\taltId\ttext"], ["id\tsource_verse\ttext\tskip_space_after\texclude"], []
    for verse in range(1, 6):
        greek.append(f"n400010{verse:02d}001\tx\tΒίβλος{verse}")
        english += [f"400010{verse:02d}001\tv\tRecord{verse}\t\t", f"400010{verse:02d}002\tv\t.\t\ty"]
        records.append({"source": [f"n400010{verse:02d}001"], "target": [f"400010{verse:02d}001"]})
    return {
        "SBLGNT.tsv": "\n".join(greek),
        "nt_BSB.tsv": "\n".join(english),
        "SBLGNT-BSB-manual.json": json.dumps({"records": records}),
    }


def table(*columns: list[str], separator: str = "\t", header: str = "") -> str:
    return header + "".join(separator.join(cells) + "\n" for cells in zip(*columns, strict=True))


CLASSES = {"kind": "classification", "labels": ["bad", "good"]}
TAGS = {"kind": "tagging", "labels": ["O", "B-X", "I-X"]}
SENTENCES = "".join(f"Go{n} VB O\nhome{n} NN B-X\n\n" for n in NUMBERS)
TAGGED = "".join(f"Go{n}\tO\nhome{n}\tB-X\n\n" for n in NUMBERS)
LANGUAGES = {"languages": {"train": ["en"], "test": ["en", "de"]}}
QUESTION = {"text": "A text", "question": "The ship is ____ .", "options": ["red", "blue"], "answer": "A"}
BBC = {
    f"{topic}/{n:03d}.txt": f"Article {n} of {topic}\n\nIt goes on.\n" for topic in ("tech", "sport") for n in range(12)
}
IMDB = {
    f"{split}/{mood}/{n}_7.txt": f"A {mood} film {n} in {split}.<br />Yes."
    for split in ("train", "test")
    for mood in ("pos", "neg")
    for n in range(8)
}
JMDICT = "".join(
    f'<entry><sense><gloss>house{n}</gloss><gloss xml:lang="ger">Haus{n}</gloss></sense></entry>' for n in NUMBERS
)
XNLI = ["entailment", "neutral", "contradiction"]
THREE = [XNLI[n % 3] for n in NUMBERS]
BLIMP = [
    {
        "sentence_good": f"It is {n}.",
        "sentence_bad": f"It are {n}.",
        "linguistics_term": "agreement",
        "UID": "a",
        "pairID": str(n),
    }
    for n in NUMBERS
]
