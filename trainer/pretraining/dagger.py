"""DAgger, learning by doing: ``python -m trainer.pretraining.dagger --help``.

Clones what is recorded in ``--data``, then lets the clone play while the scripted expert says
in every state that it gets into what should be done there (DAgger), and learns from that too,
round after round.  What was said is kept episode by episode, so a run can be stopped at any
moment and goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from model.actions.tokens import encode_ids
from model.paths import default_checkpoint
from model.play.episode import EpisodeLoop, run_episode
from model.play.policy import ActionChunk, Observation, Policy
from model.play.runner import LockStepRunner
from model.vla.preprocess import CheckpointSpec, load_spec, resize
from recorder.clock import Clock, MonotonicClock, Pacer
from recorder.errors import GameEndedError, GameSuspendedError, KnownError
from recorder.games import game_spec, open_game, required_task
from recorder.games.base import Game, OwnWindowGame, Task
from recorder.types import Outcome
from trainer.data.expert_labels import LabelledEpisode, labelled_name, write_labelled
from trainer.evaluation.players import PlayerSpec, make_policy
from trainer.pretraining.clone import CloneConfig, Run, ways_to_say

FIRST_SEED = 20_000
"""Starts of practice; evaluation uses low numbers, demonstrations 1000 and on."""
STRETCH_TICKS = 12
"""So long one of the two keeps the hands."""
FOLDER = "labelled"


class Apprentice:
    """A player behind the policy protocol: a student's hands, and an expert beside it.

    The expert is asked in every tick; in stretches drawn with ``expert_share`` it also
    plays.  What it says is kept in :attr:`said`, the pictures as ``spec`` wants them.
    """

    def __init__(
        self,
        student: Policy,
        expert: Policy,
        spec: CheckpointSpec,
        *,
        expert_share: float,
    ) -> None:
        if not 0.0 <= expert_share <= 1.0:
            raise ValueError(f"a share is from 0 to 1, got {expert_share}")
        self.name = f"{student.name} with its expert"
        self._student = student
        self._expert = expert
        self._spec = spec
        self._share = expert_share
        self._chance = random.Random(0)
        self._left = 0
        self._taught = False
        self.said = LabelledEpisode(instruction="")

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; what was said in the one before is forgotten."""
        self._student.reset(instruction, seed=seed)
        self._expert.reset(instruction, seed=seed)
        self._chance = random.Random(seed)
        self._left = 0
        self.said = LabelledEpisode(instruction=instruction)

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the next action of whoever has the hands."""
        advice = self._expert.propose(observation)
        self.said.pictures.append(resize(observation.frame.rgb, self._spec))
        self.said.answers.append(encode_ids(advice.actions[0]))
        if self._left == 0:
            self._left = STRETCH_TICKS
            self._taught = self._chance.random() < self._share
        self._left -= 1
        if self._taught:
            return advice
        # One picture, one action: a plan of several would go by states that nobody judged.
        done = self._student.propose(observation)
        return ActionChunk(done.actions[:1], done.frame_id, done.latency_ms, done.confidence)


@dataclass(frozen=True, slots=True)
class Practised:
    """One episode of practice."""

    task_id: str
    seed: int
    outcome: Outcome
    ticks: int


def practise(
    checkpoint: Path,
    game: Game,
    starts: Sequence[tuple[Task, int]],
    folder: Path,
    *,
    expert_share: float,
) -> Generator[Practised, None, None]:
    """Play each (task, seed) whose labels are not in ``folder`` yet, and put them there.

    A start in which another window took the keyboard is left for the next time.
    """
    missing = [
        start for start in starts if not (folder / labelled_name(start[0].id, start[1])).exists()
    ]
    if not missing:
        return
    student = make_policy(PlayerSpec("student", checkpoint), game, threads=1)
    expert = make_policy(PlayerSpec("expert"), game)
    apprentice = Apprentice(student, expert, load_spec(checkpoint), expert_share=expert_share)
    clock: Clock = game.clock if isinstance(game, OwnWindowGame) else MonotonicClock()
    # A world that waits is played in lock-step, one that does not at its own pace.
    pacer = Pacer(clock, game.tick_rate_hz) if game.realtime else None
    loop = EpisodeLoop(
        game, LockStepRunner(apprentice), policy_name=apprentice.name, clock=clock, pacer=pacer
    )
    for task, seed in missing:
        try:
            ended = run_episode(loop, task, seed)
        except (GameSuspendedError, GameEndedError):
            # Half an attempt teaches nothing; the next start begins anew.
            continue
        write_labelled(folder / labelled_name(task.id, seed), apprentice.said)
        yield Practised(task.id, seed, ended.outcome, ended.ticks)


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes: ``rounds`` of practice between ``rounds`` + 1 equal parts of training.

    In round r (from 0) the expert plays 0.5 ** (r + 1) of the stretches.
    """

    rounds: int = 3
    train_s: float = 3600.0
    episodes: int = 8
    config: CloneConfig = field(default_factory=CloneConfig)

    def train_until_s(self, part: int) -> float:
        """Return the seconds of training by which part ``part`` (from 0) is over."""
        return self.train_s * (part + 1) / (self.rounds + 1)

    def seeds(self, number: int) -> range:
        """Return the starts of a round's practice."""
        first = FIRST_SEED + number * self.episodes
        return range(first, first + self.episodes)


def run_course(
    data: Path,
    out: Path,
    start_from: Path,
    course: Course,
    instructions: Sequence[str],
    open_world: Callable[[], Game],
    say: Callable[[str], None],
    ways: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Train and practise to the end of the course; return the checkpoint's folder.

    Parts that are done are skipped.  Raises UsageError for a sentence that the game cannot
    judge, DataError where too little is recorded.
    """
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(course.rounds + 1):
        run = Run(data, out, start_from, course.config, labelled=folder, ways=ways)
        if run.seconds < course.train_until_s(part):
            say(f"part {part + 1} of {course.rounds + 1}: {len(run.lessons.train)} ticks to learn")
            run.train(course.train_until_s(part), whole_s=course.train_s)
        checkpoint = run.checkpoint
        if run.stopped or part == course.rounds:
            return checkpoint
        # Its memory is wanted by the game and the player.
        del run
        seeds = course.seeds(part)
        if _is_practised(folder, part):
            continue
        with contextlib.closing(open_world()) as game:
            tasks = [_judged(game, text) for text in instructions]
            starts = [(task, seed) for seed in seeds for task in tasks]
            done = successes = 0
            for each in practise(checkpoint, game, starts, folder, expert_share=0.5 ** (part + 1)):
                done += 1
                successes += each.outcome is Outcome.SUCCESS
                say(f"practice {part + 1}: {each.task_id} {each.seed} {each.outcome}")
        say(f"practice {part + 1}: {successes} of {done} succeeded, the expert helping")
        (folder / _mark(part)).touch()
    raise AssertionError("a course ends with training")


def _mark(part: int) -> str:
    return f"practice-{part}.done"


def _is_practised(folder: Path, part: int) -> bool:
    return (folder / _mark(part)).exists()


def _judged(game: Game, instruction: str) -> Task:
    return required_task(
        game.name, game.tasks(), instruction, "its expert does not know what to do"
    )


def _to_slow(game: str) -> bool:
    """Whether a game's world runs on by itself and can be slowed."""
    spec = game_spec(game)
    return spec.realtime and spec.can_be_slowed


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    """Go through a course, or go on with one."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.pretraining.dagger", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder of the recordings")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--game", default="luanti")
    parser.add_argument("--instruction", action="append", required=True, help="may be repeated")
    parser.add_argument("--minutes", type=float, default=90.0, help="training time in all")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of practice")
    parser.add_argument("--episodes", type=int, default=8, help="of each sentence in a round")
    parser.add_argument("--real-time", action="store_true", help="do not slow the game's time")
    parser.add_argument(
        "--from", dest="start_from", type=Path, help="weights to start from (the default model's)"
    )
    parser.add_argument("--rate", type=float, default=CloneConfig().learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    course = Course(
        rounds=given.rounds,
        train_s=given.minutes * 60,
        episodes=given.episodes,
        config=CloneConfig(seed=given.seed, learning_rate=given.rate),
    )
    try:
        run_course(
            given.data,
            given.out,
            given.start_from or default_checkpoint(),
            course,
            given.instruction,
            lambda: open_game(given.game, slowed=not given.real_time and _to_slow(given.game)),
            _say,
            ways_to_say(given.game),
        )
    except KnownError as error:
        sys.stderr.write(error.sentence + "\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
