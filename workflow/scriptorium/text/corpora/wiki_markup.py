"""From wiki markup to paragraphs of running text, by a few stated rules (ours).

What is left out: comments, footnotes, formulas and other elements that hold no text, templates, tables, pictures with
their captions, categories, headings, and list items, so that only sentences of paragraphs stay. Of a link the words
that a reader sees stay. A paragraph with markup that the rules do not understand is left out as a whole.
"""

from __future__ import annotations

import html
import re

COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
EMPTY = re.compile(r"<ref\b[^<>]*/>", re.IGNORECASE)
ELEMENT = re.compile(
    r"<(ref|math|gallery|timeline|code|pre|source|syntaxhighlight|score|imagemap|table|chem|hiero|poem)\b[^<>]*>.*?</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)
TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")  # innermost ones; what is around them is one then
TABLE = re.compile(r"\{\|(?:(?!\{\||\|\}).)*\|\}", re.DOTALL)
LINK = re.compile(r"\[\[([^\[\]]*)\]\]")
UNSEEN = re.compile(r"\s*(?:file|image|category|media|[a-z]{2,3}(?:-[a-z]+)*)\s*:", re.IGNORECASE)  # or a language
OUTSIDE = re.compile(r"\[(?:https?:|ftp:)?//\S+?(?:\s+([^\[\]]*))?\]")
ADDRESS = re.compile(r"(?:https?|ftp)://\S+")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
QUOTES = re.compile(r"'{2,}")  # italics and bold
HOLLOW = re.compile(r"\(\s*[,;]*\s*\)")  # brackets around a template that is gone
NO_SENTENCE = ("=", "*", "#", ":", ";", "|", "!", "{", "}", "__", "<")  # how lines of headings, lists, tables begin
LEFTOVERS = ("[[", "]]", "{{", "}}", "{|", "|}")


def paragraphs(markup: str) -> list[str]:
    """The paragraphs of an article's markup, in order."""
    text = html.unescape(markup)  # the markup of elements may be escaped twice
    text = ELEMENT.sub("", EMPTY.sub("", COMMENT.sub("", text)))
    text = _inside_out(TABLE, "", _inside_out(TEMPLATE, "", text))
    text = _inside_out(LINK, _seen, text)
    text = ADDRESS.sub("", OUTSIDE.sub(r"\1", text))
    text = QUOTES.sub("", TAG.sub("", text))
    lines = (HOLLOW.sub("", line).strip() for line in text.split("\n"))
    return [
        line
        for line in lines
        if line and not line.startswith(NO_SENTENCE) and not any(mark in line for mark in LEFTOVERS)
    ]


def _seen(link: re.Match[str]) -> str:
    """What a reader sees of a link: [[Target|words]] -> words; nothing of pictures, categories, other languages."""
    return "" if UNSEEN.match(link[1]) else link[1].rpartition("|")[2].lstrip(":")


def _inside_out(pattern: re.Pattern[str], by: object, text: str) -> str:
    """Replaced again and again, since what is nested becomes visible when its inside is gone."""
    while True:
        text, found = pattern.subn(by, text)
        if not found:
            return text
