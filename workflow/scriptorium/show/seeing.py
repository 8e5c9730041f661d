"""Who sees what, asked of the model: a prediction sees a token if its loss has a gradient at the token's embedding.

So a picture shows what the forward pass does, whatever builds its masks, and of every objective alike. Where a mask
hides a token its weight is exactly 0, and so is the gradient; through all that is seen flows some. A loss that is
detached on purpose from what it reads (VECO's `cross_gradient: false`) shows what is trained, not all that is read.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import transformers
from torch import Tensor

from scriptorium.objectives.labels import IGNORED

READ = ("input_ids", "revealed", "decoder_input_ids")  # the tensors of batches that hold what a model reads
OF_THE_WHOLE = {"next sentence": "nsp_loss"}  # terms that say one thing of an example, and where models tell them
DEVIATION = 0.3  # of all matrices: attention is neither even nor decided, so that every token matters


def seen(model: transformers.PreTrainedModel, batch: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """For every term of the loss bool [rows, columns], from a batch of one example.

    A row is a label, in their order; a term that says one thing of the whole example has one row. Columns are the
    tokens of the batch's READ tensors one behind the other, padding among them. The model's weights change.
    """
    model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1 and parameter.std() > 0:
                parameter.mul_(DEVIATION / parameter.std())
    labels, found = batch["labels"], {}
    with Columns(model, batch) as columns:
        for row in (labels[0] != IGNORED).nonzero()[:, 0]:
            own = torch.full_like(labels, IGNORED)
            own[0, row] = labels[0, row]
            for name, loss in losses(model, columns.batch | {"labels": own}).items():
                found.setdefault(name, []).append(columns.reached(loss))
    return {name: np.stack(rows[:1] if name in OF_THE_WHOLE else rows) for name, rows in found.items()}


def losses(model: transformers.PreTrainedModel, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a batch of one example loses by each term, from what models tell in evaluation (objectives/objective.py).

    The term is named "prediction", unless there are several of the labels, which have names; and so has what is said of
    the example as a whole. Contrasts between examples are left out.
    """
    outputs = model(**batch)
    if "term_losses" in outputs:
        return {name: outputs["term_losses"][:, number].sum() for number, name in enumerate(model.measured)}
    _, lost, *_ = outputs.values()
    whole = {term: outputs[name].sum() for term, name in OF_THE_WHOLE.items() if name in outputs}
    return {"prediction": lost.sum(), **whole}


class Columns:
    """A context in which the embeddings of a model know from which column of a batch a token comes.

    Each token's number is raised by the size of the vocabulary times that of its column. So it is known wherever the
    model puts it; before the embeddings look it up it becomes what it was, and what they give gets the column's offset,
    0, whose gradient is asked for.
    """

    def __init__(self, model: transformers.PreTrainedModel, batch: Mapping[str, Tensor]):
        self.embeddings = model.get_input_embeddings()
        self.size, width = self.embeddings.weight.shape
        self.batch, count = dict(batch), 0
        for name in READ:
            if name in batch:
                numbers = torch.arange(count + 1, count + 1 + batch[name].numel()).view_as(batch[name])
                self.batch[name], count = batch[name] + self.size * numbers, count + batch[name].numel()
        self.offsets = torch.zeros(count + 1, width, requires_grad=True)

    def __enter__(self) -> Columns:
        self.handles = [
            self.embeddings.register_forward_pre_hook(self._before),
            self.embeddings.register_forward_hook(self._after),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _before(self, _: torch.nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self.numbers = given[0] // self.size
        return (given[0] % self.size, *given[1:])

    def _after(self, _: torch.nn.Module, __: tuple[Tensor, ...], embedded: Tensor) -> Tensor:
        return embedded + self.offsets[self.numbers]

    def reached(self, loss: Tensor) -> np.ndarray:
        """bool [columns]: which of them a loss depends on."""
        (gradient,) = torch.autograd.grad(loss, self.offsets, retain_graph=True, allow_unused=True)
        if gradient is None:
            return np.zeros(len(self.offsets) - 1, dtype=bool)
        return (gradient != 0).any(-1)[1:].numpy()
