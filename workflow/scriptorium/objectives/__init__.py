"""What is learnt in pre-training: one file per objective, and building.py, which chooses by the recipe.

The names of this package are read when the DAG is built, so `build`, which needs torch, is loaded when it is called.
"""

from __future__ import annotations

from typing import Any


def build(*arguments: Any) -> Any:
    """See building.build."""
    from scriptorium.objectives import building

    return building.build(*arguments)
