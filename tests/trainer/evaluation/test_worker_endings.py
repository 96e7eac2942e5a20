"""A measured start whose game ends by itself is played anew, and pairs stay pairs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from toy_game import TASKS, ToyGame, WalkPolicy

from model.play.episode import Decision, Proposal
from model.play.policy import ActionChunk, Observation
from recorder.errors import GameEndedError
from recorder.games.base import Asked, Task
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.types import Frame, Outcome
from trainer.evaluation import worker
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate_pair
from trainer.evaluation.starts import Attempt, Start, starts_of
from trainer.evaluation.worker import TRIES, Beside, EvaluationWorker


class Toys:
    """Opens toy games one after the other; the first ``ending`` of them end in mid-attempt."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ending: int) -> None:
        self.ending = ending
        self.opened: list[ToyGame] = []
        self.told: list[str] = []
        monkeypatch.setattr(worker, "open_game", self._open)
        monkeypatch.setattr(worker, "make_policy", lambda *_args, **_kwargs: WalkPolicy())

    def _open(self, _name: str, **_options: object) -> ToyGame:
        assert all(game.closed for game in self.opened), "two games at a time"
        game = ToyGame()
        game.ends_at = 2 if len(self.opened) < self.ending else None
        self.opened.append(game)
        return game

    def measure(self) -> Attempt:
        beside = Beside(tell=self.told.append)
        measuring = EvaluationWorker("toy", paced=False, threads=1, beside=beside)
        try:
            return measuring.play(PlayerSpec("walk"), Start(TASKS[0], TASKS[0].instruction, 3))
        finally:
            measuring.close()


def test_a_start_whose_game_ended_is_played_anew_in_a_new_game(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toys = Toys(monkeypatch, ending=2)
    played = toys.measure()
    assert (played.outcome, played.ticks, played.seed) == (Outcome.SUCCESS, 4, 3)
    assert [game.resets for game in toys.opened] == [[("reach:red", 3)]] * 3
    assert all(game.closed for game in toys.opened)
    assert len(toys.told) == 2


def test_a_game_that_ends_every_time_ends_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    toys = Toys(monkeypatch, ending=99)
    with pytest.raises(GameEndedError, match="The toy ended by itself"):
        toys.measure()
    assert len(toys.opened) == TRIES
    assert all(game.closed for game in toys.opened)


def test_pairs_stay_pairs_when_the_engine_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    task: Task = TASK_BY_ID["go_to:red_torch"]
    sides = PlayerSpec("expert"), PlayerSpec("expert")

    def pairs(decide: Callable[[Frame, Proposal | None], Decision]) -> list[list[object]]:
        monkeypatch.setattr(worker, "policy_drives", decide)
        both: dict[str, list[object]] = {"before": [], "after": []}
        starts = starts_of([Asked(task)], range(1_000_000, 1_000_002))

        def heard(side: str, each: Attempt) -> None:
            both[side].append((each.seed, each.outcome, each.ticks))

        evaluate_pair(*sides, "doom", [starts], heard, workers=1)
        return [both["before"], both["after"]]

    undisturbed = pairs(worker.policy_drives)
    games: list[DoomGame] = []
    opened = worker.open_game

    def remember(name: str, **options: object) -> object:
        games.append(opened(name, **options))  # type: ignore[arg-type]
        return games[-1]

    ticks = [0]

    def killing(frame: Frame, proposal: Proposal | None) -> Decision:
        ticks[0] += 1
        engine = games[-1]._room.engine
        if ticks[0] in (5, 60) and engine is not None:
            (program,) = psutil.Process(engine.pid).children()
            program.kill()
            psutil.wait_procs([program], timeout=30)
        return drives(frame, proposal)

    drives = worker.policy_drives
    monkeypatch.setattr(worker, "open_game", remember)
    assert pairs(killing) == undisturbed
    assert len(games) == 3


class Slow(WalkPolicy):
    """Thinks for two ticks, and says whether it does."""

    thinking = False

    def propose(self, observation: Observation) -> ActionChunk:
        self.thinking = True
        time.sleep(0.1)
        chunk = super().propose(observation)
        self.thinking = False
        return chunk


def test_an_adapter_is_changed_when_the_thought_about_the_last_picture_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy, thought = Slow(), []

    def change(_policy: object, _adapter: Path | None) -> None:
        thought.append(policy.thinking)

    monkeypatch.setattr(worker, "open_game", lambda *_args, **_kwargs: ToyGame())
    monkeypatch.setattr(worker, "make_policy", lambda *_args, **_kwargs: policy)
    monkeypatch.setattr(worker, "use_adapter", change)
    monkeypatch.setattr(PlayerSpec, "key", property(lambda self: self.name))
    measuring = EvaluationWorker("toy", paced=True, threads=1)
    start = Start(TASKS[0], TASKS[0].instruction, 3)
    try:
        for name in ("before", "after", "before"):
            player = PlayerSpec(name, Path("base"), Path(name))
            assert measuring.play(player, start).success
    finally:
        measuring.close()
    assert thought == [False, False]
