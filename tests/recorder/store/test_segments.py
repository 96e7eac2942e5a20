from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.store.rows import EpisodeKind
from recorder.store.segments import Span, count_takeovers, derive_segments, driver_strip
from recorder.types import Driver, SegmentKind

P, H, N = Driver.POLICY, Driver.PERSON, Driver.NOBODY
RATE_HZ = 20.0


def derive(
    drivers: list[Driver],
    kind: EpisodeKind = EpisodeKind.ROLLOUT,
    idle: frozenset[int] = frozenset(),
) -> list[tuple[int, int, SegmentKind]]:
    active = [tick not in idle for tick in range(len(drivers))]
    return [(s.start, s.stop, s.kind) for s in derive_segments(drivers, active, kind, RATE_HZ)]


def test_takeover_splits_rollout_lead_up_and_correction() -> None:
    assert derive([P] * 40 + [H] * 20 + [P] * 40) == [
        (0, 25, SegmentKind.ROLLOUT),
        (25, 40, SegmentKind.PRE_TAKEOVER),
        (40, 60, SegmentKind.CORRECTION),
        (60, 100, SegmentKind.ROLLOUT),
    ]


def test_lead_up_ends_at_the_episodes_start() -> None:
    assert derive([P] * 5 + [H] * 5)[0] == (0, 5, SegmentKind.PRE_TAKEOVER)


def test_lead_up_is_15_ticks_at_20_hz_and_14_at_17_5() -> None:
    for rate_hz, wanted in ((20.0, 15), (17.5, 14)):
        spans = derive_segments([P] * 40 + [H], [True] * 41, EpisodeKind.ROLLOUT, rate_hz)
        assert spans[1].stop - spans[1].start == wanted


def test_takeovers_within_a_second_are_one_and_teach_nothing_between() -> None:
    drivers = [P] * 30 + [H] * 10 + [P] * 19 + [H] * 10
    assert derive(drivers)[-2:] == [
        (40, 59, SegmentKind.PRE_TAKEOVER),
        (59, 69, SegmentKind.CORRECTION),
    ]
    spans = derive_segments(drivers, [True] * 69, EpisodeKind.ROLLOUT, RATE_HZ)
    assert count_takeovers(spans, RATE_HZ) == 1


def test_takeovers_a_second_apart_are_two() -> None:
    drivers = [P] * 30 + [H] * 10 + [P] * 20 + [H] * 10
    spans = derive_segments(drivers, [True] * 70, EpisodeKind.ROLLOUT, RATE_HZ)
    assert count_takeovers(spans, RATE_HZ) == 2
    assert Span(40, 45, P, SegmentKind.ROLLOUT) in spans


def test_reaction_time_without_input_is_idle() -> None:
    found = derive([P] * 20 + [H] * 10, idle=frozenset(range(20, 30)))
    assert found[-2:] == [(20, 24, SegmentKind.IDLE), (24, 30, SegmentKind.CORRECTION)]


def test_a_takeover_that_was_taken_back_teaches_nothing_and_nothing_led_up_to_it() -> None:
    drivers = [P] * 40 + [H] * 5 + [P] * 40 + [H] * 5
    spans = derive_segments(drivers, [True] * 90, EpisodeKind.ROLLOUT, RATE_HZ, {40})
    assert [(s.start, s.stop, s.kind) for s in spans] == [
        (0, 40, SegmentKind.ROLLOUT),
        (40, 45, SegmentKind.IDLE),
        (45, 70, SegmentKind.ROLLOUT),
        (70, 85, SegmentKind.PRE_TAKEOVER),
        (85, 90, SegmentKind.CORRECTION),
    ]
    assert count_takeovers(spans, RATE_HZ) == 1


def test_demonstration_stays_one_until_the_policy_drives() -> None:
    drivers = [N] * 2 + [H] * 10 + [P] * 30 + [H] * 5
    assert derive(drivers, EpisodeKind.DEMONSTRATION) == [
        (0, 2, SegmentKind.IDLE),
        (2, 12, SegmentKind.DEMONSTRATION),
        (12, 27, SegmentKind.ROLLOUT),
        (27, 42, SegmentKind.PRE_TAKEOVER),
        (42, 47, SegmentKind.CORRECTION),
    ]


@given(
    st.lists(st.tuples(st.sampled_from(Driver), st.booleans()), max_size=120),
    st.sampled_from(EpisodeKind),
    st.sampled_from([5.0, 17.5, 20.0, 60.0]),
)
def test_segments_cover_every_tick_once_with_its_driver(
    ticks: list[tuple[Driver, bool]], kind: EpisodeKind, rate_hz: float
) -> None:
    drivers = [driver for driver, _ in ticks]
    spans = derive_segments(drivers, [active for _, active in ticks], kind, rate_hz)
    covered = [span for span in spans for _ in range(span.start, span.stop)]
    assert [span.driver for span in covered] == drivers
    assert [span.start for span in spans[1:]] == [span.stop for span in spans[:-1]]
    for span in spans:
        if span.kind in (SegmentKind.ROLLOUT, SegmentKind.PRE_TAKEOVER):
            assert span.driver is P
        if span.kind in (SegmentKind.CORRECTION, SegmentKind.DEMONSTRATION):
            assert span.driver is H
    assert sum(ticks for _, ticks in driver_strip(drivers)) == len(drivers)
