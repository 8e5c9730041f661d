"""Train a vocabulary on the train split of a corpus.

inputs: corpus (manifest)
out: `results/data/vocabularies/<name>/tokenizer.json` and `tokenizer_config.json`, which transformers reads
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class VocabularySpec(Spec):
    """How a vocabulary is learned."""

    kind: Literal["wordpiece", "bpe", "unigram"] = Field(
        "wordpiece", description="wordpiece: BERT's; bpe: byte-level, as RoBERTa's; unigram: as XLM-R's"
    )
    size: int = Field(30_000, ge=300, description="pieces, special tokens included (mpnet: before its five symbols)")
    lower_case: bool = Field(True, description="upper and lower case are one; wordpiece drops accents with it")
    symbols: Literal["bert", "roberta", "mpnet"] = Field(
        "bert",
        description="special tokens and their places. bert: [PAD] [UNK] [CLS] [SEP] [MASK] first; roberta: <s> <pad> "
        "</s> <unk> first, <mask> last; mpnet: roberta's around BERT's pieces, wordpiece only",
    )
    documents: int | None = Field(None, gt=0, description="learn from so many documents, the first; empty: from all")

    def model_post_init(self, _: object) -> None:
        if self.symbols == "mpnet" and self.kind != "wordpiece":
            raise ValueError("symbols: mpnet belongs to kind: wordpiece")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.data import vocabularies

    return vocabularies.train(job.spec, job.input_dir("corpus") / "documents.parquet", job.out, job.ledger)


if __name__ == "__main__":
    stage.main(VocabularySpec, run)
