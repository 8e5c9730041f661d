"""Stage 0b: which linguistic features move the eye, tested word by word (proposed in docs/papers/cogbert.md section
12; ours).

Two questions per candidate. Raw: do words with it get more or fewer fixations than words without? Adjusted: do they
still, once length, frequency and sentence are held constant? People skip short, frequent words whatever their role,
so the first question alone answers yes for nearly everything that goes with length.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import holm
from scriptorium.linguistics.candidates import BINARY, CANDIDATES, Candidate
from scriptorium.linguistics.features import FEATURES, LOWER

ALPHA = 0.05
Z = 1.959963984540054  # of a two-sided 95% interval
LENGTH = "characters"  # the candidate that is the covariate length itself
NO_VARIANCE = 1e-8  # a smaller variance of the sentences' intercepts, relative to the residual's, is none
COLUMNS = (
    "candidate",
    "group",
    "kind",
    "support",
    "mean_with",
    "mean_without",
    "r_length",
    "d",
    "d_low",
    "d_high",
    "p_welch",
    "p_welch_holm",
    "beta",
    "beta_low",
    "beta_high",
    "p_mixed",
    "p_mixed_holm",
    "selected_raw",
    "selected_adjusted",
    "reason",
)


@dataclass(frozen=True)
class Estimate:
    """An effect with its 95% interval and its two-sided p value; `reason` says why there is none, or a caveat."""

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    reason: str = ""


def standardised(words: pd.DataFrame) -> np.ndarray:
    """n_fix as a z score within its corpus, [words]: corpora differ in level. Raises UserError where it is constant."""
    groups = words.groupby("corpus", sort=False)["n_fix"]
    for corpus, values in groups:
        if not np.isfinite(values).all() or values.std() == 0 or len(values) < 2:
            raise UserError(
                "n_fix does not vary, or is not a number",
                where=f"gaze corpus {corpus}",
                remedy="look at results/gaze/corpora, or leave the corpus out of the regressor's recipe",
            )
    return ((words["n_fix"] - groups.transform("mean")) / groups.transform("std")).to_numpy(np.float64)


def candidate_effects(
    words: pd.DataFrame,
    values: Mapping[str, np.ndarray],
    frequency: np.ndarray,
    *,
    candidates: Sequence[Candidate] = CANDIDATES,
    least: int = 30,
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """One row per candidate (COLUMNS), in the order given.

    words: a gaze table [words] of whole sentences; values: candidate -> [words]; frequency: log10 per thousand million
    words (Zipf) of each word. `support` counts the words with a binary candidate, all words for a real one; mean_with
    and mean_without are in fixations, z scored. d is Cohen's d, for a real candidate 2r / sqrt(1 - r^2) of its
    correlation r; beta is in standard deviations of n_fix, per standard deviation of a real candidate. r_length is the
    candidate's own correlation with the word's length. p_*_holm are corrected over all candidates tested.
    """
    y = standardised(words)
    length = words["word"].str.len().to_numpy(np.float64)
    sentence = words.groupby(["corpus", "document", "sentence"], sort=False).ngroup().to_numpy()
    rows = []
    for candidate in candidates:
        x = np.asarray(values[candidate.name], np.float64)
        row = {"candidate": candidate.name, "group": candidate.group, "kind": candidate.kind}
        row |= {
            "support": int(x.sum()) if candidate.kind == BINARY else len(x),
            "reason": _unsupported(x, candidate, least),
        }
        if not row["reason"]:
            covariates = {"length": length, "frequency": frequency}
            if candidate.name == LENGTH:
                del covariates["length"]
            raw = welch(y, x > 0) if candidate.kind == BINARY else slope(y, x)
            scaled = x if candidate.kind == BINARY else _z(x)
            adjusted = mixed(y, scaled, list(covariates.values()), sentence)
            row |= {
                "d": raw.value,
                "d_low": raw.low,
                "d_high": raw.high,
                "p_welch": raw.p,
                "r_length": _r(x, length),
                "beta": adjusted.value,
                "beta_low": adjusted.low,
                "beta_high": adjusted.high,
                "p_mixed": adjusted.p,
                "reason": adjusted.reason,
            }
            if candidate.kind == BINARY:
                row |= {"mean_with": y[x > 0].mean(), "mean_without": y[x == 0].mean()}
        rows.append(row)
    made = pd.DataFrame(rows)
    for test, selected in (("p_welch", "selected_raw"), ("p_mixed", "selected_adjusted")):
        made[test] = made[test].astype(float) if test in made else np.nan
        tested = made[test].notna()
        made.loc[tested, f"{test}_holm"] = holm(made.loc[tested, test].tolist()) if tested.any() else []
        made[selected] = made[f"{test}_holm"].lt(alpha) if f"{test}_holm" in made else False
    return made.reindex(columns=list(COLUMNS))


def groups(made: pd.DataFrame) -> pd.DataFrame:
    """The paper's eight groups, from the candidates that support them (the rule is ours).

    group, level, candidates, tested, significant_raw, significant_adjusted (names), and kept: "yes" if a candidate
    moves the eye beyond length and frequency, "raw only" if one does before that adjustment, "no" if none does,
    "not tested" where every candidate is too rare or too common.
    """
    rows = []
    for group in FEATURES:
        own = made[made["group"] == group]
        raw, adjusted = own[own["selected_raw"]]["candidate"], own[own["selected_adjusted"]]["candidate"]
        tested = int(own["p_welch"].notna().sum())
        kept = "yes" if len(adjusted) else "raw only" if len(raw) else "no" if tested else "not tested"
        rows.append(
            {
                "group": group,
                "level": "lower" if group in LOWER else "upper",
                "candidates": len(own),
                "tested": tested,
                "significant_raw": ", ".join(raw),
                "significant_adjusted": ", ".join(adjusted),
                "kept": kept,
            }
        )
    return pd.DataFrame(rows)


def welch(y: np.ndarray, has: np.ndarray) -> Estimate:
    """Cohen's d of y [n] with against without (pooled deviation, large-sample interval), p by Welch's t test."""
    a, b = y[has], y[~has]
    pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(y) - 2))
    d = (a.mean() - b.mean()) / pooled
    error = np.sqrt(len(y) / (len(a) * len(b)) + d**2 / (2 * len(y)))
    return Estimate(d, d - Z * error, d + Z * error, float(stats.ttest_ind(a, b, equal_var=False).pvalue))


def slope(y: np.ndarray, x: np.ndarray) -> Estimate:
    """The slope's t test of y [n] on x [n]; its effect as d = 2r / sqrt(1 - r^2), the interval by Fisher's z."""
    found = stats.pearsonr(x, y)
    reach = Z / np.sqrt(len(y) - 3)
    r, low, high = found.statistic, *np.tanh(np.arctanh(found.statistic) + np.array([-reach, reach]))
    d, d_low, d_high = (2 * v / np.sqrt(1 - v**2) for v in (r, low, high))
    return Estimate(d, d_low, d_high, float(found.pvalue))


def mixed(y: np.ndarray, x: np.ndarray, covariates: Sequence[np.ndarray], sentence: np.ndarray) -> Estimate:
    """The effect of x in y ~ x + covariates + (1 | sentence), REML, Wald interval; all arrays [n].

    Where the sentences' intercepts have no variance the model is a linear one, and fitted as such. Without a fit that
    converged there is no number but a reason.
    """
    import statsmodels.api as sm

    design = np.column_stack([x, np.ones(len(y)), *(_z(values) for values in covariates if np.std(values) > 0)])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return Estimate(reason="mixed model: the candidate is a combination of length, frequency and a constant")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of variances at their bound; what comes of it is checked below
        model = sm.MixedLM(y, design, groups=sentence)
        for method in (
            "bfgs",
            "powell",
        ):  # not the library's second choice, L-BFGS: it can stop at a false variance of 0
            fit = _fit(model, method)
            if fit is not None and np.asarray(fit.cov_re).item() > NO_VARIANCE:  # in units of the residual's
                break
        else:
            if fit is None:
                return Estimate(reason="mixed model: no fit converged")
            fit = sm.OLS(y, design).fit()
        beta, error, p = float(fit.params[0]), float(fit.bse[0]), float(fit.pvalues[0])
    if not np.isfinite([beta, error, p]).all():
        return Estimate(reason="mixed model: no standard error")
    return Estimate(beta, beta - Z * error, beta + Z * error, p)


def _fit(model, method: str):
    """The fitted model, or None if it did not converge."""
    try:
        fit = model.fit(method=method)
    except (np.linalg.LinAlgError, ValueError):
        return None
    return fit if fit.converged else None


def _unsupported(x: np.ndarray, candidate: Candidate, least: int) -> str:
    """Why the candidate cannot be tested, or nothing. Too few words on one side say nothing about the eye."""
    if candidate.kind == BINARY:
        few = [f"{n} words {side}" for side, n in (("with", (x > 0).sum()), ("without", (x == 0).sum())) if n < least]
        return f"{' and '.join(few)} it, {least} are needed" if few else ""
    if len(x) < 2 * least:
        return f"{len(x)} words, {2 * least} are needed"
    return "" if x.std() > 0 else "the same for all words"


def _z(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    return (values - values.mean()) / (values.std() or 1.0)


def _r(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(_z(a) * _z(b)))
