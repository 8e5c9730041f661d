"""Table of bits per byte: what held-out text costs every pre-trained model, beside random weights, frequencies of
pieces, and another model whose numbers are of the same kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import compare, estimate, holm
from scriptorium.minimal_pairs.scoring import MODEL, RANDOM, UNIGRAM
from scriptorium.reporting.differences import Difference
from scriptorium.reporting.manipulation import without_logits
from scriptorium.reporting.verdicts import BASELINE, of_difference, scale

PLACE = "held-out"  # what stands for a task in claims: the sentences are the same for all
DELTAS = ("delta", "delta_ci_low", "delta_ci_high", "p", "p_holm")


@dataclass(frozen=True)
class TextsRun:
    """One model on the held-out sentences. kind: exact, conditional or pseudo (minimal_pairs/likelihoods).

    texts: id, bytes, hidden (behind an [UNK]), and a column of nats for each scorer.
    """

    variant: str
    seed: int
    kind: str
    texts: pd.DataFrame

    def totals(self, scorer: str) -> np.ndarray:
        """[texts, 2]: bits and bytes."""
        return np.stack([self.texts[scorer] / np.log(2), self.texts["bytes"]], axis=-1)


def read(manifest: Path) -> TextsRun:
    """The run in results/bits_per_byte/<variant>/seed<k>/."""
    folder = manifest.parent
    scores = pd.read_parquet(folder / "scores.parquet")
    parts = {name: own.reset_index(drop=True) for name, own in scores.groupby("scorer", sort=False)}
    texts = parts[MODEL][["id", "bytes", "hidden"]].assign(**{name: own["nats"] for name, own in parts.items()})
    kind = parts[MODEL]["kind"].iloc[0]
    return TextsRun(folder.parent.name, int(folder.name.removeprefix("seed")), kind, texts)


def bits_table(runs: Sequence[TextsRun], baseline: str) -> pd.DataFrame:
    """One row per variant, by kind of likelihood and in the order of the runs.

    Columns: variant, likelihood (its kind), texts, bytes, hidden (share of the bytes behind an [UNK]), seeds,
    bits_per_byte, ci_low, ci_high, random (the same of random weights), unigram (of frequencies of pieces), against,
    delta, delta_ci_low, delta_ci_high, p, p_holm (over the variants of a kind), verdict, scale.

    A variant stands beside the baseline, if both are of one kind, else beside the first variant of its own kind
    (`against`): numbers of different kinds do not compare. Intervals are of evaluation/statistics.py, over seeds and
    texts. Raises UserError: runs on different texts.
    """
    variants = grouped(runs)
    first = {own[0].kind: name for name, own in reversed(variants.items())}
    if baseline in variants:
        first[variants[baseline][0].kind] = baseline
    rows, compared = [], {}
    for kind, reference in reversed(first.items()):
        for name, own in variants.items():
            if own[0].kind != kind:
                continue
            row = _row(name, own)
            if name == reference:
                row["verdict"] = BASELINE
            else:
                base = variants[reference]
                found = compare(_totals(own), _totals(base), _bits_per_byte, lower_better=True)
                compared[len(rows)] = found, min(len(own), len(base))
                row |= dict(zip(DELTAS, (found.difference, found.low, found.high, found.p), strict=False))
                row |= {"against": reference, "scale": scale(min(len(own), len(base)))}
            rows.append(row)
    made = pd.DataFrame(rows)
    for _, own in made.groupby("likelihood"):
        made.loc[own.index, "p_holm"] = holm(own["p"].tolist())
    for place, (found, seeds) in compared.items():
        made.loc[place, "verdict"] = of_difference(found, made.loc[place, "p_holm"], seeds, lower_better=True)
    return made


def difference(
    own: Sequence[TextsRun], base: Sequence[TextsRun], *, smallest: float
) -> tuple[tuple[float, float], Difference]:
    """(bits per byte of both variants, the first minus the second). A text is changed if its bits are.

    Raises UserError: likelihoods of different kinds, or different texts.
    """
    grouped([*own, *base])
    if own[0].kind != base[0].kind:
        raise UserError(
            f"the likelihood of {own[0].variant} is {own[0].kind}, that of {base[0].variant} {base[0].kind}: their "
            "bits per byte do not compare",
            where="config/claims.yaml",
            remedy="compare variants of one kind, or name another stage in `of`",
        )
    a, b = _totals(own), _totals(base)
    by_seed = [{run.seed: run.texts[MODEL].to_numpy() for run in side} for side in (own, base)]
    compared = compare(a, b, _bits_per_byte, smallest=smallest, lower_better=True)
    values = estimate(a, _bits_per_byte).value, estimate(b, _bits_per_byte).value
    return values, Difference(compared, without_logits(*by_seed), min(len(own), len(base)))


def grouped(runs: Sequence[TextsRun]) -> dict[str, list[TextsRun]]:
    """variant -> its runs. Raises UserError if not all are on the same texts."""
    found: dict[str, list[TextsRun]] = {}
    for run in runs:
        found.setdefault(run.variant, []).append(run)
        if not run.texts[["id", "bytes"]].equals(runs[0].texts[["id", "bytes"]]):
            raise UserError(
                f"{run.variant}, seed {run.seed}, and {runs[0].variant} were scored on different texts",
                where="results/bits_per_byte",
                remedy="run snakemake for all of them again",
            )
    return found


def _row(name: str, own: Sequence[TextsRun]) -> dict[str, object]:
    found, texts = estimate(_totals(own), _bits_per_byte), own[0].texts
    return {
        "variant": name,
        "likelihood": own[0].kind,
        "texts": len(texts),
        "bytes": int(texts["bytes"].sum()),
        "hidden": texts["hidden"].sum() / texts["bytes"].sum(),
        "seeds": len(own),
        "bits_per_byte": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        **{scorer: float(_bits_per_byte(_totals(own, scorer).sum((0, 1)))) for scorer in (RANDOM, UNIGRAM)},
        "against": "",
        **dict.fromkeys(DELTAS, np.nan),
        "verdict": "",
        "scale": scale(len(own)),
    }


def _totals(runs: Sequence[TextsRun], scorer: str = MODEL) -> np.ndarray:
    """[seeds, texts, 2]."""
    return np.stack([run.totals(scorer) for run in runs])


def _bits_per_byte(sums: np.ndarray) -> np.ndarray:
    """[..., 2] -> [...]."""
    return sums[..., 0] / sums[..., 1]
