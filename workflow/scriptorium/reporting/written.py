"""Table of a study of written texts, translations among them: every variant against the baseline, on the same test
sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.evaluation.statistics import compare, estimate, holm
from scriptorium.generation.metrics import METRICS, Metric, check_comparable
from scriptorium.reporting.differences import Difference
from scriptorium.reporting.manipulation import Manipulation, without_logits
from scriptorium.reporting.verdicts import BASELINE, scale, seeds_needed, verdict

OF_TRANSLATION = ("BLEU", "chrF")  # what a table of translations shows; claims take the first


@dataclass(frozen=True)
class WrittenRun:
    """One run, its names by its path: hypotheses.parquet, indexed by id, and metrics.json's signatures.

    task: the generation task, or the translation.
    """

    variant: str
    task: str
    seed: int
    texts: pd.DataFrame
    signatures: dict[str, str]

    @property
    def folder(self) -> str:
        stage = "generate" if "lead" in self.texts else "translate"
        return f"results/{stage}/{self.variant}/{self.task}/seed{self.seed}"

    @property
    def unwritten(self) -> pd.DataFrame:
        """The texts, with what needs no model in place of the hypotheses: of translations the source itself, else the
        first words of the source."""
        return self.texts.assign(hypothesis=self.texts["lead" if "lead" in self.texts else "source"])


def read(manifest: Path) -> WrittenRun:
    """The run in results/<generate or translate>/<variant>/<task>/seed<k>/."""
    folder = manifest.parent
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return WrittenRun(
        variant=folder.parent.parent.name,
        task=folder.parent.name,
        seed=int(folder.name.removeprefix("seed")),
        texts=pd.read_parquet(folder / "hypotheses.parquet").set_index("id"),
        signatures={k.removeprefix("signature/"): v for k, v in metrics.items() if k.startswith("signature/")},
    )


@dataclass(frozen=True)
class Measured:
    """How a task's texts are measured: by which metrics, and with which of sacrebleu's tokenizers for BLEU."""

    metrics: Sequence[str]
    tokenize: str


def scores_table(runs: Sequence[WrittenRun], baseline: str, tasks: Mapping[str, Measured]) -> pd.DataFrame:
    """One row per task, metric and variant, the baseline first.

    variant, task, metric, examples, seeds; mean, ci_low, ci_high: over new seeds and new examples
    (evaluation/statistics.py); copy: the metric of what needs no model (WrittenRun.unwritten), above_copy: whether the
    interval of the difference to it is above 0, both empty for perplexity; delta, delta_ci_low, delta_ci_high, p:
    variant minus baseline; p_holm: over all rows of the study; verdict, scale: as in the tables of fine-tuning;
    changed: share of the texts that differ from the baseline's, changed_seeds: the same between two seeds of the
    baseline; seeds_needed; signature.

    Raises UserError: no run of the baseline, other test sets.
    """
    rows, found = [], {}
    for task, variants in _grouped(runs).items():
        if baseline not in variants:
            raise UserError(
                f"{task!r} has no run of the baseline {baseline!r}",
                remedy="add the baseline to the variants of the study",
            )
        _check(variants)
        order = [baseline, *(name for name in variants if name != baseline)]
        for name in tasks[task].metrics:
            metric, tokenize = METRICS[name], tasks[task].tokenize
            _check_pieces(name, variants, baseline)
            sums = {variant: _counts(own, metric, tokenize) for variant, own in variants.items()}
            copied = _copied(variants[baseline][0], metric, tokenize)
            for variant in order:
                own = estimate(sums[variant], metric.value)
                row = {
                    "variant": variant,
                    "task": task,
                    "metric": name,
                    "examples": sums[variant].shape[1],
                    "seeds": len(variants[variant]),
                    "mean": own.value,
                    "ci_low": own.low,
                    "ci_high": own.high,
                    "copy": np.nan if copied is None else float(metric.value(copied.sum(axis=0))),
                    "above_copy": "" if copied is None else _above(sums[variant], copied, metric),
                    **dict.fromkeys(("delta", "delta_ci_low", "delta_ci_high", "p", "p_holm"), np.nan),
                    "verdict": BASELINE,
                    "scale": scale(len(variants[variant])),
                    **dict.fromkeys(("changed", "changed_seeds", "seeds_needed"), np.nan),
                    "signature": _signature(variants[variant][0], name),
                }
                if variant != baseline:
                    made = compare(sums[variant], sums[baseline], metric.value)
                    acted = manipulation(variants[variant], variants[baseline])
                    found[len(rows)] = made, acted, min(len(variants[variant]), len(variants[baseline]))
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
    own: Sequence[WrittenRun], base: Sequence[WrittenRun], metric: str, measured: Measured, *, smallest: float
) -> tuple[tuple[float, float], Difference]:
    """(values of both variants, the first minus the second) by a metric, in its own unit.

    Raises UserError: other test examples, a metric that is not there.
    """
    if metric not in measured.metrics:
        raise UserError(
            f"{own[0].task} is not measured by {metric!r}, {nearest(metric, dict.fromkeys(measured.metrics))}"
        )
    variants = {own[0].variant: own, base[0].variant: base}
    _check(variants)
    _check_pieces(metric, variants, base[0].variant)
    how = METRICS[metric]
    a, b = (_counts(side, how, measured.tokenize) for side in (own, base))
    made = compare(a, b, how.value, smallest=smallest, lower_better=how.lower_better)
    found = Difference(made, manipulation(own, base), min(len(own), len(base)))
    return (estimate(a, how.value).value, estimate(b, how.value).value), found


def manipulation(own: Sequence[WrittenRun], base: Sequence[WrittenRun]) -> Manipulation:
    """How many texts two variants do not share, seed by seed, beside two seeds of the baseline."""
    mine, theirs = ({run.seed: run.texts["hypothesis"].to_numpy() for run in side} for side in (own, base))
    return without_logits(mine, theirs)


def sentence(row: tuple) -> str:
    """One row of the table in plain words."""
    weak = f"; not shown to be above what needs no model ({row.copy:.2f})" if row.above_copy == "no" else ""
    if row.verdict == BASELINE:
        return f"{row.task}: baseline {row.variant} reaches {row.metric} {row.mean:.2f} ({row.scale}){weak}"
    p = "" if np.isnan(row.p_holm) else f", p after Holm {row.p_holm:.3f}"
    return (
        f"{row.task}: {row.variant} {row.metric} {row.mean:.2f}, {row.delta:+.2f} against the baseline "
        f"[{row.delta_ci_low:+.2f}, {row.delta_ci_high:+.2f}]{p}: {row.verdict} ({row.scale}); "
        f"{row.changed:.1%} of the texts differ{weak}"
    )


def _grouped(runs: Sequence[WrittenRun]) -> dict[str, dict[str, list[WrittenRun]]]:
    """task -> variant -> runs, in the order given."""
    found: dict[str, dict[str, list[WrittenRun]]] = {}
    for run in runs:
        found.setdefault(run.task, {}).setdefault(run.variant, []).append(run)
    return found


def _check(variants: Mapping[str, Sequence[WrittenRun]]) -> None:
    first, *others = [run for own in variants.values() for run in own]
    for run in others:
        same = run.texts.index.equals(first.texts.index) and run.texts["reference"].equals(first.texts["reference"])
        if not same or run.signatures != first.signatures:
            raise UserError(
                f"{run.variant} and {first.variant} ({run.task}) have other test examples or were scored otherwise",
                where=run.folder,
                remedy="run snakemake for both again",
            )


def _check_pieces(metric: str, variants: Mapping[str, Sequence[WrittenRun]], baseline: str) -> None:
    for run in (each for own in variants.values() for each in own):
        check_comparable(metric, variants[baseline][0].texts, run.texts, run.folder)


def _counts(runs: Sequence[WrittenRun], metric: Metric, tokenize: str) -> np.ndarray:
    """[seeds, examples, k]."""
    return np.stack([metric.counts(run.texts, tokenize) for run in runs])


def _copied(run: WrittenRun, metric: Metric, tokenize: str) -> np.ndarray | None:
    """[examples, k] of what needs no model; None: the metric is not of such texts."""
    return metric.counts(run.unwritten, tokenize) if metric.of_any_text else None


def _above(sums: np.ndarray, copied: np.ndarray, metric: Metric) -> str:
    over = compare(sums, np.stack([copied] * len(sums)), metric.value)
    return "yes" if over.low > 0 else "no"


def _signature(run: WrittenRun, metric: str) -> str:
    return run.signatures.get(metric) or run.signatures.get(metric.lower(), "")  # translate names bleu and chrf


def _decided(made: pd.DataFrame, found: Mapping[int, tuple]) -> pd.DataFrame:
    """The table with p_holm, verdicts and seeds_needed."""
    made["p_holm"] = holm(made["p"].tolist())
    family = int(made["p"].notna().sum())
    for place, (comparison, acted, seeds) in found.items():
        p, lower = made.loc[place, "p_holm"], METRICS[made.loc[place, "metric"]].lower_better
        made.loc[place, "verdict"] = verdict(comparison, p, acted, seeds, lower_better=lower)
        made.loc[place, "seeds_needed"] = seeds_needed(comparison, p, family, smallest=0.0, lower_better=lower)
    return made
