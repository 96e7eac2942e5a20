"""What a round learns from: one rule, one count for the card, the command and the round."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import begin, record_attempt
from toy_game import TASKS

from model.vla.preprocess import CheckpointSpec
from recorder.games.base import free_task
from recorder.store import EpisodeKind, LabelSource, Reader, SegmentRow, Split, Store, TickRow
from recorder.store.segments import NOT_SHOWN, teaches
from recorder.store.standing import ALL_MEANT
from recorder.types import NO_ACTION, Action, Driver, Outcome, SegmentKind
from trainer.data.examples import manifest, read_examples
from trainer.data.material import (
    MIN_PERSON_TICKS,
    Tallies,
    Why,
    material_of,
    usable_of,
    usable_ticks,
)

WALK = Action(forward=True)
P, H = Driver.POLICY, Driver.PERSON
SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")


def tick(index: int, driver: Driver, executed: Action = WALK) -> TickRow:
    return TickRow(1, index, index, index, index, driver, executed, None, None, None, 1)


def segment(start: int, stop: int, kind: SegmentKind) -> SegmentRow:
    driver = Driver.PERSON if kind is SegmentKind.CORRECTION else Driver.POLICY
    return SegmentRow(1, start, stop, driver, kind, "auto", 1)


def test_the_moments_before_a_takeover_are_never_cloned() -> None:
    ticks = [tick(i, Driver.POLICY) for i in range(20)]
    segments = [segment(0, 10, SegmentKind.ROLLOUT), segment(10, 20, SegmentKind.PRE_TAKEOVER)]
    chosen = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0).usable
    assert [each.index for each in chosen] == list(range(10))


def test_a_rollout_counts_only_where_it_succeeded() -> None:
    ticks = [tick(i, Driver.POLICY) for i in range(5)]
    segments = [segment(0, 5, SegmentKind.ROLLOUT)]
    assert usable_ticks(ticks, segments, Outcome.FAILURE, 20.0).usable == ()
    assert len(usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0).usable) == 5


def test_reaction_noise_after_a_takeover_is_dropped_but_input_is_kept() -> None:
    ticks = [tick(i, Driver.PERSON, NO_ACTION if i < 3 else WALK) for i in range(8)]
    segments = [segment(0, 8, SegmentKind.CORRECTION)]
    dropped = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0).usable
    assert [each.index for each in dropped] == [3, 4, 5, 6, 7]
    kept = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0, frozenset({1})).usable
    assert [each.index for each in kept] == [1, 3, 4, 5, 6, 7]


@given(st.sampled_from(SegmentKind), st.sampled_from(Outcome))
def test_every_tick_is_learnt_from_or_left_out_with_a_reason(
    kind: SegmentKind, outcome: Outcome
) -> None:
    ticks = [tick(i, P) for i in range(12)]
    found = usable_ticks(ticks, [segment(0, 12, kind)], outcome, 20.0)
    assert len(found.usable) + sum(found.left_out.values()) == 12
    assert bool(found.usable) == teaches(kind, outcome)
    shown = kind is SegmentKind.DEMONSTRATION and outcome not in NOT_SHOWN
    corrected = kind is SegmentKind.CORRECTION
    did_it = kind is SegmentKind.ROLLOUT and outcome is Outcome.SUCCESS
    assert teaches(kind, outcome) == (shown or corrected or did_it)


def lessons(folder: Path, name: str) -> None:
    """Record one of the stores that card and round have to agree on."""
    with Store.open(folder) as store:
        session = begin(store)
        if name == "watched, then corrected":
            for seed in range(4):
                record_attempt(store, session, [(P, 30)], seed=seed, outcome=Outcome.TIMEOUT)
            record_attempt(store, session, [(P, 30), (H, 70)], seed=4)
        elif name == "corrected, then watched":
            for seed in range(4):
                record_attempt(store, session, [(P, 20), (H, 30), (P, 20)], seed=seed)
            record_attempt(store, session, [(P, 30)], seed=4)
        elif name == "some demonstrations failed":
            for seed, outcome in enumerate([Outcome.SUCCESS, *sorted(NOT_SHOWN)] * 2):
                record_attempt(
                    store, session, [(H, 40)], seed=seed, outcome=outcome,
                    kind=EpisodeKind.DEMONSTRATION,
                )  # fmt: skip
        elif name == "two lessons, nobody judges":
            for seed in range(10):
                record_attempt(
                    store, session, [(H, 15), (P, 15), (H, 15)], seed=seed,
                    task=free_task(("hop", "skip")[seed % 2]), outcome=Outcome.UNKNOWN,
                    kind=EpisodeKind.DEMONSTRATION,
                )  # fmt: skip
        elif name == "after a round":
            for seed in range(5):
                record_attempt(store, session, [(P, 20), (H, 30)], seed=seed)
            store.update_round(store.add_round(query="game:toy"), status="done")
            for seed in range(5, 8):
                record_attempt(store, session, [(P, 20), (H, 60)], seed=seed)


STORES = (
    "watched, then corrected", "corrected, then watched", "some demonstrations failed",
    "two lessons, nobody judges", "after a round",
)  # fmt: skip


@pytest.mark.parametrize("name", STORES)
def test_what_is_counted_is_what_a_round_reads(tmp_path: Path, name: str) -> None:
    lessons(tmp_path, name)
    found: Tallies = {}
    with Reader.open(tmp_path) as reader:
        rows = reader.episodes()
        material = material_of(reader, rows, found)
        sides = read_examples(reader, rows, SPEC)
        again = material_of(reader, rows, found)
        recorded = sum(row.ticks for row in rows)
    assert dict(material.ticks) == manifest(sides)["counts"]
    assert again == material
    assert sum(material.ticks.values()) + sum(material.left_out.values()) == recorded
    assert material.persons(Split.TRAIN) >= MIN_PERSON_TICKS
    assert material.lack == ""
    starts = manifest(sides)["episodes"]
    assert not set(starts["train"]) & (set(starts["select"]) | set(starts["gate"]))
    assert not set(starts["select"]) & set(starts["gate"])


def test_the_first_correction_after_many_watched_attempts_is_learnt_from(tmp_path: Path) -> None:
    lessons(tmp_path, "watched, then corrected")
    with Reader.open(tmp_path) as reader:
        material = material_of(reader, reader.episodes())
    # The first 0.2 s are no input's: the hands were on the keys at once here.
    assert material.on(Split.TRAIN)["correction"] == 70
    assert material.left_out[Why.AGENT] == 4 * 30
    assert material.persons(Split.SELECT, Split.GATE) == 0


def test_what_only_its_own_eye_called_done_is_no_lesson(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        session = begin(store, "toy")
        for seed, source in enumerate((LabelSource.EYE, LabelSource.PERSON)):
            number = record_attempt(store, session, [(P, 30)], seed=seed, task=free_task("dance"))
            store.set_label(number, Outcome.SUCCESS, source)
        with Reader.open(tmp_path) as reader:
            learnt = {row.id: len(usable_of(reader, row).usable) for row in reader.episodes()}
            assert learnt == {1: 0, 2: 30}
            found: Tallies = {}
            before = material_of(reader, reader.episodes(), found).on(Split.TRAIN)
            # Once a person has said the same, what was counted before does not hold any more.
            store.set_label(1, Outcome.SUCCESS, LabelSource.PERSON)
            store.wait()
            after = material_of(reader, reader.episodes(), found).on(Split.TRAIN)
            assert sum(after.values()) == sum(before.values()) + 30


def test_an_attempt_that_was_only_watched_takes_no_lesson_away(tmp_path: Path) -> None:
    lessons(tmp_path, "corrected, then watched")
    with Reader.open(tmp_path) as reader:
        material = material_of(reader, reader.episodes())
    assert material.persons(Split.TRAIN) == 60
    assert material.persons(Split.GATE) == material.persons(Split.SELECT) == 30
    assert "3.0 s of yours are kept to check by" in material.sentence


def test_demonstrations_that_did_not_succeed_are_left_out_counted_and_said(
    tmp_path: Path,
) -> None:
    lessons(tmp_path, "some demonstrations failed")
    with Reader.open(tmp_path) as reader:
        rows = reader.episodes()
        material = material_of(reader, rows)
        learnt = {each.episode_id for each in read_examples(reader, rows, SPEC).train}
    assert learnt == {row.id for row in rows if row.outcome is Outcome.SUCCESS}
    for why in (Why.FAILED, Why.LATE, Why.STOPPED, Why.CUT_OFF):
        assert (material.left_out[why], material.episodes_left_out[why]) == (80, 2)
        assert f"Left out: {why} (2, 4.0 s)." in material.asides


@pytest.mark.parametrize("outcome", sorted(NOT_SHOWN))
def test_a_correction_counts_however_its_attempt_ended(tmp_path: Path, outcome: Outcome) -> None:
    with Store.open(tmp_path) as store:
        session = begin(store)
        record_attempt(store, session, [(P, 20), (H, 60), (P, 9)], seed=1, outcome=outcome)
    with Reader.open(tmp_path) as reader:
        assert material_of(reader, reader.episodes()).on(Split.TRAIN) == {"correction": 60}


def too_little(attempts: Sequence[Outcome], folder: Path) -> str:
    with Store.open(folder) as store:
        session = begin(store)
        for seed, outcome in enumerate(attempts):
            record_attempt(
                store, session, [(H, 20)], seed=seed, outcome=outcome, task=TASKS[0],
                kind=EpisodeKind.DEMONSTRATION,
            )  # fmt: skip
    with Reader.open(folder) as reader:
        return material_of(reader, reader.episodes()).lack


def test_too_little_says_how_much_and_where_the_rest_is(tmp_path: Path) -> None:
    assert too_little([], tmp_path / "a") == (
        "There is too little to learn from (0.0 s of yours), so no round can begin; "
        "drive about 2 s more."
    )
    said = too_little([Outcome.SUCCESS] * 2 + [Outcome.FAILURE], tmp_path / "b")
    assert said.startswith("There is too little to learn from (2.0 s of yours)")
    assert "Left out: demonstrations that failed (1, 1.0 s)." in said


def test_a_choice_of_what_is_kept_aside_says_so(tmp_path: Path) -> None:
    lessons(tmp_path, "corrected, then watched")
    with Reader.open(tmp_path) as reader:
        kept = [row for row in reader.episodes() if row.split is not Split.TRAIN]
        said = material_of(reader, kept).lack
    assert said.startswith("There is too little to learn from (0.0 s of yours)")
    assert "3.0 s of yours are kept to check by" in said


def drawn(
    strokes: str, kind: SegmentKind = SegmentKind.DEMONSTRATION
) -> tuple[list[TickRow], list[SegmentRow]]:
    """Return an episode of a person's: # is walking, . is nothing."""
    ticks = [tick(i, H, WALK if each == "#" else NO_ACTION) for i, each in enumerate(strokes)]
    return ticks, [SegmentRow(1, 0, len(strokes), H, kind, "auto", 1)]


@pytest.mark.parametrize("kind", [SegmentKind.DEMONSTRATION, SegmentKind.CORRECTION])
def test_a_hands_pauses_are_left_out_and_counted(kind: SegmentKind) -> None:
    # At 20 ticks a second six are a third of a second and still belong to what is done.
    strokes = ".......####......####.......#........"
    ticks, segments = drawn(strokes, kind)
    found = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0, frozenset(range(len(strokes))))
    assert [each.index for each in found.usable] == [*range(7, 21), 28]
    assert found.left_out == {Why.STILL: 22}


def test_standing_still_is_taught_if_the_sentence_asks_for_it() -> None:
    ticks, segments = drawn("####" + "." * 40)
    asked = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0, standing=ALL_MEANT)
    assert len(asked.usable) == 44
    assert asked.left_out == {}
    assert len(usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0).usable) == 4


def test_the_agents_own_standing_still_is_no_pause_of_a_hand() -> None:
    ticks = [tick(i, P, NO_ACTION) for i in range(30)]
    segments = [segment(0, 30, SegmentKind.ROLLOUT)]
    assert len(usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0).usable) == 30


@pytest.mark.parametrize("outcome", sorted(NOT_SHOWN))
def test_the_persons_wish_goes_before_the_rule(outcome: Outcome) -> None:
    ticks, segments = drawn("######")
    assert usable_ticks(ticks, segments, outcome, 20.0).usable == ()
    assert len(usable_ticks(ticks, segments, outcome, 20.0, use=True).usable) == 6
    unwanted = usable_ticks(ticks, segments, Outcome.SUCCESS, 20.0, use=False)
    assert unwanted.usable == ()
    assert unwanted.left_out == {Why.UNWANTED: 6}


def test_what_the_agent_did_wrong_is_never_taught() -> None:
    ticks = [tick(i, P) for i in range(20)]
    segments = [segment(0, 10, SegmentKind.ROLLOUT), segment(10, 20, SegmentKind.PRE_TAKEOVER)]
    assert usable_ticks(ticks, segments, Outcome.FAILURE, 20.0, use=True).usable == ()
