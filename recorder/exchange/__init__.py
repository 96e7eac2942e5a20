"""Import of recordings made elsewhere.  Export is in ``trainer/data/sft_rows.py``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from recorder.errors import DataError
from recorder.games.base import Task, free_task
from recorder.store import EpisodeKind, LabelSource, Store
from recorder.types import Action, Driver, Frame, Outcome, RGBImage, Tick

NS = 1_000_000_000
MINECRAFT_HZ = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One recorded tick: the picture (at most 360 x 640 x 3) and what was done then."""

    rgb: RGBImage
    action: Action


@dataclass(frozen=True, slots=True, eq=False)
class ForeignEpisode:
    """An episode of a foreign file; ``steps`` may be read once.

    ``task_id`` is the file's own key for the task ("mine_block:oak_log") or "".
    """

    source: str
    instruction: str
    steps: Iterable[Step]
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class _Start:
    task: Task
    seed: int
    instruction: str
    tick_rate_hz: float
    lock_step: bool
    policy: str


@dataclass(frozen=True, slots=True)
class _End:
    outcome: Outcome
    missed_ticks: int = 0


def store_episodes(
    store: Store, episodes: Iterable[ForeignEpisode], *, game: str = "minecraft"
) -> list[tuple[str, int]]:
    """Store each episode as a demonstration; return (source, ticks) of every one.

    Nobody judged them: their outcome is unknown.  Raises DataError where a file is
    malformed or something could not be stored; what was stored before stays, the last one
    of it as interrupted.
    """
    session = store.begin_session(
        game,
        tick_rate_hz=MINECRAFT_HZ,
        width=640,
        height=360,
        realtime=False,
        bindings={},
        extra={"imported": True},
    )
    done: list[tuple[str, int]] = []
    try:
        for number, episode in enumerate(episodes):
            recorder = store.episode_recorder(
                session, kind=EpisodeKind.DEMONSTRATION, policy="imported", when_full="wait"
            )
            recorder.outcome_from(LabelSource.RECORDER)
            task = free_task(episode.instruction)
            if episode.task_id:
                task = Task(episode.task_id, episode.instruction)
            # Each began somewhere else: one number for all would make one start of them.
            recorder.on_start(
                _Start(task, number, episode.instruction, MINECRAFT_HZ, True, "imported")
            )
            count = 0
            try:
                for tick in _ticks(episode.steps):
                    recorder.on_tick(tick)
                    count += 1
                recorder.on_end(_End(Outcome.UNKNOWN))
            finally:
                # Where the file broke off it did not end: what is there is interrupted.
                recorder.close()
                store.wait()
            if recorder.lost_ticks or recorder.problem:
                raise DataError(
                    f"{recorder.lost_ticks} ticks of {episode.source} could not be stored, so the "
                    "import stopped; make room on the disk and import it again."
                )
            done.append((episode.source, count))
    finally:
        store.end_session(session)
    return done


def _ticks(steps: Iterable[Step]) -> Iterator[Tick]:
    spacing = int(NS / MINECRAFT_HZ)
    for index, step in enumerate(steps):
        at = index * spacing
        frame = Frame(index, at, step.rgb)
        yield Tick(index, at, frame, step.action, Driver.PERSON)
