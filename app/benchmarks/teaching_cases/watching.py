"""A person watches a lesson being tried: marks some attempts, judges clips, sometimes errs.

They go by the lesson's hidden judge, so what they mark is the truth but for their errors.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.benchmarks.teaching_cases.lessons import MAX_TICKS, TeachingLesson
from app.benchmarks.teaching_cases.playing import free_task
from app.benchmarks.teaching_cases.yard import LessonYard
from app.session.wiring import store_recording
from model.play.episode import EpisodeLoop, EpisodeObserver, episode_seed
from model.play.runner import LockStepRunner
from model.vla.vla import VlaPolicy
from recorder.store import (
    ClipMark,
    EpisodeKind,
    Film,
    LabelSource,
    NewComparison,
    Reader,
    Side,
    Store,
)
from recorder.types import Outcome
from trainer.evaluation.blind.camera import ClipCamera
from trainer.evaluation.eye.glances import Seen
from trainer.evaluation.eye.watching import SeenKeeper

ERRS = 0.05
"""So often a person presses the wrong key."""
REACTION_TICKS = 5
"""So long after something was done a person's key comes."""
CLIP_TICKS = 105
"""The length of a clip, six seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """An attempt to its end: what the model saw, and when the judge called it what.

    ``decided`` is the tick after which it was done, or done wrong; None if it never was.
    """

    seen: Seen
    verdict: bool | None
    decided: int | None
    film: Film | None = None


class Watching:
    """One yard and one player, for attempts that are watched."""

    def __init__(self, lesson: TeachingLesson, policy: VlaPolicy) -> None:
        self.lesson, self.policy = lesson, policy
        self.adapter: Path | None = None
        self.yard = LessonYard(lesson)

    def close(self) -> None:
        """End the game."""
        self.yard.close()

    def attempt(
        self,
        seed: int,
        *,
        most: int = MAX_TICKS,
        after_done: int | None = None,
        after_failed: int | None = None,
        observers: Sequence[EpisodeObserver] = (),
    ) -> Watched:
        """Play a start for ``most`` ticks, or until so many after it was done, or done wrong."""
        keeper = SeenKeeper(self.policy)
        task = free_task(self.lesson)
        loop = EpisodeLoop(
            self.yard, LockStepRunner(self.policy), policy_name=self.policy.name,
            observers=(keeper, *observers),
        )  # fmt: skip
        loop.begin(
            task, seed, instruction=self.lesson.sentence, policy_seed=episode_seed(task.id, seed)
        )
        decided: int | None = None
        while loop.index < most:
            after = after_done if self.yard.verdict else after_failed
            if decided is not None and after is not None and loop.index >= decided + after:
                break
            loop.tick()
            if decided is None and self.yard.verdict is not None:
                decided = loop.index
        loop.end(Outcome.UNKNOWN)
        seen = keeper.seen(loop.frame)
        if seen is None:
            raise RuntimeError("an attempt of no ticks")
        film = next(
            (each.film(loop.frame) for each in observers if isinstance(each, ClipCamera)), None
        )
        return Watched(seen, self.yard.verdict, decided, film)


def mark_attempts(
    store: Store, watching: Watching, seeds: Sequence[int], rng: random.Random
) -> None:
    """Play attempts that are recorded, and mark each as done or failed when it is."""
    with contextlib.ExitStack() as stack:
        session_id, _ = store_recording(store, watching.yard, wait_when_full=True)
        stack.callback(store.end_session, session_id)
        recorder = store.episode_recorder(
            session_id, kind=EpisodeKind.ROLLOUT, policy=watching.policy.name, when_full="wait"
        )
        for seed in seeds:
            watched = watching.attempt(
                seed,
                after_done=REACTION_TICKS,
                after_failed=REACTION_TICKS,
                observers=(recorder,),
            )
            store.wait()
            if recorder.episode_id is None:
                raise RuntimeError("an attempt was not recorded")
            said = (watched.verdict is True) != (rng.random() < ERRS)
            outcome = Outcome.SUCCESS if said else Outcome.FAILURE
            store.set_label(recorder.episode_id, outcome, LabelSource.PERSON)


def judge_clips(
    store: Store,
    watching: Watching,
    round_id: int,
    sides: Sequence[tuple[Side, Path | None]],
    seeds: Sequence[int],
    rng: random.Random,
) -> None:
    """Compare a round's two agents blind on ``seeds``, each start as each side played it."""
    lesson = watching.lesson
    clips = [(side, seed, None) for seed in seeds for side, _ in sides]
    task = free_task(lesson)
    number = store.add_comparison(
        NewComparison(round_id, "doom", task.id, lesson.sentence, CLIP_TICKS, clips)
    )
    adapters = dict(sides)
    camera = ClipCamera(blocky=False)
    with Reader.open(store.folder) as reader:
        rows = reader.clips(number)
    for row in rows:
        watching.policy.set_adapter(adapters[row.side])
        watched = watching.attempt(row.seed, most=CLIP_TICKS, observers=(camera,))
        if watched.film is None:
            raise RuntimeError("a clip was not filmed")
        seen, by = watched.seen.to_bytes(), watching.policy.fingerprint
        store.add_film(row.id, replace(watched.film, seen=seen, seen_by=by))
        said = (watched.verdict is True) != (rng.random() < ERRS)
        store.add_clip_mark(number, ClipMark(row.place, said))
    store.end_comparison(number, keep_pictures=False)
