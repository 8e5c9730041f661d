"""Proves that what a message advises helps: each of these once sent people in the wrong direction."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess

import numpy as np
import pandas as pd
import pytest
import torch

from scriptorium.errors import UserError
from scriptorium.models import xlnet as model_of
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives import xlnet
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from tests import tiny
from tests.gaze_files import CSV, CSV_ROWS, ONESTOP, ONESTOP_ROWS
from tests.raw import Raw

TASK = "text\tlabel\n" + "".join(f"film {n}\t{'good' if n % 2 else 'bad'}\n" for n in range(20))


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def test_utf32_is_not_taken_for_utf16(raw):
    with pytest.raises(UserError, match=r"line 1: UTF-32.*\n.*iconv -f UTF-32 -t UTF-8"):
        raw.task("tsv", {"a.tsv": TASK.encode("utf-32")})


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_told_and_the_command_of_the_remedy_makes_it_readable(raw, encoding):
    for reader, name, content in (("gaze", "a.csv", CSV + CSV_ROWS), ("task", "a.tsv", TASK)):
        read = (lambda files: raw.gaze("csv", files)) if reader == "gaze" else (lambda files: raw.task("tsv", files))
        with pytest.raises(UserError, match=r"line 1: UTF-16.*\n.*iconv -f UTF-16 -t UTF-8") as caught:
            read({name: content.encode(encoding)})
        if encoding == "utf-16":
            command = str(caught.value).rpartition("with: ")[2]
            subprocess.run(["bash", "-c", command], cwd=raw.root / "set", check=True)
            assert len(read({name: (raw.root / "set/converted").read_bytes()}))


def test_tab_separated_csv_is_read_and_its_missing_column_is_named_alone(raw):
    assert len(raw.gaze("onestop", {"ia.csv": (ONESTOP + ONESTOP_ROWS).replace(",", "\t")})) == 2
    with pytest.raises(UserError, match=r"column 'IA_LABEL' is missing, did you mean 'IA_LABLE'\?"):
        raw.gaze("onestop", {"ia.csv": (ONESTOP + ONESTOP_ROWS).replace("LABEL", "LABLE").replace(",", "\t")})


def test_table_with_semicolons_is_read_and_its_missing_column_is_named_alone(raw):
    written = (CSV + CSV_ROWS).replace(",", ";")
    pd.testing.assert_frame_equal(raw.gaze("csv", {"a.csv": written}), raw.gaze("csv", {"a.csv": CSV + CSV_ROWS}))
    with pytest.raises(UserError, match=r"column 'IA_LABEL' is missing, did you mean 'IA_LABLE'\?"):
        raw.gaze("onestop", {"ia.csv": (ONESTOP + ONESTOP_ROWS).replace("LABEL", "LABLE").replace(",", ";")})


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n"


@pytest.mark.parametrize(
    ("content", "said"), [(POINTER, "a pointer of Git LFS.*\n.*git lfs pull"), (PAGE, "a web page, and not")]
)
def test_what_lies_in_the_place_of_the_data_is_told(raw, content, said):
    one, other = {"a.csv": content}, {"a.parquet": content}
    for read in (
        lambda: raw.gaze("csv", one),
        lambda: raw.task("tsv", {"train.tsv": content}),
        lambda: raw.corpus(("parquet", other, {"text": "sentence"})),
        lambda: raw.corpus(("jsonl", {"a.jsonl": content})),
    ):
        with pytest.raises(UserError, match=said):
            read()


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (gzip.compress, r"compressed with gzip\n.*\.gz"),
        (bz2.compress, r"compressed with bzip2\n.*\.bz2"),
        (lzma.compress, "compressed with xz"),
        (lambda _: b"PK\x03\x04\x14\x00\x06\x00", "a zip archive or an Excel workbook"),
    ],
)
def test_packed_text_under_the_name_of_plain_text_is_told(raw, pack, said):
    with pytest.raises(UserError, match=rf"a.tsv: not text: {said}"):
        raw.task("tsv", {"a.tsv": pack(TASK.encode())})


def test_blank_cell_of_a_skipped_word_is_read_as_written_with_0(raw):
    blank = CSV + CSV_ROWS.replace("home.,a,0,0", "home.,a,,")
    written = raw.gaze("csv", {"a.csv": blank.replace("home.,a,,", "home.,a,0,0")})
    assert len(written) == 2
    pd.testing.assert_frame_equal(raw.gaze("csv", {"a.csv": blank}), written)


class Blocks:
    """Blocks of [CLS], documents of so many ordinary tokens, [SEP]."""

    padded = False

    def __init__(self, *sizes: int):
        self.sizes = sizes

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        pieces = [piece for _ in self.sizes for piece in (2, *[7] * self.sizes[0], 3)]
        owners = [number for number, size in enumerate(self.sizes) for _ in range(size + 2)]
        return np.array(pieces), np.array(owners)


def test_xlnet_with_nothing_to_predict_says_so_and_what_to_set():
    spec = ObjectiveSpec.parse({"name": "xlnet", "document_attention": True})
    with pytest.raises(UserError, match=r"none has a token that xlnet could predict.*\n.*document_attention: false"):
        xlnet.SpannedBlocks(Blocks(1, 1, 1), spec, tiny.tokenizer(), training_draws(0))
    helped = ObjectiveSpec.parse({"name": "xlnet", "document_attention": False})
    assert len(xlnet.SpannedBlocks(Blocks(1, 1, 1), helped, tiny.tokenizer(), training_draws(0))[0]["positions"])


def test_xlnets_loss_of_a_batch_with_nothing_to_predict_is_0():
    shape = EncoderSpec(hidden_size=16, layers=1, heads=2, intermediate_size=32, max_positions=64, dropout=0.0)
    model = model_of.build(shape, tiny.tokenizer())
    batch = {"input_ids": torch.full((1, 4), 7), "order": torch.full((1, 4), -1)}
    found = model(**batch, positions=torch.full((1, 1), -1), labels=torch.full((1, 1), -100))
    assert found["loss"].item() == 0
