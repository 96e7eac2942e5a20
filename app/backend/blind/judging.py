"""Runs a blind comparison: plays the next clips while the person judges, stores each mark."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from app.backend.blind.ports import BlindResult, BlindState
from recorder.errors import DataError, KnownError
from recorder.store import ClipMark, ClipRow, ComparisonRow, Reader
from recorder.store.frames.reading import SegmentFrames
from recorder.threads import BackgroundThread
from recorder.types import RGBImage
from trainer.evaluation.blind.order import Course, course_of
from trainer.rounds.measuring.blind_round import (
    Judged,
    missing_clips,
    order_of,
    play_clips,
    settle_blind,
    shown_by,
)
from trainer.rounds.measuring.measurement import MEASURING, Ground
from trainer.rounds.process import EndedError
from trainer.rounds.protocol import Message, Stage

log = logging.getLogger(__name__)

FIRST_CLIPS = 14
"""So many clips are played at first: a clear case is decided by them."""
MORE_CLIPS = 10
"""So many more at a time after these."""
AHEAD = 6
"""More are played if one of the next so many is missing; on the person's screen the very next."""
BROKEN = (
    "Something inside Playteach went wrong, so no more clips are played; what you judged is kept, "
    "and the log says more."
)


class StoredClip:
    """Implements :class:`app.backend.blind.ports.Clip`; a stretch is decoded when it is shown."""

    def __init__(self, reader: Reader, clip: ClipRow, lost: Callable[[], None]) -> None:
        """``lost`` is called if a picture cannot be read, before the error is raised."""
        if clip.frames is None:
            raise DataError("This clip was not played yet; it is shown once it was.")
        self.frames: int = clip.frames
        self.tick_rate_hz = clip.rate_hz
        self._reader = reader
        self._id = clip.id
        self._lost = lost
        self._stretch: SegmentFrames | None = None

    def frame(self, index: int) -> RGBImage:
        """Return picture ``index``; raises DataError if it is damaged, IndexError beyond."""
        if not 0 <= index < self.frames:
            raise IndexError(f"picture {index} of {self.frames}")
        kept = self._stretch
        try:
            if kept is None or not kept.start <= index < kept.stop:
                kept = self._stretch = self._reader.clip_pictures(self._id, index)
            return kept.frame(index)
        except DataError:
            self._lost()
            raise


class BlindJudging:
    """Implements :class:`app.backend.blind.ports.BlindComparison` on the real store."""

    def __init__(
        self,
        ground: Ground,
        reader: Reader,
        row: ComparisonRow,
        *,
        room: Callable[[], AbstractContextManager[object]],
        settled: Callable[[Judged], BlindResult],
        woken: Callable[[], None] = lambda: None,
        keep_pictures: bool = False,
    ) -> None:
        """``room`` makes room for a large model while clips are played.

        ``settled`` hears what it came to, once, and returns it as it is shown; ``woken`` is called
        when the person's screen is theirs again.
        """
        self._ground = replace(ground, check=self._check, say=self._hear)
        self._say = ground.say
        self._notice = ""
        self._reader = reader
        self._row = row
        self._room = room
        self._settled = settled
        self._woken = woken
        self._keep_pictures = keep_pictures
        self._own_window = ground.own_window
        # One at a time: a mark, an undo, the end.
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._over = threading.Event()
        self._thread: BackgroundThread | None = None
        self._problem = ""
        self._wanted: frozenset[int] = frozenset()
        self._result: BlindResult | None = None
        if not self._own_window:
            self.play()

    def state(self) -> BlindState:
        """Return how far it is."""
        with self._lock:
            return self._state(*self._read())

    def play(self) -> BlindState:
        """Begin to play what is missing, unless it is being played."""
        with self._lock:
            clips, course, said = self._read()
            self._problem = ""
            self._begin(self._batch(clips, course))
            return self._state(clips, course, said)

    def open_clip(self, clip: int) -> StoredClip:
        """Return what is shown at a place."""
        clips = self._reader.clips(self._row.id)
        shown = shown_by(clips, clips[clip])
        return StoredClip(self._reader, shown, lambda: self._ground.store.forget_film(shown.id))

    def mark(self, clip: int, done: bool | None) -> BlindState:
        """Write what the person said of the clip that is shown, and end what is decided."""
        with self._lock:
            clips, course, said = self._read()
            if course.next != clip or (done is None and not course.may_skip):
                return self._state(clips, course, said)
            self._ground.store.add_clip_mark(self._row.id, ClipMark(clip, done))
            clips, course, said = self._read()
            if not self._own_window and missing_clips(clips, course, AHEAD):
                self._begin(self._batch(clips, course))
            return self._state(clips, course, said)

    def back(self) -> BlindState:
        """Take the newest mark back; after the result nothing can be taken back."""
        with self._lock:
            if self._result is None and not self._read()[1].over:
                self._ground.store.undo_clip_mark(self._row.id)
            return self.state()

    def put_off(self) -> None:
        """Stop playing once the attempts under way are over; returns at once."""
        self._stop.set()

    def end(self) -> None:
        """Stop playing, and wait until that is over."""
        self.put_off()
        if (thread := self._thread) is not None:
            thread.join()

    def _read(self) -> tuple[list[ClipRow], Course, int]:
        """Return the clips, how far it is, and how often the person said something."""
        clips = self._reader.clips(self._row.id)
        said = self._reader.clip_marks(self._row.id)
        return clips, course_of(order_of(clips), said), len(said)

    def _batch(self, clips: Sequence[ClipRow], course: Course) -> list[ClipRow]:
        """Return the clips that are played next."""
        most = MORE_CLIPS if any(clip.frames for clip in clips) else FIRST_CLIPS
        return missing_clips(clips, course, len(clips))[:most]

    def _state(self, clips: Sequence[ClipRow], course: Course, said: int) -> BlindState:
        if course.over and self._result is None:
            self._end()
        shown = None if course.next is None else shown_by(clips, clips[course.next])
        there = shown is not None and shown.frames is not None
        playing = self._thread is not None and self._thread.alive
        if playing and self._own_window:
            # The screen and the keyboard are the game's now.
            there = False
        elif shown is not None and not there and not playing and not self._own_window:
            # It was lost, or is the next one already: what is missing is played by itself.
            playing = not self._problem and self._begin(self._batch(clips, course))
        asks = self._own_window and shown is not None and not there and not playing
        wanted = self._batch(clips, course) if asks else ()
        return BlindState(
            self._row.sentence,
            number=course.marked + (not course.over),
            most=len(clips),
            clip=course.next if there else None,
            may_go_back=said > 0 and not course.over,
            may_skip=course.may_skip,
            playing=playing,
            ready=sum(clip.id in self._wanted and clip.frames is not None for clip in clips),
            wanted=len(wanted) if asks else len(self._wanted),
            asks_screen=asks,
            screen_s=len(wanted) * self._row.clip_ticks / self._rate(clips),
            notice=self._notice if playing else "",
            problem=self._problem,
            result=self._result,
        )

    def _rate(self, clips: Sequence[ClipRow]) -> float:
        return next((clip.rate_hz for clip in clips if clip.rate_hz), 20.0)

    def _begin(self, wanted: Sequence[ClipRow]) -> bool:
        """Play clips on a thread of their own, unless some are being played; whether it plays."""
        if self._thread is not None and self._thread.alive:
            return True
        if not wanted or self._stop.is_set():
            return False
        self._wanted = frozenset(clip.id for clip in wanted)
        self._thread = BackgroundThread(
            "blind clips", lambda: self._play(wanted), stop=self._stop.set
        ).start()
        return True

    def _play(self, wanted: Sequence[ClipRow]) -> None:
        try:
            with self._room():
                play_clips(self._ground, self._row.id, wanted)
        except KnownError as error:
            if not self._stop.is_set():
                self._problem = error.sentence
        except Exception:
            log.exception("the clips of comparison %d could not be played", self._row.id)
            self._problem = BROKEN
        finally:
            if self._over.is_set():
                # What was still being played came after the pictures were erased.
                self._ground.store.end_comparison(self._row.id, keep_pictures=self._keep_pictures)
            self._woken()

    def _hear(self, message: Message) -> None:
        if isinstance(message, Stage) and message.name == MEASURING:
            self._notice = message.sentence
        self._say(message)

    def _check(self) -> None:
        if self._stop.is_set():
            raise EndedError("It was put off.")

    def _end(self) -> None:
        """Write down what it came to; clips that are still being played are not waited for."""
        self.put_off()
        self._over.set()
        ground = replace(self._ground, check=lambda: None)
        judged = settle_blind(ground, self._row.id, keep_pictures=self._keep_pictures)
        self._result = self._settled(judged)
