"""Film strips of what practice counted as done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from toy_game import TASKS

from model.adapters.folders import fingerprint
from recorder.errors import DataError
from recorder.games.base import free_task
from recorder.types import Outcome
from trainer.evaluation.starts import Start
from trainer.practice.collector import Moment, Tried, Try
from trainer.practice.strips import FILE, MOST, PICTURES, Strips, read_strips


def tried(
    seed: int, outcome: Outcome = Outcome.SUCCESS, *, moments: int = 12, sentence: str = ""
) -> Tried:
    task = free_task(sentence) if sentence else TASKS[0]
    seen = tuple(
        Moment(np.full((64, 64, 3), place, np.uint8), "heard", (1,)) for place in range(moments)
    )
    last = np.full((64, 64, 3), 200, np.uint8) if outcome is Outcome.SUCCESS else None
    return Tried(Try(Start(task, sentence or task.instruction, seed), 0), outcome, 9, seen, last)


def test_a_strip_ends_with_the_attempt_and_says_who_judged(tmp_path: Path) -> None:
    strips = Strips(0)
    strips.meet([tried(7), tried(8, Outcome.TIMEOUT), tried(9, sentence="dance", moments=2)])
    strips.save(tmp_path)
    one, other = read_strips(tmp_path)
    assert (one.sentence, one.seed, one.by_eye) == (TASKS[0].instruction, 7, False)
    assert (other.sentence, other.seed, other.by_eye) == ("dance", 9, True)
    assert one.pictures.shape == (PICTURES, 32, 32, 3)
    assert [int(each[0, 0, 0]) for each in one.pictures] == [0, 3, 6, 8, 11, 200]
    assert [int(each[0, 0, 0]) for each in other.pictures] == [0, 1, 200]


def test_of_all_successes_each_is_as_likely_kept() -> None:
    kept: Counter[int] = Counter()
    for number in range(400):
        strips = Strips(number)
        for seed in range(0, 24, 4):
            strips.meet([tried(each, moments=1) for each in range(seed, seed + 4)])
        assert len(strips.kept) == MOST
        kept.update(each.seed for each in strips.kept)
    # 400 draws of 6 of 24: 100 each, give or take four standard errors.
    assert min(kept[seed] for seed in range(24)) > 65
    assert max(kept.values()) < 135


def test_a_killed_practice_draws_on_as_it_would_have(tmp_path: Path) -> None:
    whole, first = Strips(3), Strips(3)
    for each in (whole, first):
        each.meet([tried(seed, moments=1) for seed in range(20)])
    first.save(tmp_path)
    again = Strips.kept_in(tmp_path, 3)
    for each in (whole, again):
        each.meet([tried(seed, moments=1) for seed in range(20, 40)])
    assert [each.seed for each in again.kept] == [each.seed for each in whole.kept]
    # Without the file, or with a damaged one, it begins anew.
    (tmp_path / FILE).write_bytes(b"x")
    assert Strips.kept_in(tmp_path, 3).kept == Strips.kept_in(tmp_path / "no", 3).kept == []


def test_pictures_do_not_make_an_adapter_another(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    before = fingerprint(tmp_path)
    strips = Strips(0)
    strips.meet([tried(1)])
    strips.save(tmp_path)
    assert read_strips(tmp_path)
    assert fingerprint(tmp_path) == before


def test_without_a_success_there_is_nothing_and_damage_is_a_sentence(tmp_path: Path) -> None:
    strips = Strips(0)
    strips.meet([tried(1, Outcome.FAILURE)])
    strips.save(tmp_path)
    assert read_strips(tmp_path) == []
    strips.meet([tried(2)])
    strips.save(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    for damaged in (whole[:50], b"x" * 200):
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(DataError, match="cannot be read"):
            read_strips(tmp_path)
