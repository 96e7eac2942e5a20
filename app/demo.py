"""The whole loop on the embedded game, without a window and without a person.

A scripted teacher sits at the keyboard: it shows the lesson, takes over where the agent
goes wrong, and one round learns from both.  Whatever comes out is shown.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from app.headless import attempt
from app.person import Demonstrator, Watcher
from app.session.parts import Player, store_recording
from app.session.session import LiveSession
from model.episode import EpisodeLoop, run_episode
from model.paths import default_checkpoint
from model.runner import LockStepRunner
from recorder.clock import ManualClock, MonotonicClock
from recorder.games import open_game, task_list
from recorder.games.base import Task
from recorder.store import Store
from recorder.types import Frame, RGBImage, Tick
from trainer.evaluate import Question, evaluate
from trainer.players import PlayerSpec, make_policy
from trainer.progress import Message, Step
from trainer.round_client import FIRST_PAIRED_SEED, RoundClient, RoundResult

QUICK_CANDIDATES = ("pick_up:medkit", "go_to:barrel", "shoot:zombie")
LOOK_SEED = 3_000_000
LESSON_SEED = 4_000_000
FILM_FRAMES = 8


@dataclass(frozen=True, slots=True)
class DemoSize:
    """How much of everything: seeds a candidate, demonstrations, corrections, pairs, steps."""

    seeds: int
    demonstrations: int
    corrections: int
    pairs: int
    steps: int


QUICK = DemoSize(seeds=4, demonstrations=6, corrections=2, pairs=12, steps=60)
FULL = DemoSize(seeds=6, demonstrations=10, corrections=4, pairs=40, steps=160)


@dataclass(slots=True, eq=False)
class DemoResult:
    """What happened; ``films`` maps "before" and "after" to pictures of one start."""

    lesson: Task
    looked: dict[str, tuple[int, int]]
    demonstrations: int
    corrections: int
    person_ticks: int
    round: RoundResult
    losses: list[tuple[int, float, float | None]] = field(default_factory=list)
    films: dict[str, tuple[RGBImage, ...]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class _Camera:
    """Keeps the frames of an episode."""

    def __init__(self) -> None:
        self.frames: list[RGBImage] = []

    def on_start(self, start: object) -> None:
        """Begin anew."""
        self.frames = []

    def on_instruction(self, tick: int, text: str) -> None:
        """Nothing to see."""

    def on_tick(self, tick: Tick) -> None:
        """Keep the picture."""
        self.frames.append(tick.frame.rgb)

    def on_end(self, end: object) -> None:
        """Nothing to see."""


def run_demo(data: Path, *, quick: bool, say: Callable[[str], None]) -> DemoResult:
    """Do it all in the data folder ``data`` (a fresh one); returns what came out."""
    from model.vla import check_checkpoint

    # Said before anything plays: the players load it in processes of their own.
    check_checkpoint(default_checkpoint())
    size = QUICK if quick else FULL
    marks = {"start": time.monotonic()}
    base = PlayerSpec("base", default_checkpoint())
    lesson, looked = _choose_lesson(base, size, quick=quick, say=say)
    marks["choosing the lesson"] = time.monotonic()
    with Store.open(data) as store:
        person_ticks, corrections = _teach(store, base, lesson, size, say)
        marks["teaching"] = time.monotonic()
        losses: list[tuple[int, float, float | None]] = []
        trained: list[float] = []

        def hear(message: Message) -> None:
            if isinstance(message, Step):
                losses.append((message.step, message.loss, message.held_out))
                if message.step % 20 == 0:
                    say(f"learning: step {message.step} of {message.steps}")
            elif message.kind == "done":
                trained.append(time.monotonic())
            elif message.kind in ("stage", "gate"):
                say(getattr(message, "sentence", ""))

        result = RoundClient(data, store, default_checkpoint()).run(
            "kind:demonstration kind:rollout",
            questions=[Question(lesson)],
            paired_seeds=size.pairs,
            max_steps=size.steps,
            say=hear,
            measure_failed=True,
        )
        marks["round: training and offline gates"] = trained[0] if trained else time.monotonic()
        marks["round: paired play"] = time.monotonic()
    say(result.sentence)
    films = {"before": _film(base, lesson)}
    if result.adapter is not None:
        films["after"] = _film(PlayerSpec("after", default_checkpoint(), result.adapter), lesson)
    names = list(marks)
    seconds = {name: round(marks[name] - marks[before], 1) for before, name in pairwise(names)}
    return DemoResult(
        lesson, looked, size.demonstrations, corrections, person_ticks, result, losses, films,
        seconds,
    )  # fmt: skip


def _choose_lesson(
    base: PlayerSpec, size: DemoSize, *, quick: bool, say: Callable[[str], None]
) -> tuple[Task, dict[str, tuple[int, int]]]:
    """Play the candidates a few times; the one it can least is the lesson."""
    tasks = task_list("doom")
    candidates = [task for task in tasks if not quick or task.id in QUICK_CANDIDATES]
    say(f"Looking what it can: {len(candidates)} tasks, {size.seeds} starts each.")
    seeds = range(LOOK_SEED, LOOK_SEED + size.seeds)
    results = evaluate(base, "doom", [Question(task) for task in candidates], seeds)
    looked = {
        task.instruction: (
            sum(r.success for r in results if r.task_id == task.id),
            size.seeds,
        )
        for task in candidates
    }
    lesson = min(candidates, key=lambda task: looked[task.instruction][0])
    good, n = looked[lesson.instruction]
    say(f'The lesson is "{lesson.instruction}": {good} of {n} so far.')
    return lesson, looked


def _teach(
    store: Store, base: PlayerSpec, lesson: Task, size: DemoSize, say: Callable[[str], None]
) -> tuple[int, int]:
    """Show the lesson and correct the agent; return (ticks of the person, takeovers)."""
    person_ticks = takeovers = 0
    text = lesson.instruction
    with contextlib.ExitStack() as stack:
        game = open_game("doom")
        session_id, recording = store_recording(store, game, wait_when_full=True)
        stack.callback(store.end_session, session_id)
        clock = ManualClock(MonotonicClock().now_ns())
        teacher = make_policy(PlayerSpec("teacher"), game)
        person = Demonstrator(teacher, game.bindings, clock)
        hands = [person.hands]

        def drive(frame: Frame) -> None:
            hands[0](frame)

        session = LiveSession(
            game,
            player=Player(make_policy(base, game)),
            make_recording=recording,
            make_runner=LockStepRunner,
            clock=clock,
            idle_handback_s=None,
            threaded=False,
            hands=drive,
        )
        stack.callback(session.close)
        session.start()
        watcher = Watcher(person, session)

        def show() -> None:
            person.sit_down(session, text)
            session.demonstrate(text)

        def watch() -> None:
            watcher.sit_down(session, text)
            session.play(text)

        for seed in range(LESSON_SEED, LESSON_SEED + size.demonstrations):
            done = attempt(session, show, seed=seed)
            person_ticks += done.ticks
        say(f"Shown {size.demonstrations} times, {person_ticks} ticks in all.")
        hands[0] = watcher.hands
        first = LESSON_SEED + size.demonstrations
        for seed in range(first, first + size.corrections):
            done = attempt(session, watch, seed=seed)
            if watcher.took_over_at is not None:
                takeovers += 1
                person_ticks += done.ticks - watcher.took_over_at
        say(f"Watched {size.corrections} attempts and took over in {takeovers} of them.")
    store.wait()
    return person_ticks, takeovers


def _film(player: PlayerSpec, lesson: Task) -> tuple[RGBImage, ...]:
    """Return pictures of the first paired start as ``player`` plays it."""
    game = open_game("doom")
    camera = _Camera()
    try:
        runner = LockStepRunner(make_policy(player, game))
        loop = EpisodeLoop(game, runner, policy_name=player.name, observers=(camera,))
        run_episode(loop, lesson, FIRST_PAIRED_SEED)
    finally:
        game.close()
    count = len(camera.frames)
    picked = [camera.frames[i * (count - 1) // (FILM_FRAMES - 1)] for i in range(FILM_FRAMES)]
    return tuple(picked)
