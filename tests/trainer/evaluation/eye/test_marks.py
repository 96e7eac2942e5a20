"""What of a data folder an eye is taught from."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from lessons import begin, record_attempt
from seen_attempts import seen

from recorder.data_folder import database_path
from recorder.games.base import free_task
from recorder.store import (
    ClipMark,
    EpisodeKind,
    LabelSource,
    NewComparison,
    Reader,
    Side,
    Store,
    Wish,
)
from recorder.store.comparisons.rows import Film, Stretch
from recorder.store.frames.h264 import SegmentEncoder
from recorder.types import BUTTON_CONTROLS, Driver, Outcome, RGBImage
from trainer.evaluation.eye.glances import Array
from trainer.evaluation.eye.marks import MOST_OWN, enough_marks, marked_attempts, own_marks

DANCE = free_task("dance")
POLICY, PERSON = Driver.POLICY, Driver.PERSON
GOOD, BAD = Outcome.SUCCESS, Outcome.FAILURE


class MeanLooker:
    """A model that sees of a picture how bright it is."""

    fingerprint = "base"

    def glance(self, rgb: RGBImage) -> Array:
        return np.array([rgb.mean(), 1.0], np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Store:  # type: ignore[misc]
    with Store.open(tmp_path) as opened:
        yield opened


def look(tmp_path: Path, sentence: str = "dance") -> list[tuple[bool, bool, int]]:
    with Reader.open(tmp_path) as reader:
        found = marked_attempts(tmp_path, reader, "toy", sentence, MeanLooker())
    return sorted((each.done, each.own, len(each.seen)) for each in found)


def test_the_agents_own_attempts_that_the_person_judged_and_what_they_showed(
    store: Store, tmp_path: Path
) -> None:
    session = begin(store)

    def attempt(ticks: int, said: Outcome | None, *drivers: Driver, demo: bool = False) -> None:
        kind = EpisodeKind.DEMONSTRATION if demo else EpisodeKind.ROLLOUT
        number = record_attempt(
            store, session, [(driver, ticks) for driver in drivers], seed=ticks, task=DANCE,
            kind=kind, outcome=Outcome.ABANDONED,
        )  # fmt: skip
        if said is not None:
            store.set_label(number, said, LabelSource.PERSON)

    attempt(10, GOOD, POLICY)
    attempt(11, BAD, POLICY)
    attempt(12, None, POLICY)  # Nobody said how it went.
    attempt(13, GOOD, POLICY, PERSON)  # Both drove.
    attempt(14, GOOD, PERSON, demo=True)
    attempt(15, BAD, PERSON, demo=True)  # A try that was broken off.
    attempt(17, GOOD, POLICY)
    # The person wants nothing of it.
    store.set_wish(7, Wish(use=False))
    other = record_attempt(store, session, [(POLICY, 16)], seed=9, task=free_task("bow"))
    store.set_label(other, GOOD, LabelSource.PERSON)
    assert look(tmp_path) == [(False, True, 10), (True, False, 13), (True, True, 9)]
    assert look(tmp_path, "bow") == [(True, True, 15)]
    with Reader.open(tmp_path) as reader:
        assert own_marks(reader, "toy", "dance", "base") == (1, 1)
        assert not enough_marks(reader, "toy", "dance", "base")


def test_a_tick_goes_with_the_picture_after_it(store: Store, tmp_path: Path) -> None:
    number = record_attempt(store, begin(store), [(POLICY, 6)], seed=0, task=DANCE)
    store.set_label(number, GOOD, LabelSource.PERSON)
    with Reader.open(tmp_path) as reader:
        [found] = marked_attempts(tmp_path, reader, "toy", "dance", MeanLooker())
    # Tick n was done at brightness 17 n.
    assert found.seen.glances[:, 0] == pytest.approx([17, 34, 51, 68, 85], abs=3)
    assert found.seen.deeds[:, BUTTON_CONTROLS.index("right")].tolist() == [1.0] * 5


def test_what_cannot_be_seen_any_more_is_left_out(store: Store, tmp_path: Path) -> None:
    session = begin(store)
    for seed in range(2):
        number = record_attempt(store, session, [(POLICY, 8)], seed=seed, task=DANCE)
        store.set_label(number, GOOD, LabelSource.PERSON)
    with closing(sqlite3.connect(database_path(tmp_path))) as database, database:
        database.execute("UPDATE video_segment SET data = x'00' WHERE episode_id = 1")
    assert look(tmp_path) == [(True, True, 7)]


def test_clips_that_were_judged_blind_count(store: Store, tmp_path: Path) -> None:
    encoder = SegmentEncoder(64, 36, 20.0)
    encoder.add(np.zeros((36, 64, 3), np.uint8))
    stretch = Stretch(0, 1, 64, 36, encoder.finish())
    clips = [(Side.AFTER, 30_000_000 + n, None) for n in range(9)]
    number = store.add_comparison(
        NewComparison(store.add_round(), "toy", "free", "dance", 80, clips)
    )
    rng = np.random.default_rng(0)
    with Reader.open(tmp_path) as reader:
        for place, clip in enumerate(reader.clips(number)):
            shown = seen(rng, ticks=20)
            store.add_film(clip.id, Film(20.0, (stretch,), shown.to_bytes(), "base"))
            if place < 8:
                store.add_clip_mark(number, ClipMark(place, place % 2 == 0))
        assert own_marks(reader, "toy", "dance", "base") == (4, 4)
        assert enough_marks(reader, "toy", "dance", "base")
        assert not enough_marks(reader, "toy", "dance", "another base")
        found = marked_attempts(tmp_path, reader, "toy", "dance", MeanLooker())
    assert [each.done for each in found] == [True, False] * 4
    assert not any(each.ends_there for each in found)
    assert all(each.own for each in found)


def test_of_many_marks_the_newest_of_each_kind_are_looked_at(store: Store, tmp_path: Path) -> None:
    session = begin(store)
    for seed in range(MOST_OWN + 6):
        number = record_attempt(store, session, [(POLICY, 5)], seed=seed, task=DANCE)
        store.set_label(number, BAD if seed < 4 else GOOD, LabelSource.PERSON)
    found = look(tmp_path)
    assert [done for done, _, _ in found] == [False] * 4 + [True] * MOST_OWN


def test_a_clip_that_cannot_be_read_is_left_out(store: Store, tmp_path: Path) -> None:
    number = store.add_comparison(
        NewComparison(
            store.add_round(), "toy", "free", "dance", 80, [(Side.AFTER, 30_000_000, None)]
        )
    )
    encoder = SegmentEncoder(64, 36, 20.0)
    encoder.add(np.zeros((36, 64, 3), np.uint8))
    stretch = Stretch(0, 1, 64, 36, encoder.finish())
    with Reader.open(tmp_path) as reader:
        store.add_film(reader.clips(number)[0].id, Film(20.0, (stretch,), b"damaged", "base"))
        store.add_clip_mark(number, ClipMark(0, done=True))
        assert own_marks(reader, "toy", "dance", "base") == (1, 0)
    assert look(tmp_path) == []
