"""The last lines of a run: where the report is, how to open MLflow, what came out."""

from __future__ import annotations

from pathlib import Path

from scriptorium.reporting.headlines import headlines, rows_of


def bench_results(tables: Path = Path("results/bench")) -> list[str]:
    """One line per bench: how many of its targets were reached, and which were not."""
    lines = []
    for path in sorted(tables.glob("*.tsv")):
        rows = [row for row in rows_of(path) if row.get("target")]
        missed = [
            f"{row['case']}, beside {row['peer']}" for row in rows if float(row["ratio_median"]) < float(row["target"])
        ]
        if rows:
            reached = f"{path}: {len(rows) - len(missed)} of {len(rows)} targets reached"
            lines.append(reached + (f"; missed: {'; '.join(missed)}" if missed else ""))
    return lines


def main() -> None:
    reports = sorted(Path("results").glob("report*.html"), key=lambda path: path.stat().st_mtime)
    print()
    print(f"report   {reports[-1]} (one file, open it in a browser)" if reports else "report   snakemake report")
    print("MLflow   make ui    or: python -m scriptorium.track ui")
    for line in bench_results():
        print(f"bench    {line}")
    found = headlines(sorted(Path("results/tables").glob("*.tsv")))
    lines = [f"{study}: {sentence}" for study, sentence in found.items()]
    print("result   " + ("\n         ".join(lines) or "no study has finished yet"))


if __name__ == "__main__":
    main()
