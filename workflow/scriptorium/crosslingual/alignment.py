"""Which word of a translation does a model take for a word of a text? Read from its cross-attention, or from states.

Sources, for every layer: `attention`, the cross-attention's weights, the mean over its heads, summed over the pieces of
a word of the other text and averaged over those of this one · `states`, the cosine of the mean states of the words,
each text read alone. A word is taken for the one that it gives most to. All of this is ours; the paper shows none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import transformers

from scriptorium.crosslingual.held_out import Pair, Text
from scriptorium.models.veco import VecoModel
from scriptorium.objectives import collating
from scriptorium.text.dictionaries.preparing import Translations

ATTENTION, STATES = "attention", "states"


def links(text: Text, other: Text, translations: Translations) -> list[tuple[int, frozenset[int]]]:
    """(number of a word of `text`, the words of `other` that the dictionary gives for it).

    Words whose form stands in both texts, such as names and numbers, are left out: shared pieces give them away.
    """
    forms = [form for form, _, _ in other.words]
    found = []
    for number, (form, _, _) in enumerate(text.words):
        if form in forms:
            continue
        partners = {place for place, each in enumerate(forms) if each in translations.get(form, ())}
        if partners:
            found.append((number, frozenset(partners)))
    return found


def scores(
    model: transformers.PreTrainedModel, pairs: Sequence[Pair], pad: int
) -> Iterator[dict[tuple[str, int, int], np.ndarray]]:
    """For each pair {(source, layer, side): [words of the text at `side`, words of the other]}, float64.

    Layers of the states count from 0, the embeddings; those of the cross-attention from 1. Any encoder has states,
    VECO with its cross-attention has both. A word without pieces has NaN.
    """
    encoder = model.base_model
    with torch.inference_mode():
        sides = [padded([pair.texts[side] for pair in pairs], pad, model.device) for side in (0, 1)]
        states = [
            [layer.double().cpu().numpy() for layer in encoder(ids, mask, output_hidden_states=True).hidden_states]
            for ids, mask in sides
        ]
        plugged = isinstance(encoder, VecoModel) and encoder.config.plug_in
        attention = _cross_attention(encoder, *sides[0], *sides[1]) if plugged else []
    for row, pair in enumerate(pairs):
        found = {}
        for side in (0, 1):
            text, other = pair.texts[side], pair.texts[1 - side]
            for layer in range(len(states[0])):
                own, others = (
                    word_vectors(states[at][layer][row], words) for at, words in ((side, text), (1 - side, other))
                )
                found[STATES, layer, side] = own @ others.T
            for layer, both in enumerate(attention, start=1):
                found[ATTENTION, layer, side] = _by_word(both[side][row], text, other)
        yield found


def _cross_attention(encoder: VecoModel, *texts: torch.Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """For every layer the weights of x on y [B, Lx, Ly] and of y on x [B, Ly, Lx], the mean over heads.

    They are computed anew from the queries and keys that the layers see, because the layers do not keep them.
    """
    x, x_mask, y, y_mask = texts
    seen: list[torch.Tensor] = []
    blocks = [layer.cross_attention.self for layer in encoder.encoder.layer]
    hooks = [
        part.register_forward_hook(lambda _, __, out: seen.append(out))
        for block in blocks
        for part in (block.query, block.key)
    ]
    try:
        encoder.plug_in(x, x_mask, y, y_mask)
    finally:
        for hook in hooks:
            hook.remove()
    size = 2 * len(blocks)
    sides = []
    for calls, keys_mask in ((seen[:size], y_mask), (seen[size:], x_mask)):
        layers = []
        for block, query, key in zip(blocks, calls[::2], calls[1::2], strict=True):
            heads = [part.unflatten(-1, (block.num_attention_heads, -1)).transpose(1, 2) for part in (query, key)]
            logits = heads[0] @ heads[1].transpose(-1, -2) / heads[0].shape[-1] ** 0.5
            logits = logits.masked_fill(keys_mask[:, None, None] == 0, float("-inf"))
            layers.append(logits.softmax(-1).mean(1).double().cpu().numpy())
        sides.append(layers)
    return list(zip(*sides, strict=True))


def padded(texts: Sequence[Text], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and what is real, both [B, L]."""
    rows = [np.array(text.pieces) for text in texts]
    made = collating.batches({"ids": pad, "real": 0})([{"ids": row, "real": np.ones_like(row)} for row in rows])
    return made["ids"].to(device), made["real"].to(device)


def word_vectors(states: np.ndarray, text: Text) -> np.ndarray:
    """Unit vectors [words, d] of the mean states of words, NaN of a word without pieces; states [L, d]."""
    means = np.full((len(text.words), states.shape[1]), np.nan)
    for number, (_, start, stop) in enumerate(text.words):
        if start < stop:
            means[number] = states[start:stop].mean(0)
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)


def _by_word(weights: np.ndarray, text: Text, other: Text) -> np.ndarray:
    """[words, words of other] from the weights [L, M] of pieces on pieces; NaN of a word without pieces."""
    found = np.full((len(text.words), len(other.words)), np.nan)
    for column, (_, start, stop) in enumerate(other.words):
        for row, (_, first, last) in enumerate(text.words):
            if start < stop and first < last:
                found[row, column] = weights[first:last, start:stop].sum(1).mean()
    return found
