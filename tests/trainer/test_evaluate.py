from __future__ import annotations

from recorder.games.doom.tasks import TASKS
from recorder.types import Outcome
from trainer.evaluate import Played, Question, evaluate, summarise
from trainer.players import PlayerSpec

TORCH = Question(TASKS[0])


def test_the_teacher_succeeds_idle_never_and_results_resume() -> None:
    heard: list[Played] = []
    spec = PlayerSpec("teacher")
    first = evaluate(spec, "doom", [TORCH], range(2), workers=1, on_played=heard.append)
    assert [result.success for result in first] == [True, True]
    known = {(r.task_id, r.heard, r.seed): r for r in first}
    heard.clear()
    again = evaluate(
        spec, "doom", [TORCH], range(3), workers=1, known=known, on_played=heard.append
    )
    assert [r.seed for r in heard] == [2]
    assert again[:2] == first
    idle = evaluate(PlayerSpec("idle"), "doom", [TORCH], range(2), workers=1)
    assert [result.outcome for result in idle] == [Outcome.TIMEOUT, Outcome.TIMEOUT]


def test_random_play_is_the_same_twice_and_over_processes() -> None:
    spec = PlayerSpec("random")
    one = evaluate(spec, "doom", [TORCH], range(3), workers=1)
    two = evaluate(spec, "doom", [TORCH], range(3), workers=2)
    assert [(r.outcome, r.ticks) for r in one] == [(r.outcome, r.ticks) for r in two]


def test_the_document_counts_by_instruction() -> None:
    rows = [
        Played("a", "go", 1, Outcome.SUCCESS, 10, 0.5),
        Played("a", "go", 2, Outcome.TIMEOUT, 30, 1.5),
        Played("b", "shoot", 1, Outcome.FAILURE, 10, 0.5),
    ]
    document = summarise("x", rows, stepping="lock_step")
    assert (document["n"], document["success"]) == (3, 1)
    assert document["by_instruction"]["go"]["success_rate"] == 0.5
    assert document["by_instruction"]["shoot"]["outcomes"] == {"failure": 1}
    assert document["ticks_per_s"] == 20.0
    low, high = document["interval"]
    assert 0 < low < 1 / 3 < high < 1
