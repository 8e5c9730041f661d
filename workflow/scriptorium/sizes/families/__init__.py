"""One file per family of bodies: its parameters, and what it keeps for the backward pass of a sequence.

A body is a function (shape, objective, block, vocabulary, keeps) -> Needs. Not in BODIES, since it cannot be told well:
elmo (recurrent kernels of a GPU have a workspace of their own) and veco2 (what its contrasts keep depends on the text).
"""

from __future__ import annotations

from collections.abc import Callable

from scriptorium.sizes.families import decoders, encoders, mpnet, text_to_text, veco, xlnet
from scriptorium.sizes.needs import Needs

BODIES: dict[str, Callable[..., Needs]] = {
    "bert": encoders.bert,
    "bert-nsp": encoders.bert_nsp,
    "roberta": encoders.roberta,
    "mpnet": mpnet.mpnet,
    "plm": mpnet.plm,
    "mlm-permuted": mpnet.mlm,
    "xlnet": xlnet.xlnet,
    "gpt2": decoders.gpt2,
    "llama": decoders.llama,
    "glm": decoders.glm,
    "bart": text_to_text.bart,
    "mass": text_to_text.mass,
    "t5": text_to_text.t5,
    "prefix-lm": text_to_text.prefix_lm,
    "veco": veco.veco,
}
