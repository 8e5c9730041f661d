"""Where the positions of an encoder begin, and so how long an input it takes.

RoBERTa and its relatives number positions from behind the padding symbol's id, as fairseq does: of 514 rows in the
table of positions 512 can be used. transformers' MPNet does the same from the id 1, whatever its configuration says.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import transformers

MPNET = ("mpnet", "scriptorium-mpnet")
MPNET_PADDING = 1  # the id that transformers' MPNet takes for padding, whatever its configuration says
AFTER_PADDING = (
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)


def first_position(model_type: str, pad_id: int | None) -> int:
    """The number of an input's first position: so many rows of the table of positions are never used."""
    if model_type in MPNET:
        return MPNET_PADDING + 1
    return (pad_id or 0) + 1 if model_type in AFTER_PADDING else 0


def longest_input(config: transformers.PreTrainedConfig) -> int:
    """The most pieces that an encoder takes at once; sys.maxsize where positions are relative, without end (XLNet)."""
    rows = getattr(config, "max_position_embeddings", None) or -1
    return sys.maxsize if rows < 0 else rows - first_position(config.model_type, config.pad_token_id)
