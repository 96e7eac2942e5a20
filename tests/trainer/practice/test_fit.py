"""What can be practised."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.paths import default_checkpoint
from model.vla.play_options import PlayOptions
from recorder.errors import ModelError, UsageError
from recorder.games import task_list
from trainer.practice.fit import judged, unfit


def test_a_small_model_that_sees_one_picture_practises_in_the_yard(tmp_path: Path) -> None:
    base = default_checkpoint()
    assert unfit("doom", tmp_path, base, PlayOptions()) == ""
    assert "looks back" in unfit("doom", tmp_path, base, PlayOptions(history=2))
    assert "waits for every answer" in unfit("luanti", tmp_path, base, PlayOptions())
    with pytest.raises(ModelError):
        unfit("doom", tmp_path, tmp_path, PlayOptions())
    with pytest.raises(UsageError):
        unfit("no game", tmp_path, base, PlayOptions())


def test_each_sentence_is_with_the_task_that_judges_it(tmp_path: Path) -> None:
    tasks = task_list("doom", tmp_path)
    said = ("shoot the imp", "use your gun on the barrel")
    found = judged(tasks, said)
    assert [(task.id, sentence) for task, sentence in found] == [
        ("shoot:imp", said[0]),
        ("shoot:barrel", said[1]),
    ]
    assert judged(tasks, ()) == []
    with pytest.raises(UsageError, match="“dance wildly”"):
        judged(tasks, (said[0], "dance wildly"))
