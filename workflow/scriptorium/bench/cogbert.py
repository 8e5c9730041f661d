"""What CogBERT costs: a fine-tuning step beside the plain encoder's, annotation beside a bare spaCy pipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import transformers

from scriptorium.bench.timing import Ratio, interleaved
from scriptorium.cognition.model import CognitionForSequenceClassification
from scriptorium.linguistics import annotate

SHAPES = {  # layers, width, heads, feed-forward
    "MiniLM 6 x 384": (6, 384, 12, 1536),
    "BERT-base 12 x 768": (12, 768, 12, 3072),
}
STEP_TARGET = 0.77  # a step may cost 1.30 times the plain one
PIPE_TARGET = 0.90
VOCABULARY = 30_522


def step_ratio(
    shape: str, mode: str, *, length: int, batch_size: int, runs: int, target: float | None, seed: int = 0
) -> Ratio:
    """One optimiser step (forward, backward, fused AdamW, dropout on, float32) of a random model of this shape."""
    layers, width, heads, inner = SHAPES[shape]
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=inner,
        num_labels=2,
    )
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plain, other = (
        transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa") for _ in "ab"
    )
    ours = CognitionForSequenceClassification.wrap(other, mode=mode, boundary=layers // 3)
    inputs, features = batch(length, batch_size, np.random.default_rng(seed))
    inputs, features = ({name: value.to(device) for name, value in part.items()} for part in (inputs, features))
    return Ratio(
        f"step, {shape}, mode {mode}, length {length}, batch {batch_size}, {device}",
        "transformers BERT, sdpa",
        interleaved(stepper(ours.to(device), {**inputs, **features}), stepper(plain.to(device), inputs), runs),
        target,
        "plain step time / our step time",
    )


def stepper(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> Callable[[], None]:
    """A function that takes one training step."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)

    def step() -> None:
        optimiser.zero_grad()
        model(**inputs).loss.backward()
        optimiser.step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return step


def batch(length: int, batch_size: int, generator: np.random.Generator) -> tuple[dict, dict]:
    """Random pieces without padding, and features as dense as in running text: spans of up to four pieces."""
    inputs = {
        "input_ids": torch.from_numpy(generator.integers(1000, VOCABULARY, (batch_size, length))),
        "attention_mask": torch.ones(batch_size, length, dtype=torch.long),
        "labels": torch.from_numpy(generator.integers(0, 2, batch_size)),
    }
    shape = (batch_size, 4, length)
    spans = np.where(generator.random(shape) < 0.5, np.arange(length) // 4, -1)
    features = {
        "lower": torch.from_numpy(generator.random(shape, np.float32)),
        "upper_scores": torch.from_numpy(generator.random(shape, np.float32) * (spans >= 0)),
        "upper_spans": torch.from_numpy(spans),
        "readability": torch.from_numpy(generator.random(batch_size, np.float32)),
    }
    return inputs, features


def annotation_ratio(texts: Sequence[str], pipeline: str, *, processes: int, runs: int) -> Ratio:
    """Our annotation against a bare `nlp.pipe` over the same texts, with the same number of processes."""
    nlp = annotate.load(pipeline)

    def bare() -> int:
        return sum(len(doc) for doc in nlp.pipe(texts, batch_size=annotate.BATCH, n_process=processes))

    return Ratio(
        f"annotation, {len(texts)} texts, {processes} processes",
        f"bare nlp.pipe of {pipeline}",
        interleaved(lambda: annotate.annotate(texts, nlp, processes), bare, runs),
        PIPE_TARGET,
        "nlp.pipe time / our time",
    )
