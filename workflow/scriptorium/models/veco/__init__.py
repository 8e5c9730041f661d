"""VECO: one encoder whose layers have a cross-attention that can be left out.

layer.py: a layer · model.py: the encoder, plug-out and plug-in · terms.py: pre-training, the terms of the loss ·
adapting.py: weights of other encoders · building.py: a new model for a recipe
"""

from scriptorium.models.veco.building import SAVED, build
from scriptorium.models.veco.model import VecoConfig, VecoModel
from scriptorium.models.veco.terms import SIDES, TLM, VecoForMaskedLM

__all__ = ["SAVED", "SIDES", "TLM", "VecoConfig", "VecoForMaskedLM", "VecoModel", "build"]
