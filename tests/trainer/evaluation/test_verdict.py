"""Intervals and verdicts, against published values and simulated truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.verdict import (
    MIN_PAIRS,
    Verdict,
    VerdictKind,
    judge,
    paired_interval,
    wilson,
)

pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


def split(outcomes: list[tuple[bool, bool]]) -> tuple[list[bool], list[bool]]:
    return [before for before, _ in outcomes], [after for _, after in outcomes]


def table(both: int, lost: int, gained: int, neither: int) -> tuple[list[bool], list[bool]]:
    """Outcomes (before, after) of a two by two table."""
    return split(
        [(True, True)] * both
        + [(True, False)] * lost
        + [(False, True)] * gained
        + [(False, False)] * neither
    )


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 857-872), method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_published_intervals_of_a_rate(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)
    # Failures are successes turned round.
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_wilson_at_the_edges() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    # One standard deviation to each side, near the middle.
    low, high = wilson(500, 1000, z=1.0)
    assert high - low == pytest.approx(0.0316, abs=1e-4)
    with pytest.raises(ValueError, match="no rate"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="no rate"):
        wilson(-1, 2)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 2635-2650), method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
        # Failures counted instead of successes: the same difference, turned round.
        ((0, 12, 2, 36), 0.0569, 0.3404),
    ],
)
def test_the_published_intervals_of_a_paired_difference(
    cells: tuple[int, int, int, int], low: float, high: float
) -> None:
    # The paper subtracts the other way round: first minus second.
    before, after = table(*cells)
    difference, found_low, found_high = paired_interval(after, before)
    assert difference == pytest.approx(0.2)
    assert (found_low, found_high) == pytest.approx((low, high), abs=5e-4)


@given(pairs)
def test_an_interval_holds_its_difference_and_turns_round_with_the_pair(
    outcomes: list[tuple[bool, bool]],
) -> None:
    before, after = split(outcomes)
    difference, low, high = paired_interval(before, after)
    assert -1.0 <= low <= difference <= high <= 1.0
    turned = paired_interval(after, before)
    assert turned == pytest.approx((-difference, -high, -low), abs=1e-9)


@pytest.mark.parametrize(("before", "after"), [([], []), ([True], [True, False])])
def test_what_is_no_pair_is_refused(before: list[bool], after: list[bool]) -> None:
    with pytest.raises(ValueError, match="one length"):
        paired_interval(before, after)


@given(pairs)
def test_better_and_worse_mirror_each_other(outcomes: list[tuple[bool, bool]]) -> None:
    before, after = split(outcomes)
    mirror = {VerdictKind.BETTER: VerdictKind.WORSE, VerdictKind.WORSE: VerdictKind.BETTER}
    kind = judge(before, after).kind
    assert judge(after, before).kind == mirror.get(kind, kind)


def test_without_runs_nothing_is_known() -> None:
    verdict = judge([], [])
    assert verdict.kind == VerdictKind.NOT_ENOUGH
    assert (verdict.low, verdict.high) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ((0, 0, MIN_PAIRS - 1, 0), VerdictKind.NOT_ENOUGH),
        ((0, 0, MIN_PAIRS, 0), VerdictKind.BETTER),
        ((0, MIN_PAIRS, 0, 0), VerdictKind.WORSE),
        ((5, 2, 3, 5), VerdictKind.NOT_ENOUGH),
        ((200, 0, 0, 200), VerdictKind.SAME),
    ],
)
def test_the_four_verdicts(cells: tuple[int, int, int, int], kind: VerdictKind) -> None:
    verdict = judge(*table(*cells))
    assert verdict.kind == kind
    both, lost, gained, _ = cells
    assert (verdict.before, verdict.after, verdict.n) == (both + lost, both + gained, sum(cells))
    assert f"{verdict.before} of {verdict.n} before" in verdict.sentence


def simulate(
    rng: np.random.Generator, p_before: float, p_after: float, alike: float, n: int
) -> Verdict:
    """One comparison; ``alike`` is the share of starts on which one luck decides both."""
    luck = rng.random(n)
    other = np.where(rng.random(n) < alike, luck, rng.random(n))
    return judge((luck < p_before).tolist(), (other < p_after).tolist())


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("alike", [0.0, 0.7])
@pytest.mark.parametrize("n", [20, 60])
def test_where_nothing_changed_few_comparisons_say_so(p: float, alike: float, n: int) -> None:
    rng = np.random.default_rng(20_000 + n)
    runs = 600
    verdicts = [simulate(rng, p, p, alike, n).kind for _ in range(runs)]
    # Nominally 2.5 % each; 600 draws of that exceed 4.5 % once in about 400 such tests.
    for wrong in (VerdictKind.BETTER, VerdictKind.WORSE):
        assert verdicts.count(wrong) / runs <= 0.045


def test_a_real_gain_is_found_and_never_called_worse() -> None:
    rng = np.random.default_rng(5)
    verdicts = [simulate(rng, 0.3, 0.7, 0.5, 50).kind for _ in range(200)]
    assert verdicts.count(VerdictKind.BETTER) / 200 >= 0.95
    assert VerdictKind.WORSE not in verdicts


@pytest.mark.parametrize("difference", [0.0, 0.2])
def test_the_interval_covers_the_truth_about_nineteen_times_in_twenty(difference: float) -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(600):
        verdict = simulate(rng, 0.4, 0.4 + difference, 0.6, 40)
        held += verdict.low <= difference <= verdict.high
    assert held / 600 >= 0.92
