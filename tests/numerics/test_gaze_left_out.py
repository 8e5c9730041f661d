"""Corpora left out in turn, from gaze tables to the table and the predictor; and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.likelihood import delta_log_likelihood, folds_of
from scriptorium.gaze.predictor import left_out, transfer
from scriptorium.gaze.predictor.pretrained import from_pretrained
from scriptorium.gaze.spec import GazeLeftOutSpec
from scriptorium.linguistics.surface import SURFACE, surface
from scriptorium.stage import execute
from scriptorium.stages import gaze_left_out

WORDS = ("a", "of", "time", "people", "question", "development", "understanding", "zymurgy")
LANGUAGES = {"one": "en", "two": "en", "three": "de"}
SETTINGS = {
    "measures": ["n_fix", "fix_prop"],
    "sentences": 60,
    "resamples": 100,
    "boosting": {"iterations": 10, "min_samples_leaf": 20},
    "languages": LANGUAGES,
}


def table(name: str, level: float, seed: int, documents: int = 12) -> pd.DataFrame:
    """Words that are looked at the longer they are, at a level that is the corpus's own."""
    generator = np.random.default_rng(seed)
    rows = []
    for document in range(documents):
        for sentence in range(2):
            for index in range(8):
                word = str(generator.choice(WORDS)) if index else f"{name}{document}{sentence}"
                n_fix = level * len(word) * (0.1 + 0.02 * generator.random())
                rows.append((name, f"d{document}", sentence, index, word, n_fix, min(n_fix / level / 2, 1)))
    return pd.DataFrame(rows, columns=["corpus", "document", "sentence", "word_index", "word", "n_fix", "fix_prop"])


def saved(folder, part: pd.DataFrame):
    folder.mkdir(parents=True)
    part.to_parquet(folder / "words.parquet")
    return manifest.write(folder, [folder / "words.parquet"])


@pytest.fixture(scope="module")
def tables():
    levels = {"one": 1.0, "two": 3.0, "three": 0.5}
    return {name: table(name, level, number) for number, (name, level) in enumerate(levels.items())}


@pytest.fixture(scope="module")
def made(tmp_path_factory, tables):
    root = tmp_path_factory.mktemp("left_out")
    inputs = {"words": [saved(root / name, part) for name, part in tables.items()]}
    for place in ("a", "b"):
        execute(
            "gaze_left_out",
            GazeLeftOutSpec.parse(SETTINGS),
            gaze_left_out.run,
            out=root / place,
            inputs=inputs,
            outputs={"table": root / f"{place}.tsv"},
            state=root / ".state",
        )
    return root


def test_each_corpus_is_left_out_once_and_judged_by_every_measure(made):
    found = pd.read_csv(made / "a.tsv", sep="\t")
    assert list(zip(found["corpus"], found["measure"], strict=True)) == [
        (name, measure) for name in LANGUAGES for measure in SETTINGS["measures"]
    ]
    assert (found["spearman"] > 0.8).all() and (found["spearman_length"] > 0.8).all()
    assert (found["ci_low"] <= found["difference"]).all() and (found["difference"] <= found["ci_high"]).all()
    assert np.allclose(found["difference"], found["spearman"] - found["spearman_length"], atol=1e-5)
    # at their level the three corpora are alike; without it, one is six times as high as the other
    assert found["coverage_at_level"].mean() > max(found["coverage"].mean(), 0.5)
    assert (found["words"] <= 60 * 8).all() and found["texts"].min() > 1


def test_training_twice_gives_identical_files(made):
    first, second = (manifest.read(made / place)["files"] for place in ("a", "b"))
    assert [e for e in first if "tsv" not in e["path"]] == [e for e in second if "tsv" not in e["path"]]
    assert (made / "a.tsv").read_bytes() == (made / "b.tsv").read_bytes()
    assert {entry["path"].rsplit(".")[-1] for entry in first} <= {"md", "json", "parquet", "safetensors", "tsv"}


def test_the_card_says_on_which_corpora_it_was_trained_and_how_it_does_without_each(made):
    card = (made / "a/model/README.md").read_text(encoding="utf-8")
    for name, language in LANGUAGES.items():
        assert f"| {name} | {language} | " in card
    rows = [line for line in card.splitlines() if line.startswith("| three | n_fix")]
    found = pd.read_csv(made / "a.tsv", sep="\t").set_index(["corpus", "measure"]).loc[("three", "n_fix")]
    assert len(rows) == 1 and f"{found['spearman']:.3f}" in rows[0]


def test_the_saved_predictor_predicts_what_the_fitted_one_does_in_any_of_its_languages(made, tables):
    spec = GazeLeftOutSpec.parse(SETTINGS)
    words = {name: left_out.words_of(part, LANGUAGES[name], spec) for name, part in tables.items()}
    fitted = transfer.fit(words, SURFACE, transfer.line_names(1), spec)
    model = from_pretrained(made / "a")
    found = model.read("A question of time. Zymurgy!")
    features = np.concatenate(surface([["A", "question", "of", "time."], ["Zymurgy!"]])).astype(np.float64)
    low, high = fitted.interval(fitted.predict(features))
    assert np.allclose(found[["n_fix", "fix_prop"]], fitted.predict(features))
    assert np.allclose(found[["n_fix_low", "fix_prop_low"]], low) and np.allclose(found["n_fix_high"], high[:, 0])
    assert not np.allclose(found["n_fix"], model.read("A question of time. Zymurgy!", language="de")["n_fix"])
    with pytest.raises(UserError, match="no list of word frequencies for the language 'xq'"):
        model.read("word", language="xq")


def test_a_corpus_that_is_left_out_moves_nothing_of_its_predictor(tables):
    """The predictor of a corpus left out sees neither its values nor its texts."""
    spec = GazeLeftOutSpec.parse(SETTINGS)
    words = {name: left_out.words_of(part, LANGUAGES[name], spec) for name, part in tables.items()}
    seen = {name: words[name] for name in ("one", "two")}
    model = transfer.fit(seen, SURFACE, transfer.line_names(1), spec)
    assert (model.predict(words["three"].features) >= 0).all()
    copied = pd.concat([tables["one"], tables["three"].head(8).assign(corpus="one", document="copy")])
    kept = left_out.without_texts_of(copied, tables["three"])
    assert "copy" not in set(kept["document"]) and len(kept) == len(tables["one"])


def test_the_level_of_a_corpus_does_not_change_what_is_learned(tables):
    spec = GazeLeftOutSpec.parse(SETTINGS)
    words = {name: left_out.words_of(part, LANGUAGES[name], spec) for name, part in tables.items()}
    twice = words | {"two": transfer.Words(words["two"].features, 2 * words["two"].values, words["two"].text)}
    line, other = (transfer.line(each, SURFACE, ["length", "zipf"]).coefficients for each in (words, twice))
    assert np.allclose(line[0] / line[0, 1], other[0] / other[0, 1])


def test_a_sample_is_whole_documents_and_a_function_of_the_seed(tables):
    part = left_out.sample(tables["one"], 20, 0)
    assert part.groupby("document").size().eq(16).all() and part["document"].nunique() == 10
    assert part.equals(left_out.sample(tables["one"], 20, 0))
    assert set(part["document"]) != set(left_out.sample(tables["one"], 20, 1)["document"])
    assert left_out.sample(tables["one"], 1, 0)["document"].nunique() == 1


def test_a_predictor_that_knows_more_has_a_higher_likelihood_and_noise_does_not():
    generator = np.random.default_rng(0)
    base, more, noise = generator.normal(size=(3, 600, 1))
    values = base[:, 0] + 2 * more[:, 0] + generator.normal(size=600)
    fold = folds_of(np.arange(600) // 10, 5, 0)
    assert all(len(set(fold[i : i + 10])) == 1 for i in range(0, 600, 10)) and set(fold) == set(range(5))
    gain = delta_log_likelihood(base, more, values, fold)
    # the residual's variance falls from 5 to 1: half of log 5 per word
    assert gain.mean() == pytest.approx(0.5 * np.log(5), abs=0.05)
    assert abs(delta_log_likelihood(base, noise, values, fold).mean()) < 0.01
    assert np.isnan(delta_log_likelihood(base, more, values, np.zeros(600))).all()


def test_surprisal_is_learned_of_the_word_and_the_words_before_and_judged_by_its_likelihood(tmp_path, tables):
    """Bits that tell the level of a word at random: then they help, and on a text alone they are missed."""
    words, bits = [], []
    for number, (name, part) in enumerate(tables.items()):
        surprisal = np.random.default_rng([number, 7]).random(len(part))
        part = part.assign(n_fix=part["n_fix"] * (1 + surprisal))
        words.append(saved(tmp_path / name, part))
        known = part.assign(surprisal=np.where(part["word_index"] == 7, np.nan, surprisal))  # some have none
        bits.append(saved(tmp_path / f"{name}-bits", known))
    execute(
        "gaze_left_out",
        GazeLeftOutSpec.parse(SETTINGS | {"spill_over": 2, "measures": ["n_fix"]}),
        gaze_left_out.run,
        out=tmp_path / "out",
        inputs={"words": words, "surprisal": bits},
        outputs={"table": tmp_path / "t.tsv"},
        state=tmp_path / ".state",
    )
    found = pd.read_csv(tmp_path / "t.tsv", sep="\t")
    assert (found["delta_ll_surprisal"] > 0.05).all()
    facts = json.loads((tmp_path / "out/model/transfer.json").read_text())
    assert facts["names"][-3:] == ["surprisal", "surprisal_before", "surprisal_before_2"]
    assert facts["linear"] == transfer.line_names(2, surprisal=True)
    with pytest.raises(UserError, match="knows words by their surprisal too"):
        from_pretrained(tmp_path / "out").read("A question.")


def test_surprisal_of_the_words_before_is_that_of_the_same_sentence(tables):
    part, spec = tables["one"], GazeLeftOutSpec.parse(SETTINGS | {"spill_over": 2})
    features = left_out.words_of(part, "en", spec, np.arange(len(part), dtype=float)).features[:, -3:]
    assert features[:4].tolist() == [[0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 2, 1]]
    assert features[8:11].tolist() == [[8, 0, 0], [9, 8, 0], [10, 9, 8]]


def test_two_corpora_and_a_corpus_without_a_language_are_refused(tmp_path, tables):
    def run(names, **changes):
        execute(
            "gaze_left_out",
            GazeLeftOutSpec.parse(SETTINGS | changes),
            gaze_left_out.run,
            out=tmp_path / "out",
            inputs={"words": [saved(tmp_path / str(len(list(tmp_path.iterdir()))), tables[name]) for name in names]},
            outputs={"table": tmp_path / "t.tsv"},
            state=tmp_path / ".state",
        )

    with pytest.raises(UserError, match="2 corpora cannot be left out in turn"):
        run(["one", "two", "two"])
    with pytest.raises(UserError, match="corpus 'three' has no language"):
        run(["one", "two", "three"], languages={"one": "en", "two": "en"})


def test_a_folder_without_a_predictor_and_one_of_another_version_are_refused(made, tmp_path):
    with pytest.raises(UserError, match="neither an ensemble"):
        from_pretrained(tmp_path)
    facts = json.loads((made / "a/model/transfer.json").read_text())
    for change in ({"names": ["other"]}, {"spread": {"edges": []}}):
        (tmp_path / "transfer.json").write_text(json.dumps(facts | change))
        with pytest.raises(UserError, match="not a gaze predictor of this version"):
            from_pretrained(tmp_path)
