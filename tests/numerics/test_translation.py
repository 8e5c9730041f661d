"""Proves on tiny models that translation learns, that its loss and its averages are what they are said to be, and that
its stage writes what tables read."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.generation import evaluations, scores
from scriptorium.generation.examples import Cut, Frame, Pairs, Texts, collate
from scriptorium.generation.losses import measured
from scriptorium.text.tokenizers import load_tokenizer
from scriptorium.translation import pairs
from scriptorium.translation.bodies.veco import built
from scriptorium.translation.spec import Direction, TranslateSpec
from tests.translating import Folder, build, write_pairs

pytest.importorskip("sacrebleu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("translation"))


@pytest.fixture(scope="module")
def tokenizer(folder):
    return load_tokenizer(folder.root / "veco/model")


def made(folder, tokenizer, name: str = "veco", **changes):
    torch.manual_seed(0)
    spec = TranslateSpec.parse(folder.spec(**changes))
    found = built(spec, folder.root / name / "model")
    return found.model, found.said.partition("; new: ")[2]


def examples(folder, tokenizer, longest: int = 12) -> Pairs:
    table = pairs.splits(Direction(source="en", target="de"), folder.root / "parallel/pairs.parquet")["train"]
    return Pairs(table, tokenizer, frame(tokenizer), (longest, longest))


def frame(tokenizer) -> Frame:
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    return Frame(before=(first,), behind=(last,), begin=(first,), end=last)


def curve(run) -> list[float]:
    return [e["metrics"]["train/loss"] for e in ledger.read_events(run) if "train/loss" in e.get("metrics", {})]


def test_a_translation_begins_with_the_first_symbol_and_ends_with_the_last(folder, tokenizer):
    table = pd.DataFrame({"id": ["a"], "source": ["word1 word2"], "target": ["word3"]})
    example = Pairs(table, tokenizer, frame(tokenizer), (12, 12))[(0, 0)]
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    pieces = {name: tokenizer.convert_tokens_to_ids(name) for name in ("word1", "word2", "word3")}
    assert example["input_ids"].tolist() == [first, pieces["word1"], pieces["word2"], last]
    assert example["decoder_input_ids"].tolist() == [first, pieces["word3"]]
    assert example["labels"].tolist() == [pieces["word3"], last]
    short = Pairs(table, tokenizer, frame(tokenizer), (3, 3))
    assert not len(short) and short.left_out == 1


def test_texts_in_one_array_are_the_texts(tokenizer):
    texts = ["word1", "", "word2 word3 word4"]
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    found = Texts(texts, tokenizer, (first,), (last,))
    expected = [[first, *tokenizer(text, add_special_tokens=False)["input_ids"], last] for text in texts]
    assert [found[row].tolist() for row in range(3)] == expected
    short, whole = Cut(found, 4, 1), Cut(found, 5, 1)
    assert short[2].tolist() == [*found[2][:3], tokenizer.sep_token_id] and short.cut == 1
    assert whole[2].tolist() == found[2].tolist() and whole.cut == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
def test_label_smoothing_is_the_mean_over_all_words(folder, tokenizer, smoothing):
    """Against a loop over words: (1 - s) of the label's own, s of the mean of all, over transformers' own logits."""
    model, _ = made(folder, tokenizer, label_smoothing=smoothing)
    model = model.double().train()
    batch = collate(tokenizer.pad_token_id)([examples(folder, tokenizer)[row] for row in range(5)])
    found = model(**batch)["loss"]
    with torch.no_grad():
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        logits = model(**inputs).logits.float()  # the loss is computed in float32
    terms = []
    for row, labels in enumerate(batch["labels"]):
        for place, label in enumerate(labels.tolist()):
            if label >= 0:
                losses = -(logits[row, place] - logits[row, place].logsumexp(0))
                terms.append((1 - smoothing) * losses[label] + smoothing * losses.mean())
    assert len(terms) == int((batch["labels"] >= 0).sum()) and torch.allclose(found, torch.stack(terms).mean())
    assert found.requires_grad


def test_held_out_measures_are_not_smoothed_and_do_not_depend_on_padding(folder, tokenizer):
    data, pad = examples(folder, tokenizer), collate(tokenizer.pad_token_id)
    plain, smoothed = (made(folder, tokenizer, label_smoothing=s)[0].double() for s in (0.0, 0.3))
    one = measured(plain, data, pad)
    assert measured(smoothed, data, pad) == pytest.approx(one)
    by_one = [measured(plain, torch.utils.data.Subset(data, [row]), pad) for row in range(len(data))]
    counts = [len(data[row]["labels"]) for row in range(len(data))]
    assert np.average([each["loss"] for each in by_one], weights=counts) == pytest.approx(one["loss"])
    assert one["perplexity"] == pytest.approx(np.exp(one["loss"]))


def test_the_mean_of_weights_is_their_mean(folder, tokenizer, tmp_path):
    models = [made(folder, tokenizer)[0] for _ in range(3)]
    files = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for number, (model, path) in enumerate(zip(models, files, strict=True)):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
        evaluations.save_weights(model, path)
    states = [dict(model.named_parameters()) for model in models]
    expected = {name: torch.stack([s[name].detach().double() for s in states]).mean(0).float() for name in states[0]}
    target = made(folder, tokenizer)[0]
    evaluations.set_mean(target, files)
    assert all(torch.equal(value, expected[name]) for name, value in target.named_parameters())
    assert target.decoder.lm_head.weight is target.encoder.embeddings.word_embeddings.weight
    evaluations.set_mean(target, files[:1])
    assert all(torch.equal(value, states[0][name]) for name, value in target.named_parameters())


def test_what_comes_from_the_backbone(folder, tokenizer):
    of_veco, new = made(folder, tokenizer)
    assert new == "none"
    of_xlm, new = made(folder, tokenizer, "xlm")
    assert new == "all cross-attentions"
    table = of_veco.encoder.embeddings.word_embeddings.weight
    assert table.std() > 0.05 and torch.equal(of_xlm.encoder.embeddings.word_embeddings.weight, table)
    random, new = made(folder, tokenizer, reinitialise=True)
    assert new == "all" and random.encoder.embeddings.word_embeddings.weight.std() < 0.05
    assert random.num_parameters() == of_veco.num_parameters()
    shallow, _ = made(folder, tokenizer, encoder_layers=1, dropout=0.3)
    assert len(shallow.encoder.encoder.layer) == 1 and shallow.config.decoder.hidden_dropout_prob == 0.3
    with pytest.raises(UserError, match="a decoder of 3 layers from a model of 2"):
        made(folder, tokenizer, decoder_layers=3)
    with pytest.raises(UserError, match="an encoder of 3 layers from a model of 2"):
        made(folder, tokenizer, encoder_layers=3)
    with pytest.raises(UserError, match="max_length 41 is more than the backbone's 40"):
        made(folder, tokenizer, max_length=41)


def test_reversing_is_learned_and_scored(folder):
    """VECO's body learns to reverse short sentences in a new vocabulary; what is written is what was translated."""
    write_pairs(folder.root / "many", 1500, held_out=40, longest=4)
    train = {"max_steps": 400, "batch_size": 32, "lr": 3e-3, "log_every": 10, "eval_every": 200, "warmup_ratio": 0.1}
    run = folder.run("learned", others={"pairs": "many"}, train=train, label_smoothing=0.0, save_model=True)
    losses = curve(run)
    metrics = json.loads((run / "metrics.json").read_text())
    assert losses[-1] < losses[0] / 4
    assert metrics["test/bleu"] > 50 > metrics["copy/bleu"] == 0.0
    table = pd.read_parquet(run / "hypotheses.parquet")
    assert list(table) == ["id", "source", "reference", "hypothesis"]
    given = pairs.splits(Direction(source="en", target="de"), folder.root / "many/pairs.parquet")["test"]
    assert table[["id", "source"]].equals(given[["id", "source"]]) and (table["reference"] == given["target"]).all()
    again = scores.of_corpus(table["hypothesis"].tolist(), table["reference"].tolist(), "13a")
    assert (metrics["test/bleu"], metrics["signature/bleu"]) == (again.bleu, again.signatures["bleu"])
    assert (run / "model/model.safetensors").is_file() and not list((folder.root / "state/learned").glob("*"))
    record = json.loads((run / "manifest.json").read_text())
    assert {entry["path"] for entry in record["files"]} >= {"hypotheses.parquet", "metrics.json"}


@pytest.fixture
def kept(monkeypatch):
    """Name of a file -> the weights that a run saves there, in the order in which they are saved."""
    found, save = {}, evaluations.save_weights

    def remembered(model, path):
        save(model, path)
        found[path.name] = {name: value.detach().clone() for name, value in model.named_parameters()}

    monkeypatch.setattr(evaluations, "save_weights", remembered)
    return found


def test_the_average_is_of_the_last_evaluations(folder, kept):
    """Evaluations at steps 3, 6, 9, 12: the mean of two is that of steps 9 and 12."""
    folder.run("average", average=2)
    averaged = kept.pop("trained.safetensors")
    assert list(kept) == [f"weights-{number}.safetensors" for number in (1, 2, 3, 4)]
    expected = {
        name: ((kept["weights-3.safetensors"][name].double() + last.double()) / 2).float()
        for name, last in kept["weights-4.safetensors"].items()
    }
    assert all(torch.equal(averaged[name], value) for name, value in expected.items())
    folder.run("last")
    assert all(torch.equal(kept["trained.safetensors"][n], v) for n, v in kept["weights-4.safetensors"].items())


def test_with_patience_the_best_weights_are_kept_also_where_training_ends_by_its_steps(folder, kept, monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 1.5])
    measures = evaluations.measures
    monkeypatch.setattr(evaluations, "measures", lambda predicted: measures(predicted) | {"loss": next(losses)})
    folder.run("to-the-end", patience=3)
    trained = kept.pop("trained.safetensors")
    assert list(kept) == ["weights-1.safetensors", "weights-2.safetensors"], "worse ones are not saved"
    assert all(torch.equal(trained[name], value) for name, value in kept["weights-2.safetensors"].items())


def test_training_ends_when_the_validation_loss_no_longer_falls_with_the_best_weights(folder):
    """At a rate at which nothing is learned any more."""
    train = {"max_steps": 60, "batch_size": 8, "lr": 0.5, "log_every": 1, "eval_every": 3, "warmup_ratio": 0}
    run = folder.run("patient", train=train, patience=2)
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["train/steps"] < 60 and metrics["train/steps"] % 3 == 0
    assert len(curve(run)) == metrics["train/steps"]
    notes = [event["note"] for event in ledger.read_events(run) if "note" in event]
    assert any("no lower validation loss in 2 evaluations" in note for note in notes)
    points = [event["metrics"] for event in ledger.read_events(run) if "metrics" in event]
    losses = [each["validation/loss"] for each in points if "validation/loss" in each]
    assert min(losses) < losses[-2] and metrics["validation/loss"] == pytest.approx(min(losses), rel=1e-5)


def test_a_test_set_of_its_own_is_taken_whole_and_left_out_of_train(folder):
    run = folder.run("own", others={"test": "other"})
    table = pd.read_parquet(run / "hypotheses.parquet")
    other = pd.read_parquet(folder.root / "other/pairs.parquet")
    assert table["id"].tolist() == other["id"].tolist() and table["reference"].tolist() == other["text_a"].tolist()
