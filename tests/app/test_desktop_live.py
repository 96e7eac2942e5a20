"""The real thing: an X server and a window manager of the test's own, windows, and Luanti."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from Xlib import X

from app.application import not_waited_for
from app.benchmarks.desktop_faults import Faults
from app.benchmarks.desktop_live import live, measure_false, measure_privacy
from app.benchmarks.desktop_parts import BusyPolicy, Hand, plain_session, until
from app.benchmarks.desktop_stage import PlainWindow, missing_programs, own_desktop
from app.session.api import Phase
from app.session.parts import Player, store_recording
from app.session.session import LiveSession
from model.episode import EpisodeLoop, run_episode
from model.policy import ActionChunk, Observation
from model.runner import LockStepRunner, WaitingRunner
from recorder.capture.base import Rect, Trouble, WindowState
from recorder.capture.grab import MssGrabber
from recorder.capture.x11 import X11Windows
from recorder.clock import Pacer
from recorder.errors import ExitCode, GameError
from recorder.games import find_task, open_game
from recorder.games.desktop.game import DesktopGame
from recorder.games.luanti.game import LuantiGame
from recorder.games.luanti.launch import faketime_library, program
from recorder.input.x11_listener import X11Listener
from recorder.types import NO_ACTION, Driver, Outcome
from trainer.bystander import TOUCHED
from trainer.desk import Beside, Desk, Job, Question
from trainer.luanti_teacher import LuantiTeacher
from trainer.players import PlayerSpec

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]
needs_luanti = pytest.mark.skipif(program() is None, reason="Luanti is not installed")


@pytest.fixture
def desktop() -> Iterator[str]:
    with own_desktop() as name:
        yield name


@pytest.fixture
def window(desktop: str) -> Iterator[PlainWindow]:
    made = PlainWindow("Plain game", left=100, top=60, width=640, height=360)
    yield made
    made.close()


@pytest.fixture
def other(window: PlainWindow) -> Iterator[PlainWindow]:
    made = PlainWindow("Other window", left=900, top=100, width=200, height=200)
    yield made
    made.close()


@pytest.fixture
def windows(desktop: str) -> Iterator[X11Windows]:
    made = X11Windows()
    yield made
    made.close()


@pytest.fixture
def hand(desktop: str) -> Iterator[Hand]:
    made = Hand()
    yield made
    made.close()


@pytest.fixture
def session(window: PlainWindow) -> Iterator[LiveSession]:
    made = plain_session(window.id).start()
    yield made
    made.close()


class KeySorter:
    """Keeps the keys and moves that a listener tells it of."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, bool]] = []
        self.moves: list[tuple[float, float]] = []

    def focus(self, has: bool) -> None:
        pass

    def key(self, name: str, down: bool, mono_ns: int, *, shared: bool) -> None:
        self.keys.append((name, down))

    def motion(self, dx: float, dy: float, mono_ns: int, *, shared: bool) -> None:
        self.moves.append((dx, dy))

    def wheel(self) -> None:
        pass


def wait_for_trouble(windows: X11Windows, window_id: int, trouble: Trouble | None) -> None:
    for _ in until(10.0):
        if windows.look(window_id).trouble is trouble:
            return
    assert windows.look(window_id).trouble is trouble


def wait_for_phase(session: LiveSession, phase: Phase) -> None:
    assert session.wait_for(lambda shot: shot.phase is phase, 10.0), session.snapshot().phase


def wait_until_down(hand: Hand, *names: str) -> None:
    for _ in until(10.0):
        if set(names) <= set(hand.down()):
            return
    assert set(names) <= set(hand.down())


def test_a_window_is_found_pictured_and_its_troubles_are_seen(
    windows: X11Windows, window: PlainWindow, other: PlainWindow
) -> None:
    windows.focus(window.id)
    wait_for_trouble(windows, window.id, None)
    found = {info.title: info for info in windows.windows()}
    rect = found["Plain game"].rect
    assert found["Plain game"].id == window.id
    assert (rect.width, rect.height) == (640, 360)
    grabber = MssGrabber()
    picture = grabber.grab(rect)
    grabber.close()
    assert picture.shape == (360, 640, 3)
    assert tuple(picture[180, 320]) == (0x40, 0x60, 0x80)

    windows.focus(other.id)
    wait_for_trouble(windows, window.id, Trouble.UNFOCUSED)
    over = PlainWindow("Over it", left=rect.left + 50, top=rect.top + 50, width=100, height=100)
    wait_for_trouble(windows, over.id, None)
    # A panel or a notification covers a game without taking its focus.
    display = windows._display
    display.create_resource_object("window", window.id).set_input_focus(1, 0)
    wait_for_trouble(windows, window.id, Trouble.COVERED)
    over.close()
    wait_for_trouble(windows, window.id, None)
    display.create_resource_object("window", window.id).unmap()
    display.sync()
    wait_for_trouble(windows, window.id, Trouble.MINIMISED)
    assert windows.look(0x7FFFFF).trouble is Trouble.GONE


def test_a_docked_window_is_wholly_shown_in_the_top_right_corner(
    windows: X11Windows, window: PlainWindow
) -> None:
    before = windows.look(window.id).rect
    windows.dock(window.id)
    for _ in until(10.0):
        if windows.look(window.id).rect != before:
            break
    rect, screen = windows.look(window.id).rect, windows.screen()
    assert rect.inside(screen)
    assert rect.top < 40
    assert screen.width - 40 < rect.left + rect.width <= screen.width
    # One that has gone is nobody's fault.
    windows.dock(window.id + 1000)


def test_a_window_is_asked_about_anew_only_after_a_change(
    windows: X11Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = PlainWindow("Plain game", left=100, top=60, width=640, height=360)
    windows.focus(window.id)
    wait_for_trouble(windows, window.id, None)
    anew: list[int] = []
    whole = windows._look_anew

    def counted(*arguments: Any) -> WindowState:
        anew.append(1)
        return whole(*arguments)

    monkeypatch.setattr(windows, "_look_anew", counted)
    for _ in until(10.0):
        before = len(anew)
        state = windows.look(window.id)
        if len(anew) == before:
            break
    assert len(anew) == before
    # The desktop has settled: nothing is asked but who has the keyboard.
    assert [windows.look(window.id) for _ in range(20)] == [state] * 20
    assert len(anew) == before

    windows._display.create_resource_object("window", window.id).configure(x=300)
    for _ in until(10.0):
        if windows.look(window.id).rect != state.rect:
            break
    assert abs(windows.look(window.id).rect.left - 300) < 5
    window.close()
    assert windows.look(window.id).trouble is Trouble.GONE


def test_the_person_takes_over_in_the_games_window_and_the_agent_is_silent(
    session: LiveSession, hand: Hand
) -> None:
    session.play("go on")
    wait_until_down(hand, "W", "LeftButton")
    hand.press("A", True)
    wait_for_phase(session, Phase.CORRECTING)
    assert hand.wait_until_up(2.0, ("W", "LeftButton")) is not None
    assert session.wait_for(lambda shot: shot.executed.held == {"left"}, 5.0)
    assert session.snapshot().driver is Driver.PERSON
    assert hand.down() == ("A",)
    hand.press("A", False)
    session.hand_back()
    wait_until_down(hand, "W")


def test_the_very_key_that_the_agent_holds_becomes_the_persons(
    session: LiveSession, hand: Hand
) -> None:
    session.play("go on")
    wait_until_down(hand, "W", "LeftButton")
    hand.press("W", True)
    wait_for_phase(session, Phase.CORRECTING)
    assert hand.wait_until_up(2.0, ("LeftButton",)) is not None
    assert session.wait_for(lambda shot: shot.executed.held == {"forward"}, 5.0)
    assert hand.down() == ("W",)
    hand.press("W", False)
    assert hand.wait_until_up(2.0) is not None


def test_what_the_server_has_told_is_heard_without_the_listeners_thread(
    window: PlainWindow, hand: Hand
) -> None:
    sorter = KeySorter()
    listener = X11Listener(window.id, sorter)
    # Its thread never gets a turn.
    listener._thread = threading.Thread(target=lambda: None)
    listener.start()
    try:
        hand.press("S", True)
        hand.press("S", False)
        for _ in until(10.0):
            listener.hear()
            if len(sorter.keys) == 2:
                break
        assert sorter.keys == [("S", True), ("S", False)]
    finally:
        listener.close()


def test_leaving_the_window_pauses_and_going_on_asks_for_it(
    session: LiveSession,
    hand: Hand,
    windows: X11Windows,
    window: PlainWindow,
    other: PlainWindow,
) -> None:
    session.play("go on")
    wait_until_down(hand, "W")
    windows.focus(other.id)
    wait_for_phase(session, Phase.PAUSED)
    assert hand.wait_until_up(2.0) is not None
    assert "focus" in session.snapshot().message
    ticks = session.snapshot().tick
    hand.press("W", True)
    hand.press("W", False)
    assert session.snapshot().phase is Phase.PAUSED
    assert session.snapshot().tick == ticks
    session.resume()
    wait_for_phase(session, Phase.PLAYING)
    wait_until_down(hand, "W")


def test_a_chat_pauses_until_it_is_closed(session: LiveSession, hand: Hand) -> None:
    session.play("go on")
    wait_until_down(hand, "W")
    hand.press("T", True)
    hand.press("T", False)
    wait_for_phase(session, Phase.PAUSED)
    hand.press("Return", True)
    hand.press("Return", False)
    wait_for_phase(session, Phase.PLAYING)


def test_a_keyboard_that_somebody_grabbed_is_not_the_games(
    session: LiveSession, hand: Hand, windows: X11Windows
) -> None:
    """A screen lock does so, and so does a menu; the focus stays where it was."""
    session.play("go on")
    wait_until_down(hand, "W")
    root, display = windows._root, windows._display
    root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
    display.sync()
    wait_for_phase(session, Phase.PAUSED)
    assert hand.wait_until_up(2.0) is not None
    ticks = session.snapshot().tick
    hand.press("S", True)
    hand.press("S", False)
    session.resume()
    assert session.wait_for(lambda shot: "focus" in shot.message, 10.0)
    assert (session.snapshot().phase, session.snapshot().tick) == (Phase.PAUSED, ticks)
    display.ungrab_keyboard(X.CurrentTime)
    display.sync()
    for _ in until(10.0, 0.2):
        session.resume()
        if session.wait_for(lambda shot: shot.phase is Phase.PLAYING, 2.0):
            break
    wait_until_down(hand, "W")


def test_hotkeys_work_while_the_game_has_the_focus(session: LiveSession, hand: Hand) -> None:
    def tap(name: str) -> None:
        hand.press(name, True)
        hand.press(name, False)

    session.play("go on")
    wait_until_down(hand, "W")
    tap("F6")
    wait_for_phase(session, Phase.PAUSED)
    assert hand.wait_until_up(2.0) is not None
    tap("F6")
    wait_for_phase(session, Phase.PLAYING)
    tap("A")
    wait_for_phase(session, Phase.CORRECTING)
    tap("F8")
    wait_for_phase(session, Phase.PLAYING)
    tap("F12")
    wait_for_phase(session, Phase.PAUSED)
    tap("F6")
    wait_for_phase(session, Phase.PLAYING)
    for key, outcome in (("F9", Outcome.SUCCESS), ("F10", Outcome.FAILURE)):
        session.play("go on")
        wait_for_phase(session, Phase.PLAYING)
        tap(key)
        assert session.wait_for(lambda shot, outcome=outcome: shot.outcome is outcome, 10.0)


def test_a_games_own_warp_of_the_pointer_is_no_hand(
    window: PlainWindow, hand: Hand, windows: X11Windows
) -> None:
    sorter = KeySorter()
    listener = X11Listener(window.id, sorter).start()
    try:
        for where in (300, 200, 320):
            windows._root.warp_pointer(where, where)
        windows._display.sync()
        hand.move(7, 0)
        hand.press("S", True)
        hand.press("S", False)
        for _ in until(10.0):
            if len(sorter.keys) == 2:
                break
        assert sorter.keys == [("S", True), ("S", False)]
        assert sorter.moves == [(7.0, 0.0)]
    finally:
        listener.close()


def test_a_window_on_a_second_monitor_is_seen_there_and_stays_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two monitors are one X screen; here the right one is larger and begins lower."""
    right = Rect(1280, 120, 1280, 600)
    with own_desktop(2560, 720), contextlib.ExitStack() as stack:
        window = PlainWindow("Plain game", left=1500, top=200, width=640, height=360)
        windows, grabber = X11Windows(), MssGrabber()
        for part in (window, windows, grabber):
            stack.callback(part.close)
        monkeypatch.setattr(windows, "_monitors", lambda: [Rect(0, 0, 1280, 720), right])
        windows.focus(window.id)
        wait_for_trouble(windows, window.id, None)
        rect = windows.look(window.id).rect
        assert tuple(grabber.grab(rect)[180, 320]) == (0x40, 0x60, 0x80)
        windows.dock(window.id)
        for _ in until(10.0):
            if windows.look(window.id).rect != rect:
                break
        assert windows.look(window.id).rect.inside(right)
        assert tuple(grabber.grab(windows.look(window.id).rect)[180, 320]) == (0x40, 0x60, 0x80)
        # Half of it beyond the last monitor.
        windows._window(window.id).configure(x=2300)
        windows._display.sync()
        wait_for_trouble(windows, window.id, Trouble.OFF_SCREEN)


@pytest.mark.parametrize("kind", ["kill", "hang", "focus", "panic"])
def test_nothing_stays_down(
    kind: str, window: PlainWindow, other: PlainWindow, hand: Hand, windows: X11Windows
) -> None:
    faults = Faults(window, other, hand, windows)
    assert None not in list(faults.run(kind, 2))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kill", "hang", "focus", "panic"])
def test_nothing_ever_stays_down(
    kind: str, window: PlainWindow, other: PlainWindow, hand: Hand, windows: X11Windows
) -> None:
    assert None not in list(Faults(window, other, hand, windows).run(kind, 100))


def play_as_teacher(game: LuantiGame, sentence: str, seed: int) -> Outcome:
    runner = LockStepRunner(LuantiTeacher(game))
    pacer = Pacer(game.clock, game.tick_rate_hz) if game.realtime else None
    loop = EpisodeLoop(game, runner, policy_name="teacher", clock=game.clock, pacer=pacer)
    return run_episode(loop, find_task(game, sentence), seed).outcome


def step_on(game: LuantiGame) -> None:
    for _ in until(10.0):
        game.step(NO_ACTION)


@needs_luanti
def test_the_teacher_solves_tasks_of_several_kinds_in_a_real_luanti(desktop: str) -> None:
    game = open_game("luanti")
    try:
        assert isinstance(game, LuantiGame)
        assert game.facts()["time"] == "real"
        for sentence in ("chop a tree", "craft planks", "go to the red post", "kill the pig"):
            assert play_as_teacher(game, sentence, 1) is Outcome.SUCCESS, sentence
        # The game dies: told in one sentence.
        game._process.send(signal.SIGKILL)
        with pytest.raises(GameError, match="start"):
            step_on(game)
    finally:
        game.close()


@needs_luanti
@pytest.mark.skipif(faketime_library() is None, reason="libfaketime is not installed")
def test_slowed_time_stands_still_between_two_ticks(desktop: str) -> None:
    game = open_game("luanti", slowed=True)
    try:
        assert isinstance(game, LuantiGame)
        assert game.facts()["time"] == "slowed"
        assert play_as_teacher(game, "mine stone", 1) is Outcome.SUCCESS
        game.reset(find_task(game, "dance"), 3)
        game.step(NO_ACTION)
        # What was drawn when the game was stopped may still be on its way to the screen.
        time.sleep(0.2)
        first = game._picture(game._check())
        time.sleep(0.5)
        assert (game._picture(game._check()).rgb == first.rgb).all()
    finally:
        game.close()


class SlowThinker(BusyPolicy):
    """Takes three ticks for a thought."""

    def propose(self, observation: Observation) -> ActionChunk:
        time.sleep(0.15)
        return super().propose(observation)


@needs_luanti
@pytest.mark.skipif(faketime_library() is None, reason="libfaketime is not installed")
def test_in_slowed_time_no_tick_is_older_than_its_thought_and_the_person_takes_over(
    desktop: str, hand: Hand, tmp_path: Path
) -> None:
    from recorder.store import Reader, Store

    with Store.open(tmp_path) as store:
        game = open_game("luanti", slowed=True)
        _, recording = store_recording(store, game)
        slowed: LiveSession = LiveSession(
            game,
            player=Player(SlowThinker()),
            make_recording=recording,
            make_runner=lambda policy: WaitingRunner(
                policy, interrupted=lambda: not_waited_for(slowed, game)
            ),
            paced=False,
            idle_handback_s=None,
        )
        try:
            assert isinstance(game, LuantiGame)
            game.listen(slowed)
            slowed.start()
            slowed.play("look around the meadow")
            assert slowed.wait_for(lambda shot: shot.tick >= 10, 60.0)
            hand.press("A", True)
            assert slowed.wait_for(lambda shot: shot.phase is Phase.CORRECTING, 10.0)
            here = slowed.snapshot().tick
            assert slowed.wait_for(lambda shot: shot.tick >= here + 10, 60.0)
            hand.press("A", False)
            slowed.stop()
            assert slowed.wait_for(lambda shot: shot.outcome is not None, 10.0)
        finally:
            slowed.close()
        store.wait()
        with Reader.open(tmp_path) as reader:
            episode = reader.episodes()[0]
            ticks = list(reader.ticks(episode.id))
            assert reader.session(episode.session_id).extra["time"] == "slowed"
    assert episode.lock_step
    assert {tick.plan_age_ticks for tick in ticks if tick.driver is Driver.POLICY} == {0}
    assert any(tick.executed.held == {"left"} for tick in ticks)


@needs_luanti
def test_a_luanti_of_the_persons_own_is_played_without_the_mod_and_judged_by_them(
    desktop: str, hand: Hand, windows: X11Windows, tmp_path: Path
) -> None:
    world, conf = tmp_path / "world", tmp_path / "client.conf"
    world.mkdir()
    (world / "world.mt").write_text("gameid = minetest\n", encoding="utf-8")
    conf.write_text("screen_w = 640\nscreen_h = 360\nenable_sound = false\n", encoding="utf-8")
    command = [str(program()), "--go", "--gameid", "minetest", "--world", str(world)]
    with subprocess.Popen(
        [*command, "--config", str(conf)],
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as theirs:
        try:
            for _ in until(60.0, 0.1):
                if any("Singleplayer" in each.title for each in windows.windows()):
                    break
            game = open_game("luanti_own")
            assert game.tasks() == ()
            played = LiveSession(game, player=Player(BusyPolicy()), idle_handback_s=None)
            try:
                assert isinstance(game, DesktopGame)
                game.listen(played)
                played.start()
                played.play("walk on")
                wait_until_down(hand, "W")
                hand.press("A", True)
                hand.press("A", False)
                wait_for_phase(played, Phase.CORRECTING)
                hand.press("F9", True)
                hand.press("F9", False)
                assert played.wait_for(lambda shot: shot.outcome is Outcome.SUCCESS, 10.0)
            finally:
                played.close()
            # It is theirs: it goes on, and nothing of ours lies in it.
            assert theirs.poll() is None
            assert not list(world.rglob("*playteach*"))
            assert not (world / "worldmods").exists()
        finally:
            theirs.kill()


@needs_luanti
def test_a_second_luanti_is_measured_beside_a_resting_one(desktop: str, hand: Hand) -> None:
    told: list[str] = []
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 6:
            hand.move(30, 0)
            hand.wait_for_server()

    with live() as desk:
        desk.session.play("look around the meadow")
        desk.until_phase(Phase.PLAYING)
        desk.session.rest("It is being measured.")
        desk.until_phase(Phase.PAUSED)
        measuring = Desk(
            "luanti", paced=True, threads=1, beside=Beside({}, told.append, check, attending=True)
        )
        # By now the tick in which it was paused is over.
        before = desk.session.snapshot()
        try:
            task = find_task(desk.game, "chop a tree")
            played = measuring.play(Job("", PlayerSpec("teacher"), Question(task), 1))
        finally:
            measuring.close()
        assert played.success
        assert told == [TOUCHED]
        after = desk.session.snapshot()
        assert (after.phase, after.tick) == (Phase.PAUSED, before.tick)
        desk.session.wake_up()
        desk.session.resume()
        desk.until_phase(Phase.PLAYING)
        wait_until_down(hand, "W")


@needs_luanti
def test_what_is_typed_elsewhere_is_stored_nowhere(desktop: str) -> None:
    figures = measure_privacy(50, lambda text: None)
    assert figures["typed_elsewhere"] == 50
    assert figures["foreign_keys_stored"] == figures["extra_keys_stored"] == 0


@needs_luanti
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_agent_alone_is_never_taken_for_the_person(desktop: str) -> None:
    """Half an hour, in many fresh games: a long run in one would be one start only."""
    for _ in range(30):
        assert measure_false(60, lambda text: None)["false_takeovers"] == 0


@needs_luanti
def test_a_session_says_how_late_pictures_are_and_how_time_ran(
    desktop: str, tmp_path: Path
) -> None:
    from recorder.store import Reader

    with live(listen=False) as desk:
        desk.session.demonstrate("walk about")
        desk.until_phase(Phase.DEMONSTRATING)
        desk.session.stop()
        assert desk.session.wait_for(lambda shot: shot.outcome is not None, 10.0)
        desk.store.wait()
        with Reader.open(desk.folder) as reader:
            extra = reader.session(reader.episodes()[0].session_id).extra
    assert extra["time"] == "real"
    assert 0 < extra["input_to_frame_ms"] < 500


def family_of(process: int) -> list[psutil.Process]:
    """Return the processes that a process has started, and those that they have."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process).children(recursive=True)
    return []


def said_by(process: psutil.Process) -> str:
    """Return the command line of a process, "" where it has gone."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def wait_for_family(process: int, *parts: str) -> list[psutil.Process]:
    """Wait until among a process's family is one for each of the command lines' parts."""
    for _ in until(120.0, 0.05):
        family = family_of(process)
        lines = [said_by(each) for each in family]
        if all(any(part in line for line in lines) for part in parts):
            return family
    raise AssertionError(f"{parts} were not started: {[said_by(e) for e in family_of(process)]}")


def assert_gone(family: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(family, 60.0)
    lines = [said_by(each) for each in left]
    for each in left:
        each.kill()
    assert not lines


STAGE = """
import sys
from app.benchmarks.desktop_stage import own_desktop
with own_desktop() as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_leaves_no_desktop_of_its_own_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith(b":")
        family = wait_for_family(child.pid, "Xvfb", "openbox")
        child.kill()
    assert_gone(family)


@contextlib.contextmanager
def playteach(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, and kill it in the end where it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_stopped_benchmark_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = ("--data", str(tmp_path), "benchmark", "desktop", "--part", "faults")
    with playteach(*arguments) as process:
        family = wait_for_family(process.pid, "Xvfb", "openbox", "guard_process")
        process.terminate()
        assert process.wait(60) == ExitCode.CANCELLED
        assert_gone(family)


@needs_luanti
@pytest.mark.parametrize(
    "arguments",
    [
        ("play", "--headless", "--policy", "idle", "--instruction", "chop a tree"),
        ("evaluate", "--policy", "idle", "--instruction", "chop a tree", "--seeds", "0-9"),
        ("demonstrate", "--instruction", "chop a tree", "--seeds", "0-9"),
    ],
)
def test_a_stopped_command_leaves_nothing_behind_and_no_world_of_the_persons_is_touched(
    desktop: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    world = home / ".minetest" / "worlds" / "mine"
    world.mkdir(parents=True)
    (world / "world.mt").write_text("gameid = minetest\n", encoding="utf-8")
    before = sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*"))
    command = (arguments[0], "--game", "luanti", "--data", str(tmp_path / "data"), *arguments[1:])
    with playteach(*command, HOME=str(home)) as process:
        family = wait_for_family(process.pid, "--gameid", "guard_process")
        process.terminate()
        assert process.wait(60) == ExitCode.CANCELLED
        assert_gone(family)
    assert sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*")) == before
