"""Builds a miniature that holds nearly all stages of the project: translations, texts that are written, gaze.

It is the miniature of miniature.py with a made-up second language beside English, in which every word is written
backwards, and with the programmes `objectives`, `veco` and `veco2` on it.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import yaml

from scriptorium.spec import overlay
from tests.workflow.miniature import SENTENCES, TITLES, Project, build, write_news

TABLES = (
    "feature_weights_cogbert",
    "pretrain_objectives",
    "minimal_pairs_objectives",
    "bits_per_byte_objectives",
    "few_labels_objectives",
    "generate_titles",
    "pretrain_veco",
    "crosslingual_veco",
    "retrieval_veco",
    "vectors_veco",
    "translation_veco",
    "pretrain_veco2",
    "claims_veco",
)
# what is typed after `snakemake`
TARGETS = ("all", "results/gaze/predictor/manifest.json", *(f"results/tables/{name}.tsv" for name in TABLES))
SEEDS = [0]
CONFIG = {
    "seeds": SEEDS,
    "studies": {"cogbert-baselines": {"seeds": SEEDS, "variants": ["bert", "bert-gaze-tuned"]}},
    "gaze": {
        "predictor": {
            "corpora": ["monastery"],
            "backbone": "minilm",
            "settings": {"measures": ["n_fix", "fix_prop"]},
        }
    },
    "corpora": {
        "english": {"exclude": ["mood"]},
        "both": {
            "sources": [
                {"dataset": "chronicle", "reader": "text", "language": "en"},
                {"dataset": "elcinorhc", "reader": "text", "language": "de"},
            ],
            "validation_share": 0.2,
        },
    },
    "parallel": {
        "en-de": {
            "sources": [{"dataset": "pairs", "reader": "tsv", "languages": ["en", "de"]}],
            "validation_share": 0.1,
        }
    },
    "vocabularies": {
        "joint": {
            "corpus": ["both", "en-de"],
            "kind": "bpe",
            "size": 600,
            "lower_case": False,
            "symbols": "roberta",
            "alpha": 0.5,
        },
    },
    "dictionaries": {"pivot": {"sources": [{"dataset": "words", "reader": "tsv", "languages": ["en", "de"]}]}},
    "minimal_pairs": {"swapped": {"corpus": "english", "reader": "swapped"}},
    "bits_per_byte": {"corpus": "english"},
    "few_labels": {"task": "mood", "labels": [8, 16], "pieces": 30},
    "crosslingual": {"parallel": "en-de", "dictionary": "pivot"},
    "retrieval": {"held-out": {"reader": "pairs", "parallel": "en-de"}},
    "vectors": {"held-out": {"parallel": "en-de", "dictionary": "pivot"}},
    "translation": {"en-de": {"parallel": "en-de", "source": "en", "target": "de", "max_length": 40}},
    "generation": {"titles": TITLES},
    "pretraining": {
        "studies": {
            "objectives": {
                "baseline": "bert-mlm",
                "variants": ["bert-mlm", "bart"],
                "seeds": SEEDS,
                "programme": "objectives",
                "minimal_pairs": ["swapped"],
                "bits_per_byte": True,
                "few_labels": True,
            },
            "veco": {
                "baseline": "xlm",
                "variants": ["xlm", "veco"],
                "seeds": SEEDS,
                "programme": "veco",
                "crosslingual": True,
                "retrieval": ["held-out"],
                "vectors": ["held-out"],
            },
            "veco2": {
                "baseline": "mmlm-tlm",
                "variants": ["mmlm-tlm", "veco2"],
                "seeds": SEEDS,
                "programme": "veco2",
                "retrieval": ["held-out"],
                "vectors": ["held-out"],
            },
        }
    },
    "translation_studies": {
        "veco": {
            "baseline": "translate-random",
            "variants": ["translate-random", "translate-veco"],
            "translations": ["en-de"],
            "seeds": SEEDS,
            "programme": "veco",
        }
    },
    "generation_studies": {
        "titles": {
            "baseline": "writes-random",
            "variants": ["writes-random", "writes-bart"],
            "generation": ["titles"],
            "seeds": SEEDS,
            "programme": "objectives",
        }
    },
}
SHORT = {"max_steps": 12, "batch_size": 8, "log_every": 2, "eval_every": 6}
RECIPES = {
    "pretrain-glm": {"objective": {"blanks": {"longest": 20}}},
    "pretrain-veco": {
        "corpus": "both",
        "tokenizer": "joint",
        "block_length": 48,
        "model": {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64, "max_positions": 124},
        "train": SHORT,
    },
    "pretrain-veco2": {"train": SHORT},
    "translate": {"beams": 2, "train": SHORT},
    "generate": {"beams": 2, "train": SHORT},
}
VARIANTS = {
    "mmlm-start": "pretrain-veco\t{objective: {paired: {weights: {ca: 0, tlm: 0}}}}",  # without the row's 300 steps
    "writes-random": "generate\t{backbone: bart, reinitialise: true}",
    "writes-bart": "generate\t{backbone: bart}",
}


def build_whole(root: Path) -> Project:
    """Write it below `root` and return it."""
    project = build(root)
    write_data(root / "assets")
    with (root / "config/datasets.tsv").open("a", encoding="utf-8") as table:
        for name, file in (
            ("elcinorhc", "elcinorhc.txt"),
            ("pairs", "pairs.tsv"),
            ("words", "words.tsv"),
            ("news", "news.jsonl"),
        ):
            table.write(f"{name}\t-\tfile\t{file}\t\t\t\tCC0\ttests\t\n")
    path = root / "config/ablations.tsv"
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.split("\t")[0] not in VARIANTS]
    rows += [f"{name}\t{row}\tours\tours\ttests" for name, row in VARIANTS.items()]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name, changes in RECIPES.items():
        change(root / f"config/recipes/{name}.yaml", changes)
    change(root / "config/config.yaml", CONFIG)
    return project


def change(path: Path, changes: dict) -> None:
    values = overlay(yaml.safe_load(path.read_text(encoding="utf-8")), changes)
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def backwards(text: str) -> str:
    """The second language: every word, without its marks, from its last letter to its first."""
    return " ".join(word.strip(".,!?")[::-1] for word in text.split())


def write_data(assets: Path) -> None:
    """The chronicle in the second language, pairs of texts, a dictionary, and articles with titles."""
    texts = (assets / "chronicle.txt").read_text(encoding="utf-8").split("\n\n")
    (assets / "elcinorhc.txt").write_text("\n\n".join(map(backwards, texts)), encoding="utf-8")
    chosen = list(itertools.islice(itertools.permutations(SENTENCES, 2), 0, None, 4))  # 138 of 552
    pairs = [f"{a} {b}" for a, b in chosen]
    rows = ["en\tde", *(f"{text}\t{backwards(text)}" for text in pairs)]
    (assets / "pairs.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    words = sorted({word.strip(".,!?") for sentence in SENTENCES for word in sentence.split()})
    rows = ["en\tde", *(f"{word}\t{word[::-1]}" for word in words)]
    (assets / "words.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    write_news(assets / "news.jsonl", chosen[:60])
