"""The last lines of a run: where the report is, how to open MLflow, what came out."""

from __future__ import annotations

import csv
from pathlib import Path


def main_results(tables: Path = Path("results/tables")) -> list[str]:
    """One line per comparison with a baseline; what stands in several studies is said once."""
    lines: dict[str, None] = {}
    for path in sorted(tables.glob("finetune_*.tsv")):
        for row in _rows(path):
            if row["delta"]:
                what = f"{row['variant']} on {row['task']}: {float(row['mean']):.3f}"
                lines.setdefault(f"{what}, {_against('the baseline', row)}")
    return list(lines)


def pretraining_results(tables: Path = Path("results/tables")) -> list[str]:
    """One line per pre-training variant that stands beside a baseline."""
    lines = []
    for path in sorted(tables.glob("pretrain_*.tsv")):
        rows = _rows(path)
        baseline = next((row["recipe"] for row in rows if row["verdict"] == "baseline"), "the baseline")
        for row in rows:
            if row["ci_low"]:
                what = f"{row['recipe']}: held-out loss {float(row['validation_loss']):.3f}"
                lines.append(f"{what}, {_against(baseline, row)}")
    return lines


def bench_results(tables: Path = Path("results/bench")) -> list[str]:
    """One line per bench: how many of its targets were reached, and which were not."""
    lines = []
    for path in sorted(tables.glob("*.tsv")):
        rows = [row for row in _rows(path) if row.get("target")]
        missed = [
            f"{row['case']}, beside {row['peer']}" for row in rows if float(row["ratio_median"]) < float(row["target"])
        ]
        if rows:
            reached = f"{path}: {len(rows) - len(missed)} of {len(rows)} targets reached"
            lines.append(reached + (f"; missed: {'; '.join(missed)}" if missed else ""))
    return lines


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def _against(baseline: str, row: dict[str, str]) -> str:
    delta, low, high = (f"{float(row[name]):+.3f}" for name in ("delta", "ci_low", "ci_high"))
    return f"{delta} against {baseline} [{low}, {high}], {row['verdict']} ({row['scale']})"


def main() -> None:
    reports = sorted(Path("results").glob("report*.html"), key=lambda path: path.stat().st_mtime)
    print()
    print(f"report   {reports[-1]} (one file, open it in a browser)" if reports else "report   snakemake report")
    print("MLflow   make ui    or: python -m scriptorium.track ui")
    for line in bench_results():
        print(f"bench    {line}")
    print("result   " + ("\n         ".join([*main_results(), *pretraining_results()]) or "no study has finished yet"))


if __name__ == "__main__":
    main()
