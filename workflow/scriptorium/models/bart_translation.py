"""BART that translates (Lewis et al. 2020, section 3.4; docs/papers/objectives.md section 2): in place of its encoder's
embeddings stands a new encoder, which reads the other language in a vocabulary of its own.

    source pieces -> new encoder -> one vector per piece, as if it were an embedding -> BART's encoder -> BART's decoder

Of which kind the new encoder is, is ours: BART's, with embeddings, learned positions and layers of BART's width. BART
adds its positions to what it gives and normalises the sum, as it does with embeddings.
"""

from __future__ import annotations

import copy
import re

import transformers
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSeq2SeqLM, BartConfig, BartForConditionalGeneration
from transformers.models.bart.modeling_bart import BartEncoder, BartModel

# Step one trains these alone: the new encoder; BART's positions, of encoder and decoder (the paper does not say which);
# what makes queries, keys and values of the first layer of BART's encoder, without biases (the paper: the matrix).
STEP_ONE = re.compile(
    r"model\.encoder\.embed_tokens\..*"
    r"|model\.(encoder|decoder)\.embed_positions\.weight"
    r"|model\.encoder\.layers\.0\.self_attn\.[qkv]_proj\.weight"
)


class BartTranslationConfig(BartConfig):
    """BART's configuration, and the new encoder's vocabulary and layers."""

    model_type = "scriptorium-bart-translation"

    source_vocab_size: int = 50265
    source_pad_token_id: int = 1
    source_layers: int = 6

    def of_source(self) -> BartConfig:
        """The configuration of the new encoder."""
        made = copy.deepcopy(self)
        made.vocab_size, made.pad_token_id = self.source_vocab_size, self.source_pad_token_id
        made.encoder_layers = self.source_layers
        return made


class EncoderOfForeignText(BartEncoder):
    """BART's encoder, whose embeddings of pieces are the states of another encoder."""

    def __init__(self, config: BartTranslationConfig):
        super().__init__(config)
        self.embed_tokens = BartEncoder(config.of_source())

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **named,
    ):
        """input_ids [B, S] of the source's vocabulary. Where attention_mask is 0 they are not looked at, so they may be
        padded with any number."""
        if inputs_embeds is None:
            if attention_mask is not None:
                input_ids = input_ids.masked_fill(attention_mask == 0, self.embed_tokens.padding_idx)
            inputs_embeds = self.embed_tokens(input_ids, attention_mask=attention_mask).last_hidden_state
        return super().forward(attention_mask=attention_mask, inputs_embeds=inputs_embeds, **named)


class BartModelOfForeignText(BartModel):
    """BART without its head; the table of pieces is the decoder's and the head's alone."""

    config_class = BartTranslationConfig
    _tied_weights_keys = {"decoder.embed_tokens.weight": "shared.weight"}

    def __init__(self, config: BartTranslationConfig):
        super().__init__(config)
        self.encoder = EncoderOfForeignText(config)
        self.post_init()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.shared = self.decoder.embed_tokens = value


class BartForTranslation(BartForConditionalGeneration):
    """BartForConditionalGeneration behind a new encoder: `generate` takes pieces of the source's vocabulary."""

    config_class = BartTranslationConfig

    def __init__(self, config: BartTranslationConfig):
        super().__init__(config)
        self.model = BartModelOfForeignText(config)
        self.post_init()


def behind_new_encoder(
    bart: BartForConditionalGeneration,
    source: transformers.PreTrainedTokenizerBase,
    layers: int,
    kind: type[BartForTranslation] = BartForTranslation,
) -> BartForTranslation:
    """A translator with BART's weights and a new encoder of so many layers for this vocabulary. kind: a class of this
    one."""
    config = BartTranslationConfig(
        **{name: value for name, value in bart.config.to_dict().items() if name not in ("model_type", "architectures")},
        source_vocab_size=len(source),
        source_pad_token_id=source.pad_token_id,
        source_layers=layers,
    )
    made = kind(config)
    left_out = "model.encoder.embed_tokens."
    given = {name: value for name, value in bart.state_dict().items() if not name.startswith(left_out)}
    missing, unexpected = made.load_state_dict(given, strict=False)
    assert not unexpected and all(name.startswith(left_out) for name in missing), (missing, unexpected)
    return made


def freeze_most(model: BartForTranslation) -> list[str]:
    """Step one: only the parameters of STEP_ONE are trained. Returns the names of those of BART among them."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(STEP_ONE.fullmatch(name) is not None)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [name for name in trained if ".encoder.embed_tokens." not in name]


AutoConfig.register(BartTranslationConfig.model_type, BartTranslationConfig)
AutoModelForSeq2SeqLM.register(BartTranslationConfig, BartForTranslation)
