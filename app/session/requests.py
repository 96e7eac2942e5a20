"""What other threads ask of a session; the person's keys and mouse arrive here.

While the agent plays, a key or a clear move of the mouse becomes a takeover; what that changes is
in ``arbiter.py``.  Keys come from ``app/gui/play/game_keys.py`` or, of a game in its own window,
from ``recorder/input/hearing.py``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.session.api import Phase, Snapshot
from app.session.arbiter import Hands
from app.session.teaching_seeds import require_unjudged
from app.session.wiring import NEW_ATTEMPT, Ask, Player, Request, clock_of
from model.language.prompts import clean_instruction
from recorder.clock import Clock
from recorder.errors import GameError, ModelError
from recorder.games.base import Bindings, Game, Task
from recorder.games.controls import HeldControls
from recorder.store.rows import LabelSource
from recorder.types import Driver, Outcome

LET_GO_S = 0.25
"""From here on a person who drives is seen to do nothing."""
TAKEOVER_TURN_DEG = 2.0
"""A mouse move of less than this in one tick is a trembling hand, not a takeover."""


_PAUSES_OR_NOT = frozenset({Ask.PAUSE, Ask.RESUME, Ask.PLAY, Ask.DEMONSTRATE})


class SessionFront:
    """The thread-safe half of a session; the control thread's half is built on it."""

    def __init__(
        self,
        game: Game,
        *,
        player: Player | None,
        bindings: Bindings | None,
        clock: Clock | None,
        idle_handback_s: float | None,
        records: bool,
        seed: int,
    ) -> None:
        if records:
            require_unjudged(seed)
        self._records = records
        self._wake = threading.Condition()
        self._queue: deque[Request] = deque()
        self._snapshot = Snapshot(
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
        self._tasks = tuple(game.tasks())
        self._controls = HeldControls(bindings if bindings is not None else game.bindings)
        self._clock = clock if clock is not None else clock_of(game)
        self._idle_s = idle_handback_s
        self._last_input_ns = 0
        # Written by the control thread, read by all.
        self._hands = Hands()
        self._next_player = player
        self._player_problem = ""
        # Why nobody may play now, one sentence, "" where one may.
        self._resting = ""
        # Why the game cannot be played right now, one sentence, while that has it paused.
        self.suspended = ""
        # A wish to play that waits for the model.
        self._waiting: Request | None = None

    def tasks(self) -> Sequence[Task]:
        """Return the tasks that the game can judge."""
        return self._tasks

    @property
    def asked(self) -> bool:
        """Whether something was asked for that has not been served yet."""
        return bool(self._queue)

    @property
    def paused(self) -> bool:
        """Whether all is paused, or will be once what was asked for is done."""
        with self._wake:
            for request in reversed(self._queue):
                if request.ask in _PAUSES_OR_NOT:
                    return request.ask is Ask.PAUSE
            return self._hands.phase is Phase.PAUSED

    def snapshot(self) -> Snapshot:
        """Return the newest state; never blocks."""
        return self._snapshot

    def play(self, instruction: str) -> None:
        """Let the policy play; in an episode this changes the sentence.

        Raises UsageError for a sentence that cannot be heard, ModelError where the
        policy could not be loaded, GameError at rest.
        """
        self._refuse_at_rest()
        if self._player_problem and self._next_player is None:
            raise ModelError(self._player_problem)
        self._post(Request(Ask.PLAY, clean_instruction(instruction)))

    def demonstrate(self, instruction: str) -> None:
        """Begin an episode that the person drives from its first tick; raises GameError at rest."""
        self._refuse_at_rest()
        self._post(Request(Ask.DEMONSTRATE, clean_instruction(instruction)))

    def pause(self) -> None:
        """Release everything and freeze the loop."""
        self._controls.release_all()
        self._post(Request(Ask.PAUSE))

    def resume(self) -> None:
        """Go on with the driver that had the hands before the pause."""
        self._post(Request(Ask.RESUME))

    def stop(self, outcome: Outcome = Outcome.ABANDONED) -> None:
        """End the episode; one that nobody can judge ends as unknown."""
        self._post(Request(Ask.STOP, outcome=outcome))

    def mark(self, outcome: Outcome) -> None:
        """End the episode with the person's own verdict."""
        self._post(Request(Ask.STOP, outcome=outcome, by_person=True))

    def reset(self, seed: int | None = None) -> None:
        """Abandon the episode and show a new start (None: the next seed).

        Raises UsageError for a seed that judges while attempts are recorded: what is recorded
        is taught.
        """
        if seed is not None and self._records:
            require_unjudged(seed)
        self._post(Request(Ask.RESET, seed=seed))

    def hand_back(self) -> None:
        """Give the hands back to the policy."""
        self._post(Request(Ask.HAND_BACK))

    def take_back(self) -> None:
        """Undo a takeover that only the keys of a shortcut made; the agent goes on."""
        self._controls.release_all()
        self._post(Request(Ask.TAKE_BACK))

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        """Hear a key or button; a bound one takes over while the policy plays."""
        if not self._controls.key(name, down, mono_ns):
            return
        self._last_input_ns = self._clock.now_ns()
        if down:
            self._post_takeover()

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Hear a mouse move; a clear one takes over while the policy plays."""
        self._controls.motion(dx_counts, dy_counts, mono_ns)
        playing = self._hands.phase is Phase.PLAYING
        if playing and self._controls.turned_deg < TAKEOVER_TURN_DEG:
            return
        self._last_input_ns = self._clock.now_ns()
        if playing:
            self._post_takeover()

    def picture_read(self) -> None:
        """Hear that a picture of a game in its own window was read; control thread only."""
        self._controls.picture_read()

    def take_over(self) -> None:
        """Hear that the person touched the game; takes over while the policy plays."""
        self._last_input_ns = self._clock.now_ns()
        self._post_takeover()

    def focus_lost(self) -> None:
        """Release the person's keys."""
        self._controls.release_all()

    def rest(self, sentence: str) -> None:
        """Pause, and let nobody play until :meth:`wake_up`; ``sentence`` says why."""
        with self._wake:
            self._resting = sentence
        if self._hands.phase is not Phase.WATCHING:
            self.pause()

    def wake_up(self) -> None:
        """Let play go on; it goes on when the person says so.  Nothing where it does not rest."""
        with self._wake:
            self._resting = ""

    def _refuse_at_rest(self) -> None:
        if self._resting:
            raise GameError(self._resting)

    def set_idle_handback_s(self, seconds: float | None) -> None:
        """Hand back after so long without input; None is never."""
        self._idle_s = seconds

    def use_bindings(self, bindings: Bindings) -> None:
        """Change what the person's keys mean, at once."""
        self._controls.use_bindings(bindings)

    def use_player(self, player: Player) -> None:
        """Let another policy play from the next episode on."""
        with self._wake:
            self._player_problem = ""
            self._snapshot = replace(self._snapshot, policy_problem="")
            self._next_player = player
            self._wake.notify_all()

    def player_failed(self, sentence: str) -> None:
        """Say why there is no policy; playing is refused with this sentence."""
        with self._wake:
            self._player_problem = sentence
            self._waiting = None
            self._snapshot = replace(self._snapshot, message=sentence, policy_problem=sentence)
            self._wake.notify_all()

    def forget_requests(self) -> None:
        """Serve nothing of what was asked for and not served yet."""
        with self._wake:
            self._queue.clear()

    def wait_for(self, true_of: Callable[[Snapshot], bool], timeout_s: float | None = None) -> bool:
        """Wait until a state is reached; False after ``timeout_s``."""
        with self._wake:
            return self._wake.wait_for(lambda: true_of(self._snapshot), timeout_s)

    def wait_until_asked(self, timeout_s: float) -> bool:
        """Wait until something is asked for that was not served; False after ``timeout_s``."""
        with self._wake:
            return self._wake.wait_for(lambda: bool(self._queue), timeout_s)

    def _post(self, request: Request) -> None:
        with self._wake:
            self._queue.append(request)
            self._wake.notify_all()

    def _post_takeover(self) -> None:
        """Ask for the hands; nothing where nobody plays.

        Also while the person has them: a hand-back may be on its way, and who touches the game
        after it wants them back.  In that order they stand in the queue.
        """
        if self._hands.phase is Phase.WATCHING:
            return
        with self._wake:
            if not self._queue or self._queue[-1].ask is not Ask.TAKE_OVER:
                self._queue.append(Request(Ask.TAKE_OVER))
                self._wake.notify_all()

    @property
    def _touched(self) -> bool:
        """Whether the person holds a key or has clearly turned the mouse since the last tick."""
        return bool(self._controls.keys_held) or self._controls.turned_deg >= TAKEOVER_TURN_DEG

    @property
    def _idle_too_long(self) -> bool:
        """Whether the person has done nothing for so long that the hands go back by themselves."""
        if self._idle_s is None or self._controls.keys_held:
            return False
        return self._idle_for_s >= self._idle_s

    @property
    def _idle_for_s(self) -> float:
        return (self._clock.now_ns() - self._last_input_ns) / 1e9

    @property
    def _hand_back_share(self) -> float:
        """What is left, 1 to 0, of the time until the hands go back by themselves; 0 if they won't.

        Somebody who drives lets go for a moment all the time: that does not count yet.
        """
        if self._hands.phase is not Phase.CORRECTING or not self._idle_s:
            return 0.0
        idle_s = self._idle_for_s
        if self._controls.keys_held or idle_s < LET_GO_S:
            return 0.0
        return max(0.0, 1.0 - idle_s / self._idle_s)

    def _last_word(self, outcome: Outcome, source: LabelSource) -> tuple[Outcome, LabelSource]:
        """Return how an attempt ends that ends right now, and who says so.

        Asked for while its last tick ran, the person's verdict is newer than ``outcome``, and is
        served by that.  What follows a wish for another attempt is not about this one.
        """
        with self._wake:
            for request in self._queue:
                if request.ask in NEW_ATTEMPT:
                    break
                if request.ask is Ask.STOP and request.by_person:
                    self._queue.remove(request)
                    return request.outcome, LabelSource.PERSON
        return outcome, source

    def _take(self, only: frozenset[Ask] | None = None) -> Request | None:
        with self._wake:
            if not self._queue or (only is not None and self._queue[0].ask not in only):
                return None
            return self._queue.popleft()
