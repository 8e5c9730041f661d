"""Translations by beam search, in chunks that are saved: a run that is stopped goes on behind the last one.

Sources are sorted by length, so a chunk, and what shares a batch, is a pure function of the test set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers

from scriptorium.chunks import stop_if_asked
from scriptorium.files.tables import clean
from scriptorium.manifest import write_json
from scriptorium.objectives import collating

if TYPE_CHECKING:
    from scriptorium.job import Job
    from scriptorium.translation.model import Translator

CHUNK = 256  # sources after which translations are saved
PIECES = 8192  # of the sources in a batch, times the beams


def cut(text: np.ndarray, longest: int) -> np.ndarray:
    """[first] pieces [last] with at most `longest` pieces, both symbols included."""
    return text if len(text) <= longest else np.concatenate([text[: longest - 1], text[-1:]])


def translations(
    job: Job, model: Translator, tokenizer: transformers.PreTrainedTokenizerBase, sources: Sequence[np.ndarray]
) -> list[str]:
    """A translation of every source. Texts are normalised as those of the pairs are (NFC, white space).

    Raises Interrupted when the job should stop; whole chunks are kept.
    """
    order = np.argsort([len(source) for source in sources], kind="stable")
    found = [""] * len(sources)
    for start in range(0, len(order), CHUNK):
        path, rows = job.state / f"translations-{start}.json", order[start : start + CHUNK]
        if not path.is_file():
            made: list[str] = []
            for batch in _batches([sources[row] for row in rows], job.spec.beams):
                stop_if_asked(job, f"{start} of {len(order)} sentences are translated")
                made += generate(model, tokenizer, batch, job.spec)
            write_json(path, made)
        for row, text in zip(rows, json.loads(path.read_text(encoding="utf-8")), strict=True):
            found[row] = text
    return found


def generate(model: Translator, tokenizer, sources: Sequence[np.ndarray], spec) -> list[str]:
    """The best hypothesis for each source of a batch; its score is its log-likelihood over length^length_penalty."""
    beams = {"num_beams": spec.beams, "length_penalty": spec.length_penalty} if spec.beams > 1 else {}
    settings = transformers.GenerationConfig(
        do_sample=False,
        max_length=spec.max_length,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        **beams,
    )
    fills = {"input_ids": tokenizer.pad_token_id, "attention_mask": 0}
    batch = collating.batches(fills)([{"input_ids": own, "attention_mask": np.ones_like(own)} for own in sources])
    place = next(model.parameters()).device
    with torch.inference_mode():
        made = model.generate(**{name: value.to(place) for name, value in batch.items()}, generation_config=settings)
    texts = tokenizer.batch_decode(made, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return [clean(text) for text in texts]


def _batches(sources: Sequence[np.ndarray], beams: int) -> Iterator[Sequence[np.ndarray]]:
    """Sources of ascending length in batches of about PIECES."""
    size = max(1, PIECES // (len(sources[-1]) * beams))
    for start in range(0, len(sources), size):
        yield sources[start : start + size]
