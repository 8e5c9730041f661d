"""The gaze predictor: what reaches its loss, what a prediction depends on, its bounds, boosting, mixing, spread."""

import numpy as np
import pytest
import torch
import transformers
from sklearn.ensemble import HistGradientBoostingRegressor

from scriptorium.gaze.predictor import boosting
from scriptorium.gaze.predictor.crossfit import best_weights, cross_fit
from scriptorium.gaze.predictor.ensemble import Ensemble, Spread, mix
from scriptorium.gaze.predictor.model import GazePredictor, Window, collate, pool
from scriptorium.gaze.predictor.training import SentenceTokenizer, batches, fit, predict
from scriptorium.gaze.spec import PredictorSettings
from scriptorium.linguistics.surface import BASE, SURFACE, surface
from tests.tiny import SPECIAL, WORDS, tokenizer

MEASURES, UPPER = ["n_fix", "trt", "fix_prop"], [None, None, 1.0]
FIT = {
    "measures": MEASURES,
    "upper": UPPER,
    "pad_id": 0,
    "head_size": 8,
    "dropout": 0.1,
    "epochs": 2,
    "batch_size": 2,
    "lr": 1e-3,
    "head_lr": 1e-2,
    "weight_decay": 0.0,
    "warmup": 0.1,
    "precision": "fp32",
    "seed": [0, 0],
}
SENTENCES = [
    ["word1", "word22", "word3."],
    ["word4"],
    ["word5,", "word66", "word7", "word8", "word99"],
    ["word10", "word11"],
]


def encoder(positions=512):
    torch.manual_seed(1)
    return transformers.BertModel(
        transformers.BertConfig(
            vocab_size=len(SPECIAL) + len(WORDS),
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            max_position_embeddings=positions,
        )
    )


def labels(sentences=SENTENCES, seed=0):
    generator = np.random.default_rng(seed)
    scale = np.array([2.0, 300.0, 1.0])
    return [generator.random((len(words), 3)) * scale for words in sentences]


@pytest.fixture
def windows():
    return [windows[0] for windows in SentenceTokenizer(tokenizer(), 512)(SENTENCES, labels())]


@pytest.fixture
def model(windows):
    torch.manual_seed(2)
    made = GazePredictor.around(encoder(), measures=MEASURES, upper=UPPER, surface=list(SURFACE), head_size=8)
    made.standardise(np.concatenate([r.features for r in windows]), np.concatenate([r.values for r in windows]))
    return made.eval()


# --- the model -------------------------------------------------------------------------------------------------------


def test_a_words_state_is_the_mean_of_its_pieces_and_no_others():
    states = torch.arange(10.0).reshape(1, 5, 2)
    word_of = torch.tensor([[-1, 0, 0, 1, -1]])
    assert pool(states, word_of, 3).tolist() == [[[3.0, 4.0], [6.0, 7.0], [0.0, 0.0]]]


def test_the_loss_is_the_mean_absolute_error_in_standard_units(model, windows):
    batch = collate(windows[:1], 0)
    found = model(**batch)
    observed = windows[0].values
    # nothing lies outside the bounds here, so the loss can be recomputed from the predictions
    assert (found.predictions > 0).all() and (found.predictions[..., 2] < 1).all()
    error = np.abs(found.predictions[0].detach().numpy() - observed) / model.measure_scale.numpy()
    assert found.loss.item() == pytest.approx(error.mean(axis=0).mean(), rel=1e-5)


def test_loss_ignores_padding_and_missing_measures(model, windows):
    short, long = windows[1], windows[2]
    alone = model(**collate([long], 0)).loss
    unknown = Window(short.pieces, short.word_of, short.features, np.full_like(short.values, np.nan))
    assert model(**collate([long, unknown], 0)).loss.item() == pytest.approx(alone.item(), rel=1e-5)
    # one unknown value more leaves the other measures' share as it is, and no gradient is NaN
    values = long.values.copy()
    values[:, 1] = np.nan
    loss = model(**collate([Window(long.pieces, long.word_of, long.features, values)], 0)).loss
    loss.backward()
    assert torch.isfinite(loss) and all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())
    assert model.head[-1].weight.grad[1].abs().sum() == 0  # nothing was known of the second measure
    assert model.head[-1].weight.grad[0].abs().sum() > 0


def test_a_words_prediction_does_not_depend_on_other_texts_in_the_batch(model, windows):
    together = predict(model, [[r] for r in windows], 0)
    alone = np.concatenate([predict(model, [[r]], 0) for r in windows])
    assert together == pytest.approx(alone, abs=1e-4)
    assert len(np.unique(together[:, 0])) > 3


def test_predictions_stay_within_their_bounds(model, windows):
    with torch.no_grad():
        for bias, expected in ((-1e3, [0.0, 0.0, 0.0]), (1e3, [None, None, 1.0])):
            model.head[-1].bias.fill_(bias)
            found = predict(model, [[r] for r in windows], 0)
            for column, value in enumerate(expected):
                assert value is None or (found[:, column] == value).all()
    assert (found[:, 1] > 1e4).all()


def test_a_saved_predictor_is_read_by_automodel_and_predicts_the_same(model, windows, tmp_path):
    model.save_pretrained(tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".safetensors"}
    loaded = transformers.AutoModel.from_pretrained(tmp_path, local_files_only=True)
    assert isinstance(loaded, GazePredictor)
    nested = [[r] for r in windows]
    assert (predict(loaded, nested, 0) == predict(model, nested, 0)).all()


# --- windows and training -------------------------------------------------------------------------------------------


def test_long_sentences_are_read_in_windows_that_lose_no_word():
    tokenise = SentenceTokenizer(
        tokenizer(), 6
    )  # room for four pieces beside [CLS] and [SEP] where a tokenizer adds them
    words = [f"word{i}" for i in range(23)]
    (windows,) = tokenise([words])
    assert len(windows) > 1 and tokenise.windowed == 1 and tokenise.cut == 0
    assert all(len(window.pieces) <= 6 for window in windows)
    assert np.concatenate([w.features for w in windows]) == pytest.approx(surface([words])[0])
    spoken = np.concatenate([w.pieces[w.word_of >= 0] for w in windows])
    assert spoken.tolist() == tokenizer()(" ".join(words), add_special_tokens=False)["input_ids"]


def test_a_word_longer_than_the_encoder_is_cut_and_counted():
    tokenise = SentenceTokenizer(tokenizer(), 6)
    (windows,) = tokenise([["word1", "-" * 40, "word2"]])
    assert tokenise.cut == 1 and sum(len(w.features) for w in windows) == 3
    assert "1 words have more pieces than the encoder takes; their ends were not read" in tokenise.notes()
    assert all(len(window.pieces) <= 6 for window in windows)


@pytest.mark.parametrize("word", ["\u200b", "\ufeff", "\u00ad"])
def test_a_word_that_the_tokenizer_erases_is_an_unknown_word_and_counted(word):
    wordpiece = tokenizer()
    from tokenizers import normalizers

    wordpiece.backend_tokenizer.normalizer = normalizers.Replace(word, "")
    tokenise = SentenceTokenizer(wordpiece, 512)
    ((window,),) = tokenise([["word1", word, "word2"]])
    assert tokenise.erased == 1
    assert window.pieces[window.word_of == 1].tolist() == [wordpiece.unk_token_id]


def test_every_reading_is_in_exactly_one_batch_with_others_of_its_length():
    lengths = np.random.default_rng(0).integers(1, 60, 203).tolist()
    found = batches(lengths, 8, [0, 1])
    assert sorted(np.concatenate(found).tolist()) == list(range(203))
    assert max(map(len, found)) == 8
    spread = np.mean([np.ptp([lengths[i] for i in batch]) for batch in found])
    assert spread < 15  # random batches of eight would spread over 46
    assert [b.tolist() for b in found] == [b.tolist() for b in batches(lengths, 8, [0, 1])]
    assert [b.tolist() for b in found] != [b.tolist() for b in batches(lengths, 8, [0, 2])]


def test_training_is_a_function_of_the_seed_and_leaves_the_embedding_table_alone(windows):
    first, again, other = (fit(encoder(), windows, **{**FIT, "seed": seed}) for seed in ([0, 0], [0, 0], [1, 0]))
    for (name, a), b, c in zip(first.named_parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b), name
        assert not name.startswith("head") or name.endswith("bias") or not torch.equal(a, c)
    table = encoder().get_input_embeddings().weight
    assert torch.equal(first.encoder.get_input_embeddings().weight, table)
    assert not torch.equal(
        first.encoder.encoder.layer[0].output.dense.weight, encoder().encoder.layer[0].output.dense.weight
    )


def test_training_learns_what_there_is_to_learn(windows):
    """Labels that word length decides, on a tiny encoder: most of the error goes."""
    sentences = [[f"word{i}" + "-" * (i % 7) for i in range(start, start + 6)] for start in range(0, 90, 3)]
    values = [np.array([[len(w), 30.0 * len(w), len(w) / 20] for w in words]) for words in sentences]
    learned = [windows[0] for windows in SentenceTokenizer(tokenizer(), 512)(sentences, values)]
    model = fit(encoder(), learned, **{**FIT, "epochs": 20, "batch_size": 4})
    error = np.abs(predict(model, [[r] for r in learned], 0) - np.concatenate(values)).mean(axis=0)
    blind = np.abs(np.concatenate(values) - np.median(np.concatenate(values), axis=0)).mean(axis=0)
    assert (error < 0.3 * blind).all()


# --- boosting, mixing, spread ----------------------------------------------------------------------------------------


def test_kept_trees_predict_exactly_what_scikit_learn_does(tmp_path):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(400, 5)).astype(np.float32)
    values = np.stack([features[:, 0] + generator.normal(size=400), np.abs(features[:, 1])], axis=1)
    values[::3, 1] = np.nan
    ours = boosting.fit(features, values, iterations=20, learning_rate=0.1, min_samples_leaf=20, seed=0)
    ours.save(tmp_path / "boosting.safetensors")
    ours = boosting.Boosting.load(tmp_path / "boosting.safetensors")
    new = generator.normal(size=(100, 5)).astype(np.float32)
    for column in (0, 1):
        known = np.isfinite(values[:, column])
        theirs = HistGradientBoostingRegressor(loss="absolute_error", max_iter=20, early_stopping=False, random_state=0)
        theirs.fit(features[known], values[known, column])
        assert (ours.predict(new)[:, column] == theirs.predict(new)).all()


def test_weights_follow_the_better_model_of_each_measure():
    generator = np.random.default_rng(0)
    observed = generator.random((500, 2)) + 1
    noise = generator.normal(size=(500, 2)) * 0.1
    good_then_bad = observed + noise * [0.01, 10]
    bad_then_good = observed + noise[::-1] * [10, 0.01]
    assert best_weights(good_then_bad, bad_then_good, observed, [None, None]).tolist() == [1.0, 0.0]
    # errors that cancel: the middle is exact
    assert best_weights(observed + 0.2, observed - 0.2, observed, [None, None]).tolist() == [0.5, 0.5]
    assert mix(np.array([[3.0]]), np.array([[-9.0]]), np.array([0.5]), [1.0]).tolist() == [[0.0]]


def test_the_interval_holds_four_fifths_where_it_was_taken_and_widens_with_the_noise():
    generator = np.random.default_rng(0)
    predicted = generator.random((5000, 1)) * 10
    observed = predicted + generator.normal(size=(5000, 1)) * (0.1 + predicted / 10)
    observed[::7] = np.nan
    spread = Spread.of(predicted, observed)
    low, high = spread.interval(predicted)
    known = np.isfinite(observed)
    assert ((low <= observed) & (observed <= high))[known].mean() == pytest.approx(0.8, abs=0.01)
    width = (high - low)[:, 0]
    assert width[predicted[:, 0] > 9].mean() > 4 * width[predicted[:, 0] < 1].mean()


def test_out_of_fold_predictions_never_saw_their_fold(tmp_path):
    """Changed labels of one fold change other folds' predictions, and not its own."""
    encoder().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    settings = PredictorSettings(
        measures=tuple(MEASURES),
        encoder={"epochs": 1, "head_size": 4},
        boosting={"iterations": 3, "min_samples_leaf": 2},
    )
    generator = np.random.default_rng(3)
    sentences = [list(generator.choice(WORDS, 5)) for _ in range(12)]
    fold = np.arange(12) % 3
    values = labels(sentences)
    _, before = cross_fit(sentences, values, fold, tmp_path, settings, UPPER)
    values = [v * (0.5 if f == 1 else 1.0) for v, f in zip(values, fold, strict=True)]
    ensemble, after = cross_fit(sentences, values, fold, tmp_path, settings, UPPER)
    mine = np.repeat(fold == 1, 5)
    for name in ("encoder", "boosting"):
        a, b = getattr(before, name), getattr(after, name)
        assert (a == b)[mine].all() and (a != b)[~mine].mean() > 0.5, name

    ensemble.save(tmp_path / "saved")
    again = Ensemble.load(tmp_path / "saved")
    assert len(again.members) == 3
    first, second = ensemble.predict(sentences), again.predict(sentences)
    assert (first.values == second.values).all() and (first.low == second.low).all()
    assert (first.low <= first.high).all() and (first.disagreement > 0).any()
    assert (first.values >= 0).all() and (first.values[:, 2] <= 1).all() and (first.high[:, 2] <= 1).all()


# --- surface features ------------------------------------------------------------------------------------------------


def column(sentence, name):
    return surface([sentence])[0][:, SURFACE.index(name)].tolist()


def test_surface_features_are_what_one_counts_by_hand():
    words = ["The", "re-elected", "NASA", "chief,", "the", "7th."]
    assert column(words, "length") == [3, 10, 4, 6, 3, 4]
    assert column(words, "letters") == [3, 9, 4, 5, 3, 3]
    assert column(words, "upper") == [0, 0, 1, 0, 0, 0]
    assert column(words, "capital") == [1, 0, 1, 0, 0, 0]
    assert column(words, "digit") == [0, 0, 0, 0, 0, 1]
    assert column(words, "punctuation_after") == [0, 0, 0, 1, 0, 1]
    assert column(words, "punctuation_before") == [0, 0, 0, 0, 1, 0]
    assert column(words, "punctuation_inside") == [0, 1, 0, 0, 0, 0]
    assert column(words, "length_before") == [0, 3, 10, 4, 6, 3]
    assert column(words, "length_after_2") == [4, 6, 3, 4, 0, 0]
    assert column(words, "characters_before") == [0, 4, 15, 20, 27, 31]
    assert column(words, "remaining") == [5, 4, 3, 2, 1, 0]
    assert column(words, "repeated") == [0, 0, 0, 0, 1, 0]
    zipf = column(words, "zipf")
    assert zipf[0] == zipf[4] > 7 > zipf[3] > 3  # "the" is the commonest word, whatever its case
    assert len(BASE) == 16 and len(set(SURFACE)) == len(SURFACE)


@pytest.mark.parametrize("word", ["\u200b", "...", "é", "e\u0301", "日本語", "👩‍👩‍👧", "\ufffd", "a" * 3000, "-", "İ"])
def test_surface_features_of_odd_words_are_finite(word):
    found = surface([[word], ["a", word]])
    assert [len(f) for f in found] == [1, 2]
    assert all(np.isfinite(f).all() for f in found)


def test_a_sentences_features_do_not_depend_on_other_sentences():
    alone = [surface([words])[0] for words in SENTENCES]
    assert all((a == b).all() for a, b in zip(alone, surface(SENTENCES), strict=True))
