"""A real Luanti on a desktop of the test's own."""

import contextlib
import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from live_desktop import needs_luanti, wait_for_phase, wait_until_down

from app.benchmarks.desktop_cases.live import Live, live, measure_false, measure_privacy
from app.benchmarks.desktop_cases.parts import BusyPolicy, Hand, until
from app.benchmarks.desktop_cases.stage import missing_programs
from app.session.api import Phase
from app.session.control_loop import LiveSession
from app.session.session_thread import BEGUN_ANEW, ENDED_AGAIN
from app.session.thinking_time import runner_of
from app.session.wiring import Player, store_recording
from model.play.episode import EpisodeLoop, run_episode
from model.play.policy import ActionChunk, Observation
from model.play.runner import LockStepRunner
from recorder.capture.x11 import X11Windows
from recorder.clock import Pacer
from recorder.errors import GameEndedError
from recorder.games import find_task, open_game
from recorder.games.desktop.game import DesktopGame
from recorder.games.luanti.game import LuantiGame
from recorder.games.luanti.launch import faketime_library, program
from recorder.types import NO_ACTION, Driver, Outcome
from trainer.evaluation.bystander import TOUCHED
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Start
from trainer.evaluation.worker import Beside, EvaluationWorker
from trainer.experts.luanti import LuantiExpert

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]


def play_as_expert(game: LuantiGame, sentence: str, seed: int) -> Outcome:
    runner = LockStepRunner(LuantiExpert(game))
    pacer = Pacer(game.clock, game.tick_rate_hz) if game.realtime else None
    loop = EpisodeLoop(game, runner, policy_name="expert", clock=game.clock, pacer=pacer)
    return run_episode(loop, find_task(game, sentence), seed).outcome


def step_on(game: LuantiGame) -> None:
    for _ in until(10.0):
        game.step(NO_ACTION)


@pytest.mark.long(13, "three tasks in a real Luanti, in real time")
@needs_luanti
def test_the_expert_solves_tasks_of_several_kinds_in_a_real_luanti(desktop: str) -> None:
    game = open_game("luanti")
    try:
        assert isinstance(game, LuantiGame)
        assert game.facts()["time"] == "real"
        # "Chop a tree" is played below, beside another Luanti.
        for sentence in ("craft planks", "go to the red post", "kill the pig"):
            assert play_as_expert(game, sentence, 1) is Outcome.SUCCESS, sentence
        # The game dies: told in one sentence.
        game._process.send(signal.SIGKILL)
        with pytest.raises(GameEndedError, match="Luanti ended by itself"):
            step_on(game)
        # And again at once, instead of what the world said last.
        with pytest.raises(GameEndedError, match="Luanti ended by itself"):
            game.reset(find_task(game, "chop a tree"), 2)
        assert game.outcome() is None
    finally:
        game.close()


@pytest.mark.long(14, "a real Luanti starts three times")
@needs_luanti
def test_a_luanti_that_ends_in_the_window_is_opened_again_and_hears_the_person(
    desktop: str, hand: Hand
) -> None:
    """It is opened once by itself; if it ends again, Play opens it."""
    opens = partial(open_game, "luanti")
    game = opens()
    session = LiveSession(game, player=Player(BusyPolicy()), idle_handback_s=None, reopen=opens)

    def kill() -> LuantiGame:
        now = session.game
        assert isinstance(now, LuantiGame)
        now._process.send(signal.SIGKILL)
        return now

    try:
        assert isinstance(game, LuantiGame)
        game.listen(session)
        session.start()
        session.play("look around the meadow")
        assert session.wait_for(lambda shot: shot.tick > 5, 120.0)
        first = kill()
        assert session.wait_for(lambda shot: shot.attempts == 2 and shot.tick > 5, 120.0)
        assert session.snapshot().message == BEGUN_ANEW.format(title="Luanti")
        wait_until_down(hand, "W")
        hand.press("A", True)
        hand.press("A", False)
        wait_for_phase(session, Phase.CORRECTING)
        second = kill()
        assert second._process.pid != first._process.pid
        assert session.wait_for(lambda shot: shot.outcome is Outcome.INTERRUPTED, 60.0)
        assert session.snapshot().message == ENDED_AGAIN.format(title="Luanti")
        session.play("look around the meadow")
        assert session.wait_for(lambda shot: shot.attempts == 3 and shot.tick > 5, 120.0)
        assert session.game not in (first, second)
    finally:
        session.close()


class SlowThinker(BusyPolicy):
    """Takes three ticks for a thought."""

    def propose(self, observation: Observation) -> ActionChunk:
        time.sleep(0.15)
        return super().propose(observation)


def stands_still_between_two_ticks(game: LuantiGame) -> None:
    game.reset(find_task(game, "dance"), 3)
    game.step(NO_ACTION)
    # What was drawn when the game was stopped may still be on its way to the screen.
    time.sleep(0.2)
    first = game._picture(game._check())
    time.sleep(0.5)
    assert (game._picture(game._check()).rgb == first.rgb).all()


@pytest.mark.long(14, "a real Luanti does a task in slowed time, and thoughts take three ticks")
@needs_luanti
@pytest.mark.skipif(faketime_library() is None, reason="libfaketime is not installed")
def test_slowed_time_waits_for_every_thought_and_the_person_takes_over(
    desktop: str, hand: Hand, tmp_path: Path
) -> None:
    """It stands still between two ticks, so no tick is older than its thought.  One start."""
    from recorder.store import Reader, Store

    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store.open(tmp_path))
        game = open_game("luanti", slowed=True)
        stack.callback(game.close)
        assert isinstance(game, LuantiGame)
        assert game.facts()["time"] == "slowed"
        assert play_as_expert(game, "mine stone", 1) is Outcome.SUCCESS
        stands_still_between_two_ticks(game)
        _, recording = store_recording(store, game)
        slowed: LiveSession = LiveSession(
            game,
            player=Player(SlowThinker()),
            make_recording=recording,
            make_runner=runner_of(game, lambda: slowed),
            paced=False,
            idle_handback_s=None,
        )
        stack.callback(slowed.close)
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
        slowed.close()
        store.wait()
        with Reader.open(tmp_path) as reader:
            episode = reader.episodes()[0]
            ticks = list(reader.ticks(episode.id))
            assert reader.session(episode.session_id).extra["time"] == "slowed"
    assert episode.lock_step
    assert {tick.plan_age_ticks for tick in ticks if tick.driver is Driver.POLICY} == {0}
    assert any(tick.executed.held == {"left"} for tick in ticks)


@pytest.mark.long(7, "a real Luanti starts with its own settings")
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


def says_how_late_pictures_are_and_how_time_ran(desk: Live) -> None:
    from recorder.store import Reader

    desk.session.demonstrate("walk about")
    desk.until_phase(Phase.DEMONSTRATING)
    # An attempt that was stopped before its first tick is not kept.
    assert desk.session.wait_for(lambda shot: shot.tick >= 3, 60.0)
    desk.session.stop()
    assert desk.session.wait_for(lambda shot: shot.outcome is not None, 10.0)
    desk.store.wait()
    with Reader.open(desk.folder) as reader:
        extra = reader.session(reader.episodes()[0].session_id).extra
    assert extra["time"] == "real"
    assert 0 < extra["input_to_frame_ms"] < 500


@pytest.mark.long(16, "two real Luantis start, and one plays a task")
@needs_luanti
def test_a_second_luanti_is_measured_beside_a_resting_one(desktop: str, hand: Hand) -> None:
    """And the first one's session says how late its pictures are and how time ran."""
    told: list[str] = []
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 6:
            hand.move(30, 0)
            hand.wait_for_server()

    with live() as desk:
        says_how_late_pictures_are_and_how_time_ran(desk)
        desk.session.play("look around the meadow")
        desk.until_phase(Phase.PLAYING)
        desk.session.rest("It is being measured.")
        desk.until_phase(Phase.PAUSED)
        measuring = EvaluationWorker(
            "luanti", paced=True, threads=1, beside=Beside({}, told.append, check, attending=True)
        )
        # By now the tick in which it was paused is over.
        before = desk.session.snapshot()
        try:
            task = find_task(desk.game, "chop a tree")
            played = measuring.play(PlayerSpec("expert"), Start(task, task.instruction, 1))
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


@pytest.mark.long(10, "a real Luanti starts, and fifty keys are typed beside it")
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
