"""Measuring: the same starts give the same successes, and nothing is left behind."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_game import TASKS as TOY_TASKS
from toy_game import TOY, ToyGame, WalkPolicy

import trainer.evaluation.run as running
import trainer.evaluation.worker as measuring
from recorder.errors import GameError, GameSuspendedError
from recorder.games import registry, task_list
from recorder.games.base import Asked
from recorder.games.doom.tasks import TASKS
from recorder.games.seeds import SeedRange
from recorder.store.rows import Stepping
from recorder.types import Action, Frame, Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate, evaluate_pair
from trainer.evaluation.starts import Attempt, AttemptKey, Start, StartKey, starts_of
from trainer.evaluation.summary import summarise
from trainer.evaluation.worker import EvaluationWorker

TORCH = Asked(TASKS[0])


def torch(*seeds: int) -> list[Start]:
    return starts_of([TORCH], seeds)


def test_the_expert_succeeds_idle_never_and_results_resume() -> None:
    heard: list[Attempt] = []
    spec = PlayerSpec("expert")
    first = evaluate(spec, "doom", torch(0, 1), workers=1, on_played=heard.append)
    assert [result.success for result in first] == [True, True]
    known = {each.key.start: each for each in first}
    heard.clear()
    again = evaluate(spec, "doom", torch(0, 1, 2), workers=1, known=known, on_played=heard.append)
    assert [r.seed for r in heard] == [2]
    assert again[:2] == first
    idle = evaluate(PlayerSpec("idle"), "doom", torch(0), workers=1)
    assert [result.outcome for result in idle] == [Outcome.TIMEOUT]


def test_random_play_is_the_same_twice_and_over_processes() -> None:
    spec = PlayerSpec("random")
    one = evaluate(spec, "doom", torch(0, 1), workers=1)
    two = evaluate(spec, "doom", torch(0, 1), workers=2)
    assert [(r.outcome, r.ticks) for r in one] == [(r.outcome, r.ticks) for r in two]


def attempt(
    task: str, heard: str, seed: int, outcome: Outcome, ticks: int, seconds: float | None
) -> Attempt:
    start = StartKey(task, heard, seed)
    return Attempt(
        AttemptKey("x", "doom", start, Stepping.LOCK_STEP, "play"), outcome, ticks, seconds
    )


def test_what_nobody_judged_is_no_failure() -> None:
    rows = [
        attempt("a", "go", 1, Outcome.SUCCESS, 10, None),
        attempt("free", "dance", 1, Outcome.UNKNOWN, 350, None),
        attempt("free", "dance", 2, Outcome.INTERRUPTED, 3, None),
    ]
    document = summarise("x", rows, stepping="lock_step", verbs={"a": "go"})
    assert (document["n"], document["success"], document["unjudged"]) == (1, 1, 2)
    assert document["success_rate"] == 1.0
    nobody = document["by_instruction"]["dance"]
    assert (nobody["n"], nobody["unjudged"], nobody["success_rate"]) == (0, 2, None)
    assert nobody["interval"] == [0.0, 1.0]
    assert document["ticks_per_s"] == 0.0
    assert summarise("x", rows[1:], stepping="lock_step")["wrong_rate"] is None


def test_a_pair_is_not_judged_on_what_may_have_been_learnt(tmp_path: Path) -> None:
    player = PlayerSpec("before", tmp_path)
    for seed in (SeedRange.TEACHING.first, SeedRange.TRAINING.last, SeedRange.PRACTICE.first):
        starts = torch(SeedRange.VERDICT.first, seed)
        with pytest.raises(ValueError, match=f"seed {seed} may not judge"):
            evaluate_pair(player, player, "doom", [starts], lambda *_heard: None)


def test_the_document_counts_by_instruction() -> None:
    rows = [
        attempt("a", "go", 1, Outcome.SUCCESS, 10, 0.5),
        attempt("a", "go", 2, Outcome.TIMEOUT, 30, 1.5),
        attempt("b", "shoot", 1, Outcome.FAILURE, 10, 0.5),
    ]
    document = summarise("x", rows, stepping="lock_step")
    assert (document["n"], document["success"]) == (3, 1)
    assert document["by_instruction"]["go"]["success_rate"] == 0.5
    assert document["by_instruction"]["shoot"]["outcomes"] == {"failure": 1}
    assert document["ticks_per_s"] == 20.0
    low, high = document["interval"]
    assert 0 < low < 1 / 3 < high < 1


PATIENCE_S = 30.0
"""Only a failing test waits this long."""

PLAYS_ON = """
import multiprocessing as mp
from recorder.games.doom.tasks import TASKS
from recorder.games.base import Asked
from trainer.evaluation import run
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import starts_of
from trainer.evaluation.players import PlayerSpec
run.player_context = lambda loads: mp.get_context({method!r})
evaluate(
    PlayerSpec("idle"), "doom", starts_of([Asked(TASKS[0])], range(5000)), workers=2,
    on_played=lambda played: print("played", flush=True),
)
"""


def children(process: int) -> dict[int, int]:
    """Return every descendant of ``process`` with its time of birth, from Linux's own list."""
    parents: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (facts := facts_of(int(entry.name))) is not None:
            parents[int(entry.name)] = facts
    found: dict[int, int] = {}
    fresh = {process}
    while fresh:
        fresh = {pid for pid, (parent, _) in parents.items() if parent in fresh}
        found |= {pid: parents[pid][1] for pid in fresh}
    return found


def facts_of(process: int) -> tuple[int, int] | None:
    """Return (parent, time of birth), or None for one that is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # The command stands in brackets and may hold anything; what follows is in order.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[19]))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's process list")
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_killed_measurement_leaves_no_process_behind(method: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PLAYS_ON.format(method=method)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        for _ in range(3):
            assert parent.stdout.readline() == b"played\n"
        family = children(parent.pid)
        parent.kill()
    # Two workers and their two engines at least.
    assert len(family) >= 4
    until = time.monotonic() + PATIENCE_S
    while True:
        left = [
            pid
            for pid, born in family.items()
            if (facts := facts_of(pid)) is not None and facts[1] == born
        ]
        if not left or time.monotonic() > until:
            break
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def kill_workers(spared: dict[int, int]) -> None:
    """Kill every worker process of ours but those ``spared``."""
    for pid in children(os.getpid()).keys() - spared.keys():
        # One that an earlier signal has ended may be gone already.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[ProcessPoolExecutor]:
    """Return a list of the pools of worker processes that are made."""
    made: list[ProcessPoolExecutor] = []

    class ListedPool(ProcessPoolExecutor):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            made.append(self)

    monkeypatch.setattr(running, "ProcessPoolExecutor", ListedPool)
    return made


linux_only = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="reads Linux's process list"
)


@pytest.mark.long(7, "processes with an engine each are killed and started three times")
@linux_only
def test_after_a_worker_was_killed_what_is_missing_is_played_and_nothing_twice(
    pools: list[ProcessPoolExecutor],
) -> None:
    before = children(os.getpid())
    heard: Counter[int] = Counter()

    def on_played(played: Attempt) -> None:
        heard[played.seed] += 1
        # More often in all than may be in a row; of two that are heard at once one kill counts.
        if len(pools) <= 1 + running.MOST_DEATHS:
            kill_workers(before)

    # The expert is done with a start soon.
    spec = PlayerSpec("expert")
    played = evaluate(spec, "doom", torch(*range(14)), workers=2, on_played=on_played)
    assert heard == Counter(range(14))
    assert [each.seed for each in played] == list(range(14))
    assert len(pools) > 1 + running.MOST_DEATHS


@linux_only
def test_the_next_look_is_asked_for_when_what_a_killed_worker_owed_was_heard() -> None:
    before = children(os.getpid())
    player = PlayerSpec("expert")
    heard: list[tuple[str, int]] = []
    at_look: list[int] = []
    first = SeedRange.VERDICT.first

    def looks() -> Iterator[list[Start]]:
        for look in range(2):
            at_look.append(len(heard))
            yield torch(first + 2 * look, first + 2 * look + 1)

    def on_played(side: str, played: Attempt) -> None:
        heard.append((side, played.seed))
        if len(heard) == 1:
            kill_workers(before)

    evaluate_pair(player, player, "doom", looks(), on_played, workers=2)
    assert at_look == [0, 4]
    assert sorted(heard) == sorted(itertools.product(("before", "after"), range(first, first + 4)))


@linux_only
def test_workers_that_die_again_and_again_end_the_measurement_in_a_sentence(
    pools: list[ProcessPoolExecutor],
) -> None:
    before = children(os.getpid())
    over = threading.Event()

    def kill_all() -> None:
        while not over.wait(0.02):
            kill_workers(before)

    killer = threading.Thread(target=kill_all)
    killer.start()
    heard: list[Attempt] = []
    try:
        with pytest.raises(GameError, match="died again and again"):
            evaluate(
                PlayerSpec("idle"), "doom", torch(*range(9)), workers=2, on_played=heard.append
            )
    finally:
        over.set()
        killer.join()
    assert heard == []
    assert len(pools) == 1 + running.MOST_DEATHS


def test_a_game_that_cannot_be_opened_in_a_worker_is_told_by_its_own_sentence(
    pools: list[ProcessPoolExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Workers inherit it.
    monkeypatch.setenv("PLAYTEACH_MINECRAFT_PYTHON", "/nowhere/python")
    asked = [Asked(task_list("minerl")[0])]
    with pytest.raises(GameError, match="so Minecraft is not there"):
        evaluate(PlayerSpec("idle"), "minerl", starts_of(asked, range(3)), workers=2)
    assert len(pools) == 1


SET_LATER = """
import multiprocessing as mp
import os
from multiprocessing import forkserver
from recorder.errors import GameError
from recorder.games import task_list
from recorder.games.base import Asked
from trainer.evaluation import run
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import starts_of
run.player_context = lambda loads: mp.get_context("forkserver")
forkserver.ensure_running()
os.environ["PLAYTEACH_MINECRAFT_PYTHON"] = "/nowhere/python"
try:
    asked = [Asked(task_list("minerl")[0])]
    run.evaluate(PlayerSpec("idle"), "minerl", starts_of(asked, range(3)), workers=2)
except GameError as error:
    print(error.sentence)
"""


PLAYS_TWO = """
import multiprocessing as mp
from recorder.games.base import Asked
from recorder.games.doom.tasks import TASKS
from trainer.evaluation import run
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import starts_of
run.player_context = lambda loads: mp.get_context("forkserver")
run.evaluate(PlayerSpec("random"), "doom", starts_of([Asked(TASKS[0])], range(2)), workers=2)
"""


@linux_only
def test_a_copied_worker_closes_its_game_at_its_end(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", PLAYS_TWO], check=True, timeout=120, env=environment)
    assert not list(tmp_path.glob("playteach-doom-*"))


@linux_only
def test_a_copied_worker_has_the_environment_of_now() -> None:
    told = subprocess.run(
        [sys.executable, "-c", SET_LATER], capture_output=True, text=True, check=True
    )
    assert "Python cannot be started (No such file" in told.stdout


def test_stopping_early_is_heard_at_once() -> None:
    heard: list[Attempt] = []

    def stop(played: Attempt) -> None:
        heard.append(played)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(PlayerSpec("idle"), "doom", torch(*range(500)), workers=2, on_played=stop)
    assert len(heard) == 1


class CrowdedGame(ToyGame):
    """A game that loses the keyboard to another window in its first ``times`` attempts."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def step(self, action: Action) -> Frame:
        if len(self.resets) <= self.times and len(self.actions) == 2:
            raise GameSuspendedError("The game's window does not have the focus.")
        return super().step(action)


def test_an_attempt_that_another_window_interrupts_is_played_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "AGAIN_S", 0.0)
    monkeypatch.setattr(measuring, "make_policy", lambda *_args, **_kwargs: WalkPolicy())
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, TOY))
    start = Start(TOY_TASKS[0], "walk", 3)
    for times in (2, measuring.TRIES):
        game = CrowdedGame(times)
        monkeypatch.setattr(measuring, "open_game", lambda *_args, game=game, **_kwargs: game)
        if times < measuring.TRIES:
            played = evaluate(PlayerSpec("walk"), "toy", [start], workers=1)
            assert [each.outcome for each in played] == [Outcome.SUCCESS]
            assert game.resets == [(start.task.id, 3)] * (times + 1)
        else:
            with pytest.raises(GameSuspendedError):
                evaluate(PlayerSpec("walk"), "toy", [start], workers=1)
        assert game.closed


@pytest.mark.parametrize("realtime", [True, False])
def test_the_persons_screen_is_not_the_games_own_time(
    realtime: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A game in a window of its own is played one at a time; one in real time is paced."""
    spec = replace(TOY, name="other", title="Other", realtime=realtime, own_window=not realtime)
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, spec))
    monkeypatch.setattr(measuring, "open_game", lambda *_args, **_kwargs: ToyGame())
    monkeypatch.setattr(measuring, "make_policy", lambda *_args, **_kwargs: WalkPolicy())
    made: list[tuple[bool, int | None]] = []

    def worker(*args: Any, paced: bool, threads: int | None, **rest: Any) -> EvaluationWorker:
        made.append((paced, threads))
        return EvaluationWorker(*args, paced=paced, threads=threads, **rest)

    monkeypatch.setattr(running, "EvaluationWorker", worker)
    starts = [Start(TOY_TASKS[0], "walk", seed) for seed in range(3)]
    played = evaluate(PlayerSpec("walk"), "other", starts, workers=2)
    assert [each.success for each in played] == [True] * 3
    # Its own program draws beside the model only if it has a window of its own.
    assert made == [(realtime, None if realtime else 1)]
    stepping = Stepping.PACED if realtime else Stepping.LOCK_STEP
    assert {each.key.stepping for each in played} == {stepping}
