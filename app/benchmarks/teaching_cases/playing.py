"""Plays attempts at a lesson that its hidden judge watches, on all cores, and keeps each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.util import Finalize

from app.benchmarks.teaching_cases.lessons import LESSONS, MAX_TICKS, TeachingLesson
from app.benchmarks.teaching_cases.yard import LessonYard
from model.play.episode import EpisodeLoop, episode_seed
from model.play.runner import LockStepRunner
from model.vla.vla import VlaPolicy
from recorder.games.base import FREE_TASK_ID, Task
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.players import PlayerSpec, make_policy, use_adapter
from trainer.evaluation.run import begin_player_process, player_context
from trainer.evaluation.starts import Attempt, AttemptKey, StartKey
from trainer.evaluation.study_rows import KeptRows

BY_NAME = {lesson.name: lesson for lesson in LESSONS}


def free_task(lesson: TeachingLesson) -> Task:
    """Return what the app makes of a sentence that nobody judges."""
    return Task(FREE_TASK_ID, lesson.sentence)


def play(
    lesson: TeachingLesson, player: PlayerSpec, seeds: Sequence[int], rows: KeptRows, label: str
) -> list[bool]:
    """Return for each seed whether the judge called it done; what is kept is not played again."""
    known = rows.of(label, player.key)
    missing = [seed for seed in seeds if _key(lesson, seed) not in known]
    if missing:
        with ProcessPoolExecutor(
            min(os.cpu_count() or 1, len(missing)),
            player_context(loads=True),
            begin_player_process,
            (dict(os.environ),),
        ) as pool:
            jobs = [pool.submit(_attempt, lesson.name, player, seed) for seed in missing]
            for job in as_completed(jobs):
                rows.keep(label, job.result())
        known = rows.of(label, player.key)
    return [known[_key(lesson, seed)].success for seed in seeds]


def _key(lesson: TeachingLesson, seed: int) -> StartKey:
    return StartKey(FREE_TASK_ID, lesson.sentence, seed)


_yards: dict[str, LessonYard] = {}
_players: list[tuple[PlayerSpec, VlaPolicy]] = []


def _attempt(name: str, player: PlayerSpec, seed: int) -> Attempt:
    lesson = BY_NAME[name]
    if name not in _yards:
        _yards[name] = LessonYard(lesson)
        Finalize(None, _yards[name].close, exitpriority=1)
    yard = _yards[name]
    policy = _seated(player, yard)
    task = free_task(lesson)
    loop = EpisodeLoop(yard, LockStepRunner(policy), policy_name=policy.name)
    loop.begin(task, seed, instruction=lesson.sentence, policy_seed=episode_seed(task.id, seed))
    while yard.verdict is None and loop.index < MAX_TICKS and loop.outcome() is None:
        loop.tick()
    outcome = {True: Outcome.SUCCESS, False: Outcome.FAILURE, None: Outcome.TIMEOUT}[yard.verdict]
    key = AttemptKey(player.key, "doom", _key(lesson, seed), Stepping.LOCK_STEP, PLAY_VERSION)
    return Attempt(key, outcome, loop.index)


def _seated(player: PlayerSpec, yard: LessonYard) -> VlaPolicy:
    """Return the player's policy; another adapter of the same model is swapped in."""
    if not _players:
        made = make_policy(player, yard, threads=1)
        if not isinstance(made, VlaPolicy):
            raise TypeError(f"{player.name} cannot be taught")
        _players.append((player, made))
    before, policy = _players[0]
    if before != player:
        use_adapter(policy, player.adapter)
        _players[0] = (player, policy)
    return policy
