"""A game whose program ends is opened again, and the attempt in which it did begins anew, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from fake_desktop import PROFILE, Desk
from toy_game import ToyGame, WalkPolicy
from toy_session import RED

from app.automation.headless import attempt, played_anew
from app.session.api import Phase, Snapshot
from app.session.control_loop import LiveSession
from app.session.session_thread import BEGUN_ANEW, ENDED_AGAIN
from app.session.wiring import Player, store_recording
from model.play.runner import LockStepRunner
from recorder.capture.base import Trouble
from recorder.errors import GameEndedError, GameError
from recorder.games.base import Task
from recorder.games.desktop.game import DesktopGame
from recorder.store import EpisodeKind, Reader, Store
from recorder.types import Action, Frame, Outcome

WAIT_S = 30.0
"""Only a failing test waits this long."""
GONE = "The toy's program is gone; start it again."


class ProgramGame(ToyGame):
    """A game that is one run of a program: where that has ended, nothing begins any more."""

    def __init__(self, ends_at: int | None = None) -> None:
        super().__init__()
        self.ends_at = ends_at
        self.ended = False

    def reset(self, task: Task, seed: int) -> Frame:
        if self.ended or self.closed:
            raise GameEndedError(GONE)
        return super().reset(task, seed)

    def step(self, action: Action) -> Frame:
        self.ended = self.ends_at is not None and len(self.actions) >= self.ends_at
        return super().step(action)


class Opener:
    """Opens programs; ``ends_at`` says of each after how many ticks it ends."""

    def __init__(self, *ends_at: int | None) -> None:
        self.ends_at = list(ends_at)
        self.opened: list[ProgramGame] = []
        self.problem = ""

    def __call__(self) -> ProgramGame:
        if self.problem:
            raise GameError(self.problem)
        self.opened.append(ProgramGame(self.ends_at.pop(0) if self.ends_at else None))
        return self.opened[-1]


Begin = Callable[..., tuple[LiveSession, list[str]]]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Return what begins a session over a game; with it come the sentences that it shows."""
    made: list[LiveSession] = []

    def build(game: ToyGame, **settings: object) -> tuple[LiveSession, list[str]]:
        told: list[str] = []

        class Told(LiveSession):
            def _publish(self, *args: object, **changes: object) -> None:  # type: ignore[override]
                super()._publish(*args, **changes)  # type: ignore[arg-type]
                message = self.snapshot().message
                if message and message not in told[-1:]:
                    told.append(message)

        session = Told(
            game, player=Player(WalkPolicy()), make_runner=LockStepRunner, paced=False, **settings  # type: ignore[arg-type]
        )  # fmt: skip
        made.append(session.start())
        return session, told

    yield build
    for session in made:
        session.close()


def over(attempts: int) -> Callable[[Snapshot], bool]:
    return lambda shot: shot.attempts == attempts and shot.outcome is not None


def test_a_program_that_ends_is_opened_again_and_the_attempt_begins_anew(
    begin: Begin, tmp_path: Path
) -> None:
    opener = Opener(2)
    with Store.open(tmp_path) as store:
        game = opener()
        _, recording = store_recording(store, game, width=64, height=64, wait_when_full=True)
        session, told = begin(game, reopen=opener, make_recording=recording)
        session.play(RED)
        assert session.wait_for(over(2), WAIT_S)
        assert session.snapshot().outcome is Outcome.SUCCESS
        assert BEGUN_ANEW.format(title="Toy") in told
        first, second = opener.opened
        assert first.closed
        assert session.game is second
        # The same start, and nothing was shown of it before the person's own attempt.
        assert first.resets[-1] == second.resets[-1]
        session.close()
        assert second.closed
        store.wait()
    with Reader.open(tmp_path) as reader:
        newest, before = reader.episodes()
    assert (before.outcome, newest.outcome) == (Outcome.INTERRUPTED, Outcome.SUCCESS)
    assert before.seed == newest.seed


def test_a_second_end_in_a_row_is_told_and_play_opens_it_once_more(begin: Begin) -> None:
    opener = Opener(2, 3)
    session, told = begin(opener(), reopen=opener)
    session.play(RED)
    assert session.wait_for(over(2), WAIT_S)
    shot = session.snapshot()
    assert (shot.phase, shot.outcome) == (Phase.WATCHING, Outcome.INTERRUPTED)
    assert shot.message == ENDED_AGAIN.format(title="Toy")
    assert "press Play" in shot.message
    assert len(opener.opened) == 2
    # What the person asks for is a fresh beginning: it may end once again.
    opener.ends_at = [2]
    session.play(RED)
    assert session.wait_for(over(4), WAIT_S)
    assert session.snapshot().outcome is Outcome.SUCCESS
    assert len(opener.opened) == 4
    assert told.count(BEGUN_ANEW.format(title="Toy")) == 2


def test_a_demonstration_begins_anew_as_one(begin: Begin, tmp_path: Path) -> None:
    opener = Opener(2)
    with Store.open(tmp_path) as store:
        game = opener()
        _, recording = store_recording(store, game, width=64, height=64, wait_when_full=True)
        session, _ = begin(game, reopen=opener, make_recording=recording)
        session.demonstrate(RED)
        assert session.wait_for(lambda shot: shot.attempts == 2 and shot.tick > 0, WAIT_S)
        assert session.snapshot().phase is Phase.DEMONSTRATING
        session.close()
        store.wait()
    with Reader.open(tmp_path) as reader:
        assert {row.kind for row in reader.episodes()} == {EpisodeKind.DEMONSTRATION}


def test_a_program_that_ended_between_attempts_is_opened_for_the_next(begin: Begin) -> None:
    opener = Opener()
    session, told = begin(opener(), reopen=opener)
    assert session.wait_for(lambda shot: shot.frame is not None, WAIT_S)
    opener.opened[0].ended = True
    session.play(RED)
    assert session.wait_for(over(1), WAIT_S)
    assert session.snapshot().outcome is Outcome.SUCCESS
    assert BEGUN_ANEW.format(title="Toy") not in told
    opener.opened[1].ended = True
    session.reset(41)
    assert session.wait_for(lambda shot: shot.seed == 41, WAIT_S)
    assert opener.opened[2].resets[-1][1] == 41


def test_a_game_that_starts_its_engine_itself_is_not_opened_again(begin: Begin) -> None:
    opener = Opener()
    game = ToyGame()
    game.ends_at = 2
    session, told = begin(game, reopen=opener)
    session.play(RED)
    assert session.wait_for(over(2), WAIT_S)
    assert session.snapshot().outcome is Outcome.SUCCESS
    assert (session.game, opener.opened) == (game, [])
    assert BEGUN_ANEW.format(title="Toy") in told


def test_a_program_that_cannot_be_opened_again_is_told_and_tried_at_the_next_play(
    begin: Begin,
) -> None:
    opener = Opener(2)
    session, _ = begin(opener(), reopen=opener)
    opener.problem = "The toy is not installed any more; install it."
    session.play(RED)
    assert session.wait_for(lambda shot: shot.message == opener.problem, WAIT_S)
    assert session.snapshot().phase is Phase.WATCHING
    opener.problem = ""
    session.play(RED)
    assert session.wait_for(over(2), WAIT_S)
    assert session.snapshot().outcome is Outcome.SUCCESS


def test_without_a_way_to_open_it_the_attempt_is_over(begin: Begin) -> None:
    session, _ = begin(ProgramGame(2))
    session.play(RED)
    assert session.wait_for(over(1), WAIT_S)
    assert isinstance(session.snapshot().problem, GameEndedError)


def test_without_a_window_the_caller_plays_the_attempt_anew_in_a_new_program() -> None:
    opener = Opener(2, 3)
    session = LiveSession(
        opener(), player=Player(WalkPolicy()), make_runner=LockStepRunner, paced=False,
        threaded=False, reopen=opener,
    )  # fmt: skip
    told: list[str] = []
    with closing(session.start()):
        play = partial(attempt, session, lambda: session.play(RED), seed=7)
        done = played_anew(session, play, told.append)
    assert (done.outcome, done.seed) == (Outcome.SUCCESS, 7)
    assert len(told) == 2
    assert len(opener.opened) == 3
    assert all(game.closed for game in opener.opened)


class OwnProgram(DesktopGame):
    """A window whose program's end is told as such, as Luanti's is."""

    def reset(self, task: Task, seed: int) -> Frame:
        if self._look().trouble is Trouble.GONE:
            raise GameEndedError(GONE)
        return super().reset(task, seed)

    def _refuse(self, trouble: Trouble, sentence: str) -> None:
        try:
            super()._refuse(trouble, sentence)
        finally:
            if trouble is Trouble.GONE:
                raise GameEndedError(GONE)


class Program(Desk):
    def __init__(self) -> None:
        super().__init__()
        # With the clock of its own gate, as a real one has.
        self.own = OwnProgram(PROFILE, 7, self.windows, self.grabber, self.hands)


def test_the_person_is_heard_in_the_new_window() -> None:
    first, second = Program(), Program()
    session = LiveSession(
        first.own, player=Player(WalkPolicy("forward")), make_runner=LockStepRunner,
        idle_handback_s=None, threaded=False, reopen=lambda: second.own,
    )  # fmt: skip
    with closing(session):
        first.own.listen(session)
        session.start()
        session.play("walk on")
        session.step()
        assert first.device.down == {"W"}
        first.windows.trouble = Trouble.GONE
        session.step()
        assert session.snapshot().outcome is Outcome.INTERRUPTED
        assert first.device.down == set()
        session.play("walk on")
        session.step()
        assert session.game is second.own
        assert (first.device.closed, first.listener.closed) == (True, True)
        assert second.device.down == {"W"}
        assert session._clock is second.own.clock
        second.press("A", True)
        session.step()
        assert session.snapshot().phase is Phase.CORRECTING
