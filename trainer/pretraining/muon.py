"""Muon: momentum whose matrices are made orthogonal (Jordan et al. 2024), in float32.

torch's own works in bfloat16, which a CPU without instructions for it does a hundred times
slower.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration, as published with the method."""
ITERATIONS = 5


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return roughly the nearest matrix with equal singular values (0.7 to 1.2)."""
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        # a x + (b gram + c gram gram) x
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    made: torch.Tensor = x.T if tall else x
    return made


class Muon(torch.optim.Optimizer):
    """The optimizer for matrices inside a network; embeddings and vectors are not for it."""

    def __init__(
        self,
        matrices: Iterable[torch.Tensor],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(list(matrices), defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure here
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            rate, keep = group["lr"], group["momentum"]
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(matrix)
                state["momentum"].mul_(keep).add_(matrix.grad)
                move = orthogonal(matrix.grad + keep * state["momentum"])
                matrix.mul_(1 - rate * group["weight_decay"])
                wide = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
                matrix.add_(move, alpha=-rate * wide)
