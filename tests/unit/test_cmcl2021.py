"""The CMCL 2021 benchmark: its reader, its measure, and the comparison of two models."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.predictor import cmcl2021 as evaluation
from scriptorium.gaze.readers import cmcl2021
from tests.own_data import own
from tests.raw import Raw

HEAD = "sentence_id,word_id,word,nFix,FFD,GPT,TRT,fixProp\n"
TRAIN = HEAD + "0,0,Once,10,1,2,3,50\n0,1,more.<EOS>,20.5,2,3,4,75\n1,0,null<EOS>,0,0,0,0,0\n"
VALID = HEAD + "7,0,Never<EOS>,30,3,4,5,100\n"
MEASURES = tuple(cmcl2021.MEASURES)


def parts_of(folder: Path, files: dict[str, str]) -> dict[str, pd.DataFrame]:
    raw = Raw(folder)
    return cmcl2021.read_parts(raw.add(files), raw.ledger)


def test_the_end_mark_is_no_part_of_the_last_word(tmp_path):
    parts = parts_of(tmp_path, {"train.csv": TRAIN, "valid.csv": VALID})
    assert parts["train"]["word"].tolist() == ["Once", "more.", "null"]  # and "null" is a word
    assert parts["train"]["document"].tolist() == ["0", "0", "1"]
    assert parts["train"][list(MEASURES)].iloc[1].tolist() == [20.5, 2, 3, 4, 75]
    assert parts["valid"]["word"].tolist() == ["Never"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train.csv": TRAIN}, "there is no valid.csv"),
        (
            {"train.csv": TRAIN, "valid.csv": VALID.replace("7,0", "1,0")},
            r"valid.csv, row 2: document '000001', sentence 0 has word 0 twice.*train.csv, row 4",
        ),
        (
            {"train.csv": TRAIN.replace("0,1,", "0,2,"), "valid.csv": VALID},
            r"train.csv, row 3.*has word 2 where word 1 was expected",
        ),
        ({"train.csv": TRAIN.replace(",75\n", ",175\n"), "valid.csv": VALID}, r"row 3: fixProp is '175', above 100"),
        ({"train.csv": TRAIN.replace("20.5", "many"), "valid.csv": VALID}, r"row 3.*nFix is 'many'"),
        ({"train.csv": TRAIN.replace("null<", "<"), "valid.csv": VALID}, r"row 4: '' is not one word"),
        ({"train.csv": TRAIN.replace("GPT", "RPD"), "valid.csv": VALID}, "column 'GPT' is missing"),
    ],
)
def test_faulty_files_are_refused_with_file_and_row(tmp_path, files, message):
    with pytest.raises(UserError, match=f"(?s){message}"):
        parts_of(tmp_path, files)


def test_the_real_files_hold_600_and_200_sentences(tmp_path):
    for name in ("train.csv", "valid.csv"):
        (tmp_path / name).symlink_to(own("cmcl2021_zuco") / name)
    artifact = manifest.write(tmp_path, [tmp_path / "train.csv", tmp_path / "valid.csv"])
    parts = cmcl2021.read_parts(artifact, Raw(tmp_path / "raw").ledger)
    assert {name: (len(t), t["document"].nunique()) for name, t in parts.items()} == {
        "train": (11731, 600),
        "valid": (4005, 200),
    }
    assert set(parts["train"]["document"]) == set(map(str, range(600)))
    assert not pd.concat(parts)["word"].str.contains("<EOS>").any()
    assert pd.concat(parts)[list(MEASURES)].notna().all().all()


def test_the_tables_error_is_the_mean_over_words_then_over_measures():
    observed = np.array([[0.0, 10.0], [4.0, 10.0]])
    table = evaluation.error_table(
        {"a": observed + np.array([1, -3]), "b": np.zeros((2, 2))}, observed, ["n_fix", "ffd"]
    )
    assert table.to_dict("records") == [
        {"model": "a", "n_fix": 1.0, "ffd": 3.0, "mean": 2.0},
        {"model": "b", "n_fix": 2.0, "ffd": 10.0, "mean": 6.0},
    ]


def test_the_gain_draws_whole_sentences():
    """All the gain lies in one of two sentences: one in four samples has none of it, one in four has it twice."""
    observed, sentence = np.zeros((4, 1)), np.array(["a", "a", "b", "b"])
    baseline, ours = np.full((4, 1), 2.0), np.array([[1.0], [1.0], [2.0], [2.0]])
    found = evaluation.gain(baseline, ours, observed, sentence, 2000)
    assert found == {"difference": -0.5, "low": -1.0, "high": 0.0}


def test_baselines_learn_from_the_training_words_alone():
    def words(count, start):
        rows = [(f"{start + i // 5}", i % 5, "x" * (1 + i % 9)) for i in range(count)]
        table = pd.DataFrame(rows, columns=["document", "word_index", "word"])
        length = table["word"].str.len()
        values = {name: length * (i + 1.0) for i, name in enumerate(MEASURES)}
        return table.assign(corpus="c", sentence=0, **values)

    train, test = words(200, 0), words(45, 100)
    found = evaluation.baselines(train, test.assign(**dict.fromkeys(MEASURES, np.nan)), MEASURES, 0)
    assert list(found) == ["mean", "median", "length", "length_frequency", "boosting"]
    assert (found["median"][:, 0] == train["n_fix"].median()).all()
    observed = test[list(MEASURES)].to_numpy()
    assert np.abs(found["length"] - observed).max() < 1e-9
    assert np.abs(found["length_frequency"] - observed).max() < 1e-6
    assert np.abs(found["boosting"] - observed).mean() < 0.3 * np.abs(found["median"] - observed).mean()
