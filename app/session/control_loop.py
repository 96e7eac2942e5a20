"""What a session does in each tick: serve requests, decide who drives, act, see if it is over."""

from __future__ import annotations

import contextlib

from app.session.api import Phase
from app.session.arbiter import Hands, Wish
from app.session.attempt import NO_ATTEMPT, Attempt, AttemptFigures, SnapshotChanges
from app.session.session_thread import SessionThread
from app.session.wiring import (
    NOT_AT_REST,
    UNJUDGED_NOW,
    URGENT,
    Ask,
    MakeRecording,
    MakeRunner,
    Player,
    Reopen,
    Request,
    ScriptedHands,
    missing_in,
)
from model.play.episode import Decision, Proposal
from model.play.runner import BackgroundRunner
from recorder.clock import Clock
from recorder.errors import GameEndedError, GameSuspendedError
from recorder.games import find_task
from recorder.games.base import Bindings, Game, Task
from recorder.games.seeds import SeedRange, next_seed
from recorder.store.rows import EpisodeKind, LabelSource
from recorder.types import NO_ACTION, Action, Driver, Frame, InputEvent, Outcome

IDLE_HANDBACK_S = 1.5
ANOTHER_ROOM = "This sentence needs another start than the one that was shown, so it has one."
ASKING = (
    "The agent has been at this for {seconds:.0f} s, and nobody but you can tell whether it is "
    "done: say how it went, or let it go on."
)
LOADING_SENTENCE = "The agent is still waking up; it starts by itself as soon as it is ready."


class LiveSession(SessionThread):
    """Implements :class:`app.session.api.PlaySession` over one game.

    With ``threaded`` it runs its own control thread from :meth:`start` to :meth:`close`;
    without, the caller does the ticks by :meth:`step`, on one thread.  The session owns
    the game and closes it.  With ``reopen`` a game whose program has ended is opened again for
    the next attempt; with ``threaded`` too, the attempt in which it ended is begun anew, once.
    With ``ask_after_s`` an attempt that nobody judges pauses after so long without a hand of the
    person's, for them to say how it went (:attr:`~app.session.api.Snapshot.asks`).  ``starts_seen``
    says that somebody looks at a start before it is played, and is to be told of another one.
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
        seed: int = SeedRange.TEACHING.first,
        paced: bool = True,
        threaded: bool = True,
        hands: ScriptedHands | None = None,
        ask_after_s: float | None = None,
        starts_seen: bool = False,
        reopen: Reopen | None = None,
    ) -> None:
        super().__init__(
            game,
            player=player,
            make_runner=make_runner,
            bindings=bindings,
            clock=clock,
            idle_handback_s=idle_handback_s,
            records=make_recording is not None,
            seed=seed,
            threaded=threaded,
            reopen=reopen,
        )
        self._make_recording = make_recording
        self._scripted = hands
        self._paced = paced
        self._ask_after_s = ask_after_s
        self._starts_seen = starts_seen
        self._task: Task = self._tasks[0] if self._tasks else find_task(game, "")
        self._seed = seed
        # The task whose start is shown, "" for none.
        self._shown = ""
        # The sentence that the agent played on this start, "" if somebody else did.
        self._watched = ""

    @property
    def paced(self) -> bool:
        """Whether ticks come at the game's rate; else the world waits for the agent."""
        return self._paced

    @property
    def panicked(self) -> bool:
        """Whether the person has pressed the panic key in a game in a window of its own."""
        return self._own_window is not None and self._own_window.panicked

    def _give_up(self, sentence: str, problem: Exception) -> None:
        self._controls.release_all()
        self._let_go_anyhow()
        self._waiting = None
        attempt, self._attempt = self._attempt, None
        self._hands = Hands()
        if attempt is not None:
            attempt.end(*self._last_word(Outcome.INTERRUPTED, LabelSource.RECORDER))
        # Without an attempt none has begun: how the one before went is not how this one did.
        cleared: AttemptFigures = NO_ATTEMPT if attempt is None else {}
        self._publish(attempt, **cleared, message=sentence, driver=Driver.NOBODY, problem=problem)

    def _shut_down(self) -> None:
        self._controls.release_all()
        attempt, self._attempt = self._attempt, None
        self._hands = Hands()
        with contextlib.ExitStack() as closing:
            closing.callback(self._game.close)
            closing.callback(self._seat.close)
            if attempt is not None:
                attempt.end(Outcome.INTERRUPTED, LabelSource.RECORDER)
                self._publish(attempt, driver=Driver.NOBODY)

    def _step(self) -> bool:
        while (request := self._take()) is not None:
            self._serve(request)
        if self._attempt is None:
            self._swap_player()
            if self._waiting is not None and self._seat.player is not None and not self._resting:
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
        except GameEndedError as error:
            self._begin_anew(attempt, error)
            return False
        self._publish()
        outcome = attempt.outcome()
        if outcome is not None:
            self._end(*self._last_word(*outcome))
        elif self._ask_after_s is not None and attempt.unjudged_s >= self._ask_after_s:
            self._move(Wish.PAUSE)
            self._asks = True
            self._publish(message=ASKING.format(seconds=self._ask_after_s))
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
        if self._hands.phase is Phase.CORRECTING and self._idle_too_long:
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
                self._waiting = None
                self._end(Outcome.ABANDONED, LabelSource.PERSON)
                self._begin(request.text, Wish.DEMONSTRATE)
            case Ask.STOP:
                self._waiting = None
                if self._attempt is None and request.by_person:
                    self._say_later(request.outcome)
                source = LabelSource.PERSON if request.by_person else LabelSource.GAME
                self._end(request.outcome, source)
            case Ask.RESET:
                self._waiting = None
                self._end(Outcome.ABANDONED, LabelSource.GAME)
                self._seed = next_seed(self._seed) if request.seed is None else request.seed
                self._show_start()
            case _:
                self._serve_hands(request)

    def _swap_player(self) -> None:
        player = self._next_player
        if player is not self._seat.player:
            self._seat.give_to(player)
            self._publish()

    def _begin_or_edit(self, request: Request) -> None:
        if self._attempt is not None:
            told = self._attempt.say(request.text, find_task(self._game, request.text))
            if self._seat.player is not None:
                self._move(Wish.PLAY)
            news: SnapshotChanges = {"missing": missing_in(self._game, request.text)}
            if self._hands.phase is not Phase.PAUSED:
                # Else it says why it cannot go on.
                news["message"] = told
            self._publish(**news)
            return
        self._swap_player()
        if self._seat.player is None:
            self._waiting = request
            self._publish(**NO_ATTEMPT, message=LOADING_SENTENCE, instruction=request.text)
            return
        self._begin(request.text, Wish.PLAY)

    def _begin(self, text: str, wish: Wish, *, anew: bool = False) -> None:
        self._wish, self._anew = wish, anew
        self._swap_player()
        self._controls.release_all()
        self._task = find_task(self._game, text)
        # What the agent was just watched at is shown where it was: that start is the lesson.
        again = wish is Wish.DEMONSTRATE and text == self._watched
        self._seed = self._seed if self._fresh or again else next_seed(self._seed)
        # What a person looks at before they press Play, if that is another start.
        shown, self._shown = self._shown if self._fresh and self._starts_seen else "", ""
        self._fresh = False
        self._watched = text if wish is Wish.PLAY else ""
        kind = EpisodeKind.DEMONSTRATION if wish is Wish.DEMONSTRATE else EpisodeKind.ROLLOUT
        recording = None
        if self._make_recording is not None:
            recording = self._make_recording(kind, self._seat.adapter_id)
        judge = self._seat.judge_of(text) if wish is Wish.PLAY and not self._task.judged else None
        attempt = self._attempt = self._with_its_program(
            lambda: Attempt.begun(
                self._game,
                self._task,
                self._seed,
                text,
                runner=self._seat.runner,
                policy_name=self._seat.name,
                recording=recording,
                clock=self._clock,
                paced=self._paced,
                judge=judge,
            )
        )
        self._last_input_ns = self._clock.now_ns()
        self._hands = Hands()
        self._move(wish)
        self._publish(
            seed=self._seed,
            message="" if shown in {"", self._task.id} else ANOTHER_ROOM,
            # What a game judges it has laid out.
            missing="" if self._task.judged else missing_in(self._game, text),
            executed=NO_ACTION,
            driver=self._hands.owner,
            attempts=self._snapshot.attempts + 1,
            problem=None,
        )
        if wish is Wish.PLAY:
            attempt.await_answer(self._called)

    def _end(self, outcome: Outcome, source: LabelSource) -> None:
        attempt, self._attempt = self._attempt, None
        self._move(Wish.END)
        if attempt is None:
            return
        self._controls.release_all()
        self._let_go()
        told = attempt.end(outcome, source, shown=self._wish is Wish.DEMONSTRATE)
        over = self._snapshot.message == UNJUDGED_NOW
        news: SnapshotChanges = {"message": told} if told or over else {}
        news["driver"] = Driver.NOBODY
        self._publish(attempt, **news)

    def _say_later(self, outcome: Outcome) -> None:
        """Show the person's verdict on the attempt that has ended, if there is one."""
        if self._snapshot.outcome is not None:
            self._publish(outcome=outcome, message="")

    def _show_start(self) -> None:
        frame = self._with_its_program(lambda: self._game.reset(self._task, self._seed))
        self._let_go()
        self._fresh = True
        self._shown = self._task.id
        self._watched = ""
        self._publish(
            **NO_ATTEMPT,
            frame=frame,
            task=self._task,
            seed=self._seed,
            missing="",
            problem=None,
            message=self._player_problem,
            driver=Driver.NOBODY,
        )
