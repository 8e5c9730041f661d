"""Sentences of running text, by rule: one per line, for layouts that need sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

CLOSING = "\"')]\u2019\u201d\u00bb"  # may stand behind the end of a sentence and belong to it


def one_per_line(texts: Iterable[str]) -> Iterator[str]:
    """Each text with its sentences on lines of their own, by spaCy's rule-based sentencizer (., ! and ? end one).

    A line break ends a sentence as well, so a text that is one sentence per line stays as it is. Such lines are
    recognised by themselves; the others cost spaCy about ten times as much as their word pieces cost the tokenizer.
    """
    import spacy
    from spacy.pipeline import Sentencizer

    pipeline = spacy.blank("en")
    pipeline.max_length = 1 << 30  # it splits by rule, and needs no memory beyond the text
    pipeline.add_pipe("sentencizer")
    ends = "".join(Sentencizer.default_punct_chars)
    end = re.compile(f"[{re.escape(ends)}]")

    def sentences(line: str) -> Iterator[str]:
        if end.search(line.rstrip(ends + CLOSING)):
            yield from (sentence.text.strip() for sentence in pipeline(line).sents)
        else:
            yield line

    for text in texts:
        lines = filter(None, map(str.strip, text.split("\n")))
        yield "\n".join(sentence for line in lines for sentence in sentences(line))
