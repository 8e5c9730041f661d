"""Unit vectors of words and of texts in every layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import transformers

from scriptorium.crosslingual import alignment
from scriptorium.crosslingual.held_out import Text

WORDS, TEXTS = "words", "texts"


def vectors(model: transformers.PreTrainedModel, texts: Sequence[Text], pad: int) -> dict[str, np.ndarray]:
    """{words: float32 [layers, words of all texts, d], texts: [layers, texts, d]}, of length 1; layer 0: embeddings.

    A word is the mean of its pieces' states, NaN without pieces; a text the mean of all states, both symbols included.
    """
    ids, real = alignment.padded(texts, pad, model.device)
    with torch.inference_mode():
        states = model.base_model(ids, real, output_hidden_states=True).hidden_states
    found: dict[str, list[np.ndarray]] = {WORDS: [], TEXTS: []}
    for layer in states:
        values = layer.double().cpu().numpy()
        words = [alignment.word_vectors(own, text) for own, text in zip(values, texts, strict=True)]
        means = np.stack([own[: len(text.pieces)].mean(0) for own, text in zip(values, texts, strict=True)])
        found[WORDS].append(np.concatenate(words))
        found[TEXTS].append(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))
    return {name: np.stack(layers).astype(np.float32) for name, layers in found.items()}
