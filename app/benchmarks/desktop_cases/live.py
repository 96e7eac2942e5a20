"""Figures of play in a real Luanti window: loop, delays, takeover, privacy, camera."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from app.benchmarks.common import Figures, Say, percentile
from app.benchmarks.desktop_cases.parts import BusyPolicy, Hand, until
from app.benchmarks.desktop_cases.stage import PlainWindow
from app.session.api import Phase
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording, take_short_turns
from model.paths import default_checkpoint
from model.play.policy import Policy
from recorder.capture.base import Trouble
from recorder.capture.grab import MssGrabber
from recorder.capture.x11 import X11Windows
from recorder.errors import GameError
from recorder.games import open_game
from recorder.games.desktop.offset import first_change_ms
from recorder.games.luanti.game import LuantiGame
from recorder.input.keys import CODES
from recorder.store import Reader, Store
from recorder.types import Driver
from trainer.evaluation.players import PlayerSpec, make_policy

SENTENCE = "look around the meadow"
WAIT_S = 60.0
"""A busy machine may take long to lay a meadow out; waiting costs nothing otherwise."""


@dataclass(slots=True)
class Live:
    """A session that plays Luanti and is recorded into a folder of its own."""

    game: LuantiGame
    session: LiveSession
    store: Store
    folder: Path

    def until_phase(self, phase: Phase, timeout_s: float = WAIT_S) -> None:
        """Wait for a phase; raises GameError where it does not come."""
        if not self.session.wait_for(lambda shot: shot.phase is phase, timeout_s):
            shot = self.session.snapshot()
            raise GameError(
                f"The measured session is {shot.phase} and not {phase}, so nothing was measured. "
                f"{shot.message}".strip()
            )


@contextlib.contextmanager
def live(policy_of: str = "busy", *, listen: bool = True) -> Iterator[Live]:
    """Open Luanti and a session of "busy" or "default" over it."""
    take_short_turns()
    with contextlib.ExitStack() as stack:
        game = open_game("luanti")
        stack.callback(game.close)
        if not isinstance(game, LuantiGame):
            raise TypeError("luanti is another game now")
        policy: Policy = BusyPolicy()
        if policy_of == "default":
            policy = make_policy(PlayerSpec("base", default_checkpoint("luanti")), game, threads=1)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="playteach-live-")))
        store = stack.enter_context(Store.open(folder))
        _, recording = store_recording(store, game)
        session = LiveSession(
            game, player=Player(policy), make_recording=recording, idle_handback_s=None
        )
        if listen:
            game.listen(session)
        stack.callback(session.close)
        session.start()
        yield Live(game, session, store, folder)


def measure_loop(seconds: float, say: Say) -> Figures:
    """Play the default model for ``seconds`` at 20 Hz, recorded."""
    say(f"the default model in the closed loop, {seconds:g} s")
    with live("default") as desk:
        desk.session.play(SENTENCE)
        desk.until_phase(Phase.PLAYING)
        desk.session.wait_for(lambda shot: shot.latency_ms is not None, WAIT_S)
        before = desk.session.snapshot()
        time.sleep(seconds)
        desk.until_phase(Phase.PLAYING, 0.0)
        shot = desk.session.snapshot()
        desk.session.stop()
    ticks = shot.tick - before.tick
    missed = shot.missed_ticks - before.missed_ticks
    return {
        "loop_ticks": float(ticks),
        "loop_missed_share": missed / max(1, ticks + missed),
        "loop_lost_ticks": float(shot.lost_ticks),
        "loop_latency_ms": shot.latency_ms,
    }


def measure_cost(seconds: float, say: Say) -> Figures:
    """Play the busy player for ``seconds``, recorded; the app's own processor time."""
    say(f"capture, control and recording without the model, {seconds:g} s")
    with live() as desk:
        desk.session.play(SENTENCE)
        desk.until_phase(Phase.PLAYING)
        time.sleep(1.0)
        desk.store.wait()
        before, began_s = _processor_s(), time.monotonic()
        ticks = desk.session.snapshot().tick
        time.sleep(seconds)
        desk.until_phase(Phase.PLAYING, 0.0)
        gone_s = time.monotonic() - began_s
        desk.session.pause()
        desk.until_phase(Phase.PAUSED)
        # On a busy machine much waits for the encoder still: that belongs to these ticks.
        desk.store.wait()
        spent_s = _processor_s() - before
        shot = desk.session.snapshot()
        done = max(1, shot.tick - ticks)
    return {
        # By the tick, and for as many as there should be: on a busy machine ticks are missed, and
        # what was not done would seem to be saved.
        "core_share": spent_s / done * shot.tick_rate_hz,
        "cost_ms_per_tick": spent_s / done * 1e3,
        "cost_ticks_per_s": done / gone_s,
        "cost_lost_ticks": float(shot.lost_ticks),
    }


def _processor_s() -> float:
    """Processor time of this process and the input guard, without the game."""
    import psutil

    spent = time.process_time()
    for child in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "guard_process" in " ".join(child.cmdline()):
                times = child.cpu_times()
                spent += times.user + times.system
    return spent


def measure_delay(tries: int, say: Say) -> Figures:
    """Nudge the mouse and press a key; ms until the picture shows it, and what is stored."""
    say(f"{tries} x input to picture")
    hand = Hand()
    with contextlib.ExitStack() as stack:
        stack.callback(hand.close)
        desk = stack.enter_context(live(listen=False))
        time.sleep(4.0)
        windows, grabber = X11Windows(), MssGrabber()
        stack.callback(windows.close)
        stack.callback(grabber.close)
        rect = windows.look(desk.game.window_id).rect
        mouse: list[float] = []
        keys: list[float] = []
        chance = random.Random(1)
        for number in range(tries):
            counts = 15 if number % 2 == 0 else -15
            delay = first_change_ms(grabber, rect, partial(hand.move, counts, 0))
            if delay is not None:
                mouse.append(delay)
            time.sleep(0.15 + chance.random() * 0.05)
            name = "W" if number % 2 == 0 else "S"
            delay = first_change_ms(grabber, rect, partial(hand.press, name, True))
            time.sleep(0.05)
            hand.press(name, False)
            if delay is not None:
                keys.append(delay)
            time.sleep(0.5 + chance.random() * 0.05)
        stored = desk.game.facts()["input_to_frame_ms"]
    return {
        "mouse_ms_p50": percentile(mouse, 0.5),
        "mouse_ms_p95": percentile(mouse, 0.95),
        "key_ms_p50": percentile(keys, 0.5),
        "key_ms_p95": percentile(keys, 0.95),
        "delay_stored_ms": stored if isinstance(stored, float) else None,
        "delays_seen_share": (len(mouse) + len(keys)) / (2 * tries),
    }


def measure_takeover(times: int, say: Say) -> Figures:
    """Take over ``times`` times in five ways; ms from the person's event to the agent's last."""
    say(f"{times} takeovers")
    ways = ("other key", "same key", "release of the agent's key", "mouse", "button")
    delays: list[float] = []
    late_events = late_ticks = refused = 0
    moments: list[int] = []
    chance = random.Random(2)
    hand = Hand()
    with contextlib.ExitStack() as stack:
        stack.callback(hand.close)
        desk = stack.enter_context(live())
        ledger = desk.game.hands.ledger
        desk.session.play(SENTENCE)
        for number in range(times):
            desk.until_phase(Phase.PLAYING)
            for _ in until(WAIT_S):
                if desk.game.hands.sender.holds(CODES["W"]):
                    break
            time.sleep(0.1 + chance.random() * 0.2)
            began_ns, undo = _touch(hand, ways[number % len(ways)])
            moments.append(hand.wait_for_server())
            if not desk.session.wait_for(lambda shot: shot.phase is Phase.CORRECTING, 1.0):
                refused += 1
                undo()
                continue
            time.sleep(0.12)
            delays.append(max(0.0, (ledger.last_sent_ns - began_ns) / 1e6))
            sent = ledger.sent
            time.sleep(0.1)
            undo()
            time.sleep(0.05)
            late_events += ledger.sent - sent
            desk.session.hand_back()
            if (number + 1) % 50 == 0:
                say(f"{number + 1} of {times}")
        desk.session.stop()
        time.sleep(0.5)
        late_ticks = _late_ticks(desk.folder, moments)
        stuck = len(hand.down())
    return {
        "takeover_ms_p50": percentile(delays, 0.5),
        "takeover_ms_p95": percentile(delays, 0.95),
        "takeover_ms_max": max(delays, default=None),
        "takeover_refused": float(refused),
        "takeover_late_events": float(late_events),
        "takeover_late_ticks": float(late_ticks),
        "takeover_stuck": float(stuck),
    }


def _touch(hand: Hand, way: str) -> tuple[int, Callable[[], object]]:
    """Do what a person does; returns when it was, and what takes it back."""
    match way:
        case "mouse":
            return hand.move(5, 0), lambda: None
        case "release of the agent's key":
            return hand.press("W", False), lambda: None
    name = {"other key": "A", "same key": "W"}.get(way, "RightButton")
    return hand.press(name, True), partial(hand.press, name, False)


def _late_ticks(folder: Path, moments: list[int]) -> int:
    """Count takeovers after which the next tick was not the person's.

    ``moments``: when the server had the person's event, monotonic nanoseconds.
    """
    with Reader.open(folder) as reader:
        ticks = [tick for row in reader.episodes() for tick in reader.ticks(row.id)]
    ticks.sort(key=lambda tick: tick.mono_ns)
    late = 0
    for moment in moments:
        # A millisecond for the server to pass it on.
        after = next((tick for tick in ticks if tick.mono_ns > moment + 1_000_000), None)
        late += after is not None and after.driver is not Driver.PERSON
    return late


def measure_privacy(keys: int, say: Say) -> Figures:
    """Type ``keys`` keys into another window while a demonstration is recorded."""
    say(f"{keys} keys typed elsewhere")
    block = 25
    letters = ("W", "A", "S", "D", "X", "P", "1", "Space", "E", "Q")
    hand = Hand()
    typed = mine = 0
    with contextlib.ExitStack() as stack:
        stack.callback(hand.close)
        desk = stack.enter_context(live())
        other = PlainWindow("Other window", left=760, top=100, width=300, height=200)
        stack.callback(other.close)
        windows = X11Windows()
        stack.callback(windows.close)
        windows.focus(desk.game.window_id)
        desk.session.demonstrate(SENTENCE)
        desk.until_phase(Phase.DEMONSTRATING)
        while typed < keys:
            time.sleep(0.15)
            # In the game: kept.  The next key follows the change of focus at once.
            hand.press("D", True)
            hand.press("D", False)
            mine += 1
            time.sleep(0.1)
            windows.focus(other.id)
            _until_focused(windows, other.id)
            for number in range(block):
                name = letters[number % len(letters)]
                hand.press(name, True)
                hand.press(name, False)
                typed += 1
            desk.until_phase(Phase.PAUSED)
            desk.session.resume()
            desk.until_phase(Phase.DEMONSTRATING)
        time.sleep(0.2)
        reached = other.typed
        desk.session.stop()
        time.sleep(0.5)
        with Reader.open(desk.folder) as reader:
            episodes = [row.id for row in reader.episodes()]
            events = [event for number in episodes for event in reader.input_events(number)]
    heard = sum(event.device == "key" and event.value == 1 for event in events)
    return {
        "typed_elsewhere": float(reached),
        "typed_in_game": float(mine),
        "foreign_keys_stored": float(sum(e.code != "right" for e in events if e.device == "key")),
        "extra_keys_stored": float(max(0, heard - mine)),
    }


def _until_focused(windows: X11Windows, window_id: int) -> None:
    for _ in until(WAIT_S, 0.002):
        if windows.look(window_id).trouble is not Trouble.UNFOCUSED:
            return


def measure_camera(seconds: float, say: Say) -> Figures:
    """Turn by hand to and fro; the recorded turn against the mod's own yaw."""
    say(f"turning by hand for {seconds:g} s")
    hand = Hand()
    chance = random.Random(3)
    wrong = whole = 0.0
    with contextlib.ExitStack() as stack:
        stack.callback(hand.close)
        desk = stack.enter_context(live())
        desk.session.demonstrate(SENTENCE)
        desk.until_phase(Phase.DEMONSTRATING)
        time.sleep(0.5)
        marks: list[tuple[int, float]] = []
        began_s = time.monotonic()
        sign = 1
        while time.monotonic() - began_s < seconds:
            marks.append((time.monotonic_ns(), desk.game.hidden_state().yaw_deg))
            piece_s = time.monotonic()
            while time.monotonic() - piece_s < 1.6:
                hand.move(sign * chance.randint(1, 40), chance.randint(-4, 4))
                time.sleep(0.01 + chance.random() * 0.03)
            # The server hears of the last turn a little later.
            time.sleep(0.4)
            sign = -sign
        marks.append((time.monotonic_ns(), desk.game.hidden_state().yaw_deg))
        desk.session.stop()
        time.sleep(0.5)
        with Reader.open(desk.folder) as reader:
            ticks = [tick for row in reader.episodes() for tick in reader.ticks(row.id)]
    for (from_ns, from_yaw), (to_ns, to_yaw) in pairwise(marks):
        recorded = sum(t.executed.camera[1] for t in ticks if from_ns < t.mono_ns <= to_ns)
        # A piece may be more than a whole turn: the nearest angle that fits is the true one.
        part = (from_yaw - to_yaw - recorded + 180.0) % 360.0 - 180.0
        wrong += abs(part)
        whole += abs(recorded + part)
    return {"camera_error": wrong / max(whole, 1e-9), "camera_turned_deg": whole}


def measure_false(seconds: float, say: Say) -> Figures:
    """Let the agent play alone; count what was taken for the person's."""
    say(f"the agent alone, {seconds:g} s")
    with live() as desk:
        hearing = desk.game.hands.hearing
        desk.session.play(SENTENCE)
        desk.until_phase(Phase.PLAYING)
        began_s = time.monotonic()
        taken = 0
        while time.monotonic() - began_s < seconds:
            time.sleep(0.05)
            if desk.session.snapshot().phase is Phase.CORRECTING:
                taken += 1
                desk.session.hand_back()
                desk.until_phase(Phase.PLAYING)
        sent = desk.game.hands.ledger.sent
        heard = 0 if hearing is None else hearing.person_events
    return {
        "false_takeovers": float(taken),
        "false_events": float(heard),
        "false_events_sent": float(sent),
        "false_seconds": time.monotonic() - began_s,
    }
