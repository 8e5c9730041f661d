"""What encoder-decoders on bodies of transformers share: several texts in a row, each with its source and target."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from scriptorium.models import dropout, owners
from scriptorium.models.matrix_products import LayerWork, layer_flops
from scriptorium.models.mlm import outcome
from scriptorium.models.unbiased import Unbiased


class TextToText(Unbiased):
    """Beside an encoder-decoder of transformers: the same parameters, logits, loss and gradients.

    A class says which class of transformers has its parameters (`plain_class`) and how states come about (`states`).
    """

    monitored = False  # in training, too, say how many predictions are correct

    def __init__(self, config):
        super().__init__(config)
        dropout.use(self)

    def states(
        self,
        input_ids: Tensor,
        decoder_input_ids: Tensor,
        texts: Tensor,
        decoder_texts: Tensor,
        seen: tuple[Tensor, Tensor, Tensor],
    ) -> Tensor:
        """The decoder's last states [B, D, d]; seen: masks of encoder, decoder and cross-attention."""
        raise NotImplementedError

    def predict(self, input_ids: Tensor, decoder_input_ids: Tensor, texts: Tensor, decoder_texts: Tensor) -> Tensor:
        """Logits [B, D, tokens] of the token after each of `decoder_input_ids`; see `forward`."""
        return self._logits(input_ids, decoder_input_ids, texts, decoder_texts)[..., : self.tokens]

    def forward(
        self,
        input_ids: Tensor,
        decoder_input_ids: Tensor,
        texts: Tensor,
        decoder_texts: Tensor,
        labels: Tensor,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """See `outcome`; labels [B, D].

        texts [B, E] and decoder_texts [B, D]: the number of the text that a token of the source (`input_ids`) and of
        the target belongs to, -1 of padding. A source sees itself; a target itself from left to right, and its source.
        Positions begin with every text. attention_mask only says which tokens of the source are real.
        """
        logits = self._logits(input_ids, decoder_input_ids, texts, decoder_texts)
        return outcome(logits, labels, counted=self.monitored or not self.training)

    def _logits(self, input_ids: Tensor, decoder_input_ids: Tensor, texts: Tensor, decoder_texts: Tensor) -> Tensor:
        # padding of a target sees every source: a row of attention must see something
        crossing = owners.same(decoder_texts, texts) | (decoder_texts < 0)[:, None, :, None]
        seen = (owners.same(texts, texts), owners.earlier(decoder_texts), crossing)
        return self.logits(self.states(input_ids, decoder_input_ids, texts, decoder_texts, seen), self.head_bias())

    def head_bias(self) -> Tensor | None:
        """[tokens], what is added to the logits; None: nothing."""
        return None

    def forward_flops(self, batch: Mapping[str, Tensor]) -> float:
        """Matrix products of the forward pass over a batch (engine/flops.py); scores are counted as full rectangles."""
        config, (examples, source) = self.config, batch["input_ids"].shape
        target = batch["decoder_input_ids"].shape[1]
        width, inner = config.d_model, self.inner
        encoder = layer_flops(width, inner, LayerWork(source, source, source**2))
        decoder = layer_flops(width, inner, LayerWork(target, target, target**2))
        crossing = layer_flops(width, 0, LayerWork(target, source, target * source))
        layers, decoder_layers = self.depths
        work = layers * encoder + decoder_layers * (decoder + crossing)
        return examples * (work + 2 * target * width * config.vocab_size)

    @property
    def inner(self) -> int:
        """Width of the feed-forward part."""
        raise NotImplementedError

    @property
    def depths(self) -> tuple[int, int]:
        """Layers of the encoder and of the decoder."""
        raise NotImplementedError
