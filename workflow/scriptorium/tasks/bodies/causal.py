"""Causal language models, GPT-2 and LLaMA: the last token's state carries the head of a text, as GPT's, and each
token's own that of a word or a span. A token sees what stands to its left alone, so a tag is chosen from the words up
to its own word's first piece, and a span's beginning without knowing what follows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.tasks.body import Body

if TYPE_CHECKING:
    import transformers

    from scriptorium.tasks.kind import TaskKind
    from scriptorium.tasks.spec import FinetuneSpec


class Causal(Body):
    """Heads are those of transformers, which finds the last token as the last one that is no padding."""

    model_types = ("gpt2", "llama")
    refused = "take a backbone with an encoder alone for this kind of task"

    def takes(self, kind: str) -> bool:
        return kind not in ("gaze", "multiple_choice")

    def reading(self, tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.PreTrainedTokenizerFast:
        """Two texts stand apart by the symbol that ends a text, also where the tokenizer puts nothing between them.

        Where it has no padding symbol (GPT-2, LLaMA), that is the padding too; then nothing stands behind a text, so
        that padding can be told from it.
        """
        from scriptorium.tasks import symbols

        own = symbols.without_types(tokenizer)
        bare = own.num_special_tokens_to_add(pair=True) == own.num_special_tokens_to_add(pair=False)
        end = symbols.end_of(own)
        if bare:
            symbols.bracket(own, between=end, behind="" if own.pad_token in (None, end) else end)
        if own.pad_token is None:
            own.pad_token = end
        return own

    def settings(self, spec: FinetuneSpec, backbone: Path) -> dict[str, Any]:
        from transformers import AutoTokenizer

        from scriptorium.text.plain import as_text

        tokenizer = as_text(AutoTokenizer.from_pretrained(backbone, local_files_only=True, trust_remote_code=False))
        tokenizer = self.reading(tokenizer)
        return {"pad_token_id": tokenizer.pad_token_id, "use_cache": False}

    def loading(self, kind: TaskKind, model_type: str) -> dict[str, Any]:
        """LlamaForQuestionAnswering has its body as `transformer`, unlike all its relatives."""
        from transformers import AutoModelForQuestionAnswering

        renamed = model_type == "llama" and kind.model_class() is AutoModelForQuestionAnswering
        return {"key_mapping": {r"^model\.": "transformer."}} if renamed else {}


BODY = Causal()
