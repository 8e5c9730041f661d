"""What a run came to, a sentence per study: the last lines of a run and the first page of its report."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

SHOWN = 3  # comparisons of one verdict that a sentence names; the table has the others
PHRASES = {  # verdict -> what is said of the variants that have it
    "better": "{names} did better than {baseline}",
    "worse": "{names} did worse than {baseline}",
    "lower loss": "{names} ended with a lower held-out loss than {baseline}",
    "higher loss": "{names} ended with a higher held-out loss than {baseline}",
    "no difference shown": "no difference to {baseline} is shown for {names}",
    "not tested": "{names} changed no more predictions of {baseline} than another seed, so nothing was tested",
    "one seed: no verdict": "{names} ran beside {baseline} with one seed, which allows no verdict",
    "other held-out examples": "{names} were measured on other held-out examples than {baseline}",
}
GAZE, PRETRAINED = "gaze_regressor.tsv", "pretrain.tsv"
# beginnings of names
FEW_LABELS, PAIRS, TEXTS, TRANSLATIONS, RETRIEVAL, VECTORS = (
    "few_labels",
    "minimal_pairs",
    "bits_per_byte",
    "crosslingual",
    "retrieval",
    "vectors",
)
RANDOM = "random weights"  # the control that a sentence names
MODELS = {"mean": "the mean", "length": "word length alone", "features": "the eight features", "boosting": "boosting"}


def headlines(tables: Iterable[Path]) -> dict[str, str]:
    """Study -> its sentence, in the order of the tables, few labels among them, and behind them what stands in no
    study: the gaze regressor, single pre-training runs, minimal pairs. Other tables, and such as have not been made,
    are passed over.

    tables: files of results/tables. What stands there as numbers is said here with three digits.
    """
    studies, single = {}, {}
    for path in tables:
        if not path.is_file():
            continue
        if path.name == GAZE:
            single["gaze regressor"] = _gaze(rows_of(path))
        elif path.name == PRETRAINED:
            single["pre-training runs"] = _pretrained(rows_of(path))
        elif path.name.startswith(FEW_LABELS):
            studies[_evaluated("few labels", path)] = _few_labels(rows_of(path))
        elif path.name.startswith(TRANSLATIONS):
            studies[_evaluated("crosslingual", path)] = _crosslingual(rows_of(path))
        elif path.name.startswith(PAIRS):
            single[_evaluated("minimal pairs", path)] = _pairs(rows_of(path))
        elif path.name.startswith(TEXTS):
            single[_evaluated("bits per byte", path)] = _texts(rows_of(path))
        elif path.name.startswith(RETRIEVAL):
            single[_evaluated("retrieval", path)] = _retrieval(rows_of(path))
        elif path.name.startswith(VECTORS):
            single[_evaluated("vectors", path)] = _vectors(rows_of(path))
        elif study := study_of(path):
            studies[study] = _compared(comparisons(path), path)
    return {study: sentence for study, sentence in {**studies, **single}.items() if sentence}


def study_of(path: Path) -> str:
    """The study whose comparisons a table holds, as people call it; empty for every other table."""
    kind, _, study = path.stem.partition("_")
    if not study or path.suffix != ".tsv":
        return ""
    names = {
        "finetune": study,
        "pretrain": f"{study}, pre-training",
        "translation": f"{study}, translation",
        "generate": f"{study}, generation",
    }
    return names.get(kind, "")


def comparisons(path: Path) -> list[dict[str, str]]:
    """The rows of a study's table, baselines included, with the same columns for fine-tuning, pre-training, and
    translation and generation, where a task has a metric: variant, task, score, baseline, difference, interval,
    verdict, scale, changed (predictions, percent). Numbers are texts of three digits.
    """
    rows, made, baselines = rows_of(path), [], {}
    for row in rows:
        task = row.get("translation") or row.get("task", "")
        if "above_copy" in row:
            task = f"{task} ({row['metric']})"
        variant, score = row.get("variant") or row["recipe"], row.get("mean") or row["validation_loss"]
        if row["verdict"] == "baseline":
            baselines[task] = variant
        ends = [row.get(f"delta_{end}", row[end]) for end in ("ci_low", "ci_high")]
        made.append(
            {
                "variant": variant,
                "task": task or "held-out loss",
                "score": f"{float(score):.3f}",
                "baseline": baselines.get(task, "the baseline"),
                "difference": signed(row["delta"]) if row["delta"] else "",
                "interval": f"[{signed(ends[0])}, {signed(ends[1])}]" if ends[0] else "",
                "verdict": row["verdict"],
                "scale": row["scale"],
                "changed": f"{float(row['changed']):.1%}" if row.get("changed") else "",
            }
        )
    return made


def signed(number: str) -> str:
    """Three digits behind the point and a sign, but no sign for what is zero then."""
    text = f"{float(number):+.3f}"
    return "0.000" if float(text) == 0 else text


def rows_of(path: Path) -> list[dict[str, str]]:
    """A table as texts by column."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def _compared(rows: list[dict[str, str]], path: Path) -> str:
    parts, scales = [], {}
    for verdict, phrase in PHRASES.items():
        own = [row for row in rows if row["verdict"] == verdict]
        for baseline in dict.fromkeys(row["baseline"] for row in own):
            same = [row for row in own if row["baseline"] == baseline]
            names = [_named(row) for row in same[:SHOWN]]
            names += [f"{len(same) - SHOWN} more (results/tables/{path.name})"] if len(same) > SHOWN else []
            parts.append(phrase.format(names=_joined(names), baseline=baseline))
        scales |= dict.fromkeys(row["scale"] for row in own)
    return f"{'; '.join(parts)} ({', '.join(scales)})" if parts else ""


def _named(row: dict[str, str]) -> str:
    place = "" if row["task"] == "held-out loss" else f" on {row['task']}"
    numbers = " ".join(text for text in (row["difference"], row["interval"]) if text)
    numbers += f"; {row['changed']} of predictions changed" if row["changed"] else ""
    return f"{row['variant']}{place} ({row['score']}{f', {numbers}' if numbers else ''})"


def _gaze(rows: list[dict[str, str]]) -> str:
    errors = {MODELS.get(row["model"], row["model"]): float(row["mae"]) for row in rows}
    best = min(errors, key=errors.get)
    parts = ", ".join(f"{name} {error:.3f}" for name, error in errors.items())
    return f"fixations on unseen paragraphs are predicted best by {best}; mean absolute errors: {parts}"


def _pretrained(rows: list[dict[str, str]]) -> str:
    parts = [
        f"{row['recipe']} (seed {row['seed']}) ended with a held-out loss of {float(row['validation_loss']):.3f} nats; "
        f"guessing by word frequency gives {float(row['unigram_loss']):.3f}"
        for row in rows
    ]
    return "; ".join(parts[:SHOWN] + ([f"{len(parts) - SHOWN} more in pretrain.tsv"] if len(parts) > SHOWN else []))


def _few_labels(rows: list[dict[str, str]]) -> str:
    """The fewest labels that were tried, of each variant, by probe."""
    own = [row for row in rows if row["control"] == RANDOM and row["method"] == "probe"]
    fewest = min((int(row["labels"]) for row in own), default=0)
    parts = [_beside(row, row["variant"], RANDOM) for row in own if int(row["labels"]) == fewest]
    shown = _joined(parts[:SHOWN] + ([f"{len(parts) - SHOWN} more"] if len(parts) > SHOWN else []))
    return f"with {fewest} labelled texts a linear probe gets {shown}" if own else ""


def _crosslingual(rows: list[dict[str, str]]) -> str:
    """How often each variant finds the translation among other texts, by its best way to read."""
    own = [row for row in rows if row["measure"] == "matching" and row["text"] == "all"]
    best = {row["variant"]: row for row in sorted(own, key=lambda row: float(row["value"]))}
    parts = [
        f"{name} {float(row['value']):.3f} [{float(row['ci_low']):.3f}, {float(row['ci_high']):.3f}] ({row['reads']})"
        for name, row in sorted(best.items(), key=lambda item: -float(item[1]["value"]))
    ]
    shown = _joined(parts[:SHOWN] + ([f"{len(parts) - SHOWN} more"] if len(parts) > SHOWN else []))
    chance = f"chance is {float(own[0]['control']):.3f}" if own else ""
    return f"of several texts the translation is found by {shown}; {chance}" if own else ""


def _pairs(rows: list[dict[str, str]]) -> str:
    parts = [_beside(row, f"{row['variant']} on {row['data']}", RANDOM) for row in rows if row["control"] == RANDOM]
    shown = _joined(parts[:SHOWN] + ([f"{len(parts) - SHOWN} more"] if len(parts) > SHOWN else []))
    return f"the real sentence is found the likelier one by {shown}; chance is 0.500" if parts else ""


def _texts(rows: list[dict[str, str]]) -> str:
    """The best variant of each kind of likelihood, since kinds do not compare."""
    best = {}
    for row in sorted(rows, key=lambda row: -float(row["bits_per_byte"])):
        best[row["likelihood"]] = row
    parts = [
        f"{row['variant']} {float(row['bits_per_byte']):.3f} bits ({kind} likelihood; random weights "
        f"{float(row['random']):.3f}, frequencies {float(row['unigram']):.3f})"
        for kind, row in sorted(best.items())
    ]
    return f"a byte of held-out text costs least, of each kind of likelihood, with {_joined(parts)}" if parts else ""


def _retrieval(rows: list[dict[str, str]]) -> str:
    """The layer that counts, the mean of the languages if there are several, both directions."""
    own = [row for row in rows if row["counts"] == "True" and row["direction"] == "both"]
    several = {(row["variant"], row["set"]) for row in own if row["languages"] == "mean"}
    own = [row for row in own if row["languages"] == "mean" or (row["variant"], row["set"]) not in several]
    parts = [
        _beside({**row, "accuracy": row["value"]}, f"{row['variant']} on {row['set']} ({row['metric']})", RANDOM)
        for row in own
    ]
    shown = _joined(parts[:SHOWN] + ([f"{len(parts) - SHOWN} more"] if len(parts) > SHOWN else []))
    return f"the translation is the nearest text for {shown}" if parts else ""


def _vectors(rows: list[dict[str, str]]) -> str:
    """How often each encoder's nearest word is the translation; of sets with gold alignments nothing is said."""
    own = [row for row in rows if row["measure"] == "word in context" and row["counts"] == "True"]
    own = [row for row in own if row["direction"] == "both"]
    parts = [
        f"{row['variant']} {float(row['value']):.3f} [{float(row['ci_low']):.3f}, {float(row['ci_high']):.3f}], "
        f"{row['verdict']}"
        for row in sorted(own, key=lambda row: -float(row["value"]))
    ]
    shown = _joined(parts[:SHOWN] + ([f"{len(parts) - SHOWN} more"] if len(parts) > SHOWN else []))
    return f"a word's nearest word is its translation for {shown}" if parts else ""


def _beside(row: dict[str, str], name: str, control: str) -> str:
    interval = f"[{signed(row['delta_ci_low'])}, {signed(row['delta_ci_high'])}]" if row["delta_ci_low"] else ""
    return f"{name} {float(row['accuracy']):.3f} ({signed(row['delta'])} {interval} to {control})"


def _evaluated(what: str, path: Path) -> str:
    """few_labels_mpnet.tsv -> few labels, mpnet"""
    study = path.stem.removeprefix(what.replace(" ", "_")).removeprefix("_")
    return f"{what}, {study}" if study else what


def _joined(names: list[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
