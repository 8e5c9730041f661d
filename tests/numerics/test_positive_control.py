"""What features say and words do not, a tiny fused model learns through attention alone, and a plain one cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from scriptorium.cognition.model import CognitionForSequenceClassification
from scriptorium.cognition.spec import Dose

WORDS, HALF = 4, 6  # words of a text; different short and different long ones
SHAPE = {
    "vocab_size": 2 * HALF + 1,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "num_labels": 2,
    "initializer_range": 0.1,
}


def texts(count: int, seed: int) -> dict[str, torch.Tensor]:
    """As reader marked_words makes them: 0 is [CLS], half of the words are of each kind, one is marked by chance."""
    generator = np.random.default_rng(seed)
    kinds = [1 + np.argsort(generator.random((count, HALF)))[:, : WORDS // 2] + HALF * kind for kind in (0, 1)]
    words = generator.permuted(np.hstack(kinds), axis=1)
    mark = generator.integers(WORDS, size=count)
    scores = np.zeros((count, 4, WORDS + 1), np.float32)
    scores[np.arange(count), :, mark + 1] = 1
    spans = np.broadcast_to(np.arange(-1, WORDS), scores.shape)
    ids = np.hstack([np.zeros((count, 1), int), words])
    made = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "labels": (words[np.arange(count), mark] > HALF).astype(int),
        "lower": scores,
        "upper_scores": scores,
        "upper_spans": spans.copy(),
        "readability": np.zeros(count, np.float32),
    }
    return {name: torch.from_numpy(values) for name, values in made.items()}


def accuracy(*, scale: float) -> float:
    """On new texts, after 100 steps on texts whose features are multiplied by `scale`."""
    transformers.set_seed(0)
    plain = transformers.BertForSequenceClassification(transformers.BertConfig(**SHAPE))
    model = CognitionForSequenceClassification.wrap(plain, boundary=1, dose=Dose(gain=4), scale=[scale] * 8)
    train, test = texts(4000, 1), texts(500, 2)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(100):
        chosen = slice(step * 64 % 3968, step * 64 % 3968 + 64)
        optimiser.zero_grad()
        model(**{name: value[chosen] for name, value in train.items()}).loss.backward()
        optimiser.step()
    with torch.inference_mode():
        return float((model.eval()(**test).logits.argmax(-1) == test["labels"]).float().mean())


@pytest.mark.parametrize(("scale", "low", "high"), [(1.0, 0.9, 1.0), (0.0, 0.4, 0.6)])
def test_the_mark_is_read_through_attention_and_not_without_it(scale, low, high):
    assert low <= accuracy(scale=scale) <= high
