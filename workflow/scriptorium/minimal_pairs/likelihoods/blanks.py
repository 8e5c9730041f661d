"""GLM: each word of a sentence is a blank in turn, and its pieces are written from left to right, all other words being
read: a pseudo-log-likelihood (ours).

A sentence as one blank would be a likelihood, but a model is trained on blanks of about three pieces. That the blank
ends behind the word is not scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import transformers

from scriptorium.minimal_pairs.sentences import Sentence
from scriptorium.models.glm import GlmForBlankInfilling
from scriptorium.objectives.corruption.blanks import Row, Symbols, row

KIND = "pseudo"
MODEL = GlmForBlankInfilling


def scores(
    model: GlmForBlankInfilling,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sentences: Sequence[Sentence],
    tokens: int,
) -> np.ndarray:
    """The score of every sentence in nats, float64 [sentences]. tokens: largest number of tokens in a batch."""
    found = np.zeros(len(sentences))
    symbols = Symbols(tokenizer.cls_token_id, tokenizer.mask_token_id, tokenizer.sep_token_id)
    by_length: dict[int, list[tuple[int, Row]]] = {}
    for number, sentence in enumerate(sentences):
        by_length.setdefault(len(sentence.pieces), []).extend((number, each) for each in blanks(sentence, symbols))
    with torch.inference_mode():
        for length, members in sorted(by_length.items()):
            rows = max(1, tokens // (length + 4))
            for start in range(0, len(members), rows):
                own, batch = zip(*members[start : start + rows], strict=True)
                ids, positions, inside = (
                    torch.from_numpy(np.stack(column)).to(model.device)
                    for column in zip(*((each.ids, each.positions, each.inside) for each in batch), strict=True)
                )
                states = model.states(ids, torch.zeros_like(ids), positions, inside)
                # of the words' pieces: all rows of B but the last, which tells the end of the span
                told = inside > 0
                told[:, -1] = False
                logits = model.logits(states[told])[:, : model.tokens].float().log_softmax(-1)
                pieces = torch.from_numpy(np.concatenate([each.labels[:-1] for each in batch])).to(model.device)
                own = np.repeat(own, [len(each.labels) - 1 for each in batch])
                np.add.at(found, own, logits.gather(1, pieces[:, None].long())[:, 0].double().cpu().numpy())
    return found


def blanks(sentence: Sentence, symbols: Symbols) -> Iterator[Row]:
    """The rows of a sentence of n pieces, one for each word, all of length n + 4."""
    pieces, words = np.array(sentence.pieces), np.array(sentence.words)
    begins = np.flatnonzero(np.diff(words, prepend=words[0] - 1))
    for begin, length in zip(begins, np.diff(begins, append=len(words)), strict=True):
        yield row(pieces, np.array([begin]), np.array([length]), np.array([0]), symbols)
