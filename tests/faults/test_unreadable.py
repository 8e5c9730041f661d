"""Proves that a file which cannot be read ends in one sentence with its name, whatever its format and its damage."""

from __future__ import annotations

import errno
import gzip
import json

import pytest

from scriptorium.errors import UserError
from scriptorium.files import json_text
from scriptorium.files.damage import OF_THE_MACHINE, reading
from scriptorium.gaze.regressor.glove import FileVectors
from tests.gaze_files import ANNA, MEANS, MEANS_ROWS, version_5
from tests.raw import Raw
from tests.reader_files import FILMS, parquet, squad

QUESTIONS = {"kind": "question_answering", "labels": ()}
SST2 = {"labels": ("negative", "positive"), "options": {"task": "sst2"}}
GZ = gzip.compress((MEANS + "".join(f"{n},0,Go{n},2,210,220,300,1\n" for n in range(200))).encode())


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


@pytest.mark.parametrize("damaged", [GZ[:-8], GZ[:-1], GZ[: len(GZ) // 2], GZ[:40] + b"\xff\xff" + GZ[42:]])
def test_compressed_table_that_is_cut_or_flipped_is_refused(raw, damaged):
    with pytest.raises(UserError, match=r"a.csv.gz: cannot be read: .*\n.*get it again"):
        raw.gaze("means", {"a.csv.gz": damaged})


def test_compressed_vectors_with_a_flipped_bit_are_refused(tmp_path):
    path = tmp_path / "glove.txt.gz"
    content = bytearray(gzip.compress(b"".join(b"word%d 1 2 3 %d\n" % (n, n) for n in range(300))))
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"glove.txt.gz.*"):
        FileVectors.read(path, ["word1"])


def test_parquet_that_is_cut_or_not_utf8_is_refused(raw):
    sound = parquet(sentence=FILMS, label=[0, 1] * 12)
    for broken in (sound[: len(sound) // 2], sound.replace(b"film", b"\xff\xfe\xffm")):
        with pytest.raises(UserError, match=r"dev.parquet: cannot be read as parquet"):
            raw.task("glue", {"train.tsv": "sentence\tlabel\nx\t1\n", "dev.parquet": broken}, **SST2)
        with pytest.raises(UserError, match=r"a.parquet: cannot be read as parquet"):
            raw.corpus(("parquet", {"a.parquet": broken}, {"text": "sentence"}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[" * 50_000 + "]" * 50_000, "nested too deep"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "nested too deep"),
        ("9" * 6000, "a number that cannot be read"),
        ("NaN", "NaN is none in JSON"),
        ('"\\ud83d"', "half of a surrogate pair"),
        ('{"\\ude00": 1}', "half of a surrogate pair"),
        ("{", "not JSON"),
    ],
)
def test_json_that_python_stumbles_over_is_refused_with_its_place(raw, value, said):
    with pytest.raises(UserError, match=rf"a.jsonl, line 2.*{said}"):
        raw.corpus(("jsonl", {"a.jsonl": '{"text": "fine"}\n{"text": ' + value + "}\n"}))
    with pytest.raises(UserError, match=rf"train.json.*{said}"):
        raw.task("squad", {"train.json": '{"data": ' + value + "}"}, **QUESTIONS)


def test_half_an_emoji_is_named_with_its_question(raw):
    broken = json.loads(squad("a"))
    broken["data"][3]["paragraphs"][0]["qas"][0]["question"] = "Where is the \ud83d ship?"
    with pytest.raises(UserError, match=r"train.json, data 3 paragraphs 0 qas 0 question: .*Where is the \\ud83d ship"):
        raw.task("squad", {"train.json": json.dumps(broken)}, **QUESTIONS)
    assert json_text.parse('"\\ud83d\\ude00"', "here") == "😀"


def test_matlab_file_with_a_zeroed_tail_is_refused_and_the_process_lives(raw):
    sound = version_5(ANNA)
    for kept in (200, len(sound) // 2, len(sound) - 40):
        with pytest.raises(UserError, match=r"resultsZAB_SR.mat"):
            raw.gaze("zuco", {"resultsZAB_SR.mat": sound[:kept] + b"\0" * (len(sound) - kept)})


def test_fault_of_the_machine_is_not_blamed_on_the_file(tmp_path):
    for number in OF_THE_MACHINE:
        with pytest.raises(OSError, match="no more"), reading(tmp_path):
            raise OSError(number, "no more")
    with pytest.raises(UserError, match="cannot be read"), reading(tmp_path):
        raise OSError(errno.EINVAL, "damaged")


def test_sound_table_of_means_is_read(raw):
    assert len(raw.gaze("means", {"a.csv.gz": gzip.compress((MEANS + MEANS_ROWS).encode())})) == 2
