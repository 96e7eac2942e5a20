"""Luanti: real window, real keys, and a judge inside its own world."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from recorder.capture.base import Grabber, Trouble, WindowSystem
from recorder.errors import GameEndedError, GameError
from recorder.games.base import Task, free_task
from recorder.games.desktop.game import DesktopGame
from recorder.games.desktop.hands import Hands, open_hands
from recorder.games.desktop.profile import Profile
from recorder.games.luanti.judge import ENDED, Event, JudgeClient, PlayerState
from recorder.games.luanti.launch import HEIGHT, WIDTH, LuantiProcess
from recorder.games.luanti.layouts import ORIGIN, Layout, build_layout
from recorder.games.luanti.tasks import RIVALS, TASKS, Goal, goal_of
from recorder.json_values import as_dict, number
from recorder.types import Action, Frame, Outcome

log = logging.getLogger(__name__)

START_S = 60.0
ENDS_S = 2.0
"""So long after its window is gone a Luanti that ended has ended."""
STARTS = 3
"""So often a Luanti that ends before its player is in the world is started."""
SETTLE_S = 0.35
"""After a layout the client needs this long to draw it and to have the view turned."""
REACH = 1.9
"""How near to a post's middle, in nodes, is there."""
SYNC_TICKS = 8
"""So many ticks after the last turn the server's angles are the client's."""
SLOWED = " in slowed time"
PATIENCE_S = 120.0
"""How long a thought may take in slowed time before the guard calls it a hang."""


class LuantiGame(DesktopGame):
    """A Luanti of Playteach's own with tasks that it can judge.  Control thread only."""

    def __init__(
        self,
        profile: Profile,
        process: LuantiProcess,
        judge: JudgeClient,
        window_id: int,
        windows: WindowSystem,
        grabber: Grabber,
        hands: Hands,
    ) -> None:
        super().__init__(profile, window_id, windows, grabber, hands)
        self._process = process
        self._judge = judge
        self._time = None if process.faketime is None else SlowedTime(process)
        self.realtime = self._time is None
        if self._time is not None:
            self.title += SLOWED
        self._task: Task = TASKS[0]
        self._goal: Goal | None = None
        self._layout: Layout | None = None
        self._outcome: Outcome | None = None
        self._ticks = 0
        self._still_ticks = 0
        self._yaw_deg = self._pitch_deg = 0.0
        self._counted = (0, 0)
        self._offset_ms: float | None = profile.input_to_frame_ms

    def tasks(self) -> Sequence[Task]:
        """Return every task of :mod:`recorder.games.luanti.tasks`."""
        return TASKS

    def reset(self, task: Task, seed: int) -> Frame:
        """Lay (task, seed) out, choose the first slot, and return the first picture."""
        self._outcome = None
        if not self._process.running:
            raise self._ended()
        self._goal = goal_of(task)
        self._task = task
        self._layout = build_layout(self._goal, task.id, seed)
        self.run_freely()
        self.let_go()
        self.begin()
        self._judge.poll()
        self._judge.lay_out(self._layout.command)
        self._choose_first_slot()
        self._wait(SETTLE_S)
        self._judge.wait_for_state(START_S)
        self._yaw_deg, self._pitch_deg = self._layout.yaw_deg, 10.0
        self._counted = self.turned_counts
        self._still_ticks = 0
        self._ticks = 0
        frame = self._picture(self._check())
        if self._time is not None:
            self._time.stop()
        return frame

    def step(self, action: Action) -> Frame:
        """Do one tick and judge what came of it."""
        if self._time is None:
            frame = super().step(action)
        else:
            began_ns = self.clock.now_ns()
            self._time.go()
            frame = super().step(action)
            self._live_on(began_ns)
            self._time.stop()
            self._hands.guard_wait(PATIENCE_S)
        self._after()
        return frame

    def watch(self) -> Frame:
        """Let the person play for one tick and judge it; time stands still for no person."""
        began_ns = self.clock.now_ns()
        self.run_freely()
        frame = super().watch()
        if self._time is not None:
            self._live_on(began_ns)
        self._after()
        return frame

    def let_go(self) -> None:
        """Release everything that the agent holds; while nobody drives, time runs."""
        super().let_go()
        self.run_freely()

    def outcome(self) -> Outcome | None:
        """Return the mod's verdict on the task, or None while it goes on."""
        return self._outcome

    @property
    def goal(self) -> Goal | None:
        """What the current task wants."""
        return self._goal

    @property
    def layout(self) -> Layout:
        """Where everything stood at the start, for experts; :meth:`reset` first."""
        if self._layout is None:
            raise RuntimeError("reset() was not called")
        return self._layout

    def hidden_state(self) -> PlayerState:
        """Return what the server knows of the player, relative to the layout's origin.

        Yaw and pitch are the client's, which the server hears of late: what was sent is
        added up, and set right after a while without turning.
        """
        state = self._judge.state
        if state is None:
            state = self._judge.wait_for_state(START_S)
        return state

    @property
    def angles(self) -> tuple[float, float]:
        """(yaw, pitch) of the view in the map's degrees, as the client has them now."""
        return self._yaw_deg, self._pitch_deg

    def pointer_in_window(self) -> tuple[int, int]:
        """Return where the pointer is, in pixels of the window."""
        x, y = self._windows.pointer()
        return x - self._rect.left, y - self._rect.top

    def settle_in(self) -> None:
        """Show a first meadow and, in real time, measure how late its picture is."""
        self.reset(free_task("look around"), 0)
        if self._time is None:
            # The sky fades for a while after a change of the time of day.
            self._wait(1.0)
            self._offset_ms = self.measure_offset()

    def facts(self) -> Mapping[str, object]:
        """Return the delay from input to picture, and how time ran."""
        return {
            "input_to_frame_ms": self._offset_ms,
            "time": "real" if self._time is None else "slowed",
        }

    def run_freely(self) -> None:
        """Let a stopped game run on; nothing in real time."""
        if self._time is not None:
            self._time.go()

    def close(self) -> None:
        """Release everything and end the game; may be called twice.

        Every step is done, whatever another one raises; the last error is raised.
        """
        with contextlib.ExitStack() as closing:
            closing.callback(self._process.close)
            closing.callback(super().close)
            closing.callback(self.run_freely)

    def _live_on(self, began_ns: int) -> None:
        """Let the game live through the rest of a tick, which no pacer waits for."""
        self.clock.sleep_until_ns(began_ns + int(1e9 / self.tick_rate_hz))

    # Judging

    def _after(self) -> None:
        self._ticks += 1
        self._turn()
        if not self._process.running:
            raise self._ended()
        for event in self._judge.poll():
            if self._outcome is None:
                self._outcome = verdict(self._goal, event)
        if self._outcome is None:
            self._outcome = self._place_verdict()
        if self._outcome is None and self._goal is not None and self._ticks >= self._task.max_ticks:
            self._outcome = Outcome.TIMEOUT

    def _ended(self) -> GameEndedError:
        if said := self._process.last_words():
            log.warning("Luanti's last words: %s", said)
        return GameEndedError(ENDED)

    def _refuse(self, trouble: Trouble, sentence: str) -> None:
        try:
            super()._refuse(trouble, sentence)
        finally:
            # Its window goes a moment before its end is known.
            if trouble is Trouble.GONE and self._process.ended_within(ENDS_S):
                raise self._ended()

    def _turn(self) -> None:
        right, down = self.turned_counts
        before_right, before_down = self._counted
        self._counted = self.turned_counts
        per_count = self.bindings.degrees_per_count
        self._yaw_deg = (self._yaw_deg - (right - before_right) * per_count) % 360.0
        self._pitch_deg += (down - before_down) * per_count
        self._pitch_deg = max(-89.5, min(89.5, self._pitch_deg))
        moved = (right, down) != (before_right, before_down)
        self._still_ticks = 0 if moved else self._still_ticks + 1
        state = self._judge.state
        if self._still_ticks >= SYNC_TICKS and state is not None:
            self._yaw_deg, self._pitch_deg = state.yaw_deg, state.pitch_deg

    def _place_verdict(self) -> Outcome | None:
        state = self._judge.state
        if self._goal is None or self._goal.verb != "go_to" or state is None:
            return None
        for spot in self.layout.obstacles:
            far_x, far_z = state.x - ORIGIN[0] - spot.x, state.z - ORIGIN[2] - spot.z
            if far_x * far_x + far_z * far_z <= REACH * REACH:
                right = spot.node == self._goal.target
                return Outcome.SUCCESS if right else Outcome.FAILURE
        return None

    # The world

    def _choose_first_slot(self) -> None:
        # The chosen slot lives in the client: no reset of the world can set it.
        key = self.bindings.keys["hotbar.1"]
        self._hands.hold([key])
        self._wait(0.1)
        self._hands.hold([])

    def _wait(self, seconds: float) -> None:
        until_ns = self.clock.now_ns() + int(seconds * 1e9)
        while self.clock.now_ns() < until_ns:
            self._hands.sender.beat()
            self.clock.sleep_until_ns(min(until_ns, self.clock.now_ns() + 50_000_000))


class SlowedTime:
    """Stops a game between two ticks and hides the gap from its clock (libfaketime).

    A stopped game that is let on would catch up on the time it slept through.
    """

    def __init__(self, process: LuantiProcess) -> None:
        if process.faketime is None:
            raise ValueError("this game was not started with libfaketime")
        self._process = process
        self._file = process.faketime
        self._stopped_at_ns: int | None = None
        self.stopped_ns = 0
        """Wall time that the game did not live through."""

    def stop(self) -> None:
        """Stop the game; nothing where it is stopped."""
        if self._stopped_at_ns is None:
            self._process.send(signal.SIGSTOP)
            self._stopped_at_ns = time.monotonic_ns()

    def go(self) -> None:
        """Let the game run on from where it was; nothing where it runs."""
        if self._stopped_at_ns is None:
            return
        self.stopped_ns += time.monotonic_ns() - self._stopped_at_ns
        self._stopped_at_ns = None
        fresh = self._file.with_suffix(".new")
        try:
            fresh.write_text(f"-{self.stopped_ns / 1e9:.6f}\n", encoding="ascii")
            fresh.rename(self._file)
        finally:
            # A game that stands still cannot even be asked to end.
            self._process.send(signal.SIGCONT)


def verdict(goal: Goal | None, event: Event) -> Outcome | None:
    """Return what an event of the mod's means for a goal, None for nothing."""
    kind = event.get("ev")
    if kind == "died":
        return Outcome.FAILURE
    if goal is None:
        return None
    doing = {"mine": "dig", "craft": "craft", "kill": "kill", "place": "place"}.get(goal.verb)
    if kind == doing:
        name = str(event.get("node") or event.get("item") or event.get("target") or "")
        if name in goal.wanted:
            return Outcome.SUCCESS
        # Planks and sticks are made on the way to other things.
        rival = name in RIVALS[goal.verb] and goal.verb != "craft"
        return Outcome.FAILURE if rival else None
    if kind == "inv" and goal.verb in {"smelt", "cook", "collect"}:
        changed = as_dict(event.get("d") or {}, "d")
        gained = {name for name in changed if number(changed, name) > 0}
        if gained & goal.wanted:
            return Outcome.SUCCESS
        if goal.verb == "collect" and gained & RIVALS["collect"]:
            return Outcome.FAILURE
    return None


def _joined(assets: Path, *, slowed: bool) -> tuple[LuantiProcess, JudgeClient]:
    """Start Luanti and wait until its player is in the world.

    Of two that start in the same second one ends at once (measured: docs/log.md): that one is
    started again.
    """
    tries_left = STARTS
    while True:
        tries_left -= 1
        process = LuantiProcess(assets, slowed=slowed)
        try:
            judge = JudgeClient(process.world, alive=partial(_runs, process))
            judge.wait_for(lambda event: event.get("ev") == "join", START_S)
        except BaseException as error:
            ended = isinstance(error, GameError) and not process.running
            process.close()
            if not ended or not tries_left:
                raise
        else:
            return process, judge


def _runs(process: LuantiProcess) -> bool:
    return process.running


def open_luanti(assets: Path, profile: Profile, *, slowed: bool = False) -> LuantiGame:
    """Start Luanti on the display in use and sit down at it.

    Raises GameError or NoDisplayError where that cannot be.
    """
    from recorder.capture.grab import MssGrabber
    from recorder.capture.system import open_windows

    with contextlib.ExitStack() as opened:
        windows = open_windows()
        opened.callback(windows.close)
        process, judge = _joined(assets, slowed=slowed)
        opened.callback(process.close)
        window_id = _own_window(windows, process)
        # In the middle of the screen it would lie on what Playteach says.
        windows.dock(window_id)
        grabber = MssGrabber()
        opened.callback(grabber.close)
        hands = open_hands(profile, window_id)
        opened.callback(hands.close)
        game = LuantiGame(profile, process, judge, window_id, windows, grabber, hands)
        # Closes all of them, and lets a stopped game run on first.
        opened.callback(game.close)
        game.settle_in()
        opened.pop_all()
        return game


def _own_window(windows: WindowSystem, process: LuantiProcess) -> int:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        for window in windows.windows():
            size = (window.rect.width, window.rect.height)
            if window.pid == process.pid or (window.pid is None and size == (WIDTH, HEIGHT)):
                return window.id
        time.sleep(0.05)
    raise GameError(
        "Luanti runs but shows no window, so it cannot be played; check that the display is the "
        "one you look at."
    )
