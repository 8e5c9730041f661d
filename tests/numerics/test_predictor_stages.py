"""A gaze predictor from training to a person's question, on a tiny encoder; and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.predictor import words as gaze_words
from scriptorium.gaze.predictor.pretrained import from_pretrained
from scriptorium.stage import execute
from scriptorium.stages import predict_gaze, train_predictor
from tests.tiny import SPECIAL, WORDS, tokenizer

SETTINGS = {
    "measures": ["n_fix", "gpt", "fix_prop"],
    "encoder": {"epochs": 1, "head_size": 4},
    "boosting": {"iterations": 3, "min_samples_leaf": 5},
}


def gaze_table(seed=0):
    generator = np.random.default_rng(seed)
    rows = [
        {
            "corpus": "fab",
            "document": f"p{document}",
            "sentence": sentence,
            "word_index": index,
            "word": generator.choice(WORDS),
            "n_fix": generator.random() * 2,
            "n_participants": 3,
            "ffd": np.nan,
            "gd": np.nan,
            "gpt": generator.random() * 300,
            "trt": np.nan,
            "fix_prop": generator.random(),
        }
        for document in range(6)
        for sentence in range(2)
        for index in range(6)
    ]
    table = pd.DataFrame(rows)
    table.loc[table["document"] == "p0", "gpt"] = np.nan  # a paragraph of which only part is known
    return table


def words_manifest(folder, table):
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / "words.parquet")
    return manifest.write(folder, [folder / "words.parquet"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("predictor")
    transformers.BertModel(
        transformers.BertConfig(
            vocab_size=len(SPECIAL) + len(WORDS),
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            max_position_embeddings=32,
        )
    ).save_pretrained(root / "encoder")
    tokenizer().save_pretrained(root / "encoder")
    backbone = manifest.write(root / "encoder", sorted((root / "encoder").iterdir()))
    inputs = {"words": [words_manifest(root / "words", gaze_table())], "backbone": [backbone]}
    for place in ("a", "b"):
        execute(
            "train_predictor",
            train_predictor.TrainPredictorSpec.parse(SETTINGS),
            train_predictor.run,
            out=root / place,
            inputs=inputs,
            state=root / ".state",
        )
    return root


def ask(trained, out, spec, **files) -> pd.DataFrame:
    inputs = {"predictor": [trained / "a/manifest.json"]} | {name: [path] for name, path in files.items()}
    execute(
        "predict_gaze",
        predict_gaze.PredictGazeSpec.parse(spec),
        predict_gaze.run,
        out=out,
        inputs=inputs,
        state=out / ".state",
    )
    return pd.read_parquet(out / "predictions.parquet")


def test_training_twice_gives_identical_files_and_no_pickle(trained):
    first, second = (manifest.read(trained / place)["files"] for place in ("a", "b"))
    assert first == second
    kinds = {entry["path"].rsplit(".")[-1] for entry in first}
    assert kinds <= {"json", "parquet", "safetensors", "txt", "jinja"}
    assert sum(entry["path"].endswith("model.safetensors") for entry in first) == 3  # a member per fold


def test_metrics_are_those_of_the_out_of_fold_table(trained):
    table = pd.read_parquet(trained / "a/predictions.parquet")
    metrics = json.loads((trained / "a/metrics.json").read_text())
    assert len(table) == 72 and np.isfinite(table["n_fix_mixed"]).all()
    for measure in SETTINGS["measures"]:
        known = table[table[measure].notna()]
        for name in ("encoder", "boosting", "mixed"):
            error = (known[measure] - known[f"{measure}_{name}"]).abs().mean()
            assert metrics[f"oof/{measure}/{name}"] == pytest.approx(error)
    assert table["gpt"].isna().sum() == 12


def test_a_text_gets_every_word_once_with_all_measures_in_range(trained, tmp_path, capsys):
    found = ask(trained, tmp_path, {"text": "Word1 word2. Word3 (word4)!\n\n  word5\tword6 ..."})
    assert found["word"].tolist() == ["Word1", "word2.", "Word3", "(word4)!", "word5", "word6", "..."]
    assert found["sentence"].tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert found["word_index"].tolist() == [0, 1, 0, 1, 0, 1, 2]
    for measure in SETTINGS["measures"]:
        assert (found[measure] >= 0).all() and (found[f"{measure}_low"] >= 0).all()
        assert (found[f"{measure}_low"] <= found[f"{measure}_high"]).all()
        assert (found[f"{measure}_members"] >= 0).all()
    assert (found[["fix_prop", "fix_prop_high"]] <= 1).all().all()
    assert found["n_fix"].nunique() > 1
    shown = capsys.readouterr().out
    assert "(word4)!" in shown and "gpt in ms" in shown
    assert pd.read_csv(tmp_path / "predictions.tsv", sep="\t", quoting=3)["word"].tolist() == found["word"].tolist()


def test_a_heat_map_stands_beside_the_numbers_and_python_reads_the_same(trained, tmp_path):
    text = "Word1 <b>word2</b>. Word3!"
    found = ask(trained, tmp_path, {"text": text})
    page = (tmp_path / "heat_map.html").read_text(encoding="utf-8")
    assert page.count("<h2>") == len(SETTINGS["measures"]) and "&lt;b&gt;word2&lt;/b&gt;." in page and "<b>" not in page
    model = from_pretrained(trained / "a")
    pd.testing.assert_frame_equal(found, model.read(text))
    assert model.measures == tuple(SETTINGS["measures"])
    with pytest.raises(UserError, match="reads English alone, not 'de'"):
        model.read(text, language="de")


def test_a_file_and_the_same_text_given_directly_agree(trained, tmp_path):
    text = "word1 word2. word3\r\nword4"
    (tmp_path / "text.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    from_file = ask(trained, tmp_path / "f", {}, text=tmp_path / "text.txt")
    pd.testing.assert_frame_equal(from_file, ask(trained, tmp_path / "d", {"text": text}))


def test_a_sentence_longer_than_the_encoder_loses_no_word_and_is_counted(trained, tmp_path):
    words = [f"word{i % 95}" for i in range(100)]
    found = ask(trained, tmp_path, {"text": " ".join(words)})
    assert found["word"].tolist() == words and np.isfinite(found["n_fix"]).all()
    events = (tmp_path / "events.jsonl").read_text()
    assert "1 sentences are longer than the encoder" in events


@pytest.mark.parametrize("word", ["\u200b", "e\u0301", "日本語", "👩‍👩‍👧", "\ufffd", "x" * 2000, "\u202eabc", "ﬁ"])
def test_odd_words_are_predicted_like_any_other(trained, tmp_path, word):
    found = ask(trained, tmp_path, {"text": f"word1 {word} word2"})
    assert found["word"].tolist() == ["word1", word, "word2"]
    assert np.isfinite(found[SETTINGS["measures"]].to_numpy()).all()


@pytest.mark.parametrize("text", ["", "  \n\t ", "\u2003\u2028"])
def test_a_blank_text_is_refused(trained, tmp_path, text):
    with pytest.raises(UserError, match="no word"):
        ask(trained, tmp_path, {"text": text})


def test_no_text_two_texts_and_no_predictor_are_refused(trained, tmp_path):
    (tmp_path / "text.txt").write_text("word1")
    with pytest.raises(UserError, match="either"):
        ask(trained, tmp_path, {})
    with pytest.raises(UserError, match="either"):
        ask(trained, tmp_path, {"text": "word1"}, text=tmp_path / "text.txt")
    (tmp_path / "text.txt").write_bytes(b"caf\xe9")
    with pytest.raises(UserError, match="line 1: not UTF-8"):
        ask(trained, tmp_path, {}, text=tmp_path / "text.txt")
    with pytest.raises(UserError, match="not a gaze predictor"):
        execute(
            "predict_gaze",
            predict_gaze.PredictGazeSpec(text="word1"),
            predict_gaze.run,
            out=tmp_path / "o",
            inputs={"predictor": [trained / "encoder/manifest.json"]},
            state=tmp_path / ".state",
        )
    with pytest.raises(UserError, match="lone surrogate"):
        predict_gaze.PredictGazeSpec.from_json('{"text": "\\ud800"}')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="gpt"), "columns missing: gpt"),
        (lambda t: t.assign(gpt=np.nan), "no word has a gpt"),
        (lambda t: t.assign(fix_prop=t["fix_prop"].where(t.index != 7, 1.5)), "fix_prop of word fab/p0/1/1 is 1.5"),
        (lambda t: t.assign(n_fix=t["n_fix"].where(t.index != 0, -1.0)), "n_fix of word fab/p0/0/0 is -1.0"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "fab/p0/0/0 occurs twice"),
        (lambda t: t.iloc[:0], "no word to train on"),
    ],
)
def test_faulty_gaze_tables_are_refused(tmp_path, change, message):
    path = words_manifest(tmp_path, change(gaze_table()))
    with pytest.raises(UserError, match=message):
        gaze_words.read([path], SETTINGS["measures"])


def test_documents_are_never_split_between_folds():
    table = gaze_table()
    fold = gaze_words.folds(table, 0, 3)
    document = table.drop_duplicates(["document", "sentence"])["document"].to_numpy()
    assert len(fold) == 12 and set(fold) == {0, 1, 2}
    assert all(len(set(fold[document == name])) == 1 for name in set(document))
    with pytest.raises(UserError, match="cannot make 7 folds"):
        gaze_words.folds(table, 0, 7)
