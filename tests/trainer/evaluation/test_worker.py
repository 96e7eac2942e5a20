"""A game in a window of its own that is measured while a person sits beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_desktop import Desk as Screen
from toy_game import WalkPolicy

from recorder.capture.base import Trouble
from recorder.errors import ExitCode, GameError, GameSuspendedError, StoppedError
from recorder.games.base import Task
from recorder.games.desktop.game import DesktopGame
from recorder.types import Action, Frame, Outcome
from trainer.evaluation import bystander, worker
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Attempt, Start
from trainer.evaluation.worker import Beside, EvaluationWorker

TASK = Task("walk:ahead", "walk ahead", "walk", "ahead", 60)
STEPS = 4


class JudgedGame(DesktopGame):
    """Succeeds after four steps; ``happens`` are called before (attempt, step), from 1 on."""

    def prepare(self) -> None:
        self.attempts = self.steps = 0
        self.happens: dict[tuple[int, int], Callable[[], None]] = {}

    def reset(self, task: Task, seed: int) -> Frame:
        self.attempts += 1
        self.steps = 0
        return super().reset(task, seed)

    def step(self, action: Action) -> Frame:
        self.steps += 1
        self.happens.get((self.attempts, self.steps), lambda: None)()
        return super().step(action)

    def outcome(self) -> Outcome | None:
        return Outcome.SUCCESS if self.steps >= STEPS else None


class Room(Screen):
    """A screen with a measured game on it, and what the person beside it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.game: JudgedGame = JudgedGame(
            self.hands.profile, 7, self.windows, self.grabber, self.hands, clock=self.clock
        )
        self.game.prepare()
        self.told: list[str] = []
        self.asked: list[object] = []
        self.hotkeys: object = None
        monkeypatch.setattr(bystander, "AGAIN_S", 0.0)
        monkeypatch.setattr(worker, "make_policy", lambda *_args, **_kwargs: WalkPolicy("forward"))
        monkeypatch.setattr(worker, "open_game", self._open)

    def _open(self, _name: str, *, slowed: bool, hotkeys: object, data: Path | None) -> DesktopGame:
        assert data is None
        self.hotkeys = hotkeys
        return self.game

    def measure(
        self, check: Callable[[], None] = lambda: None, *, somebody: bool = True
    ) -> Attempt:
        beside = Beside({"panic": "F2"}, self.told.append, check, attending=somebody)
        measuring = EvaluationWorker("toy", paced=False, threads=1, beside=beside)
        try:
            return measuring.play(PlayerSpec("walk"), Start(TASK, TASK.instruction, 3))
        finally:
            measuring.close()

    def touch(self) -> None:
        assert self.hearing is not None
        self.hearing.motion(40, 0, self.clock.now_ns(), shared=False)

    def press(self, name: str, down: bool = True, *, shared: bool = False) -> None:
        super().press(name, down, shared=shared)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(monkeypatch)


def test_what_nobody_touches_is_played_once_and_the_persons_keys_count(room: Room) -> None:
    assert room.measure().success
    assert (room.game.attempts, room.told) == (1, [])
    assert room.hotkeys == {"panic": "F2"}
    assert room.windows.closed


@pytest.mark.parametrize("step", [1, 2, STEPS])
@pytest.mark.parametrize("way", ["mouse", "bound key", "unbound key", "own key", "chat"])
def test_a_touched_attempt_is_played_anew_and_said(room: Room, step: int, way: str) -> None:
    keys = {"bound key": "S", "unbound key": "X", "own key": "F9", "chat": "T"}

    def happen() -> None:
        # The listener's own thread may come late.
        name = keys.get(way)
        room.listener.unheard.append(room.touch if name is None else lambda: room.press(name))
        if way == "chat":
            room.listener.unheard.append(lambda: room.press("Esc"))

    room.game.happens[(1, step)] = happen
    played = room.measure()
    assert played.success
    assert played.ticks == STEPS
    assert room.game.attempts == 2
    assert room.told == [bystander.TOUCHED]
    assert room.device.down == set()


def test_nothing_is_played_into_a_chat_that_stays_open(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []

    def sleep(_seconds: float) -> None:
        waits.append(room.game.attempts)
        if len(waits) == 5:
            room.press("Return")

    monkeypatch.setattr(bystander, "time", SimpleNamespace(sleep=sleep))
    room.game.happens[(1, 2)] = lambda: room.press("T")
    assert room.measure().success
    assert waits == [1] * 6
    assert room.game.attempts == 2


def test_the_panic_key_stops_it_all_in_a_chat_too(room: Room) -> None:
    def happen() -> None:
        room.press("T")
        room.press("F12")

    room.game.happens[(1, 2)] = happen
    with pytest.raises(StoppedError) as caught:
        room.measure()
    assert caught.value.sentence == bystander.STOPPED
    assert room.game.attempts == 1


def test_a_hand_that_never_leaves_is_waited_for_and_uses_up_no_try(room: Room) -> None:
    for attempt in range(1, 2 * worker.TRIES):
        room.game.happens[(attempt, 2)] = room.touch
    assert room.measure().success
    assert room.game.attempts == 2 * worker.TRIES


def echo(room: Room) -> Callable[[], None]:
    """Press on the agent's own device what is not in its ledger: the agent itself, misheard."""
    return lambda: room.press("X", shared=True)


@pytest.mark.parametrize("somebody", [True, False])
def test_what_is_touched_by_nobody_ends_in_a_sentence(room: Room, somebody: bool) -> None:
    for attempt in range(1, 3 * bystander.TOUCHES):
        room.game.happens[(attempt, 2)] = echo(room)
    with pytest.raises(GameError) as caught:
        room.measure(somebody=somebody)
    assert caught.value.sentence == bystander.ENDLESS
    assert not isinstance(caught.value, GameSuspendedError)
    assert room.game.attempts == bystander.TOUCHES
    assert room.device.down == set()


def test_a_person_in_between_or_a_played_attempt_ends_the_row(room: Room) -> None:
    for attempt in range(1, 2 * bystander.TOUCHES):
        hand = attempt == bystander.TOUCHES
        room.game.happens[(attempt, 2)] = room.touch if hand else echo(room)
    assert room.measure().success
    assert room.game.attempts == 2 * bystander.TOUCHES


def test_who_is_not_waited_for_may_not_touch_for_ever(room: Room) -> None:
    for attempt in range(1, 3 * bystander.TOUCHES):
        room.game.happens[(attempt, 2)] = room.touch
    with pytest.raises(GameError) as caught:
        room.measure(somebody=False)
    assert caught.value.sentence == bystander.RESTLESS


def test_what_touches_while_it_is_waited_for_is_not_waited_for_for_ever(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.game.happens[(1, 2)] = echo(room)
    waits = [0]

    def sleep(_seconds: float) -> None:
        waits[0] += 1
        room.press("X", shared=True)

    monkeypatch.setattr(bystander.time, "sleep", sleep)
    with pytest.raises(GameError) as caught:
        room.measure()
    assert caught.value.sentence == bystander.ENDLESS
    assert waits[0] == bystander.WAITS


@pytest.mark.parametrize("key", ["F12", "F6"])
def test_the_panic_and_the_pause_key_stop_it(room: Room, key: str) -> None:
    # Also right after a touch.
    def happen() -> None:
        room.touch()
        room.press(key)

    room.game.happens[(1, 2)] = happen
    with pytest.raises(StoppedError) as caught:
        room.measure()
    assert caught.value.sentence == bystander.STOPPED
    assert caught.value.exit_code is ExitCode.CANCELLED
    assert room.device.down == set()
    assert room.windows.closed


def test_it_may_be_stopped_at_every_tick(room: Room) -> None:
    def check() -> None:
        if room.game.steps == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.measure(check)
    assert room.game.steps == 2


def test_a_person_in_another_window_keeps_the_keyboard_until_they_come_back(room: Room) -> None:
    asked: list[int] = []

    def leave() -> None:
        room.windows.trouble = Trouble.UNFOCUSED

    def check() -> None:
        if room.windows.trouble is not None:
            asked.append(room.windows.focused)
        if len(asked) == 20:
            room.windows.trouble = None

    room.game.happens[(1, 2)] = leave
    assert room.measure(check).success
    # Nothing took the keyboard from them meanwhile.
    assert set(asked) == {1}
    assert room.game.attempts == 2
    assert "focus" in room.told[0]


def test_where_nobody_sits_the_game_takes_the_keyboard_again(room: Room) -> None:
    def leave() -> None:
        room.windows.trouble = Trouble.UNFOCUSED

    for attempt in range(1, worker.TRIES):
        room.game.happens[(attempt, 2)] = leave
    assert room.measure(somebody=False).success
    assert room.windows.focused == worker.TRIES
    room.game.attempts = 0
    room.game.happens[(worker.TRIES, 2)] = leave
    room.hands._listener = None
    with pytest.raises(GameSuspendedError):
        room.measure(somebody=False)


def test_a_window_that_cannot_be_listened_to_is_closed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_ears: object) -> None:
        raise GameError("The screen tells nothing of keys, so nothing was measured; use X11.")

    monkeypatch.setattr(room.game, "listen", refuse)
    with pytest.raises(GameError, match="tells nothing of keys"):
        room.measure()
    assert room.windows.closed
