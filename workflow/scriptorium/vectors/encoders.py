"""Encoders of any kind, as they were trained and with random weights."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

from scriptorium.models.veco import VecoModel


def load(directory: Path) -> transformers.PreTrainedModel:
    """The encoder in a directory in Hugging Face's format; VECO with its cross-attention, where it has one."""
    config = transformers.AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    kind = VecoModel if getattr(config, "plug_in", False) else transformers.AutoModel
    return kind.from_pretrained(directory, local_files_only=True, trust_remote_code=False, dtype=torch.float32).eval()


def untrained(model: transformers.PreTrainedModel, seed: int) -> transformers.PreTrainedModel:
    """The same architecture with weights that the seed draws."""
    torch.manual_seed(seed)
    return type(model)(model.config).eval()
