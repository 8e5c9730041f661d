"""Stage 1 as a whole: honest folds, fair baselines, exact annotations, and the same bytes when repeated."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze import folds
from scriptorium.gaze.regressor import baselines, network
from scriptorium.gaze.regressor.word_vectors import WordVectors
from scriptorium.linguistics.annotate import text_key
from scriptorium.linguistics.features import FEATURES
from scriptorium.stage import execute
from scriptorium.stages import gaze_baselines as baselines_stage
from scriptorium.stages import score, tabulate_gaze, train_regressor
from tests.tiny import SPECIAL, WORDS, tokenizer

# --- folds and measures ----------------------------------------------------------------------------------------------


def test_folds_are_a_pure_function_of_seed_and_documents():
    names = [f"d{i}" for i in range(13)]
    first = folds.folds(4, names, 6)
    assert first == folds.folds(4, [*reversed(names), *names], 6)
    assert first != folds.folds(5, names, 6)
    sizes = np.bincount(list(first.values()))
    assert len(sizes) == 6 and sizes.max() - sizes.min() <= 1
    with pytest.raises(UserError, match="5 independent documents cannot make 6 folds"):
        folds.folds(0, names[:5], 6)


def test_documents_that_share_a_sentence_stay_together():
    long, short = "six words that are the same", "He nods."
    rows = [
        ("a", long),
        ("a", short),
        ("b", short),
        ("c", "something else, quite long, entirely"),
        ("d", long),
        ("d", "yet another rather long sentence here"),
        ("e", "yet another rather long sentence here"),
    ]
    said = pd.DataFrame(rows, columns=["document", "text"]).assign(corpus="x")
    found = folds.groups(said.assign(text_key=said["text"].map(text_key)))
    assert found[("x", "a")] == found[("x", "d")] == found[("x", "e")]
    assert len(set(found.values())) == 3


def test_measures_are_those_of_the_textbook():
    table = pd.DataFrame({"corpus": "c", "document": ["p", "p", "q", "q"], "label": [0.0, 1, 2, 3]})
    found = folds.measures(table.assign(prediction=[0.5, 1.5, 1.5, 2.0]))
    assert found["mae"] == pytest.approx(0.625)
    assert found["r2"] == pytest.approx(1 - (0.25 + 0.25 + 0.25 + 1) / 5)
    assert found["mae_document_sd"] == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert found["spearman"] == pytest.approx(0.9486833)
    assert (found["words"], found["documents"]) == (4, 2)
    # fold means that differ are no ranking of words
    assert "spearman" not in folds.measures(table.assign(prediction=[1.0, 1.0, 2.0, 2.0]))


# --- baselines -------------------------------------------------------------------------------------------------------


def gaze_words(documents=12, sentences=3, length=6, seed=0):
    """A gaze table with features, where n_fix grows with the length of the word."""
    generator = np.random.default_rng(seed)
    rows = []
    for document in range(documents):
        for number in range(sentences):
            words = ["x" * int(n) for n in generator.integers(1, 12, length)]
            for index, word in enumerate(words):
                label = 0.2 * len(word) + generator.normal() * 0.1 + 0.5
                flags = dict(zip(FEATURES, generator.random(8), strict=True))
                rows.append(
                    {
                        "corpus": "c",
                        "document": f"d{document}",
                        "sentence": number,
                        "word_index": index,
                        "word": word,
                        "label": label,
                        **flags,
                    }
                )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", ["length", "length_frequency", "boosting"])
def test_baselines_learn_what_there_is_to_learn(name):
    words = gaze_words()
    train, test = words[words["document"] < "d5"], words[words["document"] >= "d5"]
    error = np.abs(baselines.BASELINES[name](train, test, 0) - test["label"]).mean()
    assert error < 0.5 * np.abs(train["label"].mean() - test["label"]).mean()


@pytest.mark.parametrize("name", list(baselines.BASELINES))
def test_baselines_never_see_the_labels_of_the_test_fold(name):
    words = gaze_words()
    train, test = words[words["document"] < "d5"], words[words["document"] >= "d5"]
    blind = test.assign(label=np.nan)
    predict = baselines.BASELINES[name]
    assert (predict(train, test, 0) == predict(train, blind, 0)).all()


def test_a_training_word_does_not_count_itself_as_seen():
    words = pd.DataFrame({"corpus": "c", "document": "d", "sentence": 0, "word": ["Wolf,", "the", "wolf"]})
    seen = Counter({"wolf": 2, "the": 1})
    # and so a word seen once in training looks like the training words of forms that stand there twice
    forms = [f"w{i:03}" for i in range(90)]
    train = pd.DataFrame({"word": forms[:60] + forms[60:] * 2, "label": [1.0] * 60 + [3.0] * 60})
    train = train.assign(corpus="c", document="d", sentence=range(120))
    known = pd.DataFrame({"corpus": "c", "document": "e", "sentence": range(10), "word": forms[:10]})
    assert baselines.boosting(train, known, 0) == pytest.approx(np.full(10, 3.0), abs=0.1)
    assert baselines.surface(words, seen, own=1)[:, -1] == pytest.approx(np.log1p([1, 0, 1]))
    assert baselines.surface(words, seen)[:, -1] == pytest.approx(np.log1p([2, 1, 2]))


def test_surface_features_see_neighbours_within_the_sentence_only():
    words = pd.DataFrame({"corpus": "c", "document": "d", "sentence": [0, 0, 1], "word": ["Two", "words", "ONE."]})
    found = baselines.surface(words, Counter())
    assert found[:, :3].tolist() == [[3, 0, 5], [5, 3, 0], [4, 0, 0]]
    assert found[:, 7:10].tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0]]


# --- the stages ------------------------------------------------------------------------------------------------------

SPEC = {"hidden_size": 4, "layers": 2, "epochs": 2, "folds": 3}


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    """A fabricated gaze corpus, its features, and a tiny encoder, each with its manifest."""
    root = tmp_path_factory.mktemp("assets")
    generator = np.random.default_rng(1)
    words, features = [], []
    for document in range(6):
        for number in range(2):
            said = list(generator.choice(WORDS, 5))
            for index, word in enumerate(said):
                words.append(
                    {
                        "corpus": "fab",
                        "document": f"p{document}",
                        "sentence": number,
                        "word_index": index,
                        "word": word,
                        "n_fix": generator.random() * 2,
                        "n_participants": 2,
                    }
                )
                values = dict(zip(FEATURES, generator.random(8).astype(np.float32), strict=True))
                features.append({"text_key": text_key(" ".join(said)), "word_index": index, "word": word, **values})
    paths = {}
    pd.DataFrame(words).to_parquet(root / "words.parquet")
    pd.DataFrame(features).sort_values(["text_key", "word_index"]).to_parquet(root / "features.parquet", index=False)
    for kind in ("words", "features"):
        paths[kind] = manifest.write(root / kind, [root / f"{kind}.parquet"])
    for name in ("encoder", "other"):
        config = transformers.BertConfig(
            vocab_size=len(SPECIAL) + len(WORDS),
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
        )
        transformers.BertModel(config).save_pretrained(root / name)
        tokenizer().save_pretrained(root / name)
        paths[name] = manifest.write(root / name, sorted((root / name).iterdir()))
    return paths


def run_all(assets, root, threads=1, **changes) -> dict[str, str]:
    """Every stage of ours once below `root`; sha256 of each declared file."""
    corpora = {"words": [assets["words"]], "features": [assets["features"]]}
    settings = {"threads": threads, "state": root / ".state"}
    encoder = {"embeddings": [assets["encoder"]]}
    for seed in (0, 1):
        execute(
            "train_regressor",
            train_regressor.RegressorSpec.parse({**SPEC, "seed": seed, **changes}),
            train_regressor.run,
            out=root / f"bilstm/seed{seed}",
            inputs=corpora | encoder,
            **settings,
        )
    execute(
        "gaze_baselines",
        baselines_stage.GazeBaselineSpec(folds=3),
        baselines_stage.run,
        out=root / "baselines",
        inputs=corpora,
        **settings,
    )
    regressors = [root / f"bilstm/seed{seed}/manifest.json" for seed in (0, 1)]
    execute(
        "score",
        score.ScoreSpec(),
        score.run,
        out=root / "scored",
        outputs={"annotations": root / "scored.parquet"},
        inputs={"features": corpora["features"], "regressor": regressors[:1]} | encoder,
        **settings,
    )
    execute(
        "tabulate_gaze",
        tabulate_gaze.TabulateGazeSpec(),
        tabulate_gaze.run,
        out=root / "tabulated",
        outputs={"table": root / "table.tsv", "figure": root / "figure.svg"},
        inputs={"regressor": regressors, "baselines": [root / "baselines/manifest.json"]},
        **settings,
    )
    found = {}
    for path in sorted(root.rglob(manifest.NAME)):
        assert manifest.check(path) == []
        entries = manifest.read(path)["files"]
        found |= {(path.parent / e["path"]).resolve().relative_to(root.resolve()): e["sha256"] for e in entries}
    return {str(name): digest for name, digest in found.items()}


@pytest.fixture(scope="module")
def made(assets, tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    return root, run_all(assets, root)


def test_two_runs_give_identical_bytes_whatever_the_threads(assets, made, tmp_path):
    _, digests = made
    assert run_all(assets, tmp_path, threads=2) == digests
    assert {Path(name).suffix for name in digests} == {".json", ".parquet", ".safetensors", ".tsv", ".svg"}


def test_every_word_is_predicted_once_by_a_model_that_never_saw_its_document(assets, made):
    root, _ = made
    table = pd.read_parquet(root / "bilstm/seed0/predictions.parquet")
    assert table["id"].is_unique and len(table) == 60
    assert table["id"].iloc[0] == "fab/p0/0/0"
    assert np.isfinite(table["prediction"]).all()
    # changing the labels of one fold's documents leaves that fold's own predictions as they were
    words = folds.read_words([assets["words"]], [assets["features"]])
    fold_of = folds.folds(0, words["group"], 3)
    held_out = [name.split("/")[1] for name, fold in fold_of.items() if fold == 1]
    changed = root / "changed"
    raw = pd.read_parquet(assets["words"].parent.parent / "words.parquet")
    raw.loc[raw["document"].isin(held_out), "n_fix"] += 5
    changed.mkdir()
    raw.to_parquet(changed / "words.parquet")
    path = manifest.write(changed / "words", [changed / "words.parquet"])
    execute(
        "train_regressor",
        train_regressor.RegressorSpec.parse(SPEC),
        train_regressor.run,
        out=changed / "out",
        state=changed / ".state",
        inputs={"words": [path], "features": [assets["features"]], "embeddings": [assets["encoder"]]},
    )
    after = pd.read_parquet(changed / "out/predictions.parquet")
    mine = table["document"].isin(held_out)
    assert (after["prediction"] == table["prediction"])[mine].all()
    assert (after["prediction"] != table["prediction"])[~mine].mean() > 0.9


def test_the_journal_holds_a_curve_per_fold_and_the_result(made):
    root, _ = made
    events = [json.loads(line) for line in (root / "bilstm/seed0/events.jsonl").read_text().splitlines()]
    steps = {}
    for event in events:
        for name in event.get("metrics", {}):
            steps.setdefault(name, []).append(event["step"])
    for name in ("fold0/train_loss", "fold2/held_out_mae", "final/train_loss"):
        assert steps[name] == [1, 2]
    metrics = json.loads((root / "bilstm/seed0/metrics.json").read_text())
    assert {"oof/mae", "oof/r2", "oof/spearman", "oof/mae_document_sd"} <= set(metrics)
    assert all(f"score_variance/{name}" in metrics for name in FEATURES)


def test_annotations_hold_the_features_unchanged_and_a_score_for_each(assets, made):
    root, _ = made
    features = pd.read_parquet(assets["features"].parent.parent / "features.parquet")
    scored = pd.read_parquet(root / "scored.parquet")
    pd.testing.assert_frame_equal(scored[list(features.columns)], features)
    assert list(scored.columns[len(features.columns) :]) == [f"score_{name}" for name in FEATURES] + ["n_fix_predicted"]
    # the same words through the model itself, one text at a time
    model = network.GazeRegressor.from_pretrained(root / "bilstm/seed0/model")
    vectors = WordVectors.load(assets["encoder"])
    for _, rows in list(scored.groupby("text_key"))[:3]:
        one = network.Sentence(vectors([rows["word"].tolist()])[0], rows[list(FEATURES)].to_numpy())
        n_fix, scores = network.predict(model, [one])
        assert rows["n_fix_predicted"].to_numpy() == pytest.approx(n_fix, abs=1e-6)
        assert rows[[f"score_{name}" for name in FEATURES]].to_numpy() == pytest.approx(scores, abs=1e-6)


def test_scoring_with_another_encoder_is_refused(assets, made, tmp_path):
    root, _ = made
    inputs = {
        "features": [assets["features"]],
        "regressor": [root / "bilstm/seed0/manifest.json"],
        "embeddings": [assets["other"]],
    }
    with pytest.raises(UserError, match="another encoder's word vectors"):
        execute(
            "score",
            score.ScoreSpec(),
            score.run,
            out=tmp_path / "scored",
            inputs=inputs,
            state=tmp_path / ".state",
            outputs={"annotations": tmp_path / "scored.parquet"},
        )


def test_the_table_names_every_model_and_averages_the_seeds(made):
    root, _ = made
    table = pd.read_csv(root / "table.tsv", sep="\t")
    assert list(table.columns) == [
        "model",
        "mae",
        "mae_sd",
        "r2",
        "spearman",
        "delta_ll",
        "seeds",
        "words",
        "paragraphs",
    ]
    assert table["model"].tolist() == ["mean", "length", "length_frequency", "features", "boosting", "bilstm"]
    ours = table.iloc[-1]
    seeds = [json.loads((root / f"bilstm/seed{s}/metrics.json").read_text())["oof/mae"] for s in (0, 1)]
    assert ours["mae"] == pytest.approx(np.mean(seeds), abs=1e-4)
    assert ours["mae_sd"] == pytest.approx(np.std(seeds, ddof=1), abs=1e-4)
    assert (ours["seeds"], ours["words"], ours["paragraphs"]) == (2, 60, 6)


def test_words_and_features_of_different_data_are_refused(assets, tmp_path):
    features = pd.read_parquet(assets["features"].parent.parent / "features.parquet")
    features[features["text_key"] != features["text_key"].iloc[0]].to_parquet(tmp_path / "features.parquet")
    path = manifest.write(tmp_path / "features", [tmp_path / "features.parquet"])
    with pytest.raises(UserError, match="annotated words differ"):
        folds.read_words([assets["words"]], [path])
    with pytest.raises(UserError, match="occurs twice"):
        folds.read_words([assets["words"]] * 2, [assets["features"]])
    words = pd.read_parquet(assets["words"].parent.parent / "words.parquet")
    words.assign(n_fix=np.where(words.index == 3, np.nan, 1.0)).to_parquet(tmp_path / "words.parquet")
    with pytest.raises(UserError, match="n_fix must be a number"):
        folds.read_words([manifest.write(tmp_path / "w", [tmp_path / "words.parquet"])], [assets["features"]])
