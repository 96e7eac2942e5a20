"""Plays starts: lock-step on several processes, or paced in real time.

The sampler is seeded from task and seed, so the same player on the same starts gives
the same successes however the work is spread.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing as mp
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.util import Finalize
from pathlib import Path
from typing import NamedTuple

from recorder.errors import GameError
from recorder.games import game_spec
from recorder.games.seeds import may_judge
from recorder.processes import follow_parent, terminate_self
from recorder.quiet_log import keep_log_off_terminal
from recorder.store.rows import Stepping
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Attempt, Start, StartKey, stepping_of
from trainer.evaluation.worker import Beside, EvaluationWorker, same_but_adapter

__all__ = ["Beside", "Known", "evaluate", "evaluate_pair", "evaluate_sides", "film_sides"]

log = logging.getLogger(__name__)

Known = Mapping[StartKey, Attempt]
"""Attempts of one player that are there already, by start."""
MOST_DEATHS = 2
"""So often in a row the worker processes are started anew if one dies, with no attempt between."""
DIED = (
    "A process that played for the measurement died again and again, so the measurement ended; "
    "what was played is kept: start it again, and close other programs if memory is short."
)
GPU_DRIVERS = (Path("/proc/driver/nvidia"), Path("/dev/kfd"))
"""Of which one is there on a Linux machine that can compute on a GPU."""
_Running = Future[tuple[str, Attempt]]


def evaluate(
    player: PlayerSpec,
    game_name: str,
    starts: Sequence[Start],
    *,
    paced: bool = False,
    slowed: bool = False,
    workers: int | None = None,
    known: Known | None = None,
    on_played: Callable[[Attempt], None] | None = None,
    beside: Beside | None = None,
    version: str = PLAY_VERSION,
) -> list[Attempt]:
    """Play every start; return the attempts in that order.

    Paced play is one game in this process; lock-step play spreads over ``workers``
    processes (None: one a core) with one torch thread each, so that the numbers, and with
    them the successes, do not depend on the spread.  A game whose world does not wait is
    paced unless it is ``slowed``, and plays one at a time.  A start that is ``known`` is not
    played again; ``on_played`` is told of each new one, on the caller's thread, as it ends, and
    may raise to stop.  ``beside`` is the person on whose screen a game in a window of its own
    is played; attempts are of the play called ``version``.  Raises what the game or the model
    raises, GameError where worker processes died again and again, StoppedError where the person
    stopped it.
    """
    results = evaluate_sides(
        {"": player}, game_name, starts, paced=paced, slowed=slowed, workers=workers,
        known={"": known or {}}, on_played=on_played, beside=beside, version=version,
    )  # fmt: skip
    return results[""]


def evaluate_sides(
    sides: Mapping[str, PlayerSpec],
    game_name: str,
    starts: Sequence[Start],
    *,
    paced: bool = False,
    slowed: bool = False,
    workers: int | None = None,
    known: Mapping[str, Known] | None = None,
    on_played: Callable[[Attempt], None] | None = None,
    beside: Beside | None = None,
    version: str = PLAY_VERSION,
) -> dict[str, list[Attempt]]:
    """Play every start as each of several players; return each one's attempts in that order.

    One after the other, by the same processes: what it takes to start them is spent once.
    Otherwise as :func:`evaluate`, and it raises the same.
    """
    results = {side: dict((known or {}).get(side, {})) for side in sides}
    jobs = []
    for side, player in sides.items():
        fresh = {start.key: start for start in starts if start.key not in results[side]}
        jobs += [_Job(side, player, start) for start in fresh.values()]
    with contextlib.closing(
        _play(iter([jobs]), _Setup(game_name, paced, slowed, beside, version), workers)
    ) as played:
        for side, result in played:
            results[side][result.key.start] = result
            if on_played is not None:
                on_played(result)
    return {side: [found[start.key] for start in starts] for side, found in results.items()}


def evaluate_pair(
    before: PlayerSpec,
    after: PlayerSpec,
    game_name: str,
    looks: Iterable[Sequence[Start]],
    on_played: Callable[[str, Attempt], None],
    *,
    slowed: bool = False,
    workers: int | None = None,
    beside: Beside | None = None,
    version: str = PLAY_VERSION,
    eyes: Mapping[str, Path] | None = None,
) -> None:
    """Play starts as ``before`` and as ``after``, some at a time, until there are no more.

    ``looks`` gives the starts of each look; it is asked for the next ones when all attempts of the
    look before have been heard, so that it can stop as soon as enough is known.  ``on_played``
    hears ("before" or "after", attempt), on the caller's thread, and may raise to stop.

    The two are one checkpoint with different adapters: a worker loads it once for all looks, and a
    start is played by one right after the other.  Play is in lock-step; a game whose world does
    not wait is paced unless it is ``slowed``.  ``beside`` is the person who is there while a game
    in a window of its own is played, None where nobody is.  ``eyes`` says where the eye lies that
    judges a sentence which the game does not.  Raises ValueError for players of two
    checkpoints and for starts that may not judge, and what :func:`evaluate` raises.
    """
    if not same_but_adapter(before, after):
        raise ValueError("a pair is one checkpoint with two adapters")
    sides = {"before": before, "after": after}

    def jobs() -> Iterator[list[_Job]]:
        for starts in looks:
            if unfit := [start.seed for start in starts if not may_judge(start.seed)]:
                raise ValueError(f"seed {unfit[0]} may not judge: it was kept for learning")
            yield [_Job(side, spec, start) for start in starts for side, spec in sides.items()]

    with contextlib.closing(
        _play(jobs(), _Setup(game_name, False, slowed, beside, version, eyes=eyes), workers)
    ) as played:
        for side, result in played:
            on_played(side, result)


def film_sides(
    sides: Mapping[str, PlayerSpec],
    game_name: str,
    wanted: Sequence[tuple[str, Start]],
    on_played: Callable[[str, Attempt], None],
    *,
    ticks: int,
    slowed: bool = False,
    workers: int | None = None,
    beside: Beside | None = None,
    version: str = PLAY_VERSION,
    data: Path | None = None,
) -> None:
    """Play and film (side, start) for each of ``wanted``, in that order, ``ticks`` each at most.

    ``on_played`` hears (side, attempt with its film), on the caller's thread, and may raise to
    stop; where several play at a time the order is nearly that of ``wanted``.  ``data`` is the
    data folder with the person's own games.  Otherwise as :func:`evaluate_pair`, and it raises the
    same.
    """
    specs = list(sides.values())
    if not all(same_but_adapter(specs[0], spec) for spec in specs):
        raise ValueError("what is compared is one checkpoint with different adapters")
    if unfit := [start.seed for _, start in wanted if not may_judge(start.seed)]:
        raise ValueError(f"seed {unfit[0]} may not judge: it was kept for learning")
    jobs = [_Job(side, sides[side], start) for side, start in wanted]
    setup = _Setup(game_name, False, slowed, beside, version, ticks, data)
    with contextlib.closing(_play(iter([jobs]), setup, workers)) as played:
        for side, result in played:
            on_played(side, result)


class _Job(NamedTuple):
    """One attempt to be made; ``side`` comes back with it."""

    side: str
    player: PlayerSpec
    start: Start


@dataclass(frozen=True, slots=True)
class _Setup:
    """How a game is set up for measuring; fields as in :func:`evaluate`.

    ``loads`` says whether a checkpoint plays.
    """

    game: str
    paced: bool
    slowed: bool
    beside: Beside | None
    version: str
    filmed_ticks: int | None = None
    data: Path | None = None
    loads: bool = False
    eyes: Mapping[str, Path] | None = None


def _play(
    batches: Iterator[Sequence[_Job]], setup: _Setup, workers: int | None
) -> Generator[tuple[str, Attempt], None, None]:
    """Yield (side, attempt) of every job as it ends; a batch begins when that before is over."""
    first = next(batches, [])
    if not first:
        return
    batches = itertools.chain([first], batches)
    own_window = game_spec(setup.game, setup.data, so="nothing was measured").own_window
    stepping = stepping_of(setup.game, paced=setup.paced, slowed=setup.slowed, data=setup.data)
    paced = stepping is Stepping.PACED
    # There is one keyboard.
    count = 1 if paced or own_window else min(workers or os.cpu_count() or 1, len(first))
    setup = replace(setup, paced=paced, loads=first[0].player.checkpoint is not None)
    if count > 1:
        yield from _play_in_processes(batches, setup, count)
    else:
        yield from _play_here(batches, setup)


def _play_here(batches: Iterator[Sequence[_Job]], setup: _Setup) -> Iterator[tuple[str, Attempt]]:
    paced = setup.paced
    with contextlib.ExitStack() as stack:
        if not paced and setup.loads:
            # As many threads as a worker has: sums in another order are other numbers.
            from model.torch_state import torch_threads

            stack.enter_context(torch_threads(1))
        # Beside another program that draws, a second thread only waits for the first.
        own_window = game_spec(setup.game, setup.data).own_window
        threads = 1 if not paced or own_window else None
        worker = EvaluationWorker(
            setup.game,
            paced=paced,
            threads=threads,
            slowed=setup.slowed,
            beside=setup.beside,
            version=setup.version,
            filmed_ticks=setup.filmed_ticks,
            data=setup.data,
            eyes=setup.eyes,
        )
        stack.callback(worker.close)
        for job in itertools.chain.from_iterable(batches):
            yield job.side, worker.play(job.player, job.start)


def _play_in_processes(
    batches: Iterator[Sequence[_Job]], setup: _Setup, count: int
) -> Iterator[tuple[str, Attempt]]:
    pool = _pool(setup, count)
    died_in_a_row = 0
    try:
        for jobs in batches:
            # Places in the batch, the next one last.
            waiting = list(reversed(range(len(jobs))))
            running: dict[_Running, int] = {}
            while waiting or running:
                death = _hand_out(pool, jobs, waiting, running, count + 1)
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                if death is not None or any(_death(each) for each in done):
                    # Whatever a dead pool still has to tell, it tells at once.
                    done, _ = wait(running)
                for each in done:
                    place = running.pop(each)
                    if (died := _death(each)) is not None:
                        death = died
                        waiting.append(place)
                        continue
                    died_in_a_row = 0
                    yield each.result()
                if death is None:
                    continue
                died_in_a_row += 1
                if died_in_a_row > MOST_DEATHS:
                    raise GameError(DIED) from death
                log.warning("a process of the measurement died: its attempts are played anew")
                waiting.sort(reverse=True)
                pool.shutdown(wait=True, cancel_futures=True)
                pool = _pool(setup, count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(setup: _Setup, count: int) -> ProcessPoolExecutor:
    context = player_context(loads=setup.loads)
    return ProcessPoolExecutor(
        count, context, _begin_worker, (replace(setup, beside=None), dict(os.environ))
    )


def player_context(*, loads: bool) -> SpawnContext | ForkServerContext:
    """Return how worker processes are started.

    On Linux those that load a checkpoint are copies of one process that has imported torch and
    transformers already, which takes longer than a short attempt; it lives as long as this one.
    A GPU cannot be used by such a copy for certain, so with one each is started by itself.
    """
    if sys.platform != "linux" or not loads or any(path.exists() for path in GPU_DRIVERS):
        return mp.get_context("spawn")
    context = mp.get_context("forkserver")
    context.set_forkserver_preload(["trainer.evaluation.preload"])
    return context


def begin_player_process(environment: dict[str, str]) -> None:
    """Set a process of :func:`player_context` up; ``environment`` is that of its parent now.

    It leaves on SIGTERM and with its parent, and logs nothing to the terminal.
    """
    # A copy has the environment of the time at which the copied process began.
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGTERM, _leave)
    keep_log_off_terminal()
    parent = mp.parent_process()
    if parent is not None:
        # A game must not stay behind alone.
        follow_parent(terminate_self, pipe=parent.sentinel)


def _hand_out(
    pool: ProcessPoolExecutor,
    jobs: Sequence[_Job],
    waiting: list[int],
    running: dict[_Running, int],
    most: int,
) -> BrokenProcessPool | None:
    """Let ``most`` run: few at a time, so that stopping early leaves little to wait for.

    Returns what is wrong with the pool where one of its processes has died.
    """
    while waiting and len(running) < most:
        try:
            future = pool.submit(_play_in_worker, jobs[waiting[-1]])
        except BrokenProcessPool as error:
            return error
        running[future] = waiting.pop()
    return None


def _death(future: _Running) -> BrokenProcessPool | None:
    """Return the error of an attempt that is over because a process of its pool died."""
    error = future.exception()
    return error if isinstance(error, BrokenProcessPool) else None


_open_worker: Callable[[], EvaluationWorker] | None = None
_worker: EvaluationWorker | None = None


def _begin_worker(setup: _Setup, environment: dict[str, str]) -> None:
    """Set one worker process up; its first attempt opens the game, and tells if it cannot."""
    global _open_worker  # noqa: PLW0603  # a pool worker's state lives as long as its process
    begin_player_process(environment)
    _open_worker = partial(
        EvaluationWorker,
        setup.game,
        paced=False,
        threads=1,
        version=setup.version,
        filmed_ticks=setup.filmed_ticks,
        data=setup.data,
        eyes=setup.eyes,
    )


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _play_in_worker(job: _Job) -> tuple[str, Attempt]:
    global _worker  # noqa: PLW0603
    if _worker is None:
        if _open_worker is None:
            raise RuntimeError("the worker was not set up")
        _worker = _open_worker()
        # A copy of another process ends without atexit; this is called however it was started.
        Finalize(None, _worker.close, exitpriority=1)
    return job.side, _worker.play(job.player, job.start)
