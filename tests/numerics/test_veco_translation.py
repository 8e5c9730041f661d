"""Proves that VECO as encoder and decoder has its weights where they belong, and that generation is the same with a
cache and without."""

from __future__ import annotations

import pytest
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.models.veco.translation import VecoForTranslation, VecoTranslationConfig, translator
from tests import veco as pairs

SOURCE = torch.tensor([[2, 17, 60, 99, 7, 3], [2, 44, 8, 3, 0, 0]])
MASK = (SOURCE != 0).long()
TARGET = torch.tensor([[2, 31, 55, 12], [2, 90, 6, 71]])


@pytest.fixture(scope="module")
def model():
    return pairs.model().float().eval()


@pytest.fixture(scope="module")
def made(model):
    return translator(model, 2).eval()


def scores(made, target=TARGET, source=SOURCE):
    with torch.no_grad():
        return made(input_ids=source, attention_mask=MASK, decoder_input_ids=target).logits


def test_decoder_layer_j_is_the_models_layer_from_the_top(model, made):
    layers = model.roberta.encoder.layer
    for number, layer in enumerate(made.decoder.roberta.encoder.layer):
        own = {
            name.replace("cross_attention", "crossattention"): v for name, v in layers[1 + number].state_dict().items()
        }
        assert own.keys() == layer.state_dict().keys()
        assert all(torch.equal(value, own[name]) for name, value in layer.state_dict().items())
    for number, layer in enumerate(made.encoder.encoder.layer):
        assert all(torch.equal(v, layers[number].state_dict()[name]) for name, v in layer.state_dict().items())


def test_one_table_of_words_serves_encoder_decoder_and_output(model, made):
    table = made.encoder.embeddings.word_embeddings.weight
    assert made.decoder.roberta.embeddings.word_embeddings.weight is table
    assert made.decoder.lm_head.weight is table and made.decoder.lm_head.bias is None
    assert torch.equal(table, model.get_input_embeddings().weight[:100])
    positions = [each.position_embeddings.weight for each in (made.encoder.embeddings, made.decoder.roberta.embeddings)]
    assert torch.equal(*positions) and positions[0] is not positions[1]


def test_the_decoder_is_the_stream_s_with_a_causal_mask(model, made):
    """Layer by layer by VECO's own layers: the last token, which sees all, through the top two with the encoder's H."""
    encoder = model.roberta
    with torch.no_grad():
        memory = encoder(SOURCE[:1], MASK[:1]).last_hidden_state
        hidden = encoder.embeddings(TARGET[:1])
        causal = torch.full((4, 4), -torch.inf).triu(1)[None, None]
        for layer in encoder.encoder.layer[1:]:
            hidden = layer(hidden, causal, memory)
        expected = hidden @ encoder.embeddings.word_embeddings.weight[:100].T
    assert torch.allclose(scores(made)[:1], expected, atol=1e-4)


def test_what_comes_later_changes_nothing_before_it_and_the_source_changes_all(made):
    before = scores(made)
    changed = TARGET.clone()
    changed[:, 2] += 1
    after = scores(made, changed)
    assert torch.equal(before[:, :2], after[:, :2]) and (before[:, 2:] - after[:, 2:]).abs().amax((1, 2)).min() > 1e-2
    other = SOURCE.clone()
    other[:, 1] += 1
    assert (before - scores(made, source=other)).abs().amax(-1).min() > 1e-3


@pytest.mark.parametrize("beams", [1, 3])
def test_generation_with_a_cache_equals_generation_without(made, beams):
    settings = {"attention_mask": MASK, "num_beams": beams, "max_new_tokens": 12, "do_sample": False}
    settings |= {"return_dict_in_generate": True, "output_scores": True, "length_penalty": 0.6}
    found = [made.generate(SOURCE, use_cache=cache, **settings) for cache in (True, False)]
    assert torch.equal(found[0].sequences, found[1].sequences) and found[0].sequences.shape[1] > 3
    assert found[0].past_key_values is not None and found[1].past_key_values is None
    if beams > 1:
        assert torch.allclose(found[0].sequences_scores, found[1].sequences_scores, atol=1e-5)


def test_padding_of_the_source_changes_no_translation(made):
    alone = made.generate(SOURCE[1:, :4], attention_mask=MASK[1:, :4], num_beams=3, max_new_tokens=8)
    together = made.generate(SOURCE, attention_mask=MASK, num_beams=3, max_new_tokens=8)
    assert torch.equal(alone[0], together[1][: alone.shape[1]])


def test_a_saved_translator_comes_back(made, tmp_path):
    made.save_pretrained(tmp_path)
    back, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    assert type(back) is VecoForTranslation and not any(info[name] for name in info)
    assert torch.equal(scores(back.eval()), scores(made))
    assert back.decoder.lm_head.weight is back.encoder.embeddings.word_embeddings.weight


def test_xlm_gives_a_decoder_with_new_cross_attentions(made):
    plain = pairs.model(plug_in=False).float()
    new = translator(plain, 2)
    keys = [each.decoder.roberta.encoder.layer[0].crossattention.self.key.weight for each in (made, new)]
    assert keys[0].std() > 0.1 and keys[1].std() < 0.05
    top = plain.roberta.encoder.layer[2].attention.self.key.weight
    assert torch.equal(new.decoder.roberta.encoder.layer[1].attention.self.key.weight, top)


@pytest.mark.parametrize("layers", [0, 4])
def test_a_decoder_deeper_than_the_model_is_refused(model, layers):
    with pytest.raises(UserError, match=f"a decoder of {layers} layers from a model of 3"):
        translator(model, layers)


def test_the_size_is_the_known_total():
    """24 encoder and 6 decoder layers of Large: 660.15 M (docs/papers/veco.md section 2.6)."""
    large = {"vocab_size": 250_002, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
    large |= {"intermediate_size": 4096, "max_position_embeddings": 514, "type_vocab_size": 1}
    decoder = {**large, "num_hidden_layers": 6, "model_type": "scriptorium-veco-decoder"}
    with torch.device("meta"):
        made = VecoForTranslation(
            VecoTranslationConfig(encoder={**large, "model_type": "xlm-roberta"}, decoder=decoder, pad_token_id=1)
        )
        made.tie_weights()
    assert round(sum(parameter.numel() for parameter in made.parameters()) / 1e6, 2) == 660.15
