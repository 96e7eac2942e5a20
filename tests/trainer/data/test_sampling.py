"""How often a round sees what."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions.tokens import encode_ids
from recorder.types import Action
from trainer.data.examples import Example
from trainer.data.sampling import (
    MAX_VISITS,
    REPLAY_SHARE,
    ROLLOUT_SHARE,
    class_shares,
    draw_plan,
    lesson_samples,
    mix,
    stratified,
    stratified_by,
)

WALK = Action(forward=True)


def example(kind: str, episode: int | None = 1, weight: float = 1.0, said: str = "go") -> Example:
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    return Example(image, said, encode_ids(WALK), kind, episode, 0, weight)


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


KINDS = ("correction", "demonstration", "rollout", "replay")


@given(
    st.dictionaries(st.sampled_from(KINDS), st.integers(0, 400), min_size=1),
    st.integers(100, 3000),
    st.integers(0, 9),
)
def test_what_is_foretold_is_what_is_drawn(counts: dict[str, int], draws: int, seed: int) -> None:
    foretold = mix(counts, draws)
    assert set(foretold) == {kind for kind, count in counts.items() if count}
    if not foretold:
        return
    assert abs(sum(foretold.values()) - 1) < 1e-9
    samples = [
        example(kind, None if kind == "replay" else 1)
        for kind, count in counts.items()
        for _ in range(count)
    ]
    plan = draw_plan(samples, draws, np.random.default_rng(seed))
    for kind, share in foretold.items():
        drawn = sum(samples[index].kind == kind for index in plan)
        # Of few samples there may be fewer draws than wanted: none is seen too often.
        most = counts[kind] * MAX_VISITS
        wanted = share * draws if kind == "replay" else min(share * draws, most)
        assert abs(drawn - wanted) <= 1


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 30), min_size=1),
    st.integers(0, 80),
    st.integers(0, 9),
)
def test_every_stratum_gives_as_many_as_it_has(
    counts: dict[str, int], wanted: int, seed: int
) -> None:
    said = [stratum for stratum, count in counts.items() for _ in range(count)]
    rng = np.random.default_rng(seed)
    chosen = stratified_by(np.arange(len(said)), lambda index: said[index], wanted, rng).tolist()
    assert len(chosen) == min(wanted, len(said))
    assert chosen == sorted(set(chosen))
    given_by = {each: sum(said[index] == each for index in chosen) for each in counts}
    for each, count in counts.items():
        for other in counts:
            # Whoever has more left gives no fewer than anybody else.
            assert given_by[each] == count or given_by[each] >= given_by[other] - 1


def test_examples_are_drawn_of_every_sentence_in_their_order() -> None:
    samples = [example("replay", said=said) for said in "aaaaaaaabc"]
    found = stratified(samples, 4, np.random.default_rng(0))
    assert [each.instruction for each in found] == ["a", "a", "b", "c"]


def test_an_evening_of_watching_does_not_drown_what_a_person_showed() -> None:
    """The agent's own successes are of what it can do already."""
    watched = {"demonstration": 150, "rollout": 900, "replay": 600}
    shares = class_shares(watched, 500)
    assert shares["rollout"] == ROLLOUT_SHARE
    assert shares["demonstration"] == pytest.approx(1 - REPLAY_SHARE - ROLLOUT_SHARE)
    # With the person's corrections it is the same, and a few of its own are no more than that.
    shares = class_shares({"correction": 100, "rollout": 900, "replay": 600}, 500)
    assert (shares["correction"], shares["rollout"]) == (0.5, pytest.approx(ROLLOUT_SHARE))
    shares = class_shares({"demonstration": 190, "rollout": 10, "replay": 600}, 500)
    assert shares["rollout"] == pytest.approx(0.6 * 10 / 200)
    # Without anything of a person's they are what the round is about.
    shares = class_shares({"rollout": 900, "replay": 600}, 500)
    assert shares["rollout"] == pytest.approx(1 - REPLAY_SHARE)


def test_a_round_is_as_long_as_what_a_person_showed_needs() -> None:
    assert lesson_samples({"demonstration": 90, "correction": 9, "rollout": 900, "replay": 7}) == 99
    assert lesson_samples({"rollout": 900, "replay": 7}) == 900
    assert lesson_samples({"replay": 7}) == 0
