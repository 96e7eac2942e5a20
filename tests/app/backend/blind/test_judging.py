"""Judging blind behind the window: clips come meanwhile, marks are kept, the end has its effect."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from toy_game import TOY

from app.backend.blind import judging
from app.backend.blind.judging import FIRST_CLIPS, MORE_CLIPS, BlindJudging
from app.backend.blind.ports import BlindState
from app.backend.view_facts import blind_result, follows_of
from model.vla.play_options import PlayOptions
from recorder.errors import DataError, DiskFullError, GameError
from recorder.games import registry
from recorder.store import (
    ClipRow,
    Film,
    NewAdapter,
    Reader,
    RoundStatus,
    Side,
    Store,
    Stretch,
)
from recorder.store.frames.h264 import SegmentEncoder
from trainer.evaluation.verdicts.stored_verdicts import read_verdict
from trainer.evaluation.verdicts.verdict import Choice, Part, Verdict, VerdictKind
from trainer.rounds.measuring.blind_round import Judged, begin_comparison
from trainer.rounds.measuring.measurement import MEASURING, Ground, unjudged_line
from trainer.rounds.protocol import Stage as Said

SENTENCE = "dance around the dot"


def film() -> Film:
    encoder = SegmentEncoder(64, 36, 20.0)
    for shade in (0, 80, 160):
        encoder.add(np.full((36, 64, 3), shade, np.uint8))
    return Film(20.0, (Stretch(0, 3, 64, 36, encoder.finish()),))


class Stage:
    """A comparison behind the window over a real store; what plays is told by hand.

    ``play`` plays the wanted clips; it may wait, fail or be looked at.
    """

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch, *, own_window: bool) -> None:
        spec = replace(TOY, own_window=own_window, realtime=own_window)
        monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, spec))
        monkeypatch.setattr(judging, "play_clips", self._play)
        self.data = data
        self.store = Store.open(data)
        self.reader = Reader.open(data)
        self.ground = Ground(
            data, self.store, data / "base", "toy", PlayOptions(), lambda _m: None, lambda: None
        )
        self.batches: list[int] = []
        self.before_each: Callable[[], None] = lambda: None
        self.woken = 0
        self.judged: list[Judged] = []
        self.round_id = self.store.add_round(choose=True, config={"in_use": None})
        self.store.update_round(
            self.round_id,
            status=RoundStatus.DONE,
            adapter_id=self.store.add_adapter(
                NewAdapter(str(data / "adapters" / "a"), base="base", round_id=self.round_id)
            ),
            metrics={"gates": []},
            verdict={"lines": [asdict(unjudged_line(Part.TAUGHT, SENTENCE))]},
        )
        self.comparison = begin_comparison(
            self.ground, self.reader.rounds()[-1], SENTENCE, random.Random(5)
        )

    def _play(self, ground: Ground, _comparison: int, wanted: Sequence[ClipRow]) -> None:
        self.batches.append(len(wanted))
        for clip in wanted:
            self.before_each()
            ground.check()
            ground.store.add_film(clip.id, film())

    def open(self, *, keep: bool = False) -> BlindJudging:
        def settled(judged: Judged) -> object:
            self.judged.append(judged)
            return blind_result(judged, "")

        def woken() -> None:
            self.woken += 1

        return BlindJudging(
            self.ground,
            self.reader,
            self.reader.comparisons()[0],
            room=contextlib.nullcontext,
            settled=settled,  # type: ignore[arg-type]
            woken=woken,
            keep_pictures=keep,
        )

    def clips(self) -> list[ClipRow]:
        return self.reader.clips(self.comparison)

    def close(self) -> None:
        self.reader.close()
        self.store.close()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = Stage(tmp_path / "data", monkeypatch, own_window=False)
    yield made
    made.close()


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = Stage(tmp_path / "data", monkeypatch, own_window=True)
    yield made
    made.close()


def waited(blind: BlindJudging) -> BlindState:
    """Return the state once nothing is being played."""
    if blind._thread is not None:
        blind._thread.join()
    return blind.state()


def judged_through(blind: BlindJudging, state: BlindState, sides: Sequence[Side]) -> BlindState:
    """Mark every clip of "after" as done and no other, as far as clips are there."""
    while state.clip is not None:
        state = blind.mark(state.clip, done=sides[state.clip] is Side.AFTER)
    return state


def test_clips_are_played_by_themselves_and_more_before_they_are_missing(stage: Stage) -> None:
    blind = stage.open()
    state = waited(blind)
    assert stage.batches == [FIRST_CLIPS]
    assert (state.number, state.most, state.clip) == (1, 47, 0)
    assert (state.ready, state.wanted, state.playing) == (FIRST_CLIPS, FIRST_CLIPS, False)
    assert not state.asks_screen
    clip = blind.open_clip(0)
    assert (clip.frames, clip.tick_rate_hz) == (3, 20.0)
    assert int(clip.frame(2).mean()) == pytest.approx(160, abs=3)
    with pytest.raises(IndexError):
        clip.frame(3)
    for place in range(11):
        # No difference, so that it goes on.
        state = blind.mark(place, done=True)
        waited(blind)
        assert state.result is None
    assert stage.batches == [FIRST_CLIPS, MORE_CLIPS]
    blind.put_off()


def test_a_key_pressed_twice_marks_one_clip(stage: Stage) -> None:
    blind = stage.open()
    waited(blind)
    blind.mark(0, done=True)
    state = blind.mark(0, done=True)
    assert (state.number, state.clip) == (2, 1)
    state = blind.mark(1, done=None)
    assert (state.number, state.clip) == (2, 2)
    state = blind.back()
    assert (state.clip, state.may_go_back) == (1, True)
    state = blind.back()
    assert (state.clip, state.may_go_back) == (0, False)
    assert blind.back().clip == 0
    blind.put_off()


def test_what_is_put_off_goes_on_at_the_same_clip(stage: Stage) -> None:
    go_on = threading.Event()
    reached = threading.Event()

    def hold() -> None:
        if sum(clip.frames is not None for clip in stage.clips()) == 3:
            reached.set()
            go_on.wait(10)

    stage.before_each = hold
    blind = stage.open()
    assert reached.wait(10)
    state = blind.state()
    assert (state.playing, state.ready, state.wanted) == (True, 3, FIRST_CLIPS)
    for place in range(3):
        blind.mark(place, done=place == 1)
    assert blind.state().clip is None
    # The window is not kept waiting for what is being played.
    blind.put_off()
    assert blind._thread is not None
    assert blind._thread.alive
    stage.before_each = lambda: None
    go_on.set()
    blind.end()
    assert not blind._thread.alive
    assert sum(clip.frames is not None for clip in stage.clips()) == 3
    again = stage.open()
    state = waited(again)
    assert (state.number, state.clip, state.problem) == (4, 3, "")
    again.put_off()


def test_the_end_has_its_effect_once_and_takes_the_pictures_along(stage: Stage) -> None:
    blind = stage.open()
    sides = [clip.side for clip in stage.clips()]
    state = waited(blind)
    while state.result is None:
        assert state.clip is not None
        # Nothing that the window gets names a side.
        assert "before" not in repr(state)
        assert "after" not in repr(state)
        state = blind.mark(state.clip, done=sides[state.clip] is Side.AFTER)
        waited(blind)
    assert (state.result.kind, state.result.before, state.result.after) == (
        VerdictKind.BETTER, 0, 6,
    )  # fmt: skip
    assert (state.clip, state.may_go_back, state.number) == (None, False, 14)
    assert len(stage.judged) == 1
    assert blind.back().result == state.result
    assert blind.mark(14, done=True).result == state.result
    assert len(stage.judged) == 1
    verdict = read_verdict(stage.reader.rounds()[0].verdict)
    assert verdict is not None
    assert verdict.kind is VerdictKind.BETTER
    with stage.reader._reading() as connection:
        assert connection.execute("SELECT count(*) FROM clip_pictures").fetchone()[0] == 0


def test_a_clip_that_comes_after_the_result_is_erased_too(stage: Stage) -> None:
    """The person does not wait for the reveal until a slow model has ended its attempt."""
    go_on = threading.Event()

    def hold() -> None:
        if sum(clip.frames is not None for clip in stage.clips()) == FIRST_CLIPS:
            go_on.wait(20)

    blind = stage.open()
    waited(blind)
    stage.before_each = hold
    sides = [clip.side for clip in stage.clips()]
    # As where it is looked for a stop only when an attempt is over.
    blind._ground = replace(stage.ground, check=lambda: None)
    state = judged_through(blind, blind.state(), sides)
    assert state.result is not None
    assert blind._thread is not None
    assert blind._thread.alive
    go_on.set()
    blind.end()
    assert sum(clip.frames is not None for clip in stage.clips()) > FIRST_CLIPS
    with stage.reader._reading() as connection:
        assert connection.execute("SELECT count(*) FROM clip_pictures").fetchone()[0] == 0


def test_clips_are_kept_after_the_result_if_the_person_wants(stage: Stage) -> None:
    blind = stage.open(keep=True)
    sides = [clip.side for clip in stage.clips()]
    state = waited(blind)
    assert judged_through(blind, state, sides).result is not None
    with stage.reader._reading() as connection:
        assert connection.execute("SELECT count(*) FROM clip_pictures").fetchone()[0] > 0


def test_a_result_that_could_not_be_written_is_written_at_the_next_look(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = stage.open()
    sides = [clip.side for clip in stage.clips()]
    state = waited(blind)
    real = stage.store.settle_round

    def full(*_args: object, **_given: object) -> bool:
        raise DiskFullError("The disk is full, so nothing was written; free some room.")

    monkeypatch.setattr(stage.store, "settle_round", full)
    with pytest.raises(DiskFullError):
        judged_through(blind, state, sides)
    monkeypatch.setattr(stage.store, "settle_round", real)
    again = stage.open()
    assert again.state().result is not None
    assert len(stage.judged) == 1


def test_a_clip_that_cannot_be_read_is_played_once_more(stage: Stage) -> None:
    blind = stage.open()
    waited(blind)
    clip = blind.open_clip(0)

    def damage(connection: object) -> None:
        connection.execute("UPDATE clip_pictures SET data = x'00'")  # type: ignore[attr-defined]

    stage.store._worker.call(damage)
    with pytest.raises(DataError, match="played once more"):
        clip.frame(0)
    assert stage.clips()[0].frames is None
    assert blind.state().clip is None
    state = waited(blind)
    assert state.clip == 0
    assert int(blind.open_clip(0).frame(2).mean()) == pytest.approx(160, abs=3)
    with pytest.raises(DataError, match="not played yet"):
        blind.open_clip(40)
    blind.put_off()


def test_why_no_clips_come_is_told_until_it_is_tried_again(stage: Stage) -> None:
    def broken() -> None:
        raise GameError("The game does not start, so no clips come; start it again.")

    stage.before_each = broken
    blind = stage.open()
    state = waited(blind)
    assert state.problem.startswith("The game does not start")
    assert (state.clip, state.playing) == (None, False)
    assert len(stage.batches) == 1
    stage.before_each = lambda: None
    blind.play()
    state = waited(blind)
    assert (state.problem, state.clip) == ("", 0)
    blind.put_off()


def test_the_persons_screen_is_taken_only_when_they_give_it(screen: Stage) -> None:
    blind = screen.open()
    state = blind.state()
    assert (state.asks_screen, state.wanted, state.clip) == (True, FIRST_CLIPS, None)
    # Ten seconds a clip, as nobody showed it.
    assert state.screen_s == pytest.approx(10 * FIRST_CLIPS)
    assert screen.batches == []
    go_on, half = threading.Event(), threading.Event()

    def hold() -> None:
        if sum(clip.frames is not None for clip in screen.clips()) == 5:
            blind._ground.say(Said(MEASURING, "Leave keyboard and mouse alone."))
            half.set()
            go_on.wait(20)

    screen.before_each = hold
    blind.play()
    assert half.wait(20)
    # The game has the screen and the keyboard: nothing is judged beside it.
    state = blind.state()
    assert (state.playing, state.ready, state.clip, state.asks_screen) == (True, 5, None, False)
    assert state.notice == "Leave keyboard and mouse alone."
    go_on.set()
    state = waited(blind)
    assert (state.asks_screen, state.clip, screen.woken) == (False, 0, 1)
    assert state.notice == ""
    shown = 0
    while state.clip is not None:
        shown += 1
        state = blind.mark(state.clip, done=True)
    # All that was played is judged, those that came twice too; now it is asked for again.
    assert shown > FIRST_CLIPS
    assert (state.asks_screen, state.wanted) == (True, MORE_CLIPS)
    assert screen.batches == [FIRST_CLIPS]
    blind.put_off()


def test_what_follows_is_said_for_every_choice() -> None:
    plain = Verdict(VerdictKind.BETTER, 0, 6, 6, 1.0, 0.5, 1.0, "")
    said = {follows_of(replace(plain, choice=each), activated=False) for each in Choice}
    assert len(said) == len(Choice)
    assert follows_of(plain, activated=True) == "It plays from now on."
