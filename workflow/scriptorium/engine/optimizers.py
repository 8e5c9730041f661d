"""Muon for the hidden matrices beside AdamW for the rest, as one optimiser that is saved and resumed as one (ours).

Muon (torch.optim.Muon, Keller Jordan 2024) replaces the momentum of a matrix by the nearest orthogonal one. Hidden
matrices are the weights of the linear maps of the encoder; embeddings, biases, norms and the head over the
vocabulary are AdamW's. AdamW alone is Trainer's own and does not come here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch

from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError


class Muon(torch.optim.Muon):
    """torch's Muon with its iteration in float32. torch's is in bfloat16, which CPUs without it emulate three to four
    times more slowly than they compute float32 (measured: 11.2 against 3.1 ms for 512 x 128 on one core)."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(weight.grad)
                momentum = state["momentum_buffer"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(momentum, group["momentum"]) if group["nesterov"] else momentum
                update = orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
                # the size of AdamW's updates, so that one learning rate suits both (Liu et al. 2025, as in torch)
                rate = group["lr"] * 0.2 * max(weight.shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-rate)
        return loss


def orthogonal(matrix: torch.Tensor, coefficients: Sequence[float], steps: int, eps: float) -> torch.Tensor:
    """[m, n] -> [m, n] with singular values near 1: the Newton-Schulz iteration of torch.optim.Muon, in float32."""
    first, second, third = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    found = (matrix.T if tall else matrix).float()
    found = found / found.norm().clamp(min=eps)
    for _ in range(steps):
        gram = found @ found.T
        found = torch.addmm(found, torch.addmm(gram, gram, gram, beta=second, alpha=third), found, beta=first)
    return (found.T if tall else found).to(matrix.dtype)


class Together(torch.optim.Optimizer):
    """Several optimisers, each of its own parameters, with one state and one list of groups: for schedules and
    checkpoints they are one."""

    def __init__(self, *parts: torch.optim.Optimizer):
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {"lr": parts[-1].defaults["lr"]})
        self._share()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None if closure is None else closure()
        for part in self.parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)  # makes new groups and a new state
        self._share()

    def _share(self) -> None:
        first = 0
        for part in self.parts:
            count = len(part.param_groups)
            part.state, part.param_groups = self.state, self.param_groups[first : first + count]
            first += count


def hidden_matrices(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Name -> weight of every linear map of the encoder that is trained; the head's are none of it."""
    encoder = getattr(model, "base_model", model)
    linear = {id(module.weight) for module in encoder.modules() if isinstance(module, torch.nn.Linear)}
    return {name: weight for name, weight in model.named_parameters() if id(weight) in linear and weight.requires_grad}


def muon(model: torch.nn.Module, spec: TrainSpec, decayed: Collection[str]) -> Together:
    """Muon for `hidden_matrices`, AdamW for every other trained parameter; `decayed`: names with weight decay.

    Raises UserError: no hidden matrix is trained.
    """
    hidden = hidden_matrices(model)
    if not hidden:
        raise UserError(
            "train.optimizer: muon has no matrix to train here: no linear map of the encoder is trained",
            where="train.optimizer",
            remedy="use adamw",
        )
    rest = {name: weight for name, weight in model.named_parameters() if weight.requires_grad and name not in hidden}
    adamw = [
        {"params": [weight for name, weight in rest.items() if (name in decayed) == decays], "weight_decay": decay}
        for decays, decay in ((True, spec.weight_decay), (False, 0.0))
    ]
    return Together(
        Muon(list(hidden.values()), lr=spec.muon_lr or spec.lr, weight_decay=spec.weight_decay),
        torch.optim.AdamW(adamw, lr=spec.lr, betas=spec.adam_betas, eps=spec.adam_eps, fused=True),
    )


def split_by_rate(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, torch.nn.Parameter], rates: Mapping[str, float]
) -> None:
    """Give the parameters of `rates` groups of their own, whose learning rate is that many times the group's.

    parameters: by name; rates: name -> factor. All else of a group, such as its decay, stays as it is.
    """
    factors = {id(parameters[name]): rate for name, rate in rates.items()}
    for group in list(optimizer.param_groups):
        members = group.pop("params")
        for rate in dict.fromkeys([1.0, *rates.values()]):
            own = [parameter for parameter in members if factors.get(id(parameter), 1.0) == rate]
            if rate == 1:
                group["params"] = own
            elif own:
                optimizer.add_param_group({**group, "params": own, "lr": group["lr"] * rate})
