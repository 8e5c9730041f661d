"""Words and texts are found, spread and linked as computed by hand; an encoder's vectors are those of each text alone,
whatever its tokenizer; a stopped run ends with the same bytes; and the table tells what was put in."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from scriptorium import manifest
from scriptorium.alignments import linked
from scriptorium.crosslingual.held_out import Pair, Text
from scriptorium.errors import Interrupted, UserError
from scriptorium.reporting import vectors as reporting
from scriptorium.stage import execute
from scriptorium.stages import measure_vectors, tabulate_vectors
from scriptorium.vectors import embedding, encoders, layers, measures, projection, sentences, texts, words
from scriptorium.vectors.spec import MeasureVectorsSpec, VectorsSettings
from tests import tiny, veco

HALF, PAIRS = len(tiny.WORDS) // 2, 24
TOKENIZER = tiny.tokenizer()


def pair(name: str, german: list[str], english: list[str]) -> Pair:
    sides = (Text((0,), tuple((form, 0, 1) for form in forms)) for forms in (german, english))
    return Pair(name, ("de", "en"), tuple(sides))


POOL = [
    pair("p0", ["haus", "rot", "anna"], ["house", "red", "anna"]),
    pair("p1", ["haus", "gebäude"], ["building", "house"]),
    pair("p2", ["hund", "katze"], ["dog", "red"]),
]
TABLE = {"haus": {"house", "building"}, "rot": {"red"}, "anna": {"anna"}, "hund": {"dog"}, "gebäude": {"building"}}


def test_words_are_found_as_by_hand():
    asked = words.asked(POOL, 0, {key: frozenset(own) for key, own in TABLE.items()})
    # anna stands on both sides, nothing is said of katze; offered are house, red, building, house, dog, red
    assert asked.rows.tolist() == [0, 1, 3, 4, 5] and asked.pairs.tolist() == [0, 0, 1, 1, 2]
    assert asked.offered.tolist() == [0, 1, 3, 4, 5, 6]
    assert asked.strict.astype(int).tolist() == [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 0],
    ]
    assert asked.by_type.astype(int)[0].tolist() == [1, 0, 1, 1, 0, 0]
    assert asked.by_type.astype(int)[1].tolist() == [0, 1, 0, 0, 0, 1]
    others = np.eye(7)
    own = np.zeros((7, 7))
    own[0, 4] = 1  # haus of p0 finds the house of p1: by type alone
    own[1, 1] = 1  # rot finds the red of its own sentence
    own[3] = np.nan  # a word that the model did not read
    own[4, 2] = 1  # gebäude is nearest to what is not offered, so to nothing, and the first of equals is house
    own[5, 5] = 1
    strict, by_type = words.hits(asked, own, others)
    assert strict.tolist() == [False, True, False, False, True]
    assert by_type.tolist() == [True, True, False, False, True]


def test_random_vectors_find_what_chance_says():
    generator = np.random.default_rng(0)
    pool = [
        pair(f"p{n}", [f"d{w}" for w in own], [f"e{w}" for w in own])
        for n, own in enumerate(generator.integers(20, size=(40, 5)))
    ]
    asked = words.asked(pool, 0, {f"d{w}": frozenset({f"e{w}"}) for w in range(20)})
    hits = np.mean([words.hits(asked, *generator.normal(size=(2, 200, 8))) for _ in range(40)], axis=(0, 2))
    chance = asked.strict.mean(), asked.by_type.mean()
    assert chance[0] < 0.008 and chance[1] > 0.04
    assert hits == pytest.approx(chance, rel=0.35)


def test_alignment_and_uniformity_are_as_by_hand():
    x, y = np.array([[1.0, 0], [0, 1], [-1, 0]]), np.array([[1.0, 0], [1, 0], [0, 1]])
    own, others = sentences.distances(x, y)
    assert own.tolist() == [0, 2, 2]
    assert others[0] == pytest.approx((0 + 2 + 2 + 4) / 4)  # x0 with y1, y2; y0 with x1, x2
    # |x0-x1|^2 = 2, |x0-x2|^2 = 4, |x1-x2|^2 = 2
    mean = (2 * np.exp(-4) + np.exp(-8)) / 3
    found = sentences.potentials(x)
    assert found.mean() == pytest.approx(mean)
    sums = np.array([found.sum(), 3, 0, 0])
    assert measures.MEASURES[measures.UNIFORMITY].of(sums) == pytest.approx(np.log(mean))
    # a pseudo-value: 3 times the mean of all pairs minus 2 times that without text 1, the pair of texts 0 and 2
    assert found[1] == pytest.approx(3 * mean - 2 * np.exp(-8))
    same = np.tile([1.0, 0], (5, 1))
    assert measures.MEASURES[measures.UNIFORMITY].of(np.array([sentences.potentials(same).sum(), 5, 0, 0])) == 0


def test_the_interval_of_uniformity_is_not_too_narrow():
    """Its spread over new samples is what the pseudo-values of one sample say, where plain means say half."""
    generator = np.random.default_rng(1)
    samples = generator.normal(size=(300, 40, 3)) + np.array([1.0, 0, 0])
    samples /= np.linalg.norm(samples, axis=-1, keepdims=True)
    found = np.stack([sentences.potentials(own) for own in samples])
    told = np.sqrt(found.var(axis=1, ddof=1).mean() / 40)
    assert told == pytest.approx(found.mean(1).std(ddof=1), rel=0.15)


def test_a_plane_shows_what_varies_most_and_is_not_turned_by_chance():
    generator = np.random.default_rng(2)
    x = generator.normal(size=(30, 5)) * [0.1, 3, 0.1, 1, 0.1]
    places, others, share = projection.plane(x, x + np.array([0, 0, 0, 0, 1e-3]))
    assert share > 0.98 and np.allclose(places, others, atol=1e-3)
    assert np.allclose(np.abs(np.corrcoef(places[:, 0], x[:, 1])[0, 1]), 1, atol=0.01)
    again, *_ = projection.plane(x[:, ::-1], x[:, ::-1])
    assert np.allclose(np.abs(again), np.abs(places), atol=1e-2)
    assert projection.plane(np.ones((3, 2)), np.ones((3, 2)))[2] == 0


def test_words_are_those_of_the_text_whatever_the_tokenizer_makes_of_them():
    spans = texts._spans("Don't buy-in, it's 5 o'clock; ...")
    assert [("Don't buy-in, it's 5 o'clock; ..."[a:b]) for a, b in spans] == ["Don't", "buy-in", "it's", "5", "o'clock"]
    text = "word1-word2 word3."
    given = [texts.Translation("t", ("de", "en"), (text, text), (texts._spans(text),) * 2)]
    (made,) = texts.encoded(given, TOKENIZER, 40)
    # [CLS] word1 - word2 word3 . [SEP]: the pieces of the first word are three
    assert made.texts[0].words == (("word1-word2", 1, 4), ("word3", 4, 5)) and len(made.texts[0].pieces) == 7
    (cut,) = texts.encoded(given, TOKENIZER, 4)
    assert cut.texts[0].words == (("word1-word2", 1, 3), ("word3", 0, 0))


def built(root, seed: int = 0, **settings):
    """A random VECO model for which word n + HALF means what word n does, without positions, as training leaves it."""
    torch.manual_seed(seed)
    model = veco.model(**settings).float()
    with torch.no_grad():
        table = model.roberta.embeddings.word_embeddings.weight
        first = TOKENIZER.convert_tokens_to_ids(tiny.WORDS[0])
        table[first + HALF : first + 2 * HALF] = table[first : first + HALF]
        model.roberta.embeddings.position_embeddings.weight.zero_()
    folder = root / f"pretrain{seed}"
    model.save_pretrained(folder / "model")
    TOKENIZER.save_pretrained(folder / "model")
    return manifest.write(folder, sorted((folder / "model").iterdir()))


def drawn(count: int = PAIRS) -> list[tuple[list[int], str, str]]:
    """Sentences and their translations, word by word in another order: (place of each word, German, English)."""
    generator, found = np.random.default_rng(5), []
    for _ in range(count):
        chosen = generator.choice(HALF, generator.integers(4, 9), replace=False)
        order = generator.permutation(len(chosen))
        german, english = (
            " ".join(tiny.WORDS[n + shift] for n in own) for own, shift in ((chosen, HALF), (chosen[order], 0))
        )
        found.append((np.argsort(order).tolist(), german, english))
    return found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("vectors")
    rows = [(f"p{n}", "validation", "de", "en", *both) for n, (_, *both) in enumerate(drawn())]
    gold = []
    for n, (order, *both) in enumerate(drawn()):
        spans = [texts._spans(text).tolist() for text in both]
        links = [[place, other] for place, other in enumerate(order)]
        gold.append((f"g{n}", "de", "en", *both, *spans, links, links))
    for name in ("parallel", "dictionary", "gold"):
        (root / name).mkdir()
    pd.DataFrame(rows, columns=["id", "split", "lang_a", "lang_b", "text_a", "text_b"]).to_parquet(
        root / "parallel/pairs.parquet"
    )
    entries = [("de", "en", tiny.WORDS[n + HALF], tiny.WORDS[n]) for n in range(HALF)]
    pd.DataFrame(entries, columns=["lang_a", "lang_b", "word_a", "word_b"]).to_parquet(
        root / "dictionary/entries.parquet"
    )
    linked.write(gold, root / "gold")
    for name in ("parallel", "dictionary", "gold"):
        manifest.write(root / name, list((root / name).iterdir()))
    pairs = {name: [root / name / "manifest.json"] for name in ("parallel", "dictionary")}
    weights = {"mlm": 1, "ca": 1, "tlm": 1}
    return {
        "model": built(root, weights=weights),
        "start": built(root, 1, weights=weights),
        "pairs": pairs,
        "gold": {"alignments": [root / "gold/manifest.json"]},
    }


def run(root, place: str, given: dict, state: str = "state", **settings):
    spec = MeasureVectorsSpec.parse({"pairs": 20, **settings})
    out = root / "results/vectors" / place
    execute("measure_vectors", spec, measure_vectors.run, out=out, inputs=given, state=root / state)
    return out, json.loads((out / "metrics.json").read_text())


def test_words_with_equal_states_are_found_and_a_stopped_run_ends_with_the_same_bytes(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("scriptorium.vectors.measuring.CHUNK", 7)
    given = {"model": [inputs["model"]], "start": [inputs["start"]], **inputs["pairs"]}
    out, metrics = run(tmp_path, "veco/held-out/seed0", given)
    # the first layer's states are those of the words alone, and each word has its translation's
    assert metrics["model/word_in_context/de-en/both/states"] > 0.5
    assert metrics["model/word_by_type/de-en/de_to_en/states"] == 1 == metrics["start/word_by_type/de-en/both/states"]
    assert metrics["random/word_by_type/de-en/both/states"] < 0.3
    assert metrics["model_chance/word_in_context/de-en/both/states"] < 0.05
    assert (
        metrics["model/alignment_of_texts/de-en/both/states"]
        < metrics["model_chance/alignment_of_texts/de-en/both/states"]
    )
    sums, points = pd.read_parquet(out / "sums.parquet"), pd.read_parquet(out / "points.parquet")
    assert set(sums["scorer"]) == {f"{name}{more}" for name in ("model", "random", "start") for more in ("", " chance")}
    assert len(points) == 3 * 2 * 20 and set(points["language"]) == {"de", "en"}
    both = sums[(sums["measure"] == measures.STRICT) & (sums["scorer"] == "model") & (sums["layer"] == 0)]
    directions = both.groupby("direction")["s1"].sum()
    assert directions["both"] == directions["de to en"] + directions["en to de"] > 100
    calls, real = [], embedding.vectors

    def stopping(*arguments):
        calls.append(1)
        if len(calls) == 8:
            raise Interrupted("stopped")
        return real(*arguments)

    monkeypatch.setattr(embedding, "vectors", stopping)
    with pytest.raises((Interrupted, SystemExit)):
        run(tmp_path, "veco/cut/seed0", given, "other")
    cut, _ = run(tmp_path, "veco/cut/seed0", given, "other")
    assert len(calls) == 3 * 2 * 3 + 2  # three encoders, three chunks, two sides; the stopped chunk once more
    for name in ("sums.parquet", "points.parquet", "metrics.json"):
        assert (out / name).read_bytes() == (cut / name).read_bytes()


def test_links_of_equal_words_have_no_error_and_attention_is_read_too(inputs, tmp_path):
    out, metrics = run(tmp_path, "veco/gold/seed0", {"model": [inputs["model"]], **inputs["gold"]})
    for direction in ("de_to_en", "en_to_de", "both"):
        assert metrics[f"model/AER/de-en/{direction}/states"] == pytest.approx(0)
        assert metrics[f"model/recall/de-en/{direction}/states"] == 1
    assert metrics["random/AER/de-en/both/states"] > 0.3 and metrics["model_chance/AER/de-en/both/states"] > 0.3
    rows = pd.read_parquet(out / "sums.parquet")
    attention = rows[(rows["reads"] == "attention") & (rows["measure"] == "AER") & (rows["scorer"] == "model")]
    assert set(attention["layer"]) == {1, 2, 3} and (attention["s0"] > 0).any()
    assert (
        attention.loc[attention["direction"] == "de to en", "s0"]
        == attention.loc[attention["direction"] == "de to en", "s3"]
    ).all()
    assert set(rows["part"]) == {"choice", "test"}
    _, given = run(tmp_path, "veco/named/seed0", {"model": [inputs["model"]], **inputs["gold"]}, layer=-1)
    assert given["model/AER/de-en/both/states"] >= metrics["model/AER/de-en/both/states"]
    with pytest.raises(UserError, match=r"layer 4 of an encoder of 3 layers[\s\S]*choose 0"):
        run(tmp_path, "veco/bad/seed0", {"model": [inputs["model"]], **inputs["gold"]}, layer=4)


def test_padding_changes_no_vector(inputs):
    model = encoders.load(inputs["model"].parent / "model")
    assert type(model).__name__ == "VecoModel"
    translations = texts.held_out(
        inputs["pairs"]["parallel"][0].parent / "pairs.parquet", VectorsSettings(pairs=9), {("de", "en")}
    )
    given = [each.texts[0] for each in texts.encoded(translations, TOKENIZER, 40)]
    together = embedding.vectors(model, given, TOKENIZER.pad_token_id)
    alone = [embedding.vectors(model, [text], TOKENIZER.pad_token_id) for text in given]
    for name in (embedding.WORDS, embedding.TEXTS):
        assert np.allclose(together[name], np.concatenate([own[name] for own in alone], axis=1), atol=1e-5)
    assert np.allclose(np.linalg.norm(together[embedding.WORDS], axis=-1), 1)


def test_texts_that_do_not_fit_and_foreign_dictionaries_are_told(inputs, tmp_path):
    given = {"model": [inputs["model"]], **inputs["pairs"]}
    with pytest.raises(UserError, match="0 pairs of de-en have 200 to 300 characters on both sides, 4 are the least"):
        run(tmp_path, "veco/long/seed0", given, shortest=200)
    with pytest.raises(UserError, match="no held-out pairs in the languages of the dictionary: en-fr"):
        texts.held_out(inputs["pairs"]["parallel"][0].parent / "pairs.parquet", VectorsSettings(), {("en", "fr")})
    (tmp_path / "foreign").mkdir()
    pd.DataFrame([("de", "en", "Hund", "dog")], columns=["lang_a", "lang_b", "word_a", "word_b"]).to_parquet(
        tmp_path / "foreign/entries.parquet"
    )
    foreign = manifest.write(tmp_path / "foreign", [tmp_path / "foreign/entries.parquet"])
    with pytest.raises(UserError, match="no entry has its words in the de and en texts: the dictionary has 'Hund'"):
        run(tmp_path, "veco/foreign/seed0", {**given, "dictionary": [foreign]})


def fabricated(variant: str, seed: int, share: float, *, plugged: bool = False) -> reporting.VectorsRun:
    """A run of 40 pairs with ten words each, of which a share is found, in layer 1 of two, and a tenth elsewhere."""
    generator, rows = np.random.default_rng([seed, int(share * 100)]), []
    for reads in ("states", "attention") if plugged else ("states",):
        for layer in (0, 1, 2):
            for scorer, mean in (("random", 0.05), ("model", share if layer == 1 else 0.1), ("model chance", 0.01)):
                for number in range(40):
                    found = generator.binomial(10, mean)
                    for direction in ("de to en", "both"):
                        facts = (
                            measures.STRICT,
                            "de-en",
                            direction,
                            reads,
                            layer,
                            ("test", "choice")[number % 2],
                            scorer,
                        )
                        rows.append((*facts, f"p{number}", found, 10.0, 0.0, 0.0))
    sums = pd.DataFrame(rows, columns=[*measures.KEYS, *measures.SUMS])
    points = [
        {
            "scorer": scorer,
            "languages": "de-en",
            "pair": f"p{n}",
            "language": language,
            "x": n,
            "y": n * n % 7,
            "share": 0.5,
        }
        for scorer in ("random", "model")
        for language in ("de", "en")
        for n in range(20)
    ]
    return reporting.VectorsRun(variant, "set", seed, sums, pd.DataFrame(points))


def test_the_table_tells_what_was_put_in():
    runs = [fabricated("xlm", seed, 0.4) for seed in range(3)] + [
        fabricated("veco", seed, 0.7, plugged=True) for seed in range(3)
    ]
    runs.append(fabricated("e5", 0, 0.9))
    made = reporting.vectors_table(runs, "xlm", {"set": None})
    assert len(made) == (3 + 6 + 3) * 2 and made.groupby(["variant", "reads", "direction"])["counts"].sum().eq(1).all()
    counting = made[made["counts"]].set_index(["variant", "reads", "direction"])
    assert (counting["layer"] == 1).all() and (counting["pairs"] == 20).all()
    row = counting.loc[("veco", "attention", "both")]
    assert row["value"] == pytest.approx(0.7, abs=0.05) and row["ci_low"] < 0.7 < row["ci_high"]
    assert row["delta"] == pytest.approx(0.3, abs=0.08) and row["p_holm"] < 0.05 and row["verdict"] == "better"
    assert row["control"] == pytest.approx(0.05, abs=0.03) and row["chance"] == pytest.approx(0.01, abs=0.01)
    assert row["against"] == "xlm, states" and row["seeds"] == 3
    assert counting.loc[("xlm", "states", "both"), "verdict"] == "baseline"
    assert counting.loc[("e5", "states", "both"), "verdict"] == "one seed: no verdict"
    assert np.isnan(counting.loc[("veco", "states", "de to en"), "p"])  # its family is that of both directions
    named = reporting.vectors_table(runs, "xlm", {"set": -1})
    assert (named.loc[named["counts"], "layer"] == 2).all()
    other = fabricated("veco", 3, 0.7)
    other.sums.loc[other.sums["pair"] == "p3", "pair"] = "p99"
    with pytest.raises(UserError, match="veco, seed 3, was asked about other pairs"):
        reporting.vectors_table([*runs, other], "xlm", {"set": None})


def test_the_layer_of_the_error_rate_is_that_of_the_least_errors_and_counts_for_all_its_measures():
    rows = []
    for layer, made in enumerate(([4, 1, 1, 4], [4, 3, 3, 4], [9, 4, 4, 4])):
        for measure in ("AER", "precision", "recall"):
            rows += [
                (measure, "de-en", "both", "states", layer, part, "model", "p", *made) for part in ("choice", "test")
            ]
    sums = pd.DataFrame(rows, columns=[*measures.KEYS, *measures.SUMS])
    assert layers.counting(sums, None) == {(name, "de-en", "states"): 1 for name in ("AER", "precision", "recall")}
    assert layers.counting(sums, 0)["AER", "de-en", "states"] == 0


def test_table_and_figure_are_made_twice_with_the_same_bytes(inputs, tmp_path, monkeypatch):
    runs = []
    for number, (variant, model) in enumerate((("xlm", "start"), ("veco", "model"))):
        for name, own in (("gold", inputs["gold"]), ("pairs", inputs["pairs"])):
            out, _ = run(tmp_path, f"{variant}/{name}/seed0", {"model": [inputs[model]], **own}, f"state{number}{name}")
            runs.append(out / "manifest.json")
    spec = tabulate_vectors.TabulateVectorsSpec(baseline="xlm", layers={"gold": None, "pairs": None})
    names = {"table": "t.tsv", "figure": "f.svg"}
    first, again = tiny.run_twice(tabulate_vectors, spec, {"runs": runs}, names, tmp_path, monkeypatch)
    assert first == again and first["figure"].count(b"after pre-training") == 4
    made = pd.read_csv(tmp_path / "a/t.tsv", sep="\t")
    assert set(made["measure"]) == set(measures.MEASURES) and set(made["set"]) == {"gold", "pairs"}
    assert made[["value", "ci_low", "ci_high", "control"]].notna().all().all()
