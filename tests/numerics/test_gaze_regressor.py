"""The gaze regressor: what reaches its loss and its scores, training from a seed alone, word vectors of every word."""

import numpy as np
import pytest
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.gaze.regressor import network
from scriptorium.gaze.regressor.word_vectors import WordVectors, embedding_table
from tests.tiny import tokenizer

D = 12
CONFIG = network.GazeRegressorConfig(word_vector_size=D, hidden_size=6, num_layers=4)


def sentence(generator, length):
    features = generator.random((length, 8)) * (generator.random((length, 8)) < 0.6)
    return network.Sentence(
        generator.normal(size=(length, D)).astype(np.float32),
        features.astype(np.float32),
        generator.poisson(1.2, length).astype(np.float32),
    )


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    return [sentence(generator, length) for length in (7, 3, 1, 5, 9)]


@pytest.fixture
def model():
    torch.manual_seed(3)
    return network.GazeRegressor(CONFIG).eval()


# --- the model -------------------------------------------------------------------------------------------------------


def test_layers_equal_the_packed_bidirectional_lstm_of_pytorch(data):
    """Same weights, same outputs on every word, whatever the padding."""
    torch.manual_seed(0)
    theirs = torch.nn.LSTM(D, 6, 3, batch_first=True, bidirectional=True)
    ours = network.BiLSTM(D, 6, 3, dropout=0.0)
    for layer in range(3):
        for side, suffix in ((ours.rightward, ""), (ours.leftward, "_reverse")):
            for name, parameter in side[layer].named_parameters():
                parameter.data = getattr(theirs, name.replace("l0", f"l{layer}") + suffix).data
    batch = network.collate(data)
    mask = batch["mask"]
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        batch["word_vectors"], mask.sum(1), batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    assert torch.allclose(ours(batch["word_vectors"], mask)[mask], expected[mask], atol=1e-6)


def test_loss_ignores_padding(data, model):
    batch = network.collate(data)
    found = model(**batch)
    wider = {name: torch.nn.functional.pad(value, (0, 0) * (value.dim() - 2) + (0, 4)) for name, value in batch.items()}
    wider["mask"] = wider["mask"].bool()
    empty = ~wider["mask"]
    for name in ("word_vectors", "features", "n_fix"):
        wider[name][empty] = 1e6
    output = model(**wider)
    assert output.loss.item() == pytest.approx(found.loss.item(), rel=1e-6)
    assert (output.n_fix[empty] == 0).all() and (output.scores[empty] == 0).all()
    assert torch.allclose(output.n_fix[:, : batch["mask"].shape[1]], found.n_fix, atol=1e-6)


def test_loss_is_the_mean_over_words_not_over_sentences(data, model):
    errors = [(model(**network.collate([one])).n_fix[0].detach().numpy() - one.n_fix) ** 2 for one in data]
    assert model(**network.collate(data)).loss.item() == pytest.approx(np.concatenate(errors).mean(), rel=1e-5)


def test_loss_does_not_depend_on_the_order_of_the_batch(data, model):
    turned = model(**network.collate(data[::-1]))
    found = model(**network.collate(data))
    assert turned.loss.item() == pytest.approx(found.loss.item(), rel=1e-6)
    assert torch.allclose(turned.scores.flip(0), found.scores, atol=1e-6)


def test_a_score_is_zero_exactly_where_the_word_lacks_the_feature(data, model):
    scores = network.predict(model, data)[1]
    assert scores.shape == (25, 8)
    assert ((scores == 0) == (np.concatenate([s.features for s in data]) == 0)).all()


def test_a_word_sees_both_its_neighbours(data, model):
    """Both directions work: changing one word changes the scores before and after it, and of no other sentence."""
    batch = network.collate(data)
    batch["features"][:] = 1
    before = model(**batch).scores
    batch["word_vectors"][0, 3] += 1
    moved = (model(**batch).scores - before).abs().sum(-1) > 1e-9
    assert moved[0, :7].all() and not moved[1:].any()


def test_every_word_is_open_to_training_at_the_start(data):
    for seed in range(20):
        torch.manual_seed(seed)
        assert (network.predict(network.GazeRegressor(CONFIG), data)[0] > 0).all()


def test_gradient_reaches_every_parameter(data, model):
    model.train()
    model(**network.collate(data)).loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_a_saved_regressor_is_the_same_and_holds_no_pickle(data, model, tmp_path):
    model.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    for loaded in (network.GazeRegressor.from_pretrained(tmp_path), transformers.AutoModel.from_pretrained(tmp_path)):
        assert isinstance(loaded, network.GazeRegressor)
        for ours, theirs in zip(network.predict(model, data), network.predict(loaded, data), strict=True):
            assert (ours == theirs).all()


# --- training --------------------------------------------------------------------------------------------------------


def fit(data, seed=(0, 1), epochs=3):
    return network.fit(CONFIG, data, epochs=epochs, batch_size=2, lr=1e-2, weight_decay=0.01, seed=seed)


def test_training_is_a_function_of_seed_and_data_alone(data):
    first = fit(data)
    torch.manual_seed(99)
    np.random.seed(99)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        second = fit(data)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    for (name, one), other in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other), name
    start, other_start = (fit(data, seed=seed, epochs=0).project.weight for seed in ((0, 1), (1, 1)))
    assert not torch.equal(start, other_start)


def test_training_leaves_the_random_state_of_others_alone(data):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fit(data)
    assert torch.equal(torch.rand(1), expected)


def test_training_lowers_the_loss_and_begins_at_the_mean(data):
    losses = []
    network.fit(
        CONFIG,
        data,
        epochs=25,
        batch_size=2,
        lr=2e-2,
        weight_decay=0.0,
        seed=[0],
        after_epoch=lambda epoch, loss, model: losses.append(loss),
    )
    assert losses[-1] < 0.5 * losses[0]
    labels = np.concatenate([s.n_fix for s in data])
    start = network.fit(CONFIG, data, epochs=0, batch_size=2, lr=1e-2, weight_decay=0.0, seed=[0])
    assert start.combine.bias.item() == pytest.approx(labels.mean(), rel=1e-6)


def test_predictions_do_not_depend_on_the_batch_size(data, model):
    one, many = network.predict(model, data, batch_size=1), network.predict(model, data, batch_size=64)
    for single, batched in zip(one, many, strict=True):
        assert np.allclose(single, batched, atol=1e-6)


# --- word vectors ----------------------------------------------------------------------------------------------------


def test_a_word_vector_is_the_mean_over_its_pieces_and_never_zero():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {"[UNK]": 0, "wolf": 1, "##s": 2, "how": 3, "##l": 4, ",": 5}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.normalizer, core.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    table = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    vectors = WordVectors(transformers.PreTrainedTokenizerFast(tokenizer_object=core, unk_token="[UNK]"), table)
    first, second = vectors([["Wolfs,", "howl", "\u200b"], ["é"]])
    assert first == pytest.approx(np.stack([table[[1, 2, 5]].mean(0), table[[3, 4]].mean(0), table[0]]), rel=1e-6)
    assert second == pytest.approx(table[[0]])
    assert vectors.erased == 1
    assert vectors([]) == []


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "MPNet"])
@pytest.mark.parametrize("head", ["Model", "ForMaskedLM"])
def test_the_token_embedding_is_found_in_checkpoints_of_several_shapes(kind, head, tmp_path):
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=31, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    model = getattr(transformers, f"{kind}{head}")(config)
    model.save_pretrained(tmp_path)
    assert (embedding_table(tmp_path) == model.get_input_embeddings().weight.detach().numpy()).all()


def test_a_pickle_instead_of_safetensors_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UserError, match=r"no safetensors weights, only pytorch_model\.bin"):
        embedding_table(tmp_path)


def test_tokenizer_and_table_of_different_models_are_refused():
    with pytest.raises(UserError, match="the embedding table has 7 rows"):
        WordVectors(tokenizer(), np.zeros((7, 4), np.float32))
