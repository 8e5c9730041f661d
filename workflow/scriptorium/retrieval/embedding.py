"""Vectors of texts from any layer of an encoder: all texts in chunks that are saved, so a stopped run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers

from scriptorium.chunks import stop_if_asked, write_whole
from scriptorium.job import Job
from scriptorium.models.layers import place_of
from scriptorium.models.positions import longest_input
from scriptorium.objectives import collating
from scriptorium.retrieval.spec import SearchSettings

TOKENS = 4096  # in a batch, padding included
CHUNK = 4096  # texts after which vectors are saved


def layers_of(spec: SearchSettings, config: transformers.PreTrainedConfig) -> tuple[int, list[int]]:
    """The layer that counts, and all that are asked for, ascending; both counted from 0, the embeddings.

    Raises UserError: a layer that the encoder does not have, before anything is computed.
    """
    depth = config.num_hidden_layers

    def place(layer: int) -> int:
        return place_of(layer, depth, "config/config.yaml, retrieval")

    return place(spec.layer), sorted({place(layer) for layer in (spec.layer, *spec.layers)})


@dataclass(frozen=True)
class Encoder:
    """An encoder, and how it makes a vector of a text."""

    model: transformers.PreTrainedModel
    tokenizer: transformers.PreTrainedTokenizerBase
    spec: SearchSettings
    layers: Sequence[int]

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [layers, texts, d]. A text stands between its two symbols and is cut at spec.pieces."""
        most = min(self.spec.pieces, longest_input(self.model.config)) - 2
        pieces = self.tokenizer(list(texts), add_special_tokens=False, truncation=True, max_length=most)["input_ids"]
        found = np.empty((len(self.layers), len(texts), self.model.config.hidden_size), np.float32)
        with torch.inference_mode():
            for rows in _batches([len(own) + 2 for own in pieces]):
                ids, real = self._framed([pieces[row] for row in rows])
                states = self.model(ids, attention_mask=real, output_hidden_states=True).hidden_states
                for number, layer in enumerate(self.layers):
                    found[number, rows] = self._pooled(states[layer], real).float().cpu().numpy()
        return found

    def _framed(self, pieces: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and what is real, both [B, L]."""
        first, last = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        rows = [np.array([first, *own, last]) for own in pieces]
        fills = {"ids": self.tokenizer.pad_token_id, "real": 0}
        made = collating.batches(fills)([{"ids": row, "real": np.ones_like(row)} for row in rows])
        return made["ids"].to(self.model.device), made["real"].to(self.model.device)

    def _pooled(self, states: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """[B, L, d] -> [B, d]."""
        if self.spec.pool == "first":
            return states[:, 0]
        own = real.clone()
        if not self.spec.special_tokens:
            own[:, 0] = 0
            own[torch.arange(len(own)), real.sum(1) - 1] = 0
        return (states * own[..., None]).sum(1) / own.sum(1, keepdim=True).clamp(min=1)


@dataclass(frozen=True)
class Vectors:
    """The vectors of some texts on disk: chunks of [layers, texts, d], in the order `order` of the texts."""

    chunks: list[Path]
    order: np.ndarray

    def of_layer(self, number: int) -> np.ndarray:
        """float32 [texts, d] of the layer with this number among those asked for."""
        parts = [np.load(path, mmap_mode="r", allow_pickle=False)[number] for path in self.chunks]
        found = np.empty((len(self.order), parts[0].shape[1]), np.float32)
        for start, part in zip(range(0, len(self.order), CHUNK), parts, strict=True):
            found[self.order[start : start + CHUNK]] = part
        return found


def in_chunks(job: Job, name: str, encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """The vectors of all texts, the shortest first; a run that is stopped goes on behind the last chunk.

    Raises Interrupted between two chunks, when the job should stop.
    """
    order = np.argsort([len(text) for text in texts], kind="stable")
    chunks = []
    for start in range(0, len(order), CHUNK):
        path = job.state / f"{name}-{start}.npy"
        if not path.is_file():
            stop_if_asked(job, f"{start} of {len(texts)} texts are read ({name})")
            values = encoder.vectors([texts[row] for row in order[start : start + CHUNK]])
            write_whole(path, lambda handle, values=values: np.save(handle, values))
        chunks.append(path)
    return Vectors(chunks, order)


def _batches(lengths: Sequence[int]) -> list[np.ndarray]:
    """Rows of texts of similar length, at most TOKENS tokens together with their padding, or one text."""
    found, own = [], []
    for row in np.argsort(lengths, kind="stable"):
        if own and (len(own) + 1) * lengths[row] > TOKENS:
            found.append(np.array(own))
            own = []
        own.append(row)
    return [*found, np.array(own)]
