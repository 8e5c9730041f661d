"""What a model knows of translations is what its own forward pass says of each text alone, and what it should be where
the answer is known beforehand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from scriptorium import manifest
from scriptorium.crosslingual import alignment, held_out, measuring, reading
from scriptorium.crosslingual.spec import CrosslingualSettings, MeasureCrosslingualSpec
from scriptorium.errors import Interrupted, UserError
from scriptorium.reporting import crosslingual
from scriptorium.stage import execute
from scriptorium.stages import measure_crosslingual
from tests import tiny, two_sided, veco

TOKENIZER = tiny.tokenizer()
PAD, MASK = TOKENIZER.pad_token_id, TOKENIZER.mask_token_id
SETTINGS = CrosslingualSettings(pairs=6, candidates=3, rate=0.4, shortest=3, longest=20)


def pairs(count: int = 6, seed: int = 0) -> list[held_out.Pair]:
    """Sentences of German words (the second half of the vocabulary) and their English ones, word by word."""
    generator, found = np.random.default_rng(seed), []
    for number in range(count):
        chosen = generator.choice(two_sided.HALF, generator.integers(4, 9), replace=False)
        german, english = (" ".join(tiny.WORDS[each + shift] for each in chosen) for shift in (two_sided.HALF, 0))
        texts = held_out.texts(TOKENIZER, [german, english])
        found.append(held_out.Pair(f"p{number}", ("de", "en"), (texts[0], texts[1])))
    return found


DICTIONARY = {
    ("de", "en"): {tiny.WORDS[n + two_sided.HALF]: frozenset({tiny.WORDS[n]}) for n in range(two_sided.HALF)},
    ("en", "de"): {tiny.WORDS[n]: frozenset({tiny.WORDS[n + two_sided.HALF]}) for n in range(two_sided.HALF)},
}


@pytest.mark.parametrize("plug_in", [True, False])
def test_losses_are_those_of_each_text_alone(plug_in):
    """Batches, padding and the order of questions change nothing: beside the equations, one text at a time."""
    model = veco.model(plug_in=plug_in, weights={"mlm": 1, "ca": int(plug_in), "tlm": 1}).eval()
    plain, given = veco.Equations(model), pairs()
    asked = reading.questions(given, candidates=3, rate=0.4, mask=MASK)
    found = reading.losses(model, PAD, asked, tokens=120)
    assert set(found) == {"without", "joined", *(["cross-attention"] if plug_in else [])}
    row = 0
    for question in asked:
        ids = torch.tensor(question.corrupted)
        alone = plain.h(ids)
        for position, label in zip(question.positions, question.labels, strict=True):
            assert found["without"][row] == pytest.approx(float(plain.loss(alone[position], label)), rel=1e-5)
            for each, candidate in enumerate(question.candidates):
                other = torch.tensor(candidate.pieces)
                both = plain.h(torch.cat([ids, other]))
                assert found["joined"][row, each] == pytest.approx(float(plain.loss(both[position], label)), rel=1e-5)
                if plug_in:
                    crossed = plain.s(ids, plain.h(other))
                    expected = float(plain.loss(crossed[position], label))
                    assert found["cross-attention"][row, each] == pytest.approx(expected, rel=1e-5)
            row += 1


def test_questions_do_not_depend_on_the_model_and_hide_no_special_token():
    given = pairs()
    asked = reading.questions(given, candidates=4, rate=0.4, mask=MASK)
    again = reading.questions(given, candidates=4, rate=0.4, mask=MASK)
    assert len(asked) == 12
    for question, other in zip(asked, again, strict=True):
        assert question.corrupted == other.corrupted and question.candidates == other.candidates
        own = given[question.pair].texts[question.side].pieces
        assert question.candidates[0] == given[question.pair].texts[1 - question.side]
        assert len({text.pieces for text in question.candidates}) == 4
        assert 0 not in question.positions and len(own) - 1 not in question.positions
        assert [own[place] for place in question.positions] == question.labels.tolist()
        assert all(question.corrupted[place] == MASK for place in question.positions)


def test_attention_by_word_is_that_of_the_layer():
    """The weights that are computed anew are those with which the layer mixes the other side's values."""
    model = veco.model(plug_in=True).eval()
    pair = next(each for each in pairs() if len(each.texts[1].pieces) <= 8)  # as many keys as a head has dimensions
    seen = []
    block = model.roberta.encoder.layer[0].cross_attention
    block.output.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.inference_mode():
        (x, x_mask), (y, y_mask) = (alignment.padded([text], PAD, model.device) for text in pair.texts)
        maps = alignment._cross_attention(model.roberta, x, x_mask, y, y_mask)
        memory = model.roberta(y, y_mask).last_hidden_state
        values = block.self.value(memory)[0]
    heads = block.self.num_attention_heads
    mixed, size = seen[0][0], values.shape[-1] // heads
    # one layer below the first has no cross-attention, so the first call is that of x on y, in the first layer
    by_head = [
        torch.linalg.lstsq(values[:, h * size : (h + 1) * size].T, mixed[:, h * size : (h + 1) * size].T)
        for h in range(heads)
    ]
    assert maps[0][0].shape == (1, x.shape[1], y.shape[1])
    assert np.allclose(maps[0][0].sum(-1), 1)
    # values are independent, so what a head mixes tells its weights
    mean = torch.stack([each.solution.T for each in by_head]).mean(0)
    assert np.allclose(maps[0][0][0], mean.numpy(), atol=1e-6)


def test_links_are_those_of_the_dictionary_and_leave_out_words_of_both_texts():
    text, other = held_out.texts(TOKENIZER, ["word50 word1 word51", "word2 word1 word3"])
    table = {"word50": frozenset({"word3", "word7"}), "word1": frozenset({"word1"}), "word51": frozenset({"word9"})}
    assert alignment.links(text, other, table) == [(0, frozenset({2}))]


def test_a_model_whose_states_are_its_words_links_all_of_them():
    """Layer 0 of a model whose embeddings of a word and of its translation are equal."""
    model = veco.model(plug_in=False, weights={"ca": 0}).eval()
    with torch.no_grad():
        table = model.roberta.embeddings.word_embeddings.weight
        first = TOKENIZER.convert_tokens_to_ids(tiny.WORDS[0])
        table[first + two_sided.HALF : first + 2 * two_sided.HALF] = table[first : first + two_sided.HALF]
        model.roberta.embeddings.position_embeddings.weight.zero_()
    for pair, found in zip(pairs(), alignment.scores(model, pairs(), PAD), strict=True):
        for side in (0, 1):
            links = alignment.links(
                pair.texts[side], pair.texts[1 - side], DICTIONARY[pair.languages[side], pair.languages[1 - side]]
            )
            assert len(links) == len(pair.texts[side].words)
            assert measuring._counts(links, found["states", 0, side])[:2] == (len(links), len(links))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small VECO model, its blocks, its pairs and a dictionary, as the stages leave them."""
    root = tmp_path_factory.mktemp("crosslingual")
    blocks = two_sided.packed(root / "data", pairs=300)
    (root / "run").mkdir()
    model = veco.model(weights={"mlm": 1, "ca": 1, "tlm": 1}).float()
    model.save_pretrained(root / "run/model")
    TOKENIZER.save_pretrained(root / "run/model")
    manifest.write(root / "run", sorted((root / "run/model").iterdir()))
    (root / "dictionary").mkdir()
    rows = [("de", "en", word, next(iter(own))) for word, own in DICTIONARY["de", "en"].items()]
    pd.DataFrame(rows, columns=["lang_a", "lang_b", "word_a", "word_b"]).to_parquet(root / "dictionary/entries.parquet")
    manifest.write(root / "dictionary", [root / "dictionary/entries.parquet"])
    manifests = {
        "model": root / "run",
        "blocks": blocks,
        "parallel": root / "data/parallel",
        "dictionary": root / "dictionary",
    }
    return {name: [folder / "manifest.json"] for name, folder in manifests.items()}


SPEC = MeasureCrosslingualSpec(pairs=20, candidates=4, rate=0.4, shortest=3, longest=20)


def test_the_stage_goes_on_where_it_was_stopped_with_equal_bytes(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "CHUNK", 7)
    stage = measure_crosslingual
    execute("measure_crosslingual", SPEC, stage.run, out=tmp_path / "whole", inputs=trained, state=tmp_path / "a")
    calls, losses = [], reading.losses

    def stopping(*given):
        calls.append(1)
        if len(calls) == 3:
            raise Interrupted("stopped")
        return losses(*given)

    monkeypatch.setattr(reading, "losses", stopping)
    run = lambda: execute(  # noqa: E731
        "measure_crosslingual", SPEC, stage.run, out=tmp_path / "cut", inputs=trained, state=tmp_path / "b"
    )
    with pytest.raises((Interrupted, SystemExit)):
        run()
    run()
    assert len(calls) == 7  # six chunks of 40 questions, one of them twice
    for name in ("tokens", "matches", "links"):
        assert (tmp_path / f"whole/{name}.parquet").read_bytes() == (tmp_path / f"cut/{name}.parquet").read_bytes()
    assert json.loads((tmp_path / "whole/metrics.json").read_text()) == json.loads(
        (tmp_path / "cut/metrics.json").read_text()
    )


def test_too_few_held_out_pairs_are_told(trained, tmp_path):
    path = trained["parallel"][0].parent / "pairs.parquet"
    with pytest.raises(UserError, match="among 100"):
        held_out.chosen(path, TOKENIZER, CrosslingualSettings(pairs=100, candidates=100, shortest=3))


def test_texts_for_which_a_model_has_no_positions_are_told_before_it_is_asked(trained):
    directory = trained["model"][0].parent / "model"
    measure_crosslingual.require_positions(directory, pairs())
    long = [replace(pair, texts=(replace(pair.texts[0], pieces=(5,) * 60), pair.texts[1])) for pair in pairs()]
    with pytest.raises(UserError, match=r"the longest held-out texts need \d\d positions, and this model has 40"):
        measure_crosslingual.require_positions(directory, long)


def run_of(variant: str, seed: int, gain: float, *, crossed: bool) -> crosslingual.CrosslingualRun:
    """A fabricated run of 40 pairs whose gain is known."""
    generator = np.random.default_rng([seed, int(gain * 100)])
    tokens, matches, links = [], [], []
    for number in range(40):
        facts = {"pair": f"p{number}", "text": "de", "context": "en"}
        for reads in ("cross-attention", "joined") if crossed else ("joined",):
            noise = generator.normal(0, 0.1)
            tokens.append(
                {
                    **facts,
                    "reads": reads,
                    "log_frequency": -number,
                    "without": 5.0,
                    "true": 5 - gain + noise,
                    "others": 5.0,
                }
            )
            matches.append({**facts, "reads": reads, "right": float(number % 2)})
        for layer in (0, 1):
            for scorer in ("model", "random"):
                right = int(layer == 1) if scorer == "model" else 0
                links.append(
                    {
                        **facts,
                        "part": ("test", "choice")[number % 2],
                        "source": "states",
                        "layer": layer,
                        "links": 2,
                        "right": 2 * right,
                        "uniform": 0.5,
                        "diagonal": 1,
                        "scorer": scorer,
                    }
                )
    return crosslingual.CrosslingualRun(variant, seed, *map(pd.DataFrame, (tokens, matches, links)))


def test_the_table_tells_what_was_put_in():
    runs = [run_of("xlm", seed, 0.2, crossed=False) for seed in range(3)]
    runs += [run_of("veco", seed, 0.5, crossed=True) for seed in range(3)]
    table = crosslingual.measures_table(runs, "xlm", candidates=10)
    table = table.set_index(["variant", "measure", "reads", "text", "words"])
    row = table.loc[("veco", "gain", "cross-attention", "all", "all")]
    assert row["value"] == pytest.approx(0.5, abs=0.04) and row["ci_low"] < 0.5 < row["ci_high"]
    assert row["delta"] == pytest.approx(0.3, abs=0.06) and row["delta_ci_low"] > 0.2 and row["p_holm"] < 0.01
    assert row["against"] == "xlm, joined" and row["pairs"] == 40 and row["seeds"] == 3
    assert table.loc[("veco", "matching", "joined", "all", "all"), "control"] == 0.1
    aligned = table.loc[("veco", "alignment", "states", "all", "all")]
    assert aligned["layer"] == 1 and aligned["value"] == 1 and aligned["control"] == 0 and aligned["pairs"] == 20
    thirds = table.loc[("veco", "gain", "joined", "all", ["rare", "middle", "frequent"]), "pairs"]
    assert 38 <= thirds.sum() <= 42 and np.isnan(table.loc[("xlm", "gain", "joined", "all", "all"), "p"])
