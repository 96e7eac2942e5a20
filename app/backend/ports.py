"""The window's side of the program: the values it shows and the calls it may make.

The widgets know only these names and :class:`app.session.api.PlaySession`.  The
composition root hands the window a :class:`Backend` built on the real store, model
and trainer; the gallery and the tests hand it one with invented data.  No Qt here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from app.backend.blind.ports import BlindComparison, Clip
from app.backend.games.ports import Calibration, GameFacts
from app.backend.models.ports import ModelCatalogue
from app.session.api import PlaySession
from recorder.games.base import Bindings
from recorder.games.registry import FirstLesson
from recorder.input.hearing import DEFAULT_HOTKEYS, Hotkey
from recorder.types import Driver, Outcome, RGBImage
from trainer.evaluation.verdicts.verdict import Choice, Line, VerdictKind

DriverRuns = tuple[tuple[Driver, int], ...]
"""Who drove, as (driver, ticks) runs in order."""


@dataclass(frozen=True, slots=True)
class LessonFacts:
    """One attempt in which the person drove, as the next round takes it.

    ``taught_s`` is what is taken of it, 0 if it is left out; ``still_s`` what was cut because the
    person stood still.  ``note`` says what is left out and why, "" for nothing.  ``use`` is the
    person's tick, None where they set none; ``pauses`` that they want their pauses taught.
    """

    episode_id: int
    sentence: str
    taught_s: float
    still_s: float = 0.0
    note: str = ""
    use: bool | None = None
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class TeachFacts:
    """What has been collected since the last round, and what a round would make of it.

    ``mix`` names the parts of the next round with their shares (0 to 1, summing to 1).
    ``blocked`` is "" where a round can start, else one sentence that says why not.
    ``predicted_s`` is the expected time until the result is there, play before and after the
    training included, None if unknown.
    ``lessons`` are the attempts in which the person drove, newest first.  ``to_practise`` are the
    sentences that the game judges among those and among what was taught last.
    ``practice_blocked`` says in one sentence why the agent cannot practise, "" if it can.
    ``next_step`` says in one sentence what to do next, "" for nothing; ``fails_at`` is a sentence
    that the agent can be started at where it fails, "" for none.
    """

    episodes: int = 0
    corrections: int = 0
    person_s: float = 0.0
    mix: tuple[tuple[str, float], ...] = ()
    sentence: str = ""
    predicted_s: float | None = None
    blocked: str = ""
    lessons: tuple[LessonFacts, ...] = ()
    to_practise: tuple[str, ...] = ()
    practice_blocked: str = ""
    next_step: str = ""
    fails_at: str = ""


@dataclass(frozen=True, slots=True)
class PracticeWish:
    """What the agent is to practise by itself: sentences that the game judges, and how long."""

    sentences: tuple[str, ...]
    minutes: float


@dataclass(frozen=True, slots=True)
class Hint:
    """What to tell a person of a sentence that the agent plays, ``sentence`` "" for nothing.

    ``tries`` are sentences that it was taught and that may be meant, the likeliest first.
    """

    sentence: str = ""
    tries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SentenceFacts:
    """A sentence that the game judges, and how well the agent that plays now does it.

    ``ways`` are all ways to say it, ``taught`` whether the agent was taught it.  ``good`` of
    ``tries`` attempts succeeded; 0 of 0 if none are known.
    """

    sentence: str
    verb: str = ""
    ways: tuple[str, ...] = ()
    taught: bool = True
    good: int = 0
    tries: int = 0


class LessonState(StrEnum):
    """How far a sentence is that a person has taught."""

    CAN = "can"
    LEARNING = "learning"
    CANNOT = "can't"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class TaughtSentence:
    """One sentence that a person showed or corrected: ``shown`` attempts, ``person_s`` of driving.

    ``points`` are (round, share of its starts that succeed, 0 to 1) in order, the first of before
    the first round, and then of each whose agent is used.  Today ``good`` of ``tries`` succeed, 0
    of 0 if nothing was measured.  ``judged`` says that the game can judge it.
    """

    sentence: str
    state: LessonState
    shown: int = 0
    person_s: float = 0.0
    points: tuple[tuple[int, float], ...] = ()
    good: int = 0
    tries: int = 0
    judged: bool = False


@dataclass(frozen=True, slots=True)
class EpisodeFacts:
    """One recorded episode as the lists show it.

    ``began_wall_s`` is Unix time; ``duration_s`` the recorded length.  ``open`` says that it
    is still being written.
    """

    id: int
    instruction: str
    outcome: Outcome
    began_wall_s: float
    duration_s: float
    drivers: DriverRuns = ()
    corrections: int = 0
    policy: str = ""
    seed: int = 0
    deleted: bool = False
    open: bool = False


class Playback(Protocol):
    """A recorded episode, frame by frame.  Calls come from one worker thread."""

    frames: int
    tick_rate_hz: float
    drivers: DriverRuns

    def frame(self, index: int) -> RGBImage:
        """Return frame ``index`` (0 to ``frames`` - 1); raises DataError if it is damaged."""
        ...

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Gate:
    """One check of a round: its short name, whether it passed (None: not run), and why."""

    name: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class VerdictFacts:
    """The measured effect of a round.

    ``before`` and ``after`` are successes in ``tries`` paired tries.  ``points`` is the
    difference in percentage points, with the interval ``low`` to ``high`` of the method
    named by ``interval``.  ``film_before`` and ``film_after`` show the same seed.
    ``in_use`` says whether the candidate plays, ``can_go_back`` whether a parent is there.
    ``lines`` hold everything that was measured, taught sentences first, and ``choice`` what
    follows.  ``checking`` says that something is being played for it now, ``progress`` how far.
    ``kind`` is None as long as nobody has judged what it taught.  ``to_judge`` are the sentences
    that wait for a blind comparison, of the first of which ``judged_clips`` were judged; ``blind``
    says that the figures are a person's, of ``tries`` clips a side.  ``may_watch`` says that its
    starts can be played again to be watched, ``practised`` that there are pictures of what practice
    counted as done.
    """

    kind: VerdictKind | None
    sentence: str
    before: int
    after: int
    tries: int
    points: float
    low: float
    high: float
    interval: str
    adapter_id: str
    in_use: bool = False
    can_go_back: bool = False
    passed_gates: bool = True
    film_before: tuple[RGBImage, ...] = ()
    film_after: tuple[RGBImage, ...] = ()
    film_seed: int | None = None
    round_id: int = 0
    choice: Choice = Choice.TRY
    lines: tuple[Line, ...] = ()
    checking: bool = False
    progress: str = ""
    to_judge: tuple[str, ...] = ()
    judged_clips: int = 0
    blind: bool = False
    by_eye: bool = False
    may_watch: bool = False
    practised: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FilmFacts:
    """One start of a round's measurement, filmed before and after the round.

    ``done_before`` and ``done_after`` say whether the game, or its own eye, called it done.  It is
    the ``number``-th (from 0) of ``starts``, the most telling first.
    """

    sentence: str
    seed: int
    before: Clip
    after: Clip
    done_before: bool
    done_after: bool
    number: int = 0
    starts: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class PractisedFacts:
    """One attempt that practice counted as done: its sentence, its start, some of its pictures.

    ``by_eye`` says that the agent's own eye called it done, else the game did.
    """

    sentence: str
    seed: int
    by_eye: bool
    pictures: tuple[RGBImage, ...]


class RoundPart(StrEnum):
    """The parts of a round, in their order; each may be left out."""

    BEFORE = "before"
    PREPARE = "prepare"
    TRAIN = "train"
    CHECK = "check"
    MEASURE = "measure"


@dataclass(frozen=True, slots=True, eq=False)
class RoundUpdate:
    """News of a running round; None and empty fields mean "as before".

    ``notice`` is a sentence that the person has to read now: their screen is needed.
    ``aside`` is one on the round itself, which stays in sight until it ends.
    ``part`` is the part of the round that this is about, None as before.
    ``stage`` is a short phrase for a person ("Training").  ``left_s`` is what is left until the
    result is there.  ``loss`` and ``held_out`` belong to ``step``.  Exactly one update of a round
    is final (``finished``), with a ``verdict``, a ``problem`` (one sentence), or neither if it was
    cancelled.
    """

    stage: str = ""
    step: int | None = None
    steps: int | None = None
    left_s: float | None = None
    loss: float | None = None
    held_out: float | None = None
    gates: tuple[Gate, ...] = ()
    verdict: VerdictFacts | None = None
    problem: str = ""
    finished: bool = False
    notice: str = ""
    aside: str = ""
    part: RoundPart | None = None


class RoundHandle(Protocol):
    """A round under way."""

    def cancel(self) -> None:
        """Ask it to stop; its final update follows.  Returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """One adapter in the list: its id, short title, parent, when it was made (Unix time).

    ``verdict`` is how it was judged, ``taught`` what was measured of each sentence that it was
    taught.
    """

    id: str
    title: str
    parent: str | None = None
    verdict: VerdictKind | None = None
    passed_gates: bool = True
    made_wall_s: float = 0.0
    taught: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What plays and why.

    ``chain`` runs from the base to what is in use, as short titles.  ``device`` is a
    sentence that names the device and the reason; ``speed`` one on its pace or "".
    ``remote`` is the server that pictures go to, "" while they stay here.
    """

    base: str
    chain: tuple[str, ...]
    device: str
    speed: str = ""
    active: str | None = None
    adapters: tuple[AdapterFacts, ...] = ()
    problem: str = ""
    remote: str = ""


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """Sizes in bytes of the database, what the bin holds, and the disk's free space.

    ``problem`` says why the newest could not be stored, "" while all is well: the end of an
    attempt may fail when nobody follows it any more.
    """

    database: int
    bin: int
    free: int
    folder: Path
    problem: str = ""


class ThemeChoice(StrEnum):
    """Which of the two looks to use."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the settings dialog edits.

    ``mouse_sensitivity`` multiplies the game's own degrees per count (0.1 to 5).
    ``idle_handback_s`` None means never.  ``data_folder`` counts from the next start.
    ``hotkeys`` work in games in a window of their own, from the next opening on.  ``keep_clips``
    keeps what was judged blind after its result.  ``text_percent`` is the size of all text, one of
    :data:`app.backend.settings.TEXT_PERCENTS`.
    """

    bindings: Bindings = field(default_factory=Bindings)
    mouse_sensitivity: float = 1.0
    idle_handback_s: float | None = 1.5
    data_folder: Path | None = None
    theme: ThemeChoice = ThemeChoice.SYSTEM
    seen_welcome: bool = False
    hotkeys: Mapping[Hotkey, str] = field(default_factory=lambda: dict(DEFAULT_HOTKEYS))
    seen_privacy: bool = False
    keep_clips: bool = False
    text_percent: int = 100


class Backend(Protocol):
    """Everything behind the window.

    ``session`` and the attributes are used on the GUI thread.  Every method may read
    files or wait for another thread; the window calls them from worker threads only,
    except :attr:`first_lesson`, :meth:`preferences`, :meth:`start_round` and :meth:`log_file`,
    which return at once.  Known problems raise KnownError.
    """

    session: PlaySession
    game_title: str
    own_window: bool
    """Whether the game has a window of its own, in which the person takes over."""
    default_bindings: Bindings

    @property
    def first_lesson(self) -> FirstLesson | None:
        """What a newcomer is led to teach what plays now, None for nothing."""
        ...

    @property
    def remote_server(self) -> str:
        """Where pictures go, "" while nothing leaves this machine."""
        ...

    def preferences(self) -> Preferences:
        """Return the settings in force."""
        ...

    def save_preferences(self, preferences: Preferences) -> None:
        """Write the settings and put them in force (the data folder: at the next start)."""
        ...

    def teach(self) -> TeachFacts:
        """Return what a round would learn from."""
        ...

    def start_round(
        self, on_update: Callable[[RoundUpdate], None], practice: PracticeWish | None = None
    ) -> RoundHandle:
        """Begin a round; ``on_update`` is called from any thread until the final update.

        With ``practice`` the agent practises instead of learning from what was recorded.
        """
        ...

    def last_verdict(self) -> VerdictFacts | None:
        """Return the newest round's verdict, None before the first."""
        ...

    def play_more(self, round_id: int) -> None:
        """Begin to play more starts of a round, or go on checking it; returns at once.

        :meth:`last_verdict` tells how it goes on.  Raises KnownError while another round runs.
        """
        ...

    def film(self, round_id: int, number: int = 0) -> FilmFacts:
        """Play a start of a round's measurement again, before and after; takes seconds.

        ``number`` counts its starts from 0, the most telling first.  Raises KnownError if nothing
        of it can be played without the person's screen, or while a round runs.
        """
        ...

    def practice_strips(self, round_id: int) -> Sequence[PractisedFacts]:
        """Return a few of the attempts that a practice counted as done, drawn at random.

        Raises KnownError if their pictures are damaged.
        """
        ...

    def judge_blind(self, round_id: int) -> BlindComparison:
        """Begin to judge a round's first waiting sentence blind, or take that up again.

        The caller puts it off when it is closed.  Raises KnownError if nothing waits, or while
        something else is taught or measured.
        """
        ...

    def failing_start(self, sentence: str) -> int:
        """Return the seed of a start on which the agent fails at a sentence, found by playing.

        Takes seconds.  Raises KnownError if it fails on none that were tried, or if it cannot be
        played and judged without the person.
        """
        ...

    def leave(self) -> None:
        """End soon what is played only to be looked at: the window closes.  Returns at once."""
        ...

    def agent(self) -> AgentFacts:
        """Return what plays, its parents, and the device."""
        ...

    def use_adapter(self, adapter_id: str | None) -> None:
        """Make an adapter (None: the bare base) the one that plays from the next episode on."""
        ...

    def go_back(self) -> None:
        """Undo the newest activation."""
        ...

    def episodes(self, *, limit: int = 2000) -> Sequence[EpisodeFacts]:
        """Return the recorded episodes, newest first, without those in the bin."""
        ...

    def thumbnail(self, episode_id: int) -> RGBImage | None:
        """Return a small picture of the episode, None where it has no frames."""
        ...

    def open_playback(self, episode_id: int) -> Playback:
        """Open an episode for playing back."""
        ...

    def label(self, episode_id: int, outcome: Outcome) -> None:
        """Write the person's own outcome over the recorded one (kept as a version)."""
        ...

    def wish(self, episode_id: int, *, use: bool | None, pauses: bool) -> None:
        """Say whether rounds learn from an episode, and whether from its pauses too."""
        ...

    def delete(self, episode_id: int) -> None:
        """Put an episode into the bin."""
        ...

    def restore(self, episode_id: int) -> None:
        """Take an episode out of the bin."""
        ...

    def empty_bin(self) -> int:
        """Erase what is in the bin for good; return how many episodes that were."""
        ...

    def familiarity_hint(self, sentence: str) -> Hint:
        """Return what to tell a person of a sentence that the agent plays."""
        ...

    def sentences(self) -> Sequence[SentenceFacts]:
        """Return what the game judges, in its order, and how well the agent does each."""
        ...

    def lessons(self) -> Sequence[TaughtSentence]:
        """Return every sentence that the person taught in this game, the newest first."""
        ...

    def games(self) -> Sequence[GameFacts]:
        """Return every game that can be chosen."""
        ...

    def open_calibration(self) -> Calibration:
        """Return what makes the profile of another game; the caller closes it."""
        ...

    def model_catalogue(self) -> ModelCatalogue:
        """Return what looks up, fetches and loads other models; returns at once."""
        ...

    def storage(self) -> StorageFacts:
        """Return sizes for the status line."""
        ...

    def log_file(self) -> Path | None:
        """Return where the log is written, None where there is none."""
        ...
