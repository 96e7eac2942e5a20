"""A round judged blind: its clips, put off and taken up again, the result in its verdict."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lessons import begin, record_attempt

from model.vla.play_options import PlayOptions
from recorder.errors import DataError, KnownError
from recorder.games.base import free_task
from recorder.games.doom.tasks import TRAINED_TASKS
from recorder.games.seeds import SeedRange, may_judge
from recorder.store import (
    ClipMark,
    ClipRow,
    EpisodeKind,
    EvaluationRow,
    Film,
    NewAdapter,
    Reader,
    RoundRow,
    RoundStatus,
    Side,
    Stepping,
    Store,
    Stretch,
)
from recorder.store.frames.h264 import SegmentEncoder
from recorder.types import Driver, Outcome, RGBImage
from trainer.evaluation import old_tasks
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import Beside, film_sides
from trainer.evaluation.starts import Attempt, AttemptKey, Start
from trainer.evaluation.verdicts.stored_verdicts import read_verdict
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind
from trainer.rounds.measuring import blind_round, measurement
from trainer.rounds.measuring.blind_round import (
    Judged,
    begin_comparison,
    course_in,
    missing_clips,
    play_clips,
    settle_blind,
    waiting_sentences,
)
from trainer.rounds.measuring.measurement import Ground, unjudged_line
from trainer.rounds.protocol import Played

SENTENCE = "dance around the barrel"
FREE = free_task(SENTENCE)


def picture(shade: int) -> RGBImage:
    return np.full((36, 64, 3), shade, np.uint8)


def film_of(shade: int, frames: int = 3) -> Film:
    encoder = SegmentEncoder(64, 36, 20.0)
    for _ in range(frames):
        encoder.add(picture(shade))
    return Film(20.0, (Stretch(0, frames, 64, 36, encoder.finish()),))


@dataclass
class Studio:
    """Stands in for play that is filmed: "after" is light, "before" dark, in every picture.

    Like the real one it refuses seeds that may not judge, and goes in the order asked for.
    """

    played: list[tuple[str, int]] = field(default_factory=list)
    ticks: int = 0

    def film_sides(
        self,
        sides: dict[str, PlayerSpec],
        game: str,
        wanted: Sequence[tuple[str, Start]],
        on_played: Callable[[str, Attempt], None],
        *,
        ticks: int,
        slowed: bool = False,
        workers: int | None = None,
        beside: Beside | None = None,
        version: str = "",
        data: Path | None = None,
    ) -> None:
        del slowed, workers, beside, data
        self.ticks = ticks
        for side, start in wanted:
            assert may_judge(start.seed)
            self.played.append((side, start.seed))
            key = AttemptKey(sides[side].key, game, start.key, Stepping.LOCK_STEP, version)
            film = film_of(200 if side == "after" else 40)
            on_played(side, Attempt(key, Outcome.UNKNOWN, film.frames - 1, 0.1, film))


@dataclass
class Room:
    ground: Ground
    studio: Studio
    data: Path
    adapter: Path
    said: list[object]

    @property
    def store(self) -> Store:
        return self.ground.store

    def round(self, *, lines: Sequence[Line] | None = None, adapter: Path | None = None) -> int:
        """Write down a round that taught the sentence, which nobody could judge."""
        number = self.store.add_round(query="", choose=True, config={"in_use": None})
        adapter_id = self.store.add_adapter(
            NewAdapter(
                str(adapter or self.adapter), base=self.ground.base.name, round_id=number,
                passed_gates=True,
            )
        )  # fmt: skip
        written = [unjudged_line(Part.TAUGHT, SENTENCE)] if lines is None else list(lines)
        self.store.update_round(
            number,
            status=RoundStatus.DONE,
            adapter_id=adapter_id,
            metrics={"gates": []},
            verdict={"lines": [asdict(line) for line in written]},
        )
        return number

    def row(self, number: int) -> RoundRow:
        with Reader.open(self.data) as reader:
            return next(each for each in reader.rounds() if each.id == number)

    def begin(self, number: int, seed: int = 1) -> int:
        return begin_comparison(self.ground, self.row(number), SENTENCE, random.Random(seed))

    def clips(self, comparison: int) -> list[ClipRow]:
        with Reader.open(self.data) as reader:
            return reader.clips(comparison)

    def judge(self, comparison: int, answer: Callable[[ClipRow], bool]) -> int:
        """Answer every clip that is shown until it is decided; return how many that were."""
        clips = self.clips(comparison)
        shown = 0
        with Reader.open(self.data) as reader:
            while (place := course_in(reader, comparison).next) is not None:
                self.store.add_clip_mark(comparison, ClipMark(place, answer(clips[place])))
                shown += 1
        return shown


@pytest.fixture
def room(
    tmp_path: Path, small_checkpoint: Path, small_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Room]:
    studio = Studio()
    monkeypatch.setattr(blind_round, "film_sides", studio.film_sides)
    data = tmp_path / "data"
    said: list[object] = []
    with Store.open(data) as store:
        ground = Ground(
            data, store, small_checkpoint, "doom", PlayOptions(), said.append, lambda: None
        )
        yield Room(ground, studio, data, small_adapter, said)


def by_side(clip: ClipRow) -> bool:
    return clip.side is Side.AFTER


def test_a_sentence_that_nobody_could_judge_waits_until_a_person_has(room: Room) -> None:
    number = room.round()
    assert waiting_sentences(room.data, "doom", room.row(number)) == [SENTENCE]
    assert read_verdict(room.row(number).verdict) is None
    comparison = room.begin(number)
    room.judge(comparison, by_side)
    judged = settle_blind(room.ground, comparison)
    assert waiting_sentences(room.data, "doom", room.row(number)) == []
    verdict = read_verdict(room.row(number).verdict)
    assert verdict is not None
    assert verdict == judged.checked.verdict
    line = verdict.lines[0]
    assert line == judged.line
    assert (line.kind, line.before, line.after, line.n) == (VerdictKind.BETTER, 0, 6, 6)
    assert line.blind
    assert 0 < line.low < line.difference == line.high == 1
    assert (judged.alike, judged.twice) == (2, 2)
    assert f'"{SENTENCE}" got better, judged blind: 0 of 6 clips' in verdict.sentence
    # What it could before was never measured for this base, so it is offered and no more.
    assert verdict.choice is Choice.TRY
    assert not judged.checked.activated


def test_better_is_checked_further_like_any_other_gain(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_tasks, "taught_tasks", lambda *_given: TRAINED_TASKS[:40])
    number = room.round()
    comparison = room.begin(number)
    room.judge(comparison, by_side)
    assert settle_blind(room.ground, comparison).checked.verdict.choice is Choice.WAIT


def test_worse_is_refused_and_no_difference_may_be_tried(room: Room, tmp_path: Path) -> None:
    number = room.round()
    comparison = room.begin(number)
    room.judge(comparison, lambda clip: not by_side(clip))
    worse = settle_blind(room.ground, comparison).checked
    assert (worse.verdict.kind, worse.verdict.choice) == (VerdictKind.WORSE, Choice.REFUSE)
    number = room.round(adapter=tmp_path / "second")
    comparison = room.begin(number)
    assert room.judge(comparison, lambda _clip: True) == len(room.clips(comparison))
    same = settle_blind(room.ground, comparison).checked
    assert (same.verdict.kind, same.verdict.choice) == (VerdictKind.SAME, Choice.TRY)
    assert "No difference was seen" in same.verdict.sentence


def test_a_gain_of_one_sentence_that_another_may_have_paid_for_is_offered_and_no_more(
    room: Room,
) -> None:
    """More play of the judge's would tell nothing of what only a person can judge."""
    judged = replace(unjudged_line(Part.TAUGHT, "go to the barrel"), kind=VerdictKind.BETTER)
    judged = replace(judged, n=10, after=10, difference=1.0, low=0.6, not_worse=True)
    number = room.round(lines=[judged, unjudged_line(Part.TAUGHT, SENTENCE)])
    comparison = room.begin(number)
    room.judge(comparison, lambda clip: clip.seed % 2 == 0)
    checked = settle_blind(room.ground, comparison).checked
    assert checked.verdict.lines[1].kind is VerdictKind.SAME
    assert checked.verdict.choice is Choice.TRY
    assert "You may try it" in checked.sentence


def test_who_does_not_trust_the_eye_may_still_judge_blind(room: Room) -> None:
    by_eye = replace(
        unjudged_line(Part.TAUGHT, SENTENCE), kind=VerdictKind.BETTER, n=10, after=10,
        difference=1.0, low=0.4, not_worse=True, by_eye=True,
    )  # fmt: skip
    number = room.round(lines=[by_eye])
    assert waiting_sentences(room.data, "doom", room.row(number)) == [SENTENCE]
    comparison = room.begin(number)
    room.judge(comparison, lambda clip: clip.side is Side.BEFORE)
    checked = settle_blind(room.ground, comparison).checked
    # What the person saw stands in its place.
    assert (checked.verdict.kind, checked.verdict.lines[0].by_eye) == (VerdictKind.WORSE, False)
    assert waiting_sentences(room.data, "doom", room.row(number)) == []


def test_clips_are_played_in_the_order_in_which_they_are_shown_and_kept(room: Room) -> None:
    comparison = room.begin(room.round())
    with Reader.open(room.data) as reader:
        course = course_in(reader, comparison)
    clips = room.clips(comparison)
    first = missing_clips(clips, course, 8)
    # One of the eight comes again, and is played once.
    assert [clip.place for clip in first] == [0, 1, 2, 3, 4, 6, 7]
    play_clips(room.ground, comparison, first)
    assert room.studio.played == [(clip.side.value, clip.seed) for clip in first]
    again = room.clips(comparison)
    assert [clip.place for clip in again if clip.frames] == [0, 1, 2, 3, 4, 6, 7]
    assert missing_clips(again, course, 8) == []
    assert [clip.place for clip in missing_clips(again, course, 10)] == [8, 9]
    assert [each.done for each in room.said if isinstance(each, Played)] == list(range(1, 8))
    with Reader.open(room.data) as reader:
        shown = reader.clip_pictures(first[0].id, 2).frame(2)
    wanted = 200 if first[0].side is Side.AFTER else 40
    assert abs(int(shown.mean()) - wanted) <= 3


def test_what_was_played_is_kept_where_it_is_broken_off(room: Room) -> None:
    comparison = room.begin(room.round())
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) > 3:
            raise KnownError("It was put off.")

    clips = room.clips(comparison)
    with pytest.raises(KnownError, match="put off"):
        play_clips(replace(room.ground, check=check), comparison, clips[:5])
    assert [clip.place for clip in room.clips(comparison) if clip.frames] == [0, 1]


def test_starts_are_fresh_ones_of_the_verdicts_range_and_nothing_else_takes_them(
    room: Room,
) -> None:
    used = SeedRange.VERDICT.first + 4
    room.store.add_evaluations(
        [
            EvaluationRow(
                "a", "doom", "go_to:barrel", "go", used, Stepping.LOCK_STEP, Outcome.SUCCESS, 9
            )
        ]
    )
    comparison = room.begin(room.round())
    seeds = {clip.seed for clip in room.clips(comparison)}
    assert seeds == set(range(used + 1, used + 21))
    with Reader.open(room.data) as reader:
        assert measurement.fresh_lesson_seeds(reader, "doom", 1)[0] == used + 21
        assert measurement.fresh_lesson_seeds(reader, "toy", 1)[0] == SeedRange.VERDICT.first


def test_a_comparison_goes_on_after_a_kill_as_if_nothing_had_been(
    room: Room, tmp_path: Path
) -> None:
    """What is in the database is all there is: another process goes on at the same clip."""
    number = room.round()
    comparison = room.begin(number, seed=7)
    clips = room.clips(comparison)
    shown = []
    for _ in range(9):
        with Reader.open(room.data) as reader:
            place = course_in(reader, comparison).next
        assert place is not None
        shown.append(place)
        answer = None if len(shown) == 2 else by_side(clips[place])
        room.store.add_clip_mark(comparison, ClipMark(place, answer))
    assert shown[:7] == [0, 1, 2, 3, 4, 5, 1]
    with Reader.open(room.data) as reader:
        before = course_in(reader, comparison)
    room.store.undo_clip_mark(comparison)
    with Reader.open(room.data) as reader:
        assert course_in(reader, comparison).next == shown[-1]
        assert len(reader.clip_marks(comparison)) == 8
    room.store.add_clip_mark(comparison, ClipMark(shown[-1], by_side(clips[shown[-1]])))
    with Reader.open(room.data) as reader:
        assert course_in(reader, comparison) == before
    with pytest.raises(DataError, match="compared already"):
        room.begin(number)


def test_its_pictures_are_erased_with_the_result_and_a_second_result_is_the_same(
    room: Room,
) -> None:
    number = room.round()
    comparison = room.begin(number)
    clips = room.clips(comparison)
    play_clips(room.ground, comparison, clips[:2])
    with pytest.raises(DataError, match="not decided"):
        settle_blind(room.ground, comparison)
    room.judge(comparison, by_side)
    first: Judged = settle_blind(room.ground, comparison, keep_pictures=True)
    with Reader.open(room.data) as reader:
        assert reader.clip_pictures(clips[0].id, 0).frame(0).shape == (36, 64, 3)
    # As after a kill between the verdict and the end of the comparison.
    second = settle_blind(room.ground, comparison)
    assert second.checked == first.checked
    with Reader.open(room.data) as reader:
        assert reader.comparisons()[0].ended_wall_s is not None
        with pytest.raises(DataError, match="damaged or gone"):
            reader.clip_pictures(clips[0].id, 0)


@pytest.mark.parametrize(("ticks", "seconds"), [(10, 2.0), (60, 4.5), (400, 10.0)])
def test_a_clip_is_somewhat_longer_than_the_person_took(
    room: Room, ticks: int, seconds: float
) -> None:
    session = begin(room.store, "doom")
    record_attempt(
        room.store, session, [(Driver.PERSON, ticks)], seed=SeedRange.TEACHING.first, task=FREE,
        kind=EpisodeKind.DEMONSTRATION,
    )  # fmt: skip
    comparison = room.begin(room.round())
    with Reader.open(room.data) as reader:
        assert reader.comparisons()[0].clip_ticks == round(20 * seconds)
    play_clips(room.ground, comparison, room.clips(comparison)[:1])
    assert room.studio.ticks == round(20 * seconds)


def test_a_round_of_an_earlier_version_is_judged_by_what_it_learnt_from(room: Room) -> None:
    session = begin(room.store, "doom")
    for seed in range(3):
        record_attempt(
            room.store, session, [(Driver.PERSON, 70)], seed=SeedRange.TEACHING.first + seed,
            task=FREE, kind=EpisodeKind.DEMONSTRATION,
        )  # fmt: skip
    number = room.round()
    room.store.update_round(number, verdict={})
    assert waiting_sentences(room.data, "doom", room.row(number)) == [SENTENCE]
    comparison = room.begin(number)
    room.judge(comparison, by_side)
    assert settle_blind(room.ground, comparison).checked.verdict.kind is VerdictKind.BETTER


def test_what_was_measured_does_not_wait(room: Room) -> None:
    number = room.round()
    lines = [replace(unjudged_line(Part.TAUGHT, SENTENCE), n=10, kind=VerdictKind.SAME)]
    room.store.update_round(number, verdict={"lines": [asdict(line) for line in lines]})
    assert waiting_sentences(room.data, "doom", room.row(number)) == []


def test_a_round_of_another_game_waits_in_that_game(room: Room) -> None:
    row = room.row(room.round())
    assert waiting_sentences(room.data, "doom", replace(row, query="game:doom")) == [SENTENCE]
    assert waiting_sentences(room.data, "luanti", replace(row, query="game:doom")) == []
    assert waiting_sentences(room.data, "luanti", replace(row, query="game:*")) == [SENTENCE]


@pytest.mark.long(15, "two real attempts in the yard's engine")
def test_the_yard_is_played_and_filmed_before_and_after(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*args: Any, **given: Any) -> None:
        # A pool's processes would each load everything anew.
        film_sides(*args, **{**given, "workers": 1})

    monkeypatch.setattr(blind_round, "film_sides", here)
    session = begin(room.store, "doom")
    record_attempt(
        room.store, session, [(Driver.PERSON, 12)], seed=SeedRange.TEACHING.first, task=FREE,
        kind=EpisodeKind.DEMONSTRATION,
    )  # fmt: skip
    comparison = room.begin(room.round())
    clips = room.clips(comparison)
    play_clips(room.ground, comparison, clips[:2])
    with Reader.open(room.data) as reader:
        played = [clip for clip in reader.clips(comparison) if clip.frames]
        assert [clip.frames for clip in played] == [41, 41]
        assert {clip.side for clip in played} == set(Side)
        for clip in played:
            assert clip.rate_hz == 17.5
            assert reader.clip_pictures(clip.id, 40).frame(40).shape == (360, 640, 3)
