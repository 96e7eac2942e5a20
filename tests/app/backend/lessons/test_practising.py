"""What the window offers to practise."""

from __future__ import annotations

from pathlib import Path

from toy_game import TASKS

from app.backend.lessons.practising import to_practise
from app.backend.ports import LessonFacts, TeachFacts
from recorder.store import Reader, Store


def test_what_was_shown_is_offered_if_the_game_judges_it(tmp_path: Path) -> None:
    said = TASKS[0].instruction
    lessons = tuple(LessonFacts(n, each, 1.0) for n, each in enumerate((said, "dance", said)))
    with Store.open(tmp_path) as store:
        store.add_round()
    with Reader.open(tmp_path) as reader:
        facts = TeachFacts(lessons=lessons)
        assert to_practise(TASKS, reader.rounds(), facts, lambda _said: False) == (said,)
        by_eye = to_practise(TASKS, reader.rounds(), facts, lambda each: each == "dance")
    assert by_eye == (said, "dance")
