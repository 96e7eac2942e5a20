"""Attempts without a window: each counts only if it began, and is played anew if its game ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest
from toy_game import ToyGame, WalkPolicy
from toy_session import RED

from app.automation.headless import TRIES, Attempted, attempt, played_anew
from app.session.api import Snapshot
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from model.play.runner import LockStepRunner
from recorder.errors import GameEndedError, GameError
from recorder.games.doom.game import DoomGame
from recorder.store import Reader, Store
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec, make_policy


@pytest.fixture
def game() -> ToyGame:
    return ToyGame()


@pytest.fixture
def session(game: ToyGame) -> Iterator[LiveSession]:
    player = Player(WalkPolicy())
    made = LiveSession(game, player=player, make_runner=LockStepRunner, paced=False, threaded=False)
    with closing(made.start()):
        yield made


def play(session: LiveSession, seed: int) -> Attempted:
    return attempt(session, lambda: session.play(RED), seed=seed)


def test_an_attempt_that_did_not_begin_is_not_the_one_before(
    session: LiveSession, game: ToyGame
) -> None:
    assert play(session, 1).outcome is Outcome.SUCCESS
    game.no_start = "The toy does not start, so nothing is played; mend it."
    for _ in range(2):
        with pytest.raises(GameError, match="does not start"):
            play(session, 2)
    shot = session.snapshot()
    assert (shot.outcome, shot.attempts) == (None, 1)
    game.no_start = ""
    assert play(session, 3).outcome is Outcome.SUCCESS
    assert session.snapshot().problem is None
    assert game.resets[-1] == ("reach:red", 3)


def test_a_bug_keeps_its_kind(session: LiveSession, game: ToyGame) -> None:
    session.use_player(Player(WalkPolicy(fail_at=2)))
    with pytest.raises(RuntimeError, match="a bug in the policy"):
        play(session, 1)


def test_an_attempt_whose_game_ended_is_played_anew_from_the_same_start(
    session: LiveSession, game: ToyGame
) -> None:
    game.ends_at = 2
    told: list[str] = []
    done = played_anew(session, partial(play, session, 7), told.append)
    assert (done.outcome, done.ticks, done.seed) == (Outcome.SUCCESS, 4, 7)
    assert [seed for _, seed in game.resets[-2:]] == [7, 7]
    assert len(told) == 1
    assert told[0].startswith("The toy ended by itself")


def test_a_game_that_ends_every_time_is_given_up(session: LiveSession, game: ToyGame) -> None:
    tries: list[int] = []

    def once() -> Attempted:
        tries.append(1)
        game.ends_at = 1
        return play(session, 7)

    told: list[str] = []
    with pytest.raises(GameEndedError, match="ended by itself"):
        played_anew(session, once, told.append)
    assert (len(tries), len(told)) == (TRIES, TRIES - 1)


def test_every_attempt_that_counts_is_in_the_database_whatever_ends_the_engine(
    tmp_path: Path,
) -> None:
    game = DoomGame(width=160, height=120)
    kills = {2: 0, 3: 4}
    told: list[str] = []

    def end_engine() -> None:
        assert game._room.engine is not None
        (engine,) = psutil.Process(game._room.engine.pid).children()
        engine.kill()
        psutil.wait_procs([engine], timeout=30)

    def on_tick(seed: int, shot: Snapshot) -> None:
        if shot.tick == kills.get(seed):
            del kills[seed]
            end_engine()

    with Store.open(tmp_path) as store:
        _, recording = store_recording(store, game, width=160, height=120, wait_when_full=True)
        player = Player(make_policy(PlayerSpec("expert"), game))
        session = LiveSession(
            game, player=player, make_recording=recording, make_runner=LockStepRunner,
            paced=False, threaded=False,
        )  # fmt: skip
        text = "go to the red torch"
        with closing(session.start()):
            done = []
            for seed in (1, 2, 3):
                if kills.get(seed) == 0:
                    end_engine()
                play_one = partial(
                    attempt, session, lambda: session.play(text), seed=seed,
                    on_tick=partial(on_tick, seed),
                )  # fmt: skip
                done.append(played_anew(session, play_one, told.append))
    assert [each.outcome for each in done] == [Outcome.SUCCESS] * 3
    assert len({each.episode_id for each in done}) == 3
    assert len(told) == 1
    with Reader.open(tmp_path) as reader:
        rows = {row.id: row for row in reader.episodes()}
    assert [rows[each.episode_id or 0].outcome for each in done] == [Outcome.SUCCESS] * 3
    assert [rows[each.episode_id or 0].seed for each in done] == [1, 2, 3]
    # What was recorded until the end is kept, as what it is.
    assert [row.outcome for row in rows.values()].count(Outcome.INTERRUPTED) == 1
