"""Retrieval from end to end on a tiny VECO model: a vector is that of the text alone, translations with the same states
are found, and a stopped run ends with the same bytes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium import manifest
from scriptorium.errors import Interrupted, UserError
from scriptorium.models import veco
from scriptorium.models.spec import EncoderSpec
from scriptorium.reporting import retrieval as reporting
from scriptorium.retrieval import collection, embedding
from scriptorium.retrieval.collection import DEV, TEST, Part, Side
from scriptorium.retrieval.spec import RetrieveSpec
from scriptorium.stage import execute
from scriptorium.stages import retrieve, tabulate_retrieval
from tests import tiny

SHAPE = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=48, max_positions=40, dropout=0.0)
HALF, PAIRS = len(tiny.WORDS) // 2, 30


def encoder(root, seed: int = 0):
    """A random VECO model for which word n + HALF means what word n does, in the directory that training leaves."""
    torch.manual_seed(seed)
    tokenizer = tiny.tokenizer()
    model = veco.build(SHAPE, tokenizer)
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        table *= 20  # else the positions, which all texts share, say most
        table[5 + HALF : 5 + 2 * HALF] = table[5 : 5 + HALF]
    folder = root / f"pretrain{seed}"
    model.plain().save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return manifest.write(folder, (folder / "model").iterdir())


def part(split: str, seed: int, alone: int = 0) -> Part:
    """Word by word translations; the last `alone` texts of each side have none."""
    generator = np.random.default_rng(seed)
    words = np.array(tiny.WORDS)
    chosen = [generator.choice(HALF, size=generator.integers(3, 9), replace=False) for _ in range(PAIRS + 2 * alone)]
    german = [" ".join(words[own]) for own in chosen[: PAIRS + alone]]
    english = [" ".join(words[own + HALF]) for own in chosen[:PAIRS] + chosen[PAIRS + alone :]]
    sides = [
        Side(code, [f"{code}-{i}" for i in range(len(own))], own) for code, own in (("de", german), ("en", english))
    ]
    return Part(split, *sides, np.stack([np.arange(PAIRS)] * 2, 1))


def data(root, *parts: Part):
    folder = root / "data"
    return manifest.write(folder, collection.write(parts, folder))


def run(root, place: str, inputs: dict, **settings):
    spec = RetrieveSpec.parse({"mining": False, **settings})
    out = root / "results/retrieval" / place
    execute("retrieve", spec, retrieve.run, out=out, inputs=inputs, state=root / "state")
    return out, json.loads((out / "metrics.json").read_text())


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("retrieval")
    return {"model": [encoder(root)], "data": [data(root, part(TEST, 1))]}


def test_translations_with_the_same_states_are_found_and_random_weights_find_few(inputs, tmp_path):
    for score in ("cosine", "margin"):
        out, metrics = run(tmp_path, f"veco/{score}/seed0", inputs, layers=[0, 1], score=score)
        assert metrics["layer"] == 2
        for direction in ("de to en", "en to de"):
            found = [metrics[f"model/de-en/{direction}/{layer}"] for layer in (0, 1, 2)]
            assert found == [1.0, 1.0, 1.0] if score == "cosine" else min(found) > 0.9
            assert metrics[f"random/de-en/{direction}/2"] < 0.5
            assert metrics[f"chance/de-en/{direction}"] == pytest.approx(1 / PAIRS)
    table = pd.read_parquet(out / "ranks.parquet")
    assert len(table) == 2 * PAIRS * 3 * 2
    assert (
        table.loc[table["scorer"] == "model", "found"].str[3:] == table["id"].str[3:][table["scorer"] == "model"]
    ).all()


@pytest.mark.parametrize("settings", [{}, {"special_tokens": False}, {"pool": "first"}, {"pieces": 5}])
def test_a_vector_is_what_the_model_gives_for_the_text_alone(inputs, settings, monkeypatch):
    directory = inputs["model"][0].parent / "model"
    tokenizer = tiny.tokenizer()
    model = transformers.AutoModel.from_pretrained(directory).eval()
    spec = RetrieveSpec.parse({"mining": False, "layer": 1, "layers": [0, 2], **settings})
    texts = [*part(TEST, 1).first.texts[:7], "word1", "word2 " * 38]
    monkeypatch.setattr(embedding, "TOKENS", 24)
    found = embedding.Encoder(model, tokenizer, spec, [0, 1, 2]).vectors(texts)
    for number, text in enumerate(texts):
        pieces = tokenizer(text, add_special_tokens=False).input_ids[: min(spec.pieces, 40) - 2]
        with torch.no_grad():
            states = model(torch.tensor([[2, *pieces, 3]]), output_hidden_states=True).hidden_states
        for layer in range(3):
            own = states[layer][0]
            own = own[0] if spec.pool == "first" else (own if spec.special_tokens else own[1:-1]).mean(0)
            assert np.allclose(found[layer, number], own.numpy(), atol=1e-5)


def test_a_stopped_run_goes_on_to_the_same_bytes(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "CHUNK", 16)
    whole, _ = run(tmp_path, "veco/whole/seed0", inputs)
    asked = []

    def once_stopped(job, done):
        asked.append(done)
        if len(asked) == 4:  # in the middle of the first model's texts
            raise Interrupted(done)

    monkeypatch.setattr(embedding, "stop_if_asked", once_stopped)
    with pytest.raises(Interrupted, match="48 of 60 texts are read"):
        run(tmp_path, "veco/stopped/seed0", inputs)
    assert len(list((tmp_path / "state").glob("*/*.npy"))) == 3
    again, _ = run(tmp_path, "veco/stopped/seed0", inputs)
    assert (again / "ranks.parquet").read_bytes() == (whole / "ranks.parquet").read_bytes()
    assert asked[4].startswith("48 of 60"), "saved chunks are not computed again"


def test_the_threshold_comes_from_dev_alone(inputs, tmp_path):
    dev, test = part(DEV, 2, alone=20), part(TEST, 3, alone=20)
    given = {**inputs, "data": [data(tmp_path, dev, test)]}
    out, metrics = run(tmp_path, "veco/bucc/seed0", given, mining=True)
    assert metrics["model/de-en/both/2"] > 0.9 > metrics["random/de-en/both/2"]
    assert metrics["chance/de-en/both"] == pytest.approx(PAIRS / (PAIRS + 20) ** 2)
    other = Part(TEST, test.first, test.second, test.gold[: PAIRS // 3])  # other gold in test
    (tmp_path / "other").mkdir()
    changed = {**inputs, "data": [data(tmp_path / "other", dev, other)]}
    _, found = run(tmp_path, "veco/other/seed0", changed, mining=True)
    names = [name for name in metrics if name.startswith("threshold/")]
    assert len(names) == 2 and [metrics[name] for name in names] == [found[name] for name in names]
    assert found["model/de-en/both/2"] < metrics["model/de-en/both/2"]
    rows = pd.read_parquet(out / "ranks.parquet")
    own = rows[rows["scorer"] == "model"]
    assert (own.loc[own["predicted"] == 1, "score"] >= metrics["threshold/model/de-en/2"]).all()


def test_a_layer_that_is_not_there_is_refused_before_anything_is_read(inputs, tmp_path):
    with pytest.raises(UserError, match=r"layer 3 of an encoder of 2 layers[\s\S]*choose 0"):
        run(tmp_path, "veco/bad/seed0", inputs, layers=[3])


def test_the_table_has_every_layer_beside_random_weights(inputs, tmp_path, monkeypatch):
    three = [part(TEST, 1), part(TEST, 4)]
    french = Side("fr", three[1].first.ids, three[1].first.texts)
    given = {**inputs, "data": [data(tmp_path, three[0], Part(TEST, three[1].second, french, three[1].gold))]}
    runs = []
    for seed in (0, 1):
        given["model"] = [encoder(tmp_path, seed)]
        out, _ = run(tmp_path, f"veco/set/seed{seed}", given, layers=[0], seed=seed)
        runs.append(out / "manifest.json")
    spec = tabulate_retrieval.TabulateRetrievalSpec()
    first, again = tiny.run_twice(tabulate_retrieval, spec, {"runs": runs}, {"table": "t.tsv"}, tmp_path, monkeypatch)
    assert first == again
    made = pd.read_csv(tmp_path / "a/t.tsv", sep="\t")
    keys = ["de to en", "en to de", "both", "en to fr", "fr to en", "both", "both"]
    assert made["direction"].tolist() == keys * 2
    assert made["layer"].tolist() == [0] * 7 + [2] * 7 and made["counts"].tolist() == [False] * 7 + [True] * 7
    assert set(made["n"]) == {PAIRS, 2 * PAIRS} and set(made["seeds"]) == {2}
    assert (made["value"] == 1).all() and (made["metric"] == "accuracy").all()
    assert np.allclose(made["chance"], 1 / PAIRS)
    assert (made.loc[made["counts"], "delta_ci_low"] > 0).all()
    mean = made[(made["languages"] == "mean") & made["counts"]].iloc[0]
    own = made[(made["direction"] == "both") & (made["languages"] != "mean") & made["counts"]]
    assert mean["delta"] == pytest.approx(own["delta"].mean(), abs=1e-5)


def test_seeds_on_other_texts_are_no_seeds_of_one_variant():
    rows = pd.DataFrame({"id": ["a", "b"], "languages": "x", "direction": "y", "layer": 1, "scorer": "model"})
    runs = [reporting.RetrievalRun("v", "s", seed, rows.iloc[: 2 - seed], {}) for seed in (0, 1)]
    with pytest.raises(UserError, match="different texts"):
        reporting.grouped(runs)
