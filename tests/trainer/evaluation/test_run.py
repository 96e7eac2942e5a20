"""Measuring: the same starts give the same successes, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_game import TASKS as TOY_TASKS
from toy_game import ToyGame, WalkPolicy

import trainer.evaluation.worker as measuring
from recorder.errors import GameError, GameSuspendedError
from recorder.games.base import Asked
from recorder.games.doom.tasks import TASKS
from recorder.games.seeds import SeedRange
from recorder.store.rows import Stepping
from recorder.types import Action, Frame, Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate, evaluate_pair
from trainer.evaluation.starts import Attempt, AttemptKey, Start, StartKey, starts_of
from trainer.evaluation.summary import summarise

TORCH = Asked(TASKS[0])


def torch(*seeds: int) -> list[Start]:
    return starts_of([TORCH], seeds)


def test_the_teacher_succeeds_idle_never_and_results_resume() -> None:
    heard: list[Attempt] = []
    spec = PlayerSpec("teacher")
    first = evaluate(spec, "doom", torch(0, 1), workers=1, on_played=heard.append)
    assert [result.success for result in first] == [True, True]
    known = {each.key.start: each for each in first}
    heard.clear()
    again = evaluate(spec, "doom", torch(0, 1, 2), workers=1, known=known, on_played=heard.append)
    assert [r.seed for r in heard] == [2]
    assert again[:2] == first
    idle = evaluate(PlayerSpec("idle"), "doom", torch(0, 1), workers=1)
    assert [result.outcome for result in idle] == [Outcome.TIMEOUT, Outcome.TIMEOUT]


def test_random_play_is_the_same_twice_and_over_processes() -> None:
    spec = PlayerSpec("random")
    one = evaluate(spec, "doom", torch(0, 1, 2), workers=1)
    two = evaluate(spec, "doom", torch(0, 1, 2), workers=2)
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
from recorder.games.doom.tasks import TASKS
from recorder.games.base import Asked
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import starts_of
from trainer.evaluation.players import PlayerSpec
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
def test_a_killed_measurement_leaves_no_process_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PLAYS_ON], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
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


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's process list")
def test_a_killed_worker_ends_the_measurement_in_a_sentence() -> None:
    before = children(os.getpid())

    def kill(_played: Attempt) -> None:
        for pid in children(os.getpid()).keys() - before.keys():
            # One that this very loop's earlier signal has ended may be gone already.
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    with pytest.raises(GameError, match="died"):
        evaluate(PlayerSpec("idle"), "doom", torch(*range(50)), workers=2, on_played=kill)


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
