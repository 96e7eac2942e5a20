"""What every game looks like from outside: a small protocol and its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from recorder.clock import Clock
from recorder.types import Action, Frame, Outcome

if TYPE_CHECKING:
    from recorder.input.hearing import Ears, Hotkey


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a game can judge.

    ``id`` is stable and machine-readable ("go_to:red_torch"); ``instruction`` is the
    sentence said to the player.  ``verb`` and ``thing`` split it for tables.
    ``max_ticks`` is the time limit.  ``phrasings`` are other ways to say it that may be
    trained on, ``heldout_phrasings`` some that never are; ``split`` is "train", "heldout"
    or "" where a game has no such thing.  ``sort`` is a noun for the things that ``thing`` is
    one of ("monster"), "" if there is none.  A free-text task (``id`` "free") is never judged.
    """

    id: str
    instruction: str
    verb: str = ""
    thing: str = ""
    max_ticks: int = 0
    phrasings: tuple[str, ...] = ()
    heldout_phrasings: tuple[str, ...] = ()
    split: str = ""
    sort: str = ""

    @property
    def judged(self) -> bool:
        """Whether the game can tell success from failure."""
        return self.id != FREE_TASK_ID


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry of a suite: a task, and what the player hears ("" for its own sentence)."""

    task: Task
    say: str = ""

    @property
    def heard(self) -> str:
        """The sentence that the player hears."""
        return self.say or self.task.instruction


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a game cannot be played on this machine.

    ``problem`` goes on from the game's name ("is not installed, so it cannot be played").
    ``broken`` says that it was installed and that a part of it is gone since.
    """

    problem: str
    broken: bool = False


FREE_TASK_ID = "free"


def free_task(instruction: str) -> Task:
    """Return the task for a sentence that the game cannot judge."""
    return Task(id=FREE_TASK_ID, instruction=instruction)


@dataclass(frozen=True, slots=True)
class Bindings:
    """How controls map to keys and mouse.

    ``keys`` maps a control ("forward", "hotbar.3") to a key ("W", "Shift", "Space", "1") or a
    mouse button ("LeftButton", "RightButton").  A key is the place on the keyboard that has this
    name on a US one (:mod:`recorder.input.keys`), whatever the layout in use types there.  With
    ``letters`` it is the key that types this under the layout in use, for games that know keys so.
    ``degrees_per_count`` is the camera turn of one mouse count.  ``pitch_up`` says that this game
    looks up by a positive pitch, against :class:`recorder.types.Action`.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    degrees_per_count: float = 0.15
    letters: bool = False
    pitch_up: bool = False

    @property
    def pitch_per_count(self) -> float:
        """The pitch of one mouse count downwards, in degrees: moving it down looks down."""
        return -self.degrees_per_count if self.pitch_up else self.degrees_per_count


@runtime_checkable
class Game(Protocol):
    """One running game.  Calls come from one thread, the control thread.

    ``realtime`` False: the world waits for :meth:`step`; True: it does not.
    """

    name: str
    title: str
    tick_rate_hz: float
    realtime: bool
    bindings: Bindings

    def tasks(self) -> Sequence[Task]:
        """Return every task that this game can judge, in a fixed order."""
        ...

    def reset(self, task: Task, seed: int) -> Frame:
        """Begin a new attempt; the same task and seed give the same start.

        A free task takes any seed and never ends by itself.
        Raises GameError where the game cannot start.
        """
        ...

    def step(self, action: Action) -> Frame:
        """Do one tick and return what is seen after it."""
        ...

    def outcome(self) -> Outcome | None:
        """Return how the attempt ended, or None while it goes on."""
        ...

    def close(self) -> None:
        """Stop the game; may be called twice."""
        ...


@runtime_checkable
class FurnishedGame(Protocol):
    """A game that lays out what a sentence is about, and knows what it has laid out."""

    def missing(self, sentence: str) -> str:
        """Return the sentence's word for a thing that is not there ("monster"), "" for nothing."""
        ...


@runtime_checkable
class OwnWindowGame(Game, Protocol):
    """A game in a window of its own, in which the person plays by touching it.

    ``clock`` is the one to pace it by: its sleeper lets go at once when the person takes
    over.  :meth:`step` and :meth:`watch` raise GameSuspendedError, with everything
    released, while the window can be neither seen nor played.
    """

    clock: Clock

    def listen(self, ears: Ears) -> None:
        """Let the person take over by touching the game; tell ``ears`` of what they do.

        Raises RuntimeError if somebody listens already.
        """
        ...

    @property
    def hotkeys(self) -> Mapping[Hotkey, str]:
        """What the person's keys ask for while they play, by what is asked ("" for no key)."""
        ...

    @property
    def panicked(self) -> bool:
        """Whether the person has pressed the panic key."""
        ...

    @property
    def silenced(self) -> bool:
        """Whether nothing more of the agent's is sent: it was touched, paused or covered."""
        ...

    @property
    def chatting(self) -> bool:
        """Whether the person types into the game, so that keys mean nothing else."""
        ...

    @property
    def hand_touches(self) -> int:
        """How often a device that the agent does not type on was touched since somebody listens."""
        ...

    def in_front(self) -> bool:
        """Return whether it can be seen and played right now; control thread only."""
        ...

    @property
    def listening(self) -> bool:
        """Whether the person's own keys reach the game and are heard."""
        ...

    def watch(self) -> Frame:
        """Let the person play for one tick and return what is seen after it.

        What they did is known when this returns: it tells whoever listens of every picture that
        was read (:meth:`recorder.input.hearing.Ears.picture_read`).
        """
        ...

    def see(self) -> Frame:
        """Return what the window shows now; raises as :meth:`step` does."""
        ...

    def sent(self) -> Action:
        """Return what of the last :meth:`step`'s action the game got.

        All of it, unless the step was cut short, the keyboard has no such key, or the window's edge
        cut a turn.
        """
        ...

    def cut_short(self) -> bool:
        """Return whether a touch of the person's, or something else, silenced the agent in it."""
        ...

    def hear(self) -> None:
        """Tell the session of all that the person did until now; control thread only."""
        ...

    def let_go(self) -> None:
        """Release everything that the agent holds; control thread only."""
        ...

    def hold_still(self) -> None:
        """Release everything and pause the game where it can be; control thread only."""
        ...

    def come_back(self) -> None:
        """Give the game the keyboard, to go on after a pause; control thread only."""
        ...

    def facts(self) -> Mapping[str, object]:
        """Return what is stored with the session, as plain JSON values."""
        ...
