"""A game, a player and a loop, kept for many attempts that are measured."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model.play.episode import (
    Decision,
    EpisodeEnd,
    EpisodeLoop,
    EpisodeObserver,
    Proposal,
    policy_drives,
    run_episode,
)
from model.play.policy import Policy
from model.play.runner import BackgroundRunner, LockStepRunner
from model.vla.memory import is_small
from recorder.clock import Clock, MonotonicClock, Pacer
from recorder.errors import GameEndedError, GameSuspendedError
from recorder.games import open_game
from recorder.games.base import Game, OwnWindowGame
from recorder.store.comparisons.rows import Film
from recorder.store.rows import Stepping
from recorder.types import Frame
from trainer.evaluation.blind.camera import ClipCamera
from trainer.evaluation.bystander import AGAIN_S, Bystander, TouchedError
from trainer.evaluation.eye.watching import EyeWatch, EyeWatches, SeenKeeper
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.players import PlayerSpec, make_policy, use_adapter
from trainer.evaluation.starts import Attempt, AttemptKey, Start

log = logging.getLogger(__name__)

TRIES = 5
"""So often a start is played that another window interrupts, or that its game's end does."""
FREE_TICKS = 350
"""Length of an episode that nobody judges: twenty seconds of the practice yard."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The person beside a game in a window of its own that is measured on their screen.

    ``hotkeys`` are theirs, of which the panic and the pause key stop the measurement.  ``tell``
    says a sentence to them, ``check`` is called at every tick and may raise to stop.  A game
    that has lost the keyboard is waited for until they bring it back where they are
    ``attending``, else it takes the keyboard again, a few times.
    """

    hotkeys: Mapping[str, str] | None = None
    tell: Callable[[str], None] = lambda sentence: None
    check: Callable[[], None] = lambda: None
    attending: bool = False


def longest(start: Start, watch: EyeWatch | None) -> int | None:
    """Return how many ticks a start is played at most, None if the game says when it is over."""
    if start.task.judged:
        return None
    return FREE_TICKS if watch is None else min(FREE_TICKS, watch.ticks)


def same_but_adapter(one: PlayerSpec, other: PlayerSpec) -> bool:
    """Return whether two players are one checkpoint, played alike."""
    return (one.checkpoint, one.temperature, one.options) == (
        other.checkpoint,
        other.temperature,
        other.options,
    )


class EvaluationWorker:
    """A game, a player and a loop, kept for many attempts.

    ``paced`` plays at the game's tick rate, else the game waits for every answer; attempts are
    of the play called ``version``.  With ``filmed_ticks`` each is filmed and ends after so many
    ticks.  ``data`` is the data folder with the person's own games.  ``eyes`` says where the eye
    lies that judges a sentence which the game does not.  Raises what the game raises that cannot be
    opened.
    """

    def __init__(
        self,
        game_name: str,
        *,
        paced: bool,
        threads: int | None,
        slowed: bool = False,
        beside: Beside | None = None,
        version: str = PLAY_VERSION,
        filmed_ticks: int | None = None,
        data: Path | None = None,
        eyes: Mapping[str, Path] | None = None,
    ) -> None:
        self._eyes = eyes or {}
        self._watches: EyeWatches | None = None
        self._keeper: SeenKeeper | None = None
        self._game_name = game_name
        self._data = data
        self._filmed_ticks = filmed_ticks
        self._stepping = Stepping.PACED if paced else Stepping.LOCK_STEP
        self._version = version
        self._slowed = slowed
        self._beside = beside or Beside()
        self._bystander: Bystander | None = None
        self._game = self._open()
        self._camera = (
            None if filmed_ticks is None else ClipCamera(isinstance(self._game, OwnWindowGame))
        )
        self._paced = paced
        self._threads = threads
        self._player: PlayerSpec | None = None
        self._keys: dict[PlayerSpec, str] = {}
        self._policy: Policy | None = None
        self._runner: BackgroundRunner | LockStepRunner | None = None
        self._loop: EpisodeLoop | None = None

    def _open(self) -> Game:
        there = self._beside
        game: Game = open_game(
            self._game_name, slowed=self._slowed, hotkeys=there.hotkeys, data=self._data
        )
        if isinstance(game, OwnWindowGame):
            try:
                self._bystander = Bystander(
                    game, tell=there.tell, patient=there.attending, check=there.check
                )
            except BaseException:
                # Nobody else knows of its window yet.
                game.close()
                raise
        return game

    def play(self, player: PlayerSpec, start: Start) -> Attempt:
        """Play one start to its end.

        Raises GameSuspendedError or GameEndedError if every try was interrupted, what the game
        raises if it cannot be opened anew, and what ``check`` raises.
        """
        tries_left = TRIES
        while True:
            loop = self._sit_down(player)
            started = time.perf_counter()
            try:
                ended = self._attempt(loop, start)
                break
            except GameEndedError as error:
                # Its program is gone, and with it what was played of this start.
                tries_left -= 1
                if not tries_left:
                    raise
                log.warning("a start is played anew: %s", error.sentence)
                self._beside.tell(error.sentence)
                self._open_anew()
            except GameSuspendedError as error:
                # Somebody took the keyboard from the game's window: the start is played anew.
                tries_left -= self._counts(error)
                if not tries_left:
                    raise
                if self._bystander is None:
                    time.sleep(AGAIN_S)
                else:
                    self._bystander.wait(error.sentence)
        if player not in self._keys:
            self._keys[player] = player.key
        key = AttemptKey(
            self._keys[player], self._game_name, start.key, self._stepping, self._version
        )
        return Attempt(
            key, ended.outcome, ended.ticks, time.perf_counter() - started, self._film(loop)
        )

    def _film(self, loop: EpisodeLoop) -> Film | None:
        """Return what the attempt looked like, if it is filmed: to a person, and to the model."""
        if self._camera is None:
            return None
        # The last picture is in no tick: it shows what the last action came to.
        film = self._camera.film(loop.frame)
        seen = None if self._keeper is None else self._keeper.seen(loop.frame)
        if self._keeper is None or seen is None:
            return film
        return replace(film, seen=seen.to_bytes(), seen_by=self._keeper.player.fingerprint)

    def _open_anew(self) -> None:
        """Open the game a second time; who plays stays, unless it knows the game from inside."""
        self._game.close()
        self._loop = None
        if self._player is None or self._player.checkpoint is None:
            self._policy = None
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        self._bystander = None
        self._game = self._open()

    def _attempt(self, loop: EpisodeLoop, start: Start) -> EpisodeEnd:
        if self._bystander is not None:
            self._bystander.begin()
        watch = self._watch(start)
        ended = run_episode(
            loop,
            start.task,
            start.seed,
            instruction=start.heard,
            max_ticks=self._filmed_ticks or longest(start, watch),
            decide=self._decide,
            watch=watch,
        )
        if self._bystander is not None:
            # The very last tick may have been touched too.
            self._bystander.look()
            self._bystander.played()
        return ended

    def _watch(self, start: Start) -> EyeWatch | None:
        """Return what judges a start that the game does not, if an eye was taught it."""
        if start.task.judged or self._watches is None:
            return None
        return self._watches.of(start.heard)

    def _decide(self, frame: Frame, proposal: Proposal | None) -> Decision:
        if self._bystander is not None:
            self._bystander.look()
        return policy_drives(frame, proposal)

    def _counts(self, error: GameSuspendedError) -> bool:
        """Whether an interruption uses up one of the tries: a person's patience does not."""
        patient = self._bystander is not None and self._bystander.patient
        return not patient and not isinstance(error, TouchedError)

    def _sit_down(self, player: PlayerSpec) -> EpisodeLoop:
        """Return the loop of ``player``; another adapter of the same model is swapped in."""
        if self._loop is not None and self._player == player:
            return self._loop
        alike = (
            self._player is not None
            and self._policy is not None
            and player.checkpoint is not None
            and same_but_adapter(player, self._player)
        )
        if self._policy is not None and alike and player != self._player:
            if isinstance(self._runner, BackgroundRunner):
                # It may still think about the last picture, with the weights that change now.
                self._runner.close()
                self._runner = self._loop = None
            use_adapter(self._policy, player.adapter)
            self._player = player
        if self._loop is not None and alike:
            return self._loop
        if self._runner is not None:
            self._runner.close()
        if self._policy is None or not alike:
            self._policy = make_policy(player, self._game, threads=self._threads)
        self._runner = (
            BackgroundRunner(self._policy)
            # A script needs no time to think, and a held click of its would be two.
            if self._paced and player.checkpoint is not None
            else LockStepRunner(self._policy)
        )
        clock: Clock = (
            self._game.clock if isinstance(self._game, OwnWindowGame) else MonotonicClock()
        )
        self._loop = EpisodeLoop(
            self._game,
            self._runner,
            policy_name=self._policy.name,
            observers=self._observers(player),
            clock=clock,
            pacer=Pacer(clock, self._game.tick_rate_hz) if self._paced else None,
        )
        self._player = player
        return self._loop

    def _observers(self, player: PlayerSpec) -> list[EpisodeObserver]:
        """Return what sees an attempt go by; the eye needs a small model that waits meanwhile."""
        self._watches = self._keeper = None
        folder = player.checkpoint
        small = folder is not None and (folder / "config.json").is_file() and is_small(folder)
        if small and isinstance(self._runner, LockStepRunner):
            from model.vla.vla import VlaPolicy

            if isinstance(self._policy, VlaPolicy):
                self._watches = EyeWatches(self._eyes, self._policy)
                self._keeper = None if self._camera is None else SeenKeeper(self._policy)
        return [each for each in (self._camera, self._keeper) if each is not None]

    def close(self) -> None:
        """Stop runner and game."""
        if self._runner is not None:
            self._runner.close()
        self._game.close()
