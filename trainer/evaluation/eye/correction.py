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
from trainer.evaluation.verdicts.verdict import wilson

PERSON_ERRS = 0.05
"""So many of a person's marks are taken to be wrong."""


def seeing(reliability: Reliability) -> tuple[float, float, float]:
    """Return by how much an eye shrinks a difference (0 to 1), with a 95 % interval.

    That is s + t - 1, less what the person's own errors took away from it: the marks that it was
    held against are wrong in ``PERSON_ERRS``, which lets an eye without errors look like one with
    some.  Whoever errs less is taken for somebody who sees too large a difference, never too small.
    (0, 0, 1) if one kind was not marked.
    """
    if not reliability.done or not reliability.failed:
        return 0.0, 0.0, 1.0
    s, t = reliability.right_done / reliability.done, reliability.right_failed / reliability.failed
    s_low, s_high = wilson(reliability.right_done, reliability.done)
    t_low, t_high = wilson(reliability.right_failed, reliability.failed)
    sees = s + t - 1
    least, most = sees - math.hypot(s - s_low, t - t_low), sees + math.hypot(s_high - s, t_high - t)
    found, low, high = (
        min(1.0, max(0.0, share / (1 - 2 * PERSON_ERRS))) for share in (sees, least, most)
    )
    return found, low, high


def corrected(
    difference: float, low: float, high: float, reliability: Reliability
) -> tuple[float, float, float]:
    """Return (difference, low, high) without the eye's errors, each in [-1, 1].

    The eye has to err alike before and after.  The interval reaches to what an eye without errors
    would have seen: what was held out was judged by one that had learnt from fewer marks.
    Nothing is known, (difference, -1, 1), if it may be no better than a coin.
    """
    sees, least, most = seeing(reliability)
    if least <= 0:
        return difference, -1.0, 1.0
    return (
        _within(difference / sees),
        _within(min(low, _end(difference, low, sees, least if low < 0 else most, upper=False))),
        _within(max(high, _end(difference, high, sees, least if high > 0 else most, upper=True))),
    )


def _end(top: float, top_end: float, bottom: float, bottom_end: float, *, upper: bool) -> float:
    """Return an end of the interval of ``top / bottom``, of which ``bottom`` is positive.

    ``bottom_end`` is the end of its interval that takes the quotient furthest away from ``top /
    bottom`` on that side.
    """
    product = top * bottom
    inner = top_end * bottom_end * (2 * top - top_end) * (2 * bottom - bottom_end)
    root = math.sqrt(max(0.0, product * product - inner))
    scale = bottom_end * (2 * bottom - bottom_end)
    if scale <= 0:
        # The interval of what it sees reaches to nothing, or to twice what is seen.
        return 1.0 if upper else -1.0
    return (product + (root if upper else -root)) / scale


def _within(share: float) -> float:
    return min(1.0, max(-1.0, share))
