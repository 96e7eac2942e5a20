"""The play session: one control thread that owns the game and asks who drives each tick."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from app.session.api import Phase, Snapshot
from app.session.arbiter import Hands, Wish, move
from app.session.attempt import NO_ATTEMPT, Attempt, unhurried
from app.session.requests import TAKEOVER_TURN_DEG, SessionFront
from app.session.wiring import (
    BUG_SENTENCE,
    CHANGED_SENTENCE,
    NOT_AT_REST,
    URGENT,
    AnyRunner,
    Ask,
    MakeRecording,
    MakeRunner,
    Player,
    Request,
    ScriptedHands,
    clock_of,
)
from model.play.episode import Decision, EpisodeLoop, Proposal, episode_seed
from model.play.runner import BackgroundRunner
from recorder.clock import Clock, Pacer
from recorder.errors import GameSuspendedError, KnownError
from recorder.games import find_task
from recorder.games.base import Bindings, Game, OwnWindowGame, Task
from recorder.store.rows import EpisodeKind, LabelSource
from recorder.threads import BackgroundThread
from recorder.types import NO_ACTION, Action, Driver, Frame, InputEvent, Outcome

log = logging.getLogger(__name__)

IDLE_HANDBACK_S = 1.5
RELEASE_S = 60.0
"""A thought that is under way is thought to its end before a policy goes."""
LOADING_SENTENCE = "The agent is still waking up; it starts by itself as soon as it is ready."


class LiveSession(SessionFront):
    """Implements :class:`app.session.api.PlaySession` over one game.

    With ``threaded`` it runs its own control thread from :meth:`start` to :meth:`close`;
    without, the caller does the ticks by :meth:`step`, on one thread.  The session owns
    the game and closes it.
    """

    def __init__(
        self,
        game: Game,
        *,
        player: Player | None = None,
        make_recording: MakeRecording | None = None,
        make_runner: MakeRunner = BackgroundRunner,
        clock: Clock | None = None,
        bindings: Bindings | None = None,
        idle_handback_s: float | None = IDLE_HANDBACK_S,
        seed: int = 1,
        paced: bool = True,
        threaded: bool = True,
        hands: ScriptedHands | None = None,
    ) -> None:
        first = Snapshot(
            phase=Phase.WATCHING,
            driver=Driver.NOBODY,
            frame=None,
            instruction="",
            task=None,
            seed=seed,
            tick=0,
            tick_rate_hz=game.tick_rate_hz,
            policy="" if player is None else player.name,
            policy_ready=player is not None,
        )
        super().__init__(
            first,
            tasks=game.tasks(),
            bindings=bindings if bindings is not None else game.bindings,
            clock=clock if clock is not None else clock_of(game),
            player=player,
            idle_handback_s=idle_handback_s,
        )
        self._game = game
        self._own_window = game if isinstance(game, OwnWindowGame) else None
        self._make_recording = make_recording
        self._make_runner = make_runner
        self._scripted = hands
        self._paced = paced
        self._attempt: Attempt | None = None
        self._player: Player | None = None
        self._runner: AnyRunner | None = None
        self._task: Task = self._tasks[0] if self._tasks else find_task(game, "")
        self._seed = seed
        self._fresh = True
        # A hand-back that waits for the tick that carries the person's last input.
        self._handing_back = False
        self._closing = False
        self._thread: BackgroundThread | None = None
        self._threaded = threaded

    @property
    def waits_for_thoughts(self) -> bool:
        """Whether a world that can stand still does so for the agent's thought; from any thread.

        It does not where the person has the hands, or wants something.
        """
        return self._hands.phase is Phase.PLAYING and not self._called()

    @property
    def paced(self) -> bool:
        """Whether ticks come at the game's rate; else the world waits for the agent."""
        return self._paced

    def start(self) -> LiveSession:
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
            if self._wake.wait_for(lambda: self._player is None, timeout_s):
                return True
            # An attempt began just now.
            if self._next_player is None:
                self._next_player = before
            return False

    # The control thread

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
            or (self._attempt is None and self._next_player is not self._player)
        )

    @property
    def _touched(self) -> bool:
        return bool(self._controls.keys_held) or self._controls.turned_deg >= TAKEOVER_TURN_DEG

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

    def _give_up(self, sentence: str, problem: Exception) -> None:
        self._controls.release_all()
        self._let_go()
        self._waiting = None
        attempt, self._attempt = self._attempt, None
        self._hands = Hands()
        if attempt is not None:
            attempt.end(Outcome.INTERRUPTED, LabelSource.RECORDER)
        # Without an attempt none has begun: how the one before went is not how this one did.
        cleared = NO_ATTEMPT if attempt is None else {}
        self._publish(attempt, **cleared, message=sentence, driver=Driver.NOBODY, problem=problem)

    def _shut_down(self) -> None:
        self._controls.release_all()
        attempt, self._attempt = self._attempt, None
        self._hands = Hands()
        try:
            if attempt is not None:
                attempt.end(Outcome.INTERRUPTED, LabelSource.RECORDER)
                self._publish(attempt, driver=Driver.NOBODY)
        finally:
            if self._runner is not None:
                self._runner.close()
            self._game.close()

    def _step(self) -> bool:
        while (request := self._take()) is not None:
            self._serve(request)
        if self._attempt is None:
            self._swap_player()
            if self._waiting is not None and self._player is not None and not self._resting:
                request, self._waiting = self._waiting, None
                self._serve(request)
        if not self._hands.driving or self._attempt is None:
            return False
        attempt = self._attempt
        try:
            attempt.tick(self._decide)
        except GameSuspendedError as error:
            # The game is there, but not in front of the person: nothing is lost by waiting.
            self._move(Wish.PAUSE)
            self.suspended = error.sentence
            self._publish(message=error.sentence)
            return False
        self._publish()
        outcome = attempt.outcome()
        if outcome is not None:
            self._end(outcome, LabelSource.GAME)
        return True

    def _decide(self, frame: Frame, proposal: Proposal | None) -> Decision:
        if self._scripted is not None:
            self._scripted(frame)
        if self._own_window is not None:
            # The listener may not have had its turn yet.
            self._own_window.hear()
        while (request := self._take(URGENT)) is not None:
            self._serve(request)
        self._hand_back_if_idle()
        if self._touched:
            # Also what was pressed or turned just as the hands went back.
            self._move(Wish.TAKE_OVER)
        window = self._own_window
        heard = self._heard if window is not None and window.listening else None
        match self._hands.owner:
            case Driver.PERSON:
                if heard is not None:
                    # What came before the picture belongs to the tick before, which was not theirs.
                    self._controls.forget_shown()
                    return Decision(NO_ACTION, Driver.PERSON, heard=heard)
                action, events = self._controls.take()
                if self._handing_back:
                    self._move(Wish.HAND_BACK)
                return Decision(action, Driver.PERSON, events)
            case Driver.POLICY:
                # What the person did not mean as a takeover is forgotten.
                self._controls.take()
                if proposal is not None:
                    return Decision(proposal.action, Driver.POLICY, heard=heard)
        return Decision(NO_ACTION, Driver.NOBODY, heard=heard)

    def _heard(self) -> tuple[Action, tuple[InputEvent, ...]]:
        """Return what the person did until the newest picture, and let them hand back after it."""
        done = self._controls.take_shown()
        if self._handing_back:
            self._move(Wish.HAND_BACK)
        return done

    def _hand_back_if_idle(self) -> None:
        if self._hands.phase is not Phase.CORRECTING or self._idle_s is None:
            return
        idle_s = (self._clock.now_ns() - self._last_input_ns) / 1e9
        if idle_s >= self._idle_s and not self._controls.keys_held:
            # Nothing is held, so nothing is released: a key pressed right now would be lost.
            self._move(Wish.HAND_BACK, idle=True)

    def _serve(self, request: Request) -> None:
        if self._resting and request.ask in NOT_AT_REST:
            self._waiting = None
            self._publish(message=self._resting)
            return
        match request.ask:
            case Ask.PLAY:
                self._begin_or_edit(request)
            case Ask.DEMONSTRATE:
                self._end(Outcome.ABANDONED, LabelSource.PERSON)
                self._begin(request.text, Wish.DEMONSTRATE)
            case Ask.STOP:
                self._waiting = None
                source = LabelSource.PERSON if request.by_person else LabelSource.GAME
                self._end(request.outcome, source)
            case Ask.RESET:
                self._waiting = None
                self._end(Outcome.ABANDONED, LabelSource.GAME)
                self._seed = self._seed + 1 if request.seed is None else request.seed
                self._show_start()
            case Ask.HAND_BACK:
                if self._hands.phase is Phase.CORRECTING and self._controls.untaken:
                    # What they did just before it happened in the game: one more tick is theirs.
                    self._handing_back = True
                else:
                    self._move(Wish.HAND_BACK)
            case Ask.TAKE_OVER:
                self._handing_back = False
                self._move(Wish.TAKE_OVER)
            case Ask.PAUSE:
                self._waiting = None
                self._move(Wish.PAUSE)
            case Ask.RESUME:
                self._move(Wish.RESUME)

    def _begin_or_edit(self, request: Request) -> None:
        if self._attempt is not None:
            self._attempt.say(request.text, find_task(self._game, request.text))
            if self._player is not None:
                self._move(Wish.PLAY)
            self._publish()
            return
        self._swap_player()
        if self._player is None:
            self._waiting = request
            self._publish(**NO_ATTEMPT, message=LOADING_SENTENCE, instruction=request.text)
            return
        self._begin(request.text, Wish.PLAY)

    def _begin(self, text: str, wish: Wish) -> None:
        self._swap_player()
        self._controls.release_all()
        self._task = find_task(self._game, text)
        self._seed += 0 if self._fresh else 1
        self._fresh = False
        kind = EpisodeKind.DEMONSTRATION if wish is Wish.DEMONSTRATE else EpisodeKind.ROLLOUT
        adapter_id = None if self._player is None else self._player.adapter_id
        recording = None if self._make_recording is None else self._make_recording(kind, adapter_id)
        pacer = Pacer(self._clock, self._game.tick_rate_hz) if self._paced else None
        loop = EpisodeLoop(
            self._game,
            self._runner,
            policy_name=self._policy_name,
            observers=() if recording is None else (recording,),
            clock=self._clock,
            pacer=pacer,
        )
        task, seed = self._task, self._seed
        played = unhurried(task, self._game.tick_rate_hz)
        loop.begin(played, seed, instruction=text, policy_seed=episode_seed(task.id, seed))
        self._attempt = Attempt(loop, pacer, task, text, recording=recording, runner=self._runner)
        self._last_input_ns = self._clock.now_ns()
        self._hands = Hands()
        self._move(wish)
        self._publish(
            seed=self._seed, message="", executed=NO_ACTION, driver=self._hands.owner,
            attempts=self._snapshot.attempts + 1, problem=None,
        )  # fmt: skip
        if wish is Wish.PLAY:
            loop.await_answer(self._called)

    def _end(self, outcome: Outcome, source: LabelSource) -> None:
        attempt, self._attempt = self._attempt, None
        self._move(Wish.END)
        if attempt is None:
            return
        self._controls.release_all()
        self._let_go()
        message = ""
        if source is LabelSource.GAME and not attempt.judged:
            message = CHANGED_SENTENCE if attempt.task.judged else ""
            outcome = Outcome.UNKNOWN
        attempt.end(outcome, source)
        news: dict[str, object] = {"message": message} if message else {}
        self._publish(attempt, driver=Driver.NOBODY, **news)

    def _show_start(self) -> None:
        frame = self._game.reset(self._task, self._seed)
        self._let_go()
        self._fresh = True
        self._publish(
            **NO_ATTEMPT, frame=frame, task=self._task, seed=self._seed, problem=None,
            message=self._player_problem, driver=Driver.NOBODY,
        )  # fmt: skip

    def _move(self, wish: Wish, *, idle: bool = False) -> None:
        before, after = self._hands, move(self._hands, wish)
        if after is before:
            return
        if after.driving and before.phase is Phase.PAUSED and not self._come_back():
            return
        self._hands = after
        self.suspended = ""
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
            self._last_input_ns = self._clock.now_ns()
        self._publish(driver=self._hands.owner)

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

    def _let_go(self) -> None:
        """Release what the agent holds in a window of its own."""
        if self._own_window is not None:
            self._own_window.let_go()

    def _swap_player(self) -> None:
        player = self._next_player
        if player is self._player:
            return
        old, self._runner = self._runner, None
        self._player = None
        if old is not None:
            old.close()
        if player is not None:
            self._runner = self._make_runner(player.policy)
            self._player = player
        self._publish()

    @property
    def _policy_name(self) -> str:
        return "" if self._player is None else self._player.name

    def _publish(self, attempt: Attempt | None = None, **changes: object) -> None:
        of = attempt if attempt is not None else self._attempt
        with self._wake:
            news = replace(
                self._snapshot,
                phase=self._hands.phase,
                policy=self._policy_name,
                policy_ready=self._player is not None,
            )
            if of is not None:
                news = of.describe(news)
            self._snapshot = replace(news, **changes)  # type: ignore[arg-type]
            self._wake.notify_all()
