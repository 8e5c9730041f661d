"""BART: a text is read by the encoder and by the decoder, whose states carry the head (docs/papers/objectives.md
section 2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.tasks.body import Body

if TYPE_CHECKING:
    import transformers

    from scriptorium.tasks.kind import TaskKind


class Bart(Body):
    """Texts with their symbols as in pre-training, `[CLS] a [SEP] b [SEP]`."""

    model_types = ("bart",)
    refused = "take a backbone with an encoder alone for this kind of task"

    def takes(self, kind: str) -> bool:
        return kind not in ("gaze", "multiple_choice")

    def reading(self, tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.PreTrainedTokenizerFast:
        from scriptorium.tasks.symbols import without_types

        return without_types(tokenizer)

    def check(self, config: transformers.PreTrainedConfig, backbone: Path) -> None:
        from scriptorium.tasks.symbols import require_start

        super().check(config, backbone)
        require_start(config, backbone)

    def model_class(self, kind: TaskKind) -> type:
        from scriptorium.models.tuned.bart import HEADS

        return HEADS[kind.model_class()]


BODY = Bart()
