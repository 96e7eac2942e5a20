"""The whole loop on the embedded game or in Luanti, without our window and without a person.

A scripted expert sits at the keyboard: it shows the lesson, takes over where the agent
goes wrong, and one round learns from both.  In Luanti, whose window is a real one, it only
corrects, and the game's time is slowed where that is installed.  Whatever comes out is shown.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from app.automation.headless import attempt, played_anew
from app.automation.scripted_user import ScriptedUser, Watcher
from app.session.control_loop import LiveSession
from app.session.wiring import Player, clock_of, store_recording
from model.language.prompts import clean_instruction
from model.paths import default_checkpoint
from model.play.episode import EpisodeLoop, run_episode
from model.play.runner import BackgroundRunner, LockStepRunner
from model.torch_state import torch_threads
from recorder.clock import Clock, ManualClock, MonotonicClock, Pacer
from recorder.errors import UsageError
from recorder.games import (
    DEFAULT_GAME,
    DEFAULT_SUITE,
    GameSpec,
    all_games,
    game_spec,
    open_game,
    required_task,
    suites_of,
    task_list,
)
from recorder.games.base import Asked, Game, OwnWindowGame, Task
from recorder.games.seeds import SeedRange
from recorder.store import Reader, Store
from recorder.types import Frame, RGBImage, Tick
from trainer.evaluation.players import PlayerSpec, make_policy
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import starts_of
from trainer.rounds.books import RoundResult
from trainer.rounds.client import RoundClient
from trainer.rounds.protocol import Measured, Message, Step
from trainer.rounds.round import REPLAY_EXAMPLES

FILM_FRAMES = 8


@dataclass(frozen=True, slots=True)
class DemoSize:
    """How much of everything: seeds a candidate, demonstrations, corrections, pairs, steps.

    ``replay`` is how many examples of what it could before are mixed in.
    """

    seeds: int
    demonstrations: int
    corrections: int
    pairs: int
    steps: int
    replay: int = REPLAY_EXAMPLES


QUICK = DemoSize(seeds=4, demonstrations=6, corrections=2, pairs=40, steps=60, replay=300)
FULL = DemoSize(seeds=6, demonstrations=10, corrections=4, pairs=40, steps=160)
OWN_WINDOW_QUICK = DemoSize(seeds=3, demonstrations=0, corrections=8, pairs=8, steps=60)
OWN_WINDOW = DemoSize(seeds=5, demonstrations=0, corrections=20, pairs=40, steps=160)


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


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where it all happens; ``slowed`` as in :func:`recorder.games.open_game`."""

    game: str
    base: PlayerSpec
    size: DemoSize
    slowed: bool
    quick: bool

    def open(self) -> Game:
        """Open the game anew."""
        return open_game(self.game, slowed=self.slowed)


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


def run_demo(
    data: Path,
    *,
    quick: bool,
    say: Callable[[str], None],
    game: str = DEFAULT_GAME,
    wanted: str = "",
) -> DemoResult:
    """Do it all in the data folder ``data`` (a fresh one); returns what came out.

    ``wanted`` is the sentence of the lesson, "" for one that the agent can least.  Raises
    UsageError for a game without an expert or a sentence that it cannot judge.
    """
    stage = _stage_of(game, quick=quick)
    laps = _Laps()
    lesson, looked = _choose_lesson(stage, _candidates(game, wanted, quick=quick), say)
    laps.end("choosing the lesson")
    news = _RoundNews(say)
    with Store.open(data) as store:
        person_ticks, corrections = _teach(store, stage, lesson, say)
        laps.end("teaching")
        client = RoundClient(data, store, default_checkpoint(game))
        result = _round(client, stage, lesson, news, laps)
    say(result.sentence)
    return DemoResult(
        lesson,
        looked,
        stage.size.demonstrations,
        corrections,
        person_ticks,
        result,
        news.losses,
        _films(data, stage, lesson, result),
        laps.seconds,
    )


def _stage_of(game: str, *, quick: bool) -> _Stage:
    """Return where a game's demo happens; raises UsageError for a game without an expert."""
    from model.vla.vla import check_checkpoint

    spec = game_spec(game, so="there is no demo of it")
    if not spec.expert:
        taught = ", ".join(each.name for each in all_games() if each.expert)
        raise UsageError(
            f"The game {game!r} has no expert, so there is no demo of it; choose one of: {taught}."
        )
    base = PlayerSpec("base", default_checkpoint(game))
    # Said before anything plays: the players load it in processes of their own.
    check_checkpoint(default_checkpoint(game))
    return _Stage(game, base, _size(spec, quick=quick), _to_slow(spec), quick)


class _Laps:
    """How many seconds each part took, one after the other."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.seconds: dict[str, float] = {}

    def end(self, name: str, at: float | None = None) -> None:
        """Note that a part has ended, now or ``at`` a time of the monotonic clock."""
        ended = time.monotonic() if at is None else at
        self.seconds[name] = round(ended - self._began, 1)
        self._began = ended


def _round(
    client: RoundClient, stage: _Stage, lesson: Task, news: _RoundNews, laps: _Laps
) -> RoundResult:
    """Learn from what was recorded and measure what came of it."""
    result = client.run(
        "kind:demonstration kind:rollout",
        questions=[Asked(lesson)],
        paired_seeds=stage.size.pairs,
        game=stage.game,
        slowed=stage.slowed,
        max_steps=stage.size.steps,
        replay=stage.size.replay,
        say=news.hear,
        measure_failed=True,
        old_tasks=not stage.quick,
    )
    laps.end("round: training and offline gates", news.trained_at)
    laps.end("round: paired play")
    if result.waits:
        news.say("Checking that nothing it could before is lost.")
        rest = client.check_rest(
            result.round_id, game=stage.game, slowed=stage.slowed, say=news.hear
        )
        result = result.after(rest)
    laps.end("round: what it could before")
    return result


def _films(
    data: Path, stage: _Stage, lesson: Task, result: RoundResult
) -> dict[str, tuple[RGBImage, ...]]:
    """Return pictures of a start that the round was judged by, before it and after it."""
    with Reader.open(data) as reader:
        paired = [row.seed for row in reader.evaluations(round_id=result.round_id)]
    seed = min(paired, default=SeedRange.VERDICT.first)
    films = {"before": _film(stage, stage.base, lesson, seed)}
    if result.adapter is not None:
        after = PlayerSpec("after", default_checkpoint(stage.game), result.adapter)
        films["after"] = _film(stage, after, lesson, seed)
    return films


class _RoundNews:
    """Tells what a round says, and keeps its losses and when its training was done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.losses: list[tuple[int, float, float | None]] = []
        self.trained_at: float | None = None

    def hear(self, message: Message) -> None:
        if isinstance(message, Step):
            self.losses.append((message.step, message.loss, message.held_out))
            if message.step % 20 == 0:
                self.say(f"learning: step {message.step} of {message.steps}")
        elif message.kind == "done":
            self.trained_at = self.trained_at or time.monotonic()
        elif isinstance(message, Measured):
            self.say(message.line.sentence)
        elif message.kind in ("stage", "gate"):
            self.say(getattr(message, "sentence", ""))


def _size(spec: GameSpec, *, quick: bool) -> DemoSize:
    if spec.own_window:
        return OWN_WINDOW_QUICK if quick else OWN_WINDOW
    return QUICK if quick else FULL


def _to_slow(spec: GameSpec) -> bool:
    """Whether a game's world runs on by itself and can be slowed on this machine."""
    there = spec.slow_missing is None or not spec.slow_missing()
    return spec.realtime and spec.can_be_slowed and there


def _candidates(game: str, wanted: str, *, quick: bool) -> list[Task]:
    """Return the tasks of which one becomes the lesson, each with the words it is asked in."""
    every = task_list(game)
    if wanted:
        return [_said(game, every, wanted)]
    spec = game_spec(game)
    lessons = [_said(game, every, text) for text in spec.lessons]
    # A whole suite would take too long in a window of its own, where one game plays at a time.
    if lessons and (quick or spec.own_window):
        return lessons
    tasks = [asked.task for asked in suites_of(game)[DEFAULT_SUITE]]
    asked_already = {task.instruction for task in tasks}
    return [*tasks, *(task for task in lessons if task.instruction not in asked_already)]


def _said(game: str, every: Sequence[Task], text: str) -> Task:
    """Return the task that ``text`` is a way to say, with that as its sentence."""
    said = clean_instruction(text)
    task = required_task(game, every, said, "its expert cannot teach it")
    return replace(task, instruction=said)


def _choose_lesson(
    stage: _Stage, candidates: Sequence[Task], say: Callable[[str], None]
) -> tuple[Task, dict[str, tuple[int, int]]]:
    """Play the candidates a few times; the one it can least is the lesson."""
    count = stage.size.seeds
    say(f"Looking what it can: {len(candidates)} tasks, {count} starts each.")
    # A lesson is chosen on them, so that they may not be the starts that judge it.
    seeds = SeedRange.VALIDATION.seeds(0, count)
    results = evaluate(
        stage.base, stage.game, starts_of(map(Asked, candidates), seeds), slowed=stage.slowed
    )
    looked = {
        task.instruction: (sum(r.success for r in results if r.heard == task.instruction), count)
        for task in candidates
    }
    lesson = min(candidates, key=lambda task: looked[task.instruction][0])
    good, n = looked[lesson.instruction]
    say(f'The lesson is "{lesson.instruction}": {good} of {n} so far.')
    return lesson, looked


def _teach(
    store: Store, stage: _Stage, lesson: Task, say: Callable[[str], None]
) -> tuple[int, int]:
    """Show the lesson and correct the agent; return (ticks of the user, takeovers)."""
    user_ticks = takeovers = 0
    text = lesson.instruction
    size = stage.size
    with contextlib.ExitStack() as stack:
        session, user, hands = _user_at_session(stack, store, stage)
        watcher = Watcher(user, session)

        def show() -> None:
            user.sit_down(session, text)
            session.demonstrate(text)

        def watch() -> None:
            watcher.sit_down(session, text)
            session.play(text)

        for seed in SeedRange.TEACHING.seeds(0, size.demonstrations):
            done = played_anew(session, partial(attempt, session, show, seed=seed), say)
            user_ticks += done.ticks
        if size.demonstrations:
            say(f"Shown {size.demonstrations} times, {user_ticks} ticks in all.")
        hands.move = watcher.hands
        for seed in SeedRange.TEACHING.seeds(size.demonstrations, size.corrections):
            done = played_anew(session, partial(attempt, session, watch, seed=seed), say)
            if watcher.took_over_at is not None:
                takeovers += 1
                user_ticks += done.ticks - watcher.took_over_at
        say(f"Watched {size.corrections} attempts and took over in {takeovers} of them.")
    store.wait()
    return user_ticks, takeovers


class _Hands:
    """What moves at the keyboard now: the user's own hands, or those of who watches."""

    def __init__(self, move: Callable[[Frame], None]) -> None:
        self.move = move

    def __call__(self, frame: Frame) -> None:
        self.move(frame)


def _user_at_session(
    stack: contextlib.ExitStack, store: Store, stage: _Stage
) -> tuple[LiveSession, ScriptedUser, _Hands]:
    """Start a recorded session with a scripted user at it; ``stack`` closes it."""
    game = stage.open()
    # The session closes the game too, but it may never come to a session.
    stack.callback(game.close)
    session_id, recording = store_recording(store, game, wait_when_full=True)
    stack.callback(store.end_session, session_id)
    # The expert needs no time to think, so the clock jumps from tick to tick; a game in a
    # window of its own does not wait, so there it is its own.
    own_window = isinstance(game, OwnWindowGame)
    clock: Clock | None = None if own_window else ManualClock(MonotonicClock().now_ns())
    expert = partial(make_policy, PlayerSpec("expert"))
    user = ScriptedUser(expert(game), game.bindings, clock or clock_of(game))
    hands = _Hands(user.hands)
    session = LiveSession(
        game,
        player=Player(make_policy(stage.base, game, threads=1 if own_window else None)),
        make_recording=recording,
        make_runner=BackgroundRunner if game.realtime else LockStepRunner,
        clock=clock,
        idle_handback_s=None,
        threaded=False,
        hands=hands,
        reopen=user.opens_again(stage.open, expert, own_clock=clock is None),
    )
    stack.callback(session.close)
    return session.start(), user, hands


def _film(stage: _Stage, player: PlayerSpec, lesson: Task, seed: int) -> tuple[RGBImage, ...]:
    """Return pictures of a start as ``player`` plays it."""
    game = stage.open()
    camera = _Camera()
    try:
        # As many threads as the measurement had: sums in another order are other numbers.
        with torch_threads(1):
            runner = LockStepRunner(make_policy(player, game, threads=1))
            clock = clock_of(game)
            loop = EpisodeLoop(
                game,
                runner,
                policy_name=player.name,
                observers=(camera,),
                clock=clock,
                pacer=Pacer(clock, game.tick_rate_hz) if game.realtime else None,
            )
            run_episode(loop, lesson, seed)
    finally:
        game.close()
    count = len(camera.frames)
    picked = [camera.frames[i * (count - 1) // (FILM_FRAMES - 1)] for i in range(FILM_FRAMES)]
    return tuple(picked)
