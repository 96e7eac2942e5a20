"""What a difference is without the eye's own errors.

If the eye calls done what is done with chance s, and failed what failed with chance t, a
difference d of the true rates is seen as d (s + t - 1) (Rogan and Gladen 1978, American Journal of
Epidemiology 107, 71-76).  The interval of s + t - 1 is that of a sum of two independent rates, and
that of the quotient follows from the two intervals (MOVER: Donner and Zou 2012, Statistical Methods
in Medical Research 21, 347-359).
"""

from __future__ import annotations

import math

from trainer.evaluation.eye.judge import Reliability
from trainer.evaluation.verdict import wilson


def corrected(
    difference: float, low: float, high: float, reliability: Reliability
) -> tuple[float, float, float]:
    """Return (difference, low, high) without the eye's errors, each in [-1, 1].

    Nothing is known, (difference, -1, 1), if the eye may be no better than a coin.
    """
    if not reliability.done or not reliability.failed:
        return difference, -1.0, 1.0
    s, t = reliability.right_done / reliability.done, reliability.right_failed / reliability.failed
    s_low, s_high = wilson(reliability.right_done, reliability.done)
    t_low, t_high = wilson(reliability.right_failed, reliability.failed)
    sees = s + t - 1
    least = sees - math.hypot(s - s_low, t - t_low)
    most = min(1.0, sees + math.hypot(s_high - s, t_high - t))
    if least <= 0:
        return difference, -1.0, 1.0
    return (
        _within(difference / sees),
        _within(_quotient(difference, low, high, sees, least, most, upper=False)),
        _within(_quotient(difference, low, high, sees, least, most, upper=True)),
    )


def _quotient(
    top: float, top_low: float, top_high: float,
    bottom: float, bottom_low: float, bottom_high: float,
    *, upper: bool,
) -> float:  # fmt: skip
    """Return an end of the interval of ``top / bottom``, of which ``bottom`` is positive."""
    end, other = (top_high, bottom_low) if upper else (top_low, bottom_high)
    product = top * bottom
    inner = end * other * (2 * top - end) * (2 * bottom - other)
    root = math.sqrt(max(0.0, product * product - inner))
    return (product + (root if upper else -root)) / (other * (2 * bottom - other))


def _within(share: float) -> float:
    return min(1.0, max(-1.0, share))
