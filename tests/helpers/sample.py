"""An invented session and backend: every state of the window without game or model.

For the gallery and the tests.  Both implement the real protocols; nothing here is a
result, and the invented figures are shown nowhere else.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from sample_models import SampleModels

from app.backend.blind.ports import BlindComparison, BlindResult, BlindState
from app.backend.games.ports import Calibration, GameFacts
from app.backend.models.ports import ModelCatalogue
from app.backend.ports import (
    AdapterFacts,
    AgentFacts,
    DriverRuns,
    EpisodeFacts,
    FilmFacts,
    Hint,
    Playback,
    PracticeWish,
    PractisedFacts,
    Preferences,
    RoundHandle,
    RoundUpdate,
    SentenceFacts,
    StorageFacts,
    TaughtSentence,
    TeachFacts,
    VerdictFacts,
)
from app.session.api import Phase, PlaySession, Snapshot
from recorder.errors import DataError, ModelError, UsageError
from recorder.games.base import Bindings, Task
from recorder.games.registry import FirstLesson
from recorder.types import Driver, Frame, Outcome, RGBImage

WIDTH, HEIGHT = 640, 360
TASKS = tuple(
    Task(f"{verb}:{thing.replace(' ', '_')}", f"{words} the {thing}", verb, thing, 300)
    for verb, words, things in (
        ("go_to", "go to", ("red torch", "green torch", "blue torch", "barrel")),
        ("pick_up", "pick up", ("medkit", "shotgun", "green armor", "blue keycard")),
        ("shoot", "shoot", ("imp", "zombie", "demon", "barrel")),
    )
    for thing in things
)
BINDINGS = Bindings(
    keys={
        "forward": "W",
        "left": "A",
        "back": "S",
        "right": "D",
        "sprint": "Shift",
        "jump": "Space",
        "use": "E",
        "attack": "LeftButton",
    }
    | {f"hotbar.{i}": str(i) for i in range(1, 8)}
)
FILMED_ROUND = 3
"""The round of which there are films."""
RUNS: DriverRuns = ((Driver.POLICY, 62), (Driver.PERSON, 31), (Driver.POLICY, 40))


@cache
def room(turn: float) -> RGBImage:
    """Return a picture of a plain room seen at ``turn`` radians, 360 x 640 x 3 uint8."""
    columns = np.linspace(-0.6, 0.6, WIDTH) + turn
    distance = 1.0 / np.maximum(np.abs(np.cos(columns)), np.abs(np.sin(columns)))
    half = np.clip(120 / distance, 20, 170)
    rows = np.arange(HEIGHT)[:, None] - HEIGHT / 2
    wall = np.abs(rows) < half[None, :]
    bricks = ((np.floor(columns * 24)[None, :] + np.floor(rows / 18)) % 2) * 10
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float64)
    floor_shade = 30 + 50 * np.abs(rows) / (HEIGHT / 2)
    picture[:] = np.where(rows > 0, floor_shade, floor_shade * 0.8)[..., None]
    shade = (60 + 90 / distance[None, :] ** 2 + bricks)[..., None]
    picture = np.where(wall[..., None], shade * np.array([0.72, 0.5, 0.36]), picture)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


class SampleSession:
    """A session whose state is set by hand; it notes every request in ``calls``."""

    def __init__(self, frames: Sequence[RGBImage] = ()) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._frames = list(frames) or [room(0.03 * i) for i in range(24)]
        self._count = 0
        self.animate = False
        self.state = Snapshot(
            phase=Phase.WATCHING,
            driver=Driver.NOBODY,
            frame=Frame(0, 0, self._frames[0]),
            instruction="",
            task=None,
            seed=1042,
            tick=0,
            tick_rate_hz=17.5,
            policy="practice",
            policy_ready=True,
        )

    def set(self, **changes: object) -> None:
        """Change fields of the snapshot."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def show_frame(self, index: int) -> None:
        """Show one of the frames."""
        self._count += 1
        rgb = self._frames[index % len(self._frames)]
        self.set(frame=Frame(self._count, self._count, rgb))

    def tasks(self) -> Sequence[Task]:
        """Return the invented tasks."""
        return TASKS

    def snapshot(self) -> Snapshot:
        """Return the state as it was set."""
        if self.animate:
            self.show_frame(self._count)
        return self.state

    def play(self, instruction: str) -> None:
        """Note it; the agent drives."""
        self._need(instruction)
        self.calls.append(("play", instruction))
        self.set(phase=Phase.PLAYING, instruction=instruction, outcome=None, episode_id=1)

    def demonstrate(self, instruction: str) -> None:
        """Note it; the person drives."""
        self._need(instruction)
        self.calls.append(("demonstrate", instruction))
        self.set(phase=Phase.DEMONSTRATING, instruction=instruction, outcome=None, episode_id=1)

    def pause(self) -> None:
        """Note it; without an attempt there is nothing to go on with."""
        self.calls.append(("pause",))
        if self.state.phase is not Phase.WATCHING:
            self.set(phase=Phase.PAUSED)

    def resume(self) -> None:
        """Note it."""
        self.calls.append(("resume",))
        self.set(phase=Phase.PLAYING)

    def stop(self, outcome: Outcome = Outcome.ABANDONED) -> None:
        """Note it."""
        self.calls.append(("stop", outcome))
        self.set(phase=Phase.WATCHING, outcome=outcome)

    def mark(self, outcome: Outcome) -> None:
        """Note it."""
        self.calls.append(("mark", outcome))
        self.set(phase=Phase.WATCHING, outcome=outcome)

    def reset(self, seed: int | None = None) -> None:
        """Note it."""
        self.calls.append(("reset", seed))
        self.set(
            phase=Phase.WATCHING, outcome=None, seed=self.state.seed + 1 if seed is None else seed
        )

    def hand_back(self) -> None:
        """Note it."""
        self.calls.append(("hand_back",))
        self.set(phase=Phase.PLAYING)

    def take_back(self) -> None:
        """Note it; the agent goes on."""
        self.calls.append(("take_back",))
        if self.state.phase is Phase.CORRECTING:
            self.set(phase=Phase.PLAYING)

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        """Note it; a press takes over."""
        self.calls.append(("key", name, down, mono_ns))
        if down and self.state.phase is Phase.PLAYING:
            self.set(phase=Phase.CORRECTING)

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Note it."""
        self.calls.append(("mouse_move", dx_counts, dy_counts, mono_ns))

    def focus_lost(self) -> None:
        """Note it."""
        self.calls.append(("focus_lost",))

    def set_idle_handback_s(self, seconds: float | None) -> None:
        """Note it."""
        self.calls.append(("set_idle_handback_s", seconds))

    def close(self) -> None:
        """Note it."""
        self.calls.append(("close",))

    @staticmethod
    def _need(instruction: str) -> None:
        if not instruction.strip():
            raise UsageError(
                "There is no instruction, so nothing was started; type what it should do."
            )


class SamplePlayback:
    """A recorded episode made of the sample frames."""

    def __init__(self, frames: Sequence[RGBImage], drivers: DriverRuns) -> None:
        self._frames = frames
        self.frames = sum(ticks for _, ticks in drivers)
        self.tick_rate_hz = 17.5
        self.drivers = drivers
        self.closed = False

    def frame(self, index: int) -> RGBImage:
        """Return a frame."""
        if self.closed:
            raise DataError("This attempt is closed; open it again.")
        return self._frames[index % len(self._frames)]

    def close(self) -> None:
        """Note it."""
        self.closed = True


class SampleRound:
    """A round whose news are sent by hand through ``send``."""

    def __init__(self, send: Callable[[RoundUpdate], None]) -> None:
        self.send = send
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        """Note it and send the final news."""
        if not self.cancelled.is_set():
            self.cancelled.set()
            self.send(RoundUpdate(finished=True))


class SampleClip:
    """A clip made of the sample frames."""

    tick_rate_hz = 17.5

    def __init__(self, frames: Sequence[RGBImage], count: int) -> None:
        self._frames = frames
        self.frames = count

    def frame(self, index: int) -> RGBImage:
        """Return a picture."""
        if not 0 <= index < self.frames:
            raise IndexError(index)
        return self._frames[index % len(self._frames)]


class SampleComparison:
    """A comparison whose state is set by hand; like the real one it takes only the clip shown."""

    def __init__(self, frames: Sequence[RGBImage], *, clips: int = 6) -> None:
        self._frames = frames
        self.now = BlindState("dance around the barrel", 1, 47, clip=0, may_skip=True)
        self.said: list[tuple[int, bool | None]] = []
        self.clips = clips
        self.asked: list[str] = []
        self.outcome: BlindResult | None = None

    def state(self) -> BlindState:
        """Return what was set."""
        return self.now

    def play(self) -> BlindState:
        """Note it; the clips are there at once."""
        self.asked.append("play")
        self.now = replace(self.now, asks_screen=False, problem="", clip=len(self.said))
        return self.now

    def open_clip(self, clip: int) -> SampleClip:
        """Return a clip."""
        if clip != self.now.clip:
            raise DataError("This clip was not played yet; it is shown once it was.")
        return SampleClip(self._frames, 8 + clip)

    def mark(self, clip: int, done: bool | None) -> BlindState:
        """Note it, and show the next one; after ``clips`` it is decided."""
        if clip == self.now.clip:
            self.said.append((clip, done))
            self._go_on()
        return self.now

    def back(self) -> BlindState:
        """Take the newest one back."""
        if self.said:
            self.said.pop()
            self._go_on()
        return self.now

    def put_off(self) -> None:
        """Note it."""
        self.asked.append("put off")

    def _go_on(self) -> None:
        n = len(self.said)
        over = n >= self.clips and self.outcome is not None
        self.now = replace(
            self.now,
            number=n + (not over),
            clip=None if over else n,
            may_go_back=n > 0 and not over,
            result=self.outcome if over else None,
        )


class SampleBackend:
    """Holds its answers as plain attributes."""

    session: PlaySession

    def __init__(self, folder: Path, session: PlaySession, frames: Sequence[RGBImage] = ()) -> None:
        self.session = session
        self.game_title = "Practice yard"
        self.default_bindings = BINDINGS
        self.remote_server = ""
        self.first_lesson: FirstLesson | None = None
        self.models = SampleModels()
        self._frames = list(frames) or [room(0.05 * i) for i in range(12)]
        self._bin: dict[int, EpisodeFacts] = {}
        self.kept: list[EpisodeFacts] = []
        self.teach_facts = TeachFacts()
        self.agent_facts = AgentFacts(base="practice", chain=("practice",), device="On the CPU.")
        self.verdict: VerdictFacts | None = None
        self.settings = Preferences(bindings=BINDINGS)
        self.sizes = StorageFacts(0, 0, 50 * 10**9, folder)
        self.round: SampleRound | None = None
        self.used: list[str | None] = []
        self.more: list[int] = []
        self.judged: list[int] = []
        self.comparison = SampleComparison(self._frames)
        self.log: Path | None = None
        self.said = Hint()
        self.practised: list[PracticeWish] = []
        self.failing: dict[str, int] = {}
        self.left = False
        self.taught: tuple[TaughtSentence, ...] = ()
        self.own_window = False
        self.game_facts: Sequence[GameFacts] = (GameFacts("sample", "Sample", in_use=True),)
        self.calibration: Calibration | None = None

    def preferences(self) -> Preferences:
        """Return the settings."""
        return self.settings

    def save_preferences(self, preferences: Preferences) -> None:
        """Keep the settings."""
        self.settings = preferences

    def teach(self) -> TeachFacts:
        """Return what was set."""
        return self.teach_facts

    def start_round(
        self, on_update: Callable[[RoundUpdate], None], practice: PracticeWish | None = None
    ) -> RoundHandle:
        """Begin a round that is driven by hand."""
        if practice is not None:
            self.practised.append(practice)
        self.round = SampleRound(on_update)
        return self.round

    def last_verdict(self) -> VerdictFacts | None:
        """Return what was set."""
        return self.verdict

    def play_more(self, round_id: int) -> None:
        """Note it; what it comes to is set by hand."""
        self.more.append(round_id)

    def judge_blind(self, round_id: int) -> BlindComparison:
        """Note it; how far the comparison is, is set by hand."""
        self.judged.append(round_id)
        return self.comparison

    def film(self, round_id: int, number: int = 0) -> FilmFacts:
        """Return an invented film of one of two starts; raises ModelError for any other round."""
        if round_id != FILMED_ROUND:
            raise ModelError("Nothing was played by itself to measure this round.")
        before, after = (SamplePlayback(self._frames, ((Driver.POLICY, n),)) for n in (20, 30))
        at = number % 2
        return FilmFacts(
            "hop", 7 + at, before, after, done_before=False, done_after=True, number=at, starts=2
        )

    def practice_strips(self, round_id: int) -> Sequence[PractisedFacts]:
        """Return two invented attempts, one of them judged by the own eye."""
        pictures = tuple(self._frames[:6])
        return [
            PractisedFacts("hop", 20_000_007 + at, by_eye, pictures)
            for at, by_eye in enumerate((False, True))
        ]

    def failing_start(self, sentence: str) -> int:
        """Return what was set for a sentence; raises UsageError without any, as the real one."""
        if sentence not in self.failing:
            raise UsageError(f"The agent did “{sentence}” from all of 12 starts that were tried.")
        return self.failing[sentence]

    def leave(self) -> None:
        """Note it."""
        self.left = True

    def agent(self) -> AgentFacts:
        """Return what was set."""
        return self.agent_facts

    def use_adapter(self, adapter_id: str | None) -> None:
        """Note it."""
        self.used.append(adapter_id)
        self.agent_facts = replace(self.agent_facts, active=adapter_id)
        if self.verdict is not None:
            self.verdict = replace(
                self.verdict, in_use=self.verdict.adapter_id == adapter_id, can_go_back=True
            )

    def go_back(self) -> None:
        """Note it."""
        self.use_adapter(None)

    def episodes(self, *, limit: int = 2000) -> Sequence[EpisodeFacts]:
        """Return what was set, newest first."""
        return sorted(self.kept, key=lambda e: -e.id)[:limit]

    def thumbnail(self, episode_id: int) -> RGBImage | None:
        """Return a frame."""
        return self._frames[episode_id % len(self._frames)]

    def open_playback(self, episode_id: int) -> Playback:
        """Open an episode."""
        facts = next((e for e in self.kept if e.id == episode_id), None)
        if facts is None:
            raise DataError("This attempt is in the bin; undo the deletion to play it back.")
        return SamplePlayback(self._frames, facts.drivers)

    def label(self, episode_id: int, outcome: Outcome) -> None:
        """Change an outcome."""
        self.kept = [replace(e, outcome=outcome) if e.id == episode_id else e for e in self.kept]

    def wish(self, episode_id: int, *, use: bool | None, pauses: bool) -> None:
        """Set a tick, and what is taken with it."""
        lessons = tuple(
            replace(each, use=use, pauses=pauses, taught_s=0.0 if use is False else each.taught_s)
            if each.episode_id == episode_id
            else each
            for each in self.teach_facts.lessons
        )
        self.teach_facts = replace(self.teach_facts, lessons=lessons)

    def delete(self, episode_id: int) -> None:
        """Move an episode into the bin; raises DataError while it is recorded."""
        for facts in [e for e in self.kept if e.id == episode_id]:
            if facts.open:
                raise DataError(
                    f"Episode {episode_id} is still being recorded, so it was left as it is."
                )
            self._bin[episode_id] = facts
        self.kept = [e for e in self.kept if e.id != episode_id]

    def restore(self, episode_id: int) -> None:
        """Bring an episode back."""
        self.kept.append(self._bin.pop(episode_id))

    def empty_bin(self) -> int:
        """Empty the bin."""
        count = len(self._bin)
        self._bin.clear()
        return count

    def familiarity_hint(self, sentence: str) -> Hint:
        """Return what was set to be said, whatever the sentence."""
        return self.said if sentence else Hint()

    def sentences(self) -> Sequence[SentenceFacts]:
        """Return the invented tasks with invented figures."""
        return [
            SentenceFacts(
                task.instruction,
                verb=task.verb,
                ways=(task.instruction, f"please {task.instruction}"),
                taught=index % 5 != 4,
                good=0 if index % 3 == 2 else 20 - index,
                tries=0 if index % 3 == 2 else 20,
            )
            for index, task in enumerate(TASKS)
        ]

    def lessons(self) -> Sequence[TaughtSentence]:
        """Return what was set."""
        return self.taught

    def games(self) -> Sequence[GameFacts]:
        """Return what was set."""
        return self.game_facts

    def open_calibration(self) -> Calibration:
        """Return what was set."""
        if self.calibration is None:
            raise DataError("There is no screen here, so no game can be described.")
        return self.calibration

    def model_catalogue(self) -> ModelCatalogue:
        """Return what was set."""
        return self.models

    def storage(self) -> StorageFacts:
        """Return what was set."""
        return self.sizes

    def log_file(self) -> Path | None:
        """Return what was set."""
        return self.log


def sample_episodes(now_s: float, count: int = 9) -> list[EpisodeFacts]:
    """Return invented episodes, the newest with the highest id."""
    outcomes = (Outcome.SUCCESS, Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT)
    result = []
    for index in range(count):
        corrected = index % 3 == 2
        drivers: DriverRuns = RUNS if corrected else ((Driver.POLICY, 90 + 11 * index),)
        if index % 5 == 4:
            drivers = ((Driver.PERSON, 104),)
        result.append(
            EpisodeFacts(
                id=index + 1,
                instruction=TASKS[(5 * index) % len(TASKS)].instruction,
                outcome=outcomes[index % len(outcomes)],
                began_wall_s=now_s - 420 * (count - index),
                duration_s=sum(n for _, n in drivers) / 17.5,
                drivers=drivers,
                corrections=int(corrected),
                policy="practice",
                seed=1000 + index,
            )
        )
    return result


def sample_losses(steps: int) -> list[tuple[float, float | None]]:
    """Return an invented (loss, held-out loss every tenth step) for every step."""
    noise = np.random.default_rng(3).normal(0, 0.05, steps)
    result = []
    for step in range(steps):
        loss = 0.42 + 1.5 * math.exp(-step / 40) + float(noise[step])
        held = 0.55 + 1.3 * math.exp(-step / 45) if step % 10 == 0 else None
        result.append((loss, held))
    return result


SAMPLE_ADAPTERS = (
    AdapterFacts("r1", "#1 torches", None),
    AdapterFacts("r2", "#2 barrel", "r1"),
    AdapterFacts("r3", "#3 armor", "r2"),
)
