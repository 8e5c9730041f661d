"""Few labelled examples, drawn from train: the same for every variant that has the same seed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from scriptorium.errors import UserError
from scriptorium.tasks.splits import draw


def some(strata: Sequence[Hashable], count: int, seed: int, number: int = 0) -> list[int]:
    """Rows of train that are labelled, with the shares that `strata` (the classes, if there are any) have in train.

    seed: of the run; number: of the draw, where a run has several. Raises UserError if train has fewer.
    """
    if count > len(strata):
        raise UserError(
            f"{count} labelled texts are asked for, but train has {len(strata)}",
            where="config/config.yaml, few_labels.labels or labelled of the task",
            remedy="lower it, or raise limits.train of the task",
        )
    return draw(list(strata), count, int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))
