"""Draws the DAG of a target for people: a box per rule with what it does and how many jobs it has (`make picture`).

    snakemake --dag | python -m scriptorium.reporting.dag_picture docs/images/dag.svg

Needs graphviz (`dot`).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

# subject -> rule -> what it does. The subject decides the colour; a rule that is missing is grey, with its name alone.
SUBJECTS = {
    "data": {
        "fetch": "data and models, checked by sha256",
        "prepare_task": "labelled examples, split",
        "prepare_corpus": "running text, split by document",
        "prepare_parallel": "pairs of texts, split by the texts in common",
        "prepare_gaze": "eye movements, a row per word",
        "prepare_pairs": "real and broken sentences",
        "prepare_retrieval": "texts, and which translate one another",
        "prepare_generation": "sources, and what is written for them",
    },
    "gaze": {
        "annotate": "linguistic features of every word",
        "train_regressor": "from words to fixations",
        "gaze_baselines": "what it is measured against",
        "score": "gaze scores for any text",
        "significance": "which features move the eye",
    },
    "training": {
        "train_vocabulary": "word pieces, learned from the corpus",
        "pack": "tokenised blocks",
        "pack_pairs": "blocks of two sides",
        "link_words": "synonyms in pairs of texts",
        "pretrain": "a small encoder",
        "finetune": "every variant, task and seed",
        "translate": "encoder and decoder, by BLEU",
        "generate": "headlines, summaries, answers",
    },
    "results": {
        "probe": "topics from few labels",
        "score_pairs": "which sentence is likelier",
        "score_texts": "bits per byte of held-out text",
        "retrieve": "is the translation the nearest text",
        "tabulate_few_labels": "table and figure",
        "tabulate_pairs": "tables and figure",
        "tabulate_texts": "table",
        "tabulate_retrieval": "table",
        "tabulate_corpora": "table",
        "tabulate_gaze": "table and figure",
        "tabulate_pretrain": "table and figure",
        "tabulate_finetune": "tables and figures of the studies",
        "tabulate_languages": "the same, language by language",
        "tabulate_translation": "tables of the translations",
        "tabulate_generation": "tables and samples of written texts",
        "attention_maps": "page and figure",
        "report": "results/report.html",
        "mirror": "all runs, in MLflow",
    },
}
FILL = {"data": "#e3edf7", "gaze": "#e2f3ea", "training": "#fdebd8", "results": "#f0ebf8", "": "#eeeeee"}
LINE = {"data": "#0072b2", "gaze": "#009e73", "training": "#d55e00", "results": "#7a5195", "": "#8a9199"}
SETTINGS = """
    bgcolor=white; nodesep=0.2; ranksep=0.32; pad=0.12;
    node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12, penwidth=1.4, margin="0.12,0.06"];
    edge [color="#8a9199", penwidth=1.1, arrowsize=0.6];
"""


def rules(dag: str) -> tuple[Counter[str], set[tuple[str, str]]]:
    """Jobs by rule, and which rule reads what which other one made, from the output of `snakemake --dag`.

    The rule `all`, which makes nothing, is left out.
    """
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', dag, flags=re.MULTILINE))
    edges = {(names[a], names[b]) for a, b in re.findall(r"^\s*(\d+) -> (\d+)", dag, flags=re.MULTILINE)}
    jobs = Counter(name for name in names.values() if name != "all")
    return jobs, {(a, b) for a, b in edges if a != b and "all" not in (a, b)}


def needed(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges without those that a longer way implies."""

    def reaches(start: str, end: str, left_out: tuple[str, str]) -> bool:
        following = [b for a, b in edges if a == start and (a, b) != left_out]
        return end in following or any(reaches(name, end, left_out) for name in following)

    return {edge for edge in edges if not reaches(*edge, edge)}


def dot(jobs: Counter[str], edges: set[tuple[str, str]]) -> str:
    """The picture in graphviz's language."""
    lines = []
    for rule in sorted(jobs):
        subject = next((name for name, own in SUBJECTS.items() if rule in own), "")
        caption = SUBJECTS.get(subject, {}).get(rule, "")
        count = f"&#160;× {jobs[rule]}" if jobs[rule] > 1 else ""
        below = f'<br/><font point-size="10" color="#30353b">{caption}</font>' if caption else ""
        label = f"<b>{rule}</b>{count}{below}"
        lines.append(f'{rule} [label=<{label}>, fillcolor="{FILL[subject]}", color="{LINE[subject]}"];')
    lines += [f"{a} -> {b};" for a, b in sorted(needed(edges))]
    return f"digraph default {{{SETTINGS}    " + "\n    ".join(lines) + "\n}\n"


def main() -> None:
    drawn = dot(*rules(sys.stdin.read()))
    made = subprocess.run(["dot", "-Tsvg"], input=drawn, capture_output=True, text=True, check=True).stdout
    Path(sys.argv[1]).write_text(re.sub(r"<!--.*?-->\n?", "", made, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
