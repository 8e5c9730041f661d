"""Which word of a text the positive control marks (tasks/readers/marked_words.py makes the task; ours)."""

from __future__ import annotations

import hashlib


def marked(text: str) -> int:
    """The number of the marked word of a text, from 0: a hash of the text."""
    digest = hashlib.sha256(f"mark {text}".encode()).hexdigest()
    return int(digest[:12], 16) % len(text.split())
