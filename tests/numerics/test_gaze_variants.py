"""The regressor's variants: the released code with its defects shown as such, ours, and vectors from a file."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.regressor import fixed, word_vectors
from scriptorium.gaze.regressor import network as gaze
from scriptorium.gaze.regressor.glove import FileVectors, spellings
from scriptorium.gaze.regressor.released import ReleasedRegressor, ReleasedRegressorConfig, read, released_split
from scriptorium.linguistics.annotate import text_key
from scriptorium.linguistics.features import FEATURES
from scriptorium.stage import execute
from scriptorium.stages import score, train_regressor
from tests.tiny import SPECIAL, WORDS, tokenizer

D = 12
PAPER = gaze.GazeRegressorConfig(word_vector_size=D, hidden_size=6, num_layers=2, dropout=0.0)
RELEASED = ReleasedRegressorConfig(word_vector_size=D, hidden_size=10, dropout=0.0)


def sentence(generator, length):
    features = np.c_[generator.random((length, 2)), generator.random((length, 6)) < 0.5]
    return gaze.Sentence(
        generator.normal(size=(length, D)).astype(np.float32),
        features.astype(np.float32),
        generator.poisson(1.2, length).astype(np.float32),
    )


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    return [sentence(generator, length) for length in (7, 3, 1, 5, 9, 4)]


def network(kind):
    torch.manual_seed(3)
    model = gaze.GazeRegressor(PAPER) if kind == "paper" else ReleasedRegressor(RELEASED)
    if kind == "released":
        torch.nn.init.constant_(model.combine.bias, 0.4)  # open on padding
    return model.eval()


def widened(batch, by):
    wider = {
        name: torch.nn.functional.pad(value, (0, 0) * (value.dim() - 2) + (0, by)) for name, value in batch.items()
    }
    return wider | {"mask": wider["mask"].bool()}


# --- the released code -----------------------------------------------------------------------------------------------


def test_the_released_network_has_the_size_of_the_original():
    model = ReleasedRegressor(ReleasedRegressorConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 332_809  # docs/papers/cogbert.md section 4.1


def test_padding_is_in_the_released_loss_and_not_in_ours(data):
    """The documented defect (docs/papers/cogbert.md section 10 no. 13): pads dilute one mean and add ReLU(b)
    squared.
    """
    batch = gaze.collate(data)
    for kind, same in (("paper", True), ("released", False)):
        model = network(kind)
        narrow, wide = (model(**b).loss.item() for b in (batch, widened(batch, 6)))
        assert (narrow == pytest.approx(wide, rel=1e-5)) is same


def test_the_loss_of_a_word_depends_on_its_batch_in_the_released_code_only(data):
    """Sums of squared errors over words: the same however sentences are put into batches, or not."""
    for kind, same in (("paper", True), ("released", False)):
        model = network(kind)
        totals = []
        for parts in ([data[:3], data[3:]], [data[::2], data[1::2]]):
            totals.append(sum(model(**gaze.collate(p)).loss.item() * sum(len(s.n_fix) for s in p) for p in parts))
        assert (totals[0] == pytest.approx(totals[1], rel=1e-5)) is same


def test_the_order_of_a_batch_changes_no_loss(data):
    for kind in ("paper", "released"):
        model = network(kind)
        turned = [model(**gaze.collate(sentences)).loss.item() for sentences in (data, data[::-1])]
        assert turned[0] == pytest.approx(turned[1], rel=1e-5)


def test_the_released_loss_is_the_formula_over_all_places(data):
    model = network("released")
    batch = gaze.collate(data)
    hidden = model.lstm(batch["word_vectors"])[0]
    flags, given = batch["features"][..., 2:], batch["features"][..., :2]
    learned = hidden * flags
    n_fix = torch.relu(torch.cat((given, learned), -1) @ model.combine.weight[0] + model.combine.bias)
    expected = ((learned - flags) ** 2).mean() + ((n_fix - batch["n_fix"]) ** 2).mean()
    assert model(**batch).loss.item() == pytest.approx(expected.item(), rel=1e-6)
    pads = int((~batch["mask"]).sum())
    assert pads > 0 and (n_fix[~batch["mask"]] > 0).all()  # so that the padding does count


def test_a_released_score_is_zero_exactly_where_the_mask_is_and_two_pass_through(data):
    n_fix, scores = gaze.predict(network("released"), data)
    features = np.concatenate([s.features for s in data])
    assert scores.shape == (29, 8) and (n_fix >= 0).all()
    assert (scores[:, :2] == features[:, :2]).all()
    assert ((scores[:, 2:] == 0) == (features[:, 2:] == 0)).all()


def test_the_released_network_does_not_see_what_follows_and_ours_does(data):
    for kind, sees in (("paper", True), ("released", False)):
        model = network(kind)
        batch = gaze.collate(data[:1])
        batch["features"][:] = 1
        before = model(**batch).scores
        batch["word_vectors"][0, 4] += 1
        moved = (model(**batch).scores - before).abs().sum(-1)[0] > 1e-9
        assert moved[4:].all() and moved[:4].all() == sees and moved[:4].any() == sees


def test_the_released_training_pulls_the_scores_to_one(data):
    """Score target equals mask (docs/papers/cogbert.md section 4.3)."""

    def active(epochs):
        model = gaze.fit(
            RELEASED,
            data,
            epochs=epochs,
            batch_size=6,
            lr=1e-2,
            weight_decay=0.0,
            seed=[0],
            network=ReleasedRegressor,
            shuffle=False,
        )
        scores = gaze.predict(model, data)[1][:, 2:]
        return scores[scores != 0].mean()

    assert abs(active(0)) < 0.2 and active(150) > 0.7


def test_the_released_training_never_shuffles(data, monkeypatch):
    seen = []
    monkeypatch.setattr(gaze, "collate", lambda part, real=gaze.collate: seen.append([*part]) or real(part))
    for shuffle in (False, True):
        seen.clear()
        gaze.fit(PAPER, data, epochs=2, batch_size=4, lr=1e-3, weight_decay=0.0, seed=[0], shuffle=shuffle)
        order = [next(i for i, own in enumerate(data) if own is s) for part in seen for s in part]
        assert (order == [*range(6)] * 2) is not shuffle


@pytest.mark.parametrize("sentences", [10, 11, 12, 20])
def test_the_released_split_is_that_of_its_seed(sentences):
    train, test = (part.tolist() for part in released_split(sentences))
    assert sorted(train + test) == list(range(sentences)) and len(train) == int(0.8 * sentences) + 1
    sizes = [len(train), len(test)]
    theirs = torch.utils.data.random_split(range(sentences), sizes, generator=torch.Generator().manual_seed(43))
    assert [sorted(part.indices) for part in theirs] == [train, test]


def test_a_saved_network_of_either_kind_is_read_as_what_it_is(data, tmp_path):
    for kind in ("paper", "released"):
        model = network(kind)
        model.save_pretrained(tmp_path / kind)
        found = read(tmp_path / kind)
        assert type(found) is type(model)
        for ours, theirs in zip(gaze.predict(model, data), gaze.predict(found, data), strict=True):
            assert (ours == theirs).all()


# --- ours ------------------------------------------------------------------------------------------------------------


def test_the_calibrating_line_is_that_of_least_squares_and_never_turns_the_order_round():
    predicted, label = np.array([0.0, 1, 2, 3]), np.array([1.0, 1.5, 2, 2.5])
    assert fixed.line(predicted, label) == pytest.approx((1.0, 0.5))
    noisy = label + np.array([0.3, -0.2, 0.1, 0.4])
    slope, intercept = np.polyfit(predicted, noisy, 1)
    assert fixed.line(predicted, noisy) == pytest.approx((intercept, slope))
    assert fixed.line(predicted, -label) == pytest.approx((-1.75, 0.0))
    assert fixed.line(np.ones(4), label) == pytest.approx((1.75, 0.0))


def test_calibration_acts_on_n_fix_and_on_no_score(data):
    model = network("paper")
    n_fix, scores = gaze.predict(model, data)
    model.config.calibration = [0.25, 0.5]
    calibrated, unchanged = gaze.predict(model, data)
    assert calibrated == pytest.approx(0.25 + 0.5 * n_fix, rel=1e-6)
    assert (unchanged == scores).all()
    model.config.calibration = [-1e3, 1.0]
    assert (gaze.predict(model, data)[0] == 0).all()  # never a negative count


def test_levels_line_and_network_come_from_the_given_sentences_by_whole_groups(data, monkeypatch):
    """What is given to an inner training and what it is then tested on never share a group."""
    corpora, groups = ["a", "a", "b", "b", "b", "a"], ["g1", "g2", "g3", "g3", "g4", "g2"]
    name = {s.word_vectors.tobytes(): group for s, group in zip(data, groups, strict=True)}
    trained, tested = [], []
    real = fixed.fit
    monkeypatch.setattr(fixed, "fit", lambda config, seen, **k: trained.append(seen) or real(config, seen, **k))

    def predict(model, unseen):
        tested.append(unseen)
        return np.ones(sum(len(s.n_fix) for s in unseen)), None

    monkeypatch.setattr(fixed, "predict", predict)
    model, scale = fixed.fit_fixed(
        PAPER, data, corpora, groups, inner_folds=2, seed=[0, 0], epochs=1, batch_size=4, lr=1e-3, weight_decay=0.0
    )
    assert len(trained) == 3 and len(trained[-1]) == 6 and sum(map(len, tested)) == 6
    for seen, unseen in zip(trained, tested, strict=False):
        assert not {name[s.word_vectors.tobytes()] for s in seen} & {name[s.word_vectors.tobytes()] for s in unseen}
    words = {c: np.concatenate([s.n_fix for s, own in zip(data, corpora, strict=True) if own == c]) for c in "ab"}
    assert scale.means == pytest.approx({c: n.mean() for c, n in words.items()})
    level = np.concatenate([s.n_fix for s, own in zip(trained[-1], corpora, strict=True) if own == "b"])
    assert level == pytest.approx(words["b"] * scale.pooled / scale.means["b"], rel=1e-5)
    # a predictor that says 1 everywhere is corrected to the mean of the pool
    assert model.config.calibration == pytest.approx([scale.pooled, 0.0], rel=1e-2)
    assert model.config.levels == {**scale.means, "": scale.pooled}


# --- vectors from a file ---------------------------------------------------------------------------------------------

VECTORS = "wolf 1 2 3\nWolf 4 5 6\nnight 7 8 9\n. . . 1 1 1\nu.s 2 2 2\nwolf 9 9 9\n"


def vectors(tmp_path, text, words, name="glove.txt"):
    content = text.encode() if isinstance(text, str) else text
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return word_vectors.load(manifest.write(tmp_path, [tmp_path / name]), words)


def test_words_are_looked_up_as_they_are_then_stripped_then_in_lower_case():
    assert spellings("``Wolf,''") == ("``Wolf,''", "Wolf", "``wolf,''", "wolf")
    assert spellings("wolf") == ("wolf",)
    assert spellings("...") == ("...",)


@pytest.mark.parametrize("name", ["glove.txt", "glove.txt.gz"])
@pytest.mark.parametrize("header", ["", "6 3\n"])
def test_a_vector_file_gives_rows_and_zeros_and_counts_what_it_lacks(tmp_path, name, header):
    said = [["Wolf,", "NIGHT", "wolf"], ["U.S.", "unheard", "..."]]
    found = vectors(tmp_path, header + VECTORS, [word for words in said for word in words], name)
    assert isinstance(found, FileVectors) and found.size == 3
    first, second = found(said)
    assert first.tolist() == [[4, 5, 6], [7, 8, 9], [1, 2, 3]]  # the first of two lines counts
    assert second.tolist() == [[2, 2, 2], [0, 0, 0], [0, 0, 0]]
    assert (found.unknown, found.looked_up) == (2, 6)
    assert len(found.table) == 4  # what nobody asks for is not kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wolf 1 2 3\nnight 1 2\n", r"glove\.txt, line 2: 2 numbers, 3 in the lines before"),
        ("wolf 1 2 x\n", r"glove\.txt, line 1: not numbers"),
        ("wolf 1 nan 3\n", r"glove\.txt, line 1: the vector of 'wolf' is not finite"),
        ("", "there is not one vector"),
        (b"wolf 1 2 3\nna\xefve 1 2 3\n", r"glove\.txt, line 2: not UTF-8"),
    ],
)
def test_faulty_vector_files_are_refused_with_their_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        vectors(tmp_path, text, ["wolf", "night"])


# --- the stages ------------------------------------------------------------------------------------------------------

SPEC = {"hidden_size": 8, "layers": 2, "epochs": 2, "folds": 3}


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """Two corpora of fabricated gaze, b read three times as thoroughly, sharing one text; two sources of vectors."""
    root = tmp_path_factory.mktemp("pool")
    generator = np.random.default_rng(1)
    features, paths, first = [], {}, None
    for corpus, factor in (("a", 1), ("b", 3)):
        rows = []
        for document in range(6):
            said = [*generator.choice(WORDS, 9)]
            said = first if first and document == 0 else said
            first = first or said
            for index, word in enumerate(said):
                rows.append(
                    {
                        "corpus": corpus,
                        "document": f"p{document}",
                        "sentence": 0,
                        "word_index": index,
                        "word": word,
                        "n_fix": factor * (0.5 + generator.random()),
                        "n_participants": 2,
                    }
                )
                values = dict(zip(FEATURES, generator.random(8).astype(np.float32), strict=True))
                features.append({"text_key": text_key(" ".join(said)), "word_index": index, "word": word, **values})
        pd.DataFrame(rows).to_parquet(root / f"{corpus}.parquet")
        paths[corpus] = manifest.write(root / corpus, [root / f"{corpus}.parquet"])
    table = pd.DataFrame(features).drop_duplicates(["text_key", "word_index"]).sort_values(["text_key", "word_index"])
    table.to_parquet(root / "features.parquet", index=False)
    paths["features"] = manifest.write(root / "features", [root / "features.parquet"])
    config = transformers.BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
    )
    transformers.BertModel(config).save_pretrained(root / "encoder")
    tokenizer().save_pretrained(root / "encoder")
    paths["encoder"] = manifest.write(root / "encoder", sorted((root / "encoder").iterdir()))
    (root / "glove").mkdir()
    lines = [f"{word} " + " ".join(f"{x:.3f}" for x in generator.normal(size=5)) for word in WORDS[:80]]
    (root / "glove/glove.txt").write_text("\n".join(lines) + "\n")
    paths["glove"] = manifest.write(root / "glove", [root / "glove/glove.txt"])
    return paths


def train(pool, out, variant="paper", corpora="ab", embeddings="encoder", exclude=(), **changes):
    inputs = {"words": [pool[c] for c in corpora], "features": [pool["features"]], "embeddings": [pool[embeddings]]}
    inputs |= {"exclude": [pool[c] for c in exclude]} if exclude else {}
    execute(
        "train_regressor",
        train_regressor.RegressorSpec.parse({**SPEC, "variant": variant, **changes}),
        train_regressor.run,
        out=out,
        inputs=inputs,
        state=out.parent / ".state",
    )
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    logged = {name: value for event in events for name, value in event.get("metrics", {}).items()}
    return json.loads((out / "metrics.json").read_text()), logged, pd.read_parquet(out / "predictions.parquet")


@pytest.mark.parametrize("variant", ["paper", "released", "fixed"])
@pytest.mark.parametrize("embeddings", ["encoder", "glove"])
def test_every_variant_is_trained_tested_and_scores_words_for_stage_two(pool, tmp_path, variant, embeddings):
    metrics, logged, table = train(pool, tmp_path / "model", variant, embeddings=embeddings)
    assert len(table) == 108 and np.isfinite(table["prediction"]).all()
    assert {"oof/mae", "oof/r2"} <= set(metrics)
    assert ("released_split/mae" in metrics) == (variant == "released")
    assert logged["duplicates/a/b"] == 1 and "duplicates/a/a" not in logged
    assert ("word_vectors/unknown_share" in logged) == (embeddings == "glove")
    if embeddings == "glove":
        assert logged["word_vectors/unknown_share"] == pytest.approx((~table["word"].isin(WORDS[:80])).mean())
    inputs = {
        "features": [pool["features"]],
        "regressor": [tmp_path / "model/manifest.json"],
        "embeddings": [pool[embeddings]],
    }
    execute(
        "score",
        score.ScoreSpec(),
        score.run,
        out=tmp_path / "scored",
        inputs=inputs,
        state=tmp_path / ".state",
        outputs={"annotations": tmp_path / "scored.parquet"},
    )
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    wanted = [f"score_{name}" for name in FEATURES] + ["n_fix_predicted"]
    assert list(scored.columns[-9:]) == wanted and np.isfinite(scored[wanted]).all(axis=None)
    if variant == "released":  # word length and position pass through
        assert (scored["score_word_length"] == scored["word_length"]).all()
    other = {**inputs, "embeddings": [pool["glove" if embeddings == "encoder" else "encoder"]]}
    with pytest.raises(UserError, match="another encoder's word vectors"):
        execute(
            "score",
            score.ScoreSpec(),
            score.run,
            out=tmp_path / "s",
            inputs=other,
            state=tmp_path / ".state",
            outputs={"annotations": tmp_path / "s.parquet"},
        )


def test_scaling_gives_each_corpus_predictions_at_its_own_level(pool, tmp_path):
    """b's n_fix is three times a's: one network for both levels is wrong about both, unless they are brought to one."""
    _, _, table = train(pool, tmp_path / "fixed", "fixed")
    means = table.groupby("corpus")[["label", "prediction"]].mean()
    assert means["prediction"].to_numpy() == pytest.approx(means["label"].to_numpy(), rel=0.15)
    _, _, table = train(pool, tmp_path / "paper", "paper")
    plain = table.groupby("corpus")["prediction"].mean()
    assert plain["b"] / plain["a"] < 2


def test_excluded_texts_are_in_no_training_and_are_counted(pool, tmp_path):
    metrics, logged, table = train(pool, tmp_path / "one", corpora="b", exclude="a")
    assert logged["excluded/sentences"] == 1 and metrics["oof/words"] == 45
    assert set(table["document"]) == {f"p{n}" for n in range(1, 6)}
    with pytest.raises(UserError, match="every sentence is excluded"):
        train(pool, tmp_path / "none", corpora="a", exclude="ab")


def test_a_released_network_too_small_for_its_projection_is_refused():
    with pytest.raises(UserError, match="hidden_size must be above 6 for variant released"):
        train_regressor.RegressorSpec.parse({"variant": "released", "hidden_size": 6})
