"""Clocks and the pacer: absolute deadlines, lateness counted and never made up for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.clock import ManualClock, MonotonicClock, Pacer

PERIOD_NS = 50_000_000


def paced(start_ns: int = 0) -> tuple[ManualClock, Pacer]:
    clock = ManualClock(start_ns)
    return clock, Pacer(clock, 20.0)


def test_a_manual_clock_moves_only_when_told_to_and_never_back() -> None:
    clock = ManualClock(5)
    assert clock.now_ns() == 5
    clock.sleep_until_ns(9)
    clock.sleep_until_ns(3)
    assert clock.now_ns() == 9
    clock.advance_ns(1)
    assert clock.now_ns() == 10
    with pytest.raises(ValueError, match="backwards"):
        clock.advance_ns(-1)


def test_the_monotonic_clock_is_the_machines_and_does_not_wait_for_what_is_past() -> None:
    clock = MonotonicClock()
    before = time.monotonic_ns()
    now = clock.now_ns()
    assert before <= now <= time.monotonic_ns()
    clock.sleep_until_ns(now - 1)
    deadline = clock.now_ns() + 1000
    clock.sleep_until_ns(deadline)
    assert clock.now_ns() >= deadline


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Pacer(ManualClock(), rate)


def test_deadlines_are_absolute_also_where_the_period_is_no_whole_number() -> None:
    clock = ManualClock(123)
    pacer = Pacer(clock, 17.5)
    for _ in range(17_500):
        assert pacer.wait() == 0
    # A thousand seconds later not one nanosecond has been gathered or lost.
    assert clock.now_ns() == 123 + 1000 * 10**9
    assert (pacer.ticks, pacer.missed) == (17_500, 0)


@given(st.lists(st.integers(0, PERIOD_NS - 1), min_size=1, max_size=40))
def test_work_that_fits_the_period_misses_nothing(work_ns: list[int]) -> None:
    clock, pacer = paced()
    for index, duration in enumerate(work_ns, start=1):
        clock.advance_ns(duration)
        assert pacer.wait() == 0
        assert clock.now_ns() == index * PERIOD_NS


@given(st.lists(st.integers(0, 5 * PERIOD_NS), min_size=1, max_size=40))
def test_every_deadline_is_either_met_or_counted(work_ns: list[int]) -> None:
    clock, pacer = paced(7)
    for duration in work_ns:
        clock.advance_ns(duration)
        before = clock.now_ns()
        pacer.wait()
        # Late by less than one period, or exactly on a deadline.
        deadline = 7 + (pacer.ticks + pacer.missed) * PERIOD_NS
        assert clock.now_ns() == max(before, deadline)
        assert clock.now_ns() - deadline < PERIOD_NS
    assert pacer.ticks == len(work_ns)


def test_a_stall_skips_deadlines_instead_of_racing_after_them() -> None:
    clock, pacer = paced()
    assert pacer.wait() == 0
    clock.advance_ns(3 * PERIOD_NS + PERIOD_NS // 2)
    assert pacer.wait() == 2
    assert clock.now_ns() == 4 * PERIOD_NS + PERIOD_NS // 2
    assert pacer.wait() == 0
    assert clock.now_ns() == 5 * PERIOD_NS
    assert (pacer.ticks, pacer.missed) == (3, 2)


def test_a_pause_is_no_missed_tick_and_the_counts_stay() -> None:
    clock, pacer = paced()
    clock.advance_ns(3 * PERIOD_NS)
    missed = pacer.wait()
    assert missed == 2
    clock.advance_ns(100 * PERIOD_NS)
    pacer.rebase()
    paused_until = clock.now_ns()
    assert pacer.wait() == 0
    assert clock.now_ns() == paused_until + PERIOD_NS
    assert (pacer.ticks, pacer.missed) == (2, missed)


def test_a_world_that_stood_still_has_missed_nothing() -> None:
    clock, pacer = paced()
    pacer.wait()
    clock.advance_ns(5 * PERIOD_NS + 3)
    pacer.stand_still(5 * PERIOD_NS + 3)
    assert pacer.wait() == 0
    assert clock.now_ns() == 7 * PERIOD_NS + 3
    assert (pacer.ticks, pacer.missed) == (2, 0)


def test_a_restart_counts_anew() -> None:
    clock, pacer = paced()
    clock.advance_ns(5 * PERIOD_NS)
    pacer.wait()
    pacer.restart()
    assert (pacer.ticks, pacer.missed) == (0, 0)
    assert pacer.wait() == 0
