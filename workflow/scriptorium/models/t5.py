"""T5's body on blocks of several texts (docs/papers/objectives.md section 3): relative positions, so it need not know
where a text begins; RMSNorm before each part, ReLU, no biases, one table of embeddings for source, target and head,
whose states are scaled by d^-.5.
"""

from __future__ import annotations

import transformers
from torch import Tensor
from transformers import T5Config, T5ForConditionalGeneration

from scriptorium import attention_kernel
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.text_to_text import TextToText
from scriptorium.models.vocabulary import widen

SAVED = SavedEncoder(
    "t5",
    hidden_size="d_model",
    layers="num_layers",
    heads="num_heads",
    intermediate_size="d_ff",
    dropout="dropout_rate",
    max_positions=None,
)


class TextToTextT5(TextToText, T5ForConditionalGeneration):
    """T5ForConditionalGeneration on blocks of several texts."""

    plain_class = T5ForConditionalGeneration
    base_model_prefix = "encoder"  # transformers names a part that its class does not have

    def states(
        self,
        input_ids: Tensor,
        decoder_input_ids: Tensor,
        texts: Tensor,
        decoder_texts: Tensor,
        seen: tuple[Tensor, Tensor, Tensor],
    ) -> Tensor:
        """As transformers' model. Texts have no places: distances inside a text are those inside its row."""
        source = self.encoder(input_ids, attention_mask=seen[0]).last_hidden_state
        target = self.decoder(
            decoder_input_ids,
            attention_mask=seen[1],
            encoder_hidden_states=source,
            encoder_attention_mask=seen[2],
            use_cache=False,
        ).last_hidden_state
        return target * self.model_dim**-0.5 if self.config.scale_decoder_outputs else target

    def plain(self) -> transformers.PreTrainedModel:
        """With the symbol that a decoder starts with, which T5's configuration has no field for."""
        model = super().plain()
        for config in (model.config, model.generation_config):
            config.decoder_start_token_id = self.config.decoder_start_token_id
        return model

    @property
    def inner(self) -> int:
        return self.config.d_ff

    @property
    def depths(self) -> tuple[int, int]:
        return self.config.num_layers, self.config.num_decoder_layers


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> TextToTextT5:
    """A randomly initialised model for this tokenizer: `layers` of the encoder, and as many of the decoder."""
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=spec.hidden_size,
        d_kv=spec.hidden_size // spec.heads,
        num_layers=spec.layers,
        num_heads=spec.heads,
        d_ff=spec.intermediate_size,
        dropout_rate=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.sep_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
        attn_implementation=attention_kernel.IMPLEMENTATION,
    )
    return widen(TextToTextT5(config))
