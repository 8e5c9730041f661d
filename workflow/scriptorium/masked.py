"""The one function that hides secrets: whatever is printed, logged or kept in a ledger passes it.

A secret may come in the address of a download or of a server: as user:password@, or as a parameter such as ?token=.
"""

from __future__ import annotations

import re

HIDDEN = "***"
USER = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>\\]+@")
NAMES = "token|secret|passw(?:or)?d|pwd|api[_-]?key|access[_-]?key|signature|credential|auth"
PARAMETER = re.compile(rf"(?i)([?&;](?:[a-z0-9_.-]*(?:{NAMES})[a-z0-9_.-]*|key|sig)=)[^\s,&;\"'<>\\#]+")
HEADER = re.compile(r"(?i)\b(authorization:?\s*(?:bearer|basic)\s+)[^\s\"'\\]+")


def masked(text: str) -> str:
    """The text without user names and passwords of addresses, secret parameters and headers."""
    for pattern in (USER, PARAMETER, HEADER):
        text = pattern.sub(rf"\1{HIDDEN}@" if pattern is USER else rf"\1{HIDDEN}", text)
    return text


def has_secret(address: str) -> bool:
    """Whether an address holds what `masked` would hide."""
    return masked(address) != address
