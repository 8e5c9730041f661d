"""A sentence's score is what the pre-trained model itself gives, token by token: our batches on transformers' classes
beside a naive loop over the model as it was trained."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from scriptorium import manifest
from scriptorium.errors import Interrupted
from scriptorium.minimal_pairs import pseudo, scoring
from scriptorium.minimal_pairs.scoring import right, unigram
from scriptorium.minimal_pairs.sentences import encode
from scriptorium.minimal_pairs.spec import ScorePairsSpec
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import OBJECTIVES, ObjectiveSpec
from scriptorium.stage import execute
from scriptorium.stages import score_pairs
from tests import tiny

SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=32, max_positions=32, dropout=0.0)
STEMS = ["un", "read", "book", "a", "the", "old", "monk", "copy"]
SPECIAL = ["[PAD]", "[unused]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # MPNet reads id 1 as padding, so it is unused
TEXTS = ["the old monk", "unreadable books", "a monk copying the unbookable", "old", "the bookable old the"]
CLS, SEP, MASK = 3, 4, 5


def word_pieces() -> PreTrainedTokenizerFast:
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *STEMS, "##able", "##s", "##read", "##ing", "##book"])}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return PreTrainedTokenizerFast(tokenizer_object=core, **names)


TOKENIZER = tiny.generative(word_pieces())

FIRST = TOKENIZER.convert_tokens_to_ids("<extra_id_0>")
FRAMES = {  # sources, and what stands before a sentence in the target
    "infilled": ([CLS, MASK, SEP], [SEP, CLS]),
    "sentinel": ([FIRST, SEP], [0, FIRST]),
    "prefix": ([SEP], [0]),
}


def trained(name: str):
    """A model as it is trained, its weights large enough that context matters."""
    torch.manual_seed(0)
    model = build(SHAPE, ObjectiveSpec.parse({"name": name}), TOKENIZER).model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6 if parameter.dim() > 1 else 1)
    return model


def hidden_places(words: list[int], place: int) -> list[int]:
    """The piece and those of its word to its right, as places between [CLS] and [SEP]."""
    return [other for other in range(place, len(words)) if words[other] == words[place]]


def naive(name: str, model, ids: list[int], hidden: list[int], words: list[int]) -> float:
    """Log probability of ids[hidden[0]] by the model that was trained, one example at a time. words: of each piece."""
    if name == "elmo":
        return from_both_sides(model, ids, hidden[0])
    if name == "glm":
        return in_a_blank(model, ids, words, hidden[0])
    if name == "mass":
        return in_its_half(model, ids, hidden[0])
    if OBJECTIVES[name].likelihood == "left_to_right":
        return float(model.predict(torch.tensor([[CLS, *ids[: hidden[0]]]]))[0, -1].log_softmax(-1)[ids[hidden[0]]])
    if OBJECTIVES[name].likelihood in FRAMES:
        source, first = FRAMES[OBJECTIVES[name].likelihood]
        target = torch.tensor([[*first, *ids[: hidden[0]]]])
        given = torch.tensor([source])
        logits = model.predict(given, target, torch.zeros_like(given), torch.zeros_like(target))
        return float(logits[0, -1].log_softmax(-1)[ids[hidden[0]]])
    true = torch.tensor([[CLS, *ids, SEP]])
    places = torch.tensor([hidden]) + 1
    masked = true.clone().scatter(1, places, MASK)
    if name == "xlnet":
        order = torch.full_like(true, -1)
        order[:, 0], order[:, -1] = 0, 1
        order[0, places[0]] = torch.arange(len(hidden)) + 2
        logits = model.predict(true, order, places)
    elif name in ("mpnet", "plm", "mlm-permuted"):
        logits = model.predict(masked, places, true.gather(1, places))
    elif name == "bert-nsp":
        logits, _ = model.predict(masked, places, torch.zeros_like(true), torch.ones_like(true))
    else:
        logits = model.predict(masked, places)
    return float(logits[0, 0].log_softmax(-1)[ids[hidden[0]]])


def from_both_sides(model, ids: list[int], place: int) -> float:
    """ELMo: behind what stands to the left, and before what stands to the right; in its own place any token."""
    whole = [CLS, *ids, SEP]
    behind = model.predict(torch.tensor([[*whole[: place + 1], MASK]]))[0, 0, -1]
    before = model.predict(torch.tensor([[MASK, *whole[place + 2 :]]]))[0, 1, 0]
    return float(sum(each.log_softmax(-1)[ids[place]] for each in (behind, before)))


def in_a_blank(model, ids: list[int], words: list[int], place: int) -> float:
    """GLM: the word is a blank, of which the pieces to the left are written."""
    begin, end = words.index(words[place]), len(words) - words[::-1].index(words[place])
    read, written = [CLS, *ids[:begin], MASK, *ids[end:], SEP], [CLS, *ids[begin:place]]
    row = torch.tensor([read + written])
    positions = torch.tensor([[*range(len(read)), *[begin + 1] * len(written)]])
    inside = torch.tensor([[0] * len(read) + [1 + number for number in range(len(written))]])
    logits = model.predict(row, torch.zeros_like(row), positions, inside, torch.tensor([[row.shape[1] - 1]]))
    return float(logits[0, 0].log_softmax(-1)[ids[place]])


def in_its_half(model, ids: list[int], place: int) -> float:
    """MASS: the half that the piece belongs to is the fragment; [SEP] belongs to the second."""
    half = (len(ids) + 1) // 2
    begin, end = (0, half) if place < half else (half, len(ids) + 1)
    whole = [CLS, *ids, SEP]
    source = torch.tensor([[MASK if begin < number <= end else token for number, token in enumerate(whole)]])
    target = torch.tensor([whole[begin : place + 1]])
    places = torch.arange(begin, place + 1)[None]
    logits = model.predict(source, target, torch.zeros_like(source), torch.zeros_like(target), places)
    return float(logits[0, -1].log_softmax(-1)[ids[place]])


def score(name: str, model, texts: list[str], tokens: int) -> np.ndarray:
    likelihood = importlib.import_module(f"scriptorium.minimal_pairs.likelihoods.{OBJECTIVES[name].likelihood}")
    plain = model.plain().eval()
    return likelihood.scores(plain, TOKENIZER, encode(TOKENIZER, texts, plain.config), tokens)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_score_is_the_sum_of_a_naive_loop_over_the_trained_model(name):
    model = trained(name)
    expected = []
    with torch.inference_mode():
        for text in TEXTS:
            encoding = TOKENIZER(text, add_special_tokens=False).encodings[0]
            places = range(len(encoding.ids))
            hidden = [hidden_places(encoding.word_ids, place) for place in places]
            expected.append(sum(naive(name, model, encoding.ids, own, encoding.word_ids) for own in hidden))
    found = score(name, model, TEXTS, tokens=64)
    assert np.allclose(found, expected, atol=1e-4)
    assert np.ptp(expected) > 1, "the model tells the sentences apart"
    assert np.allclose(found, score(name, model, TEXTS, tokens=7), atol=1e-4), "batches of any size"


def test_what_is_saved_is_read_by_the_class_that_scores_it(tmp_path):
    for name, spec in OBJECTIVES.items():
        likelihood = importlib.import_module(f"scriptorium.minimal_pairs.likelihoods.{spec.likelihood}")
        model = trained(name)
        model.plain().save_pretrained(tmp_path / name)
        read = likelihood.MODEL.from_pretrained(tmp_path / name).eval()
        sentences = encode(TOKENIZER, TEXTS, read.config)
        assert np.allclose(likelihood.scores(read, TOKENIZER, sentences, 64), score(name, model, TEXTS, 64), atol=1e-5)


def test_within_a_word_what_stands_to_the_right_is_hidden_too():
    """un ##read ##able | book ##s: while ##read is asked for, ##able is hidden, un and the next word are not."""
    encoding = TOKENIZER("unreadable books", add_special_tokens=False).encodings[0]
    assert encoding.tokens == ["un", "##read", "##able", "book", "##s"]
    bert = trained("bert")
    ((owners, batch),) = pseudo.batches(encode(TOKENIZER, ["unreadable books"], bert.config), TOKENIZER, 512)
    assert owners.tolist() == [0] * 5
    assert (batch.target - 1).tolist() == [0, 1, 2, 3, 4]
    assert batch.hidden.int().tolist() == [
        [0, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0],
        [0, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 0],
        [0, 0, 0, 0, 0, 1, 0],
    ]


def test_the_correction_takes_away_what_a_piece_gives_away():
    """A model that has learned un ##read ##able sees un from ##read ##able; with the word hidden it does not."""
    model = trained("bert")
    words = [0, 0, 0]
    ids = TOKENIZER("unreadable", add_special_tokens=False).input_ids
    with torch.inference_mode():
        corrected = naive("bert", model, ids, hidden_places(words, 0), words)
        plain = naive("bert", model, ids, [0], words)
    assert abs(corrected - plain) > 1e-3


def test_a_causal_model_is_scored_by_its_own_loss():
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(TOKENIZER), n_embd=16, n_layer=2, n_head=2, n_positions=32))
    model.eval()
    from scriptorium.minimal_pairs.likelihoods import left_to_right

    expected = []
    for text in TEXTS:
        ids = torch.tensor([[CLS, *TOKENIZER(text, add_special_tokens=False).input_ids]])
        expected.append(-model(ids, labels=ids).loss.item() * (ids.shape[1] - 1))
    found = left_to_right.scores(model, TOKENIZER, encode(TOKENIZER, TEXTS, model.config), 16)
    assert np.allclose(found, expected, atol=1e-4)


def test_random_weights_and_frequencies_know_no_order():
    generator = np.random.default_rng(0)
    tokenizer = tiny.tokenizer()
    good = [" ".join(generator.choice(tiny.WORDS, 6, replace=False)) for _ in range(400)]
    bad = [" ".join([words[0], words[2], words[1], *words[3:]]) for words in map(str.split, good)]
    torch.manual_seed(0)
    model = build(SHAPE, ObjectiveSpec.parse({"name": "bert"}), tokenizer).model.plain().eval()
    sentences = encode(tokenizer, [*good, *bad], model.config)
    from scriptorium.minimal_pairs.likelihoods import masked

    scores = masked.scores(model, tokenizer, sentences, 4096)
    assert abs(right(scores[:400], scores[400:]).mean() - 0.5) < 0.1  # 4 standard errors
    frequency = np.log(generator.dirichlet(np.ones(len(tokenizer))))
    scores = unigram(frequency)(sentences)
    assert (right(scores[:400], scores[400:]) == 0.5).all()


@pytest.fixture
def inputs(tmp_path):
    """A random encoder, its packed corpus, and pairs with two words swapped."""
    blocks = tiny.packed(tmp_path, block_length=16)
    tokenizer = tiny.tokenizer()
    torch.manual_seed(1)
    folder = tmp_path / "pretrain"
    build(SHAPE, ObjectiveSpec.parse({"name": "bert"}), tokenizer).model.plain().save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    manifest.write(folder, (folder / "model").iterdir())
    generator = np.random.default_rng(0)
    words = [generator.choice(tiny.WORDS, 6, replace=False) for _ in range(40)]
    data = tmp_path / "pairs"
    data.mkdir()
    table = {
        "id": [f"p{number}" for number in range(40)],
        "good": [" ".join(own) for own in words],
        "bad": [" ".join(own[[0, 2, 1, 3, 4, 5]]) for own in words],
    }
    pd.DataFrame(table).to_parquet(data / "pairs.parquet")
    manifest.write(data, data.iterdir())
    return {name: [path / "manifest.json"] for name, path in (("model", folder), ("blocks", blocks), ("pairs", data))}


def test_the_stage_scores_model_and_controls_and_gives_the_same_bytes_after_a_stop(inputs, tmp_path, monkeypatch):
    spec = ScorePairsSpec(likelihood="masked", seed=0)

    def run(place: str) -> bytes:
        execute("score_pairs", spec, score_pairs.run, out=tmp_path / place, inputs=inputs, state=tmp_path / "state")
        return (tmp_path / place / "scores.parquet").read_bytes()

    whole = run("a")
    monkeypatch.setattr(scoring, "CHUNK", 32)
    asked = []
    original = scoring.in_chunks

    def stopped(job, name, scores, sentences):
        if name == scoring.RANDOM and not asked:
            asked.append(name)
            job.impl.stop["signal"] = 15
        return original(job, name, scores, sentences)

    monkeypatch.setattr(scoring, "in_chunks", stopped)
    with pytest.raises(Interrupted):
        run("b")
    assert len(list((tmp_path / "state").rglob("*.npy"))) == 3, "80 sentences of the model in chunks of 32"
    assert run("b") == whole
    metrics = json.loads((tmp_path / "b/metrics.json").read_text())
    assert metrics["accuracy/unigram"] == 0.5
    assert set(metrics) == {"accuracy/model", "accuracy/random", "accuracy/unigram"}


def test_of_sets_that_say_so_a_score_is_the_mean_over_the_tokens(inputs, tmp_path):
    """By the sum, random weights find every sentence that has lost a word more likely; by the mean they do not."""
    path = inputs["pairs"][0].parent / "pairs.parquet"
    pairs = pd.read_parquet(path)
    pairs.assign(bad=[text.rpartition(" ")[0] for text in pairs["good"]]).to_parquet(path)
    manifest.write(path.parent, [path])
    found = {}
    for per_token in (False, True):
        spec, out = ScorePairsSpec(likelihood="masked", per_token=per_token, seed=0), tmp_path / str(per_token)
        execute("score_pairs", spec, score_pairs.run, out=out, inputs=inputs, state=tmp_path / f"state-{per_token}")
        found[per_token] = pd.read_parquet(out / "scores.parquet")
    assert np.allclose(found[True]["good"], found[False]["good"] / 6)
    assert np.allclose(found[True]["bad"], found[False]["bad"] / 5)
    shares = {}
    for per_token, table in found.items():
        own = table[table["scorer"] == scoring.RANDOM]
        shares[per_token] = right(own["good"].to_numpy(), own["bad"].to_numpy()).mean()
    assert shares[False] == 0
    assert 0.2 < shares[True] < 0.8
