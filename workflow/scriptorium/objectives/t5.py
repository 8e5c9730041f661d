"""T5's span corruption: an encoder reads a text with spans taken out, a decoder writes the spans
(docs/papers/objectives.md section 3). The decoder's input begins with the padding symbol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.models import t5
from scriptorium.objectives import text_to_text
from scriptorium.objectives.corruption.spans import SpanCorruption
from scriptorium.objectives.objective import Objective
from scriptorium.text import sentinels

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.text_to_text import T5Spec

SAVED = t5.SAVED


def build(shape: EncoderSpec, spec: T5Spec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """T5's model on texts with spans taken out. Raises UserError: no sentinels, or no padding symbol."""
    start = text_to_text.symbol(tokenizer, "pad_token", "the decoder's input begins with it")
    known = sentinels.of(tokenizer)
    if not known:
        raise UserError(
            "this vocabulary has no sentinels (<extra_id_0> ...), which stand for hidden spans",
            where=tokenizer.name_or_path,
            remedy="learn one that has: vocabularies: {mine: {corpus: <corpus>, sentinels: 100}} in config.yaml, and "
            "tokenizer: mine in the recipe",
        )
    corrupt = SpanCorruption(spec.corruption, known, tokenizer.sep_token_id)

    def enough(length: int) -> None:
        """Raises UserError where a text of a whole block may have more spans than there are sentinels."""
        if spec.corruption.choice == "spans":
            corrupt.check(corrupt.counts(length)[1], length)

    return text_to_text.objective(
        t5.build(shape, tokenizer), shape, spec, tokenizer, corrupt, start=start, predicted=known, check=enough
    )
