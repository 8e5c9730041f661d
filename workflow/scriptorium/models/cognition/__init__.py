"""Stage 2 of CogBERT: cognition fused into the self-attention of any encoder of BERT's shape.

maps.py: word scores and spans become feature maps · fusion.py: how a map enters attention · model.py: the classifiers
of transformers with that attention inside. The readings `paper`, `released` and `fixed` are sets of flags
(scriptorium/modes.py).
"""

from scriptorium.models.cognition.fusion import CognitiveSelfAttention, FeatureWeights, mix_contexts, mix_maps
from scriptorium.models.cognition.maps import LOWER, UPPER, Features, diagonal_maps, span_maps
from scriptorium.models.cognition.model import (
    CognitionConfig,
    CognitionForSequenceClassification,
    CognitionForTokenClassification,
    CognitionOutput,
)

__all__ = [
    "LOWER",
    "UPPER",
    "CognitionConfig",
    "CognitionForSequenceClassification",
    "CognitionForTokenClassification",
    "CognitionOutput",
    "CognitiveSelfAttention",
    "FeatureWeights",
    "Features",
    "diagonal_maps",
    "mix_contexts",
    "mix_maps",
    "span_maps",
]
