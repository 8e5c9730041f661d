"""A linear probe: what a frozen encoder knows of a text's class, with few labelled texts (ours).

Features are the mean of the last layer's states over the first pieces of a text, without [CLS] and [SEP], each scaled
to mean 0 and deviation 1 of the labelled texts. The classifier is scikit-learn's logistic regression with its default
regularisation (L2, C = 1), for encoder and controls alike: nothing is chosen, so no validation texts are needed.

Scorers: `model`, the pre-trained encoder · `random`, its architecture with random weights, drawn anew for each draw ·
`tfidf`, no encoder: the frequencies of the same pieces, weighted by TF-IDF of the labelled texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import transformers
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from scriptorium.errors import UserError
from scriptorium.models.positions import longest_input

MODEL, RANDOM, TFIDF = "model", "random", "tfidf"
BATCH = 64  # texts
STEPS = 2000  # of the solver, at most


def pieces_of(
    tokenizer: transformers.PreTrainedTokenizerBase, texts: Sequence[str], most: int, config: object
) -> list[list[int]]:
    """The first pieces of every text, without special tokens. Raises UserError: more than the encoder takes."""
    if most > (longest := longest_input(config) - 2):
        raise UserError(
            f"few_labels.pieces {most} is more than the encoder takes with [CLS] and [SEP]: {longest}",
            where="config/config.yaml",
            remedy="lower few_labels.pieces, or pre-train with a larger max_positions",
        )
    return tokenizer(list(texts), add_special_tokens=False, truncation=True, max_length=most)["input_ids"]


def encoder_of(model: transformers.PreTrainedModel) -> transformers.PreTrainedModel:
    """What reads a text: the model, or of an encoder-decoder its encoder."""
    return model.get_encoder() if model.config.is_encoder_decoder else model


def mean_states(
    encoder: transformers.PreTrainedModel, tokenizer: transformers.PreTrainedTokenizerBase, pieces: list[list[int]]
) -> np.ndarray:
    """float32 [texts, d]: means of the last layer's states over a text's pieces."""
    found = np.empty((len(pieces), encoder.config.hidden_size), np.float32)
    order = np.argsort([len(own) for own in pieces], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            width = max(len(pieces[row]) for row in rows)
            ids = torch.full((len(rows), width + 2), tokenizer.pad_token_id)
            real = torch.zeros_like(ids)
            for line, row in enumerate(rows):
                framed = [tokenizer.cls_token_id, *pieces[row], tokenizer.sep_token_id]
                ids[line, : len(framed)], real[line, : len(framed)] = torch.tensor(framed), 1
            ids, real = ids.to(encoder.device), real.to(encoder.device)
            states = encoder(ids, attention_mask=real).last_hidden_state
            own = real.clone()
            own[:, 0] = 0
            own[torch.arange(len(rows)), real.sum(1) - 1] = 0
            mean = (states * own[..., None]).sum(1) / own.sum(1, keepdim=True).clamp(min=1)
            found[rows] = mean.float().cpu().numpy()
    return found


def piece_counts(pieces: list[list[int]], vocabulary: int):
    """Sparse [texts, vocabulary]: how often each piece is in a text."""
    from scipy.sparse import csr_matrix

    columns = np.concatenate([np.asarray(own, np.int64) for own in pieces])
    starts = np.cumsum([0, *map(len, pieces)])
    counts = csr_matrix((np.ones(len(columns), np.float32), columns, starts), shape=(len(pieces), vocabulary))
    counts.sum_duplicates()
    return counts


def predict(train, labels: np.ndarray, test, *, counts: bool) -> np.ndarray:
    """Predicted classes of `test` [m, d] by a probe on `train` [n, d] with labels [n]. counts: of pieces, sparse."""
    scale = (TfidfTransformer() if counts else StandardScaler()).fit(train)
    classifier = LogisticRegression(max_iter=STEPS).fit(scale.transform(train), labels)
    return classifier.predict(scale.transform(test))
