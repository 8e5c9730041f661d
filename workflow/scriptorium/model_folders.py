"""Looks at every model folder from outside before a job begins with it: all that a stage is given passes here.

What is wrong with a folder is then one sentence before the long work, and not a traceback, a prompt, or an encoder
whose weights are silently new because they belong to another architecture.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scriptorium import ledger as ledgers
from scriptorium import manifest
from scriptorium.errors import UserError, nearest
from scriptorium.files import json_text, stand_ins
from scriptorium.files.damage import reading

WEIGHTS, TOKENIZER, CONFIG = ".safetensors", "tokenizer.json", "config.json"
FROM_OUTSIDE = (None, "fetch")  # the stage that made the folder; ours save what they have just loaded
REMEDY = "give a folder that `save_pretrained` of transformers wrote, whole"
SHARE = 0.5  # of an encoder's weights that its files must name; some releases spell a few otherwise (ours)


def check_inputs(paths: Iterable[Path]) -> None:
    """Check the model folders among a job's inputs, given by their manifests. Raises UserError naming the folder."""
    for path in paths:
        if path.name == manifest.NAME and (ledgers.read_record(path.parent) or {}).get("stage") in FROM_OUTSIDE:
            names = [Path(entry["path"]) for entry in manifest.read(path)["files"]]
            for folder in {name.parent for name in names if name.name == CONFIG}:
                if any(name.parent == folder and name.suffix == WEIGHTS for name in names):
                    check_folder(path.parent / folder)


def check_folder(folder: Path) -> None:
    """Raises UserError: no JSON, no or an unknown architecture, code of its own, weights that are damaged or of another
    architecture or shape, a tokenizer that cannot be read or knows more pieces than the model.
    """
    described = json_text.parse(_text(folder / CONFIG), str(folder / CONFIG))
    kind = described.get("model_type") if isinstance(described, dict) else None
    if not isinstance(kind, str):
        raise UserError("has no `model_type`, so it says no architecture", where=folder / CONFIG, remedy=REMEDY)
    _check_kind(kind, described, folder)
    shapes = _shapes(folder)
    _check_shapes(folder, shapes)
    if (folder / TOKENIZER).is_file():
        _check_tokenizer(folder, described.get("vocab_size"))


def _text(path: Path) -> str:
    with reading(path, "UTF-8", REMEDY):
        stand_ins.check_file(path)
        return path.read_text(encoding="utf-8")


def _check_kind(kind: str, described: dict[str, Any], folder: Path) -> None:
    from transformers import CONFIG_MAPPING

    import scriptorium.auto_models  # noqa: F401  (our own architectures)

    if kind not in CONFIG_MAPPING:
        code = " and brings code of its own, which is never run" if "auto_map" in described else ""
        raise UserError(
            f"model_type {kind!r} is an architecture that transformers does not know{code}, "
            f"{nearest(kind, CONFIG_MAPPING.keys()) if len(kind) < 40 else ''}",
            where=folder / CONFIG,
            remedy="give a model of a known architecture",
        )


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The weights' names and shapes, of all files."""
    from safetensors import safe_open

    found = {}
    for path in sorted(folder.glob(f"*{WEIGHTS}")):
        with reading(path, "safetensors"), safe_open(path, framework="numpy") as file:
            found |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return found


def _check_shapes(folder: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Compare with an encoder without weights, as config.json describes it."""
    import torch
    from transformers import AutoConfig, AutoModel

    with reading(folder / CONFIG, "a model's settings", REMEDY):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModel.from_config(config, trust_remote_code=False)
    wanted = {name: tuple(value.shape) for name, value in model.named_parameters() if "pooler" not in name}
    ends = {end: shape for name, shape in shapes.items() for end in _ends(name)}
    known = [name for name in wanted if name in ends]
    if len(known) < SHARE * len(wanted):
        raise UserError(
            f"its weights are not those of a {config.model_type}: they name {len(known)} of its {len(wanted)} parts, "
            f"and not {next(name for name in wanted if name not in ends)}",
            where=folder,
            remedy="correct model_type in config.json, or give weights and config.json of one model",
        )
    for name in known:
        if ends[name] != wanted[name]:
            raise UserError(
                f"{name} has the shape {list(ends[name])}, and config.json asks for {list(wanted[name])}",
                where=folder,
                remedy="give weights and config.json of one model",
            )


def _ends(name: str) -> list[str]:
    """A weight's name with and without what stands before the encoder's own: bert.embeddings.x, embeddings.x."""
    parts = name.split(".")
    return [".".join(parts[at:]) for at in range(min(len(parts), 3))]


def _check_tokenizer(folder: Path, vocabulary: Any) -> None:
    from tokenizers import Tokenizer

    path = folder / TOKENIZER
    with reading(path, "a tokenizer", REMEDY):
        pieces = Tokenizer.from_file(str(path)).get_vocab_size(with_added_tokens=True)
    if isinstance(vocabulary, int) and pieces > vocabulary:
        raise UserError(
            f"knows {pieces} pieces, and the model {vocabulary}",
            where=path,
            remedy="give the tokenizer and the weights of one model",
        )
