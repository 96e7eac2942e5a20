"""Plays tasks on seeds and counts: lock-step on several processes, or paced in real time.

The sampler is seeded from task and seed, so the same player on the same starts gives
the same successes however the work is spread.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.episode import EpisodeLoop, run_episode
from model.runner import BackgroundRunner, LockStepRunner
from recorder.clock import MonotonicClock, Pacer
from recorder.games import open_game
from recorder.games.base import Game, Task
from recorder.types import Outcome
from trainer.players import PlayerSpec, make_policy
from trainer.verdict import wilson

FREE_TICKS = 350
"""Length of an episode that nobody judges: twenty seconds of the practice yard."""


@dataclass(frozen=True, slots=True)
class Question:
    """A task, and what the player hears of it ("" for the task's own sentence)."""

    task: Task
    say: str = ""

    @property
    def heard(self) -> str:
        """The sentence that the player hears."""
        return self.say or self.task.instruction


@dataclass(frozen=True, slots=True)
class Played:
    """One episode's result."""

    task_id: str
    heard: str
    seed: int
    outcome: Outcome
    ticks: int
    seconds: float

    @property
    def success(self) -> bool:
        """Whether the game called it a success."""
        return self.outcome is Outcome.SUCCESS


Known = Mapping[tuple[str, str, int], Played]
"""Results that are there already, by (task id, heard sentence, seed)."""


def evaluate(
    player: PlayerSpec,
    game_name: str,
    questions: Sequence[Question],
    seeds: Sequence[int],
    *,
    paced: bool = False,
    workers: int | None = None,
    known: Known | None = None,
    on_played: Callable[[Played], None] | None = None,
) -> list[Played]:
    """Play every question on every seed; return results in that order.

    ``known`` results are not played again; ``on_played`` is told of each new one, on the
    caller's thread, as it ends.  Raises what the game or the model raises.
    """
    wanted = [(question, seed) for question in questions for seed in seeds]
    results: dict[tuple[str, str, int], Played] = dict(known or {})
    missing = [
        (question, seed)
        for question, seed in wanted
        if (question.task.id, question.heard, seed) not in results
    ]
    count = 1 if paced else min(workers or os.cpu_count() or 1, len(missing))
    if count <= 1:
        played: Iterable[Played] = _play_here(player, game_name, missing, paced)
    else:
        played = _play_in_processes(player, game_name, missing, count)
    for result in played:
        results[(result.task_id, result.heard, result.seed)] = result
        if on_played is not None:
            on_played(result)
    return [results[(question.task.id, question.heard, seed)] for question, seed in wanted]


def _play_here(
    player: PlayerSpec, game_name: str, work: Sequence[tuple[Question, int]], paced: bool
) -> Iterable[Played]:
    if not work:
        return
    desk = _Desk(player, game_name, paced=paced, threads=None)
    try:
        for question, seed in work:
            yield desk.play(question, seed)
    finally:
        desk.close()


def _play_in_processes(
    player: PlayerSpec, game_name: str, work: Sequence[tuple[Question, int]], count: int
) -> Iterable[Played]:
    context = mp.get_context("spawn")
    with context.Pool(count, _begin_worker, (player, game_name)) as pool:
        yield from pool.imap_unordered(_play_in_worker, work)
        pool.close()
        pool.join()


class _Desk:
    """A game, a player and a loop, kept for many episodes."""

    def __init__(
        self, player: PlayerSpec, game_name: str, *, paced: bool, threads: int | None
    ) -> None:
        self.game: Game = open_game(game_name)
        policy = make_policy(player, self.game, threads=threads)
        self._paced = paced
        self._runner = BackgroundRunner(policy) if paced else LockStepRunner(policy)
        clock = MonotonicClock()
        self._loop = EpisodeLoop(
            self.game,
            self._runner,
            policy_name=policy.name,
            clock=clock,
            pacer=Pacer(clock, self.game.tick_rate_hz) if paced else None,
        )

    def play(self, question: Question, seed: int) -> Played:
        started = time.perf_counter()
        ended = run_episode(
            self._loop,
            question.task,
            seed,
            instruction=question.heard,
            max_ticks=None if question.task.judged else FREE_TICKS,
        )
        return Played(
            question.task.id,
            question.heard,
            seed,
            ended.outcome,
            ended.ticks,
            time.perf_counter() - started,
        )

    def close(self) -> None:
        self._runner.close()
        self.game.close()


_desk: _Desk | None = None


def _begin_worker(player: PlayerSpec, game_name: str) -> None:
    """Set one worker process up."""
    global _desk  # noqa: PLW0603  # a pool worker's state lives as long as its process
    import atexit

    _desk = _Desk(player, game_name, paced=False, threads=1)
    atexit.register(_desk.close)


def _play_in_worker(work: tuple[Question, int]) -> Played:
    if _desk is None:
        raise RuntimeError("the worker was not set up")
    return _desk.play(*work)


def summarise(policy: str, results: Sequence[Played], *, stepping: str) -> dict[str, Any]:
    """Return the result document of ``playteach evaluate``.

    Rates are 0..1 with Wilson's 95 % interval; ``ticks_per_s`` is the mean speed of one
    game while it played.
    """
    groups: dict[str, list[Played]] = {}
    for result in results:
        groups.setdefault(result.heard, []).append(result)
    seconds = sum(result.seconds for result in results)
    return {
        "policy": policy,
        **_rates(results),
        "by_instruction": {heard: _rates(group) for heard, group in groups.items()},
        "ticks_per_s": round(sum(r.ticks for r in results) / seconds, 1) if seconds else 0.0,
        "stepping": stepping,
    }


def _rates(results: Sequence[Played]) -> dict[str, Any]:
    n, success = len(results), sum(result.success for result in results)
    low, high = wilson(success, n)
    outcomes = [str(result.outcome) for result in results]
    return {
        "n": n,
        "success": success,
        "success_rate": round(success / n, 4) if n else 0.0,
        "interval": [round(low, 4), round(high, 4)],
        "outcomes": {name: outcomes.count(name) for name in sorted(set(outcomes))},
    }
