"""The thread that runs a session's loop: an error in it ends the attempt, not the session."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Self, TypeVar, Unpack

from app.session.api import Phase
from app.session.arbiter import Wish, move
from app.session.attempt import Attempt, SnapshotChanges
from app.session.player_seat import PlayerSeat
from app.session.requests import SessionFront
from app.session.wiring import (
    BUG_SENTENCE,
    Ask,
    MakeRunner,
    Player,
    Reopen,
    Request,
    clock_of,
)
from recorder.clock import Clock
from recorder.errors import GameEndedError, GameSuspendedError, KnownError
from recorder.games.base import Bindings, Game, OwnWindowGame
from recorder.threads import BackgroundThread

log = logging.getLogger(__name__)

RELEASE_S = 60.0
"""A thought that is under way is thought to its end before a policy goes."""
OPENING_AGAIN = "{title} has ended by itself; it is opened again."
BEGUN_ANEW = "{title} ended by itself, so it was opened again and this attempt begins anew."
ENDED_AGAIN = (
    "{title} ended by itself a second time, so this attempt does not count either; press Play to "
    "open it once more."
)
_Begun = TypeVar("_Begun")


class SessionThread(SessionFront, ABC):
    """Runs a session's loop from :meth:`start` to :meth:`close`.

    With ``threaded`` on a thread of its own; without, the caller does the ticks by
    :meth:`step`, on one thread.  What the loop does is the subclass's.
    """

    def __init__(
        self,
        game: Game,
        *,
        player: Player | None,
        make_runner: MakeRunner,
        bindings: Bindings | None,
        clock: Clock | None,
        idle_handback_s: float | None,
        records: bool,
        seed: int,
        threaded: bool,
        reopen: Reopen | None,
    ) -> None:
        super().__init__(
            game,
            player=player,
            bindings=bindings,
            clock=clock,
            idle_handback_s=idle_handback_s,
            records=records,
            seed=seed,
        )
        self._game = game
        self._own_window = game if isinstance(game, OwnWindowGame) else None
        self._reopen = reopen
        self._games_own_clock = clock is None
        # Whether the next attempt is on the start that is shown.
        self._fresh = True
        # How the newest attempt was begun, and whether that was by itself.
        self._wish = Wish.PLAY
        self._anew = False
        # A hand-back that waits for the tick that carries the person's last input.
        self._handing_back = False
        # Whether the attempt waits for the person to say how it went.
        self._asks = False
        self._attempt: Attempt | None = None
        self._seat = PlayerSeat(make_runner)
        self._closing = False
        self._thread: BackgroundThread | None = None
        self._threaded = threaded

    @property
    def game(self) -> Game:
        """The game that is played: another one once it was opened again."""
        return self._game

    @property
    def waits_for_thoughts(self) -> bool:
        """Whether a world that can stand still does so for the agent's thought; from any thread.

        It does not where the person has the hands, or wants something.
        """
        return self._hands.phase is Phase.PLAYING and not self._called()

    def start(self) -> Self:
        """Show the first start and begin to listen; returns itself."""
        if self._threaded and self._thread is None:
            self._thread = BackgroundThread("control", self._run, stop=self._ask_to_close).start()
        elif not self._threaded:
            self._guarded(self._show_start)
        return self

    def close(self) -> None:
        """Stop the loop, end the episode as interrupted, close game and runner."""
        already = self._closing
        self._ask_to_close()
        if self._thread is not None:
            self._thread.join()
        elif not already:
            self._shut_down()

    def _ask_to_close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify_all()

    def release_player(self, timeout_s: float = RELEASE_S) -> bool:
        """Let go of the policy, for its memory; False while an attempt is under way."""
        with self._wake:
            if self._attempt is not None:
                return False
            before, self._next_player = self._next_player, None
            self._wake.notify_all()
        if not self._threaded:
            self.step()
        with self._wake:
            if self._wake.wait_for(lambda: self._seat.player is None, timeout_s):
                return True
            # An attempt began just now.
            if self._next_player is None:
                self._next_player = before
            return False

    def step(self) -> bool:
        """Do what was asked and then at most one tick; return whether a tick was done."""
        return self._guarded(self._step) is True

    def _run(self) -> None:
        try:
            self._guarded(self._show_start)
            while not self._closing:
                if not self.step():
                    with self._wake:
                        self._wake.wait_for(self._has_work)
        finally:
            self._shut_down()

    def _has_work(self) -> bool:
        return (
            self._closing
            or bool(self._queue)
            or self._hands.driving
            or (self._attempt is None and self._next_player is not self._seat.player)
        )

    def _called(self) -> bool:
        """Whether the person wants something, so that nothing else is waited for."""
        return self._closing or bool(self._queue) or self._touched

    def _guarded(self, work: Callable[[], bool | None]) -> bool | None:
        """Run a piece of the loop: whatever it raises ends the attempt, not the session."""
        try:
            return work()
        except KnownError as error:
            log.warning("the attempt was ended: %s", error.sentence)
            self._give_up(error.sentence, error)
        except Exception as error:
            log.exception("the control thread failed")
            self._give_up(BUG_SENTENCE, error)
        return False

    def _begin_anew(self, attempt: Attempt, error: GameEndedError) -> None:
        """Begin an attempt once more in which the game's program ended; that one does not count.

        Raises GameEndedError where nobody watches, who could stop it, and a second time in a row.
        """
        if self._reopen is None or not self._threaded:
            raise error
        if self._anew:
            raise GameEndedError(ENDED_AGAIN.format(title=self._game.title)) from error
        self._give_up(error.sentence, error)
        self._fresh = True
        self._begin(attempt.instruction, self._wish, anew=True)
        self._publish(message=BEGUN_ANEW.format(title=self._game.title))

    def _with_its_program(self, begin: Callable[[], _Begun]) -> _Begun:
        """Return what ``begin`` returns, which resets the game.

        A game starts a program inside Playteach anew by itself; one that cannot is opened again.
        Raises GameEndedError where nobody said how, or where it ends once more.
        """
        try:
            return begin()
        except GameEndedError:
            if self._reopen is None or self._closing:
                raise
        self._publish(message=OPENING_AGAIN.format(title=self._game.title))
        self._game.close()
        game = self._game = self._reopen()
        self._own_window = game if isinstance(game, OwnWindowGame) else None
        if self._games_own_clock:
            self._clock = clock_of(game)
        if self._own_window is not None:
            self._own_window.listen(self)
        return begin()

    def _publish(self, attempt: Attempt | None = None, **changes: Unpack[SnapshotChanges]) -> None:
        of = attempt if attempt is not None else self._attempt
        with self._wake:
            news = replace(
                self._snapshot,
                phase=self._hands.phase,
                policy=self._seat.name,
                policy_ready=self._seat.player is not None,
                asks=self._asks,
                waits=self._waiting is not None,
            )
            if of is not None:
                news = replace(of.describe(news), hand_back_share=self._hand_back_share)
            self._snapshot = replace(news, **changes)
            self._wake.notify_all()

    def _come_back(self) -> bool:
        """Go on with the game after a pause; False, with a sentence, where that cannot be."""
        try:
            if self._own_window is not None:
                self._own_window.come_back()
            if self._attempt is not None:
                self._attempt.go_on()
        except GameSuspendedError as error:
            self._publish(message=error.sentence)
            return False
        return True

    def _serve_hands(self, request: Request) -> None:
        """Give the hands to whom the person wants to have them."""
        match request.ask:
            case Ask.HAND_BACK:
                if self._hands.phase is Phase.CORRECTING and self._controls.untaken:
                    # What they did just before it happened in the game: one more tick is theirs.
                    self._handing_back = True
                else:
                    self._move(Wish.HAND_BACK)
            case Ask.TAKE_BACK:
                if self._hands.phase is Phase.CORRECTING and self._attempt is not None:
                    self._attempt.take_back()
                    self._move(Wish.HAND_BACK)
            case Ask.TAKE_OVER:
                self._handing_back = False
                self._move(Wish.TAKE_OVER)
            case Ask.PAUSE:
                self._pause()
            case Ask.RESUME:
                self._move(Wish.RESUME)

    def _pause(self) -> None:
        waited, self._waiting = self._waiting, None
        if self._attempt is not None or not self._threaded:
            # Whoever steps the session by themselves holds the next attempt by it too.
            self._move(Wish.PAUSE)
        else:
            # There is nothing to go on with.
            self._let_go()
            self._publish(message=self._snapshot.message if waited is None else "")

    def _move(self, wish: Wish, *, idle: bool = False) -> None:
        before, after = self._hands, move(self._hands, wish)
        if after is before:
            return
        if after.driving and before.phase is Phase.PAUSED and not self._come_back():
            return
        self._hands = after
        self.suspended = ""
        if self._asks:
            self._asks = False
            self._publish(message="")
        self._handing_back = False
        if self._own_window is not None and after.phase is Phase.PAUSED:
            self._own_window.hold_still()
        elif not after.driving:
            self._let_go()
        if wish in {Wish.PAUSE, Wish.PLAY}:
            self._controls.release_all()
        elif wish is Wish.HAND_BACK and not idle:
            # A touch after it is a takeover, and what was done in it must not be lost.
            self._controls.release_keys()
        if wish is Wish.RESUME:
            self._forget_the_pause()
            self._last_input_ns = self._clock.now_ns()
        self._publish(driver=self._hands.owner)

    def _forget_the_pause(self) -> None:
        """Forget what the person did while nobody drove; what they still hold stays held."""
        if self._own_window is None:
            self._controls.picture_read()
        # Else the game was looked at just now: what came after that picture is no pause's.
        self._controls.forget_shown()

    def _let_go(self) -> None:
        """Release what the agent holds in a window of its own."""
        if self._own_window is not None:
            self._own_window.let_go()

    def _let_go_anyhow(self) -> None:
        """Release it after a fault: whatever comes of that, the attempt must be ended and kept."""
        try:
            self._let_go()
        except Exception:
            log.exception("what the agent held could not be let go")

    @abstractmethod
    def _begin(self, text: str, wish: Wish, *, anew: bool = False) -> None:
        """Begin an attempt; ``anew``: by itself, after the game's program ended in one."""

    @abstractmethod
    def _show_start(self) -> None:
        """Lay out the first start."""

    @abstractmethod
    def _step(self) -> bool:
        """Do what was asked and then at most one tick; return whether a tick was done."""

    @abstractmethod
    def _give_up(self, sentence: str, problem: Exception) -> None:
        """End the attempt after a fault, which ``sentence`` tells the person."""

    @abstractmethod
    def _shut_down(self) -> None:
        """End the attempt as interrupted, and close game and runner."""
