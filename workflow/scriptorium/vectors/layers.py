"""Which layer of an encoder counts: the one that is given, the best one on the half that chooses, or the last one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scriptorium.models.layers import place_of
from scriptorium.vectors.measures import BOTH, CHOICE, MEASURES, SUMS, TEST, encoder_of

WHERE = "config/config.yaml, vectors"


def counting(sums: pd.DataFrame, given: int | None) -> dict[tuple[str, str, str], int]:
    """(measure, languages, reads) -> the layer that counts, of the rows of one scorer and of all its seeds.

    The lower layer, if two are as good. Cross-attention begins with layer 1.
    """
    found = {}
    for (measure, languages, reads), own in sums.groupby(["measure", "languages", "reads"], sort=True):
        depth, chooses = int(own["layer"].max()), MEASURES[measure].chooses
        if given is not None:
            found[measure, languages, reads] = max(place_of(given, depth, WHERE), int(own["layer"].min()))
        elif chooses is None:
            found[measure, languages, reads] = depth
        else:
            same = (sums["measure"] == chooses) & (sums["languages"] == languages) & (sums["reads"] == reads)
            rows = sums[same & (sums["part"] == CHOICE) & (sums["direction"] == BOTH)]
            totals = rows.groupby("layer")[list(SUMS)].sum()
            values = MEASURES[chooses].of(totals.to_numpy())
            best = values.argmin() if MEASURES[chooses].lower_better else values.argmax()
            found[measure, languages, reads] = int(totals.index[best])
    return found


def reported(sums: pd.DataFrame) -> pd.DataFrame:
    """Without the half that chose the layer, of the measures of which it does."""
    chosen = [name for name, measure in MEASURES.items() if measure.chooses]
    return sums[(sums["part"] == TEST) | ~sums["measure"].isin(chosen)]


def metrics(sums: pd.DataFrame, given: int | None) -> dict[str, float]:
    """<scorer>/<measure>/<languages>/<direction>/<reads>, at the layer that counts for that scorer."""
    found, columns = {}, ["scorer", "measure", "languages", "direction", "reads", "layer"]
    chosen = {
        scorer: counting(sums[sums["scorer"] == scorer], given) for scorer in map(encoder_of, sums["scorer"].unique())
    }
    for key, total in reported(sums).groupby(columns, sort=False)[list(SUMS)].sum().iterrows():
        scorer, measure, languages, direction, reads, layer = key
        if layer == chosen[encoder_of(scorer)][measure, languages, reads]:
            name = "/".join((scorer, measure, languages, direction, reads)).replace(" ", "_")
            found[name] = float(MEASURES[measure].of(total.to_numpy(np.float64)))
    return found
