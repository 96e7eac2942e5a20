"""The parts that a play session is built from: player, recorder, hands, runner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.play.episode import EpisodeObserver
from model.play.policy import Policy
from model.play.runner import BackgroundRunner, LockStepRunner
from recorder.clock import Clock, MonotonicClock
from recorder.errors import KnownError
from recorder.games.base import FurnishedGame, Game, OwnWindowGame
from recorder.store import EpisodeKind, LabelSource, Store
from recorder.store.pairing import PICTURE_FIRST, ROWS
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, Action, Frame, Outcome

STOPPED_SHOWING = (
    "It was stopped before it was marked as done, so it is not taught; if it was well, press Done."
)
UNJUDGED_NOW = (
    "The game judges only the sentence that an attempt began with, so say yourself when this one "
    "is done, or has failed."
)
CHANGED_SENTENCE = (
    "The sentence was changed on the way, so the game cannot judge this attempt; mark it "
    "yourself in the library if you know how it went."
)
BUG_SENTENCE = (
    "Something inside Playteach went wrong and this attempt was ended; what was recorded is "
    "kept; please copy the diagnostics and report it."
)
SEEN_DONE = "Its own eye calls this done ({account}); if it is not, press Failed."
AnyRunner = BackgroundRunner | LockStepRunner
MakeRunner = Callable[[Policy], AnyRunner]


class Judge(Protocol):
    """Follows one attempt at a sentence that the game cannot judge, while the agent drives."""

    @property
    def account(self) -> str:
        """How good it is, in a few words: "right about 11 of 12 attempts that you marked"."""
        ...

    @property
    def ticks(self) -> int:
        """The longest attempt that it may judge."""
        ...

    def done(self, glance: NDArray[np.float32], action: Action) -> bool:
        """Return whether it is done, now that ``action`` has led to what ``glance`` tells of."""
        ...


JudgeOf = Callable[[str], Judge | None]
"""Returns what judges a new attempt at a sentence; None if nothing can."""


def nobody(sentence: str) -> Judge | None:
    """Return None: nothing judges a sentence that the game does not."""
    del sentence
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Player:
    """Who plays from the next episode on; ``adapter_id`` is the store's, None for the base.

    ``judge_of`` gives what judges its attempts at sentences that the game does not.
    """

    policy: Policy
    adapter_id: int | None = None
    judge_of: JudgeOf = nobody

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.policy.name


class Recording(EpisodeObserver, Protocol):
    """An observer that stores one episode, as :class:`~recorder.store.EpisodeRecorder` does."""

    @property
    def episode_id(self) -> int | None:
        """Id of the newest episode."""
        ...

    @property
    def recorded_s(self) -> float:
        """Seconds of the newest episode that were taken."""
        ...

    @property
    def lost_ticks(self) -> int:
        """Ticks of the newest episode that could not be stored."""
        ...

    @property
    def problem(self) -> KnownError | None:
        """Why recording stopped, None while all is well."""
        ...

    def outcome_from(self, source: LabelSource) -> None:
        """Say who gives the outcome."""
        ...

    def take_back(self, tick: int) -> None:
        """Note that the person's driving from ``tick`` on was no correction but a shortcut."""
        ...


MakeRecording = Callable[[EpisodeKind, int | None], Recording]
"""Makes the recording of one episode: its kind and the adapter that plays (None: base)."""


def store_recording(
    store: Store,
    game: Game,
    *,
    policy: str = "",
    wait_when_full: bool = False,
    width: int = MAX_FRAME_WIDTH,
    height: int = MAX_FRAME_HEIGHT,
) -> tuple[int, MakeRecording]:
    """Note in the store that a game runs; return the session's id and what records it.

    ``policy`` "" records under the policy's own name.  ``wait_when_full`` is for runs that
    are faster than the encoder: a tick waits then.
    """
    session_id = store.begin_session(
        game.name,
        tick_rate_hz=game.tick_rate_hz,
        width=width,
        height=height,
        realtime=game.realtime,
        bindings={
            "keys": dict(game.bindings.keys),
            "degrees_per_count": game.bindings.degrees_per_count,
        },
        extra={**game.facts(), ROWS: PICTURE_FIRST} if isinstance(game, OwnWindowGame) else None,
    )
    # One recorder per kind and adapter serves episode after episode.
    made: dict[tuple[EpisodeKind, int | None], Recording] = {}

    def make(kind: EpisodeKind, adapter_id: int | None) -> Recording:
        if (kind, adapter_id) not in made:
            made[(kind, adapter_id)] = store.episode_recorder(
                session_id,
                kind=kind,
                adapter_id=adapter_id,
                policy=policy,
                when_full="wait" if wait_when_full else "stop",
                # What has a window of its own is Luanti, Minecraft or the like.
                blocky=isinstance(game, OwnWindowGame),
            )
        return made[(kind, adapter_id)]

    return session_id, make


Reopen = Callable[[], Game]
"""Opens a session's game again once its program has ended; raises GameError where it cannot."""
GIL_TURN_S = 0.001


def take_short_turns() -> None:
    """Let the threads of this process take turns of a millisecond.

    Five share the interpreter: with Python's own 5 ms a turn, a tick or a painted window could
    wait for four of them, each time that it has waited for anything else.
    """
    sys.setswitchinterval(GIL_TURN_S)


ScriptedHands = Callable[[Frame], None]
"""Called on the control thread before each decision; may press keys of the session."""


def missing_in(game: Game, sentence: str) -> str:
    """Return what a sentence names and the game has not laid out, "" if it cannot tell."""
    return game.missing(sentence) if isinstance(game, FurnishedGame) else ""


class Ask(StrEnum):
    """What may be asked of the session."""

    PLAY = "play"
    DEMONSTRATE = "demonstrate"
    TAKE_OVER = "take_over"
    HAND_BACK = "hand_back"
    TAKE_BACK = "take_back"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RESET = "reset"


URGENT = frozenset({Ask.TAKE_OVER, Ask.HAND_BACK, Ask.TAKE_BACK, Ask.PAUSE})
"""Asked for while a tick waits for its deadline, these count in that very tick."""


NEW_ATTEMPT = frozenset({Ask.PLAY, Ask.DEMONSTRATE, Ask.RESET})
"""What begins an attempt, or shows another start, if none is under way."""
NOT_AT_REST = NEW_ATTEMPT | {Ask.RESUME}
"""What would give the game the keyboard."""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked of the session; the fields that an ask does not need stay empty."""

    ask: Ask
    text: str = ""
    seed: int | None = None
    outcome: Outcome = Outcome.ABANDONED
    by_person: bool = False


def clock_of(game: Game) -> Clock:
    """Return the clock to pace a game by: a game in a window of its own brings one."""
    return game.clock if isinstance(game, OwnWindowGame) else MonotonicClock()
