"""The ablation's table: its counts, its intervals, its Markdown."""

from __future__ import annotations

import numpy as np
import pytest

from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.starts import Attempt, AttemptKey, StartKey
from trainer.studies.ablation_table import by_task, grid, interval, lines, markdown, outcomes


def result(loss: float, **by_task: str) -> dict[str, object]:
    return {"action_loss": loss, "outcomes": by_task}


def attempt(task: str, seed: int, outcome: Outcome) -> Attempt:
    key = AttemptKey("p", "doom", StartKey(task, "", seed), Stepping.LOCK_STEP, "v")
    return Attempt(key, outcome, 1)


def test_what_nobody_judged_is_not_put_down_as_failed() -> None:
    with pytest.raises(ValueError, match="nobody judged shoot:imp on seed 3"):
        outcomes([attempt("shoot:imp", 3, Outcome.UNKNOWN)])


def test_attempts_are_kept_by_task_in_the_seeds_order() -> None:
    played = [
        attempt(task, seed, outcome)
        for task, seed, outcome in (
            ("shoot:imp", 3, Outcome.TIMEOUT),
            ("go_to:tree", 1, Outcome.TIMEOUT),
            ("shoot:imp", 1, Outcome.SUCCESS),
            ("go_to:tree", 3, Outcome.SUCCESS),
            ("shoot:imp", 2, Outcome.FAILURE),
            ("go_to:tree", 2, Outcome.SUCCESS),
        )
    ]
    kept = outcomes(played)
    assert kept == {"go_to:tree": "011", "shoot:imp": "100"}
    assert grid([kept, kept]).tolist() == [[0, 1, 1, 1, 0, 0]] * 2
    counts = by_task([{"outcomes": kept}, {"outcomes": {"shoot:imp": "110"}}])
    assert counts == {"go_to:tree": [2, 3], "shoot:imp": [3, 6]}
    with pytest.raises(ValueError, match="different tasks"):
        grid([kept, {"shoot:imp": "110110"}])
    with pytest.raises(ValueError, match="different starts"):
        grid([kept, {"go_to:tree": "0", "shoot:imp": "1"}])


def test_trainings_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    alike = (rng.random((3, 300)) < 0.5).astype(np.float64)
    low, high = interval(alike)
    assert low < alike.mean() < high
    # About twice 1.96 standard errors of 900 attempts, or somewhat more.
    assert 0.06 < high - low < 0.13
    apart = (rng.random((3, 300)) < np.array([[0.2], [0.5], [0.8]])).astype(np.float64)
    wide_low, wide_high = interval(apart)
    assert wide_high - wide_low > 3 * (high - low)
    assert interval(np.ones((2, 5))) == (1.0, 1.0)


def test_a_gain_is_over_the_first_variant_on_the_same_starts() -> None:
    table = lines(
        {
            "III only": [result(0.5, a="0011", b="0000"), result(0.25, a="0001", b="1000")],
            "II + III": [result(0.125, a="0111", b="1100")],
        }
    )
    first, second = table.values()
    assert (first["success"], first["n"], first["by_training"]) == (4, 16, [2, 2])
    assert (first["gain"], first["gain_interval"]) == (0, [0, 0])
    assert (second["success_rate"], second["gain"]) == (0.625, 0.375)
    low, high = second["gain_interval"]
    assert low < 0.375 < high <= 1
    text = markdown(table).splitlines()
    assert "4 of 16, 25.0%" in text[2]
    assert "| 2 of 8, 2 of 8 | 0.500, 0.250 |" in text[2]
    assert "| +37.5% (" in text[3]
    assert text[-1] == "| `b` | 1 of 8 | 2 of 4 |"
    assert markdown({}).count("\n") == 5
