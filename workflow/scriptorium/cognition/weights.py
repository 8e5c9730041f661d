"""What a fused model made of its features: the weights of every layer that has them (mends defect 10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from scriptorium.linguistics.features import FEATURES, LOWER, UPPER

NAMES = {"lower": LOWER, "upper": UPPER, "both": FEATURES}


def feature_weights(
    model: torch.nn.Module, examples: Sequence[dict[str, torch.Tensor]], make_batch: Callable, batch_size: int = 32
) -> pd.DataFrame:
    """One row per fused layer and feature, averaged over the examples.

    layer (from 1), level, feature, weight: alpha, in [0.04, 1]; contribution: the mean size of what the feature gives
    to the attention map, over the tokens that have it (mixing weight, alpha and score together; NaN with kernel 3);
    fused_norm: the layer's, what the fusion adds to the context over the layer's input, both as norms.
    The released analysis looked at the last layer alone and divided by hand-set frequencies.
    """
    model.eval()
    device = next(model.parameters()).device
    weights, given, norms, counts = [], [], [], []
    with torch.inference_mode():
        for start in range(0, len(examples), batch_size):
            batch = {name: value.to(device) for name, value in make_batch(examples[start : start + batch_size]).items()}
            batch.pop("labels", None)
            out = model(**batch, output_attentions=True)
            counts.append(len(batch["input_ids"]))
            norms.append(out.fused_norms.float().cpu().numpy())
            weights.append(out.feature_weights.float().mean(0).cpu().numpy())
            if out.contributions is not None:
                given.append(out.contributions.float().cpu().numpy())
    norm = np.average(norms, axis=0, weights=counts)
    alpha = np.average(weights, axis=0, weights=counts)
    size = np.average(given, axis=0, weights=counts) if given else np.full(alpha.shape, np.nan)
    fused = [(number, layer.level) for number, layer in enumerate(model.cognitive_layers(), start=1) if layer.level]
    rows = [
        {
            "layer": number,
            "level": level,
            "feature": name,
            "weight": alpha[place, column],
            "contribution": size[place, column],
            "fused_norm": norm[place],
        }
        for place, (number, level) in enumerate(fused)
        for column, name in enumerate(NAMES[level])
    ]
    return pd.DataFrame(rows, columns=["layer", "level", "feature", "weight", "contribution", "fused_norm"])
