"""A vocabulary for a picture: every word of the texts is a token, so that nobody has to learn one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from scriptorium.text import sentinels

SPECIAL = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]  # MPNet's models read 1 as padding
MORE = ["and", "a", "house", "of", "green", "day", "."]  # what a random token may be, beside words of the texts
SENTINELS = 32


def of_words(texts: Sequence[str]) -> transformers.PreTrainedTokenizerFast:
    """One token for every word and every punctuation mark of the texts, and some words more; upper case stays."""
    found = [word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys([*SPECIAL, *MORE, *found]))}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {f"{token.strip('[]').lower()}_token": token for token in SPECIAL}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names)
    sentinels.add(tokenizer, SENTINELS)
    return tokenizer
