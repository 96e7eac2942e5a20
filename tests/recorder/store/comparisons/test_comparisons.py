"""Blind comparisons in the database: written whole, read in order, erased when they are over."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder.clock import ManualClock
from recorder.data_folder import database_path
from recorder.errors import DataError
from recorder.store import ClipMark, Film, NewComparison, Reader, SeenClip, Side, Store, Stretch
from recorder.store.connect import open_for_writing
from recorder.store.frames.h264 import SegmentEncoder
from recorder.store.upkeep.migrations import MIGRATIONS
from recorder.store.upkeep.upgrade import migrate
from recorder.store.upkeep.verify import verify

CLIPS = (
    (Side.BEFORE, 30_000_000, None),
    (Side.AFTER, 30_000_001, None),
    (Side.BEFORE, 30_000_000, 0),
)


def film(lengths: tuple[int, ...] = (3, 2)) -> Film:
    stretches: list[Stretch] = []
    for length in lengths:
        encoder = SegmentEncoder(64, 36, 20.0)
        start = sum(each.frames for each in stretches)
        for number in range(start, start + length):
            encoder.add(np.full((36, 64, 3), 40 * number, np.uint8))
        stretches.append(Stretch(start, length, 64, 36, encoder.finish()))
    return Film(20.0, tuple(stretches))


def begun(kit: Any, sentence: str = "dance") -> int:
    number = kit.store.add_round()
    return int(kit.store.add_comparison(NewComparison(number, "doom", "free", sentence, 80, CLIPS)))


def test_a_comparison_and_its_clips_are_there_before_any_is_played(kit: Any) -> None:
    comparison = begun(kit)
    with kit.reader() as reader:
        (row,) = reader.comparisons()
        assert (row.id, row.game, row.task_id, row.sentence) == (
            comparison,
            "doom",
            "free",
            "dance",
        )
        assert (row.clip_ticks, row.ended_wall_s) == (80, None)
        clips = reader.clips(comparison)
        assert [(each.side, each.seed, each.repeats) for each in clips] == list(CLIPS)
        assert [each.place for each in clips] == [0, 1, 2]
        assert [each.frames for each in clips] == [None] * 3
        assert reader.comparisons(row.round_id + 1) == []
        with pytest.raises(DataError, match="damaged or gone"):
            reader.clip_pictures(clips[0].id, 0)
    with pytest.raises(DataError, match="compared already"):
        kit.store.add_comparison(NewComparison(row.round_id, "doom", "free", "dance", 80, CLIPS))


def test_a_film_is_read_back_picture_by_picture(kit: Any) -> None:
    comparison = begun(kit)
    with kit.reader() as reader:
        clip = reader.clips(comparison)[1]
        kit.store.add_film(clip.id, film())
        shown = [int(reader.clip_pictures(clip.id, n).frame(n).mean()) for n in range(5)]
        assert shown == pytest.approx([0, 40, 80, 120, 160], abs=3)
        assert (reader.clips(comparison)[1].frames, reader.clips(comparison)[1].rate_hz) == (5, 20)
        with pytest.raises(DataError):
            reader.clip_pictures(clip.id, 5)
        kit.store.add_film(clip.id, film((2,)))
        assert reader.clips(comparison)[1].frames == 2
        kit.store.forget_film(clip.id)
        assert reader.clips(comparison)[1].frames is None
    with pytest.raises(DataError, match="no clip 99"):
        kit.store.add_film(99, film())


def test_marks_are_read_in_order_and_what_is_taken_back_is_kept(kit: Any) -> None:
    comparison, other = begun(kit), begun(kit, "bow")
    kit.store.add_clip_mark(other, ClipMark(0, done=True))
    said = [ClipMark(0, done=True), ClipMark(1, done=None), ClipMark(1, done=False)]
    for each in said:
        kit.store.add_clip_mark(comparison, each)
    with kit.reader() as reader:
        assert reader.clip_marks(comparison) == said
        kit.store.undo_clip_mark(comparison)
        assert reader.clip_marks(comparison) == said[:2]
        kit.store.undo_clip_mark(comparison)
        kit.store.undo_clip_mark(comparison)
        kit.store.undo_clip_mark(comparison)
        assert reader.clip_marks(comparison) == []
        assert reader.clip_marks(other) == [ClipMark(0, done=True)]
        with reader._reading() as connection:
            kept = connection.execute(
                "SELECT count(*), count(undone_wall_ns) FROM clip_mark"
            ).fetchone()
        assert tuple(kept) == (4, 3)
    with pytest.raises(DataError, match="no clip at place 3"):
        kit.store.add_clip_mark(comparison, ClipMark(3, done=True))


@pytest.mark.parametrize("keep", [False, True])
def test_its_pictures_are_erased_when_it_ends_unless_they_are_kept(kit: Any, keep: bool) -> None:
    comparison, other = begun(kit), begun(kit, "bow")
    with kit.reader() as reader:
        mine, theirs = reader.clips(comparison)[0], reader.clips(other)[0]
        kit.store.add_film(mine.id, film())
        kit.store.add_film(theirs.id, film())
        kit.store.end_comparison(comparison, keep_pictures=keep)
        ended = reader.comparisons()[0].ended_wall_s
        assert ended is not None
        with contextlib.nullcontext() if keep else pytest.raises(DataError):
            reader.clip_pictures(mine.id, 0)
        assert reader.clip_pictures(theirs.id, 0).frame(0).shape == (36, 64, 3)
        kit.store.end_comparison(comparison, keep_pictures=keep)
        assert reader.comparisons()[0].ended_wall_s == ended


def test_a_damaged_clip_is_found_and_said(kit: Any) -> None:
    comparison = begun(kit)
    with kit.reader() as reader:
        clip = reader.clips(comparison)[0]
        kit.store.add_film(clip.id, film())
        assert verify(kit.folder).ok
        with contextlib.closing(sqlite3.connect(database_path(kit.folder))) as other, other:
            other.execute("UPDATE clip_pictures SET data = x'00' WHERE start = 3")
        report = verify(kit.folder)
        assert report.problems == (
            f"Clip 0 of blind comparison {comparison}, from picture 3 on, is damaged; it is played "
            "once more when it is judged.",
        )
        with pytest.raises(DataError, match="played once more"):
            reader.clip_pictures(clip.id, 4)


def test_a_folder_of_the_version_before_is_brought_over(tmp_path: Path) -> None:
    path = database_path(tmp_path)
    with contextlib.closing(open_for_writing(path)) as connection:
        migrate(connection, path, MIGRATIONS[:4])
        connection.execute(
            "INSERT INTO round (status, query, config, manifest, metrics, verdict, "
            "through_episode_id, began_wall_ns) VALUES ('done', '', '{}', '{}', '{}', '{}', 0, 0)"
        )
    with Store.open(tmp_path, clock=ManualClock()) as store, Reader.open(tmp_path) as reader:
        assert reader.comparisons() == []
        new = NewComparison(reader.rounds()[0].id, "doom", "free", "dance", 80, CLIPS)
        assert store.add_comparison(new) == reader.comparisons()[0].id


CHILD = """
import sys, time
from pathlib import Path
from recorder.store import ClipMark, NewComparison, Side, Store
store = Store.open(Path(sys.argv[1]))
clips = [(Side.BEFORE, 1, None), (Side.AFTER, 2, None), (Side.AFTER, 1, None)]
number = store.add_comparison(NewComparison(store.add_round(), "doom", "free", "dance", 80, clips))
store.add_clip_mark(number, ClipMark(0, done=True))
store.add_clip_mark(number, ClipMark(1, done=None))
print("marked", flush=True)
time.sleep(60)
"""


def test_a_mark_is_safe_once_it_was_made_whatever_kills_the_process(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout as told:
        line = told.readline()
        child.kill()
    child.wait()
    assert line == "marked\n"
    with Store.open(tmp_path), Reader.open(tmp_path) as reader:
        (row,) = reader.comparisons()
        assert reader.clip_marks(row.id) == [ClipMark(0, done=True), ClipMark(1, done=None)]
        assert [clip.seed for clip in reader.clips(row.id)] == [1, 2, 1]
    assert verify(tmp_path).ok


def test_what_a_model_saw_is_kept_beside_what_the_person_said(kit: Any) -> None:
    comparison = begun(kit)
    looked = [replace(film(), seen=bytes([n]), seen_by="base") for n in range(2)]
    with kit.reader() as reader:
        clips = reader.clips(comparison)
        for clip, one in zip(clips, looked, strict=False):
            kit.store.add_film(clip.id, one)
        assert reader.seen_clips("doom", "dance", "base") == []
        for place, done in ((0, True), (1, False), (2, True)):
            kit.store.add_clip_mark(comparison, ClipMark(place, done))
        kit.store.end_comparison(comparison, keep_pictures=False)
        # The first clip came twice and was judged alike: it counts once.
        assert reader.seen_clips("doom", "dance", "base") == [
            SeenClip(True, 30_000_000, b"\x00"),
            SeenClip(False, 30_000_001, b"\x01"),
        ]
        assert reader.seen_clip_counts("doom", "dance", "base") == (1, 1)
        assert reader.seen_clip_counts("doom", "dance", "b") == (0, 0)
        for other in (("luanti", "dance", "base"), ("doom", "bow", "base"), ("doom", "dance", "b")):
            assert reader.seen_clips(*other) == []
        # Judged otherwise the second time, it says nothing.
        kit.store.undo_clip_mark(comparison)
        kit.store.add_clip_mark(comparison, ClipMark(2, done=False))
        assert reader.seen_clips("doom", "dance", "base") == [SeenClip(False, 30_000_001, b"\x01")]
        kit.store.undo_clip_mark(comparison)
        kit.store.add_clip_mark(comparison, ClipMark(2, done=None))
        assert len(reader.seen_clips("doom", "dance", "base")) == 2
        kit.store.add_film(clips[1].id, film())
        assert reader.seen_clips("doom", "dance", "base") == [SeenClip(True, 30_000_000, b"\x00")]
        kit.store.forget_film(clips[0].id)
        assert reader.seen_clips("doom", "dance", "base") == []
