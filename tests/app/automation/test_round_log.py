"""What a round's diary makes of its messages."""

from __future__ import annotations

import time

import pytest

from app.automation.round_log import RoundDiary
from trainer.evaluation.verdicts.verdict import Part
from trainer.rounds.protocol import Done, Played


def test_the_paired_play_takes_as_long_without_the_old_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    diary = RoundDiary()
    diary.begin()
    for clock[0], message in (
        (90.0, Done("adapter", passed=True)),
        (100.0, Played(10, 80, 1, "before")),
        (112.0, Played(10, 80, 9, "after")),
        (300.0, Played(10, 600, 9, Part.OLD_TASKS.value)),
    ):
        diary.hear(message)
    assert (diary.training_s, diary.evaluation_s) == (90.0, 22.0)
