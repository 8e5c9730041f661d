"""The symbols around texts, where a model that writes text reads them in another way than its tokenizer writes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.tasks.examples import require_fast
from scriptorium.text.plain import as_text

if TYPE_CHECKING:
    import transformers


def without_types(tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.PreTrainedTokenizerFast:
    """A copy that does not number the texts of a pair: such models have no embeddings of these numbers, and GPT-2 takes
    them for words. Raises UserError for a tokenizer without character offsets."""
    require_fast(tokenizer)
    own = copy.deepcopy(tokenizer)
    own.model_input_names = [name for name in own.model_input_names if name != "token_type_ids"]
    own.init_kwargs["model_input_names"] = own.model_input_names  # what is saved with a model
    return as_text(own)


def with_types_that_fit(
    tokenizer: transformers.PreTrainedTokenizerFast, backbone: Path
) -> transformers.PreTrainedTokenizerFast:
    """The tokenizer, or a copy that does not number the texts of a pair, where the backbone has one number for both: a
    RoBERTa of ours, whose pieces may be of BERT's kind."""
    config = json.loads((backbone / "config.json").read_text(encoding="utf-8"))
    numbers = config.get("type_vocab_size", 2)
    return without_types(tokenizer) if numbers < 2 and "token_type_ids" in tokenizer.model_input_names else tokenizer


def end_of(tokenizer: transformers.PreTrainedTokenizerBase) -> str:
    """The symbol that ends a text. Raises UserError where there is none."""
    if (found := tokenizer.eos_token or tokenizer.sep_token) is None:
        raise UserError(
            "this tokenizer has no symbol that ends a text, neither eos_token nor sep_token",
            where=tokenizer.name_or_path,
            remedy="take a backbone whose tokenizer has one, as those that we pre-train have",
        )
    return found


def bracket(tokenizer: transformers.PreTrainedTokenizerFast, *, between: str, behind: str) -> None:
    """Let the tokenizer write `a behind` and `a between b behind`, and nothing else around texts."""
    from tokenizers import processors

    core = tokenizer.backend_tokenizer
    names = dict.fromkeys(name for name in (between, behind) if name)
    template = processors.TemplateProcessing(
        single=f"$A {behind}".strip(),
        pair=f"$A {between} $B:1 {behind and f'{behind}:1'}".strip(),
        special_tokens=[(name, core.token_to_id(name)) for name in names],
    )
    trims = isinstance(core.post_processor, processors.ByteLevel)  # it keeps blanks out of the pieces' places
    core.post_processor = processors.Sequence([core.post_processor, template]) if trims else template


def require_start(config: transformers.PreTrainedConfig, backbone: Path) -> None:
    """Raises UserError for an encoder-decoder that does not say what its decoder's input begins with."""
    if getattr(config, "decoder_start_token_id", None) is None:
        raise UserError(
            "its config.json has no decoder_start_token_id, the symbol that a decoder's input begins with",
            where=backbone,
            remedy="add it: for T5 that of the padding symbol, for BART that of the symbol that ends a text",
        )
