from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from recorder.clock import ManualClock
from recorder.games.base import Task
from recorder.store import Reader, Store
from recorder.store.episode_recorder import EpisodeRecorder
from recorder.types import Action, Driver, Frame, InputEvent, Outcome, RGBImage, Tick

RATE_HZ = 20.0
TICK_NS = 50_000_000


TASK = Task("go_to:red_torch", "Go to the red torch")


@dataclass(frozen=True)
class Start:
    task: Task = TASK
    seed: int = 7
    instruction: str = "Go to the red torch"
    tick_rate_hz: float = RATE_HZ
    lock_step: bool = False
    policy: str = "base"


@dataclass(frozen=True)
class End:
    outcome: Outcome = Outcome.SUCCESS
    missed_ticks: int = 0


def picture(index: int, width: int = 32, height: int = 18) -> RGBImage:
    """A smooth picture that differs from tick to tick."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = (index * 7) % 256
    rgb[..., 1] = np.linspace(0, 255, width, dtype=np.uint8)
    rgb[..., 2] = 255 - (index * 3) % 256
    return rgb


def tick(
    index: int,
    *,
    driver: Driver = Driver.POLICY,
    executed: Action | None = None,
    shadow: Action | None = None,
    rgb: RGBImage | None = None,
    events: tuple[InputEvent, ...] = (),
) -> Tick:
    return Tick(
        index=index,
        mono_ns=index * TICK_NS,
        frame=Frame(index, index * TICK_NS, picture(index) if rgb is None else rgb),
        executed=Action(forward=True) if executed is None else executed,
        driver=driver,
        shadow=shadow,
        plan_age_ticks=1 if shadow is not None else None,
        latency_ms=12.5 if shadow is not None else None,
        events=events,
    )


@dataclass
class Kit:
    """A store in a folder of its own, and the moves that most tests make."""

    folder: Path
    start: Start = Start()
    end: End = End()
    clock: ManualClock = field(default_factory=ManualClock)
    store: Store = field(init=False)
    session_id: int = 0

    def open(self, **options: int) -> Store:
        self.store = Store.open(self.folder, clock=self.clock, **options)
        self.session_id = self.store.begin_session(
            "doom",
            tick_rate_hz=RATE_HZ,
            width=32,
            height=18,
            realtime=False,
            bindings={"forward": "W"},
        )
        return self.store

    def tick(self, index: int, **values: object) -> Tick:
        return tick(index, **values)  # type: ignore[arg-type]

    def recorder(self, **options: object) -> EpisodeRecorder:
        options.setdefault("kind", "rollout")
        return self.store.episode_recorder(self.session_id, **options)  # type: ignore[arg-type]

    def record(
        self,
        drivers: Sequence[Driver] | int = 20,
        *,
        kind: str = "rollout",
        start: Start | None = None,
        outcome: Outcome = Outcome.SUCCESS,
    ) -> int:
        """Record an episode to its end; return its id."""
        recorder = self.recorder(kind=kind)
        recorder.on_start(start if start is not None else Start())
        runs = [Driver.POLICY] * drivers if isinstance(drivers, int) else drivers
        for index, driver in enumerate(runs):
            recorder.on_tick(tick(index, driver=driver))
        recorder.on_end(End(outcome))
        self.store.wait()
        assert recorder.episode_id is not None
        return recorder.episode_id

    def reader(self) -> Reader:
        return Reader.open(self.folder)


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    made = Kit(tmp_path / "data")
    made.open()
    yield made
    made.store.close()


@pytest.fixture(scope="session")
def make_kit() -> Callable[[Path], Kit]:
    """For property tests, which need a fresh store for every example."""

    def make(folder: Path) -> Kit:
        made = Kit(folder)
        made.open()
        return made

    return make


@pytest.fixture(scope="session")
def make_picture() -> Callable[..., RGBImage]:
    return picture


@pytest.fixture
def start() -> Start:
    return Start()
