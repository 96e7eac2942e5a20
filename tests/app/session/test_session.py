"""The session, tick by tick on an injected clock: who drives, what is stored, what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from toy_game import SIZE, ToyGame, WalkPolicy
from toy_session import RED, Make, run

from app.automation.headless import attempt
from app.session.api import Phase
from app.session.control_loop import ANOTHER_ROOM, LOADING_SENTENCE, LiveSession
from app.session.thinking_time import runner_of
from app.session.wiring import BUG_SENTENCE, Player, store_recording
from model.play.policy import ActionChunk, Observation
from model.play.runner import BackgroundRunner, LockStepRunner
from recorder.clock import ManualClock
from recorder.errors import KnownError, ModelError, UsageError
from recorder.store import LabelSource, Reader, Store
from recorder.types import Action, Driver, Frame, Outcome, SegmentKind

pytest_plugins = ("session_fixtures",)


def test_the_policy_plays_to_the_end_and_the_next_attempt_has_another_start(
    make: Make, game: ToyGame
) -> None:
    session = make()
    assert session.snapshot().phase is Phase.WATCHING
    assert session.snapshot().frame is not None
    session.play(RED)
    run(session, 29)
    assert session.snapshot().phase is Phase.PLAYING
    assert session.snapshot().driver is Driver.POLICY
    run(session, 1)
    state = session.snapshot()
    assert (state.phase, state.outcome, state.tick) == (Phase.WATCHING, Outcome.SUCCESS, 30)
    assert state.drivers == ((Driver.POLICY, 30),)
    session.play(RED)
    run(session, 1)
    assert game.resets[-1][1] == game.resets[0][1] + 1


def test_a_key_takes_over_on_the_next_tick_and_the_policy_goes_on_in_the_shadow(
    make: Make, game: ToyGame
) -> None:
    session = make()
    session.play(RED)
    run(session, 5)
    session.key("A", True, 0)
    run(session, 1)
    state = session.snapshot()
    assert state.phase is Phase.CORRECTING
    assert game.actions[-1].left
    assert not game.actions[-1].right
    assert state.proposed is not None
    assert state.proposed.right
    session.key("A", False, 0)
    session.hand_back()
    run(session, 1)
    assert session.snapshot().phase is Phase.PLAYING
    assert game.actions[-1].right
    assert session.snapshot().drivers == (
        (Driver.POLICY, 5),
        (Driver.PERSON, 1),
        (Driver.POLICY, 1),
    )


@pytest.mark.parametrize(("idle_s", "ticks"), [(0.5, 10), (None, None)])
def test_without_input_the_hands_go_back(
    make: Make, game: ToyGame, idle_s: float | None, ticks: int | None
) -> None:
    session = make(idle_handback_s=idle_s)
    session.play(RED)
    run(session, 1)
    session.key("S", True, 0)
    run(session, 20)
    assert session.snapshot().phase is Phase.CORRECTING, "a held key is input"
    session.key("S", False, 0)
    done = 0
    while session.snapshot().phase is Phase.CORRECTING and done < 30:
        session.step()
        done += 1
    assert done == (30 if ticks is None else ticks)


def test_a_key_that_goes_down_as_the_hands_go_back_is_not_lost(make: Make, game: ToyGame) -> None:
    session = make()
    session.play(RED)
    run(session, 2)
    # Heard while the phase still said that the person drives: no request was queued.
    session._controls.key("A", True, 0)
    run(session, 1)
    assert session.snapshot().phase is Phase.CORRECTING
    assert game.actions[-1].left


def test_pausing_releases_everything_and_stops_the_world(make: Make, game: ToyGame) -> None:
    session = make()
    session.demonstrate(RED)
    run(session, 1)
    session.key("W", True, 0)
    run(session, 2)
    assert game.actions[-1].forward
    session.pause()
    run(session, 3)
    count = len(game.actions)
    assert session.snapshot().phase is Phase.PAUSED
    session.key("D", True, 0)
    session.key("D", False, 0)
    run(session, 3)
    assert len(game.actions) == count
    session.resume()
    run(session, 1)
    assert session.snapshot().phase is Phase.DEMONSTRATING
    assert not game.actions[-1].forward


def test_what_is_done_in_a_pause_is_no_takeover_after_it(make: Make, game: ToyGame) -> None:
    session = make()
    session.play(RED)
    run(session, 2)
    session.pause()
    run(session, 1)
    session.mouse_move(200, 0, 0)
    session.key("A", True, 0)
    session.key("A", False, 0)
    run(session, 1)
    session.resume()
    run(session, 2)
    assert session.snapshot().phase is Phase.PLAYING
    # Shown by the person, too, nothing of it is done later.
    session.demonstrate(RED)
    run(session, 1)
    session.pause()
    run(session, 1)
    session.key("W", True, 0)
    session.key("A", True, 0)
    session.key("A", False, 0)
    session.mouse_move(200, 0, 0)
    session.resume()
    run(session, 1)
    assert game.actions[-1] == Action(forward=True)


def test_a_demonstration_takes_the_place_of_a_wish_that_waits_for_the_model(make: Make) -> None:
    session = make(player=None)
    session.play(RED)
    run(session, 1)
    session.demonstrate(RED)
    run(session, 1)
    session.use_player(Player(WalkPolicy()))
    session.key("D", True, 0)
    run(session, 40)
    # Nobody plays by themselves once it was shown.
    assert session.snapshot().outcome is Outcome.SUCCESS
    assert session.snapshot().phase is Phase.WATCHING


def test_an_unbound_key_and_a_trembling_mouse_take_nothing_over(make: Make) -> None:
    session = make()
    session.play(RED)
    run(session, 1)
    session.key("P", True, 0)
    session.mouse_move(1, 1, 0)
    run(session, 1)
    assert session.snapshot().phase is Phase.PLAYING
    session.mouse_move(40, 0, 0)
    run(session, 1)
    assert session.snapshot().phase is Phase.CORRECTING
    assert session.snapshot().executed.camera == (0.0, 20.0)


def test_a_changed_sentence_is_heard_and_leaves_the_attempt_unjudged(
    make: Make, game: ToyGame
) -> None:
    session = make()
    session.play(RED)
    run(session, 2)
    session.play("reach the green dot")
    run(session, 40)
    assert session.snapshot().phase is Phase.PLAYING
    assert session.snapshot().instruction == "reach the green dot"
    assert "say yourself when this one" in session.snapshot().message
    session.stop()
    run(session, 1)
    assert session.snapshot().outcome is Outcome.UNKNOWN
    assert "changed" in session.snapshot().message


def test_who_has_said_how_a_changed_attempt_went_is_not_asked_for_it_any_more(make: Make) -> None:
    session = make()
    session.play(RED)
    run(session, 1)
    session.play("reach the green dot")
    run(session, 1)
    assert session.snapshot().message
    session.mark(Outcome.SUCCESS)
    run(session, 1)
    assert (session.snapshot().outcome, session.snapshot().message) == (Outcome.SUCCESS, "")


def test_the_sentence_that_an_attempt_began_with_is_judged_again(make: Make, game: ToyGame) -> None:
    game.distance = 30
    session = make()
    session.play(RED)
    run(session, 2)
    session.play("reach the green dot")
    run(session, 1)
    assert session.snapshot().left_s is None
    session.play(RED)
    run(session, 1)
    assert session.snapshot().message == ""
    assert session.snapshot().left_s is not None


def test_free_text_is_played_and_never_judged(make: Make) -> None:
    session = make()
    session.play("dance 🕺 a little")
    run(session, 100)
    assert session.snapshot().phase is Phase.PLAYING
    session.stop()
    run(session, 1)
    assert session.snapshot().outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("text", ["", "   ", "\n", "😀" * 10_000])
def test_a_sentence_that_cannot_be_heard_is_refused(make: Make, text: str) -> None:
    session = make()
    for ask in (session.play, session.demonstrate):
        with pytest.raises(UsageError):
            ask(text)


def test_a_broken_game_ends_the_attempt_with_its_sentence_and_the_session_lives(
    make: Make, game: ToyGame
) -> None:
    session = make()
    game.break_at = 3
    session.play(RED)
    run(session, 5)
    state = session.snapshot()
    assert state.phase is Phase.WATCHING
    assert state.outcome is Outcome.INTERRUPTED
    assert state.message.startswith("The toy broke")
    game.break_at = None
    session.play(RED)
    run(session, 30)
    assert session.snapshot().outcome is Outcome.SUCCESS


def test_an_attempt_that_does_not_begin_shows_nothing_of_the_one_before(
    make: Make, game: ToyGame
) -> None:
    session = make()
    session.play(RED)
    run(session, 31)
    assert session.snapshot().outcome is Outcome.SUCCESS
    game.gone = True
    session.play(RED)
    run(session, 1)
    state = session.snapshot()
    assert (state.outcome, state.tick, state.drivers) == (None, 0, ())
    assert state.message.startswith("The toy is gone")


@pytest.mark.parametrize("dies", ["before the start is shown", "before it is played"])
def test_an_attempt_counts_only_if_it_began(make: Make, game: ToyGame, dies: str) -> None:
    session = make()

    def begin() -> None:
        session.play(RED)

    def end() -> None:
        run(session, 1)
        game.gone = True
        session.play(RED)

    assert attempt(session, begin, seed=1).outcome is Outcome.SUCCESS
    game.gone = dies == "before the start is shown"
    with pytest.raises(KnownError, match="The toy is gone"):
        attempt(session, begin if game.gone else end, seed=2)


def test_a_wish_that_waits_for_the_model_shows_nothing_of_the_attempt_before(make: Make) -> None:
    session = make()
    session.play(RED)
    run(session, 31)
    assert session.release_player()
    session.play("reach the green dot")
    run(session, 1)
    state = session.snapshot()
    assert (state.instruction, state.outcome) == ("reach the green dot", None)


def test_a_bug_in_the_policy_is_told_without_a_traceback(make: Make) -> None:
    session = make(player=Player(WalkPolicy(fail_at=3)))
    session.play(RED)
    run(session, 5)
    assert session.snapshot().phase is Phase.WATCHING
    assert session.snapshot().message == BUG_SENTENCE


def test_playing_waits_for_the_policy_and_starts_by_itself(make: Make) -> None:
    session = make(player=None)
    session.play(RED)
    run(session, 3)
    assert not session.snapshot().policy_ready
    assert session.snapshot().message
    session.use_player(Player(WalkPolicy(), 7))
    run(session, 2)
    assert session.snapshot().phase is Phase.PLAYING
    assert session.snapshot().policy == "walk right"
    session.stop()
    run(session, 1)
    session.player_failed("x")
    session.play(RED)


def test_a_policy_that_could_not_be_loaded_is_told(make: Make) -> None:
    session = make(player=None)
    session.player_failed("The model is missing, so nothing plays; choose another.")
    with pytest.raises(ModelError, match="missing"):
        session.play(RED)
    session.reset(5)
    run(session, 1)
    assert "missing" in session.snapshot().message
    session.demonstrate(RED)
    run(session, 1)
    assert session.snapshot().phase is Phase.DEMONSTRATING


def test_another_policy_plays_from_the_next_attempt_on(make: Make) -> None:
    session = make()
    session.play(RED)
    run(session, 2)
    session.use_player(Player(WalkPolicy("left")))
    run(session, 2)
    assert session.snapshot().policy == "walk right"
    session.stop()
    run(session, 1)
    assert session.snapshot().policy == "walk left"


def test_what_the_agent_was_watched_at_is_shown_on_that_very_start(make: Make) -> None:
    session = make()

    def seed_of(begin: Callable[[str], None], text: str) -> int:
        if begin == session.play:
            session.stop()
        begin(text)
        run(session, 2)
        return session.snapshot().seed

    watched = seed_of(session.play, RED)
    # In the middle of the attempt, and the sentence stays the same.
    assert seed_of(session.demonstrate, RED) == watched
    # It was shown: the next one is another start.
    assert seed_of(session.demonstrate, RED) == watched + 1
    watched = seed_of(session.play, RED)
    session.mark(Outcome.FAILURE)
    run(session, 1)
    assert seed_of(session.demonstrate, RED) == watched
    watched = seed_of(session.play, RED)
    # Another sentence is another lesson, and a start that was reset is over.
    assert seed_of(session.demonstrate, "walk about") == watched + 1
    watched = seed_of(session.play, RED)
    session.reset()
    run(session, 1)
    assert seed_of(session.demonstrate, RED) == watched + 1


def test_what_happened_is_stored_tick_by_tick(make: Make, game: ToyGame, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = make(make_recording=record)
        session.play(RED)
        run(session, 10)
        session.key("A", True, 0)
        run(session, 4)
        session.key("A", False, 0)
        session.mark(Outcome.FAILURE)
        run(session, 1)
        session.demonstrate(RED)
        run(session, 2)
        session.close()
    with Reader.open(tmp_path) as reader:
        rows = sorted(reader.episodes(), key=lambda row: row.id)
        assert [row.outcome for row in rows] == [Outcome.FAILURE, Outcome.INTERRUPTED]
        assert rows[0].driver_strip == ((Driver.POLICY, 10), (Driver.PERSON, 4))
        assert rows[0].policy == "walk right"
        ticks = reader.ticks(rows[0].id)
        assert all(tick.executed.left and not tick.executed.right for tick in ticks[10:])
        assert all(tick.shadow is not None and tick.shadow.right for tick in ticks)
        assert [event.code for event in reader.input_events(rows[0].id)] == ["left"]


@pytest.mark.parametrize("end", ["verdict", "fault"])
def test_a_verdict_in_the_very_tick_in_which_the_game_ends_counts(
    make: Make, game: ToyGame, tmp_path: Path, end: str
) -> None:
    last = 30 if end == "verdict" else 12
    if end == "fault":
        game.break_at = last - 1
    made: list[LiveSession] = []
    seen = 0

    def person(_frame: Frame) -> None:
        nonlocal seen
        seen += 1
        if seen == last:
            made[0].hand_back()
            made[0].mark(Outcome.FAILURE)

    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = make(make_recording=record, hands=person)
        made.append(session)
        session.play(RED)
        run(session, last + 2)
        assert seen == last
        assert session.snapshot().outcome is Outcome.FAILURE
        assert session.snapshot().phase is Phase.WATCHING
        session.close()
    with Reader.open(tmp_path) as reader:
        (row,) = reader.episodes()
    assert (row.outcome, row.outcome_source) == (Outcome.FAILURE, LabelSource.PERSON)


def test_a_verdict_on_the_next_attempt_is_not_this_ones(make: Make, game: ToyGame) -> None:
    made: list[LiveSession] = []
    seen = 0

    def person(_frame: Frame) -> None:
        nonlocal seen
        seen += 1
        if seen == 30:
            made[0].demonstrate(RED)
            made[0].mark(Outcome.FAILURE)

    session = make(hands=person)
    made.append(session)
    session.play(RED)
    run(session, 30)
    assert session.snapshot().outcome is Outcome.SUCCESS


def test_a_pause_without_an_attempt_leaves_nothing_to_go_on_with(game: ToyGame) -> None:
    with closing(LiveSession(game, player=Player(WalkPolicy()), paced=False).start()) as session:
        for way in ("left", "right"):
            session.pause()
            # Another policy sits down after all that was asked before.
            session.use_player(Player(WalkPolicy(way)))
            named = f"walk {way}"
            assert session.wait_for(lambda state, named=named: state.policy == named, 30)
            assert session.snapshot().phase is Phase.WATCHING
            assert not session.paused
            session.play(RED)
            assert session.wait_for(lambda state: state.outcome is not None, 30)


def test_a_pause_takes_a_wish_to_play_back_that_waits_for_the_model(game: ToyGame) -> None:
    with closing(LiveSession(game, paced=False).start()) as session:
        session.play(RED)
        assert session.wait_for(lambda state: state.message == LOADING_SENTENCE, 30)
        session.pause()
        assert session.wait_for(lambda state: not state.message, 30)
        session.use_player(Player(WalkPolicy()))
        assert session.wait_for(lambda state: state.policy_ready, 30)
        assert session.snapshot().phase is Phase.WATCHING


def test_a_takeover_by_a_shortcut_is_taken_back(make: Make, game: ToyGame, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = make(make_recording=record)
        session.play(RED)
        run(session, 10)
        session.key("A", True, 0)
        run(session, 3)
        session.take_back()
        run(session, 1)
        assert session.snapshot().phase is Phase.PLAYING
        run(session, 10)
        session.key("A", True, 0)
        run(session, 2)
        session.close()
    with Reader.open(tmp_path) as reader:
        (row,) = reader.episodes()
        kinds = {(each.start, each.stop): each.kind for each in reader.segments(row.id)}
    assert kinds[(10, 13)] is SegmentKind.IDLE
    assert kinds[(24, 26)] is SegmentKind.CORRECTION
    assert row.takeovers == 1


def test_the_sentences_clock_is_told_and_stands_still_while_the_person_drives(make: Make) -> None:
    session = make(idle_handback_s=2.0)
    session.play(RED)
    run(session, 20)
    # 60 ticks at 20 a second.
    assert session.snapshot().left_s == pytest.approx(2.0)
    session.key("A", True, 0)
    run(session, 70)
    assert session.snapshot().left_s == pytest.approx(2.0)
    assert session.snapshot().hand_back_share == 0
    session.key("A", False, 0)
    run(session, 21)
    assert session.snapshot().hand_back_share == pytest.approx(0.5, abs=0.06)
    session.hand_back()
    run(session, 20)
    assert session.snapshot().left_s == pytest.approx(1.0)
    session.play("dance")
    run(session, 1)
    assert session.snapshot().left_s is None


def test_a_sentence_that_nobody_judges_is_asked_about_after_a_while(make: Make) -> None:
    session = make(ask_after_s=2.0, idle_handback_s=None)
    session.play("dance")
    run(session, 39)
    assert not session.snapshot().asks
    session.key("A", True, 0)
    run(session, 5)
    session.key("A", False, 0)
    session.hand_back()
    run(session, 39)
    # Who had a hand in it is not asked so soon.
    assert session.snapshot().phase is Phase.PLAYING
    run(session, 5)
    state = session.snapshot()
    assert (state.phase, state.asks) == (Phase.PAUSED, True)
    assert "2 s" in state.message
    session.resume()
    run(session, 38)
    assert (session.snapshot().phase, session.snapshot().asks) == (Phase.PLAYING, False)
    assert session.snapshot().message == ""
    run(session, 3)
    session.mark(Outcome.SUCCESS)
    run(session, 1)
    assert session.snapshot().outcome is Outcome.SUCCESS
    assert not session.snapshot().asks


def test_a_judged_sentence_is_not_asked_about(make: Make) -> None:
    session = make(ask_after_s=1.0)
    session.play(RED)
    run(session, 29)
    assert session.snapshot().phase is Phase.PLAYING


def test_a_demonstration_that_is_stopped_is_broken_off_though_nobody_judges_it(
    make: Make, game: ToyGame, tmp_path: Path
) -> None:
    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = make(make_recording=record)
        for end in (session.stop, lambda: session.mark(Outcome.SUCCESS)):
            session.demonstrate("dance")
            run(session, 5)
            end()
            run(session, 1)
        session.play("dance")
        run(session, 5)
        session.stop()
        run(session, 1)
        session.close()
    with Reader.open(tmp_path) as reader:
        outcomes = [row.outcome for row in sorted(reader.episodes(), key=lambda row: row.id)]
    assert outcomes == [Outcome.ABANDONED, Outcome.SUCCESS, Outcome.UNKNOWN]


def test_a_verdict_after_the_end_is_shown(make: Make) -> None:
    session = make()
    session.mark(Outcome.SUCCESS)
    run(session, 1)
    assert session.snapshot().outcome is None
    session.play("dance")
    run(session, 3)
    session.stop()
    run(session, 1)
    assert session.snapshot().outcome is Outcome.UNKNOWN
    session.mark(Outcome.FAILURE)
    run(session, 1)
    assert session.snapshot().outcome is Outcome.FAILURE


class FurnishedToy(ToyGame):
    """Its rooms hold nothing but the dot of the task that they were laid out for."""

    def missing(self, sentence: str) -> str:
        return next((c for c in ("red", "green") if c in sentence and c != self._task.thing), "")


def test_what_a_new_sentence_names_and_the_room_lacks_is_told() -> None:
    session = LiveSession(
        FurnishedToy(distance=30), player=Player(WalkPolicy()), make_runner=LockStepRunner,
        clock=ManualClock(), threaded=False,
    ).start()  # fmt: skip
    with closing(session):
        session.play(RED)
        run(session, 2)
        assert session.snapshot().missing == ""
        assert session.snapshot().message == ""
        session.play("reach the green dot")
        run(session, 2)
        assert session.snapshot().missing == "green"
        session.stop()
        session.play("reach the green dot")
        run(session, 2)
        assert session.snapshot().missing == ""


@pytest.mark.parametrize("seen", [True, False])
def test_another_start_than_the_one_that_was_shown_is_said(make: Make, seen: bool) -> None:
    session = make(starts_seen=seen)
    session.play("reach the green dot")
    run(session, 1)
    assert session.snapshot().message == (ANOTHER_ROOM if seen else "")
    session.stop()
    session.play(RED)
    run(session, 1)
    # After an attempt nobody expects its last picture again.
    assert session.snapshot().message == ""


def test_the_control_thread_plays_by_itself_and_closes_the_game(game: ToyGame) -> None:
    session = LiveSession(
        game, player=Player(WalkPolicy()), make_runner=LockStepRunner, paced=False
    ).start()
    try:
        session.play(RED)
        assert session.wait_for(lambda state: state.outcome is not None, 30)
        assert session.snapshot().outcome is Outcome.SUCCESS
        session.reset(41)
        assert session.wait_for(lambda state: state.seed == 41 and state.outcome is None, 30)
    finally:
        session.close()
        session.close()
    assert game.closed


class SlowPolicy(WalkPolicy):
    """Its first answer comes when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()

    def propose(self, observation: Observation) -> ActionChunk:
        self.asked.set()
        assert self.go.wait(30)
        return super().propose(observation)


def test_a_world_that_does_not_wait_begins_with_the_first_answer(game: ToyGame) -> None:
    policy = SlowPolicy()
    with closing(LiveSession(game, player=Player(policy)).start()) as session:
        session.play(RED)
        assert policy.asked.wait(30)
        assert session.wait_for(lambda state: state.phase is Phase.PLAYING, 30)
        assert session.snapshot().tick == 0
        policy.go.set()
        assert session.wait_for(lambda state: state.tick >= 3, 30)
        # Nobody's ticks would come first.
        assert session.snapshot().drivers[0][0] is Driver.POLICY


@pytest.mark.parametrize("what", ["stop", "key"])
def test_a_first_answer_keeps_no_person_waiting(game: ToyGame, what: str) -> None:
    policy = SlowPolicy()
    with closing(LiveSession(game, player=Player(policy)).start()) as session:
        session.play(RED)
        assert policy.asked.wait(30)
        assert session.wait_for(lambda state: state.phase is Phase.PLAYING, 30)
        if what == "stop":
            session.stop(Outcome.ABANDONED)
            assert session.wait_for(lambda state: state.phase is Phase.WATCHING, 30)
            assert session.snapshot().tick == 0
        else:
            session.key("A", True, 0)
            assert session.wait_for(lambda state: state.tick >= 1, 30)
            assert {driver for driver, _ in session.snapshot().drivers} == {Driver.PERSON}
        policy.go.set()


class StepByStep(WalkPolicy):
    """Each of its answers is let go by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Semaphore(0)

    def propose(self, observation: Observation) -> ActionChunk:
        assert self.go.acquire(timeout=30)
        return super().propose(observation)


def test_a_world_that_can_wait_waits_for_every_answer_and_for_no_person(game: ToyGame) -> None:
    policy = StepByStep()
    session: LiveSession = LiveSession(
        game,
        player=Player(policy),
        make_runner=runner_of(game, lambda: session),
        idle_handback_s=None,
    ).start()
    with closing(session):
        session.play(RED)
        for answers in range(1, 4):
            policy.go.release()
            assert session.wait_for(lambda state, n=answers: state.tick == n, 30)  # type: ignore[misc]
        # Three ticks long, of which none comes without its answer.
        assert not session.wait_for(lambda state: state.tick > 3, 0.15)
        state = session.snapshot()
        assert (state.drivers, state.missed_ticks) == (((Driver.POLICY, 3),), 0)
        assert state.plan_age_ticks == 0
        session.key("A", True, 0)
        assert session.wait_for(lambda state: state.tick > 6, 30)
        assert session.snapshot().drivers[1][0] is Driver.PERSON
        for _ in range(10):
            policy.go.release()


def test_a_game_in_real_time_is_not_waited_with(game: ToyGame) -> None:
    game.realtime = True
    runner = runner_of(game, lambda: pytest.fail("nobody is asked"))(WalkPolicy())
    assert type(runner) is BackgroundRunner
    runner.close()


class TwoMinds(WalkPolicy):
    """Goes right for red and left for green, of which it thinks until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def propose(self, observation: Observation) -> ActionChunk:
        green = "green" in observation.instruction
        assert not green or self.go.wait(30)
        action = Action(left=green, right=not green)
        return ActionChunk((action,), observation.frame.id, 1.0, 1.0)


def test_a_row_says_the_sentence_that_its_action_was_answered_for(
    game: ToyGame, tmp_path: Path
) -> None:
    policy = TwoMinds()
    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = LiveSession(
            game, player=Player(policy), make_recording=record, clock=ManualClock(), threaded=False
        ).start()
        with closing(session):
            session.play(RED)
            run(session, 5)
            session.play("reach the green dot")
            run(session, 5)
            assert session.snapshot().driver is Driver.POLICY
            policy.go.set()
            assert isinstance(session._seat.runner, BackgroundRunner)
            assert session._seat.runner.wait_for_plan(30)
            run(session, 3)
    with Reader.open(tmp_path) as reader:
        (row,) = reader.episodes()
        said = {each.id: each.text for each in reader.instructions(row.id)}
        ticks = reader.ticks(row.id)
        assert [said[tick.instruction_id] for tick in ticks[4:6]] == [RED, "reach the green dot"]
        for tick in ticks:
            wanted = "left" if "green" in said[tick.instruction_id] else "right"
            assert tick.executed.held <= {wanted}
            assert tick.shadow is None or tick.shadow.held == {wanted}
        assert row.driver_strip == ((Driver.POLICY, 5), (Driver.NOBODY, 5), (Driver.POLICY, 3))


class TalkingPolicy(WalkPolicy):
    """Says something from its third answer to its fifth."""

    @property
    def notice(self) -> str:
        return "It is stuck." if 3 <= self.calls <= 5 else ""


def test_what_the_policy_says_is_shown_while_it_holds(game: ToyGame) -> None:
    session = LiveSession(
        game,
        player=Player(TalkingPolicy("left")),
        make_runner=LockStepRunner,
        clock=ManualClock(),
        threaded=False,
    ).start()
    said = []
    session.play(RED)
    for _ in range(8):
        session.step()
        said.append(session.snapshot().message)
    assert said.count("It is stuck.") == 3
    assert said[-1] == ""
    session.close()


def test_what_the_policy_says_is_gone_with_the_attempt(make: Make) -> None:
    session = make(player=Player(TalkingPolicy("left")))
    session.play(RED)
    run(session, 4)
    assert session.snapshot().message == "It is stuck."
    session.stop(Outcome.FAILURE)
    run(session, 1)
    assert (session.snapshot().phase, session.snapshot().message) == (Phase.WATCHING, "")


def test_what_the_policy_says_is_gone_while_the_person_drives(make: Make) -> None:
    """It asked to be taken over; whoever has done so need not read it again."""
    session = make(player=Player(TalkingPolicy("left")))
    session.play(RED)
    run(session, 4)
    assert session.snapshot().message == "It is stuck."
    session.key("A", True, 0)
    run(session, 1)
    assert (session.snapshot().driver, session.snapshot().message) == (Driver.PERSON, "")
