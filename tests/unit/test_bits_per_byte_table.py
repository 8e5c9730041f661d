"""The table of bits per byte: who is compared with whom, and that a better model is found; what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scriptorium import manifest
from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.minimal_pairs.scoring import MODEL, RANDOM, UNIGRAM
from scriptorium.reporting import bits_per_byte
from scriptorium.reporting.headlines import headlines
from scriptorium.runs import Runs
from scriptorium.stages import tabulate_texts
from tests import tiny

ROOT = Path(__file__).parents[2]
COLUMNS = ["variant", "likelihood", "texts", "bytes", "hidden", "seeds", "bits_per_byte", "ci_low", "ci_high", "random"]
COLUMNS += ["unigram", "against", "delta", "delta_ci_low", "delta_ci_high", "p", "p_holm", "verdict", "scale"]
TEXTS = 100


def scored(root: Path, variant: str, seed: int, kind: str, bits: float, texts: int = TEXTS) -> Path:
    """A run on texts whose model needs so many bits per byte, random weights 8 and frequencies 4."""
    shared, own = np.random.default_rng(0), np.random.default_rng([seed, len(variant)])
    facts = pd.DataFrame({"id": [f"t{n}" for n in range(texts)], "bytes": shared.integers(20, 90, texts), "hidden": 1})
    hard = shared.normal(1, 0.1, texts)
    parts = []
    for scorer, value in ((MODEL, bits), (RANDOM, 8), (UNIGRAM, 4)):
        nats = facts["bytes"] * np.log(2) * value * hard * own.normal(1, 0.02, texts)
        parts.append(facts.assign(scorer=scorer, kind="exact" if scorer == UNIGRAM else kind, nats=nats))
    folder = root / variant / f"seed{seed}"
    folder.mkdir(parents=True)
    pd.concat(parts).to_parquet(folder / "scores.parquet")
    return manifest.write(folder, [folder / "scores.parquet"])


STUDY = {"mlm": ("pseudo", 1.5), "plm": ("pseudo", 1.5), "gpt": ("exact", 2.0), "llama": ("exact", 1.8)}
STUDY |= {"bart": ("conditional", 2.2), "rotate": ("conditional", 3.5)}


@pytest.fixture
def runs(tmp_path) -> list[Path]:
    return [scored(tmp_path, name, seed, *facts) for name, facts in STUDY.items() for seed in range(3)]


def test_variants_stand_beside_one_of_their_own_kind_and_the_better_one_is_found(runs, tmp_path, monkeypatch):
    spec = tabulate_texts.TabulateTextsSpec(baseline="mlm")
    first, again = tiny.run_twice(tabulate_texts, spec, {"runs": runs}, {"table": "t.tsv"}, tmp_path, monkeypatch)
    assert first == again
    made = pd.read_csv(tmp_path / "a/t.tsv", sep="\t", keep_default_na=False, na_values=[""]).set_index("variant")
    assert list(made.reset_index()) == COLUMNS
    assert made["likelihood"].to_dict() == {name: kind for name, (kind, _) in STUDY.items()}
    assert made["against"].dropna().to_dict() == {"plm": "mlm", "llama": "gpt", "rotate": "bart"}
    verdicts = {"mlm": "baseline", "plm": "no difference shown", "gpt": "baseline", "llama": "better"}
    assert made["verdict"].to_dict() == verdicts | {"bart": "baseline", "rotate": "worse"}
    for name, (_, bits) in STUDY.items():
        row = made.loc[name]
        assert row["bits_per_byte"] == pytest.approx(bits, rel=0.05)
        assert row["ci_low"] < row["bits_per_byte"] < row["ci_high"]
        assert (row["random"], row["unigram"]) == (pytest.approx(8, rel=0.05), pytest.approx(4, rel=0.05))
        assert row["hidden"] == pytest.approx(TEXTS / row["bytes"], rel=1e-4)


def test_the_baseline_of_the_study_stands_first_among_its_kind_wherever_it_is(runs):
    made = bits_per_byte.bits_table([bits_per_byte.read(path) for path in runs], "llama").set_index("variant")
    assert made["against"].to_dict()["gpt"] == "llama"
    assert made["against"].to_dict()["plm"] == "mlm"


def test_what_cannot_be_compared_is_refused(runs, tmp_path):
    made = {(run.variant, run.seed): run for run in map(bits_per_byte.read, runs)}
    with pytest.raises(UserError, match=r"the likelihood of bart is conditional, that of mlm pseudo"):
        bits_per_byte.difference([made["bart", 0]], [made["mlm", 0]], smallest=0.005)
    other = bits_per_byte.read(scored(tmp_path, "other", 0, "exact", 2.0, texts=99))
    with pytest.raises(UserError, match="other, seed 0, and mlm were scored on different texts"):
        bits_per_byte.bits_table([made["mlm", 0], other], "mlm")


def test_a_headline_names_the_best_of_each_kind(runs, tmp_path):
    path = tmp_path / "bits_per_byte_s.tsv"
    bits_per_byte.bits_table([bits_per_byte.read(path) for path in runs], "mlm").to_csv(path, sep="\t", index=False)
    said = headlines([path])["bits per byte, s"]
    assert "llama 1." in said and "bart 2." in said and "gpt" not in said and "rotate" not in said


def values() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def test_a_study_asks_for_it_and_its_programme_shows_it():
    runs = Runs(loading.load(values(), ROOT))
    assert "results/tables/bits_per_byte_objectives.tsv" in runs.programme_tables("objectives")
    assert "results/bits_per_byte/even-t5/seed0" in {run.path for run in runs.all()}
    plan = runs.score_texts("even-t5", "2")
    assert (plan.likelihood, plan.seed, plan.sentences.texts) == ("sentinel", 2, 1000)
    with pytest.raises(UserError, match=r"set pretraining\.studies\.mpnet\.bits_per_byte: true"):
        runs.texts_of("_mpnet")


def test_a_model_is_not_scored_on_sentences_that_it_may_have_read():
    given = values()
    given["bits_per_byte"]["corpus"] = "multilingual"
    with pytest.raises(UserError, match=r"objectives\.bits_per_byte scores .* even-mlm is trained on 'english'"):
        loading.load(given, ROOT)
    given["bits_per_byte"] = None
    with pytest.raises(UserError, match=r"objectives\.bits_per_byte needs a block bits_per_byte"):
        loading.load(given, ROOT)
    given["bits_per_byte"] = {"corpus": "englsh"}
    with pytest.raises(UserError, match=r"bits_per_byte\.corpus: unknown corpus 'englsh', did you mean 'english'"):
        loading.load(given, ROOT)
