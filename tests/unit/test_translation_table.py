"""The table of a translation study: its columns, known differences, controls, and what cannot be compared."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.reporting import written
from scriptorium.stages import tabulate_translation
from tests import tiny

pytest.importorskip("sacrebleu")

COUNT, SEEDS = 120, 3
DIRECTION = {"source": "en", "target": "de"}


def translated(root, variant: str, seed: int, share: float, count: int = COUNT):
    """A run that gets this share of the words right; the sentences are the same for all."""
    words = np.array(tiny.WORDS)
    generator = np.random.default_rng(0)
    chosen = [generator.integers(40, size=8) for _ in range(count)]
    own = np.random.default_rng([seed, len(variant)])
    wrong = [np.where(own.random(8) < share, each, own.integers(40, 80, 8)) for each in chosen]
    texts = {"reference": chosen, "hypothesis": wrong, "source": [each + 41 for each in chosen]}
    table = pd.DataFrame({name: [" ".join(words[each]) for each in own] for name, own in texts.items()})
    folder = root / "translate" / variant / "en-de" / f"seed{seed}"
    folder.mkdir(parents=True)
    table.assign(id=[f"p{number}" for number in range(count)]).to_parquet(folder / "hypotheses.parquet")
    (folder / "metrics.json").write_text(json.dumps({"test/bleu": 0.0, "signature/bleu": "b", "signature/chrf": "c"}))
    return manifest.write(folder, sorted(folder.glob("*.*")))


@pytest.fixture
def runs(tmp_path):
    shares = (("random", 0.5), ("veco-tuned", 0.8), ("the-same", 0.5), ("nothing", 0.0))
    return [translated(tmp_path, name, seed, share) for name, share in shares for seed in range(SEEDS)]


def test_the_table_has_its_columns_and_finds_who_is_better(runs, tmp_path, monkeypatch):
    spec = tabulate_translation.TabulateTranslationSpec.parse(
        {"study": "mt", "baseline": "random", "translations": {"en-de": DIRECTION}}
    )
    first, again = tiny.run_twice(tabulate_translation, spec, {"runs": runs}, {"table": "t.tsv"}, tmp_path, monkeypatch)
    assert first == again
    made = pd.read_csv(tmp_path / "a/t.tsv", sep="\t")
    first_columns = "variant translation metric sentences seeds mean ci_low ci_high copy"
    assert list(made)[:9] == first_columns.split()
    assert len(made) == 8 and set(made["metric"]) == {"BLEU", "chrF"}
    bleu = made[made["metric"] == "BLEU"].set_index("variant")
    assert bleu.loc["veco-tuned", "verdict"] == "better" and bleu.loc["nothing", "verdict"] == "worse"
    assert bleu.loc["random", "verdict"] == "baseline"
    assert bleu.loc["the-same", "verdict"] == "no difference shown", (
        "nearly all translations differ from seed to seed too"
    )
    assert bleu.loc["veco-tuned", "delta"] == pytest.approx(
        bleu.loc["veco-tuned", "mean"] - bleu.loc["random", "mean"], abs=1e-3
    )
    assert bleu["above_copy"].to_dict() == {"random": "yes", "veco-tuned": "yes", "the-same": "yes", "nothing": "no"}
    assert (bleu["signature"] == "b").all() and (bleu["changed"].dropna() > 0.9).all()


def test_equal_translations_are_not_tested(tmp_path):
    both = [translated(tmp_path / name, "variant", seed, 0.5) for name in ("a", "b") for seed in range(SEEDS)]
    read = [written.read(path) for path in both]
    renamed = [written.WrittenRun(**{**vars(run), "variant": "base"}) for run in read[SEEDS:]]
    measured = {"en-de": written.Measured(written.OF_TRANSLATION, "13a")}
    made = written.scores_table([*read[:SEEDS], *renamed], "base", measured)
    row = made[(made["variant"] == "variant") & (made["metric"] == "BLEU")].iloc[0]
    assert (row["delta"], row["changed"], row["verdict"]) == (0.0, 0.0, "not tested")


def test_other_sentences_and_a_missing_baseline_are_refused(tmp_path, runs):
    read = [written.read(path) for path in runs]
    with pytest.raises(UserError, match="no run of the baseline 'veco'"):
        written.scores_table(read, "veco", {"en-de": written.Measured(written.OF_TRANSLATION, "13a")})
    other = written.read(translated(tmp_path / "other", "fewer", 0, 0.5, count=50))
    with pytest.raises(UserError, match="have other test examples"):
        written.scores_table([*read, other], "random", {"en-de": written.Measured(written.OF_TRANSLATION, "13a")})
