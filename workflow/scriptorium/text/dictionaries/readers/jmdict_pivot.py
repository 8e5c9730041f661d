"""JMdict, the Japanese dictionary with glosses in several languages (jmdict.xml.gz, EDRDG): two languages through
Japanese.

Two words are taken for translations of each other where the glosses of one Japanese entry name both (ours). Such a
dictionary has wrong pairs: the senses of an entry are mixed, and `support` asks that several entries agree. Of a gloss,
what stands in brackets and a leading article or particle of the infinitive are left out (ours).
"""

from __future__ import annotations

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat

from scriptorium.errors import UserError, nearest
from scriptorium.files.damage import reading
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.dictionaries.entries import Entry

if TYPE_CHECKING:
    from scriptorium.text.dictionaries.spec import DictionarySource

CODES = {"en": "eng", "de": "ger", "fr": "fre", "es": "spa", "nl": "dut", "ru": "rus", "hu": "hun", "sv": "swe"}
ENGLISH = "eng"  # a gloss that names no language
BRACKETS = re.compile(r"\([^)]*\)|\{[^}]*\}|\[[^\]]*\]")
LEADING = {
    "eng": r"to |a |an |the ",
    "ger": r"der |die |das |ein |eine |sich ",
    "fre": r"le |la |les |l'|l’|un |une |se |s'|s’",
    "spa": r"el |la |los |las |un |una ",
    "dut": r"de |het |een ",
}
BYTES_PER_READ = 1 << 20


def read(source: DictionarySource, artifact: Path, ledger: Ledger) -> Iterator[Entry]:
    """Pairs of single words, with so many entries that link them. Raises UserError: a language that JMdict has not, or
    a file that is none."""
    for code in source.languages:
        if code not in CODES:
            raise UserError(
                f"no language {code!r} in JMdict, {nearest(code, CODES)}",
                where=artifact,
                remedy="correct `languages` of this source",
            )
    (path,) = members(artifact, "jmdict.xml.gz")
    first, second = (CODES[code] for code in source.languages)
    support: Counter[tuple[str, str]] = Counter()
    entries = 0
    for glosses in _entries(path, {first, second}):
        entries += 1
        support.update(product(dict.fromkeys(glosses[first]), dict.fromkeys(glosses[second])))
    if not support:
        raise UserError("no entry has words in both languages", where=path, remedy="is this JMdict with all languages?")
    kept = [pair for pair, count in support.items() if count >= source.options.support]
    ledger.note(f"{path.name}: {entries} entries link {len(support)} pairs of words, {len(kept)} often enough")
    for a, b in kept:
        yield Entry(str(path), a, b)


def _entries(path: Path, wanted: set[str]) -> Iterator[dict[str, list[str]]]:
    """The glosses of every entry, by language."""
    parser, done = expat.ParserCreate(), []
    parser.buffer_text = True
    state = {"language": None, "text": [], "glosses": defaultdict(list)}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "entry":
            state["glosses"] = defaultdict(list)
        elif name == "gloss":
            state["language"], state["text"] = attributes.get("xml:lang", ENGLISH), []

    def data(text: str) -> None:
        if state["language"] in wanted:
            state["text"].append(text)

    def end(name: str) -> None:
        if name == "gloss":
            word = _word("".join(state["text"]), state["language"])
            if state["language"] in wanted and word and not re.search(r"\s", word):
                state["glosses"][state["language"]].append(word)
            state["language"] = None
        elif name == "entry":
            done.append(state["glosses"])

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    with reading(path, "JMdict's XML"), gzip.open(path) as handle:
        while block := handle.read(BYTES_PER_READ):
            parser.Parse(block, False)
            yield from done
            done.clear()
        parser.Parse(b"", True)


def _word(gloss: str, language: str) -> str:
    text = BRACKETS.sub("", gloss).strip(" .;,!?")
    if leading := LEADING.get(language):
        text = re.sub(rf"^({leading})", "", text)
    return text.strip()
