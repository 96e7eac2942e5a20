"""What is measured and what came of it: one record from the command to the table.

A :class:`Start` is what is played, an :class:`AttemptKey` says which attempt it is and an
:class:`Attempt` adds its outcome.  They hold values only, so they cross process borders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from recorder.games import game_spec
from recorder.games.base import Asked, Task
from recorder.store.comparisons.rows import Film
from recorder.store.rows import EvaluationRow, Stepping
from recorder.types import Outcome

JUDGED = frozenset({Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT})
"""How an attempt ends that says whether the player can do what was asked."""


class StartKey(NamedTuple):
    """Which start it is, within its game."""

    task_id: str
    heard: str
    seed: int


@dataclass(frozen=True, slots=True)
class Start:
    """Where an attempt begins: the task that is judged, the sentence heard, the seed."""

    task: Task
    heard: str
    seed: int

    @property
    def key(self) -> StartKey:
        """What tells it from every other start of its game."""
        return StartKey(self.task.id, self.heard, self.seed)


LOOKED_FOR = "failing-starts"
"""The version of attempts that looked for a start on which the agent fails.  All of them are kept;
the one that is then shown was chosen for failing, and is counted nowhere."""


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """What an attempt's outcome depends on.

    ``player`` is :attr:`trainer.evaluation.players.PlayerSpec.key`; ``version`` says which play it
    was (:data:`trainer.evaluation.play_version.PLAY_VERSION`), or which round it belongs to.
    """

    player: str
    game: str
    start: StartKey
    stepping: Stepping
    version: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that was made to measure.

    ``ticks`` is its length, ``seconds`` how long it took on this machine; None for one that was
    kept, as that is a fact of the machine and not of the attempt.  ``film`` is what it looked like,
    if it was filmed.
    """

    key: AttemptKey
    outcome: Outcome
    ticks: int
    seconds: float | None = None
    film: Film | None = None

    @property
    def task_id(self) -> str:
        """The task that was judged."""
        return self.key.start.task_id

    @property
    def heard(self) -> str:
        """The sentence that the player heard."""
        return self.key.start.heard

    @property
    def seed(self) -> int:
        """The seed of its start."""
        return self.key.start.seed

    @property
    def success(self) -> bool:
        """Whether the game called it a success."""
        return self.outcome is Outcome.SUCCESS

    @property
    def judged(self) -> bool:
        """Whether it is known if it succeeded: what nobody judged is no failure."""
        return self.outcome in JUDGED


def starts_of(asked: Iterable[Asked], seeds: Sequence[int]) -> list[Start]:
    """Return each entry on every seed, entry by entry."""
    return [Start(each.task, each.heard, seed) for each in asked for seed in seeds]


def stepping_of(game: str, *, paced: bool, slowed: bool, data: Path | None = None) -> Stepping:
    """Return how a game is played: one whose world does not wait is paced unless ``slowed``.

    ``data`` is the data folder with the person's own games.  Raises UsageError for a name that is
    no game.
    """
    in_real_time = paced or (game_spec(game, data).realtime and not slowed)
    return Stepping.PACED if in_real_time else Stepping.LOCK_STEP


def row_of(attempt: Attempt, round_id: int | None = None) -> EvaluationRow:
    """Return the table's row of an attempt; ``round_id`` is the round that it was made for."""
    key = attempt.key
    return EvaluationRow(
        policy_key=key.player,
        game=key.game,
        task_id=key.start.task_id,
        instruction=key.start.heard,
        seed=key.start.seed,
        stepping=key.stepping,
        outcome=attempt.outcome,
        ticks=attempt.ticks,
        variant=key.version,
        round_id=round_id,
    )


def attempt_of(row: EvaluationRow) -> Attempt:
    """Return the attempt of a row of the table."""
    start = StartKey(row.task_id, row.instruction, row.seed)
    key = AttemptKey(row.policy_key, row.game, start, row.stepping, row.variant)
    return Attempt(key, row.outcome, row.ticks)
