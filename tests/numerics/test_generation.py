"""Proves on tiny models of every body that writing is learned, that the loss is of the target alone, that a cache, a
batch and its padding change nothing that is written, and that the stage writes what tables read."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium import ledger, manifest, named
from scriptorium.errors import UserError
from scriptorium.generation import generating, prepared
from scriptorium.generation.examples import Pairs, collate, sources
from scriptorium.generation.losses import likelihoods, measured
from scriptorium.generation.metrics import METRICS
from scriptorium.generation.spec import GenerateSpec
from scriptorium.stages.generate import BODIES
from scriptorium.text.tokenizers import load_tokenizer
from tests import tiny
from tests.writing import FAMILIES, Folder, build, save, write_data

pytest.importorskip("rouge_score")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("generation"))


@pytest.fixture(scope="module")
def tokenizer(folder):
    return load_tokenizer(folder.root / "bart/model")


def made(folder, tokenizer, family: str, **changes):
    spec = GenerateSpec.parse(folder.spec(FAMILIES[family][1], **changes))
    torch.manual_seed(5)
    return named.load(BODIES, spec.body).built(spec, folder.root / family / "model", tokenizer)


def pieces(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_source_and_its_target_stand_as_in_pre_training(folder, tokenizer, family):
    _, frame = made(folder, tokenizer, family)
    table = pd.DataFrame({"source": ["word1 word2"], "target": ["word3 word4"]})
    found = {name: own.tolist() for name, own in Pairs(table, tokenizer, frame, (12, 12))[(0, 0)].items()}
    cls, sep, pad = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
    source, target = pieces(tokenizer, "word1 word2"), pieces(tokenizer, "word3 word4")
    expected = {
        "bart": ([cls, *source, sep], [sep, cls, *target], [-100, *target, sep]),
        "t5": ([*source, sep], [pad, *target], [*target, sep]),
    }
    if family in expected:
        assert (found["input_ids"], found["decoder_input_ids"], found["labels"]) == expected[family]
    else:
        assert found["input_ids"] == [cls, *source, sep, *target]
        assert found["labels"] == [-100, -100, -100, *target, sep]
    assert found["attention_mask"] == [1] * len(found["input_ids"])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_of_the_target_alone_and_transformers_own(folder, tokenizer, family):
    """Against the logits of transformers' own class, text by text without padding."""
    model, frame = made(folder, tokenizer, family, label_smoothing=0.0)
    table = prepared.read(folder.root / "data")["validation"]
    data, pad = Pairs(table, tokenizer, frame, (12, 12)), collate(tokenizer.pad_token_id)
    losses, counts = likelihoods(model, data, pad)
    kind = transformers.AutoModelForSeq2SeqLM if frame.begin else transformers.AutoModelForCausalLM
    plain = kind.from_pretrained(folder.root / family / "model").eval()
    for row in range(len(data)):
        example = {name: torch.from_numpy(own)[None].long() for name, own in data[row].items()}
        labels = example.pop("labels")
        with torch.no_grad():
            told = plain(**example).logits.log_softmax(-1)
        places = labels != -100
        assert losses[row] == pytest.approx(-float(told[places].gather(1, labels[places][:, None]).sum()), rel=1e-4)
        assert counts[row] == len(pieces(tokenizer, table["target"][row])) + 1
    assert measured(model, data, pad)["loss"] == pytest.approx(losses.sum() / counts.sum(), rel=1e-5)
    model.train()
    batch = pad([data[row] for row in range(5)])
    assert model(**batch)["loss"].item() == pytest.approx(losses[:5].sum() / counts[:5].sum(), rel=1e-5)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_neither_a_cache_nor_the_others_of_a_batch_change_what_is_written(folder, tokenizer, family, beams):
    model, frame = made(folder, tokenizer, family)
    model = model.double().eval()
    with torch.no_grad():  # a new model with tied embeddings writes one symbol again and again
        for number, parameter in enumerate(model.parameters()):
            parameter.add_(0.4 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    own = sources(prepared.read(folder.root / "data")["test"]["source"].tolist(), tokenizer, frame, 12)
    batch = [own[row] for row in range(len(own))]
    assert len(set(map(len, batch))) > 1, "otherwise nothing is padded"
    search = generating.Search(frame, 6, beams, 1.0)
    cached = generating.generate(model, tokenizer, batch, search)
    assert cached == generating.generate(model, tokenizer, batch, search, cached=False)
    assert cached == [generating.generate(model, tokenizer, [each], search)[0] for each in batch]
    assert len(set(cached)) > 1 and max(len(text.split()) for text in cached) <= 6


@pytest.mark.parametrize("family", ["bart", "gpt2"])
def test_the_end_of_a_source_is_learned_and_scored(folder, family):
    data = f"many-{family}"
    write_data(folder.root / data, {"train": 1200, "validation": 20, "test": 40}, longest=5)
    train = {"max_steps": 300, "batch_size": 32, "lr": 4e-3, "log_every": 10, "eval_every": 150, "warmup_ratio": 0.1}
    run = folder.run(f"learned-{family}", family, data=data, train=train, label_smoothing=0.0, save_model=True)
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test/ROUGE-1"] > 60 > metrics["lead/ROUGE-1"], metrics
    assert metrics["test/perplexity"] < 4 and metrics["validation/perplexity"] < 4
    table = pd.read_parquet(run / "hypotheses.parquet")
    assert list(table) == ["id", "source", "reference", "hypothesis", "loss", "pieces", "lead"]
    given = pd.read_parquet(folder.root / data / "test.parquet")
    assert table["id"].tolist() == given["id"].tolist() and table["reference"].tolist() == given["target"].tolist()
    assert table["lead"].tolist() == [" ".join(text.split()[:2]) for text in given["source"]]
    assert {f"test/{name}" for name in METRICS} <= metrics.keys() and "lead/perplexity" not in metrics
    assert metrics["signature/ROUGE-L"].startswith("rouge-score:") and "signature/BLEU" in metrics
    tokenizer = load_tokenizer(run / "model")
    kind = transformers.AutoModelForSeq2SeqLM if family == "bart" else transformers.AutoModelForCausalLM
    again = kind.from_pretrained(run / "model").eval()
    _, frame = made(folder, tokenizer, family)
    own = sources(table["source"].tolist(), tokenizer, frame, 12)
    search = generating.Search(frame, 6, 2, 1.0)
    assert generating.generate(again, tokenizer, [own[0]], search) == [table["hypothesis"][0]]


def test_what_is_too_long_is_cut_and_counted(folder):
    run = folder.run("cut", "t5", source_length=5, target_length=2)
    metrics = json.loads((run / "metrics.json").read_text())
    lengths = pd.read_parquet(folder.root / "data/test.parquet")["source"].str.split().str.len()
    assert metrics["cut/test_sources"] == int((lengths + 1 > 5).sum()) > 0
    assert metrics["cut/test_targets"] == len(lengths), "two words and the end"
    assert set(pd.read_parquet(run / "hypotheses.parquet")["pieces"]) == {2}
    notes = [event["note"] for event in ledger.read_events(run) if "note" in event]
    assert any(f"{metrics['cut/test_sources']} sources" in note for note in notes)


def test_the_control_keeps_the_shape_and_dropout_is_the_recipes(folder, tokenizer):
    for family in FAMILIES:
        trained, _ = made(folder, tokenizer, family)
        random, _ = made(folder, tokenizer, family, reinitialise=True, dropout=0.2)
        assert random.num_parameters() == trained.num_parameters()
        ours, theirs = (model.get_input_embeddings().weight for model in (random, trained))
        assert not torch.equal(ours, theirs)
        assert all(getattr(random.config, name) == 0.2 for name in type(random).dropouts)


def test_a_prompt_stands_before_every_source_and_not_in_the_lead(folder):
    plain, prompted = (prepared.read(folder.root / "data", text) for text in ("", "word7 word8"))
    assert (prompted["test"]["source"] == "word7 word8 " + plain["test"]["source"]).all()
    assert prepared.lead(prompted, "word7 word8") == prepared.lead(plain)


def test_a_backbone_that_cannot_write_is_refused(folder, tokenizer, tmp_path):
    with pytest.raises(UserError, match="source_length: 41 positions are needed, the backbone has 40"):
        made(folder, tokenizer, "bart", source_length=41)
    with pytest.raises(UserError, match="source_length and target_length: 42 positions are needed"):
        made(folder, tokenizer, "gpt2", source_length=36)
    made(folder, tokenizer, "t5", source_length=400)  # its positions are relative
    save(tmp_path / "startless", "bart", tiny.tokenizer())
    config = tmp_path / "startless/model/config.json"
    values = json.loads(config.read_text()) | {"decoder_start_token_id": None}
    config.write_text(json.dumps(values))
    spec = GenerateSpec.parse(folder.spec())
    with pytest.raises(UserError, match="no decoder_start_token_id"):
        named.load(BODIES, "seq2seq").built(spec, config.parent, tokenizer)
    with pytest.raises(UserError, match="a gpt2 model, and this kind of body is bart or t5"):
        named.load(BODIES, "seq2seq").built(spec, folder.root / "gpt2/model", tokenizer)
    (config.parent / "model.safetensors").unlink()
    safetensors = pytest.importorskip("safetensors.torch")
    weights = safetensors.load_file(folder.root / "bart/model/model.safetensors")
    weights.pop(next(name for name in weights if "fc1.weight" in name))
    safetensors.save_file(weights, config.parent / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"weights are missing: .*fc1\.weight"):
        named.load(BODIES, "seq2seq").built(spec, config.parent, tokenizer)


def test_an_empty_target_is_refused_with_its_example(folder, tmp_path):
    path = write_data(tmp_path / "data")
    table = pd.read_parquet(path.parent / "test.parquet")
    table.loc[3, "target"] = "  "
    table.to_parquet(path.parent / "test.parquet")
    manifest.write(path.parent, path.parent.glob("*.parquet"))
    with pytest.raises(UserError, match=r"test\.parquet, id 'test-3': an empty target"):
        prepared.read(path.parent)


def test_likelihoods_do_not_depend_on_the_batch(folder, tokenizer):
    model, frame = made(folder, tokenizer, "llama")
    data, pad = Pairs(prepared.read(folder.root / "data")["test"], tokenizer, frame, (12, 12)), collate(0)
    whole, _ = likelihoods(model.double(), data, pad)
    single = [likelihoods(model, torch.utils.data.Subset(data, [row]), pad)[0][0] for row in range(len(data))]
    assert np.allclose(whole, single)
