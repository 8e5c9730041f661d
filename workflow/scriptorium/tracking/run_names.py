"""Which runs lie below a project's results, and what people call them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.runs import Run

DATA, UNLISTED = "data and tables", "not in the configuration"
TABLES = "tables and figures"  # the parent of every tabulating and drawing stage
STUDY_OF_STAGE = {
    "pretrain": "pretraining",
    "train_regressor": "gaze",
    **dict.fromkeys(("finetune", "translate", "generate"), UNLISTED),
}


def ledgers(results: Path) -> dict[str, Path]:
    """Run directories of a project by the names that the configuration uses (`results/...`, `resources/...`).

    MLflow's own folder holds copies of run.json, and hidden folders hold unfinished work: neither counts.
    """
    found = {}
    for name, root in (("results", results), ("resources", results.parent / "resources")):
        for place, folders, files in os.walk(root):
            top = Path(place) == root
            folders[:] = sorted(each for each in folders if each[0] != "." and not (top and each == "mlflow"))
            if "run.json" in (*files, *folders) and not top:  # a folder of this name is a damage to be told
                found["/".join((name, *Path(place).relative_to(root).parts))] = Path(place)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def path_of(directory: Path, results: Path) -> str:
    """The name of one run directory, as `ledgers` gives it. Raises UserError for a directory elsewhere."""
    for name, root in (("results", results), ("resources", results.parent / "resources")):
        if directory.resolve().is_relative_to(root.resolve()):
            return "/".join((name, *directory.resolve().relative_to(root.resolve()).parts))
    raise UserError("not a run directory of this project", where=directory, remedy=f"name one below {results}")


def name_run(path: str, stage: str, expected: Mapping[str, Run]) -> Run:
    """What people call the run at `path`: as the configuration says, else as its path says."""
    if path in expected:
        return expected[path]
    _, *parts = path.split("/")
    if stage == "gaze_baselines":  # measured on the same folds as the regressors, so it stands beside them
        return Run(path, stage, "gaze", "baselines", "n_fix")
    seed = re.fullmatch(r"seed(\d+)", parts[-1])
    if stage in STUDY_OF_STAGE and seed and len(parts) > 2:
        _, variant, *task = parts[:-1] if stage != "train_regressor" else parts[1:-1]
        return Run(path, stage, STUDY_OF_STAGE[stage], variant, "/".join(task), int(seed[1]))
    drawing = stage.startswith("tabulate") or stage == "attention_maps"
    return Run(path, stage, DATA, TABLES if drawing else stage.replace("_", " "), parts[-1])
