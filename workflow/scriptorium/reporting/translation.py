"""Table of a translation study: every variant against the baseline, by BLEU and chrF, on the same test sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.evaluation.statistics import compare, estimate, holm
from scriptorium.reporting.differences import Difference
from scriptorium.reporting.manipulation import Manipulation, without_logits
from scriptorium.reporting.verdicts import BASELINE, scale, seeds_needed, verdict
from scriptorium.translation.scores import METRICS

BLEU = "BLEU"


@dataclass(frozen=True)
class TranslationRun:
    """One run, its names by its path: hypotheses.parquet, indexed by id, and metrics.json's signatures."""

    variant: str
    translation: str
    seed: int
    texts: pd.DataFrame
    signatures: dict[str, str]


def read(manifest: Path) -> TranslationRun:
    """The run in results/translate/<variant>/<translation>/seed<k>/."""
    folder = manifest.parent
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return TranslationRun(
        variant=folder.parent.parent.name,
        translation=folder.parent.name,
        seed=int(folder.name.removeprefix("seed")),
        texts=pd.read_parquet(folder / "hypotheses.parquet").set_index("id"),
        signatures={k.removeprefix("signature/"): v for k, v in metrics.items() if k.startswith("signature/")},
    )


def table(runs: Sequence[TranslationRun], baseline: str, tokenizers: Mapping[str, str]) -> pd.DataFrame:
    """One row per translation, metric and variant, the baseline first.

    variant, translation, metric, sentences, seeds; mean, ci_low, ci_high: over new seeds and new sentences
    (evaluation/statistics.py); copy: the metric of the sources themselves, above_copy: whether the interval of the
    difference to it is above 0; delta, delta_ci_low, delta_ci_high, p: variant minus baseline; p_holm: over all rows of
    the study; verdict, scale: as in the tables of fine-tuning; changed: share of the translations that differ from the
    baseline's, changed_seeds: the same between two seeds of the baseline; seeds_needed; signature.

    tokenizers: translation -> sacrebleu's tokenizer for BLEU.
    Raises UserError: no run of the baseline, other test sets.
    """
    rows, found = [], {}
    for translation, variants in _grouped(runs).items():
        if baseline not in variants:
            raise UserError(
                f"translation {translation!r} has no run of the baseline {baseline!r}",
                remedy="add the baseline to the variants of the translation study",
            )
        _check(translation, variants)
        order = [baseline, *(name for name in variants if name != baseline)]
        for metric, (counts, value) in METRICS.items():
            tokenize = tokenizers[translation]
            sums = {name: _counts(own, counts, tokenize) for name, own in variants.items()}
            first = variants[baseline][0]
            copied = counts(first.texts["source"].tolist(), first.texts["reference"].tolist(), tokenize)
            for name in order:
                own = estimate(sums[name], value)
                over = compare(sums[name], np.stack([copied] * len(sums[name])), value)
                row = {
                    "variant": name,
                    "translation": translation,
                    "metric": metric,
                    "sentences": len(copied),
                    "seeds": len(variants[name]),
                    "mean": own.value,
                    "ci_low": own.low,
                    "ci_high": own.high,
                    "copy": float(value(copied.sum(axis=0))),
                    "above_copy": "yes" if over.low > 0 else "no",
                    **dict.fromkeys(("delta", "delta_ci_low", "delta_ci_high", "p", "p_holm"), np.nan),
                    "verdict": BASELINE,
                    "scale": scale(len(variants[name])),
                    **dict.fromkeys(("changed", "changed_seeds", "seeds_needed"), np.nan),
                    "signature": variants[name][0].signatures.get(metric.lower(), ""),
                }
                if name != baseline:
                    made = compare(sums[name], sums[baseline], value)
                    acted = manipulation(variants[name], variants[baseline])
                    found[len(rows)] = made, acted, min(len(variants[name]), len(variants[baseline]))
                    row |= {
                        "delta": made.difference,
                        "delta_ci_low": made.low,
                        "delta_ci_high": made.high,
                        "p": made.p,
                        "scale": scale(found[len(rows)][2]),
                        "changed": acted.changed,
                        "changed_seeds": acted.changed_seeds,
                    }
                rows.append(row)
    return _decided(pd.DataFrame(rows), found)


def difference(
    own: Sequence[TranslationRun], base: Sequence[TranslationRun], metric: str, tokenize: str, *, smallest: float
) -> tuple[tuple[float, float], Difference]:
    """(values of both variants, the first minus the second) by a metric, in percent.

    Raises UserError: other test sentences, a metric that is not there.
    """
    if metric not in METRICS:
        raise UserError(f"translations have no metric {metric!r}, {nearest(metric, METRICS)}")
    _check(own[0].translation, {own[0].variant: own, base[0].variant: base})
    counts, value = METRICS[metric]
    a, b = (_counts(side, counts, tokenize) for side in (own, base))
    found = Difference(compare(a, b, value, smallest=smallest), manipulation(own, base), min(len(own), len(base)))
    return (estimate(a, value).value, estimate(b, value).value), found


def manipulation(own: Sequence[TranslationRun], base: Sequence[TranslationRun]) -> Manipulation:
    """How many translations two variants do not share, seed by seed, beside two seeds of the baseline."""
    mine, theirs = ({run.seed: run.texts["hypothesis"].to_numpy() for run in side} for side in (own, base))
    return without_logits(mine, theirs)


def sentence(row: tuple) -> str:
    """One row of the table in plain words."""
    weak = "" if row.above_copy == "yes" else f"; not shown to be above the sources themselves ({row.copy:.2f})"
    if row.verdict == BASELINE:
        return f"{row.translation}: baseline {row.variant} reaches {row.metric} {row.mean:.2f} ({row.scale}){weak}"
    p = "" if np.isnan(row.p_holm) else f", p after Holm {row.p_holm:.3f}"
    return (
        f"{row.translation}: {row.variant} {row.metric} {row.mean:.2f}, {row.delta:+.2f} against the baseline "
        f"[{row.delta_ci_low:+.2f}, {row.delta_ci_high:+.2f}]{p}: {row.verdict} ({row.scale}); "
        f"{row.changed:.1%} of the translations differ{weak}"
    )


def _grouped(runs: Sequence[TranslationRun]) -> dict[str, dict[str, list[TranslationRun]]]:
    """translation -> variant -> runs, in the order given."""
    found: dict[str, dict[str, list[TranslationRun]]] = {}
    for run in runs:
        found.setdefault(run.translation, {}).setdefault(run.variant, []).append(run)
    return found


def _check(translation: str, variants: Mapping[str, Sequence[TranslationRun]]) -> None:
    first, *others = [run for own in variants.values() for run in own]
    for run in others:
        same = run.texts.index.equals(first.texts.index) and run.texts["reference"].equals(first.texts["reference"])
        if not same or run.signatures != first.signatures:
            raise UserError(
                f"{run.variant} and {first.variant} ({translation}) have other test sentences or were scored otherwise",
                where=f"results/translate/{run.variant}/{translation}/seed{run.seed}",
                remedy="run snakemake for both again",
            )


def _counts(runs: Sequence[TranslationRun], counts, tokenize: str) -> np.ndarray:
    """[seeds, sentences, k]."""
    columns = [(run.texts["hypothesis"].tolist(), run.texts["reference"].tolist()) for run in runs]
    return np.stack([counts(*both, tokenize) for both in columns])


def _decided(made: pd.DataFrame, found: Mapping[int, tuple]) -> pd.DataFrame:
    """The table with p_holm, verdicts and seeds_needed."""
    made["p_holm"] = holm(made["p"].tolist())
    family = int(made["p"].notna().sum())
    for place, (comparison, acted, seeds) in found.items():
        p = made.loc[place, "p_holm"]
        made.loc[place, "verdict"] = verdict(comparison, p, acted, seeds, lower_better=False)
        made.loc[place, "seeds_needed"] = seeds_needed(comparison, p, family, smallest=0.0, lower_better=False)
    return made
