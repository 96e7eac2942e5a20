"""Plays tasks on seeds and counts: lock-step on several processes, or paced in real time.

The sampler is seeded from task and seed, so the same player on the same starts gives
the same successes however the work is spread.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing as mp
import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from recorder.errors import GameError
from recorder.games import REALTIME_GAMES
from recorder.processes import follow_parent, terminate_self
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.worker import Beside, Desk, Job, Played, Question, same_but_adapter

__all__ = [
    "Beside",
    "Known",
    "Played",
    "Question",
    "evaluate",
    "evaluate_pair",
    "evaluate_starts",
]

Known = Mapping[tuple[str, str, int], Played]
"""Results that are there already, by (task id, heard sentence, seed)."""


def evaluate(
    player: PlayerSpec,
    game_name: str,
    questions: Sequence[Question],
    seeds: Sequence[int],
    *,
    paced: bool = False,
    slowed: bool = False,
    workers: int | None = None,
    known: Known | None = None,
    on_played: Callable[[Played], None] | None = None,
    beside: Beside | None = None,
) -> list[Played]:
    """Play every question on every seed; return results in that order.

    Paced play is one game in this process; lock-step play spreads over ``workers``
    processes (None: one a core) with one torch thread each, so that the numbers, and with
    them the successes, do not depend on the spread.  A game whose world does not wait is
    paced unless it is ``slowed``, and plays one at a time.  ``known`` results are not played
    again; ``on_played`` is told of each new one, on the caller's thread, as it ends, and
    may raise to stop.  ``beside`` is the person on whose screen a game in a window of its own
    is played.  Raises what the game or the model raises, GameError where a worker process
    died, or where the person stopped it.
    """
    starts = [(question, seed) for question in questions for seed in seeds]
    return evaluate_starts(
        player,
        game_name,
        starts,
        paced=paced,
        slowed=slowed,
        workers=workers,
        known=known,
        on_played=on_played,
        beside=beside,
    )


def evaluate_starts(
    player: PlayerSpec,
    game_name: str,
    starts: Sequence[tuple[Question, int]],
    *,
    paced: bool = False,
    slowed: bool = False,
    workers: int | None = None,
    known: Known | None = None,
    on_played: Callable[[Played], None] | None = None,
    beside: Beside | None = None,
) -> list[Played]:
    """Play each question on the seed beside it; all else as in :func:`evaluate`."""
    results: dict[tuple[str, str, int], Played] = dict(known or {})
    jobs = [
        Job("", player, question, seed)
        for question, seed in starts
        if (question.task.id, question.heard, seed) not in results
    ]
    with contextlib.closing(
        _play(jobs, game_name, paced=paced, workers=workers, slowed=slowed, beside=beside)
    ) as played:
        for _, result in played:
            results[(result.task_id, result.heard, result.seed)] = result
            if on_played is not None:
                on_played(result)
    return [results[(question.task.id, question.heard, seed)] for question, seed in starts]


def evaluate_pair(
    before: PlayerSpec,
    after: PlayerSpec,
    game_name: str,
    questions: Sequence[Question],
    seeds: Sequence[int],
    *,
    slowed: bool = False,
    workers: int | None = None,
    on_played: Callable[[str, Played], None] | None = None,
    beside: Beside | None = None,
) -> tuple[list[Played], list[Played]]:
    """Play every start in lock-step as ``before`` and as ``after``; return both lists.

    A game whose world does not wait is paced unless it is ``slowed``.

    The two are one checkpoint with different adapters: a worker loads it once, and a
    start is played by one right after the other.  ``on_played`` hears ("before" or
    "after", result) and may raise to stop.  ``beside`` is the person who is there while a game
    in a window of its own is played, None where nobody is.  Raises ValueError for players of two
    checkpoints, and what :func:`evaluate` raises.
    """
    if not same_but_adapter(before, after):
        raise ValueError("a pair is one checkpoint with two adapters")
    starts = [(question, seed) for question in questions for seed in seeds]
    sides = {"before": before, "after": after}
    jobs = [Job(side, spec, *start) for start in starts for side, spec in sides.items()]
    results: dict[tuple[str, str, str, int], Played] = {}
    with contextlib.closing(
        _play(jobs, game_name, paced=False, workers=workers, slowed=slowed, beside=beside)
    ) as played:
        for side, result in played:
            results[(side, result.task_id, result.heard, result.seed)] = result
            if on_played is not None:
                on_played(side, result)
    first, second = (
        [results[(side, question.task.id, question.heard, seed)] for question, seed in starts]
        for side in sides
    )
    return first, second


def _play(
    jobs: Sequence[Job],
    game_name: str,
    *,
    paced: bool,
    workers: int | None,
    slowed: bool = False,
    beside: Beside | None = None,
) -> Generator[tuple[str, Played], None, None]:
    """Yield (side, result) of every job as it ends."""
    own_window = game_name in REALTIME_GAMES
    paced = paced or (own_window and not slowed)
    # There is one keyboard.
    count = 1 if paced or own_window else min(workers or os.cpu_count() or 1, len(jobs))
    if count > 1:
        yield from _play_in_processes(jobs, game_name, count)
    elif jobs:
        yield from _play_here(jobs, game_name, paced=paced, slowed=slowed, beside=beside)


def _play_here(
    jobs: Sequence[Job], game_name: str, *, paced: bool, slowed: bool, beside: Beside | None
) -> Iterator[tuple[str, Played]]:
    with contextlib.ExitStack() as stack:
        if not paced and jobs[0].player.checkpoint is not None:
            # As many threads as a worker has: sums in another order are other numbers.
            from model.torch_state import torch_threads

            stack.enter_context(torch_threads(1))
        # Beside a game that draws in real time, a second thread only waits for the first.
        threads = 1 if not paced or game_name in REALTIME_GAMES else None
        desk = Desk(game_name, paced=paced, threads=threads, slowed=slowed, beside=beside)
        stack.callback(desk.close)
        for job in jobs:
            yield job.side, desk.play(job)


def _play_in_processes(
    jobs: Sequence[Job], game_name: str, count: int
) -> Iterator[tuple[str, Played]]:
    executor = ProcessPoolExecutor(count, mp.get_context("spawn"), _begin_worker, (game_name,))
    waiting = list(reversed(jobs))
    running: set[Future[tuple[str, Played]]] = set()
    try:
        while waiting or running:
            # Few at a time, so that stopping early leaves little to wait for.
            while waiting and len(running) < count + 1:
                running.add(executor.submit(_play_in_worker, waiting.pop()))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
    except BrokenProcessPool as error:
        raise GameError(
            "A process that played for the measurement died, so the measurement ended; what "
            "was played is kept: start it again, and close other programs if memory is short."
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


_desk: Desk | None = None


def _begin_worker(game_name: str) -> None:
    """Set one worker process up."""
    global _desk  # noqa: PLW0603  # a pool worker's state lives as long as its process
    signal.signal(signal.SIGTERM, _leave)
    parent = mp.parent_process()
    if parent is not None:
        # A game must not stay behind alone.
        follow_parent(terminate_self, pipe=parent.sentinel)
    _desk = Desk(game_name, paced=False, threads=1)
    atexit.register(_desk.close)


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _play_in_worker(job: Job) -> tuple[str, Played]:
    if _desk is None:
        raise RuntimeError("the worker was not set up")
    return job.side, _desk.play(job)
