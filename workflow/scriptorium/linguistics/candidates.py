"""The 46 fine-grained linguistic features of words that stage 0b tests against the eye, listed in one place.

CogBERT starts from 46 features of spaCy and keeps 14, but neither list is public (docs/papers/cogbert.md section 3),
so this
list is ours. A candidate belongs to one of the paper's eight groups if having it implies having the group's feature
(linguistics/features.py); the others have no group. A word may hold several spaCy tokens and has a binary candidate
if any of its tokens has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.linguistics.align import token_words, word_spans
from scriptorium.linguistics.features import syllables

if TYPE_CHECKING:
    from spacy.tokens import Doc

BINARY, REAL = "binary", "real"
OTHER = ""  # group of what none of the paper's eight groups holds

OfTokens = Callable[["Doc"], Sequence[bool]]  # a flag per spaCy token
OfWords = Callable[[Sequence[str]], Sequence[float]]  # a value per blank-separated word


@dataclass(frozen=True)
class Candidate:
    """One feature of a word; exactly one of the two rules is given."""

    name: str
    group: str
    definition: str
    kind: str = BINARY
    tokens: OfTokens | None = None
    words: OfWords | None = None


def _pos(name: str, group: str, tag: str) -> Candidate:
    return Candidate(
        f"pos_{name}", group, f"universal part of speech {tag}", tokens=lambda d: [t.pos_ == tag for t in d]
    )


def _dependency(name: str, group: str, *labels: str) -> Candidate:
    held = frozenset(labels)
    text = f"dependency label {', '.join(labels)}"
    return Candidate(f"dep_{name}", group, text, tokens=lambda d: [t.dep_ in held for t in d])


def _entity(name: str, *types: str) -> Candidate:
    held = frozenset(types)
    return Candidate(
        f"entity_{name}",
        "ner",
        f"in an entity of type {', '.join(types)}",
        tokens=lambda d: [t.ent_type_ in held for t in d],
    )


def _chunk(name: str, part: str, definition: str) -> Candidate:
    return Candidate(name, "noun_phrase", definition, tokens=lambda d: [p == part for p in _chunk_parts(d)])


def _sentiment(name: str, sign: int) -> Candidate:
    return Candidate(
        f"sentiment_{name}",
        "emotion",
        f"{name} in VADER's lexicon",
        tokens=lambda d: [valences().get(t.lower_, 0) * sign > 0 for t in d],
    )


def _shape(name: str, definition: str, pattern: str) -> Candidate:
    found = re.compile(pattern)
    return Candidate(name, OTHER, definition, words=lambda words: [bool(found.search(word)) for word in words])


CANDIDATES = (
    # word length
    Candidate(
        "characters",
        "word_length",
        "code points of the word, punctuation included",
        REAL,
        words=lambda words: [len(word) for word in words],
    ),
    Candidate(
        "syllables",
        "word_length",
        "syllables by linguistics/features.py",
        REAL,
        words=lambda words: [syllables(word) for word in words],
    ),
    # word position
    Candidate(
        "relative_position",
        "word_position",
        "index of the word over the number of words",
        REAL,
        words=lambda words: [index / len(words) for index in range(len(words))],
    ),
    Candidate(
        "sentence_first",
        "word_position",
        "first word of the sentence",
        words=lambda words: [index == 0 for index in range(len(words))],
    ),
    Candidate(
        "sentence_last",
        "word_position",
        "last word of the sentence",
        words=lambda words: [index == len(words) - 1 for index in range(len(words))],
    ),
    # named entities, by OntoNotes type
    _entity("person", "PERSON"),
    _entity("place", "GPE", "LOC", "FAC"),
    _entity("organisation", "ORG", "NORP"),
    _entity("time", "DATE", "TIME"),
    _entity("quantity", "CARDINAL", "ORDINAL", "MONEY", "PERCENT", "QUANTITY"),
    _entity("other", "EVENT", "WORK_OF_ART", "LAW", "LANGUAGE", "PRODUCT"),
    # content words, by part of speech
    _pos("adjective", "content", "ADJ"),
    _pos("adverb", "content", "ADV"),
    _pos("noun", "content", "NOUN"),
    _pos("number", "content", "NUM"),
    _pos("pronoun", "content", "PRON"),
    _pos("proper_noun", "content", "PROPN"),
    _pos("verb", "content", "VERB"),
    _pos("interjection", "content", "INTJ"),
    # noun phrases, by the place in the chunk; a chunk's head comes last in English, so first and head may coincide
    _chunk("chunk_first", "first", "first token of a noun chunk of several"),
    _chunk("chunk_inner", "inner", "in a noun chunk, neither its first token nor its head"),
    _chunk("chunk_head", "head", "head of a noun chunk"),
    # sentiment words
    _sentiment("positive", 1),
    _sentiment("negative", -1),
    # modifiers and auxiliaries: the seven labels of the released code
    _dependency("det", "mod_aux", "det"),
    _dependency("aux", "mod_aux", "aux"),
    _dependency("cc", "mod_aux", "cc"),
    _dependency("auxpass", "mod_aux", "auxpass"),
    _dependency("dative", "mod_aux", "dative"),
    _dependency("poss", "mod_aux", "poss"),
    _dependency("prep", "mod_aux", "prep"),
    # complements and objects of prepositions: the three labels of the released code
    _dependency("acomp", "compl_obj", "acomp"),
    _dependency("pcomp", "compl_obj", "pcomp"),
    _dependency("pobj", "compl_obj", "pobj"),
    # none of the eight groups
    _pos("subordinator", OTHER, "SCONJ"),
    _pos("particle", OTHER, "PART"),
    _dependency("subject", OTHER, "nsubj", "nsubjpass"),
    _dependency("dobj", OTHER, "dobj"),
    _dependency("amod", OTHER, "amod"),
    _dependency("advmod", OTHER, "advmod"),
    _dependency("compound", OTHER, "compound"),
    _dependency("root", OTHER, "ROOT"),
    _dependency("clause", OTHER, "ccomp", "xcomp", "advcl", "relcl", "acl"),
    _shape("capital", "a capital after opening punctuation", r"^\W*[A-Z]"),
    _shape("digit", "holds a digit", r"\d"),
    _shape("punctuation", "ends in a punctuation mark", r"[^\w\s]$"),
)


def measure(doc: Doc) -> dict[str, np.ndarray]:
    """Every candidate's value of every word of the text, name -> [words] float32; binary ones are 0 or 1.

    Words are `doc.text.split()`. Raises UserError if words and tokens do not align.
    """
    spans = word_spans(doc.text)
    word_of = token_words(doc.text, [(t.idx, t.idx + len(t)) for t in doc], spans)
    words = doc.text.split()
    found = {}
    for candidate in CANDIDATES:
        values = np.zeros(len(words), dtype=np.float32)
        if candidate.tokens is None:
            values[:] = candidate.words(words)
        else:
            flags = np.asarray(candidate.tokens(doc), dtype=bool)
            values[word_of[flags & (word_of >= 0)]] = 1
        found[candidate.name] = values
    return found


@cache
def valences() -> dict[str, float]:
    """Lower-case entry of VADER's lexicon -> mean human rating, -4 (most negative) to 4. The first spelling counts."""
    text = (resources.files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8")
    found: dict[str, float] = {}
    for line in filter(str.strip, text.splitlines()):
        word, valence, *_ = line.split("\t")
        found.setdefault(word.lower(), float(valence))
    return found


def _chunk_parts(doc: Doc) -> list[str]:
    """Per token its part in a noun chunk: head, first, inner, or nothing outside."""
    parts = [""] * len(doc)
    for chunk in doc.noun_chunks:
        for token in chunk:
            place = "first" if token.i == chunk.start else "inner"
            parts[token.i] = "head" if token.i == chunk.root.i else place
    return parts
