"""Plug-out fine-tuning: transformers' classes for XLM-R on a VECO directory, whose cross-attentions they leave out."""

from __future__ import annotations

import transformers

from scriptorium.models.veco.model import VecoConfig

LEFT_OUT = [r"\.cross_attention\.", r"^lm_head\."]


class VecoForSequenceClassification(transformers.XLMRobertaForSequenceClassification):
    """A class or a number of a text or a pair."""

    config_class, _keys_to_ignore_on_load_unexpected = VecoConfig, LEFT_OUT


class VecoForTokenClassification(transformers.XLMRobertaForTokenClassification):
    """A tag of every token."""

    config_class, _keys_to_ignore_on_load_unexpected = VecoConfig, LEFT_OUT


class VecoForQuestionAnswering(transformers.XLMRobertaForQuestionAnswering):
    """The span of an answer."""

    config_class, _keys_to_ignore_on_load_unexpected = VecoConfig, LEFT_OUT


class VecoForMultipleChoice(transformers.XLMRobertaForMultipleChoice):
    """One of several continuations."""

    config_class, _keys_to_ignore_on_load_unexpected = VecoConfig, LEFT_OUT


transformers.AutoModelForSequenceClassification.register(VecoConfig, VecoForSequenceClassification)
transformers.AutoModelForTokenClassification.register(VecoConfig, VecoForTokenClassification)
transformers.AutoModelForQuestionAnswering.register(VecoConfig, VecoForQuestionAnswering)
transformers.AutoModelForMultipleChoice.register(VecoConfig, VecoForMultipleChoice)
