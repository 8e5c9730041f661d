"""Golden loss curves: 50 steps of every pre-training objective on a small corpus, as they were when recorded.

A change of the curve is a change of training: of masks, order, initialisation, loss or optimiser. If it is meant,
record anew: `python -m tests.numerics.test_mpnet_golden`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.spec.infilling import GlmSpec
from scriptorium.objectives.spec.text_to_text import TextToTextSpec
from scriptorium.stage import execute
from scriptorium.stages import pack, pretrain
from tests import golden, tiny

GOLDEN = Path(__file__).with_name("golden_pretrain.tsv")
SHAPE = {"hidden_size": 32, "layers": 1, "heads": 2, "intermediate_size": 64, "max_positions": 32}
TRAIN = {"max_steps": 50, "batch_size": 16, "lr": 1e-2, "log_every": 10, "eval_every": 50}
START = {"frequency_bias": True}
OBJECTIVES = {
    "bert": START,
    "mpnet": {"name": "mpnet", **START},
    "plm": {"name": "plm", **START},
    "mlm-permuted": {"name": "mlm-permuted", **START},
    "mpnet-no-relative": {"name": "mpnet", "permuted": {"relative": False}, **START},
    "mpnet-faithful": {"name": "mpnet", "document_attention": False, "permuted": {"faithful": True}},
    "mpnet-faithful-lines": {"name": "mpnet", "document_attention": False, "permuted": {"faithful": True}},
    "bert-nsp": {"name": "bert-nsp", "masking": {"faithful": True, "max_predictions": 4, "static_copies": 1}, **START},
    "bert-nsp-whole-word": {"name": "bert-nsp", "masking": {"whole_words": True}, **START},
    "roberta": {"name": "roberta", "document_attention": False, **START},
    "xlnet": {"name": "xlnet", **START},
    "gpt2": {"name": "gpt2"},
    "llama": {"name": "llama"},
    "elmo": {"name": "elmo"},
    "bart": {"name": "bart"},
    "bart-mask": {"name": "bart", "noise": {"permute_sentences": 0, "tokens": "mask"}},
    "bart-delete": {"name": "bart", "noise": {"permute_sentences": 0, "tokens": "delete"}},
    "t5": {"name": "t5"},
    "t5-tokens": {"name": "t5", "corruption": {"choice": "tokens"}},
    "prefix-lm": {"name": "prefix-lm"},
    "bart-rotate": {"name": "bart", "noise": {"permute_sentences": 0, "tokens": None, "rotate": 1}},
    "glm": {"name": "glm"},
    "mass": {"name": "mass"},
}
LINES = {"name": "full-sentences", "sentences": "lines"}
PAIRS = {"name": "sentence-pairs", "sentences": "lines", "copies": 2}
LAYOUTS = {"mpnet-faithful-lines": LINES, "roberta": LINES, "bert-nsp": PAIRS, "bert-nsp-whole-word": PAIRS}


def curve(folder: Path, name: str) -> dict[int, float]:
    """{step: mean training loss of the ten steps before} of one objective."""
    for part in ("corpus", "backbone"):
        (folder / part).mkdir(parents=True)
    repeating = ["\n".join([tiny.WORDS[word]] * (4 + word)) for word in range(12)] * 14  # context tells everything
    splits = ["train"] * 144 + ["validation"] * 24
    pd.DataFrame({"split": splits, "text": repeating}).to_parquet(folder / "corpus/documents.parquet")
    manifest.write(folder / "corpus", [folder / "corpus/documents.parquet"])
    writes = isinstance(ObjectiveSpec.parse(OBJECTIVES[name]), (TextToTextSpec, GlmSpec))
    (tiny.generative(tiny.tokenizer()) if writes else tiny.tokenizer()).save_pretrained(folder / "backbone")
    manifest.write(folder / "backbone", (folder / "backbone").iterdir())
    inputs = {"corpus": [folder / "corpus/manifest.json"], "tokenizer": [folder / "backbone/manifest.json"]}
    vocabulary = "fairseq" if "permuted" in ObjectiveSpec.parse(OBJECTIVES[name]).model_dump() else None
    given = {"block_length": 32, "vocabulary": vocabulary, "layout": LAYOUTS.get(name)}
    execute("pack", pack.PackSpec.parse(given), pack.run, out=folder / "packed", inputs=inputs, state=folder / "state")
    shape = SHAPE | ({"max_positions": 34} if writes else {})  # [CLS] and [SEP] around a text
    given = {"model": shape, "objective": OBJECTIVES[name], "train": TRAIN, "seed": 0}
    execute(
        "pretrain",
        pretrain.PretrainSpec.parse(given),
        pretrain.run,
        out=folder / "run",
        inputs={"blocks": [folder / "packed/manifest.json"]},
        state=folder / "state",
    )
    return golden.losses(folder / "run")


@pytest.mark.parametrize("name", OBJECTIVES)
def test_fifty_steps_give_the_recorded_losses(name, tmp_path):
    recorded = golden.read(GOLDEN)[name]
    found = curve(tmp_path, name)
    assert list(found) == list(recorded.index) == [10, 20, 30, 40, 50]
    assert list(found.values()) == pytest.approx(recorded.to_list(), rel=golden.TOLERANCE)


def test_recorded_curves_tell_the_objectives_apart():
    assert golden.alike(golden.read(GOLDEN), OBJECTIVES) == []


def record() -> None:
    with tempfile.TemporaryDirectory() as folder:
        golden.write({name: curve(Path(folder) / name, name) for name in OBJECTIVES}, GOLDEN)


if __name__ == "__main__":
    record()
