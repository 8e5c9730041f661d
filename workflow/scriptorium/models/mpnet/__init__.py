"""MPNet and its ablations in two streams.

visibility.py: who sees whom, one rule for all objectives · layer.py: a layer for both streams · model.py:
transformers' MPNet with that attention inside · building.py: a new model for a recipe
"""

from scriptorium.models.mpnet.building import SAVED, build
from scriptorium.models.mpnet.model import TwoStreamConfig, TwoStreamMPNet
from scriptorium.models.mpnet.visibility import MODES, Layout, lay_out, shares, visible

__all__ = ["MODES", "SAVED", "Layout", "TwoStreamConfig", "TwoStreamMPNet", "build", "lay_out", "shares", "visible"]
