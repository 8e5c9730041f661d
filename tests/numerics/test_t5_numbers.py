"""Proves that T5 learns numbers as the texts of steps of 0.2, and that what it predicts is what `generate` writes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.models.tuned.t5_numbers import NO_NUMBER
from scriptorium.tasks import heads
from scriptorium.tasks.body import body_of
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import BodySpec, FinetuneSpec
from tests import tiny, writers

KIND = {**writers.KINDS["regression"], "max_length": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Texts of words from word0 to word9, whose label is their mean, a quarter of each; a T5 that knows digits."""
    made = writers.folder(tmp_path_factory.mktemp("numbers") / "x", "t5", kind="regression")
    tokenizer = tiny.tokenizer(words=[*tiny.WORDS[:10], "film", ":", ".", "-", *map(str, range(11))])
    writers.write(made.root / "backbone", "t5", tokenizer)
    generator = np.random.default_rng(0)
    files = sorted((made.root / "data").glob("*.parquet"))
    for path in files:
        table = pd.read_parquet(path)
        label = generator.integers(0, 5, len(table))
        texts = [" ".join([tiny.WORDS[own]] * 3) for own in label]
        table.assign(text=texts, label=label * 1.25).to_parquet(path, index=False)
    manifest.write(made.root / "data", files)
    return made


def built(folder, **changes):
    """(model in evaluation, batch with labels, specification)."""
    spec = FinetuneSpec.parse(folder.spec(body=writers.body("t5"), **KIND, **changes))
    body, backbone = body_of(spec.body), folder.root / "backbone"
    torch.manual_seed(1)
    model = heads.build(spec, backbone).eval()
    table = kind_of("regression").read(folder.root / "data/test.parquet", ())
    tokenizer = body.reading(transformers.AutoTokenizer.from_pretrained(backbone))
    data = kind_of("regression").data_set(body.texts(table, spec.body), tokenizer, spec, None)
    return model, data.collate(tokenizer.pad_token_id, 1)([data[row] for row in range(8)]), spec


def test_numbers_are_texts_of_steps_of_a_fifth(folder):
    model, _, _ = built(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder.root / "backbone")
    texts = [
        tokenizer.decode(pieces, skip_special_tokens=True).replace(" ", "") for pieces in model.config.number_pieces
    ]
    assert len(texts) == 101 and texts[:2] == ["-10.0", "-9.8"] and texts[50:53] == ["0.0", "0.2", "0.4"]
    assert [float(text) for text in texts] == model.config.numbers


def test_the_loss_is_of_the_text_of_the_nearest_step_as_transformers_scores_it(folder):
    model, batch, _ = built(folder)
    labels = torch.tensor([0.0, 0.09, 0.11, 2.5, -3.31, 4.99, 10.0, 1.25])
    steps = [0.0, 0.0, 0.2, 2.4, -3.4, 5.0, 10.0, 1.2]
    batch["labels"] = labels
    plain = transformers.T5ForConditionalGeneration.from_pretrained(folder.root / "backbone").eval()
    pieces = dict(zip(model.config.numbers, model.config.number_pieces, strict=True))
    with torch.no_grad():
        losses = []
        for row, step in enumerate(steps):
            target = torch.tensor([pieces[step]])
            own = {name: batch[name][row : row + 1] for name in ("input_ids", "attention_mask")}
            losses.append(float(plain(**own, labels=target).loss) * target.shape[1])
        found = model(**batch)["loss"]
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-5)
    assert torch.allclose(model.train()(**batch)["loss"], found, rtol=0.5), "of training with dropout"


def test_what_is_predicted_is_what_generate_writes_and_other_texts_are_no_numbers(folder):
    model, batch, _ = built(folder)
    with torch.no_grad():
        found = model(**batch)
    assert (found["logits"][:, 0] == NO_NUMBER).all() and not found["generated"].any(), "an untrained one writes none"
    pieces = model.config.number_pieces[63]  # 2.6
    written = iter([*pieces, *[7] * 20])

    def said(source, mask, begun):
        logits = torch.zeros(len(source), begun.shape[1], model.config.vocab_size)
        logits[:, -1, next(written)] = 1
        return logits

    batch.pop("labels")
    model._next = said
    assert model(**batch)["logits"][:, 0].tolist() == pytest.approx([2.6] * 8)


def test_numbers_are_learned_saved_and_written_by_transformers_own_class(folder):
    train = {"epochs": 30, "batch_size": 8, "lr": 3e-3, "log_every": 10, "eval_every": 200}
    run = folder.run("run", body=writers.body("t5"), **KIND | {"train": train}, save_model=True)
    found, metrics = writers.predictions(run), writers.metrics(run)
    assert metrics["test/pearson"] > 0.9 and metrics["test/generated"] == found["generated"].mean() > 0.9
    steps = np.round(found["prediction"] * 5) / 5
    assert np.allclose(found["prediction"], steps, atol=1e-5), "1.25 is learned as 1.2, and nothing between is written"
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    saved = transformers.AutoModelForSeq2SeqLM.from_pretrained(run / "model").eval()
    texts = pd.read_parquet(folder.root / "data/test.parquet")["text"]
    for text, prediction, number in zip(texts, found["prediction"], found["generated"], strict=True):
        ids = [*tokenizer("film: " + text, add_special_tokens=False).input_ids, tokenizer.sep_token_id]
        row = saved.generate(torch.tensor([ids]), max_new_tokens=6, do_sample=False)[0]
        written = tokenizer.decode(row, skip_special_tokens=True).replace(" ", "")
        if number:
            assert float(written) == pytest.approx(prediction)


def test_numbers_that_cannot_be_written_are_refused(folder, tmp_path):
    body, spec = body_of(BodySpec(name="t5")), BodySpec(name="t5", prefix="film: ")
    with pytest.raises(UserError, match=r"label 10\.5: text to text writes numbers from -10 to 10"):
        body.texts(pd.DataFrame({"text": ["a", "b"], "label": np.float32([1, 10.5])}), spec)
    with pytest.raises(UserError, match="scale: text to text writes labels as they are"):
        built(folder, scale=5)
    without = writers.folder(tmp_path / "x", "t5", kind="regression")
    writers.write(without.root / "backbone", "t5", tiny.tokenizer())
    with pytest.raises(UserError, match="are the same pieces"):
        built(without)
