"""Proves that packing neither loses nor doubles a token, keeps documents apart, and writes the same bytes twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tokenizers import pre_tokenizers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.stage import execute
from scriptorium.stages import pack as stage
from scriptorium.text import blocks, packing, tokenizers
from scriptorium.text.blocks import Blocks
from tests import lines, tiny

LENGTH = 16


class Journal:
    def metrics(self, step, values):
        self.values = {**getattr(self, "values", {}), **values}


def pack(tmp_path, lengths, name="packed", length=LENGTH):
    documents = tiny.documents(tmp_path / "documents.parquet", lengths)
    journal = Journal()
    packing.pack(documents, tiny.tokenizer(), length, tmp_path / name, journal)
    return documents, Blocks(tmp_path / name / "train.arrow"), journal.values


def stream(documents, split="train"):
    """What the blocks must hold, from the texts alone: ids and document numbers, [SEP] after each document."""
    tokenizer, frame = tiny.tokenizer(), pd.read_parquet(documents)
    ids, owners = [], []
    for number, text in enumerate(frame.text[frame.split == split]):
        pieces = [*tokenizer.convert_tokens_to_ids(text.split()), tokenizer.sep_token_id]
        ids += pieces
        owners += [number] * len(pieces)
    return np.array(ids), np.array(owners)


@pytest.mark.parametrize("lengths", [[3, 50, 1, 7, 14, 15, 16, 100], [15] * 9, [1] * 40])
def test_no_token_is_lost_or_doubled(tmp_path, lengths):
    documents, blocks, counted = pack(tmp_path, lengths)
    ids, owners = stream(documents)
    body = np.concatenate([blocks[i][0][1:] for i in range(len(blocks))])
    numbers = np.concatenate([blocks[i][1][1:] for i in range(len(blocks))])
    kept = len(ids) // (LENGTH - 1) * (LENGTH - 1)
    assert body.tolist() == ids[:kept].tolist()
    assert numbers.tolist() == owners[:kept].tolist()
    assert counted["train/dropped_tokens"] == len(ids) - kept < LENGTH - 1


def test_every_block_starts_with_cls_of_the_document_that_follows(tmp_path):
    _, blocks, _ = pack(tmp_path, [3, 50, 1, 7, 100])
    for i in range(len(blocks)):
        input_ids, document_ids = blocks[i]
        assert input_ids[0] == tiny.tokenizer().cls_token_id
        assert document_ids[0] == document_ids[1]
        assert tiny.tokenizer().pad_token_id not in input_ids


def test_rows_are_found_again_over_several_record_batches(tmp_path, monkeypatch):
    _, whole, _ = pack(tmp_path, [40] * 30)
    with monkeypatch.context() as patched:
        patched.setattr(blocks, "BLOCKS_PER_BATCH", 7)
        _, parts, _ = pack(tmp_path, [40] * 30, name="parts")
    assert len(parts) == len(whole) > 21
    for i in range(len(whole)):
        assert np.array_equal(parts[i], whole[i])
    assert np.array_equal(parts.token_counts(100), whole.token_counts(100))
    with pytest.raises(IndexError):
        parts[len(parts)]


def test_a_file_is_mapped_and_changing_a_block_does_not_change_it(tmp_path):
    _, made, _ = pack(tmp_path, [100])
    assert not made._ids[0].flags.owndata and not made._ids[0].flags.writeable
    before = made[0][0].copy()
    made[0][0][:] = 0
    assert np.array_equal(made[0][0], before)


@pytest.mark.parametrize(("vocabulary", "bytes_per_token"), [(1 << 16, 2), (70_000, 4)])
def test_blocks_come_back_as_they_were_written_in_few_bytes(tmp_path, vocabulary, bytes_per_token):
    generator = np.random.default_rng(0)
    rows = []
    for _ in range(500):
        runs = generator.integers(1, 128, generator.integers(1, 6))
        owners = np.repeat(generator.integers(-1, 1 << 30, len(runs)), runs)[:256].astype(np.int32)
        owners = np.append(owners, np.full(256 - len(owners), blocks.PADDED_OWNER, np.int32))
        ids = generator.integers(0, vocabulary, 256).astype(np.int32)
        rows.append((ids, owners, np.array([generator.integers(0, 300)], np.int32)))
    rows[0][0][:2] = 0, vocabulary - 1
    path = tmp_path / "blocks.arrow"
    blocks.write(path, iter(rows), 256, vocabulary, layout="another", extra={"group": 1})
    made = Blocks(path)
    for number, (ids, owners, group) in enumerate(rows):
        found = (*made[number], made.extra(number)["group"])
        assert all(np.array_equal(a, b) for a, b in zip(found, (ids, owners, group), strict=True))
        assert all(a.dtype == np.int32 for a in found)
    assert made.tokens == sum(int((owners >= 0).sum()) for _, owners, _ in rows)
    assert path.stat().st_size < 500 * (256 * bytes_per_token + 64)


def test_an_id_beyond_the_vocabulary_is_an_error_and_not_another_token(tmp_path):
    rows = [(np.full(4, 1 << 16, np.int32), np.zeros(4, np.int32))]
    with pytest.raises(ValueError, match="not in range"):
        blocks.write(tmp_path / "blocks.arrow", iter(rows), 4, 1000)


def test_documents_without_a_word_leave_nothing(tmp_path):
    path = tiny.documents(tmp_path / "documents.parquet", [20, 20])
    frame = pd.read_parquet(path)
    empty = frame.iloc[[0]].assign(text="  ")
    mixed = pd.concat([frame.iloc[[0]], empty, frame.iloc[1:]])
    mixed[["text", "split", "id"]].to_parquet(path)  # the order of the columns does not matter
    packing.pack(path, tiny.tokenizer(), LENGTH, tmp_path / "packed", Journal())
    input_ids, document_ids = Blocks(tmp_path / "packed/train.arrow")[1]
    sep = tiny.tokenizer().sep_token_id
    assert not np.any((input_ids[1:] == sep) & (input_ids[:-1] == sep))
    assert set(document_ids.tolist()) == {0, 1}


def test_the_number_of_threads_changes_no_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "CHARACTERS_PER_CALL", 200)  # many calls
    path = tiny.documents(tmp_path / "documents.parquet", [3, 50, 1, 400, 14, 15, 16, 100] * 20)
    made = []
    for threads in (1, 2, 5):
        tokens = packing.Tokens(tiny.tokenizer(), threads)
        packing.pack(path, tiny.tokenizer(), LENGTH, tmp_path / str(threads), Journal(), tokens=tokens)
        made.append([(tmp_path / str(threads) / f"{split}.arrow").read_bytes() for split in packing.SPLITS])
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("by_line", [False, True])
def test_a_very_long_document_gives_the_same_pieces_as_in_one_call(monkeypatch, by_line):
    """It is cut for the tokenizer, and fills many blocks."""
    generator = np.random.default_rng(0)
    long = [" ".join(generator.choice(tiny.WORDS, 300)) for _ in range(4)]
    texts = ["\n".join(long), "", "word1", long[0]]
    whole = list(packing.tokenise(texts, tiny.tokenizer(), by_line=by_line))
    monkeypatch.setattr(packing, "CHARACTERS_PER_CALL", 50)
    cut = list(packing.tokenise(texts, tiny.tokenizer(), by_line=by_line))
    assert [[run.tolist() for run in runs] for runs in cut] == [[run.tolist() for run in runs] for runs in whole]
    assert [sum(map(len, runs)) for runs in whole] == [1200, 0, 1, 300]
    assert [len(runs) for runs in whole] == ([4, 1, 1, 1] if by_line else [1, 1, 1, 1])


def test_a_word_longer_than_a_call_is_not_cut(monkeypatch):
    monkeypatch.setattr(packing, "CHARACTERS_PER_CALL", 4)
    (runs,) = packing.tokenise(["word1 word2 word3"], tiny.tokenizer())
    assert [run.tolist() for run in runs] == [tiny.tokenizer().convert_tokens_to_ids(["word1", "word2", "word3"])]


def test_special_tokens_written_in_a_text_are_only_text(tmp_path):
    path = tiny.documents(tmp_path / "documents.parquet", [])
    frame = pd.read_parquet(path)
    said = pd.DataFrame({"id": ["x"], "source": ["t"], "split": ["train"], "text": ["word1 [SEP] [MASK] [CLS] " * 9]})
    pd.concat([frame, said]).to_parquet(path)
    packing.pack(path, tiny.tokenizer(), LENGTH, tmp_path / "packed", Journal())
    input_ids, _ = Blocks(tmp_path / "packed/train.arrow")[0]
    tokenizer = tiny.tokenizer()
    special = {tokenizer.sep_token_id, tokenizer.mask_token_id, tokenizer.cls_token_id}
    assert not special & set(input_ids[1:].tolist())


def test_limit_and_padding_of_a_tokenizer_are_not_used_and_stay_its_own():
    limited = tiny.tokenizer()
    limited.backend_tokenizer.enable_truncation(2)
    limited.backend_tokenizer.enable_padding(length=9)
    before = limited.backend_tokenizer.to_str()
    texts = ["word1 word2 word3", "word4"]
    made = [[run.tolist() for run in runs] for runs in packing.tokenise(texts, limited)]
    assert made == [[tiny.tokenizer().convert_tokens_to_ids(text.split())] for text in texts]
    assert limited.backend_tokenizer.to_str() == before
    assert not limited.backend_tokenizer.encode_special_tokens


def test_the_end_of_a_line_is_a_blank_also_where_the_vocabulary_has_a_piece_for_it():
    tokenizer = tiny.tokenizer(words=["one", "\u0120two", "\u010a", "two"])  # byte-level: blank and end of a line
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    (runs,) = packing.tokenise(["one\ntwo"], tokenizer)
    assert tokenizer.convert_ids_to_tokens(runs[0].tolist()) == ["one", "\u0120two"]


def test_sentences_by_rule_give_the_blocks_of_sentences_on_lines(tmp_path):
    """A paragraph on one line, or a sentence on each; read as lines, the paragraph would be one sentence."""
    tokenizer = tiny.tokenizer(words=[*tiny.WORDS, "."])
    paragraphs = [text.replace("\n", ". ") + "." for text in lines.texts()]
    given = {"rules": paragraphs, "lines": [text.replace(". ", ".\n") for text in paragraphs], "wrong": paragraphs}
    made = {}
    for name, texts in given.items():
        layout = {"name": "full-sentences", "sentences": "rules" if name == "rules" else "lines"}
        folder = lines.packed(tmp_path / name, given=texts, block_length=LENGTH, layout=layout, tokenizer=tokenizer)
        made[name] = (folder / "train.arrow").read_bytes()
    assert made["rules"] == made["lines"] != made["wrong"]


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    """A corpus and a backbone with their manifests."""
    monkeypatch.chdir(tmp_path)
    for name in ("corpus", "backbone"):
        (tmp_path / name).mkdir()
    manifest.write(tmp_path / "corpus", [tiny.documents(tmp_path / "corpus/documents.parquet", [30] * 20)])
    tiny.tokenizer().save_pretrained(tmp_path / "backbone/model")
    manifest.write(tmp_path / "backbone", (tmp_path / "backbone/model").iterdir())
    return {"corpus": [tmp_path / "corpus/manifest.json"], "tokenizer": [tmp_path / "backbone/manifest.json"]}


def test_two_packings_give_the_same_bytes(tmp_path, artifacts):
    for name in ("a", "b"):
        execute("pack", stage.PackSpec(block_length=LENGTH), stage.run, out=tmp_path / name, inputs=artifacts)
    made = [manifest.read(tmp_path / name)["files"] for name in ("a", "b")]
    assert made[0] == made[1]
    assert {"train.arrow", "validation.arrow", "tokenizer/tokenizer.json"} <= {entry["path"] for entry in made[0]}


def test_too_little_text_is_named_before_the_long_part(tmp_path):
    path = tiny.documents(tmp_path / "documents.parquet", [30] * 20)
    with pytest.raises(UserError, match="validation split has 201 tokens, less than one block of 512"):
        packing.pack(path, tiny.tokenizer(), 512, tmp_path / "packed", Journal())
    assert not (tmp_path / "packed/train.arrow").exists()


def test_missing_column_is_named(tmp_path):
    path = tmp_path / "documents.parquet"
    pd.DataFrame({"id": ["a"], "text": ["b"]}).to_parquet(path)
    with pytest.raises(UserError, match="column 'split' is missing"):
        packing.pack(path, tiny.tokenizer(), LENGTH, tmp_path / "packed", Journal())


def test_tokenizer_without_mask_is_refused(tmp_path):
    tiny.tokenizer(special=["[PAD]", "[UNK]", "[CLS]", "[SEP]"]).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="no mask_token"):
        tokenizers.load_tokenizer(tmp_path)


def test_directory_without_tokenizer_is_refused(tmp_path):
    with pytest.raises(UserError, match="no tokenizer can be read here"):
        tokenizers.load_tokenizer(tmp_path)
    (tmp_path / "weights").write_text("x")
    path = manifest.write(tmp_path, [tmp_path / "weights"])
    with pytest.raises(UserError, match=r"no tokenizer\.json"):
        tokenizers.tokenizer_directory(path)
