"""Find synonyms in packed pairs of texts with a dictionary, once (text/synonyms/rules.py).

inputs: blocks (manifest of packed pairs, with their tokenizer), dictionary (manifest)
out: `{train,validation}.arrow` (words and links of every block, text/synonyms/linked_blocks.py)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.text.synonyms.spec import LinkSettings


def run(job: stage.Job) -> list[Path]:
    from scriptorium.manifest import the_parquet
    from scriptorium.text.synonyms import mining
    from scriptorium.text.tokenizers import load_tokenizer

    blocks = job.input_dir("blocks")
    tokenizer = load_tokenizer(blocks / "tokenizer")
    return mining.mine(blocks, the_parquet(job.input("dictionary")), tokenizer, job.spec, job.out, job.ledger)


if __name__ == "__main__":
    stage.main(LinkSettings, run)
