"""Where the runs of every stage are: its run directory, with what tells its runs apart in braces.

The rules write the same paths (a test compares them). From a directory follows what the configuration wants there now:
the DAG asks so for results that are out of date, and the audit for all of them.
"""

from __future__ import annotations

import re
from functools import cache

FOLDERS = {
    "fetch": "resources/{dataset}",
    "prepare_task": "results/data/{task}",
    "prepare_corpus": "results/data/corpora/{corpus}",
    "train_vocabulary": "results/data/vocabularies/{vocabulary}",
    "pack": "results/data/packed/{blocks}",
    "prepare_gaze": "results/gaze/corpora/{corpus}",
    "annotate": "results/annotations/features/{dataset}",
    "score": "results/annotations/{dataset}",
    "train_regressor": "results/gaze/regressor/{variant}/seed{seed}",
    "gaze_baselines": "results/gaze/baselines",
    "train_predictor": "results/gaze/predictor",
    "pretrain": "results/pretrain/{variant}/seed{seed}",
    "finetune": "results/finetune/{variant}/{task}/seed{seed}",
    "attention_maps": "results/runs/figures/attention",
    "significance": "results/runs/tables/significance",
    "benchmark_cmcl2021": "results/runs/tables/gaze_cmcl2021",
    "tabulate_corpora": "results/runs/tables/gaze_corpora",
    "tabulate_gaze": "results/runs/tables/gaze",
    "tabulate_pretrain": "results/runs/tables/pretrain",
    "compare_pretrain": "results/runs/tables/pretrain_{study}",
    "tabulate_finetune": "results/runs/tables/finetune_{study}",
    "tabulate_boundary": "results/runs/tables/boundary_{study}",
    "tabulate_weights": "results/runs/tables/feature_weights_{study}",
    "tabulate_reading": "results/runs/tables/reading_{study}",
    "tabulate_claims": "results/runs/tables/claims{of}",
    "bench_cogbert": "results/runs/bench/cogbert",
    "bench_pretrain": "results/runs/bench/pretrain",
}


def wildcards_of(stage: str, folder: str) -> dict[str, str] | None:
    """What tells the run in `folder` apart from others of its stage; None if the stage has no runs there."""
    found = _pattern(stage).fullmatch(folder) if stage in FOLDERS else None
    return found.groupdict() if found else None


@cache
def _pattern(stage: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", FOLDERS[stage])
    rules = {"seed": r"\d+", "of": r"|_[a-z0-9]+"}
    named = [
        f"(?P<{part}>{rules.get(part, '[^/]+')})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    ]
    return re.compile("".join(named))
