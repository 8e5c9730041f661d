"""What causal language models on bodies of transformers share: documents of a row apart, a loss of every token."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from scriptorium.models import dropout, owners
from scriptorium.models.matrix_products import LayerWork, layer_flops
from scriptorium.models.mlm import outcome
from scriptorium.models.unbiased import Unbiased


class Causal(Unbiased):
    """Beside a causal language model of transformers: the same parameters, logits, loss and gradients.

    A class says which class of transformers has its parameters (`plain_class`), and how many matrices its feed-forward
    part has (`matrices`).
    """

    monitored = False  # in training, too, say how many predictions are correct
    matrices = 2

    def __init__(self, config):
        super().__init__(config)
        dropout.use(self)

    def predict(self, input_ids: Tensor, document_ids: Tensor | None = None) -> Tensor:
        """Logits [B, L, tokens] of the token after each of `input_ids` [B, L]; see `forward`."""
        return self._logits(input_ids, document_ids)[..., : self.tokens]

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor,
        document_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """See `outcome`; labels [B, L]: the token after each.

        With `document_ids` [B, L] a token sees the earlier ones of its own document, and if config.restarted positions
        begin at 0 with every document; else all earlier ones. Padding stands behind the text, so nobody sees it;
        attention_mask only says how many tokens are real.
        """
        return outcome(self._logits(input_ids, document_ids), labels, counted=self.monitored or not self.training)

    def _logits(self, input_ids: Tensor, document_ids: Tensor | None) -> Tensor:
        seen = {}
        if document_ids is not None:
            seen["attention_mask"] = owners.earlier(document_ids)
            if self.config.restarted:
                seen["position_ids"] = owners.places(document_ids)
        return self.logits(self.base_model(input_ids, use_cache=False, **seen).last_hidden_state)

    def forward_flops(self, batch: Mapping[str, Tensor]) -> float:
        """Matrix products of the forward pass over a batch (engine/flops.py); scores are counted as a full square."""
        config, (examples, length) = self.config, batch["input_ids"].shape
        width, inner = config.hidden_size, config.n_inner if hasattr(config, "n_inner") else config.intermediate_size
        layer = layer_flops(width, inner, LayerWork(length, length, length**2))
        layer += 2 * width * inner * length * (self.matrices - 2)
        return examples * (config.num_hidden_layers * layer + 2 * length * width * config.vocab_size)
