"""Turn an encoder of another format into a directory in Hugging Face's format, whose weights are safetensors.

inputs: model = manifest of a data set
out: config.json, model.safetensors, tokenizer.json, tokenizer_config.json
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.fetching.spec import ConvertSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium import named
    from scriptorium.files.tables import members

    reader = named.load("scriptorium.fetching.formats", job.spec.format)
    (path,) = members(job.input("model"), reader.SUFFIX)
    encoder = reader.read(path)
    job.ledger.note(f"{path.name}: {sum(array.size for array in encoder.weights.values()):,} weights")
    return reader.write(encoder, job.out)


if __name__ == "__main__":
    stage.main(ConvertSpec, run)
