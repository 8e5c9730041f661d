"""MPNet's encoder in two streams (papers/mpnet_and_zoo sections 3 and 4), on the modules and names of transformers.

Keys and values come from the content rows; queries have none of their own. All weights and the table of relative
positions are shared by the streams, and the table by the layers. The rows of visibility.py go through one encoder,
and attention is computed in one of two forms that are equal:

    dense   the original's: all content rows against all keys, then the query rows, both under a mask
    split   the `open` rows among themselves, without a mask as long as nothing is packed; then only the other rows
            against all keys. In MPNet the open rows are a plain MLM pass: 1.35 n^2 scores instead of 1.50 n^2.

Weights have the names of transformers' MPNetForMaskedLM, so export and import are a copy. The vocabulary is padded to
a multiple of 64 for the sake of matrix products; the padding takes no part in the loss and is cut off on export.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig, AutoModelForMaskedLM, MPNetConfig, MPNetForMaskedLM
from transformers.models.mpnet.modeling_mpnet import MPNetLayer

from scriptorium.data.checkpoints import check_checkpoint
from scriptorium.errors import UserError
from scriptorium.models.mpnet.visibility import Layout, lay_out

OFFSET = 2  # fairseq counts positions from padding_idx + 1 = 2
MULTIPLE = 64  # of the rows of the vocabulary


class TwoStreamConfig(MPNetConfig):
    """MPNet's configuration with fairseq's epsilon and positions, and what pre-training adds."""

    model_type = "scriptorium-mpnet"

    layer_norm_eps: float = 1e-5
    max_position_embeddings: int = 512 + OFFSET
    tokens: int | None = None  # the vocabulary without its padding
    mode: str = "mpnet"  # one of visibility.MODES
    form: str = "split"  # of attention: split or dense
    relative: bool = True  # bias by relative position
    count_ignored: bool = False  # the mean is over all predictions, also those without a label (as in the original)
    mask_rows: float = 0.0  # weight of a masked language model's loss on MPNet's mask rows


class TwoStreamMPNet(MPNetForMaskedLM):
    """MPNetForMaskedLM that learns by MPNet, PLM or MLM; the head sees the predicted rows only."""

    config_class = TwoStreamConfig
    config: TwoStreamConfig

    def __init__(self, config: TwoStreamConfig):
        super().__init__(config)
        if not config.relative:  # a table of zeros, since transformers' classes always add it
            torch.nn.init.zeros_(self.mpnet.encoder.relative_attention_bias.weight).requires_grad_(False)

    def encode(self, layout: Layout) -> Tensor:
        """Hidden states [B, R, d] of all rows after the last layer."""
        encoder = self.mpnet.encoder
        calls = self._calls(layout)
        hidden = self.mpnet.embeddings(input_ids=layout.ids, position_ids=layout.positions + OFFSET)
        for layer in encoder.layer:
            attended = self._attend(layer, hidden, layout.content, calls)
            own = layer.attention
            hidden_after = own.LayerNorm(own.dropout(own.attn.o(attended)) + hidden)
            hidden = layer.output(layer.intermediate(hidden_after), hidden_after)
        return hidden

    def predict(
        self, input_ids: Tensor, positions: Tensor, revealed: Tensor, document_ids: Tensor | None = None
    ) -> Tensor:
        """Logits [B, K, tokens] of the predictions; the arguments are those of `visibility.lay_out`."""
        layout = lay_out(self.config.mode, input_ids, positions, revealed, document_ids)
        return self._logits(self.encode(layout), layout.predicted)

    def forward(
        self, input_ids: Tensor, positions: Tensor, revealed: Tensor, labels: Tensor,
        document_ids: Tensor | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        """`loss`: mean cross entropy over labels [B, K] that are not -100; in evaluation also for every prediction.

        `losses` [B, K] (0 where there is no label) and `correct` [B, K] stand for the logits. With `mask_rows` the
        training loss has a second part, of the same tokens predicted from their mask rows.
        """
        layout = lay_out(self.config.mode, input_ids, positions, revealed, document_ids)
        hidden = self.encode(layout)
        logits = self._logits(hidden, layout.predicted)
        losses = _losses(logits, labels)
        count = (positions >= 0 if self.config.count_ignored else labels != -100).sum()
        if not self.training:
            return {"loss": losses.sum() / count, "losses": losses, "correct": logits.argmax(-1) == labels}
        if self.config.mask_rows:
            masked = _losses(self._logits(hidden, positions.clamp(min=0)), labels)
            losses = losses + self.config.mask_rows * masked
        return {"loss": losses.sum() / count}

    @property
    def tokens(self) -> int:
        return self.config.tokens or self.config.vocab_size

    def start_from(self, log_frequency: np.ndarray) -> None:
        """Set the output bias to log frequencies [tokens]: training starts at the unigram loss (ours)."""
        with torch.no_grad():
            self.lm_head.bias[: self.tokens] = torch.from_numpy(log_frequency)

    def plain(self) -> MPNetForMaskedLM:
        """The same weights as transformers' own class, without the padding of the vocabulary.

        Its hidden states equal ours in mode mlm on text without padding.
        """
        kept = MPNetConfig().to_dict().keys() - {"model_type", "architectures", "transformers_version"}
        values = {name: value for name, value in self.config.to_dict().items() if name in kept}
        model = MPNetForMaskedLM(MPNetConfig(**values | {"vocab_size": self.tokens}))
        _copy(self, model)
        return model

    @classmethod
    def adopt(cls, directory: Path, **settings: object) -> TwoStreamMPNet:
        """A saved MPNet (transformers' format, with or without its head) as ours; `settings` of TwoStreamConfig.

        Raises UserError: it is another kind of model, or its weights are not safetensors.
        """
        check_checkpoint(directory)
        config = AutoConfig.from_pretrained(directory, local_files_only=True)
        if config.model_type != "mpnet":
            raise UserError(f"a {config.model_type} model, not an MPNet", where=directory,
                            remedy="give a directory whose config.json says model_type mpnet")  # fmt: skip
        theirs = AutoModelForMaskedLM.from_pretrained(directory, local_files_only=True, dtype=torch.float32)
        values = {name: value for name, value in config.to_dict().items() if name not in _IDENTITY}
        values |= {"tokens": config.vocab_size, "vocab_size": padded(config.vocab_size)}
        ours = cls(TwoStreamConfig(**values | settings))
        if not ours.config.relative:
            torch.nn.init.zeros_(theirs.mpnet.encoder.relative_attention_bias.weight)
        _copy(theirs, ours)
        return ours

    def _logits(self, hidden: Tensor, places: Tensor) -> Tensor:
        """Logits [B, K, tokens], in float32, of the rows `places` [B, K]."""
        rows = torch.arange(len(hidden), device=hidden.device)[:, None]
        return self.lm_head(hidden[rows, places])[..., : self.tokens].float()

    def _calls(self, layout: Layout) -> list[tuple[slice, slice, Tensor | None]]:
        """What the form computes: (rows, keys, mask for scaled_dot_product_attention), rows in order."""
        everything, keys = slice(0, layout.ids.shape[1]), slice(0, layout.content)
        first = layout.open if self.config.form == "split" else layout.content
        first, others = slice(0, first), slice(first, everything.stop)
        masked = self.config.form != "split" or layout.documents is not None
        shared = self.config.form == "split"  # open rows stand in natural order, the same in every block
        calls = []
        if first.stop:
            calls.append((first, first, self._mask(layout, first, first, masked=masked, shared=shared)))
        if others.start < others.stop:
            calls.append((others, keys, self._mask(layout, others, keys, masked=True, shared=False)))
        return calls

    def _mask(self, layout: Layout, rows: slice, keys: slice, *, masked: bool, shared: bool) -> Tensor | None:
        """What is added to the scores, [B or 1, heads, rows, keys]; without relative positions boolean; or None."""
        visible = layout.visible(rows, keys)[:, None] if masked else None
        if not self.config.relative:
            return visible
        positions = layout.positions[:1] if shared else layout.positions
        distance = positions[:, None, keys] - positions[:, rows, None]
        encoder = self.mpnet.encoder
        bias = encoder.relative_attention_bias(encoder.relative_position_bucket(distance)).permute(0, 3, 1, 2)
        return bias if visible is None else bias.masked_fill(~visible, -math.inf)

    def _attend(self, layer: MPNetLayer, hidden: Tensor, content: int, calls: list) -> Tensor:
        """Attention's output before its projection, [B, R, d]. A row that sees no key at all gets zeros."""
        attn = layer.attention.attn
        heads = (attn.num_attention_heads, attn.attention_head_size)
        query = attn.q(hidden).unflatten(-1, heads).transpose(1, 2)
        key = attn.k(hidden[:, :content]).unflatten(-1, heads).transpose(1, 2)
        value = attn.v(hidden[:, :content]).unflatten(-1, heads).transpose(1, 2)
        dropout = attn.dropout.p if self.training else 0.0
        parts = [
            functional.scaled_dot_product_attention(
                query[:, :, rows], key[:, :, keys], value[:, :, keys], attn_mask=mask, dropout_p=dropout
            )
            for rows, keys, mask in calls
        ]
        return torch.cat(parts, 2).transpose(1, 2).flatten(2)


def padded(tokens: int) -> int:
    """The next multiple of 64."""
    return -(-tokens // MULTIPLE) * MULTIPLE


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy [B, K] of every label; 0 where it is -100."""
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


_IDENTITY = ("model_type", "architectures", "transformers_version", "dtype", "torch_dtype", "_name_or_path")


def _copy(source: MPNetForMaskedLM, target: MPNetForMaskedLM) -> None:
    """Weights by name; of the vocabulary, the rows that both have. Rows of padding are zero."""
    given = source.state_dict()
    with torch.no_grad():
        for name, ours in target.state_dict().items():
            theirs = given[name]
            rows = min(len(ours), len(theirs))
            ours.zero_()[:rows] = theirs[:rows]


AutoConfig.register(TwoStreamConfig.model_type, TwoStreamConfig)
AutoModelForMaskedLM.register(TwoStreamConfig, TwoStreamMPNet)
