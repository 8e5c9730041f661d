"""Train a vocabulary on the train splits of corpora, or keep the pieces of a backbone's that occur there.

inputs: corpus (manifests, of running text or of pairs), backbone (manifest, for kind kept)
out: `results/data/vocabularies/<name>/tokenizer.json` and `tokenizer_config.json`, which transformers reads
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import manifest, stage
from scriptorium.text.spec import VocabularySpec


def run(job: stage.Job) -> list[Path]:
    tables = [manifest.the_parquet(path) for path in job.inputs["corpus"]]
    if job.spec.kind == "kept":
        from scriptorium.text import kept_pieces, tokenizers
        from scriptorium.text.lines_of_corpora import Lines

        directory = tokenizers.tokenizer_directory(job.input("backbone"))
        return kept_pieces.keep(directory, Lines(tables, job.spec.documents), job.out, job.ledger)
    from scriptorium.text import vocabularies

    return vocabularies.train(job.spec, tables, job.out, job.ledger)


if __name__ == "__main__":
    stage.main(VocabularySpec, run)
