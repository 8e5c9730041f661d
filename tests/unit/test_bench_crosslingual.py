"""The cross-lingual bench: both sides of a case do the same work, and every case runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from scriptorium.bench import contrast, crosslingual, timing, veco_naive
from scriptorium.bench.spec import ContrastShape, SearchShape, StepShape, TranslationShape
from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.models.veco2.texts import texts_of
from scriptorium.runs import Runs
from scriptorium.stages.bench_crosslingual import BenchCrosslingualSpec
from tests import veco2

ROOT = Path(__file__).parents[2]
TINY = StepShape(layers=2, width=16, heads=2, pieces=200, blocks=3, length=24)
CONTRAST = ContrastShape(step=TINY.model_copy(update={"pieces": 320}), queue=500)


def pairs(count: int = 60) -> pd.DataFrame:
    """Texts of 3 to 9 words."""
    generator = np.random.default_rng(0)

    def text() -> str:
        return " ".join(f"word{number}" for number in generator.integers(60, size=generator.integers(3, 10)))

    texts = {name: [text() for _ in range(count)] for name in ("text_a", "text_b")}
    return pd.DataFrame(texts).assign(lang_a="de", lang_b="en")


def dictionary(folder: Path, languages: tuple[str, str] = ("de", "en")) -> Path:
    """Every word is its own translation."""
    rows = [(f"word{number}", f"word{number}") for number in range(60)]
    return veco2.dictionary(folder / "dictionary", rows, languages).parent / "entries.parquet"


@pytest.fixture
def corpus(tmp_path):
    return contrast.Corpus(pairs(), dictionary(tmp_path), CONTRAST, tmp_path)


def test_the_naive_step_has_our_loss_and_our_gradients():
    model, batch = crosslingual.step_sides(pairs(), TINY, dropout=0.0)
    model.double()
    ours = model(**batch)["loss"]
    ours.backward()
    wanted = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    naive = veco_naive.step(model, veco_naive.unpacked(batch, model.config.pad_token_id))
    assert float(naive) == pytest.approx(float(ours.detach()), abs=1e-5)
    for name, parameter in model.named_parameters():
        assert torch.allclose(parameter.grad, wanted[name], atol=1e-6), name
    crossed = [grad for name, grad in wanted.items() if name.endswith("cross_attention.self.value.weight")]
    assert len(crossed) == TINY.layers and all(grad.abs().max() > 1e-4 for grad in crossed)


def test_the_naive_batch_is_padded_and_ours_holds_several_pairs_in_a_block():
    model, batch = crosslingual.step_sides(pairs(), TINY)
    rows = veco_naive.unpacked(batch, model.config.pad_token_id)
    assert len(rows.x.ids) == len(rows.both.ids) > TINY.blocks
    assert int(rows.both.real.sum()) == int((batch["document_ids"] >= 0).sum())
    assert (rows.both.real == 0).any() and batch["bilingual"].all()
    assert int((rows.both.labels >= 0).sum()) == int((batch["labels"] >= 0).sum())


def test_both_translators_generate_as_many_tokens_and_have_about_as_many_weights():
    shape = TranslationShape(layers=2, width=32, heads=2, pieces=300, texts=2, length=6, beams=3)
    made = crosslingual.translators(shape)
    texts = torch.randint(5, 300, (2, 6), generator=torch.Generator().manual_seed(0))
    for model in made:
        assert crosslingual.searching(model, texts, shape)().shape == (2, 1 + shape.length)
        assert model.get_output_embeddings().weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    sizes = [sum(p.numel() for n, p in model.named_parameters() if "position" not in n) for model in made]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)


def test_synonyms_are_found_in_all_pairs_and_are_the_links_of_the_batch(corpus):
    assert corpus.mine() == len(pairs())
    batch = corpus.batch()
    ids, words = batch["input_ids"], batch["words"]
    positions, labels = batch["positions"], batch["labels"].view(batch["positions"].shape)
    ids = ids.scatter(-1, positions, torch.where(labels < 0, ids.gather(-1, positions), labels))
    linked = (batch["links"][..., 0] >= 0).nonzero().tolist()
    assert len(linked) > 5
    for block, slot in linked:
        own = [ids[block, side][words[block, side] == batch["links"][block, slot, side]] for side in (0, 1)]
        spelled = {corpus.tokenizer.decode(pieces).strip() for pieces in own}
        assert len(spelled) == 1 and spelled.pop().startswith("word")


def test_steps_with_and_without_contrasts_have_the_same_weights_and_other_terms(corpus):
    corpus.mine()
    ours, peer = corpus.model(), corpus.model(weights={"sequence": 0, "token": 0})
    assert (ours.contrasts, peer.contrasts) == ({"sequence": 1.0, "token": 1.0}, {})
    assert ours.terms == peer.terms and set(ours.terms) == {"mlm", "tlm"}
    found = peer.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in ours.state_dict().items())
    losses = []
    for model in (ours, peer):
        torch.manual_seed(1)
        losses.append(float(model(**corpus.batch())["loss"].detach()))
    assert losses[0] > losses[1] + 1


def test_the_queue_is_full_and_its_vectors_are_read(corpus):
    corpus.mine()
    batch, full = corpus.batch(), contrast.filled(corpus, CONTRAST.queue)
    slow = full.momentum
    assert slow.filled == len(slow.x) == CONTRAST.queue
    weights = dict(full.roberta.named_parameters())
    assert all(torch.equal(value, weights[name]) for name, value in slow.encoder.named_parameters())
    short = contrast.filled(corpus, len(texts_of(batch["document_ids"])))
    losses = []
    for model in (full, short):
        torch.manual_seed(1)
        losses.append(float(model(**batch)["loss"].detach()))
    assert losses[0] > losses[1], "more negatives, more nats"


def test_a_dictionary_in_other_languages_is_refused(tmp_path):
    with pytest.raises(UserError, match="no entry in the languages"):
        contrast.Corpus(pairs(), dictionary(tmp_path, ("en", "fr")), CONTRAST, tmp_path)


def test_the_dictionary_is_the_first_in_languages_of_the_first_corpus():
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    french = {"dataset": "tatoeba", "reader": "tatoeba_pairs", "languages": ["en", "fr"]}
    values["parallel"] = {"french": {"sources": [french]}, **values["parallel"]}
    with pytest.raises(UserError, match="french, but no dictionary is in en-fr"):
        Runs(loading.load(values, ROOT)).bench_dictionary()
    (source,) = values["dictionaries"]["pivot"]["sources"]
    values["dictionaries"]["own"] = {"sources": [{**source, "languages": ["fr", "en"]}]}
    assert Runs(loading.load(values, ROOT)).bench_dictionary() == "results/data/dictionaries/own/manifest.json"


def test_cases_targets_and_columns(tmp_path, monkeypatch):
    spec = BenchCrosslingualSpec()
    large, small = spec.steps
    assert (large.pieces, small.pieces, small.layers, small.width) == (250_002, 16_000, 6, 768)
    assert (spec.translation.beams, spec.contrast.queue, spec.runs) == (5, 65_536, 7)
    monkeypatch.setattr(crosslingual, "LARGE_VOCABULARY", 150)
    shape = TranslationShape(layers=1, width=16, heads=2, pieces=200, texts=2, length=4, beams=2)
    ratios = crosslingual.nearest_ratios(SearchShape(texts=9000, width=4), runs=1)
    ratios.append(crosslingual.translation_ratio(shape, runs=1))
    ratios += [
        crosslingual.step_ratio(pairs(), each, runs=1) for each in (TINY, TINY.model_copy(update={"pieces": 120}))
    ]
    ratios += contrast.ratios(pairs(), dictionary(tmp_path), CONTRAST, runs=1)
    table = pd.read_csv(timing.write(ratios, tmp_path / "crosslingual.tsv"), sep="\t")
    assert tuple(table.columns) == timing.COLUMNS
    assert table["target"].tolist() == [1.0, 10.0, 1.0, 2.0, 1.5, 0.87, 0.95, 1.0]
    assert (table["ratio_median"] > 0).all()
    memory = table.iloc[1]
    assert memory["case"].endswith("memory") and memory["ratio_median"] > 3  # two blocks, and 9,000 x 9,000 twice
