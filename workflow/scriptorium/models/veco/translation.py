"""VECO as an encoder and a decoder (docs/papers/veco.md section 4.3), on transformers' EncoderDecoderModel.

    encoder layer i   VECO layer i, i = 0 .. L - 1: self-attention and feed-forward, the cross-attention left out
    decoder layer j   VECO layer L - k + j, j = 0 .. k - 1: self-attention (made causal), cross-attention to the last
                      layer of the encoder, feed-forward
    word embeddings   one table for the encoder, the decoder and the output
    positions, embedding LayerNorm   VECO's in both, not tied

The output is the state times the table of words, as in the released code: no transform of VECO's LM head and no bias.
Embeddings are not scaled: they are as in pre-training (ours; the released code leaves scaling on). transformers'
`generate` searches with the cache of the decoder's own keys and of those of the encoder.
"""

from __future__ import annotations

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, XLMRobertaConfig, XLMRobertaModel

from scriptorium.errors import UserError
from scriptorium.models.veco.terms import VecoForMaskedLM


class VecoDecoderConfig(XLMRobertaConfig):
    """The configuration of a decoder."""

    model_type = "scriptorium-veco-decoder"

    is_decoder: bool = True
    add_cross_attention: bool = True


class VecoDecoder(transformers.XLMRobertaForCausalLM):
    """XLM-R's decoder with cross-attention, whose output is the table of words alone."""

    config_class = VecoDecoderConfig
    _tied_weights_keys = {"lm_head.weight": "roberta.embeddings.word_embeddings.weight"}

    def __init__(self, config: VecoDecoderConfig):
        super(transformers.XLMRobertaForCausalLM, self).__init__(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        self.lm_head = new_embeddings


class VecoTranslationConfig(transformers.EncoderDecoderConfig):
    """The configurations of both, and the symbols that a translation begins and ends with."""

    model_type = "scriptorium-veco-translation"

    tie_word_embeddings: bool = True
    eos_token_id: int | None = None


class VecoForTranslation(transformers.EncoderDecoderModel):
    """An encoder and a decoder that share the table of words."""

    config_class = VecoTranslationConfig
    _tied_weights_keys = {
        "decoder.roberta.embeddings.word_embeddings.weight": "encoder.embeddings.word_embeddings.weight",
        "decoder.lm_head.weight": "encoder.embeddings.word_embeddings.weight",
    }

    def __init__(self, config: VecoTranslationConfig):
        encoder = XLMRobertaModel(config.encoder, add_pooling_layer=False)
        super().__init__(config, encoder, VecoDecoder(config.decoder))


def translator(
    model: VecoForMaskedLM,
    decoder_layers: int,
    encoder_layers: int | None = None,
    kind: type[VecoForTranslation] = VecoForTranslation,
) -> VecoForTranslation:
    """An encoder and a decoder of the top `decoder_layers` layers, with the weights of a pre-trained model.

    encoder_layers: so many from the bottom, else all. kind: a class of this one. A model without cross-attention (XLM)
    gives a decoder with new ones. A translation begins with the first symbol of a text and ends with the last one, as
    in pre-training (ours; the released code: with a symbol of the language).
    Raises UserError: encoder or decoder would have more layers than the model.
    """
    config, plain = model.config, model.plug_out()
    encoder_layers = config.num_hidden_layers if encoder_layers is None else encoder_layers
    for part, layers in (("decoder", decoder_layers), ("encoder", encoder_layers)):
        if not 0 < layers <= config.num_hidden_layers:
            raise UserError(
                f"a{'n' * (part == 'encoder')} {part} of {layers} layers from a model of {config.num_hidden_layers}",
                where=f"{part}_layers",
                remedy=f"choose 1 to {config.num_hidden_layers}: the {part}'s layers are the "
                f"{'top' if part == 'decoder' else 'lowest'} ones of the model",
            )
    shape = plain.config.to_dict()
    made = kind(
        VecoTranslationConfig(
            encoder=shape | {"num_hidden_layers": encoder_layers},
            decoder=shape | _DECODER | {"num_hidden_layers": decoder_layers},
            pad_token_id=config.pad_token_id,
            decoder_start_token_id=config.bos_token_id,
            eos_token_id=config.eos_token_id,
        )
    )
    lowest = plain.roberta.state_dict()
    made.encoder.load_state_dict({name: lowest[name] for name in made.encoder.state_dict()})
    decoder = made.decoder.roberta
    decoder.embeddings.load_state_dict(plain.roberta.embeddings.state_dict())
    tops = model.roberta.encoder.layer[-decoder_layers:]
    with torch.no_grad():
        for layer, top in zip(decoder.encoder.layer, tops, strict=True):
            weights = {name.replace("cross_attention.", "crossattention."): v for name, v in top.state_dict().items()}
            layer.load_state_dict(weights, strict=model.config.plug_in)
    return made


_DECODER = {
    "model_type": VecoDecoderConfig.model_type,
    "is_decoder": True,
    "add_cross_attention": True,
}

AutoConfig.register(VecoDecoderConfig.model_type, VecoDecoderConfig)
AutoModelForCausalLM.register(VecoDecoderConfig, VecoDecoder)
AutoConfig.register(VecoTranslationConfig.model_type, VecoTranslationConfig)
AutoModelForSeq2SeqLM.register(VecoTranslationConfig, VecoForTranslation)
