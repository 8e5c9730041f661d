"""Held-out sentences and the same with one inflected form in the wrong number (ours).

Rules, on spaCy's tags and dependencies:

    subject and verb      a verb in the present tense right of its subject: third person singular (VBZ) becomes the
                          plain form where the subject is a noun in the singular or he, she, it; the plain form (VBP)
                          becomes third person where it is a noun in the plural or we, they
    determiner and noun   a noun right behind its determiner: singular behind this, a, an, each, every becomes plural;
                          plural behind these, those becomes singular

Forms are made by `other_number`: a short list (be, have, do, go; nouns such as man), else the suffix -s. Sentences
where several forms can be broken give one pair, drawn by the sentence's hash. Tags are a parser's, so some pairs are
none; so the best accuracy is a little below 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.linguistics.annotate import installed
from scriptorium.minimal_pairs.held_out import digest, sentences

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

    from scriptorium.minimal_pairs.readers.spec import InflectedOptions

VERB, NOUN = "subject-verb agreement", "determiner-noun agreement"
SINGULAR, PLURAL = {"this", "a", "an", "each", "every"}, {"these", "those"}
THIRD = {"is": "are", "has": "have", "does": "do", "goes": "go"}  # third person -> plain form
IRREGULAR = {"man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet", "life": "lives"}
WORD = re.compile("[a-z]+")
BATCH = 256  # sentences per spaCy batch; fixed, since batching may change the last bits of a network's output


def read(artifact: Path, options: InflectedOptions, ledger: Ledger) -> pd.DataFrame:
    """A pair per sentence that can be broken so; the paradigm is the sentence's data set."""
    nlp = _load(options.pipeline)
    tagged = nlp.pipe(((s.text, s.source) for s in sentences(artifact, options)), as_tuples=True, batch_size=BATCH)
    broken = ((doc.text, source, inflected(doc, options.seed)) for doc, source in tagged)
    rows = [
        {"good": text, "bad": found[0], "phenomenon": found[1], "paradigm": source}
        for text, source, found in islice((each for each in broken if each[2]), options.pairs)
    ]
    ids = [f"inflected-{number:05d}" for number in range(len(rows))]
    return pd.DataFrame(rows, columns=["good", "bad", "phenomenon", "paradigm"]).assign(id=ids)


def inflected(doc: Doc, seed: int) -> tuple[str, str] | None:
    """(the sentence with one form in the wrong number, what is broken), or None where no rule fits."""
    forms = [(token, other, rule) for token in doc for other, rule in _forms(token) if other != token.text]
    if not forms:
        return None
    token, other, rule = forms[digest(seed, doc.text) % len(forms)]
    return doc.text[: token.idx] + other + doc.text[token.idx + len(token) :], rule


def _forms(token: Token) -> Iterator[tuple[str, str]]:
    """(the form in the wrong number, the rule) for a word that a rule fits."""
    if not WORD.fullmatch(token.text):
        return
    if token.tag_ in ("VBZ", "VBP"):
        subjects = [child for child in token.lefts if child.dep_ == "nsubj"]
        # of a verb after its auxiliary ("they have seen") the auxiliary has the form; its subject hangs on the verb
        if token.dep_ in ("aux", "auxpass"):
            subjects = [child for child in token.head.lefts if child.dep_ in ("nsubj", "nsubjpass")]
        if len(subjects) == 1 and subjects[0].i < token.i and not list(subjects[0].conjuncts):
            subject = subjects[0]
            one = subject.tag_ in ("NN", "NNP") or subject.lower_ in ("he", "she", "it")
            many = subject.tag_ in ("NNS", "NNPS") or subject.lower_ in ("we", "they")
            if (token.tag_ == "VBZ" and one) or (token.tag_ == "VBP" and many):
                yield other_number(token.text, THIRD, longer=token.tag_ == "VBP"), VERB
    elif token.tag_ in ("NN", "NNS") and token.i and token.nbor(-1).dep_ == "det":
        before = token.nbor(-1).lower_
        if (token.tag_ == "NN" and before in SINGULAR) or (token.tag_ == "NNS" and before in PLURAL):
            longer = {many: one for one, many in IRREGULAR.items()}
            yield other_number(token.text, longer, longer=token.tag_ == "NN"), NOUN


def other_number(word: str, irregular: dict[str, str], *, longer: bool) -> str:
    """`longer`: with the suffix -s (plural of a noun, third person of a verb), else without it.

    irregular: form with -s -> form without. A word that does not end in -s stays as it is where the suffix is to go.
    """
    if longer:
        known = {short: long for long, short in irregular.items()}
        if word in known:
            return known[word]
        if word.endswith(("s", "x", "z", "ch", "sh")):
            return word + "es"
        return word[:-1] + "ies" if re.search("[^aeiou]y$", word) else word + "s"
    if word in irregular:
        return irregular[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zzes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _load(pipeline: str):
    """Raises UserError: the pipeline is not installed, or has no tagger or parser."""
    where = "config/config.yaml, minimal_pairs: options.pipeline"
    nlp = installed(pipeline, where, exclude=["lemmatizer", "ner"])
    if missing := [name for name in ("tagger", "parser") if name not in nlp.pipe_names]:
        raise UserError(
            f"the spaCy pipeline {pipeline!r} lacks {', '.join(missing)}",
            where=where,
            remedy="name a pipeline with tagger and parser",
        )
    return nlp
