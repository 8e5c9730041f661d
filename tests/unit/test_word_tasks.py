"""Proves that tasks with a label per word are read as published, scaled by train alone, and have their baselines."""

from __future__ import annotations

import gzip
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from seqeval.metrics import f1_score

from scriptorium.errors import UserError
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.readers.conll import to_iob2
from tests.own_data import own
from tests.raw import Raw

TAGS = ("O", "B-NP", "I-NP", "B-VP", "I-VP")
ENTITIES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
MEASURES = (
    "n_fix",
    "first_fix_dur",
    "first_pass_dur",
    "total_fix_dur",
    "mean_fix_dur",
    "fix_prob",
    "n_refix",
    "reread_prob",
)


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def conll(raw: Raw, files: dict, labels: tuple[str, ...] = TAGS, **options) -> dict[str, pd.DataFrame]:
    options = {"task": "chunking", **options}
    made = raw.task("conll", files, kind="tagging", labels=labels, options=options)
    for frame in made.values():
        frame["tags"] = frame["label"].map(lambda label: [labels[tag] for tag in label])
    return made


def sentences(name: str, count: int, line: str = "{word} NN B-NP") -> str:
    return "\n".join(line.format(word=f"{name}{n}") + "\nruns VB B-VP\n" for n in range(count))


# --- CoNLL --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_chunks_of_conll_2000_are_read_and_validation_is_cut_from_train(raw, packed):
    test = "He PRP B-NP\nsaw VB B-VP\nthe DT B-NP\nsea NN I-NP\n. . O\n\n\nGo VB B-VP"
    files = {"train.txt": sentences("w", 20), "test.txt": test, "README": "not read"}
    if packed:
        files = {f"{name}.gz": gzip.compress(content.encode()) for name, content in files.items()}
    made = conll(raw, files)
    assert {name: len(frame) for name, frame in made.items()} == {"train": 18, "validation": 2, "test": 2}
    found = dict(zip(made["test"]["text"], made["test"]["tags"], strict=True))
    assert found == {"He saw the sea .": ["B-NP", "B-VP", "B-NP", "I-NP", "O"], "Go": ["B-VP"]}
    assert made["test"]["label"].iloc[0].dtype == np.int64
    assert not set(made["train"]["text"]) & set(made["validation"]["text"])
    assert any("2 of 20 train examples became it" in note for note in raw.events("note"))


def test_entities_of_conll_2003_are_the_last_column_and_become_iob2(raw):
    def content(word: str) -> str:
        return (
            f"-DOCSTART- -X- -X- O\n\n{word} NNP I-NP I-PER\nSmith NNP I-NP I-PER\nRome NNP I-NP I-LOC\n"
            "Paris NNP I-NP B-LOC\nis VB I-VP O\n"
        )

    files = {f"eng.{name}": content(f"Ann{name}") for name in ("train", "testa", "testb")}
    made = conll(raw, files, ENTITIES, task="ner")
    assert {name: list(frame["text"]) for name, frame in made.items()} == {
        "train": ["Anntrain Smith Rome Paris is"],
        "validation": ["Anntesta Smith Rome Paris is"],
        "test": ["Anntestb Smith Rome Paris is"],
    }
    assert made["test"]["tags"].iloc[0] == ["B-PER", "I-PER", "B-LOC", "B-LOC", "O"]
    assert any("6 tags I- that open a chunk were read as B-" in note for note in raw.events("note"))


def test_iob2_stays_itself_and_iob1_gives_the_same_chunks():
    iob1 = ["I-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-LOC", "I-PER"]
    iob2 = ["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-LOC", "B-PER"]
    assert to_iob2(iob1) == iob2 == to_iob2(iob2)
    assert to_iob2([]) == []


def test_the_language_chooses_among_files(raw):
    files = {f"{lang}.{name}": f"{lang}{name} N O\n" for lang in ("esp", "ned") for name in ("train", "testa", "testb")}
    made = conll(raw, files, ENTITIES, task="ner", language="ned")
    assert [frame["text"].tolist() for frame in made.values()] == [["nedtrain"], ["nedtesta"], ["nedtestb"]]
    with pytest.raises(UserError, match=r"files of more than one data set.*\n.*options\.language"):
        conll(raw, files, ENTITIES, task="ner")


GOOD = "a N B-NP\n"


@pytest.mark.parametrize(
    ("files", "options", "part"),
    [
        (
            {"train.txt": "a N B-NP\nb N\n", "test.txt": GOOD},
            {},
            r"train\.txt, line 2: expected one word and its tags "
            r"in 3 columns, got 'b N'",
        ),
        ({"train.txt": "a N B-NP I-NP\n", "test.txt": "b N B-NP X X\nc\n"}, {}, r"test\.txt, line 2: expected"),
        ({"train.txt": "a B-NP\n", "test.txt": GOOD}, {}, r"train\.txt, line 1: expected one word .* 3 columns"),
        (
            {"train.txt": "a N B-XP\nb N I-XP\n", "test.txt": GOOD},
            {},
            r"labels: B-XP, I-XP\n.*set labels: \[O, B-NP, I-NP, B-VP, I-VP, B-XP, I-XP\]",
        ),
        ({"train.txt": GOOD}, {}, "no test file among train.txt"),
        ({"test.txt": GOOD}, {}, "no train file among test.txt"),
        ({"train.txt": GOOD, "test.txt": b"na\xefve N O\n"}, {}, r"test\.txt, line 1: not UTF-8"),
        ({"train.txt": GOOD, "test.txt": GOOD}, {"task": "pos"}, "options.task: unknown value 'pos'"),
        ({"train.txt": GOOD, "test.txt": GOOD}, {"language": "esp"}, "no train file of language 'esp' among"),
    ],
)
def test_faulty_tag_files_are_refused(raw, files, options, part):
    with pytest.raises(UserError, match=part) as caught:
        conll(raw, files, **options)
    assert "remedy:" in str(caught.value) or "valid names" in str(caught.value)


def test_reader_of_tags_is_refused_for_other_kinds(raw):
    with pytest.raises(UserError, match="gives a tag per word, kind: tagging, not classification"):
        raw.task("conll", {"train.txt": GOOD}, labels=TAGS, options={"task": "chunking"})


def test_the_majority_tag_of_a_word_is_the_baseline_of_tagging(raw):
    train = sentences("w", 20) + "\nruns VB B-VP\nruns VB B-VP\n"
    test = "w3 NN B-NP\nran VB O\n\nnew NN B-NP\nruns VB B-VP\n"
    files = {"train.txt": train, "valid.txt": "Go VB B-VP\n", "test.txt": test}
    conll(raw, files)
    found = json.loads((raw.root / "out/baselines.json").read_text(encoding="utf-8"))
    # `ran` and `new` are unknown, and B-VP is the most frequent tag of all
    known = {"w3": "B-NP", "runs": "B-VP", "ran": "B-VP", "new": "B-VP"}
    true = [["B-NP", "O"], ["B-NP", "B-VP"]]
    guess = [[known[word] for word in words] for words in (["w3", "ran"], ["new", "runs"])]
    assert found["word_majority/accuracy"] == 0.5
    assert found["word_majority/f1"] == pytest.approx(f1_score(true, guess))
    assert {"baseline/word_majority/f1": found["word_majority/f1"]}.items() <= raw.events("metrics")[-1].items()


def test_the_majority_baseline_knows_train_only():
    train = pd.DataFrame({"text": ["a b a"], "label": [("O", "B-X", "O")]})
    test = pd.DataFrame({"text": ["b c"], "label": [("B-X", "B-Y")]})
    found = kind_of("tagging").baselines(train, test, ("O", "B-X", "B-Y"))
    assert found["word_majority/accuracy"] == 0.5


# --- eye-tracking prediction --------------------------------------------------------------------------------------


def reading(raw: Raw, content: str | bytes, labels=("n_fix", "trt"), name="words.csv", **settings):
    return raw.task("eye_tracking", {name: content}, kind="gaze", labels=labels, **settings)


def words_table(count: int, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    rows = ["sentence_id,word_id,word,n_fix,trt"]
    for s in range(count):
        for w, word in enumerate(("The", f"word{s}", '"ends",')[: 2 + s % 2]):
            cell = '"""ends"","' if "," in word else word
            rows.append(f"{s},{w},{cell},{rng.integers(0, 9)},{rng.uniform(100, 900):.3f}")
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("packed", [False, True])
def test_measures_are_scaled_to_0_100_by_train_alone_and_split_90_5_5(raw, packed):
    content = words_table(100)
    made = reading(raw, gzip.compress(content.encode()) if packed else content, name="w.csv.gz" if packed else "w.csv")
    assert {name: len(frame) for name, frame in made.items()} == {"train": 90, "validation": 5, "test": 5}
    train = np.concatenate([np.stack(label) for label in made["train"]["label"]])
    assert train.dtype == np.float32 and train.shape[1] == 2
    assert train.min(axis=0).tolist() == [0, 0] and train.max(axis=0).tolist() == [100, 100]
    scaler = json.loads((raw.root / "out/scaler.json").read_text(encoding="utf-8"))
    lines = pd.read_csv(raw.root / "set" / ("w.csv.gz" if packed else "w.csv"))
    for frame in made.values():  # back to the source's numbers
        for row in frame.itertuples():
            own = lines[lines["sentence_id"] == int(row.id.split("-")[1])]
            assert row.text == " ".join(own["word"])
            for i, name in enumerate(("n_fix", "trt")):
                low, high = scaler[name]["min"], scaler[name]["max"]
                back = np.stack(row.label)[:, i] / 100 * (high - low) + low
                assert back == pytest.approx(own[name].to_numpy(), rel=1e-4, abs=1e-3)


def test_all_readings_of_a_sentence_are_in_one_split_and_none_is_lost(raw):
    rows = [f"{s},{w},{word},{s % 7},{s}.5" for s in range(120) for w, word in enumerate(("It", f"was{s // 2}"))]
    made = reading(raw, "sentence_id,word_id,word,n_fix,trt\n" + "\n".join(rows) + "\n")
    assert sum(len(frame) for frame in made.values()) == 120
    texts = [set(frame["text"]) for frame in made.values()]
    assert not any(a & b for a, b in itertools.combinations(texts, 2))
    again = reading(raw, "sentence_id,word_id,word,n_fix,trt\n" + "\n".join(rows) + "\n", split_seed=1)
    assert set(again["test"]["id"]) != set(made["test"]["id"])


HEADER = "sentence_id,word_id,word,n_fix,trt\n"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (HEADER + "0,0,Go,1,2\n0,2,on,1,2\n", r"words\.csv, row 3: word_id is 2 where 1 was expected in sentence 0"),
        (HEADER + "0,1,Go,1,2\n", r"words\.csv, row 2: word_id is 1 where 0 was expected"),
        (HEADER + "0,0,Go,1,2\n1,0,on,1,2\n0,0,Go,1,2\n", r"words\.csv, row 4: sentence_id 0 is there twice"),
        (HEADER + "0,0,Go on,1,2\n", r"words\.csv, row 2: 'Go on' is not one word"),
        (HEADER + "0,0, ,1,2\n", r"words\.csv, row 2: '' is not one word"),
        (HEADER + "0,0,Go,one,2\n", r"words\.csv, row 2: n_fix is 'one', not a number"),
        (HEADER.replace("trt", "TRT") + "0,0,Go,1,2\n", r"words\.csv: column 'trt' is missing"),
        (HEADER + "".join(f"{s},0,w{s},3,{s}\n" for s in range(40)), "measure 'n_fix' is 3 for every word of train"),
    ],
)
def test_faulty_reading_tables_are_refused_with_file_and_row(raw, content, part):
    with pytest.raises(UserError, match=part):
        reading(raw, content)


def test_a_damaged_archive_is_refused(raw):
    whole = gzip.compress(words_table(100).encode())
    for content in (whole[: len(whole) // 2], b"no gzip"):
        with pytest.raises(UserError, match=r"w\.csv\.gz: cannot be read: .*\n.*remedy"):
            reading(raw, content, name="w.csv.gz")


def test_sentences_with_what_is_not_one_word_are_left_out_if_asked_for(raw):
    content = words_table(100).replace("word7,", "word 7,").replace("word8,", "word 8,")
    made = reading(raw, content, options={"skip_broken": True})
    assert sum(len(frame) for frame in made.values()) == 98
    assert any("2 sentences left out" in note for note in raw.events("note"))


# --- real data ----------------------------------------------------------------------------------------------------


def real(*names: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in own(names[0]).glob(names[1] if len(names) > 1 else "*")}


CHUNKS = ("ADJP", "ADVP", "CONJP", "INTJ", "LST", "NP", "PP", "PRT", "SBAR", "UCP", "VP")
CHUNK_TAGS = ("O", *(f"{place}-{chunk}" for chunk in CHUNKS for place in "BI"))
NER_TAGS = ("O", *(f"{place}-{name}" for name in ("PER", "ORG", "LOC", "MISC") for place in "BI"))


def test_real_conll_2000_has_its_published_size(raw):
    made = conll(raw, real("conll2000"), CHUNK_TAGS)
    assert len(made["test"]) == 2012 and made["test"]["label"].map(len).sum() == 47377
    dropped = int(next(note for note in raw.events("note") if "left out" in note).split(" of ")[0])
    assert len(made["train"]) + len(made["validation"]) + dropped == 8936


@pytest.mark.parametrize(("language", "test"), [("esp", 1517), ("ned", 5195)])
def test_real_conll_2002_has_its_published_size(raw, language, test):
    made = conll(raw, real("conll2002"), NER_TAGS, task="ner", language=language)
    assert len(made["test"]) == test
    assert (made["test"]["text"].str.split().map(len) == made["test"]["label"].map(len)).all()


def test_baselines_of_real_zuco_are_where_the_literature_saw_them(raw):
    """Papers/cogbert 8.3: 89.05, 89.21 and 92.96 on another cut of the corpus; here to within a point."""
    reading(raw, real("zuco_words_raw")["zuco_words.csv"], MEASURES)
    found = json.loads((raw.root / "out/baselines.json").read_text(encoding="utf-8"))
    accuracy = {name: found[f"{name}/accuracy"] for name in ("mean", "median", "word_length")}
    assert accuracy == pytest.approx({"mean": 89.05, "median": 89.21, "word_length": 92.96}, abs=1)
