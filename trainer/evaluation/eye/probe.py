"""Logistic regression on few examples: how likely a row of figures is one of "done"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.eye.glances import Array

LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Weights over figures that were made comparable; ``weights`` has one entry a figure."""

    centre: Array
    spread: Array
    weights: Array
    bias: float

    def likely(self, rows: Array) -> Array:
        """Return the chance (0 to 1) of each row of N x figures, N."""
        score = ((rows - self.centre) / self.spread) @ self.weights + self.bias
        likely: Array = (1 / (1 + np.exp(-np.clip(score, -30, 30)))).astype(np.float32)
        return likely


def fit_probe(
    rows: Array, done: NDArray[np.bool_], shares: Array, *, decay: float, least_spread: float
) -> Probe:
    """Fit a probe to N rows, of which ``done`` says which are.

    ``shares`` weighs the rows within each of the two kinds, which count alike; ``decay`` is the
    weight of the squared weights (L2).  A figure that varies by less than ``least_spread`` is taken
    as if it varied by that.  Raises ValueError if one of the two kinds is missing.
    """
    # Late: it takes a moment to load.
    from scipy.optimize import minimize

    if done.all() or not done.any():
        raise ValueError("examples of only one kind tell nothing")
    centre, spread = rows.mean(axis=0), rows.std(axis=0) + least_spread
    # So a decay means the same however many figures there are.
    scaled = ((rows - centre) / (spread * np.sqrt(rows.shape[1]))).astype(np.float64)
    weigh = np.where(done, shares / shares[done].sum(), shares / shares[~done].sum()) / 2

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = scaled @ point[:-1] + point[-1]
        cost = weigh @ (np.logaddexp(0.0, score) - done * score) + decay * point[:-1] @ point[:-1]
        miss = weigh * (1 / (1 + np.exp(-score)) - done)
        return float(cost), np.append(miss @ scaled + 2 * decay * point[:-1], miss.sum())

    best = minimize(
        loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}
    ).x
    weights = (best[:-1] / np.sqrt(rows.shape[1])).astype(np.float32)
    return Probe(centre, spread, weights, float(best[-1]))
