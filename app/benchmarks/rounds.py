"""``playteach benchmark rounds``: how often the rule for putting a round in use is wrong.

Simulated, unless a part is named: play is drawn from known rates, everything after it is what a
real round goes through.  With ``--part`` real rounds are taught and played
(:mod:`app.benchmarks.played_rounds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.benchmarks.common import Say, Target, median, report
from recorder.errors import UsageError
from trainer.evaluation.blind import statistics as blind
from trainer.evaluation.verdicts.sequential import (
    MOST_PAIRS,
    OLD_TASKS_MARGIN,
    Plan,
    estimate,
    estimate_fixed,
    findable_gain,
    round_alpha,
)
from trainer.evaluation.verdicts.simulated_rounds import play_many, wrongly_used
from trainer.evaluation.verdicts.verdict import VerdictKind

RUNS = 1
LESSONS = 2000
ROUNDS = 10
BASES = (0.05, 0.5, 0.9)
GAIN = 0.4
OLD_TASKS = Plan(0.01, looks=(300,))
ALIKE = 0.7
"""So many of the old tasks' starts come out by the same luck before and after, as seen in play."""
TARGETS = {
    **{f"wrongly_used_at_{base:g}": Target(0.05) for base in BASES},
    "interval_holds": Target(0.93, at_least=True),
    "old_tasks_interval_holds": Target(0.93, at_least=True),
    "blind_right_0_to_80": Target(0.95, at_least=True),
    "blind_right_20_to_80": Target(0.90, at_least=True),
    "blind_clips_0_to_80": Target(16),
    "blind_clips_20_to_80": Target(22),
    "blind_wrong": Target(0.05),
}
ERROR = 0.05
"""So often a person who compares clips presses the wrong key."""


def measure(
    runs: int | None, say: Say, *, folder: Path | None = None, parts: Sequence[str] = ()
) -> dict[str, Any]:
    """Simulate, or teach and play ``runs`` (None: 20) rounds of each of ``parts`` under ``folder``.

    Raises UsageError for a part that there is none of.
    """
    if not parts:
        return _simulated(RUNS if runs is None else runs, say)
    from app.benchmarks import played_rounds

    unknown = sorted(set(parts) - set(played_rounds.TARGETS))
    if unknown or folder is None:
        raise UsageError(
            f"There is no part called {', '.join(unknown)}, so nothing was measured; choose of: "
            f"{', '.join(played_rounds.TARGETS)}."
        )
    runs = played_rounds.ROUNDS if runs is None else runs
    return played_rounds.measure(runs, say, folder=folder, parts=parts)


def _simulated(runs: int, say: Say) -> dict[str, Any]:
    """Simulate ``LESSONS`` lessons of ``ROUNDS`` rounds at each base rate, ``runs`` times.

    Shares are 0 to 1.  ``wrongly_used_at_B`` is the part of lessons in which a round that changes
    nothing is called better, at a rate of B; ``found`` and ``pairs_to_verdict`` belong to a gain of
    ``GAIN`` from 0.3; the intervals are of a gain of 0.2 and of old tasks that lose 4 points.
    ``blind_...`` are exact: a person who marks ``ERROR`` of the clips wrong sees a gain, in half of
    the comparisons within so many clips, or one where there is none, at the worst rate.
    """
    import numpy as np

    each = []
    for run in range(runs):
        say(f"run {run + 1} of {runs}")
        rng = np.random.default_rng(run)
        figures: dict[str, float | None] = {
            f"wrongly_used_at_{base:g}": wrongly_used(
                rng, lessons=LESSONS, rounds=ROUNDS, base=base
            )
            / LESSONS
            for base in BASES
        }
        plan = Plan(round_alpha(1))
        gained = play_many(rng, plan, LESSONS, 0.3, 0.3 + GAIN)
        better = [estimate(plan, pairs).kind is VerdictKind.BETTER for pairs in gained]
        figures["found"] = sum(better) / LESSONS
        figures["pairs_to_verdict"] = median([float(pairs.n) for pairs in gained])
        told = [estimate(plan, pairs) for pairs in play_many(rng, plan, LESSONS, 0.4, 0.6)]
        figures["interval_holds"] = sum(one.low <= 0.2 <= one.high for one in told) / LESSONS
        old = play_many(rng, OLD_TASKS, LESSONS, 0.9, 0.86, alike=ALIKE)
        kept = [estimate_fixed(pairs, OLD_TASKS_MARGIN) for pairs in old]
        figures["old_tasks_interval_holds"] = (
            sum(one.low <= -0.04 <= one.high for one in kept) / LESSONS
        )
        figures |= _blind()
        each.append(figures)
    findable = {str(base): findable_gain(MOST_PAIRS, base, round_alpha(1)) for base in BASES}
    return report("rounds", each, TARGETS, extra={"findable_gain": findable})


def _blind() -> dict[str, float]:
    """Return how often, and how soon, a blind comparison is right, and how often it is wrong."""

    def marked(rate: float) -> float:
        return rate * (1 - ERROR) + (1 - rate) * ERROR

    figures: dict[str, float] = {}
    for before in (0.0, 0.2):
        sides = marked(before), marked(0.8)
        name = f"{100 * before:.0f}_to_80"
        figures[f"blind_right_{name}"] = blind.ends(*sides)[VerdictKind.BETTER]
        figures[f"blind_clips_{name}"] = float(blind.median_clips(*sides))
    alike = [blind.ends(marked(rate / 20), marked(rate / 20)) for rate in range(21)]
    figures["blind_wrong"] = max(1 - each[VerdictKind.SAME] for each in alike)
    return figures
