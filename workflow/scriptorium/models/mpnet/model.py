"""MPNet's encoder in two streams (docs/papers/mpnet.md sections 3 and 4), on the modules and names of transformers.

Keys and values come from the content rows; queries have none of their own. All weights and the table of relative
positions are shared by the streams, and the table by the layers. The rows of visibility.py go through one encoder,
and attention is computed in one of two forms that are equal:

    dense   the original's: all content rows against all keys, then the query rows, both under a mask
    split   the `open` rows among themselves, without a mask as long as nothing is packed; then only the other rows
            against all keys. In MPNet the open rows are a plain MLM pass: 1.35 n^2 scores instead of 1.50 n^2.

The last layer computes only the rows that the head reads. Masks and the bias are made once for all layers.

Weights have the names of transformers' MPNetForMaskedLM, so export and import are a copy. Exported, its hidden states
equal those of mode mlm on text without padding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig, AutoModelForMaskedLM, MPNetConfig, MPNetForMaskedLM

from scriptorium.errors import UserError
from scriptorium.fetching.checkpoints import check_checkpoint
from scriptorium.models import dropout, from_checkpoint
from scriptorium.models.attention import additive
from scriptorium.models.matrix_products import LayerWork, head_flops, layer_flops
from scriptorium.models.mpnet.layer import Call, TwoStreamLayer
from scriptorium.models.mpnet.visibility import Layout, Rows, lay_out
from scriptorium.models.positions import first_position
from scriptorium.models.vocabulary import PaddedVocabulary, padded

FIRST = first_position("mpnet", None)  # number of the first position


class TwoStreamConfig(MPNetConfig):
    """MPNet's configuration with fairseq's epsilon and positions, and what pre-training adds."""

    model_type = "scriptorium-mpnet"

    layer_norm_eps: float = 1e-5
    max_position_embeddings: int = 512 + FIRST
    tokens: int | None = None  # the vocabulary without its padding
    mode: str = "mpnet"  # one of visibility.MODES
    form: str = "split"  # of attention: split or dense
    relative: bool = True  # bias by relative position
    count_ignored: bool = False  # the mean is over all predictions, also those without a label (as in the original)
    mask_rows: float = 0.0  # weight of a masked language model's loss on MPNet's mask rows


class TwoStreamMPNet(PaddedVocabulary, MPNetForMaskedLM):
    """MPNetForMaskedLM that learns by MPNet, PLM or MLM; the head sees the predicted rows only."""

    config_class, plain_class = TwoStreamConfig, MPNetForMaskedLM
    config: TwoStreamConfig
    _no_split_modules = ("MPNetEmbeddings", "TwoStreamLayer")
    supports_gradient_checkpointing = True
    monitored = False  # in training, too, say which predictions are correct

    def __init__(self, config: TwoStreamConfig):
        super().__init__(config)
        self.gradient_checkpointing = False  # transformers sets it, and what recomputes
        for layer in self.mpnet.encoder.layer:
            layer.__class__ = TwoStreamLayer  # the parameters and their initialisation stay MPNetLayer's
        dropout.use(self)
        if not config.relative:  # a table of zeros, since transformers' classes always add it
            torch.nn.init.zeros_(self.mpnet.encoder.relative_attention_bias.weight).requires_grad_(False)
        self.close_padding()

    def encode(self, layout: Layout, rows: Tensor | None = None) -> Tensor:
        """Hidden states after the last layer, of all rows [B, R, d] or of `rows` [B, K], [B, K, d]."""
        calls, blind = self._calls(layout), layout.blind
        hidden = self.mpnet.embeddings(input_ids=layout.ids, position_ids=layout.positions + FIRST)
        *layers, last = self.mpnet.encoder.layer
        for layer in layers:
            hidden = self._through(layer, hidden, layout.content, calls, blind)
        if rows is not None:
            keys = slice(0, layout.content)
            masked = layout.open < layout.content or layout.documents is not None
            calls = [Call(slice(0, rows.shape[1]), keys, self._mask(layout, rows, keys, masked=masked))]
        return self._through(last, hidden, layout.content, calls, blind, rows)

    def _through(self, layer: TwoStreamLayer, *arguments: object) -> Tensor:
        """A layer's output; with gradient checkpointing what is inside is not kept, but computed again."""
        if self.gradient_checkpointing and self.training:
            return self._gradient_checkpointing_func(layer.__call__, *arguments)
        return layer(*arguments)

    def predict(
        self, input_ids: Tensor, positions: Tensor, revealed: Tensor, document_ids: Tensor | None = None
    ) -> Tensor:
        """Logits [B, K, tokens] of the predictions; the arguments are those of `visibility.lay_out`."""
        layout = lay_out(self.config.mode, input_ids, positions, revealed, document_ids)
        return self._logits(self.encode(layout, layout.predicted))[..., : self.tokens]

    def forward(
        self,
        input_ids: Tensor,
        positions: Tensor,
        revealed: Tensor,
        labels: Tensor,
        document_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """`loss`: mean cross entropy over labels [B, K] that are not -100; in evaluation also for every prediction.

        `attention_mask` [B, L] says what is padding to those who count tokens. Here document_ids keep padding apart,
        and without them it is attended to, as in the original.

        `losses` [B, K] (0 where there is no label) and `correct` [B, K] stand for the logits. With `mask_rows` the
        training loss has a second part, of the same tokens predicted from their mask rows.
        """
        layout = lay_out(self.config.mode, input_ids, positions, revealed, document_ids)
        both = self.training and self.config.mask_rows > 0
        rows = torch.cat([layout.predicted, positions.clamp(min=0)], 1) if both else layout.predicted
        hidden = self.encode(layout, rows)
        logits = self._logits(hidden[:, : labels.shape[1]])
        losses = _losses(logits, labels)
        count = (positions >= 0 if self.config.count_ignored else labels != -100).sum()
        if not self.training:
            return {"loss": losses.sum() / count, "losses": losses, "correct": logits.argmax(-1) == labels}
        if both:
            masked = _losses(self._logits(hidden[:, labels.shape[1] :]), labels)
            losses = losses + self.config.mask_rows * masked
        correct = {"correct": logits.argmax(-1) == labels} if self.monitored else {}
        return {"loss": losses.sum() / count, **correct}

    @classmethod
    def adopt(cls, directory: Path, **settings: object) -> TwoStreamMPNet:
        """A saved MPNet (transformers' format, with or without its head) as ours; `settings` of TwoStreamConfig.

        Raises UserError: it is another kind of model, or its weights are not safetensors.
        """
        check_checkpoint(directory)
        config = AutoConfig.from_pretrained(directory, local_files_only=True)
        if config.model_type != "mpnet":
            raise UserError(
                f"a {config.model_type} model, not an MPNet",
                where=directory,
                remedy="give a directory whose config.json says model_type mpnet",
            )
        values = {name: value for name, value in config.to_dict().items() if name not in _IDENTITY}
        values |= {"tokens": config.vocab_size, "vocab_size": padded(config.vocab_size)}
        ours = cls(TwoStreamConfig(**values | settings))
        from_checkpoint.copy_weights(ours, directory)
        return ours

    def forward_flops(self, batch: Mapping[str, Tensor]) -> float:
        """Matrix products of the forward pass over a batch (engine/flops.py); see visibility.py for the rows."""
        config = self.config
        examples, length = batch["input_ids"].shape
        predicted = batch["positions"].shape[1]
        content = length + (predicted if config.mode == "mpnet" else 0)
        rows = content + (0 if config.mode == "mlm" else predicted)
        opened = 0 if config.mode == "plm" or config.form != "split" else length
        read = predicted * (2 if config.mask_rows else 1)  # the last layer computes only what the head reads
        whole = LayerWork(rows, content, opened**2 + (rows - opened) * content)
        layers = [*[whole] * (config.num_hidden_layers - 1), LayerWork(read, content, read * content)]
        forward = sum(layer_flops(config.hidden_size, config.intermediate_size, work) for work in layers)
        return examples * (forward + head_flops(config.hidden_size, config.vocab_size, read))

    def _logits(self, hidden: Tensor) -> Tensor:
        """Logits [B, K, vocabulary] in float32 of hidden states [B, K, d]; minus infinity for the padding."""
        return self.lm_head(hidden).float()

    def _calls(self, layout: Layout) -> list[Call]:
        """What the form computes for all rows."""
        everything, keys = slice(0, layout.ids.shape[1]), slice(0, layout.content)
        split = self.config.form == "split"
        first = layout.open if split else layout.content
        first, others = slice(0, first), slice(first, everything.stop)
        calls = []
        if first.stop:
            masked = not split or layout.documents is not None
            # open rows stand in natural order, the same in every block
            calls.append(Call(first, first, self._mask(layout, first, first, masked=masked, shared=split)))
        if others.start < others.stop:
            calls.append(Call(others, keys, self._mask(layout, others, keys)))
        return calls

    def _mask(
        self, layout: Layout, rows: Rows, keys: slice, *, masked: bool = True, shared: bool = False
    ) -> Tensor | None:
        """What is added to the scores, [B or 1, heads or 1, rows, keys]; or None."""
        dtype = self.lm_head.bias.dtype
        visible = layout.visible(rows, keys)[:, None] if masked else None
        if not self.config.relative:
            return None if visible is None else additive(visible, dtype)
        distance = layout.distances(rows, keys, shared=shared)
        encoder = self.mpnet.encoder
        bias = encoder.relative_attention_bias(encoder.relative_position_bucket(distance))
        bias = bias.permute(0, 3, 1, 2).contiguous()  # read by every layer
        return bias if visible is None else bias.masked_fill(~visible, -math.inf)


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy [B, K] of every label; 0 where it is -100."""
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


_IDENTITY = ("model_type", "architectures", "transformers_version", "dtype", "torch_dtype", "_name_or_path")


AutoConfig.register(TwoStreamConfig.model_type, TwoStreamConfig)
AutoModelForMaskedLM.register(TwoStreamConfig, TwoStreamMPNet)
