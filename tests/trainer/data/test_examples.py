from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions.tokens import encode_ids
from model.vla.preprocess import load_spec
from recorder.errors import DataError
from recorder.store import Reader, SegmentRow, TickRow
from recorder.store import Split as RowSplit
from recorder.types import NO_ACTION, Action, Driver, Outcome, SegmentKind
from trainer.data import examples
from trainer.data.examples import (
    MAX_VISITS,
    Example,
    class_shares,
    draw_plan,
    held_out_episodes,
    read_examples,
    usable_ticks,
)

WALK = Action(forward=True)


def tick(index: int, driver: Driver, executed: Action = WALK) -> TickRow:
    return TickRow(1, index, index, index, index, driver, executed, None, None, None, 1)


def segment(start: int, stop: int, kind: SegmentKind) -> SegmentRow:
    driver = Driver.PERSON if kind is SegmentKind.CORRECTION else Driver.POLICY
    return SegmentRow(1, start, stop, driver, kind, "auto", 1)


def example(kind: str, episode: int | None = 1, weight: float = 1.0) -> Example:
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    return Example(image, "go", encode_ids(WALK), kind, episode, 0, weight)


def test_the_moments_before_a_takeover_are_never_cloned() -> None:
    ticks = [tick(i, Driver.POLICY) for i in range(20)]
    segments = [segment(0, 10, SegmentKind.ROLLOUT), segment(10, 20, SegmentKind.PRE_TAKEOVER)]
    chosen = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0)
    assert [each.index for each in chosen] == list(range(10))


def test_a_rollout_counts_only_where_it_succeeded() -> None:
    ticks = [tick(i, Driver.POLICY) for i in range(5)]
    segments = [segment(0, 5, SegmentKind.ROLLOUT)]
    assert usable_ticks(ticks, segments, Outcome.FAILURE, 20.0) == []
    assert len(usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0)) == 5


def test_reaction_noise_after_a_takeover_is_dropped_but_input_is_kept() -> None:
    ticks = [tick(i, Driver.PERSON, NO_ACTION if i < 3 else WALK) for i in range(8)]
    segments = [segment(0, 8, SegmentKind.CORRECTION)]
    dropped = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0)
    assert [each.index for each in dropped] == [3, 4, 5, 6, 7]
    kept = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0, frozenset({1}))
    assert [each.index for each in kept] == [1, 3, 4, 5, 6, 7]


@given(st.sets(st.integers(1, 500), min_size=2, max_size=40))
def test_the_held_out_side_is_stable_and_neither_side_is_empty(ids: set[int]) -> None:
    episodes = [(i, "go") for i in sorted(ids)]
    held = held_out_episodes(episodes)
    assert held == held_out_episodes(list(reversed(episodes)))
    assert 0 < len(held) < len(ids)
    assert held <= ids


def test_one_episode_has_no_held_out_side() -> None:
    assert held_out_episodes([(1, "go")]) == frozenset()


@given(
    st.dictionaries(
        st.sampled_from(["correction", "demonstration", "rollout"]),
        st.integers(1, 3000),
        min_size=1,
    ),
    st.integers(200, 5000),
)
def test_shares_sum_to_one_and_replay_keeps_a_quarter(counts: dict[str, int], draws: int) -> None:
    shares = class_shares(counts, draws)
    assert abs(sum(shares.values()) - 1) < 1e-9
    assert shares["replay"] >= 0.25
    for kind, count in counts.items():
        assert shares[kind] * draws <= MAX_VISITS * count + 1e-6


def test_no_sample_of_a_person_is_seen_more_than_the_cap() -> None:
    examples = [example("correction") for _ in range(20)] + [
        example("replay", None) for _ in range(30)
    ]
    plan = draw_plan(examples, 1000, np.random.default_rng(0))
    visits = np.bincount(plan, minlength=len(examples))
    assert visits[:20].max() <= MAX_VISITS
    assert visits[20:].sum() >= 0.25 * len(plan)


def test_without_anything_to_replay_the_persons_samples_fill_the_round() -> None:
    examples = [example("correction") for _ in range(80)]
    examples += [example("demonstration") for _ in range(80)]
    plan = draw_plan(examples, 200, np.random.default_rng(0))
    assert abs(len(plan) - 200) <= 1
    assert np.bincount(plan).max() <= MAX_VISITS


def test_idle_samples_are_drawn_less() -> None:
    examples = [example("demonstration", weight=0.2) for _ in range(200)]
    examples += [example("demonstration") for _ in range(200)]
    plan = draw_plan(examples, 1000, np.random.default_rng(1))
    visits = np.bincount(plan, minlength=400)
    assert visits[:200].sum() < 0.5 * visits[200:].sum()


def test_a_first_correction_is_learnt_from_and_not_held_out(
    data: Path, small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load_spec(small_checkpoint)
    with Reader.open(data) as reader:
        rows = [replace(row, split=RowSplit.TRAIN) for row in reader.episodes()]
        parts = read_examples(reader, rows, spec)
        whole = len(parts.train) + len(parts.held_out)
        assert parts.verified
        # Just enough on both sides together.
        monkeypatch.setattr(examples, "MIN_PERSON_TICKS", whole)
        joined = read_examples(reader, rows, spec)
        assert (len(joined.train), joined.verified) == (whole, False)
        # What was held out when it was recorded stays so.
        rows[0] = replace(rows[0], split=RowSplit.HELD_OUT)
        with pytest.raises(DataError, match="too little"):
            read_examples(reader, rows, spec)
