"""MASS's body on blocks of several texts (docs/papers/objectives.md section 13): BART's, whose decoder reads tokens at
the places that they have in the text.

It is the authors' body for summaries, but embeddings are not scaled by sqrt(d) (ours). Saved, it is a
BartForConditionalGeneration whose decoder begins with [CLS]. transformers' class gives the same logits where the
decoder's input is the text from its beginning, and a decoder_attention_mask hides what stands before the fragment.
"""

from __future__ import annotations

import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers import BartForConditionalGeneration

from scriptorium.models import bart, owners
from scriptorium.models.bart import SAVED, DenoisingBart
from scriptorium.models.mlm import outcome
from scriptorium.models.spec import EncoderSpec

__all__ = ["SAVED", "FragmentBart", "build"]


class FragmentBart(DenoisingBart):
    """BartForConditionalGeneration on blocks of several texts, whose decoder reads a part of each."""

    plain_class = BartForConditionalGeneration

    def predict(
        self, input_ids: Tensor, decoder_input_ids: Tensor, texts: Tensor, decoder_texts: Tensor, decoder_places: Tensor
    ) -> Tensor:
        """Logits [B, D, tokens] of the token after each of `decoder_input_ids`; see `forward`."""
        return self._logits(input_ids, decoder_input_ids, texts, decoder_texts, decoder_places)[..., : self.tokens]

    def forward(
        self,
        input_ids: Tensor,
        decoder_input_ids: Tensor,
        texts: Tensor,
        decoder_texts: Tensor,
        decoder_places: Tensor,
        labels: Tensor,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """As of TextToText; decoder_places [B, D]: where each of `decoder_input_ids` stands in its text, from 0."""
        logits = self._logits(input_ids, decoder_input_ids, texts, decoder_texts, decoder_places)
        return outcome(logits, labels, counted=self.monitored or not self.training)

    def _logits(
        self, input_ids: Tensor, decoder_input_ids: Tensor, texts: Tensor, decoder_texts: Tensor, decoder_places: Tensor
    ) -> Tensor:
        source, own = self._at(self.model.encoder, input_ids, owners.places(texts)), owners.same(texts, texts)
        for layer in self.model.encoder.layers:
            source = layer(source, own)
        target, earlier = self._at(self.model.decoder, decoder_input_ids, decoder_places), owners.earlier(decoder_texts)
        # padding of a target sees every source: a row of attention must see something
        crossing = owners.same(decoder_texts, texts) | (decoder_texts < 0)[:, None, :, None]
        for layer in self.model.decoder.layers:
            target = layer(target, earlier, source, encoder_attention_mask=crossing, use_cache=False)
        return self.logits(target, self.head_bias())

    def _at(self, part: nn.Module, ids: Tensor, places: Tensor) -> Tensor:
        """Embeddings of `ids` at `places`, of the encoder or the decoder."""
        positions = nn.Embedding.forward(part.embed_positions, places + part.embed_positions.offset)
        states = part.layernorm_embedding(part.embed_tokens(ids) + positions)
        return functional.dropout(states, p=part.dropout, training=self.training)


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> FragmentBart:
    """A randomly initialised model for this tokenizer: `layers` of the encoder, and as many of the decoder."""
    model = bart.build(spec, tokenizer)
    model.__class__ = FragmentBart  # the parameters are BART's
    model.config.decoder_start_token_id = tokenizer.cls_token_id
    return model
