"""Starts on which the agent fails."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.backend.lessons.failing_starts import MOST, FailingStarts
from recorder.errors import UsageError
from recorder.games.base import Asked
from recorder.games.doom.game import DoomGame
from recorder.games.seeds import SeedRange
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import LOOKED_FOR, Attempt, AttemptKey, Start

FIRST = SeedRange.TEACHING.first


@pytest.fixture(scope="module")
def asked() -> Asked:
    game = DoomGame()
    try:
        return Asked(game.tasks()[0])
    finally:
        game.close()


class Player:
    """Plays without a game: it fails on the seeds of ``fails``, on ``unjudged`` nobody says."""

    def __init__(self, fails: Sequence[int], unjudged: Sequence[int] = ()) -> None:
        self.fails, self.unjudged = fails, unjudged
        self.played: list[int] = []

    def play(self, player: PlayerSpec, starts: Sequence[Start]) -> list[Attempt]:
        self.played += [each.seed for each in starts]
        return [self._attempt(player, start) for start in starts]

    def _attempt(self, player: PlayerSpec, start: Start) -> Attempt:
        outcome = Outcome.TIMEOUT if start.seed in self.fails else Outcome.SUCCESS
        if start.seed in self.unjudged:
            outcome = Outcome.UNKNOWN
        key = AttemptKey(player.key, "doom", start.key, Stepping.LOCK_STEP, LOOKED_FOR)
        return Attempt(key, outcome, 9)


def test_each_failing_start_is_come_to_before_more_are_played(asked: Asked) -> None:
    world = Player([FIRST + 3, FIRST + 7], [FIRST + 2])
    starts, player = FailingStarts(), PlayerSpec("now")
    assert starts.next(player, asked, FIRST, world.play) == FIRST + 3
    # One that was not begun is the same the next time.
    assert starts.next(player, asked, FIRST, world.play) == FIRST + 3
    # What the person went past meanwhile is not gone back to.
    assert starts.next(player, asked, FIRST + 4, world.play) == FIRST + 7
    assert world.played == list(range(FIRST + 1, FIRST + 1 + MOST))
    with pytest.raises(UsageError, match="from all of 12 starts"):
        starts.next(player, asked, FIRST + 7, world.play)
    assert world.played[MOST:] == list(range(FIRST + 8, FIRST + 8 + MOST))


def test_who_asks_again_after_it_failed_on_none_has_others_played(asked: Asked) -> None:
    world = Player([FIRST + MOST + 2])
    starts, player = FailingStarts(), PlayerSpec("now")
    with pytest.raises(UsageError, match="try again for 12 others"):
        starts.next(player, asked, FIRST, world.play)
    assert starts.next(player, asked, FIRST, world.play) == FIRST + MOST + 2
    assert world.played == list(range(FIRST + 1, FIRST + 1 + 2 * MOST))
    # Who went on to later starts meanwhile is not led back.
    world = Player([FIRST + MOST + 2, FIRST + 52])
    starts = FailingStarts()
    with pytest.raises(UsageError):
        starts.next(player, asked, FIRST, world.play)
    assert starts.next(player, asked, FIRST + 50, world.play) == FIRST + 52


def test_another_player_fails_elsewhere(asked: Asked) -> None:
    world = Player([FIRST + 3, FIRST + 4])
    starts = FailingStarts()
    assert starts.next(PlayerSpec("now"), asked, FIRST, world.play) == FIRST + 3
    world.fails = [FIRST + 5]
    assert starts.next(PlayerSpec("later"), asked, FIRST, world.play) == FIRST + 5


def test_the_seeds_stay_among_those_that_a_person_is_taught_on(asked: Asked) -> None:
    last = SeedRange.TEACHING.last
    world = Player([FIRST])
    assert FailingStarts().next(PlayerSpec("now"), asked, last - 1, world.play) == FIRST
    assert set(world.played) <= {last, *range(FIRST, FIRST + MOST)}
