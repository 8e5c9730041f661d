"""Feature maps: how word scores [B, 4, L] and span ids become what a layer fuses (docs/papers/cogbert.md section 5).

Scores and spans are all that an example stores, O(L); only here, and only for the batch at hand, do they become L x L.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from scriptorium.linguistics.features import LOWER

POSITION = LOWER.index("word_position")


def diagonal_maps(lower: Tensor) -> Tensor:
    """[B, 4, L] -> [B, 4, L, L]: every token's own score on the diagonal (section 5.2; mends defect 3)."""
    return torch.diag_embed(lower)


def span_maps(scores: Tensor, spans: Tensor) -> Tensor:
    """Scores [B, 4, L] and span ids [B, 4, L] (-1: none) -> [B, 4, L, L].

    Entry (i, j) is the mean of i's and j's scores where both lie in one span, else 0. `tasks/examples.py` gives
    all pieces of a span the mean over its *words* (docs/papers/cogbert.md section 5.4), so this is that mean, and
    symmetric always.
    """
    same = (spans[..., :, None] == spans[..., None, :]) & (spans >= 0)[..., None]
    return same * (scores[..., :, None] + scores[..., None, :]) / 2


def first_token_only(lower: Tensor) -> Tensor:
    """Defect 3, as released: of the scores [B, 4, L] only token 0's are left (5.3 no. 1)."""
    kept = torch.zeros_like(lower)
    kept[..., 0] = lower[..., 0]
    return kept


def position_for_syntax(maps: Tensor, lower: Tensor) -> Tensor:
    """Defect 4, as released: in the upper maps [B, 4, L, L] the word-position diagonal stands for both syntax maps."""
    position = torch.diag_embed(lower[:, POSITION])
    return torch.stack((maps[:, 0], maps[:, 1], position, position), dim=1)


@dataclass
class Features:
    """One batch's cognition on its way through the layers.

    maps: "lower" and "upper", each [B, 4, L, L], or "both", [B, 8, L, L]; scores: the same names without the last
    dimension; readability: [B, 1]. Where `record` is set, the layers add their attention maps, contributions and
    the norm of the fused term.
    """

    maps: dict[str, Tensor]
    scores: dict[str, Tensor]
    readability: Tensor
    record: bool = False
    attentions: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    contributions: list[Tensor] = field(default_factory=list)
    norms: list[Tensor] = field(default_factory=list)

    @classmethod
    def build(
        cls,
        lower: Tensor,
        upper_scores: Tensor,
        upper_spans: Tensor,
        readability: Tensor,
        *,
        diagonal: str = "own",
        syntax: str = "own",
        layered: bool = True,
        record: bool = False,
    ) -> Features:
        """lower, upper_scores, upper_spans: [B, 4, L] in the order of LOWER, UPPER (linguistics/features.py);
        readability: [B]."""
        scores = {"lower": lower if diagonal == "own" else first_token_only(lower), "upper": upper_scores}
        maps = {"lower": diagonal_maps(scores["lower"]), "upper": span_maps(upper_scores, upper_spans)}
        if syntax == "word_position":
            maps["upper"] = position_for_syntax(maps["upper"], lower)
            position = lower[:, POSITION]
            scores["upper"] = torch.stack((upper_scores[:, 0], upper_scores[:, 1], position, position), dim=1)
        if not layered:
            maps = {"both": torch.cat((maps["lower"], maps["upper"]), dim=1)}
            scores = {"both": torch.cat((scores["lower"], scores["upper"]), dim=1)}
        return cls(maps, scores, readability[:, None], record)
