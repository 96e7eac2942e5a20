"""What can be practised."""

from __future__ import annotations

from pathlib import Path

import pytest
from lessons import begin, record_attempt

from model.paths import default_checkpoint
from model.vla.play_options import PlayOptions
from recorder.errors import ModelError, UsageError
from recorder.games import task_list
from recorder.games.base import free_task
from recorder.store import LabelSource, Store
from recorder.types import Driver, Outcome
from trainer.practice.fit import practicable, unfit


def test_a_small_model_that_sees_one_picture_practises_in_the_yard(tmp_path: Path) -> None:
    base = default_checkpoint()
    assert unfit("doom", tmp_path, base, PlayOptions()) == ""
    assert "looks back" in unfit("doom", tmp_path, base, PlayOptions(history=2))
    assert "waits for every answer" in unfit("luanti", tmp_path, base, PlayOptions())
    with pytest.raises(ModelError):
        unfit("doom", tmp_path, tmp_path, PlayOptions())
    with pytest.raises(UsageError):
        unfit("no game", tmp_path, base, PlayOptions())


def asked(data: Path, *said: str) -> list[tuple[str, str]]:
    found = practicable(data, "doom", default_checkpoint(), task_list("doom", data), said)
    return [(each.task.id, each.heard) for each in found]


def test_each_sentence_is_with_the_task_that_judges_it(tmp_path: Path) -> None:
    said = ("shoot the imp", "use your gun on the barrel")
    assert asked(tmp_path, *said) == [("shoot:imp", said[0]), ("shoot:barrel", said[1])]
    assert asked(tmp_path) == []
    with pytest.raises(UsageError, match="A sentence to practise is empty"):
        asked(tmp_path, "shoot the imp", " ")


def test_what_nobody_judges_is_practised_if_enough_of_it_is_marked(tmp_path: Path) -> None:
    said = "dance wildly"
    with pytest.raises(UsageError, match=r"“dance wildly”.*Mark 4 .* done and 4 as failed"):
        asked(tmp_path, "shoot the imp", said)
    with Store.open(tmp_path) as store:
        session = begin(store, "doom")
        for seed in range(8):
            outcome = Outcome.SUCCESS if seed < 4 else Outcome.FAILURE
            number = record_attempt(
                store, session, [(Driver.POLICY, 5)], seed=seed, task=free_task(said)
            )
            if seed == 7:
                with pytest.raises(UsageError, match="Mark 1 more as failed of its own attempts"):
                    asked(tmp_path, said)
            store.set_label(number, outcome, LabelSource.PERSON)
    assert asked(tmp_path, said) == [("free", said)]
