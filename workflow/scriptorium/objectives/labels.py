"""Labels: the tokens that an example predicts."""

from __future__ import annotations

IGNORED = -100  # a label that the loss leaves out, as torch's cross entropy and transformers do
