"""`import scriptorium.auto_models` makes our models known to transformers' AutoConfig and AutoModel."""

import importlib

MODELS = (
    "scriptorium.cognition.model",
    "scriptorium.gaze.predictor.model",
    "scriptorium.gaze.regressor.network",
    "scriptorium.gaze.regressor.released",
    "scriptorium.models.architectures.elmo",
    "scriptorium.models.bart_translation",
    "scriptorium.models.mpnet.model",
    "scriptorium.models.plug_in.veco",
    "scriptorium.models.veco.translation",
)

for _name in MODELS:
    importlib.import_module(_name)
