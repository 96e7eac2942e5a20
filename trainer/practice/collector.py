"""Attempts of the agent at practice starts, with the moments that it may learn from.

Each process holds a game and a player; between two iterations only the adapter is another.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Protocol

import numpy as np

from model.play.episode import EpisodeEnd, EpisodeLoop, EpisodeStart, run_episode
from model.play.runner import LockStepRunner
from model.play.sampling import Sampling
from model.vla.play_options import PlayOptions
from model.vla.preprocess import resize
from model.vla.vla import VlaPolicy
from recorder.games import open_game
from recorder.games.base import Game
from recorder.types import Outcome, RGBImage, Tick
from trainer.evaluation.eye.watching import EyeWatches
from trainer.evaluation.run import begin_player_process, player_context
from trainer.evaluation.starts import Start
from trainer.evaluation.worker import longest


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A tick of an attempt: the picture as the model saw it, what it heard and what it answered.

    ``image`` is resized for the checkpoint, ``answer`` the token numbers of one action.  ``acts``
    had been done before it, by whoever drove (:mod:`model.language.action_memory`).
    """

    image: RGBImage
    heard: str
    answer: tuple[int, ...]
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to be made: ``number`` tells it from the others at the same start.

    ``told`` is what the agent is told in place of the start's sentence, "" for the sentence itself.
    """

    start: Start
    number: int
    told: str = ""

    @property
    def sampler_seed(self) -> int:
        """The seed of its answers (0 to 2^63 - 1): another for each number."""
        key = self.start.key
        text = f"{key.task_id}/{key.heard}/{key.seed}/practice/{self.number}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """How an attempt ended, and some of its moments in their order, heard as its own sentence.

    ``last`` is the picture that a success ended with, as the model would see it; else None.
    """

    made: Try
    outcome: Outcome
    ticks: int
    moments: tuple[Moment, ...]
    last: RGBImage | None = None


@dataclass(frozen=True, slots=True)
class Player:
    """Who practises: a checkpoint, how it is played, how freely it chooses.

    ``eyes`` says where the eye lies that judges a sentence which the game does not.
    """

    checkpoint: Path
    options: PlayOptions
    temperature: float
    moments: int
    eyes: Mapping[str, Path] = field(default_factory=dict)


class Collector(Protocol):
    """Plays attempts, wherever it does so."""

    def collect(self, adapter: Path | None, tries: Sequence[Try]) -> Generator[Tried, None, None]:
        """Yield what came of each attempt as it ends, made with an adapter's folder."""
        ...

    def close(self) -> None:
        """End its games and processes."""
        ...


class _Keeper:
    """Observes an episode and keeps some of its moments, each tick as likely as every other.

    Which ones is drawn by the attempt's own seed (reservoir sampling: Vitter 1985).
    """

    def __init__(self, policy: VlaPolicy, most: int) -> None:
        self._policy, self._most = policy, most
        self._kept: dict[int, Moment] = {}
        self._rng = np.random.default_rng(0)
        self._heard = ""

    def begin(self, seed: int) -> None:
        self._kept, self._rng = {}, np.random.default_rng(seed)

    @property
    def moments(self) -> tuple[Moment, ...]:
        return tuple(moment for _, moment in sorted(self._kept.items()))

    def on_start(self, start: EpisodeStart) -> None:
        self._heard = self._policy.heard

    def on_instruction(self, tick: int, text: str) -> None: ...

    def on_end(self, end: EpisodeEnd) -> None: ...

    def on_tick(self, tick: Tick) -> None:
        # With its answer the model may have gone on to the next part of the sentence.
        heard, self._heard = self._heard, self._policy.heard
        answer = self._policy.answer
        if answer is None or answer.invalid or tick.plan_age_ticks:
            return
        if len(self._kept) >= self._most:
            place = int(self._rng.integers(tick.index + 1))
            if place >= self._most:
                return
            del self._kept[sorted(self._kept)[place]]
        image = resize(tick.frame.rgb, self._policy.spec)
        self._kept[tick.index] = Moment(image, heard, answer.numbers, self._policy.acts)


@dataclass(slots=True, eq=False)
class Hall:
    """One game and one player in this process, kept for many attempts; the game waits for it."""

    game: Game
    policy: VlaPolicy
    most: int
    adapter: Path | None = None
    eyes: Mapping[str, Path] = field(default_factory=dict)
    _loop: EpisodeLoop = field(init=False)
    _keeper: _Keeper = field(init=False)
    _watches: EyeWatches = field(init=False)

    def __post_init__(self) -> None:
        self._watches = EyeWatches(self.eyes, self.policy)
        self._keeper = _Keeper(self.policy, self.most)
        self._loop = EpisodeLoop(
            self.game,
            LockStepRunner(self.policy),
            policy_name=self.policy.name,
            observers=[self._keeper],
        )

    @classmethod
    def open(cls, game: str, player: Player) -> Hall:
        """Open the game and load the player; raises what they raise."""
        opened: Game = open_game(game)
        try:
            policy = VlaPolicy.load(
                player.checkpoint,
                threads=1,
                sampling=Sampling(player.temperature),
                options=player.options,
            )
        except BaseException:
            opened.close()
            raise
        return cls(opened, policy, player.moments, eyes=player.eyes)

    def play(self, adapter: Path | None, made: Try) -> Tried:
        """Make an attempt; raises what game and model raise."""
        if adapter != self.adapter:
            self.policy.set_adapter(adapter)
            self.adapter = adapter
        start = made.start
        if made.told:
            self.policy.reset(start.heard)
        heard = self.policy.heard
        self._keeper.begin(made.sampler_seed)
        watch = None if start.task.judged else self._watches.of(start.heard)
        ended = run_episode(
            self._loop,
            start.task,
            start.seed,
            instruction=made.told or start.heard,
            max_ticks=longest(start, watch),
            watch=watch,
            policy_seed=made.sampler_seed,
        )
        last = None
        if ended.outcome is Outcome.SUCCESS:
            last = resize(self._loop.frame.rgb, self.policy.spec)
        moments = self._keeper.moments
        if made.told:
            moments = tuple(replace(each, heard=heard) for each in moments)
        return Tried(made, ended.outcome, ended.ticks, moments, last)

    def close(self) -> None:
        """End the game."""
        self.game.close()


class LocalCollector:
    """Attempts in several processes of this machine, one game each; a closed one is done."""

    def __init__(self, game: str, player: Player, workers: int | None = None) -> None:
        """``workers`` None is one a core."""
        self._count = workers or os.cpu_count() or 1
        self._pool = ProcessPoolExecutor(
            self._count, player_context(loads=True), _begin_worker, (game, player, dict(os.environ))
        )

    def collect(self, adapter: Path | None, tries: Sequence[Try]) -> Generator[Tried, None, None]:
        """Yield what came of each attempt as it ends; stopping early leaves few to wait for."""
        waiting = list(reversed(tries))
        running: set[Future[Tried]] = set()
        try:
            while waiting or running:
                while waiting and len(running) <= self._count:
                    running.add(self._pool.submit(_play_in_worker, adapter, waiting.pop()))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        finally:
            for each in running:
                each.cancel()

    def close(self) -> None:
        """End the processes and their games."""
        self._pool.shutdown(wait=True, cancel_futures=True)


_open_hall: Callable[[], Hall] | None = None
_hall: Hall | None = None


def _begin_worker(game: str, player: Player, environment: dict[str, str]) -> None:
    global _open_hall  # noqa: PLW0603  # a pool worker's state lives as long as its process
    begin_player_process(environment)
    _open_hall = partial(Hall.open, game, player)


def _play_in_worker(adapter: Path | None, made: Try) -> Tried:
    global _hall  # noqa: PLW0603
    if _hall is None:
        if _open_hall is None:
            raise RuntimeError("the worker was not set up")
        _hall = _open_hall()
        # Called however the process was started, unlike atexit.
        Finalize(None, _close, (_hall,), exitpriority=1)
    return _hall.play(adapter, made)


def _close(hall: Hall) -> None:
    with contextlib.suppress(Exception):
        hall.close()
