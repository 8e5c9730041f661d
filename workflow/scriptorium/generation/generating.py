"""Texts by greedy or beam search, in chunks that are saved: a run that is stopped goes on behind the last one.

Sources are sorted by length, so a chunk, and what shares a batch, is a pure function of the sources.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers

from scriptorium.chunks import stop_if_asked
from scriptorium.files.tables import clean
from scriptorium.manifest import write_json

if TYPE_CHECKING:
    from scriptorium.generation.examples import Cut, Frame
    from scriptorium.job import Job

CHUNK = 256  # sources after which texts are saved
PIECES = 8192  # of the sources in a batch, times the beams


@dataclass(frozen=True)
class Search:
    """How texts are written: symbols, the longest in new pieces (its end included), beams (1: greedy).

    A hypothesis' score is its log-likelihood over length^length_penalty.
    """

    frame: Frame
    longest: int
    beams: int
    length_penalty: float


def written(
    job: Job,
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sources: Cut,
    search: Search,
) -> list[str]:
    """A text for every source, normalised as those of the pairs are (NFC, white space).

    Raises Interrupted when the job should stop; whole chunks are kept.
    """
    order = np.argsort(sources.lengths, kind="stable")
    found = [""] * len(sources)
    for start in range(0, len(order), CHUNK):
        path, rows = job.state / f"written-{start}.json", order[start : start + CHUNK]
        if not path.is_file():
            made: list[str] = []
            for batch in _batches([sources[row] for row in rows], search):
                stop_if_asked(job, f"{start} of {len(order)} texts are written")
                made += generate(model, tokenizer, batch, search)
            write_json(path, made)
        for row, text in zip(rows, json.loads(path.read_text(encoding="utf-8")), strict=True):
            found[row] = text
    return found


def generate(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sources: Sequence[np.ndarray],
    search: Search,
    *,
    cached: bool = True,
) -> list[str]:
    """The best hypothesis for each source of a batch. cached: keys and values of earlier pieces are kept; else they are
    computed again for every piece, which gives the same texts."""
    begin, pad = search.frame.begin, tokenizer.pad_token_id
    settings = transformers.GenerationConfig(
        do_sample=False,
        max_new_tokens=search.longest,
        pad_token_id=pad,
        eos_token_id=search.frame.end,
        use_cache=cached,
        **({"num_beams": search.beams, "length_penalty": search.length_penalty} if search.beams > 1 else {}),
        **({} if begin is None else {"decoder_start_token_id": begin[0]}),
    )
    left, place = begin is None, next(model.parameters()).device  # what is written stands right behind its source
    inputs = {
        "input_ids": _rows(sources, pad, left).to(place),
        "attention_mask": _rows([np.ones_like(own) for own in sources], 0, left).to(place),
    }
    if begin is not None:
        inputs["decoder_input_ids"] = torch.tensor([begin] * len(sources), device=place)
    with torch.inference_mode():
        made = model.generate(**inputs, generation_config=settings)
    new = made[:, inputs["input_ids"].shape[1] if left else len(begin) :]
    texts = tokenizer.batch_decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return [clean(text) for text in texts]


def _rows(rows: Sequence[np.ndarray], fill: int, left: bool) -> torch.Tensor:
    """int64 [B, W], shorter rows filled up on one side."""
    width = max(map(len, rows))
    missing = [width - len(row) for row in rows]
    sides = [(each, 0) if left else (0, each) for each in missing]
    padded = [np.pad(row, side, constant_values=fill) for row, side in zip(rows, sides, strict=True)]
    return torch.from_numpy(np.stack(padded).astype(np.int64))


def _batches(sources: Sequence[np.ndarray], search: Search) -> Iterator[Sequence[np.ndarray]]:
    """Sources of ascending length in batches of about PIECES."""
    size = max(1, PIECES // (len(sources[-1]) * search.beams))
    for start in range(0, len(sources), size):
        yield sources[start : start + size]
