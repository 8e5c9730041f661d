"""GLUE's test files, predicted by the fine-tuned models of a variant, as GLUE's server takes them (docs/protocols.md).

inputs: runs = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json, with `model/`;
sources = manifests of the raw data, in the order of `tasks`
out: <file>.tsv for each test set that there is (CoLA.tsv, MNLI-m.tsv ...), `submission.zip`, and `chosen.tsv`: file,
task, metric, seed (the median on dev), value
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec
from scriptorium.tasks.spec import TaskInput

BATCH = 64


class GlueTask(TaskInput):
    """A task of the study."""

    glue: str = Field(description="which of GLUE's tasks it is, such as cola")
    metric: str = Field(description="by what the median seed is found, such as test/accuracy: GLUE's dev is our test")


class PredictGlueSpec(Spec):
    """What is predicted."""

    tasks: dict[str, GlueTask] = Field(description="tasks of the study by name, at most one for each of GLUE's")


def run(job: stage.Job) -> list[Path]:
    import pandas as pd

    from scriptorium.engine import training
    from scriptorium.reporting.differences import read
    from scriptorium.tasks import glue_submission
    from scriptorium.tasks.glue_test_sets import test_sets

    spec = job.spec
    training.prepare(job, seed=0)  # nothing is drawn
    runs = {(found.task, found.seed): (found, path) for path in job.inputs["runs"] for found in [read(path)]}
    files, chosen = [], []
    for (name, task), source in zip(spec.tasks.items(), job.inputs["sources"], strict=True):
        scores = {seed: found.metrics[task.metric] for (own, seed), (found, _) in runs.items() if own == name}
        seed = glue_submission.median_seed(scores)
        model = runs[name, seed][1].parent / "model"
        for file, rows in test_sets(source, task.glue).items():
            made = glue_submission.as_wanted(file, predicted(model, rows, task), task.labels)
            files.append(glue_submission.write(job.out, file, rows["index"], made))
            glue_submission.check(files[-1], task.labels)
            chosen.append((file, name, task.metric, seed, scores[seed]))
            job.ledger.note(f"{file}: {name}, seed {seed}, the median of {len(scores)} by {task.metric}")
    missing = [file for file in glue_submission.FILES if file not in {path.name for path in files}]
    if missing:
        job.ledger.note(f"not among the tasks of the study, or without a test set: {', '.join(missing)}")
    table = job.out / "chosen.tsv"
    columns = ["file", "task", "metric", "seed", "value"]
    pd.DataFrame(chosen, columns=columns).to_csv(table, sep="\t", index=False, lineterminator="\n")
    return [*files, glue_submission.pack(job.out, files), table]


def predicted(directory: Path, rows, task: GlueTask):
    """Logits [n, classes], or numbers [n, 1], of a saved model in the order of the rows: index, text, text_b."""
    import numpy as np
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from scriptorium.tasks.examples import Examples, shortest_first
    from scriptorium.text.plain import as_text

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = as_text(AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False))
    model = AutoModelForSequenceClassification.from_pretrained(
        directory, local_files_only=True, trust_remote_code=False, dtype=torch.float32
    )
    model = model.eval().to(device)
    table = shortest_first(rows.assign(label=0))
    data = Examples(table, tokenizer, task.max_length)
    collate = data.collate(tokenizer.pad_token_id)
    found = np.empty((len(rows), model.config.num_labels), np.float32)
    places = rows.index.get_indexer(table.index)
    for start in range(0, len(data), BATCH):
        batch = collate([data[place] for place in range(start, min(start + BATCH, len(data)))])
        batch.pop("labels")
        with torch.inference_mode():
            logits = model(**{name: value.to(device) for name, value in batch.items()}).logits
        found[places[start : start + BATCH]] = logits.cpu().numpy()
    return found


if __name__ == "__main__":
    stage.main(PredictGlueSpec, run)
