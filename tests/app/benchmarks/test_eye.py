"""What the benchmark of the agent's own eye counts as right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.benchmarks import eye as benchmark
from app.benchmarks.eye import LATE_TICKS, Judged, called_rightly, figures_of
from app.benchmarks.teaching_cases.watching import Watched
from recorder.errors import KnownError, UsageError
from trainer.evaluation.eye.glances import DEEDS, Seen
from trainer.evaluation.eye.judge import Eye, Reliability
from trainer.evaluation.eye.probe import Probe

ONE = np.ones(1, np.float32)
LOOKS = Eye(
    "bow", "base", Probe(0 * ONE, ONE, 9 * ONE, -4.5), None, 0.5, 2, 60, Reliability(0, 0, 0, 0)
)
"""It calls done what it sees as 1 in two ticks in a row."""


def watched(called: int | None, verdict: bool | None, decided: int | None) -> Watched:
    """Return an attempt of 60 ticks that the eye calls done after ``called`` ticks."""
    glances = np.zeros((60, 1), np.float32)
    if called is not None:
        glances[called - 2 : called] = 1.0
    return Watched(Seen(glances, np.zeros((60, DEEDS), np.float32)), verdict, decided)


@pytest.mark.parametrize(
    ("called", "verdict", "decided", "right"),
    [
        (30, True, 30, True),
        (45, True, 30, True),
        (30, True, 30 + LATE_TICKS, True),
        (30, True, 31 + LATE_TICKS, False),  # It ended the attempt too early.
        (None, True, 30, False),
        (None, None, None, True),
        (30, None, None, False),
        (30, False, 20, False),  # Done, but wrong.
        (None, False, 20, True),
    ],
)
def test_an_eye_is_right_if_the_judge_agrees_within_a_second(
    called: int | None, verdict: bool | None, decided: int | None, right: bool
) -> None:
    assert called_rightly(LOOKS, watched(called, verdict, decided)) is right


def test_attempts_are_pooled_over_lessons_and_those_that_were_not_taught_are_counted() -> None:
    found = [
        Judged(
            "choosing",
            "a",
            36,
            0.95,
            True,
            done=50,
            right_done=50,
            failed=50,
            right_failed=40,
            gain=(0.5, 0.3, 0.7),
            true_gain=0.35,
        ),
        Judged("choosing", "b", 36, 0.70, False, done=10, right_done=4, failed=90, right_failed=88),
        Judged("choosing", "c", 36, None, believed=False),
        Judged(
            "choosing",
            "d",
            36,
            0.90,
            True,
            done=40,
            right_done=30,
            failed=60,
            right_failed=54,
            gain=(0.5, 0.3, 0.7),
            true_gain=0.2,
        ),
    ]
    figures = figures_of(found)
    assert (figures["lessons"], figures["taught"], figures["believed"]) == (4, 3, 2)
    assert figures["balanced_accuracy"] == pytest.approx((84 / 100 + 182 / 200) / 2)
    assert figures["balanced_accuracy_of_believed"] == pytest.approx((80 / 90 + 94 / 110) / 2)
    assert figures["believed_below_85"] == 1  # d: 82.5 %
    assert figures["gain_as_told_share"] == 0.5
    nothing = figures_of([found[2]])
    assert (nothing["balanced_accuracy"], nothing["believed_below_85"]) == (None, None)


def test_what_comes_later_than_the_eye_looks_counts_for_nothing() -> None:
    short = replace(LOOKS, ticks=40)
    assert called_rightly(short, watched(50, True, 50))
    assert called_rightly(short, watched(None, True, 50))
    assert not called_rightly(short, watched(30, None, None))


def test_an_unknown_part_and_a_lesson_that_was_not_taught_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no part called winning"):
        benchmark.measure(1, lambda _text: None, folder=tmp_path, parts=["winning"])
    with pytest.raises(KnownError, match="was not taught in this folder"):
        benchmark.measure(1, lambda _text: None, folder=tmp_path, parts=["choosing"])
    assert not list(tmp_path.rglob("playteach.sqlite3"))
