"""How well any model could predict a gaze corpus: the noise of its participants (ours).

Two measures: the participants' means of one half against those of the other half, and two recordings of one sentence.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from scriptorium.gaze.pooling import normalised

PLACE = ["document", "sentence", "word_index"]
REPEATED_WORDS = 5  # shorter sentences occur twice by chance


def split_half(rows: pd.DataFrame, draws: int, seed: int = 0) -> dict[str, float]:
    """Reliability of a word's mean n_fix, from random halves of the participants of each sentence.

    rows: one per word and participant, with document, sentence, word_index, participant, n_fix. Sentences that one
    participant alone has read are left out; of an odd number of participants one is left out in turn. The correlation
    of the halves over words, averaged over `draws`, is stepped up to all participants by the Spearman-Brown formula
    (1910): r_all = m r / (1 + (m - 1) r), m = participants / participants in a half.

    Returns split_half_r (r_all), split_half_sd (of r_all over the draws), ceiling_r = sqrt(r_all) (the highest
    correlation a model without error would reach with these means), ceiling_participants (mean number of participants
    per word), and nothing where no sentence has two participants.
    """
    sentence = rows.groupby(["document", "sentence"], sort=True).ngroup().to_numpy()
    participant = rows["participant"].astype("category").cat.codes.to_numpy()
    trial, trial_of = np.unique(np.column_stack([sentence, participant]), axis=0, return_inverse=True)
    trial_of = trial_of.ravel()
    starts = np.flatnonzero(np.r_[True, trial[1:, 0] != trial[:-1, 0]])
    size = np.diff(np.r_[starts, len(trial)]).repeat(np.diff(np.r_[starts, len(trial)]))
    half = size // 2
    word = rows.groupby(PLACE, sort=True).ngroup().to_numpy()
    used = half[trial_of] > 0
    if not used.any():
        return {}
    word, values = np.unique(word[used], return_inverse=True)[1], rows["n_fix"].to_numpy(np.float64)[used]
    factor = size[trial_of][used].mean() / half[trial_of][used].mean()
    first = starts.repeat(np.diff(np.r_[starts, len(trial)]))
    generator = np.random.default_rng([seed])
    found = []
    for _ in range(draws):
        key = generator.random(participant.max() + 1)[trial[:, 1]]
        place = np.empty(len(trial), dtype=np.int64)
        place[np.lexsort((key, trial[:, 0]))] = np.arange(len(trial))
        group = ((place - first) // half.clip(1))[trial_of][used]  # 0, 1, or 2: left out
        means = [_means(word[group == side], values[group == side], word.max() + 1) for side in (0, 1)]
        if min(mean.std() for mean in means) > 0:
            found.append(float(np.corrcoef(*means)[0, 1]))
    if not found:
        return {}
    stepped = [factor * r / (1 + (factor - 1) * r) for r in found]
    r = float(np.mean(stepped))
    return {
        "split_half_r": r,
        "split_half_sd": float(np.std(stepped)),
        "ceiling_r": float(np.sqrt(max(r, 0.0))),
        "ceiling_participants": float(size[trial_of][used].mean()),
    }


def _means(word: np.ndarray, values: np.ndarray, words: int) -> np.ndarray:
    return np.bincount(word, values, words) / np.bincount(word, minlength=words)


def repeats(words: pd.DataFrame) -> dict[str, float]:
    """Agreement of two recordings of the same sentence (docs/papers/cogbert.md section 9.2), at least five words long.

    words: a gaze table. Each sentence that occurs twice or more gives its first two recordings. Returns
    repeat_sentences, and repeat_r and repeat_mae (fixations) over their words if there are any.
    """
    place = words.groupby(["document", "sentence"], sort=True)
    texts = place["word"].agg(" ".join).map(normalised)
    texts = texts[texts.str.split().str.len() >= REPEATED_WORDS]
    repeated = texts[texts.duplicated(keep=False)]
    n_fix = place["n_fix"].agg(list)
    pairs = [tuple(n_fix[key] for key in group.index[:2]) for _, group in repeated.groupby(repeated, sort=True)]
    pairs = [(a, b) for a, b in pairs if len(a) == len(b)]
    found = {"repeat_sentences": float(len(pairs))}
    if pairs:
        a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
        found["repeat_mae"] = float(np.abs(a - b).mean())
        if a.std() > 0 and b.std() > 0:
            found["repeat_r"] = float(np.corrcoef(a, b)[0, 1])
    return found
