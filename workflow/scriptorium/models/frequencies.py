"""Language models whose training starts from word frequencies (ours)."""

from __future__ import annotations

import numpy as np
import torch


class FromFrequencies:
    """Beside a language model of transformers, whose decoder has a bias."""

    def start_from(self, log_frequency: np.ndarray) -> None:
        """Set the output bias to log frequencies [tokens]: training starts at the unigram loss.

        With small weights the bias alone makes the first predictions, and it takes Adam about a hundred steps to
        learn what counting gives at once. A vocabulary that is padded keeps the bias of its padding.
        """
        with torch.no_grad():
            self.get_output_embeddings().bias[: len(log_frequency)] = torch.from_numpy(log_frequency)
